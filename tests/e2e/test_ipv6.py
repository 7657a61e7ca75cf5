"""IPv6: dual-stack and IPv6-only networks, names, published ports, other hosts, restarts."""
import ipaddress
import json
import os
import socket
import subprocess
import time

import pytest

from test_networks import box, inspect, net, sh  # noqa: F401 (fixtures)
from test_ports import fetch, free_port, other_host, ports_of, serving

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
SERVE6 = "while :; do nc -l -p 80 -e sh -c 'netstat -tn | grep :80 | grep EST'; done"
NEW_CLI = "/usr/local/bin/docker"


def prefix(number):
    return f"fd7a:{os.getpid() % 65536:x}:{number:x}"


def endpoint(engine, where, name):
    return inspect(engine, "container", where)["NetworkSettings"]["Networks"][name]


def lookup(engine, where, name, kind="aaaa"):
    out = sh(engine, where, f"nslookup -type={kind} {name} 127.0.0.11").stdout
    return [line.split()[-1] for line in out.splitlines()[2:] if line.startswith("Address")]


def eventually(probe, seconds=8):
    deadline = time.monotonic() + seconds
    while not (got := probe()):
        if time.monotonic() > deadline:
            return got
        time.sleep(0.1)
    return got


def test_dual_stack(engine, net, box):
    name = net("--ipv6")
    seen = inspect(engine, "network", name)
    assert seen["EnableIPv6"] is True
    v4, v6 = seen["IPAM"]["Config"]
    subnet = ipaddress.ip_network(v6["Subnet"])
    assert "." in v4["Subnet"] and subnet.prefixlen == 64 and subnet.subnet_of(ipaddress.ip_network("fd00::/8"))
    assert ipaddress.ip_address(v6["Gateway"]) == subnet[1]
    a = box("--network", name, "--name", f"six{os.getpid()}", "-h", "sixth")
    b = box("--network", name)
    mine = endpoint(engine, a, name)
    assert mine["GlobalIPv6Address"] == str(subnet[2]) and mine["GlobalIPv6PrefixLen"] == 64
    assert mine["IPv6Gateway"] == str(subnet[1]) and mine["IPAddress"]
    assert seen["Id"] and inspect(engine, "network", name)["Containers"][a]["IPv6Address"] == f"{subnet[2]}/64"
    shown = sh(engine, a, "ip -6 addr show eth0; ip -6 route; cat /etc/hosts").stdout
    assert "tentative" not in shown and "fe80::" in shown and f"default via {subnet[1]}" in shown
    assert f"{subnet[2]}\tsixth" in shown
    assert sh(engine, b, f"ping -6 -c1 -W2 {subnet[2]}").returncode == 0
    assert sh(engine, b, f"ping -6 -c1 -W2 {subnet[1]}").returncode == 0
    assert lookup(engine, b, "sixth") == [str(subnet[2])]
    assert lookup(engine, b, "sixth", "a") == [mine["IPAddress"]]
    assert f"six{os.getpid()}.{name}" in sh(engine, b, f"nslookup {subnet[2]} 127.0.0.11").stdout


def test_given_addresses(engine, net, box):
    at = prefix(1)
    name = net("--ipv6", "--subnet", f"{at}::/64", "--gateway", f"{at}::9", "--ip-range", f"{at}::100/120",
               "--subnet", "10.201.77.0/24", "--aux-address", f"x={at}::100")
    pools = inspect(engine, "network", name)["IPAM"]["Config"]
    assert {"Subnet": f"{at}::/64", "Gateway": f"{at}::9", "IPRange": f"{at}::100/120",
            "AuxiliaryAddresses": {"x": f"{at}::100"}} in pools
    a = box("--network", name)
    assert endpoint(engine, a, name)["GlobalIPv6Address"] == f"{at}::101"
    b = box("--network", name, "--ip6", f"{at}::77", "--ip", "10.201.77.77")
    assert endpoint(engine, b, name)["GlobalIPv6Address"] == f"{at}::77"
    assert sh(engine, a, f"ping -6 -c1 -W2 {at}::77").returncode == 0
    assert f"default via {at}::9" in sh(engine, a, "ip -6 route").stdout
    taken = engine.docker("run", "--rm", "--network", name, "--ip6", f"{at}::77", "busybox", "true")
    assert taken.returncode == 125 and "Address already in use" in taken.stderr
    away = engine.docker("run", "--rm", "--network", name, "--ip6", "fd00::1", "busybox", "true")
    assert away.returncode == 125 and "no configured subnet contains IP address fd00::1" in away.stderr
    again = engine.docker("network", "create", "--ipv6", "--subnet", f"{at}::/48", name + "b")
    assert again.returncode == 1 and "Pool overlaps with other one on this address space" in again.stderr
    # Live, and with a second network: each family has its way out.
    plain = net()
    c = box("--network", plain)
    engine.docker("network", "connect", "--ip6", f"{at}::88", name, c)
    assert endpoint(engine, c, name)["GlobalIPv6Address"] == f"{at}::88"
    assert f"default via {at}::9" in sh(engine, c, "ip -6 route").stdout
    engine.docker("network", "disconnect", name, c)
    assert "default" not in sh(engine, c, "ip -6 route").stdout
    assert "default" in sh(engine, c, "ip route").stdout


def test_without_ipv4(engine, net, box):
    name = f"only6{os.getpid()}"
    made = engine.docker("network", "create", "--ipv6", "--ipv4=false", name, cli=NEW_CLI)
    assert made.returncode == 0, made.stderr
    try:
        seen = json.loads(engine.docker("network", "inspect", name, cli=NEW_CLI).stdout)[0]
        assert seen["EnableIPv4"] is False and len(seen["IPAM"]["Config"]) == 1
        port = free_port()
        with serving(engine, "--network", name, "-p", f"{port}:80") as a:
            mine = endpoint(engine, a, name)
            assert mine["IPAddress"] == "" and mine["Gateway"] == "" and mine["GlobalIPv6Address"]
            assert "inet 1" not in sh(engine, a, "ip addr show eth0").stdout
            assert fetch("::1", port) == "from-srv\n" and fetch("127.0.0.1", port) == "from-srv\n"
            assert lookup(engine, a, "srv", "a") == [] and lookup(engine, a, "srv") == [mine["GlobalIPv6Address"]]
    finally:
        engine.docker("network", "rm", name)
    neither = engine.docker("network", "create", "--ipv4=false", name, cli=NEW_CLI)
    assert neither.returncode == 1 and "IPv4 or IPv6 must be enabled" in neither.stderr


def test_published_ports(engine, net, box):
    at = prefix(2)
    name = net("--ipv6", "--subnet", f"{at}::/64")
    port, local, udp = free_port(), free_port(), free_port(socket.SOCK_DGRAM)
    with serving(engine, "--network", name, "-p", f"{port}:80", "-p", f"[::1]:{local}:80") as a:
        assert {"HostIp": "::", "HostPort": str(port)} in ports_of(engine, a)["80/tcp"]
        assert {"HostIp": "::1", "HostPort": str(local)} in ports_of(engine, a)["80/tcp"]
        for host in ("::1", f"{at}::1", "127.0.0.1"):
            assert fetch(host, port) == "from-srv\n", host
        assert fetch("::1", local) == "from-srv\n"
        device = "br-" + inspect(engine, "network", name)["Id"][:12]
        rules = subprocess.run(["nft", "list", "map", "inet", f"hull-{device}", "ports6"], capture_output=True, text=True).stdout
        assert f"tcp . :: . {port} : {at}::2 . 80" in rules, rules
        # From a container by the host, its own port too.
        b = box("--network", name)
        for where in (a, b):
            assert eventually(lambda: "from-srv" in sh(engine, where, f"nc -w 2 {at}::1 {port}").stdout), where
    assert str(port) not in subprocess.run(["nft", "list", "map", "inet", f"hull-{device}", "ports6"],
                                           capture_output=True, text=True).stdout
    c = box("--network", name, "-p", f"{udp}:9/udp")
    pid = engine.docker("inspect", "-f", "{{.State.Pid}}", c).stdout.strip()
    answer = "import socket\ns=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)\ns.bind(('::',9))\nwhile 1:\n d,a=s.recvfrom(99)\n s.sendto(d,a)"
    echo = subprocess.Popen(["nsenter", "-t", pid, "-n", "/usr/bin/python3", "-c", answer])
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)

            def echoed():
                s.sendto(b"hello", (f"{at}::1", udp))
                try:
                    return s.recv(99) == b"hello"
                except OSError:
                    return False
            assert eventually(echoed)
    finally:
        echo.kill()
        echo.wait()


def test_other_hosts(engine, net, box):
    """They come with their own address; what goes out to them is masqueraded."""
    at, port = prefix(3), free_port()
    name = net("--ipv6", "--subnet", f"{at}::/64")
    outside = prefix(4)
    with other_host() as (there, here, _):
        link = f"hl{os.getpid() % 10000}"
        subprocess.run(["ip", "-6", "addr", "add", f"{outside}::1/64", "dev", link, "nodad"], check=True)
        subprocess.run([*there, "ip", "-6", "addr", "add", f"{outside}::2/64", "dev", "e0", "nodad"], check=True)
        a = box("--network", name, "-p", f"{port}:80", command=("sh", "-c", SERVE6))
        ask = ("import socket,sys\ns=socket.create_connection((sys.argv[1],int(sys.argv[2])),2)\n"
               "print(s.makefile().read())")

        def seen():
            done = subprocess.run([*there, "/usr/bin/python3", "-c", ask, f"{outside}::1", str(port)],
                                  capture_output=True, text=True)
            return f"{outside}::2" in done.stdout
        assert eventually(seen), "the source address is not kept"
        listen = ("import socket\ns=socket.socket(socket.AF_INET6)\ns.bind(('::',7777))\ns.listen()\nprint('up',flush=True)\n"
                  "c,a=s.accept()\nprint(a[0])")
        server = subprocess.Popen([*there, "/usr/bin/python3", "-c", listen], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout.readline() == "up\n"
            assert sh(engine, a, f"nc -w 2 {outside}::2 7777 </dev/null").returncode == 0
            assert server.stdout.readline().strip() == f"{outside}::1"
        finally:
            server.kill()
            server.wait()
        # Nobody published this one: the container isn't reached directly.
        subprocess.run([*there, "ip", "-6", "route", "add", f"{at}::/64", "via", f"{outside}::1"], check=True)
        direct = subprocess.run([*there, "/usr/bin/python3", "-c", ask, f"{at}::2", "80"], capture_output=True, text=True)
        assert direct.returncode != 0


def test_default_bridge_and_restart(new_engine):
    at, port = prefix(5), free_port()
    engine = new_engine("--ipv6", "--fixed-cidr-v6", f"{at}::/64")
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    bridge = inspect(engine, "network", "bridge")
    assert bridge["EnableIPv6"] is True
    assert {"Subnet": f"{at}::/64", "Gateway": f"{at}::1"} in bridge["IPAM"]["Config"]
    with serving(engine, "-p", f"{port}:80") as a:
        settings = inspect(engine, "container", a)["NetworkSettings"]
        ip = settings["GlobalIPv6Address"]
        assert ipaddress.ip_address(ip) in ipaddress.ip_network(f"{at}::/64") and settings["IPv6Gateway"] == f"{at}::1"
        assert fetch(f"{at}::1", port) == "from-srv\n"
        # Another address of IPv4 and another MAC: IPv6 stays right.
        b = engine.docker("run", "--rm", "--mac-address", "02:42:ac:99:00:07", "busybox", "sh", "-c",
                          f"ip addr show eth0; ip -6 route; ping -6 -c1 -W2 {ip}").stdout
        assert "1 packets received" in b and f"default via {at}::1" in b and "fe80::42:acff:fe99:7" in b
        engine.docker("network", "create", "--ipv6", "other")
        c = engine.docker("run", "-d", "--network", "other", "-h", "there", "busybox", "sleep", "600").stdout.strip()
        there = endpoint(engine, c, "other")["GlobalIPv6Address"]
        engine.kill()
        assert fetch(f"{at}::1", port) == "from-srv\n"
        engine.start()
        assert fetch("::1", port) == "from-srv\n" and fetch(f"{at}::1", port) == "from-srv\n"
        assert inspect(engine, "container", a)["NetworkSettings"]["GlobalIPv6Address"] == ip
        assert lookup(engine, c, "there") == [there]
        d = engine.docker("run", "-d", "--network", "other", "busybox", "sleep", "600").stdout.strip()
        assert endpoint(engine, d, "other")["GlobalIPv6Address"] not in ("", there)
        engine.docker("rm", "-f", c, d)
        engine.docker("network", "rm", "other")


def test_a_subnet_without_ipv6_is_said(engine, net):
    """As in Docker: it stands in the network's settings, and nothing more; we say so."""
    at = prefix(6)
    body = json.dumps({"Name": f"w{os.getpid()}", "IPAM": {"Config": [{"Subnet": f"{at}::/64"}]}})
    answer = subprocess.run(["curl", "-s", "--unix-socket", str(engine.socket), "-H", "Content-Type: application/json",
                             "-d", body, "http://h/v1.48/networks/create"], capture_output=True, text=True).stdout
    try:
        assert "IPv6 is not enabled" in json.loads(answer)["Warning"]
    finally:
        engine.docker("network", "rm", f"w{os.getpid()}")
