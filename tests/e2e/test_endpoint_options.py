"""Options of an endpoint: its interface's name and sysctls, as Docker 28 has them."""
import pytest

from test_networks import box, inspect, net, sh  # noqa: F401 (fixtures)

IFNAME = "com.docker.network.endpoint.ifname"
SYSCTLS = "com.docker.network.endpoint.sysctls"


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


def interfaces(engine, where):
    return sorted(sh(engine, where, "ls /sys/class/net").stdout.split())


def setting(engine, where, interface, name, family="ipv4"):
    return sh(engine, where, f"cat /proc/sys/net/{family}/conf/{interface}/{name}").stdout.strip()


def test_names_and_sysctls(engine, net, made):
    one, two = net(), net("--ipv6")
    a = made("--network", f"name={one},driver-opt={IFNAME}=front",
             "--network", f'name={two},"driver-opt={SYSCTLS}=net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=2"')
    assert interfaces(engine, a) == ["eth0", "front", "lo"]
    assert setting(engine, a, "eth0", "log_martians") == "1" and setting(engine, a, "front", "log_martians") == "0"
    assert setting(engine, a, "eth0", "accept_ra", "ipv6") == "2"
    networks = inspect(engine, "container", a)["NetworkSettings"]["Networks"]
    assert networks[one]["DriverOpts"] == {IFNAME: "front"}
    assert networks[two]["DriverOpts"][SYSCTLS].startswith("net.ipv4.conf.IFNAME")
    assert sh(engine, a, "ip route | grep -c ^default").stdout == "1\n"
    assert sh(engine, a, f"ping -c1 -W3 {networks[one]['Gateway']}").returncode == 0
    # So are they after a restart.
    assert engine.docker("restart", "-t0", a).returncode == 0
    assert interfaces(engine, a) == ["eth0", "front", "lo"]
    assert setting(engine, a, "eth0", "log_martians") == "1"


def test_a_name_that_would_have_been_anothers(engine, net, made):
    one, two = sorted([net(), net()])
    a = made("--network", one, "--network", f"name={two},driver-opt={IFNAME}=eth0")
    assert interfaces(engine, a) == ["eth0", "eth1", "lo"]
    address = inspect(engine, "container", a)["NetworkSettings"]["Networks"][two]["IPAddress"]
    assert address in sh(engine, a, "ip addr show eth0").stdout


def test_the_default_bridge(engine, made):
    a = made("--network", f'name=bridge,driver-opt={IFNAME}=outer,"driver-opt={SYSCTLS}=net.ipv4.conf.IFNAME.log_martians=1"')
    assert interfaces(engine, a) == ["lo", "outer"]
    assert setting(engine, a, "outer", "log_martians") == "1"
    gateway = inspect(engine, "container", a)["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    assert gateway and sh(engine, a, f"ping -c1 -W3 {gateway}").returncode == 0


def test_live(engine, net, made):
    name = net()
    a = made()
    for _ in range(2):
        done = engine.hull("network", "connect", "--driver-opt", f"{IFNAME}=late", "--driver-opt",
                           f"{SYSCTLS}=net.ipv4.conf.IFNAME.log_martians=1", name, a)
        assert done.returncode == 0, done.stderr
        assert interfaces(engine, a) == ["eth0", "late", "lo"] and setting(engine, a, "late", "log_martians") == "1"
        assert engine.docker("network", "disconnect", name, a).returncode == 0
        assert interfaces(engine, a) == ["eth0", "lo"]
    # What fails leaves nothing.
    for option, text in ((f"{IFNAME}=eth0", "has an interface eth0 already"),
                         (f"{SYSCTLS}=net.ipv4.conf.IFNAME.no_such=1", "no sysctl net.ipv4.conf.eth1.no_such"),
                         (f"{SYSCTLS}=net.ipv4.conf.IFNAME.log_martians=x", "log_martians=x")):
        done = engine.hull("network", "connect", "--driver-opt", option, name, a)
        assert done.returncode == 1 and text in done.stderr, done.stderr
        assert interfaces(engine, a) == ["eth0", "lo"]
    assert engine.docker("network", "connect", name, a).returncode == 0
    assert interfaces(engine, a) == ["eth0", "eth1", "lo"]


@pytest.mark.parametrize("option, text", [
    (f"{IFNAME}=a/b", "invalid interface name"),
    (f"{IFNAME}=abcdefghijklmnop", "invalid interface name"),
    (f"{IFNAME}=lo", "invalid interface name"),
    (f"{SYSCTLS}=net.ipv4.conf.eth0.log_martians=1", "to have format net.X.Y.IFNAME.Z"),
    (f"{SYSCTLS}=net.ipv4.conf.IFNAME.log_martians", "to have format name=value"),
    ("com.docker.network.other=1", "endpoint option com.docker.network.other is not supported"),
])
def test_what_is_refused(engine, option, text):
    done = engine.hull("create", "--network", f"name=bridge,driver-opt={option}", "busybox", "true")
    assert done.returncode != 0 and text in done.stderr, done.stderr


def test_link_local_addresses(engine, net, made):
    one = net("--ipv6")
    a = made("--network", one, "--link-local-ip", "169.254.8.8", "--link-local-ip", "fe80::abcd")
    b = made("--network", "bridge", "--link-local-ip", "169.254.9.9")
    shown = sh(engine, a, "ip addr show eth0").stdout
    assert "169.254.8.8/16" in shown and "fe80::abcd/64" in shown, shown
    assert "169.254.9.9/16" in sh(engine, b, "ip addr show eth0").stdout
    assert inspect(engine, "container", a)["NetworkSettings"]["Networks"][one]["IPAMConfig"]["LinkLocalIPs"] == [
        "169.254.8.8", "fe80::abcd"]
    c = made("--network", one, "--link-local-ip", "169.254.8.9")
    assert sh(engine, c, "ping -c1 -W3 169.254.8.8").returncode == 0
    assert engine.docker("restart", "-t0", a).returncode == 0
    assert "169.254.8.8/16" in sh(engine, a, "ip addr show eth0").stdout


def test_options_of_others_are_kept(engine, net, made):
    one = net()
    a = made("--network", f"name={one},driver-opt=com.example.x=1")
    assert inspect(engine, "container", a)["NetworkSettings"]["Networks"][one]["DriverOpts"] == {"com.example.x": "1"}
