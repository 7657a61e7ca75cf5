"""linux.namespaces: each kind new, by path and left out."""
import contextlib
import os
import pathlib
import subprocess

import pytest

from oci import wait_until

# type -> the file in /proc/<pid>/ns
FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "user": "user",
         "cgroup": "cgroup", "time": "time"}
UNSHARE = {"pid": "--pid", "network": "--net", "ipc": "--ipc", "uts": "--uts", "cgroup": "--cgroup", "user": "--user",
           "time": "--time", "mount": "--mount"}


def ns_of(pid, type):
    return os.readlink(f"/proc/{pid}/ns/{FILES[type]}")


@contextlib.contextmanager
def elsewhere(type):
    """A process in another namespace of the type; gives the path of that."""
    flags = [UNSHARE[type]]
    file = FILES[type]
    if type in ("pid", "time"):
        flags.append("--fork")
    if type == "user":
        flags.append("--map-root-user")
    process = subprocess.Popen(["unshare", *flags, "sleep", "1000"])
    try:
        def there():
            with contextlib.suppress(OSError, IndexError):
                pid = process.pid
                if "--fork" in flags:
                    pid = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
                if b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()[:6]:
                    return pid
        pid = wait_until("unshare", there)
        yield f"/proc/{pid}/ns/{file}"
    finally:
        with contextlib.suppress(OSError, IndexError):
            for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), 9)
        process.kill()
        process.wait()


@pytest.mark.parametrize("type", ["pid", "network", "mount", "ipc", "uts", "cgroup", "time", "user"])
def test_a_new_namespace(c, type):
    c.user_namespace() if type == "user" else c.namespace(type)
    c.sleeping()
    assert ns_of(c.pid, type) != ns_of("self", type)


@pytest.mark.parametrize("type", ["pid", "network", "ipc", "uts", "cgroup", "time"])
def test_a_namespace_by_path(c, type):
    with elsewhere(type) as path:
        c.namespace(type, path).sleeping()
        assert ns_of(c.pid, type) == os.readlink(path)
        c.delete("--force")


def test_a_user_namespace_by_path(c, new_container):
    holder = new_container().user_namespace()
    holder.sleeping()
    c.namespace("user", f"/proc/{holder.pid}/ns/user")
    c.set(linux={"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
                 "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]})
    c.sleeping()
    assert ns_of(c.pid, "user") == ns_of(holder.pid, "user")
    assert c.exec("id -u").stdout == "0\n"


def test_namespaces_of_another_container(c, new_container):
    """A pod: shared network, ipc and uts."""
    holder = new_container().set(hostname="pod")
    holder.sleeping()
    for type in ("network", "ipc", "uts"):
        c.namespace(type, f"/proc/{holder.pid}/ns/{FILES[type]}")
    c.sleeping()
    for type in ("network", "ipc", "uts"):
        assert ns_of(c.pid, type) == ns_of(holder.pid, type)
    assert c.exec("hostname").stdout == "pod\n"


@pytest.mark.parametrize("type", ["pid", "network", "ipc", "uts", "cgroup", "time", "user"])
def test_a_namespace_left_out_is_the_runtimes(c, type):
    c.no_namespace(type)
    if type == "network":
        # Without its own network namespace a new sysfs isn't allowed to everybody.
        c.unmount("/sys")
    c.sleeping()
    assert ns_of(c.pid, type) == ns_of("self", type)


def test_a_path_of_another_type_is_an_error(c):
    c.namespace("network", "/proc/self/ns/uts").fails()


def test_a_path_that_is_no_namespace_is_an_error(c):
    c.namespace("network", "/etc/passwd").fails()
    c.namespace("network", "/no/such/file").fails()


def test_a_type_given_twice_is_an_error(c):
    c.config["linux"]["namespaces"].append({"type": "uts"})
    assert "uts" in c.fails() or "duplicate" in c.fails()


def test_process_1_of_a_new_pid_namespace_is_the_program(c):
    assert c.output("echo $$; cat /proc/1/comm; true").split() == ["1", "sh"]


def test_a_new_network_namespace_has_loopback_only(c):
    assert [line.split(":")[0].strip() for line in c.output("cat /proc/net/dev").splitlines()[2:]] == ["lo"]


def test_loopback_of_a_new_network_namespace_is_up(c):
    assert c.set("ping -c1 -W1 127.0.0.1 >/dev/null 2>&1 || ip addr show lo").run().returncode == 0
    assert "UP" in c.output("ip link show lo")


def test_the_network_namespace_of_a_path_is_left_as_it_is(c):
    with elsewhere("network") as path:
        c.namespace("network", path).set("ip link show lo")
        assert "UP" not in c.output().split("mtu")[0]


def test_the_cgroup_namespace_begins_at_the_containers_cgroup(c):
    c.namespace("cgroup").sleeping()
    for line in c.exec(["/bin/cat", "/proc/self/cgroup"]).stdout.splitlines():
        number, controllers, path = line.split(":", 2)
        if controllers in ("pids", "memory", "cpu", "freezer"):
            assert path == "/", line


def test_a_config_without_linux_is_taken(c):
    """`linux` is OPTIONAL: no namespaces at all are asked for then."""
    c.set(["/bin/true"], linux=None)
    c.unmount("/sys").unmount("/dev/mqueue").unmount("/proc")
    done = c.background("run")
    assert done.returncode == 0 or "namespace" in done.stderr or "linux" in done.stderr
    c.delete("--force")


# --- time ------------------------------------------------------------------------------------------

def uptime(text):
    return float(text.split()[0])


def test_time_offsets(c):
    c.namespace("time")
    c.set(linux={"timeOffsets": {"monotonic": {"secs": 1000}, "boottime": {"secs": 86400, "nanosecs": 500}}})
    out = c.output("cat /proc/self/timens_offsets /proc/uptime").splitlines()
    offsets = {line.split()[0]: line.split()[1:] for line in out[:2]}
    assert offsets["monotonic"] == ["1000", "0"]
    assert offsets["boottime"] == ["86400", "500"]
    ours = uptime(pathlib.Path("/proc/uptime").read_text())
    assert abs(uptime(out[2]) - ours - 86400) < 60


def test_negative_time_offsets(c):
    c.namespace("time").set(linux={"timeOffsets": {"monotonic": {"secs": -1}, "boottime": {"secs": -1}}})
    assert "-1" in c.output(["/bin/cat", "/proc/self/timens_offsets"])


def test_exec_is_in_the_time_namespace(c):
    c.namespace("time").set(linux={"timeOffsets": {"boottime": {"secs": 86400}}}).sleeping()
    inner = uptime(c.exec(["/bin/cat", "/proc/uptime"]).stdout)
    assert inner - uptime(pathlib.Path("/proc/uptime").read_text()) > 86000


def test_time_offsets_need_a_time_namespace(c):
    c.set(linux={"timeOffsets": {"boottime": {"secs": 1}}}).fails()


@pytest.mark.parametrize("offsets", [{"realtime": {"secs": 1}}, {"boottime": {"secs": "1"}}, {"boottime": 1}])
def test_time_offsets_that_make_no_sense_are_refused(c, offsets):
    c.namespace("time").set(linux={"timeOffsets": offsets}).fails()


# --- network devices --------------------------------------------------------------------------------

@pytest.fixture
def device():
    """A network device of the host, with an address."""
    name = f"hct{os.getpid() % 100000}"
    if subprocess.run(["ip", "link", "add", name, "type", "dummy"], capture_output=True).returncode != 0:
        if subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", name + "p"],
                          capture_output=True).returncode != 0:
            pytest.skip("no network device can be made here")
    subprocess.run(["ip", "addr", "add", "10.217.3.4/24", "dev", name], check=True)
    yield name
    subprocess.run(["ip", "link", "delete", name], capture_output=True)
    wait_until("the device to go", lambda: not os.path.exists(f"/sys/class/net/{name}p"))


def test_net_devices_are_moved_with_their_addresses_and_set_up(c, device):
    c.set(["/bin/ip", "addr", "show", "dev", device], linux={"netDevices": {device: {}}})
    out = c.output()
    assert "10.217.3.4/24" in out and "UP" in out.split("mtu")[0]


def test_net_devices_may_be_renamed(c, device):
    c.set("ip addr show dev inner0; ip link", linux={"netDevices": {device: {"name": "inner0"}}})
    out = c.output()
    assert "10.217.3.4/24" in out and device + ":" not in out


def test_a_net_device_that_is_not_there_is_an_error(c):
    assert "nosuchdev" in c.set(linux={"netDevices": {"nosuchdev": {}}}).fails()


def test_net_devices_need_a_network_namespace(c, device):
    c.no_namespace("network").unmount("/sys").set(linux={"netDevices": {device: {}}}).fails()
    assert os.path.exists(f"/sys/class/net/{device}")


def test_a_net_device_name_that_is_taken_is_an_error(c, device):
    c.set(linux={"netDevices": {device: {"name": "lo"}}}).fails()
    assert os.path.exists(f"/sys/class/net/{device}")
