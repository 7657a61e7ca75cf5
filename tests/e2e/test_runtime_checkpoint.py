"""checkpoint and restore: the protocol with CRIU, against one that plays it (tests/vm has the real one)."""
import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from runtime_bundle import ROOT, Runtime, wait_for  # noqa: E402

CRIU = ("--criu", ROOT / "tests/fake_criu.py")


@pytest.fixture
def runtime(tmp_path):
    made = Runtime(tmp_path)
    yield made
    made.cleanup()
    wait_for(lambda: made.leftovers() == [])


@pytest.fixture
def spec(runtime):
    spec = runtime.spec(cgroup=f"/{runtime.prefix}criu")
    (runtime.folder / "data").mkdir()
    spec["mounts"].append({"destination": "/tmp", "type": "bind", "source": str(runtime.folder / "data"),
                           "options": ["rbind"]})
    return spec


def asked(images):
    return json.loads((images / "asked.json").read_text())


def test_a_checkpoint_ends_the_container_and_a_restore_makes_it_again(runtime, spec):
    images = runtime.folder / "images"
    bundle = runtime.bundle(spec)
    container = runtime.new_id()
    runtime("create", "--bundle", bundle, container)
    runtime("start", container)
    pid = runtime.state(container)["pid"]
    runtime(*CRIU, "checkpoint", "--image-path", images, "--tcp-established", "--manage-cgroups-mode", "strict", container)
    said = asked(images)
    assert (said["type"], said["pid"], said["mode"]) == (1, pid, 5)
    assert ["/tmp", "/tmp"] in said["mounts"]
    assert {1, 2, 5, 9, 10, 12, 13, 24, 34, 38, 44, 50, 51} == set(said["fields"]) - {23}
    assert json.loads((images / "descriptors.json").read_text())[0] == "/dev/null"
    assert runtime("state", container, check=False).returncode == 1
    assert runtime.leftovers() == []

    pid_file = runtime.folder / "pid"
    runtime(*CRIU, "restore", "--detach", "--image-path", images, "--bundle", bundle, "--pid-file", pid_file, container)
    said = asked(images)
    assert said["type"] == 2 and said["root_is_mount"] and 26 in said["fields"]
    assert ["/tmp", str(runtime.folder / "data")] in said["mounts"]
    assert runtime.prefix in said["own_cgroup"]
    assert any(path.endswith(f"{runtime.prefix}criu") for _, path in said["cgroups"])
    state = runtime.state(container)
    assert state["status"] == "running" and state["pid"] == int(pid_file.read_text())
    assert not any(str(runtime.folder) in line for line in open("/proc/self/mountinfo"))
    runtime("kill", container, "KILL")
    wait_for(lambda: runtime.state(container)["status"] == "stopped")
    runtime("delete", container)


def test_a_container_may_go_on_running(runtime, spec):
    container = runtime.start(spec)
    for flags, kind in ((["--leave-running"], 1), (["--pre-dump"], 4)):
        images = runtime.folder / f"images{kind}"
        runtime(*CRIU, "checkpoint", "--image-path", images, *flags, container)
        assert asked(images)["type"] == kind
        assert runtime.state(container)["status"] == "running"
    images = runtime.folder / "images-parent"
    runtime(*CRIU, "checkpoint", "--image-path", images, "--parent-path", "../images4", "--leave-running", container)
    assert {14, 15} <= set(asked(images)["fields"])


def test_what_criu_says_is_in_the_error(runtime, spec):
    container = runtime.start(spec)
    images, work = runtime.folder / "images", runtime.folder / "work"
    env = dict(os.environ, FAKE_CRIU="fail")
    done = runtime(*CRIU, "checkpoint", "--image-path", images, "--work-path", work, container, check=False, env=env)
    assert done.returncode == 1
    assert "criu failed: type DUMP errno 22" in done.stderr and f"{work}/dump.log" in done.stderr
    assert "nothing works today" in done.stderr
    assert runtime.state(container)["status"] == "running"
    runtime("delete", "--force", container)
    done = runtime(*CRIU, "restore", "-d", "--image-path", images, "--bundle", runtime.bundle(spec), container,
                   check=False, env=env)
    assert done.returncode == 1 and "nothing works today" in done.stderr and f"{images}/restore.log" in done.stderr
    wait_for(lambda: runtime.leftovers() == [])


def test_wrong_requests_are_refused(runtime, spec):
    created = runtime.create(spec)
    images = runtime.folder / "images"
    assert "Container cannot be checkpointed in created state" in runtime(*CRIU, "checkpoint", created,
                                                                          check=False, cwd=runtime.folder).stderr
    runtime("start", created)
    for flags, text in ((["--manage-cgroups-mode", "hard"], "invalid manage-cgroups-mode value"),
                        (["--page-server", "nowhere"], "Use --page-server ADDRESS:PORT"),
                        (["--page-server", "host:port"], "Invalid port number"),
                        (["--parent-path", "/abs"], "--parent-path must be relative"),
                        (["--parent-path", "nosuch"], "invalid --parent-path"),
                        (["--empty-ns", "pid"], r"namespace \"pid\" is not supported"),
                        (["--status-fd", "77"], "invalid --status-fd argument 77")):
        done = runtime(*CRIU, "checkpoint", "--image-path", images, *flags, created, check=False)
        assert done.returncode == 1 and text in done.stderr, done.stderr
    done = runtime("--criu", "no-such-criu", "checkpoint", "--image-path", images, created, check=False)
    assert "the program no-such-criu is not there" in done.stderr
    done = runtime(*CRIU, "restore", "--image-path", images, "--bundle", runtime.bundle(spec), created, check=False)
    assert "container with given ID already exists" in done.stderr
