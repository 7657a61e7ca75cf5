"""An engine that takes no time: it answers `docker exec` at once. What remains is the client's own."""

import os
import re
import socket
import threading
from pathlib import Path

HEADERS = "Api-Version: 1.41\r\nOstype: linux\r\nServer: Docker/20.10.24\r\nContent-Type: application/json\r\n"
BODIES = [  # by the request line, the first that fits
    (r"_ping ", "200 OK", "OK"),
    (r"POST \S*/containers/\S+/exec ", "201 Created", '{"Id":"%s"}' % ("b" * 64)),
    (r"GET \S*/exec/\S+/json ", "200 OK", '{"Running":false,"ExitCode":0}'),
    (r"GET \S*/containers/", "200 OK", '{"Id":"%s","State":{"Running":true},"Config":{"Tty":false}}' % ("a" * 64)),
]


class Instant:
    def __init__(self, path: Path):
        self.host = f"unix://{path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)

    def __enter__(self) -> "Instant":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rb") as requests:
            while line := requests.readline().decode():
                length = 0
                while (header := requests.readline().strip().lower()) != b"":
                    if header.startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                requests.read(length)
                if re.search(r"/exec/\S+/start ", line):  # the stream of a command that said nothing
                    upgrade = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
                    peer.sendall(upgrade.encode())
                    peer.shutdown(socket.SHUT_RDWR)
                    return
                status, body = next((s, b) for pattern, s, b in BODIES if re.search(pattern, line))
                head = f"HTTP/1.1 {status}\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n"
                peer.sendall((head + ("" if line.startswith("HEAD") else body)).encode())


def environment(instant: Instant) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", "DOCKER_HOST": instant.host}
