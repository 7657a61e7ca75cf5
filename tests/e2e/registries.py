"""Registries for tests: Debian's docker-registry (plain, TLS, htpasswd, token), a
token service, and images made by hand and put there over HTTP."""
import base64
import contextlib
import crypt
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def busybox_files():
    data = pathlib.Path("/bin/busybox").read_bytes()
    return {"bin/busybox": data, "bin/sh": data}


def config_of(layers, cmd=("/bin/busybox", "echo", "from the registry"), arch="amd64", os_name="linux", **more):
    return json.dumps({
        "architecture": arch, "os": os_name, "created": "2024-01-02T03:04:05Z", "config": {"Cmd": list(cmd)},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in layers]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "by hand"} for _ in layers], **more,
    }).encode()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


COMPRESS = {"gzip": lambda d: gzip.compress(d, 6, mtime=0), "zstd": zstd, "none": lambda d: d}


class Image:
    """The documents of one image: blobs by digest, and the manifest."""

    def __init__(self, layers, kind="docker", compression="gzip", layer_type=None, **config):
        docker = kind == "docker"
        self.config = config_of(layers, **config)
        self.blobs = {digest_of(self.config): self.config}
        self.layers = []
        suffix = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}[compression]
        for tar in layers:
            blob = COMPRESS[compression](tar)
            self.blobs[digest_of(blob)] = blob
            kind_of_layer = layer_type or (LAYER if docker else OCI_LAYER + suffix)
            self.layers.append({"mediaType": kind_of_layer, "size": len(blob), "digest": digest_of(blob)})
        self.media_type = MANIFEST if docker else OCI_MANIFEST
        self.document = {
            "schemaVersion": 2, "mediaType": self.media_type,
            "config": {"mediaType": CONFIG if docker else OCI_CONFIG, "size": len(self.config),
                       "digest": digest_of(self.config)},
            "layers": self.layers,
        }
        # Not as anybody prints it: whoever makes the manifest anew gets another digest.
        self.manifest = json.dumps(self.document, indent=5).encode()
        self.id = digest_of(self.config)
        self.digest = digest_of(self.manifest)


class Registry:
    """One docker-registry in a folder of its own."""

    def __init__(self, host="127.0.0.1", auth=None, tls=None, folder=None, port=None, delete=True):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="hull-registry-"))
        self.own_folder = folder is None
        self.port = port or free_port(host)
        self.name = f"{host}:{self.port}"
        self.tls = tls
        self.scheme = "https" if tls else "http"
        self.auth_header = None
        self.process = None
        config = {
            "version": "0.1", "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": delete}},
            "http": {"addr": f"{host}:{self.port}"},
        }
        if tls:
            config["http"]["tls"] = tls
        if auth:
            config["auth"] = auth
        (self.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", str(self.folder / "config.yml")],
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(self.name.rsplit(":", 1), 1).close()
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("docker-registry did not start: " + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, method, path, data=None, headers=None):
        url = path if "://" in path else f"{self.scheme}://{self.name}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        if self.auth_header:
            request.add_header("Authorization", self.auth_header)
        context = None
        if self.tls:
            import ssl
            context = ssl._create_unverified_context()
        return urllib.request.urlopen(request, timeout=30, context=context)

    def put_blob(self, repository, blob):
        with self.request("POST", f"/v2/{repository}/blobs/uploads/", b"") as answer:
            location = answer.headers["Location"]
        location += ("&" if "?" in location else "?") + "digest=" + digest_of(blob)
        self.request("PUT", location, blob, {"Content-Type": "application/octet-stream"}).close()

    def put_manifest(self, repository, tag, text, media_type):
        self.request("PUT", f"/v2/{repository}/manifests/{tag}", text, {"Content-Type": media_type}).close()

    def put(self, repository, tag, image):
        for blob in image.blobs.values():
            self.put_blob(repository, blob)
        self.put_manifest(repository, tag, image.manifest, image.media_type)
        return f"{self.name}/{repository}:{tag}"

    def manifest(self, repository, tag):
        accept = ", ".join([MANIFEST, OCI_MANIFEST, MANIFEST_LIST, OCI_INDEX])
        with self.request("GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": accept}) as answer:
            return answer.read(), answer.headers["Content-Type"]

    def has_blob(self, repository, digest):
        try:
            self.request("HEAD", f"/v2/{repository}/blobs/{digest}").close()
            return True
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return False


def htpasswd(folder, user, password):
    path = pathlib.Path(folder) / "htpasswd"
    path.write_text(f"{user}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
    return {"htpasswd": {"realm": "test realm", "path": str(path)}}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def auth_header(**members):
    """X-Registry-Auth."""
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode()
