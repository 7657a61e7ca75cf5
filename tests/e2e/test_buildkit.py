"""Builds with BuildKit's protocol: docker 20.10 has its client built in."""
import hashlib
import io
import json
import os
import re
import socket
import subprocess
import tarfile
import threading
import time

import pytest

CLI = "/usr/bin/docker"
pytestmark = pytest.mark.skipif(not os.access(CLI, os.X_OK), reason="needs a docker CLI with BuildKit's client")


@pytest.fixture
def build(engine, tmp_path):
    """build(dockerfile, {name: text}, *flags): gives the progress as text; build.tag is what was built."""
    names = []

    def call(dockerfile, files=None, *flags, ok=True, context="context", env=None, tag=None, stdin=None, path=None):
        folder = tmp_path / context
        folder.mkdir(exist_ok=True)
        for name, text in {"Dockerfile": dockerfile, **(files or {})}.items():
            if text is None:
                continue
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text) if isinstance(text, str) else file.write_bytes(text)
        call.folder = folder
        call.tag = tag or f"bk-{os.getpid()}-{len(names)}"
        names.append(call.tag)
        done = subprocess.run([CLI, "build", "--progress=plain", "-t", call.tag, *flags, path or folder],
                              env={**engine.env, "DOCKER_BUILDKIT": "1", **(env or {})}, text=True,
                              capture_output=True, timeout=120, input=stdin)
        out = done.stdout + done.stderr
        assert (done.returncode == 0) == ok, out
        if not ok:
            assert done.returncode == 1, out  # as Docker's: not the program's
        return out

    yield call
    for name in names:
        engine.docker("rmi", "-f", name)


@pytest.fixture
def sh(engine, build):
    def call(script):
        done = engine.docker("run", "--rm", build.tag, "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return call


def steps(out):
    """name -> its lines, without times."""
    found, names = {}, {}
    for line in out.splitlines():
        match = re.match(r"#(\d+) (.*)", line)
        if not match:
            continue
        number, text = match.groups()
        if number not in names:
            names[number] = text
            found[text] = []
        elif text != names[number]:
            found[names[number]].append(re.sub(r"^\d+\.\d+ ", "", text))
    return found


def config(engine, name):
    return json.loads(engine.docker("image", "inspect", name).stdout)[0]["Config"]


def test_progress_and_result(engine, build, sh):
    out = build("FROM busybox AS one\nENV A=b\nWORKDIR /srv\nCOPY a sub /data/\nRUN echo to-out; echo to-err >&2\n"
                "FROM busybox\nCOPY --from=one /data /data\nRUN echo $A > /x\nCMD [\"sh\"]\n",
                {"a": "one\n", "sub/b": "two\n", "unused": "x" * 100000})
    of = steps(out)
    names = list(of)
    assert names[:3] == ["[internal] load build definition from Dockerfile", "[internal] load .dockerignore",
                         "[internal] load metadata for docker.io/library/busybox:latest"]
    assert "[one 1/4] FROM docker.io/library/busybox:latest" in names
    assert "[internal] load build context" in names
    assert "[one 2/4] WORKDIR /srv" in names and "[one 3/4] COPY a sub /data/" in names
    assert "to-out" in of["[one 4/4] RUN echo to-out; echo to-err >&2"]
    assert "to-err" in of["[one 4/4] RUN echo to-out; echo to-err >&2"]
    assert "[stage-1 2/3] COPY --from=one /data /data" in names and "[stage-1 3/3] RUN echo $A > /x" in names
    exported = "\n".join(of["exporting to image"])
    assert "writing image sha256:" in exported and f"naming to docker.io/library/{build.tag}:latest" in exported
    # Only what the steps take is sent.
    sent = [line for line in of["[internal] load build context"] if "transferring" in line]
    assert re.search(r"transferring context: \d{2,3}B", sent[-1]), sent
    assert sh("cat /data/a /data/b; pwd") == "one\ntwo\n/\n"


def test_nothing_is_done_twice(engine, build):
    text = "FROM busybox\nCOPY . /data\nRUN date +%N > /when\nLABEL a=b\n"
    build(text, {"f": "x" * 5000000, "g": "1"})
    first = engine.docker("image", "inspect", build.tag, "-f", "{{.Id}}").stdout
    os.utime(build.folder / "g")  # its stat is new, its content is not
    of = steps(build(text))
    assert "CACHED" in of["[2/3] COPY . /data"] and "CACHED" in of["[3/3] RUN date +%N > /when"]
    assert engine.docker("image", "inspect", build.tag, "-f", "{{.Id}}").stdout == first
    # The large file was not sent again.
    sent = [line for line in of["[internal] load build context"] if "transferring" in line]
    assert re.search(r"transferring context: \d+B", sent[-1]), sent
    (build.folder / "g").write_text("2")
    of = steps(build(text))
    assert "CACHED" not in of["[2/3] COPY . /data"]
    of = steps(build(text, None, "--no-cache"))
    assert "CACHED" not in of["[3/3] RUN date +%N > /when"]


def test_a_command_that_fails(build):
    out = build("FROM busybox\nRUN echo said; exit 7\n", ok=False)
    assert 'process "/bin/sh -c echo said; exit 7" did not complete successfully: exit code: 7' in out
    assert "failed to solve: process" in out and ">>> RUN echo said; exit 7" in out
    assert "Dockerfile:2" in out


def test_what_can_not_be_built(build):
    assert "unknown instruction: RUNN (did you mean RUN?)" in build("FROM busybox\nRUNN x\n", ok=False)
    assert "failed to read dockerfile: open nope: no such file or directory" in build(
        "FROM busybox\n", None, "-f", build.folder / "nope", ok=False)
    out = build("FROM busybox\nCOPY nothing /\n", ok=False)
    assert 'failed to compute cache key: "/nothing": not found' in out
    assert 'target stage "x" could not be found' in build("FROM busybox\n", None, "--target", "x", ok=False)


def test_steps_leave_no_images(engine, build):
    before = set(engine.docker("images", "-aq").stdout.split())
    build("FROM busybox AS a\nRUN echo 1 > /1\nFROM busybox\nCOPY --from=a /1 /\nRUN echo 2 > /2\nENV A=b\n")
    after = set(engine.docker("images", "-aq").stdout.split())
    assert len(after - before) == 1
    info = json.loads(engine.docker("image", "inspect", build.tag).stdout)[0]
    assert not info.get("Parent") and info["Comment"] == "buildkit.dockerfile.v0"
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", build.tag).stdout
    assert history.splitlines()[:3] == ["ENV A=b|buildkit.dockerfile.v0",
                                        "RUN /bin/sh -c echo 2 > /2 # buildkit|buildkit.dockerfile.v0",
                                        "COPY /1 / # buildkit|buildkit.dockerfile.v0"]
    assert engine.docker("builder", "prune", "-f").returncode == 0
    assert engine.docker("run", "--rm", build.tag, "cat", "/1", "/2").stdout == "1\n2\n"


def test_settings_of_the_image(engine, build):
    build("""FROM busybox
ARG V=1.0
ENV A=b VERSION="v$V"
LABEL one=1 "two words"="x y"
EXPOSE 80 53/udp
VOLUME ["/data", "/more"]
USER 1000:1000
WORKDIR /srv
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=7s --retries=2 CMD test -f /ok
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT ["echo"]
CMD hello
""", None, "--build-arg", "V=2.0", "--label", "given=yes")
    c = config(engine, build.tag)
    assert c["Env"][-2:] == ["A=b", "VERSION=v2.0"] and c["Labels"] == {"one": "1", "two words": "x y", "given": "yes"}
    assert set(c["ExposedPorts"]) == {"80/tcp", "53/udp"} and set(c["Volumes"]) == {"/data", "/more"}
    assert (c["User"], c["WorkingDir"], c["StopSignal"]) == ("1000:1000", "/srv", "SIGQUIT")
    assert c["Entrypoint"] == ["echo"] and c["Cmd"] == ["/bin/sh", "-ec", "hello"]
    assert c["Healthcheck"] == {"Test": ["CMD-SHELL", "test -f /ok"], "Interval": 7000000000, "Retries": 2}


def test_run_writes_below_volumes_are_kept(build, sh):
    build("FROM busybox\nVOLUME /v\nRUN mkdir /v && echo kept > /v/f\n")
    assert sh("cat /v/f") == "kept\n"


def test_ignored_files_do_not_come(build, sh):
    build("FROM busybox\nCOPY . /c\n", {".dockerignore": "# no\n*.log\n!keep.log\nsub/\n", "a.log": "", "keep.log": "",
                                       "sub/x": "", "b": ""})
    assert sh("ls -A /c").split() == [".dockerignore", "Dockerfile", "b", "keep.log"]
    build("FROM busybox\nCOPY . /c\n", {"Dockerfile.dockerignore": "b\n"})
    assert "b" not in sh("ls /c").split()


def test_links_modes_and_odd_names(build, sh):
    build("FROM busybox\n", {"d/x y": "1", "d/\u00e4": "2", "d/run": "3", "d/empty": ""})
    d = build.folder / "d"
    (d / "run").chmod(0o4755)
    os.symlink("../../etc/passwd", d / "out")
    os.symlink("run", d / "in")
    os.link(d / "run", d / "hard")
    os.mkfifo(d / "pipe")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(d / "sock"))
    build("FROM busybox\nCOPY d /d\n")
    assert sh("cat '/d/x y' /d/\u00e4 /d/hard") == "123"
    assert sh("stat -c %a /d/run").strip() == "4755"
    assert sh("readlink /d/in; readlink /d/out").split() == ["run", "../../etc/passwd"]


def test_followed_links_of_the_context(build, sh):
    build("FROM busybox\n", {"releases/1/f": "one", "releases/2/f": "two"})
    os.symlink("releases/1", build.folder / "current")
    build("FROM busybox\nCOPY current/f /f\n")
    assert sh("cat /f") == "one"


def test_a_dockerfile_elsewhere(build, sh, tmp_path):
    other = tmp_path / "Other"
    other.write_text("FROM busybox\nCOPY a /a\n")
    build("FROM nothing\n", {"a": "here"}, "-f", other)
    assert sh("cat /a") == "here"
    build("FROM nothing\n", {"a": "stdin"}, "-f-", stdin="FROM busybox\nCOPY a /b\n")
    assert sh("cat /b") == "stdin"


def test_an_archive_on_stdin(engine, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY f /f\n")
    (tmp_path / "f").write_text("sent")
    # Docker's client looks at 512 bytes alone: a PAX header is no archive to it.
    with tarfile.open(tmp_path / "c.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("Dockerfile", "f"):
            tar.add(tmp_path / name, name)
    tag = f"bk-tar-{os.getpid()}"
    with open(tmp_path / "c.tar", "rb") as stdin:
        done = subprocess.run([CLI, "build", "--progress=plain", "-t", tag, "-"], stdin=stdin, capture_output=True,
                              env={**engine.env, "DOCKER_BUILDKIT": "1"}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert engine.docker("run", "--rm", tag, "cat", "/f").stdout == "sent"
    engine.docker("rmi", tag)


def test_secrets(engine, build, sh, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    out = build("""FROM busybox
RUN --mount=type=secret,id=s cat /run/secrets/s; stat -c '%a %u:%g' /run/secrets/s
RUN --mount=type=secret,id=s,target=/etc/s,mode=0440,uid=5,gid=6 stat -c '%a %u:%g' /etc/s
RUN --mount=type=secret,id=absent ls /run/secrets/absent 2>&1 | wc -l
RUN find / -xdev -name s; ls /run 2>&1
""", None, "--secret", f"id=s,src={secret}")
    of = [line for lines in steps(out).values() for line in lines]
    assert "hidden" in of and "400 0:0" in of and "440 5:6" in of
    # Neither the secret nor what it was mounted on is in the image.
    assert sh("find / -xdev -name s; ls /run/secrets 2>/dev/null || true; grep -r hidden /etc || true") == ""
    assert not os.listdir(engine.folder / "exec/build")
    assert "not found" in build("FROM busybox\nRUN --mount=type=secret,id=no,required=true true\n", ok=False)


def test_ssh_agents(build, debian, tmp_path):
    path = str(tmp_path / "agent")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():  # answers every message with an empty list of keys
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                while peer.recv(4096):
                    peer.sendall(b"\0\0\0\5\x0c\0\0\0\0")

    threading.Thread(target=serve, daemon=True).start()
    ask = ("use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ENV{SSH_AUTH_SOCK})) or die $!;"
           "syswrite(S, pack(q(Nc), 1, 11)); read(S, $b, 9); print unpack(q(H*), $b), qq(\\n);")
    out = build(f"""FROM debian:bookworm
RUN --mount=type=ssh echo sock $SSH_AUTH_SOCK && perl -e '{ask}'
RUN --mount=type=ssh,id=other echo other=$SSH_AUTH_SOCK.
""", None, "--ssh", f"default={path}")
    lines = [line for step in steps(out).values() for line in step]
    assert "sock /run/buildkit/ssh_agent.0" in lines and "other=." in lines, out
    assert any(line.startswith("000000050c") for line in lines), out
    listener.close()
    assert "unset ssh forward key" in build("FROM busybox\nRUN --mount=type=ssh,required=true true\n", ok=False)


def test_a_client_that_leaves_ends_its_build(engine, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN echo {os.getpid()} && sleep 300\n")
    before = set(engine.docker("ps", "-aq").stdout.split())  # what other tests' builds left
    client = subprocess.Popen([CLI, "build", "--progress=plain", tmp_path], stderr=subprocess.PIPE, text=True,
                              env={**engine.env, "DOCKER_BUILDKIT": "1"})
    for line in client.stderr:
        if re.match(rf"#\d+ [\d.]+ {os.getpid()}", line):
            break
    client.kill()
    client.wait()
    deadline = time.monotonic() + 15
    while set(engine.docker("ps", "-aq").stdout.split()) - before:
        assert time.monotonic() < deadline, engine.docker("ps", "-a").stdout
        time.sleep(0.1)


def test_builds_side_by_side(engine, build, tmp_path):
    folders = []
    for i in range(4):
        folder = tmp_path / f"c{i}"
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM busybox\nCOPY f /f\nRUN test $(cat /f) = {i}\n")
        (folder / "f").write_text(f"{i}\n")
        folders.append(folder)
    env = {**engine.env, "DOCKER_BUILDKIT": "1"}
    running = [subprocess.Popen([CLI, "build", "-q", f], env=env, stdout=subprocess.PIPE, text=True) for f in folders]
    ids = [p.communicate(timeout=120)[0].strip() for p in running]
    assert all(p.returncode == 0 for p in running) and len(set(ids)) == 4
    engine.docker("rmi", "-f", *ids)


def test_clients_choose_as_with_dockerd(engine, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nENV X=1\n")
    env = dict(engine.env)
    env.pop("DOCKER_BUILDKIT", None)
    done = subprocess.run([CLI, "build", tmp_path], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "writing image" in done.stderr, done.stderr
    done = subprocess.run([CLI, "build", tmp_path], env={**env, "DOCKER_BUILDKIT": "0"}, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "Step 1/2 : FROM busybox" in done.stdout, done.stderr


def test_sessions_that_are_nonsense(engine):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(engine.socket))
        s.sendall(b"POST /session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                  b"X-Docker-Expose-Session-Uuid: nonsense\r\nContent-Length: 0\r\n\r\n")
        assert b"101" in s.recv(1000)
        s.sendall(b"this is no HTTP/2\r\n\r\n" * 100)
        s.settimeout(10)
        while s.recv(4096):
            pass
    done = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "-X", "POST",
                           "http://h/build?version=2&session=absent&remote=client-session"],
                          capture_output=True, text=True, timeout=30)
    assert "no active session for ID: absent" in done.stdout


def test_results_as_files(engine, build, tmp_path):
    text = ("FROM busybox AS all\nRUN mkdir -p /out/d && echo hi > /out/f && ln -s f /out/l && chmod 4711 /out/f\n"
            "FROM scratch\nCOPY --from=all /out /\n")
    out = build(text, None, "-o", tmp_path / "local")
    assert "exporting to client" in out and "copying files" in out and "writing image" not in out
    assert sorted(os.listdir(tmp_path / "local")) == ["d", "f", "l"]
    assert (tmp_path / "local/l").read_text() == "hi\n" and os.readlink(tmp_path / "local/l") == "f"
    assert os.stat(tmp_path / "local/f").st_mode & 0o7777 == 0o4711
    build(text, None, "-o", f"type=tar,dest={tmp_path}/t.tar")
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert sorted(tar.getnames()) == ["d", "f", "l"] and tar.getmember("f").mode == 0o4711
        assert tar.extractfile("f").read() == b"hi\n"
    assert engine.docker("image", "inspect", build.tag).returncode != 0
    build(text, None, "-o", "type=nothing,dest=x", ok=False)


def test_stages_run_side_by_side(build):
    text = "".join(f"FROM busybox AS s{i}\nARG NOW\nRUN echo $NOW; sleep 2; echo {i} > /f\n" for i in range(4))
    text += "FROM busybox\n" + "".join(f"COPY --from=s{i} /f /f{i}\n" for i in range(4))
    began = time.monotonic()
    build(text, None, "--build-arg", f"NOW={time.time_ns()}")
    assert time.monotonic() - began < 6  # one after the other: 8


def test_the_same_step_is_done_once(build):
    text = "".join(f"FROM busybox AS s{i}\nARG NOW\nRUN echo $NOW; sleep 1; date +%N > /f\n" for i in range(3))
    text += "FROM busybox\n" + "".join(f"COPY --from=s{i} /f /f{i}\n" for i in range(3))
    text += "RUN cmp /f0 /f1 && cmp /f1 /f2\n"
    of = steps(build(text, None, "--build-arg", f"NOW={time.time_ns()}"))
    cached = [name for name, lines in of.items() if re.match(r"\[s\d 2/2\] RUN", name) and "CACHED" in lines]
    assert len(cached) == 2, of


def test_a_stage_that_fails_ends_the_others(build):
    began = time.monotonic()
    out = build("FROM busybox AS a\nRUN sleep 30\nFROM busybox AS b\nRUN sleep 1; exit 3\n"
                "FROM busybox\nCOPY --from=a / /a\nCOPY --from=b / /b\n", ok=False)
    assert time.monotonic() - began < 15 and "exit code: 3" in out


@pytest.fixture
def web(tmp_path):
    """An address that serves tmp_path/web."""
    import functools
    import http.server
    root = tmp_path / "web"
    root.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", root
    server.shutdown()


def test_files_from_the_web(engine, build, sh, web):
    url, root = web
    (root / "f.txt").write_text("from the web\n")
    right = "sha256:" + hashlib.sha256(b"from the web\n").hexdigest()
    dockerfile = f"FROM busybox\nADD --checksum={right} {url}/f.txt /d/\n"
    build(dockerfile)
    assert sh("cat /d/f.txt; stat -c %a /d/f.txt") == "from the web\n600\n"
    wrong = "sha256:" + "0" * 64
    assert "digest mismatch" in build(f"FROM busybox\nADD --checksum={wrong} {url}/f.txt /\n", ok=False)
    assert "404" in build(f"FROM busybox\nADD {url}/absent /\n", ok=False)
    with tarfile.open(root / "c.tar", "w") as tar:
        for name, text in (("Dockerfile", "FROM busybox\nCOPY g /g\n"), ("g", "in a tar\n")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    build("", None, path=f"{url}/c.tar")
    assert sh("cat /g") == "in a tar\n"


def test_inline_caches(engine, build, tmp_path):
    text = "FROM busybox AS a\nCOPY f /f\nRUN date +%N > /when\nFROM a\nRUN date +%N > /then\n"
    build(text, {"f": "1"}, "--build-arg", "BUILDKIT_INLINE_CACHE=1")
    tag = build.tag
    layers = json.loads(engine.docker("image", "inspect", tag).stdout)[0]["RootFS"]["Layers"]
    archive = tmp_path / "image.tar"
    assert engine.docker("save", "-o", str(archive), tag).returncode == 0
    assert engine.docker("rmi", "-f", tag).returncode == 0
    assert engine.docker("builder", "prune", "-af").returncode == 0
    assert engine.docker("load", "-i", str(archive)).returncode == 0
    of = steps(build(text, None, "--cache-from", tag, "--cache-from", "localhost:1/not/there"))
    assert f"importing cache manifest from {tag}" in of
    for step in ("[a 2/3] COPY f /f", "[a 3/3] RUN date +%N > /when", "[stage-1 1/1] RUN date +%N > /then"):
        assert "CACHED" in of[step], of
    assert json.loads(engine.docker("image", "inspect", build.tag).stdout)[0]["RootFS"]["Layers"] == layers


def test_sharing_of_cache_mounts(build, sh):
    def run(sharing, mark):
        script = "sleep 1; ls /c | wc -l > /f; sleep 1"
        mount = f"--mount=type=cache,id={mark},target=/c,sharing={sharing}"
        text = "".join(f"FROM busybox AS s{i}\nRUN {mount} : {mark}; touch /c/{i}; {script}; rm /c/{i}\n" for i in range(2))
        build(text + "FROM busybox\n" + "".join(f"COPY --from=s{i} /f /f{i}\n" for i in range(2)))
        return sh("cat /f0 /f1")

    mark = f"m{time.time_ns()}"
    assert run("locked", mark + "l") == "1\n1\n"
    assert run("private", mark + "p") == "1\n1\n"
    assert run("shared", mark + "s") == "2\n2\n"
