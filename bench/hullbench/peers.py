"""The engines and runtimes under comparison, behind one shape."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from hullbench.box import CGROUP_PARENT
from hullbench.measure import PATIENCE, CommandFailed

IMAGE = "bench-busybox"
# The same bounded log everywhere: Docker's default is without any bound.
LOG_OPTIONS = ["--log-opt", "max-size=10m", "--log-opt", "max-file=5"]


def size_of(path: str | Path | None) -> int | None:
    return os.stat(path).st_size if path else None


class Engine:
    """Something that answers `run`, `exec`, `rm` the way docker does."""

    name = ""
    programs: set[str] = set()  # whose memory counts
    log_options = LOG_OPTIONS

    def __init__(self, work: Path):
        self.work = work / self.name
        self.work.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.work), "LC_ALL": "C"}
        self.daemon: subprocess.Popen | None = None

    def start(self) -> None:
        pass

    def stop(self) -> None:
        if not self.daemon:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()

    def command(self, *arguments: str) -> list[str]:
        raise NotImplementedError

    def call(self, *arguments: str) -> str:
        argv = self.command(*arguments)
        done = subprocess.run(
            argv, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(argv)}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def import_image(self, tar: Path) -> None:
        self.call("import", str(tar), IMAGE)

    def version(self) -> str:
        return self.call("--version").strip()

    def sizes(self) -> dict[str, int]:
        return {}

    def run_daemon(self, argv: list[str]) -> None:
        log = open(self.work / "log", "wb")
        self.daemon = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            try:
                self.call("version")
                return
            except CommandFailed as failure:
                if self.daemon.poll() is not None:
                    text = (self.work / "log").read_text(errors="replace")[-1000:]
                    raise CommandFailed(f"{argv[0]} ended: {text}") from failure
                time.sleep(0.05)
        raise CommandFailed(f"{argv[0]} does not answer")


class Docker(Engine):
    name = "docker"
    programs = {"dockerd", "containerd", "containerd-shim-runc-v2", "containerd-shim", "docker-proxy"}
    required = ("dockerd", "docker")
    bridge = "bench-docker0"

    def start(self) -> None:
        # dockerd makes docker0 itself, but only takes over other names.
        subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], check=True)
        subprocess.run(["ip", "address", "add", "172.30.0.1/16", "dev", self.bridge], check=True)
        subprocess.run(["ip", "link", "set", self.bridge, "up"], check=True)
        self.socket = self.work / "docker.sock"
        # fmt: off
        self.run_daemon([
            "dockerd", "--data-root", str(self.work / "data"), "--exec-root", str(self.work / "exec"),
            "--pidfile", str(self.work / "pid"), "--host", f"unix://{self.socket}",
            "--bridge", self.bridge, "--cgroup-parent", f"/{CGROUP_PARENT}/docker",
        ])
        # fmt: on

    def command(self, *arguments: str) -> list[str]:
        return ["docker", "--host", f"unix://{self.work / 'docker.sock'}", *arguments]

    def version(self) -> str:
        server = self.call("version", "--format", "{{.Server.Version}}").strip()
        client = self.call("version", "--format", "{{.Client.Version}}").strip()
        return f"dockerd {server}, docker CLI {client}"

    def sizes(self) -> dict[str, int]:
        found = {}
        for program in ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc"):
            if path := shutil.which(program):
                found[program] = os.stat(os.path.realpath(path)).st_size
        return found


class Podman(Engine):
    name = "podman"
    programs = {"podman", "conmon", "rootlessport", "aardvark-dns"}
    required = ("podman",)
    # podman's own default where there is no journal.
    log_options = ["--log-driver", "k8s-file", "--log-opt", "max-size=10m"]

    def command(self, *arguments: str) -> list[str]:
        # fmt: off
        options = [
            "--root", str(self.work / "data"), "--runroot", str(self.work / "run"),
            "--tmpdir", str(self.work / "tmp"), "--cgroup-manager", "cgroupfs",
            "--storage-driver", "overlay", "--events-backend", "file",
        ]
        # fmt: on
        if arguments[0] in ("run", "create"):
            arguments = (arguments[0], "--cgroup-parent", f"/{CGROUP_PARENT}/podman", *arguments[1:])
        return ["podman", *options, *arguments]

    def sizes(self) -> dict[str, int]:
        found = {}
        for program in ("podman", "conmon", "crun"):
            if path := shutil.which(program):
                found[program] = os.stat(os.path.realpath(path)).st_size
        return found


class Hull(Engine):
    name = "hull"
    programs = {"hulld", "hull-keeper"}

    def __init__(self, work: Path, prefix: Path):
        super().__init__(work)
        self.prefix = prefix
        self.socket = self.work / "hull.sock"
        self.env["DOCKER_HOST"] = f"unix://{self.socket}"

    def start(self) -> None:
        # fmt: off
        self.run_daemon([
            str(self.prefix / "bin/hulld"), "--data-root", str(self.work / "data"),
            "--exec-root", str(self.work / "exec"), "--pidfile", str(self.work / "pid"),
            "--host", f"unix://{self.socket}", "--bridge", "bench-hull0",
            "--cgroup-parent", f"/{CGROUP_PARENT}/hull",
        ])
        # fmt: on

    def command(self, *arguments: str) -> list[str]:
        return [str(self.prefix / "bin/hull"), *arguments]

    def sizes(self) -> dict[str, int]:
        paths = [self.prefix / "bin" / name for name in ("hull", "hulld", "hull-runtime")]
        paths.append(self.prefix / "libexec/hull/hull-keeper")
        return {path.name: path.stat().st_size for path in paths}


class HullByDockerCli(Engine):
    """hulld, spoken to by Docker's unmodified client."""

    name = "hull-by-docker"

    def __init__(self, work: Path, hull: Hull):
        super().__init__(work)
        self.hull = hull

    def command(self, *arguments: str) -> list[str]:
        return ["docker", "--host", f"unix://{self.hull.socket}", *arguments]

    def import_image(self, tar: Path) -> None:
        pass  # hull's own


class OciRuntime:
    """A program with runc's command line."""

    def __init__(self, name: str, program: str, work: Path, rootfs: Path):
        self.name, self.program = name, program
        self.root = work / f"oci-{name}"
        self.root.mkdir()
        self.rootfs = rootfs
        self.env = {"PATH": os.environ["PATH"]}
        self.counter = 0

    def bundle(self, *arguments: str) -> tuple[Path, str]:
        self.counter += 1
        identifier = f"bench-{self.name}-{self.counter}"
        path = self.root / identifier
        path.mkdir()
        cgroup = f"/{CGROUP_PARENT}/{identifier}"
        (path / "config.json").write_text(json.dumps(oci_spec(self.rootfs, list(arguments), cgroup)))
        return path, identifier

    def command(self, *arguments: str) -> list[str]:
        return [self.program, "--root", str(self.root / "state"), *arguments]

    def call(self, *arguments: str) -> None:
        argv = self.command(*arguments)
        # Files, not pipes: a detached container keeps them open.
        with open(self.root / "output", "w+b") as output:
            done = subprocess.run(
                argv, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=PATIENCE
            )
            output.seek(0)
            if done.returncode != 0:
                raise CommandFailed(f"{' '.join(argv)}: {output.read().decode(errors='replace')[-600:]}")


def oci_spec(rootfs: Path, arguments: list[str], cgroup: str) -> dict:
    """A container as engines make them, without a user namespace."""
    capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    safe = ["nosuid", "noexec", "nodev"]

    def mount(target: str, kind: str, source: str, options: list[str]) -> dict:
        return {"destination": target, "type": kind, "source": source, "options": options}

    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
        },
        "root": {"path": str(rootfs), "readonly": True},
        "hostname": "bench",
        "mounts": [
            mount("/proc", "proc", "proc", []),
            mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount("/dev/shm", "tmpfs", "shm", [*safe, "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", safe),
            mount("/sys", "sysfs", "sysfs", [*safe, "ro"]),
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }
