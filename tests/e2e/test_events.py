"""docker events: every action that images and containers have, filters, since and until."""
import json
import os
import subprocess
import time
import urllib.parse

import docker as docker_py
import pytest

from test_images import tarball


@pytest.fixture
def client(engine):
    made = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


def events_since(client, start, **filters):
    return list(client.events(since=start, until=time.time() + 0.2, decode=True, filters=filters))


def actions(events, kind):
    return [e["Action"] for e in events if e["Type"] == kind]


def test_image_events_have_dockers_names_and_attributes(client, engine, tmp_path):
    start = time.time()
    name = f"evented-{os.getpid()}"
    path = tmp_path / "root.tar"
    path.write_bytes(tarball({"a": b"a"}))
    assert engine.docker("import", "-c", "LABEL shade=red", path, f"{name}:1").returncode == 0
    image = client.images.get(f"{name}:1")
    image.tag(name, "2")
    archive = b"".join(image.save(named=True))
    client.images.remove(f"{name}:2")
    client.images.remove(f"{name}:1")
    client.images.load(archive)
    client.images.remove(f"{name}:1")
    seen = [e for e in events_since(client, start, type="image") if e["Actor"]["ID"] == image.id]
    assert actions(seen, "image") == ["tag", "import", "tag", "save", "untag", "untag", "delete", "load", "untag",
                                      "delete"]
    assert seen[2]["Actor"]["Attributes"] == {"name": f"{name}:2", "shade": "red"}
    assert seen[5]["Actor"]["Attributes"]["name"] == image.id
    assert all(e["scope"] == "local" and e["timeNano"] // 10**9 == e["time"] for e in seen)
    only = events_since(client, start, event=["load", "save"], image=image.id)
    assert actions(only, "image") == ["save", "load"]


def test_container_events_and_filters(client):
    start = time.time()
    name = f"evented-{os.getpid()}"
    box = client.containers.run("busybox", ["sh", "-c", "exit 3"], name=name, labels={"tone": "high"}, detach=True)
    box.wait()
    box.remove()
    seen = events_since(client, start, container=name[:-1])
    assert [a for a in actions(seen, "container") if a in ("create", "start", "die", "destroy")] == [
        "create", "start", "die", "destroy"]
    die = next(e for e in seen if e["Action"] == "die")
    assert die["Actor"]["Attributes"]["exitCode"] == "3" and die["Actor"]["Attributes"]["image"] == "busybox"
    assert {"execDuration", "name", "tone"} <= set(die["Actor"]["Attributes"])
    assert events_since(client, start, label="tone=low") == []
    assert {e["Actor"]["ID"] for e in events_since(client, start, label="tone=high")} == {box.id}
    assert events_since(client, start, container="no-such-thing") == []


def test_until_in_the_future_ends_the_stream(client):
    begin = time.time()
    assert list(client.events(until=time.time() + 0.5, decode=True, filters={"event": "nothing"})) == []
    assert 0.3 < time.time() - begin < 5


def test_bad_times_and_filters_are_refused(engine):
    assert "`since` time (5) cannot be after `until` time (3)" in curl(engine, "/events?since=5&until=3")
    assert "failed to parse value as time or duration" in curl(engine, "/events?since=x")
    assert "invalid filter 'zz'" in curl(engine, "/events?filters=" + urllib.parse.quote('{"zz":["1"]}'))


def curl(engine, path, *more):
    return subprocess.run(["curl", "-s", "--unix-socket", str(engine.socket), f"http://h{path}", *more],
                          capture_output=True, text=True, timeout=30).stdout


def test_old_clients_get_the_legacy_members_and_new_ones_do_not(engine):
    begin = time.time()
    engine.docker("run", "--rm", "busybox", "true")
    window = f"since={begin}&until={time.time()}"
    old = [json.loads(line) for line in curl(engine, f"/v1.43/events?{window}").splitlines()]
    create = next(e for e in old if e["Action"] == "create")
    assert (create["status"], create["id"], create["from"]) == ("create", create["Actor"]["ID"], "busybox")
    new = [json.loads(line) for line in curl(engine, f"/v1.52/events?{window}").splitlines()]
    assert new and not any({"status", "id", "from"} & set(e) for e in new)
    sequence = curl(engine, f"/v1.52/events?{window}", "-H", "Accept: application/json-seq")
    assert sequence.count("\x1e") == len(new)


def test_filters_in_both_encodings(engine):
    begin = time.time()
    engine.docker("run", "--rm", "busybox", "true")
    window = f"since={begin}&until={time.time()}"
    lists = curl(engine, f"/v1.43/events?{window}&filters=" + urllib.parse.quote('{"event":["die"]}'))
    maps = curl(engine, f"/v1.43/events?{window}&filters=" + urllib.parse.quote('{"event":{"die":true}}'))
    assert lists == maps and json.loads(lists)["Action"] == "die"


def test_detaching_by_keys_is_an_event(engine, client):
    """Docker's command line finds the keys itself and just leaves; other clients send them on."""
    name = f"detached-{os.getpid()}"
    start = time.time()
    box = client.containers.run("busybox", ["sh"], name=name, stdin_open=True, tty=True, detach=True)
    try:
        attached = client.api.attach_socket(box.id, {"stdin": 1, "stdout": 1, "stream": 1, "detachKeys": "ctrl-a,d"})
        attached._sock.sendall(b"\x01d")
        attached._sock.settimeout(10)
        while attached._sock.recv(4096):
            pass
        made = client.api.exec_create(box.id, ["sh"], stdin=True, tty=True, detach_keys="ctrl-a,d")["Id"]
        inside = client.api.exec_start(made, tty=True, socket=True)
        inside._sock.sendall(b"\x01d")
        inside._sock.settimeout(10)
        while inside._sock.recv(4096):
            pass
        time.sleep(0.2)
        seen = events_since(client, start, container=name)
        detach = next(e for e in seen if e["Action"] == "detach")
        assert detach["Actor"]["ID"] == box.id and detach["Actor"]["Attributes"]["name"] == name
        left = next(e for e in seen if e["Action"] == "exec_detach")
        assert left["Actor"]["Attributes"]["execID"] == made
        assert any(e["Action"] == "exec_create: sh " for e in seen)
        assert client.api.exec_inspect(made)["DetachKeys"] == "AWQ="  # base64, as Go prints bytes
    finally:
        box.remove(force=True)
