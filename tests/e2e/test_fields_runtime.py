"""Runtime: other OCI runtimes, by the name that the configuration gives them and by path."""
import json
import os
import shutil
import subprocess
import time

import pytest

from fields import box, call, refused, said, until
from terminal import Terminal

# crun refuses cgroup v1 beside v2 with controllers, as some machines have them.
HYBRID = os.path.exists("/sys/fs/cgroup/unified") and bool(open("/sys/fs/cgroup/unified/cgroup.controllers").read().strip())
FOUND = [name for name in ("runc", "crun") if shutil.which(name) and not (name == "crun" and HYBRID)]


@pytest.fixture(scope="module", params=FOUND)
def other(request, programs, tmp_path_factory):
    """An engine with that runtime as `other`, from its configuration file."""
    from engines import Engine
    folder = tmp_path_factory.mktemp("hull-e2e")
    (folder / "daemon.json").write_text(json.dumps({"runtimes": {"other": {"path": request.param, "runtimeArgs": []}}}))
    engine = Engine(programs, folder, ["--config-file", str(folder / "daemon.json")]).start()
    engine.other = request.param
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    yield engine
    engine.stop()


OTHER = {"Runtime": "other"}


def test_output_and_exit_code(other):
    done = other.docker("run", "--rm", "--runtime", "other", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    done = other.docker("run", "--rm", "-i", "--runtime", shutil.which(other.other), "busybox", "cat", input="in\n")
    assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr


def test_it_is_that_runtime(other):
    with box(other, OTHER) as made:
        listed = subprocess.run([other.other, "--root", str(other.folder / "exec/oci"), "list", "-q"],
                                capture_output=True, text=True)
        assert made.id in listed.stdout
        assert made.inspect()["HostConfig"]["Runtime"] == "other"
        assert os.readlink(f"/proc/{made.pid}/ns/user") == os.readlink("/proc/self/ns/user")


def test_terminal(other):
    session = Terminal([shutil.which("docker"), "run", "--rm", "-it", "--runtime", "other", "busybox", "sh"],
                       env=other.env, rows=33, columns=101)
    try:
        session.expect("#")
        session.send("stty size; echo ok-$((40+2))\n")
        assert "33 101" in session.expect("ok-42")
        session.send("exit 5\n")
        assert session.wait() == 5
    finally:
        session.close()


def test_exec_stop_pause_stats_top(other):
    with box(other, OTHER, User="1000:7", Env=["A=b"]) as made:
        done = other.docker("exec", made.id, "sh", "-c", "echo $A; id -u; id -g; exit 3")
        assert (done.stdout, done.returncode) == ("b\n1000\n7\n", 3), done.stderr
        done = other.docker("exec", "-u", "root", "-i", made.id, "sh", "-c", "id -u; cat", input="x\n")
        assert done.stdout == "0\nx\n"
        assert call(other, "POST", f"/containers/{made.id}/pause")[0] == 204
        assert made.inspect()["State"]["Paused"]
        assert call(other, "POST", f"/containers/{made.id}/unpause")[0] == 204
        assert call(other, "GET", f"/containers/{made.id}/stats?stream=0")[1]["pids_stats"]["current"] >= 1
        assert "sleep 600" in json.dumps(call(other, "GET", f"/containers/{made.id}/top")[1])
        begin = time.monotonic()
        assert call(other, "POST", f"/containers/{made.id}/kill")[0] == 204
        assert made.inspect()["State"]["ExitCode"] == 137 and time.monotonic() - begin < 5
        made.start()
        assert made.sh("echo again") == "again"


def test_limits_capabilities_network_and_files(other, tmp_path):
    host = dict(OTHER, Memory=64 << 20, PidsLimit=50, CapDrop=["ALL"], Binds=[f"{tmp_path}:/m"],
                Tmpfs={"/t": "size=1m"}, ExtraHosts=["db:192.0.2.1"])
    with box(other, host) as made:
        assert made.cgroup("memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
        assert made.cgroup("pids", "pids.max", "pids.max") == "50"
        assert made.sh("grep CapEff /proc/1/status").split()[1] == "0000000000000000"
        assert "eth0" in made.sh("ls /sys/class/net") and "192.0.2.1" in made.sh("cat /etc/hosts")
        made.sh("echo x > /m/f; mkdir -p /kept; echo y > /kept/f")
        assert (tmp_path / "f").read_text() == "x\n"
        call(other, "POST", f"/containers/{made.id}/restart?t=0")
        assert made.sh("cat /kept/f") == "y"


def test_missing_programs(other):
    done = other.docker("run", "--rm", "--runtime", "other", "busybox", "nosuch")
    assert done.returncode == 127, done.stderr
    status, message = refused(other, {"Runtime": "/no/such/runtime"})
    assert status >= 400 and "/no/such/runtime" in message


def test_survives_the_engine_and_leaves_nothing(other):
    with box(other, OTHER, Cmd=["sh", "-c", "while :; do echo tick; sleep 0.2; done"]) as made:
        pid = made.pid
        other.kill()
        other.start()
        assert made.pid == pid and made.inspect()["State"]["Running"]
        assert made.sh("echo there") == "there"
        before = len(made.logs())
        until(lambda: len(made.logs()) > before)
        call(other, "POST", f"/containers/{made.id}/stop?t=0")
        assert not (other.folder / "exec/bundles" / made.id).exists()
        assert str(other.folder) not in open("/proc/mounts").read()


def test_info_names_them_and_reserved_names_are_refused(other, new_engine):
    info = call(other, "GET", "/info")[1]
    assert info["Runtimes"]["other"]["path"] == other.other and info["DefaultRuntime"] == "hull"
    engine = new_engine("--default-runtime", "nosuch", start=False)
    engine.start(wait=False)
    assert engine.process.wait(10) != 0
    assert "specified default runtime 'nosuch' does not exist" in engine.log_text()


def test_default_runtime(programs, new_engine):
    engine = new_engine("--add-runtime", f"mine={shutil.which(FOUND[0])}", "--default-runtime", "mine")
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    assert said(engine, "echo hi") == "hi\n"
    with box(engine, start=False) as made:
        assert made.inspect()["HostConfig"]["Runtime"] == "mine"
