"""Docker's engine, containerd and Podman, each with folders of its own, running containers by hull-runtime.

RUNTIME names another runtime's program; DEBIAN_IMAGE an image archive to use instead of making one.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))
import oci  # noqa: E402
from names import IMAGE, NUMBER  # noqa: E402



@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """Each caller looks after its own things below."""


@pytest.fixture(scope="session")
def runtime_program():
    return oci.default_program()


@pytest.fixture(scope="session")
def archive(request, tmp_path_factory):
    """A Debian image as `docker load` takes it."""
    if given := os.environ.get("DEBIAN_IMAGE"):
        return pathlib.Path(given)
    engine = request.getfixturevalue("engine")
    name = request.getfixturevalue("debian")
    path = tmp_path_factory.mktemp("image") / "debian.tar"
    done = engine.hull("save", "-o", path, name, timeout=200)
    assert done.returncode == 0, done.stderr
    return path


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            pytest.skip(f"{program} is not installed")


class Caller:
    """A command line with the options that keep it to its own folders."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.daemons = []

    def daemon(self, words, log):
        with open(self.folder / log, "ab") as out:
            self.daemons.append(subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=out,
                                                 stderr=out))

    def wait_for(self, *args, seconds=60):
        deadline = time.monotonic() + seconds
        while self(*args).returncode != 0:
            if time.monotonic() > deadline or any(d.poll() is not None for d in self.daemons):
                logs = "".join(p.read_text(errors="replace")[-3000:] for p in self.folder.glob("*.log"))
                raise AssertionError("it did not start:\n" + logs)
            time.sleep(0.1)

    def words(self, *args):
        raise NotImplementedError

    def __call__(self, *args, timeout=90, check=False, **kwargs):
        if "input" not in kwargs:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs.setdefault("cwd", self.folder)  # conmon leaves a file "oom" where it is
        done = subprocess.run(self.words(*map(str, args)), capture_output=True, text=True, timeout=timeout, **kwargs)
        if check:
            assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done

    def out(self, *args, **kwargs):
        return self(*args, check=True, **kwargs).stdout

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        table = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        for where in sorted((line.split()[4] for line in table), reverse=True):
            if where.startswith(str(self.folder)):
                subprocess.run(["umount", "-l", where])
        shutil.rmtree(self.folder, ignore_errors=True)
        for hierarchy in oci.CGROUP_TOP.iterdir():
            if (parent := hierarchy / self.cgroup_parent).is_dir():
                oci.end_cgroup(parent)


class Docker(Caller):
    name = "docker"
    cgroup_parent = f"hull-docker-{NUMBER}"

    def start(self, runtime):
        self.socket = f"unix://{self.folder}/docker.sock"
        self.daemon(["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "--pidfile",
                     self.folder / "pid", "--host", self.socket, "--bridge", "none", "--iptables=false",
                     "--cgroup-parent", f"/{self.cgroup_parent}", "--add-runtime", f"tested={runtime}",
                     "--default-runtime", "tested"], "dockerd.log")
        self.wait_for("version")

    def words(self, *args):
        return ["docker", "--host", self.socket, *args]

    def load(self, archive):
        self.out("load", "-i", archive)

    def stop(self):
        if ids := self("ps", "-aq").stdout.split():
            self("rm", "-f", *ids)
        super().stop()


class Podman(Caller):
    name = "podman"
    cgroup_parent = f"hull-podman-{NUMBER}"

    def start(self, runtime):
        self.runtime = runtime
        self("info", check=True)

    def words(self, *args):
        options = ["--root", self.folder / "data", "--runroot", self.folder / "run", "--tmpdir", self.folder / "tmp",
                   "--cgroup-manager", "cgroupfs", "--storage-driver", "overlay", "--events-backend", "file",
                   "--runtime", getattr(self, "runtime", "crun")]
        args = list(args)
        if args[0] in ("run", "create"):
            args[1:1] = ["--cgroup-parent", f"/{self.cgroup_parent}", "--log-driver", "k8s-file"]
            if not any(a.startswith(("--network", "--pod")) for a in args):
                args[1:1] = ["--network", "none"]
            # Its defaults are more than every machine allows.
            for kind in ("nofile", "nproc"):
                if not any(str(a).startswith(kind + "=") for a in args):
                    args[1:1] = ["--ulimit", f"{kind}=1024:4096"]
        return [str(w) for w in ("podman", *options, *args)]

    def load(self, archive):
        self.out("load", "-i", archive)
        name = self.out("images", "--format", "{{.Repository}}:{{.Tag}}").split()[0]
        if name != IMAGE:
            self.out("tag", name, "docker.io/library/debian:bookworm")

    def stop(self):
        self("rm", "-fa", "-t", "0")
        super().stop()


class Containerd(Caller):
    name = "containerd"
    cgroup_parent = f"hull-containerd-{NUMBER}"

    def start(self, runtime):
        self.runtime = runtime
        self.address = self.folder / "containerd.sock"
        config = self.folder / "config.toml"
        config.write_text(f"""version = 2
root = "{self.folder}/root"
state = "{self.folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{self.address}"
[ttrpc]
address = "{self.address}.ttrpc"
""")
        self.daemon(["containerd", "--config", config], "containerd.log")
        self.wait_for("version")

    def words(self, *args):
        args = list(args)
        if args[0] == "run":
            args[1:1] = ["--runc-binary", self.runtime]
        return ["ctr", "--address", str(self.address), "--namespace", "tests", *args]

    def load(self, archive):
        self.out("images", "import", archive, timeout=200)
        self.image = self.out("images", "ls", "-q").split()[0]

    def stop(self):
        for task in self("tasks", "ls", "-q").stdout.split():
            self("tasks", "kill", "-s", "KILL", "-a", task)
            time.sleep(0.2)
            self("tasks", "rm", "-f", task)
        for container in self("containers", "ls", "-q").stdout.split():
            self("containers", "rm", container)
        super().stop()
        for hierarchy in oci.CGROUP_TOP.iterdir():
            with contextlib.suppress(OSError):
                (hierarchy / "tests").rmdir()


def started(kind, programs, runtime, archive):
    need(*programs)
    caller = kind(tempfile.mkdtemp(prefix="hull-caller-"))
    try:
        caller.start(runtime)
        caller.load(archive)
        yield caller
    finally:
        caller.stop()


@pytest.fixture(scope="session")
def docker_engine(runtime_program, archive):
    yield from started(Docker, ["dockerd", "docker", "containerd"], runtime_program, archive)


@pytest.fixture(scope="session")
def podman(runtime_program, archive):
    yield from started(Podman, ["podman", "conmon"], runtime_program, archive)


@pytest.fixture(scope="session")
def containerd(runtime_program, archive):
    yield from started(Containerd, ["containerd", "ctr"], runtime_program, archive)


@pytest.fixture(params=["docker", "podman"])
def cli(request):
    """The same words for both."""
    return request.getfixturevalue({"docker": "docker_engine", "podman": "podman"}[request.param])
