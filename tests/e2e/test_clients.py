"""Other people's clients: python3-docker, and the bare API as curl sees it."""
import json
import os
import subprocess
import time

import docker
import pytest


@pytest.fixture
def client(engine):
    made = docker.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


def test_python_docker_runs_and_collects_output(client):
    assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
    with pytest.raises(docker.errors.ContainerError) as failure:
        client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    assert failure.value.exit_status == 3 and failure.value.stderr == b"bad\n"
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("no-such-image")
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("no-such-container")


def test_python_docker_life_of_a_container(client):
    box = client.containers.run("busybox", ["sh", "-c", "echo one; echo two; sleep 600"], detach=True, labels={"a": "b"},
                                mem_limit="64m")
    try:
        assert box in client.containers.list(filters={"label": "a=b"})
        code, output = box.exec_run(["sh", "-c", "echo out; exit 3"])
        assert (code, output) == (3, b"out\n")
        code, streams = box.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
        assert streams == (b"out\n", b"err\n")
        for _ in range(100):
            if box.logs() == b"one\ntwo\n":
                break
            time.sleep(0.05)
        assert box.logs() == b"one\ntwo\n" and box.logs(tail=1) == b"two\n"
        stats = box.stats(stream=False)
        assert stats["memory_stats"]["limit"] == 64 << 20 and stats["cpu_stats"]["online_cpus"] == os.cpu_count()
        assert stats["pids_stats"]["current"] >= 1
        top = box.top()
        assert any("sleep 600" in row[-1] for row in top["Processes"])
        box.pause()
        box.reload()
        assert box.status == "paused"
        box.unpause()
        box.rename(f"py-{os.getpid()}")
        box.stop(timeout=0)
        assert box.wait()["StatusCode"] == 137
        box.start()
        box.kill()
    finally:
        box.remove(force=True)


def api(engine, method, path, body=None, version="/v1.55"):
    command = ["curl", "-s", "-X", method, "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
               f"http://h{version}{path}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "--data-binary", body]
    text = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    reply, _, code = text.rpartition("\n")
    return int(code), reply


@pytest.mark.parametrize("method,path,body,code,message", [
    ("GET", "/containers/nope/json", None, 404, "No such container: nope"),
    ("POST", "/containers/create", "{not json", 400, ""),
    ("POST", "/containers/create", '{"Image": 5}', 400, ""),
    ("POST", "/containers/create", '{"Image": "nope"}', 404, "No such image: nope:latest"),
    ("POST", "/containers/create?name=bad/name", '{"Image": "busybox"}', 400, "Invalid container name"),
    ("GET", "/images/nope/json", None, 404, "No such image: nope"),
    ("DELETE", "/images/nope", None, 404, "No such image: nope"),
    ("GET", "/nowhere", None, 404, "page not found"),
    ("POST", "/containers/nope/start", None, 404, "No such container: nope"),
    ("GET", "/exec/nope/json", None, 404, "No such exec instance: nope"),
])
def test_errors_have_dockers_status_and_shape(engine, method, path, body, code, message):
    got, reply = api(engine, method, path, body)
    assert got == code, reply
    assert message in json.loads(reply)["message"]


def test_start_and_stop_twice_is_not_modified(engine):
    cid = engine.hull("create", "busybox", "sleep", "60").stdout.strip()
    try:
        assert [api(engine, "POST", f"/containers/{cid}/start")[0] for _ in range(2)] == [204, 304]
        assert [api(engine, "POST", f"/containers/{cid}/stop?t=0")[0] for _ in range(2)] == [204, 304]
    finally:
        assert api(engine, "DELETE", f"/containers/{cid}")[0] == 204


@pytest.mark.parametrize("version", ["/v1.24", "/v1.30", "/v1.41", "/v1.44", "/v1.55", ""])
def test_every_version_answers(engine, version):
    for path in ("/version", "/info", "/containers/json?all=1", "/images/json"):
        code, reply = api(engine, "GET", path, version=version)
        assert code == 200, (path, reply)
        json.loads(reply)


def test_versions_outside_are_refused_as_docker_does(engine):
    code, reply = api(engine, "GET", "/version", version="/v1.99")
    assert code == 400 and "client version 1.99 is too new. Maximum supported API version is 1.55" in reply
    code, reply = api(engine, "GET", "/version", version="/v1.12")
    assert code == 400 and "client version 1.12 is too old" in reply


def test_ping_headers(engine):
    text = subprocess.run(["curl", "-s", "-i", "--unix-socket", str(engine.socket), "http://h/_ping"],
                          capture_output=True, text=True).stdout
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.split("\n")[1:])
    lowered = {k.lower(): v for k, v in headers.items()}
    assert body == "OK" and lowered["api-version"] == "1.55" and lowered["ostype"] == "linux"
