"""Overlay networks: two engines on two hosts (network namespaces) share one, over VXLAN."""
import subprocess
import time
import uuid

import pytest

from test_networks import inspect, sh

SUBNET = "10.77.0.0/24"


def ip(*args, check=True):
    done = subprocess.run(["ip", *args], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture
def hosts(new_engine):
    """Two engines in namespaces with one link between them: 192.0.2.1 and 192.0.2.2."""
    tag = uuid.uuid4().hex[:6]
    spaces = [f"hull-ov-{tag}-{n}" for n in (1, 2)]
    for space in spaces:
        ip("netns", "add", space)
        ip("-n", space, "link", "set", "lo", "up")
    ip("link", "add", f"ov{tag}1", "netns", spaces[0], "type", "veth", "peer", "name", f"ov{tag}2", "netns", spaces[1])
    engines = []
    for n, space in enumerate(spaces, 1):
        ip("-n", space, "addr", "add", f"192.0.2.{n}/24", "dev", f"ov{tag}{n}")
        ip("-n", space, "link", "set", f"ov{tag}{n}", "up")
        engine = new_engine(start=False)
        engine.inside = ["nsenter", f"--net=/run/netns/{space}"]
        engine.start()
        assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
        engines.append(engine)
    yield engines, spaces
    for engine in engines:
        engine.stop()
    for space in spaces:
        ip("netns", "del", space)


def run(engine, name, *flags):
    done = engine.docker("run", "-d", "--network", name, *flags, "busybox", "sleep", "600")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def address(engine, box, name="ov"):
    return inspect(engine, "container", box)["NetworkSettings"]["Networks"][name]["IPAddress"]


def make(engine, *flags, name="ov"):
    done = engine.docker("network", "create", "-d", "overlay", "--subnet", SUBNET, *flags, name)
    assert done.returncode == 0, done.stderr


def test_two_engines_share_a_network(hosts):
    engines, spaces = hosts
    for engine in engines:
        make(engine, "-o", "peers=192.0.2.1,192.0.2.2")
    one, two = (run(engine, "ov") for engine in engines)
    assert [address(engines[0], one), address(engines[1], two)] == ["10.77.0.2", "10.77.0.16"]
    for engine, box, other in ((engines[0], one, "10.77.0.16"), (engines[1], two, "10.77.0.2")):
        assert sh(engine, box, f"ping -c2 -W3 {other}").returncode == 0
    seen = inspect(engines[0], "network", "ov")
    assert seen["Driver"] == "overlay" and seen["IPAM"]["Config"] == [{"Subnet": SUBNET, "Gateway": "10.77.0.1"}]
    # Whole packets pass: what a tunnel takes is left out of the size.
    assert "mtu 1450" in sh(engines[0], one, "ip link show eth0").stdout
    assert sh(engines[0], one, "ping -c1 -W3 -s 1422 10.77.0.16").returncode == 0
    engines[1].docker("exec", "-d", two, "sh", "-c", "head -c 3000000 /dev/zero > /tmp/out; while :; do nc -l -p 99 < /tmp/out; done")
    got = sh(engines[0], one, "for i in $(seq 20); do n=$(sleep 3 | nc 10.77.0.16 99 | wc -c); [ $n = 0 ] || break; done; echo $n")
    assert got.stdout == "3000000\n", got
    # Killed, it goes on, and knows its neighbours afterwards.
    engines[0].kill()
    assert sh(engines[1], two, "ping -c2 -W3 10.77.0.2").returncode == 0
    engines[0].start()
    three = run(engines[0], "ov")
    assert address(engines[0], three) == "10.77.0.3"
    assert sh(engines[1], two, "ping -c2 -W3 10.77.0.3").returncode == 0
    devices = ip("-n", spaces[0], "-o", "link").stdout
    assert devices.count("vx-") == 1
    for engine in engines:
        for box in engine.docker("ps", "-aq").stdout.split():
            engine.docker("rm", "-f", box)
        assert engine.docker("network", "rm", "ov").returncode == 0
    assert "vx-" not in ip("-n", spaces[0], "-o", "link").stdout


def test_networks_are_apart(hosts):
    engines, _ = hosts
    for engine in engines:
        make(engine, "-o", "peers=192.0.2.1,192.0.2.2", "-o", "vni=77" if engine is engines[0] else "vni=78")
    one, two = (run(engine, "ov") for engine in engines)
    assert sh(engines[0], one, "ping -c1 -W1 10.77.0.16").returncode != 0
    assert two


def test_peers_of_a_file_and_ranges(hosts, tmp_path):
    engines, _ = hosts
    peers = tmp_path / "peers"
    peers.write_text("# both of them\n192.0.2.1\n192.0.2.2  # the second\n")
    for n, engine in enumerate(engines):
        make(engine, "-o", f"peers-file={peers}", "--ip-range", f"10.77.0.{n * 128}/25")
    one, two = (run(engine, "ov") for engine in engines)
    assert [address(engines[0], one), address(engines[1], two)] == ["10.77.0.2", "10.77.0.128"]
    assert sh(engines[0], one, "ping -c2 -W3 10.77.0.128").returncode == 0


def test_peers_of_a_file_change(hosts, tmp_path):
    """The list is followed while containers run; one that would move this machine is not."""
    engines, _ = hosts
    files = [tmp_path / "one", tmp_path / "two"]
    files[0].write_text("192.0.2.1\n")
    files[1].write_text("192.0.2.1\n192.0.2.2\n")
    for engine, file in zip(engines, files):
        make(engine, "-o", f"peers-file={file}")
    one, two = (run(engine, "ov") for engine in engines)
    there = address(engines[1], two)
    assert sh(engines[0], one, f"ping -c1 -W2 {there}").returncode != 0

    def reached():
        deadline = time.monotonic() + 20
        while sh(engines[0], one, f"ping -c1 -W1 {there}").returncode != 0:
            if time.monotonic() > deadline:
                return False
        return True

    (tmp_path / "new").write_text("192.0.2.1\n192.0.2.2\n")
    (tmp_path / "new").rename(files[0])
    assert reached()
    for bad, text in (("192.0.2.9\n192.0.2.1\n192.0.2.2\n", "another part of the subnet"), ("nonsense\n", "invalid peer")):
        files[0].write_text(bad)
        deadline = time.monotonic() + 20
        while text not in engines[0].log_text():
            assert time.monotonic() < deadline, text
            time.sleep(0.2)
        assert reached()
    # In place, too: machine 2 is gone from the list.
    files[0].write_text("192.0.2.1\n192.0.2.3\n")
    deadline = time.monotonic() + 20
    while "192.0.2.2" in fdb(engines[0]) or "192.0.2.3" not in fdb(engines[0]):
        assert time.monotonic() < deadline, fdb(engines[0])
        time.sleep(0.2)


def fdb(engine):
    return subprocess.run([*engine.inside, "bridge", "fdb"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("flags, text", [
    ([], "This node is not a swarm manager."),
    (["-o", "peers=192.0.2.77", "--subnet", SUBNET], "list this machine, too, or give -o local=..."),
    (["-o", "peers=127.0.0.1", "--subnet", SUBNET], "invalid peer"),
    (["-o", "peers=192.0.2.77", "-o", "local=192.0.2.78"], "wants a --subnet"),
    (["-o", "peers=192.0.2.77", "-o", "peers-file=/x", "--subnet", SUBNET], "not from both"),
    (["-o", "peers-file=/nonexistent", "--subnet", SUBNET], "/nonexistent"),
    (["-o", "peers=192.0.2.77", "-o", "local=192.0.2.78", "-o", "vni=0", "--subnet", SUBNET], "invalid vni"),
    (["-o", "peers=192.0.2.77", "--subnet", SUBNET, "--gateway", "10.77.0.5"], "leave out --gateway"),
])
def test_what_cannot_be_made(engine, flags, text):
    done = engine.docker("network", "create", "-d", "overlay", *flags, "x4")
    assert done.returncode == 1 and text in done.stderr, done.stderr
    assert "x4" not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    assert "vx-" not in ip("-o", "link").stdout
