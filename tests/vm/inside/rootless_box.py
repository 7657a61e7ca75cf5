"""Runs a script in a container, as a user who isn't root, with all ids that the user has.

  rootless_box.py FIRST COUNT RESOURCES SCRIPT

FIRST and COUNT: the subordinate ids to map. RESOURCES: of the specification, as JSON. In the current folder are the
rootfs and what `hull-runtime spec --rootless` wrote. The service it runs in delegates its cgroup: a folder of that is
for itself, another for the container.
"""
import json
import os
import pathlib
import sys

first, count, resources, script = sys.argv[1:]
spec = json.loads(pathlib.Path("spec/config.json").read_text())
spec["process"].update(terminal=False, args=["sh", "-c", script], rlimits=[])
for names in spec["process"]["capabilities"].values():
    names.append("CAP_CHOWN")
spec["root"] = {"path": os.path.abspath("rootfs"), "readonly": False}
for kind, own in (("uidMappings", os.getuid()), ("gidMappings", os.getgid())):
    spec["linux"][kind] = [{"containerID": 0, "hostID": own, "size": 1},
                           {"containerID": 1, "hostID": int(first), "size": int(count)}]
unified = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
if unified:
    path = pathlib.Path("/proc/self/cgroup").read_text().strip().removeprefix("0::")
    folder = pathlib.Path("/sys/fs/cgroup" + path)
    (folder / "self").mkdir()
    (folder / "self/cgroup.procs").write_text("0")
    spec["linux"]["cgroupsPath"] = path + "/box"
    spec["linux"]["resources"] = json.loads(resources)
pathlib.Path("config.json").write_text(json.dumps(spec))
os.execlp("hull-runtime", "hull-runtime", "--root", "state", "run", "box")
