"""A bridge that another engine's containers are on is not taken."""
import subprocess

import pytest


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True, timeout=20)


@pytest.fixture
def bridge(new_engine):
    """An engine that is to use a bridge of the administrator's, with an address of its own."""
    engine = new_engine(start=False)
    engine.bip = None
    ip("link", "add", engine.bridge, "type", "bridge")
    subnet = f"10.214.{int(engine.bridge[2:]) % 250}"
    ip("addr", "add", f"{subnet}.1/24", "dev", engine.bridge)
    ip("link", "set", engine.bridge, "up")
    other = f"veth{int(engine.bridge[2:]) % 0x10000000:07x}"
    yield engine, subnet, other
    subprocess.run(["ip", "link", "del", other], capture_output=True)


def has_table(engine):
    done = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True)
    return f"hull-{engine.bridge}" in done.stdout.split()


def add_other(engine, other):
    ip("link", "add", other, "type", "veth", "peer", "name", "p" + other)
    ip("link", "set", other, "master", engine.bridge)


def test_one_with_containers_of_another_engine(bridge):
    engine, subnet, other = bridge
    add_other(engine, other)
    engine.start(wait=False)
    assert engine.process.wait(timeout=20) != 0
    lines = [line for line in engine.log_text().splitlines() if "another engine" in line]
    assert len(lines) == 1 and other in lines[0] and "--bridge" in lines[0], engine.log_text()
    assert not has_table(engine)
    # Without them it is the administrator's, and taken with its address, as dockerd does.
    ip("link", "del", other)
    engine.start()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    done = engine.docker("run", "--rm", "busybox", "ip", "addr", "show", "eth0")
    assert f"inet {subnet}." in done.stdout, done
    assert engine.hull("system", "check").returncode == 0
    # Those of a second engine that comes later are found.
    add_other(engine, other)
    done = engine.hull("system", "check")
    assert done.returncode != 0 and f"another engine are on its device {engine.bridge} ({other})" in done.stdout
    # Its own containers are no strangers to it.
    ip("link", "del", other)
    box = engine.docker("run", "-d", "busybox", "sleep", "600").stdout.strip()
    engine.kill()
    engine.start()
    assert engine.hull("system", "check").returncode == 0
    assert engine.docker("rm", "-f", box).returncode == 0
