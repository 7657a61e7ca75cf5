"""What people do with Docker, Podman and containerd, with hull-runtime below."""
import json
import os
import pathlib
import re
import signal
import sys
import time

import pytest

from names import IMAGE, NUMBER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from terminal import Terminal  # noqa: E402

SLEEP = ["sleep", "1000"]


@pytest.fixture
def box(cli):
    """A container that runs; gives its name."""
    name = f"box{NUMBER}"
    cli("rm", "-f", name)
    cli.out("run", "-d", "--name", name, IMAGE, *SLEEP)
    yield name
    cli("rm", "-f", name)


def state(cli, name):
    return json.loads(cli.out("inspect", name))[0]["State"]


# --- run ------------------------------------------------------------------------------------

def test_a_debian_container_runs(cli):
    assert "Debian" in cli.out("run", "--rm", IMAGE, "cat", "/etc/os-release")


def test_streams_and_exit_codes(cli):
    done = cli("run", "--rm", "-i", IMAGE, "sh", "-c", "cat; echo err >&2; exit 7", input="in\n")
    assert (done.stdout, done.stderr, done.returncode) == ("in\n", "err\n", 7)


@pytest.mark.parametrize("command,code", [(["/no/such/program"], 127), (["/etc"], 126), (["/etc/passwd"], 126),
                                          (["sh", "-c", "kill -9 $$"], 137)])
def test_codes_of_what_goes_wrong(cli, command, code):
    if command[0] == "sh":
        command = ["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]
    assert cli("run", "--rm", IMAGE, *command).returncode == code


def test_logs(cli):
    name = f"logs{NUMBER}"
    cli.out("run", "-d", "--name", name, IMAGE, "sh", "-c", "echo out; echo err >&2")
    cli.out("wait", name)
    done = cli("logs", name)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    cli.out("rm", name)


def test_a_terminal(cli):
    terminal = Terminal(cli.words("run", "--rm", "-it", IMAGE, "sh", "-c", "stty size; tty; read x; echo got=$x; exit 3"),
                        rows=31, columns=97)
    terminal.expect("/dev/")
    terminal.send("word\n")
    terminal.expect("got=word")
    assert terminal.process.wait(20) == 3


def test_attach(cli):
    name = f"attach{NUMBER}"
    cli.out("run", "-dit", "--name", name, IMAGE, "sh", "-c", "while read x; do echo got=$x; done")
    terminal = Terminal(cli.words("attach", name))
    time.sleep(0.5)
    terminal.send("word\n")
    terminal.expect("got=word")
    cli.out("rm", "-f", name)
    terminal.process.wait(20)


def test_volumes_users_and_environment(cli, tmp_path):
    os.chmod(tmp_path, 0o777)
    (tmp_path / "file").write_text("content\n")
    out = cli.out("run", "--rm", "-v", f"{tmp_path}:/data", "-v", f"{tmp_path}:/fixed:ro", "-u", "1234:1235", "-e", "A=b",
                  "-w", "/data", IMAGE, "sh", "-c",
                  "pwd; id -u; id -g; echo $A; cat file; touch made; touch /fixed/x 2>/dev/null || echo refused")
    assert out.split() == ["/data", "1234", "1235", "b", "content", "refused"]
    assert (tmp_path / "made").stat().st_uid == 1234


def test_read_only_root_and_tmpfs(cli):
    out = cli.out("run", "--rm", "--read-only", "--tmpfs", "/scratch", IMAGE, "sh", "-c",
                  "touch /x 2>/dev/null || echo refused; touch /scratch/x && echo made")
    assert out.split() == ["refused", "made"]


def test_capabilities(cli):
    def effective(*flags):
        return int(cli.out("run", "--rm", *flags, IMAGE, "grep", "CapEff", "/proc/self/status").split()[1], 16)
    assert effective("--cap-drop", "ALL") == 0
    assert effective("--cap-drop", "ALL", "--cap-add", "CHOWN") == 1
    assert effective("--cap-add", "NET_ADMIN") & 1 << 12
    assert effective("--privileged") & 1 << 21


def test_privileged(cli):
    out = cli.out("run", "--rm", "--privileged", IMAGE, "sh", "-c",
                  "mount -t tmpfs t /mnt && echo mounted; ls /dev | wc -l; grep Seccomp: /proc/self/status")
    assert out.split()[0] == "mounted" and int(out.split()[1]) > 20 and out.split()[-1] == "0"


def test_security_options(cli):
    out = cli.out("run", "--rm", "--security-opt", "no-new-privileges", IMAGE, "grep", "-E", "NoNewPrivs|Seccomp:",
                  "/proc/self/status")
    assert out.split() == ["NoNewPrivs:", "1", "Seccomp:", "2"]
    assert "Seccomp:\t0" in cli.out("run", "--rm", "--security-opt", "seccomp=unconfined", IMAGE, "grep", "Seccomp:",
                                    "/proc/self/status")


def test_init(cli):
    if cli.name == "podman":
        pytest.skip("Podman's init (catatonit) is not a package of the test set")
    out = cli.out("run", "--rm", "--init", IMAGE, "cat", "/proc/1/comm")
    assert "init" in out


def test_hostname_shm_ulimit_sysctl_device(cli):
    out = cli.out("run", "--rm", "--hostname", "inside", "--shm-size", "16m", "--ulimit", "nofile=99:100", "--sysctl",
                  "net.ipv4.ip_default_ttl=33", "--device", "/dev/loop-control", IMAGE, "sh", "-c",
                  "hostname; df -k /dev/shm | tail -1; ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl; "
                  "ls /dev/loop-control")
    lines = out.splitlines()
    assert lines[0] == "inside" and lines[1].split()[1] == "16384" and lines[2:] == ["99", "33", "/dev/loop-control"]


@pytest.mark.parametrize("kind", ["pid", "ipc", "uts"])
def test_namespaces_of_the_host(cli, kind):
    out = cli.out("run", "--rm", f"--{kind}=host", IMAGE, "readlink", f"/proc/self/ns/{kind}")
    assert out.strip() == os.readlink(f"/proc/self/ns/{kind}")


def test_namespaces_of_another_container(cli, box):
    other = cli.out("run", "--rm", f"--network=container:{box}", f"--pid=container:{box}", IMAGE, "sh", "-c",
                    "readlink /proc/self/ns/net /proc/self/ns/pid; cat /proc/1/comm").split()
    own = cli.out("exec", box, "readlink", "/proc/self/ns/net", "/proc/self/ns/pid").split()
    assert other == [*own, "sleep"]


# --- exec ------------------------------------------------------------------------------------

def test_exec(cli, box):
    done = cli("exec", "-i", "-u", "5", "-e", "A=b", "-w", "/etc", box, "sh", "-c", "cat; id -u; echo $A; pwd; exit 4",
               input="in\n")
    assert (done.stdout.split(), done.returncode) == (["in", "5", "b", "/etc"], 4)
    # Docker before 23 says 126.
    assert cli("exec", box, "/no/such/program").returncode in (126, 127)
    assert cli("exec", box, "/etc").returncode == 126


def test_exec_on_a_terminal(cli, box):
    terminal = Terminal(cli.words("exec", "-it", box, "sh", "-c", "tty; read x; echo got=$x; exit 6"))
    terminal.expect("/dev/pts")
    terminal.send("word\n")
    terminal.expect("got=word")
    assert terminal.process.wait(20) == 6


def test_exec_privileged_and_detached(cli, box):
    out = cli.out("exec", "--privileged", box, "grep", "CapEff", "/proc/self/status")
    assert int(out.split()[1], 16) & 1 << 21
    cli.out("exec", "-d", box, "touch", "/made")
    deadline = time.monotonic() + 10
    while cli("exec", box, "test", "-e", "/made").returncode != 0:
        assert time.monotonic() < deadline


# --- lives -----------------------------------------------------------------------------------

def test_stop_start_restart_kill(cli):
    name = f"life{NUMBER}"
    cli.out("run", "-d", "--name", name, IMAGE, "sh", "-c",
            "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    deadline = time.monotonic() + 10
    while "up" not in cli.out("logs", name):
        assert time.monotonic() < deadline
    cli.out("stop", "-t", "10", name)
    assert state(cli, name)["ExitCode"] == 5 and "bye" in cli.out("logs", name)
    cli.out("start", name)
    assert state(cli, name)["Running"]
    cli.out("restart", "-t", "1", name)
    assert state(cli, name)["Running"]
    cli.out("kill", name)
    cli("wait", name)
    assert state(cli, name)["ExitCode"] == 137
    cli.out("rm", name)


def test_pause_and_unpause(cli, box):
    cli.out("pause", box)
    assert state(cli, box)["Status"] == "paused"
    cli.out("unpause", box)
    assert cli.out("exec", box, "echo", "on") == "on\n"


def test_limits_update_and_stats(cli):
    name = f"limits{NUMBER}"
    cli.out("run", "-d", "--name", name, "--memory", "100m", "--cpus", "0.5", "--pids-limit", "50", IMAGE, *SLEEP)
    pid = state(cli, name)["Pid"]
    cgroups = dict(line.split(":")[1:] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    def value(controller, file):
        return pathlib.Path(f"/sys/fs/cgroup/{controller}{cgroups[controller]}/{file}").read_text().strip()
    assert value("memory", "memory.limit_in_bytes") == str(100 << 20)
    assert value("cpu", "cpu.cfs_quota_us") == "50000"
    assert value("pids", "pids.max") == "50"
    if cli.name == "docker":
        cli.out("update", "--memory", "64m", "--memory-swap", "64m", "--cpu-shares", "512", name)
        assert value("memory", "memory.limit_in_bytes") == str(64 << 20)
        assert value("cpu", "cpu.shares") == "512"
        assert "64MiB" in cli.out("stats", "--no-stream", "--format", "{{.MemUsage}}", name)
    cli.out("rm", "-f", name)


def test_out_of_memory_is_told(cli):
    name = f"oom{NUMBER}"
    cli("run", "--name", name, "--memory", "20m", "--memory-swap", "20m", IMAGE, "sh", "-c",
        "head -c 200m /dev/zero | tail >/dev/null; exit $?")
    seen = state(cli, name)
    assert seen["ExitCode"] != 0
    if cli.name == "docker":
        assert seen["OOMKilled"]
    cli.out("rm", "-f", name)


def test_top(cli, box):
    assert "sleep 1000" in cli.out("top", box)


def test_healthcheck(docker_engine):
    name = f"health{NUMBER}"
    docker_engine.out("run", "-d", "--name", name, "--health-cmd", "true", "--health-interval", "1s", IMAGE, *SLEEP)
    deadline = time.monotonic() + 20
    while state(docker_engine, name)["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    docker_engine.out("rm", "-f", name)


def test_a_restart_policy(docker_engine):
    name = f"again{NUMBER}"
    docker_engine.out("run", "-d", "--name", name, "--restart", "on-failure:2", IMAGE, "false")
    deadline = time.monotonic() + 30
    while json.loads(docker_engine.out("inspect", name))[0]["RestartCount"] != 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    docker_engine.out("rm", "-f", name)


def test_build(cli, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo made > /file && id -u\nUSER 1000\nRUN id -u > /tmp/id\n"
                                         "CMD cat /file /tmp/id\n")
    words = ["build", "-q", "-t", "built:latest", str(tmp_path)]
    if cli.name == "podman":
        words[1:1] = ["--isolation", "oci", "--network", "none"]
    done = cli(*words, env=dict(os.environ, DOCKER_BUILDKIT="0"))
    assert done.returncode == 0, done.stderr
    assert cli.out("run", "--rm", "built:latest").split() == ["made", "1000"]


def test_the_engine_keeps_its_containers_over_a_restart(docker_engine, runtime_program):
    """live-restore is off: dockerd stops them and starts them again by the restart policy."""
    name = f"stay{NUMBER}"
    docker_engine.out("run", "-d", "--name", name, "--restart", "always", IMAGE, *SLEEP)
    old = docker_engine.daemons[-1]
    old.send_signal(signal.SIGTERM)
    old.wait(60)
    docker_engine.daemons.remove(old)
    docker_engine.start(runtime_program)
    deadline = time.monotonic() + 20
    while not state(docker_engine, name)["Running"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    docker_engine.out("rm", "-f", name)


# --- Podman's own ------------------------------------------------------------------------------

def test_podman_pod(podman):
    """Without an infra container: its limits are above what every machine allows."""
    name = f"pod{NUMBER}"
    podman.out("pod", "create", "--name", name, "--infra=false", "--share", "", "--cgroup-parent",
               f"/{podman.cgroup_parent}")
    podman.out("run", "-d", "--pod", name, "--network=none", IMAGE, *SLEEP)
    assert podman.out("pod", "inspect", name, "--format", "{{.NumContainers}}").strip() == "1"
    podman.out("pod", "rm", "-f", "-t", "0", name)


def test_podman_user_namespace(podman):
    out = podman.out("run", "--rm", "--uidmap", "0:200000:5000", "--gidmap", "0:200000:5000", IMAGE, "sh", "-c",
                     "cat /proc/self/uid_map; touch /x; stat -c %u /x")
    assert out.split() == ["0", "200000", "5000", "0"]


# --- containerd ---------------------------------------------------------------------------------

def test_ctr_run(containerd):
    out = containerd.out("run", "--rm", containerd.image, f"c1{NUMBER}", "cat", "/etc/os-release")
    assert "Debian" in out
    assert containerd("run", "--rm", containerd.image, f"c2{NUMBER}", "sh", "-c", "exit 9").returncode == 9


def test_ctr_task(containerd):
    name = f"task{NUMBER}"
    containerd.out("run", "-d", containerd.image, name, *SLEEP)
    assert re.search(rf"{name}\s+\d+\s+RUNNING", containerd.out("tasks", "ls"))
    assert containerd.out("tasks", "exec", "--exec-id", "e1", name, "echo", "in") == "in\n"
    containerd.out("tasks", "pause", name)
    assert "PAUSED" in containerd.out("tasks", "ls")
    containerd.out("tasks", "resume", name)
    assert "pids" in containerd.out("tasks", "metrics", name)
    assert len(containerd.out("tasks", "ps", name).splitlines()) == 2
    containerd.out("tasks", "kill", "-s", "KILL", name)
    deadline = time.monotonic() + 10
    while "STOPPED" not in containerd.out("tasks", "ls"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    containerd("tasks", "rm", name)
    containerd.out("containers", "rm", name)


def test_ctr_terminal(containerd):
    terminal = Terminal(containerd.words("run", "--rm", "-t", containerd.image, f"t{NUMBER}", "sh", "-c",
                                         "tty; read x; echo got=$x; exit 3"))
    terminal.expect("/dev/")
    terminal.send("word\n")
    terminal.expect("got=word")
    assert terminal.process.wait(20) == 3


def test_ctr_limits_and_mounts(containerd, tmp_path):
    (tmp_path / "file").write_text("content\n")
    out = containerd.out("run", "--rm", "--memory-limit", str(64 << 20), "--mount",
                         f"type=bind,src={tmp_path},dst=/data,options=rbind:ro", containerd.image, f"m{NUMBER}", "sh", "-c",
                         "cat /data/file; touch /data/x 2>/dev/null || echo refused")
    assert out.split() == ["content", "refused"]
