"""The "process" object, and root, hostname, domainname and annotations."""
import json
import os
import pathlib
import re
import stat

import pytest

from oci import PATH, status_fields

RESOURCE_LINES = {
    "RLIMIT_CPU": "Max cpu time", "RLIMIT_FSIZE": "Max file size", "RLIMIT_DATA": "Max data size",
    "RLIMIT_STACK": "Max stack size", "RLIMIT_CORE": "Max core file size", "RLIMIT_RSS": "Max resident set",
    "RLIMIT_NPROC": "Max processes", "RLIMIT_NOFILE": "Max open files", "RLIMIT_MEMLOCK": "Max locked memory",
    "RLIMIT_AS": "Max address space", "RLIMIT_LOCKS": "Max file locks", "RLIMIT_SIGPENDING": "Max pending signals",
    "RLIMIT_MSGQUEUE": "Max msgqueue size", "RLIMIT_NICE": "Max nice priority",
    "RLIMIT_RTPRIO": "Max realtime priority", "RLIMIT_RTTIME": "Max realtime timeout",
}
CAP_NUMBERS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7,
               "CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}


def cap_mask(names):
    return sum(1 << CAP_NUMBERS[n] for n in names)


def inside_status(c, args="cat /proc/self/status"):
    return status_fields(c.output(args))


# --- args, env, cwd -----------------------------------------------------------------

def test_args_are_passed_as_they_are(c):
    words = ["/bin/printf", "%s|", "", "a b", "$HOME", "ü\n", "-x"]
    assert c.output(words) == "|a b|$HOME|ü\n|-x|"


def test_a_program_is_looked_for_in_the_path_of_env(c):
    folder = c.rootfs / "opt"
    folder.mkdir()
    os.link(c.rootfs / "bin/busybox", folder / "ls")
    assert c.set(process={"env": ["PATH=/opt:/bin"]}).output(["ls", "/opt"]) == "ls\n"


def test_a_program_with_a_slash_is_relative_to_cwd(c):
    assert c.set(process={"cwd": "/bin"}).output(["./echo", "x"]) == "x\n"


def test_env_is_all_there_is(c):
    c.set(process={"env": [PATH, "A=1", "B=x=y", "EMPTY="]})
    lines = c.output(["/bin/env"]).splitlines()
    assert set(lines) - {"HOME=/root"} == {PATH, "A=1", "B=x=y", "EMPTY="}


def test_home_is_set_from_passwd_when_env_has_none(c):
    assert c.output("echo $HOME") == "/root\n"
    c.set(process={"user": {"uid": 1000, "gid": 1000}})
    assert c.output("echo $HOME") == "/home\n"
    c.set(process={"env": [PATH, "HOME=/here"]})
    assert c.output("echo $HOME") == "/here\n"


@pytest.mark.parametrize("env", [["HOME="], ["HOME=/here", "HOME="]])
def test_an_empty_home_is_set_from_passwd(c, env):
    lines = c.set(process={"env": [PATH, *env]}).output(["/bin/env"]).splitlines()
    assert [line for line in lines if line.startswith("HOME=")] == ["HOME=/root"]


def test_cwd(c):
    assert c.set(process={"cwd": "/etc"}).output(["/bin/pwd"]) == "/etc\n"


def test_cwd_is_made_when_it_is_not_there(c):
    c.set(process={"cwd": "/new/folder"})
    assert c.output("pwd; stat -c %a .").split() == ["/new/folder", "755"]


def test_cwd_must_be_absolute(c):
    assert "cwd" in c.set(process={"cwd": "etc"}).fails().lower()


def test_cwd_that_is_a_file_fails_the_start(c):
    c.set(process={"cwd": "/etc/passwd"}).fails()


def test_cwd_the_user_may_enter_only_as_itself(c):
    folder = c.rootfs / "private"
    folder.mkdir(mode=0o700)
    os.chown(folder, 1000, 1000)
    c.set(process={"cwd": "/private", "user": {"uid": 1000, "gid": 1000},
                   "capabilities": {"bounding": [], "effective": [], "permitted": []}})
    assert c.output(["/bin/pwd"]) == "/private\n"


# --- user ----------------------------------------------------------------------------

def test_user_uid_and_gid(c):
    fields = inside_status(c.set(process={"user": {"uid": 1000, "gid": 1001}}))
    assert fields["Uid"].split() == ["1000"] * 4
    assert fields["Gid"].split() == ["1001"] * 4


def test_user_additional_gids_are_exact(c):
    fields = inside_status(c.set(process={"user": {"uid": 5, "gid": 6, "additionalGids": [70, 71]}}))
    assert set(fields["Groups"].split()) - {"6"} == {"70", "71"}


def test_no_groups_of_the_caller_get_in(c):
    fields = inside_status(c.set(process={"user": {"uid": 5, "gid": 6}}))
    assert set(fields["Groups"].split()) <= {"6"}


def test_user_umask(c):
    assert c.set(process={"user": {"umask": 0o27}}).output("umask; touch /tmp/x; stat -c %a /tmp/x").split() \
        == ["0027", "640"]


def test_streams_can_be_opened_again_by_the_user(c):
    c.set(process={"user": {"uid": 1000, "gid": 1000}})
    assert c.output("echo x > /proc/self/fd/1") == "x\n"


def test_null_streams_are_the_containers_own(c):
    with open("/dev/null", "rb") as null:
        out = c.output("""id=$(sed -n 's/mnt_id:[^0-9]*//p' /proc/self/fdinfo/0)
            grep -q "^$id " /proc/self/mountinfo && echo its own""", stdin=null)
    assert out == "its own\n"

def test_a_user_name_is_not_for_linux(c):
    assert c.set(process={"user": {"uid": 5, "gid": 5, "username": "root"}}).output("id -u") == "5\n"


@pytest.mark.parametrize("uid", [-1, 1 << 32, "0", 1.5])
def test_a_uid_that_is_none_is_refused(c, uid):
    c.set(process={"user": {"uid": uid, "gid": 0}}).fails()


# --- capabilities, noNewPrivileges ------------------------------------------------------

def test_capabilities_bounding_effective_permitted(c):
    c.set(process={"capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
                                    "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"]}})
    fields = inside_status(c, ["/bin/cat", "/proc/self/status"])
    assert int(fields["CapBnd"], 16) == cap_mask(["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"])
    # root's exec gives the bounding set
    assert int(fields["CapPrm"], 16) == cap_mask(["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"])
    assert int(fields["CapInh"], 16) == 0 and int(fields["CapAmb"], 16) == 0


def test_capabilities_inheritable_and_ambient_reach_a_user(c):
    both = ["CAP_NET_BIND_SERVICE"]
    c.set(process={"user": {"uid": 1000, "gid": 1000},
                   "capabilities": {k: both for k in ("bounding", "permitted", "effective", "inheritable", "ambient")}})
    fields = inside_status(c)
    for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[key], 16) == cap_mask(both), key


def test_a_user_without_ambient_capabilities_has_none(c):
    fields = inside_status(c.set(process={"user": {"uid": 1000, "gid": 1000}}))
    assert [int(fields[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0, 0, 0, 0]


def test_no_capabilities_at_all(c):
    c.set(process={"capabilities": {k: [] for k in ("bounding", "effective", "permitted")}})
    fields = inside_status(c)
    assert [int(fields[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [0] * 5


def test_without_the_object_there_are_no_capabilities(c):
    del c.config["process"]["capabilities"]
    fields = inside_status(c)
    assert int(fields["CapEff"], 16) == 0


def test_a_capability_that_cant_be_granted_is_a_warning(c):
    c.set(process={"capabilities": {k: ["CAP_CHOWN", "CAP_OF_TOMORROW"] for k in
                                    ("bounding", "effective", "permitted")}})
    done = c.set("grep CapEff /proc/self/status").run()
    assert done.returncode == 0, done.stderr
    assert "CAP_OF_TOMORROW" in done.stderr
    assert int(done.stdout.split()[1], 16) == cap_mask(["CAP_CHOWN"])


def test_no_new_privileges(c):
    assert inside_status(c)["NoNewPrivs"] == "0"
    assert inside_status(c.set(process={"noNewPrivileges": True}))["NoNewPrivs"] == "1"


def test_no_new_privileges_makes_setuid_programs_plain(c):
    tool = c.rootfs / "bin/suid"
    tool.write_bytes((c.rootfs / "bin/syscall").read_bytes())
    os.chmod(tool, 0o4755)
    c.set(["/bin/suid", "107"], process={"user": {"uid": 1000, "gid": 1000}})  # geteuid
    assert c.output().split()[0] == "0"
    c.set(process={"noNewPrivileges": True})
    assert c.output().split()[0] == "1000"


# --- limits and priorities ------------------------------------------------------------

@pytest.mark.parametrize("name", RESOURCE_LINES)
def test_rlimit(c, name):
    c.set(process={"rlimits": [{"type": name, "soft": 0 if name == "RLIMIT_CORE" else 61, "hard": 0 if
                                name == "RLIMIT_CORE" else 62}]})
    if name in ("RLIMIT_STACK", "RLIMIT_AS", "RLIMIT_DATA"):
        c.set(process={"rlimits": [{"type": name, "soft": 61 << 20, "hard": 62 << 20}]})
    if name in ("RLIMIT_NICE", "RLIMIT_RTPRIO"):
        c.set(process={"rlimits": [{"type": name, "soft": 0, "hard": 0}]})
    wanted = c.config["process"]["rlimits"][0]
    out = c.output(["/bin/cat", "/proc/self/limits"])
    line = next(line for line in out.splitlines() if line.startswith(RESOURCE_LINES[name]))
    assert line[26:].split()[:2] == [str(wanted["soft"]), str(wanted["hard"])]


def test_an_unlimited_rlimit(c):
    c.set(process={"rlimits": [{"type": "RLIMIT_CORE", "soft": (1 << 64) - 1, "hard": (1 << 64) - 1}]})
    if "unlimited" not in [w for line in pathlib.Path("/proc/self/limits").read_text().splitlines()
                           if line.startswith("Max core") for w in line.split()][5:6]:
        pytest.skip("our own limit is lower and there is no CAP_SYS_RESOURCE")
    assert re.search(r"Max core file size +unlimited +unlimited", c.output(["/bin/cat", "/proc/self/limits"]))


@pytest.mark.parametrize("limits", [[{"type": "RLIMIT_NONSENSE", "soft": 1, "hard": 1}],
                                    [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}],
                                    [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}] * 2])
def test_rlimits_that_make_no_sense_are_refused(c, limits):
    c.set(process={"rlimits": limits}).fails()


def test_oom_score_adj(c):
    c.set(["/bin/cat", "/proc/self/oom_score_adj"])
    assert c.output() == pathlib.Path("/proc/self/oom_score_adj").read_text()
    assert c.set(process={"oomScoreAdj": 500}).output() == "500\n"


def scheduling(c):
    """The program's struct sched_attr (sched_getattr(2))."""
    return bytes.fromhex(c.output(["/bin/syscall", "315", "0", "+", "48", "0"]).split()[-1])


def test_scheduler_batch_with_nice(c):
    data = scheduling(c.set(process={"scheduler": {"policy": "SCHED_BATCH", "nice": 7}}))
    assert int.from_bytes(data[4:8], "little") == 3
    assert int.from_bytes(data[16:20], "little", signed=True) == 7


def test_scheduler_idle(c):
    data = scheduling(c.set(process={"scheduler": {"policy": "SCHED_IDLE"}}))
    assert int.from_bytes(data[4:8], "little") == 5


def test_scheduler_fifo_with_priority_and_reset_on_fork(c):
    c.set(["/bin/syscall", "315", "0", "+", "48", "0"],  # sched_getattr
          process={"scheduler": {"policy": "SCHED_FIFO", "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}})
    done = c.run()
    if done.returncode != 0 and "permitted" in done.stderr.lower():
        pytest.skip("the cgroup has no realtime share")
    data = bytes.fromhex(done.stdout.split()[-1])
    assert int.from_bytes(data[4:8], "little") == 1  # SCHED_FIFO
    assert int.from_bytes(data[8:16], "little") & 1
    assert int.from_bytes(data[20:24], "little") == 3


def test_scheduler_deadline(c):
    c.set(["/bin/syscall", "315", "0", "+", "48", "0"],
          process={"scheduler": {"policy": "SCHED_DEADLINE", "runtime": 5000000, "deadline": 20000000,
                                 "period": 40000000, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}})
    data = bytes.fromhex(c.output().split()[-1])
    assert int.from_bytes(data[4:8], "little") == 6
    assert [int.from_bytes(data[i:i + 8], "little") for i in (24, 32, 40)] == [5000000, 20000000, 40000000]


@pytest.mark.parametrize("scheduler", [{"policy": "SCHED_NONSENSE"}, {}, {"policy": "SCHED_OTHER", "flags": ["X"]},
                                       {"policy": "SCHED_OTHER", "nice": 30}])
def test_a_scheduler_that_is_none_is_refused(c, scheduler):
    c.set(process={"scheduler": scheduler}).fails()


@pytest.mark.parametrize("klass,number", [("IOPRIO_CLASS_BE", 2), ("IOPRIO_CLASS_IDLE", 3), ("IOPRIO_CLASS_RT", 1)])
def test_io_priority(c, klass, number):
    level = 4 if number != 3 else 0
    c.set(["/bin/syscall", "252", "1", "0"], process={"ioPriority": {"class": klass, "priority": level}})  # ioprio_get
    value = int(c.output().split()[0])
    assert (value >> 13, value & 7) == (number, level)


@pytest.mark.parametrize("value", [{"class": "IOPRIO_CLASS_NONSENSE", "priority": 1},
                                   {"class": "IOPRIO_CLASS_BE", "priority": 8}])
def test_an_io_priority_that_is_none_is_refused(c, value):
    c.set(process={"ioPriority": value}).fails()


def test_exec_cpu_affinity_final_is_for_exec_only(c):
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one CPU only")
    c.set(["/bin/sleep", "100"], process={"execCPUAffinity": {"initial": "0", "final": "1"}}).detach()
    everything = status_fields(pathlib.Path("/proc/self/status").read_text())["Cpus_allowed_list"]
    assert status_fields(c.proc("status"))["Cpus_allowed_list"] == everything
    assert c.exec("grep Cpus_allowed_list /proc/self/status").stdout.split()[1] == "1"


def test_exec_cpu_affinity_without_final_leaves_the_rest_to_the_kernel(c):
    c.set(["/bin/sleep", "100"], process={"execCPUAffinity": {"initial": "0"}}).detach()
    assert c.exec("true").returncode == 0


def test_the_callers_affinity_is_not_the_containers(c):
    everything = status_fields(pathlib.Path("/proc/self/status").read_text())["Cpus_allowed_list"]
    if everything == "0":
        pytest.skip("one CPU only")
    line = ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"]
    first = {"preexec_fn": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})}
    assert c.set(line).output(**first).split()[1] == everything
    c.rt("delete", c.id)
    c.sleeping()
    assert c.exec(line, **first).stdout.split()[1] == everything


def test_an_affinity_that_is_none_is_refused(c):
    c.set(process={"execCPUAffinity": {"initial": "zero"}}).fails()


# --- terminal --------------------------------------------------------------------------

def test_a_terminal_with_a_dev_that_can_only_be_read(c):
    [dev] = [m for m in c.config["mounts"] if m["destination"] == "/dev"]
    dev["options"].append("ro")
    c.set("[ -t 1 ] && ls -l /dev/console; touch /dev/x || echo refused", process={"terminal": True})
    out = c.output()
    assert re.search(r"crw.*/dev/console", out) and "refused" in out

def test_terminal_and_console_size(c, tmp_path):
    import test_commands
    console = test_commands.ConsoleSocket(tmp_path / "console")
    try:
        c.set("stty size; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo tty; ls -l /dev/console; echo end; sleep 100",
              process={"terminal": True, "consoleSize": {"height": 12, "width": 34}})
        c.create("--console-socket", console.path).start()
        console.thread.join(10)
        out = console.read_until("end")
        assert "12 34" in out and "tty" in out and re.search(r"crw.*/dev/console", out)
        session = pathlib.Path(f"/proc/{c.pid}/stat").read_text().split()
        assert session[0] == session[5] and session[6] != "0"  # leads a session that owns the terminal
    finally:
        c.delete("--force")
        console.close()


def test_the_terminal_belongs_to_the_user(c, tmp_path):
    import test_commands
    console = test_commands.ConsoleSocket(tmp_path / "console")
    try:
        c.set("stat -L -c %u-owner /proc/self/fd/0; sleep 100",
              process={"terminal": True, "user": {"uid": 1000, "gid": 1000}})
        c.create("--console-socket", console.path).start()
        console.thread.join(10)
        assert "1000-owner" in console.read_until("owner")
    finally:
        c.delete("--force")
        console.close()


def test_console_size_is_ignored_without_a_terminal(c):
    assert c.set("tty", process={"consoleSize": {"height": 1, "width": 2}}).run().stdout == "not a tty\n"


# --- labels ------------------------------------------------------------------------------

def test_apparmor_profile_that_cant_be_applied_fails_the_start(c):
    if os.path.exists("/sys/kernel/security/apparmor"):
        pytest.skip("this kernel has AppArmor")
    assert "apparmor" in c.set(process={"apparmorProfile": "some-profile"}).fails().lower()


def test_selinux_label_that_cant_be_applied_fails_the_start(c):
    if os.path.exists("/sys/fs/selinux/enforce"):
        pytest.skip("this kernel has SELinux")
    assert "selinux" in c.set(process={"selinuxLabel": "system_u:system_r:container_t:s0"}).fails().lower()


# --- root, hostname, domainname, annotations, ociVersion ------------------------------------

def test_root_path_may_be_absolute(c):
    assert c.set(root={"path": str(c.rootfs)}).output(["/bin/echo", "x"]) == "x\n"


def test_root_readonly(c):
    c.set(root={"readonly": True})
    assert "Read-only file system" in c.set("touch /x").run().stderr
    assert not (c.rootfs / "x").exists()


def test_root_is_writable_without_readonly(c):
    c.output("touch /x")
    assert (c.rootfs / "x").exists()


def test_root_that_is_not_there_fails(c):
    c.set(root={"path": "nowhere"}).fails()


def test_a_config_without_root_is_refused(c):
    c.set(root=None).fails()


def test_nothing_of_the_host_is_left_below_the_root(c):
    mounts = c.output(["/bin/cat", "/proc/self/mountinfo"])
    assert str(c.bundle) not in [line.split()[4] for line in mounts.splitlines()]
    assert sorted(line.split()[4] for line in mounts.splitlines())[0] == "/"
    assert "boot" not in c.output(["/bin/ls", "/"]).split()


def test_hostname_and_domainname(c):
    host = os.uname().nodename
    c.set(hostname="inside", domainname="example.test")
    assert c.output("hostname; cat /proc/sys/kernel/domainname").split() == ["inside", "example.test"]
    assert os.uname().nodename == host


def test_hostname_needs_a_uts_namespace(c):
    assert "uts" in c.no_namespace("uts").set(hostname="inside").fails().lower()


def test_annotations_are_in_the_state(c):
    c.set(annotations={"a.b": "c", "empty": ""}).sleeping()
    state = c.state()["annotations"]
    assert state["a.b"] == "c" and state["empty"] == ""


def test_unknown_properties_and_other_platforms_are_ignored(c):
    c.set(["/bin/echo", "ran"], somethingNew={"a": 1}, windows={"layerFolders": ["x"]}, solaris={"milestone": "y"},
          vm={"kernel": {"path": "/z"}}, zos={})
    c.set(process={"commandLine": "for windows", "new": []}, linux={"newThing": {"x": [1, 2]}})
    assert c.output() == "ran\n"


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.1.0", "1.2.0", "1.3.0"])
def test_oci_version_of_1_x_is_taken(c, version):
    c.set(["/bin/true"], ociVersion=version)
    assert c.run().returncode == 0


@pytest.mark.parametrize("version", ["2.0.0", "nonsense", ""])
def test_an_oci_version_that_is_not_compatible_is_refused(c, version):
    assert "version" in c.set(ociVersion=version).fails().lower()
