"""Published escapes, each tried against hull-runtime with its honest twin beside it.

The ids (R1, ...) are those of the project's list of cases; the advisory is named at each. Every test runs on the
newest way of the kernel, without openat2, and without any of the newer calls (paths are walked and mounts staged then).
"""
import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from denied_calls import MOUNT_API, denying  # noqa: E402
from runtime_bundle import RUNTIME, Runtime  # noqa: E402

MODES = {"newest": None, "no-openat2": ("openat2",),
         "old": ("openat2", "clone3", "close_range", "statx", "faccessat2", *MOUNT_API)}
CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE",
        "CAP_SETFCAP"]


class Denied(Runtime):
    """hull-runtime under a filter."""

    def __init__(self, folder, calls):
        super().__init__(folder)
        self.options = {"preexec_fn": denying(*calls)} if calls else {}

    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **{**self.options, **kwargs})

    def run(self, spec, *flags, check=True, **kwargs):
        return self("run", "--bundle", self.bundle(spec), *flags, self.new_id(), check=check, **kwargs)


@pytest.fixture(params=MODES, ids=str)
def runtime(tmp_path, request):
    made = Denied(tmp_path, MODES[request.param])
    yield made
    made.cleanup()
    assert made.leftovers() == []


@pytest.fixture
def canary(tmp_path):
    """A folder of the host that must stay as it is."""
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "file").write_text("untouched")
    before = os.stat(folder / "file")
    yield folder
    assert [p.name for p in folder.iterdir()] == ["file"]
    after = os.stat(folder / "file")
    assert (folder / "file").read_text() == "untouched" and after.st_mode == before.st_mode
    assert str(folder) not in pathlib.Path("/proc/self/mountinfo").read_text()


def writable(spec):
    spec["root"]["readonly"] = False
    return spec


def bind(source, target, *options):
    return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", *options]}


def docker_like(spec):
    for kind in ("bounding", "effective", "permitted"):
        spec["process"]["capabilities"][kind] = CAPS
    spec["process"]["capabilities"].update(inheritable=[], ambient=[])
    return spec


# --- R1: CVE-2019-5736 ----------------------------------------------------------

def test_r1_the_program_stays_as_it_is(runtime):
    before = hashlib.sha256(RUNTIME.read_bytes()).hexdigest()
    runtime.rootfs()
    (runtime.rootfs() / "entry").symlink_to("/proc/self/exe")
    for program in ("/entry", "/proc/self/exe"):
        runtime.run(runtime.spec(program), check=False)
        runtime("delete", "--force", runtime.create(runtime.spec(program)))
    script = "while :; do for p in /proc/[0-9]*; do [ $p != /proc/1 ] && echo pwned > $p/exe; done; done 2>/dev/null"
    container = runtime.start(docker_like(runtime.spec("sh", "-c", script)))
    for _ in range(10):
        runtime("exec", container, "/proc/self/exe", check=False)
        runtime("exec", container, "true")
    assert hashlib.sha256(RUNTIME.read_bytes()).hexdigest() == before


def test_r1_twin_a_program_may_read_its_own_file(runtime):
    done = runtime.run(runtime.spec("sh", "-c", "cat /proc/self/exe | wc -c"))
    assert int(done.stdout) == os.stat("/bin/busybox").st_size


# --- R2: CVE-2024-21626 ---------------------------------------------------------

def test_r2_only_the_descriptors_that_were_asked_for(runtime, tmp_path):
    numbers = " ".join(map(str, range(64)))
    show = ("sh", "-c", f"for n in {numbers}; do [ -L /proc/$$/fd/$n ] && echo -n $n.; done; true")
    opening = ("sh", "-c", f"exec 3>{tmp_path}/given 4</etc/passwd 9</etc; exec \"$@\"", "sh")

    class Opening(Denied):
        def command(self, *args):
            return [*opening, *super().command(*args)]
    leaky = Opening(tmp_path, ())
    leaky.__dict__.update(runtime.__dict__)
    assert leaky.run(leaky.spec(*show)).stdout == "0.1.2."
    assert leaky.run(leaky.spec(*show), "--preserve-fds", "1").stdout == "0.1.2.3."
    leaky.run(leaky.spec("sh", "-c", "echo honest >&3"), "--preserve-fds", "1")
    assert (tmp_path / "given").read_text() == "honest\n"
    container = leaky.start()
    assert leaky("exec", container, *show).stdout == "0.1.2."
    assert leaky("exec", "--preserve-fds", "1", container, *show).stdout == "0.1.2.3."


def test_r2_a_working_folder_by_a_descriptor_is_refused(runtime):
    container = runtime.start()
    for n in (3, 5, 7, 8, 10, 12):
        spec = runtime.spec("sh", "-c", "pwd; ls ../../..")
        spec["process"]["cwd"] = f"/proc/self/fd/{n}"
        assert runtime.run(spec, check=False).returncode != 0
        assert runtime("exec", "--cwd", f"/proc/self/fd/{n}", container, "pwd", check=False).returncode != 0
    assert runtime("exec", "--cwd", "/etc", container, "pwd").stdout == "/etc\n"


# --- R3: CVE-2019-19921, CVE-2023-27561, CVE-2023-28642 ---------------------------

@pytest.mark.parametrize("victim", ["proc", "sys", "dev"])
def test_r3_a_link_instead_of_a_mount_target_stays_inside(runtime, canary, victim):
    place = runtime.rootfs() / victim
    for target in (str(canary), "../../../../../../../../../.." + str(canary), "/tmp"):
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
        place.symlink_to(target)
        runtime.run(writable(runtime.spec("sh", "-c", f"echo evil > /{victim}/file")), check=False)
        assert (canary / "file").read_text() == "untouched"


def test_r3_a_bind_through_a_link_stays_inside(runtime, canary, tmp_path):
    (tmp_path / "source").mkdir()
    (runtime.rootfs() / "data").symlink_to(canary)
    (runtime.rootfs() / "up").symlink_to("../../../../../../../.." + str(canary))
    for target in ("/data", "/data/new/deep", "/up", "/up/new"):
        spec = writable(runtime.spec("sh", "-c", f"echo x > {target}/written"))
        spec["mounts"].append(bind(tmp_path / "source", target))
        assert runtime.run(spec).returncode == 0
        assert (tmp_path / "source/written").exists()
        (tmp_path / "source/written").unlink()


# --- R4: CVE-2021-30465, CVE-2024-45310 -------------------------------------------

def swapping(folder, one, other):
    """A process that exchanges two names all the time."""
    libc = ctypes.CDLL(None)
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        while True:
            for _ in range(1000):
                libc.renameat2(-100, one, -100, other, 2)
    return pid


def test_r4_targets_that_are_swapped_on_a_shared_volume(runtime, canary, tmp_path):
    volume, source = tmp_path / "volume", tmp_path / "source"
    (volume / "dir").mkdir(parents=True)
    source.mkdir()
    (volume / "link").symlink_to("../" * 12 + str(canary)[1:])
    honest = 0
    swapper = swapping(volume, b"dir", b"link")
    try:
        for _ in range(60):
            spec = writable(runtime.spec("true"))
            spec["mounts"] += [bind(volume, "/vol"), bind(source, "/vol/dir/new/deep"),
                               {"destination": "/vol/dir", "type": "tmpfs", "source": "tmpfs"}]
            honest += runtime.run(spec, check=False).returncode == 0
            assert [p.name for p in canary.iterdir()] == ["file"]
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)
    assert honest > 0


# --- R5: CVE-2025-31133, CVE-2025-52565 --------------------------------------------

@pytest.mark.parametrize("link", ["/proc/sysrq-trigger", "/tmp/mine"])
def test_r5_a_null_device_that_is_something_else_masks_nothing(runtime, tmp_path, link):
    dev = tmp_path / "dev"
    dev.mkdir()
    (dev / "null").symlink_to(link)
    (runtime.rootfs() / "tmp/mine").write_text("readable")
    spec = runtime.spec("sh", "-c", "cat /proc/timer_list /proc/kcore | wc -c")
    spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/dev")]
    spec["mounts"].append(bind(dev, "/dev"))
    spec["linux"]["maskedPaths"] = ["/proc/timer_list", "/proc/kcore"]
    done = runtime.run(spec, check=False)
    assert done.returncode != 0 or done.stdout == "0\n", done.stdout
    assert not os.path.exists("/proc/1/root" + str(dev / "console"))


def test_r5_twin_masked_files_are_empty(runtime):
    spec = runtime.spec("sh", "-c", "cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l")
    assert runtime.run(spec).stdout == "0\n0\n"


def test_r5_a_console_that_is_a_link_stays_inside(runtime, canary, tmp_path):
    dev = tmp_path / "dev"
    (dev / "pts").mkdir(parents=True)
    (dev / "null").touch()
    (dev / "console").symlink_to(canary / "file")
    spec = runtime.spec("sh", "-c", "echo evil > /dev/console")
    spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/dev")]
    spec["mounts"] += [bind(dev, "/dev"), {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                                           "options": ["newinstance", "ptmxmode=0666"]}]
    spec["process"]["terminal"] = True
    pid, fd = os.forkpty()
    if pid == 0:
        os.chdir(tmp_path)
        if runtime.options:
            runtime.options["preexec_fn"]()
        os.execv(RUNTIME, runtime.command("run", "--bundle", runtime.bundle(spec), f"{runtime.prefix}console"))
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    runtime("delete", "--force", f"{runtime.prefix}console", check=False)


# --- R6: CVE-2019-16884, CVE-2025-52881 --------------------------------------------

def test_r6_settings_are_written_to_a_procfs_only(runtime, tmp_path):
    # /proc of the container is a folder of files that look like it.
    fake = tmp_path / "fake"
    (fake / "sys/net/ipv4").mkdir(parents=True)
    (fake / "sys/net/ipv4/ip_unprivileged_port_start").write_text("untouched")
    spec = runtime.spec("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")
    spec["mounts"] = [m for m in spec["mounts"] if m["destination"] != "/proc"] + [bind(fake, "/proc")]
    spec["linux"].update(sysctl={"net.ipv4.ip_unprivileged_port_start": "80"}, maskedPaths=[], readonlyPaths=[])
    done = runtime.run(spec, check=False)
    assert (fake / "sys/net/ipv4/ip_unprivileged_port_start").read_text() == "untouched", done.stdout


def test_r6_twin_settings_read_back_as_asked(runtime):
    spec = runtime.spec("sh", "-c", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/self/oom_score_adj")
    spec["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80"}
    spec["process"]["oomScoreAdj"] = 321
    assert runtime.run(spec).stdout == "80\n321\n"


@pytest.mark.parametrize("field,value", [("apparmorProfile", "some"), ("selinuxLabel", "system_u:system_r:some_t:s0")])
def test_r6_a_label_that_cant_be_set_fails_the_start(runtime, field, value):
    if os.path.exists("/sys/kernel/security/apparmor" if "armor" in field else "/sys/fs/selinux"):
        pytest.skip("this kernel has it")
    spec = runtime.spec("echo", "ran")
    spec["process"][field] = value
    done = runtime.run(spec, check=False)
    assert done.returncode != 0 and done.stdout == "" and done.stderr.strip()


# --- R7: CVE-2022-0811 --------------------------------------------------------------

@pytest.mark.parametrize("name", ["kernel.core_pattern", "vm.swappiness", "kernel.shm_rmid_forced+kernel.core_pattern",
                                  "net.ipv4/../../kernel/core_pattern", "net/../kernel/core_pattern", "fs.file-max", "",
                                  "kernel.shmmax=1\nkernel.core_pattern", "net..kernel", "/net.ipv4.ip_forward"])
def test_r7_settings_outside_of_its_namespaces_are_refused(runtime, name):
    before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    spec = runtime.spec("echo", "ran")
    spec["linux"]["sysctl"] = {name: "1"}
    done = runtime.run(spec, check=False)
    assert done.returncode != 0 and done.stdout == "", done.stdout
    assert pathlib.Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_r7_a_setting_of_a_namespace_that_is_the_hosts_is_refused(runtime):
    before = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
    spec = runtime.spec("echo", "ran")
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
    spec["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1" if before.strip() == "0" else "0"}
    assert runtime.run(spec, check=False).stdout == ""
    assert pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text() == before


# --- R9: CVE-2022-24769 -------------------------------------------------------------

def test_r9_inheritable_capabilities_are_empty(runtime):
    show = ("grep", "CapInh", "/proc/self/status")
    none = "CapInh:\t0000000000000000\n"
    for uid in (0, 1000):
        spec = docker_like(runtime.spec(*show))
        spec["process"]["user"] = {"uid": uid, "gid": uid}
        assert runtime.run(spec).stdout == none
    container = runtime.start(docker_like(runtime.spec()))
    for flags in ((), ("--user", "1000:1000"), ("--cap", "CAP_SYS_ADMIN")):
        assert runtime("exec", *flags, container, *show).stdout == none, flags


def test_r9_twin_capabilities_of_a_file_work(runtime):
    tool = runtime.rootfs() / "bin/busybox-capped"
    shutil.copy("/bin/busybox", tool)
    if subprocess.run(["setcap", "cap_net_bind_service+ep", tool]).returncode != 0:
        pytest.skip("no setcap here")
    spec = docker_like(runtime.spec("/bin/busybox-capped", "grep", "CapEff", "/proc/self/status"))
    spec["process"].update(user={"uid": 1000, "gid": 1000}, noNewPrivileges=False)
    for kind in ("effective", "permitted"):
        spec["process"]["capabilities"][kind] = []
    assert runtime.run(spec).stdout == "CapEff:\t0000000000000400\n"
    # None beyond the bounding set, and none at all where no new privileges were asked for.
    spec["process"]["noNewPrivileges"] = True
    assert runtime.run(spec).stdout == "CapEff:\t0000000000000000\n"
    spec["process"]["noNewPrivileges"] = False
    spec["process"]["capabilities"]["bounding"] = ["CAP_KILL"]
    assert runtime.run(spec, check=False).stdout == ""  # the kernel refuses to execute it


# --- R10: CVE-2024-40635 ------------------------------------------------------------

@pytest.mark.parametrize("user", ["2147483648", "4294967295", "4294967296", "-1", "0x0", "1000:4294967296", "1000:-1", "1000:0x0",
                                  "18446744073709551616", " 0", "+0", "0:", ":0", "1e3"])
def test_r10_odd_users_are_errors(runtime, user):
    container = runtime.start()
    done = runtime("exec", f"--user={user}", container, "id", "-u", check=False)
    assert done.returncode != 0 and done.stdout == "", (done.stdout, done.stderr)


@pytest.mark.parametrize("uid", [2147483648, 4294967295, 4294967296, -1, 1.5, "0", True])
def test_r10_odd_users_in_a_config_are_errors(runtime, uid):
    for field in ("uid", "gid"):
        spec = runtime.spec("id", "-u")
        spec["process"]["user"] = {"uid": 5, "gid": 5, field: uid}
        done = runtime.run(spec, check=False)
        assert done.returncode != 0 and done.stdout == "", (done.stdout, done.stderr)


def test_r10_twin_users_and_groups_are_exact(runtime):
    spec = runtime.spec("sh", "-c", "id -u; id -g; id -G")
    spec["process"]["user"] = {"uid": 2147483647, "gid": 2147483646, "additionalGids": [7, 4242]}
    assert runtime.run(spec).stdout == "2147483647\n2147483646\n2147483646 7 4242\n"
    container = runtime.start()
    assert runtime("exec", "--user", "12:34", container, "sh", "-c", "id -u; id -G").stdout == "12\n34\n"


# --- R11: CVE-2022-0492 -------------------------------------------------------------

def test_r11_release_agent_and_mounts_are_out_of_reach(runtime):
    script = ("mkdir /tmp/m; for o in rdma memory pids; do busybox mount -t cgroup -o $o cgroup /tmp/m && echo MOUNTED; done; "
              "busybox unshare -UrmC busybox mount -t cgroup -o memory c /tmp/m && echo MOUNTED; "
              "for f in $(busybox find /sys/fs/cgroup -name release_agent); do echo /x > $f && echo WRITTEN; done; "
              "busybox mount -o remount,rw /sys && echo REMOUNTED; echo end")
    spec = docker_like(writable(runtime.spec("sh", "-c", script)))
    # As the default profile of the engines has it.
    spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["unshare", "mount", "setns"], "action": "SCMP_ACT_ERRNO"}]}
    spec["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                           "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]})
    assert runtime.run(spec).stdout == "end\n"


def test_r11_without_a_filter_capabilities_deny_it_too(runtime):
    script = "busybox mount -t tmpfs x /tmp && echo MOUNTED; busybox unshare -m true && echo UNSHARED; echo end"
    assert runtime.run(docker_like(runtime.spec("sh", "-c", script))).stdout == "end\n"


# --- R13 ------------------------------------------------------------------------------

def change(path, value):
    def apply(spec):
        at = spec
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value
    return apply


@pytest.mark.parametrize("ask", [
    change(["process", "rlimits"], [{"type": "RLIMIT_NO_SUCH", "soft": 1, "hard": 1}]),
    change(["linux", "seccomp"], {"defaultAction": "SCMP_ACT_NO_SUCH"}),
    change(["linux", "seccomp"], {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NO_SUCH"]}),
    change(["linux", "resources", "memory"], {"limit": 4096, "swappiness": 4000}),
    change(["linux", "resources", "devices"], [{"allow": False, "access": "rwmx"}]),
    change(["linux", "resources", "cpu"], {"cpus": "4000-5000"}),
    change(["linux", "uidMappings"], [{"containerID": 0, "hostID": 100000, "size": 0}]),
    change(["linux", "rootfsPropagation"], "sideways"),
    change(["linux", "namespaces"], [{"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "/proc/self/ns/ipc"}]),
    change(["linux", "maskedPaths"], ["relative"]),
], ids=lambda f: "-".join(map(str, f.__closure__[0].cell_contents)))
def test_r13_what_cant_be_applied_fails_the_start(runtime, ask):
    spec = runtime.spec("echo", "ran")
    ask(spec)
    done = runtime.run(spec, check=False)
    assert done.returncode != 0 and done.stdout == "" and done.stderr.strip()
