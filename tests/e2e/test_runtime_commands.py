"""hull-runtime's commands: what their callers (containerd, dockerd, conmon) rely on."""
import array
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from runtime_bundle import Runtime, wait_for  # noqa: E402


@pytest.fixture
def runtime(tmp_path):
    made = Runtime(tmp_path)
    yield made
    made.cleanup()
    assert made.leftovers() == []


class PidfdListener:
    """The unix socket of --pidfd-socket; gives the message and the pid behind the descriptor."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.path)
        self.socket.listen(1)
        self.socket.settimeout(10)

    def take(self):
        connection, _ = self.socket.accept()
        connection.settimeout(10)
        data, ancillary, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(4))
        fd = array.array("i", ancillary[0][2])[0]
        try:
            text = pathlib.Path(f"/proc/self/fdinfo/{fd}").read_text()
        finally:
            os.close(fd)
        return data.decode(), int(re.search(r"^Pid:\s+(\d+)", text, re.M).group(1))


def test_the_pidfd_of_init_goes_to_the_socket_that_asked(runtime, tmp_path):
    listener = PidfdListener(tmp_path / "s")
    container = runtime.create(None, "--pidfd-socket", listener.path)
    assert listener.take() == ("standard", runtime.state(container)["pid"])
    runtime("start", container)
    pid_file = tmp_path / "pid"
    runtime("exec", "-d", "--pidfd-socket", listener.path, "--pid-file", pid_file, container, "sleep", "600")
    assert listener.take() == ("setns", int(pid_file.read_text()))


def test_a_pidfd_socket_that_isnt_there_fails_the_create_and_leaves_nothing(runtime, tmp_path):
    done = runtime("create", "--bundle", runtime.bundle(runtime.spec()), "--pidfd-socket", tmp_path / "none",
                   runtime.new_id(), check=False)
    assert done.returncode == 1
    assert "pidfd socket: connect" in done.stderr
    assert runtime.leftovers() == []


def test_without_pivot_root_the_container_runs_and_sees_nothing_of_the_host(runtime):
    spec = runtime.spec("sh", "-c", "cat /proc/self/mountinfo; ls /..")
    done = runtime("run", "--no-pivot", "--bundle", runtime.bundle(spec), runtime.new_id())
    points = [line.split()[4] for line in done.stdout.splitlines() if " - " in line]
    assert points[0] == "/" and "/proc" in points and not any(p.startswith("/sys/kernel") for p in points)
    assert "root" not in done.stdout.splitlines()[-8:]
    container = runtime.start(None, "--no-pivot")
    assert runtime("exec", container, "ls", "/").stdout.split() == sorted(os.listdir(runtime.rootfs()))


def test_a_session_keyring_is_made_unless_forbidden(runtime):
    spec = runtime.spec("cat", "/proc/keys")
    spec["linux"]["maskedPaths"] = []
    name = f"{runtime.prefix}keyring"
    keyctl = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
    libc = ctypes.CDLL(None, use_errno=True)

    def join_keyring():  # one that only those see who have it
        keyring = libc.syscall(keyctl, 1, name.encode())
        assert keyring > 0 and libc.syscall(keyctl, 5, keyring, 0x3f000000) == 0

    def keys(*flags):
        return runtime("run", *flags, "--bundle", runtime.bundle(spec), runtime.new_id(), preexec_fn=join_keyring).stdout

    assert name not in keys()
    assert name in keys("--no-new-keyring")


def cgroups_of(pid):
    return {line.split(":")[1]: line.split(":")[2] for line in
            pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()}


def test_exec_goes_to_a_cgroup_below_the_containers(runtime, tmp_path):
    container = runtime.start(runtime.spec(cgroup=f"/{runtime.prefix}c"))
    pid_file = tmp_path / "pid"
    own = cgroups_of(runtime.state(container)["pid"])
    v1 = pathlib.Path("/sys/fs/cgroup/memory").is_dir()
    tops = [f"/sys/fs/cgroup/{c}" for c in ("memory", "pids")] if v1 else ["/sys/fs/cgroup"]
    for top in tops:
        (pathlib.Path(top) / f"{runtime.prefix}c" / "sub").mkdir()

    def exec_in(*flags, check=True):
        done = runtime("exec", "-d", "--pid-file", pid_file, *flags, container, "sleep", "600", check=check)
        return cgroups_of(int(pid_file.read_text())) if done.returncode == 0 else done.stderr

    if v1:
        assert exec_in() == own
        made = exec_in("--cgroup", "memory,pids:sub")
        assert made["memory"] == own["memory"] + "/sub" and made["pids"] == own["pids"] + "/sub"
        assert made["cpu"] == own["cpu"]
    else:
        assert exec_in("--cgroup", "sub")[""].endswith("/sub")
    assert "is not a sub cgroup path" in exec_in("--cgroup", "../other", check=False)
    assert "the container has no cgroup" in exec_in("--cgroup", "nosuch", check=False)
