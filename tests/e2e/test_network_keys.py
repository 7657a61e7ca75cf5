"""Keys of the daemon's configuration about networks."""
import ipaddress
import json
import os

import pytest

from test_networks import inspect, sh


@pytest.fixture
def configured(new_engine, tmp_path):
    """An engine whose networks are set up by its configuration file alone."""

    def start(**keys):
        file = tmp_path / "daemon.json"
        file.write_text(json.dumps(keys))
        engine = new_engine("--config-file", str(file), start=False)
        engine.bip = None
        engine.start()
        assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
        return engine

    return start


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
def test_addresses_of_the_default_bridge(configured):
    octet, prefix = os.getpid() % 250, f"fd7b:{os.getpid() % 65536:x}:1"
    engine = configured(bip=f"10.216.{octet}.9/24", **{"fixed-cidr": f"10.216.{octet}.128/25", "ipv6": True,
                                                       "bip6": f"{prefix}::9/64"})
    pools = inspect(engine, "network", "bridge")["IPAM"]["Config"]
    assert [pool["Subnet"] for pool in pools] == [f"10.216.{octet}.0/24", f"{prefix}::/64"]
    assert pools[0]["Gateway"] == f"10.216.{octet}.9"
    box = engine.docker("run", "-d", "busybox", "sleep", "600").stdout.strip()
    shown = sh(engine, box, "ip -o addr show eth0; ip route; ip -6 route").stdout
    assert f"10.216.{octet}.128/24" in shown and f"default via 10.216.{octet}.9" in shown
    assert f"{prefix}::" in shown and f"default via {prefix}::9" in shown
    assert sh(engine, box, f"ping -c1 -W3 10.216.{octet}.9; ping -6 -c1 -W3 {prefix}::9").returncode == 0


def test_pools_that_networks_come_from(configured):
    octet = os.getpid() % 250
    base = ipaddress.ip_network(f"10.217.{octet - octet % 4}.0/22")
    engine = configured(bip=f"10.218.{octet}.1/24", **{"default-address-pools": [{"base": str(base), "size": 24}]})
    wanted = [str(subnet) for subnet in base.subnets(new_prefix=24)]
    made = []
    for name in ("a", "b", "c", "d"):
        assert engine.docker("network", "create", name).returncode == 0
        made.append(inspect(engine, "network", name)["IPAM"]["Config"][0]["Subnet"])
    assert made == wanted
    done = engine.docker("network", "create", "e")
    assert done.returncode == 1 and "subnet" in done.stderr
    # A macvlan has its addresses from there, too, and they are as taken as others.
    assert engine.docker("network", "rm", "b").returncode == 0
    assert engine.docker("network", "create", "-d", "macvlan", "m").returncode == 0
    assert inspect(engine, "network", "m")["IPAM"]["Config"][0]["Subnet"] == wanted[1]
    assert engine.docker("network", "create", "f").returncode == 1
    for name in ("a", "c", "d", "m"):
        assert engine.docker("network", "rm", name).returncode == 0
