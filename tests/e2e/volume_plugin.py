"""A volume plugin as Docker's: folders below one folder, for tests. Runs in a thread."""
import http.server
import json
import os
import pathlib
import shutil
import socketserver
import threading
import time


class Plugin:
    """socket: where it listens; root: where its volumes are. calls: (method, body) of all that it was asked."""

    def __init__(self, socket, root, scope="global", implements=("VolumeDriver",)):
        self.socket, self.root = pathlib.Path(socket), pathlib.Path(root)
        self.scope, self.implements = scope, list(implements)
        self.calls, self.volumes, self.mounted = [], {}, {}
        self.fail, self.delay = {}, {}
        self.server = None

    def start(self):
        plugin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                method = self.path.lstrip("/")
                status, answer = plugin.answer(method, json.loads(body or b"{}"))
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self.server = Server(str(self.socket), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.socket.unlink(missing_ok=True)

    def asked(self, method):
        return [body for name, body in self.calls if name == method]

    def answer(self, method, body):
        self.calls.append((method, body))
        time.sleep(self.delay.get(method, 0))
        if method in self.fail:
            return self.fail[method]
        if method == "Plugin.Activate":
            return 200, {"Implements": self.implements}
        if method == "VolumeDriver.Capabilities":
            return 200, {"Capabilities": {"Scope": self.scope}}
        if method == "VolumeDriver.List":
            return 200, {"Volumes": [self.describe(name) for name in self.volumes], "Err": ""}
        name = body["Name"]
        if method == "VolumeDriver.Create":
            self.volumes[name] = body.get("Opts") or {}
            (self.root / name).mkdir(parents=True, exist_ok=True)
            return 200, {"Err": ""}
        if name not in self.volumes:
            return 200, {"Err": f"{name} is unknown here"}
        if method == "VolumeDriver.Remove":
            del self.volumes[name]
            shutil.rmtree(self.root / name)
            return 200, {}
        if method == "VolumeDriver.Mount":
            self.mounted.setdefault(name, []).append(body["ID"])
            return 200, {"Mountpoint": str(self.root / name)}
        if method == "VolumeDriver.Unmount":
            self.mounted[name].remove(body["ID"])
            return 200, {}
        if method == "VolumeDriver.Path":
            return 200, {"Mountpoint": str(self.root / name)}
        if method == "VolumeDriver.Get":
            return 200, {"Volume": self.describe(name)}
        return 404, b"no such method"

    def describe(self, name):
        return {"Name": name, "Mountpoint": str(self.root / name), "Status": {"options": self.volumes[name], "size": 7},
                "CreatedAt": "2026-01-02T03:04:05Z"}
