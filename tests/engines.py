"""hulld as tests use it: one engine with folders, a socket and a bridge of its own."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(*args, timeout=60, check=False, **kwargs):
    """A command with a time limit; text in and out."""
    kwargs.setdefault("capture_output", True)
    done = subprocess.run([str(a) for a in args], timeout=timeout, text=True, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{args} exited {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}")
    return done


class Engine:
    """One hulld with a data root, exec root, socket and bridge of its own."""

    count = 0

    def __init__(self, programs, folder, flags=()):
        Engine.count += 1
        self.programs = programs
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "hull.sock"
        self.host = f"unix://{self.socket}"
        number = f"{os.getpid() % 10000}{Engine.count}"
        self.bridge = f"ht{number}"
        octet = (os.getpid() * 7 + Engine.count) % 250
        self.bip = f"10.213.{octet}.1/24"
        self.flags = list(flags)
        self.process = None
        self.inside = []  # a command that runs it elsewhere, such as nsenter
        self.env = dict(os.environ, DOCKER_HOST=self.host)
        self.env.pop("DOCKER_API_VERSION", None)

    def start(self, wait=True):
        self.log = open(self.folder / "hulld.log", "ab")
        self.process = subprocess.Popen(
            [*self.inside, self.programs / "bin/hulld", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
             "-H", self.host, "--pidfile", self.folder / "hulld.pid", "--bridge", self.bridge,
             *(["--bip", self.bip] if self.bip else []), *self.flags], stdout=self.log, stderr=self.log)
        if wait:
            deadline = time.monotonic() + 20
            while run("curl", "-s", "--unix-socket", self.socket, "http://h/_ping").stdout != "OK":
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("hulld did not start:\n" + self.log_text())
                time.sleep(0.02)
        return self

    def log_text(self):
        return (self.folder / "hulld.log").read_text(errors="replace")[-6000:]

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        self.process.wait(30)
        self.log.close()

    def keeper_pid(self):
        """The pid of this engine's keeper, found by its exec root."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"hull-keeper" in words[0] and any(os.fsencode(str(self.folder)) in w for w in words):
                    return int(pid)
        return None

    def hull(self, *args, **kwargs):
        return run(self.programs / "bin/hull", *args, env=self.env, **kwargs)

    def docker(self, *args, cli="docker", **kwargs):
        return run(cli, *args, env=self.env, **kwargs)

    def stop(self):
        """Removes every container, ends the engine and its keeper, removes the folder."""
        if self.process and self.process.poll() is None:
            ids = self.hull("ps", "-aq", "--no-trunc").stdout.split()
            if ids:
                self.hull("rm", "-f", *ids, timeout=120)
            # Networks of tests that failed; nothing runs on them any more.
            self.docker("network", "prune", "-f")
            keeper = self.keeper_pid()
            self.kill(signal.SIGTERM)
            assert not self.socket.exists(), "the engine left its socket"
            deadline = time.monotonic() + 15
            while keeper and os.path.exists(f"/proc/{keeper}"):
                if time.monotonic() > deadline:
                    raise AssertionError("the keeper outlived its engine and its containers")
                time.sleep(0.02)
        with contextlib.suppress(subprocess.SubprocessError):
            run("ip", "link", "delete", self.bridge)
            run("nft", "delete", "table", "inet", f"hull-{self.bridge}")
        if keep := os.environ.get("HULL_TEST_KEEP_LOGS"):
            self.save_logs(pathlib.Path(keep))
        shutil.rmtree(self.folder)

    def save_logs(self, where):
        where = where / self.folder.name
        where.mkdir(parents=True, exist_ok=True)
        for path in (self.folder / "hulld.log", *self.folder.rglob("keeper.log")):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(path, where)


def docker_clients():
    """Every docker CLI on this machine: Debian's, and a newer one where there is one."""
    found = {}
    for folder in ("/usr/bin", "/usr/local/bin"):
        path = os.path.join(folder, "docker")
        if os.access(path, os.X_OK):
            found[os.path.realpath(path)] = path
    return list(found.values())
