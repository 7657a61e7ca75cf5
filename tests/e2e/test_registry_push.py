"""docker push to Debian's docker-registry, and who may: login, htpasswd, token services, TLS."""
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import registries
from registries import Image, Registry, auth_header, basic, digest_of, tarball


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture
def clean(docker):
    """Names that go away."""
    names = []
    yield lambda name: names.append(name) or name
    docker("rmi", "-f", *names)


@pytest.fixture
def config_folder(tmp_path, monkeypatch, engine):
    """A docker config of its own, so that logins don't last."""
    monkeypatch.setitem(engine.env, "DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker"


def import_image(docker, tmp_path, name, files):
    path = tmp_path / "root.tar"
    path.write_bytes(tarball(files))
    assert docker("import", "-c", 'CMD ["/bin/busybox", "echo", "made here"]', path, name).returncode == 0
    return name


def api(engine, method, path, *options):
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-X", method, *options, "--unix-socket", engine.socket,
                           f"http://h{path}"], capture_output=True, text=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("kind,compression", [("docker", "gzip"), ("oci", "gzip"), ("oci", "zstd"), ("oci", "none")])
def test_pulled_image_is_pushed_with_the_same_digest(docker, registry, clean, kind, compression):
    made = Image([tarball(registries.busybox_files()), tarball({"x": os.urandom(3000)})], kind, compression)
    name = clean(registry.put("tests/source", kind + compression, made))
    assert docker("pull", name).returncode == 0
    other = Registry().start()
    try:
        pushed = clean(f"{other.name}/copied/it:again")
        docker("tag", name, pushed)
        done = docker("push", pushed)
        assert f"again: digest: {made.digest} size: {len(made.manifest)}" in done.stdout, done
        assert other.manifest("copied/it", "again") == (made.manifest, made.media_type)
        assert all(other.has_blob("copied/it", digest) for digest in made.blobs)
    finally:
        other.stop()


def test_image_made_here_is_pushed_and_comes_back(engine, docker, registry, clean, tmp_path):
    name = clean(import_image(docker, tmp_path, f"{registry.name}/made/here:v1", registries.busybox_files()))
    image_id = docker("images", "-q", "--no-trunc", name).stdout.strip()
    done = docker("push", name)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"The push refers to repository [{registry.name}/made/here]"
    layer = json.loads(docker("image", "inspect", name).stdout)[0]["RootFS"]["Layers"][0][7:19]
    assert lines[1] == f"{layer}: Preparing" and f"{layer}: Pushed" in lines
    manifest, media_type = registry.manifest("made/here", "v1")
    assert lines[-1] == f"v1: digest: {digest_of(manifest)} size: {len(manifest)}"
    assert media_type == registries.MANIFEST
    assert json.loads(manifest)["layers"][0]["mediaType"] == registries.LAYER
    assert f"{registry.name}/made/here@{digest_of(manifest)}" in docker("image", "inspect", name).stdout
    # Again: nothing to send, and the same digest.
    again = docker("push", name).stdout.splitlines()
    assert f"{layer}: Layer already exists" in again and again[-1] == lines[-1]
    docker("rmi", "-f", name)
    assert docker("pull", name).returncode == 0
    assert docker("images", "-q", "--no-trunc", name).stdout.strip() == image_id
    assert docker("run", "--rm", name).stdout == "made here\n"


def test_blobs_are_mounted_from_other_repositories(docker, registry, clean):
    made = Image([tarball({"x": os.urandom(5000)})])
    name = clean(registry.put("mount/from", "v1", made))
    assert docker("pull", name).returncode == 0
    to = clean(f"{registry.name}/mount/to:v1")
    docker("tag", name, to)
    diff_id = json.loads(made.config)["rootfs"]["diff_ids"][0][7:19]
    assert f"{diff_id}: Mounted from mount/from" in docker("push", to).stdout
    assert registry.manifest("mount/to", "v1")[0] == made.manifest


def test_all_tags_and_aux(engine, docker, registry, clean):
    made = Image([tarball({"x": b"x"})])
    name = clean(registry.put("many/tags", "v1", made))
    assert docker("pull", name).returncode == 0
    for tag in ("v2", "v3"):
        docker("tag", name, clean(f"{registry.name}/many/tags:{tag}"))
    status, body = api(engine, "POST", f"/v1.43/images/{registry.name}/many/tags/push", "-H", "X-Registry-Auth: e30=")
    aux = [line["aux"] for line in map(json.loads, body.splitlines()) if "aux" in line]
    assert status == 200
    assert aux == [{"Tag": t, "Digest": made.digest, "Size": len(made.manifest)} for t in ("v1", "v2", "v3")]
    assert registry.manifest("many/tags", "v3")[0] == made.manifest


def test_what_is_not_here_is_not_pushed(docker, registry, clean):
    name = f"{registry.name}/not/here"
    done = docker("push", name + ":v1")
    assert done.returncode == 1
    assert done.stderr == f"An image does not exist locally with the tag: {name}\n"
    made = clean(registry.put("is/here", "v1", Image([tarball({"x": b"x"})])))
    docker("pull", made)
    assert docker("push", f"{registry.name}/is/here:v9").stderr == f"tag does not exist: {registry.name}/is/here:v9\n"


# --- who may -------------------------------------------------------------------

@pytest.fixture(scope="module")
def protected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protected")
    made = Registry(auth=registries.htpasswd(folder, "alice", "secret")).start()
    made.auth_header = basic("alice", "secret")
    yield made
    made.stop()


def test_basic_login_pull_push_logout(engine, docker, protected, clean, config_folder):
    made = Image([tarball({"x": os.urandom(2000)})])
    name = clean(protected.put("private/it", "v1", made))
    assert docker("pull", name).stderr.rstrip().endswith("no basic auth credentials")
    wrong = docker("login", "-u", "alice", "-p", "wrong", protected.name)
    assert wrong.returncode == 1 and "failed with status: 401 Unauthorized" in wrong.stderr
    right = docker("login", "-u", "alice", "-p", "secret", protected.name)
    assert right.stdout == "Login Succeeded\n"
    assert docker("pull", name).returncode == 0
    copy = clean(f"{protected.name}/private/copy:v1")
    docker("tag", name, copy)
    assert f"digest: {made.digest}" in docker("push", copy).stdout
    docker("logout", protected.name)
    docker("tag", name, clean(f"{protected.name}/private/other:v1"))
    assert docker("push", f"{protected.name}/private/other:v1").stderr == "no basic auth credentials\n"
    status, body = api(engine, "POST", "/v1.43/auth", "-H", "Content-Type: application/json", "-d", json.dumps(
        {"username": "alice", "password": "secret", "serveraddress": protected.name}))
    assert status == 200 and json.loads(body) == {"IdentityToken": "", "Status": "Login Succeeded"}
    assert api(engine, "POST", "/v1.43/auth", "-H", "Content-Type: application/json", "-d", json.dumps(
        {"username": "alice", "password": "no", "serveraddress": protected.name}))[0] == 401
    assert api(engine, "GET", f"/v1.43/distribution/{name}/json")[0] == 401


class TokenRegistry:
    """A token service, and in front of a docker-registry a proxy that wants its tokens."""

    def __init__(self, behind):
        outer = self
        self.asked, self.tokens, self.seen = [], {}, []
        self.expires_in = 300

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def grant(self, scopes, **more):
                token = f"token{len(outer.tokens)}"
                outer.tokens[token] = scopes
                self.answer(200, json.dumps({"token": token, "expires_in": outer.expires_in, **more}).encode())

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urllib.parse.urlsplit(self.path)
                query = urllib.parse.parse_qs(url.query)
                if url.path == "/token":
                    form = urllib.parse.parse_qs(body.decode())
                    who = self.headers.get("Authorization")
                    outer.asked.append((self.command, who, form or query))
                    if form:
                        if form.get("refresh_token") != ["refresh-me"]:
                            return self.answer(401, b'{"details": "bad refresh token"}')
                        return self.grant(form.get("scope", [""])[0].split())
                    if who not in (None, basic("bob", "pw")):
                        return self.answer(401, b'{"details": "incorrect username or password"}')
                    more = {"refresh_token": "refresh-me"} if query.get("offline_token") else {}
                    scopes = [s for s in query.get("scope", []) if who or s.endswith(":pull")]
                    return self.grant([s for s in scopes if "secret" not in s or who], **more)
                outer.seen.append((self.command, self.path, self.headers.get("Authorization")))
                given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                repository = url.path.removeprefix("/v2/").split("/blobs/")[0].split("/manifests/")[0].split("/tags/")[0]
                need = "push" if self.command in ("POST", "PUT", "PATCH") else "pull"
                scopes = outer.tokens.get(given, [])
                fine = given in outer.tokens and (url.path == "/v2/" or any(
                    s.startswith(f"repository:{repository}:") and need in s.rsplit(":", 1)[1] for s in scopes))
                if not fine:
                    error = ',error="insufficient_scope"' if given in outer.tokens else ""
                    return self.answer(
                        401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
                        WWW_Authenticate=f'Bearer realm="http://127.0.0.1:{outer.port}/token",service="tests",'
                                         f'scope="repository:{repository}:{need}"{error}')
                import http.client
                inner = http.client.HTTPConnection("127.0.0.1", behind.port)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("authorization", "host")}
                headers["Host"] = outer.name
                inner.request(self.command, self.path, body, headers)
                got = inner.getresponse()
                data = got.read()
                self.send_response(got.status)
                for key, value in got.getheaders():
                    if key.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(key, value)
                length = got.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.name = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def token_registry(registry):
    made = TokenRegistry(registry)
    yield made
    made.stop()


def test_anonymous_token_is_enough_to_pull_what_is_public(docker, registry, token_registry, clean):
    made = Image([tarball({"x": os.urandom(2000)}), tarball({"y": os.urandom(2000)})])
    registry.put("token/public", "v1", made)
    name = clean(f"{token_registry.name}/token/public:v1")
    done = docker("pull", name)
    assert done.returncode == 0, done.stderr
    assert [(method, who, form["scope"]) for method, who, form in token_registry.asked] == [
        ("GET", None, ["repository:token/public:pull"])], "one token for all requests"


def test_login_at_a_token_service_gives_an_identity_token(docker, registry, token_registry, clean, config_folder):
    made = Image([tarball({"x": os.urandom(2000)})])
    registry.put("token/secret", "v1", made)
    name = clean(f"{token_registry.name}/token/secret:v1")
    denied = docker("pull", name)
    assert denied.returncode == 1 and denied.stderr == (
        f"Error response from daemon: pull access denied for {token_registry.name}/token/secret, repository does not "
        "exist or may require 'docker login': denied: requested access to the resource is denied\n")
    wrong = docker("login", "-u", "bob", "-p", "no", token_registry.name)
    assert wrong.returncode == 1 and "unauthorized: incorrect username or password" in wrong.stderr
    assert docker("login", "-u", "bob", "-p", "pw", token_registry.name).returncode == 0
    stored = json.loads((config_folder / "config.json").read_text())["auths"][token_registry.name]
    assert stored["identitytoken"] == "refresh-me"
    assert docker("pull", name).returncode == 0
    assert token_registry.asked[-1][0] == "POST" and token_registry.asked[-1][2]["grant_type"] == ["refresh_token"]


def test_push_with_tokens_mounts_with_the_other_repository_in_its_scope(engine, docker, registry, token_registry, clean):
    made = Image([tarball({"x": os.urandom(2000)})])
    registry.put("token/from", "v1", made)
    name = clean(f"{token_registry.name}/token/from:v1")
    assert docker("pull", name).returncode == 0
    to = clean(f"{token_registry.name}/token/to:v1")
    docker("tag", name, to)
    auth = auth_header(username="bob", password="pw")
    status, body = api(engine, "POST", f"/v1.43/images/{token_registry.name}/token/to/push?tag=v1", "-H",
                       f"X-Registry-Auth: {auth}")
    assert status == 200 and "Mounted from token/from" in body and made.digest in body, body
    scopes = [form.get("scope") for _, _, form in token_registry.asked]
    assert ["repository:token/to:pull,push", "repository:token/from:pull"] in scopes
    anonymous = api(engine, "POST", f"/v1.43/images/{token_registry.name}/token/to/push?tag=v1", "-H",
                    "X-Registry-Auth: e30=")
    assert "denied" in anonymous[1] and '"error"' in anonymous[1]


def test_registry_token_is_used_as_it_is(engine, docker, registry, token_registry, clean):
    made = Image([tarball({"x": os.urandom(2000)})])
    registry.put("token/given", "v1", made)
    token_registry.tokens["my-own"] = ["repository:token/given:pull"]
    clean(f"{token_registry.name}/token/given:v1")
    status, body = api(engine, "POST", f"/v1.43/images/create?fromImage={token_registry.name}/token/given&tag=v1", "-H",
                       f"X-Registry-Auth: {auth_header(registrytoken='my-own')}")
    assert status == 200 and made.digest in body
    assert {who for _, _, who in token_registry.seen} == {"Bearer my-own"} and token_registry.asked == []


# --- TLS -----------------------------------------------------------------------

def own_address():
    """An address of this machine that isn't loopback; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    address = own_address()
    if not address:
        pytest.skip("no address but loopback")

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], cwd=folder, check=True, capture_output=True, timeout=60)

    for ca in ("ca", "clientca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
                f"/CN=test {ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.crt")
    for name, ca, extra in (("server", "ca", f"subjectAltName=IP:{address},IP:127.0.0.1"),
                            ("client", "clientca", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "ext").write_text(extra)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", 2, "-extfile", "ext", "-out", f"{name}.crt")
    return folder, address


@pytest.fixture
def certs_d(request):
    """certs_d(host): the folder of that host's certificates, under /etc/hull and gone afterwards."""
    import shutil
    made = []

    def make(host, root="/etc/hull/certs.d"):
        path = pathlib.Path(root) / host
        # What this test makes it takes away, whole folders included.
        first = next(p for p in [*reversed(path.parents), path] if not p.exists())
        path.mkdir(parents=True)
        made.append(first)
        return path

    yield make
    for path in made:
        shutil.rmtree(path)


@pytest.mark.parametrize("root", ["/etc/hull/certs.d", "/etc/docker/certs.d"])
def test_own_authority_is_trusted_for_its_registry_only(docker, certificates, certs_d, clean, root):
    folder, address = certificates
    tls = {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key")}
    registry = Registry(address, tls=tls).start()
    try:
        made = Image([tarball({"x": os.urandom(2000)})])
        name = clean(registry.put("tls/it", "v1", made))
        done = docker("pull", name)
        assert done.returncode == 1 and "x509: certificate signed by unknown authority" in done.stderr
        (certs_d(registry.name, root) / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())
        assert docker("pull", name).returncode == 0
    finally:
        registry.stop()


def test_client_certificate(docker, certificates, certs_d, clean):
    folder, address = certificates
    tls = {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key"),
           "clientcas": [str(folder / "clientca.crt")]}
    data = Registry(address, tls={k: v for k, v in tls.items() if k != "clientcas"}).start()
    made = Image([tarball({"x": os.urandom(2000)})])
    data.put("tls/client", "v1", made)
    data.process.kill()
    data.process.wait()
    registry = Registry(address, tls=tls, folder=data.folder, port=data.port).start()
    try:
        certs = certs_d(registry.name)
        (certs / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())
        name = clean(f"{registry.name}/tls/client:v1")
        assert docker("pull", name).returncode == 1
        (certs / "client.cert").write_bytes((folder / "client.crt").read_bytes())
        assert "missing key client.key for client certificate client.cert" in docker("pull", name).stderr
        (certs / "client.key").write_bytes((folder / "client.key").read_bytes())
        done = docker("pull", name)
        assert done.returncode == 0, done.stderr
    finally:
        registry.stop()
        data.stop()


def test_insecure_registries_and_mirrors_of_the_configuration(new_engine, certificates, registry):
    folder, address = certificates
    plain = Registry(address).start()
    mirror = Registry().start()
    try:
        made = Image([tarball({"x": os.urandom(2000)})])
        name = plain.put("plain/it", "v1", made)
        hub = Image([tarball({"hub": os.urandom(2000)})])
        mirror.put("library/mirrored", "latest", hub)
        other = Image([tarball({"quay": os.urandom(2000)})])
        mirror.put("team/app", "v1", other)
        strict = new_engine()
        assert strict.docker("pull", name).returncode == 1
        engine = new_engine("--insecure-registry", f"{address}/32", "--registry-mirror", f"http://{mirror.name}",
                            "--registry-mirror", f"{registry.name}=http://127.0.0.1:1",
                            "--registry-mirror", f"quay.example=http://{mirror.name}")
        assert engine.docker("pull", name).returncode == 0
        done = engine.docker("pull", "mirrored")
        assert "Status: Downloaded newer image for mirrored:latest" in done.stdout, done.stderr
        assert engine.docker("images", "mirrored", "--format", "{{.Digest}}").returncode == 0
        assert engine.docker("pull", "quay.example/team/app:v1").returncode == 0
        # A mirror that is down is no reason to fail.
        there = registry.put("behind/mirror", "v1", made)
        assert engine.docker("pull", there).returncode == 0
    finally:
        plain.stop()
        mirror.stop()
