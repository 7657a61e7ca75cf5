"""linux.cgroupsPath and linux.resources: each limit as the cgroup's files show it."""
import os
import pathlib
import subprocess
import time

import pytest

from oci import CGROUP_TOP, PREFIX, wait_until


def is_v1():
    return (CGROUP_TOP / "memory/cgroup.procs").exists()


pytestmark = pytest.mark.skipif(not is_v1(), reason="these look into v1 hierarchies; v2 is tested in the machine of its own")


def need(controller, file=None):
    """Skips when the machine has no such controller, or file of it."""
    if not (CGROUP_TOP / controller).is_dir():
        pytest.skip(f"no {controller} controller is mounted")
    if file and not (CGROUP_TOP / controller / PREFIX / file).exists() and not any(
            (CGROUP_TOP / controller).glob(f"*/{file}")):
        pytest.skip(f"the kernel has no {file}")


def limited(c, **resources):
    return c.set(linux={"resources": resources}).sleeping()


# --- where -----------------------------------------------------------------------------

def test_cgroups_path_absolute(c):
    c.sleeping()
    paths = {line.split(":")[1]: line.split(":")[2] for line in c.proc("cgroup").splitlines()}
    for controller in ("cpu", "memory", "pids", "devices", "freezer", "blkio"):
        assert paths[controller] == f"/{PREFIX}/{c.id}", controller


def test_cgroups_path_relative_is_the_same_place_each_time(c):
    def place():
        c.sleeping()
        found = [line.split(":")[2] for line in c.proc("cgroup").splitlines() if ":memory:" in line]
        c.delete("--force")
        return found
    c.config["linux"]["cgroupsPath"] = f"{PREFIX}/relative-{c.id}"
    first = place()
    assert first == place()
    assert first[0].endswith(f"{PREFIX}/relative-{c.id}")


def test_without_cgroups_path_there_is_a_default(c):
    del c.config["linux"]["cgroupsPath"]
    c.sleeping()
    [path] = [line.split(":")[2] for line in c.proc("cgroup").splitlines() if ":pids:" in line]
    assert c.id in path
    c.delete("--force")
    assert not (CGROUP_TOP / f"pids{path}").exists()


def test_an_existing_cgroup_is_used(c):
    folder = CGROUP_TOP / "pids" / PREFIX / c.id
    folder.mkdir(parents=True)
    c.sleeping()
    assert str(c.pid) in (folder / "cgroup.procs").read_text().split()


def test_cgroups_of_the_container_are_gone_after_delete(c):
    c.sleeping()
    assert c.cgroups_left()
    c.delete("--force")
    assert c.cgroups_left() == []


def test_cgroups_made_inside_are_gone_too(c):
    c.namespace("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", [])
    c.set("mkdir -p /sys/fs/cgroup/pids/a/b; echo done; sleep 1000").detach()
    c.printed("done")
    c.delete("--force")
    assert c.cgroups_left() == []


def test_a_path_with_dots_is_refused_or_kept_inside(c):
    c.config["linux"]["cgroupsPath"] = f"/{PREFIX}/../../../{PREFIX}/dots"
    c.background("run")
    assert not (CGROUP_TOP.parent / PREFIX).exists()
    c.delete("--force")


# --- memory ---------------------------------------------------------------------------------

def test_memory_limit(c):
    assert limited(c, memory={"limit": 64 << 20}).cgroup("memory", "memory.limit_in_bytes") == str(64 << 20)


def test_memory_limit_holds(c):
    c.set(["/bin/memory", "100"], linux={"resources": {"memory": {"limit": 30 << 20, "swap": 30 << 20}}})
    assert c.run().returncode == 137


def test_memory_unlimited(c):
    assert int(limited(c, memory={"limit": -1}).cgroup("memory", "memory.limit_in_bytes")) > 1 << 60


def test_memory_reservation(c):
    assert limited(c, memory={"reservation": 32 << 20}).cgroup("memory", "memory.soft_limit_in_bytes") == str(32 << 20)


def test_memory_swap(c):
    limited(c, memory={"limit": 32 << 20, "swap": 64 << 20})
    assert c.cgroup("memory", "memory.memsw.limit_in_bytes") == str(64 << 20)


def test_memory_swap_unlimited(c):
    limited(c, memory={"limit": 32 << 20, "swap": -1})
    assert int(c.cgroup("memory", "memory.memsw.limit_in_bytes")) > 1 << 60


def test_memory_swap_below_the_limit_is_an_error(c):
    c.set(linux={"resources": {"memory": {"limit": 64 << 20, "swap": 32 << 20}}}).fails()
    assert c.leftovers() == []


def test_memory_swappiness(c):
    assert limited(c, memory={"swappiness": 33}).cgroup("memory", "memory.swappiness") == "33"


def test_memory_swappiness_above_100_is_an_error(c):
    c.set(linux={"resources": {"memory": {"swappiness": 400}}}).fails()


def test_memory_disable_oom_killer(c):
    limited(c, memory={"limit": 64 << 20, "disableOOMKiller": True})
    assert "oom_kill_disable 1" in c.cgroup("memory", "memory.oom_control")


def test_memory_kernel_tcp(c):
    need("memory", "memory.kmem.tcp.limit_in_bytes")
    limited(c, memory={"kernelTCP": 4 << 20})
    assert c.cgroup("memory", "memory.kmem.tcp.limit_in_bytes") == str(4 << 20)


def test_memory_kernel_is_taken_though_the_kernel_lets_it_do_nothing(c):
    limited(c, memory={"limit": 64 << 20, "kernel": 16 << 20})
    assert c.status == "running"


def test_memory_use_hierarchy(c):
    limited(c, memory={"limit": 64 << 20, "useHierarchy": True})
    assert c.cgroup("memory", "memory.use_hierarchy") == "1"


def test_memory_check_before_update_refuses_a_limit_below_the_usage(c):
    c.set(["/bin/memory", "40"], linux={"resources": {"memory": {"limit": 100 << 20, "checkBeforeUpdate": True}}})
    r, w = os.pipe()
    c.detach(stdin=r)
    c.printed("used")
    done = c.rt("update", "--resources", "-", c.id, input='{"memory": {"limit": 10485760, "checkBeforeUpdate": true}}')
    assert done.returncode == 1
    assert c.status == "running"
    assert c.cgroup("memory", "memory.limit_in_bytes") == str(100 << 20)
    os.close(r), os.close(w)


# --- cpu --------------------------------------------------------------------------------------

def test_cpu_shares(c):
    assert limited(c, cpu={"shares": 333}).cgroup("cpu", "cpu.shares") == "333"


def test_cpu_quota_and_period(c):
    limited(c, cpu={"quota": 20000, "period": 50000})
    assert c.cgroup("cpu", "cpu.cfs_quota_us") == "20000"
    assert c.cgroup("cpu", "cpu.cfs_period_us") == "50000"


def test_cpu_quota_unlimited(c):
    assert limited(c, cpu={"quota": -1}).cgroup("cpu", "cpu.cfs_quota_us") == "-1"


def test_cpu_burst(c):
    need("cpu", "cpu.cfs_burst_us")
    limited(c, cpu={"quota": 50000, "period": 100000, "burst": 20000})
    assert c.cgroup("cpu", "cpu.cfs_burst_us") == "20000"


def test_cpu_burst_above_the_quota_is_an_error(c):
    need("cpu", "cpu.cfs_burst_us")
    c.set(linux={"resources": {"cpu": {"quota": 10000, "period": 100000, "burst": 20000}}}).fails()


def test_cpu_realtime(c):
    need("cpu", "cpu.rt_runtime_us")
    limited(c, cpu={"realtimePeriod": 900000, "realtimeRuntime": 0})
    assert c.cgroup("cpu", "cpu.rt_period_us") == "900000"
    assert c.cgroup("cpu", "cpu.rt_runtime_us") == "0"


def test_cpu_idle(c):
    need("cpu", "cpu.idle")
    assert limited(c, cpu={"idle": 1}).cgroup("cpu", "cpu.idle") == "1"


def test_cpu_cpus_and_mems(c):
    limited(c, cpu={"cpus": "0", "mems": "0"})
    assert c.cgroup("cpuset", "cpuset.cpus") == "0"
    assert c.cgroup("cpuset", "cpuset.mems") == "0"
    assert "Cpus_allowed_list:\t0\n" in c.proc("status")


def test_cpus_that_are_not_there_are_an_error(c):
    c.set(linux={"resources": {"cpu": {"cpus": "999"}}}).fails()
    assert c.leftovers() == []


# --- pids --------------------------------------------------------------------------------------

def test_pids_limit(c):
    assert limited(c, pids={"limit": 17}).cgroup("pids", "pids.max") == "17"


def test_pids_limit_holds(c):
    c.set("for i in 1 2 3 4 5 6; do sleep 1 & done; wait", linux={"resources": {"pids": {"limit": 4}}})
    assert "can't fork" in c.run().stderr


def test_pids_unlimited(c):
    assert limited(c, pids={"limit": -1}).cgroup("pids", "pids.max") == "max"


def test_pids_limit_of_0_is_a_limit(c):
    """0 "SHOULD be treated as" valid: nothing can be forked; the program itself is there."""
    c.set(["/bin/sleep", "1000"], linux={"resources": {"pids": {"limit": 0}}})
    c.detach()
    assert c.cgroup("pids", "pids.max") in ("0", "1")


# --- blockIO, hugepages, network, rdma, unified ---------------------------------------------------

def disk():
    """Numbers of a block device that takes throttle rules."""
    for name in sorted(os.listdir("/sys/block")):
        if not name.startswith(("loop", "ram", "zram")):
            return [int(n) for n in pathlib.Path(f"/sys/block/{name}/dev").read_text().split(":")]
    pytest.skip("no disk")


@pytest.mark.parametrize("key,file", [("throttleReadBpsDevice", "blkio.throttle.read_bps_device"),
                                      ("throttleWriteBpsDevice", "blkio.throttle.write_bps_device"),
                                      ("throttleReadIOPSDevice", "blkio.throttle.read_iops_device"),
                                      ("throttleWriteIOPSDevice", "blkio.throttle.write_iops_device")])
def test_block_io_throttle(c, key, file):
    major, minor = disk()
    limited(c, blockIO={key: [{"major": major, "minor": minor, "rate": 1048576}]})
    assert c.cgroup("blkio", file) == f"{major}:{minor} 1048576"


@pytest.mark.parametrize("key", ["weight", "leafWeight"])
def test_block_io_weight(c, key):
    if not any((CGROUP_TOP / "blkio").glob({"weight": "*/blkio*.weight", "leafWeight": "*/blkio*.leaf_weight"}[key])):
        c.set(["/bin/true"], linux={"resources": {"blockIO": {key: 500}}}).fails()
        assert c.leftovers() == []
        return
    limited(c, blockIO={key: 500})
    assert any("500" in f.read_text() for f in c.cgroup("blkio").glob("blkio*weight"))


def takes_weight(key, text):
    """Does this kernel, with this disk's scheduler, take a weight of a device?"""
    folder = CGROUP_TOP / "blkio" / f"{PREFIX}-try"
    folder.mkdir()
    try:
        for file in folder.glob({"weight": "blkio*.weight_device", "leafWeight": "blkio*.leaf_weight_device"}[key]):
            try:
                file.write_text(text)
                return True
            except OSError:
                pass
        return False
    finally:
        folder.rmdir()


@pytest.mark.parametrize("key", ["weight", "leafWeight"])
def test_block_io_weight_device(c, key):
    major, minor = disk()
    entry = {"major": major, "minor": minor, key: 300}
    if not takes_weight(key, f"{major}:{minor} 300"):
        c.set(["/bin/true"], linux={"resources": {"blockIO": {"weightDevice": [entry]}}}).fails()
        assert c.leftovers() == []
        return
    limited(c, blockIO={"weightDevice": [entry]})
    assert any("300" in f.read_text() for f in c.cgroup("blkio").glob("blkio*weight_device"))


def test_hugepage_limits(c):
    if not (CGROUP_TOP / "hugetlb").is_dir():
        c.set(["/bin/true"], linux={"resources": {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 << 20}]}}).fails()
        assert c.leftovers() == []
        pytest.skip("no hugetlb controller is mounted: refused")
    limited(c, hugepageLimits=[{"pageSize": "2MB", "limit": 4 << 20}])
    assert c.cgroup("hugetlb", "hugetlb.2MB.limit_in_bytes") == str(4 << 20)


def test_network_class_and_priorities(c):
    if not (CGROUP_TOP / "net_cls").is_dir():
        c.set(["/bin/true"], linux={"resources": {"network": {"classID": 1048577}}}).fails()
        assert c.leftovers() == []
        pytest.skip("no net_cls controller is mounted: refused")
    limited(c, network={"classID": 1048577})
    assert c.cgroup("net_cls", "net_cls.classid") == "1048577"


def test_rdma(c):
    if not (CGROUP_TOP / "rdma").is_dir():
        c.set(["/bin/true"], linux={"resources": {"rdma": {"mlx5_1": {"hcaHandles": 3}}}}).fails()
        assert c.leftovers() == []
        pytest.skip("no rdma controller is mounted: refused")
    limited(c, rdma={"mlx5_1": {"hcaHandles": 3}})


def test_unified_without_a_v2_hierarchy_is_an_error(c):
    if (CGROUP_TOP / "cgroup.controllers").exists():
        pytest.skip("there is one")
    c.set(["/bin/true"], linux={"resources": {"unified": {"memory.max": "1000000"}}}).fails()
    assert c.leftovers() == []


# --- devices -----------------------------------------------------------------------------------------

def test_device_rules_in_order_and_what_each_container_needs(c):
    limited(c, devices=[{"allow": False, "access": "rwm"},
                        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"},
                        {"allow": True, "type": "b", "major": 7, "access": "r"}])
    rules = c.cgroup("devices", "devices.list").splitlines()
    assert "a *:* rwm" not in rules
    assert "c 10:229 rw" in rules and "b 7:* r" in rules
    for needed in ("c 1:3 rwm", "c 1:5 rwm", "c 1:9 rwm", "c 5:0 rwm"):
        assert needed in rules


def test_a_device_that_is_not_allowed_cant_be_opened(c):
    c.set(process={"capabilities": {k: ["CAP_MKNOD"] for k in ("bounding", "effective", "permitted")}})
    c.set(linux={"devices": [{"path": "/dev/other", "type": "c", "major": 10, "minor": 237}],
                 "resources": {"devices": [{"allow": False, "access": "rwm"}]}})
    assert "not permitted" in c.set("true < /dev/other").run().stderr


def test_a_device_that_is_allowed_can_be_opened(c):
    c.set(linux={"devices": [{"path": "/dev/other", "type": "c", "major": 10, "minor": 237}],
                 "resources": {"devices": [{"allow": False, "access": "rwm"},
                                           {"allow": True, "type": "c", "major": 10, "minor": 237, "access": "r"}]}})
    done = c.set("true < /dev/other && echo read; true > /dev/other && echo written").run()
    assert done.stdout == "read\n"
    assert "not permitted" in done.stderr


def test_everything_may_be_allowed(c):
    limited(c, devices=[{"allow": True, "access": "rwm"}])
    assert c.cgroup("devices", "devices.list") == "a *:* rwm"


@pytest.mark.parametrize("rule", [{"allow": True, "type": "x", "access": "rwm"},
                                  {"allow": True, "type": "c", "major": 1, "minor": 1, "access": "q"}])
def test_a_device_rule_that_makes_no_sense_is_refused(c, rule):
    c.set(linux={"resources": {"devices": [rule]}}).fails()


def test_limits_hold_for_exec_too(c):
    limited(c, pids={"limit": 3})
    done = c.exec("for i in 1 2 3 4; do sleep 1 & done; wait")
    assert "can't fork" in done.stderr
