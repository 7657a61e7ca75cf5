"""A full disk in pull, load, commit, build, copy-up, network and volume create and logs: a clear error, nothing
half-made, and all works once there is room. F3."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import registries  # noqa: E402
from registries import Image, Registry, tarball  # noqa: E402

MIB = 1 << 20
BUSYBOX = {**registries.busybox_files(), "bin/true": registries.busybox_files()["bin/sh"]}


@pytest.fixture
def small(new_engine, tmp_path):
    """An engine whose data root is an ext4 of 96 MiB; small.fill() takes all room but a little, small.free() gives it back."""
    image = tmp_path / "disk.img"
    with open(image, "wb") as file:
        file.truncate(96 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    engine = new_engine(start=False)
    data = engine.folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-o", "loop", image, data], check=True)
    engine.start()
    path = tmp_path / "root.tar"
    path.write_bytes(tarball(BUSYBOX))
    assert engine.docker("import", path, "good").returncode == 0
    filler = data / "filler"

    def fill(leave):
        stat = os.statvfs(data)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - leave)

    engine.fill, engine.free, engine.data = fill, lambda: filler.unlink(), data
    yield engine
    for network in engine.docker("network", "ls", "-q", "--filter", "type=custom").stdout.split():
        engine.docker("network", "rm", network)
    ids = engine.docker("ps", "-aq").stdout.split()
    if ids:
        engine.docker("rm", "-f", *ids)
    keeper = engine.keeper_pid()
    engine.kill(15)
    while keeper and os.path.exists(f"/proc/{keeper}"):
        time.sleep(0.02)
    subprocess.run(["umount", data], check=True)


def clean(engine, free_before):
    done = engine.hull("system", "check")
    assert done.returncode == 0, done.stdout
    deadline = time.monotonic() + 5  # trash is emptied in the background
    while free(engine) < free_before - 2 * MIB and time.monotonic() < deadline:
        time.sleep(0.1)
    assert free(engine) >= free_before - 2 * MIB, "something was left behind"


def free(engine):
    stat = os.statvfs(engine.data)
    return stat.f_bavail * stat.f_frsize


def no_room(done):
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "no space left on device" in text.lower(), text


def twice(engine, operation, leave=MIB):
    """Without room, and with room again."""
    engine.fill(leave)
    before = free(engine)
    no_room(operation())
    clean(engine, before)
    assert engine.docker("run", "--rm", "good", "true").returncode == 0
    engine.free()
    done = operation()
    assert done.returncode == 0, done
    assert engine.hull("system", "check").returncode == 0


def test_pull(small):
    registry = Registry().start()
    try:
        image = Image([tarball(registries.busybox_files()), tarball({"big": os.urandom(8 * MIB)})])
        name = registry.put("tests/full", "v1", image)
        small.fill(2 * MIB)
        no_room(small.docker("pull", name))
        assert small.hull("system", "check").returncode == 0
        small.free()
        assert small.docker("pull", name).returncode == 0
        assert small.docker("run", "--rm", name).stdout == "from the registry\n"
        assert small.hull("system", "check").returncode == 0
    finally:
        registry.stop()


def test_load_and_import(small, tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(tarball({"big": os.urandom(8 * MIB)}))
    twice(small, lambda: small.docker("import", path, "big"))
    saved = tmp_path / "saved.tar"
    assert small.docker("save", "-o", saved, "big").returncode == 0
    assert small.docker("rmi", "big").returncode == 0
    twice(small, lambda: small.docker("load", "-i", saved))


def test_commit_and_build(small, tmp_path):
    assert small.docker("run", "--name", "writes", "good", "sh", "-c",
                        "dd if=/dev/urandom of=/big bs=1M count=8").returncode == 0
    twice(small, lambda: small.docker("commit", "writes", "committed"))
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text("FROM good\nCOPY big /big\n")
    (tmp_path / "context/big").write_bytes(os.urandom(8 * MIB))
    twice(small, lambda: small.docker("build", "-t", "built", tmp_path / "context"))


def test_copy_up_of_a_volume(small, tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(tarball({**BUSYBOX, "data/big": os.urandom(8 * MIB)}))
    assert small.docker("import", path, "big").returncode == 0
    twice(small, lambda: small.docker("run", "--rm", "-v", "vol:/data", "big", "true"))
    assert (small.data / "volumes/vol/_data/big").stat().st_size == 8 * MIB


def test_network_and_volume_create_on_a_full_disk_work_or_say_why(small):
    small.fill(256 << 10)
    rest = open(small.data / "rest", "wb", buffering=0)
    try:
        while True:
            rest.write(b"x" * 4096)
    except OSError:
        rest.close()
    for kind in ("network", "volume"):
        done = small.docker(kind, "create", "full")
        if done.returncode != 0:
            assert "full" in done.stderr or "no space" in done.stderr.lower(), done
            assert "full" not in small.docker(kind, "ls", "-q", "--filter", "name=full").stdout
    small.free()
    (small.data / "rest").unlink()
    for kind in ("network", "volume"):
        small.docker(kind, "create", "full")
        assert small.docker(kind, "inspect", "full").returncode == 0
    assert small.hull("system", "check").returncode == 0


def test_logs(small):
    small.fill(MIB)
    done = small.docker("run", "-d", "--name", "talks", "good", "sh", "-c",
                        "i=0; while [ $i -lt 60000 ]; do echo line $i of a long story that goes on; i=$((i+1)); done; exit 7")
    assert done.returncode == 0, done
    assert small.docker("wait", "talks", timeout=120).stdout == "7\n"  # it isn't held up
    assert small.docker("logs", "talks").stdout.startswith("line 0 of")
    small.free()
    assert small.docker("rm", "talks").returncode == 0
    assert small.docker("run", "--rm", "good", "sh", "-c", "echo again").stdout == "again\n"
