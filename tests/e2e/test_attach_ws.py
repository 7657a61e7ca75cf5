"""attach over WebSocket: the same streams, without frames."""
import base64
import os
import socket
import struct
import time

import docker as sdk
import pytest


@pytest.fixture
def client(engine):
    made = sdk.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


@pytest.fixture
def box(client):
    made = []

    def make(script, start=True, **options):
        one = client.containers.create("busybox", ["sh", "-c", script], stdin_open=True, detach=True, **options)
        made.append(one)
        if start:
            one.start()
        return one

    yield make
    for one in made:
        one.remove(force=True)


class WebSocket:
    """Just enough of RFC 6455."""

    def __init__(self, engine, path, key="dGhlIHNhbXBsZSBub25jZQ==", headers=""):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(engine.socket))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode())
        self.buffer = b""
        head = self.until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)}

    def until(self, end):
        while end not in self.buffer:
            got = self.socket.recv(4096)
            if not got:
                break
            self.buffer += got
        head, _, self.buffer = self.buffer.partition(end)
        return head

    def take(self, n):
        while len(self.buffer) < n:
            got = self.socket.recv(65536)
            if not got:
                return None
            self.buffer += got
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def frame(self):
        """opcode, payload; None at the end."""
        head = self.take(2)
        if head is None:
            return None
        assert head[0] & 0x80 and not head[1] & 0x80
        size = head[1]
        if size == 126:
            size = struct.unpack(">H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.take(8))[0]
        return head[0] & 15, self.take(size)

    def read_until(self, end):
        out = b""
        while end not in out:
            frame = self.frame()
            assert frame and frame[0] in (1, 2), frame
            out += frame[1]
        return out

    def send(self, payload, opcode=2):
        mask = os.urandom(4)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xfe]) + struct.pack(">H", len(payload))
        self.socket.sendall(head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload)))


def logged(one):
    deadline = time.time() + 10
    while not one.logs() and time.time() < deadline:
        time.sleep(0.02)


ALL = "stream=1&stdin=1&stdout=1&stderr=1"


@pytest.mark.parametrize("tty", [False, True])
def test_both_ways(engine, box, tty):
    one = box("read line; echo \"got $line\"; echo err >&2; sleep 600", tty=tty)
    ws = WebSocket(engine, f"/v1.41/containers/{one.id}/attach/ws?{ALL}")
    assert ws.status == 101 and ws.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    ws.send(b"he", opcode=2)
    ws.send(b"llo\n", opcode=1)
    out = ws.read_until(b"err")
    assert b"got hello" in out and b"\0" not in out
    ws.send(b"?", opcode=9)
    frames = []
    while not frames or frames[-1][0] == 2:
        frames.append(ws.frame())
    assert frames[-1] == (10, b"?")


def test_before_the_start_and_to_the_end(engine, box):
    one = box("echo one; echo two; exit 3", start=False)
    ws = WebSocket(engine, f"/containers/{one.id}/attach/ws?stream=1&stdout=1")
    one.start()
    assert ws.read_until(b"two\n") == b"one\ntwo\n"
    assert ws.frame() == (8, b"\x03\xe8") and ws.frame() is None
    assert one.wait()["StatusCode"] == 3


def test_logs_come_first(engine, box):
    one = box("echo before; read x; echo after")
    logged(one)
    ws = WebSocket(engine, f"/containers/{one.id}/attach/ws?{ALL}&logs=1")
    assert ws.read_until(b"before\n") == b"before\n"
    ws.send(b"\n")
    assert ws.read_until(b"after\n") == b"after\n"


def test_a_client_that_leaves_ends_stdin_of_nobody(engine, box):
    one = box("cat; sleep 600")
    ws = WebSocket(engine, f"/containers/{one.id}/attach/ws?{ALL}")
    ws.send(b"x\n")
    assert ws.read_until(b"x\n") == b"x\n"
    ws.socket.close()
    again = WebSocket(engine, f"/containers/{one.id}/attach/ws?{ALL}")
    again.send(b"y\n")
    assert again.read_until(b"y\n") == b"y\n"
    again.send(b"", opcode=8)
    assert again.frame() in (None, (8, b"\x03\xe8"))
    one.reload()
    assert one.status == "running"


def test_versions_and_errors(engine, box):
    one = box("echo hi; sleep 600")
    logged(one)
    old = WebSocket(engine, f"/v1.27/containers/{one.id}/attach/ws?stream=1&stdout=1&logs=1")
    assert old.frame()[0] == 1  # text; binary since 1.28
    new = WebSocket(engine, f"/v1.28/containers/{one.id}/attach/ws?stream=1&stdout=1&logs=1",
                    headers="Sec-WebSocket-Protocol: webTTY, other\r\n")
    assert new.frame()[0] == 2 and new.headers["sec-websocket-protocol"] == "webTTY"
    assert WebSocket(engine, "/containers/nope/attach/ws?stream=1").status == 404
    assert WebSocket(engine, f"/containers/{one.id}/attach/ws?stream=1", key="").status == 400


def test_python_docker_attach_socket(client, box):
    one = box("read line; echo \"got $line\"")
    stream = one.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    stream._sock.sendall(b"hello\n")
    data = b""
    while b"got hello\n" not in data:
        got = stream.read(4096)
        if not got:
            break
        data += got
    assert data == b"\1\0\0\0\0\0\0\x0agot hello\n"
    stream.close()
