"""The "mounts" array: kinds, every option of the specification's table, propagation, ids."""
import os
import pathlib
import subprocess

import pytest

from oci import mount_at, parse_mountinfo


def inside(c, where=None):
    """The mount table as the payload sees it, or one entry of it."""
    table = parse_mountinfo(c.output(["/bin/cat", "/proc/self/mountinfo"]))
    return mount_at(table, where) if where else table


@pytest.fixture
def source(c):
    """A folder outside of the rootfs, to bind."""
    folder = c.bundle / "source"
    folder.mkdir(mode=0o755)
    (folder / "file").write_text("content\n")
    return folder


@pytest.fixture
def host_mounts():
    """Mounts made on the host for a test."""
    made = []

    def mount(*words):
        subprocess.run(["mount", *map(str, words)], check=True)
        made.append(words[-1])
        return words[-1]

    yield mount
    for where in reversed(made):
        subprocess.run(["umount", "-R", "-l", where], check=True)


# --- kinds -----------------------------------------------------------------------------

def test_the_default_file_systems(c):
    table = inside(c)
    for where, kind in (("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/shm", "tmpfs"),
                        ("/dev/mqueue", "mqueue"), ("/sys", "sysfs")):
        assert mount_at(table, where)["type"] == kind
    assert "ro" in mount_at(table, "/sys")["options"]
    assert {"nosuid", "noexec", "nodev"} <= set(mount_at(table, "/dev/shm")["options"])


def test_mounts_are_made_in_the_listed_order(c):
    c.mount("/work/a", "tmpfs", "first").mount("/work/a/b", "tmpfs", "second").mount("/work/a/b", "tmpfs", "third")
    table = [m for m in inside(c) if m["at"].startswith("/work")]
    assert [(m["at"], m["source"]) for m in table] == [("/work/a", "first"), ("/work/a/b", "second"),
                                                       ("/work/a/b", "third")]


def test_a_later_mount_covers_an_earlier_one(c, source):
    c.mount("/work/a", "bind", source, ["bind"]).mount("/work", "tmpfs", "over")
    assert c.output(["/bin/ls", "/work"]) == ""


def test_a_destination_is_made_when_it_is_not_there(c, source):
    c.mount("/new/folder", "tmpfs", "tmpfs").mount("/other/file", "bind", source / "file", ["bind"])
    assert c.output("stat -c %F /new/folder; cat /other/file").split("\n")[:2] == ["directory", "content"]


def test_a_relative_destination_is_below_the_root(c):
    assert inside(c.mount("work", "tmpfs", "tmpfs"), "/work")["type"] == "tmpfs"


def test_a_destination_through_a_link_stays_inside(c):
    (c.rootfs / "link").symlink_to("/work")
    (c.rootfs / "out").symlink_to("../../../../etc")
    c.mount("/link/x", "tmpfs", "one").mount("/out/y", "tmpfs", "two")
    table = inside(c)
    assert mount_at(table, "/work/x")["source"] == "one"
    assert mount_at(table, "/etc/y")["source"] == "two"


def test_bind_of_a_folder_and_of_a_file(c, source):
    c.mount("/work", "none", source, ["bind"]).mount("/etc/motd", "bind", source / "file", ["bind"])
    assert c.output("cat /work/file /etc/motd; echo new > /work/made") == "content\ncontent\n"
    assert (source / "made").read_text() == "new\n"


def test_a_bind_source_may_be_relative_to_the_bundle(c, source):
    assert c.mount("/work", "bind", "source", ["bind"]).output(["/bin/ls", "/work"]) == "file\n"


def test_type_bind_needs_no_option(c, source):
    assert c.mount("/work", "bind", source).output(["/bin/ls", "/work"]) == "file\n"


def test_the_type_of_a_bind_is_a_dummy(c, source):
    assert c.mount("/work", "tmpfs", source, ["bind"]).output(["/bin/ls", "/work"]) == "file\n"


def test_bind_takes_one_mount_and_rbind_all_below(c, source, host_mounts):
    below = source / "below"
    below.mkdir()
    host_mounts("-t", "tmpfs", "below", below)
    (below / "deep").touch()
    c.mount("/work", "none", source, ["bind"]).mount("/home", "none", source, ["rbind"])
    assert c.output("ls /work/below; echo -; ls /home/below") == "-\ndeep\n"


def test_a_tmpfs_takes_its_own_options(c):
    c.mount("/work", "tmpfs", "named", ["mode=1711", "size=1m", "nr_inodes=50", "uid=5", "gid=6"])
    assert c.output("stat -c '%a %u %g' /work; df /work | tail -1").split()[:5] == ["1711", "5", "6", "named", "1024"]


def test_an_unknown_file_system_is_an_error(c):
    assert "nonsensefs" in c.mount("/work", "nonsensefs", "none").fails()


def test_an_unknown_option_goes_to_the_file_system(c):
    error = c.mount("/work", "tmpfs", "tmpfs", ["nonsense=1"]).fails()
    assert "/work" in error


def test_a_missing_bind_source_is_an_error(c):
    assert "/no/such" in c.mount("/work", "bind", "/no/such/folder", ["bind"]).fails()


def test_a_folder_onto_a_file_is_an_error(c, source):
    assert "/etc/passwd" in c.mount("/etc/passwd", "bind", source, ["bind"]).fails()


def test_devpts_is_a_new_instance(c):
    assert c.output(["/bin/ls", "/dev/pts"]) == "ptmx\n"
    assert c.output(["/bin/readlink", "/dev/ptmx"]).endswith("pts/ptmx\n")


def test_mqueue_belongs_to_the_ipc_namespace(c):
    assert inside(c, "/dev/mqueue")["type"] == "mqueue"


def test_proc_shows_the_pid_namespace(c):
    assert c.output("for p in /proc/[0-9]*; do echo $p; done") == "/proc/1\n"


# --- options ----------------------------------------------------------------------------

# What each option does to a tmpfs mount that has the flags of `before`:
# (before, option, flags that must be there, flags that must not).
FLAGS = [
    ([], "ro", {"ro"}, {"rw"}),
    (["ro"], "rw", {"rw"}, {"ro"}),
    ([], "nosuid", {"nosuid"}, set()),
    (["nosuid"], "suid", set(), {"nosuid"}),
    ([], "nodev", {"nodev"}, set()),
    (["nodev"], "dev", set(), {"nodev"}),
    ([], "noexec", {"noexec"}, set()),
    (["noexec"], "exec", set(), {"noexec"}),
    ([], "noatime", {"noatime"}, {"relatime"}),
    (["noatime"], "atime", set(), {"noatime"}),
    ([], "nodiratime", {"nodiratime"}, set()),
    (["nodiratime"], "diratime", set(), {"nodiratime"}),
    ([], "relatime", {"relatime"}, {"noatime"}),
    ([], "strictatime", set(), {"relatime", "noatime"}),
    (["strictatime"], "nostrictatime", {"relatime"}, {"noatime"}),
    ([], "norelatime", set(), {"noatime"}),
    ([], "nosymfollow", {"nosymfollow"}, set()),
    (["nosymfollow"], "symfollow", set(), {"nosymfollow"}),
    ([], "defaults", {"rw", "relatime"}, {"ro", "nosuid", "nodev", "noexec"}),
    ([], "async", {"rw"}, set()),
    ([], "loud", {"rw"}, set()),
    ([], "silent", {"rw"}, set()),
    ([], "nomand", {"rw"}, set()),
    ([], "noiversion", {"rw"}, set()),
    ([], "nolazytime", {"rw"}, {"lazytime"}),
]


@pytest.mark.parametrize("before,option,there,gone", FLAGS, ids=[f[1] for f in FLAGS])
def test_option_of_a_file_system(c, before, option, there, gone):
    flags = set(inside(c.mount("/work", "tmpfs", "t", [*before, option]), "/work")["options"])
    assert there <= flags and not gone & flags, flags


@pytest.mark.parametrize("before,option,there,gone", [f for f in FLAGS if f[1] not in ("defaults",)],
                         ids=[f[1] for f in FLAGS if f[1] not in ("defaults",)])
def test_option_of_a_bind(c, source, before, option, there, gone):
    flags = set(inside(c.mount("/work", "bind", source, ["bind", *before, option]), "/work")["options"])
    assert there <= flags and not gone & flags, flags


@pytest.mark.parametrize("option", ["sync", "dirsync", "lazytime"])
def test_option_of_the_super_block(c, option):
    assert option in inside(c.mount("/work", "tmpfs", "t", [option]), "/work")["super"]


@pytest.mark.parametrize("option", ["iversion", "mand"])
def test_an_option_that_the_kernel_may_not_know_is_taken(c, option):
    c.mount("/work", "tmpfs", "t", [option]).output("true")


def test_the_last_of_two_options_wins(c):
    flags = inside(c.mount("/work", "tmpfs", "t", ["ro", "rw", "nosuid", "suid", "noexec"]), "/work")["options"]
    assert "rw" in flags and "nosuid" not in flags and "noexec" in flags


def test_flags_of_a_bind_source_stay_unless_they_are_cleared(c, source, host_mounts):
    host_mounts("-t", "tmpfs", "-o", "nosuid,nodev", "t", source)
    flags = inside(c.mount("/work", "bind", source, ["bind", "ro"]), "/work")["options"]
    assert {"ro", "nosuid", "nodev"} <= set(flags)


def test_ro_bind_does_not_make_the_source_read_only(c, source):
    assert "Read-only" in c.mount("/work", "bind", source, ["bind", "ro"]).set("touch /work/x").run().stderr
    (source / "x").touch()


# --- recursive options --------------------------------------------------------------------

RECURSIVE = [
    ([], "rro", {"ro"}, {"rw"}),
    (["ro"], "rrw", {"rw"}, {"ro"}),
    ([], "rnosuid", {"nosuid"}, set()),
    (["nosuid"], "rsuid", set(), {"nosuid"}),
    ([], "rnodev", {"nodev"}, set()),
    (["nodev"], "rdev", set(), {"nodev"}),
    ([], "rnoexec", {"noexec"}, set()),
    (["noexec"], "rexec", set(), {"noexec"}),
    ([], "rnoatime", {"noatime"}, {"relatime"}),
    (["noatime"], "ratime", set(), {"noatime"}),
    ([], "rnodiratime", {"nodiratime"}, set()),
    (["nodiratime"], "rdiratime", set(), {"nodiratime"}),
    (["noatime"], "rrelatime", {"relatime"}, {"noatime"}),
    ([], "rnorelatime", set(), {"noatime"}),
    ([], "rstrictatime", set(), {"relatime", "noatime"}),
    (["strictatime"], "rnostrictatime", {"relatime"}, set()),
    ([], "rnosymfollow", {"nosymfollow"}, set()),
    (["nosymfollow"], "rsymfollow", set(), {"nosymfollow"}),
]


@pytest.mark.parametrize("before,option,there,gone", RECURSIVE, ids=[r[1] for r in RECURSIVE])
def test_recursive_option(c, source, host_mounts, before, option, there, gone):
    below = source / "below"
    options = ["-o", ",".join(before)] if before else []
    host_mounts("-t", "tmpfs", *options, "upper", source)
    below.mkdir() if "ro" not in before else subprocess.run(
        f"mount -o remount,rw {source} && mkdir {below} && mount -o remount,ro {source}", shell=True, check=True)
    host_mounts("-t", "tmpfs", *options, "lower", below)
    table = inside(c.mount("/work", "bind", source, ["rbind", option]))
    for where in ("/work", "/work/below"):
        flags = set(mount_at(table, where)["options"])
        assert there <= flags and not gone & flags, (where, flags)


def test_ro_with_rbind_is_not_recursive(c, source, host_mounts):
    below = source / "below"
    below.mkdir()
    host_mounts("-t", "tmpfs", "lower", below)
    table = inside(c.mount("/work", "bind", source, ["rbind", "ro"]))
    assert "ro" in mount_at(table, "/work")["options"]
    assert "rw" in mount_at(table, "/work/below")["options"]


# --- propagation -----------------------------------------------------------------------------

@pytest.mark.parametrize("option,kind", [("private", None), ("shared", "shared"), ("slave", "master"),
                                         ("unbindable", "unbindable")])
def test_propagation_of_a_bind(c, source, host_mounts, option, kind):
    host_mounts("-t", "tmpfs", "upper", source)
    subprocess.run(["mount", "--make-shared", source], check=True)
    (source / "below").mkdir()
    host_mounts("-t", "tmpfs", "lower", source / "below")
    table = inside(c.mount("/work", "bind", source, ["rbind", option]))
    assert [p.split(":")[0] for p in mount_at(table, "/work")["propagation"]] == ([kind] if kind else [])


@pytest.mark.parametrize("option,kind", [("rprivate", None), ("rshared", "shared"), ("rslave", "master"),
                                         ("runbindable", "unbindable")])
def test_recursive_propagation_of_a_bind(c, source, host_mounts, option, kind):
    host_mounts("-t", "tmpfs", "upper", source)
    subprocess.run(["mount", "--make-shared", source], check=True)
    (source / "below").mkdir()
    host_mounts("-t", "tmpfs", "lower", source / "below")
    table = inside(c.mount("/work", "bind", source, ["rbind", option]))
    for where in ("/work", "/work/below"):
        assert [p.split(":")[0] for p in mount_at(table, where)["propagation"]] == ([kind] if kind else []), where


def test_rslave_shows_later_mounts_of_the_host_and_not_the_other_way(c, source, host_mounts):
    host_mounts("-t", "tmpfs", "upper", source)
    subprocess.run(["mount", "--make-shared", source], check=True)
    (source / "later").mkdir(), (source / "inner").mkdir()
    c.mount("/work", "bind", source, ["rbind", "rslave"])
    c.set(linux={"rootfsPropagation": "rslave"})
    c.set(process={"capabilities": {k: ["CAP_SYS_ADMIN"] for k in ("bounding", "effective", "permitted")}})
    c.sleeping()
    host_mounts("-t", "tmpfs", "later", source / "later")
    (source / "later/seen").touch()
    assert c.exec(["/bin/ls", "/work/later"]).stdout == "seen\n"
    assert c.exec(["/bin/mount", "-t", "tmpfs", "inner", "/work/inner"]).returncode == 0
    assert c.exec(["/bin/touch", "/work/inner/x"]).returncode == 0
    assert os.listdir(source / "inner") == []


def test_rshared_shows_mounts_of_the_container_on_the_host(c, source, host_mounts):
    host_mounts("-t", "tmpfs", "upper", source)
    subprocess.run(["mount", "--make-shared", source], check=True)
    (source / "inner").mkdir()
    c.mount("/work", "bind", source, ["rbind", "rshared"])
    c.set(linux={"rootfsPropagation": "shared"})
    c.set(process={"capabilities": {k: ["CAP_SYS_ADMIN"] for k in ("bounding", "effective", "permitted")}})
    c.sleeping()
    assert c.exec(["/bin/mount", "-t", "tmpfs", "inner", "/work/inner"]).returncode == 0
    assert c.exec(["/bin/touch", "/work/inner/x"]).returncode == 0
    assert os.listdir(source / "inner") == ["x"]


@pytest.mark.parametrize("option,kind", [("shared", "shared"), ("private", None), ("unbindable", "unbindable"),
                                         ("slave", None)])
def test_propagation_of_a_file_system(c, option, kind):
    mount = inside(c.mount("/work", "tmpfs", "t", [option]), "/work")
    assert [p.split(":")[0] for p in mount["propagation"]] == ([kind] if kind else [])


# --- remount, copy-up -----------------------------------------------------------------------------

def test_remount_changes_the_flags_of_what_is_there(c):
    c.mount("/work", "tmpfs", "t", ["noexec"]).mount("/work", "tmpfs", "t", ["remount", "ro", "nosuid"])
    table = [m for m in inside(c) if m["at"] == "/work"]
    assert len(table) == 1
    assert {"ro", "nosuid"} <= set(table[0]["options"]) | set(table[0]["super"])


def test_bind_remount_changes_the_flags_of_a_bind(c, source):
    c.mount("/work", "bind", source, ["bind"]).mount("/work", "bind", source, ["bind", "remount", "ro"])
    table = [m for m in inside(c) if m["at"] == "/work"]
    assert len(table) == 1
    assert "ro" in table[0]["options"]


def test_tmpcopyup_takes_what_the_image_has_there(c):
    folder = c.rootfs / "work"
    (folder / "sub").mkdir()
    (folder / "sub/file").write_text("kept\n")
    os.chown(folder / "sub/file", 5, 6)
    os.chmod(folder / "sub/file", 0o640)
    (folder / "link").symlink_to("sub/file")
    c.mount("/work", "tmpfs", "t", ["tmpcopyup"])
    out = c.output("cat /work/link; stat -c '%u %g %a' /work/sub/file; echo new > /work/sub/file; stat -f -c %T /work")
    assert out.split()[:4] == ["kept", "5", "6", "640"]
    assert (folder / "sub/file").read_text() == "kept\n"


# --- ids ------------------------------------------------------------------------------------------

MAP = [{"containerID": 0, "hostID": 5000, "size": 1000}]


def test_idmap_with_its_own_mappings(c, source):
    """uid 0 of the source is seen as 5000, and the other way."""
    c.mount("/work", "bind", source, ["bind", "idmap"], uidMappings=MAP, gidMappings=MAP)
    c.set(process={"user": {"uid": 5005, "gid": 5006}})
    os.chmod(source, 0o777)
    assert c.output("stat -c %u:%g /work/file; touch /work/new").strip() == "5000:5000"
    info = (source / "new").stat()
    assert (info.st_uid, info.st_gid) == (5, 6)


def test_idmap_takes_the_containers_mapping(c, source):
    c.user_namespace(100000).mount("/work", "bind", source, ["bind", "idmap"])
    os.chmod(c.rootfs, 0o777)
    assert c.output("stat -c %u:%g /work/file; touch /work/new").strip() == "0:0"
    assert ((source / "new").stat().st_uid, (source / "new").stat().st_gid) == (0, 0)


def test_idmap_without_a_user_namespace_or_mappings_is_an_error(c, source):
    assert "map" in c.mount("/work", "bind", source, ["bind", "idmap"]).fails()


@pytest.mark.parametrize("which", ["uidMappings", "gidMappings"])
def test_one_of_two_mappings_is_an_error(c, source, which):
    c.mount("/work", "bind", source, ["bind", "idmap"], **{which: MAP}).fails()


def test_mappings_without_idmap_apply_all_the_same(c, source):
    c.mount("/work", "bind", source, ["bind"], uidMappings=MAP, gidMappings=MAP)
    assert c.output(["/bin/stat", "-c", "%u", "/work/file"]) == "5000\n"


@pytest.mark.parametrize("option,seen", [("idmap", "0"), ("ridmap", "5000")])
def test_ridmap_is_recursive_and_idmap_is_not(c, source, host_mounts, option, seen):
    below = source / "below"
    below.mkdir()
    host_mounts("-t", "tmpfs", "lower", below)
    (below / "file").touch()
    c.mount("/work", "bind", source, ["rbind", option], uidMappings=MAP, gidMappings=MAP)
    assert c.output("stat -c %u /work/file; stat -c %u /work/below/file").split() == ["5000", seen]


def test_a_read_only_bind_of_a_read_only_source_in_a_user_namespace(c, source, host_mounts):
    host_mounts("-t", "tmpfs", "-o", "ro,nosuid,nodev,noexec", "t", source)
    c.user_namespace().mount("/work", "bind", source, ["bind", "ro"])
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(inside(c, "/work")["options"])


# --- cgroup mounts -----------------------------------------------------------------------------------

@pytest.mark.parametrize("own", [True, False], ids=["own-cgroup-namespace", "hosts-cgroup-namespace"])
def test_a_cgroup_mount_shows_the_containers_own_cgroups(c, own):
    if own:
        c.namespace("cgroup")
    c.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"])
    out = c.set("ls /sys/fs/cgroup; echo -; head -1 /sys/fs/cgroup/pids/cgroup.procs; mkdir /sys/fs/cgroup/pids/x").run()
    names, _, rest = out.stdout.partition("-\n")
    assert {"pids", "memory", "cpu"} <= set(names.split())
    assert rest.split() == ["1"]
    assert "Read-only" in out.stderr


def test_a_writable_cgroup_mount(c):
    c.namespace("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime"])
    assert c.output("mkdir /sys/fs/cgroup/pids/sub && ls -d /sys/fs/cgroup/pids/sub; rmdir /sys/fs/cgroup/pids/sub")


def test_a_cgroup2_mount(c):
    if not pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
        # Beside v1 hierarchies a runtime may give either; the mount must not fail.
        c.namespace("cgroup").mount("/sys/fs/cgroup", "cgroup2", "cgroup2", ["ro"])
        assert c.output("ls /sys/fs/cgroup")
        return
    c.namespace("cgroup").mount("/sys/fs/cgroup", "cgroup2", "cgroup2", ["ro"])
    assert "cgroup.procs" in c.output("ls /sys/fs/cgroup")


# --- what must not be covered ------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["/proc/self", "/proc/sys", "/proc/1/attr"])
def test_nothing_is_mounted_over_proc(c, source, target):
    assert "proc" in c.mount(target, "bind", source, ["bind"]).fails()


def test_a_few_files_of_proc_may_be_covered(c, source):
    c.mount("/proc/uptime", "bind", source / "file", ["bind", "ro"])
    assert c.output(["/bin/cat", "/proc/uptime"]) == "content\n"


def test_proc_and_sys_are_not_mounted_through_a_link(c):
    (c.rootfs / "sys").rmdir()
    (c.rootfs / "sys").symlink_to("/tmp")
    c.fails()
