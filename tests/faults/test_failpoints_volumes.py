"""The engine dies while a volume is copied, restored, imported or made with a limit: the volume is whole afterwards,
the old content or the new, and nothing half-made is left. F1."""
import os
import pathlib
import subprocess

import pytest

OPERATIONS = {
    "snapshot": ["volume", "snapshot", "vol", "later"],
    "restore": ["volume", "restore", "vol", "first"],
    "clone": ["volume", "clone", "vol", "copy"],
    "limited": ["volume", "create", "-o", "size=16m", "copy"],
}


def restart(engine, spec):
    engine.kill()
    os.environ["HULL_FAILPOINTS"] = spec
    try:
        engine.start()
    finally:
        del os.environ["HULL_FAILPOINTS"]


@pytest.fixture(params=[[], ["-o", "size=16m"]], ids=["plain", "limited"])
def scene(request, new_engine):
    engine = new_engine()
    engine.docker("volume", "create", *request.param, "vol", check=True)
    engine.where = pathlib.Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "vol").stdout.strip())
    (engine.where / "f").write_text("old")
    engine.hull("volume", "snapshot", "vol", "first", check=True)
    (engine.where / "f").write_text("new")
    yield engine
    for name in engine.docker("volume", "ls", "-q").stdout.split():
        engine.docker("volume", "rm", name)


@pytest.mark.parametrize("operation, step", [
    ("snapshot", "volume.snapshot"), ("restore", "volume.staged"), ("restore", "volume.swapped"),
    ("clone", "volume.staged"), ("limited", "volume.disk_made"), ("limited", "volume.staged")])
def test_nothing_is_half_made(scene, operation, step):
    engine = scene
    root = engine.where.parent.parent
    for action in ("crash", "error"):
        restart(engine, f"{step}={action}")
        done = engine.hull(*OPERATIONS[operation])
        assert done.returncode != 0, (action, done.stdout)
        if action == "crash":
            engine.process.wait(30)
            engine.start()
        # Cut short before the swap it is the old content, after it the new: nothing else.
        brought_back = step == "volume.swapped"
        assert (engine.where / "f").read_text() == ("old" if brought_back else "new")
        assert os.listdir(root / ".making") == [] and os.listdir(root / ".trash") == []
        assert engine.docker("volume", "ls", "-q").stdout.split() == ["vol"]
        assert engine.hull("volume", "snapshots", "-q", "vol").stdout.split() == ["first"]
        done = engine.hull("system", "check")
        assert done.returncode == 0, done.stdout
        assert not [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                    if str(root / ".making") in line]
        (engine.where / "f").write_text("new")
    restart(engine, "")
    assert engine.hull(*OPERATIONS[operation]).returncode == 0
    subprocess.run(["sync", "-f", root], timeout=60, check=True)
    if operation == "restore":
        assert (engine.where / "f").read_text() == "old"
