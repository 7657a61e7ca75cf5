"""What buildx and its docker driver say to an engine: POST /grpc with BuildKit's
Control and gateway services, POST /session with the client's own. Messages are
written by hand, field by field, as the .proto files number them."""
import concurrent.futures
import os
import pathlib
import socket
import struct
import tempfile
import threading
import uuid

import grpc

CONTROL, BRIDGE = "/moby.buildkit.v1.Control/", "/moby.buildkit.v1.frontend.LLBBridge/"


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, bool) or isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def entries(number, pairs):
    return b"".join(field(number, field(1, key) + field(2, value)) for key, value in pairs.items())


def typed(number, kind, attributes):
    return field(number, field(1, kind) + entries(2, attributes))


def parse(data):
    """Field number -> list of values: ints, or bytes."""
    out, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        elif key & 7 == 2:
            size = number()
            value = data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")
        out.setdefault(key >> 3, []).append(value)
    return out


def pairs(messages):
    out = {}
    for message in messages:
        of = parse(message)
        out[of[1][0].decode()] = of.get(2, [b""])[0].decode()
    return out


def upgraded(engine_socket, path, headers=()):
    """A connection that has left HTTP/1.1, as DialHijack makes one."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(engine_socket)
    lines = [f"POST {path} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: h2c", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(1)
        assert more, answer
        answer += more
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return connection


def pump(one, other):
    def carry(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    for pair in ((one, other), (other, one)):
        threading.Thread(target=carry, args=pair, daemon=True).start()


def bytes_in(request):
    return request


class Folder:
    """FileSync.DiffCopy of one folder: all its files, in the order of a walk."""
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def stats(self):
        for path in sorted(self.path.rglob("*"), key=lambda p: p.relative_to(self.path).parts):
            at = path.lstat()
            mode = at.st_mode & 0o777 | (1 << 31 if path.is_dir() else 0)
            yield path, (field(1, str(path.relative_to(self.path))) + field(2, mode) +
                         field(5, at.st_size if path.is_file() else 0) + field(6, at.st_mtime_ns))

    def serve(self, packets):
        files = []
        for path, stat in self.stats():
            files.append(path)
            yield field(1, 0) + field(2, stat)
        yield field(1, 0)
        for packet in packets:
            of = parse(packet)
            kind = of.get(1, [0])[0]
            if kind == 1:
                number = of.get(3, [0])[0]
                data = files[number].read_bytes()
                if data:
                    yield field(1, 2) + field(3, number) + field(4, data)
                yield field(1, 2) + field(3, number)
            elif kind == 3:
                yield field(1, 3)
                return


class Client:
    """One buildx: a connection to /grpc, and sessions of its builds."""
    def __init__(self, engine_socket):
        self.engine_socket = engine_socket
        self.folder = tempfile.TemporaryDirectory()
        self.listeners = []
        self.channel = grpc.insecure_channel("unix:" + self.forward("grpc", lambda: upgraded(engine_socket, "/grpc")))

    def forward(self, name, connect):
        path = f"{self.folder.name}/{name}.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        self.listeners.append(listener)

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                pump(client, connect())
        threading.Thread(target=serve, daemon=True).start()
        return path

    def close(self):
        self.channel.close()
        for listener in self.listeners:
            listener.close()
        self.folder.cleanup()

    def call(self, method, message=b"", metadata=(), timeout=60):
        return self.channel.unary_unary(method, bytes_in, bytes_in)(message, metadata=metadata, timeout=timeout)

    def stream(self, method, message, timeout=60):
        return self.channel.unary_stream(method, bytes_in, bytes_in)(message, timeout=timeout)

    def open_session(self, folders, secrets, received, through_control=False):
        """A server of our own, behind POST /session or Control.Session. Gives (id, close)."""
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))

        def diff_copy(packets, context):
            name = dict(context.invocation_metadata())["dir-name"]
            yield from Folder(folders[name]).serve(packets)

        def get_secret(request, context):
            name = parse(request)[1][0].decode()
            if name not in secrets:
                context.abort(grpc.StatusCode.NOT_FOUND, "no such secret")
            return field(1, secrets[name])

        def receive(packets, context):
            for packet in packets:
                received.append(parse(packet).get(1, [b""])[0])
            return iter(())
        services = {
            "moby.filesync.v1.FileSync": {"DiffCopy": grpc.stream_stream_rpc_method_handler(diff_copy)},
            "moby.buildkit.secrets.v1.Secrets": {"GetSecret": grpc.unary_unary_rpc_method_handler(get_secret)},
            "moby.filesync.v1.FileSend": {"DiffCopy": grpc.stream_stream_rpc_method_handler(receive)},
        }
        for name, methods in services.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
        path = f"{self.folder.name}/{uuid.uuid4().hex[:8]}.sock"
        server.add_insecure_port("unix:" + path)
        server.start()
        own = socket.socket(socket.AF_UNIX)
        own.connect(path)
        name = uuid.uuid4().hex
        methods = [f"/{service}/{method}" for service, all_of in services.items() for method in all_of]
        prefix = "X-Docker-Expose-Session-"
        if through_control:
            metadata = [(prefix.lower() + "uuid", name), (prefix.lower() + "name", "test")]
            metadata += [(prefix.lower() + "grpc-method", method) for method in methods]
            ended = threading.Event()

            def outgoing():
                while not ended.is_set():
                    data = own.recv(65536)
                    if not data:
                        return
                    yield field(1, data)
            call = self.channel.stream_stream(CONTROL + "Session", bytes_in, bytes_in)(outgoing(), metadata=metadata)

            def incoming():
                try:
                    for message in call:
                        own.sendall(parse(message).get(1, [b""])[0])
                except (grpc.RpcError, OSError):
                    pass
            threading.Thread(target=incoming, daemon=True).start()

            def close():
                ended.set()
                call.cancel()
                server.stop(None)
                own.close()
        else:
            headers = [f"{prefix}Uuid: {name}", f"{prefix}Name: test"]
            headers += [f"{prefix}Grpc-Method: {method}" for method in methods]
            pump(own, upgraded(self.engine_socket, "/session", headers))

            def close():
                server.stop(None)
                try:
                    own.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return name, close

    def build(self, folder, attributes=None, exporter=("moby", {}), gateway=True, secrets=None, received=None,
              through_control=False, solve_fields=b"", frontend="dockerfile.v0"):
        """As buildx does it. Gives (response, progress as StatusResponses)."""
        folders = {"context": folder, "dockerfile": folder}
        session, close = self.open_session(folders, secrets or {}, [] if received is None else received,
                                           through_control)
        ref, attributes, progress = uuid.uuid4().hex, attributes or {}, []
        message = field(1, ref) + field(5, session) + (typed(13, *exporter) if exporter else b"") + solve_fields
        if not gateway:
            message += field(6, frontend) + entries(7, attributes)

        def watch():
            try:
                progress.extend(self.stream(CONTROL + "Status", field(1, ref)))
            except grpc.RpcError as error:
                progress.append(error)
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            solving = self.channel.unary_unary(CONTROL + "Solve", bytes_in, bytes_in).future(message, timeout=120)
            if gateway:
                named = (("buildkit-controlapi-buildid", ref),)
                assert b"proto.refarray" in self.call(BRIDGE + "Ping", b"", named)
                try:
                    answer = self.call(BRIDGE + "Solve", field(2, frontend) + entries(3, attributes) +
                                       field(5, True) + field(6, True), named)
                    result = parse(parse(parse(answer)[3][0])[3][0])[1][0]
                    self.call(BRIDGE + "Return", field(1, field(3, field(1, result))), named)
                except grpc.RpcError as error:
                    status = field(1, error.code().value[0]) + field(2, error.details())
                    self.call(BRIDGE + "Return", field(2, status), named)
            response = pairs(parse(solving.result()).get(1, []))
        finally:
            watcher.join(20)
            close()
        return response, progress


def vertexes(progress):
    """Name -> its last state: cached, error; and all logs as one text."""
    names, log = {}, b""
    for message in progress:
        of = parse(message)
        for vertex in of.get(1, []):
            v = parse(vertex)
            names[v[3][0].decode()] = (bool(v.get(4, [0])[0]), v.get(7, [b""])[0].decode(), 6 in v)
        for entry in of.get(3, []):
            log += parse(entry).get(4, [b""])[0]
    return names, log.decode()
