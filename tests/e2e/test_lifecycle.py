"""ps, logs, exec, attach, stop, kill, wait, top, stats, inspect, rm, events, info."""
import json
import os
import re
import subprocess
import time

import pytest

from terminal import Terminal


@pytest.fixture
def sleeper(engine):
    """A running container; gives its name."""
    name = f"sleeper-{os.getpid()}-{time.monotonic_ns()}"
    done = engine.hull("run", "-d", "--name", name, "-l", "kind=sleeper", "busybox", "sleep", "600")
    assert done.returncode == 0, done.stderr
    yield name
    engine.hull("rm", "-f", name)


def test_ps_shows_and_filters(docker, sleeper):
    line = docker("ps", "--filter", f"name={sleeper}").stdout.splitlines()[1]
    assert re.match(r'[0-9a-f]{12}   busybox   "sleep 600"   .* ago\s+Up .*second', line), line
    for flt in ("label=kind=sleeper", "status=running", "ancestor=busybox", f"name={sleeper}"):
        assert sleeper in docker("ps", "--filter", flt, "--format", "{{.Names}}").stdout.split(), flt
    assert sleeper not in docker("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}").stdout.split()
    size = docker("ps", "-s", "--filter", f"name={sleeper}", "--format", "{{.Size}}").stdout
    assert "virtual" in size


def test_inspect_has_dockers_shape(docker, sleeper):
    info = json.loads(docker("inspect", sleeper).stdout)[0]
    assert info["Name"] == "/" + sleeper
    assert info["Image"].startswith("sha256:")
    assert info["State"]["Running"] and info["State"]["Pid"] > 0
    assert info["Config"]["Labels"] == {"kind": "sleeper"}
    assert info["HostConfig"]["NetworkMode"] in ("default", "bridge")
    assert info["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert info["Mounts"] == [] and info["ExecIDs"] is None
    assert info["Path"] == "sleep" and info["Args"] == ["600"]


def test_exec_streams_codes_and_options(docker, sleeper):
    done = docker("exec", "-e", "X=1", "-w", "/tmp", "-u", "1000", sleeper, "sh", "-c",
                  "echo $X $PWD $(id -u); echo e >&2; exit 9")
    assert (done.stdout, done.stderr, done.returncode) == ("1 /tmp 1000\n", "e\n", 9)
    assert docker("exec", "-i", sleeper, "cat", input="in\n").stdout == "in\n"
    done = docker("exec", sleeper, "nosuch")
    assert done.returncode == 127 and "executable file not found in $PATH" in done.stdout + done.stderr
    done = docker("exec", sleeper, "/etc/passwd")
    assert done.returncode == 126
    assert docker("exec", "-d", sleeper, "touch", "/made-by-exec").returncode == 0
    for _ in range(50):
        if docker("exec", sleeper, "ls", "/made-by-exec").returncode == 0:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the detached exec did nothing")


def test_exec_terminal(docker, engine, sleeper):
    session = Terminal([docker.path, "exec", "-it", sleeper, "sh"], env=engine.env, rows=30, columns=90)
    try:
        session.expect("#")
        session.send("stty size; exit 4\n")
        session.expect("30 90")
        assert session.wait() == 4
    finally:
        session.close()


def test_exec_in_a_stopped_container_is_an_error(docker, engine, sleeper):
    docker("kill", sleeper)
    docker("wait", sleeper)
    done = docker("exec", sleeper, "true")
    assert done.returncode == 1 and "is not running" in done.stderr


def test_logs_follow_tail_since_timestamps(docker, engine):
    name = f"logger-{os.getpid()}"
    docker("run", "-d", "--name", name, "busybox", "sh", "-c",
           "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; sleep 0.1; done")
    try:
        done = docker("logs", "-f", name)
        assert done.stdout == "".join(f"out {i}\n" for i in range(1, 6))
        assert done.stderr == "".join(f"err {i}\n" for i in range(1, 6))
        done = docker("logs", "--tail", "2", name)
        assert done.stdout + done.stderr == "out 5\nerr 5\n"
        stamped = docker("logs", "-t", "--tail", "1", name)
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z err 5\n", stamped.stderr), stamped
        assert docker("logs", "--since", "1h", name).stdout == "".join(f"out {i}\n" for i in range(1, 6))
        future = docker("logs", "--since", "2100-01-01T00:00:00Z", name)
        assert future.stdout == future.stderr == ""
    finally:
        docker("rm", "-f", name)


def test_attach_sees_output_and_keys_detach(docker, engine):
    name = f"att-{os.getpid()}"
    docker("run", "-dit", "--name", name, "busybox", "sh")
    session = Terminal([docker.path, "attach", "--detach-keys", "ctrl-a,d", name], env=engine.env)
    try:
        session.send("echo a$((1+1))b\n")
        session.expect("a2b")
        session.send("\x01d")
        assert session.wait() == 1 and "read escape sequence" in session.output  # docker attach says so with 1
        assert docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    finally:
        session.close()
        docker("rm", "-f", name)


def test_stop_takes_the_grace_period_and_the_signal(docker):
    name = f"stop-{os.getpid()}"
    docker("run", "-d", "--name", name, "--stop-signal", "USR1", "busybox", "sh", "-c",
           "trap 'exit 42' USR1; while :; do sleep 0.05; done")
    assert docker("stop", "-t", "10", name).returncode == 0
    assert docker("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "42\n"
    docker("rm", name)
    docker("run", "-d", "--name", name, "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
    begin = time.monotonic()
    assert docker("stop", "-t", "1", name).returncode == 0
    assert 0.9 < time.monotonic() - begin < 5
    assert docker("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "137\n"
    docker("rm", name)


def test_kill_wait_restart_start(docker, sleeper):
    waiter = subprocess.Popen([docker.path, "wait", sleeper], env=dict(os.environ, DOCKER_HOST=docker_host(docker)),
                              stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    assert docker("kill", "-s", "KILL", sleeper).returncode == 0
    assert waiter.communicate(timeout=15)[0] == "137\n"
    assert docker("start", sleeper).returncode == 0
    first = docker("inspect", "-f", "{{.State.Pid}}", sleeper).stdout
    assert docker("restart", "-t", "0", sleeper).returncode == 0
    assert docker("inspect", "-f", "{{.State.Pid}}", sleeper).stdout != first
    done = docker("kill", "-s", "NOSUCH", sleeper)
    assert done.returncode == 1 and "signal" in done.stderr.lower()


def docker_host(docker):
    return docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}").stdout.strip()


def test_files_survive_a_restart(docker, sleeper):
    docker("exec", sleeper, "sh", "-c", "echo kept > /file")
    docker("restart", "-t", "0", sleeper)
    assert docker("exec", sleeper, "cat", "/file").stdout == "kept\n"


def test_start_attached_gives_output_and_code(docker):
    name = f"sa-{os.getpid()}"
    docker("create", "--name", name, "busybox", "sh", "-c", "echo again; exit 6")
    for _ in range(2):
        done = docker("start", "-a", name)
        assert (done.stdout, done.returncode) == ("again\n", 6)
    docker("rm", name)


def test_pause_and_unpause(docker, sleeper):
    assert docker("pause", sleeper).returncode == 0
    assert docker("inspect", "-f", "{{.State.Status}} {{.State.Paused}}", sleeper).stdout == "paused true\n"
    assert "(Paused)" in docker("ps", "--filter", f"name={sleeper}", "--format", "{{.Status}}").stdout
    assert docker("exec", sleeper, "true").returncode != 0
    assert docker("unpause", sleeper).returncode == 0
    assert docker("exec", sleeper, "true").returncode == 0
    assert docker("unpause", sleeper).returncode == 1


def test_rename_and_name_clash(docker, sleeper):
    other = sleeper + "-renamed"
    assert docker("rename", sleeper, other).returncode == 0
    done = docker("create", "--name", other, "busybox")
    assert done.returncode == 1 and "is already in use by container" in done.stderr
    assert docker("rename", other, sleeper).returncode == 0
    done = docker("create", "--name", "bad/name", "busybox")
    assert done.returncode == 1 and "Invalid container name" in done.stderr


def test_top_and_stats(docker, sleeper):
    lines = docker("top", sleeper).stdout.splitlines()
    assert lines[0].split()[:2] == ["UID", "PID"] and "sleep 600" in lines[1]
    assert docker("top", sleeper, "-o", "pid,comm").stdout.splitlines()[1].split()[1] == "sleep"
    stats = json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", sleeper).stdout)
    assert stats["Name"] == sleeper and stats["PIDs"] == "1"
    assert not stats["MemUsage"].startswith("0B / 0B")


def test_rm_rules(docker, sleeper):
    done = docker("rm", sleeper)
    assert done.returncode == 1 and "running" in done.stderr
    assert docker("rm", "-f", sleeper).stdout == sleeper + "\n"
    done = docker("rm", "no-such-container")
    assert done.returncode == 1 and "No such container: no-such-container" in done.stderr


def test_events_tell_the_life_of_a_container(docker, engine):
    since = str(int(time.time()) - 1)
    name = f"ev-{os.getpid()}"
    docker("run", "--rm", "--name", name, "busybox", "true")
    lines = docker("events", "--since", since, "--until", str(int(time.time()) + 1), "--filter", f"container={name}",
                   "--format", "{{.Action}}").stdout.split()
    for action in ("create", "attach", "start", "die", "destroy"):
        assert action in lines, lines
    assert lines.index("create") < lines.index("start") < lines.index("die") < lines.index("destroy")


def test_info_and_version(docker, engine):
    info = json.loads(docker("info", "--format", "{{json .}}").stdout)
    assert info["OSType"] == "linux" and info["Driver"] == "overlay2" or info["Driver"]
    assert info["DockerRootDir"] == str(engine.folder / "data")
    assert docker("info").returncode == 0
    version = json.loads(docker("version", "--format", "{{json .}}").stdout)
    assert version["Server"]["ApiVersion"] == "1.55" or version["Server"]["APIVersion"] == "1.55"


def test_prune(docker, engine):
    docker("create", "--label", "prune-me=1", "busybox")
    done = docker("container", "prune", "-f", "--filter", "label=prune-me")
    assert done.returncode == 0 and "Deleted Containers" in done.stdout
    assert docker("ps", "-aq", "--filter", "label=prune-me").stdout == ""


def test_init_reaps_and_forwards(engine):
    name = f"init-{os.getpid()}"
    done = engine.hull("run", "-d", "--init", "--name", name, "busybox", "sh", "-c", "sleep 600")
    try:
        assert done.returncode == 0, done.stderr
        assert "init" in engine.hull("exec", name, "cat", "/proc/1/comm").stdout
        begin = time.monotonic()
        engine.hull("stop", name)
        assert time.monotonic() - begin < 5
    finally:
        engine.hull("rm", "-f", name)


def test_on_failure_restarts_are_counted(engine):
    name = f"re-{os.getpid()}"
    engine.hull("run", "-d", "--restart", "on-failure:2", "--name", name, "busybox", "false")
    try:
        for _ in range(200):
            state = json.loads(engine.hull("inspect", name).stdout)[0]
            if state["RestartCount"] == 2 and state["State"]["Status"] == "exited":
                break
            time.sleep(0.05)
        assert (state["RestartCount"], state["State"]["ExitCode"]) == (2, 1)
    finally:
        engine.hull("rm", "-f", name)
