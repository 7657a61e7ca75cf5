"""docker cp and the archive endpoints: every form of it, both ways."""
import base64
import io
import json
import os
import subprocess
import tarfile
import threading
import time
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
    """A container; box('running' | 'created' | 'stopped', **options)."""
    made = []

    def make(state="running", command=("sleep", "600"), **options):
        one = client.containers.create("busybox", list(command), **options)
        made.append(one)
        if state != "created":
            one.start()
        if state == "stopped":
            one.stop(timeout=0)
        return one

    yield make
    for one in made:
        one.remove(force=True, v=True)


def call(engine, method, path, body=None):
    """status, headers, body"""
    command = ["curl", "-s", "-i", "--unix-socket", str(engine.socket), f"http://h{path}"]
    command += ["-I"] if method == "HEAD" else ["-X", method]
    if body is not None:
        command += ["-H", "Content-Type: application/x-tar", "-H", "Expect:", "--data-binary", "@-"]
    out = subprocess.run(command, input=body, capture_output=True, timeout=60).stdout
    head, _, rest = out.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), {k.lower(): v for k, v in headers.items()}, rest


def message(reply):
    return json.loads(reply)["message"]


def tar_of(*entries):
    """entries: (name, dict of TarInfo fields, data)"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, fields, data in entries:
            info = tarfile.TarInfo(name)
            info.mtime = 1000000000
            for key, value in fields.items():
                setattr(info, key, value)
            if data is not None:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def link(target):
    return {"type": tarfile.SYMTYPE, "linkname": target}


def inside(one, script):
    code, output = one.exec_run(["sh", "-c", script])
    assert code == 0, output
    return output.decode()


def read(engine, one, path):
    """The entries of what GET answers."""
    status, _, body = call(engine, "GET", f"/containers/{one.id}/archive?path={path}")
    assert status == 200, body
    return tarfile.open(fileobj=io.BytesIO(body)).getmembers()


STATES = ["running", "created", "stopped"]


@pytest.mark.parametrize("state", STATES)
def test_cp_there_and_back(docker, box, state, tmp_path):
    one = box(state)
    (tmp_path / "f").write_text("hello")
    os.chown(tmp_path / "f", 1234, 5678)
    os.chmod(tmp_path / "f", 0o640)
    assert docker("cp", tmp_path / "f", f"{one.id}:/tmp/g").returncode == 0
    assert docker("cp", f"{one.id}:/tmp/g", tmp_path / "back").returncode == 0
    assert (tmp_path / "back").read_text() == "hello"
    out = docker("cp", f"{one.id}:/tmp/g", "-").stdout
    assert out.startswith("g\0")
    if state != "running":
        one.start()
    assert inside(one, "stat -c '%u %g %a' /tmp/g; cat /tmp/g") == "1234 5678 640\nhello"


@pytest.mark.parametrize("state", STATES)
def test_folders_keep_their_tree(docker, box, state, tmp_path):
    one = box(state)
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").write_text("x" * 100000)
    (tree / "a/link").symlink_to("b/file")
    os.link(tree / "a/b/file", tree / "hard")
    assert docker("cp", tree, f"{one.id}:/tmp").returncode == 0           # makes /tmp/tree
    assert docker("cp", f"{tree}/.", f"{one.id}:/opt").returncode in (0, 1)  # /opt isn't there
    assert docker("cp", f"{one.id}:/tmp/tree", tmp_path / "out").returncode == 0
    assert (tmp_path / "out/a/b/file").read_text() == "x" * 100000
    assert os.readlink(tmp_path / "out/a/link") == "b/file"
    assert (tmp_path / "out/hard").stat().st_ino == (tmp_path / "out/a/b/file").stat().st_ino
    # The contents only.
    assert docker("cp", f"{one.id}:/tmp/tree/.", tmp_path / "out2").returncode == 0
    assert (tmp_path / "out2/a/b/file").exists()


def test_a_stream_in_and_out(engine, box, tmp_path):
    one = box()
    data = tar_of(("s/", {"type": tarfile.DIRTYPE, "mode": 0o755}, None), ("s/one", {}, b"1"))
    done = subprocess.run(["docker", "cp", "-", f"{one.id}:/tmp"], input=data, env=engine.env, timeout=60)
    assert done.returncode == 0 and inside(one, "cat /tmp/s/one") == "1"
    out = subprocess.run(["docker", "cp", f"{one.id}:/tmp/s", "-"], env=engine.env, timeout=60,
                         capture_output=True).stdout
    names = tarfile.open(fileobj=io.BytesIO(out)).getnames()
    assert names == ["s", "s/one"]


def test_follow_link(docker, box, tmp_path):
    one = box()
    inside(one, "mkdir /tmp/d; echo hi > /tmp/d/real; ln -s d/real /tmp/l; ln -s l /tmp/l2; ln -s d /tmp/dl")
    assert docker("cp", f"{one.id}:/tmp/l2", tmp_path / "asis").returncode == 0
    assert os.readlink(tmp_path / "asis") == "l"
    assert docker("cp", "-L", f"{one.id}:/tmp/l2", tmp_path / "followed").returncode == 0
    assert (tmp_path / "followed").read_text() == "hi\n" and not (tmp_path / "followed").is_symlink()
    (tmp_path / "up").write_text("new")
    assert docker("cp", tmp_path / "up", f"{one.id}:/tmp/dl/").returncode == 0  # through a link to a folder
    assert inside(one, "cat /tmp/d/up") == "new"
    assert docker("cp", tmp_path / "up", f"{one.id}:/tmp/l").returncode == 0  # the link's target is replaced
    assert inside(one, "cat /tmp/d/real; readlink /tmp/l") == "newd/real\n"


def test_archive_mode_gives_files_to_the_containers_user(docker, box, tmp_path):
    one = box(user="nobody")
    (tmp_path / "f").write_text("x")
    os.chown(tmp_path / "f", 1234, 5678)
    assert docker("cp", "-a", tmp_path / "f", f"{one.id}:/tmp/a").returncode == 0
    assert docker("cp", tmp_path / "f", f"{one.id}:/tmp/b").returncode == 0
    assert inside(one, "stat -c '%U' /tmp/a; stat -c %u /tmp/b").split() == ["nobody", "1234"]


@pytest.mark.parametrize("state", STATES)
def test_stat_header(engine, box, state):
    one = box(state)
    put = tar_of(("d/", {"type": tarfile.DIRTYPE, "mode": 0o1777}, None), ("d/f", {"mode": 0o4755}, b"123"),
                 ("l", link("d/f"), None), ("dl", link("d"), None), ("broken", link("/nowhere/x"), None))
    assert call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", put)[0] == 200

    def stat(path):
        status, headers, _ = call(engine, "HEAD", f"/containers/{one.id}/archive?path={path}")
        assert status == 200, path
        return json.loads(base64.b64decode(headers["x-docker-container-path-stat"]))

    assert stat("/tmp/d/f") == {"name": "f", "size": 3, "mode": 0o755 | 1 << 23, "mtime": "2001-09-09T01:46:40Z",
                                "linkTarget": ""}
    assert stat("/tmp/d")["mode"] == 0o777 | 1 << 20 | 1 << 31
    assert stat("tmp/./x/../d/")["name"] == "d"
    assert stat("/tmp/d/.")["name"] == "."
    assert stat("/")["name"] == "/"
    assert stat("/tmp/l")["linkTarget"] == "/tmp/d/f" and stat("/tmp/l")["mode"] == 0o777 | 1 << 27
    assert stat("/tmp/broken")["linkTarget"] == "/nowhere/x"
    assert stat("/tmp/dl/")["mode"] >> 31 == 1
    assert [m.name for m in read(engine, one, "/tmp/dl/")] == ["dl", "dl/f"]
    assert [m.name for m in read(engine, one, "/tmp/d/.")] == [".", "./f"]
    assert [m.name for m in read(engine, one, "/tmp/d/f")] == ["f"]
    status, _, reply = call(engine, "GET", f"/containers/{one.id}/archive?path=/tmp/l/")
    assert status == 400 and "not a directory" in message(reply)


def test_errors(engine, box):
    one = box()
    for method in ("GET", "PUT", "HEAD"):
        body = tar_of(("x", {}, b"")) if method == "PUT" else None
        assert call(engine, method, f"/containers/{one.id}/archive", body)[0] == 400
        status, _, reply = call(engine, method, f"/containers/{one.id}/archive?path=/nope/x", body)
        assert status == 404
        if method != "HEAD":
            assert message(reply) == f"Could not find the file /nope/x in container {one.id}"
        status, _, reply = call(engine, method, "/containers/nope/archive?path=/", body)
        assert status == 404
    status, _, reply = call(engine, "PUT", f"/containers/{one.id}/archive?path=/etc/passwd", tar_of(("x", {}, b"")))
    assert status == 400 and message(reply) == "extraction point is not a directory"
    status, _, reply = call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", b"no tar" * 200)
    assert status == 400


def test_kinds_are_kept_when_asked(engine, box):
    one = box()
    put = f"/containers/{one.id}/archive?path=/tmp"
    file, folder = tar_of(("f", {}, b"x")), tar_of(("f/", {"type": tarfile.DIRTYPE, "mode": 0o700}, None))
    assert call(engine, "PUT", put, file)[0] == 200
    status, _, reply = call(engine, "PUT", put + "&noOverwriteDirNonDir=true", folder)
    assert status == 400 and 'cannot overwrite non-directory "/tmp/f" with directory "/tmp"' in message(reply)
    assert call(engine, "PUT", put, folder)[0] == 200
    status, _, reply = call(engine, "PUT", put + "&noOverwriteDirNonDir=1", file)
    assert status == 400 and 'cannot overwrite directory "/tmp/f" with non-directory "/tmp"' in message(reply)
    assert inside(one, "stat -c '%F %a' /tmp/f") == "directory 700\n"


@pytest.mark.parametrize("state", STATES)
def test_read_only_root_and_volumes(engine, box, state, tmp_path):
    (tmp_path / "rw").mkdir()
    (tmp_path / "ro").mkdir()
    (tmp_path / "ro/there").write_text("x")
    one = box(state, read_only=True, volumes={str(tmp_path / "rw"): {"bind": "/rw", "mode": "rw"},
                                              str(tmp_path / "ro"): {"bind": "/ro", "mode": "ro"}})
    body = tar_of(("p/q", {"uid": 33, "gid": 44}, b"data"))

    def put(path):
        status, _, reply = call(engine, "PUT", f"/containers/{one.id}/archive?path={path}", body)
        return status, message(reply) if status != 200 else ""

    assert put("/tmp") == (403, "container rootfs is marked read-only")
    assert put("/ro") == (403, "mounted volume is marked read-only")
    assert put("/rw") == (200, "")
    written = (tmp_path / "rw/p/q").stat()
    assert (written.st_uid, written.st_gid, written.st_size) == (33, 44, 4)
    assert (tmp_path / "rw/p").stat().st_uid == 0
    assert [m.name for m in read(engine, one, "/ro")] == ["ro", "ro/there"]
    assert (read(engine, one, "/rw/p/q")[0].uid, read(engine, one, "/rw/p/q")[0].gid) == (33, 44)
    assert os.listdir(tmp_path / "ro") == ["there"]


def test_tmpfs_of_a_running_container_is_seen(engine, box):
    one = box(tmpfs={"/t": ""})
    assert call(engine, "PUT", f"/containers/{one.id}/archive?path=/t", tar_of(("f", {}, b"x")))[0] == 200
    assert inside(one, "cat /t/f") == "x"


def test_the_whole_tree_leaves_out_what_the_kernel_makes_up(engine, box):
    one = box()
    names = [m.name for m in read(engine, one, "/")]
    assert "/etc/passwd" in names and "/proc" in names and "/dev" in names
    assert not [n for n in names if n.startswith(("/proc/", "/sys/", "/dev/"))]


def test_files_of_the_host_network_are_there_when_stopped(engine, box):
    one = box("stopped")
    assert read(engine, one, "/etc/hosts")[0].size > 0


def test_owners_and_capabilities_survive(engine, box):
    one = box()
    capability = b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("capable")
        info.uid, info.gid, info.mode = 7, 8, 0o755
        info.pax_headers = {"SCHILY.xattr.security.capability": capability.decode("latin-1")}
        tar.addfile(info)
    for state in STATES:
        one = box(state)
        assert call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", out.getvalue())[0] == 200
        entry = read(engine, one, "/tmp/capable")[0]
        assert (entry.uid, entry.gid, entry.mode) == (7, 8, 0o755)
        assert entry.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape") == capability
    status, _, reply = call(engine, "PUT", f"/containers/{box().id}/archive?path=/tmp",
                            tar_of(("f", {"uid": 100000}, b"")))
    assert status == 400 and "not among the container's ids" in message(reply)


def test_compressed_archives(engine, box):
    one = box()
    plain = tar_of(("f", {}, b"x" * 5000))
    for number, program in enumerate((["gzip", "-c"], ["zstd", "-qc"])):
        packed = subprocess.run(program, input=plain, capture_output=True, check=True).stdout
        inside(one, f"mkdir /tmp/{number}")
        assert call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp/{number}", packed)[0] == 200
        assert inside(one, f"wc -c < /tmp/{number}/f") == "5000\n"


def test_events(engine, docker, box, tmp_path):
    one = box()
    since = time.time()
    (tmp_path / "f").write_text("x")
    docker("cp", tmp_path / "f", f"{one.id}:/tmp/f")
    docker("cp", f"{one.id}:/tmp/f", tmp_path / "g")
    out = docker("events", "--since", f"{since:.6f}", "--until", f"{time.time():.6f}", "--filter", f"container={one.id}",
                 "--format", "{{.Action}} {{.Actor.Attributes.image}} {{.Actor.Attributes.name}}").stdout.splitlines()
    name = one.name
    assert [line for line in out] == [f"extract-to-dir busybox {name}", f"archive-path busybox {name}"]


def test_python_docker(client, box):
    one = box()
    assert one.put_archive("/tmp", tar_of(("f", {}, b"data")))
    stream, stat = one.get_archive("/tmp/f")
    assert stat["name"] == "f" and stat["size"] == 4
    tar = tarfile.open(fileobj=io.BytesIO(b"".join(stream)))
    assert tar.extractfile("f").read() == b"data"
    with pytest.raises(sdk.errors.NotFound):
        one.get_archive("/nope")


# --- hostile archives and containers (hardening I1, C1) --------------------------------

HOSTILE = {
    "dotdot": [("../../../../evil", {}, b"x")],
    "dotdot inside": [("a/../../../evil", {}, b"x")],
    "hard link out": [("h", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}, None)],
    "hard link to nothing": [("h", {"type": tarfile.LNKTYPE, "linkname": "nope"}, None)],
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("state", STATES)
def test_an_archive_that_leads_out_is_refused(engine, box, state, kind):
    one = box(state)
    status, _, reply = call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", tar_of(*HOSTILE[kind]))
    assert status == 400, reply


@pytest.mark.parametrize("state", STATES)
def test_links_of_an_archive_stay_in_the_container(engine, box, state, tmp_path):
    """Its own links and absolute names are followed with the container's root as "/"."""
    one = box(state)
    canary = tmp_path / "canary"
    canary.mkdir()
    up = "../" * 12
    body = tar_of(("abs", link(str(canary)), None), ("abs/f", {}, b"x"),
                  ("rel", link(up + str(canary)[1:]), None), ("rel/g", {}, b"x"),
                  ("chain1", link("chain2"), None), ("chain2", link("/proc/1/root"), None),
                  (f"/{canary}/h", {}, b"x"), ("me", link("/tmp"), None), ("me/in", {}, b"ok"))
    call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", body)
    assert os.listdir(canary) == []
    status, _, reply = call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", tar_of(
        ("me", link("/tmp"), None), ("me/in", {}, b"ok")))
    assert status == 200 and read(engine, one, "/tmp/in")[0].size == 2
    # Reading, too: what "/" is for the container.
    status, _, _ = call(engine, "PUT", f"/containers/{one.id}/archive?path=/tmp", tar_of(("out", link("/"), None)))
    assert status == 200
    (canary / "secret").write_text("host")
    assert call(engine, "GET", f"/containers/{one.id}/archive?path=/tmp/out{canary}/secret")[0] == 404


def test_a_container_that_swaps_links_gets_nothing_of_the_host(engine, box, tmp_path):
    """CVE-2018-15664: a folder that is a link to the host's at the wrong moment."""
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "secret").write_text("host")
    one = box(command=["sh", "-c", f"""mkdir -p /w/real{canary} /w/real/x; cd /w
        while :; do ln -sfn / l; rm -rf d; mkdir d; rm -rf d; ln -s / d; done"""])
    time.sleep(0.3)
    stop = time.time() + 6
    writes = reads = 0

    def put():
        nonlocal writes
        while time.time() < stop:
            call(engine, "PUT", f"/containers/{one.id}/archive?path=/w/d{canary}", tar_of(("evil", {}, b"x")))
            call(engine, "PUT", f"/containers/{one.id}/archive?path=/w", tar_of((f"d{canary}/evil", {}, b"x")))
            writes += 1

    def get():
        nonlocal reads
        while time.time() < stop:
            status, _, body = call(engine, "GET", f"/containers/{one.id}/archive?path=/w/d{canary}/secret")
            assert b"host" not in body, status
            reads += 1

    threads = [threading.Thread(target=f) for f in (put, get, put, get)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert os.listdir(canary) == ["secret"] and writes > 20 and reads > 20
    # The honest use next to it works.
    assert call(engine, "PUT", f"/containers/{one.id}/archive?path=/w/real", tar_of(("ok", {}, b"x")))[0] == 200


def test_a_client_that_leaves_midway_leaves_no_part_of_a_file(engine, box):
    one = box()
    body = tar_of(("big", {}, b"x" * 3000000))[:1500000]
    command = ["curl", "-s", "--unix-socket", str(engine.socket), "-X", "PUT", "-H", "Expect:", "-H",
               f"Content-Length: {3 << 20}", "-m", "1", "--data-binary", "@-", "-H", "Content-Type: application/x-tar",
               f"http://h/containers/{one.id}/archive?path=/tmp"]
    subprocess.run(command, input=body, timeout=30)
    deadline = time.time() + 5
    while inside(one, "ls /tmp") != "" and time.time() < deadline:
        time.sleep(0.1)
    assert inside(one, "ls /tmp") == ""


def test_the_container_can_start_after_a_copy(docker, box):
    """Nothing of the view that a copy had is mounted afterwards."""
    one = box("created")
    for _ in range(3):
        assert docker("cp", f"{one.id}:/etc/passwd", "-").returncode == 0
        one.start()
        one.stop(timeout=0)
    with open("/proc/self/mountinfo") as mounts:
        assert one.id not in mounts.read()
