"""What the machine holds that an engine or a container could leave behind."""
import contextlib
import os
import pathlib


def census():
    """What an engine could leave behind, as comparable sets."""
    mounts = {line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()}
    links = set(os.listdir("/sys/class/net"))
    cgroups = set()
    for top, folders, _ in os.walk("/sys/fs/cgroup"):
        cgroups.update(os.path.join(top, f) for f in folders)
    namespaces, processes = set(), set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"hull" in words[0]:
                processes.add((pid, words[0]))
        for kind in ("net", "mnt", "user"):
            with contextlib.suppress(OSError):
                namespaces.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
    return {"mounts": mounts, "links": links, "cgroups": cgroups, "namespaces": namespaces, "processes": processes}


def leftovers(before, after):
    return {kind: sorted(map(str, after[kind] - before[kind])) for kind in before if after[kind] - before[kind]}
