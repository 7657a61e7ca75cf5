"""python3-docker: the examples of its documentation, and what its users do with its low-level client."""
import io
import json
import os
import tarfile
import threading
import time
import uuid

import docker
import pytest


@pytest.fixture
def client(engine):
    made = docker.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


@pytest.fixture
def name(client):
    made = f"py{uuid.uuid4().hex[:8]}"
    yield made
    for box in client.containers.list(all=True, filters={"name": made}):
        box.remove(force=True, v=True)


def test_run_detached_logs_stream_and_remove(client, name):
    box = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done"], detach=True,
                                name=name, environment={"A": "b"}, labels=["plain"], tty=False)
    assert b"".join(box.logs(stream=True, follow=True)) == b"line 1\nline 2\nline 3\n"
    assert box.wait() == {"StatusCode": 0} or box.wait()["StatusCode"] == 0
    assert box.logs(tail=1, timestamps=True).split(b" ", 1)[1] == b"line 3\n"
    assert client.containers.get(name).attrs["State"]["Status"] == "exited"
    box.remove()
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(name)


def test_attach_gives_what_was_said_before(client, name):
    """logs=1 alone is the past, each stream in its frames; with stream=1 the rest follows on the same connection."""
    script = "echo early; echo wrong >&2; while [ ! -e /go ]; do sleep 0.1; done; echo late"
    box = client.containers.run("busybox", ["sh", "-c", script], name=name, detach=True)
    deadline = time.monotonic() + 60
    while len(box.logs()) < len(b"early\nwrong\n") and time.monotonic() < deadline:
        time.sleep(0.05)
    out, err = box.attach(logs=True, stream=False, demux=True)
    assert (out, err) == (b"early\n", b"wrong\n")
    assert box.attach(logs=True, stream=False, stderr=False) == b"early\n"
    pieces = box.attach(logs=True, stream=True)
    seen = next(pieces)
    box.exec_run(["touch", "/go"])
    # Between the two streams there is no order.
    assert sorted((seen + b"".join(pieces)).split()) == [b"early", b"late", b"wrong"]
    assert sorted(box.attach(logs=True, stream=False).split()) == [b"early", b"late", b"wrong"]


def test_attach_stream_while_it_runs(client, name):
    box = client.containers.create("busybox", ["sh", "-c", "echo begin; sleep 0.3; echo end"], name=name)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(box.attach(stream=True, logs=True)))
    box.start()
    reader.start()
    reader.join(20)
    assert b"".join(lines) == b"begin\nend\n"


def test_exec_socket_both_ways(client, name):
    box = client.containers.run("busybox", ["sleep", "600"], detach=True, name=name)
    made = client.api.exec_create(box.id, ["cat"], stdin=True, stdout=True)
    sock = client.api.exec_start(made["Id"], socket=True)
    raw = sock._sock
    raw.sendall(b"typed\n")
    raw.settimeout(10)
    frame = raw.recv(100)
    while len(frame) < 14:
        frame += raw.recv(100)
    assert frame == b"\x01\0\0\0\0\0\0\x06typed\n"
    raw.close()
    code, output = box.exec_run("sh -c 'echo $WORD; pwd; id -u'", environment={"WORD": "w"}, workdir="/tmp", user="7")
    assert (code, output) == (0, b"w\n/tmp\n7\n")
    assert box.exec_run("true", detach=True).output in (b"", "")
    assert b"".join(box.exec_run("echo streamed", stream=True).output) == b"streamed\n"


def test_archives(client, name):
    box = client.containers.create("busybox", ["cat", "/data/f"], name=name)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("data/f")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"text"))
    assert box.put_archive("/", packed.getvalue())
    stream, info = box.get_archive("/data/f")
    back = tarfile.open(fileobj=io.BytesIO(b"".join(stream)))
    assert back.extractfile("f").read() == b"text" and info["name"] == "f" and info["size"] == 4
    box.start()
    box.wait()
    assert box.logs() == b"text"
    assert {"Path": "/data", "Kind": 1} in box.diff()
    assert len(b"".join(box.export())) > 10240


def test_build_tag_save_load_remove(client, name, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WORD\nRUN echo $WORD >/w\nLABEL made=by-test\nCMD cat /w\n")
    image, lines = client.images.build(path=str(tmp_path), tag=f"{name}:1", buildargs={"WORD": "built"}, rm=True)
    assert any("Successfully built" in line.get("stream", "") for line in lines)
    try:
        assert client.containers.run(image, remove=True) == b"built\n"
        assert image.labels == {"made": "by-test"} and image.tag(name, "2")
        assert set(client.images.get(image.id).tags) == {f"{name}:1", f"{name}:2"}
        saved = b"".join(image.save(named=True))
        client.images.remove(f"{name}:1")
        client.images.remove(f"{name}:2")
        loaded, = client.images.load(saved)
        assert loaded.id == image.id
        assert [i.id for i in client.images.list(filters={"label": "made=by-test"})] == [image.id]
        with pytest.raises(docker.errors.BuildError) as failed:
            client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 5\n"))
        assert "returned a non-zero code: 5" in str(failed.value)
    finally:
        client.images.remove(image.id, force=True)


def test_networks_and_volumes(client, name):
    network = client.networks.create(name, driver="bridge", labels={"a": "b"}, check_duplicate=True,
                                     ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(
                                         subnet=f"10.204.{os.getpid() % 250}.0/24")]))
    volume = client.volumes.create(name, labels={"c": "d"})
    try:
        box = client.containers.run("busybox", ["sleep", "600"], detach=True, name=name, network=name,
                                    volumes={name: {"bind": "/v", "mode": "rw"}}, mem_limit="64m", cap_drop=["ALL"],
                                    read_only=True, tmpfs={"/t": "size=1m"}, ports={"80/tcp": None})
        assert box in client.networks.get(name).containers
        assert box.exec_run(["sh", "-c", "echo x >/v/f && echo y >/t/f && ! echo z >/etc/f"]).exit_code == 0
        box.reload()
        assert int(box.ports["80/tcp"][0]["HostPort"]) > 0
        network.disconnect(box)
        network.connect(box, aliases=["again"])
        assert "again" in client.api.inspect_container(box.id)["NetworkSettings"]["Networks"][name]["Aliases"]
        box.remove(force=True)
        assert client.networks.list(names=[name]) == [network] and client.volumes.get(name).attrs["Labels"] == {"c": "d"}
    finally:
        for one in client.containers.list(all=True, filters={"name": name}):
            one.remove(force=True)
        network.remove()
        volume.remove()


def test_events_stats_and_low_level(client, name):
    since = time.time()
    box = client.containers.run("busybox", ["sleep", "600"], detach=True, name=name)
    first = next(iter(box.stats(decode=True)))
    assert first["id"] == box.id and first["pids_stats"]["current"] >= 1
    api = client.api
    made = api.create_container("busybox", ["true"], name=f"{name}b", host_config=api.create_host_config(
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2}, log_config=docker.types.LogConfig(
            type="json-file", config={"max-size": "1m"})))
    api.start(made)
    assert api.wait(made)["StatusCode"] == 0
    assert api.inspect_container(made)["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    api.remove_container(made)
    box.kill("SIGKILL")
    box.wait()
    seen = [e["Action"] for e in client.events(since=since, until=time.time() + 0.2, decode=True,
                                               filters={"container": [name]})]
    assert seen[0] == "create" and {"start", "kill", "die"} <= set(seen)
    assert json.dumps(client.df())
