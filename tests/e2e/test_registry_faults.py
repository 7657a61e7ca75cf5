"""A registry that misbehaves: cut connections, wrong digests and lengths, 429, 5xx, redirects; kill -9 in a pull."""
import json
import os
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import registries
from registries import Image, auth_header, basic, digest_of, tarball


class FakeRegistry:
    """Serves images from memory; `fault(handler, path)` may answer instead and then returns True."""

    def __init__(self):
        outer = self
        self.blobs, self.manifests, self.requests = {}, {}, []
        self.fault = lambda handler, path: False
        self.ranges = True
        self.lock = threading.Lock()
        self.uploads = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # the client left

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def cut(self):
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(2)

            def begin_blob(self, data):
                """Headers of a blob's answer; the bytes that are to follow."""
                wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
                if wanted and outer.ranges:
                    begin, end = int(wanted[1]), int(wanted[2] or len(data) - 1)
                    if begin >= len(data):
                        self.answer(416)
                        return None
                    part = data[begin:end + 1]
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {begin}-{begin + len(part) - 1}/{len(data)}")
                else:
                    part = data
                    self.send_response(200)
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                return part

            def do_GET(self):
                path = self.path
                with outer.lock:
                    outer.requests.append((self.command, path, self.headers.get("Range"),
                                           self.headers.get("Authorization"), self.headers.get("Host")))
                if outer.fault(self, path):
                    return
                if path == "/v2/":
                    return self.answer(200, b"{}")
                if "/manifests/" in path:
                    found = outer.manifests.get(path.rsplit("/", 1)[1])
                    if found:
                        return self.answer(200, found[0], [("Content-Type", found[1])])
                    return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
                data = outer.blobs.get(path.rsplit("/", 1)[1])
                if data is None:
                    return self.answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')
                part = self.begin_blob(data)
                if part is not None and self.command != "HEAD":
                    self.wfile.write(part)

            do_HEAD = do_GET

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with outer.lock:
                    outer.requests.append((self.command, self.path, None, self.headers.get("Authorization"), None))
                if outer.fault(self, self.path):
                    return
                if self.command == "POST":
                    return self.answer(202, b"", [("Location", "/v2/x/blobs/uploads/1")])
                if "/manifests/" in self.path:
                    outer.manifests[self.path.rsplit("/", 1)[1]] = (body, self.headers["Content-Type"])
                else:
                    outer.blobs[digest_of(body)] = body
                self.answer(201)

            do_PUT = do_POST

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, image, tag="v1"):
        self.blobs.update(image.blobs)
        self.manifests[tag] = self.manifests[image.digest] = (image.manifest, image.media_type)
        return f"{self.name}/fake/image:{tag}"

    def blob_requests(self, digest):
        return [r for r in self.requests if r[1].endswith(digest) and r[0] == "GET"]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def fake():
    made = FakeRegistry()
    yield made
    made.stop()


@pytest.fixture
def clean(engine):
    names = []
    yield lambda name: names.append(name) or name
    engine.docker("rmi", "-f", *names)


def layer_of(image, number=-1):
    return image.layers[number]["digest"]


def times(count, action):
    """A fault that happens count times to a path that action says yes to."""
    left = [count]

    def fault(handler, path):
        if left[0] <= 0 or not action(handler, path, dry=True):
            return False
        left[0] -= 1
        action(handler, path, dry=False)
        return True
    return fault


def cut_after(digest, size, wait=None):
    def action(handler, path, dry):
        if not path.endswith(digest) or handler.command != "GET":
            return False
        if not dry:
            part = handler.begin_blob(handler.server.outer.blobs[digest])
            handler.wfile.write(part[:size])
            handler.wfile.flush()
            if wait:
                wait.wait(30)
            handler.cut()
        return True
    return action


def with_outer(fake):
    fake.server.outer = fake
    return fake


def test_cut_connections_are_taken_up_where_they_were(engine, fake, clean):
    with_outer(fake)
    made = Image([tarball({"big": os.urandom(3_000_000)})])
    name = clean(fake.put(made))
    digest = layer_of(made)
    fake.fault = times(3, cut_after(digest, 700_000))
    done = engine.docker("pull", name)
    assert done.returncode == 0, done.stderr
    ranges = [r[2] for r in fake.blob_requests(digest)]
    assert ranges[0] is None and len(ranges) == 4
    begins = [int(r.split("=")[1].split("-")[0]) for r in ranges[1:]]
    assert begins == sorted(begins) and begins[-1] > 1_500_000, "each try goes on where the last one ended"


def test_server_without_ranges_sends_it_all_again(engine, fake, clean):
    with_outer(fake)
    fake.ranges = False
    made = Image([tarball({"big": os.urandom(2_000_000)})])
    name = clean(fake.put(made))
    fake.fault = times(2, cut_after(layer_of(made), 500_000))
    assert engine.docker("pull", name).returncode == 0


def test_large_blob_comes_in_parallel_ranges(engine, fake, clean):
    made = Image([tarball({"big": os.urandom(60_000_000)})], kind="oci", compression="none")
    name = clean(fake.put(made))
    done = engine.docker("pull", name, timeout=100)
    assert done.returncode == 0, done.stderr
    assert len({r[2] for r in fake.blob_requests(layer_of(made))}) >= 3


def test_always_cut_is_an_error_and_leaves_no_image(engine, fake):
    with_outer(fake)
    made = Image([tarball({"big": os.urandom(300_000)})])
    name = fake.put(made)
    fake.fault = times(1000, cut_after(layer_of(made), 0))
    done = engine.docker("pull", name, timeout=60)
    assert done.returncode == 1 and done.stderr.strip()
    assert engine.docker("images", "-q", name).stdout == ""
    fake.fault = lambda handler, path: False
    assert engine.docker("pull", name).returncode == 0, "the next try is a fresh one"
    engine.docker("rmi", name)


@pytest.mark.parametrize("what", ["digest", "longer", "shorter", "config", "manifest", "garbage"])
def test_wrong_bytes_are_refused_and_nothing_is_stored(engine, fake, what):
    made = Image([tarball({"x": os.urandom(200_000)})])
    name = fake.put(made)
    digest = layer_of(made)
    good = dict(fake.blobs)
    if what == "digest":  # a right layer, of other content
        fake.blobs[digest] = Image([tarball({"x": os.urandom(200_000)})]).blobs.popitem()[1]
        fake.blobs[digest] = fake.blobs[digest][:len(good[digest])].ljust(len(good[digest]), b"\0")
    elif what == "longer":
        fake.blobs[digest] = good[digest] + b"more"
    elif what == "shorter":
        fake.blobs[digest] = good[digest][:-1000]
    elif what == "garbage":
        fake.blobs[digest] = os.urandom(len(good[digest]))
    elif what == "config":
        fake.blobs[made.id] = made.config.replace(b"by hand", b"by HAND")
    else:
        name = f"{fake.name}/fake/image@{made.digest}"
        fake.manifests[made.digest] = (made.manifest + b" ", made.media_type)
    layers = set(os.listdir(engine.folder / "data/layers"))
    done = engine.docker("pull", name, timeout=60)
    assert done.returncode == 1
    expected = {"digest": "filesystem layer verification failed for digest " + digest,
                "garbage": "filesystem layer verification failed for digest " + digest,
                "longer": "larger than the", "shorter": "", "config": "verification failed for digest " + made.id,
                "manifest": "manifest verification failed for digest " + made.digest}[what]
    assert expected in done.stderr, done.stderr
    assert set(os.listdir(engine.folder / "data/layers")) == layers
    assert not (engine.folder / "data/blobs/sha256" / digest[7:]).exists()
    fake.blobs, fake.manifests[made.digest] = good, (made.manifest, made.media_type)
    assert engine.docker("pull", name).returncode == 0, "what was wrong once doesn't stay"
    engine.docker("rmi", "-f", name)


def test_429_waits_as_it_is_told_and_5xx_is_tried_again(engine, fake, clean):
    made = Image([tarball({"x": os.urandom(1000)})])
    name = clean(fake.put(made))

    def busy(handler, path, dry):
        if not dry:
            handler.answer(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', [("Retry-After", "2")])
        return "/manifests/" in path

    fake.fault = times(1, busy)
    begin = time.monotonic()
    assert engine.docker("pull", name).returncode == 0
    assert 2 <= time.monotonic() - begin < 10
    engine.docker("rmi", name)

    def down(handler, path, dry):
        if not dry:
            handler.answer(503, b"<html>busy</html>")
        return "/blobs/" in path

    fake.fault = times(3, down)
    assert engine.docker("pull", name).returncode == 0
    engine.docker("rmi", name)
    fake.fault = times(1000, down)
    done = engine.docker("pull", name, timeout=60)
    assert done.returncode == 1 and "503 Service Unavailable" in done.stderr


def test_credentials_do_not_follow_a_redirect_to_another_host(engine, fake, clean):
    other = FakeRegistry()
    try:
        made = Image([tarball({"x": os.urandom(1000)})])
        name = clean(fake.put(made))
        other.blobs.update(made.blobs)

        def fault(handler, path):
            if handler.headers.get("Authorization") != basic("carol", "secret"):
                handler.answer(401, b"{}", [("WWW-Authenticate", 'Basic realm="fake"')])
                return True
            if "/blobs/" in path:
                handler.answer(307, b"", [("Location", f"http://{other.name}{path}")])
                return True
            return False

        fake.fault = fault
        done = subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", engine.socket, "-H",
                               "X-Registry-Auth: " + auth_header(username="carol", password="secret"),
                               f"http://h/v1.43/images/create?fromImage={fake.name}/fake/image&tag=v1"],
                              capture_output=True, text=True, timeout=60)
        assert "Status: Downloaded newer image" in done.stdout, done.stdout
        assert len(other.requests) >= 2 and all(r[3] is None for r in other.requests)
        # Where it leads nowhere, or in circles, that is an error.
        for target in ("file:///etc/passwd", f"http://{fake.name}/v2/fake/image/blobs/round"):
            fake.fault = lambda handler, path: handler.answer(302, b"", [("Location", target)]) or True
            assert engine.docker("pull", f"{fake.name}/fake/image:other").returncode == 1
    finally:
        other.stop()


def test_hostile_documents_are_refused(engine, fake):
    layer = Image([tarball({"x": b"x"})])

    def manifest(text, media_type=registries.MANIFEST):
        fake.manifests["bad"] = (text, media_type)
        done = engine.docker("pull", f"{fake.name}/fake/image:bad", timeout=60)
        assert done.returncode == 1
        return done.stderr

    fake.blobs.update(layer.blobs)
    assert "too large" in manifest(b" " * (5 << 20)) or "larger" in manifest(b" " * (5 << 20))
    manifest(b"[" * 100_000)
    both = dict(layer.document, manifests=[])
    assert "index" in manifest(json.dumps(both).encode())
    twice = layer.manifest.replace(b'"schemaVersion"', b'"config": {}, "schemaVersion"', 1)
    manifest(twice)
    evil = json.loads(layer.manifest)
    evil["layers"][0]["digest"] = "sha256:../../../etc/passwd"
    manifest(json.dumps(evil).encode())
    evil["layers"][0] = dict(layer.layers[0], size=-1)
    manifest(json.dumps(evil).encode())
    assert "schema 1 support has been removed" in manifest(
        b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+prettyjws")
    foreign = Image([tarball({"x": b"x"})], layer_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    assert "foreign layer" in manifest(foreign.manifest)
    nowhere = json.loads(layer.manifest)
    nowhere["layers"][0]["digest"] = "sha256:" + "a" * 64
    assert "blob unknown" in manifest(json.dumps(nowhere).encode())
    assert engine.docker("images", "-q", f"{fake.name}/fake/image").stdout == ""


def test_pull_goes_on_after_kill_9(new_engine, fake):
    with_outer(fake)
    engine = new_engine()
    made = Image([tarball({"big": os.urandom(20_000_000)})])
    name = fake.put(made)
    digest = layer_of(made)
    hold = threading.Event()
    fake.fault = times(1, cut_after(digest, 12_000_000, wait=hold))
    pull = subprocess.Popen(["docker", "pull", name], env=engine.env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    partial = engine.folder / "data/blobs/partial" / digest[7:]
    deadline = time.monotonic() + 30
    while not partial.exists() or partial.stat().st_size < 11_500_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    engine.kill()
    pull.wait(20)
    hold.set()
    fake.requests.clear()
    engine.start()
    assert engine.docker("images", "-q").stdout == ""
    done = engine.docker("pull", name)
    assert done.returncode == 0, done.stderr
    asked = fake.blob_requests(digest)
    assert len(asked) == 1 and int(asked[0][2].split("=")[1].split("-")[0]) >= 9_000_000, asked
    assert not list((engine.folder / "data/blobs/partial").iterdir())


def test_partial_blob_that_was_damaged_is_fetched_anew(new_engine, fake):
    with_outer(fake)
    engine = new_engine()
    made = Image([tarball({"big": os.urandom(5_000_000)})])
    name = fake.put(made)
    digest = layer_of(made)
    folder = engine.folder / "data/blobs/partial"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest[7:]).write_bytes(b"\0" * 2_000_000)  # as after a power cut
    (folder / (digest[7:] + ".have")).write_text("0 2000000\n")
    done = engine.docker("pull", name)
    assert done.returncode == 0, done.stderr


def test_pull_is_cancelled_with_its_client_but_not_for_another(engine, fake, clean):
    made = Image([tarball({"x": os.urandom(2_000_000)})])
    name = clean(fake.put(made))
    digest = layer_of(made)
    go_on, began = threading.Event(), threading.Semaphore(0)

    def slow(handler, path):
        if not path.endswith(digest):
            return False
        part = handler.begin_blob(fake.blobs[digest])
        handler.wfile.write(part[:1000])
        handler.wfile.flush()
        began.release()
        go_on.wait(30)
        handler.wfile.write(part[1000:])
        return True

    fake.fault = slow
    pulls = [subprocess.Popen(["docker", "pull", name], env=engine.env, stdout=subprocess.PIPE, text=True)]
    assert began.acquire(timeout=20)
    pulls.append(subprocess.Popen(["docker", "pull", name], env=engine.env, stdout=subprocess.PIPE, text=True))
    for _ in range(2):  # both have begun once both asked for the config
        deadline = time.monotonic() + 20
        while sum(r[1].endswith(made.id) for r in fake.requests) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    time.sleep(0.5)
    pulls[0].kill()
    time.sleep(0.5)
    go_on.set()
    out, _ = pulls[1].communicate(timeout=30)
    assert pulls[1].returncode == 0 and "Pull complete" in out
    pulls[0].communicate()
    assert len(fake.blob_requests(digest)) == 1, "the layer was fetched once for both"
    # Alone: the transfer ends, and what came of the blob is all that stays.
    engine.docker("rmi", name)
    go_on.clear()
    fake.requests.clear()
    alone = subprocess.Popen(["docker", "pull", name], env=engine.env, stdout=subprocess.PIPE, text=True)
    assert began.acquire(timeout=20)
    layers = engine.folder / "data/layers/tmp"
    alone.kill()
    alone.communicate()
    deadline = time.monotonic() + 20
    while os.listdir(layers):
        assert time.monotonic() < deadline, "the unfinished layer stayed"
        time.sleep(0.1)
    go_on.set()
    assert engine.docker("images", "-q", name).stdout == ""


def test_push_tries_again_what_broke(engine, fake, clean):
    made = Image([tarball({"x": os.urandom(300_000)})])
    name = clean(fake.put(made))
    assert engine.docker("pull", name).returncode == 0
    fake.blobs.clear()
    fake.manifests.clear()

    def broken(handler, path, dry):
        if not dry:
            handler.answer(503, b"busy")
        return handler.command == "PUT" and "/blobs/" in path

    fake.fault = times(2, broken)
    done = engine.docker("push", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(made.blobs) <= set(fake.blobs) and fake.manifests["v1"][0] == made.manifest


def test_search_asks_the_registry_that_the_term_names(engine, fake):
    found = [{"name": "library/busy", "description": "small", "star_count": 7, "is_official": True,
              "is_automated": False},
             {"name": "some/busy", "description": "", "star_count": 1, "is_official": False, "is_automated": True}]

    def fault(handler, path):
        if not path.startswith("/v1/search"):
            return False
        handler.answer(200, json.dumps({"results": found, "num_results": 2}).encode())
        return True

    fake.fault = fault

    def search(*options):
        return engine.docker("search", "--format", "{{.Name}} {{.StarCount}}", *options, f"{fake.name}/busy")

    assert search().stdout.splitlines() == ["library/busy 7", "some/busy 1"]
    assert fake.requests[-1][1] == "/v1/search?q=busy&n=25"
    assert search("--filter", "is-official=true").stdout.splitlines() == ["library/busy 7"]
    assert search("--filter", "stars=2", "--limit", "3").stdout.splitlines() == ["library/busy 7"]
    assert "limit 101 is outside the range of [1, 100]" in search("--limit", "101").stderr
    fake.fault = lambda handler, path: handler.answer(200, b"no json") or True
    assert "error decoding registry search results" in search().stderr
