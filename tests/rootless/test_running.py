"""Containers of a user who isn't root."""
import json
import os
import pathlib
import pty
import stat
import struct
import subprocess
import time

import pytest

from rootless_user import SUB_COUNT, SUB_FIRST, UID


def mount_options(text, target):
    """Options of the topmost mount on target in the text of a mountinfo."""
    found = [line.split() for line in text.splitlines() if line.split()[4] == target]
    return found[-1][5].split(",")


# ---- spec, ids -----------------------------------------------------------------

def test_spec_maps_the_caller_and_asks_for_nothing_that_takes_privileges(user):
    spec = user.spec()
    assert spec["linux"]["uidMappings"] == [{"containerID": 0, "hostID": UID, "size": 1}]
    assert spec["linux"]["gidMappings"] == [{"containerID": 0, "hostID": UID, "size": 1}]
    kinds = {entry["type"] for entry in spec["linux"]["namespaces"]}
    assert "user" in kinds and "network" not in kinds
    assert "resources" not in spec["linux"]
    sys_mount = next(m for m in spec["mounts"] if m["destination"] == "/sys")
    assert sys_mount["source"] == "/sys" and "rbind" in sys_mount["options"] and "ro" in sys_mount["options"]
    assert not any(o.startswith("gid=") for m in spec["mounts"] for o in m.get("options", []))


def test_root_inside_is_the_user_outside(user):
    out = user.shell(user.spec(), "id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups").stdout
    assert out.split() == ["0", "0", str(UID), "1", "0", str(UID), "1", "deny"]


def test_files_made_inside_are_the_users(user):
    spec = user.spec()
    spec["root"]["readonly"] = False
    user.shell(spec, "touch /tmp/made")
    made = os.stat(user.home / "rootfs/tmp/made")
    assert (made.st_uid, made.st_gid) == (UID, UID)


def test_subordinate_ids_are_mapped_by_newuidmap(user):
    out = user.shell(user.wide_spec(), "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups", ids="ids").stdout
    one = ["0", str(UID), "1", "1", str(SUB_FIRST), str(SUB_COUNT)]
    assert out.split() == one + one + ["allow"]


def test_subordinate_ids_alone_are_enough(user):
    spec = user.spec()
    whole = [{"containerID": 0, "hostID": SUB_FIRST, "size": SUB_COUNT}]
    spec["linux"].update(uidMappings=whole, gidMappings=whole)
    # The rootfs is somebody else's then, who lets everybody read.
    assert user.shell(spec, "id -u; stat -c %u /dev/shm", ids="ids").stdout == "0\n0\n"


def test_newuidmap_may_have_file_capabilities_in_place_of_the_setuid_bit(user):
    folder = user.home / "programs"
    folder.mkdir()
    for name, capability in (("newuidmap", 7), ("newgidmap", 6)):
        copy = folder / name
        copy.write_bytes(pathlib.Path("/usr/bin", name).read_bytes())
        copy.chmod(0o755)
        # struct vfs_cap_data: revision 2 with the effective bit; permitted, inheritable, twice.
        os.setxattr(copy, "security.capability", struct.pack("<5I", 0x02000001, 1 << capability, 0, 0, 0))
    out = user.shell(user.wide_spec(), "cat /proc/self/uid_map", ids="ids", programs=folder).stdout
    assert out.split()[3:] == ["1", str(SUB_FIRST), str(SUB_COUNT)]


def test_a_process_can_be_another_user_of_the_map(user):
    spec = user.wide_spec()
    spec["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5, 100]}
    assert user.shell(spec, "id -u; id -g; id -G", ids="ids").stdout == "1000\n1000\n1000 5 100\n"


def test_without_an_entry_the_error_names_the_file_and_the_ids(user):
    done = user.shell(user.wide_spec(), "true", check=False)
    assert done.returncode == 1
    assert "/etc/subuid has no entry for hulltester" in done.stderr
    assert f"--add-subuids {SUB_FIRST}-{SUB_FIRST + SUB_COUNT - 1}" in done.stderr


def test_ids_beyond_the_entry_are_named(user):
    spec = user.wide_spec()
    spec["linux"]["gidMappings"][1]["size"] += 1
    spec["linux"]["uidMappings"][1]["size"] += 1
    done = user.shell(spec, "true", check=False, ids="ids")
    assert done.returncode == 1
    assert f"{SUB_FIRST}-{SUB_FIRST + SUB_COUNT} of the host is not hulltester's" in done.stderr


def test_without_the_program_the_error_names_the_package_and_one_id_still_works(user):
    done = user.shell(user.wide_spec(), "true", check=False, ids="ids", programs="none")
    assert done.returncode == 1
    assert "newuidmap" in done.stderr and "package uidmap" in done.stderr
    assert user.shell(user.spec(), "id -u", programs="none").stdout == "0\n"


def test_somebody_elses_id_is_refused(user):
    spec = user.spec()
    spec["linux"]["uidMappings"][0]["hostID"] = 0
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "uid 0 of the host" in done.stderr


def test_additional_groups_of_one_id_are_refused_in_words(user):
    spec = user.spec()
    spec["process"]["user"]["additionalGids"] = [0]
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "additional groups can't be set" in done.stderr


def test_without_a_user_namespace_nothing_is_made(user):
    spec = user.spec()
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "user"]
    spec["linux"].pop("uidMappings")
    spec["linux"].pop("gidMappings")
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "requires user namespaces" in done.stderr


def test_root_of_a_user_namespace_needs_none(user):
    spec = user.spec("sh", "-c", "id -u; echo x > /dev/null; cat /proc/1/comm; ls /sys/class")
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "user"]
    spec["linux"].pop("uidMappings")
    spec["linux"].pop("gidMappings")
    done = user.run("/usr/bin/unshare", "--map-root-user", user.program, "--root", user.root, "run", "--bundle",
                    user.bundle(spec), user.new_id())
    assert done.stdout.startswith("0\nsh\n") and "net" in done.stdout


def test_root_of_a_user_namespace_makes_one_below_it(user):
    spec = user.spec("sh", "-c", "id -u; cat /proc/self/uid_map")
    for key in ("uidMappings", "gidMappings"):
        spec["linux"][key][0]["hostID"] = 0
    done = user.run("/usr/bin/unshare", "--map-root-user", "--mount", user.program, "--root", user.root, "run",
                    "--bundle", user.bundle(spec), user.new_id())
    assert done.stdout.split() == ["0", "0", "0", "1"]


# ---- file systems --------------------------------------------------------------

def test_devices_of_dev_work_and_are_the_hosts(user):
    script = ("echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 5 /dev/urandom | wc -c && "
              "stat -c '%F %t:%T' /dev/null && readlink /dev/stdin && readlink /dev/ptmx && touch /dev/mine && ls /dev/pts/ptmx")
    assert user.shell(user.spec(), script).stdout.split("\n")[:5] == [
        "3", "5", "character special file 1:3", "/proc/self/fd/0", "pts/ptmx"]


def test_a_device_that_is_there_is_bound_and_another_is_an_error(user):
    spec = user.spec()
    spec["linux"]["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11},
                                {"path": "/dev/deep/fifo", "type": "p", "fileMode": 0o640}]
    assert user.shell(spec, "stat -c %F /dev/kmsg /dev/deep/fifo").stdout == "character special file\nfifo\n"
    spec["linux"]["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 99}]
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "/dev/kmsg" in done.stderr and "needs privileges on the host" in done.stderr


def test_a_terminal_group_that_is_not_mapped_is_left_out(user):
    spec = user.spec()
    next(m for m in spec["mounts"] if m["destination"] == "/dev/pts")["options"].append("gid=5")
    assert "gid=" not in user.shell(spec, "grep /dev/pts /proc/mounts").stdout
    spec = user.wide_spec()
    next(m for m in spec["mounts"] if m["destination"] == "/dev/pts")["options"].append("gid=5")
    assert "gid=" in user.shell(spec, "grep /dev/pts /proc/mounts", ids="ids").stdout


def test_masked_and_read_only_paths_hold(user):
    script = ("wc -c < /proc/keys; ls /proc/acpi | wc -l; "
              "echo 1 > /proc/sys/kernel/panic || echo refused; touch /x || echo refused")
    assert user.shell(user.spec(), script + " 2>/dev/null").stdout.split() == ["0", "0", "refused", "refused"]


@pytest.fixture
def read_only_source(user):
    """A tmpfs of root's that is mounted read-only, nodev and nosuid."""
    source = user.home / "source"
    source.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", source], check=True)
    (source / "file").write_text("text")
    subprocess.run(["mount", "-o", "remount,ro,nosuid,nodev,noatime", source], check=True)
    yield source
    subprocess.run(["umount", source], check=True)


def bind_of(source, *options):
    return {"destination": "/tmp", "type": "bind", "source": str(source), "options": list(options)}


def test_a_read_only_bind_of_a_read_only_source_keeps_what_is_locked(user, read_only_source):
    spec = user.spec()
    spec["mounts"].append(bind_of(read_only_source, "bind", "ro"))
    out = user.shell(spec, "cat /proc/self/mountinfo; cat /tmp/file").stdout
    assert out.endswith("text")
    assert {"ro", "nosuid", "nodev", "noatime"} <= set(mount_options(out.rpartition("\n")[0], "/tmp"))


def test_an_atime_that_is_locked_stays(user, read_only_source):
    spec = user.spec()
    spec["mounts"].append(bind_of(read_only_source, "rbind", "ro", "strictatime", "noexec"))
    options = mount_options(user.shell(spec, "cat /proc/self/mountinfo").stdout, "/tmp")
    assert {"ro", "noexec", "noatime"} <= set(options)


def test_a_writable_bind_of_a_read_only_source_is_refused_in_words(user, read_only_source):
    spec = user.spec()
    spec["mounts"].append(bind_of(read_only_source, "bind", "rw"))
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1
    assert "mount /tmp: option rw: the source is mounted read-only" in done.stderr


def test_binds_of_the_users_own_folders_work_both_ways(user):
    for name in ("writable", "fixed"):
        (user.home / name).mkdir()
        user.own(user.home / name)
    spec = user.spec()
    spec["mounts"] += [bind_of(user.home / "writable", "bind", "rw"),
                       {**bind_of(user.home / "fixed", "bind", "ro", "nosuid"), "destination": "/etc"}]
    user.shell(spec, "touch /tmp/made; touch /etc/made || true")
    assert os.listdir(user.home / "writable") == ["made"] and os.listdir(user.home / "fixed") == []


def test_id_mapped_binds_are_refused_in_words(user):
    spec = user.spec()
    spec["mounts"].append(bind_of(user.home, "bind", "idmap"))
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "id-mapped mounts need privileges on the host" in done.stderr


def test_sysfs_and_proc_of_shared_namespaces_are_the_hosts(user):
    spec = user.spec()
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "pid"]
    for mount in spec["mounts"]:
        if mount["destination"] == "/sys":
            mount.update(type="sysfs", source="sysfs", options=["nosuid", "noexec", "nodev", "ro"])
    spec["linux"]["maskedPaths"] = spec["linux"]["readonlyPaths"] = []
    out = user.shell(spec, "cat /proc/1/comm; ls /sys/class | head -1; cat /proc/self/mountinfo").stdout
    assert out.splitlines()[0] == pathlib.Path("/proc/1/comm").read_text().strip()
    assert {"ro", "nosuid", "noexec", "nodev"} <= set(mount_options("\n".join(out.splitlines()[2:]), "/sys"))


# ---- process -------------------------------------------------------------------

def test_a_lower_oom_score_is_told_and_a_higher_one_is_set(user):
    spec = user.spec()
    spec["process"]["oomScoreAdj"] = 300
    done = user.shell(spec, "cat /proc/self/oom_score_adj")
    assert done.stdout == "300\n" and "oomScoreAdj" not in done.stderr
    spec["process"]["oomScoreAdj"] = -500
    done = user.shell(spec, "cat /proc/self/oom_score_adj; sleep 0.2")
    assert done.stdout != "-500\n" and "oomScoreAdj -500 needs privileges" in done.stderr


def test_a_limit_above_the_hard_one_is_an_error(user):
    spec = user.spec()
    spec["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1 << 30}]
    done = user.shell(spec, "true", check=False)
    assert done.returncode == 1 and "nofile" in done.stderr
    spec["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    assert user.shell(spec, "ulimit -n; ulimit -Hn").stdout == "100\n200\n"


def test_standard_output_can_be_opened_again(user):
    read_end, write_end = os.pipe()
    os.fchown(write_end, UID, UID)
    spec = user.wide_spec("sh", "-c", "echo again > /dev/stdout")
    spec["process"]["user"] = {"uid": 1000, "gid": 1000}
    command = user.command(user.program, "--root", user.root, "run", "--bundle", user.bundle(spec), user.new_id(),
                           ids="ids")
    done = subprocess.run(command, stdout=write_end, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30)
    os.close(write_end)
    assert os.read(read_end, 100) == b"again\n", done.stderr
    os.close(read_end)


def on_terminal(command, size=(40, 100)):
    """What a command prints on a terminal of that size, and its exit code."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    import fcntl
    import termios
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    out = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(master)
    return out.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("ids", ["none", "ids"])
def test_a_terminal_works_in_run_and_exec(user, ids):
    spec = user.wide_spec() if ids == "ids" else user.spec()
    spec["process"].update(terminal=True, args=["sh", "-c", "tty; stat -c %u:%t $(tty); echo y > /dev/console"])
    if ids == "ids":
        spec["process"]["user"] = {"uid": 1000, "gid": 1000}
    out, code = on_terminal(user.command(user.program, "--root", user.root, "run", "--bundle", user.bundle(spec),
                                         user.new_id(), ids=ids))
    owner = "1000" if ids == "ids" else "0"
    assert (out.split(), code) == (["/dev/pts/0", f"{owner}:88", "y"], 0)
    made = user.start(ids=ids)
    out, code = on_terminal(user.command(user.program, "--root", user.root, "exec", "--tty", made, "tty"))
    assert (out.split(), code) == (["/dev/pts/0"], 0)


def test_the_waiting_process_runs_from_a_sealed_copy(user):
    made = user.new_id()
    user("create", "--bundle", user.bundle(user.spec()), made)
    assert os.readlink(f"/proc/{user.state(made)['pid']}/exe").startswith("/memfd:")


def test_hooks_run_as_the_user(user):
    log = user.home / "hooks"
    log.touch()
    user.own(log)
    spec = user.spec("true")
    spec["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} $(id -u) >> {log}"]}]
                     for kind in ("createRuntime", "poststop")}
    user("run", "--bundle", user.bundle(spec), user.new_id())
    assert log.read_text().split() == ["createRuntime", str(UID), "poststop", str(UID)]


def test_a_failed_start_leaves_nothing(user):
    spec = user.spec("no-such-program")
    done = user("run", "--bundle", user.bundle(spec), user.new_id(), check=False)
    assert done.returncode != 0 and "no-such-program" in done.stderr
    assert user.leftovers() == []


# ---- where state lies ------------------------------------------------------------

def test_state_lies_below_the_users_runtime_folder_which_is_sticky(user):
    made = user.new_id()
    user.run(user.program, "create", "--bundle", user.bundle(user.spec()), made)
    folder = user.home / "run/hull-runtime"
    assert os.listdir(folder) == [made]
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o1700
    assert user("list", "--quiet").stdout == ""
    user.run(user.program, "delete", "--force", made)
    assert os.listdir(folder) == []


def test_rootless_takes_auto_and_booleans(user):
    for value in ("auto", "true", "1"):
        user.run(user.program, "--rootless", value, "list")
    done = user.run(user.program, "--rootless", "perhaps", "list", check=False)
    assert done.returncode == 1 and "invalid --rootless" in done.stderr


# ---- commands ------------------------------------------------------------------

@pytest.mark.parametrize("ids", ["none", "ids"])
def test_every_command_on_a_container_works(user, ids):
    spec = user.wide_spec() if ids == "ids" else user.spec()
    made = user.new_id()
    user("create", "--bundle", user.bundle(spec), made, ids=ids)
    assert user.state(made)["status"] == "created"
    user("start", made)
    state = user.state(made)
    assert state["status"] == "running"
    listed = json.loads(user("list", "--format", "json").stdout)
    assert [entry["id"] for entry in listed] == [made]
    out = user("exec", made, "sh", "-c", "id -u; cat /proc/1/comm; readlink /proc/1/ns/user; readlink /proc/self/ns/user").stdout
    lines = out.split()
    assert lines[:2] == ["0", "sleep"] and lines[2] == lines[3]
    user("exec", "--detach", made, "sleep", "601")
    pids = json.loads(user("ps", "--format", "json", made).stdout)
    assert state["pid"] in pids and len(pids) == 2
    assert "601" in user("ps", made).stdout
    user("kill", "--all", made, "USR1")
    assert user("kill", made, "KILL").returncode == 0
    deadline = time.monotonic() + 10
    while user.state(made)["status"] != "stopped":
        assert time.monotonic() < deadline
    assert user("exec", made, "true", check=False).returncode == 255
    user("delete", made)
    assert user("state", made, check=False).returncode == 1


def test_exec_as_another_user_and_with_a_user_that_is_not_mapped(user):
    made = user.start(user.wide_spec(), ids="ids")
    assert user("exec", "--user", "7:8", made, "id", "-u").stdout == "7\n"
    done = user("exec", "--user", "70000", made, "id", check=False)
    assert done.returncode == 255 and "70000" in done.stderr


def test_without_a_cgroup_what_needs_one_says_so(user):
    made = user.start()
    for words in (["pause", made], ["events", "--stats", made], ["update", "--pids-limit", "5", made]):
        done = user(*words, check=False)
        assert done.returncode == 1 and "needs a cgroup" in done.stderr, words


# ---- cgroups -------------------------------------------------------------------

def limits():
    return {"memory": {"limit": 64 << 20}, "pids": {"limit": 50}}


def test_limits_that_cannot_be_applied_are_named_and_the_rest_runs(user):
    spec = user.spec()
    spec["linux"]["resources"] = {**limits(), "devices": [{"allow": False, "access": "rwm"}]}
    spec["linux"]["cgroupsPath"] = "/" + user.prefix + "nowhere"
    done = user.shell(spec, "echo ran")
    assert done.stdout == "ran\n"
    assert "not limited" in done.stderr and str(64 << 20) in done.stderr and "pids.max=50" in done.stderr


def test_device_rules_alone_are_no_reason_for_a_warning(user):
    spec = user.spec()
    spec["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    assert "limited" not in user.shell(spec, "true").stderr


def test_rootless_false_makes_a_cgroup_that_cannot_be_made_an_error(user):
    spec = user.spec("true")
    spec["linux"]["resources"] = limits()
    spec["linux"]["cgroupsPath"] = "/" + user.prefix + "nowhere"
    done = user.run(user.program, "--root", user.root, "--rootless=false", "run", "--bundle", user.bundle(spec),
                    user.new_id(), check=False)
    assert done.returncode == 1 and "cgroup" in done.stderr


@pytest.fixture
def delegated(user):
    """A folder of the user's in some hierarchies of v1; its path in them."""
    made = []
    for controller in ("memory", "pids", "freezer"):
        top = pathlib.Path("/sys/fs/cgroup", controller)
        if not (top / "tasks").exists():
            pytest.skip("needs cgroup v1")
        folder = top / (user.prefix + "delegated")
        folder.mkdir()
        made.append(folder)
        for entry in [folder, *folder.iterdir()]:
            os.chown(entry, UID, UID)
    yield "/" + user.prefix + "delegated"
    user.cleanup()
    for folder in made:
        folder.rmdir()


def test_a_delegated_cgroup_is_used_as_far_as_it_goes(user, delegated):
    spec = user.spec()
    spec["linux"]["resources"] = {**limits(), "cpu": {"shares": 100}}
    spec["linux"]["cgroupsPath"] = delegated + "/box"
    made = user.new_id()
    done = user("create", "--bundle", user.bundle(spec), made)
    assert "cpu.shares=100" in done.stderr and "pids.max" not in done.stderr
    user("start", made)
    here = pathlib.Path("/sys/fs/cgroup")
    pid = user.state(made)["pid"]
    assert (here / ("memory" + delegated) / "box/memory.limit_in_bytes").read_text() == f"{64 << 20}\n"
    assert (here / ("pids" + delegated) / "box/cgroup.procs").read_text() == f"{pid}\n"
    user("exec", "--detach", made, "sleep", "602")
    assert len(json.loads(user("ps", "--format", "json", made).stdout)) == 2
    user("pause", made)
    assert user.state(made)["status"] == "paused"
    user("resume", made)
    assert user.state(made)["status"] == "running"
    user("update", "--pids-limit", "20", made)
    assert (here / ("pids" + delegated) / "box/pids.max").read_text() == "20\n"
    user("delete", "--force", made)
    assert not (here / ("memory" + delegated) / "box").exists()


@pytest.fixture
def delegated_v2(user):
    """A folder of v2 as systemd gives one to a user's session, and one below it for the user's processes."""
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    top = next((pathlib.Path(m[1]) for m in mounts if m[2] == "cgroup2"), None)
    if not top:
        pytest.skip("needs a mounted cgroup v2")
    folder = top / (user.prefix + "session")
    (folder / "init").mkdir(parents=True)
    for entry in [folder, folder / "init"]:
        os.chown(entry, UID, UID)
        for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(entry / name, UID, UID)
    yield folder
    user.cleanup()
    for entry in (folder / "init", folder):
        entry.rmdir()


def test_a_session_of_v2_gets_its_cgroup_beside_the_users_own(user, delegated_v2):
    # In a mount namespace that knows of v2 only.
    script = (f"echo $$ > {delegated_v2}/init/cgroup.procs; umount -l /sys/fs/cgroup; "
              "mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec \"$@\"")
    before = ["unshare", "-m", "sh", "-c", script, "sh"]
    made = user.new_id()
    user("create", "--bundle", user.bundle(user.spec()), made, before=before)
    user("start", made, before=before)
    pid = user.state(made)["pid"]
    own = delegated_v2 / f"hull-runtime-{made}"
    assert (own / "cgroup.procs").read_text() == f"{pid}\n"
    user("exec", "--detach", made, "sleep", "603", before=before)
    assert len(json.loads(user("ps", "--format", "json", made, before=before).stdout)) == 2
    user("pause", made, before=before)
    assert json.loads(user("state", made, before=before).stdout)["status"] == "paused"
    user("resume", made, before=before)
    user("delete", "--force", made, before=before)
    assert not own.exists()
