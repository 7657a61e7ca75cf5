"""A D-Bus peer that answers as systemd's manager does: it remembers what it was asked and makes nothing.

Its reader and writer of messages are its own, from the D-Bus specification, so that a mistake in
hull-runtime's shows.
"""
import os
import socket
import struct
import threading

MANAGER = "org.freedesktop.systemd1.Manager"
SIZES = {"y": 1, "n": 2, "q": 2, "b": 4, "i": 4, "u": 4, "x": 8, "t": 8, "d": 8}
CODES = {"y": "B", "n": "h", "q": "H", "b": "I", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}


def one_type(signature):
    """The first complete type of a signature, and the rest."""
    if signature[0] == "a":
        element, rest = one_type(signature[1:])
        return "a" + element, rest
    if signature[0] in "({":
        depth = 0
        for at, c in enumerate(signature):
            depth += (c in "({") - (c in ")}")
            if depth == 0:
                return signature[:at + 1], signature[at + 1:]
    return signature[0], signature[1:]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def align(self, to):
        while self.at % to:
            assert self.data[self.at] == 0, "padding that isn't zero"
            self.at += 1

    def take(self, size):
        assert self.at + size <= len(self.data), "ends too early"
        self.at += size
        return self.data[self.at - size:self.at]

    def many(self, signature):
        out = []
        while signature:
            kind, signature = one_type(signature)
            out.append(self.one(kind))
        return out

    def one(self, kind):
        if kind in SIZES:
            self.align(SIZES[kind])
            value = struct.unpack("<" + CODES[kind], self.take(SIZES[kind]))[0]
            if kind == "b":
                assert value in (0, 1)
                return bool(value)
            return value
        if kind in "so":
            text = self.take(self.one("u")).decode()
            assert self.take(1) == b"\0" and "\0" not in text
            return text
        if kind == "g":
            text = self.take(self.one("y")).decode()
            assert self.take(1) == b"\0"
            return text
        if kind == "v":
            return self.one(self.one("g"))
        if kind[0] in "({":
            self.align(8)
            return tuple(self.many(kind[1:-1]))
        assert kind[0] == "a"
        size = self.one("u")
        self.align(8 if kind[1] in "({xtd" else 4 if kind[1] in "suaoib" else 1)
        end, out = self.at + size, []
        while self.at < end:
            out.append(self.one(kind[1:]))
        assert self.at == end, "an array that is longer than it says"
        return bytes(out) if kind == "ay" else out


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def padded(data, to):
    return data + b"\0" * (-len(data) % to)


class FakeSystemd:
    def __init__(self, path, cgroup="/"):
        self.path, self.cgroup = str(path), cgroup
        self.calls = []  # (member, arguments)
        self.units = {}  # name -> properties
        self.failed = set()  # names that exist as failed units
        self.job_result = "done"
        self.refuse = None  # (error name, text) for the next StartTransientUnit
        self.on_start = None  # called with unit and properties before the answer
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return "unix:path=" + self.path.replace(" ", "%20")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def asked(self, member):
        return [arguments for name, arguments in self.calls if name == member]

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rwb")
        try:
            assert stream.read(1) == b"\0"
            self.authenticate(stream)
            self.serial = 0
            while (head := stream.read(16)):
                self.answer(stream, head)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except Exception as error:  # a test looks at it
            self.calls.append(("broken", [repr(error)]))
        finally:
            stream.close()
            connection.close()

    def authenticate(self, stream):
        while (line := stream.readline().rstrip(b"\r\n")) != b"BEGIN":
            reply = {b"AUTH EXTERNAL": b"DATA", b"DATA": b"OK 0123456789abcdef"}[line]
            stream.write(reply + b"\r\n")
            stream.flush()

    def answer(self, stream, head):
        assert head[0:1] == b"l" and head[1] == 1 and head[3] == 1
        body_size, serial, fields_size = struct.unpack("<III", head[4:16])
        rest = stream.read(fields_size + -fields_size % 8 + body_size)
        fields = self.fields(head + rest)
        body = Reader(rest[fields_size + -fields_size % 8:]).many(fields.get(8, ""))
        member = fields[3]
        self.calls.append((member, body))
        handler = getattr(self, "on_" + member, None)
        result = handler(*body) if handler else ("", b"")
        if isinstance(result, Exception):
            name, words = result.args
            return self.send(stream, 3, {4: ("s", name), 5: ("u", serial), 8: ("g", "s")}, text(words))
        signature, data = result[:2]
        if len(result) > 2:  # a job: its end may come before the answer that names it
            self.job_removed(stream, *result[2])
        return self.send(stream, 2, {5: ("u", serial), 8: ("g", signature)}, data)

    @staticmethod
    def fields(message):
        reader = Reader(message)
        reader.at = 12
        return {code: value for code, value in reader.one("a(yv)")}

    def send(self, stream, kind, fields, body):
        packed = b""
        for code, (signature, value) in fields.items():
            packed = padded(packed, 8) + bytes([code, 1]) + signature.encode() + b"\0"
            if signature == "u":
                packed = padded(packed, 4) + struct.pack("<I", value)
            elif signature == "g":
                packed += bytes([len(value)]) + value.encode() + b"\0"
            else:
                packed = padded(packed, 4) + text(value)
        self.serial += 1
        head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), self.serial, len(packed))
        stream.write(padded(head + packed, 8) + body)
        stream.flush()

    def job_removed(self, stream, job, unit, result):
        body = struct.pack("<I", 7) + text(job)
        body = padded(body, 4) + text(unit)
        body = padded(body, 4) + text(result)
        other = struct.pack("<I", 6) + text("/job/6")
        other = padded(other, 4) + text("x.service")
        other = padded(other, 4) + text("failed")
        for data in (other, body):
            self.send(stream, 4, {1: ("o", "/org/freedesktop/systemd1"), 2: ("s", MANAGER), 3: ("s", "JobRemoved"),
                                  8: ("g", "uoss")}, data)

    # ---- what systemd can do -------------------------------------------------

    def on_Hello(self):
        return "s", text(":1.7")

    def on_StartTransientUnit(self, unit, mode, properties, auxiliary):
        assert auxiliary == []
        if self.refuse:
            refusal, self.refuse = self.refuse, None
            return Exception(*refusal)
        if unit in self.failed or unit in self.units:
            return Exception("org.freedesktop.systemd1.UnitExists", f"Unit {unit} was already loaded.")
        if self.on_start:
            self.on_start(unit, properties)
        self.units[unit] = properties
        return "o", text("/job/7"), ("/job/7", unit, self.job_result)

    def on_StopUnit(self, unit, mode):
        if unit not in self.units:
            return Exception("org.freedesktop.systemd1.NoSuchUnit", f"Unit {unit} not loaded.")
        del self.units[unit]
        return "o", text("/job/7"), ("/job/7", unit, "done")

    def on_ResetFailedUnit(self, unit):
        if unit not in self.failed:
            return Exception("org.freedesktop.systemd1.NoSuchUnit", f"Unit {unit} not loaded.")
        self.failed.discard(unit)
        return "", b""

    def on_SetUnitProperties(self, unit, runtime, properties):
        if unit not in self.units:
            return Exception("org.freedesktop.systemd1.NoSuchUnit", f"Unit {unit} not loaded.")
        return "", b""

    def on_Get(self, interface, name):
        assert (interface, name) == (MANAGER, "ControlGroup")
        return "v", b"\x01s\0" + b"\0" + text(self.cgroup)
