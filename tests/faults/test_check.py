"""`hull system check`: each kind of damage is found, said in a line, and mended by --repair; what is whole stays."""
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import registries  # noqa: E402
from engines import run  # noqa: E402
from registries import Image, Registry, tarball  # noqa: E402


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture
def damaged(new_engine, registry):
    """An engine with a pulled image, an imported one, a container, a volume and a network; and a check that all is well."""
    engine = new_engine()
    image = Image([tarball(registries.busybox_files()), tarball({"etc/marker": b"marker" * 1000})])
    engine.pulled = registry.put("tests/check", "v1", image)
    engine.image = image
    assert engine.docker("pull", "-q", engine.pulled).returncode == 0
    path = engine.folder / "root.tar"
    path.write_bytes(tarball({**registries.busybox_files(), "own": os.urandom(3000)}))
    assert engine.docker("import", path, "own").returncode == 0
    assert engine.docker("volume", "create", "vol").returncode == 0
    assert engine.docker("network", "create", "net").returncode == 0
    engine.box = engine.docker("run", "-d", "--name", "box", "-v", "vol:/v", "own", "/bin/busybox", "sleep",
                               "600").stdout.strip()
    assert len(engine.box) == 64
    engine.data = engine.folder / "data"
    clean(engine)
    yield engine
    engine.docker("network", "rm", "net")


def check(engine, *flags):
    done = engine.hull("system", "check", *flags)
    assert done.returncode in (0, 1) and not done.stderr, done
    *lines, last = done.stdout.splitlines()
    assert last.startswith("Checked "), done
    assert (done.returncode == 0) == ("all is well" in last or last.split(": ")[1].startswith("0 problems left")), done
    return lines


def clean(engine):
    assert check(engine) == []


def mend(engine, pattern, remedy=""):
    """Found in one line, left as it was by a mere look, mended by --repair, and then all is well."""
    for _ in range(2):
        line, = check(engine)
        assert re.search(pattern, line), line
    line, = check(engine, "--repair")
    assert re.search(pattern + ".*Mended: .*" + remedy, line), line
    clean(engine)
    assert engine.docker("inspect", "-f", "{{.State.Running}}", "box").stdout == "true\n"


def layers_of(engine, name):
    """Folders of an image's layers, bottom first."""
    import hashlib
    out, chain = [], ""
    for diff in json.loads(engine.docker("image", "inspect", name).stdout)[0]["RootFS"]["Layers"]:
        chain = diff if not chain else "sha256:" + hashlib.sha256(f"{chain} {diff}".encode()).hexdigest()
        out.append(engine.data / "layers" / chain[7:])
    return out


def sql(engine, statement, *values):
    with sqlite3.connect(engine.data / "hull.db", timeout=10) as db:
        db.execute(statement, values)


def test_a_changed_file_of_a_layer(damaged):
    marker = layers_of(damaged, damaged.pulled)[1] / "fs/etc/marker"
    marker.write_bytes(b"Marker" * 1000)
    assert check(damaged, "--quick") == []
    mend(damaged, "layer sha256:.*its files were changed", "pull them again: " + damaged.pulled)
    assert damaged.docker("image", "inspect", damaged.pulled).returncode == 1
    assert damaged.docker("pull", damaged.pulled).returncode == 0
    clean(damaged)


@pytest.mark.parametrize("part", ["fs", "recipe", ""])
def test_a_missing_part_of_a_layer(damaged, part):
    gone = layers_of(damaged, damaged.pulled)[1] / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert check(damaged, "--quick") != []
    mend(damaged, "layer sha256:.*missing on disk", "pull them again")
    assert damaged.docker("pull", damaged.pulled).returncode == 0
    clean(damaged)


def test_what_a_container_stands_on_is_said_and_left(damaged):
    (layers_of(damaged, "own")[0] / "fs/own").write_bytes(b"other")
    found = check(damaged, "--repair")
    assert len(found) == 1, found
    line = found[0]
    assert "Not mended" in line and f"container {damaged.box[:12]} was made from it" in line
    assert damaged.docker("exec", "box", "/bin/busybox", "true").returncode == 0
    damaged.docker("rm", "-f", "box")
    found = check(damaged, "--repair")
    assert len(found) == 1, found
    line = found[0]
    assert "Mended" in line
    clean(damaged)


def test_blobs(damaged):
    blobs = damaged.data / "blobs/sha256"
    packed = blobs / damaged.image.layers[1]["digest"][7:]
    packed.write_bytes(bytes([packed.read_bytes()[0] ^ 1]) + packed.read_bytes()[1:])
    mend(damaged, "blob sha256:.*its digest is", "a push packs the layer again")
    (blobs / damaged.image.layers[0]["digest"][7:]).unlink()
    mend(damaged, "blob sha256:.*missing on disk", "a push packs the layer again")
    (blobs / ("ab" * 32)).write_bytes(b"stranger")
    mend(damaged, "blob sha256:abab.*no image needs it", "removed")
    (blobs / "x.txt").write_bytes(b"stranger")
    mend(damaged, "blob x.txt: a file that is no blob", "removed")
    assert damaged.docker("push", damaged.pulled).returncode == 0


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_the_config_of_an_image(damaged, damage):
    config = damaged.data / "blobs/sha256" / damaged.image.id[7:]
    config.write_bytes(config.read_bytes() + b" ") if damage == "changed" else config.unlink()
    mend(damaged, f"image {re.escape(damaged.pulled)}.*: .*config", "pull it again")
    assert damaged.docker("pull", damaged.pulled).returncode == 0
    assert damaged.docker("run", "--rm", damaged.pulled).stdout == "from the registry\n"
    clean(damaged)


def test_strangers_among_the_layers_and_temporary_files(damaged):
    (damaged.data / "layers" / ("cd" * 32) / "fs").mkdir(parents=True)
    mend(damaged, "layer cdcd.*a folder without a record", "removed")
    for folder in ("layers/tmp/x", "blobs/tmp/x"):
        path = damaged.data / folder
        path.mkdir()
        clean(damaged)  # it may be in use
        os.utime(path, (time.time() - 90000,) * 2)
        mend(damaged, f"temporary file {folder}: nobody has touched it", "removed")


def test_records(damaged):
    image = damaged.docker("image", "inspect", "-f", "{{.Id}}", "own").stdout.strip()
    for table, key, what in (("images", image, "image"), ("refs", "docker.io/library/own:latest", "name"),
                             ("layers", None, "layer"), ("containers", damaged.box, "container"),
                             ("volumes", "vol", "volume"), ("networks", None, "network")):
        if key is None:
            sql(damaged, f"DELETE FROM {table}")
            for line in check(damaged):
                assert re.search(f"^{what} .*its record is gone", line), line
            assert check(damaged, "--repair") and check(damaged) == []
            continue
        sql(damaged, f"DELETE FROM {table} WHERE key = ?", key)
        mend(damaged, f"^{what} .*its record is gone", "written again")
        sql(damaged, f"INSERT INTO {table} VALUES (?, ?)", "no-such-" + "0" * 8, "{}")
        mend(damaged, f"^{what} no-such-.*a record (without a|of what)", "removed")
    damaged.kill()
    damaged.start()
    clean(damaged)
    assert damaged.docker("inspect", "-f", "{{.State.Running}}", "box").stdout == "true\n"
    assert damaged.docker("run", "--rm", "own", "/bin/busybox", "true").returncode == 0


def test_containers(damaged):
    stranger = damaged.data / "containers" / ("ef" * 32)
    (stranger / "upper").mkdir(parents=True)
    mend(damaged, "container efef.*a folder without a record", "removed")
    assert not stranger.exists()
    still = damaged.docker("create", "own", "/bin/busybox", "true").stdout.strip()
    shutil.rmtree(damaged.data / "containers" / still)
    mend(damaged, f"container {still}: its writable layer is missing", "empty one")
    assert damaged.docker("start", "-a", still).returncode == 0
    # Nothing is lost that needn't be: what was written, when only work/ went; the log, when upper/ went.
    wrote = damaged.docker("run", "-d", "own", "/bin/busybox", "sh", "-c", "test -e /f && cat /f; echo kept | tee /f",
                           check=True).stdout.strip()
    assert damaged.docker("wait", wrote).stdout == "0\n"
    shutil.rmtree(damaged.data / "containers" / wrote / "work")
    mend(damaged, f"container {wrote}: the work folder of its writable layer is missing", "made again")
    assert damaged.docker("start", "-a", wrote).stdout == "kept\nkept\n"
    shutil.rmtree(damaged.data / "containers" / wrote / "upper")
    mend(damaged, f"container {wrote}: its writable layer is missing", "empty one")
    assert damaged.docker("logs", wrote).stdout == "kept\n" * 3
    assert damaged.docker("start", "-a", wrote).stdout == "kept\n"
    damaged.docker("rm", wrote)
    # A cgroup that is left of it.
    found = run("find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", damaged.box).stdout.split()
    made = [pathlib.Path(path).parent / still for path in found]
    for path in made:
        path.mkdir()
    if made:
        for line in check(damaged):
            assert f"container {still}: it doesn't run, but this is left of it: cgroup" in line
        assert check(damaged, "--repair") != []
        assert not any(path.exists() for path in made)
    clean(damaged)
    damaged.docker("rm", still)


def test_volumes(damaged):
    data = damaged.data / "volumes"
    damaged.docker("volume", "create", "other")
    shutil.rmtree(data / "other")
    mend(damaged, "volume other: its folder is missing", "empty one")
    (data / "found/_data").mkdir(parents=True)
    (data / "found/_data/file").write_text("kept")
    mend(damaged, "volume found: a folder without a record", "a volume again")
    assert "found" in damaged.docker("volume", "ls", "-q").stdout and (data / "found/_data/file").exists()
    (data / "other/.seed").mkdir()
    mend(damaged, "volume other: half-copied content", "removed")
    subprocess.run(["mount", "-t", "tmpfs", "none", data / "other/_data"], check=True)
    mend(damaged, "volume other: it is mounted", "unmounted")
    assert not os.path.ismount(data / "other/_data")


def test_networks(damaged):
    web = damaged.docker("run", "-d", "--network", "net", "-p", "127.0.0.1::8080", "own", "/bin/busybox", "httpd", "-f",
                         "-p", "8080").stdout.strip()
    place = damaged.docker("port", web, "8080").stdout.strip()
    bridge = "br-" + damaged.docker("network", "inspect", "-f", "{{.Id}}", "net").stdout.strip()[:12]

    def answers():
        return run("curl", "-s", "-o", "/dev/null", "-m", "3", f"http://{place}/").returncode == 0

    assert answers()
    tables = [line.split()[2] for line in run("nft", "list", "tables").stdout.splitlines() if bridge in line]
    assert tables, run("nft", "list", "tables").stdout
    for name in tables:
        run("nft", "delete", "table", "inet", name, check=True)
    # Nobody has to ask for that: tests/e2e/test_networks.py, test_rules_come_back.
    end = time.monotonic() + 10
    while not (check(damaged) == [] and answers()):
        assert time.monotonic() < end, "the rules come back, and the published port with them"
        time.sleep(0.1)
    damaged.docker("rm", "-f", web)
    run("ip", "link", "delete", bridge, check=True)
    mend(damaged, f"network net: its device {bridge} is missing", "made again")
    assert damaged.docker("run", "--rm", "--network", "net", "own", "/bin/busybox", "true").returncode == 0
