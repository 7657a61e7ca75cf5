"""Where containers may send to, and how fast."""
import contextlib
import json
import re
import socket
import subprocess
import threading
import time
import uuid

import pytest

from test_networks import box, inspect, net, sh  # noqa: F401 (fixtures)
from test_ports import SERVE, fetch, free_port


@pytest.fixture
def outside():
    """(namespace, address, other address) of a host that containers reach through this one; it serves ports 80 and 81."""
    tag = uuid.uuid4().hex[:6]
    space, n = f"hull-eg-{tag}", 60 + int(tag[:2], 16) % 120
    first, second = f"10.{n}.7.2", f"10.{n}.8.2"

    def ip(*args):
        subprocess.run(["ip", *args], check=True, capture_output=True, timeout=20)

    ip("netns", "add", space)
    ip("link", "add", f"eg{tag}", "type", "veth", "peer", "name", "out", "netns", space)
    for address in (first, second):
        ip("addr", "add", address[:-1] + "1/24", "dev", f"eg{tag}")
        ip("-n", space, "addr", "add", address + "/24", "dev", "out")
    ip("link", "set", f"eg{tag}", "up")
    ip("-n", space, "link", "set", "out", "up")
    ip("-n", space, "link", "set", "lo", "up")
    ip("-n", space, "route", "add", "default", "via", first[:-1] + "1")
    code = """
import socket, threading
def serve(port):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True); s.listen(64)
    while True:
        c, _ = s.accept()
        threading.Thread(target=talk, args=(c,), daemon=True).start()
def talk(c):
    c.sendall(b"served\\n")
    try:
        while data := c.recv(65536):
            c.sendall(data)
    except OSError: pass
    c.close()
threading.Thread(target=serve, args=(81,), daemon=True).start()
serve(80)
"""
    server = subprocess.Popen(["ip", "netns", "exec", space, "/usr/bin/python3", "-c", code])
    yield space, first, second
    server.kill()
    server.wait()
    subprocess.run(["ip", "link", "del", f"eg{tag}"], capture_output=True)
    ip("netns", "del", space)


@pytest.fixture
def outside6(outside):
    """Two IPv6 addresses of the same host."""
    space, tag = outside[0], outside[0].removeprefix("hull-eg-")
    addresses = [f"fd{tag[:2]}:{tag[2:]}:{n}::2" for n in (7, 8)]
    for args in (*(["addr", "add", a[:-1] + "1/64", "dev", f"eg{tag}", "nodad"] for a in addresses),
                 *(["-n", space, "addr", "add", a + "/64", "dev", "out", "nodad"] for a in addresses),
                 ["-n", space, "-6", "route", "add", "default", "via", addresses[0][:-1] + "1"]):
        subprocess.run(["ip", *args], check=True, capture_output=True, timeout=20)
    return addresses


@contextlib.contextmanager
def name_service(address, names):
    """A DNS server on address:53 that knows these names (a dict, which may change), with a TTL of 1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    server.settimeout(0.2)
    stop, asked = threading.Event(), []

    def serve():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                data, who = server.recvfrom(4096)
                end = data.index(b"\0", 12) + 5
                at, labels = 12, []
                while data[at]:
                    labels.append(data[at + 1:at + 1 + data[at]].decode())
                    at += data[at] + 1
                name = ".".join(labels).lower()
                asked.append(name)
                found = names.get(name) if data[end - 3] == 1 else None
                answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(found) if found else b""
                code = b"\x81\x80" if name in names else b"\x81\x83"
                server.sendto(data[:2] + code + b"\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0" + data[12:end] +
                              answer, who)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        stop.set()
        thread.join()
        server.close()


def reaches(engine, where, address, port=80, tries=1):
    for _ in range(tries):
        if "served" in sh(engine, where, f"echo | nc -w 3 {address} {port}").stdout:
            return True
    return False


def reaches_as(engine, where, source, address, port=80):
    """With this one of the container's addresses as the source (busybox's nc can't choose)."""
    code = f"import socket; print(socket.create_connection(({address!r}, {port}), 3, ({source!r}, 0)).recv(9))"
    pid = str(inspect(engine, "container", where)["State"]["Pid"])
    done = subprocess.run(["nsenter", "-t", pid, "-n", "/usr/bin/python3", "-c", code], capture_output=True, text=True,
                          timeout=20)
    return "served" in done.stdout


def run(engine, *flags):
    done = engine.hull("run", "-d", *flags, "busybox", "sleep", "600")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def made(engine):
    boxes = []
    yield lambda *flags: boxes.append(run(engine, *flags)) or boxes[-1]
    for one in boxes:
        engine.docker("rm", "-f", one)
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    for link in re.findall(r"hull-egress\.(\S+)", tables):
        assert link in links or "hull-egress." + link not in subprocess.run(
            ["nft", "list", "tables"], capture_output=True, text=True).stdout, "a list outlived its container"


def test_default_deny(engine, made, outside):
    _, allowed, other = outside
    free = made()
    assert reaches(engine, free, allowed, tries=10) and reaches(engine, free, other)
    a = made("--egress", f"allow={allowed}:80")
    assert inspect(engine, "container", a)["HostConfig"]["Annotations"] == {"hull.egress": f"allow={allowed}:80"}
    assert reaches(engine, a, allowed)
    assert not reaches(engine, a, allowed, 81)
    assert not reaches(engine, a, other)
    # It is told at once, not left waiting.
    began = time.monotonic()
    sh(engine, a, f"timeout 20 nc {other} 80 </dev/null")
    assert time.monotonic() - began < 5
    # The machine itself is outside, too; its own network isn't.
    gateway = engine.bip.split("/")[0]
    server = socket.create_server((gateway, 0))
    port = server.getsockname()[1]
    server.settimeout(3)
    sh(engine, free, f"timeout 3 nc {gateway} {port} </dev/null")
    server.accept()[0].close()
    sh(engine, a, f"timeout 3 nc {gateway} {port} </dev/null")
    with pytest.raises(TimeoutError):
        server.accept()
    server.close()
    neighbour = inspect(engine, "container", free)["NetworkSettings"]["IPAddress"]
    assert sh(engine, a, f"ping -c1 -W3 {neighbour}").returncode == 0
    nothing = made("--egress", "allow=none")
    assert not reaches(engine, nothing, allowed)


def test_others_reach_it_all_the_same(engine, outside):
    port = free_port()
    a = engine.hull("run", "-d", "--egress", "allow=none", "-p", f"{port}:80", "-h", "srv", "busybox", "sh", "-c",
                    SERVE.format(port=80)).stdout.strip()
    try:
        assert fetch("127.0.0.1", port) == "from-srv\n"
        code = f"import socket; print(socket.create_connection(('{outside[1][:-1]}1', {port}), 5).makefile().read())"
        deadline = time.monotonic() + 10
        while "from-srv" not in (done := subprocess.run(
                ["ip", "netns", "exec", outside[0], "/usr/bin/python3", "-c", code], capture_output=True, text=True,
                timeout=20)).stdout:
            assert time.monotonic() < deadline, done.stderr
    finally:
        engine.docker("rm", "-f", a)


def test_anothers_address_is_no_way_out(engine, made, outside):
    space, allowed, other = outside
    free = made()
    assert reaches(engine, free, other, tries=10)
    a = made("--egress", f"allow={allowed}", "--cap-add", "NET_ADMIN")
    ip = inspect(engine, "container", free)["NetworkSettings"]["IPAddress"].rsplit(".", 1)[0] + ".250"
    assert sh(engine, a, f"ip addr add {ip}/24 dev eth0").returncode == 0
    own = inspect(engine, "container", a)["NetworkSettings"]["IPAddress"]
    assert reaches_as(engine, a, own, allowed)
    assert not reaches_as(engine, a, ip, other) and not reaches_as(engine, a, ip, allowed)
    link = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
    assert "ip saddr !=" in link


def test_lists_change_while_it_runs(engine, made, outside):
    _, allowed, other = outside
    a = made("--egress", f"allow={allowed}")
    assert reaches(engine, a, allowed, tries=10) and not reaches(engine, a, other)
    # A conversation that is allowed goes on, one that isn't any more ends.
    for address, name in ((allowed, "one"), (other, "two")):
        engine.hull("update", "--egress", f"allow={allowed},{other}", a)
        engine.docker("exec", "-d", a, "sh", "-c",
                      f"(while :; do date +%s; sleep 0.3; done) | nc {address} 80 > /tmp/{name}")
    assert reaches(engine, a, other)

    def grows(name):
        size = sh(engine, a, f"wc -c < /tmp/{name}").stdout
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            if sh(engine, a, f"wc -c < /tmp/{name}").stdout != size:
                return True
            time.sleep(0.2)
        return False

    assert grows("one") and grows("two")
    assert engine.hull("update", "--egress", f"allow={allowed}", a).returncode == 0
    assert not reaches(engine, a, other) and reaches(engine, a, allowed)
    time.sleep(1)
    assert grows("one") and not grows("two")
    body = json.dumps({"Annotations": {"hull.egress": ""}})
    done = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "-X", "POST", "-H", "Content-Type: application/json",
                           "-d", body, f"http://h/containers/{a}/update"], capture_output=True, text=True)
    assert json.loads(done.stdout) == {"Warnings": None}
    assert reaches(engine, a, other)
    assert "hull.egress" not in json.dumps(inspect(engine, "container", a)["HostConfig"].get("Annotations"))
    done = engine.hull("update", "--egress", "allow=nonsense_", a)
    assert done.returncode == 0 and not reaches(engine, a, other)
    assert engine.hull("update", "--egress", "any", a).returncode == 0 and reaches(engine, a, other)


def test_names_are_followed(engine, net, made, outside):
    space, first, second = outside
    names = {"api.example.test": first, "other.example.test": second, "x.wild.test": second}
    gateway = first[:-1] + "1"
    with name_service(gateway, names) as asked:
        name = net()
        a = made("--network", name, "--dns", gateway, "--egress", "allow=api.example.test:80")
        assert not reaches(engine, a, first), "nobody asked for the name yet"
        assert reaches(engine, a, "api.example.test", tries=5)
        assert reaches(engine, a, first) and not reaches(engine, a, first, 81)
        # Names that aren't on the list aren't asked outside: not a way out either.
        assert not reaches(engine, a, "other.example.test")
        assert sh(engine, a, "nslookup secret.data.example.test 127.0.0.11").returncode != 0
        assert set(asked) <= {"api.example.test"}, asked
        names["api.example.test"] = second
        deadline = time.monotonic() + 15
        while not reaches(engine, a, "api.example.test") or not reaches(engine, a, second):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert engine.hull("update", "--egress", "allow=*.wild.test", a).returncode == 0
        assert not reaches(engine, a, second)
        assert reaches(engine, a, "x.wild.test", tries=3)


def test_names_on_the_default_bridge(engine, made, outside):
    _, first, _ = outside
    gateway = first[:-1] + "1"
    with name_service(gateway, {"api.example.test": first}):
        a = made("--dns", gateway, "--egress", "allow=api.example.test")
        assert "nameserver 127.0.0.11" in sh(engine, a, "cat /etc/resolv.conf").stdout
        assert reaches(engine, a, "api.example.test", tries=5)


def test_networks_have_lists_too(engine, net, made, outside):
    _, allowed, other = outside
    name = net("-o", f"hull.egress=allow={allowed}", "-o", "hull.bandwidth=out=8mbit")
    a = made("--network", name)
    assert reaches(engine, a, allowed, tries=10) and not reaches(engine, a, other)
    own = made("--network", name, "--egress", f"allow={other}")
    assert not reaches(engine, own, allowed) and reaches(engine, own, other)
    assert "tbf" in subprocess.run(["nsenter", "-t", str(inspect(engine, "container", a)["State"]["Pid"]), "-n", "tc",
                                    "qdisc", "show", "dev", "eth0"], capture_output=True, text=True).stdout
    # Taken away by another program, they come back.
    table = re.findall(r"hull-egress\.\S+", subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout)
    for one in set(table):
        subprocess.run(["nft", "delete", "table", "inet", one], capture_output=True)
    deadline = time.monotonic() + 10
    while reaches(engine, a, other) or not reaches(engine, a, allowed):
        assert time.monotonic() < deadline
    # A second network without a list is a way out.
    free = net()
    assert engine.docker("network", "connect", free, a).returncode == 0
    assert engine.docker("network", "disconnect", name, a).returncode == 0
    assert reaches(engine, a, other, tries=3)


def test_lists_of_networks_change_live(engine, net, made, outside):
    _, allowed, other = outside
    name = net()
    a, own, stopped = made("--network", name), made("--network", name, "--egress", f"allow={allowed}"), made("--network", name)
    engine.docker("stop", "-t0", stopped)
    assert reaches(engine, a, allowed, tries=10) and reaches(engine, a, other)
    done = engine.hull("network", "update", "--egress", f"allow={allowed}", "--bandwidth", "out=80mbit", name)
    assert done.returncode == 0, done.stderr
    assert inspect(engine, "network", name)["Options"] == {"hull.egress": f"allow={allowed}", "hull.bandwidth": "out=80mbit"}
    assert reaches(engine, a, allowed) and not reaches(engine, a, other)
    pid = str(inspect(engine, "container", a)["State"]["Pid"])
    queue = ["nsenter", "-t", pid, "-n", "tc", "qdisc", "show", "dev", "eth0"]
    assert "rate 80Mbit" in subprocess.run(queue, capture_output=True, text=True).stdout
    # Those that start later have it, too.
    engine.docker("start", stopped)
    assert reaches(engine, stopped, allowed, tries=3) and not reaches(engine, stopped, other)
    # A container's own word stands before its network's.
    assert engine.hull("network", "update", "--egress", f"allow={other}", name).returncode == 0
    assert reaches(engine, a, other) and not reaches(engine, a, allowed)
    assert reaches(engine, own, allowed) and not reaches(engine, own, other)
    # Nothing of what is refused is done.
    for flags, text in ((["--egress", "allow=,"], "invalid egress entry"), (["--bandwidth", "fast"], "invalid bandwidth"),
                        ([], "one or more flags")):
        done = engine.hull("network", "update", *flags, name)
        assert done.returncode != 0 and text in done.stderr, done.stderr
    done = engine.hull("network", "update", "--egress", "any", "bridge")
    assert done.returncode != 0 and "pre-defined network" in done.stderr
    assert reaches(engine, a, other) and not reaches(engine, a, allowed)
    body = json.dumps({"Options": {"hull.egress": "", "hull.bandwidth": ""}})
    done = subprocess.run(["curl", "-s", "-w", "%{http_code}", "--unix-socket", engine.socket, "-H",
                           "Content-Type: application/json", "-d", body, f"http://h/networks/{name}/update"],
                          capture_output=True, text=True)
    assert done.stdout == "200", done.stdout
    assert reaches(engine, a, allowed) and reaches(engine, a, other)
    assert "tbf" not in subprocess.run(queue, capture_output=True, text=True).stdout
    assert inspect(engine, "network", name)["Options"] == {}


def test_changed_lists_of_networks_stay(new_engine, outside):
    _, allowed, other = outside
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    assert engine.docker("network", "create", "kept").returncode == 0
    a = run(engine, "--network", "kept")
    assert engine.hull("network", "update", "--egress", f"allow={allowed}", "kept").returncode == 0
    engine.kill()
    engine.start()
    assert not reaches(engine, a, other) and reaches(engine, a, allowed, tries=10)
    engine.docker("restart", "-t0", a)
    assert not reaches(engine, a, other) and reaches(engine, a, allowed, tries=3)
    engine.docker("rm", "-f", a)


def test_ipv6(engine, net, made, outside6):
    allowed, other = outside6
    name = net("--ipv6")
    free = made("--network", name)
    assert reaches(engine, free, allowed, tries=20) and reaches(engine, free, other)
    a = made("--network", name, "--egress", f"allow=[{allowed}]:80/tcp")
    assert reaches(engine, a, allowed) and not reaches(engine, a, allowed, 81)
    assert not reaches(engine, a, other)
    # The machine itself is outside; its own network isn't.
    assert not reaches(engine, a, other[:-1] + "1")
    neighbour = inspect(engine, "container", free)["NetworkSettings"]["Networks"][name]["GlobalIPv6Address"]
    assert sh(engine, a, f"ping -c1 -W3 {neighbour}").returncode == 0
    # A whole prefix, while it runs.
    assert engine.hull("update", "--egress", f"allow={other}/64", a).returncode == 0
    assert reaches(engine, a, other) and not reaches(engine, a, allowed)
    # No way around by another's address.
    b = made("--network", name, "--egress", f"allow={allowed}", "--cap-add", "NET_ADMIN")
    assert reaches(engine, b, allowed)
    own = inspect(engine, "container", b)["NetworkSettings"]["Networks"][name]["GlobalIPv6Address"]
    borrowed = neighbour.rsplit(":", 1)[0] + ":beef"
    pid = str(inspect(engine, "container", b)["State"]["Pid"])
    subprocess.run(["nsenter", "-t", pid, "-n", "ip", "addr", "add", f"{borrowed}/64", "dev", "eth0", "nodad"], check=True)
    assert reaches_as(engine, b, own, allowed)
    assert not reaches_as(engine, b, borrowed, allowed)


def rate(engine, where, seconds, command):
    """Bits a second of a command that prints how many octets it moved in that time."""
    began = time.monotonic()
    octets = int(sh(engine, where, command).stdout)
    return octets * 8 / max(seconds, time.monotonic() - began - 1)


def test_bandwidth(engine, made, outside):
    _, first, _ = outside

    def queue(a, here):
        if here:
            link = next(line.split(":")[1].strip().split("@")[0] for line in subprocess.run(
                ["ip", "-o", "link", "show", "master", engine.bridge], capture_output=True, text=True).stdout.splitlines()
                if peer_of(a) == line.split(":")[0])
            return subprocess.run(["tc", "qdisc", "show", "dev", link], capture_output=True, text=True).stdout
        pid = str(inspect(engine, "container", a)["State"]["Pid"])
        return subprocess.run(["nsenter", "-t", pid, "-n", "tc", "qdisc", "show", "dev", "eth0"], capture_output=True,
                              text=True).stdout

    def peer_of(a):
        return sh(engine, a, "cat /sys/class/net/eth0/iflink").stdout.strip()

    a = made("--bandwidth", "in=16mbit,out=8mbit")
    assert "rate 8Mbit" in queue(a, False) and "rate 16Mbit" in queue(a, True)
    # Echoed: what is sent is the slower way.
    command = f"(timeout 3 cat /dev/zero) | timeout 3 nc {first} 80 | wc -c"
    slow = rate(engine, a, 3, command)
    assert slow < 12e6, slow
    assert engine.hull("update", "--bandwidth", "out=400mbit", a).returncode == 0
    assert "rate 400Mbit" in queue(a, False) and "tbf" not in queue(a, True)
    assert engine.hull("update", "--bandwidth", "none", a).returncode == 0
    assert "tbf" not in queue(a, False)
    assert rate(engine, a, 3, command) > slow


def test_the_engine_is_killed(new_engine, outside):
    _, allowed, other = outside
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    a = run(engine, "--egress", f"allow={allowed}", "--bandwidth", "out=80mbit")
    assert reaches(engine, a, allowed, tries=10)
    link = next(iter(set(re.findall(r"hull-egress\.\S+", subprocess.run(
        ["nft", "list", "tables"], capture_output=True, text=True).stdout))), None)
    assert link
    engine.docker("exec", "-d", a, "sh", "-c",
                  f"while :; do echo | nc -w 1 {other} 80 >> /tmp/leak; sleep 0.05; done")
    engine.kill()
    time.sleep(0.5)
    engine.start()
    time.sleep(1)
    assert not reaches(engine, a, other) and reaches(engine, a, allowed)
    assert sh(engine, a, "cat /tmp/leak").stdout == "", "while the engine was away or came back"
    assert engine.hull("update", "--egress", f"allow={other}", a).returncode == 0
    assert reaches(engine, a, other) and not reaches(engine, a, allowed)
    engine.docker("restart", "-t0", a)
    assert reaches(engine, a, other, tries=3) and not reaches(engine, a, allowed)
    engine.docker("rm", "-f", a)


@pytest.mark.parametrize("flags, text", [
    (["--egress", "10.0.0.0/8"], "allow=..., allow=none or any is wanted"),
    (["--egress", "allow=10.0.0.0/99"], "invalid egress entry"),
    (["--egress", "allow=1.2.3.4:99999"], "a port from 1 to 65535"),
    (["--egress", "allow=none", "--network", "host"], "wants a network of the container's own, not host"),
    (["--bandwidth", "10mbit"], "in=RATE or out=RATE is wanted"),
    (["--bandwidth", "in=10"], "a rate like 512kbit"),
])
def test_what_is_refused(engine, flags, text):
    done = engine.hull("run", "--rm", *flags, "busybox", "true")
    assert done.returncode == 125 and text in done.stderr, done.stderr


def test_updates_change_nothing_else(engine, made):
    a = made()
    body = json.dumps({"Annotations": {"some.other": "x"}})
    done = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "-X", "POST", "-H", "Content-Type: application/json",
                           "-d", body, f"http://h/containers/{a}/update"], capture_output=True, text=True)
    assert "can't be changed by an update" in json.loads(done.stdout)["message"]
    done = engine.hull("update", "--egress", "allow=", a)
    assert done.returncode != 0 and "invalid egress entry" in done.stderr
