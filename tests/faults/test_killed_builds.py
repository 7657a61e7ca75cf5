"""kill -9 of the engine at each step of a build: nothing half-made stays, and the next build is right. Row F1."""
import json
import signal
import subprocess
import threading
import time

import pytest

DOCKERFILE = """FROM busybox AS made
COPY a /from-context
RUN echo one > /one && echo "step one"
RUN echo two > /two && rm /one && echo "step two"
FROM busybox
RUN --mount=type=cache,target=/cache date >> /cache/n && echo "step three"
COPY --from=made /two /from-context /
RUN cat /two /from-context > /both && echo "step four" && sleep 0.2
"""


@pytest.fixture
def own(new_engine, tmp_path):
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "a").write_text("context\n")
    engine.context = context
    return engine


def build(engine, *flags, style="1"):
    cli = ["build", "-t", "it", *flags, str(engine.context)]
    if style == "hull":
        return engine.hull(*cli, timeout=120)
    engine.env["DOCKER_BUILDKIT"] = style
    return engine.docker(*cli, timeout=120, cli="/usr/bin/docker")


def check(engine):
    """No container, no image without a name, no folder of what was under way; all records fit what is there."""
    deadline = time.monotonic() + 10  # what was killed with its engine is removed in the background
    while (left := engine.docker("ps", "-aq").stdout.split()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    data = engine.folder / "data"
    folders = [p for p in (data / "containers").iterdir() if len(p.name) == 64]
    assert folders == [] and list((data / "layers/tmp").iterdir()) == []
    checked = engine.hull("system", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def right(engine):
    done = engine.docker("run", "--rm", "it", "sh", "-c", "cat /both; ls /one /cache 2>&1")
    assert done.stdout.startswith("two\ncontext\n"), done.stdout + done.stderr


POINTS = ["container.half_made", "layer.unsynced", "layer.synced", "layer.half_moved", "layer.moved", "records.layers",
          "records.layers.written", "records.images", "records.images.written", "container.removing",
          "records.containers", "records.containers.written"]


@pytest.mark.parametrize("style", ["0", "1"])
@pytest.mark.parametrize("point", POINTS)
def test_F1_a_build_that_dies_leaves_steps_or_nothing(own, monkeypatch, point, style):
    own.kill(signal.SIGTERM)
    for nth in (1, 3):
        monkeypatch.setenv("HULL_FAILPOINTS", f"{point}=crash@{nth}")
        own.start()
        monkeypatch.delenv("HULL_FAILPOINTS")
        assert build(own, style=style).returncode != 0
        assert own.process.wait(10) == -signal.SIGKILL, f"{point} was not reached"
        own.start()
        check(own)
        own.kill(signal.SIGTERM)
    own.start()
    done = build(own, style=style)
    assert done.returncode == 0, done.stdout + done.stderr
    right(own)
    check(own)


@pytest.mark.parametrize("said", ["step one", "step two", "step three", "step four"])
def test_F1_a_build_killed_while_a_program_runs(own, said):
    """What was done by then is not done again."""
    client = subprocess.Popen([own.programs / "bin/hull", "build", "--progress", "plain", "-t", "it", own.context], env=own.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(60, client.kill)
    watchdog.start()
    for line in client.stdout:
        if said in line and "echo" not in line:
            break
    own.kill(signal.SIGKILL)
    client.communicate(timeout=30)
    watchdog.cancel()
    assert client.returncode != 0
    own.start()
    check(own)
    done = build(own, style="hull")
    assert done.returncode == 0, done.stdout + done.stderr
    right(own)
    check(own)


def test_what_a_killed_build_got_for_one_step_is_gone(own):
    """A copy that the step could change, and its container, which ran on without the engine."""
    (own.context / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=bind,target=/ctx,rw echo changed > /ctx/a; echo 'now it waits' && sleep 100\n")
    client = subprocess.Popen([own.programs / "bin/hull", "build", "--progress", "plain", own.context], env=own.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(60, client.kill)
    watchdog.start()
    for line in client.stdout:
        if "now it waits" in line and "echo" not in line:
            break
    watchdog.cancel()
    steps = own.folder / "data/build/steps"
    assert len(list(steps.iterdir())) == 1
    running = own.docker("ps", "-q").stdout.split()
    assert len(running) == 1
    pid = json.loads(own.docker("inspect", running[0]).stdout)[0]["State"]["Pid"]
    own.kill(signal.SIGKILL)
    client.communicate(timeout=30)
    own.start()
    check(own)
    assert list(steps.iterdir()) == []
    deadline = time.monotonic() + 10
    while subprocess.run(["kill", "-0", str(pid)], capture_output=True).returncode == 0:
        assert time.monotonic() < deadline, "the step's program runs on"
        time.sleep(0.05)
