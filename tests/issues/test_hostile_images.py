"""Hostile images and archives, rows I1 to I5 of the hardening list, through the API: refused within 1 s and 64 MiB of
extra memory, nothing stored; each with a twin that is taken."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import registries  # noqa: E402
from registries import OCI_INDEX, OCI_MANIFEST, Image, Registry, digest_of, tarball  # noqa: E402

MIB = 1 << 20
SLOWNESS = float(os.environ.get("HULL_TEST_SLOWNESS", "1"))


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture
def victim(new_engine):
    engine = new_engine()
    assert post(engine, "/images/create?fromSrc=-&repo=warm", tarball({"f": b"1"}))[0] == 200
    engine.docker("rmi", "warm")
    return engine


def post(engine, path, data):
    done = subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
                           "-H", "Content-Type: application/x-tar", "--data-binary", "@-", f"http://h/v1.48{path}"],
                          input=data, capture_output=True, timeout=120)
    text, _, code = done.stdout.decode(errors="replace").rpartition("\n")
    return int(code), text


def status(engine, key):
    text = pathlib.Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M).group(1)) << 10


def stored(engine):
    data = engine.folder / "data"
    return sorted(p.name for folder in ("blobs/sha256", "blobs/tmp", "layers", "layers/tmp")
                  for p in (data / folder).iterdir() if p.name not in ("tmp", "empty"))


def refused(engine, ask, why, seconds=1.0):
    """ask() is refused for this reason, soon, in little memory, and leaves nothing."""
    pathlib.Path(f"/proc/{engine.process.pid}/clear_refs").write_text("5")  # the peak begins anew
    before, were = status(engine, "VmRSS"), stored(engine)
    begin = time.monotonic()
    text = ask()
    took = time.monotonic() - begin
    grown = status(engine, "VmHWM") - before
    assert re.search(why, text), text[:500]
    assert took <= seconds * SLOWNESS, f"{took:.2f} s"
    assert grown <= 64 * MIB, f"{grown >> 20} MiB"
    assert stored(engine) == were
    assert engine.process.poll() is None


def imported(engine, data):
    return lambda: post(engine, "/images/create?fromSrc=-&repo=x", data)[1]


def loaded(engine, data):
    return lambda: post(engine, "/images/load", data)[1]


def pulled(engine, name):
    def ask():
        done = engine.docker("pull", name)
        assert done.returncode != 0, done
        return done.stdout + done.stderr
    return ask


def tar_with(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, target in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            entry.linkname = target or ""
            entry.mode = 0o4777
            tar.addfile(entry)
    return out.getvalue()


def layout(documents, index):
    files = {"blobs/sha256/" + digest_of(d)[7:]: d for d in documents}
    return tarball({**files, "index.json": json.dumps(index).encode()})


def descriptor(data, kind=OCI_MANIFEST):
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


def test_i1_what_leads_out_of_a_layer(victim, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("whole")
    out = str(tmp_path)
    for entries in ([("../../../../../../../" + out + "/evil", tarfile.REGTYPE, None)],
                    [("x/../../y", tarfile.REGTYPE, None)],
                    [("link", tarfile.LNKTYPE, "../../../../../../.." + str(canary))]):
        refused(victim, imported(victim, tar_with(*entries)), "leads out|does not exist|not there|no such file")
    # Through links: they stay inside.
    for entries in ([("d", tarfile.SYMTYPE, out), ("d/evil", tarfile.REGTYPE, None)],
                    [("a", tarfile.SYMTYPE, "/"), ("b", tarfile.SYMTYPE, "a" + out), ("b/evil", tarfile.REGTYPE, None)],
                    [("canary", tarfile.SYMTYPE, str(canary)), ("canary", tarfile.REGTYPE, None)],
                    [("/abs/evil", tarfile.REGTYPE, None)], [(".wh.", tarfile.REGTYPE, None)],
                    [(".wh..wh..opq", tarfile.REGTYPE, None)], [(".wh..", tarfile.REGTYPE, None)],
                    [("same", tarfile.DIRTYPE, None), ("same", tarfile.REGTYPE, None), ("same", tarfile.DIRTYPE, None)]):
        post(victim, "/images/create?fromSrc=-", tar_with(*entries))
    assert canary.read_text() == "whole" and canary.stat().st_mode & 0o7777 != 0o4777
    assert sorted(os.listdir(tmp_path)) == ["canary"]
    assert victim.hull("system", "check").returncode == 0


def test_i2_what_is_too_much(victim):
    deep = "/".join(["d"] * 400)
    refused(victim, imported(victim, tar_with((deep, tarfile.DIRTYPE, None))), "deep|too long")
    refused(victim, imported(victim, tar_with(("n" * 5000, tarfile.DIRTYPE, None))), "too long|longer")
    # A file that says it has more than a layer may have.
    header = tarfile.TarInfo("big")
    header.size = 1 << 50
    refused(victim, imported(victim, header.tobuf(tarfile.GNU_FORMAT) + b"x" * 512), "more than|larger|too large|budget")
    # Compressed a thousand times: no more memory than what is read at a time.
    pathlib.Path(f"/proc/{victim.process.pid}/clear_refs").write_text("5")
    before = status(victim, "VmRSS")
    bomb = gzip.compress(tarball({"zeros": bytes(256 * MIB)}), 9)
    assert post(victim, "/images/create?fromSrc=-&repo=zeros", bomb)[0] == 200
    assert status(victim, "VmHWM") - before <= 64 * MIB
    victim.docker("rmi", "zeros")
    # Memory stays flat while many entries come, and they are taken.
    many = tar_with(*[(f"f{i}", tarfile.DIRTYPE, None) for i in range(8000)])
    pathlib.Path(f"/proc/{victim.process.pid}/clear_refs").write_text("5")
    before = status(victim, "VmRSS")
    assert post(victim, "/images/create?fromSrc=-&repo=many", many)[0] == 200
    assert status(victim, "VmHWM") - before <= 64 * MIB


def test_i3_documents_that_are_too_large_or_odd(victim, registry):
    good = Image([tarball({"f": b"1"})], kind="oci")
    blobs = list(good.blobs.values())

    def with_manifest(text):
        return layout([*blobs, text], {"schemaVersion": 2, "manifests": [descriptor(text)]})

    deep = b'{"schemaVersion":2,"a":' + b"[" * 100000 + b"]" * 100000 + b"}"
    refused(victim, loaded(victim, with_manifest(deep)), "(?i)deep|depth|nest")
    twice = good.manifest.replace(b"{", b'{"config": {"digest": "sha256:' + b"0" * 64 + b'"},', 1)
    refused(victim, loaded(victim, with_manifest(twice)), "(?i)twice|duplicate")
    refused(victim, loaded(victim, with_manifest(good.manifest.replace(b"2,", b"NaN,", 1))), "(?i)json|syntax|invalid")
    large = good.manifest.replace(b"{", b'{"x": "' + b"y" * (5 * MIB) + b'",', 1)
    refused(victim, loaded(victim, with_manifest(large)), "missing|large")
    config = json.loads(good.config)
    config["comment"] = "y" * (5 * MIB)
    big = Image([tarball({"f": b"1"})], kind="oci")
    big.config = json.dumps(config).encode()
    big.blobs = {**{d: b for d, b in big.blobs.items() if d != big.id}, digest_of(big.config): big.config}
    big.document["config"].update(digest=digest_of(big.config), size=len(big.config))
    big.manifest = json.dumps(big.document).encode()
    refused(victim, pulled(victim, registry.put("tests/i3", "big", big)), "larger than 4 MiB", 2)
    assert victim.docker("pull", registry.put("tests/i3", "good", good)).returncode == 0  # the twin


def test_i4_documents_that_are_two_things_or_not_what_they_say(victim, registry):
    good = Image([tarball({"f": b"2"})], kind="oci")
    both = json.dumps({**json.loads(good.manifest), "manifests": [descriptor(good.manifest)]}).encode()
    blobs = list(good.blobs.values())
    refused(victim, loaded(victim, layout([*blobs, both], {"schemaVersion": 2, "manifests": [descriptor(both)]})),
            "members of an index")
    for kind in (OCI_MANIFEST, OCI_INDEX):
        wrong = layout([*blobs, both], {"schemaVersion": 2, "manifests": [descriptor(both, kind)]})
        refused(victim, loaded(victim, wrong), "members of an index|[Mm]anifest")
    sized = descriptor(good.manifest)
    sized["size"] += 1
    refused(victim, loaded(victim, layout([*blobs, good.manifest], {"schemaVersion": 2, "manifests": [sized]})), "size")
    other = Image([tarball({"f": b"3"})], kind="oci")
    mixed = {**good.document, "layers": other.layers}
    text = json.dumps(mixed).encode()
    files = layout([good.config, *other.blobs.values(), text], {"schemaVersion": 2, "manifests": [descriptor(text)]})
    refused(victim, loaded(victim, files), "diff id")
    good_files = layout([*blobs, good.manifest], {"schemaVersion": 2, "manifests": [descriptor(good.manifest)]})
    assert post(victim, "/images/load", good_files)[0] == 200  # the twin


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../../b", "a:../x", "a\x00b", "a\nb", "A", "a@sha256:../../x",
                                  "a@sha256:" + "Z" * 64, "x" * 300 + ":t", "a:" + "t" * 200])
def test_i5_names_that_are_paths(victim, name):
    import urllib.parse
    quoted = urllib.parse.quote(name, safe="")
    refused(victim, lambda: post(victim, f"/images/create?fromSrc=-&repo={quoted}", tarball({"f": b"1"}))[1],
            "(?i)invalid|must be lowercase|repository name|digest reference|too long|not be more")
    refused(victim, lambda: post(victim, f"/images/create?fromImage={quoted}&tag=x", b"")[1],
            "(?i)invalid|must be lowercase|repository name|not be more")
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": []}]).encode()
    refused(victim, loaded(victim, tarball({"c.json": config, "manifest.json": manifest})),
            "(?i)invalid|must be lowercase|repository name|not be more")
    assert victim.docker("images", "-aq").stdout == ""
