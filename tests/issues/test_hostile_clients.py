"""Clients that mean no good, on the engine's socket (A1 and A3 of the hardening rows; A1 by TCP is in e2e/test_tls.py):
slow, endless and torn requests, thousands of connections, odd paths. Others don't notice, the engine's memory neither."""
import contextlib
import http.client
import json
import pathlib
import socket
import statistics
import time

import pytest


class UnixHttp(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("h", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = plain(self.path)


def plain(path, timeout=30):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))  # waits while the queue is full
    sock.settimeout(timeout)
    return sock


def ask(engine, text, timeout=30):
    """The answer's status and all of its text."""
    with plain(engine.socket, timeout) as sock:
        sock.sendall(text if isinstance(text, bytes) else text.encode())
        return read_all(sock)


def read_all(sock):
    out = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            out += part
    return (int(out.split(b" ", 2)[1]) if out.startswith(b"HTTP/1.") else 0), out


def resident(engine):
    text = pathlib.Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


def ping_times(engine, count=400):
    times = []
    for _ in range(count):
        begin = time.monotonic()
        connection = UnixHttp(engine.socket)
        connection.request("GET", "/_ping")
        assert connection.getresponse().read() == b"OK"
        connection.close()
        times.append(time.monotonic() - begin)
    return times


def p99(times):
    return statistics.quantiles(times, n=100)[98]


@pytest.fixture
def own(new_engine):
    return new_engine()


@pytest.fixture
def sockets():
    with contextlib.ExitStack() as stack:
        yield lambda engine, count: [stack.enter_context(plain(engine.socket)) for _ in range(count)]


def test_a3_a_thousand_slow_headers(own, sockets):
    before = resident(own)
    slow = sockets(own, 1000)
    for sock in slow:
        sock.sendall(b"GET /containers/json HTTP/1.1\r\nHost: h\r\nX-Slow: ")
    begin = time.monotonic()
    assert p99(ping_times(own)) < 0.1
    for sock in slow:  # a byte now and then is no progress
        sock.sendall(b"a")
    assert resident(own) - before < 64 << 20
    assert read_all(slow[0])[0] == 408 and time.monotonic() - begin < 20
    assert read_all(slow[-1])[0] == 408


def test_a3_a_thousand_slow_bodies(own, sockets):
    before = resident(own)
    slow = sockets(own, 1000)
    for sock in slow:
        sock.sendall(b"POST /containers/create HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 1000\r\n\r\n{")
    assert p99(ping_times(own)) < 0.1
    assert resident(own) - before < 64 << 20
    assert read_all(slow[0])[0] == 408
    assert read_all(slow[-1])[0] == 408
    assert len(ping_times(own, 10)) == 10


def test_a3_twin_a_client_may_take_its_time_for_a_while(engine):
    with plain(engine.socket) as sock:
        for byte in b"GET /_ping HTTP/1.0\r\n\r\n":
            sock.sendall(bytes([byte]))
            time.sleep(0.02)
        assert read_all(sock)[0] == 200


HEAD = "POST /containers/create HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"


def test_a3_a_gigabyte_of_json(own):
    before = resident(own)
    status, text = ask(own, HEAD + f"Content-Length: {1 << 30}\r\n\r\n" + "[" * 1000)
    assert status == 413 and b"message" in text
    # Without a length: as much as is allowed, then no more.
    with plain(own.socket) as sock:
        sock.sendall((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode())
        begin = time.monotonic()
        with pytest.raises(ConnectionError):  # what is thrown away is bounded by time
            while time.monotonic() - begin < 10:
                sock.sendall(b"10000\r\n" + b"[" * 65536 + b"\r\n")
        assert read_all(sock)[0] in (413, 0)
    assert resident(own) - before < 32 << 20


@pytest.mark.parametrize("body,status", [
    ("[" * 100_000, 400), ('{"a":' * 10_000 + "1" + "}" * 10_000, 400), ('{"Image": NaN}', 400), ("{", 400),
    ('{"Image": "busybox"} {"Image": "x"}', 400), ('{"Image": "\\ud800"}', 400), ("\x00", 400),
])
def test_a3_json_that_is_none(engine, body, status):
    got, text = ask(engine, HEAD + f"Content-Length: {len(body.encode())}\r\n\r\n{body}")
    assert got == status and json.loads(text.split(b"\r\n\r\n", 1)[1])["message"]


@pytest.mark.parametrize("request_text,statuses", [
    ("GET /_ping HTTP/1.1\r\nHost: h\r\nX: " + "a" * 70_000 + "\r\n\r\n", (431,)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\n" + "".join(f"X{i}: a\r\n" for i in range(20_000)) + "\r\n", (431,)),
    ("GET /" + "a" * 70_000 + " HTTP/1.1\r\nHost: h\r\n\r\n", (414, 431)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", (400,)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", (400,)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", (400, 413)),
    ("GET /_ping HTTP/1.1\r\nHost : h\r\n\r\n", (400,)),
    ("GET /_ping HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", (200, 400)),
    ("GET /_ping HTTP/9.9\r\nHost: h\r\n\r\n", (400, 505)),
    ("GET /_ping\r\n\r\n", (400,)),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400,)),
    ("GET /_p\x00ing HTTP/1.1\r\nHost: h\r\n\r\n", (400, 404)),
])
def test_a3_requests_that_are_none(engine, request_text, statuses):
    with plain(engine.socket) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(request_text.encode("latin1"))
            sock.shutdown(socket.SHUT_WR)
        assert read_all(sock)[0] in statuses
    assert len(ping_times(engine, 3)) == 3


@pytest.mark.parametrize("path", [
    "/containers/..%2f..%2fetc%2fpasswd/json", "/images/..%2f..%2fx/json", "/volumes/..%2f..", "/networks/%2e%2e",
    "/v1.41/../../etc/passwd", "//containers/json/..", "/containers/%00/json", "/containers/%ff%fe/json",
    "/containers/" + "a" * 5000 + "/json", "/exec/%0d%0aX:1/json", "/images/a%0aSet-Cookie:%20x/json",
])
def test_a3_odd_paths_are_names_that_nobody_has(engine, path):
    status, text = ask(engine, f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert 400 <= status < 500, text[:300]
    head = text.split(b"\r\n\r\n")[0]
    assert b"root:" not in text and b"\nX:1" not in head and b"\nSet-Cookie" not in head


def test_a3_three_thousand_connections(own, sockets):
    before = resident(own)
    idle = sockets(own, 3000)
    assert p99(ping_times(own)) < 0.1
    assert resident(own) - before < 64 << 20
    for sock in idle[::300]:
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert read_all(sock)[0] == 200


def test_a3_who_does_not_read_its_stream_holds_nobody_up(engine, sockets):
    deaf = sockets(engine, 5)
    for sock in deaf:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
    began = time.monotonic()
    for _ in range(20):
        assert engine.hull("run", "--rm", "--network", "none", "busybox", "true").returncode == 0
    assert time.monotonic() - began < 20 and p99(ping_times(engine)) < 0.1


def test_a3_half_closed_clients_get_their_answers(engine):
    with plain(engine.socket) as sock:
        sock.sendall(b"GET /version HTTP/1.1\r\nHost: h\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        status, text = read_all(sock)
        assert status == 200 and b"ApiVersion" in text


def test_a3_torn_requests_leave_nothing(engine):
    """A client that goes in the middle of a create, a build, a load."""
    for path in ("/containers/create?name=torn", "/build?t=torn", "/images/load", "/images/create?fromSrc=-&repo=torn"):
        with plain(engine.socket) as sock:
            sock.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                         "Content-Length: 100000\r\n\r\n{\"Image\": \"busybox\"".encode())
    time.sleep(0.5)
    assert engine.hull("ps", "-aq", "--filter", "name=torn").stdout == ""
    assert engine.hull("images", "-q", "torn").stdout == ""


def test_a1_who_says_foreign_things_on_the_socket_is_still_local(engine):
    """Host and Origin are looked at where browsers come by: on TCP."""
    status, _ = ask(engine, "GET /_ping HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert status == 200
