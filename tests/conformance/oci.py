"""Bundles, containers and the runtime under test.

RUNTIME names another runtime's program (crun, runc); the default is this
tree's hull-runtime, or $HULL_BIN/bin/hull-runtime.
"""
import contextlib
import copy
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CGROUP_TOP = pathlib.Path("/sys/fs/cgroup")
PREFIX = f"hct{os.getpid()}"
CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
                "CAP_NET_BIND_SERVICE", "CAP_MKNOD"]
APPLETS = set("""awk cat chmod chown chrt cut date dd df dmesg echo env expr false find free grep head hostname id ifconfig
    ionice ip ipcs kill ln ls mkdir mknod mkfifo mount nc nice nohup nproc od ping printf ps pwd readlink renice rm rmdir sed
    seq sh sleep sort stat stty sync sysctl tail tar taskset test touch tr true tty umount uname uniq uptime usleep wc
    which whoami xargs yes""".split())
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def wait_until(what, true, seconds=10):
    deadline = time.monotonic() + seconds
    while not (value := true()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.005)
    return value


def default_program():
    if given := os.environ.get("RUNTIME"):
        found = shutil.which(given)
        if not found:
            raise SystemExit(f"RUNTIME={given}: no such program")
        return found
    if given := os.environ.get("HULL_BIN"):
        return str(pathlib.Path(given) / "bin/hull-runtime")
    return str(ROOT / "build/release/src/apps/hull-runtime/hull-runtime")


class Runtime:
    """A program with the OCI command line, and a --root of its own."""

    def __init__(self, program, folder):
        self.program = program
        self.root = str(folder / "state")
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        self.kind = self.version.split()[0].replace("hull-runtime", "hull")
        self.number = re.search(r"\d+\.\d+(\.\d+)?", self.version).group()
        self.prefix = []
        # crun takes a hybrid hierarchy for pure v2 by what is in "unified".
        if self.kind == "crun" and (CGROUP_TOP / "unified/cgroup.procs").exists():
            self.prefix = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                           "mount --make-private /sys/fs/cgroup; umount /sys/fs/cgroup/unified; exec \"$@\"", "sh"]

    def words(self, *args, global_args=()):
        return [*self.prefix, self.program, "--root", self.root, *map(str, global_args), *map(str, args)]

    def __call__(self, *args, global_args=(), timeout=30, check=False, **kwargs):
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        if "input" not in kwargs:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(self.words(*args, global_args=global_args), text=True, timeout=timeout, **kwargs)
        if check and done.returncode != 0:
            raise AssertionError(f"{args} exited {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def with_descriptors(self, fds, *args, environment=()):
        """Runs it with these descriptors as 3, 4, ..."""
        moves = " ".join(f"{3 + i}>&{fd}" for i, fd in enumerate(fds))
        script = f"exec {moves}; exec env {' '.join(environment)} \"$@\""
        return subprocess.run(["bash", "-c", script, "sh", *self.words(*args)], capture_output=True, text=True,
                              pass_fds=fds, timeout=30)

    def popen(self, *args, **kwargs):
        return subprocess.Popen(self.words(*args), **kwargs)


# --- what is run inside ---------------------------------------------------------

def build_payloads(folder):
    """Compiles tests/payloads/*.c statically; gives the folder of programs."""
    for source in (ROOT / "tests/payloads").glob("*.c"):
        subprocess.run(["gcc", "-static", "-O1", "-Wall", "-o", folder / source.stem, source], check=True)
    return folder


class RootFs:
    """A small busybox tree, made by hard links: each bundle has its own."""

    def __init__(self, folder):
        self.folder = folder
        busybox = folder / "busybox"
        shutil.copy(shutil.which("busybox"), busybox)
        self.applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        self.applets = set(self.applets)
        (folder / "payloads").mkdir()
        build_payloads(folder / "payloads")

    def make(self, at):
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "root", "home", "work"):
            os.makedirs(at / name)
        os.link(self.folder / "busybox", at / "bin/busybox")
        for applet in APPLETS & self.applets:
            os.symlink("busybox", at / "bin" / applet)
        for program in (self.folder / "payloads").iterdir():
            os.link(program, at / "bin" / program.name)
        (at / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n")
        (at / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
        os.chmod(at / "tmp", 0o1777)


def base_config():
    """What most tests start from: all namespaces but user, cgroup and time."""
    def mount(destination, kind, source, *options):
        return {"destination": destination, "type": kind, "source": source, "options": list(options)}

    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/true"],
            "env": [PATH],
            "cwd": "/",
            "capabilities": {k: list(CAPABILITIES) for k in ("bounding", "effective", "permitted")},
        },
        "root": {"path": "rootfs"},
        "mounts": [
            mount("/proc", "proc", "proc"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        },
    }


def merge(into, changes):
    """Objects are merged, everything else replaced; None removes."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
    return into


def identity_like_map(host=100000, size=65536):
    return [{"containerID": 0, "hostID": host, "size": size}]


class Container:
    """A bundle of its own and, once made, the container of it."""

    numbers = itertools.count(1)

    def __init__(self, runtime, folder, rootfs):
        self.rt = runtime
        self.id = f"{PREFIX}-{next(Container.numbers)}"
        self.bundle = folder / self.id
        self.bundle.mkdir(mode=0o755)
        self.rootfs = self.bundle / "rootfs"
        rootfs.make(self.rootfs)
        self.config = base_config()
        self.config["linux"]["cgroupsPath"] = f"/{PREFIX}/{self.id}"
        self.out = self.bundle / "out"
        self.popens = []

    # config.json

    def set(self, args=None, **changes):
        """args is a program's words, or a text for sh -c."""
        if args is not None:
            self.config["process"]["args"] = ["/bin/sh", "-c", args] if isinstance(args, str) else list(args)
        merge(self.config, changes)
        return self

    def mount(self, destination, type=None, source=None, options=None, **more):
        entry = {"destination": destination, **more}
        for key, value in (("type", type), ("source", source), ("options", options)):
            if value is not None:
                entry[key] = str(value) if key == "source" else value
        self.config["mounts"].append(entry)
        return self

    def unmount(self, destination):
        self.config["mounts"] = [m for m in self.config["mounts"] if m["destination"] != destination]
        return self

    def namespace(self, type, path=None):
        spaces = [n for n in self.config["linux"]["namespaces"] if n["type"] != type]
        spaces.append({"type": type, **({"path": str(path)} if path else {})})
        self.config["linux"]["namespaces"] = spaces
        return self

    def no_namespace(self, type):
        self.config["linux"]["namespaces"] = [n for n in self.config["linux"]["namespaces"] if n["type"] != type]
        return self

    def user_namespace(self, host=100000, size=65536):
        self.namespace("user")
        return self.set(linux={"uidMappings": identity_like_map(host, size),
                               "gidMappings": identity_like_map(host, size)})

    def write(self):
        text = self.config if isinstance(self.config, str) else json.dumps(self.config)
        (self.bundle / "config.json").write_text(text)
        return self

    # commands

    def run(self, *flags, **kwargs):
        """Runs it to its end; output and exit code are the payload's."""
        self.write()
        return self.rt("run", *flags, "--bundle", self.bundle, self.id, **kwargs)

    def output(self, args=None, **kwargs):
        """What the payload prints; it has to succeed."""
        if args is not None:
            self.set(args)
        done = self.run(**kwargs)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def fails(self, *flags, command="run"):
        """The error of a start that has to fail."""
        self.write()
        done = self.background(command, *flags)
        assert done.returncode != 0, f"{command} succeeded; it printed {self.printed()!r}"
        return done.stderr

    def background(self, command, *flags, global_args=(), **kwargs):
        """create or run --detach: the payload's output goes to a file."""
        self.write()
        log = self.bundle / "stderr"
        if command == "run":
            flags = ("--detach", *flags)
        with open(self.out, "ab") as out, open(log, "w") as err:
            done = self.rt(command, *flags, "--bundle", self.bundle, self.id, stdout=out, stderr=err,
                           global_args=global_args, **kwargs)
        done.stderr = log.read_text()
        return done

    def create(self, *flags, **kwargs):
        done = self.background("create", *flags, **kwargs)
        assert done.returncode == 0, done.stderr
        return self

    def detach(self, *flags, **kwargs):
        """run --detach"""
        done = self.background("run", *flags, **kwargs)
        assert done.returncode == 0, done.stderr
        return self

    def sleeping(self, *flags, **kwargs):
        """A running container that waits to be told to end."""
        return self.set(["/bin/sleep", "1000"]).detach(*flags, **kwargs)

    def start(self):
        self.rt("start", self.id, check=True)
        return self

    def exec(self, args, *flags, **kwargs):
        words = ["/bin/sh", "-c", args] if isinstance(args, str) else list(args)
        return self.rt("exec", *flags, self.id, *words, **kwargs)

    def exec_detached(self, args, *flags):
        """A further process inside that goes on; gives its pid."""
        file = self.bundle / "exec-pid"
        log = self.bundle / "exec-log"
        with open(log, "w") as out:
            done = self.exec(args, "--detach", "--pid-file", file, *flags, stdout=out, stderr=out)
        assert done.returncode == 0, log.read_text()
        return int(file.read_text())

    def kill(self, *words):
        return self.rt("kill", self.id, *words)

    def delete(self, *flags):
        return self.rt("delete", *flags, self.id)

    def state(self):
        return json.loads(self.rt("state", self.id, check=True).stdout)

    @property
    def status(self):
        return self.state()["status"]

    @property
    def pid(self):
        return self.state()["pid"]

    def wait_status(self, status):
        wait_until(f"status {status}", lambda: self.status == status)
        return self

    def printed(self, text=None):
        """What it printed so far, or once `text` is in it."""
        if text is not None:
            wait_until(f"{text!r} in the output", lambda: text in self.out.read_text())
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    # from outside

    def cgroup(self, controller, file=None):
        folder = CGROUP_TOP / controller / PREFIX / self.id
        return (folder / file).read_text().strip() if file else folder

    def cgroups_left(self):
        if not isinstance(self.config, dict):
            return []
        path = (self.config.get("linux") or {}).get("cgroupsPath") or f"/{PREFIX}/{self.id}"
        return [str(p) for h in CGROUP_TOP.iterdir() if (p := h / str(path).strip("/")).is_dir()]

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()

    def mounts(self):
        return parse_mountinfo(self.proc("mountinfo"))

    def leftovers(self):
        """Everything that a container that is gone must not have left."""
        left = [f"cgroup {p}" for p in self.cgroups_left()]
        left += [f"mount {m}" for m in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                 if str(self.bundle) in m.split()[4]]
        state = pathlib.Path(self.rt.root) / self.id
        if state.exists():
            left.append(f"state {state} {sorted(os.listdir(state))}")
        return left + [f"process {p}" for p in processes_of(str(self.bundle))]

    def clean_up(self):
        for popen in self.popens:
            if popen.poll() is None:
                popen.kill()
                popen.wait()
        self.rt("delete", "--force", self.id)
        for path in self.cgroups_left():
            end_cgroup(pathlib.Path(path))
        shutil.rmtree(self.bundle)


def parse_mountinfo(text):
    """Mount points with options, propagation and kind, in order."""
    out = []
    for line in text.splitlines():
        words = line.split()
        dash = words.index("-")
        out.append({"id": words[0], "parent": words[1], "root": words[3], "at": words[4],
                    "options": words[5].split(","), "propagation": words[6:dash], "type": words[dash + 1],
                    "source": words[dash + 2], "super": words[dash + 3].split(",")})
    return out


def mount_at(mounts, where):
    found = [m for m in mounts if m["at"] == where]
    assert found, f"nothing is mounted on {where}: {[m['at'] for m in mounts]}"
    return found[-1]


def processes_of(bundle):
    """Processes whose root is inside the bundle."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if any(bundle in line.split()[3] and line.split()[4] == "/"
                   for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()):
                found.append(int(pid))
    return found


def end_cgroup(folder):
    """Kills and removes a cgroup with everything below, for cleaning up."""
    for top, _, _ in os.walk(folder, topdown=False):
        for _ in range(200):
            with contextlib.suppress(OSError):
                for pid in (pathlib.Path(top) / "cgroup.procs").read_text().split():
                    os.kill(int(pid), 9)
            try:
                os.rmdir(top)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)


def status_fields(text):
    """/proc/<pid>/status as a table."""
    return {k: v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}


def json_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines() if line.startswith("{")]


def make_folder():
    """A folder that users in a namespace may pass through."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hull-conformance-"))
    os.chmod(folder, 0o755)
    return folder
