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


def break_pid_file(runtime, spec):
    return ["--pid-file", "/no/such/folder/pid"], "pid file"


def break_console(runtime, spec):
    spec["process"]["terminal"] = True
    return ["--console-socket", runtime.folder / "none"], "console socket"


def break_hook(runtime, spec):
    spec["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    return [], "error running createRuntime hook #0: /bin/false: exit status 1"


def break_inner_hook(runtime, spec):
    spec["hooks"] = {"createContainer": [{"path": "/bin/sleep", "args": ["sleep", "9"], "timeout": 1}]}
    return [], "error running createContainer hook #0: /bin/sleep: it took too long"


def break_mount(runtime, spec):
    spec["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/such", "options": ["bind"]})
    return [], "/no/such: No such file or directory"


def break_program(runtime, spec):
    spec["process"]["args"] = ["nosuch"]
    return [], r'exec: \"nosuch\": executable file not found in $PATH'


def break_root(runtime, spec):
    # Room for the folders only.
    runtime.root.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=3", "full", runtime.root], check=True)
    return [], "No space left on device"


@pytest.mark.parametrize("broken", [break_pid_file, break_console, break_hook, break_inner_hook, break_mount,
                                    break_program, break_root])
@pytest.mark.parametrize("command", ["create", "run"])
def test_a_failed_create_leaves_nothing(runtime, command, broken):
    spec = runtime.spec(cgroup=f"/{runtime.prefix}failed")
    flags, text = broken(runtime, spec)
    if command == "run":
        flags = flags + ["--detach"]
    done = runtime(command, "--bundle", runtime.bundle(spec), *flags, runtime.new_id(), check=False)
    if broken is break_root:
        left = os.listdir(runtime.root)
        subprocess.run(["umount", runtime.root], check=True)
        assert left == []
    assert done.returncode == 1 and text in done.stderr and f"{command} failed" in done.stderr
    wait_for(lambda: runtime.leftovers() == [])


# ---- kill, list, features, version ------------------------------------------------

def process_exists(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_kill_takes_names_and_numbers_and_says_when_there_is_nothing_to_kill(runtime):
    spec = runtime.spec("sh", "-c", "for s in 34 37; do trap \"echo $s >> /tmp/got\" $s; done; while :; do sleep 0.05; done")
    spec["mounts"].append({"destination": "/tmp", "type": "bind", "source": str(runtime.folder), "options": ["rbind"]})
    container = runtime.start(spec)
    got = runtime.folder / "got"
    time.sleep(0.2)
    runtime("kill", container, "SIGRTMIN")
    wait_for(lambda: got.exists() and got.read_text() == "34\n")
    runtime("kill", container, "37")
    wait_for(lambda: got.read_text() == "34\n37\n")
    done = runtime("kill", container, "BOGUS", check=False)
    assert done.returncode == 1 and r'msg="unknown signal \"BOGUS\""' in done.stderr
    runtime("kill", container, "0")
    runtime("kill", container, "kill")
    wait_for(lambda: runtime.state(container)["status"] == "stopped")
    done = runtime("kill", container, "TERM", check=False)
    assert done.returncode == 1 and 'msg="container not running"' in done.stderr
    runtime("kill", "--all", container, "KILL")
    done = runtime("kill", "nosuch", "KILL", check=False)
    assert done.returncode == 1 and 'msg="container does not exist"' in done.stderr


def test_killing_init_kills_all_of_a_container_without_a_pid_namespace(runtime):
    spec = runtime.spec("sh", "-c", "sleep 600 & echo $! > /tmp/pid; wait")
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "pid"]
    spec["mounts"] = [m for m in spec["mounts"] if m["type"] != "proc"]
    spec["mounts"].append({"destination": "/tmp", "type": "bind", "source": str(runtime.folder), "options": ["rbind"]})
    spec["linux"]["maskedPaths"] = spec["linux"]["readonlyPaths"] = []
    pid_file = runtime.folder / "pid"
    for signal_flags in (["KILL"], None):
        container = runtime.start(spec)
        wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
        child = int(pid_file.read_text())
        assert process_exists(child)
        if signal_flags:
            runtime("kill", container, *signal_flags)
        else:  # init alone; the other stays, and --all reaches it
            os.kill(runtime.state(container)["pid"], signal.SIGKILL)
            wait_for(lambda: runtime.state(container)["status"] == "stopped")
            assert process_exists(child)
            runtime("kill", "--all", container, "KILL")
        wait_for(lambda: not process_exists(child) and runtime.state(container)["status"] == "stopped")
        runtime("delete", container)
        pid_file.unlink()


def test_list_tells_ids_status_and_owner(runtime):
    created, running = runtime.create(), runtime.start()
    rows = [line.split() for line in runtime("list").stdout.splitlines()]
    assert rows[0] == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert {row[0]: row[2] for row in rows[1:]} == {created: "created", running: "running"}
    assert {row[5] for row in rows[1:]} == {"root"}
    listed = json.loads(runtime("list", "--format", "json").stdout)
    assert set(listed[0]) == {"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"}
    assert runtime("list", "-q").stdout.split() == sorted([created, running])
    runtime("kill", running, "KILL")
    wait_for(lambda: runtime.state(running)["status"] == "stopped")
    assert {c["id"]: c["pid"] for c in json.loads(runtime("list", "-f", "json").stdout)}[running] == 0


def test_ps_lists_processes(runtime):
    container = runtime.start()
    pid = runtime.state(container)["pid"]
    assert json.loads(runtime("ps", "--format", "json", container).stdout) == [pid]
    lines = runtime("ps", container).stdout.splitlines()
    assert lines[0].split()[:2] == ["UID", "PID"] and len(lines) == 2 and lines[1].split()[1] == str(pid)
    assert runtime("ps", container, "-o", "pid,comm").stdout.split() == ["PID", "COMMAND", str(pid), "sleep"]


def test_version_and_features_parse_as_docker_does(runtime):
    out = runtime("--version").stdout.splitlines()
    name, version = out[0].split(" version ")
    assert name == "hull-runtime" and re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert out[1].startswith("commit: ") and out[2] == "spec: 1.3.0"
    features = json.loads(runtime("features").stdout)
    assert features["ociVersionMax"] == "1.3.0"
    spec = runtime.spec("true")
    assert spec["ociVersion"] == "1.3.0"


def test_delete_of_what_isnt_there_fails_unless_forced(runtime):
    done = runtime("delete", "nosuch", check=False)
    assert done.returncode == 1 and 'msg="container does not exist"' in done.stderr
    runtime("delete", "--force", "nosuch")
    created = runtime.create()
    runtime("delete", created)
    running = runtime.start()
    done = runtime("delete", running, check=False)
    assert done.returncode == 1 and f"cannot delete container {running} that is not stopped: running" in done.stderr
    runtime("delete", "--force", running)


# ---- logs -------------------------------------------------------------------------

def test_errors_are_logged_once_in_the_form_that_callers_parse(runtime, tmp_path):
    log = tmp_path / "log.json"
    done = runtime("--log", log, "--log-format", "json", "start", "nosuch", check=False)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["level"], line["msg"]) for line in lines] == [("error", "container does not exist")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[0]["time"])
    assert done.stderr == "container does not exist\n"
    text = tmp_path / "log.txt"
    runtime("--log", text, "start", "nosuch", check=False)
    assert re.fullmatch(r'time="[^"]+" level=error msg="container does not exist"\n', text.read_text())
    done = runtime("start", "nosuch", check=False)
    assert re.fullmatch(r'time="[^"]+" level=error msg="container does not exist"\n', done.stderr)


def test_debug_tells_of_the_steps(runtime, tmp_path):
    log = tmp_path / "log.json"
    bundle = runtime.bundle(runtime.spec("true"))
    runtime("--debug", "--log", log, "--log-format", "json", "run", "--bundle", bundle, runtime.new_id())
    messages = [json.loads(line) for line in log.read_text().splitlines()]
    assert {m["level"] for m in messages} == {"debug"}
    assert any(re.fullmatch(r"step rootfs: \d+ us", m["msg"]) for m in messages)
    log.unlink()
    runtime("--log", log, "--log-format", "json", "run", "--bundle", bundle, runtime.new_id())
    assert log.read_text() == ""


def test_an_unknown_command_gives_3_and_a_failed_exec_255(runtime):
    assert runtime("bogus", check=False).returncode == 3
    assert runtime("exec", "nosuch", "true", check=False).returncode == 255
    assert runtime("state", check=False).returncode == 1
    assert runtime("state", "--nosuchflag", "x", check=False).returncode == 1


# ---- exec -------------------------------------------------------------------------

def test_exec_takes_the_containers_process_and_the_flags_changes(runtime):
    spec = runtime.spec()
    spec["process"]["env"] += ["A=spec", "B=spec"]
    container = runtime.start(spec)
    env = runtime("exec", "-e", "A=1", "-e", "A=2", container, "cat", "/proc/self/environ").stdout.split("\0")
    assert sorted(e for e in env if e.startswith(("A=", "B="))) == ["A=2", "B=spec"]
    assert runtime("exec", "--cwd", "/tmp", container, "pwd").stdout == "/tmp\n"
    ids = runtime("exec", "--user", "7:8", "-g", "9", "-g", "10", container, "id").stdout
    assert "uid=7" in ids and "gid=8" in ids and all(f"{g}" in ids.split("groups=")[1] for g in (9, 10))
    status = runtime("exec", "--cap", "CAP_NET_ADMIN", container, "cat", "/proc/self/status").stdout
    caps = {k: int(v, 16) for k, v in re.findall(r"Cap(\w+):\s+(\w+)", status)}
    net_admin = 1 << 12
    assert all(caps[s] & net_admin for s in ("Bnd", "Eff", "Prm")) and caps["Amb"] == caps["Inh"] == 0
    assert "NoNewPrivs:\t1" in runtime("exec", "--no-new-privs", container, "cat", "/proc/self/status").stdout
    assert runtime("exec", container, "sh", "-c", "exit 7", check=False).returncode == 7


def test_preserved_descriptors_reach_the_program_and_no_others(runtime):
    container = runtime.start()
    def pass_three():
        fd = os.open(runtime.folder, os.O_RDONLY)
        for number in (3, 4, 5):
            os.dup2(fd, number, inheritable=True)

    def passed(*flags):
        out = runtime("exec", *flags, container, "sh", "-c", "ls -l /proc/$$/fd", preexec_fn=pass_three,
                      close_fds=False).stdout
        return [line.split()[-3] for line in out.splitlines() if line.endswith(f"-> {runtime.folder}")]

    assert passed("--preserve-fds", "2") == ["3", "4"]
    assert passed() == []
    done = runtime("exec", "--preserve-fds", "400", container, "true", check=False)
    assert done.returncode == 255 and "please check that preserved-fd" in done.stderr


# ---- update, events -----------------------------------------------------------------

def cgroup_file(container, controller, name):
    """The text of a cgroup file by its v1 and its v2 name, whichever is there."""
    for path in (f"/sys/fs/cgroup/{controller}/{container}/{name[0]}", f"/sys/fs/cgroup/{container}/{name[1]}"):
        if os.path.exists(path):
            return pathlib.Path(path).read_text().strip()
    raise AssertionError(f"no {name} for {container}")


@pytest.fixture
def limited(runtime):
    path = f"/{runtime.prefix}limited"
    container = runtime.start(runtime.spec(cgroup=path))
    return container, path.strip("/")


def test_update_changes_limits_and_what_is_saved(runtime, limited):
    container, cgroup = limited
    runtime("update", "--memory", "64m", "--pids-limit", "77", "--cpu-share", "512", "--cpu-period", "50000",
            "--cpu-quota", "25000", "--kernel-memory", "1g", container)
    assert cgroup_file(cgroup, "memory", ("memory.limit_in_bytes", "memory.max")) == str(64 << 20)
    assert cgroup_file(cgroup, "pids", ("pids.max", "pids.max")) == "77"
    saved = json.loads((runtime.root / container / "config.json").read_text())["linux"]["resources"]
    assert saved["memory"]["limit"] == 64 << 20 and saved["pids"]["limit"] == 77
    assert saved["cpu"]["quota"] == 25000 and saved["devices"]
    resources = {"memory": {"limit": 96 << 20}, "pids": {"limit": -1}}
    runtime("update", "--resources", "-", container, input=None, stdin=_file_with(runtime, resources))
    assert cgroup_file(cgroup, "memory", ("memory.limit_in_bytes", "memory.max")) == str(96 << 20)
    assert cgroup_file(cgroup, "pids", ("pids.max", "pids.max")) == "max"
    assert runtime("exec", container, "echo", "still").stdout == "still\n"


def _file_with(runtime, value):
    path = runtime.folder / "resources.json"
    path.write_text(json.dumps(value))
    return open(path)


def test_a_failed_update_changes_nothing(runtime, limited):
    container, cgroup = limited
    runtime("update", "--pids-limit", "50", "--memory", "64m", container)
    before = (runtime.root / container / "config.json").read_text()
    done = runtime("update", "--pids-limit", "60", "--memory", "4096", container, check=False)
    assert done.returncode == 1 and "memory" in done.stderr
    assert cgroup_file(cgroup, "pids", ("pids.max", "pids.max")) == "50"
    assert (runtime.root / container / "config.json").read_text() == before
    for flags in (["--memory", "lots"], ["--blkio-weight", "9"], ["--cpu-period", "x"]):
        assert runtime("update", *flags, container, check=False).returncode == 1
    runtime("kill", container, "KILL")
    wait_for(lambda: runtime.state(container)["status"] == "stopped")
    done = runtime("update", "--memory", "64m", container, check=False)
    assert done.returncode == 1 and 'msg="container not running"' in done.stderr


def test_events_print_the_statistics_of_runc(runtime, limited):
    container, _ = limited
    event = json.loads(runtime("events", "--stats", container).stdout)
    assert (event["type"], event["id"]) == ("stats", container)
    data = event["data"]
    assert set(data) == {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"}
    assert data["cpu"]["usage"]["total"] > 0 and {"kernel", "user"} <= set(data["cpu"]["usage"])
    assert data["memory"]["usage"]["usage"] > 0 and data["memory"]["usage"]["limit"] > 2**62
    assert {"usage", "swap", "kernel", "kernelTCP", "raw"} <= set(data["memory"])
    assert data["pids"]["current"] == 1 and data["network_interfaces"] is None
    runtime("kill", container, "KILL")
    wait_for(lambda: runtime.state(container)["status"] == "stopped")
    done = runtime("events", "--stats", container, check=False)
    assert done.returncode == 1 and f"container with id {container} is not running" in done.stderr
    assert "must be greater than 0" in runtime("events", "--interval", "0s", container, check=False).stderr


def test_events_come_at_the_interval_with_out_of_memory_among_them_until_the_end(runtime, limited):
    container, _ = limited
    runtime("update", "--memory", "16m", container)
    process = subprocess.Popen(runtime.command("events", "--interval", "100ms", container), stdout=subprocess.PIPE,
                               text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(json.loads(line) for line in process.stdout))
    reader.start()
    try:
        wait_for(lambda: len(lines) >= 3)
        assert {line["type"] for line in lines} == {"stats"}
        runtime("exec", container, "dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", check=False)
        wait_for(lambda: any(line == {"type": "oom", "id": container} for line in lines))
        runtime("kill", container, "KILL")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        reader.join()
