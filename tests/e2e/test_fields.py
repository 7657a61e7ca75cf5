"""Config and HostConfig, field by field, as seen from inside and in procfs and cgroupfs.

docs/api-fields.md names the test of each field.
"""
import json
import os
import pathlib
import stat
import time

import pytest

from engines import run
from fields import Box, box, call, create, refused, said, until

MIB = 1 << 20


# ---- Config ------------------------------------------------------------------

def test_hostname_domainname_env_user_workdir(engine):
    out = said(engine, "hostname; cat /proc/sys/kernel/domainname; hostname -f; echo $A-$HOSTNAME; id -u; id -g; pwd",
               Hostname="name", Domainname="dom.example", Env=["A=b"], User="1000:1001", WorkingDir="/made/here")
    assert out.splitlines() == ["name", "dom.example", "name.dom.example", "b-name", "1000", "1001", "/made/here"]


def test_domainname_in_hosts(engine):
    assert "name.dom.example name" in said(engine, "cat /etc/hosts", Hostname="name", Domainname="dom.example")


def test_entrypoint_and_cmd(engine):
    with box(engine, start=False, Entrypoint=["echo", "a"], Cmd=["b"]) as made:
        assert made.output() == "a b\n"
        assert made.inspect()["Path"] == "echo" and made.inspect()["Args"] == ["a", "b"]


def test_cmd_as_text_is_one_word(engine):
    with box(engine, start=False, Cmd="hostname", Hostname="x") as made:
        assert made.output() == "x\n"


def test_labels_and_exposed_ports_and_volumes(engine):
    with box(engine, Labels={"a": "b"}, ExposedPorts={"80/tcp": {}}, Volumes={"/data": {}}) as made:
        seen = made.inspect()
        assert seen["Config"]["Labels"]["a"] == "b" and seen["Config"]["ExposedPorts"] == {"80/tcp": {}}
        assert [m["Destination"] for m in seen["Mounts"]] == ["/data"]
        assert made.sh("touch /data/x && ls /data") == "x"


def test_stop_signal_and_timeout(engine):
    def trapped(made):
        deadline = time.monotonic() + 10
        while "trapped" not in engine.docker("logs", made.id).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    with box(engine, Cmd=["sh", "-c", "trap 'exit 9' USR1; echo trapped; while :; do sleep 0.1; done"], StopSignal="SIGUSR1") as made:
        trapped(made)
        call(engine, "POST", f"/containers/{made.id}/stop")
        assert made.inspect()["State"]["ExitCode"] == 9
    with box(engine, Cmd=["sh", "-c", "trap '' TERM; echo trapped; while :; do sleep 0.1; done"], StopTimeout=1) as made:
        trapped(made)
        call(engine, "POST", f"/containers/{made.id}/stop")
        assert made.inspect()["State"]["ExitCode"] == 137
        assert made.inspect()["Config"]["StopTimeout"] == 1


def test_tty_open_stdin(engine):
    with box(engine, start=False, Tty=True, Cmd=["sh", "-c", "test -t 0 && test -t 1 && echo tty $TERM; stty size"],
             host={"ConsoleSize": [33, 99]}) as made:
        made.start()
        made.wait()
        assert call(engine, "GET", f"/containers/{made.id}/logs?stdout=1", raw=True)[1] == b"tty xterm\r\n33 99\r\n"


def test_network_disabled(engine):
    assert said(engine, "ls /sys/class/net", NetworkDisabled=True).split() == ["lo"]


def test_mac_address(engine):
    status, answer = call(engine, "POST", "/v1.43/containers/create", {
        "Image": "busybox", "Cmd": ["cat", "/sys/class/net/eth0/address"], "MacAddress": "02:42:ac:12:34:56"})
    assert status == 201, answer  # from 1.44 on it belongs to the endpoint
    assert Box(engine, answer["Id"], []).output() == "02:42:ac:12:34:56\n"
    call(engine, "DELETE", f"/containers/{answer['Id']}")
    out = said(engine, "cat /sys/class/net/eth0/address",
               NetworkingConfig={"EndpointsConfig": {"bridge": {"MacAddress": "02:42:ac:12:34:57"}}})
    assert out.strip() == "02:42:ac:12:34:57"


@pytest.mark.parametrize("config,text", [
    ({"StopSignal": "NOSUCH"}, "NOSUCH"),
    ({"Env": ["=x"]}, "invalid environment variable: =x"),
    ({"WorkingDir": "relative"}, "the working directory 'relative' is invalid, it needs to be an absolute path"),
    ({"Healthcheck": {"Test": ["WRONG"]}}, "nknown"),
    ({"Healthcheck": {"Interval": 1}}, "Interval in Healthcheck cannot be less than 1ms"),
    ({"Healthcheck": {"Timeout": 1}}, "Timeout in Healthcheck cannot be less than 1ms"),
    ({"Healthcheck": {"StartPeriod": 1}}, "StartPeriod in Healthcheck cannot be less than 1ms"),
    ({"Healthcheck": {"StartInterval": 1}}, "StartInterval in Healthcheck cannot be less than 1ms"),
    ({"Healthcheck": {"Retries": -1}}, "Retries in Healthcheck cannot be negative"),
    ({"NetworkingConfig": {"EndpointsConfig": {"bridge": {"MacAddress": "zz"}}}}, "zz"),
])
def test_config_is_checked(engine, config, text):
    status, message = refused(engine, **config)
    assert status == 400 and text in message


# ---- resources ---------------------------------------------------------------

def test_memory(engine):
    with box(engine, {"Memory": 64 * MIB, "MemoryReservation": 32 * MIB, "MemorySwap": 96 * MIB}) as made:
        assert made.cgroup("memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)
        assert made.cgroup("memory", "memory.soft_limit_in_bytes", "memory.low") == str(32 * MIB)
        if os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"):
            assert made.cgroup("memory", "memory.memsw.limit_in_bytes", "-") == str(96 * MIB)


def test_oom_score(engine):
    assert said(engine, "cat /proc/self/oom_score_adj", {"OomScoreAdj": 321}) == "321\n"


def test_cpu(engine):
    with box(engine, {"NanoCpus": 500_000_000, "CpuShares": 512, "CpusetCpus": "0", "CpusetMems": "0"}) as made:
        if os.path.isdir("/sys/fs/cgroup/cpu"):
            assert made.cgroup("cpu", "cpu.cfs_quota_us", "") == "50000"
            assert made.cgroup("cpu", "cpu.shares", "") == "512"
        assert made.cgroup("cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
        assert made.cgroup("cpuset", "cpuset.mems", "cpuset.mems") == "0"
    with box(engine, {"CpuPeriod": 50_000, "CpuQuota": 20_000}) as made:
        if os.path.isdir("/sys/fs/cgroup/cpu"):
            assert made.cgroup("cpu", "cpu.cfs_period_us", "") == "50000"
            assert made.cgroup("cpu", "cpu.cfs_quota_us", "") == "20000"


def test_pids_limit(engine):
    with box(engine, {"PidsLimit": 44}) as made:
        assert made.cgroup("pids", "pids.max", "pids.max") == "44"
    with box(engine, {"PidsLimit": -1}) as made:
        assert made.cgroup("pids", "pids.max", "pids.max") == "max"


def test_blkio_per_device(engine):
    disk = next(p for p in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0") if os.path.exists(p))
    number = f"{os.major(os.stat(disk).st_rdev)}:{os.minor(os.stat(disk).st_rdev)}"
    host = {"BlkioDeviceReadBps": [{"Path": disk, "Rate": 1048576}],
            "BlkioDeviceWriteBps": [{"Path": disk, "Rate": 2097152}],
            "BlkioDeviceReadIOps": [{"Path": disk, "Rate": 100}],
            "BlkioDeviceWriteIOps": [{"Path": disk, "Rate": 200}]}
    with box(engine, host) as made:
        if os.path.isdir("/sys/fs/cgroup/blkio"):
            for name, rate in (("read_bps", 1048576), ("write_bps", 2097152), ("read_iops", 100), ("write_iops", 200)):
                assert made.cgroup("blkio", f"blkio.throttle.{name}_device", "") == f"{number} {rate}"


def test_cgroup_parent(engine):
    with box(engine, {"CgroupParent": f"/hull-fields-{os.getpid()}"}) as made:
        assert f"/hull-fields-{os.getpid()}/{made.id}" in made.proc("cgroup")
    for left in pathlib.Path("/sys/fs/cgroup").glob(f"**/hull-fields-{os.getpid()}"):
        left.rmdir()  # the parent that was named is its namer's


def test_ulimits(engine):
    out = said(engine, "ulimit -n; ulimit -Hn; ulimit -c",
               {"Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}, {"Name": "core", "Soft": 0, "Hard": 0}]})
    assert out.split() == ["100", "200", "0"]


def test_devices(engine):
    host = {"Devices": [{"PathOnHost": "/dev/fuse" if os.path.exists("/dev/fuse") else "/dev/zero",
                         "PathInContainer": "/dev/mine", "CgroupPermissions": "r"}]}
    out = said(engine, "test -c /dev/mine && echo there; dd if=/dev/mine of=/dev/null bs=1 count=1 2>&1 | tail -1; "
               "echo x 2>/dev/null >/dev/mine || echo shut", host)
    assert out.startswith("there\n")


def test_device_cgroup_rules(engine):
    with box(engine, {"DeviceCgroupRules": ["c 42:7 rmw"]}) as made:
        if os.path.isdir("/sys/fs/cgroup/devices"):
            assert "c 42:7 rwm" in made.cgroup("devices", "devices.list", "")


@pytest.mark.parametrize("host,text", [
    ({"Memory": MIB}, "Minimum memory limit allowed is 6MB"),
    ({"Memory": 64 * MIB, "MemorySwap": 32 * MIB},
     "Minimum memoryswap limit should be larger than memory limit, see usage"),
    ({"MemorySwap": 64 * MIB}, "You should always set the Memory limit when using Memoryswap limit, see usage"),
    ({"MemoryReservation": 1}, "Minimum memory reservation allowed is 6MB"),
    ({"Memory": 64 * MIB, "MemoryReservation": 65 * MIB},
     "Minimum memory limit can not be less than memory reservation limit, see usage"),
    ({"MemorySwappiness": 101}, "valid memory swappiness range is 0-100"),
    ({"NanoCpus": 1, "CpuPeriod": 5000}, "Conflicting options: Nano CPUs and CPU Period cannot both be set"),
    ({"NanoCpus": 1, "CpuQuota": 5000}, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
    ({"NanoCpus": 10**13}, "range of CPUs is from 0.01 to"),
    ({"CpuPeriod": 10}, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
    ({"CpuQuota": 10}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
    ({"CpuShares": -1}, "value must be a positive integer"),
    ({"CpusetCpus": "a"}, "Invalid value a for cpuset cpus"),
    ({"CpusetMems": "a"}, "Invalid value a for cpuset mems"),
    ({"CpusetCpus": "900"}, "Requested CPUs are not available - requested 900, available:"),
    ({"CpusetMems": "900"}, "Requested memory nodes are not available - requested 900, available:"),
    ({"BlkioWeight": 9}, "Range of blkio weight is from 10 to 1000"),
    ({"BlkioWeightDevice": [{"Path": "/dev/null", "Weight": 5}]}, "Range of blkio weight is from 10 to 1000"),
    ({"BlkioDeviceReadBps": [{"Path": "/no/such", "Rate": 5}]}, "/no/such"),
    ({"OomScoreAdj": 1001}, "Invalid value 1001, range for oom score adj is [-1000, 1000]"),
    ({"Ulimits": [{"Name": "nosuch", "Soft": 1, "Hard": 1}]}, "invalid ulimit type: nosuch"),
    ({"Ulimits": [{"Name": "nofile", "Soft": 2, "Hard": 1}]},
     "ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
    ({"DeviceCgroupRules": ["x"]}, "invalid device cgroup rule format: 'x'"),
    ({"Devices": [{"PathOnHost": "/no/such", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}]},
     'error gathering device information while adding custom device "/no/such": no such file or directory'),
    ({"ShmSize": -1}, "SHM size can not be less than 0"),
    ({"RestartPolicy": {"Name": "sometimes"}}, "invalid restart policy: unknown policy 'sometimes'"),
    ({"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}},
     "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
    ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -1}},
     "invalid restart policy: maximum retry count cannot be negative"),
    ({"RestartPolicy": {"Name": "always"}, "AutoRemove": True},
     "can't create 'AutoRemove' container with restart policy"),
    ({"CapAdd": ["NOSUCH"]}, 'invalid CapAdd: unknown capability: "CAP_NOSUCH"'),
    ({"CapDrop": ["NOSUCH"]}, 'invalid CapDrop: unknown capability: "CAP_NOSUCH"'),
    ({"PidMode": "wrong"}, "invalid PID mode: wrong"),
    ({"IpcMode": "wrong"}, "invalid IPC mode: wrong"),
    ({"UTSMode": "wrong"}, "invalid UTS mode: wrong"),
    ({"UsernsMode": "wrong"}, "invalid userns mode: wrong"),
    ({"CgroupnsMode": "wrong"}, "invalid cgroup namespace mode: wrong"),
    ({"Isolation": "hyperv"}, "solation"),
    ({"Runtime": "nosuch"}, "unknown or invalid runtime name: nosuch"),
    ({"SecurityOpt": ["nosuch"]}, "invalid --security-opt"),
    ({"SecurityOpt": ["no-new-privileges=maybe"]}, "nvalid"),
    ({"SecurityOpt": ["seccomp={"]}, "eccomp"),
    ({"Sysctls": {"vm.swappiness": "1"}}, "is not in a separate kernel namespace"),
    ({"NetworkMode": "container:nobody"}, "No such container: nobody"),
    ({"PidMode": "container:nobody"}, "No such container: nobody"),
    ({"IpcMode": "container:nobody"}, "No such container: nobody"),
    ({"VolumesFrom": ["nobody"]}, "No such container: nobody"),
    ({"VolumesFrom": ["nobody:badmode"]}, "invalid mode: badmode"),
    ({"ExtraHosts": ["wrong"]}, 'bad format for add-host: "wrong"'),
    ({"ExtraHosts": ["a:nowhere"]}, 'invalid IP address in add-host: "nowhere"'),
    ({"Annotations": {"": "x"}}, "invalid Annotations: the empty string is not permitted as an annotation key"),
    ({"Binds": ["/tmp:/x", "/tmp:/x"]}, "Duplicate mount point: /x"),
    ({"Binds": ["tmp"]}, "invalid volume specification: 'tmp'"),
    ({"Binds": ["/tmp:/x:wrong"]}, "invalid mode: wrong"),
    ({"Binds": ["/tmp:/"]}, "invalid specification: destination can't be '/'"),
    ({"Mounts": [{"Type": "bind", "Source": "/no/such", "Target": "/x"}]},
     'invalid mount config for type "bind": bind source path does not exist: /no/such'),
    ({"Mounts": [{"Type": "wrong", "Target": "/x"}]}, 'invalid mount config for type "wrong": mount type unknown'),
    ({"Mounts": [{"Type": "bind", "Source": "/tmp"}]}, 'field Target must not be empty'),
    ({"Mounts": [{"Type": "tmpfs", "Source": "/tmp", "Target": "/x"}]}, "field Source must not be specified"),
    ({"Tmpfs": {"/x": "nosuchoption"}}, "nosuchoption"),
    ({"LogConfig": {"Type": "nosuch"}}, 'error looking up logging plugin nosuch: plugin "nosuch" not found'),
    ({"LogConfig": {"Type": "json-file", "Config": {"x": "y"}}}, "unknown log opt 'x' for json-file log driver"),
    ({"MaskedPaths": ["relative"]}, "relative"),
    ({"ConsoleSize": [1, 2, 3]}, "ConsoleSize"),
    ({"GroupAdd": ["nosuch"]}, "nosuch"),
])
def test_wrong_values_are_refused_in_dockers_words(engine, host, text):
    status, message = refused(engine, host)
    assert text in message, (status, message)
    assert status in (400, 404), (status, message)


# ---- privileges --------------------------------------------------------------

def test_cap_add_and_drop(engine):
    def effective(**host):
        return int(said(engine, "grep CapEff /proc/self/status", host).split()[1], 16)
    assert effective(CapDrop=["ALL"]) == 0
    assert effective(CapDrop=["ALL"], CapAdd=["CAP_CHOWN"]) == 1
    assert effective(CapAdd=["sys_ptrace"]) & 1 << 19
    everything = effective(CapAdd=["ALL"])
    assert everything == effective(Privileged=True)
    assert effective(CapAdd=["ALL"], CapDrop=["CHOWN"]) == everything & ~1


def test_privileged(engine):
    out = said(engine, "mount -t tmpfs x /tmp && echo mounted; ls /dev | wc -l; echo 1 > /proc/sys/net/ipv4/ip_forward "
               "&& echo writable; grep Seccomp: /proc/self/status", {"Privileged": True})
    assert out.startswith("mounted\n") and "writable\n" in out and "Seccomp:\t0" in out


def test_security_opt_seccomp(engine):
    assert "Seccomp:\t2" in said(engine, "grep Seccomp: /proc/self/status")
    assert "Seccomp:\t0" in said(engine, "grep Seccomp: /proc/self/status", {"SecurityOpt": ["seccomp=unconfined"]})
    assert "Seccomp:\t2" in said(engine, "grep Seccomp: /proc/self/status", {"SecurityOpt": ["seccomp=builtin"]})
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    out = said(engine, "mkdir /x 2>&1; touch /y && echo ok", {"SecurityOpt": ["seccomp=" + json.dumps(profile)]})
    assert "No space left" in out and out.endswith("ok\n")


def test_security_opt_no_new_privileges(engine):
    def value(option):
        return said(engine, "grep NoNewPrivs /proc/self/status", {"SecurityOpt": [option]}).split()[1]
    assert [value(o) for o in ("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true",
                               "no-new-privileges=false", "no-new-privileges:false")] == ["1", "1", "1", "0", "0"]


def test_security_opt_systempaths(engine):
    assert "ro," in said(engine, "grep ' /proc/sys ' /proc/mounts")
    assert said(engine, "grep ' /proc/sys ' /proc/mounts", {"SecurityOpt": ["systempaths=unconfined"]}) == ""


def test_security_opt_label_and_apparmor(engine):
    assert said(engine, "echo ok", {"SecurityOpt": ["label=disable"]}) == "ok\n"
    assert said(engine, "echo ok", {"SecurityOpt": ["apparmor=unconfined"]}) == "ok\n"
    if not os.path.exists("/sys/module/apparmor"):
        status, message = refused(engine, {"SecurityOpt": ["apparmor=mine"]})
        assert "AppArmor" in message or "apparmor" in message


def test_masked_and_readonly_paths(engine):
    out = said(engine, "cat /proc/version | wc -c; touch /sys/x /tmp/x 2>&1; echo end",
               {"MaskedPaths": ["/proc/version"], "ReadonlyPaths": ["/tmp"]})
    assert out.startswith("0\n") and "/tmp/x: Read-only file system" in out
    assert said(engine, "grep -c ' /proc/' /proc/mounts", {"MaskedPaths": [],
                                                                                    "ReadonlyPaths": []}).endswith("0\n")


def test_group_add(engine):
    assert set(said(engine, "id -G", {"GroupAdd": ["77"]}, User="1000").split()) >= {"77"}


def test_sysctls(engine):
    out = said(engine, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax",
               {"Sysctls": {"net.ipv4.ip_unprivileged_port_start": "99", "kernel.msgmax": "4096"}})
    assert out.split() == ["99", "4096"]


# ---- namespaces --------------------------------------------------------------

def own(kind):
    return os.readlink(f"/proc/self/ns/{kind}")


@pytest.mark.parametrize("field,kind", [("PidMode", "pid"), ("IpcMode", "ipc"), ("UTSMode", "uts"),
                                        ("CgroupnsMode", "cgroup"), ("NetworkMode", "net"), ("UsernsMode", "user")])
def test_sharing_with_the_host(engine, field, kind):
    assert said(engine, f"readlink /proc/self/ns/{kind}", {field: "host"}).strip() == own(kind)
    assert said(engine, f"readlink /proc/self/ns/{kind}").strip() != own(kind)


@pytest.mark.parametrize("field,kind", [("PidMode", "pid"), ("IpcMode", "ipc"), ("NetworkMode", "net")])
def test_sharing_with_a_container(engine, field, kind):
    with box(engine, {"IpcMode": "shareable"}) as donor:
        seen = said(engine, f"readlink /proc/self/ns/{kind}", {field: f"container:{donor.id}"}).strip()
        assert seen == os.readlink(f"/proc/{donor.pid}/ns/{kind}")


def test_ipc_modes(engine):
    with box(engine, {"IpcMode": "private"}) as donor:
        status, message = refused(engine, {"IpcMode": f"container:{donor.id}"})
        assert "non-shareable" in message
    assert said(engine, "grep -c ' /dev/shm ' /proc/mounts", {"IpcMode": "none"}) == "0\n"


def test_shm_size(engine):
    assert "size=2048k" in said(engine, "grep ' /dev/shm ' /proc/mounts", {"ShmSize": 2 * MIB})


def test_init(engine):
    assert "init" in said(engine, "cat /proc/1/comm", {"Init": True})


# ---- files -------------------------------------------------------------------

def test_readonly_rootfs_and_tmpfs(engine):
    out = said(engine, "touch /x; touch /scratch/y && echo ok; grep ' /scratch ' /proc/mounts",
               {"ReadonlyRootfs": True, "Tmpfs": {"/scratch": "size=1m,mode=700,exec"}})
    assert "Read-only file system" in out and "ok\n" in out and "size=1024k" in out and "mode=700" in out
    assert "noexec" not in out and "nosuid" in out


def test_binds(engine, tmp_path):
    (tmp_path / "f").write_text("x")
    out = said(engine, "cat /m/f; touch /m/new || echo no; touch /w/new && echo yes",
               {"Binds": [f"{tmp_path}:/m:ro", f"{tmp_path}:/w"]})
    assert "x" in out and "no\n" in out and "yes\n" in out
    said(engine, "true", {"Binds": [f"{tmp_path}/made/here:/m"]})
    assert (tmp_path / "made/here").is_dir()


def test_bind_propagation(engine, tmp_path):
    def optional(how):
        out = said(engine, "grep ' /m ' /proc/self/mountinfo", {"Binds": [f"{tmp_path}:/m:{how}"]})
        return out.split(" - ")[0]
    assert "shared:" not in optional("rprivate") and "master:" not in optional("rprivate")


def test_mounts_bind_options(engine, tmp_path):
    out = said(engine, "touch /m/x 2>&1; echo end",
               {"Mounts": [{"Type": "bind", "Source": str(tmp_path), "Target": "/m", "ReadOnly": True}]})
    assert "Read-only" in out
    missing = tmp_path / "not" / "there"
    assert said(engine, "touch /m/x && echo ok", {"Mounts": [
        {"Type": "bind", "Source": str(missing), "Target": "/m", "BindOptions": {"CreateMountpoint": True}}]}) == "ok\n"
    assert (missing / "x").exists()


def test_mounts_read_only_is_recursive(engine, tmp_path):
    (tmp_path / "below").mkdir()
    os.system(f"mount -t tmpfs tmpfs {tmp_path}/below")
    try:
        def tried(**options):
            return said(engine, "touch /m/below/x 2>/dev/null && echo wrote || echo shut", {"Mounts": [
                {"Type": "bind", "Source": str(tmp_path), "Target": "/m", "ReadOnly": True,
                 "BindOptions": options}]}).strip()
        assert tried() == "shut"
        assert tried(ReadOnlyForceRecursive=True, Propagation="rprivate") == "shut"
        assert tried(ReadOnlyNonRecursive=True) == "wrote"
        out = said(engine, "ls /m/below | wc -l", {"Mounts": [
            {"Type": "bind", "Source": str(tmp_path), "Target": "/m", "BindOptions": {"NonRecursive": True}}]})
        assert out.strip() == "0"
    finally:
        os.system(f"umount {tmp_path}/below")


def test_mounts_tmpfs_options(engine):
    out = said(engine, "grep ' /t ' /proc/mounts; stat -c %a /t", {"Mounts": [
        {"Type": "tmpfs", "Target": "/t",
         "TmpfsOptions": {"SizeBytes": MIB, "Mode": 0o1750, "Options": [["exec"]]}}]})
    assert "size=1024k" in out and "1750" in out and "noexec" not in out


def test_dns_and_extra_hosts(engine):
    out = said(engine, "cat /etc/resolv.conf /etc/hosts",
               {"Dns": ["192.0.2.7"], "DnsOptions": ["ndots:3"], "DnsSearch": ["a.example"],
                "ExtraHosts": ["db:192.0.2.8", "gw:host-gateway"]})
    assert "nameserver 192.0.2.7\n" in out and "options ndots:3\n" in out and "search a.example\n" in out
    assert "192.0.2.8\tdb\n" in out and f"{engine.bip.split('/')[0]}\tgw\n" in out


def test_annotations_and_platform_fields_come_back(engine):
    host = {"Annotations": {"a.b": "c"}, "ContainerIDFile": "/x", "OomScoreAdj": 5, "ConsoleSize": [3, 4]}
    with box(engine, host, start=False) as made:
        seen = made.inspect()["HostConfig"]
        assert {k: seen[k] for k in host} == host


def test_auto_remove(engine):
    with box(engine, {"AutoRemove": True}, start=False, Cmd=["true"]) as made:
        made.start()
        until(lambda: call(engine, "GET", f"/containers/{made.id}/json")[0] == 404)


# ---- what this kernel may lack -----------------------------------------------

def root_has(controller, name):
    return os.path.exists(f"/sys/fs/cgroup/{controller}/{name}")


def test_memory_swappiness_and_oom_kill_disable(engine):
    if not root_has("memory", "memory.swappiness"):
        pytest.skip("cgroup v2 has neither")
    with box(engine, {"Memory": 64 * MIB, "MemorySwappiness": 13, "OomKillDisable": True}) as made:
        assert made.cgroup("memory", "memory.swappiness", "") == "13"
        assert "oom_kill_disable 1" in made.cgroup("memory", "memory.oom_control", "")


def either_held_or_refused(engine, host, holds, words):
    """A limit that the kernel can't hold fails the start: it is never dropped."""
    status, answer = create(engine, host)
    assert status == 201, answer
    made = Box(engine, answer["Id"], answer["Warnings"])
    try:
        status, answer = call(engine, "POST", f"/containers/{made.id}/start")
        assert holds(made) if status == 204 else words in answer["message"], (status, answer)
    finally:
        call(engine, "DELETE", f"/containers/{made.id}?force=1")


def test_blkio_weight(engine):
    def holds(text, *names):
        def check(made):
            base = pathlib.Path("/sys/fs/cgroup/blkio" + dict(
                line.split(":")[1:] for line in made.proc("cgroup").splitlines()).get("blkio", "/nowhere"))
            return any((base / n).exists() and text in (base / n).read_text() for n in names)
        return check
    either_held_or_refused(engine, {"BlkioWeight": 300}, holds("300", "blkio.bfq.weight", "blkio.weight"), "weight")
    disk = next(p for p in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0") if os.path.exists(p))
    either_held_or_refused(engine, {"BlkioWeightDevice": [{"Path": disk, "Weight": 300}]},
                           holds(":0 300", "blkio.bfq.weight_device", "blkio.weight_device"), "weight")


def test_cpu_realtime(engine):
    def runtime(made):
        return made.cgroup("cpu", "cpu.rt_runtime_us", "") == "1000"
    either_held_or_refused(engine, {"CpuRealtimePeriod": 1_000_000, "CpuRealtimeRuntime": 1000}, runtime, "rt_")


@pytest.mark.parametrize("field", ["CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"])
def test_windows_limits_are_refused(engine, field):
    status, message = refused(engine, {field: 1})
    assert status == 400 and field in message
    with box(engine, start=False) as made:
        assert made.inspect()["HostConfig"][field] == 0


def test_cgroup_of_another_container_is_refused(engine):
    assert "cgroup" in refused(engine, {"Cgroup": "container:x"})[1]


# ---- the rest ----------------------------------------------------------------

def test_kept_and_shown(engine):
    config = {"ArgsEscaped": True, "OnBuild": ["RUN x"], "Shell": ["/bin/ash", "-c"]}
    mounts = [{"Type": "tmpfs", "Target": "/t", "Consistency": "cached"}]
    with box(engine, {"Mounts": mounts}, Healthcheck={"Test": ["CMD-SHELL", "readlink /proc/$$/exe; echo $0"],
                                                      "Interval": 200_000_000}, **config) as made:
        seen = made.inspect()
        assert {k: seen["Config"][k] for k in config} == config
        assert seen["HostConfig"]["Mounts"][0]["Consistency"] == "cached"
        log = until(lambda: made.inspect()["State"]["Health"]["Log"])
        assert log[-1]["Output"].split()[-1].endswith("ash")


def test_volume_drivers_are_refused(engine):
    assert "nosuchdriver" in refused(engine, {"VolumeDriver": "nosuchdriver", "Binds": ["named:/x"]})[1]


def test_mounts_of_other_systems_are_refused(engine):
    for kind in ("cluster", "npipe"):
        assert kind in refused(engine, {"Mounts": [{"Type": kind, "Source": "busybox", "Target": "/x"}]})[1]


def test_endpoint_settings_of_the_default_bridge(engine):
    def asks(**settings):
        return {"NetworkingConfig": {"EndpointsConfig": {"bridge": settings}}}
    for settings, text in (({"IPAMConfig": {"IPv4Address": "10.9.9.9"}}, "user specified IP address is supported on user"),
                           ({"IPAMConfig": {"IPv6Address": "fd00::9"}}, "user specified IP address is supported on user"),
                           ({"IPAMConfig": {"LinkLocalIPs": ["169.254.9.999"]}}, "ink-local"),
                           ({"DriverOpts": {"com.docker.network.x": "1"}}, "endpoint option com.docker.network.x is not supported"),
                           ({"Aliases": ["a"]}, "aliases")):
        assert text in refused(engine, **asks(**settings))[1], settings
        # A running one is told the same when it joins.
        with box(engine, {"NetworkMode": "none"}) as made:
            call(engine, "POST", "/networks/none/disconnect", {"Container": made.id})
            status, answer = call(engine, "POST", "/networks/bridge/connect",
                                  {"Container": made.id, "EndpointConfig": settings})
            assert status >= 400 and (text in answer["message"] or "private (none)" in answer["message"]), answer
    assert refused(engine, NetworkingConfig={"EndpointsConfig": {"nosuch": {}}})[0] in (400, 404)
    with box(engine, start=False, **asks(GwPriority=5)) as made:
        assert made.inspect()["NetworkSettings"]["Networks"]["bridge"]["GwPriority"] == 5


def test_storage_options(engine, new_engine):
    with box(engine, {"StorageOpt": {"size": "64m"}}) as made:
        assert made.inspect()["HostConfig"]["StorageOpt"] == {"size": "64m"}
        total = int(engine.docker("exec", made.id, "df", "-P", "-k", "/").stdout.splitlines()[1].split()[1])
        assert 40 << 10 < total <= 64 << 10
        full = engine.docker("exec", made.id, "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=100")
        assert "No space left on device" in full.stderr
        assert engine.docker("exec", made.id, "rm", "/big").returncode == 0
        assert engine.docker("exec", made.id, "sh", "-c", "echo kept > /file").returncode == 0
        assert engine.docker("diff", made.id).stdout == "A /file\n"
        assert engine.docker("restart", "-t", "0", made.id).returncode == 0
        assert engine.docker("exec", made.id, "cat", "/file").stdout == "kept\n"
        assert engine.docker("stop", "-t", "0", made.id).returncode == 0
        assert engine.docker("cp", f"{made.id}:/file", "-").returncode == 0
        assert engine.docker("commit", made.id, "limited").returncode == 0
        assert engine.docker("run", "--rm", "limited", "cat", "/file").stdout == "kept\n"
        engine.docker("rmi", "limited")
        disk = engine.folder / "data/containers" / made.id / "disk"
        assert os.path.ismount(disk)
    assert not os.path.ismount(disk) and not disk.exists()
    assert refused(engine, {"StorageOpt": {"size": "x"}})[0] == 400
    assert "too small" in refused(engine, {"StorageOpt": {"size": "1m"}})[1]
    assert "Unknown option nosuch" in refused(engine, {"StorageOpt": {"nosuch": "1"}})[1]


def test_storage_options_of_the_engine_and_its_restart(new_engine):
    engine = new_engine("--storage-opt", "overlay2.size=32m")
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    made = engine.docker("run", "-d", "--name", "limited", "busybox", "sleep", "600")
    assert made.returncode == 0, made.stderr
    box_id = made.stdout.strip()

    def kilobytes():
        return int(engine.docker("exec", "limited", "df", "-P", "-k", "/").stdout.splitlines()[1].split()[1])

    assert kilobytes() <= 32 << 10
    assert engine.docker("exec", "limited", "touch", "/mark").returncode == 0
    engine.kill()
    engine.start()
    assert kilobytes() <= 32 << 10 and engine.docker("exec", "limited", "ls", "/mark").returncode == 0
    # After a boot nothing is mounted.
    engine.docker("stop", "-t", "0", "limited")
    engine.kill()
    disk = engine.folder / "data/containers" / box_id / "disk"
    run("umount", disk, check=True)
    engine.start()
    assert os.path.ismount(disk) and engine.docker("start", "limited").returncode == 0
    assert engine.docker("exec", "limited", "ls", "/mark").returncode == 0
    engine.docker("rm", "-f", "limited")
    assert not disk.exists() and run("losetup", "-j", disk.parent / "disk.img").stdout == ""


def test_volumes_from(engine, tmp_path):
    host = {"Binds": [f"{tmp_path}:/bound"], "Mounts": [{"Type": "tmpfs", "Target": "/memory"}]}
    with box(engine, host, Volumes={"/data": {}}) as donor:
        donor.sh("echo d > /data/f; echo b > /bound/f")
        with box(engine, {"VolumesFrom": [donor.id]}, Volumes={"/data": {}}) as made:
            assert made.sh("cat /data/f /bound/f; ls -d /memory") == "d\nb\n/memory"
            assert {m["Destination"] for m in made.inspect()["Mounts"]} == {"/data", "/bound", "/memory"}
            made.sh("echo back > /data/f")
        assert donor.sh("cat /data/f") == "back", "what belongs to the donor went with its guest"
        name = donor.inspect()["Name"][1:]
        done = engine.docker("run", "--rm", "--volumes-from", f"{name}:ro", "-v", f"{tmp_path}:/data", "busybox",
                             "sh", "-c", "cat /data/f; touch /bound/x || echo shut")
        assert done.stdout == "b\nshut\n", done.stderr


def test_links_give_names_and_environment(engine):
    with box(engine, Env=["TONE=high", "HOME=/x"], ExposedPorts={"5432/tcp": {}, "53/udp": {}}) as donor:
        ip = donor.inspect()["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        name = donor.inspect()["Name"][1:]
        status, answer = create(engine, {"Links": [f"{donor.id}:my-db"]}, Cmd=["sh", "-c", "cat /etc/hosts; env"])
        assert status == 201, answer
        made = Box(engine, answer["Id"], [])
        try:
            text = made.output()
            own = made.inspect()["Name"]
            assert f"{ip}\tmy-db {donor.id[:12]} {name}" in text
            for line in (f"MY_DB_PORT=udp://{ip}:53", f"MY_DB_PORT_5432_TCP=tcp://{ip}:5432",
                         f"MY_DB_PORT_5432_TCP_ADDR={ip}", "MY_DB_PORT_5432_TCP_PORT=5432",
                         "MY_DB_PORT_5432_TCP_PROTO=tcp", f"MY_DB_NAME={own}/my-db", "MY_DB_ENV_TONE=high"):
                assert line in text.splitlines(), (line, text)
            assert "MY_DB_ENV_HOME" not in text and "MY_DB_ENV_PATH" not in text
            assert made.inspect()["HostConfig"]["Links"] == [f"/{name}:{own}/my-db"]
            listed = call(engine, "GET", '/containers/json?filters={"id":["%s"]}' % donor.id)[1][0]
            assert listed["Names"] == [f"/{name}", f"{own}/my-db"]
            assert call(engine, "DELETE", f"/containers{own}/my-db?link=1")[0] == 204
            assert made.inspect()["HostConfig"]["Links"] is None
            assert call(engine, "DELETE", f"/containers{own}/my-db?link=1")[0] == 404
        finally:
            call(engine, "DELETE", f"/containers/{made.id}?force=1")


def test_links_that_cannot_be(engine):
    assert refused(engine, {"Links": ["nobody:a"]}) == (
        400, "could not get container for nobody: No such container: nobody")
    assert refused(engine, {"Links": ["a:b:c"]})[0] == 400
    status, answer = create(engine)
    status, message = refused(engine, {"Links": [f"{answer['Id']}:a"]})
    call(engine, "DELETE", f"/containers/{answer['Id']}?force=1")
    assert status == 400 and "Cannot link to a non running container" in message


@pytest.mark.parametrize("host", [{"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
                                  {"PublishAllPorts": True}])
def test_ports_are_published(engine, host):
    status, answer = create(engine, host, ExposedPorts={"80/tcp": {}})
    assert status == 201, answer
    made = Box(engine, answer["Id"], [])
    try:
        bound = made.start().inspect()["NetworkSettings"]["Ports"]["80/tcp"]
        assert int(bound[0]["HostPort"]) > 0
        assert "PublishAllPorts" in host or bound[0]["HostIp"] == "127.0.0.1"
    finally:
        call(engine, "DELETE", f"/containers/{made.id}?force=1")
