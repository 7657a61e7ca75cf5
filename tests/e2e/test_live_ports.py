"""Ports of running containers that come and go: hull port add/rm, and update."""
import json
import os
import socket
import subprocess

import pytest

from test_ports import fetch, free_port, ports_of, serving


def refused(port):
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_add_and_remove_while_it_runs(new_engine):
    engine = new_engine()
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    first, second, third = free_port(), free_port(), free_port()
    with serving(engine, "-p", f"{first}:80") as box:
        assert fetch("127.0.0.1", first) == "from-srv\n"
        done = engine.hull("port", "add", box, f"{second}:80", f"127.0.0.1:{third}:80")
        assert done.returncode == 0, done.stderr
        for port in (first, second, third):
            assert fetch("127.0.0.1", port) == "from-srv\n"
        assert {"HostIp": "127.0.0.1", "HostPort": str(third)} in ports_of(engine, box)["80/tcp"]
        shown = engine.docker("port", box).stdout
        assert f"80/tcp -> 0.0.0.0:{second}" in shown
        done = engine.hull("port", "rm", box, f"{first}:80")
        assert done.returncode == 0, done.stderr
        refused(first)
        assert fetch("127.0.0.1", second) == "from-srv\n"
        # Whoever wants it may have it now.
        with serving(engine, "-p", f"{first}:80"):
            assert fetch("127.0.0.1", first) == "from-srv\n"
        # Nothing of a change that fails is there.
        with socket.socket() as holder:
            holder.bind(("0.0.0.0", 0))
            holder.listen()
            taken, free = holder.getsockname()[1], free_port()
            done = engine.hull("port", "add", box, f"{free}:80", f"{taken}:80")
            assert done.returncode == 1 and "address already in use" in done.stderr
        refused(free)
        assert str(free) not in json.dumps(ports_of(engine, box))
        # A new engine takes them over; a restart of the container has them again.
        engine.kill()
        assert fetch("127.0.0.1", second) == "from-srv\n"
        engine.start()
        assert fetch("127.0.0.1", second) == "from-srv\n"
        again = engine.docker("restart", "-t", "0", box)
        assert again.returncode == 0, again.stderr
        assert fetch("127.0.0.1", second) == "from-srv\n" and fetch("127.0.0.1", third) == "from-srv\n"
        refused(first)
        # All of one port.
        assert engine.hull("port", "rm", box, "80").returncode == 0
        refused(second)
        refused(third)
        again = engine.hull("port", "rm", box, "80")
        assert again.returncode == 1 and "doesn't publish 80/tcp" in again.stderr


def test_through_update(engine):
    port = free_port()

    def update(box, changes):
        out = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "--unix-socket", str(engine.socket), "-H",
                              "Content-Type: application/json", "-d", json.dumps({"PublishedPorts": changes}),
                              f"http://h/v1.41/containers/{box}/update"], capture_output=True, text=True).stdout
        return int(out.rsplit("\n", 1)[1]), out
    with serving(engine) as box:
        assert update(box, {"Add": {"80/tcp": [{"HostPort": str(port)}]}})[0] == 200
        assert fetch("127.0.0.1", port) == "from-srv\n"
        for bad in ({"Add": {"80-81/tcp": []}}, {"Add": {"80/nope": []}}, {"Put": {}}, {"Add": 7}, 7,
                    {"Add": {"80": [{"HostIp": "nowhere"}]}}):
            assert update(box, bad)[0] == 400, bad
        assert update(box, {"Remove": {"81": []}})[0] == 404
        assert update(box, {"Remove": {"80": [{"HostPort": str(port)}]}})[0] == 200
        refused(port)
    host = engine.docker("run", "-d", "--network", "host", "busybox", "sleep", "60").stdout.strip()
    try:
        assert update(host, {"Add": {"80": []}})[0] == 409
    finally:
        engine.docker("rm", "-f", host)
    # One that doesn't run has it from its start.
    made = engine.docker("create", "-h", "srv", "busybox", "sh", "-c", "nc -l -p 80 -e echo hello").stdout.strip()
    try:
        assert update(made, {"Add": {"80": [{"HostPort": str(port)}]}})[0] == 200
        engine.docker("start", made)
        assert fetch("127.0.0.1", port) == "hello\n"
    finally:
        engine.docker("rm", "-f", made)


def memory_limit(engine, box):
    return json.loads(engine.docker("inspect", box).stdout)[0]["HostConfig"]["Memory"]


def kernel_limit(engine, box):
    inside = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    return engine.docker("exec", box, "sh", "-c", inside).stdout.strip()


def test_limits_and_ports_in_one_update(engine):
    """All of an update or nothing of it."""
    free, other = free_port(), free_port()
    with serving(engine, "-m", "64m") as box, socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        done = engine.hull("update", "-m", "96m", "--memory-swap", "192m", "--publish-add", f"{free}:80",
                           "--publish-add", f"{taken}:80", box)
        assert done.returncode == 1 and "address already in use" in done.stderr
        assert memory_limit(engine, box) == 64 << 20 and kernel_limit(engine, box) == str(64 << 20)
        refused(free)
        # Nor does anything of it come with the next start.
        done = engine.hull("update", "-m", "96m", "--memory-swap", "192m", "--publish-rm", f"{taken}:80", box)
        assert done.returncode == 1 and "doesn't publish 80/tcp" in done.stderr
        assert memory_limit(engine, box) == 64 << 20 and kernel_limit(engine, box) == str(64 << 20)
        engine.docker("restart", "-t", "0", box)
        assert memory_limit(engine, box) == 64 << 20
        refused(free)
        # Both sound: both done.
        done = engine.hull("update", "-m", "96m", "--memory-swap", "192m", "--publish-add", f"{free}:80", box)
        assert done.returncode == 0, done.stderr
        assert memory_limit(engine, box) == 96 << 20 and kernel_limit(engine, box) == str(96 << 20)
        assert fetch("127.0.0.1", free) == "from-srv\n"
        done = engine.hull("update", "-m", "80m", "--publish-add", f"{other}:80", "--publish-rm", f"{free}:80", box)
        assert done.returncode == 0, done.stderr
        assert kernel_limit(engine, box) == str(80 << 20)
        assert fetch("127.0.0.1", other) == "from-srv\n"
        refused(free)


def test_udp_that_changes_hands(engine):
    """A client that never stops to send on the same socket meets whoever has the port now."""
    port = free_port(socket.SOCK_DGRAM)
    answer = ("import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('0.0.0.0',9))\n"
              "while 1:\n d,a=s.recvfrom(99)\n s.sendto(sys.argv[1].encode(),a)")
    boxes, servers = {}, []
    try:
        for name in ("one", "two"):
            boxes[name] = engine.docker("run", "-d", "busybox", "sleep", "600").stdout.strip()
            pid = engine.docker("inspect", "-f", "{{.State.Pid}}", boxes[name]).stdout.strip()
            servers.append(subprocess.Popen(["nsenter", "-t", pid, "-n", "/usr/bin/python3", "-c", answer, name]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.0.1", 0))
            client.settimeout(0.2)

            def who(wanted):
                heard = ""
                for _ in range(25):
                    client.sendto(b"who", ("127.0.0.1", port))
                    try:
                        heard = client.recv(99).decode()
                    except OSError:
                        continue
                    if heard == wanted:
                        return True
                return heard
            for name in ("one", "two", "one"):
                added = engine.hull("port", "add", boxes[name], f"{port}:9/udp")
                assert added.returncode == 0, added.stderr
                assert who(name) is True
                assert engine.hull("port", "rm", boxes[name], f"{port}:9/udp").returncode == 0
    finally:
        for server in servers:
            server.kill()
            server.wait()
        engine.docker("rm", "-f", *boxes.values())
