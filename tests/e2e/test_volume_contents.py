"""Volumes of limited size, snapshots, clones, archives: what Docker has no commands for."""
import json
import os
import pathlib
import re
import subprocess
import tarfile
import uuid

import pytest


# The kernel wants CAP_SYS_RESOURCE to grow a file system that is mounted.
CAN_GROW_LIVE = int(re.search(r"CapEff:\s*(\w+)", pathlib.Path("/proc/self/status").read_text())[1], 16) & 1 << 24


@pytest.fixture
def name(engine):
    made = "c" + uuid.uuid4().hex[:12]
    yield made
    engine.docker("volume", "rm", "-f", made, made + "-2")


def inspect(engine, name):
    return json.loads(engine.docker("volume", "inspect", name, check=True).stdout)[0]


def sh(engine, name, script, *flags):
    return engine.docker("run", "--rm", "-v", f"{name}:/v", *flags, "busybox", "sh", "-c", script)


def hull(engine, *args, **kwargs):
    done = engine.hull("volume", *args, **kwargs)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


# --- limited size ---------------------------------------------------------------

def test_a_volume_holds_no_more_than_its_size(engine, name):
    engine.docker("volume", "create", "-o", "size=32m", name, check=True)
    seen = inspect(engine, name)
    assert seen["Options"] == {"size": "32m"} and os.listdir(seen["Mountpoint"]) == []
    done = sh(engine, name, "dd if=/dev/zero of=/v/big bs=1M count=64; echo $?; stat -c %s /v/big; stat -c %u /v/big")
    code, size, owner = done.stdout.split()
    assert code == "1" and "No space left on device" in done.stderr and 16 << 20 < int(size) < 32 << 20
    assert owner == "0"
    # Where nobody wrote, nothing is taken: a large one costs next to nothing.
    engine.docker("volume", "create", "-o", "size=50G", name + "-2", check=True)
    where = pathlib.Path(inspect(engine, name + "-2")["Mountpoint"])
    assert (where.parent / "disk.img").stat().st_blocks * 512 < 64 << 20
    df = json.loads(subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "http://h/v1.43/system/df?type=volume"],
                                   capture_output=True, text=True, timeout=60).stdout)
    sizes = {v["Name"]: v["UsageData"]["Size"] for v in df["Volumes"]}
    assert 16 << 20 < sizes[name] < 32 << 20
    for volume in (name, name + "-2"):
        assert engine.docker("volume", "rm", volume).returncode == 0
    assert not where.exists() and str(where) not in pathlib.Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("options, text", [
    (["size=1k"], "size 1k is too small for a volume: 16m is the least"),
    (["size=much"], "invalid size: 'much'"),
    (["size=1g", "type=tmpfs", "device=tmpfs"], "the option size limits what a volume holds itself"),
])
def test_sizes_that_are_refused(engine, options, text):
    flags = [word for option in options for word in ("-o", option)]
    done = engine.docker("volume", "create", *flags, "nosize")
    assert done.returncode == 1 and text in done.stderr
    assert "nosize" not in engine.docker("volume", "ls", "-q").stdout.split()


def test_an_image_fills_a_limited_volume(engine, name):
    done = engine.docker("run", "--rm", "--mount",
                         f"type=volume,source={name},target=/bin,volume-opt=size=64m", "busybox", "sh", "-c",
                         "ls /bin | wc -l; df -m /bin | tail -1")
    lines = done.stdout.splitlines()
    assert int(lines[0]) > 10, done.stderr
    assert 50 < int(lines[1].split()[1]) <= 64
    assert inspect(engine, name)["Options"] == {"size": "64m"}


def test_a_limited_volume_grows_while_it_is_used(engine, name):
    engine.docker("volume", "create", "-o", "size=20m", name, check=True)
    box = engine.docker("run", "-d", "-v", f"{name}:/v", "busybox", "sleep", "600").stdout.strip()
    try:
        fill = ("exec", box, "dd", "if=/dev/zero", "of=/v/big", "bs=1M", "count=40")
        assert "No space left" in engine.docker(*fill).stderr
        done = engine.hull("volume", "resize", name, "100m")
        if CAN_GROW_LIVE:
            assert done.returncode == 0, done.stderr
            done = engine.docker(*fill)
            assert done.returncode == 0, done.stderr
        else:  # said clearly, and the volume is as it was
            assert done.returncode == 1 and "Permission denied" in done.stderr
            assert inspect(engine, name)["Options"] == {"size": "20m"}
    finally:
        engine.docker("rm", "-f", box)
    hull(engine, "resize", name, "100m")
    assert sh(engine, name, "dd if=/dev/zero of=/v/big bs=1M count=40").returncode == 0
    assert inspect(engine, name)["Options"] == {"size": "100m"}
    done = engine.hull("volume", "resize", name, "50m")
    assert done.returncode == 1 and "can't become smaller" in done.stderr


def test_limited_volumes_are_there_after_the_engine_died(new_engine):
    engine = new_engine()
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    engine.docker("volume", "create", "-o", "size=32m", "small", check=True)
    where = pathlib.Path(inspect(engine, "small")["Mountpoint"])
    assert sh(engine, "small", "echo kept > /v/f").returncode == 0
    hull(engine, "resize", "small", "40m")
    engine.kill()
    # As after a boot: nothing is mounted.
    subprocess.run(["umount", where], check=True, timeout=20)
    assert not (where / "f").exists()
    engine.start()
    assert (where / "f").read_text() == "kept\n" and inspect(engine, "small")["Options"] == {"size": "40m"}
    assert sh(engine, "small", "cat /v/f").stdout == "kept\n"
    subprocess.run(["umount", where], check=True, timeout=20)
    assert "not mounted" in engine.hull("system", "check").stdout
    engine.hull("system", "check", "--repair")
    assert (where / "f").exists()
    # One that lost its record keeps its data and its limit.
    engine.kill(15)
    assert not os.path.ismount(where)
    engine.start()
    assert (where / "f").exists()
    engine.docker("volume", "rm", "small", check=True)
    assert not where.parent.exists()


# --- snapshots and clones -----------------------------------------------------------

FILES = ("mkdir /v/d; echo one > /v/d/f; ln /v/d/f /v/hard; ln -s d/f /v/soft; chown -R 70:71 /v/d; chmod 4711 /v/d/f; "
         "chmod 1777 /v; mkfifo /v/pipe; dd if=/dev/zero of=/v/sparse bs=1 count=1 seek=100M 2>/dev/null")
CHECK = "cat /v/soft; stat -c '%n %a %u:%g %h %s %F' /v /v/d/f /v/hard /v/pipe /v/sparse; du -k /v/sparse"


@pytest.mark.parametrize("options", [[], ["-o", "size=200m"]], ids=["plain", "limited"])
def test_snapshot_and_restore(engine, name, options):
    engine.docker("volume", "create", *options, name, check=True)
    assert sh(engine, name, FILES).returncode == 0
    before = sh(engine, name, CHECK).stdout
    assert before.startswith("one\n") and "/v/d/f 4711 70:71 2 4" in before
    assert hull(engine, "snapshot", name, "first") == f"{name}@first\n"
    sh(engine, name, "echo two > /v/d/f; rm /v/pipe; touch /v/new; chmod 700 /v")
    made = hull(engine, "snapshot", name).strip()
    assert made.startswith(f"{name}@20")
    assert hull(engine, "snapshots", "-q", name).split() == ["first", made.split("@")[1]]
    done = engine.hull("volume", "snapshot", name, "first")
    assert done.returncode == 1 and f"snapshot first of {name} exists" in done.stderr
    hull(engine, "restore", name, "first")
    after = sh(engine, name, CHECK + "; ls /v").stdout
    assert after.startswith(before) and "new" not in after
    hull(engine, "restore", name, made.split("@")[1])
    assert sh(engine, name, "cat /v/soft; ls /v").stdout.startswith("two\n")
    # Docker's own client removes one, too.
    assert engine.docker("volume", "rm", f"{name}@first").returncode == 0
    assert hull(engine, "snapshots", "-q", name).split() == [made.split("@")[1]]
    done = engine.hull("volume", "restore", name, "first")
    assert done.returncode == 1 and f"get {name}@first: no such snapshot" in done.stderr
    assert engine.docker("volume", "rm", name).returncode == 0


def test_what_runs_is_not_replaced(engine, name):
    engine.docker("volume", "create", name, check=True)
    hull(engine, "snapshot", name, "empty")
    box = engine.docker("run", "-d", "-v", f"{name}:/v", "busybox", "sh", "-c", "echo a > /v/f; sleep 600").stdout.strip()
    try:
        done = engine.hull("volume", "restore", name, "empty")
        assert done.returncode == 1 and f"is in use by running containers - [{box}]: stop them first" in done.stderr
        engine.docker("exec", box, "sh", "-c", "until [ -s /v/f ]; do sleep 0.1; done", timeout=60)
        hull(engine, "snapshot", name, "live")  # reading is fine
        hull(engine, "clone", f"{name}@live", name + "-2")
        engine.docker("stop", "-t", "0", box)
        hull(engine, "restore", name, "empty")
        assert os.listdir(inspect(engine, name)["Mountpoint"]) == []
        # A container that is there, but doesn't run, sees what was brought back.
        engine.docker("start", box)
        engine.docker("exec", box, "sh", "-c", "until [ -s /v/f ]; do sleep 0.1; done", timeout=60)
        assert pathlib.Path(inspect(engine, name)["Mountpoint"], "f").read_text() == "a\n"
    finally:
        engine.docker("rm", "-f", box)
    assert pathlib.Path(inspect(engine, name + "-2")["Mountpoint"], "f").read_text() == "a\n"


def test_clone(engine, name):
    engine.docker("volume", "create", "-o", "size=64m", name, check=True)
    sh(engine, name, FILES)
    before = sh(engine, name, CHECK).stdout
    assert hull(engine, "clone", "--label", "a=b", name, name + "-2") == name + "-2\n"
    seen = inspect(engine, name + "-2")
    assert seen["Labels"] == {"a": "b"} and seen["Options"] == {"size": "64m"}
    assert sh(engine, name + "-2", CHECK).stdout == before
    sh(engine, name + "-2", "echo other > /v/d/f")
    assert sh(engine, name, CHECK).stdout == before
    done = engine.hull("volume", "clone", name, name + "-2")
    assert done.returncode == 1 and "a volume of that name exists" in done.stderr
    done = engine.hull("volume", "clone", "nowhere", "x2")
    assert done.returncode == 1 and "get nowhere: no such volume" in done.stderr
    # One that is too small for it leaves nothing.
    sh(engine, name, "dd if=/dev/urandom of=/v/r bs=1M count=30")
    done = engine.hull("volume", "clone", "-o", "size=16m", name, "x2")
    assert done.returncode == 1 and "No space left" in done.stderr
    assert "x2" not in engine.docker("volume", "ls", "-q").stdout.split()
    assert os.listdir(pathlib.Path(seen["Mountpoint"]).parent.parent / ".making") == []


# --- archives ------------------------------------------------------------------------

def test_export_and_import(engine, name, tmp_path):
    engine.docker("volume", "create", name, check=True)
    sh(engine, name, FILES)
    where = inspect(engine, name)["Mountpoint"]
    os.setxattr(where + "/d/f", "user.color", b"blue")
    before = sh(engine, name, CHECK).stdout
    hull(engine, "export", "-o", tmp_path / "v.tar", name)
    assert (tmp_path / "v.tar").stat().st_size < 1 << 20  # 100 MB of holes
    # GNU tar reads it.
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xpf", tmp_path / "v.tar", "--xattrs", "-C", tmp_path / "out"], check=True, timeout=60)
    assert (tmp_path / "out/soft").read_text() == "one\n" and os.getxattr(tmp_path / "out/d/f", "user.color") == b"blue"
    assert (tmp_path / "out/sparse").stat().st_size == (100 << 20) + 1
    with open(tmp_path / "v.tar", "rb") as archive:
        done = subprocess.run([engine.programs / "bin/hull", "volume", "import", name + "-2"], stdin=archive,
                              env=engine.env, capture_output=True, text=True, timeout=60)
    assert done.stdout == name + "-2\n", done.stderr
    assert sh(engine, name + "-2", CHECK).stdout == before
    assert os.getxattr(inspect(engine, name + "-2")["Mountpoint"] + "/d/f", "user.color") == b"blue"
    done = engine.hull("volume", "import", name + "-2", tmp_path / "v.tar")
    assert done.returncode == 1 and "is not empty" in done.stderr
    sh(engine, name + "-2", "touch /v/more")
    hull(engine, "import", "--replace", name + "-2", tmp_path / "v.tar")
    assert sh(engine, name + "-2", CHECK).stdout == before
    assert "more" not in os.listdir(inspect(engine, name + "-2")["Mountpoint"])


def test_a_bad_archive_changes_nothing(engine, name, tmp_path):
    engine.docker("volume", "create", name, check=True)
    sh(engine, name, "echo a > /v/f")
    (tmp_path / "text").write_text("no archive " * 1000)
    with tarfile.open(tmp_path / "out.tar", "w") as tar:
        for path in ("good", "../../escaped"):
            tar.addfile(tarfile.TarInfo(path))
    (tmp_path / "cut.tar").write_bytes((tmp_path / "out.tar").read_bytes()[:700])
    for bad in ("text", "out.tar", "cut.tar"):
        done = engine.hull("volume", "import", "--replace", name, tmp_path / bad)
        assert done.returncode == 1, bad
        done = engine.hull("volume", "import", "fresh", tmp_path / bad)
        assert done.returncode == 1, bad
    where = pathlib.Path(inspect(engine, name)["Mountpoint"])
    assert os.listdir(where) == ["f"]
    assert "fresh" not in engine.docker("volume", "ls", "-q").stdout.split()
    assert not list(where.parent.parent.rglob("escaped")) and os.listdir(where.parent.parent / ".making") == []


def test_what_is_mounted_from_elsewhere_is_not_copied(engine, name):
    engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", name, check=True)
    for command in (["snapshot", name], ["export", name], ["clone", name, "x3"]):
        done = engine.hull("volume", *command)
        assert done.returncode == 1 and "holds no data of its own" in done.stderr
