"""docker commit, diff and export; import with changes."""
import io
import json
import subprocess
import tarfile
import time

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

    def make(script="sleep 600", image="busybox", wait=False, **options):
        one = client.containers.run(image, ["sh", "-c", script], detach=True, **options)
        made.append(one)
        if wait:
            assert one.wait()["StatusCode"] == 0, one.logs()
        return one

    yield make
    for one in made:
        try:
            one.remove(force=True, v=True)
        except sdk.errors.NotFound:
            pass


@pytest.fixture
def images(client):
    """Names that are removed at the end."""
    names = []
    yield names
    for name in names:
        client.images.remove(name, force=True)


def changes(one):
    return {c["Path"]: c["Kind"] for c in one.diff() or []}


CHANGED, ADDED, DELETED = 0, 1, 2

SCRIPT = "; ".join("""echo new > /new; mkdir -p /dir/sub; echo x > /dir/sub/f; ln -s f /dir/sub/l
echo more >> /etc/passwd; rm /etc/group; touch /tmp/t; mkfifo /tmp/p
rm -r /var; chmod 700 /home""".splitlines())


@pytest.mark.parametrize("stopped", [False, True])
def test_diff(docker, box, stopped):
    one = box(SCRIPT + ("" if stopped else "; touch /ready; sleep 600"))
    if stopped:
        one.wait()
    else:
        for _ in range(200):
            if "/ready" in changes(one):
                break
            time.sleep(0.02)
    found = changes(one)
    found.pop("/ready", None)
    out = docker("diff", one.id).stdout.splitlines()
    assert "A /new" in out and "D /etc/group" in out and "C /etc" in out
    expected = {"/new": ADDED, "/dir": ADDED, "/dir/sub": ADDED, "/dir/sub/f": ADDED, "/dir/sub/l": ADDED,
                "/etc": CHANGED, "/etc/passwd": CHANGED, "/etc/group": DELETED, "/tmp": CHANGED, "/tmp/t": ADDED,
                "/tmp/p": ADDED, "/home": CHANGED, "/var": DELETED}
    assert {k: v for k, v in found.items() if k in expected} == expected
    assert set(found) - set(expected) == set()


def test_nothing_changed(box, tmp_path):
    """What the engine itself puts in (stubs for /dev, /etc/hosts ...) is no change."""
    one = box("true", wait=True)
    assert one.diff() is None
    one = box("true", volumes={str(tmp_path): {"bind": "/mnt/new", "mode": "ro"}}, wait=True)
    assert changes(one) == {"/mnt": ADDED, "/mnt/new": ADDED} or changes(one) == {"/mnt": CHANGED, "/mnt/new": ADDED}


def test_a_folder_made_anew(box):
    one = box("rm -r /etc; mkdir /etc; echo x > /etc/passwd; echo y > /etc/added", wait=True)
    found = changes(one)
    assert found["/etc/passwd"] == CHANGED and found["/etc/added"] == ADDED and found["/etc/group"] == DELETED
    assert found["/etc"] == CHANGED


def tree(stream):
    tar = tarfile.open(fileobj=io.BytesIO(b"".join(stream)))
    return {m.name: m for m in tar.getmembers()}, tar


@pytest.mark.parametrize("stopped", [False, True])
def test_export(box, stopped, tmp_path):
    (tmp_path / "host").write_text("x")
    one = box("chown 5:6 /tmp; chmod 1700 /tmp; echo hi > /tmp/f; ln /tmp/f /tmp/h; rm /etc/group; "
              + ("" if stopped else "touch /ready; sleep 600"), volumes={str(tmp_path): {"bind": "/vol", "mode": "rw"}})
    if stopped:
        one.wait()
    for _ in range(200):
        if stopped or "/ready" in changes(one):
            break
        time.sleep(0.02)
    entries, tar = tree(one.export())
    assert (entries["tmp"].uid, entries["tmp"].gid, entries["tmp"].mode) == (5, 6, 0o1700)
    assert tar.extractfile("tmp/f").read() == b"hi\n" and entries["tmp/h"].islnk()
    assert "etc/group" not in entries and "bin/busybox" in entries
    # Not what is mounted.
    assert "vol" in entries and "vol/host" not in entries
    assert not [n for n in entries if n.startswith(("proc/", "sys/"))]


def test_export_and_import_give_the_same_tree(docker, engine, box, images):
    one = box("echo hi > /f; chown 3:4 /f", wait=True)
    tar = subprocess.run(["docker", "export", one.id], env=engine.env, capture_output=True, timeout=60).stdout
    images.append("exported:1")
    done = subprocess.run(["docker", "import", "-m", "from a test", "-c", "CMD [\"cat\", \"/f\"]", "-c", "ENV A=b", "-",
                           "exported:1"], env=engine.env, input=tar, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert docker("run", "--rm", "exported:1").stdout == "hi\n"
    assert docker("run", "--rm", "exported:1", "stat", "-c", "%u %g", "/f").stdout == "3 4\n"
    found = json.loads(docker("image", "inspect", "exported:1").stdout)[0]
    assert found["Comment"] == "from a test" and "A=b" in found["Config"]["Env"]


@pytest.mark.parametrize("stopped", [False, True])
def test_commit(docker, box, images, stopped):
    one = box(SCRIPT + ("" if stopped else "; touch /ready; sleep 600"), environment=["E=1"], labels={"l": "1"},
              working_dir="/tmp")
    if stopped:
        one.wait()
    for _ in range(200):
        if stopped or "/ready" in changes(one):
            break
        time.sleep(0.02)
    name = f"committed:{int(stopped)}"
    images.append(name)
    since = time.time()
    done = docker("commit", "-a", "Me <me@x>", "-m", "a message", "-c", "ENV F=2 G=3", "-c", 'CMD ["cat", "/new"]',
                  "-c", "EXPOSE 80", "-c", "LABEL k=v", one.id, name)
    assert done.returncode == 0 and done.stdout.startswith("sha256:"), done.stderr
    assert docker("run", "--rm", name).stdout == "new\n"
    out = docker("run", "--rm", name, "sh", "-c",
                 "cat /dir/sub/l; ls /etc/group /var 2>&1; stat -c %a /home; pwd; echo $E$F$G; tail -n1 /etc/passwd; "
                 "test -p /tmp/p && echo fifo").stdout
    assert out.splitlines() == ["x", "ls: /etc/group: No such file or directory", "ls: /var: No such file or directory",
                                "700", "/tmp", "123", "more", "fifo"]
    found = json.loads(docker("image", "inspect", name).stdout)[0]
    base = json.loads(docker("image", "inspect", "busybox").stdout)[0]
    assert found["Author"] == "Me <me@x>" and found["Comment"] == "a message" and found["Parent"] == base["Id"]
    assert found["Config"]["Labels"] == {"l": "1", "k": "v"} and found["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert found["RootFS"]["Layers"][:-1] == base["RootFS"]["Layers"]
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", name).stdout.splitlines()
    assert history[0].startswith("sh -c echo new") and history[0].endswith("|a message")
    events = docker("events", "--since", f"{since:.6f}", "--until", f"{time.time():.6f}", "--format",
                    "{{.Type}} {{.Action}} {{.Actor.Attributes.imageRef}} {{.Actor.Attributes.comment}}",
                    "--filter", "event=commit", "--filter", "event=pause", "--filter", "event=unpause", "--filter",
                    "event=tag").stdout.splitlines()
    commit = [f"image tag {'<no value>'} {'<no value>'}", f"container commit {name} a message"]
    around = [] if stopped else ["container pause <no value> <no value>"], \
        [] if stopped else ["container unpause <no value> <no value>"]
    assert events == around[0] + commit + around[1]
    if not stopped:
        one.reload()
        assert one.status == "running"


def test_the_same_changes_give_the_same_layer(client, box, images):
    """Digest-stable: two commits, and one of a container that did the same."""
    script = "mkdir /d; echo a > /d/a; echo b > /d/b; touch -d @1000000000 /d/a /d/b /d; rm /etc/group; touch -d @1 /etc"
    layers = set()
    for number in range(2):
        one = box(script, wait=True)
        for again in range(2):
            name = f"stable{number}{again}:x"
            images.append(name)
            layers.add(one.commit(*name.split(":")).attrs["RootFS"]["Layers"][-1])
    assert len(layers) == 1


def test_an_image_without_changes_has_no_new_layer(client, box, images):
    one = box("true", wait=True)
    images.append("same:x")
    made = one.commit("same", "x")
    assert made.attrs["RootFS"] == client.images.get("busybox").attrs["RootFS"]


def test_python_commit_with_a_config(client, box, images):
    one = box("echo hi > /f", wait=True, environment=["A=1", "B=2"])
    images.append("conf:x")
    made = one.commit("conf", "x", message="m", author="a", conf={"Env": ["A=9"], "Cmd": ["cat", "/f"]},
                      changes=["WORKDIR /w", "USER 5"])
    config = made.attrs["Config"]
    assert config["Env"][0] == "A=9" and "B=2" in config["Env"] and config["Cmd"] == ["cat", "/f"]
    assert config["WorkingDir"] == "/w" and config["User"] == "5"
    assert client.containers.run("conf:x", remove=True) == b"hi\n"


def test_a_committed_image_can_be_saved_and_loaded(docker, box, images, tmp_path):
    one = box("echo hi > /f; rm -r /home; mkdir /home", wait=True)
    images.append("saved:x")
    assert docker("commit", one.id, "saved:x").returncode == 0
    assert docker("save", "-o", tmp_path / "i.tar", "saved:x").returncode == 0
    before = docker("image", "inspect", "-f", "{{.Id}}", "saved:x").stdout
    one.remove(force=True)
    assert docker("rmi", "saved:x").returncode == 0
    assert docker("load", "-i", tmp_path / "i.tar").returncode == 0
    assert docker("image", "inspect", "-f", "{{.Id}}", "saved:x").stdout == before
    assert docker("run", "--rm", "saved:x", "cat", "/f").stdout == "hi\n"


def test_errors(engine, client, box):
    one = box("true", wait=True)

    def post(query, body=None):
        command = ["curl", "-s", "-X", "POST", "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
                   f"http://h/commit?{query}"]
        if body:
            command += ["-H", "Content-Type: application/json", "-d", body]
        reply, _, code = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.rpartition("\n")
        return int(code), json.loads(reply).get("message")

    assert post("container=nope") == (404, "No such container: nope")
    assert post("") == (400, 'invalid name or ID supplied: ""')
    assert post(f"container={one.id}&repo=UPPER")[0] == 400
    assert post(f"container={one.id}&repo=x&tag=a/b") == (400, "invalid tag format")
    assert post(f"container={one.id}&changes=RUN+x")[0] == 400
    assert post(f"container={one.id}", "{bad")[0] == 400
    for path in ("changes", "export"):
        with pytest.raises(sdk.errors.NotFound):
            client.api._raise_for_status(client.api._get(client.api._url("/containers/nope/{0}", path)))
