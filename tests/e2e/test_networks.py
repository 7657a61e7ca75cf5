"""User-defined networks: addresses, names, isolation, several at once, restarts."""
import contextlib
import json
import subprocess
import threading
import time
import uuid

import docker as docker_py
import pytest


@pytest.fixture
def net(engine):
    """Makes networks that are gone afterwards, with whoever is on them."""
    made = []

    def create(*flags, name=None):
        name = name or "n" + uuid.uuid4().hex[:10]
        done = engine.docker("network", "create", *flags, name)
        assert done.returncode == 0, done.stderr
        made.append(name)
        return name

    yield create
    for name in made:
        for box in engine.docker("ps", "-aq", "--filter", f"network={name}").stdout.split():
            engine.docker("rm", "-f", box)
        engine.docker("network", "rm", name)
        assert name not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()


@pytest.fixture
def box(engine):
    """Runs containers that sleep, removed afterwards."""
    made = []

    def run(*flags, command=("sleep", "600")):
        done = engine.docker("run", "-d", *flags, "busybox", *command)
        assert done.returncode == 0, done.stderr
        made.append(done.stdout.strip())
        return made[-1]

    yield run
    for one in made:
        engine.docker("rm", "-f", one)


def sh(engine, where, text):
    return engine.docker("exec", where, "sh", "-c", text)


def inspect(engine, what, name):
    return json.loads(engine.docker(what, "inspect", name).stdout)[0]


def addresses(engine, where, name):
    """What the name server says, by the container's own resolver."""
    out = sh(engine, where, f"nslookup {name} 127.0.0.11").stdout
    return [line.split()[-1] for line in out.splitlines()[2:] if line.startswith("Address")]


def test_create_inspect_list_remove(engine, net):
    name = net("--subnet", "10.201.7.0/24", "--gateway", "10.201.7.254", "--ip-range", "10.201.7.128/25",
               "--aux-address", "x=10.201.7.129", "--label", "a=b", "-o", "com.docker.network.driver.mtu=1400")
    seen = inspect(engine, "network", name)
    assert seen["Name"] == name and seen["Driver"] == "bridge" and seen["Labels"] == {"a": "b"} and len(seen["Id"]) == 64
    assert seen["IPAM"]["Config"] == [{"Subnet": "10.201.7.0/24", "IPRange": "10.201.7.128/25",
                                       "Gateway": "10.201.7.254", "AuxiliaryAddresses": {"x": "10.201.7.129"}}]
    assert seen["Options"] == {"com.docker.network.driver.mtu": "1400"} and seen["Scope"] == "local"
    assert name in engine.docker("network", "ls", "--filter", "label=a=b", "--format", "{{.Name}}").stdout.split()
    assert name in engine.docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}").stdout.split()
    assert name not in engine.docker("network", "ls", "--filter", "type=builtin", "--format", "{{.Name}}").stdout.split()
    device = "br-" + seen["Id"][:12]
    assert "mtu 1400" in subprocess.run(["ip", "addr", "show", device], capture_output=True, text=True).stdout
    out = engine.docker("run", "--rm", "--network", name, "busybox", "sh", "-c", "ip -o -4 addr show eth0; ip route; cat /sys/class/net/eth0/mtu").stdout
    assert "10.201.7.128/24" in out and "default via 10.201.7.254" in out and out.endswith("1400\n")
    assert inspect(engine, "network", seen["Id"][:12])["Name"] == name


@pytest.mark.parametrize("flags, text", [
    (["bridge"], "operation is not permitted on predefined bridge network"),
    (["--driver", "nope", "x1"], 'plugin "nope" not found'),
    (["--subnet", "10.201.8.1/24", "x1"], "invalid subnet"),
    (["--subnet", "10.201.8.0/24", "--gateway", "10.9.9.9", "x1"], "10.9.9.9"),
])
def test_what_cannot_be_made(engine, flags, text):
    done = engine.docker("network", "create", *flags)
    assert done.returncode == 1 and text in done.stderr
    assert "x1" not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()


def test_names_and_subnets_are_taken_once(engine, net):
    name = net("--subnet", "10.201.9.0/24")
    done = engine.docker("network", "create", name)
    assert done.returncode == 1 and f"network with name {name} already exists" in done.stderr
    done = engine.docker("network", "create", "--subnet", "10.201.0.0/16", name + "b")
    assert done.returncode == 1 and "Pool overlaps with other one on this address space" in done.stderr
    first, second = inspect(engine, "network", net()), inspect(engine, "network", net())
    assert first["IPAM"]["Config"][0]["Subnet"] != second["IPAM"]["Config"][0]["Subnet"]


def test_names_of_containers(engine, net, box):
    name = net()
    tag = uuid.uuid4().hex[:8]
    a = box("--name", f"web{tag}", "--network", name, "--network-alias", "front", "--hostname", "thehost")
    b = box("--network", name)
    ip = inspect(engine, "container", a)["NetworkSettings"]["Networks"][name]["IPAddress"]
    for known in (f"web{tag}", f"WEB{tag}", "front", a[:12], "thehost", f"web{tag}.{name}"):
        assert addresses(engine, b, known) == [ip], known
    out = sh(engine, b, f"nslookup {ip} 127.0.0.11").stdout
    assert f"web{tag}.{name}" in out, out
    assert sh(engine, b, f"ping -c1 -W2 front").returncode == 0
    resolv = sh(engine, b, "cat /etc/resolv.conf").stdout
    assert "nameserver 127.0.0.11" in resolv and "ndots:0" in resolv
    # AAAA of a name with IPv4 only: no error, no address.
    assert "NXDOMAIN" not in sh(engine, b, "nslookup -type=aaaa front 127.0.0.11").stdout
    engine.docker("rename", a, f"other{tag}")
    assert addresses(engine, b, f"other{tag}") == [ip] and addresses(engine, b, f"web{tag}") == []
    engine.docker("rm", "-f", a)
    assert addresses(engine, b, "front") == []


def test_service_alias_goes_round(engine, net, box):
    name = net()
    several = {inspect(engine, "container", box("--network", name, "--network-alias", "svc"))["NetworkSettings"]
               ["Networks"][name]["IPAddress"] for _ in range(3)}
    asker = box("--network", name)
    answers = [addresses(engine, asker, "svc") for _ in range(6)]
    assert all(set(a) == several for a in answers) and len({a[0] for a in answers}) > 1


def test_names_over_tcp_and_port_53_is_the_containers(engine, net, box):
    name = net()
    a = box("--network", name, "--network-alias", "there")
    ip = inspect(engine, "container", a)["NetworkSettings"]["Networks"][name]["IPAddress"]
    query = "\\x00\\x17\\xab\\xcd\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x05there\\x00\\x00\\x01\\x00\\x01"
    out = sh(engine, a, f"printf '{query}' | nc -w 2 127.0.0.11 53 | od -An -tu1").stdout.split()
    assert ".".join(out[-4:]) == ip, out
    # A name server of the container's own has room.
    assert sh(engine, a, "nc -l -p 53 & sleep 0.3; netstat -ltn | grep -q ':53 '").returncode == 0


def test_outside_names_are_forwarded(engine, net, box):
    """To the server that --dns names, asked from the container's own network."""
    name = net("--subnet", "10.201.11.0/24")
    answer = threading.Event()
    import socket
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("10.201.11.1", 53))
    server.settimeout(0.2)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                data, who = server.recvfrom(4096)
                end = data.index(b"\0", 12) + 5
                server.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x01\x02\x03\x04", who)
                answer.set()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        a = box("--network", name, "--dns", "10.201.11.1")
        assert addresses(engine, a, "www.example.org") [:1] == ["1.2.3.4"]
        assert answer.is_set()
        # Kept: nobody outside is asked again.
        stop.set()
        thread.join()
        assert addresses(engine, a, "www.example.org") [:1] == ["1.2.3.4"]
    finally:
        stop.set()
        thread.join()
        server.close()


def test_networks_are_isolated(engine, net, box):
    one, two = net(), net()
    a = box("--network", one, command=("sh", "-c", "while :; do echo x | nc -l -p 80; done"))
    b, c = box("--network", two), box("--network", one)
    ip = inspect(engine, "container", a)["NetworkSettings"]["Networks"][one]["IPAddress"]
    assert sh(engine, c, f"nc -w 2 {ip} 80").stdout == "x\n"
    assert sh(engine, b, f"nc -w 2 {ip} 80").returncode != 0
    assert sh(engine, box(), f"nc -w 2 {ip} 80").returncode != 0
    # With both, it is reached; a name is known where both are.
    engine.docker("network", "connect", "--alias", "bee", one, b, check=True)
    assert sh(engine, b, f"nc -w 2 {ip} 80").stdout == "x\n"
    assert len(addresses(engine, c, "bee")) == 1
    assert set(inspect(engine, "container", b)["NetworkSettings"]["Networks"]) == {one, two}
    assert "eth1" in sh(engine, b, "ip -o link").stdout
    engine.docker("network", "disconnect", one, b, check=True)
    assert sh(engine, b, f"nc -w 2 {ip} 80").returncode != 0
    assert "eth1" not in sh(engine, b, "ip -o link").stdout and addresses(engine, c, "bee") == []


def test_internal_networks_lead_nowhere(engine, net, box):
    name = net("--internal")
    a, b = box("--network", name, "--network-alias", "a"), box("--network", name)
    assert sh(engine, b, "ping -c1 -W2 a").returncode == 0
    assert "default" not in sh(engine, b, "ip route").stdout
    assert sh(engine, b, "nslookup www.example.org 127.0.0.11").returncode != 0
    gateway = inspect(engine, "network", name)["IPAM"]["Config"][0]
    assert inspect(engine, "network", name)["Internal"] is True and gateway["Subnet"]


def test_fixed_address_mac_and_default_gateway(engine, net, box):
    one, two = net("--subnet", "10.201.12.0/24", name="na" + uuid.uuid4().hex[:6]), net(name="nb" + uuid.uuid4().hex[:6])
    a = box("--network", one, "--ip", "10.201.12.77", "--mac-address", "02:42:aa:bb:cc:dd")
    seen = inspect(engine, "container", a)["NetworkSettings"]["Networks"][one]
    assert seen["IPAddress"] == "10.201.12.77" and seen["MacAddress"] == "02:42:aa:bb:cc:dd"
    assert "02:42:aa:bb:cc:dd" in sh(engine, a, "ip link show eth0").stdout
    done = engine.docker("run", "--rm", "--network", one, "--ip", "10.201.12.77", "busybox", "true")
    assert done.returncode == 125 and "Address already in use" in done.stderr
    done = engine.docker("run", "--rm", "--network", one, "--ip", "10.9.9.9", "busybox", "true")
    assert done.returncode == 125 and "10.9.9.9" in done.stderr
    engine.docker("network", "connect", two, a, check=True)
    assert "default via 10.201.12.1 dev eth0" in sh(engine, a, "ip route").stdout
    engine.docker("network", "disconnect", one, a, check=True)
    assert "dev eth1" in [l for l in sh(engine, a, "ip route").stdout.splitlines() if l.startswith("default")][0]
    # Both from the start, as a stopped one keeps them.
    engine.docker("network", "connect", "--ip", "10.201.12.78", one, a, check=True)
    engine.docker("restart", "-t", "0", a, check=True)
    nets = inspect(engine, "container", a)["NetworkSettings"]["Networks"]
    assert nets[one]["IPAddress"] == "10.201.12.78" and nets[two]["IPAddress"]
    assert "default via 10.201.12.1" in sh(engine, a, "ip route").stdout


def test_connect_before_the_start(engine, net):
    one, two = net(), net()
    made = engine.docker("create", "--network", one, "busybox", "sh", "-c", "ls /sys/class/net; nslookup me 127.0.0.11").stdout.strip()
    try:
        engine.docker("network", "connect", "--alias", "me", two, made, check=True)
        assert set(inspect(engine, "container", made)["NetworkSettings"]["Networks"]) == {one, two}
        out = engine.docker("start", "-a", made).stdout
        assert "eth0" in out and "eth1" in out
        engine.docker("network", "disconnect", two, made, check=True)
        assert set(inspect(engine, "container", made)["NetworkSettings"]["Networks"]) == {one}
        assert "eth1" not in engine.docker("start", "-a", made).stdout
    finally:
        engine.docker("rm", "-f", made)


def test_default_bridge_and_back(engine, net, box):
    name = net()
    a = box()
    engine.docker("network", "connect", name, a, check=True)
    assert set(inspect(engine, "container", a)["NetworkSettings"]["Networks"]) == {"bridge", name}
    engine.docker("network", "disconnect", "bridge", a, check=True)
    assert sh(engine, a, "ip -o -4 addr").stdout.count("eth") >= 1
    assert "bridge" not in inspect(engine, "container", a)["NetworkSettings"]["Networks"]
    engine.docker("network", "connect", "bridge", a, check=True)
    assert sh(engine, a, f"ping -c1 -W2 {engine.bip.split('/')[0]}").returncode == 0
    done = engine.docker("network", "connect", "bridge", a)
    assert done.returncode == 1 and "already exists in network bridge" in done.stderr


def test_links(engine, net, box):
    tag = uuid.uuid4().hex[:8]
    a = box("--name", f"db{tag}", "-h", "dbhost")
    out = engine.docker("run", "--rm", "--link", f"db{tag}:database", "busybox", "sh", "-c",
                        "grep database /etc/hosts; ping -c1 -W2 database >/dev/null && echo ok").stdout
    assert "database dbhost" in out and out.endswith("ok\n"), out
    name = net()
    b = box("--name", f"cache{tag}", "--network", name)
    c = box("--network", name, "--link", f"cache{tag}:memo")
    d = box("--network", name)
    assert len(addresses(engine, c, "memo")) == 1 and addresses(engine, d, "memo") == []
    engine.docker("stop", "-t", "0", a)
    done = engine.docker("run", "--rm", "--link", f"db{tag}", "busybox", "true")
    assert done.returncode == 125 and "Cannot link to a non running container" in done.stderr


def test_removal(engine, net, box):
    name = net()
    a = box("--network", name)
    done = engine.docker("network", "rm", name)
    assert done.returncode == 1 and f"network {name} id " in done.stderr and "has active endpoints" in done.stderr
    seen = inspect(engine, "network", name)
    (one,) = seen["Containers"].values()
    assert one["IPv4Address"].endswith("/16") or "/" in one["IPv4Address"]
    engine.docker("rm", "-f", a)
    unused = net()
    assert unused in engine.docker("network", "prune", "-f").stdout
    assert unused not in engine.docker("network", "ls", "--format", "{{.Name}}").stdout
    done = engine.docker("network", "rm", "bridge")
    assert done.returncode == 1 and "bridge is a pre-defined network and cannot be removed" in done.stderr
    done = engine.docker("run", "--rm", "--network", "no-such-net", "busybox", "true")
    assert done.returncode == 125 and "network no-such-net not found" in done.stderr


def test_ports_on_user_defined_networks(engine, net, box):
    from test_ports import fetch, free_port, ports_of, SERVE
    one, two = net(), net()
    port = free_port()
    a = box("--network", one, "-h", "srv", "-p", f"{port}:80", command=("sh", "-c", SERVE.format(port=80)))
    assert fetch("127.0.0.1", port) == "from-srv\n"
    # From another network, by the host.
    b = box("--network", two)
    gateway = inspect(engine, "network", two)["IPAM"]["Config"][0]["Gateway"]
    assert sh(engine, b, f"nc -w 3 {gateway} {port}").stdout == "from-srv\n"
    # They move with the way out.
    engine.docker("network", "connect", two, a, check=True)
    engine.docker("network", "disconnect", one, a, check=True)
    assert fetch("127.0.0.1", port) == "from-srv\n"
    assert ports_of(engine, a)["80/tcp"][0]["HostPort"] == str(port)


def test_events(engine, net):
    client = docker_py.APIClient(base_url=engine.host, version="1.43")
    since = time.time() - 0.1
    name = net()
    engine.docker("run", "--rm", "--network", name, "busybox", "true", check=True)
    time.sleep(0.2)
    engine.docker("network", "rm", name, check=True)
    actions = [e["Action"] for e in client.events(since=since, until=time.time() + 0.1, decode=True,
                                                  filters={"type": "network"}) if e["Actor"]["Attributes"]["name"] == name]
    client.close()
    assert actions == ["create", "connect", "disconnect", "destroy"]


def test_python_docker(engine):
    client = docker_py.DockerClient(base_url=engine.host)
    name = "n" + uuid.uuid4().hex[:8]
    network = client.networks.create(name, driver="bridge", ipam=docker_py.types.IPAMConfig(
        pool_configs=[docker_py.types.IPAMPool(subnet="10.201.13.0/24", gateway="10.201.13.9")]), check_duplicate=True)
    box = client.containers.run("busybox", "sleep 60", detach=True)
    try:
        network.connect(box, aliases=["al"], ipv4_address="10.201.13.50")
        box.reload()
        assert box.attrs["NetworkSettings"]["Networks"][name]["IPAddress"] == "10.201.13.50"
        network.reload()
        assert [c.id for c in network.containers] == [box.id]
        network.disconnect(box)
    finally:
        box.remove(force=True)
        network.remove()
        client.close()


def test_network_survives_the_engine(new_engine):
    engine = new_engine()
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    engine.docker("network", "create", "--label", "k=v", "lasting", check=True)
    try:
        a = engine.docker("run", "-d", "--network", "lasting", "--network-alias", "peer", "busybox", "sleep", "600").stdout.strip()
        b = engine.docker("run", "-d", "--network", "lasting", "busybox", "sleep", "600").stdout.strip()
        ip = addresses(engine, b, "peer")
        assert len(ip) == 1
        before = inspect(engine, "network", "lasting")
        engine.kill()
        engine.start()
        after = inspect(engine, "network", "lasting")
        assert after == before
        assert addresses(engine, b, "peer") == ip
        assert sh(engine, b, "ping -c1 -W2 peer").returncode == 0
        c = engine.docker("run", "--rm", "--network", "lasting", "busybox", "ip", "-o", "-4", "addr", "show", "eth0").stdout
        assert ip[0] not in c
        engine.docker("rm", "-f", a, b)
    finally:
        assert engine.docker("network", "rm", "lasting").returncode == 0


def test_rules_come_back(engine, net, box):
    """Somebody flushes the firewall: ports and networks work on within seconds."""
    from test_ports import fetch, free_port, serving
    port, name = free_port(), net()
    device = "br-" + inspect(engine, "network", name)["Id"][:12]
    nft = lambda *a: subprocess.run(["nft", *a], capture_output=True, text=True)
    whole = nft("list", "table", "inet", f"hull-{device}").stdout.count("\n")
    with serving(engine, "--network", name, "-p", f"{port}:80"), serving(engine, "-p", "81"):
        assert fetch("127.0.0.1", port) == "from-srv\n"
        # Not the whole rule set: other engines run on this machine.
        for spoil in (("delete", "table", "inet", f"hull-{device}"), ("flush", "table", "inet", f"hull-{device}"),
                      ("flush", "map", "inet", f"hull-{device}", "ports"),
                      ("delete", "table", "inet", f"hull-{engine.bridge}")):
            assert nft(*spoil).returncode == 0, spoil
            deadline = time.monotonic() + 5
            while True:
                shown = nft("list", "table", "inet", f"hull-{device}").stdout
                default = nft("list", "table", "inet", f"hull-{engine.bridge}").stdout
                if shown.count("\n") >= whole and str(port) in shown and "chain forward" in default:
                    break
                assert time.monotonic() < deadline, spoil
                time.sleep(0.1)
            assert fetch("127.0.0.1", port) == "from-srv\n"
