"""hull-runtime --systemd-cgroup against a fake systemd: what it is asked for, and what is in the cgroup files."""
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from fake_systemd import FakeSystemd
from runtime_bundle import RUNTIME, Runtime

CGROUPS = pathlib.Path("/sys/fs/cgroup")
SLICE = f"hullt{os.getpid()}.slice"
INFINITY = 2**64 - 1


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """Each test looks at its own cgroups; the engine's census would count those of others on the machine."""


def folders(path):
    return [p / path for p in [CGROUPS, *CGROUPS.iterdir()] if (p / path).is_dir()]


@pytest.fixture
def systemd(tmp_path):
    (tmp_path / "a b").mkdir()
    fake = FakeSystemd(tmp_path / "a b/bus")
    yield fake
    fake.close()


class Scoped(Runtime):
    """hull-runtime with --systemd-cgroup, talking to the fake."""

    def __init__(self, folder, address):
        super().__init__(folder)
        self.address = address

    def run(self, *args, **environment):
        env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address, **environment)
        out, err = self.folder / "out", self.folder / "err"  # files, as containers keep their streams
        with open(out, "w") as stdout, open(err, "w") as stderr:
            done = subprocess.run([RUNTIME, "--systemd-cgroup", "--root", self.root, *map(str, args)], env=env,
                                  timeout=30, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        done.stdout, done.stderr = out.read_text(), err.read_text()
        return done


@pytest.fixture
def runtime(tmp_path, systemd):
    runtime = Scoped(tmp_path, systemd.address)
    default = set(folders("system.slice"))  # a real systemd removes its slices itself
    yield runtime
    if runtime.root.is_dir():
        for container in runtime.root.iterdir():
            runtime.run("delete", "--force", container.name)
    left = [str(f) for f in folders(SLICE) if [g for g in f.iterdir() if g.is_dir()]]
    for folder in [*folders(SLICE), *(set(folders("system.slice")) - default)]:
        with contextlib.suppress(OSError):
            folder.rmdir()
    assert left == []
    assert systemd.asked("broken") == []


def make(runtime, resources=None, cgroup=f"{SLICE}:pre:one", annotations=None, command="create", args=("sleep", "600")):
    spec = runtime.spec(*args, cgroup=cgroup)
    spec["linux"]["resources"] = resources or {}
    spec["annotations"] = annotations or {}
    name = runtime.new_id()
    done = runtime.run(command, "--bundle", runtime.bundle(spec), name)
    return name, done


def test_a_container_is_a_scope_with_its_process_in_it(runtime, systemd):
    seen = {}

    def on_start(unit, properties):
        [(_, pids)] = [p for p in properties if p[0] == "PIDs"]
        seen["parent"] = [pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids]

    systemd.on_start = on_start
    name, done = make(runtime, {"memory": {"limit": 64 << 20}, "pids": {"limit": 40}, "cpu": {
        "shares": 2048, "quota": 25000, "period": 100000, "cpus": "0"}})
    assert done.returncode == 0, done.stderr
    assert seen["parent"] == [True]
    [(unit, mode, properties, _)] = systemd.asked("StartTransientUnit")
    assert (unit, mode) == ("pre-one.scope", "replace")
    asked = dict(properties)
    assert asked["Slice"] == SLICE
    assert asked["Delegate"] is True and asked["DefaultDependencies"] is False
    assert asked["MemoryAccounting"] and asked["CPUAccounting"] and asked["TasksAccounting"]
    assert asked.get("MemoryLimit", asked.get("MemoryMax")) == 64 << 20
    assert asked["TasksMax"] == 40
    assert asked["CPUQuotaPerSecUSec"] == 250_000 and asked["CPUQuotaPeriodUSec"] == 100_000
    assert asked["AllowedCPUs"] == b"\x01"
    assert asked["DevicePolicy"] == "strict" if "DevicePolicy" in asked else True

    state = json.loads(runtime.run("state", name).stdout)
    own = pathlib.Path(f"/proc/{state['pid']}/cgroup").read_text()
    assert f"/{SLICE}/pre-one.scope" in own
    stored = json.loads((runtime.root / name / "state.json").read_text())
    assert stored["systemdUnit"] == "pre-one.scope"
    assert stored["cgroupPath"] == f"/{SLICE}/pre-one.scope"
    limits = [f / "memory.limit_in_bytes" for f in folders(f"{SLICE}/pre-one.scope")]
    assert [f.read_text() for f in limits if f.exists()] in (["67108864\n"], [])

    assert runtime.run("start", name).returncode == 0
    assert runtime.run("exec", name, "true").returncode == 0
    assert runtime.run("delete", "--force", name).returncode == 0
    assert systemd.asked("StopUnit") == [["pre-one.scope", "replace"]]
    assert systemd.units == {} and folders(f"{SLICE}/pre-one.scope") == []


def test_an_update_is_told_and_written(runtime, systemd):
    name, done = make(runtime, {"memory": {"limit": 64 << 20}})
    assert done.returncode == 0, done.stderr
    assert runtime.run("update", "--memory", 96 << 20, "--pids-limit", -1, name).returncode == 0
    [(unit, at_run_time, properties)] = systemd.asked("SetUnitProperties")
    assert (unit, at_run_time) == ("pre-one.scope", True)
    asked = dict(properties)
    assert asked.get("MemoryLimit", asked.get("MemoryMax")) == 96 << 20
    assert asked["TasksMax"] == INFINITY
    limits = [f / "memory.limit_in_bytes" for f in folders(f"{SLICE}/pre-one.scope")]
    assert all(f.read_text() == f"{96 << 20}\n" for f in limits if f.exists())


def test_annotations_become_properties(runtime, systemd):
    _, done = make(runtime, annotations={"org.systemd.property.TimeoutStopSec": "uint64 3",
                                         "org.systemd.property.CollectMode": "'inactive-or-failed'",
                                         "org.systemd.property.After": "['a.service', \"b.service\"]",
                                         "org.systemd.property.Delegate": "false", "other": "x"})
    assert done.returncode == 0, done.stderr
    asked = dict(systemd.asked("StartTransientUnit")[0][2])
    assert asked["TimeoutStopUSec"] == 3_000_000
    assert asked["CollectMode"] == "inactive-or-failed"
    assert asked["After"] == ["a.service", "b.service"]
    assert asked["Delegate"] is False


@pytest.mark.parametrize("annotations, said", [
    ({"org.systemd.property.X1": "true"}, "no name of a systemd property"),
    ({"org.systemd.property.TimeoutStopSec": "'soon'"}, "TimeoutStopSec"),
    ({"org.systemd.property.CollectMode": "'open"}, "GVariant"),
])
def test_an_annotation_that_says_nothing_is_refused(runtime, systemd, annotations, said):
    _, done = make(runtime, annotations=annotations)
    assert done.returncode == 1 and said in done.stderr
    assert systemd.asked("StartTransientUnit") == []


@pytest.mark.parametrize("path, said", [
    ("/machine/one", "slice:prefix:name"),
    ("a:b", "slice:prefix:name"),
    ("a:b:c:d", "slice:prefix:name"),
    ("a/b.slice:p:n", "no name of a systemd unit"),
    ("a--b.slice:p:n", "empty part"),
    ("x.scope:p:n", ".slice"),
    (":p:n.slice", "can't hold processes"),
])
def test_paths_that_systemd_has_no_place_for_are_refused(runtime, systemd, path, said):
    _, done = make(runtime, cgroup=path)
    assert done.returncode == 1 and said in done.stderr
    assert systemd.calls == []


def test_a_failed_unit_of_the_name_is_replaced_one_in_use_is_not(runtime, systemd):
    systemd.failed.add("pre-one.scope")
    _, done = make(runtime)
    assert done.returncode == 0, done.stderr
    assert systemd.asked("ResetFailedUnit") == [["pre-one.scope"]]
    name, done = make(runtime)
    assert done.returncode == 1 and "a unit of that name is in use" in done.stderr
    assert not (runtime.root / name).exists()


def test_what_systemd_says_is_passed_on(runtime, systemd):
    systemd.refuse = ("org.freedesktop.DBus.Error.PropertyReadOnly", "Cannot set property Foo")
    name, done = make(runtime)
    assert done.returncode == 1
    assert "start systemd unit pre-one.scope" in done.stderr and "Cannot set property Foo" in done.stderr
    assert not (runtime.root / name).exists()


def test_a_job_that_fails_is_a_failed_start(runtime, systemd):
    systemd.job_result = "failed"
    name, done = make(runtime)
    assert done.returncode == 1 and "the job ended with" in done.stderr
    assert not (runtime.root / name).exists()
    assert systemd.units == {}


def test_no_systemd_is_said_so(runtime, tmp_path):
    runtime.address = f"unix:path={tmp_path}/nobody"
    name, done = make(runtime)
    assert done.returncode == 1
    assert "systemd can't be reached" in done.stderr and f"{tmp_path}/nobody" in done.stderr
    assert not (runtime.root / name).exists()


def test_a_container_can_be_deleted_when_systemd_is_gone(runtime, systemd):
    name, done = make(runtime)
    assert done.returncode == 0, done.stderr
    address, runtime.address = runtime.address, "unix:path=/nonexistent/bus"
    stored = runtime.root / name / "state.json"
    stored.write_text(stored.read_text().replace(json.dumps(address)[1:-1], "unix:path=/nonexistent/bus"))
    assert runtime.run("delete", "--force", name).returncode == 0
    assert folders(f"{SLICE}/pre-one.scope") == []


def test_without_a_path_the_unit_is_named_by_the_id(runtime, systemd):
    name, done = make(runtime, cgroup=None, command="run", args=("true",))
    assert done.returncode == 0, done.stderr
    [(unit, _, properties, _)] = systemd.asked("StartTransientUnit")
    assert unit == f"hull-runtime-{name}.scope"
    assert dict(properties)["Slice"] == "system.slice"
    assert systemd.units == {}


def test_the_other_driver_asks_systemd_nothing(runtime, systemd):
    spec = runtime.spec("true", cgroup=f"/{SLICE}/plain")
    env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=systemd.address)
    done = subprocess.run([RUNTIME, "--root", runtime.root, "run", "--bundle", runtime.bundle(spec), runtime.new_id()],
                          env=env, timeout=30, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert systemd.calls == []
