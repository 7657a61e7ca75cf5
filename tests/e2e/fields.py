"""What the tests of single fields share: a create request sent as it is, and a look from inside and outside."""
import contextlib
import http.client
import json
import pathlib
import socket
import time


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def call(engine, method, path, body=None, raw=False):
    """(status, decoded answer) of one request."""
    connection = _Unix(engine.socket)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, body=text, headers={"Content-Type": "application/json"} if text else {})
        answer = connection.getresponse()
        data = answer.read()
        if raw:
            return answer.status, data
        return answer.status, json.loads(data) if data.strip() else None
    finally:
        connection.close()


def create(engine, host=None, name=None, **config):
    config.setdefault("Image", "busybox")
    config.setdefault("Cmd", ["sleep", "600"])
    if host is not None:
        config["HostConfig"] = host
    return call(engine, "POST", "/containers/create" + (f"?name={name}" if name else ""), config)


def refused(engine, host=None, **config):
    """The status and message of a create, or a start, that must fail."""
    status, answer = create(engine, host, **config)
    if status == 201:
        cid = answer["Id"]
        status, answer = call(engine, "POST", f"/containers/{cid}/start")
        call(engine, "DELETE", f"/containers/{cid}?force=1")
    assert status >= 400, (status, answer)
    return status, answer["message"]


class Box:
    def __init__(self, engine, cid, warnings):
        self.engine, self.id, self.warnings = engine, cid, warnings

    def start(self, expected=204):
        status, answer = call(self.engine, "POST", f"/containers/{self.id}/start")
        assert status == expected, answer
        return self

    def inspect(self):
        return call(self.engine, "GET", f"/containers/{self.id}/json")[1]

    @property
    def pid(self):
        return self.inspect()["State"]["Pid"]

    def wait(self, condition="not-running"):
        return call(self.engine, "POST", f"/containers/{self.id}/wait?condition={condition}")[1]["StatusCode"]

    def logs(self):
        """Both streams, without their frames."""
        data = call(self.engine, "GET", f"/containers/{self.id}/logs?stdout=1&stderr=1", raw=True)[1]
        text = b""
        while data:
            size = int.from_bytes(data[4:8], "big")
            text += data[8:8 + size]
            data = data[8 + size:]
        return text.decode()

    def output(self):
        """Runs to its end and gives what it said."""
        self.start()
        self.wait()
        return self.logs()

    def sh(self, command):
        done = self.engine.hull("exec", self.id, "sh", "-c", command)
        return (done.stdout + done.stderr).strip()

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()

    def cgroup(self, controller, v1, v2):
        """What the kernel holds of a limit, by its file's name on either version."""
        where = dict(line.split(":")[1:] for line in self.proc("cgroup").splitlines())
        if controller in where:
            return pathlib.Path(f"/sys/fs/cgroup/{controller}{where[controller]}/{v1}").read_text().strip()
        return pathlib.Path(f"/sys/fs/cgroup{where['']}/{v2}").read_text().strip()


@contextlib.contextmanager
def box(engine, host=None, start=True, **config):
    """A container that is gone afterwards."""
    status, answer = create(engine, host, **config)
    assert status == 201, answer
    made = Box(engine, answer["Id"], answer["Warnings"])
    try:
        yield made.start() if start else made
    finally:
        call(engine, "DELETE", f"/containers/{made.id}?force=1&v=1")


def said(engine, command, host=None, **config):
    """The output of one command in a container made so."""
    with box(engine, host, start=False, Cmd=["sh", "-c", command], **config) as made:
        return made.output()


def until(done, seconds=20):
    deadline = time.monotonic() + seconds
    while not (result := done()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
    return result
