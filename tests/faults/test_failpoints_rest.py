"""The engine dies or fails at the durable steps of load, commit, pull, push, tag, prune, volumes, networks, rename,
update and the build cache: afterwards `hull system check` finds nothing, and the operation can be done again. F1, F3."""
import io
import json
import os
import pathlib
import signal
import sys
import tarfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import registries  # noqa: E402
from engines import run  # noqa: E402
from registries import Image, Registry, tarball  # noqa: E402

BUSYBOX = {**registries.busybox_files(), "bin/true": registries.busybox_files()["bin/sh"],
           "bin/sleep": registries.busybox_files()["bin/sh"]}


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture
def scene(new_engine, registry, tmp_path):
    """An engine with an image, a container that runs, one that doesn't, a volume and a network; archives beside it."""
    engine = new_engine()
    (tmp_path / "root.tar").write_bytes(tarball(BUSYBOX))
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(f"FROM good\nRUN echo {os.urandom(4).hex()} > /made\nLABEL a=b\n")
    run_or_fail(engine, "import", tmp_path / "root.tar", "good")
    run_or_fail(engine, "tag", "good", "good:saved")
    run_or_fail(engine, "save", "-o", tmp_path / "saved.tar", "good:saved")
    with tarfile.open(tmp_path / "other.tar", "w") as tar:  # what is loaded is an image that isn't here
        entry = tarfile.TarInfo("marker")
        entry.size = 8
        tar.addfile(entry, io.BytesIO(os.urandom(8)))
    run_or_fail(engine, "import", tmp_path / "other.tar", "loaded")
    run_or_fail(engine, "save", "-o", tmp_path / "loaded.tar", "loaded")
    run_or_fail(engine, "rmi", "loaded", "good:saved")
    image = Image([tarball(registries.busybox_files()), tarball({"x": os.urandom(100)})])
    engine.remote = registry.put("tests/steps", "v1", image)
    run_or_fail(engine, "run", "-d", "--name", "runs", "good", "sleep", "600")
    run_or_fail(engine, "create", "--name", "still", "-v", "kept:/bin", "good", "true")
    run_or_fail(engine, "volume", "create", "vol")
    run_or_fail(engine, "network", "create", "net")
    engine.pid = engine.docker("inspect", "-f", "{{.State.Pid}}", "runs").stdout
    engine.tmp_path = tmp_path
    yield engine
    for name in engine.docker("network", "ls", "-q", "--filter", "type=custom").stdout.split():
        engine.docker("network", "rm", name)


def run_or_fail(engine, *args):
    done = engine.docker(*args)
    assert done.returncode == 0, (args, done.stderr)


def restart(engine, spec, sig=signal.SIGTERM):
    engine.kill(sig)
    os.environ["HULL_FAILPOINTS"] = spec
    try:
        engine.start()
    finally:
        del os.environ["HULL_FAILPOINTS"]


def clean(engine, failed_pull=False):
    done = engine.hull("system", "check")
    if failed_pull and done.returncode != 0:
        # Blobs that came whole stay for another try, until the next start.
        assert all("no image needs it" in line for line in done.stdout.splitlines()[:-1]), done
        engine.hull("system", "check", "--repair")
        done = engine.hull("system", "check")
    assert done.returncode == 0, done.stdout + done.stderr + engine.log_text()
    assert engine.docker("inspect", "-f", "{{.State.Pid}}", "runs").stdout == engine.pid
    assert engine.docker("exec", "runs", "/bin/true").returncode == 0
    data = engine.folder / "data"
    assert list((data / "blobs/tmp").iterdir()) == [] and list((data / "layers/tmp").iterdir()) == []
    assert not [p for p in (data / "volumes").iterdir() if (p / ".seed").exists()]


# What is done, what may stand in its way when it is done again, and the steps at which the engine dies.
# The first record of a container that an engine writes is that of the one it takes over.
SCENES = {
    "load": (lambda e: e.docker("load", "-i", e.tmp_path / "loaded.tar"), None,
             ["layer.half_moved", "layer.moved", "records.layers.written", "blob.synced", "records.images.written",
              "records.refs", "records.refs.written"]),
    "commit": (lambda e: e.docker("commit", "runs", "committed"), None, ["blob.unsynced", "records.images.written",
                                                                       "records.refs"]),
    "pull": (lambda e: e.docker("pull", e.remote), None,
             ["partial.whole", "partial.kept", "layer.synced", "layer.moved", "records.layers.written",
              "records.blobs", "records.blobs.written", "records.images", "records.refs.written"]),
    "push": (lambda e: (e.docker("tag", "good", e.remote.replace("v1", "new")),
                        e.docker("push", e.remote.replace("v1", "new")))[1], None,
             ["records.blobs", "records.blobs.written", "blob.synced", "records.refs@2", "records.refs.written@2"]),
    "tag": (lambda e: e.docker("tag", "good", "again"), None, ["records.refs", "records.refs.written"]),
    "untag": (lambda e: e.docker("rmi", "-f", "good"), "No such image", ["records.refs", "records.refs.written"]),
    "volume-create": (lambda e: e.docker("volume", "create", "v2"), None,
                      ["volume.made", "records.volumes", "records.volumes.written"]),
    "volume-rm": (lambda e: e.docker("volume", "rm", "vol"), "no such volume",
                  ["volume.removing", "records.volumes", "records.volumes.written"]),
    "copy-up": (lambda e: e.docker("run", "--name", "seeds", "-v", "seeded:/bin", "good", "true"), "already in use",
                ["volume.made", "volume.seeded", "records.volumes"]),
    "network-create": (lambda e: e.docker("network", "create", "n2"), "already exists",
                       ["records.networks", "records.networks.written", "network.made", "records.networks@2",
                        "records.networks.written@2"]),
    "network-rm": (lambda e: e.docker("network", "rm", "net"), "not found",
                   ["records.networks", "records.networks.written"]),
    "network-connect": (lambda e: e.docker("network", "connect", "net", "runs"), "already exists in network",
                        ["records.containers@2", "records.containers.written@2"]),
    "create": (lambda e: e.docker("create", "--name", "new", "good", "true"), "already in use",
               ["container.half_made", "records.containers@2", "records.containers.written@2"]),
    "rename": (lambda e: e.docker("rename", "still", "renamed"), "No such container",
               ["records.containers@2", "records.containers.written@2"]),
    "update": (lambda e: e.docker("update", "--memory", "64m", "--memory-swap", "64m", "runs"), None,
               ["records.containers@2", "records.containers.written@2"]),
    "build": (lambda e: e.docker("build", "-t", "built", e.tmp_path / "context"), None,
              ["records.build_cache", "records.build_cache.written", "layer.moved", "records.images.written",
               "records.containers@2"]),
}


def numbered(step, action):
    name, _, count = step.partition("@")
    return f"{name}={action}" + (f"@{count}" if count else "")


@pytest.mark.parametrize("what,step", [(what, step) for what in SCENES for step in SCENES[what][2]])
def test_dies(scene, what, step):
    operation, done_already, _ = SCENES[what]
    restart(scene, numbered(step, "crash"))
    assert operation(scene).returncode != 0 or what == "copy-up"
    assert scene.process.wait(10) == -signal.SIGKILL, "it did not come to this step"
    scene.log.close()
    scene.start()
    clean(scene)
    again = operation(scene)
    assert again.returncode == 0 or (done_already and done_already in again.stderr), again
    clean(scene)


@pytest.mark.parametrize("what,step", [(what, step) for what in SCENES for step in SCENES[what][2]
                                       if not step.partition("@")[0].endswith((".written", ".kept"))])
def test_fails(scene, what, step):
    operation, done_already, _ = SCENES[what]
    name, _, count = step.partition("@")
    restart(scene, f"{name}=error@{count or 1}")
    done = operation(scene)
    if done.returncode == 0:  # a state that couldn't be written is written later: it is logged
        assert "failpoint" in scene.log_text(), done
    else:
        assert "failpoint" in done.stdout + done.stderr, done
    clean(scene, failed_pull=what == "pull")
    again = operation(scene)
    assert again.returncode == 0 or (done_already and done_already in again.stderr), again
    clean(scene)


def test_a_prune_that_dies_leaves_whole_images(scene):
    for i in range(3):
        (scene.tmp_path / "p.tar").write_bytes(tarball({"f": os.urandom(50)}))
        run_or_fail(scene, "import", scene.tmp_path / "p.tar")
    for step in ("records.images=crash@2", "layer.erased=crash", "records.layers.written=crash"):
        restart(scene, step)
        scene.docker("image", "prune", "-f")
        assert scene.process.wait(10) == -signal.SIGKILL
        scene.log.close()
        scene.start()
        clean(scene)
    assert scene.docker("image", "prune", "-f").returncode == 0
    assert scene.docker("images", "-qf", "dangling=true").stdout == ""
    clean(scene)
