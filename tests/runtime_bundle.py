"""OCI bundles of busybox, and hull-runtime on them, for tests of its command line."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

RUNTIME = pathlib.Path(os.environ.get("RUNTIME", ROOT / "build/release/src/apps/hull-runtime/hull-runtime"))
APPLETS = ("sh", "cat", "ls", "sleep", "true", "echo", "id", "env", "mkdir", "kill", "ps", "stat", "dd", "grep", "wc", "pwd")


class Runtime:
    """One --root of its own and bundles beside it; ids begin with a prefix of this process."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root"
        self.prefix = f"hullt{os.getpid()}-"
        self.count = 0
        self._rootfs = None

    def new_id(self):
        self.count += 1
        return f"{self.prefix}{self.count}"

    def rootfs(self):
        if not self._rootfs:
            self._rootfs = self.folder / "rootfs"
            for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
                (self._rootfs / name).mkdir(parents=True)
            shutil.copy("/bin/busybox", self._rootfs / "bin/busybox")
            for applet in APPLETS:
                (self._rootfs / "bin" / applet).symlink_to("busybox")
        return self._rootfs

    def spec(self, *args, cgroup=None, **changes):
        """A config.json as `spec` writes it, for one program; changes go into its top level."""
        folder = self.folder / f"spec{self.count}"
        folder.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (folder / "config.json").unlink()
        self("spec", "--bundle", folder)
        spec = json.loads((folder / "config.json").read_text())
        spec["process"].update(terminal=False, args=list(args) or ["sleep", "600"])
        spec["root"] = {"path": str(self.rootfs()), "readonly": True}
        spec["process"]["rlimits"] = []
        if cgroup:
            spec["linux"]["cgroupsPath"] = cgroup
        spec.update(changes)
        return spec

    def bundle(self, spec):
        self.count += 1
        folder = self.folder / f"bundle{self.count}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(spec))
        return folder

    def command(self, *args):
        return [str(RUNTIME), "--root", str(self.root), *map(str, args)]

    def __call__(self, *args, check=True, timeout=30, **kwargs):
        # Not through pipes: what runs in a container may keep them open.
        out, err = self.folder / "out", self.folder / "err"
        with open(out, "w") as o, open(err, "w") as e:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
            done = subprocess.run(self.command(*args), stdout=o, stderr=e, timeout=timeout, **kwargs)
        done.stdout, done.stderr = out.read_text(), err.read_text()
        if check and done.returncode != 0:
            raise AssertionError(f"{args} exited {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def create(self, spec=None, *flags):
        made = self.new_id()
        self("create", "--bundle", self.bundle(spec or self.spec()), *flags, made)
        return made

    def start(self, spec=None, *flags):
        made = self.create(spec, *flags)
        self("start", made)
        return made

    def state(self, container):
        return json.loads(self("state", container).stdout)

    def cleanup(self):
        if self.root.exists():
            for name in os.listdir(self.root):
                self("delete", "--force", name, check=False)

    def leftovers(self):
        """Processes, cgroups, mounts and state that carry this object's names."""
        found = []
        for top, folders, _ in os.walk("/sys/fs/cgroup"):
            found += [os.path.join(top, f) for f in folders if f.startswith(self.prefix)]
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            if str(self.folder) in line:
                found.append(line)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                root = os.readlink(f"/proc/{pid}/root")
                cgroups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                if str(self.folder) in root or self.prefix in cgroups or str(self.folder).encode() in words:
                    found.append(f"process {pid}: {words} {root}")
        if self.root.exists():
            found += [str(self.root / name) for name in os.listdir(self.root)]
        return found


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to that")
        time.sleep(0.01)
