"""DeviceRequests and CDI: vendors' devices by name, from files in JSON and YAML."""
import json
import shutil

import pytest

from fields import box, refused, said

YAML = """
cdiVersion: "0.6.0"
kind: vendor.com/device
containerEdits:
  env: ["VENDOR=yes"]
devices:
  - name: one
    containerEdits:
      env: ["ONE=1"]
      deviceNodes:
        - path: /dev/vendor-one
          hostPath: /dev/zero
          permissions: rw
      mounts:
        - hostPath: %(folder)s
          containerPath: /vendor
          options: [ro, nosuid, nodev, rbind, rprivate]
      additionalGids: [4242]
  - name: hooked
    containerEdits:
      hooks:
        - {hookName: createContainer, path: /bin/true, args: ["true"]}
"""
JSON = {"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [
    {"name": name, "containerEdits": {"env": [f"GPU_{name}=1"]}} for name in ("0", "1", "all")]}


@pytest.fixture(scope="module")
def cdi(programs, tmp_path_factory):
    from engines import Engine
    folder = tmp_path_factory.mktemp("hull-e2e")
    for name in ("etc", "run", "files"):
        (folder / name).mkdir()
    (folder / "files/lib").write_text("library")
    (folder / "etc/vendor.yaml").write_text(YAML % {"folder": folder / "files"})
    (folder / "run/nvidia.json").write_text(json.dumps(JSON))
    (folder / "run/broken.json").write_text("{")
    (folder / "daemon.json").write_text(json.dumps({"cdi-spec-dirs": [str(folder / "etc"), str(folder / "run")]}))
    engine = Engine(programs, folder, ["--config-file", str(folder / "daemon.json")]).start()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    yield engine
    engine.stop()


def asks(*names):
    return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": list(names)}]}


LOOK = "head -c 3 /dev/vendor-one | wc -c; cat /vendor/lib; touch /vendor/x 2>&1; echo; id -G; env | grep -E 'ONE|VENDOR|GPU'"


def test_edits_of_a_device(cdi):
    out = said(cdi, LOOK, asks("vendor.com/device=one"))
    assert out.startswith("3\nlibrary") and "Read-only file system" in out
    assert "4242" in out and "ONE=1\n" in out and "VENDOR=yes\n" in out


def test_by_the_device_flag(cdi):
    done = cdi.docker("run", "--rm", "--device", "vendor.com/device=one", "busybox", "sh", "-c", LOOK)
    assert done.stdout.startswith("3\nlibrary"), done.stderr


@pytest.mark.parametrize("request_,seen", [
    ({"Count": -1, "Capabilities": [["gpu"]]}, ["GPU_all=1"]),
    ({"Count": 2, "Capabilities": [["gpu"]]}, ["GPU_0=1", "GPU_1=1"]),
    ({"Driver": "nvidia", "DeviceIDs": ["1"]}, ["GPU_1=1"]),
])
def test_gpus(cdi, request_, seen):
    assert sorted(said(cdi, "env | grep GPU", {"DeviceRequests": [request_]}).split()) == seen


@pytest.mark.parametrize("request_,text", [
    ({"Driver": "cdi", "DeviceIDs": ["vendor.com/device=nosuch"]},
     "CDI device injection failed: unresolvable CDI devices vendor.com/device=nosuch"),
    ({"Driver": "cdi", "DeviceIDs": ["nonsense"]}, 'invalid CDI device name "nonsense"'),
    ({"Driver": "cdi", "Count": 1}, "can't be counted"),
    ({"Driver": "other", "Capabilities": [["tpu"]]}, 'could not select device driver "other" with capabilities: [[tpu]]'),
    ({"Count": 9, "Capabilities": [["gpu"]]}, "unresolvable CDI devices nvidia.com/gpu=2"),
    ({"Driver": "cdi", "DeviceIDs": ["vendor.com/device=hooked"]}, "it has hooks (/bin/true)"),
])
def test_what_cannot_be_had_is_refused(cdi, request_, text):
    status, message = refused(cdi, {"DeviceRequests": [request_]})
    assert text in message, message


@pytest.mark.skipif(not shutil.which("runc"), reason="needs runc")
def test_hooks_run_by_another_runtime(cdi):
    host = dict(asks("vendor.com/device=hooked", "vendor.com/device=one"), Runtime=shutil.which("runc"))
    assert "VENDOR=yes" in said(cdi, "env", host)


def test_requests_come_back(cdi):
    with box(cdi, asks("vendor.com/device=one"), start=False) as made:
        seen = made.inspect()["HostConfig"]["DeviceRequests"]
        assert seen[0]["Driver"] == "cdi" and seen[0]["DeviceIDs"] == ["vendor.com/device=one"]
