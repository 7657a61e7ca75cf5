"""Debian's docker-registry on loopback, and what goes to and from it."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from hullbench.debian import MANIFEST
from hullbench.measure import CommandFailed

CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
"""


class Registry:
    """One process with a folder of its own; context manager."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"

    def __enter__(self) -> "Registry":
        self.folder.mkdir()
        config = self.folder / "config.yml"
        config.write_text(CONFIG.format(root=self.folder / "data", port=self.port))
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(config)],
            env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        for _ in range(200):
            try:
                if self.request("GET", "/v2/")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise CommandFailed("docker-registry does not answer")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, method: str, path: str, body=None, headers=None) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders())

    def put(self, image: Path, repository: str, tag: str) -> str:
        """Uploads the image of debian.py; gives its name."""
        manifest = (image / "manifest.json").read_bytes()
        parsed = json.loads(manifest)
        for blob in [parsed["config"], *parsed["layers"]]:
            _, headers = self.request("POST", f"/v2/{repository}/blobs/uploads/")
            place = headers["Location"].split(self.name, 1)[-1]
            with open(image / blob["digest"], "rb") as body:
                status, _ = self.request(
                    "PUT", f"{place}{'&' if '?' in place else '?'}digest={blob['digest']}", body,
                    {"Content-Type": "application/octet-stream", "Content-Length": str(blob["size"])},
                )  # fmt: skip
            if status != 201:
                raise CommandFailed(f"the registry took no blob: {status}")
        status, _ = self.request("PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST})
        if status != 201:
            raise CommandFailed(f"the registry took no manifest: {status}")
        return f"{self.name}/{repository}:{tag}"
