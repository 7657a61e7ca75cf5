"""The plain bridge: addresses, names, the way out."""
import os
import re
import subprocess
import threading
import http.server

import pytest


def test_containers_reach_each_other_by_address(engine):
    first = engine.hull("run", "-d", "busybox", "sh", "-c", "while :; do echo pong | nc -l -p 7000; done").stdout.strip()
    try:
        address = engine.hull("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", first).stdout.strip()
        assert re.match(r"10\.213\.\d+\.\d+$", address)
        done = engine.hull("run", "--rm", "busybox", "sh", "-c",
                           f"for i in 1 2 3 4 5 6 7 8; do nc -w 2 {address} 7000 && exit 0; sleep 0.2; done; exit 1")
        assert done.stdout == "pong\n"
    finally:
        engine.hull("rm", "-f", first)


def test_addresses_are_given_back(engine):
    def address():
        done = engine.hull("run", "--rm", "busybox", "ip", "-o", "-4", "addr", "show", "eth0")
        assert "inet " in done.stdout, done
        return done.stdout.split()[3]
    assert len({address() for _ in range(30)}) <= 30
    assert address().endswith("/24")


def test_host_is_reachable_through_the_gateway(engine):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from the host")

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("0.0.0.0", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = engine.hull("run", "--rm", "--add-host", "host.docker.internal:host-gateway", "busybox", "wget", "-qO-",
                           f"http://host.docker.internal:{server.server_port}/")
        assert done.stdout == "from the host", done.stderr
    finally:
        server.shutdown()
        server.server_close()


def test_network_none_has_only_loopback(engine):
    done = engine.hull("run", "--rm", "--network", "none", "busybox", "sh", "-c", "ls /sys/class/net; ip addr show lo")
    assert done.stdout.split()[0] == "lo" and "eth0" not in done.stdout and "127.0.0.1" in done.stdout


def test_hosts_hostname_and_resolv_conf(engine):
    done = engine.hull("run", "--rm", "-h", "box", "--dns", "192.0.2.53", "--dns-search", "example.org", "busybox",
                       "sh", "-c", "cat /etc/hostname; grep box /etc/hosts; cat /etc/resolv.conf")
    assert done.stdout.startswith("box\n10.213.")
    assert "nameserver 192.0.2.53" in done.stdout and "search example.org" in done.stdout


def test_apt_get_works_in_a_fresh_container(engine, debian):
    """The container uses the machine's own package sources (the image was made from them)."""
    done = engine.hull("run", "--rm", debian, "sh", "-c",
                       "apt-get update -q && apt-get install -y -q nginx curl && nginx && curl -s localhost", timeout=400)
    assert "Welcome to nginx" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
