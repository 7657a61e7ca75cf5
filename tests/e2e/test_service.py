"""The engine as a service: configuration file, reload, activation, notification, logs, metrics, sockets."""
import contextlib
import grp
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request

import docker as docker_py
import pytest

from engines import ROOT, run
from test_clients import api


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=10):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def configured(new_engine, tmp_path):
    """configured(settings, *flags): an engine with that configuration file."""
    def make(settings, *flags, start=True):
        path = tmp_path / "daemon.json"
        path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
        engine = new_engine("--config-file", str(path), *flags, start=False)
        engine.config = path
        return engine.start() if start else engine
    return make


def refusal(programs, path, *flags):
    done = run(programs / "bin/hulld", "--validate", "--config-file", path, *flags)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize("text,flags,message", [
    ('{"colour": 1, "debug": true, "shape": 2}', [],
     "the following directives don't match any configuration option: colour, shape"),
    ('{"debug": true}', ["--debug"], "the following directives are specified both as a flag and in the configuration "
     "file: debug: (from flag: true, from file: true)"),
    ('{"hosts": ["unix:///a"]}', ["-H", "unix:///b"], "hosts: (from flag: unix:///b, from file: unix:///a)"),
    ('{"labels": ["a=1", "a=2"]}', [], "conflict labels for a"),
    ('{"debug": 5}', [], "the directive debug is not true or false"),
    ('{"debug"', [], "invalid JSON"),
    ('{"hosts": ["tcp://127.0.0.1:1"]}', [], "TCP needs mutual TLS"),
    ('{"log-format": "xml"}', [], "unknown log format: xml"),
])
def test_a_wrong_configuration_is_named(programs, tmp_path, text, flags, message):
    path = tmp_path / "daemon.json"
    path.write_text(text)
    said = refusal(programs, path, *flags)
    assert message in said and str(path) in said or "labels" in text or "tcp" in text or "xml" in text
    assert message in said


def test_a_good_configuration_validates(programs, tmp_path):
    path = tmp_path / "daemon.json"
    path.write_text((ROOT / "packaging/daemon.json").read_text())
    done = run(programs / "bin/hulld", "--validate", "--config-file", path)
    assert (done.returncode, done.stdout) == (0, "configuration OK\n")
    assert "no such file" in refusal(programs, tmp_path / "missing.json").lower()


def info(engine):
    return json.loads(api(engine, "GET", "/info")[1])


def test_sighup_reloads_what_can_change(configured):
    engine = configured({"labels": ["stage=one"], "debug": False})
    assert info(engine)["Labels"] == ["stage=one"] and info(engine)["Debug"] is False
    start = time.time()
    engine.config.write_text(json.dumps({"labels": ["stage=two"], "debug": True, "shutdown-timeout": 3}))
    engine.process.send_signal(signal.SIGHUP)
    wait_for(lambda: info(engine)["Labels"] == ["stage=two"] and info(engine)["Debug"] is True)
    client = docker_py.DockerClient(base_url=engine.host)
    events = list(client.events(since=start, until=time.time() + 0.1, decode=True, filters={"type": "daemon"}))
    client.close()
    assert [e["Action"] for e in events] == ["reload"]
    attributes = events[0]["Actor"]["Attributes"]
    assert attributes["labels"] == '["stage=two"]' and attributes["debug"] == "true"
    assert attributes["shutdown-timeout"] == "3" and attributes["name"] == os.uname().nodename


def test_sighup_reloads_runtimes_logs_and_registries(configured):
    engine = configured({})
    engine.hull("image", "bootstrap", "busybox", timeout=120)
    assert info(engine)["RegistryConfig"]["Mirrors"] == [] and info(engine)["DefaultRuntime"] == "hull"
    engine.config.write_text(json.dumps({
        "registry-mirrors": ["https://hub.example", "quay.io=https://quay.example/m"],
        "insecure-registries": ["reg.example:5000", "10.9.0.0/16"],
        "runtimes": {"other": {"path": "/usr/bin/crun"}}, "default-runtime": "other",
        "log-driver": "local", "log-opts": {"max-size": "3m"}}))
    engine.process.send_signal(signal.SIGHUP)
    wait_for(lambda: info(engine)["DefaultRuntime"] == "other")
    told = info(engine)
    assert told["LoggingDriver"] == "local" and told["Runtimes"]["other"] == {"path": "/usr/bin/crun"}
    registries = told["RegistryConfig"]
    assert registries["Mirrors"] == ["https://hub.example/"] and "10.9.0.0/16" in registries["InsecureRegistryCIDRs"]
    assert registries["IndexConfigs"] == {
        "docker.io": {"Name": "docker.io", "Mirrors": ["https://hub.example/"], "Secure": True, "Official": True},
        "quay.io": {"Name": "quay.io", "Mirrors": ["https://quay.example/m/"], "Secure": True, "Official": False},
        "reg.example:5000": {"Name": "reg.example:5000", "Mirrors": [], "Secure": False, "Official": False}}
    made = engine.docker("create", "busybox", "true").stdout.strip()
    shown = json.loads(engine.docker("inspect", made).stdout)[0]["HostConfig"]
    assert shown["Runtime"] == "other" and shown["LogConfig"] == {"Type": "local", "Config": {"max-size": "3m"}}


def test_networks_are_as_the_configuration_has_them(configured):
    octet = os.getpid() % 200
    engine = configured({"default-address-pools": [{"base": f"10.{octet}.0.0/22", "size": 24}], "ip": "127.0.0.1",
                         "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1234"}},
                         "host-gateway-ip": "10.99.1.1"})
    engine.hull("image", "bootstrap", "busybox", timeout=120)
    assert info(engine)["DefaultAddressPools"] == [{"Base": f"10.{octet}.0.0/22", "Size": 24}]
    try:
        engine.docker("network", "create", "one")
        engine.docker("network", "create", "-o", "com.docker.network.driver.mtu=1400", "two")
        one, two = json.loads(engine.docker("network", "inspect", "one", "two").stdout)
        assert one["IPAM"]["Config"][0]["Subnet"].startswith(f"10.{octet}.") and one["Options"] == {
            "com.docker.network.driver.mtu": "1234"}
        assert two["Options"] == {"com.docker.network.driver.mtu": "1400"}
        done = engine.docker("run", "--rm", "--add-host", "me:host-gateway", "busybox", "cat", "/etc/hosts")
        assert "10.99.1.1\tme" in done.stdout
        made = engine.docker("run", "-d", "-p", "80", "busybox", "sleep", "60").stdout.strip()
        assert engine.docker("port", made, "80").stdout.startswith("127.0.0.1:")
    finally:
        engine.docker("network", "rm", "one", "two")


def test_a_reload_that_fails_changes_nothing(configured):
    engine = configured({"labels": ["stage=one"]})
    engine.config.write_text('{"labels": ["stage=two"], "colour": 1}')
    engine.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "don't match any configuration option: colour" in engine.log_text())
    assert info(engine)["Labels"] == ["stage=one"]


def test_the_socket_is_for_root_and_the_group(new_engine):
    engine = new_engine("--group", "root")
    found = engine.socket.stat()
    assert stat.S_IMODE(found.st_mode) == 0o660 and (found.st_uid, found.st_gid) == (0, 0)
    assert stat.S_IMODE((engine.folder / "data").stat().st_mode) == 0o700
    names = {g.gr_name: g.gr_gid for g in grp.getgrall()}
    other = new_engine()
    wanted = names.get("hull", names.get("docker", 0))
    assert other.socket.stat().st_gid == wanted


def test_debug_endpoints_are_off(engine):
    for path in ("/debug/vars", "/debug/pprof/", "/metrics"):
        assert api(engine, "GET", path, version="")[0] == 404


class Notifications:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)

    def next(self):
        return self.socket.recv(4096).decode()


def test_systemd_is_told_and_its_socket_taken(new_engine, tmp_path):
    notifications = Notifications(tmp_path / "notify")
    listener = socket.socket(socket.AF_UNIX)
    engine = new_engine(start=False)
    listener.bind(str(engine.socket))
    listener.listen()
    engine.log = open(engine.folder / "hulld.log", "ab")
    fd = listener.fileno()
    engine.process = subprocess.Popen(
        ["bash", "-c", f'[ {fd} = 3 ] || exec 3<&{fd}; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "bash",
         engine.programs / "bin/hulld", "--data-root", engine.folder / "data", "--exec-root", engine.folder / "exec",
         "-H", "fd://", "--bridge", engine.bridge, "--bip", engine.bip],
        pass_fds=[fd], stdout=engine.log, stderr=engine.log,
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert notifications.next() == "READY=1"
    listener.close()
    assert engine.docker("version", "-f", "{{.Server.APIVersion}}").stdout == "1.55\n"
    engine.process.send_signal(signal.SIGHUP)
    state, stamp = notifications.next().split("\n")
    assert state == "RELOADING=1" and 0 < int(stamp.split("=")[1]) <= time.monotonic_ns() // 1000
    assert notifications.next() == "READY=1"
    engine.process.send_signal(signal.SIGTERM)
    assert notifications.next() == "STOPPING=1"
    assert engine.process.wait(20) == 0
    assert engine.socket.exists()  # systemd's, not ours
    engine.socket.unlink()
    engine.log.close()


def test_without_systemds_socket_fd_is_refused(new_engine):
    engine = new_engine(start=False)
    done = run(engine.programs / "bin/hulld", "--data-root", engine.folder / "data", "--exec-root",
               engine.folder / "exec", "-H", "fd://", "--bridge", "none")
    assert done.returncode == 1 and "no sockets found via socket activation" in done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_units_are_good(programs, tmp_path):
    folder = programs / "lib/systemd/system"
    if not folder.exists():
        pytest.skip("only programs are installed")
    service = (folder / "hull.service").read_text()
    assert "KillMode=process" in service and "Type=notify" in service and "--log-format journald" in service
    # The programs are where this test put them, not where the unit will look.
    text = service.replace(service.split("ExecStart=")[1].split()[0], str(programs / "bin/hulld"))
    (tmp_path / "hull.service").write_text(text)
    shutil.copy(folder / "hull.socket", tmp_path / "hull.socket")
    done = run("systemd-analyze", "verify", "--man=no", tmp_path / "hull.service", tmp_path / "hull.socket")
    assert "hull." not in done.stderr, done.stderr


def test_logs_as_json(new_engine):
    engine = new_engine("--log-format", "json", "--debug")
    run("curl", "-s", "--unix-socket", engine.socket, 'http://h/containers/no"where\\/json')
    lines = engine.log_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert {"level", "msg", "time"} == set(entries[0])
    assert any(e["msg"].startswith("listening on unix://") and e["level"] == "info" for e in entries)
    assert any("No such container" in e["msg"] and e["level"] == "debug" for e in entries)


def test_logs_to_the_journal(new_engine, tmp_path, monkeypatch):
    journal = Notifications(tmp_path / "journal")
    monkeypatch.setenv("HULL_JOURNAL_SOCKET", str(tmp_path / "journal"))
    engine = new_engine("--log-format", "journald")
    entry = dict(line.split("=", 1) for line in journal.next().splitlines())
    assert entry["SYSLOG_IDENTIFIER"] == "hulld" and entry["PRIORITY"] in "3456" and entry["MESSAGE"]
    assert "level=info" not in engine.log_text()


def test_what_a_start_needs_is_said(programs, tmp_path):
    def start(*command):
        done = run(*command, programs / "bin/hulld", "--data-root", tmp_path / "ro/data", "--exec-root",
                   tmp_path / "e", "-H", f"unix://{tmp_path}/s", "--bridge", "none")
        assert done.returncode == 1
        return done.stderr
    (tmp_path / "ro").mkdir()
    in_readonly = f"mount -t tmpfs -o ro none {tmp_path}/ro && exec \"$@\""
    assert "make the data root (--data-root takes another place)" in start("unshare", "-m", "sh", "-c", in_readonly, "sh")
    assert "hulld needs to be started with root privileges" in start("setpriv", "--reuid", "65534", "--clear-groups")


@pytest.mark.skipif(os.path.exists("/run/systemd/private"), reason="systemd is here")
def test_without_systemd_it_cannot_make_the_cgroups(programs, tmp_path):
    done = run(programs / "bin/hulld", "--data-root", tmp_path / "d", "--exec-root", tmp_path / "e", "-H",
               f"unix://{tmp_path}/s", "--bridge", "none", "--exec-opt", "native.cgroupdriver=systemd")
    assert done.returncode == 1 and "systemd can't be reached" in done.stderr
    assert "native.cgroupdriver=systemd: leave it out" in done.stderr


def test_a_journal_that_is_not_there_is_an_error(programs, tmp_path):
    done = run(programs / "bin/hulld", "--log-format", "journald", "--data-root", tmp_path / "d", "--exec-root",
               tmp_path / "e", env={**os.environ, "HULL_JOURNAL_SOCKET": str(tmp_path / "nothing")})
    assert done.returncode == 1 and "log to the journal" in done.stderr


def metrics_of(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = [line.rsplit(" ", 1) for line in reply.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_metrics_count_what_happens(new_engine):
    port = free_port()
    engine = new_engine("--metrics-addr", f"127.0.0.1:{port}")
    before = metrics_of(port)
    assert before['engine_daemon_container_states_containers{state="running"}'] == 0
    assert any(name.startswith("engine_daemon_engine_info{") and 'version="' in name for name in before)
    assert before["process_resident_memory_bytes"] > 1 << 20 and before["process_open_fds"] > 5
    assert abs(before["process_start_time_seconds"] - time.time()) < 60
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    cid = engine.hull("run", "-d", "busybox", "sleep", "60").stdout.strip()
    api(engine, "GET", "/containers/nope/json")
    after = metrics_of(port)
    assert after['engine_daemon_container_states_containers{state="running"}'] == 1
    assert after['engine_daemon_container_actions_seconds_count{action="start"}'] == 1
    assert after['engine_daemon_container_actions_seconds_bucket{action="start",le="+Inf"}'] == 1
    assert 0 < after['engine_daemon_container_actions_seconds_sum{action="start"}'] < 10
    assert after["engine_daemon_events_total"] > before["engine_daemon_events_total"]
    assert after['hull_api_requests_total{method="GET",route="/containers/{name}/json",code="4xx"}'] == 1
    assert after["hull_images"] == 1
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/containers/json", timeout=5)
    engine.hull("rm", "-f", cid)


@pytest.mark.skipif(os.path.exists("/var/run/docker.sock"), reason="a Docker is here")
def test_dockers_own_socket_is_served_too(new_engine):
    engine = new_engine("--docker-socket")
    try:
        env = {k: v for k, v in os.environ.items() if k != "DOCKER_HOST"}
        assert run("docker", "version", "-f", "{{.Server.APIVersion}}", env=env).stdout == "1.55\n"
    finally:
        engine.kill(signal.SIGTERM)
        assert not os.path.exists("/var/run/docker.sock")
