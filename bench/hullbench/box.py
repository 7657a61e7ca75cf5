"""Isolation: the whole run lives in namespaces that die with it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hullbench import debian

CGROUPS = Path("/sys/fs/cgroup")
# Every engine is told to make its cgroups below this one.
CGROUP_PARENT = "hull-bench"


def run_boxed(program: Path, arguments: list[str], options) -> int:
    """Runs `program --inside` in the box; cleans up after it, also on ^C and SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        print("bench: run this as root", file=sys.stderr)
        return 1
    if "images" in options.parts:
        try:
            debian.make(options.image)
        except (OSError, subprocess.SubprocessError) as failure:
            print(f"bench: no Debian image could be made, so nothing is pulled: {failure}", file=sys.stderr)
    if "apt" in options.parts:
        try:
            debian.make_apt_base(options.image)
        except (OSError, subprocess.SubprocessError) as failure:
            print(f"bench: no Debian image could be made, so no packages are installed: {failure}", file=sys.stderr)
    work = Path(tempfile.mkdtemp(prefix="hull-bench-", dir=options.work))
    # bash stays as pid 1 and reaps what the engines orphan; with --kill-child
    # its end, and with it the end of everything inside, is certain.
    inside = [sys.executable, str(program), "--inside", str(work), *arguments]
    box = subprocess.Popen(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        + ["bash", "-c", '"$@"; exit $?', "bash", *inside]
    )
    try:
        return box.wait()
    except KeyboardInterrupt:
        print("\nbench: stopping", file=sys.stderr)
        if options.results:
            print(f"bench: the parts that were finished are in {options.results}", file=sys.stderr)
        return 130
    finally:
        box.kill()
        box.wait()
        remove_cgroups()
        shutil.rmtree(work, ignore_errors=True)


def prepare_inside(work: Path) -> None:
    """First thing inside the box."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Some engines write outside the folders they are given (locks, caches).
    for covered in (Path("/etc"), Path("/var/lib")):
        upper, scratch = (work / f"cover{str(covered).replace('/', '-')}" / part for part in ("upper", "work"))
        upper.mkdir(parents=True)
        scratch.mkdir()
        options = f"lowerdir={covered},upperdir={upper},workdir={scratch}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(covered)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    # An empty cgroup v2 tree beside v1 ones is more than crun 1.8 can take.
    unified = CGROUPS / "unified"
    if unified.is_mount() and (CGROUPS / "memory").is_mount():
        subprocess.run(["umount", str(unified)], check=True)


def remove_cgroups() -> None:
    """Removes what a killed engine left below our parent."""
    for attempt in range(50):
        left = [
            path
            for parent in (CGROUPS, *CGROUPS.glob("*"))
            for path, _, _ in os.walk(parent / CGROUP_PARENT, topdown=False)
        ]
        if not left:
            return
        for path in left:
            try:
                os.rmdir(path)
            except OSError:
                pass  # its processes are just ending
        time.sleep(0.02 * (attempt + 1))
    print(f"bench: cgroups {CGROUP_PARENT} could not be removed", file=sys.stderr)
