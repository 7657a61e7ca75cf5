"""Several platforms under one name: pulled, listed, run, saved, loaded, pushed, removed one by one."""
import json
import os
import subprocess
import tarfile
import urllib.parse

import pytest

import registries
from registries import Image, Registry, digest_of, tarball
from test_registry_pull import api, index_of

NEW_CLI = "/usr/local/bin/docker"
PLATFORMS = {"amd64": None, "arm64": "v8", "s390x": None}


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture
def several(engine, registry):
    """An index of three platforms at the registry; gives its name, its images and its text."""
    images = {arch: Image([tarball({**registries.busybox_files(), "arch": f"{arch} {os.urandom(4).hex()}".encode()})],
                          kind="oci", arch=arch) for arch in PLATFORMS}
    for made in images.values():
        registry.put("tests/several", "one", made)
    index = index_of(images, "oci")
    registry.put_manifest("tests/several", "v1", index, registries.OCI_INDEX)
    name = f"{registry.name}/tests/several:v1"
    yield name, images, index
    engine.docker("rmi", "-f", name, f"{name}-copy", f"{registry.name}/tests/several@{digest_of(index)}",
                  *(made.id for made in images.values()))
    assert not [i for i in json.loads(api(engine, "GET", "/v1.48/images/json?all=1")[1])
                if i["Id"] in {made.id for made in images.values()}]


def pull(engine, name, *architectures):
    for arch in architectures:
        done = engine.docker("pull", "-q", "--platform", f"linux/{arch}", name)
        assert done.returncode == 0, done.stderr


def wanted(arch, parameter="platform"):
    return f"{parameter}=" + urllib.parse.quote(json.dumps({"os": "linux", "architecture": arch}))


def manifests(engine, name):
    found = json.loads(api(engine, "GET", f"/v1.48/images/{name}/json?manifests=1")[1])
    return found["Descriptor"], {m["Descriptor"]["platform"]["architecture"]: m for m in found["Manifests"]}


def test_platforms_join_the_name_and_what_runs_here_is_meant_first(engine, several):
    name, images, index = several
    pull(engine, name, "arm64")
    assert json.loads(engine.docker("image", "inspect", name).stdout)[0]["Id"] == images["arm64"].id
    pull(engine, name, "amd64", "s390x")
    info = json.loads(engine.docker("image", "inspect", name).stdout)[0]
    assert info["Id"] == images["amd64"].id and info["RepoDigests"] == [f"{name[:-3]}@{digest_of(index)}"]
    for arch in PLATFORMS:
        status, body = api(engine, "GET", f"/v1.49/images/{name}/json?{wanted(arch)}")
        assert status == 200 and json.loads(body)["Architecture"] == arch and name in json.loads(body)["RepoTags"]
        assert engine.docker("image", "inspect", "--platform", f"linux/{arch}", name, cli=NEW_CLI).returncode == 0
        ran = engine.docker("run", "--rm", "--pull=never", f"--platform=linux/{arch}", name, "/bin/busybox", "cat",
                            "/arch", cli=NEW_CLI)
        assert ran.stdout.startswith(arch + " "), ran
    rows = [i for i in json.loads(api(engine, "GET", "/v1.48/images/json")[1]) if name in (i["RepoTags"] or [])]
    assert [r["Id"] for r in rows] == [images["amd64"].id]
    assert "Status: Image is up to date" in engine.docker("pull", name).stdout
    status, body = api(engine, "GET", f"/v1.48/images/{name}/history?{wanted('riscv64')}")
    assert status == 404 and "does not provide the specified platform (linux/riscv64)" in body


def test_manifests_and_the_tree_of_the_cli_tell_what_is_here(engine, several):
    name, images, index = several
    pull(engine, name, "amd64", "arm64")
    box = engine.docker("create", "--platform", "linux/arm64", name, cli=NEW_CLI).stdout.strip()
    try:
        target, found = manifests(engine, name)
        assert target == {"mediaType": registries.OCI_INDEX, "digest": digest_of(index), "size": len(index)}
        assert {arch: m["Available"] for arch, m in found.items()} == {"amd64": True, "arm64": True, "s390x": False}
        for arch, manifest in found.items():
            assert manifest["ID"] == images[arch].digest and manifest["Kind"] == "image"
            assert manifest["Size"]["Total"] == manifest["Size"]["Content"] + manifest["ImageData"]["Size"]["Unpacked"]
        assert found["arm64"]["ImageData"]["Containers"] == [box]
        sent = sum(map(len, images["amd64"].blobs.values())) + len(images["amd64"].manifest)
        assert found["amd64"]["Size"]["Content"] == sent
        tree = engine.docker("images", "--tree", cli=NEW_CLI)
        assert tree.returncode == 0, tree.stderr
        assert "linux/amd64" in tree.stdout and "linux/arm64/v8" in tree.stdout and "linux/s390x" in tree.stdout
        mine = next(i for i in json.loads(api(engine, "GET", "/v1.51/images/json")[1]) if name in i["RepoTags"])
        assert mine["Containers"] == 1
    finally:
        engine.docker("rm", box)


def test_a_tag_takes_all_platforms_along(engine, several):
    name, images, index = several
    pull(engine, name, "amd64", "arm64")
    for source in (name, images["amd64"].id):
        assert engine.docker("tag", source, f"{name}-copy").returncode == 0
        target, found = manifests(engine, f"{name}-copy")
        assert target["digest"] == digest_of(index) and found["arm64"]["Available"]
        gone = engine.docker("rmi", f"{name}-copy").stdout
        assert gone == f"Untagged: {name}-copy\n"
    one = json.loads(api(engine, "GET", f"/v1.49/images/{name}/json?{wanted('arm64')}")[1])
    assert one["Id"] == images["arm64"].id


def test_save_and_load_keep_index_and_platforms(engine, several, tmp_path):
    name, images, index = several
    pull(engine, name, "amd64", "arm64")
    path = tmp_path / "all.tar"
    assert engine.docker("save", "-o", path, name).returncode == 0
    with tarfile.open(path) as tar:
        top, = json.load(tar.extractfile("index.json"))["manifests"]
        assert top["digest"] == digest_of(index) and top["mediaType"] == registries.OCI_INDEX
        assert tar.extractfile("blobs/sha256/" + top["digest"][7:]).read() == index
        for arch in ("amd64", "arm64"):
            for digest, data in {**images[arch].blobs, images[arch].digest: images[arch].manifest}.items():
                assert tar.extractfile("blobs/sha256/" + digest[7:]).read() == data
        first, second = json.load(tar.extractfile("manifest.json"))
        assert first["RepoTags"] == [name] and second["RepoTags"] is None
    assert engine.docker("rmi", "-f", name).returncode == 0
    loaded = engine.docker("load", "-i", path)
    assert loaded.stdout == f"Loaded image: {name}\n", loaded
    target, found = manifests(engine, name)
    assert target["digest"] == digest_of(index)
    assert {arch: m["Available"] for arch, m in found.items()} == {"amd64": True, "arm64": True, "s390x": False}
    ran = engine.docker("run", "--rm", "--pull=never", "--platform=linux/arm64", name, "/bin/busybox", "cat", "/arch",
                        cli=NEW_CLI)
    assert ran.stdout.startswith("arm64 ")
    # Of one platform, out and in.
    one = tmp_path / "one.tar"
    assert engine.docker("save", "--platform", "linux/arm64", "-o", one, name, cli=NEW_CLI).returncode == 0
    engine.docker("rmi", "-f", name)
    assert engine.docker("load", "-i", one).stdout == f"Loaded image: {name}\n"
    assert json.loads(engine.docker("image", "inspect", name).stdout)[0]["Id"] == images["arm64"].id
    engine.docker("rmi", "-f", name)
    assert engine.hull("load", "--platform", "linux/arm64", "-i", path).returncode == 0
    assert {arch: m["Available"] for arch, m in manifests(engine, name)[1].items()} == {
        "amd64": False, "arm64": True, "s390x": False}
    # Several by name (API 1.52).
    engine.docker("rmi", "-f", name)
    assert engine.docker("load", "-i", path).returncode == 0
    status = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "-o", one, "-w", "%{http_code}",
                             f"http://h/v1.52/images/{name}/get?{wanted('amd64')}&{wanted('arm64')}"],
                            capture_output=True, text=True, timeout=60).stdout
    assert status == "200"
    with tarfile.open(one) as tar:
        assert len(json.load(tar.extractfile("manifest.json"))) == 2


def test_a_pulled_index_is_pushed_back_with_its_digest(engine, several):
    name, images, index = several
    pull(engine, name, *PLATFORMS)
    other = Registry().start()
    pushed = f"{other.name}/copied/all:x"
    try:
        engine.docker("tag", name, pushed)
        done = engine.docker("push", pushed)
        assert f"x: digest: {digest_of(index)} size: {len(index)}" in done.stdout, done
        assert other.manifest("copied/all", "x") == (index, registries.OCI_INDEX)
        for made in images.values():
            assert other.manifest("copied/all", made.digest)[0] == made.manifest
            assert all(other.has_blob("copied/all", digest) for digest in made.blobs)
        # One of them alone.
        done = engine.docker("push", "--platform", "linux/arm64", pushed, cli=NEW_CLI)
        assert f"x: digest: {images['arm64'].digest}" in done.stdout, done
        assert other.manifest("copied/all", "x")[0] == images["arm64"].manifest
    finally:
        engine.docker("rmi", "-f", pushed)
        other.stop()


def test_of_an_index_that_is_here_in_part_what_is_here_is_pushed(engine, several, registry):
    name, images, index = several
    pull(engine, name, "amd64")
    assert f"digest: {digest_of(index)}" in engine.docker("push", name).stdout  # the rest is there
    other = Registry().start()
    pushed = f"{other.name}/copied/part:x"
    try:
        engine.docker("tag", name, pushed)
        done = engine.docker("push", pushed, cli=NEW_CLI)
        assert f"x: digest: {images['amd64'].digest}" in done.stdout, done
        assert "only the available single-platform image was pushed" in done.stdout + done.stderr
        assert other.manifest("copied/part", "x")[0] == images["amd64"].manifest
        pull(engine, name, "arm64")
        engine.docker("tag", name, pushed)
        assert engine.docker("push", pushed).returncode == 0
        text, kind = other.manifest("copied/part", "x")
        assert kind == registries.OCI_INDEX
        assert [m["digest"] for m in json.loads(text)["manifests"]] == [images[a].digest for a in ("amd64", "arm64")]
    finally:
        engine.docker("rmi", "-f", pushed)
        other.stop()


def test_removal_of_one_platform_and_of_all(engine, several):
    name, images, index = several
    pull(engine, name, "amd64", "arm64", "s390x")
    box = engine.docker("create", "--platform", "linux/arm64", name, cli=NEW_CLI).stdout.strip()
    refused = engine.docker("rmi", "--platform", "linux/arm64", name, cli=NEW_CLI)
    assert refused.returncode == 1 and "is being used by stopped container" in refused.stderr
    assert "must force" in engine.docker("rmi", name).stderr
    gone = engine.docker("rmi", "--platform", "linux/s390x", name, cli=NEW_CLI)
    assert gone.returncode == 0 and f"Deleted: {images['s390x'].id}" in gone.stdout
    assert {a: m["Available"] for a, m in manifests(engine, name)[1].items()} == {
        "amd64": True, "arm64": True, "s390x": False}
    assert engine.docker("rmi", "--platform", "linux/s390x", name, cli=NEW_CLI).returncode == 1
    # The one that is meant first goes: then the name means another.
    assert engine.docker("rmi", "--platform", "linux/amd64", name, cli=NEW_CLI).returncode == 0
    assert json.loads(engine.docker("image", "inspect", name).stdout)[0]["Id"] == images["arm64"].id
    engine.docker("rm", box)
    pull(engine, name, "amd64")
    gone = engine.docker("rmi", name).stdout
    assert f"Deleted: {images['amd64'].id}" in gone and f"Deleted: {images['arm64'].id}" in gone
    assert engine.docker("image", "inspect", images["arm64"].id).returncode == 1


def test_prune_takes_unused_platforms_and_a_restart_keeps_all(new_engine, registry, several):
    name, images, index = several
    engine = new_engine()
    pull(engine, name, "amd64", "arm64")
    before = json.loads(api(engine, "GET", "/v1.48/system/df")[1])["LayersSize"]
    packed = sum(map(len, images["amd64"].blobs.values())) + sum(map(len, images["arm64"].blobs.values()))
    unpacked = sum(m["ImageData"]["Size"]["Unpacked"] for m in manifests(engine, name)[1].values())
    assert before >= unpacked + packed * 0.9  # what is kept packed counts
    engine.kill()
    engine.start()
    assert {a: m["Available"] for a, m in manifests(engine, name)[1].items()} == {
        "amd64": True, "arm64": True, "s390x": False}
    box = engine.docker("create", "--platform", "linux/arm64", name, cli=NEW_CLI).stdout.strip()
    assert "Total reclaimed space: 0B" in engine.docker("image", "prune", "-af").stdout
    engine.docker("rm", box)
    assert f"deleted: {images['arm64'].id}" in engine.docker("image", "prune", "-af").stdout
    assert json.loads(api(engine, "GET", "/v1.48/system/df")[1])["LayersSize"] == 0
    assert not os.listdir(engine.folder / "data/blobs/sha256")
