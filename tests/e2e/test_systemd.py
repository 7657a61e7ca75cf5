"""Containers whose program is systemd, seen by a stand-in for it; the real one runs in tests/vm."""
import os
import pathlib
import time

import pytest

V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()

# What systemd looks at first, and how it ends.
INIT = r"""#!/bin/sh
trap 'echo stopped; exit 0' 37 # RTMIN+3
echo "pid $$ container=$container"
grep -E ' /run(/lock)? ' /proc/mounts | while read -r _ place type options _; do echo "$place $type $options"; done
cat /run/from-image
cd /sys/fs/cgroup
if [ -e cgroup.controllers ]; then
    mkdir init.scope && echo $$ >init.scope/cgroup.procs && echo +pids >cgroup.subtree_control && mkdir system.slice &&
        cat system.slice/pids.max
    echo 5 >pids.max && echo "lifted its own limit"
fi
echo ready
while :; do sleep 0.1; done
"""


@pytest.fixture(scope="module")
def image(engine, tmp_path_factory):
    context = tmp_path_factory.mktemp("systemd")
    (context / "init").write_text(INIT)
    (context / "init").chmod(0o755)
    (context / "Dockerfile").write_text(
        "FROM busybox\nCOPY init /usr/sbin/init\nRUN mkdir -p /run; echo 'of the image' >/run/from-image\n"
        "CMD [\"/usr/sbin/init\"]\n")
    done = engine.hull("build", "-q", "-t", "test-systemd", str(context))
    assert done.returncode == 0, done.stderr
    yield "test-systemd"
    engine.hull("rmi", "-f", "test-systemd")


def lines_until_ready(engine, name):
    deadline = time.monotonic() + 15
    while "ready" not in (lines := engine.hull("logs", name).stdout.splitlines()):
        assert time.monotonic() < deadline, engine.hull("logs", name)
        time.sleep(0.02)
    return lines


@pytest.fixture
def started(engine, image):
    """started(*flags): the log's lines; the container is called systemd-test."""
    def start(*flags):
        done = engine.hull("run", "-d", "--name", "systemd-test", *flags, image)
        assert done.returncode == 0, done.stderr
        return lines_until_ready(engine, "systemd-test")
    yield start
    engine.hull("rm", "-f", "systemd-test")


def test_it_gets_what_it_needs_without_a_flag(engine, started):
    lines = started()
    assert "pid 1 container=docker" in lines
    mounts = {line.split()[0]: line for line in lines if line.startswith("/run")}
    assert "tmpfs rw" in mounts["/run"] and "tmpfs rw" in mounts["/run/lock"] and "noexec" in mounts["/run/lock"]
    assert "of the image" in lines  # what the image has in /run
    if V2:
        assert "max" in lines and "lifted its own limit" not in lines
    assert engine.hull("exec", "systemd-test", "echo", "in").stdout == "in\n"
    assert engine.docker("inspect", "-f", "{{.Config.StopSignal}}", "systemd-test").stdout == "SIGRTMIN+3\n"
    begun = time.monotonic()
    assert engine.hull("stop", "-t", "20", "systemd-test").returncode == 0
    assert time.monotonic() - begun < 15
    assert engine.hull("logs", "systemd-test").stdout.endswith("stopped\n")
    assert engine.hull("inspect", "-f", "{{.State.ExitCode}}", "systemd-test").stdout == "0\n"


def test_what_is_asked_for_wins(engine, started):
    lines = started("--tmpfs", "/run:size=3m", "-e", "container=mine", "--stop-signal", "SIGKILL",
                    "--security-opt", "writable-cgroups=false")
    assert "pid 1 container=mine" in lines and "max" not in lines
    assert any(line.startswith("/run tmpfs") and "size=3072k" in line for line in lines)
    assert "of the image" not in lines


@pytest.mark.parametrize("command", [["/sbin/init-not"], ["sh", "-c", "exec sleep 100"]])
def test_another_program_gets_none_of_it(engine, image, command):
    done = engine.hull("run", "--rm", "--entrypoint", "sh", image, "-c",
                       "echo $container; grep -c ' /run' /proc/mounts; mkdir /sys/fs/cgroup/x", *command)
    assert done.stdout == "\n0\n" and "Read-only" in done.stderr and done.returncode == 1


def test_writable_cgroups_with_the_hosts_users_take_v2(engine, image):
    done = engine.hull("run", "--rm", "--userns", "host", "--security-opt", "writable-cgroups=true", "--entrypoint",
                       "true", image)
    assert done.returncode == (0 if V2 else 125)
    assert V2 or "writable-cgroups=true takes cgroup v2" in done.stderr


def test_a_wrong_word_is_refused(engine, image):
    done = engine.hull("run", "--rm", "--security-opt", "writable-cgroups=maybe", image)
    assert done.returncode == 125 and "writable-cgroups" in done.stderr
    assert os.path.exists("/sys/fs/cgroup")
