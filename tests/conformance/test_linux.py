"""The rest of "linux": devices, sysctl, masks, propagation of the root, seccomp, personality, ..."""
import array
import errno
import fcntl
import json
import os
import pathlib
import socket
import struct
import threading

import pytest

from oci import mount_at, parse_mountinfo

GETPPID, MKDIR, KILL, GETPGID, SETSID, UNAME, PERSONALITY, GET_MEMPOLICY = 110, 83, 62, 121, 112, 63, 135, 239
ALL_ALLOWED = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"]}

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="system call numbers are x86-64's")


# --- devices -----------------------------------------------------------------------------

def test_the_default_devices_are_there(c):
    out = c.output("for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done")
    numbers = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}
    assert out.splitlines() == [f"/dev/{n} character special file {v} 666" for n, v in numbers.items()]


def test_the_default_devices_work(c):
    out = c.output("head -c 2 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; cat /dev/null; "
                   "echo x 2>&1 > /dev/full || echo full")
    assert out.split()[:2] == ["2", "4"] and "full" in out


def test_the_default_links_of_dev(c):
    out = c.output("for l in fd stdin stdout stderr; do readlink /dev/$l; done")
    assert out.split() == ["/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"]


def test_there_is_no_console_without_a_terminal(c):
    assert c.set("test -e /dev/console").run().returncode == 1


def test_devices_of_the_configuration(c):
    c.set(linux={"devices": [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 5, "gid": 6},
        {"path": "/dev/sub/blk", "type": "b", "major": 7, "minor": 0, "fileMode": 0o600},
        {"path": "/work/null", "type": "u", "major": 1, "minor": 3},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o622}]})
    out = c.output("stat -c '%n|%F|%t:%T|%a|%u:%g' /dev/fuse /dev/sub/blk /work/null /dev/pipe; echo x > /work/null")
    assert [line.split("|") for line in out.splitlines()] == [
        ["/dev/fuse", "character special file", "a:e5", "640", "5:6"],
        ["/dev/sub/blk", "block special file", "7:0", "600", "0:0"],
        ["/work/null", "character special file", "1:3", "666", "0:0"],
        ["/dev/pipe", "fifo", "0:0", "622", "0:0"]]


def test_the_configuration_may_change_a_default_device(c):
    c.set(linux={"devices": [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 9}]})
    assert c.output(["/bin/stat", "-c", "%a %u", "/dev/null"]) == "600 9\n"


def test_another_file_at_the_path_of_a_device_is_an_error(c):
    (c.rootfs / "work/x").write_text("a file")
    c.set(linux={"devices": [{"path": "/work/x", "type": "c", "major": 1, "minor": 3}]}).fails()


# --- sysctl ---------------------------------------------------------------------------------

def test_sysctl_of_the_containers_namespaces(c):
    c.set(linux={"sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9999", "net/ipv4/ip_default_ttl": "33",
                            "fs.mqueue.msg_max": "77"}})
    out = c.output("cd /proc/sys; cat net/ipv4/ip_forward kernel/msgmax net/ipv4/ip_default_ttl fs/mqueue/msg_max")
    assert out.split() == ["1", "9999", "33", "77"]
    assert pathlib.Path("/proc/sys/kernel/msgmax").read_text() != "9999\n"


@pytest.mark.parametrize("name", ["kernel.core_pattern", "vm.swappiness", "kernel.shmmax/../core_pattern",
                                  "net.ipv4/../../kernel.core_pattern", "fs.file-max", ""])
def test_a_sysctl_of_the_machine_is_refused(c, name):
    before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    c.set(linux={"sysctl": {name: "1"}}).fails()
    assert pathlib.Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_a_sysctl_of_the_hosts_namespace_is_refused(c):
    c.no_namespace("network").unmount("/sys").set(linux={"sysctl": {"net.ipv4.ip_forward": "1"}}).fails()
    c.no_namespace("ipc").unmount("/dev/mqueue").set(linux={"sysctl": {"kernel.msgmax": "1"}}).fails()


def test_a_sysctl_that_is_not_there_fails(c):
    assert "net.ipv4.nonsense" in c.set(linux={"sysctl": {"net.ipv4.nonsense": "1"}}).fails().replace("/", ".")


# --- masked and read-only paths ----------------------------------------------------------------

def test_masked_paths_cant_be_read(c):
    (c.rootfs / "work/secret").write_text("secret\n")
    (c.rootfs / "work/folder").mkdir()
    (c.rootfs / "work/folder/file").touch()
    c.set(linux={"maskedPaths": ["/proc/kcore", "/work/secret", "/work/folder", "/not/there"]})
    assert c.output("cat /work/secret; ls /work/folder; head -c 5 /proc/kcore | wc -c; test -e /not || echo no").split() \
        == ["0", "no"]


def test_a_masked_folder_cant_be_written(c):
    (c.rootfs / "work/folder").mkdir()
    c.set("touch /work/folder/x", linux={"maskedPaths": ["/work/folder"]})
    assert "Read-only" in c.run().stderr


def test_readonly_paths_cant_be_written(c):
    (c.rootfs / "work/file").write_text("content\n")
    c.set(linux={"readonlyPaths": ["/proc/sys", "/work/file", "/tmp", "/not/there"]})
    done = c.set("cat /work/file; echo x > /work/file; touch /tmp/x; echo 1 > /proc/sys/net/ipv4/ip_forward").run()
    assert done.stdout == "content\n"
    assert done.stderr.count("Read-only") == 3 or "Read-only" in done.stderr
    assert (c.rootfs / "work/file").read_text() == "content\n" and not (c.rootfs / "tmp/x").exists()


def test_masks_through_a_link_stay_inside(c):
    (c.rootfs / "work/link").symlink_to("../../../../etc/passwd")
    (c.rootfs / "etc/passwd").write_text("the container's own\n")
    c.set(linux={"maskedPaths": ["/work/link"]}, process={"env": ["PATH=/bin", "HOME=/"]})
    assert c.output("cat /etc/passwd") == ""


# --- rootfsPropagation -----------------------------------------------------------------------------

@pytest.mark.parametrize("value,kind", [("private", []), ("shared", ["shared"]), ("slave", []),
                                        ("unbindable", ["unbindable"]), ("rprivate", []), ("rshared", ["shared"]),
                                        ("rslave", [])])
def test_rootfs_propagation(c, value, kind):
    c.set(linux={"rootfsPropagation": value})
    table = parse_mountinfo(c.output(["/bin/cat", "/proc/self/mountinfo"]))
    assert [p.split(":")[0] for p in mount_at(table, "/")["propagation"]] == kind


# --- personality, memoryPolicy -----------------------------------------------------------------------

def test_personality_linux32_shows_another_machine(c):
    c.set(["/bin/uname", "-m"])
    assert c.output() == "x86_64\n"
    assert c.set(linux={"personality": {"domain": "LINUX32"}}).output() == "i686\n"


def test_personality_linux(c):
    c.set(["/bin/syscall", str(PERSONALITY), "0xffffffff"], linux={"personality": {"domain": "LINUX"}})
    assert c.output().split()[0] == "0"


def test_personality_is_taken_over_by_exec(c):
    c.set(linux={"personality": {"domain": "LINUX32"}}).sleeping()
    assert c.exec(["/bin/uname", "-m"]).stdout == "i686\n"


@pytest.mark.parametrize("value", [{"domain": "WINDOWS"}, {}, {"domain": "LINUX", "flags": ["X"]}])
def test_a_personality_that_is_none_is_refused(c, value):
    c.set(linux={"personality": value}).fails()


def policy(c):
    """The policy of each mapping of the program: numa_maps(5)."""
    return c.output(["/bin/cat", "/proc/self/numa_maps"]).splitlines()


@pytest.mark.parametrize("value,shown", [({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
                                         ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "interleave:0"),
                                         ({"mode": "MPOL_PREFERRED", "nodes": "0"}, "prefer:0"),
                                         ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
                                         ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, "weighted interleave:0"),
                                         ({"mode": "MPOL_LOCAL"}, "local"),
                                         ({"mode": "MPOL_DEFAULT"}, "default"),
                                         ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
                                          "bind=static:0")], ids=lambda v: v if isinstance(v, str) else v["mode"][5:])
def test_memory_policy(c, value, shown):
    if not os.path.exists("/proc/self/numa_maps"):
        # Without NUMA in the kernel it can't be applied: closed.
        c.set(linux={"memoryPolicy": value})
        if value["mode"] in ("MPOL_BIND", "MPOL_INTERLEAVE"):
            c.fails()
        pytest.skip("the kernel has no NUMA")
    c.set(linux={"memoryPolicy": value})
    assert any(f" {shown} " in line for line in policy(c))


@pytest.mark.parametrize("value", [{"mode": "MPOL_BIND"}, {"mode": "MPOL_DEFAULT", "nodes": "0"}, {"nodes": "0"},
                                   {"mode": "MPOL_BIND", "nodes": "x"},
                                   {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NONSENSE"]}])
def test_a_memory_policy_that_makes_no_sense_is_refused(c, value):
    c.set(linux={"memoryPolicy": value}).fails()


# --- mountLabel, intelRdt -------------------------------------------------------------------------------

def test_a_mount_label_that_cant_be_applied_fails_the_start(c):
    if os.path.exists("/sys/fs/selinux/enforce"):
        pytest.skip("this kernel has SELinux")
    assert "label" in c.set(linux={"mountLabel": "system_u:object_r:container_file_t:s0"}).fails().lower()


@pytest.mark.parametrize("value", [{"closID": "group"}, {"l3CacheSchema": "L3:0=f"}, {"memBwSchema": "MB:0=50"},
                                   {"schemata": ["MB:0=50"]}, {"enableMonitoring": True}, {}],
                         ids=lambda v: next(iter(v), "empty"))
def test_intel_rdt_without_resctrl_fails_the_start(c, value):
    if os.path.exists("/sys/fs/resctrl/schemata"):
        pytest.skip("resctrl is mounted")
    error = c.set(linux={"intelRdt": value}).fails().lower()
    assert "rdt" in error or "resctrl" in error


# --- seccomp ------------------------------------------------------------------------------------------------

def call(number, *args):
    return ["/bin/syscall", str(number), *map(str, args)]


def rule(action, *names, **more):
    return {"names": list(names), "action": action, **more}


def test_seccomp_is_on_in_the_program(c):
    c.set("grep Seccomp: /proc/self/status")
    assert c.output().split()[1] == "0"
    assert c.set(linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "getpgid")]}}).output() \
        .split()[1] == "2"


@pytest.mark.parametrize("nnp", [True, False])
def test_seccomp_errno_is_eperm_by_default(c, nnp):
    c.set(call(GETPGID, 0), process={"noNewPrivileges": nnp},
          linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "getpgid")]}})
    assert c.output().split() == ["-1", str(errno.EPERM)]


def test_seccomp_errno_ret(c):
    c.set(call(GETPGID, 0), linux={"seccomp": {**ALL_ALLOWED, "syscalls": [
        rule("SCMP_ACT_ERRNO", "getpgid", errnoRet=errno.EXDEV)]}})
    assert c.output().split() == ["-1", str(errno.EXDEV)]


def test_seccomp_errno_0_is_success(c):
    c.set(call(MKDIR, "@/work/x", 0o755), linux={"seccomp": {**ALL_ALLOWED, "syscalls": [
        rule("SCMP_ACT_ERRNO", "mkdir", errnoRet=0)]}})
    assert c.output().split() == ["0", "0"]
    assert not (c.rootfs / "work/x").exists()


BASIC = """read write open openat close stat fstat newfstatat lstat lseek mmap mprotect munmap brk rt_sigaction
    rt_sigprocmask ioctl access execve exit exit_group arch_prctl set_tid_address set_robust_list prlimit64 getrandom
    rseq readlink readlinkat uname futex fcntl getcwd chdir fchdir getuid getgid geteuid getegid capget capset prctl
    setuid setgid setgroups close_range getdents64 statx sendmsg recvmsg socket connect pipe2 wait4 dup dup2 dup3
    seccomp setsid getpid gettid tgkill fstatfs statfs sigaltstack clock_gettime clock_nanosleep poll epoll_wait""".split()


def test_seccomp_default_errno_ret(c):
    c.set(call(GETPGID, 0), linux={"seccomp": {
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": errno.ENOSYS, "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [rule("SCMP_ACT_ALLOW", *BASIC)]}})
    assert c.output().split() == ["-1", str(errno.ENOSYS)]


@pytest.mark.parametrize("action,code", [("SCMP_ACT_KILL", 159), ("SCMP_ACT_KILL_THREAD", 159),
                                         ("SCMP_ACT_KILL_PROCESS", 159), ("SCMP_ACT_TRAP", 159)])
def test_seccomp_kills(c, action, code):
    c.no_namespace("pid").set(call(GETPGID, 0), linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule(action, "getpgid")]}})
    assert c.run().returncode == code


def test_seccomp_trace_without_a_tracer_is_enosys(c):
    c.set(call(GETPGID, 0), linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_TRACE", "getpgid")]}})
    assert c.output().split() == ["-1", str(errno.ENOSYS)]


def test_seccomp_log_lets_it_through(c):
    c.set(call(GETPGID, 0), linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_LOG", "getpgid")]}})
    assert c.output().split()[1] == "0"


def test_seccomp_allow_after_a_strict_default(c):
    c.set(call(GETPGID, 0), linux={"seccomp": {
        "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [rule("SCMP_ACT_ALLOW", *BASIC, "getpgid")]}})
    assert c.output().split()[1] == "0"


# op, value, valueTwo; arguments of getpgid that match, and that don't
COMPARISONS = [
    ("SCMP_CMP_EQ", 7, None, [7], [6, 8, 7 + (1 << 32)]),
    ("SCMP_CMP_NE", 7, None, [6, 8, 7 + (1 << 32)], [7]),
    ("SCMP_CMP_LT", 1 << 33, None, [0, (1 << 33) - 1], [1 << 33, (1 << 64) - 1]),
    ("SCMP_CMP_LE", 1 << 33, None, [0, 1 << 33], [(1 << 33) + 1]),
    ("SCMP_CMP_GT", 1 << 33, None, [(1 << 33) + 1, (1 << 64) - 1], [0, 1 << 33]),
    ("SCMP_CMP_GE", 1 << 33, None, [1 << 33, (1 << 33) + 1], [0, (1 << 33) - 1]),
    ("SCMP_CMP_MASKED_EQ", 0xf0, 0x20, [0x20, 0x2f, 0x12f], [0x30, 0]),
]


@pytest.mark.parametrize("op,value,two,match,others", COMPARISONS, ids=[x[0] for x in COMPARISONS])
def test_seccomp_argument(c, op, value, two, match, others):
    arg = {"index": 0, "value": value, "op": op, **({"valueTwo": two} if two is not None else {})}
    c.set(linux={"seccomp": {**ALL_ALLOWED, "syscalls": [
        rule("SCMP_ACT_ERRNO", "getpgid", errnoRet=errno.EXDEV, args=[arg])]}})
    script = "; ".join(f"syscall {GETPGID} {n}" for n in [*match, *others])
    errors = [int(line.split()[1]) for line in c.output(script).splitlines()]
    assert [e == errno.EXDEV for e in errors] == [True] * len(match) + [False] * len(others)


def test_seccomp_arguments_of_a_rule_must_all_match(c):
    args = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]
    c.set(linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "kill", errnoRet=errno.EXDEV, args=args)]}})
    out = c.output(f"syscall {KILL} 1 2; syscall {KILL} 1 0; syscall {KILL} 99999 2")
    assert [int(line.split()[1]) for line in out.splitlines()] == [errno.EXDEV, 0, errno.ESRCH]


def test_seccomp_several_names_and_rules(c):
    c.set(linux={"seccomp": {**ALL_ALLOWED, "syscalls": [
        rule("SCMP_ACT_ERRNO", "getpgid", "mkdir", errnoRet=5), rule("SCMP_ACT_ERRNO", "setsid", errnoRet=6)]}})
    out = c.output(f"syscall {GETPGID} 0; syscall {MKDIR} @/x 0; syscall {SETSID}")
    assert [line.split()[1] for line in out.splitlines()] == ["5", "5", "6"]


def test_seccomp_takes_names_that_this_kernel_does_not_have(c):
    c.set(["/bin/true"], linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "no_such_call", "mkdir")]}})
    assert c.run().returncode == 0


def test_seccomp_other_architectures_are_refused_by_the_kernel_side(c):
    """A filter for x86 too still runs an x86-64 program."""
    c.set(call(GETPGID, 0), linux={"seccomp": {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [rule("SCMP_ACT_ERRNO", "getpgid", errnoRet=9)]}})
    assert c.output().split() == ["-1", "9"]
    # the x32 number of the same call
    assert c.output(call(GETPGID | 0x40000000, 0)).split()[1] in ("9", str(errno.ENOSYS))


@pytest.mark.parametrize("flags", [[], ["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
                                   ["SECCOMP_FILTER_FLAG_TSYNC"],
                                   ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]],
                         ids=lambda f: "+".join(x[20:] for x in f) or "none")
def test_seccomp_flags(c, flags):
    c.set(call(GETPGID, 0), linux={"seccomp": {**ALL_ALLOWED, "flags": flags, "syscalls": [
        rule("SCMP_ACT_ERRNO", "getpgid", errnoRet=9)]}})
    assert c.output().split() == ["-1", "9"]


def test_seccomp_applies_to_exec(c):
    c.set(linux={"seccomp": {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "getpgid", errnoRet=9)]}}).sleeping()
    assert c.exec(call(GETPGID, 0)).stdout.split() == ["-1", "9"]


@pytest.mark.parametrize("seccomp", [
    {}, {"defaultAction": "SCMP_ACT_X"}, {**ALL_ALLOWED, "architectures": ["SCMP_ARCH_Z80"]},
    {**ALL_ALLOWED, "flags": ["NONSENSE"]}, {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_X", "mkdir")]},
    {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO")]},
    {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_KILL", "mkdir", errnoRet=5)]},
    {**ALL_ALLOWED, "defaultErrnoRet": 5},
    {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "mkdir", args=[{"index": 9, "value": 0, "op": "SCMP_CMP_EQ"}])]},
    {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_ERRNO", "mkdir", args=[{"index": 0, "value": 0, "op": "X"}])]},
    {**ALL_ALLOWED, "listenerMetadata": "x"},
    {**ALL_ALLOWED, "syscalls": [rule("SCMP_ACT_NOTIFY", "mkdir")]},
], ids=["empty", "action", "architecture", "flag", "rule-action", "no-names", "errno-of-kill", "default-errno-of-allow",
        "index", "operator", "metadata-without-path", "notify-without-path"])
def test_seccomp_that_makes_no_sense_is_refused(c, seccomp):
    c.set(["/bin/true"], linux={"seccomp": seccomp}).fails()


class Listener:
    """A seccomp agent: takes the descriptor, answers notifications with an errno."""

    RECV, SEND = 0xc0502100, 0xc0182101

    def __init__(self, path, answer):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen(4)
        self.socket.settimeout(10)
        self.answer = answer
        self.state, self.numbers, self.fds = None, [], []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            connection, _ = self.socket.accept()
        except OSError:
            return
        data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.fds += array.array("i", payload)
        while more := connection.recv(65536):
            data += more
        self.state = json.loads(data)
        while True:
            request = bytearray(80)
            try:
                fcntl.ioctl(self.fds[0], self.RECV, request)
                ident, _, _, number = struct.unpack_from("QIIi", request)
                self.numbers.append(number)
                fcntl.ioctl(self.fds[0], self.SEND, struct.pack("QqiI", ident, 0, -self.answer, 0))
            except OSError:
                return

    def close(self):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)


@pytest.fixture
def listener(tmp_path):
    made = Listener(tmp_path / "agent", errno.EXFULL)
    yield made
    made.close()


def test_seccomp_listener_gets_the_state_and_the_descriptor(c, listener, tmp_path):
    c.set(f"syscall {GETPGID} 0; syscall {GETPPID}", annotations={"a": "b"}, linux={"seccomp": {
        **ALL_ALLOWED, "listenerPath": str(tmp_path / "agent"), "listenerMetadata": "opaque",
        "syscalls": [rule("SCMP_ACT_NOTIFY", "getpgid")]}})
    out = c.output().splitlines()
    assert out[0].split() == ["-1", str(errno.EXFULL)]
    assert out[1].split()[1] == "0"
    assert listener.numbers == [GETPGID]
    state = listener.state
    assert state["fds"] == ["seccompFd"] and state["metadata"] == "opaque"
    assert state["ociVersion"] and state["pid"] > 0
    assert state["state"]["id"] == c.id and state["state"]["status"] == "creating"
    assert state["state"]["bundle"] == str(c.bundle) and state["state"]["annotations"] == {"a": "b"}


def test_seccomp_listener_of_exec(c, listener, tmp_path):
    """The agent is asked for each process; here the program itself connects first."""
    c.set(["/bin/sleep", "1000"], linux={"seccomp": {
        **ALL_ALLOWED, "listenerPath": str(tmp_path / "agent"), "syscalls": [rule("SCMP_ACT_NOTIFY", "getpgid")]}})
    c.detach()
    listener.thread.join(0.2)
    second = Listener(tmp_path / "agent2", errno.EXFULL)
    os.rename(tmp_path / "agent2", tmp_path / "agent")
    try:
        assert c.exec(call(GETPGID, 0)).stdout.split() == ["-1", str(errno.EXFULL)]
        assert second.state["state"]["status"] == "running"
    finally:
        second.close()


def test_a_listener_that_is_not_there_fails_the_start(c, tmp_path):
    c.set(["/bin/true"], linux={"seccomp": {
        **ALL_ALLOWED, "listenerPath": str(tmp_path / "none"), "syscalls": [rule("SCMP_ACT_NOTIFY", "getpgid")]}})
    c.fails()
    assert c.leftovers() == []


def test_a_listener_path_without_notify_is_ignored(c, tmp_path):
    c.set(["/bin/true"], linux={"seccomp": {**ALL_ALLOWED, "listenerPath": str(tmp_path / "none")}})
    assert c.run().returncode == 0
