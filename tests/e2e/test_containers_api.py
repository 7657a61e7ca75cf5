"""What is left of the container endpoints: top, wait, rename, prune, list filters, exec, stats, logs."""
import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse
import uuid

import docker as sdk
import pytest


@pytest.fixture
def client(engine):
    made = sdk.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield made
    made.close()


@pytest.fixture
def box(client):
    made = []

    def make(script="sleep 600", start=True, **options):
        one = client.containers.create("busybox", ["sh", "-c", script], **options)
        made.append(one)
        if start:
            one.start()
        return one

    yield make
    for one in made:
        try:
            one.remove(force=True)
        except sdk.errors.NotFound:
            pass


def call(engine, method, path, body=None, **query):
    query = "?" + urllib.parse.urlencode(query) if query else ""
    command = ["curl", "-s", "-X", method, "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
               f"http://h{path}{query}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    reply, _, code = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.rpartition("\n")
    return int(code), json.loads(reply) if reply.strip() else None


# --- top ----------------------------------------------------------------------------

def test_top_with_any_columns(engine, docker, box):
    one = box("sleep 601 & sleep 602")
    out = docker("top", one.id).stdout.splitlines()
    assert out[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(line.split(None, 7)[7] for line in out[1:])[-2:] == ["sleep 601", "sleep 602"]
    top = call(engine, "GET", f"/containers/{one.id}/top", ps_args="-o pid,comm,args")[1]
    assert top["Titles"] == ["PID", "COMMAND", "COMMAND"] and [r[1] for r in top["Processes"]].count("sleep") == 2
    assert docker("top", one.id, "aux").stdout.split()[:3] == ["USER", "PID", "%CPU"]
    assert docker("top", one.id, "-eo", "user,pid").returncode == 0
    code, reply = call(engine, "GET", f"/containers/{one.id}/top", ps_args="-o user")
    assert code != 200 and "PID" in reply["message"]
    code, reply = call(engine, "GET", f"/containers/{one.id}/top", ps_args="--no-such-option")
    assert code >= 400 and "ps" in reply["message"]
    one.stop(timeout=0)
    code, reply = call(engine, "GET", f"/containers/{one.id}/top")
    assert code == 409 and reply["message"] == f"container {one.id} is not running"


# --- wait ----------------------------------------------------------------------------

class Wait:
    """A wait whose head was read."""

    def __init__(self, engine, name, condition):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(engine.socket))
        self.socket.sendall(f"POST /v1.41/containers/{name}/wait?condition={condition} HTTP/1.1\r\nHost: h\r\n"
                            "Connection: close\r\n\r\n".encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            got = self.socket.recv(4096)
            assert got, self.data
            self.data += got

    def result(self):
        while got := self.socket.recv(4096):
            self.data += got
        body = self.data.partition(b"\r\n\r\n")[2]
        return json.loads(body[body.index(b"{"):body.rindex(b"}") + 1])

    def over(self):
        self.socket.settimeout(0.3)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) != b""
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(20)


def test_wait_conditions(engine, box):
    one = box("exit 7", start=False)
    assert Wait(engine, one.id, "not-running").result()["StatusCode"] == 0  # it doesn't run
    ended, removed = Wait(engine, one.id, "next-exit"), Wait(engine, one.id, "removed")
    assert not ended.over()
    one.start()
    assert ended.result()["StatusCode"] == 7
    assert Wait(engine, one.id, "").result()["StatusCode"] == 7
    again = Wait(engine, one.id, "next-exit")
    assert not again.over() and not removed.over()
    one.start()
    assert again.result()["StatusCode"] == 7
    one.remove()
    assert removed.result()["StatusCode"] == 7
    code, reply = call(engine, "POST", f"/v1.41/containers/{box().id}/wait", condition="soon")
    assert code == 400 and "invalid condition" in reply["message"]


def test_wait_for_a_container_that_removes_itself(engine, box):
    one = box("exit 3", start=False, auto_remove=True)
    removed = Wait(engine, one.id, "removed")
    one.start()
    assert removed.result()["StatusCode"] == 3
    assert call(engine, "GET", f"/containers/{one.id}/json")[0] == 404


def test_wait_says_why_it_could_not_be_started(engine, client):
    one = client.containers.create("busybox", ["/no/such/program"])
    try:
        with pytest.raises(sdk.errors.APIError):
            one.start()
        result = Wait(engine, one.id, "not-running").result()
        assert result["StatusCode"] == 127 and "no such file or directory" in result["Error"]["Message"]
    finally:
        one.remove(force=True)


# --- rename, prune, list -----------------------------------------------------------------

def test_rename_conflicts(engine, docker, box):
    first, second = box(start=False), box(start=False)
    done = docker("rename", first.id, second.name)
    assert done.returncode == 1
    assert (f'Error when allocating new name: Conflict. The container name "/{second.name}" is already in use by container '
            f'"{second.id}". You have to remove (or rename) that container to be able to reuse that name.') in done.stderr
    assert call(engine, "POST", f"/containers/{first.id}/rename", name=first.name) == (
        400, {"message": "Renaming a container with the same name as its current name"})
    code, reply = call(engine, "POST", f"/containers/{first.id}/rename", name="a/b")
    assert code == 400 and "Error when allocating new name: Invalid container name (a/b)" in reply["message"]
    assert call(engine, "POST", f"/containers/{first.id}/rename", name="")[0] == 400
    fresh = "r" + uuid.uuid4().hex
    assert docker("rename", first.name, fresh).returncode == 0
    assert call(engine, "GET", f"/containers/{fresh}/json")[1]["Name"] == "/" + fresh
    assert call(engine, "GET", f"/containers/{first.name}/json")[0] == 404


def test_prune_filters(engine, docker, box):
    mark = uuid.uuid4().hex
    labels = {mark: "1"}
    ended = box("exit 0", labels=labels)
    ended.wait()
    kept = box("exit 0", labels={mark: "2"})
    kept.wait()
    running = box(labels=labels)
    young = call(engine, "POST", "/containers/prune", filters=json.dumps({"label": [mark], "until": ["1h"]}))
    assert young[1]["ContainersDeleted"] is None
    out = docker("container", "prune", "-f", "--filter", f"label={mark}", "--filter", f"label!={mark}=2").stdout
    assert ended.id in out and kept.id not in out and running.id not in out
    code, reply = call(engine, "POST", "/containers/prune", filters='{"foo":["a"]}')
    assert code == 400 and "nvalid filter 'foo'" in reply["message"]
    code, reply = call(engine, "POST", "/containers/prune",
                       filters=json.dumps({"label": {mark: True}}))
    assert code == 200 and reply["ContainersDeleted"] == [kept.id]


def test_list_filters(engine, docker, client, box):
    mark = uuid.uuid4().hex
    first = box("exit 4", labels={mark: "a"}, name=f"n-{mark}-1", volumes={"/etc": {"bind": "/mnt/etc", "mode": "ro"}},
                userns_mode="host")
    first.wait()
    second = box(labels={mark: "b"}, name=f"n-{mark}-2", network_mode="none")
    image = first.commit(f"child{mark[:8]}", "x")
    third = client.containers.create(image.id, ["true"], labels={mark: "c"})

    def found(*filters, all=True):
        args = ["-a"] if all else []
        out = docker("ps", "-q", "--no-trunc", *args, "--filter", f"label={mark}",
                     *[x for f in filters for x in ("--filter", f)])
        assert out.returncode == 0, out.stderr
        return set(out.stdout.split())

    try:
        every = {first.id, second.id, third.id}
        assert found() == every and found(all=False) == {second.id}
        assert found(f"label={mark}=a") == {first.id} and found(f"id={second.id[:13]}") == {second.id}
        assert found(f"name=n-{mark}") == {first.id, second.id} and found(f"name=^n-{mark}-1$") == {first.id}
        assert found("status=exited") == {first.id} and found("status=created", "status=running") == {second.id, third.id}
        assert found("exited=4") == {first.id} and found("exited=5") == set()
        assert found(f"before={second.id}") == {first.id} and found(f"since={second.id}") == {third.id}
        assert found("volume=/etc") == {first.id} and found("volume=/mnt/etc") == {first.id, third.id} and found("network=none") == {second.id}
        assert found("ancestor=busybox") == every and found(f"ancestor={image.id}") == {third.id}
        assert found("health=none") == every and found("is-task=false") == every and found("is-task=true") == set()
        for bad in ("nope=1", "status=foo", "exited=x", "health=foo"):
            done = docker("ps", "--filter", bad)
            assert done.returncode == 1 and "invalid filter" in done.stderr.lower(), bad
        sizes = call(engine, "GET", "/containers/json", all=1, size=1, filters=json.dumps({"id": [first.id]}))[1][0]
        assert sizes["SizeRootFs"] > 0 and sizes.get("SizeRw", 0) >= 0
        assert call(engine, "GET", f"/containers/{first.id}/json", size=1)[1]["SizeRootFs"] > 0
        assert len(call(engine, "GET", "/containers/json", limit=2)[1]) == 2
    finally:
        third.remove()
        client.images.remove(image.id, force=True)


# --- exec ---------------------------------------------------------------------------------

def test_exec_settings(client, box):
    one = box(user="nobody", environment={"A": "1"})

    def run(*command, **options):
        code, output = one.exec_run(list(command), **options)
        return code, output.decode().replace("\r\n", "\n")

    assert run("id", "-un") == (0, "nobody\n") and run("id", "-un", user="root") == (0, "root\n")
    assert run("id", "-u", user="12:34") == (0, "12\n") and run("id", "-g", user="12:34") == (0, "34\n")
    assert run("pwd", workdir="/etc") == (0, "/etc\n")
    assert run("sh", "-c", "echo $A$B", environment={"B": "2"}) == (0, "12\n")
    assert run("sh", "-c", "tty; stty size", tty=True)[1].startswith("/dev/pts/")
    privileged = run("grep", "CapEff", "/proc/self/status", user="root", privileged=True)[1]
    plain = run("grep", "CapEff", "/proc/self/status", user="root")[1]
    assert int(privileged.split()[1], 16) > int(plain.split()[1], 16)
    assert run("nope")[0] == 127 and run("/etc")[0] == 126
    with pytest.raises(sdk.errors.NotFound):
        client.api.exec_inspect("nope")


def test_exec_console_size_detach_and_inspect(engine, client, box):
    one = box()
    code, made = call(engine, "POST", f"/v1.42/containers/{one.id}/exec", {
        "Cmd": ["sh", "-c", "stty size > /tmp/size; sleep 600"], "Tty": True, "AttachStdout": True,
        "ConsoleSize": [33, 111]})
    assert code == 201
    assert call(engine, "POST", f"/exec/{made['Id']}/start", {"Detach": True, "Tty": True})[0] == 200
    for _ in range(100):
        view = client.api.exec_inspect(made["Id"])
        if one.exec_run(["cat", "/tmp/size"])[1] == b"33 111\n":
            break
        time.sleep(0.05)
    assert one.exec_run(["cat", "/tmp/size"])[1] == b"33 111\n"
    assert view["Running"] and view["Pid"] > 0 and view["ExitCode"] is None and view["ContainerID"] == one.id
    assert view["ProcessConfig"]["entrypoint"] == "sh" and view["ProcessConfig"]["tty"]
    code, reply = call(engine, "POST", f"/exec/{made['Id']}/start", {"Detach": True})
    assert code == 409
    one.reload()
    assert made["Id"] in one.attrs["ExecIDs"]
    one.pause()
    code, reply = call(engine, "POST", f"/containers/{one.id}/exec", {"Cmd": ["true"]})
    assert code == 409 and "is paused" in reply["message"]
    one.unpause()


def test_exec_output_is_never_lost(engine, box):
    """docker-py drops what comes together with the head of the answer."""
    one = box()
    threads, failures = [], []

    def many():
        client = sdk.DockerClient(base_url=engine.host, version="auto", timeout=60)
        mine = client.containers.get(one.id)
        for _ in range(25):
            if mine.exec_run(["echo", "hi"]) != (0, b"hi\n"):
                failures.append(1)
        client.close()

    for _ in range(6):
        threads.append(threading.Thread(target=many))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert failures == []


# --- stats, logs ---------------------------------------------------------------------------

def test_stats(engine, client, box):
    one = box("while :; do :; done")
    two = one.stats(stream=False)
    assert two["precpu_stats"]["cpu_usage"]["total_usage"] > 0
    used = two["cpu_stats"]["cpu_usage"]["total_usage"] - two["precpu_stats"]["cpu_usage"]["total_usage"]
    machine = two["cpu_stats"]["system_cpu_usage"] - two["precpu_stats"]["system_cpu_usage"]
    assert 0 < used <= machine and two["preread"] < two["read"]
    began = time.time()
    code, once = call(engine, "GET", f"/v1.41/containers/{one.id}/stats", **{"stream": 0, "one-shot": 1})
    assert code == 200 and time.time() - began < 0.9
    assert once["precpu_stats"]["cpu_usage"]["total_usage"] == 0 and once["preread"] == "0001-01-01T00:00:00Z"
    assert once["cpu_stats"]["cpu_usage"]["total_usage"] > 0 and once["memory_stats"]["usage"] > 0
    stream = one.stats(decode=True)
    samples = [next(stream) for _ in range(3)]
    assert samples[1]["preread"] == samples[0]["read"] and samples[2]["precpu_stats"] == samples[1]["cpu_stats"]
    code, reply = call(engine, "GET", f"/v1.41/containers/{one.id}/stats", **{"stream": 1, "one-shot": 1})
    assert code == 400


def test_logs_options(docker, client, box):
    one = box("echo a; sleep 1.1; echo b >&2; sleep 1.1; echo c", labels={"l": "v"},
              log_config=sdk.types.LogConfig(type="json-file", config={"labels": "l"}))
    one.wait()
    assert one.logs() == b"a\nb\nc\n" and one.logs(stdout=False) == b"b\n" and one.logs(tail=2) == b"b\nc\n"
    lines = one.logs(timestamps=True).decode().splitlines()
    times = [line.split()[0] for line in lines]
    assert docker("logs", "--since", times[1], one.id).stdout == "c\n"
    assert docker("logs", "--until", times[1], one.id).stdout == "a\n"
    assert docker("logs", "--tail", "0", one.id).stdout == ""
    assert docker("logs", "--details", "--tail", "1", one.id).stdout == "l=v c\n"
    assert docker("logs", "-f", "--since", "1h", one.id).stdout == "a\nc\n"
