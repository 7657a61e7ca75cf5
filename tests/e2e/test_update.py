"""docker update: limits of containers that run and that don't, restart policy; they last."""
import json
import os
import pathlib
import subprocess
import time

import docker as sdk
import pytest

MIB = 1 << 20


@pytest.fixture
def client(engine):
    made = sdk.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


@pytest.fixture
def box(client):
    made = []

    def make(state="running", **options):
        one = client.containers.create("busybox", ["sleep", "600"], **options)
        made.append(one)
        if state == "running":
            one.start()
        return one

    yield make
    for one in made:
        try:
            one.remove(force=True)
        except sdk.errors.NotFound:
            pass


def cgroup_value(one, controller, v1, v2):
    """What the kernel holds for the container."""
    one.reload()
    lines = pathlib.Path(f"/proc/{one.attrs['State']['Pid']}/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            for mounted in (controllers, controller):
                file = pathlib.Path(f"/sys/fs/cgroup/{mounted}{path}/{v1}")
                if file.exists():
                    return file.read_text().strip()
        if not controllers:
            file = pathlib.Path(f"/sys/fs/cgroup{path}/{v2}")
            if file.exists():
                return file.read_text().strip()
    return None


def host_config(one):
    one.reload()
    return one.attrs["HostConfig"]


def test_limits_of_a_running_container(docker, box):
    one = box()
    since = time.time()
    done = docker("update", "-m", "100m", "--memory-swap", "200m", "--memory-reservation", "50m", "-c", "512", "--cpus",
                  "0.5", "--cpuset-cpus", "0", "--pids-limit", "77", "--restart", "on-failure:3", one.id)
    assert done.returncode == 0 and done.stdout.strip() == one.id, done.stderr
    assert cgroup_value(one, "memory", "memory.limit_in_bytes", "memory.max") == str(100 * MIB)
    assert cgroup_value(one, "pids", "pids.max", "pids.max") == "77"
    quota = cgroup_value(one, "cpu", "cpu.cfs_quota_us", "cpu.max")
    assert quota.split()[0] == "50000"
    assert cgroup_value(one, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
    config = host_config(one)
    assert (config["Memory"], config["MemorySwap"], config["MemoryReservation"], config["CpuShares"], config["NanoCpus"],
            config["CpusetCpus"], config["PidsLimit"]) == (100 * MIB, 200 * MIB, 50 * MIB, 512, 500000000, "0", 77)
    assert config["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    stats = one.stats(stream=False)
    assert stats["memory_stats"]["limit"] == 100 * MIB and stats["pids_stats"]["limit"] == 77
    events = docker("events", "--since", f"{since:.6f}", "--until", f"{time.time():.6f}", "--filter",
                    f"container={one.id}", "--format", "{{.Action}}").stdout.split()
    assert events == ["update"]
    # Less than before, and none.
    assert docker("update", "-m", "50m", one.id).returncode == 0
    assert cgroup_value(one, "memory", "memory.limit_in_bytes", "memory.max") == str(50 * MIB)
    assert docker("update", "--pids-limit", "-1", one.id).returncode == 0
    assert cgroup_value(one, "pids", "pids.max", "pids.max") == "max"


def test_limits_last_over_restarts(new_engine):
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    cid = engine.docker("run", "-d", "busybox", "sleep", "600").stdout.strip()
    assert engine.docker("update", "-m", "80m", "--memory-swap", "-1", "--restart", "always", cid).returncode == 0
    engine.kill()
    engine.start()

    def config():
        return json.loads(engine.docker("inspect", cid).stdout)[0]["HostConfig"]

    assert config()["Memory"] == 80 * MIB and config()["RestartPolicy"]["Name"] == "always"
    assert engine.docker("restart", "-t", "0", cid).returncode == 0
    out = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", cid).stdout
    assert out.strip().endswith("80MiB")
    # The new policy counts.
    assert engine.docker("exec", cid, "kill", "-9", "1").returncode in (0, 137)
    pid = json.loads(engine.docker("inspect", cid).stdout)[0]["State"]["Pid"]
    os.kill(pid, 9)
    deadline = time.time() + 10
    while time.time() < deadline:
        state = json.loads(engine.docker("inspect", cid).stdout)[0]
        if state["State"]["Running"] and state["State"]["Pid"] not in (0, pid):
            break
        time.sleep(0.1)
    assert state["RestartCount"] == 1 and state["State"]["Running"]


def test_a_container_that_does_not_run(docker, client, box):
    one = box("created")
    client.api.update_container(one.id, mem_limit="64m", memswap_limit="64m", cpu_shares=99)
    one.start()
    assert cgroup_value(one, "memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)
    assert host_config(one)["CpuShares"] == 99


def test_several_at_once(docker, box):
    first, second = box(), box()
    done = docker("update", "--cpu-shares", "33", first.id, second.id, "nope")
    assert done.returncode == 1 and "No such container: nope" in done.stderr
    assert host_config(first)["CpuShares"] == host_config(second)["CpuShares"] == 33


def test_errors(engine, docker, box):
    one = box(nano_cpus=500000000, auto_remove=True)
    for flags, text in [
        (["-m", "1k"], "Minimum memory limit allowed is 6MB"),
        (["-m", "100m"], "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the"
                         " same time"),
        (["--cpu-period", "10000"], "CPU Period cannot be updated as NanoCPUs has already been set"),
        (["--cpuset-cpus", "99"], "Requested CPUs are not available"),
        (["--restart", "always"], "Restart policy cannot be updated because AutoRemove is enabled for the container"),
        (["--restart", "foo"], "invalid restart policy"),
    ]:
        done = docker("update", *flags, one.id)
        assert done.returncode == 1 and text in done.stderr, (flags, done.stderr)
    assert cgroup_value(one, "memory", "memory.limit_in_bytes", "memory.max") != str(100 * MIB)

    def post(body):
        command = ["curl", "-s", "-X", "POST", "--unix-socket", str(engine.socket), "-w", "\n%{http_code}", "-H",
                   "Content-Type: application/json", "-d", body, f"http://h/containers/{one.id}/update"]
        reply, _, code = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.rpartition("\n")
        return int(code), json.loads(reply)

    assert post("{}") == (200, {"Warnings": None})
    assert post('{"Memory": "x"}')[0] == 400
    assert post('{"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}]}')[0] == 400
    assert post('{"CpuShares": 2, "MemorySwappiness": null, "Devices": [], "Ulimits": null}')[0] == 200
