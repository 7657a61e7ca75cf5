"""docker pull from Debian's docker-registry: names, digests, platforms, formats, progress, errors."""
import json
import os
import subprocess
import time

import pytest

import registries
from registries import Image, Registry, digest_of, tarball


@pytest.fixture(scope="module")
def registry():
    made = Registry().start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def image():
    return Image([tarball(registries.busybox_files()), tarball({"etc/marker": b"second\n"})])


@pytest.fixture
def name(registry, image, docker):
    name = registry.put("tests/busybox", "v1", image)
    docker("rmi", "-f", name)
    yield name
    docker("rmi", "-f", name, f"{registry.name}/tests/busybox@{image.digest}")


def api(engine, method, path, *options):
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-X", method, *options, "--unix-socket", engine.socket,
                           f"http://h{path}"], capture_output=True, text=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def pull(engine, name, tag, *options, **query):
    more = "".join(f"&{k}={v}" for k, v in query.items())
    status, body = api(engine, "POST", f"/v1.43/images/create?fromImage={name}&tag={tag}{more}", *options)
    return status, [json.loads(line) for line in body.splitlines()]


def test_pulled_image_runs_and_is_listed_by_tag_and_digest(docker, registry, image, name):
    done = docker("pull", name)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "v1: Pulling from tests/busybox"
    ids = [layer["digest"][7:19] for layer in image.layers]
    for layer in ids:
        told = [line.split(": ")[1] for line in lines if line.startswith(layer)]
        assert told[0] == "Pulling fs layer" and told[-1] == "Pull complete"
        assert told.index("Verifying Checksum") < told.index("Download complete")
    assert lines[-3:] == [f"Digest: {image.digest}", f"Status: Downloaded newer image for {name}", name]
    info = json.loads(docker("image", "inspect", name).stdout)[0]
    assert info["Id"] == image.id and info["RepoTags"] == [name]
    assert info["RepoDigests"] == [f"{registry.name}/tests/busybox@{image.digest}"]
    assert docker("run", "--rm", name).stdout == "from the registry\n"
    assert docker("run", "--rm", name, "/bin/busybox", "cat", "/etc/marker").stdout == "second\n"
    assert image.digest in docker("images", "--digests", name.rsplit(":", 1)[0]).stdout


def test_second_pull_is_up_to_date(docker, image, name):
    assert docker("pull", name).returncode == 0
    again = docker("pull", name).stdout.splitlines()
    assert again == ["v1: Pulling from tests/busybox", f"Digest: {image.digest}",
                     f"Status: Image is up to date for {name}", name]


def test_layers_that_are_there_are_not_fetched(docker, registry, image, name):
    assert docker("pull", name).returncode == 0
    tars = [tarball(registries.busybox_files()), tarball({"etc/marker": b"other\n"})]
    other = registry.put("tests/other", "v1", Image(tars))
    try:
        lines = docker("pull", other).stdout.splitlines()
        assert f"{image.layers[0]['digest'][7:19]}: Already exists" in lines
        assert docker("run", "--rm", other, "/bin/busybox", "cat", "/etc/marker").stdout == "other\n"
    finally:
        docker("rmi", "-f", other)


def test_progress_is_docker_s_json(engine, docker, registry, image, name):
    status, lines = pull(engine, f"{registry.name}/tests/busybox", "v1")
    assert status == 200
    assert lines[0] == {"status": "Pulling from tests/busybox", "id": "v1"}
    layer = image.layers[0]["digest"][7:19]
    assert {"status": "Pulling fs layer", "progressDetail": {}, "id": layer} in lines
    bars = [line for line in lines if line.get("progressDetail", {}).get("total")]
    assert bars and all(b["progressDetail"]["current"] <= b["progressDetail"]["total"] for b in bars)
    assert all(b["progress"].startswith("[") and "B/" in b["progress"] for b in bars)
    assert lines[-2:] == [{"status": f"Digest: {image.digest}"},
                          {"status": f"Status: Downloaded newer image for {name}"}]


def test_run_pulls_what_is_missing(docker, name):
    done = docker("run", "--rm", name)
    assert done.stdout == "from the registry\n" and "Unable to find image" in done.stderr


def test_pull_by_digest(docker, registry, image, name):
    by_digest = f"{registry.name}/tests/busybox@{image.digest}"
    lines = docker("pull", by_digest).stdout.splitlines()
    assert lines[0] == f"{by_digest}: Pulling from tests/busybox"
    assert lines[-2:] == [f"Status: Downloaded newer image for {by_digest}", by_digest]
    info = json.loads(docker("image", "inspect", by_digest).stdout)[0]
    assert info["RepoTags"] == [] and info["RepoDigests"] == [by_digest]
    assert docker("run", "--rm", by_digest).stdout == "from the registry\n"


def test_all_tags(docker, registry, image, name):
    registry.put("tests/busybox", "v2", image)
    repository = name.rsplit(":", 1)[0]
    lines = docker("pull", "-a", repository).stdout.splitlines()
    assert "v1: Pulling from tests/busybox" in lines and "v2: Pulling from tests/busybox" in lines
    assert lines[-2] == f"Status: Downloaded newer image for {repository}"
    assert docker("image", "inspect", repository + ":v2").returncode == 0
    docker("rmi", "-f", repository + ":v2")


@pytest.mark.parametrize("kind,compression", [("oci", "gzip"), ("oci", "zstd"), ("oci", "none")])
def test_oci_images_of_each_compression(docker, registry, kind, compression):
    made = Image([tarball(registries.busybox_files())], kind=kind, compression=compression)
    name = registry.put("tests/oci", compression, made)
    try:
        done = docker("pull", name)
        assert done.returncode == 0 and f"Digest: {made.digest}" in done.stdout, done.stderr
        assert docker("run", "--rm", name).stdout == "from the registry\n"
    finally:
        docker("rmi", "-f", name)


def index_of(images, kind):
    oci = kind == "oci"
    return json.dumps({
        "schemaVersion": 2, "mediaType": registries.OCI_INDEX if oci else registries.MANIFEST_LIST,
        "manifests": [{"mediaType": i.media_type, "size": len(i.manifest), "digest": i.digest,
                       "platform": {"architecture": arch, "os": "linux", **({"variant": "v8"} if arch == "arm64" else {})}}
                      for arch, i in images.items()],
    }).encode()


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_index_gives_the_image_of_this_machine_or_of_the_platform_asked_for(docker, registry, kind):
    images = {arch: Image([tarball({**registries.busybox_files(), "arch": arch.encode()})], kind=kind, arch=arch)
              for arch in ("arm64", "amd64")}
    for made in images.values():
        registry.put("tests/multi", "one", made)
    index = index_of(images, kind)
    registry.put_manifest("tests/multi", kind, index,
                          registries.OCI_INDEX if kind == "oci" else registries.MANIFEST_LIST)
    name = f"{registry.name}/tests/multi:{kind}"
    try:
        done = docker("pull", name)
        assert f"Digest: {digest_of(index)}" in done.stdout, done
        info = json.loads(docker("image", "inspect", name).stdout)[0]
        assert info["Architecture"] == "amd64" and info["Id"] == images["amd64"].id
        assert info["RepoDigests"] == [f"{registry.name}/tests/multi@{digest_of(index)}"]
        assert docker("run", "--rm", name, "/bin/busybox", "cat", "/arch").stdout == "amd64"
        assert docker("pull", "--platform", "linux/arm64", name).returncode == 0
        # It joins the name, which still means what runs here first.
        assert json.loads(docker("image", "inspect", name).stdout)[0]["Architecture"] == "amd64"
        assert json.loads(docker("image", "inspect", images["arm64"].id).stdout)[0]["RepoTags"] == [name]
        done = docker("pull", "--platform", "linux/s390x", name)
        assert done.returncode == 1
        assert "no matching manifest for linux/s390x in the manifest list entries" in done.stderr
    finally:
        docker("rmi", "-f", name, *(made.id for made in images.values()))


def test_what_is_not_there_is_said_as_docker_says_it(engine, docker, registry, name):
    done = docker("pull", f"{registry.name}/tests/busybox:nope")
    assert done.returncode == 1 and done.stderr == (
        f"Error response from daemon: manifest for {registry.name}/tests/busybox:nope not found: "
        "manifest unknown: manifest unknown\n")
    assert pull(engine, f"{registry.name}/tests/busybox", "nope")[0] == 404
    wrong = f"{registry.name}/tests/busybox@sha256:{'0' * 64}"
    assert f"manifest for {wrong} not found: manifest unknown" in docker("pull", wrong).stderr
    assert "repository name not known to registry" in docker("pull", "-a", f"{registry.name}/no/such").stderr
    port = registries.free_port()
    done = docker("pull", f"127.0.0.1:{port}/x:y")
    assert f"dial tcp 127.0.0.1:{port}: connect: connection refused" in done.stderr
    assert pull(engine, f"127.0.0.1:{port}/x", "y")[0] == 500
    assert "invalid reference format" in docker("pull", f"{registry.name}/UPPER:x").stderr
    assert pull(engine, f"{registry.name}/tests/busybox", "bad%20tag")[0] == 400


def test_what_is_no_image_for_here_is_refused(docker, registry):
    layer = [tarball({"a": b"a"})]
    windows = registry.put("tests/refused", "windows", Image(layer, os_name="windows"))
    assert 'image operating system "windows" cannot be used on this platform' in docker("pull", windows).stderr
    odd = Image(layer)
    odd.document["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
    odd.manifest = json.dumps(odd.document).encode()
    odd.digest = digest_of(odd.manifest)
    chart = registry.put("tests/refused", "chart", odd)
    assert "another kind of artifact" in docker("pull", chart).stderr
    wrong = Image(layer)
    config = json.loads(wrong.config)
    config["rootfs"]["diff_ids"] = ["sha256:" + "1" * 64]
    wrong.config = json.dumps(config).encode()
    wrong.blobs[digest_of(wrong.config)] = wrong.config
    wrong.document["config"].update(size=len(wrong.config), digest=digest_of(wrong.config))
    wrong.manifest = json.dumps(wrong.document).encode()
    wrong.digest = digest_of(wrong.manifest)
    diff_ids = registry.put("tests/refused", "diff", wrong)
    assert "layers from manifest don't match image configuration" in docker("pull", diff_ids).stderr
    assert docker("images", "-q", f"{registry.name}/tests/refused").stdout == ""


def test_events_and_the_layers_go_with_the_image(engine, docker, registry):
    """Nothing of a removed image stays: no layer, no blob, no record of where it came from."""
    made = Image([tarball({"only/here": os.urandom(100_000)})])
    name = registry.put("tests/gone", "v1", made)
    before = set(os.listdir(engine.folder / "data/blobs/sha256"))
    assert docker("pull", name).returncode == 0
    now = int(time.time())
    events = docker("events", "--since", str(now - 20), "--until", str(now + 2), "--filter", "event=pull", "--format",
                    "{{.ID}} {{.Actor.Attributes.name}}").stdout.splitlines()
    assert f"{name} {registry.name}/tests/gone" in events
    now = set(os.listdir(engine.folder / "data/blobs/sha256")) - before
    assert {made.id[7:], made.digest[7:], made.layers[0]["digest"][7:]} <= now
    assert docker("rmi", name).returncode == 0
    assert not set(os.listdir(engine.folder / "data/blobs/sha256")) & {b[7:] for b in made.blobs}


def test_python_and_distribution_inspect(engine, registry, image, name):
    import docker as python_docker
    client = python_docker.DockerClient(base_url=engine.host)
    pulled = client.images.pull(f"{registry.name}/tests/busybox", tag="v1")
    assert pulled.id == image.id
    data = client.images.get_registry_data(name)
    assert data.id == image.digest and data.has_platform("linux/amd64")
    status, body = api(engine, "GET", f"/v1.43/distribution/{registry.name}/tests/busybox:nope/json")
    assert status == 404 and "manifest unknown" in body
