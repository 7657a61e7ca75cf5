"""The engine dies, fails or waits at every durable step; afterwards all is whole and half-made things are gone. F1, F3."""
import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile
import threading
import time

import pytest


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def archive(programs, tmp_path_factory):
    """A root file system to import."""
    path = tmp_path_factory.mktemp("failpoints") / "root.tar"
    busybox = pathlib.Path("/bin/busybox").read_bytes()
    path.write_bytes(tarball({"bin/busybox": busybox, "bin/sh": busybox, "bin/sleep": busybox, "bin/true": busybox}))
    return path


@pytest.fixture
def failing(new_engine, monkeypatch, archive):
    """failing(spec): an engine with a good image, then started anew with these failpoints."""
    def make(spec):
        engine = new_engine()
        assert engine.docker("import", archive, "good").returncode == 0
        engine.kill(signal.SIGTERM)
        monkeypatch.setenv("HULL_FAILPOINTS", spec)
        engine.start()
        monkeypatch.delenv("HULL_FAILPOINTS")
        return engine
    return make


def died(engine):
    return engine.process.wait(10) == -signal.SIGKILL


def whole(engine):
    """What the engine calls present works; nothing half-made lies about."""
    names = engine.docker("images", "--format", "{{.Repository}}").stdout.split()
    images = sorted(set(engine.docker("images", "-q", "--no-trunc").stdout.split()))
    for image in images:
        assert subprocess.run(["curl", "-sf", "-o", "/dev/null", "--unix-socket", str(engine.socket),
                               f"http://h/images/{image}/get"]).returncode == 0, f"image {image} can't be saved"
        assert engine.docker("run", "--rm", image, "true").returncode == 0, f"image {image} can't be run"
    data = engine.folder / "data"
    assert list((data / "blobs/tmp").iterdir()) == [] and list((data / "layers/tmp").iterdir()) == []
    used = {layer for image in images
            for layer in json.loads(engine.docker("image", "inspect", image).stdout)[0]["RootFS"]["Layers"]}
    layers = [p.name for p in (data / "layers").iterdir() if len(p.name) == 64]
    assert len(layers) == len(used), "layers that no image has"
    known = engine.docker("ps", "-aq", "--no-trunc").stdout.split()
    folders = [p.name for p in (data / "containers").iterdir() if len(p.name) == 64]
    assert sorted(folders) == sorted(known), "folders of containers that are not there"
    return names


MAKE_IMAGE = ["layer.unsynced", "layer.synced", "layer.half_moved", "layer.moved", "records.layers",
              "records.layers.written", "blob.unsynced", "blob.synced", "records.images", "records.images.written",
              "records.refs", "records.refs.written"]


@pytest.mark.parametrize("step", MAKE_IMAGE)
def test_an_import_that_dies_leaves_a_whole_image_or_none(failing, archive, tmp_path, step):
    engine = failing(f"{step}=crash")
    path = tmp_path / "other.tar"
    path.write_bytes(tarball({"bin/true": pathlib.Path("/bin/busybox").read_bytes(), "marker": step.encode()}))
    assert engine.docker("import", path, "new").returncode != 0 and died(engine)
    engine.log.close()
    engine.start()
    names = whole(engine)
    assert "good" in names and set(names) <= {"good", "new", "<none>"}
    assert engine.docker("import", path, "new").returncode == 0
    assert "new" in whole(engine)


@pytest.mark.parametrize("step", [s for s in MAKE_IMAGE if not s.endswith(".written")])
def test_an_import_that_fails_says_so_and_leaves_nothing(failing, tmp_path, step):
    engine = failing(f"{step}=error@1")
    path = tmp_path / "other.tar"
    path.write_bytes(tarball({"bin/true": pathlib.Path("/bin/busybox").read_bytes(), "marker": step.encode()}))
    done = engine.docker("import", path, "new")
    assert done.returncode == 1 and "failpoint" in done.stdout + done.stderr
    assert engine.docker("import", path, "new").returncode == 0  # the next one works
    assert sorted(whole(engine)) == ["good", "new"]


@pytest.mark.parametrize("step", ["records.refs", "records.refs.written", "records.images", "records.images.written",
                                  "records.layers", "records.layers.written", "layer.erased"])
def test_a_removal_that_dies_leaves_a_whole_image_or_none(failing, step):
    engine = failing(f"{step}=crash")
    assert engine.docker("rmi", "good").returncode != 0 and died(engine)
    engine.log.close()
    engine.start()
    whole(engine)
    ids = engine.docker("images", "-aq").stdout.split()
    if ids:
        assert engine.docker("rmi", *ids).returncode == 0
    assert [p.name for p in (engine.folder / "data/layers").iterdir() if len(p.name) == 64] == []


@pytest.mark.parametrize("step,count", [("container.half_made", 1), ("records.containers", 1),
                                        ("records.containers.written", 1), ("records.containers", 2),
                                        ("records.containers.written", 2), ("records.containers", 3)])
def test_a_run_that_dies_leaves_a_container_that_can_be_removed_or_none(failing, step, count):
    engine = failing(f"{step}=crash@{count}")
    engine.docker("run", "-d", "--name", "it", "good", "sleep", "600")
    if engine.process.poll() is None and count == 3:
        engine.docker("kill", "it")  # the third record is that of its end
    assert died(engine)
    engine.log.close()
    engine.start()
    whole(engine)
    engine.docker("rm", "-f", "it")
    assert engine.docker("run", "--rm", "--name", "it", "good", "true").returncode == 0
    assert engine.docker("ps", "-aq").stdout == ""


@pytest.mark.parametrize("step", ["container.removing", "records.containers", "records.containers.written"])
def test_a_remove_that_dies_is_done_or_can_be_done(failing, step):
    engine = failing("nothing=error")
    cid = engine.docker("create", "good", "true").stdout.strip()
    engine.kill(signal.SIGTERM)
    os.environ["HULL_FAILPOINTS"] = f"{step}=crash"
    try:
        engine.start(wait=True)
    finally:
        del os.environ["HULL_FAILPOINTS"]
    engine.docker("rm", cid)
    assert died(engine)
    engine.log.close()
    engine.start()
    whole(engine)
    if engine.docker("ps", "-aq").stdout:
        assert engine.docker("rm", cid).returncode == 0
    assert engine.docker("ps", "-aq").stdout == ""


def test_a_slow_disk_holds_nobody_else(failing, tmp_path):
    engine = failing("layer.unsynced=delay:3000")
    path = tmp_path / "other.tar"
    path.write_bytes(tarball({"bin/true": pathlib.Path("/bin/busybox").read_bytes(), "marker": b"slow"}))
    importing = threading.Thread(target=engine.docker, args=("import", path, "new"))
    importing.start()
    time.sleep(0.5)
    begin = time.monotonic()
    assert engine.docker("run", "--rm", "good", "true").returncode == 0
    assert engine.docker("images", "-q").stdout
    assert time.monotonic() - begin < 2.5, "they waited for the disk"
    importing.join()
    assert "new" in whole(engine)


def test_a_hundred_containers_are_adopted_in_a_second(new_engine, archive):
    engine = new_engine()
    assert engine.docker("import", archive, "good").returncode == 0
    api = ["curl", "-s", "--unix-socket", str(engine.socket), "-H", "Content-Type: application/json"]
    body = json.dumps({"Image": "good", "Cmd": ["sleep", "600"], "HostConfig": {"NetworkMode": "none"}})

    def start(count):
        for _ in range(count):
            made = subprocess.run([*api, "-d", body, "http://h/containers/create"], capture_output=True, text=True).stdout
            subprocess.run([*api, "-X", "POST", f"http://h/containers/{json.loads(made)['Id']}/start"], check=True)

    workers = [threading.Thread(target=start, args=(25,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pids = {c: json.loads(engine.docker("inspect", c).stdout)[0]["State"]["Pid"]
            for c in engine.docker("ps", "-q").stdout.split()}
    assert len(pids) == 100
    best = 99.0
    for _ in range(3):  # of three: the machine may be busy with other things
        engine.kill(signal.SIGKILL)
        begin = time.monotonic()
        engine.start(wait=False)
        while subprocess.run(["curl", "-sf", "-o", "/dev/null", "--unix-socket", str(engine.socket),
                              "http://h/_ping"]).returncode != 0:
            assert time.monotonic() - begin < 30
            time.sleep(0.005)
        best = min(best, time.monotonic() - begin)
    after = {c: json.loads(engine.docker("inspect", c).stdout)[0]["State"]["Pid"]
             for c in engine.docker("ps", "-q").stdout.split()}
    print(f"adopted 100 containers in {best:.3f} s")
    assert after == pids
    assert best <= 1.0 * float(os.environ.get("HULL_TEST_SLOWNESS", "1")), f"{best:.3f} s"


@pytest.mark.parametrize("slow", range(2, 7))
def test_nothing_is_written_of_a_container_after_it_was_removed(failing, slow):
    """However long one of the writes takes: the end of a container is written while somebody removes it."""
    engine = failing(f"records.containers=delay:500@{slow}")
    engine.docker("run", "-d", "--name", "box", "good", "sleep", "600")
    assert engine.docker("rm", "-f", "box").returncode == 0
    time.sleep(0.6)  # the slow one
    checked = engine.hull("system", "check")
    assert checked.returncode == 0, checked.stdout
