"""Published ports: real connections from the host, from containers and from another host."""
import contextlib
import json
import os
import re
import socket
import subprocess
import time

import pytest

SERVE = "while :; do echo from-$HOSTNAME | nc -l -p {port} || sleep 0.1; done"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(host, port, timeout=8):
    """What a TCP server says; asks until it is up."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            with socket.create_connection((host, port), timeout=2) as s:
                data = s.makefile().read()
                if data:
                    return data
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing from {host}:{port}")
        time.sleep(0.05)


@contextlib.contextmanager
def serving(engine, *flags, port=80, name=None):
    args = ["run", "-d", "-h", "srv", *flags, "busybox", "sh", "-c", SERVE.format(port=port)]
    done = engine.docker(*args)
    assert done.returncode == 0, done.stderr
    box = done.stdout.strip()
    try:
        yield box
    finally:
        engine.docker("rm", "-f", box)


def ports_of(engine, box):
    return json.loads(engine.docker("inspect", box).stdout)[0]["NetworkSettings"]["Ports"]


def table(engine):
    return subprocess.run(["nft", "list", "table", "inet", f"hull-{engine.bridge}"], capture_output=True, text=True).stdout


def test_fixed_port_from_the_host(engine):
    port = free_port()
    with serving(engine, "-p", f"{port}:80") as box:
        assert fetch("127.0.0.1", port) == "from-srv\n"
        gateway = engine.bip.split("/")[0]
        assert fetch(gateway, port) == "from-srv\n"
        own = json.loads(engine.docker("inspect", box).stdout)[0]["NetworkSettings"]["IPAddress"]
        assert fetch(own, 80) == "from-srv\n"
        assert {"HostIp": "0.0.0.0", "HostPort": str(port)} in ports_of(engine, box)["80/tcp"]
        assert f"0.0.0.0:{port}->80/tcp" in engine.docker("ps", "--format", "{{.Ports}}").stdout
        assert engine.docker("port", box, "80").stdout.splitlines()[0] == f"0.0.0.0:{port}"
        assert box[:12] in engine.docker("ps", "-q", "--filter", f"publish={port}").stdout
        assert str(port) in table(engine)
    assert str(port) not in table(engine)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
def test_ipv6_loopback(engine):
    port = free_port()
    with serving(engine, "-p", f"{port}:80") as box:
        assert {"HostIp": "::", "HostPort": str(port)} in ports_of(engine, box)["80/tcp"]
        assert fetch("::1", port) == "from-srv\n"


def test_relay_carries_much_and_both_ways(engine):
    port = free_port()
    done = engine.docker("run", "-d", "-p", f"[::1]:{port}:80", "busybox", "sh", "-c", "nc -l -p 80 -e cat; sleep 60")
    box = done.stdout.strip()
    try:
        data = os.urandom(1 << 20)
        deadline = time.monotonic() + 8
        got = b""
        while not got and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("::1", port), timeout=5) as s:
                import threading
                def send():
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                thread = threading.Thread(target=send)
                thread.start()
                while chunk := s.recv(65536):
                    got += chunk
                thread.join()
        assert got == data
    finally:
        engine.docker("rm", "-f", box)


def test_random_and_exposed_ports(engine):
    with serving(engine, "-p", "80", "--expose", "81") as box:
        ports = ports_of(engine, box)
        port = int(ports["80/tcp"][0]["HostPort"])
        assert ports["81/tcp"] is None and port > 1023
        assert fetch("127.0.0.1", port) == "from-srv\n"
    with serving(engine, "-P", "--expose", "80", "--expose", "90/udp") as box:
        ports = ports_of(engine, box)
        assert fetch("127.0.0.1", int(ports["80/tcp"][0]["HostPort"])) == "from-srv\n"
        assert int(ports["90/udp"][0]["HostPort"]) > 0


def test_ranges(engine):
    base = 21000 + os.getpid() % 4000
    with serving(engine, "-p", f"{base}-{base + 2}:80-82") as box:
        assert fetch("127.0.0.1", base) == "from-srv\n"
        assert {k: v[0]["HostPort"] for k, v in ports_of(engine, box).items()} == {
            "80/tcp": str(base), "81/tcp": str(base + 1), "82/tcp": str(base + 2)}
        # One of a range: the first that is free.
        with serving(engine, "-p", f"{base}-{base + 9}:80") as other:
            assert ports_of(engine, other)["80/tcp"][0]["HostPort"] == str(base + 3)


ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5000))
while True:
    data, who = s.recvfrom(2048)
    s.sendto(b"pong\\n", who)
"""


def test_udp(engine):
    port = free_port(socket.SOCK_DGRAM)
    box = engine.docker("run", "-d", "-p", f"{port}:5000/udp", "busybox", "sleep", "600").stdout.strip()
    # busybox has no UDP server: ours, in the container's network.
    pid = engine.docker("inspect", "-f", "{{.State.Pid}}", box).stdout.strip()
    echo = subprocess.Popen(["nsenter", "-t", pid, "-n", "/usr/bin/python3", "-c", ECHO])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            deadline = time.monotonic() + 8
            got = b""
            while not got and time.monotonic() < deadline:
                s.sendto(b"ping\n", ("127.0.0.1", port))
                with contextlib.suppress(OSError):
                    got = s.recv(100)
            assert got == b"pong\n"
    finally:
        echo.kill()
        echo.wait()
        engine.docker("rm", "-f", box)


def test_host_address_is_kept_to(engine):
    port = free_port()
    with serving(engine, "-p", f"127.0.0.1:{port}:80") as box:
        assert fetch("127.0.0.1", port) == "from-srv\n"
        assert ports_of(engine, box)["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
        with pytest.raises(OSError):
            socket.create_connection((engine.bip.split("/")[0], port), timeout=1)


def test_taken_ports(engine):
    port = free_port()
    with serving(engine, "-p", f"{port}:80"):
        done = engine.docker("run", "--rm", "-p", f"{port}:81", "busybox", "true")
        assert done.returncode == 125
        assert re.search(rf"driver failed programming external connectivity on endpoint \S+ \([0-9a-f]+\): "
                         rf"Bind for 0\.0\.0\.0:{port} failed: port is already allocated", done.stderr), done.stderr
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        done = engine.docker("run", "--rm", "-p", f"{port}:81", "busybox", "true")
        assert done.returncode == 125 and f"listen tcp4 0.0.0.0:{port}: bind: address already in use" in done.stderr
    # And it is free again.
    with serving(engine, "-p", f"{port}:80"):
        assert fetch("127.0.0.1", port) == "from-srv\n"


def test_from_containers_by_the_host(engine):
    port = free_port()
    gateway = engine.bip.split("/")[0]
    with serving(engine, "-p", f"{port}:80") as box:
        assert fetch("127.0.0.1", port) == "from-srv\n"
        done = engine.docker("run", "--rm", "busybox", "nc", "-w", "3", gateway, str(port))
        assert done.stdout == "from-srv\n", done.stderr
        # Hairpin: the container itself by way of the host.
        done = engine.docker("exec", box, "sh", "-c", f"for i in 1 2 3; do nc -w 3 {gateway} {port} && exit; done")
        assert done.stdout == "from-srv\n", done.stderr


def test_containers_do_not_reach_the_hosts_loopback(engine):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        done = engine.docker("run", "--rm", "--cap-add", "NET_ADMIN", "--user", "0", "busybox", "sh", "-c",
                             f"ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via {engine.bip.split('/')[0]} dev eth0; "
                             f"nc -w 2 127.0.0.1 {port} </dev/null && echo reached")
        assert "reached" not in done.stdout


@contextlib.contextmanager
def other_host():
    """A host on a link of its own; gives its prefix to run commands there, our address, and its own."""
    link = f"hl{os.getpid() % 10000}"
    net = f"10.198.{os.getpid() % 250}"
    run = lambda *a: subprocess.run(a, check=True, capture_output=True)
    holder = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    there = ["nsenter", "-t", str(holder.pid), "-n"]
    try:
        while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "e0", "netns", str(holder.pid))
        run("ip", "addr", "add", f"{net}.1/24", "dev", link)
        run("ip", "link", "set", link, "up")
        run(*there, "ip", "addr", "add", f"{net}.2/24", "dev", "e0")
        run(*there, "ip", "link", "set", "e0", "up")
        yield there, f"{net}.1", f"{net}.2"
    finally:
        subprocess.run(["ip", "link", "del", link], capture_output=True)
        holder.kill()
        holder.wait()


def test_from_another_host_with_its_own_address(engine):
    port = free_port()
    with other_host() as (prefix, here, there):
        box = engine.docker("run", "-d", "-p", f"{port}:80", "busybox", "sh", "-c",
                            "while :; do nc -l -p 80 -e sh -c 'netstat -tn | grep :80 | grep EST'; done").stdout.strip()
        try:
            def ask(address):
                for _ in range(30):
                    done = subprocess.run([*prefix, "/usr/bin/python3", "-c",
                                           "import socket,sys\ns=socket.create_connection((sys.argv[1],int(sys.argv[2])),2)\nprint(s.makefile().read())",
                                           address, str(port)], capture_output=True, text=True)
                    if done.stdout.strip():
                        return done.stdout
                    time.sleep(0.1)
                return ""
            assert there in ask(here), "the source address is not kept"
        finally:
            engine.docker("rm", "-f", box)
        # Bound to loopback: not for others, whatever they send.
        port = free_port()
        with serving(engine, "-p", f"127.0.0.1:{port}:80"):
            assert fetch("127.0.0.1", port) == "from-srv\n"
            subprocess.run([*prefix, "ip", "route", "add", "127.0.0.1/32", "via", here], capture_output=True)
            for address in (here, "127.0.0.1"):
                done = subprocess.run([*prefix, "/usr/bin/python3", "-c",
                                       "import socket,sys\nsocket.create_connection((sys.argv[1],int(sys.argv[2])),1)",
                                       address, str(port)], capture_output=True)
                assert done.returncode != 0


def test_python_docker(engine):
    import docker as docker_py
    client = docker_py.DockerClient(base_url=engine.host)
    box = client.containers.run("busybox", ["sh", "-c", SERVE.format(port=80)], detach=True, hostname="srv",
                                ports={"80/tcp": None})
    try:
        box.reload()
        assert fetch("127.0.0.1", int(box.ports["80/tcp"][0]["HostPort"])) == "from-srv\n"
    finally:
        box.remove(force=True)
        client.close()


def test_host_network_discards_ports(engine):
    done = engine.docker("run", "--rm", "--network", "host", "-p", "80:80", "busybox", "true")
    assert done.returncode == 0 and "Published ports are discarded when using host network mode" in done.stderr


@pytest.mark.parametrize("userns", ["host", ""])
def test_with_and_without_user_namespace(engine, userns):
    with serving(engine, "-p", "80", *(["--userns", userns] if userns else [])) as box:
        assert fetch("127.0.0.1", int(ports_of(engine, box)["80/tcp"][0]["HostPort"])) == "from-srv\n"


def test_ports_survive_the_engine(new_engine):
    engine = new_engine()
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    port = free_port()
    with serving(engine, "-p", f"{port}:80") as box:
        assert fetch("127.0.0.1", port) == "from-srv\n"
        engine.kill()
        assert fetch("127.0.0.1", port) == "from-srv\n"  # nobody of ours is needed for it
        engine.start()
        assert fetch("127.0.0.1", port) == "from-srv\n"
        assert "port is already allocated" in engine.docker("run", "--rm", "-p", f"{port}:1", "busybox", "true").stderr
        engine.docker("stop", "-t", "0", box)
        assert str(port) not in table(engine)
        assert ports_of(engine, box) in ({}, {"80/tcp": None})
        engine.docker("start", box)
        assert fetch("127.0.0.1", port) == "from-srv\n"
    # A container that ended while the engine was away leaves nothing.
    with serving(engine, "-p", f"{port}:80") as box:
        pid = int(engine.docker("inspect", "-f", "{{.State.Pid}}", box).stdout)
        engine.kill()
        os.kill(pid, 9)
        engine.start()
        assert str(port) not in table(engine)
