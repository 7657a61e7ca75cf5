"""LogConfig: where the lines go, what they carry, how files rotate, and that `docker logs` reads with every driver."""
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import threading
import time

import pytest

from fields import box, call, refused, said, until


def logging(driver, **options):
    return {"LogConfig": {"Type": driver, "Config": {k.replace("_", "-"): v for k, v in options.items()}}}


SAYS = ["sh", "-c", "echo out-line; echo err-line >&2"]


class Collector:
    """Takes everything that comes to a TCP port, a UDP port or a unix socket."""

    def __init__(self, kind, path=None):
        family, sort = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM),
                        "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
                        "unixgram": (socket.AF_UNIX, socket.SOCK_DGRAM)}[kind]
        self.kind, self.path, self.data, self.messages, self.answer = kind, path, b"", [], None
        self.socket = socket.socket(family, sort)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(str(path) if path else ("127.0.0.1", 0))
        self.open = []
        if sort == socket.SOCK_STREAM:
            self.socket.listen()
        threading.Thread(target=self.accept if sort == socket.SOCK_STREAM else self.take, daemon=True).start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    @property
    def address(self):
        return f"{self.kind}://{self.path}" if self.path else f"{self.kind}://127.0.0.1:{self.port}"

    def accept(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        while True:
            try:
                piece = connection.recv(65536)
            except OSError:
                return
            if not piece:
                return
            self.data += piece
            if self.answer:
                connection.sendall(self.answer(piece))

    def take(self):
        while True:
            try:
                message = self.socket.recv(1 << 20)
            except OSError:
                return
            self.messages.append(message)
            self.data += message

    def close(self):
        self.socket.close()
        for one in self.open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        if self.path:
            os.unlink(self.path)


@pytest.fixture
def collector(tmp_path):
    made = []

    def make(kind):
        made.append(Collector(kind, tmp_path / f"{kind}.sock" if kind.startswith("unix") else None))
        return made[-1]
    yield make
    for one in made:
        one.close()


def unpack(data, at=0):
    """One MessagePack value: (value, where the next begins)."""
    kind = data[at]
    if kind < 0x80:
        return kind, at + 1
    if kind < 0x90 or kind == 0xde:
        count, at = (kind & 15, at + 1) if kind < 0x90 else (struct.unpack(">H", data[at + 1:at + 3])[0], at + 3)
        out = {}
        for _ in range(count):
            key, at = unpack(data, at)
            out[key], at = unpack(data, at)
        return out, at
    if kind < 0xa0:
        out, at = [], at + 1
        for _ in range(kind & 15):
            value, at = unpack(data, at)
            out.append(value)
        return out, at
    if kind < 0xc0:
        return data[at + 1:at + 1 + (kind & 31)].decode(), at + 1 + (kind & 31)
    if kind in (0xd9, 0xda):
        width = 1 if kind == 0xd9 else 2
        size = int.from_bytes(data[at + 1:at + 1 + width], "big")
        return data[at + 1 + width:at + 1 + width + size].decode(), at + 1 + width + size
    if kind == 0xcf:
        return int.from_bytes(data[at + 1:at + 9], "big"), at + 9
    if kind == 0xd7:
        return struct.unpack(">II", data[at + 2:at + 10]), at + 10
    raise AssertionError(hex(kind))


def unpack_all(data):
    at, out = 0, []
    while at < len(data):
        value, at = unpack(data, at)
        out.append(value)
    return out


# ---- files -------------------------------------------------------------------

@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_files_are_read_back(engine, driver):
    with box(engine, logging(driver), start=False, Cmd=SAYS) as made:
        assert sorted(made.output().split()) == ["err-line", "out-line"]
        assert bool(made.inspect()["LogPath"]) == (driver == "json-file")


def test_none_writes_nothing_and_cannot_be_read(engine):
    with box(engine, logging("none", anything="goes"), start=False, Cmd=SAYS) as made:
        made.start()
        made.wait()
        status, answer = call(engine, "GET", f"/containers/{made.id}/logs?stdout=1")
        assert (status, answer["message"]) == (501, "configured logging driver does not support reading")
        assert not list((engine.folder / "data/containers" / made.id).glob("*json.log"))


def files_of(engine, made):
    return sorted(p.name.split("-json.log")[1] for p in (engine.folder / "data/containers" / made.id).glob("*json.log*"))


def test_max_size_and_max_file(engine):
    host = logging("json-file", max_size="10k", max_file="3")
    with box(engine, host, start=False, Cmd=["sh", "-c", "for i in $(seq 2000); do echo line $i; done"]) as made:
        seen = made.output().splitlines()
        assert seen[-1] == "line 2000" and 200 < len(seen) < 600
        assert files_of(engine, made) == ["", ".1", ".2"]


def test_compressed_files_are_read_back_whole(engine):
    host = logging("json-file", max_size="100k", max_file="8", compress="true")
    command = "for i in $(seq 3000); do echo line $i; done; sleep 600"
    with box(engine, host, Cmd=["sh", "-c", command]) as made:
        until(lambda: any(n.endswith(".1.gz") for n in files_of(engine, made)))
        until(lambda: not [n for n in files_of(engine, made) if re.fullmatch(r"\.\d", n)])
        assert made.logs().splitlines() == [f"line {i}" for i in range(1, 3001)]
        tail = call(engine, "GET", f"/containers/{made.id}/logs?stdout=1&tail=2500", raw=True)[1]
        assert tail.count(b"line ") == 2500


def test_follow_across_rotation_and_compression(engine):
    host = logging("local", max_size="50k", max_file="50")
    command = "for i in $(seq 20000); do echo line $i; [ $((i % 2000)) = 0 ] && sleep 0.8; done; true"
    with box(engine, host, Cmd=["sh", "-c", command]) as made:
        data = call(engine, "GET", f"/containers/{made.id}/logs?stdout=1&follow=1", raw=True)[1]
        assert re.findall(rb"line (\d+)\n", data) == [b"%d" % i for i in range(1, 20001)]


def test_labels_env_and_tag_stand_in_the_lines(engine):
    host = logging("json-file", labels="a,none", labels_regex="^re", env="E", env_regex="^X",
                   tag="{{.Name}}/{{.ImageName}}/{{upper .DaemonName}}/{{truncate .FullID 3}}")
    with box(engine, host, start=False, Cmd=["echo", "x"], Labels={"a": "1", "regex": "2", "b": "3"},
             Env=["E=4", "XY=5", "Z=6"]) as made:
        made.output()
        seen = made.inspect()
        line = json.loads(pathlib.Path(seen["LogPath"]).read_text())
        assert line["attrs"] == {"a": "1", "regex": "2", "E": "4", "XY": "5",
                                 "tag": f"{seen['Name'][1:]}/busybox/DOCKER/{made.id[:3]}"}
        details = call(engine, "GET", f"/containers/{made.id}/logs?stdout=1&details=1", raw=True)[1]
        assert b"a=1" in details and b"x\n" in details


def test_non_blocking(engine):
    assert said(engine, "echo hi", logging("json-file", mode="non-blocking", max_buffer_size="4m")) == "hi\n"


@pytest.mark.parametrize("driver,options,text", [
    ("json-file", {"max-size": "x"}, "invalid size: 'x'"),
    ("json-file", {"max-size": "0"}, "max-size must be a positive number"),
    ("json-file", {"max-file": "0"}, "max-file cannot be less than 1"),
    ("json-file", {"compress": "true", "max-file": "1"},
     "compress cannot be true when max-file is less than 2 or max-size is not set"),
    ("json-file", {"compress": "maybe"}, "compress"),
    ("json-file", {"mode": "sometimes"}, "logger: logging mode not supported: sometimes"),
    ("json-file", {"max-buffer-size": "1m"},
     "logger: max-buffer-size option is only supported with 'mode=non-blocking'"),
    ("json-file", {"tag": "{{.NoSuch}}"}, "can't evaluate field NoSuch"),
    ("json-file", {"tag": "{{.Name"}, "unclosed action"),
    ("json-file", {"labels-regex": "("}, "error parsing regexp"),
    ("json-file", {"syslog-address": "x"}, "unknown log opt 'syslog-address' for json-file log driver"),
    ("local", {"x": "y"}, "unknown log opt 'x' for log driver local"),
    ("syslog", {"x": "y"}, "unknown log opt 'x' for syslog log driver"),
    ("syslog", {"syslog-facility": "x"}, "invalid syslog facility"),
    ("syslog", {"syslog-format": "x"}, "Invalid syslog format"),
    ("journald", {"x": "y"}, "unknown log opt 'x' for journald log driver"),
    ("fluentd", {"x": "y"}, "unknown log opt 'x' for fluentd log driver"),
    ("fluentd", {"fluentd-async": "x"}, "fluentd-async"),
    ("gelf", {}, 'error looking up logging plugin gelf: plugin "gelf" not found'),
])
def test_wrong_options(engine, driver, options, text):
    status, message = refused(engine, {"LogConfig": {"Type": driver, "Config": options}})
    assert status == 400 and text in message, message


# ---- collectors --------------------------------------------------------------

@pytest.mark.parametrize("kind", ["udp", "tcp", "unix", "unixgram"])
def test_syslog_transports(engine, collector, kind):
    server = collector(kind)
    host = logging("syslog", syslog_address=server.address, tag="my-tag", syslog_facility="local3")
    with box(engine, host, start=False, Cmd=SAYS) as made:
        assert sorted(made.output().split()) == ["err-line", "out-line"]
        until(lambda: b"out-line" in server.data and b"err-line" in server.data)
        lines = sorted(server.data.decode().splitlines())
        assert re.fullmatch(r"<155>\w{3} [ \d]\d \d\d:\d\d:\d\d my-tag\[\d+\]: err-line", lines[0]), lines
        assert re.fullmatch(r"<158>\w{3} [ \d]\d \d\d:\d\d:\d\d my-tag\[\d+\]: out-line", lines[1]), lines


@pytest.mark.parametrize("form,pattern", [
    ("rfc3164", r"<30>\w{3} [ \d]\d \d\d:\d\d:\d\d {host} {tag}\[\d+\]: hello"),
    ("rfc5424", r"<30>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+ {host} {tag} \d+ {tag} - hello"),
    ("rfc5424micro", r"<30>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\S+ {host} {tag} \d+ {tag} - hello"),
])
def test_syslog_formats(engine, collector, form, pattern):
    server = collector("udp")
    with box(engine, logging("syslog", syslog_address=server.address, syslog_format=form), Cmd=["echo", "hello"]) as made:
        until(lambda: server.data)
        wanted = pattern.replace("{host}", re.escape(socket.gethostname())).replace("{tag}", made.id[:12])
        assert re.fullmatch(wanted, server.data.decode().strip()), server.data


def test_syslog_of_a_run_with_rm_is_complete(engine, collector):
    server = collector("tcp")
    done = engine.docker("run", "--rm", "--log-driver", "syslog", "--log-opt", f"syslog-address={server.address}",
                         "busybox", "sh", "-c", "for i in $(seq 500); do echo n$i; done")
    assert done.returncode == 0 and done.stdout.count("\n") == 500
    until(lambda: server.data.count(b"\n") == 500)


def test_a_collector_that_is_away_fails_the_start_in_dockers_words(engine):
    for host in (logging("syslog", syslog_address="tcp://127.0.0.1:1"),
                 logging("fluentd", fluentd_address="127.0.0.1:1")):
        status, message = refused(engine, host)
        assert status == 500 and "failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused" \
            in message, message


def test_what_was_said_while_the_collector_was_away_comes_later(engine, collector):
    server = collector("tcp")
    host = logging("syslog", syslog_address=server.address)
    with box(engine, host, Cmd=["sh", "-c", "echo one; sleep 1; echo two; sleep 1; echo three; sleep 600"]) as made:
        until(lambda: b"one" in server.data)
        port = server.port
        server.socket.shutdown(socket.SHUT_RDWR)
        server.close()
        until(lambda: "three" in made.logs())
        server.socket = socket.socket()
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.socket.bind(("127.0.0.1", port))
        server.socket.listen()
        threading.Thread(target=server.accept, daemon=True).start()
        until(lambda: b"three" in server.data, 30)


def test_journald(new_engine, collector, monkeypatch):
    server = collector("unixgram")
    monkeypatch.setenv("HULL_JOURNAL_SOCKET", str(server.path))
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    host = logging("journald", tag="t-{{.Name}}", labels="my.label")
    with box(engine, host, start=False, Cmd=SAYS, Labels={"my.label": "v"}) as made:
        assert sorted(made.output().split()) == ["err-line", "out-line"]
        until(lambda: len(server.messages) == 2)
        name = made.inspect()["Name"][1:]
        seen = {}
        for message in server.messages:
            entry = dict(line.split("=", 1) for line in message.decode().splitlines())
            seen[entry["MESSAGE"]] = entry
        assert seen["out-line"]["PRIORITY"] == "6" and seen["err-line"]["PRIORITY"] == "3"
        entry = seen["out-line"]
        assert entry["CONTAINER_ID_FULL"] == made.id and entry["CONTAINER_ID"] == made.id[:12]
        assert entry["CONTAINER_NAME"] == name and entry["IMAGE_NAME"] == "busybox" and entry["MY_LABEL"] == "v"
        assert entry["CONTAINER_TAG"] == entry["SYSLOG_IDENTIFIER"] == f"t-{name}"


def test_journald_that_is_not_there(engine):
    if os.path.exists("/run/systemd/journal/socket"):
        pytest.skip("a journal is here")
    assert "journald is not enabled on this host" in refused(engine, logging("journald"))[1]


def test_fluentd(engine, collector):
    server = collector("tcp")
    host = logging("fluentd", fluentd_address=f"127.0.0.1:{server.port}", tag="app.{{.Name}}", env="E")
    with box(engine, host, start=False, Cmd=SAYS, Env=["E=f"]) as made:
        assert sorted(made.output().split()) == ["err-line", "out-line"]
        until(lambda: server.data.count(b"-line") == 2)
        name = made.inspect()["Name"]
        events = sorted(unpack_all(server.data), key=lambda e: e[2]["log"])
        assert events[0][0] == "app." + name[1:] and abs(events[0][1] - time.time()) < 60
        assert events[0][2] == {"container_id": made.id, "container_name": name, "source": "stderr", "log": "err-line",
                                "E": "f"}
        assert events[1][2]["source"] == "stdout"


def test_fluentd_acknowledged_with_exact_times_and_started_without_it(engine, collector):
    server = collector("tcp")
    server.answer = lambda piece: b"\x81\xa3ack\xb0" + re.search(rb"chunk\xb0(\w{16})", piece)[1]
    host = logging("fluentd", fluentd_address=f"tcp://127.0.0.1:{server.port}", fluentd_request_ack="true",
                   fluentd_sub_second_precision="true")
    with box(engine, host, start=False, Cmd=["sh", "-c", "echo a; echo b"]) as made:
        assert made.output() == "a\nb\n"
        until(lambda: len(unpack_all(server.data)) == 2)
        assert [e[2]["log"] for e in unpack_all(server.data)] == ["a", "b"]
        assert isinstance(unpack_all(server.data)[0][1], tuple)
    assert said(engine, "echo hi", logging("fluentd", fluentd_address="127.0.0.1:1", fluentd_async="true",
                                           fluentd_max_retries="0")) == "hi\n"


def test_sending_goes_on_after_the_engine_was_killed(new_engine, collector):
    server = collector("tcp")
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    host = logging("syslog", syslog_address=server.address)
    with box(engine, host, Cmd=["sh", "-c", "for i in $(seq 60); do echo n$i; sleep 0.1; done; sleep 600"]):
        until(lambda: b"n20\n" in server.data)
        engine.kill()
        time.sleep(1)
        engine.start()
        until(lambda: b"n60\n" in server.data, 30)
        seen = [int(n) for n in re.findall(rb"n(\d+)\n", server.data)]
        assert sorted(set(seen)) == list(range(1, 61)), "a line was lost"
        assert len(seen) < 60 + 25, "more was sent twice than one second of it"


def test_cache_disabled(engine, collector):
    server = collector("udp")
    with box(engine, logging("syslog", syslog_address=server.address, cache_disabled="true"), start=False,
             Cmd=SAYS) as made:
        made.start()
        made.wait()
        assert call(engine, "GET", f"/containers/{made.id}/logs?stdout=1")[0] == 501
        until(lambda: server.data.count(b"-line") == 2)


def test_default_of_the_engine(new_engine, collector):
    server = collector("udp")
    engine = new_engine("--log-driver", "syslog", "--log-opt", f"syslog-address={server.address}")
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    assert said(engine, "echo by default") == "by default\n"
    until(lambda: b"by default" in server.data)
    info = call(engine, "GET", "/info")[1]
    assert info["LoggingDriver"] == "syslog" and set(info["Plugins"]["Log"]) >= {"journald", "local", "fluentd"}
