"""A user who isn't root, with hull-runtime and bundles: see as_user.py for how one comes to be."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = pathlib.Path(os.environ.get("RUNTIME", ROOT / "build/release/src/apps/hull-runtime/hull-runtime"))
UID = 54321
SUB_FIRST, SUB_COUNT = 700000, 65536
APPLETS = ("sh cat ls sleep true echo id env mkdir kill ps stat dd grep wc pwd touch tty mount readlink head chown "
           "test").split()


class User:
    """A folder of the user's with a bundle, and commands that the user gives."""

    def __init__(self, folder):
        self.home = pathlib.Path(folder)
        self.prefix = f"hullr{os.getpid()}-{self.home.name[-6:]}-"
        self.root = self.home / "state"
        self.count = 0
        for name in ("run", "state", "rootfs"):
            (self.home / name).mkdir()
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            (self.home / "rootfs" / name).mkdir()
        shutil.copy("/bin/busybox", self.home / "rootfs/bin/busybox")
        for applet in APPLETS:
            (self.home / "rootfs/bin" / applet).symlink_to("busybox")
        self.program = self.home / "hull-runtime"
        shutil.copy(PROGRAM, self.program)
        self.own(self.home)

    @staticmethod
    def own(top):
        os.chown(top, UID, UID)
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)

    def command(self, *words, ids="none", programs="system", env=()):
        return [sys.executable, str(HERE / "as_user.py"), str(UID), ids, str(programs), str(self.home), *env, "--",
                *map(str, words)]

    def run(self, *words, check=True, ids="none", programs="system", env=(), before=(), **kwargs):
        # Not through pipes: what runs in a container may keep them open.
        out, err = self.home / "out", self.home / "err"
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        command = [*map(str, before), *self.command(*words, ids=ids, programs=programs, env=env)]
        with open(out, "w") as o, open(err, "w") as e:
            os.chown(out, UID, UID)
            os.chown(err, UID, UID)
            done = subprocess.run(command, stdout=o, stderr=e, timeout=30, **kwargs)
        done.stdout, done.stderr = out.read_text(), err.read_text()
        if check and done.returncode != 0:
            raise AssertionError(f"{words} exited {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def __call__(self, *words, **kwargs):
        return self.run(self.program, "--root", self.root, *words, **kwargs)

    def new_id(self):
        self.count += 1
        return f"{self.prefix}{self.count}"

    def spec(self, *args):
        folder = self.home / f"spec{self.count}"
        folder.mkdir(exist_ok=True)
        os.chown(folder, UID, UID)
        with contextlib.suppress(FileNotFoundError):
            (folder / "config.json").unlink()
        self("spec", "--rootless", "--bundle", folder)
        spec = json.loads((folder / "config.json").read_text())
        spec["process"].update(terminal=False, args=list(args) or ["sleep", "600"], rlimits=[])
        spec["root"] = {"path": str(self.home / "rootfs"), "readonly": True}
        return spec

    def wide_spec(self, *args):
        """With the subordinate ids mapped too."""
        spec = self.spec(*args)
        spec["linux"]["uidMappings"].append({"containerID": 1, "hostID": SUB_FIRST, "size": SUB_COUNT})
        spec["linux"]["gidMappings"].append({"containerID": 1, "hostID": SUB_FIRST, "size": SUB_COUNT})
        return spec

    def shell(self, spec, script, **kwargs):
        """Runs the script in a container of this spec."""
        spec["process"]["args"] = ["sh", "-c", script]
        return self("run", "--bundle", self.bundle(spec), self.new_id(), **kwargs)

    def bundle(self, spec):
        self.count += 1
        folder = self.home / f"bundle{self.count}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(spec))
        self.own(folder)
        return folder

    def start(self, spec=None, **kwargs):
        made = self.new_id()
        self("create", "--bundle", self.bundle(spec or self.spec()), made, **kwargs)
        self("start", made, **kwargs)
        return made

    def state(self, container):
        return json.loads(self("state", container).stdout)

    def cleanup(self):
        for name in os.listdir(self.root):
            self("delete", "--force", name, check=False)

    def leftovers(self):
        """Processes and state of this user's."""
        found = [str(self.root / name) for name in os.listdir(self.root)]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                if f"\nUid:\t{UID}\t" in status and "State:\tZ" not in status:
                    found.append(f"process {pid}: {pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()}")
        for top, folders, _ in os.walk("/sys/fs/cgroup"):
            found += [os.path.join(top, f) for f in folders if self.prefix in f]
        return found
