"""Git repositories as build contexts, as what ADD takes, as named contexts: over git's own protocol and http."""
import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git")

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
       "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
       "GIT_AUTHOR_DATE": "2020-02-02T02:02:02Z", "GIT_COMMITTER_DATE": "2020-02-02T02:02:02Z"}


def git(folder, *args):
    done = subprocess.run(["git", "-C", folder, *args], env=ENV, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Repository:
    """repo.git: two commits, the tag v1, the branch side, a folder; submodule: none."""

    def __init__(self, top):
        self.top = top
        work = top / "work"
        (work / "sub/inner").mkdir(parents=True)
        git(top, "init", "-q", "-b", "main", "work")
        (work / "Dockerfile").write_text("FROM busybox\nCOPY . /src\n")
        (work / "sub/Dockerfile").write_text("FROM busybox\nCOPY f /sub-f\n")
        (work / "sub/f").write_text("in sub\n")
        (work / "sub/inner/leave").symlink_to("/etc")
        (work / "run.sh").write_text("#!/bin/sh\necho ran\n")
        (work / "run.sh").chmod(0o700)
        (work / "f").write_text("first\n")
        (work / "f").chmod(0o600)
        git(work, "add", "-A")
        git(work, "commit", "-qm", "one")
        self.first = git(work, "rev-parse", "HEAD")
        git(work, "tag", "v1")
        git(work, "checkout", "-qb", "side")
        (work / "f").write_text("side\n")
        git(work, "commit", "-qam", "side")
        git(work, "checkout", "-q", "main")
        (work / "f").write_text("second\n")
        git(work, "commit", "-qam", "two")
        self.second = git(work, "rev-parse", "HEAD")
        git(top, "clone", "-q", "--bare", "work", "repo.git")
        git(top / "repo.git", "update-server-info")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return Repository(tmp_path_factory.mktemp("git"))


@pytest.fixture(scope="module")
def daemon(repository):
    """git://..."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
                                f"--base-path={repository.top}", str(repository.top)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"git://127.0.0.1:{port}/repo.git"
    subprocess.run(["pkill", "-P", str(process.pid)])
    process.terminate()
    process.wait(10)


class Handler(http.server.SimpleHTTPRequestHandler):
    wanted = None  # an Authorization header

    def do_GET(self):
        if Handler.wanted and self.headers.get("Authorization") != Handler.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web(repository):
    """http://...: a server that knows nothing of git."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=repository.top))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/repo.git"
    server.shutdown()


@pytest.fixture
def build(engine, tmp_path):
    """build(context, *flags): hull build; gives what the image's shell says to a script."""
    tag = f"git-{os.getpid()}"

    def call(context, script="true", *flags, ok=True, **kwargs):
        done = engine.hull("build", "--progress", "plain", "-t", tag, *flags, context, timeout=120, **kwargs)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        if not ok:
            return done.stdout + done.stderr
        ran = engine.docker("run", "--rm", tag, "sh", "-c", script)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    yield call
    engine.docker("rmi", "-f", tag)


def dockerfile(tmp_path, text):
    (tmp_path / "it").mkdir(exist_ok=True)
    (tmp_path / "it/Dockerfile").write_text(text)
    return tmp_path / "it"


def test_a_repository_is_a_context(build, daemon, repository):
    """Owners, modes and times are the same wherever it is fetched."""
    said = build(daemon, "cat /src/f; ls -A /src; stat -c '%a %u %Y' /src/f /src/run.sh")
    assert said == "second\nDockerfile\nf\nrun.sh\nsub\n644 0 1580608922\n755 0 1580608922\n"


@pytest.mark.parametrize("fragment,said", [
    ("#v1", "first\n"), ("#side", "side\n"), ("#refs/heads/side", "side\n"), ("#main", "second\n"), ("?ref=v1", "first\n"),
    ("?branch=side", "side\n")])
def test_refs(build, daemon, fragment, said):
    assert build(daemon + fragment, "cat /src/f") == said


def test_commits(build, daemon, repository):
    assert build(f"{daemon}#{repository.first}", "cat /src/f") == "first\n"
    assert build(f"{daemon}#{repository.first[:10]}", "cat /src/f") == "first\n"


@pytest.mark.parametrize("fragment", ["#:sub", "#v1:sub", "?subdir=sub", "#main:sub/"])
def test_a_folder_of_it(build, daemon, fragment):
    assert build(daemon + fragment, "cat /sub-f; ls /src 2>&1 | wc -l") == "in sub\n1\n"


def test_over_http_without_git_there(build, web):
    assert build(web, "cat /src/f") == "second\n"
    assert build(web + "#v1:sub", "cat /sub-f") == "in sub\n"


def test_dockers_own_client(engine, daemon, monkeypatch):
    monkeypatch.setitem(engine.env, "DOCKER_BUILDKIT", "1")
    tag = f"git-docker-{os.getpid()}"
    done = engine.docker("build", "-t", tag, daemon + "#v1", cli="/usr/bin/docker", timeout=120)
    assert done.returncode == 0, done.stderr
    assert engine.docker("run", "--rm", tag, "cat", "/src/f").stdout == "first\n"
    engine.docker("rmi", "-f", tag)


def test_by_the_api_alone(engine, daemon):
    docker_py = pytest.importorskip("docker")
    api = docker_py.APIClient(base_url=engine.host)
    tag = f"git-api-{os.getpid()}"
    path = daemon + "#v1"
    said = list(api.build(path=path, tag=tag, decode=True))
    assert "Successfully tagged" in said[-1]["stream"], said
    assert engine.docker("run", "--rm", tag, "cat", "/src/f").stdout == "first\n"
    engine.docker("rmi", "-f", tag)
    api.close()


def test_ADD_of_a_repository(build, daemon, repository, tmp_path):
    text = f"""FROM busybox
ADD {daemon} /plain
ADD --keep-git-dir=true {daemon}#v1 /kept
ADD --checksum={repository.first} {daemon}#v1:sub /sub
ADD --chown=7:8 --chmod=0600 {daemon} /owned/
"""
    said = build(dockerfile(tmp_path, text), "cat /plain/f /kept/f /sub/f; ls -d /plain/.git /kept/.git 2>/dev/null; "
                 "cat /kept/.git/shallow; stat -c '%a %u:%g' /owned/f; readlink /plain/sub/inner/leave")
    assert said == f"second\nfirst\nin sub\n/kept/.git\n{repository.first}\n600 7:8\n/etc\n"
    wrong = f"FROM busybox\nADD --checksum={repository.second} {daemon}#v1 /x\n"
    assert f"expected checksum to match {repository.second}" in build(dockerfile(tmp_path, wrong), ok=False)


def test_the_git_folder_of_a_context(build, daemon):
    assert build(daemon, "ls -d /src/.git", "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1") == "/src/.git\n"


def test_a_named_context(build, daemon, tmp_path):
    text = "FROM busybox\nCOPY --from=repo f /f\n"
    assert build(dockerfile(tmp_path, text), "cat /f", "--build-context", f"repo={daemon}#v1") == "first\n"


def test_tokens_are_the_clients(build, web, tmp_path, monkeypatch):
    monkeypatch.setattr(Handler, "wanted", "basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0")  # x-access-token:secret
    (tmp_path / "token").write_text("secret")
    context = dockerfile(tmp_path, f"FROM busybox\nADD {web} /x\n")
    assert "could not read Username" in build(context, ok=False)
    assert build(context, "cat /x/f", "--secret", f"id=GIT_AUTH_TOKEN,src={tmp_path}/token") == "second\n"


@pytest.mark.parametrize("address,said", [
    ("{}#nosuch", "does not contain ref nosuch"),
    ("{}#v1:nosuch", "has no folder nosuch"),
    ("{}#v1:sub/inner/leave", "has no folder sub/inner/leave"),
    ("{}#--upload-pack=touch", "invalid git address"),
    ("{}?nosuch=1", "unexpected query nosuch"),
    ("git://127.0.0.1:9/repo.git", "git fetch of git://127.0.0.1:9/repo.git: "),
])
def test_errors(build, daemon, address, said):
    assert said in build(address.format(daemon), ok=False)


def test_what_a_repository_may_not(build, repository, web):
    """Submodules from this machine's own folders, hooks."""
    evil = repository.top / "evil"
    git(repository.top, "init", "-q", "-b", "main", "evil")
    (evil / "Dockerfile").write_text("FROM busybox\n")
    (evil / ".gitmodules").write_text(f'[submodule "m"]\n\tpath = m\n\turl = file://{repository.top}/repo.git\n')
    git(evil, "add", "-A")
    git(evil, "update-index", "--add", "--cacheinfo", f"160000,{repository.first},m")
    git(evil, "commit", "-qm", "x")
    git(repository.top, "clone", "-q", "--bare", "evil", "evil.git")
    git(repository.top / "evil.git", "update-server-info")
    assert "transport 'file' not allowed" in build(web.replace("repo.git", "evil.git"), ok=False)


def test_nothing_stays(build, daemon, engine):
    build(daemon)
    build(daemon + "#nosuch", ok=False)
    assert list(pathlib.Path(engine.folder, "data/build/steps").iterdir()) == []
