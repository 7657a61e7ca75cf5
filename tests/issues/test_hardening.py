"""Published escapes, each tried against Hull with its honest twin beside it.

The ids (R1, ...) are those of the project's list of cases; the advisory is
named in each docstring.
"""
import hashlib
import io
import os
import re
import pathlib
import stat
import subprocess
import tarfile

import pytest

DEFAULT = ("run", "--rm")


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def import_image(engine, tmp_path, name, entries, config=()):
    """An image of tar entries (name, type, data or link target), busybox included."""
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        for entry_name, kind, value in entries:
            entry = tarfile.TarInfo(entry_name)
            entry.mode = 0o755
            entry.type = kind
            if kind == tarfile.REGTYPE:
                entry.size = len(value)
                tar.addfile(entry, io.BytesIO(value))
            else:
                entry.linkname = value or ""
                tar.addfile(entry)
    flags = [word for change in config for word in ("-c", change)]
    done = engine.hull("import", *flags, path, name)
    assert done.returncode == 0, done.stderr
    return name


@pytest.fixture
def busybox_bytes():
    return pathlib.Path("/bin/busybox").read_bytes()


# --- R1: CVE-2019-5736 ----------------------------------------------------------

def test_r1_entry_point_proc_self_exe_leaves_the_engine_binary_alone(engine, tmp_path, busybox_bytes):
    binaries = [engine.programs / "bin/hulld", engine.programs / "libexec/hull/hull-keeper",
                engine.programs / "bin/hull-runtime"]
    before = [digest(b) for b in binaries]
    image = import_image(engine, tmp_path, "evil-r1", [
        ("bin", tarfile.DIRTYPE, None), ("bin/busybox", tarfile.REGTYPE, busybox_bytes),
        ("bin/sh", tarfile.SYMTYPE, "busybox"), ("entry", tarfile.SYMTYPE, "/proc/self/exe")])
    try:
        for flags in ([], ["--privileged"], ["--userns=host"]):
            engine.hull(*DEFAULT, *flags, "--entrypoint", "/entry", image)
            engine.hull(*DEFAULT, *flags, "--entrypoint", "/proc/self/exe", image)
            # An exec whose program is /proc/self/exe while the container tries to open it for writing.
            cid = engine.hull("run", "-d", *flags, image, "/bin/busybox", "sh", "-c",
                              "while :; do for p in /proc/[0-9]*; do "
                              "[ $p != /proc/1 ] && echo pwned > $p/exe; done; done 2>/dev/null").stdout.strip()
            for _ in range(10):
                engine.hull("exec", cid, "/proc/self/exe")
                engine.hull("exec", cid, "/bin/busybox", "true")
            engine.hull("rm", "-f", cid)
        assert [digest(b) for b in binaries] == before
    finally:
        engine.hull("rmi", "-f", image)


def test_r1_nobody_can_write_to_what_enters_containers(engine):
    # Behind /proc/<pid>/exe is a read-only mount that no namespace has (its path is "/"), or a copy in memory. What
    # somebody with all rights could try on it is tried by sys_test.
    engine.hull("run", "--rm", "busybox", "true")
    exe = f"/proc/{engine.keeper_pid()}/exe"
    if os.readlink(exe).startswith("/memfd:"):
        return
    assert os.readlink(exe) == "/" and os.statvfs(exe).f_flag & os.ST_RDONLY
    fd = os.open(exe, os.O_PATH)
    try:
        mount = re.search(r"mnt_id:\s*(\d+)", pathlib.Path(f"/proc/self/fdinfo/{fd}").read_text())[1]
        assert not re.search(rf"^{mount} ", pathlib.Path("/proc/self/mountinfo").read_text(), re.M)
    finally:
        os.close(fd)


def test_r1_twin_a_program_may_re_execute_itself(engine, debian):
    done = engine.hull(*DEFAULT, debian, "bash", "-c", "exec /proc/self/exe -c 'echo again'")
    assert done.stdout == "again\n", done.stderr


# --- R2: CVE-2024-21626 ---------------------------------------------------------

@pytest.mark.parametrize("flags", [(), ("--privileged",)])
def test_r2_no_descriptor_leaks_into_init_or_exec(engine, flags):
    done = engine.hull(*DEFAULT, *flags, "busybox", "sh", "-c", "exec ls /proc/self/fd")
    assert done.stdout.split() == ["0", "1", "2", "3"], done.stdout + done.stderr  # 3 is ls reading the folder
    cid = engine.hull("run", "-d", *flags, "busybox", "sleep", "60").stdout.strip()
    try:
        done = engine.hull("exec", cid, "ls", "/proc/self/fd")
        assert done.stdout.split() == ["0", "1", "2", "3"], done.stdout + done.stderr
    finally:
        engine.hull("rm", "-f", cid)


def test_r2_working_directory_through_a_descriptor_is_refused(engine):
    for n in range(3, 20):
        done = engine.hull(*DEFAULT, "-w", f"/proc/self/fd/{n}", "busybox", "sh", "-c", "pwd; ls ../../../etc/hostname")
        assert done.returncode != 0 or not done.stdout.startswith("/proc"), (n, done.stdout)
        assert "root:" not in done.stdout
    cid = engine.hull("run", "-d", "busybox", "sleep", "60").stdout.strip()
    try:
        for n in range(3, 20):
            done = engine.hull("exec", "-w", f"/proc/self/fd/{n}", cid, "pwd")
            assert done.returncode != 0, (n, done.stdout)
    finally:
        engine.hull("rm", "-f", cid)


def test_r2_twin_an_ordinary_working_directory_works(engine):
    assert engine.hull(*DEFAULT, "-w", "/etc", "busybox", "pwd").stdout == "/etc\n"


# --- R3: CVE-2019-19921, CVE-2023-27561, CVE-2023-28642 ---------------------------

@pytest.fixture
def canary(tmp_path):
    """A folder of the host that must stay as it is."""
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "file").write_text("untouched")
    yield folder
    assert sorted(p.name for p in folder.iterdir()) == ["file"]
    assert (folder / "file").read_text() == "untouched"
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    assert str(folder) not in mounts


@pytest.mark.parametrize("victim", ["proc", "sys", "dev"])
@pytest.mark.parametrize("target", ["absolute", "dotdot", "inside"])
def test_r3_symlinked_mount_targets_stay_inside(engine, tmp_path, canary, busybox_bytes, victim, target):
    link = {"absolute": str(canary), "dotdot": "../../../../../../../../../.." + str(canary), "inside": "/tmp/x"}[target]
    image = import_image(engine, tmp_path, f"evil-r3-{victim}-{target}", [
        ("bin", tarfile.DIRTYPE, None), ("tmp", tarfile.DIRTYPE, None), ("tmp/x", tarfile.DIRTYPE, None),
        ("bin/busybox", tarfile.REGTYPE, busybox_bytes), (victim, tarfile.SYMTYPE, link)])
    try:
        for flags in ([], ["--privileged"], ["--userns=host"]):
            # An error, or inside the root: what it writes may stay in the container, never in the canary.
            engine.hull(*DEFAULT, *flags, image, "/bin/busybox", "sh", "-c", f"echo evil > /{victim}/file")
            assert [p.name for p in canary.iterdir()] == ["file"] and (canary / "file").read_text() == "untouched"
    finally:
        engine.hull("rmi", "-f", image)


def test_r3_bind_target_through_a_symlink_stays_inside(engine, tmp_path, canary, busybox_bytes):
    source = tmp_path / "source"
    source.mkdir()
    image = import_image(engine, tmp_path, "evil-r3-bind", [
        ("bin", tarfile.DIRTYPE, None), ("bin/busybox", tarfile.REGTYPE, busybox_bytes),
        ("data", tarfile.SYMTYPE, str(canary))])
    try:
        engine.hull(*DEFAULT, "-v", f"{source}:/data", image, "/bin/busybox", "touch", "/data/written")
        engine.hull(*DEFAULT, "-v", f"{source}:/data/new/deep", image, "/bin/busybox", "touch", "/data/new/deep/written")
        engine.hull(*DEFAULT, "-w", "/data/made", image, "/bin/busybox", "true")
    finally:
        engine.hull("rmi", "-f", image)


def test_r3_twin_ordinary_targets_work(engine, tmp_path):
    done = engine.hull(*DEFAULT, "-v", f"{tmp_path}:/a/b/c", "busybox", "touch", "/a/b/c/file")
    assert done.returncode == 0 and (tmp_path / "file").exists()


# --- R9: CVE-2022-24769 ---------------------------------------------------------

def inheritable(text):
    return [line.split()[1] for line in text.splitlines() if line.startswith("CapInh")]


def test_r9_inheritable_capabilities_are_empty_everywhere(engine):
    show = ("grep", "CapInh", "/proc/self/status")
    for flags in ([], ["-u", "1000"], ["--privileged"], ["--cap-add", "SYS_ADMIN"]):
        assert inheritable(engine.hull(*DEFAULT, *flags, "busybox", *show).stdout) == ["0" * 16], flags
    cid = engine.hull("run", "-d", "busybox", "sleep", "60").stdout.strip()
    try:
        for flags in ([], ["-u", "1000"], ["--privileged"]):
            assert inheritable(engine.hull("exec", *flags, cid, *show).stdout) == ["0" * 16], flags
    finally:
        engine.hull("rm", "-f", cid)


def test_r9_twin_effective_capabilities_are_there(engine):
    done = engine.hull(*DEFAULT, "busybox", "grep", "CapEff", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) != 0


# --- R10: CVE-2024-40635 --------------------------------------------------------

@pytest.mark.parametrize("user", ["2147483648", "4294967295", "4294967296", "-1", "0x0", "1000:4294967296", "1000:-1",
                                  "18446744073709551616", " 0", "+0"])
def test_r10_odd_users_are_errors_never_root(engine, user):
    done = engine.hull(*DEFAULT, f"--user={user}", "busybox", "id", "-u")
    assert done.returncode in (125, 126), (user, done.stdout, done.stderr)
    assert done.stdout == "" and done.stderr.strip()
    cid = engine.hull("run", "-d", "busybox", "sleep", "60").stdout.strip()
    try:
        done = engine.hull("exec", f"--user={user}", cid, "id", "-u")
        assert done.returncode != 0 and done.stdout.strip() != "0"
    finally:
        engine.hull("rm", "-f", cid)


@pytest.mark.parametrize("user,expected", [("0", "uid=0(root) gid=0(root)"), ("1234", "uid=1234 gid=0(root)"),
                                           ("1234:2345", "uid=1234 gid=2345"), ("root", "uid=0(root) gid=0(root)")])
def test_r10_twin_ordinary_users_are_exact(engine, user, expected):
    done = engine.hull(*DEFAULT, "-u", user, "busybox", "id")
    assert done.stdout.startswith(expected), (done.stdout, done.stderr)


def test_r10_groups_are_exact(engine):
    done = engine.hull(*DEFAULT, "-u", "1000:1000", "--group-add", "4321", "busybox", "id", "-G")
    assert sorted(done.stdout.split()) == ["1000", "4321"]


# --- R11: CVE-2022-0492 ---------------------------------------------------------

def test_r11_release_agent_and_cgroup_mounts_are_out_of_reach(engine):
    script = ("mkdir /m; mount -t cgroup -o rdma cgroup /m && echo MOUNTED; mount -t cgroup -o memory cgroup /m && echo "
              "MOUNTED; unshare -UrmC sh -c 'mount -t cgroup -o memory c /m && echo MOUNTED; "
              "echo /x > /m/release_agent && echo WRITTEN'; "
              "for f in $(find /sys/fs/cgroup -name release_agent 2>/dev/null); do echo /x > $f && echo WRITTEN; done; "
              "echo end")
    for flags in ([], ["-u", "1000"]):
        done = engine.hull(*DEFAULT, *flags, "busybox", "sh", "-c", script)
        assert done.stdout == "end\n", (done.stdout, done.stderr)


def test_r11_unshare_of_a_user_namespace_is_denied(engine):
    done = engine.hull(*DEFAULT, "busybox", "unshare", "-U", "true")
    assert done.returncode != 0 and "Operation not permitted" in done.stderr


def test_r11_twin_the_containers_own_cgroup_can_be_read(engine):
    done = engine.hull(*DEFAULT, "busybox", "sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup")
    assert done.returncode == 0 and done.stdout


# --- A5: CVE-2024-25621 ---------------------------------------------------------

def test_a5_other_users_see_neither_state_nor_socket(engine):
    def as_nobody(*command):
        return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, command)],
                              capture_output=True, text=True)
    os.chmod(engine.folder, 0o755)  # the test's own folder must not be what protects
    for path in (engine.folder / "data", engine.folder / "exec"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700, path
        assert as_nobody("ls", path).returncode != 0
    assert stat.S_IMODE(os.stat(engine.socket).st_mode) == 0o660
    done = as_nobody("curl", "-s", "--unix-socket", engine.socket, "http://h/_ping")
    assert done.returncode != 0 and done.stdout == ""


def test_a5_twin_root_can(engine):
    done = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "http://h/_ping"], capture_output=True, text=True)
    assert done.stdout == "OK"
