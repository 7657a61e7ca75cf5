"""Networks that are only settings, those that have theirs from them, and several subnets."""
import json
import subprocess
import uuid

import pytest

from test_networks import box, inspect, net, sh  # noqa: F401 (fixtures)


def create(engine, *flags):
    return engine.docker("network", "create", *flags)


def test_settings_of_another_network(engine, net, box):
    config = net("--config-only", "--subnet", "10.202.1.0/24", "--label", "a=b", "-o",
                 "com.docker.network.driver.mtu=1400")
    seen = inspect(engine, "network", config)
    assert seen["ConfigOnly"] is True and seen["Driver"] == "null" and seen["Labels"] == {"a": "b"}
    assert seen["IPAM"]["Config"] == [{"Subnet": "10.202.1.0/24"}]
    assert "br-" + seen["Id"][:12] not in subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    name = net("--config-from", config)
    seen = inspect(engine, "network", name)
    assert seen["ConfigFrom"] == {"Network": config} and seen["ConfigOnly"] is False and seen["Driver"] == "bridge"
    assert seen["Labels"] == {"a": "b"} and seen["IPAM"]["Config"][0]["Subnet"] == "10.202.1.0/24"
    user = box("--network", name)
    shown = sh(engine, user, "ip addr show eth0").stdout
    assert "10.202.1.2/24" in shown and "mtu 1400" in shown
    done = engine.docker("network", "rm", config)
    assert done.returncode == 1
    assert f'error while removing network: configuration network "{config}" is in use' in done.stderr
    done = engine.docker("run", "--rm", "--network", config, "busybox", "true")
    assert done.returncode == 125 and "configuration-only" in done.stderr
    engine.docker("network", "prune", "-f")
    assert inspect(engine, "network", config)["ConfigOnly"] is True
    engine.docker("rm", "-f", user)
    assert engine.docker("network", "rm", name).returncode == 0


@pytest.mark.parametrize("flags, text", [
    (["--config-only", "--internal"], "configuration network can only contain network specific fields"),
    (["--config-only", "--attachable"], "configuration network can only contain network specific fields"),
    (["--config-from", "nope"], 'configuration network "nope" does not exist'),
    (["--config-from", "nope", "--subnet", "10.202.9.0/24"],
     "user specified configurations are not supported if the network depends on a configuration network"),
    (["--config-from", "nope", "--label", "a=b"],
     "user specified configurations are not supported if the network depends on a configuration network"),
    (["--config-from", "nope", "-o", "a=b"],
     "network driver options are not supported if the network depends on a configuration network"),
    (["--config-from", "nope", "--config-only"],
     "a configuration network cannot depend on another configuration network"),
])
def test_what_settings_cannot_be(engine, flags, text):
    done = create(engine, *flags, "x2")
    assert done.returncode == 1 and text in done.stderr
    assert "x2" not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()


def test_addresses_of_several_subnets(engine, net, box):
    name = net("--subnet", "10.202.2.0/29", "--subnet", "10.202.3.0/24", "--gateway", "10.202.3.9", "--ip-range",
               "10.202.3.128/25", "--aux-address", "x=10.202.3.128")
    assert [c["Subnet"] for c in inspect(engine, "network", name)["IPAM"]["Config"]] == ["10.202.2.0/29", "10.202.3.0/24"]

    def where(box_id):
        seen = inspect(engine, "container", box_id)["NetworkSettings"]["Networks"][name]
        return seen["IPAddress"], seen["Gateway"], seen["IPPrefixLen"]

    first = [box("--network", name) for _ in range(5)]
    assert [where(one)[0] for one in first] == [f"10.202.2.{n}" for n in range(2, 7)]
    second = box("--network", name)
    assert where(second) == ("10.202.3.129", "10.202.3.9", 24)
    asked = box("--network", name, "--ip", "10.202.3.5")
    assert where(asked)[0] == "10.202.3.5"
    assert "default via 10.202.3.9" in sh(engine, second, "ip route").stdout
    assert "default via 10.202.2.1" in sh(engine, first[0], "ip route").stdout
    # From one subnet to the other by the bridge.
    assert sh(engine, first[0], "ping -c1 -W3 10.202.3.129").returncode == 0
    done = engine.docker("run", "--rm", "--network", name, "--ip", "10.202.4.4", "busybox", "true")
    assert done.returncode == 125 and "no configured subnet" in done.stderr
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
    assert rules.count("10.202.2.0/29") and rules.count("10.202.3.0/24")


def test_subnets_that_overlap_each_other(engine):
    done = create(engine, "--subnet", "10.202.5.0/24", "--subnet", "10.202.5.128/25", "x3")
    assert done.returncode == 1 and "overlap" in done.stderr
    name = "f" + uuid.uuid4().hex[:8]
    done = create(engine, "--subnet", "10.202.6.0/30", name)
    assert done.returncode == 0
    try:
        ids = [engine.docker("run", "-d", "--network", name, "busybox", "sleep", "60") for _ in range(2)]
        assert ids[0].returncode == 0 and ids[1].returncode == 125
        assert f"no available IPv4 addresses on this network's address pools: {name}" in ids[1].stderr
    finally:
        for one in engine.docker("ps", "-aq", "--filter", f"network={name}").stdout.split():
            engine.docker("rm", "-f", one)
        assert engine.docker("network", "rm", name).returncode == 0


def test_settings_and_subnets_outlive_the_engine(new_engine):
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    assert create(engine, "--config-only", "--subnet", "10.202.7.0/29", "--subnet", "10.202.8.0/24", "c").returncode == 0
    assert create(engine, "--config-from", "c", "n").returncode == 0
    before = json.loads(engine.docker("network", "inspect", "c", "n").stdout)
    a = engine.docker("run", "-d", "--network", "n", "--ip", "10.202.8.2", "busybox", "sleep", "600").stdout.strip()
    engine.kill()
    engine.start()
    after = json.loads(engine.docker("network", "inspect", "c", "n").stdout)
    for one in (*before, *after):
        one.pop("Containers")
    assert before == after
    done = engine.docker("run", "--rm", "--network", "n", "--ip", "10.202.8.2", "busybox", "true")
    assert done.returncode == 125 and "already in use" in done.stderr
    assert sh(engine, a, "ping -c1 -W3 10.202.8.1").returncode == 0
    engine.docker("rm", "-f", a)
    assert engine.docker("network", "rm", "n", "c").returncode == 0
