"""macvlan and ipvlan networks: on a link of the host, with another host on it."""
import json
import os
import subprocess
import time
import uuid

import pytest

from test_networks import addresses, box, inspect, net, sh  # noqa: F401 (fixtures)


def ip(*args, check=True):
    done = subprocess.run(["ip", *args], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture
def link(engine):
    """(device of this host, namespace of another host on its link, which is 10.<n>.1.254/24, n)."""
    tag = uuid.uuid4().hex[:6]
    here, there, space, n = f"mp{tag}", f"mq{tag}", f"hull-mv-{tag}", 20 + os.getpid() % 40 + int(tag[:2], 16) % 100
    ip("netns", "add", space)
    ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
    ip("link", "set", here, "up")
    ip("-n", space, "link", "set", there, "up")
    ip("-n", space, "addr", "add", f"10.{n}.1.254/24", "dev", there)
    yield here, space, n
    ip("link", "del", here, check=False)
    ip("netns", "del", space)


def kernel_has(kind):
    tag = "pr" + uuid.uuid4().hex[:6]
    # Refused as invalid by a kernel that knows the kind, without the device it is to be on.
    return "Unknown device type" not in ip("link", "add", tag, "type", kind, check=False).stderr


def test_on_the_link(engine, net, box, link):
    here, space, n = link
    name = net("-d", "macvlan", "-o", f"parent={here}", "--subnet", f"10.{n}.1.0/24", "--gateway", f"10.{n}.1.254",
               "--ip-range", f"10.{n}.1.128/25", "--aux-address", f"printer=10.{n}.1.128")
    seen = inspect(engine, "network", name)
    assert seen["Driver"] == "macvlan" and seen["Options"] == {"parent": here} and seen["Scope"] == "local"
    assert seen["IPAM"]["Config"][0]["Gateway"] == f"10.{n}.1.254" and not seen["Internal"]
    a = box("--network", name, "--network-alias", "first", "--ip", f"10.{n}.1.7", "--mac-address", "02:42:00:00:00:77",
            command=("sh", "-c", "while :; do echo hi | nc -l -p 80; done"))
    b = box("--network", name)
    mine = inspect(engine, "container", b)["NetworkSettings"]["Networks"][name]
    assert mine["IPAddress"] == f"10.{n}.1.129" and mine["Gateway"] == f"10.{n}.1.254"
    shown = sh(engine, b, "ip addr show eth0; ip route; cat /proc/net/dev").stdout
    assert mine["MacAddress"] in shown and f"default via 10.{n}.1.254" in shown
    assert "02:42:00:00:00:77" in sh(engine, a, "ip addr show eth0").stdout
    assert addresses(engine, b, "first") == [f"10.{n}.1.7"]
    assert sh(engine, b, "ping -c1 -W3 first").returncode == 0
    # The other host sees them as neighbours, and they it, with no address translated.
    assert sh(engine, b, f"ping -c1 -W3 10.{n}.1.254").returncode == 0
    assert sh(engine, a, f"ping -c1 -W3 10.{n}.1.254").returncode == 0
    code = f"import socket; print(socket.create_connection(('10.{n}.1.7', 80), 5).makefile().read())"
    deadline = time.monotonic() + 10
    while "hi" not in ip("netns", "exec", space, "/usr/bin/python3", "-c", code, check=False).stdout:
        assert time.monotonic() < deadline
    assert "02:42:00:00:00:77" in ip("-n", space, "neigh").stdout
    assert f"10.{n}.1.129/24" in json.dumps(inspect(engine, "network", name)["Containers"])


def test_connect_and_disconnect_while_it_runs(engine, net, box, link):
    here, _, n = link
    name = net("-d", "macvlan", "-o", f"parent={here}", "--subnet", f"10.{n}.1.0/24")
    bridge = net()
    a = box("--network", bridge, "-p", "80")
    for _ in range(3):
        assert engine.docker("network", "connect", name, a).returncode == 0
        assert f"10.{n}.1.2/24" in sh(engine, a, "ip -o addr show eth1").stdout
        done = engine.docker("network", "connect", name, a)
        assert done.returncode == 1 and "already exists in network" in done.stderr
        assert engine.docker("network", "disconnect", name, a).returncode == 0
        assert sh(engine, a, "ip -o link show eth1").returncode != 0
    # Its ports stay where they can be published.
    assert engine.docker("port", a).stdout
    # The one network it has, and stopped: the address is free again.
    b = box("--network", name)
    engine.docker("stop", "-t0", b)
    c = box("--network", name)
    assert inspect(engine, "container", c)["NetworkSettings"]["Networks"][name]["IPAddress"] == f"10.{n}.1.2"


def test_without_a_parent_nothing_leads_out(engine, net, box):
    name = net("-d", "macvlan")
    seen = inspect(engine, "network", name)
    device = "dm-" + seen["Id"][:12]
    assert ip("link", "show", device).returncode == 0
    a, b = box("--network", name, "--network-alias", "one"), box("--network", name)
    assert "default" not in sh(engine, b, "ip route").stdout
    assert sh(engine, b, "ping -c1 -W3 one").returncode == 0
    # It takes a published port as Docker does: without effect.
    c = box("--network", name, "-p", "80")
    assert engine.docker("port", c).stdout == ""
    engine.docker("rm", "-f", a, b, c)
    assert engine.docker("network", "rm", name).returncode == 0
    assert ip("link", "show", device, check=False).returncode != 0
    net(name=name)


def test_modes(engine, net, box, link):
    here, _, n = link
    private = net("-d", "macvlan", "-o", f"parent={here}", "-o", "macvlan_mode=private", "--subnet", f"10.{n}.1.0/24")
    a, b = box("--network", private, "--ip", f"10.{n}.1.7"), box("--network", private)
    assert sh(engine, b, f"ping -c1 -W1 10.{n}.1.7").returncode != 0
    assert sh(engine, b, f"ping -c1 -W3 10.{n}.1.254").returncode == 0
    done = engine.docker("network", "create", "-d", "macvlan", "-o", f"parent={here}", "-o", "macvlan_mode=passthru", "x1")
    assert done.returncode == 1 and "cannot use mode passthru, macvlan network" in done.stderr
    # A second one on the same device, as Docker's newer releases have it.
    net("-d", "macvlan", "-o", f"parent={here}", "-o", "macvlan_mode=vepa", "--subnet", f"10.{n}.2.0/24")


def test_passthru(engine, net, box, link):
    here, _, n = link
    name = net("-d", "macvlan", "-o", f"parent={here}", "-o", "macvlan_mode=passthru", "--subnet", f"10.{n}.1.0/24")
    a = box("--network", name)
    assert sh(engine, a, f"ping -c1 -W3 10.{n}.1.254").returncode == 0
    mac = json.loads(ip("-j", "link", "show", here).stdout)[0]["address"]
    assert inspect(engine, "container", a)["NetworkSettings"]["Networks"][name]["MacAddress"] == mac
    done = engine.docker("run", "--rm", "--network", name, "busybox", "true")
    assert done.returncode == 125
    assert sh(engine, a, f"ping -c1 -W3 10.{n}.1.254").returncode == 0


@pytest.mark.parametrize("flags, text", [
    (["-d", "macvlan", "-o", "macvlan_mode=foo"],
     "requested macvlan mode 'foo' is not valid, 'bridge' mode is the macvlan driver default"),
    (["-d", "macvlan", "-o", "parent=lo"], "loopback interface is not a valid macvlan parent link"),
    (["-d", "macvlan", "-o", "parent=nosuch"], "invalid subinterface vlan name nosuch, example formatting is eth0.10"),
    (["-d", "macvlan", "-o", "parent=nosuch.10"], "parent interface was not found on the host: nosuch"),
    (["-d", "macvlan", "-o", "parent=a.b.c"],
     "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received a.b.c"),
    (["-d", "macvlan", "-o", "parent=lo.5000"], "vlan id must be between 1-4094, received: 5000"),
    (["-d", "ipvlan", "-o", "ipvlan_mode=l7"],
     "requested ipvlan mode 'l7' is not valid, 'l2' mode is the ipvlan driver default"),
])
def test_what_cannot_be_made(engine, flags, text):
    done = engine.docker("network", "create", *flags, "x1")
    assert done.returncode == 1 and text in done.stderr
    assert "x1" not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()


def test_sub_interfaces(engine, net, box, link):
    here, _, n = link
    done = engine.docker("network", "create", "-d", "macvlan", "-o", f"parent={here}.10", "--subnet",
                         f"10.{n}.3.0/24", f"v{here}")
    if not kernel_has("vlan"):
        assert done.returncode == 1 and "load the module 8021q" in done.stderr
        assert ip("link", "show", f"{here}.10", check=False).returncode != 0
        return
    assert done.returncode == 0 and ip("link", "show", f"{here}.10").returncode == 0
    assert engine.docker("network", "rm", f"v{here}").returncode == 0
    assert ip("link", "show", f"{here}.10", check=False).returncode != 0


@pytest.mark.skipif(kernel_has("ipvlan"), reason="this kernel has ipvlan")
def test_ipvlan_without_its_module(engine):
    done = engine.docker("network", "create", "-d", "ipvlan", "x1")
    assert done.returncode == 1 and "load the module ipvlan" in done.stderr
    assert "di-" not in ip("-o", "link").stdout


@pytest.mark.skipif(not kernel_has("ipvlan"), reason="this kernel has no ipvlan")
def test_ipvlan(engine, net, box, link):
    here, _, n = link
    name = net("-d", "ipvlan", "-o", f"parent={here}", "--subnet", f"10.{n}.1.0/24", "--gateway", f"10.{n}.1.254")
    assert sh(engine, box("--network", name), f"ping -c1 -W3 10.{n}.1.254").returncode == 0


def test_the_engine_is_killed(new_engine, link):
    here, _, n = link
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    assert engine.docker("network", "create", "-d", "macvlan", "-o", f"parent={here}", "--subnet", f"10.{n}.1.0/24",
                         "mv").returncode == 0
    assert engine.docker("network", "create", "-d", "macvlan", "alone").returncode == 0
    a = engine.docker("run", "-d", "--network", "mv", "busybox", "sleep", "600").stdout.strip()
    engine.kill()
    assert engine.docker("ps").returncode != 0
    engine.start()
    assert sh(engine, a, f"ping -c1 -W3 10.{n}.1.254").returncode == 0
    b = engine.docker("run", "-d", "--network", "mv", "busybox", "sleep", "600").stdout.strip()
    assert inspect(engine, "container", b)["NetworkSettings"]["Networks"]["mv"]["IPAddress"] == f"10.{n}.1.3"
    assert engine.docker("network", "disconnect", "mv", a).returncode == 0
    assert sh(engine, a, "ip -o link show eth0").returncode != 0
    engine.docker("rm", "-f", a, b)
    assert engine.docker("network", "rm", "mv", "alone").returncode == 0
    assert engine.hull("system", "check").returncode == 0
