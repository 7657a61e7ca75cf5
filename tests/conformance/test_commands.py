"""The command line: every command, its flags, outputs, exit codes and texts."""
import array
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from oci import CAPABILITIES, CGROUP_TOP, processes_of, wait_until

# --- create, start, state, kill, delete -------------------------------------------


def test_create_makes_everything_but_runs_nothing(c):
    c.set("echo ran; sleep 1000").create()
    assert c.status == "created"
    assert c.pid > 0
    time.sleep(0.05)
    assert c.printed() == ""
    c.start()
    c.printed("ran")
    assert c.status == "running"


def test_the_way_of_a_container_from_create_to_delete(c):
    c.set("exit 3").create().start().wait_status("stopped")
    assert c.delete().returncode == 0
    assert c.rt("state", c.id).returncode == 1
    assert c.leftovers() == []


def test_create_takes_bundle_from_the_current_directory(c):
    c.set(["/bin/sleep", "100"]).write()
    with open(c.out, "ab") as out:
        done = c.rt("create", c.id, cwd=c.bundle, stdout=out, stderr=out)
    assert done.returncode == 0, c.printed()
    assert c.state()["bundle"] == str(c.bundle)


def test_create_and_run_write_the_pid_file(c):
    file = c.bundle / "pid"
    c.set(["/bin/sleep", "100"]).create("--pid-file", file)
    assert file.read_text() == str(c.pid)
    c.delete("--force")
    c.detach("--pid-file", file)
    assert file.read_text() == str(c.pid)


def test_an_id_is_taken_once(c, new_container):
    c.sleeping()
    done = c.background("create")
    assert done.returncode == 1
    assert "already exists" in done.stderr
    assert c.status == "running"


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "a\nb"])
def test_an_id_that_is_no_name_is_refused(c, name):
    c.write()
    done = c.rt("create", "--bundle", c.bundle, name)
    assert done.returncode == 1
    assert done.stderr


def test_state_is_the_specifications_object(c):
    c.set(annotations={"org.example.key": "value"}).sleeping()
    state = c.state()
    assert state["ociVersion"] and state["id"] == c.id and state["status"] == "running"
    assert os.path.exists(f"/proc/{state['pid']}")
    assert state["bundle"] == str(c.bundle)
    assert state["annotations"]["org.example.key"] == "value"
    assert state["rootfs"] == str(c.rootfs)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", state["created"])


def test_state_of_a_stopped_container_has_no_pid(c):
    c.set("true").create().start().wait_status("stopped")
    assert c.state().get("pid", 0) == 0


@pytest.mark.parametrize("command", ["state", "start", "kill", "delete", "pause", "resume", "ps", "events", "update"])
def test_what_does_not_exist_is_an_error(rt, command):
    done = rt(command, "hct-no-such-container")
    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_start_needs_a_created_container(c):
    c.sleeping()
    done = c.rt("start", c.id)
    assert done.returncode == 1
    assert c.status == "running"
    c.kill("KILL")
    c.wait_status("stopped")
    assert c.rt("start", c.id).returncode == 1


def test_changes_of_the_bundle_after_create_have_no_effect(c):
    c.set("echo first; sleep 100").create()
    c.set("echo second").write()
    c.start()
    assert c.printed("\n") == "first\n"


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "15", "sigterm", "term"])
def test_kill_takes_names_and_numbers(c, name):
    c.set("trap 'echo got; exit' TERM; echo ready; while :; do sleep 0.01; done").detach()
    c.printed("ready")
    assert c.kill(name).returncode == 0
    c.printed("got")


def test_kill_sends_term_by_default(c):
    c.set("trap 'echo got; exit' TERM; echo ready; while :; do sleep 0.01; done").detach()
    c.printed("ready")
    assert c.kill().returncode == 0
    c.printed("got")


def test_kill_refuses_a_signal_that_is_none(c):
    c.sleeping()
    done = c.kill("NONSENSE")
    assert done.returncode == 1
    assert "NONSENSE" in done.stderr
    assert c.status == "running"


def test_kill_of_a_created_container_ends_it(c):
    c.set(["/bin/sleep", "100"]).create()
    assert c.kill("KILL").returncode == 0
    c.wait_status("stopped")


def test_kill_of_a_stopped_container_is_an_error(c):
    c.set("true").create().start().wait_status("stopped")
    done = c.kill("TERM")
    assert done.returncode == 1
    assert "not running" in done.stderr


def test_kill_all_reaches_every_process(c):
    c.no_namespace("pid").set("trap '' TERM; sleep 1000 & sleep 1000 & echo ready; wait; wait; sleep 1000").detach()
    c.printed("ready")
    assert c.rt("kill", "--all", c.id, "KILL").returncode == 0
    wait_until("the end of all", lambda: not processes_of(str(c.bundle)))


def test_kill_reaches_what_outlived_init(c):
    """Without a pid namespace of its own nothing else ends them."""
    c.no_namespace("pid").sleeping()
    c.exec_detached("trap '' TERM; sleep 1000")
    os.kill(c.pid, signal.SIGKILL)
    c.wait_status("stopped")
    assert c.kill("TERM").returncode != 0
    assert c.kill("KILL").returncode == 0
    wait_until("the end of all", lambda: not processes_of(str(c.bundle)))
    assert "not running" in c.kill("KILL").stderr


def test_delete_needs_a_stopped_container(c):
    c.sleeping()
    done = c.delete()
    assert done.returncode == 1
    assert "not stopped" in done.stderr
    assert c.status == "running"


def test_delete_of_a_created_container_ends_it(c):
    c.set(["/bin/sleep", "100"]).create()
    assert c.delete().returncode == 0
    assert c.leftovers() == []


def test_delete_force_ends_what_runs(c):
    c.sleeping()
    assert c.delete("--force").returncode == 0
    assert c.leftovers() == []


def test_delete_force_of_what_does_not_exist_succeeds(rt):
    assert rt("delete", "--force", "hct-no-such-container").returncode == 0


def test_an_id_is_free_again_after_delete(c):
    for word in ("one", "two"):
        assert c.output(["/bin/echo", word]) == word + "\n"


def test_two_roots_do_not_know_of_each_other(c, tmp_path):
    c.sleeping()
    other = subprocess.run([*c.rt.prefix, c.rt.program, "--root", tmp_path, "state", c.id], capture_output=True)
    assert other.returncode == 1


# --- run -----------------------------------------------------------------------

def test_run_passes_streams_and_the_exit_code(c):
    done = c.set("cat; echo err >&2; exit 7").run(input="in\n")
    assert (done.stdout, done.stderr, done.returncode) == ("in\n", "err\n", 7)
    assert c.leftovers() == []


def test_run_gives_128_and_the_signal(c):
    assert c.set("kill -9 $$").run().returncode in (0, 137)  # process 1 is safe from itself
    c.no_namespace("pid").set("kill -9 $$")
    assert c.run().returncode == 137


def test_run_keep_leaves_the_container(c):
    assert c.set("exit 4").run("--keep").returncode == 4
    assert c.status == "stopped"
    assert c.delete().returncode == 0


def test_run_detach_returns_at_once_and_leaves_no_process_of_ours(c):
    c.sleeping()
    assert c.status == "running"
    name = os.path.basename(c.rt.program).encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        assert not (os.path.basename(words[0]) == name and c.id.encode() in words), words


def test_run_forwards_signals(c):
    c.set("trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.01; done").write()
    with open(c.out, "wb") as out:
        process = c.rt.popen("run", "--bundle", c.bundle, c.id, stdout=out, stdin=subprocess.DEVNULL)
        c.popens.append(process)
        c.printed("ready")
        process.send_signal(signal.SIGUSR1)
        assert process.wait(10) == 9
    assert "got" in c.printed()


def test_preserve_fds_passes_descriptors_from_3_on(c):
    a, b = os.pipe(), os.pipe()
    c.set("echo three >&3; echo four >&4; descriptors | cut -d' ' -f1 | tr '\\n' ' '").write()
    done = c.rt.with_descriptors((a[1], b[1]), "run", "--preserve-fds", "2", "--bundle", c.bundle, c.id)
    assert done.returncode == 0, done.stderr
    assert os.read(a[0], 10) == b"three\n" and os.read(b[0], 10) == b"four\n"
    assert done.stdout.split() == ["0", "1", "2", "3", "4"]
    for fd in (*a, *b):
        os.close(fd)


def test_listen_fds_are_passed_on(c):
    r, w = os.pipe()
    c.set("echo $LISTEN_FDS $LISTEN_PID; echo x >&3").write()
    done = c.rt.with_descriptors((w,), "run", "--bundle", c.bundle, c.id, environment=["LISTEN_FDS=1", "LISTEN_PID=$$"])
    assert done.stdout.split() == ["1", "1"], done.stderr
    assert os.read(r, 10) == b"x\n"
    os.close(r), os.close(w)


def test_no_other_descriptor_gets_in(c):
    r, w = os.pipe()
    os.set_inheritable(w, True)
    c.set(["/bin/descriptors"]).write()
    done = c.rt("run", "--bundle", c.bundle, c.id, pass_fds=(w,))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["0", "1", "2"]
    os.close(r), os.close(w)


def test_no_new_keyring_keeps_the_callers_session_keyring(c):
    show = ["/bin/syscall", "250", "0", "0xfffffffd", "0"]  # keyctl(GET_KEYRING_ID, SESSION)
    mine = subprocess.run([c.rootfs / "bin/syscall", *show[1:]], capture_output=True, text=True).stdout.split()[0]
    c.set(show)
    assert c.run().stdout.split()[0] != mine
    done = c.run("--no-new-keyring")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == mine


def test_no_pivot_still_contains(c):
    done = c.set(["/bin/ls", "/"]).run("--no-pivot")
    assert done.returncode == 0, done.stderr
    assert "bin" in done.stdout.split() and "boot" not in done.stdout.split()


# --- terminals -------------------------------------------------------------------

class ConsoleSocket:
    """Takes the master side of a terminal, as containerd's shim does."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.listener.settimeout(15)
        self.fd = self.name = None
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self):
        try:
            connection, _ = self.listener.accept()
            data, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
            self.name = data.decode()
            for level, kind, payload in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self.fd = array.array("i", payload)[0]
            connection.close()
        except OSError:
            pass

    def read_until(self, text):
        out = ""
        while text not in out:
            try:
                more = os.read(self.fd, 4096).decode()
            except OSError:
                break
            out += more
        return out

    def close(self):
        self.thread.join(15)
        self.listener.close()
        if self.fd is not None:
            os.close(self.fd)


@pytest.fixture
def console(tmp_path):
    made = ConsoleSocket(tmp_path / "console")
    yield made
    made.close()


def test_console_socket_gets_the_master_of_the_terminal(c, console):
    c.set("tty; stty size; echo in-$(cat /proc/self/stat | cut -d' ' -f7); sleep 100")
    c.set(process={"terminal": True, "consoleSize": {"height": 33, "width": 111}})
    c.create("--console-socket", console.path)
    c.start()
    console.thread.join(10)
    out = console.read_until("in-")
    assert "/dev/" in out
    assert "33 111" in out
    assert os.isatty(console.fd)


def test_create_with_a_terminal_needs_a_console_socket(c):
    c.set(process={"terminal": True})
    assert "console socket" in c.fails(command="create")


def test_a_console_socket_without_a_terminal_is_an_error(c, console):
    c.fails("--console-socket", console.path, command="create")
    socket.socket(socket.AF_UNIX).connect(str(console.path))


def test_pidfd_socket_gets_a_pidfd_of_the_process(c, console):
    c.set(["/bin/sleep", "1000"]).create("--pidfd-socket", console.path)
    console.thread.join(10)
    pid = int(re.search(r"^Pid:\s*(\d+)", pathlib.Path(f"/proc/self/fdinfo/{console.fd}").read_text(), re.M).group(1))
    assert pid == c.pid
    signal.pidfd_send_signal(console.fd, signal.SIGKILL)
    c.wait_status("stopped")


def test_exec_tty_gives_a_terminal_to_the_console_socket(c, console):
    c.sleeping()
    c.exec_detached("tty; stty size; echo done; sleep 100", "--tty", "--console-socket", console.path)
    console.thread.join(10)
    assert "/dev/pts" in console.read_until("done")


def test_run_on_a_terminal_stands_between(c):
    master, slave = os.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    c.set("stty size; read line; echo got=$line; exit 5", process={"terminal": True}).write()
    process = c.rt.popen("run", "--bundle", c.bundle, c.id, stdin=slave, stdout=slave, stderr=slave,
                         start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    c.popens.append(process)
    out = b""
    while b"40 90" not in out:
        out += os.read(master, 1000)
    os.write(master, b"word\n")
    while b"got=word" not in out:
        out += os.read(master, 1000)
    assert process.wait(10) == 5
    os.close(master)


def test_line_ends_of_a_terminal_are_the_programs_own(c):
    """Who reads what `run` prints needn't be a terminal."""
    c.set("tty; echo second", process={"terminal": True})
    assert c.run().stdout == "/dev/pts/0\nsecond\n"
    c.set(process={"terminal": False}).sleeping()
    done = c.exec("echo first; echo second", "--tty")
    assert done.stdout == "first\nsecond\n", done.stderr


# --- exec ------------------------------------------------------------------------

def test_exec_runs_another_process_inside(c):
    c.sleeping()
    done = c.exec("cat; echo err >&2; exit 6", input="in\n")
    assert (done.stdout, done.stderr, done.returncode) == ("in\n", "err\n", 6)


def test_exec_is_in_all_namespaces_and_cgroups_of_the_container(c):
    c.namespace("cgroup").sleeping()
    inside = c.exec("for n in ipc mnt net pid uts cgroup; do readlink /proc/self/ns/$n; done").stdout.split()
    outside = [os.readlink(f"/proc/{c.pid}/ns/{n}") for n in ("ipc", "mnt", "net", "pid", "uts", "cgroup")]
    assert inside == outside
    pid = str(c.exec_detached(["/bin/sleep", "1000"]))
    assert pid in c.cgroup("pids", "cgroup.procs").split()
    assert pid in c.cgroup("memory", "cgroup.procs").split()


def test_exec_takes_over_the_containers_process_settings(c):
    c.set(process={"user": {"uid": 5, "gid": 6}, "cwd": "/tmp", "env": [PATH_LINE, "A=b"],
                   "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 88}]}).sleeping()
    out = c.exec("id -u; id -g; pwd; echo $A").stdout.split()
    assert out == ["5", "6", "/tmp", "b"]
    assert "Max open files            88                   99" in c.exec("cat /proc/self/limits").stdout


PATH_LINE = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def test_exec_cwd(c):
    c.sleeping()
    assert c.exec("pwd", "--cwd", "/etc").stdout == "/etc\n"


def test_exec_env(c):
    c.sleeping()
    done = c.exec("echo $A-$B", "--env", "A=1", "-e", "B=2 3")
    assert done.stdout == "1-2 3\n"


def test_exec_user_and_additional_gids(c):
    c.sleeping()
    done = c.exec("id -u; id -g; id -G", "--user", "7:8", "--additional-gids", "9", "-g", "10")
    assert done.stdout.split() == ["7", "8", "8", "9", "10"]
    assert c.exec("id -u; id -g", "--user", "7").stdout.split() == ["7", "0"]


def test_exec_user_takes_numbers_only(c):
    c.sleeping()
    for user in ("nobody", "-1", "4294967296", "0x0"):
        assert c.exec("id -u", "--user", user).returncode != 0, user


def test_exec_cap_adds_a_capability(c):
    c.sleeping()
    bit = 1 << 12  # CAP_NET_ADMIN
    def sets(*flags):
        text = c.exec("grep ^Cap /proc/self/status", *flags).stdout
        return {line.split()[0]: int(line.split()[1], 16) for line in text.splitlines()}
    assert not sets()["CapBnd:"] & bit
    with_cap = sets("--cap", "CAP_NET_ADMIN")
    assert with_cap["CapBnd:"] & bit and with_cap["CapEff:"] & bit and with_cap["CapPrm:"] & bit


def test_exec_cap_that_is_inheritable_is_ambient_too(c):
    c.set(process={"capabilities": {"bounding": [*CAPABILITIES, "CAP_NET_ADMIN"],
                                    "inheritable": ["CAP_NET_ADMIN"]}}).sleeping()
    line = "grep ^CapAmb /proc/self/status"
    assert int(c.exec(line, "--cap", "CAP_NET_ADMIN").stdout.split()[1], 16) == 1 << 12
    assert int(c.exec(line, "--cap", "CAP_SYS_ADMIN").stdout.split()[1], 16) == 0


def test_exec_no_new_privs(c):
    c.sleeping()
    assert "NoNewPrivs:\t0" in c.exec("grep NoNewPrivs /proc/self/status").stdout
    assert "NoNewPrivs:\t1" in c.exec("grep NoNewPrivs /proc/self/status", "--no-new-privs").stdout


def test_exec_process_file(c):
    c.sleeping()
    file = c.bundle / "process.json"
    file.write_text(json.dumps({"terminal": False, "user": {"uid": 3, "gid": 4, "additionalGids": [5]}, "cwd": "/etc",
                                "args": ["/bin/sh", "-c", "id -u; id -G; pwd; echo $X"],
                                "env": [PATH_LINE, "X=y"]}))
    done = c.rt("exec", "--process", file, c.id)
    assert done.stdout.split() == ["3", "4", "5", "/etc", "y"], done.stderr


def test_exec_detach_and_pid_file(c):
    c.sleeping()
    pid = c.exec_detached(["/bin/sleep", "999"])
    assert pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == b"/bin/sleep\x00999\x00"
    assert os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{c.pid}/ns/pid")


def test_exec_preserve_fds(c):
    c.sleeping()
    r, w = os.pipe()
    done = c.rt.with_descriptors((w,), "exec", "--preserve-fds", "1", c.id, "/bin/sh", "-c", "echo hi >&3")
    assert done.returncode == 0, done.stderr
    assert os.read(r, 10) == b"hi\n"
    os.close(r), os.close(w)


def test_exec_of_what_is_not_there_is_an_error(c):
    c.sleeping()
    done = c.exec(["/no/such/program"])
    assert done.returncode in (127, 255, 1)
    assert "no such file" in done.stderr.lower()


def test_exec_gives_128_and_the_signal(c):
    c.sleeping()
    assert c.exec("kill -9 $$").returncode == 137


def test_exec_in_a_stopped_container_is_an_error(c):
    c.set("true").create().start().wait_status("stopped")
    done = c.exec("true")
    assert done.returncode != 0
    assert "stopped" in done.stderr or "not running" in done.stderr


def test_exec_without_a_command_is_an_error(c):
    c.sleeping()
    assert c.rt("exec", c.id).returncode != 0


def test_exec_in_a_paused_container_needs_ignore_paused(c):
    c.sleeping()
    c.rt("pause", c.id, check=True)
    done = c.exec("true")
    assert done.returncode != 0
    assert "paused" in done.stderr
    process = c.rt.popen("exec", "--ignore-paused", c.id, "/bin/echo", "ran", stdout=subprocess.PIPE)
    c.popens.append(process)
    time.sleep(0.1)
    c.rt("resume", c.id, check=True)
    assert process.communicate(timeout=10)[0] == b"ran\n"
    assert process.returncode == 0


def test_exec_cgroup_names_a_cgroup_below_the_containers(c):
    c.sleeping()
    for hierarchy in ("pids", "memory"):
        os.mkdir(c.cgroup(hierarchy) / "sub")
    pid = str(c.exec_detached(["/bin/sleep", "999"], "--cgroup", "pids:/sub", "--cgroup", "memory:/sub"))
    assert pid in c.cgroup("pids", "sub/cgroup.procs").split()
    assert pid in c.cgroup("memory", "sub/cgroup.procs").split()
    assert pid in c.cgroup("freezer", "cgroup.procs").split()


@pytest.mark.parametrize("flag", ["--apparmor", "--process-label"])
def test_exec_refuses_a_label_that_no_module_can_apply(c, flag):
    if os.path.exists("/sys/kernel/security/apparmor") or os.path.exists("/sys/fs/selinux/enforce"):
        pytest.skip("this kernel has the security module")
    c.sleeping()
    assert c.exec("true", flag, "some_label").returncode != 0


# --- list, ps, pause, resume ---------------------------------------------------------

def test_list_shows_a_table_and_json(c):
    c.sleeping()
    lines = c.rt("list").stdout.splitlines()
    header = lines[0].split()
    if c.rt.kind != "crun":
        assert header == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    row = next(line.split() for line in lines if line.split()[0] == c.id)
    assert row[:4] == [c.id, str(c.pid), "running", str(c.bundle)]
    entry = next(e for e in json.loads(c.rt("list", "--format", "json").stdout) if e["id"] == c.id)
    assert (entry["status"], entry["pid"], entry["owner"]) == ("running", c.pid, "root")


def test_list_quiet_prints_ids(c):
    c.sleeping()
    assert c.id in c.rt("list", "-q").stdout.split()
    assert c.id in c.rt("list", "--quiet").stdout.split()


def test_list_refuses_an_unknown_format(rt):
    assert rt("list", "--format", "xml").returncode == 1


def test_ps_lists_the_processes_of_the_container(c):
    c.set("sleep 998 & sleep 999; true").detach()
    wait_until("three processes", lambda: len(json.loads(c.rt("ps", "--format", "json", c.id).stdout)) == 3)
    assert c.pid in json.loads(c.rt("ps", "-f", "json", c.id).stdout)
    lines = c.rt("ps", c.id).stdout.splitlines()
    assert "PID" in lines[0] and len(lines) == 4
    assert "sleep 999" in c.rt("ps", c.id, "-o", "pid,args").stdout


def test_pause_stops_all_and_resume_lets_go_on(c):
    c.set("while :; do echo x; sleep 0.01; done").detach()
    c.printed("x")
    assert c.rt("pause", c.id).returncode == 0
    assert c.status == "paused"
    assert c.cgroup("freezer", "freezer.state") == "FROZEN"
    before = c.printed()
    time.sleep(0.1)
    assert c.printed() == before
    assert c.rt("resume", c.id).returncode == 0
    assert c.status == "running"
    wait_until("more output", lambda: c.printed() != before)


def test_pause_needs_a_running_container(c):
    c.set("true").create().start().wait_status("stopped")
    assert c.rt("pause", c.id).returncode == 1
    assert c.rt("resume", c.id).returncode == 1


def test_resume_of_what_runs_is_an_error(c):
    c.sleeping()
    assert c.rt("resume", c.id).returncode == 1


def test_delete_force_ends_what_is_paused(c):
    c.sleeping()
    c.rt("pause", c.id, check=True)
    assert c.delete("--force").returncode == 0
    assert c.leftovers() == []


def test_kill_of_a_paused_container_works(c):
    c.sleeping()
    c.rt("pause", c.id, check=True)
    assert c.kill("KILL").returncode == 0
    c.wait_status("stopped")


# --- update, events ----------------------------------------------------------------

UPDATES = [
    ("--memory", "67108864", "memory", "memory.limit_in_bytes", "67108864"),
    ("--memory", "64m", "memory", "memory.limit_in_bytes", "67108864"),
    ("--memory-reservation", "33554432", "memory", "memory.soft_limit_in_bytes", "33554432"),
    ("--cpu-share", "512", "cpu", "cpu.shares", "512"),
    ("--cpu-period", "50000", "cpu", "cpu.cfs_period_us", "50000"),
    ("--cpu-quota", "20000", "cpu", "cpu.cfs_quota_us", "20000"),
    ("--cpuset-cpus", "0", "cpuset", "cpuset.cpus", "0"),
    ("--cpuset-mems", "0", "cpuset", "cpuset.mems", "0"),
    ("--pids-limit", "44", "pids", "pids.max", "44"),
]


@pytest.mark.parametrize("flag,value,controller,file,expected", UPDATES, ids=[f"{u[0][2:]}={u[1]}" for u in UPDATES])
def test_update_flag(c, flag, value, controller, file, expected):
    c.sleeping()
    c.rt("update", flag, value, c.id, check=True)
    assert c.cgroup(controller, file) == expected


def test_update_memory_swap(c):
    c.sleeping()
    c.rt("update", "--memory", "64m", "--memory-swap", "128m", c.id, check=True)
    assert c.cgroup("memory", "memory.memsw.limit_in_bytes") == "134217728"
    c.rt("update", "--memory", "32m", "--memory-swap", "32m", c.id, check=True)
    assert c.cgroup("memory", "memory.memsw.limit_in_bytes") == "33554432"
    c.rt("update", "--memory-swap", "-1", c.id, check=True)
    assert int(c.cgroup("memory", "memory.memsw.limit_in_bytes")) > 1 << 60


@pytest.mark.parametrize("flag,file", [("--cpu-rt-period", "cpu.rt_period_us"), ("--cpu-rt-runtime", "cpu.rt_runtime_us")])
def test_update_realtime_flag(c, flag, file):
    c.sleeping()
    if not (c.cgroup("cpu") / file).exists():
        pytest.skip("the kernel has no realtime groups")
    value = {"--cpu-rt-period": "900000", "--cpu-rt-runtime": "0"}[flag]
    done = c.rt("update", flag, value, c.id)
    assert done.returncode == 0, done.stderr
    assert c.cgroup("cpu", file) == value


def test_update_blkio_weight(c):
    c.sleeping()
    if not list(c.cgroup("blkio").glob("blkio*weight")):
        assert c.rt("update", "--blkio-weight", "500", c.id).returncode == 1
        pytest.skip("the kernel has no blkio weights: refused")
    c.rt("update", "--blkio-weight", "500", c.id, check=True)
    assert any(f.read_text().split()[-1] == "500" for f in c.cgroup("blkio").glob("blkio*.weight"))


def test_update_resources_from_a_file_and_from_stdin(c):
    c.sleeping()
    file = c.bundle / "resources.json"
    file.write_text(json.dumps({"memory": {"limit": 50331648}, "cpu": {"shares": 300, "quota": 30000, "period": 60000},
                                "pids": {"limit": 55}}))
    c.rt("update", "--resources", file, c.id, check=True)
    assert c.cgroup("memory", "memory.limit_in_bytes") == "50331648"
    assert c.cgroup("cpu", "cpu.shares") == "300"
    assert c.cgroup("cpu", "cpu.cfs_quota_us") == "30000"
    assert c.cgroup("pids", "pids.max") == "55"
    c.rt("update", "-r", "-", c.id, input='{"pids": {"limit": 66}}', check=True)
    assert c.cgroup("pids", "pids.max") == "66"
    assert c.cgroup("cpu", "cpu.shares") == "300"


@pytest.mark.parametrize("flag", ["--l3-cache-schema", "--mem-bw-schema"])
def test_update_refuses_rdt_where_there_is_none(c, flag):
    if os.path.exists("/sys/fs/resctrl/schemata"):
        pytest.skip("resctrl is mounted")
    c.sleeping()
    assert c.rt("update", flag, "MB:0=50", c.id).returncode == 1


@pytest.mark.parametrize("flag,value", [("--memory", "lots"), ("--cpu-quota", "x"), ("--blkio-weight", "9999")])
def test_update_refuses_what_is_no_value(c, flag, value):
    c.sleeping()
    assert c.rt("update", flag, value, c.id).returncode == 1


def test_update_burst_and_idle(c):
    c.sleeping()
    for file in ("cpu.cfs_burst_us", "cpu.idle"):
        if not (c.cgroup("cpu") / file).exists():
            pytest.skip(f"the kernel has no {file}")
    c.rt("update", "--cpu-quota", "40000", "--cpu-burst", "10000", c.id, check=True)
    assert c.cgroup("cpu", "cpu.cfs_burst_us") == "10000"
    c.rt("update", "--cpu-idle", "1", c.id, check=True)
    assert c.cgroup("cpu", "cpu.idle") == "1"


@pytest.mark.parametrize("flag", ["--kernel-memory", "--kernel-memory-tcp"])
def test_update_takes_the_flags_of_kernel_memory(c, flag):
    c.sleeping()
    assert c.rt("update", flag, "67108864", c.id).returncode == 0


def test_update_keeps_the_device_rules(c):
    c.sleeping()
    before = c.cgroup("devices", "devices.list")
    c.rt("update", "--pids-limit", "30", c.id, check=True)
    assert c.cgroup("devices", "devices.list") == before


def test_events_stats_prints_one_object(c):
    c.set(linux={"resources": {"memory": {"limit": 100 << 20}, "pids": {"limit": 20}}}).sleeping()
    done = c.rt("events", "--stats", c.id, check=True)
    event = json.loads(done.stdout)
    assert (event["type"], event["id"]) == ("stats", c.id)
    data = event["data"]
    assert data["cpu"]["usage"]["total"] > 0
    assert data["memory"]["usage"]["limit"] == 100 << 20
    assert data["memory"]["usage"]["usage"] > 0
    assert data["pids"] == {"current": 1, "limit": 20}
    assert "blkio" in data


def test_events_go_on_at_the_interval(c):
    c.sleeping()
    process = c.rt.popen("events", "--interval", "1s", c.id, stdout=subprocess.PIPE, text=True)
    c.popens.append(process)
    events = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [e["type"] for e in events] == ["stats", "stats"]
    c.kill("KILL")
    process.wait(10)
    process.stdout.close()


def test_events_tell_of_an_oom(c):
    c.set("read go; memory 60; sleep 100", linux={"resources": {"memory": {"limit": 20 << 20, "swap": 20 << 20}}})
    r, w = os.pipe()
    c.detach(stdin=r)
    process = c.rt.popen("events", "--interval", "1s", c.id, stdout=subprocess.PIPE, text=True)
    c.popens.append(process)
    process.stdout.readline()
    os.write(w, b"go\n")
    deadline = time.monotonic() + 5
    kinds = []
    while "oom" not in kinds and time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        kinds.append(json.loads(line)["type"])
    assert "oom" in kinds
    process.kill()
    process.stdout.close()
    os.close(r), os.close(w)


# --- spec, features, version, help, logs ----------------------------------------------

def test_spec_writes_a_config_that_runs(c):
    (c.bundle / "config.json").unlink(missing_ok=True)
    c.rt("spec", "--bundle", c.bundle, check=True) if c.rt.kind != "crun" else c.rt("spec", cwd=c.bundle, check=True)
    made = json.loads((c.bundle / "config.json").read_text())
    assert made["ociVersion"] and made["process"]["args"] == ["sh"] and made["process"]["terminal"] is True
    made["process"].update(terminal=False, args=["/bin/echo", "ran"])
    c.config = json.dumps(made)
    assert c.run().stdout == "ran\n"


def test_spec_asks_for_a_cgroup_namespace_with_v2_only(c):
    c.rt("spec", cwd=c.bundle, check=True)
    made = json.loads((c.bundle / "config.json").read_text())
    kinds = [n["type"] for n in made["linux"]["namespaces"]]
    assert ("cgroup" in kinds) == (CGROUP_TOP / "cgroup.controllers").exists()


def test_spec_does_not_overwrite(c):
    c.write()
    done = c.rt("spec", cwd=c.bundle)
    assert done.returncode == 1
    assert "exists" in done.stderr


def test_spec_rootless_maps_the_user(tmp_path, rt):
    rt("spec", "--rootless", cwd=tmp_path, check=True)
    made = json.loads((tmp_path / "config.json").read_text())
    assert {"type": "user"} in made["linux"]["namespaces"]
    assert made["linux"]["uidMappings"] == [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
    assert made["linux"]["gidMappings"] == [{"containerID": 0, "hostID": os.getegid(), "size": 1}]
    assert not any(n["type"] == "network" for n in made["linux"]["namespaces"])
    assert "resources" not in made["linux"]


def test_features_follow_the_specification(rt):
    features = json.loads(rt("features", check=True).stdout)
    assert features["ociVersionMin"] == "1.0.0"
    assert {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"} \
        <= set(features["hooks"])
    assert {"ro", "rbind", "rro", "rprivate", "tmpcopyup"} <= set(features["mountOptions"])
    assert {"pid", "network", "mount", "ipc", "uts", "user", "cgroup"} <= set(features["linux"]["namespaces"])
    assert "CAP_SYS_ADMIN" in features["linux"]["capabilities"]
    assert features["linux"]["cgroup"]["v1"] and features["linux"]["cgroup"]["v2"]
    assert features["linux"]["seccomp"]["enabled"]
    assert "SCMP_ACT_ERRNO" in features["linux"]["seccomp"]["actions"]


def test_each_mount_option_of_features_is_accepted(c, rt):
    features = json.loads(rt("features", check=True).stdout)
    special = {"idmap", "ridmap", "remount", "bind", "rbind", "tmpcopyup"}
    for option in features["mountOptions"]:
        if option not in special:
            c.mount(f"/tmp/{option}", "tmpfs", "tmpfs", [option])
    c.output("true")


def test_features_have_each_option_of_the_specifications_table(rt):
    features = json.loads(rt("features", check=True).stdout)
    table = set("""async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime
        noexec noiversion nolazytime norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime
        relatime remount rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro
        rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave
        strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap""".split())
    assert table - set(features["mountOptions"]) == set()


def test_features_tell_the_version_of_the_specification(rt):
    features = json.loads(rt("features", check=True).stdout)
    assert features["ociVersionMax"] == "1.3.0"


def test_version_and_help(rt):
    assert re.search(r"version \d+\.\d+", rt("--version").stdout)
    assert re.search(r"spec: 1\.", rt("--version").stdout)
    done = rt("--help")
    assert done.returncode == 0
    for command in ("create", "start", "state", "kill", "delete", "run", "exec", "list", "ps", "pause", "resume",
                    "update", "events", "spec", "features", "checkpoint", "restore"):
        assert re.search(rf"^\s*{command}\b", done.stdout, re.M), command


def test_the_program_is_small(rt):
    """An object that drags in the C library's resolver or its like is felt at every start."""
    if rt.kind != "hull":
        pytest.skip("about our program")
    program = pathlib.Path(shutil.which(rt.program) or rt.program)
    assert program.stat().st_size <= 1536 * 1024


def test_an_unknown_command_or_flag_is_an_error(rt, c):
    assert rt("nonsense").returncode != 0
    assert rt("state", "--nonsense", "x").returncode != 0
    assert rt("state").returncode != 0


def test_log_format_json_is_what_callers_parse(c, tmp_path):
    log = tmp_path / "log.json"
    c.set(["/no/such/program"]).write()
    done = c.rt("run", "--bundle", c.bundle, c.id, global_args=("--log", log, "--log-format", "json"))
    assert done.returncode == 1
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    error = [line for line in lines if line["level"] == "error"][-1]
    assert "no such file" in error["msg"].lower()
    assert re.match(r"\d{4}-\d\d-\d\dT", error["time"])


def test_log_format_text(c, tmp_path):
    log = tmp_path / "log"
    c.set(["/no/such/program"]).write()
    c.rt("run", "--bundle", c.bundle, c.id, global_args=("--log", log, "--log-format", "text"))
    assert "no such file" in log.read_text().lower()


def test_an_unknown_log_format_is_an_error(rt):
    assert rt("list", global_args=("--log-format", "xml")).returncode != 0


def test_debug_logs_more(c, tmp_path):
    log = tmp_path / "log"
    c.write()
    assert c.rt("run", "--bundle", c.bundle, c.id, global_args=("--debug", "--log", log)).returncode == 0
    assert "debug" in log.read_text().lower()


@pytest.mark.parametrize("value", ["true", "false", "auto"])
def test_rootless_flag_is_taken(c, value):
    c.set(["/bin/echo", "ran"]).write()
    assert c.rt("run", "--bundle", c.bundle, c.id, global_args=("--rootless", value)).stdout == "ran\n"


def test_criu_flag_is_taken(rt):
    assert rt("list", global_args=("--criu", "/usr/sbin/criu")).returncode == 0
