"""Images as archives: several of them, other platforms, OCI layouts and docker-archives, all compressions."""
import bz2
import functools
import gzip
import hashlib
import http.server
import io
import json
import lzma
import os
import subprocess
import tarfile
import threading
import urllib.parse

import docker as docker_py
import pytest

from test_clients import api
from test_images import tarball

PLATFORMS = {"amd64": None, "arm64": "v8", "arm": "v7"}


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """An OCI layout in memory."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self.manifests = []

    def blob(self, data, media):
        self.files["blobs/sha256/" + sha(data)[7:]] = data
        return {"mediaType": media, "digest": sha(data), "size": len(data)}

    def image(self, architecture, variant, layer, compress=lambda b: (b, "")):
        packed, suffix = compress(layer)
        config = {"architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/true"]},
                  "rootfs": {"type": "layers", "diff_ids": [sha(layer)]}, "history": [{"created_by": architecture}]}
        if variant:
            config["variant"] = variant
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": self.blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
                    "layers": [self.blob(packed, "application/vnd.oci.image.layer.v1.tar" + suffix)]}
        made = self.blob(json.dumps(manifest).encode(), manifest["mediaType"])
        made["platform"] = {"architecture": architecture, "os": "linux", **({"variant": variant} if variant else {})}
        return made

    def index(self, manifests):
        data = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
        return self.blob(json.dumps(data).encode(), data["mediaType"])

    def name(self, descriptor, name):
        self.manifests.append({**descriptor, "annotations": {"io.containerd.image.name": "docker.io/library/" + name}})

    def tar(self):
        index = {"schemaVersion": 2, "manifests": self.manifests}
        return tarball({**self.files, "index.json": json.dumps(index).encode()})


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


COMPRESSIONS = {"plain": lambda b: (b, ""), "gzip": lambda b: (gzip.compress(b), "+gzip"),
                "zstd": lambda b: (zstd(b), "+zstd"), "bzip2": lambda b: (bz2.compress(b), "+bzip2"),
                "xz": lambda b: (lzma.compress(b), "+xz")}


@pytest.fixture
def client(engine):
    made = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


@pytest.fixture
def name(engine):
    base = f"several-{os.getpid()}"
    yield base
    ids = engine.docker("images", "-q", "--no-trunc", base).stdout.split()
    if ids:
        engine.docker("rmi", "-f", *set(ids))


def post(engine, path, data):
    done = subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
                           "-H", "Content-Type: application/x-tar", "--data-binary", "@-", f"http://h/v1.55{path}"],
                          input=data, capture_output=True, timeout=60)
    text, _, code = done.stdout.decode().rpartition("\n")
    return int(code), text


def wanted(architecture, variant=None):
    platform = {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}
    return "platform=" + urllib.parse.quote(json.dumps(platform))


def several(name):
    layout = Layout()
    made = [layout.image(a, v, tarball({"arch": a.encode()})) for a, v in PLATFORMS.items()]
    layout.name(layout.index(made), name + ":latest")
    return layout.tar()


@pytest.mark.parametrize("packing", COMPRESSIONS)
def test_an_oci_layout_loads_whatever_its_layers_are_packed_with(client, name, packing):
    layout = Layout()
    layout.name(layout.image("amd64", None, tarball({"f": packing.encode()}), COMPRESSIONS[packing]), f"{name}:{packing}")
    image, = client.images.load(COMPRESSIONS[packing](layout.tar())[0])
    assert image.tags == [f"{name}:{packing}"] and image.attrs["Architecture"] == "amd64"


def test_of_an_index_the_name_means_the_image_for_this_machine(client, name):
    image, = client.images.load(several(name))
    assert image.attrs["Architecture"] == "amd64" and image.tags == [f"{name}:latest"]


def test_of_an_index_the_platform_that_is_asked_for_is_loaded(engine, name):
    code, text = post(engine, "/images/load?" + wanted("arm64"), several(name))
    assert code == 200 and f"Loaded image: {name}:latest" in text
    found = json.loads(api(engine, "GET", f"/images/{name}/json")[1])
    assert (found["Architecture"], found["Variant"]) == ("arm64", "v8")
    code, text = post(engine, "/images/load?" + wanted("s390x"), several(name))
    # As from Docker, what goes wrong in a load is told in its stream.
    assert code == 200 and "the archive holds no image for the platform linux/s390x" in json.loads(text)["error"]


def test_platform_parameters_are_checked(engine, name):
    assert post(engine, "/images/load?" + wanted("arm64"), several(name))[0] == 200
    for path in (f"/images/{name}/json", f"/images/{name}/history", f"/images/{name}/get",
                 f"/images/{name}/attestations"):
        assert api(engine, "GET", f"{path}?{wanted('arm64')}")[0] == 200
        code, reply = api(engine, "GET", f"{path}?{wanted('amd64')}")
        assert code == 404 and ("was found but its platform (linux/arm64/v8) does not match the specified platform "
                                "(linux/amd64)") in reply
        code, reply = api(engine, "GET", f"{path}?platform=" + urllib.parse.quote('{"os":"linux"}'))
        assert code == 400 and "both OS and Architecture must be provided" in reply
        assert api(engine, "GET", f"{path}?platform=linux/arm64")[0] == 400
    code, reply = api(engine, "GET", f"/images/{name}/json?manifests=1&{wanted('arm64')}")
    assert code == 400 and "manifests and platform options cannot both be set" in reply
    code, reply = api(engine, "DELETE", f"/images/{name}?" + wanted("amd64").replace("platform=", "platforms="))
    assert code == 404
    assert json.loads(api(engine, "GET", f"/images/{name}/attestations")[1]) == []


def test_an_archive_of_several_images_keeps_all_names_and_ids(client, engine, name):
    first = client.images.load(several(name))[0]
    layout = Layout()
    layout.name(layout.image("amd64", "v1", tarball({"arch": b"amd64"}), COMPRESSIONS["gzip"]), f"{name}:same-layer")
    second = client.images.load(layout.tar())[0]
    first.tag(name, "again")
    done = engine.docker("save", "-o", engine.folder / "two.tar", name)  # all tags of the repository
    assert done.returncode == 0, done.stderr
    tags = sorted(client.images.get(first.id).tags + client.images.get(second.id).tags)
    engine.docker("rmi", "-f", first.id, second.id)
    loaded = engine.docker("load", "-i", engine.folder / "two.tar").stdout
    assert sorted(line.split(": ")[1] for line in loaded.splitlines() if line.startswith("Loaded image")) == tags
    assert {client.images.get(first.id).id, client.images.get(second.id).id} == {first.id, second.id}
    (engine.folder / "two.tar").unlink()


def test_manifests_of_a_lone_platform(engine, client, name):
    layout = Layout()
    layout.name(layout.image("amd64", None, tarball({"arch": b"amd64"})), name + ":latest")
    image, = client.images.load(layout.tar())
    box = client.containers.create(name + ":latest")
    try:
        listed = json.loads(api(engine, "GET", "/images/json?manifests=1")[1])
        mine = next(i for i in listed if i["Id"] == image.id)
        manifest, = mine["Manifests"]
        assert manifest["ID"] == manifest["Descriptor"]["digest"] == mine["Descriptor"]["digest"]
        assert manifest["Kind"] == "image" and manifest["Available"]
        assert manifest["ImageData"]["Platform"] == {"architecture": "amd64", "os": "linux"}
        assert manifest["ImageData"]["Containers"] == [box.id] and mine["Containers"] == 1
        assert manifest["Size"]["Total"] == manifest["Size"]["Content"] + manifest["ImageData"]["Size"]["Unpacked"]
        saved = json.loads(next(tarfile.open(fileobj=io.BytesIO(b"".join(image.save())))
                                .extractfile(f) for f in ["index.json"]).read())
        assert saved["manifests"][0]["digest"] == manifest["ID"]
        assert "Manifests" not in json.loads(api(engine, "GET", "/images/json")[1])[0]
        inspected = json.loads(api(engine, "GET", f"/images/{name}/json?manifests=1")[1])
        assert inspected["Manifests"] == [manifest]
    finally:
        box.remove()


def test_list_filters_as_docker_has_them(client, engine, name):
    base = client.images.load(several(name))[0]
    base.tag(name, "v2")

    def tags(**filters):
        return sorted(t for i in client.images.list(filters=filters) for t in i.tags if t.startswith(name))

    assert tags(reference=f"{name}:v*") == [f"{name}:latest", f"{name}:v2"]  # python-docker inspects each again
    shown = json.loads(api(engine, "GET", "/images/json?filters=" + urllib.parse.quote(
        json.dumps({"reference": [f"{name}:v*"]})))[1])
    assert shown[0]["RepoTags"] == [f"{name}:v2"]
    assert tags(reference="no-such-*") == []
    assert client.images.list(filters={"dangling": True, "reference": name}) == []
    busybox = client.images.get("busybox")
    assert busybox.id in [i.id for i in client.images.list(filters={"since": name})]
    assert base.id in [i.id for i in client.images.list(filters={"before": "busybox"})]
    code, reply = api(engine, "GET", "/images/json?filters=" + urllib.parse.quote('{"before":["nope"]}'))
    assert code == 404 and "No such image: nope:latest" in reply
    code, reply = api(engine, "GET", "/images/json?filters=" + urllib.parse.quote('{"dangling":["x"]}'))
    assert code == 400 and "invalid filter 'dangling=[x]'" in reply
    code, reply = api(engine, "POST", "/images/prune?filters=" + urllib.parse.quote('{"until":["x"]}'))
    assert code == 400 and "failed to parse value as time or duration" in reply


def test_prune_by_label_time_and_use(client, engine, tmp_path):
    mark = f"prune-{os.getpid()}"
    ids = []
    for i, label in enumerate(("keep", "drop")):
        path = tmp_path / f"{i}.tar"
        path.write_bytes(tarball({"f": label.encode() + mark.encode()}))
        ids.append(engine.docker("import", "-c", f"LABEL {mark}={label}", path).stdout.strip())
    box = client.containers.create(ids[1], "true")
    only = {"label": [f"{mark}=drop"]}
    assert client.images.prune({"dangling": True, **only})["ImagesDeleted"] is None  # in use
    box.remove()
    assert client.images.prune({"dangling": True, "until": "1h", **only})["ImagesDeleted"] is None  # too young
    gone = client.images.prune({"dangling": True, **only})
    assert {"Deleted": ids[1]} in gone["ImagesDeleted"] and gone["SpaceReclaimed"] > 0
    client.images.get(ids[0]).tag(mark, "v1")
    assert client.images.prune({"label": [mark]})["ImagesDeleted"] is None  # has a name
    gone = client.images.prune({"dangling": False, "label": [mark]})
    assert gone["ImagesDeleted"][:2] == [{"Untagged": f"{mark}:v1"}, {"Deleted": ids[0]}]


@pytest.fixture
def web(tmp_path):
    """A web server over a folder; gives the folder and its URL."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("packing", COMPRESSIONS)
def test_import_from_a_url(engine, client, name, web, packing):
    folder, url = web
    (folder / "root.tar").write_bytes(COMPRESSIONS[packing](tarball({"f": packing.encode() * 500000}))[0])
    # With and without the scheme.
    for source in (f"{url}/root.tar", f"{url[7:]}/root.tar"):
        code, text = post(engine, f"/images/create?fromSrc={urllib.parse.quote(source)}&repo={name}&tag=web", b"")
        lines = [json.loads(line) for line in text.splitlines()]
        assert code == 200 and lines[0] == {"status": f"Downloading from {url}/root.tar"}, text
        assert lines[-1]["status"] == client.images.get(f"{name}:web").id
    assert client.images.get(f"{name}:web").attrs["Comment"] == f"Imported from {url}/root.tar"
    assert engine.hull("import", f"{url}/root.tar", f"{name}:web").returncode == 0
    before = len(client.images.list(all=True))
    for bad, why in ((f"{url}/no.tar", "answers with status 404"), ("http://127.0.0.1:1/x", "connection refused"),
                     ("ftp://x/y", "is no URL that can be downloaded")):
        text = post(engine, f"/images/create?fromSrc={urllib.parse.quote(bad)}", b"")[1]
        assert why in text, text
    assert len(client.images.list(all=True)) == before
