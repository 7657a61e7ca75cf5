"""Docker's volume plugins: found by their sockets and files, used by the docker CLI and in containers."""
import contextlib
import json
import pathlib
import uuid

import docker as docker_py
import pytest

from volume_plugin import Plugin


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plugins")


@pytest.fixture(scope="module")
def plugged(programs, folder):
    """An engine that looks for plugins in folders of the test's own."""
    import tempfile
    from engines import Engine
    made = Engine(programs, tempfile.mkdtemp(prefix="hull-e2e-"),
                  ["--plugin-dir", folder / "sockets", "--plugin-dir", folder / "specs"]).start()
    made.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    yield made
    made.stop()


@pytest.fixture
def plugin(folder):
    name = "p" + uuid.uuid4().hex[:8]
    made = Plugin(folder / f"sockets/{name}.sock", folder / "data" / name).start()
    made.name = name
    yield made
    made.stop()


@pytest.fixture
def name(plugged, plugin):
    made = "v" + uuid.uuid4().hex[:10]
    yield made
    plugin.fail.clear()
    plugged.docker("volume", "rm", "-f", made)


def inspect(engine, name):
    return json.loads(engine.docker("volume", "inspect", name, check=True).stdout)[0]


def test_create_inspect_list_remove(plugged, plugin, name):
    done = plugged.docker("volume", "create", "-d", plugin.name, "-o", "a=b", "-o", "size=5", "--label", "l=m", name)
    assert done.stdout == name + "\n", done.stderr
    assert plugin.calls[0][0] == "Plugin.Activate"
    assert plugin.asked("VolumeDriver.Create") == [{"Name": name, "Opts": {"a": "b", "size": "5"}}]
    seen = inspect(plugged, name)
    assert seen["Driver"] == plugin.name and seen["Scope"] == "global" and seen["Labels"] == {"l": "m"}
    assert seen["Mountpoint"] == str(plugin.root / name) and seen["Options"] == {"a": "b", "size": "5"}
    assert seen["Status"] == {"options": {"a": "b", "size": "5"}, "size": 7}
    assert seen["CreatedAt"] == "2026-01-02T03:04:05Z"
    assert f"{plugin.name}   {name}" in plugged.docker("volume", "ls").stdout.replace("\t", "   ")
    assert plugged.docker("volume", "ls", "-q", "-f", f"driver={plugin.name}").stdout.split() == [name]
    assert plugin.name in plugged.docker("info", "-f", "{{.Plugins.Volume}}").stdout
    # Again: the same one; of another driver: refused.
    assert plugged.docker("volume", "create", "-d", plugin.name, name).returncode == 0
    done = plugged.docker("volume", "create", "-d", "local", name)
    assert done.returncode == 1 and f"driver '{plugin.name}' already has volume '{name}'" in done.stderr
    assert plugged.docker("volume", "rm", name).returncode == 0 and plugin.volumes == {}
    assert plugged.docker("volume", "inspect", name).returncode == 1


def test_in_a_container(plugged, plugin, name):
    plugged.docker("volume", "create", "-d", plugin.name, name, check=True)
    done = plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "sh", "-c", "echo in > /v/f; stat -c %u /v/f")
    assert done.stdout == "0\n", done.stderr
    assert (plugin.root / name / "f").read_text() == "in\n"
    assert plugin.mounted[name] == [] and len(plugin.asked("VolumeDriver.Mount")) >= 1
    ids = {body["ID"] for body in plugin.asked("VolumeDriver.Mount")}
    assert ids == {body["ID"] for body in plugin.asked("VolumeDriver.Unmount")}
    # Two that run: each mounts once, under an id of its own.
    boxes = [plugged.docker("run", "-d", "-v", f"{name}:/v", "busybox", "sleep", "600").stdout.strip() for _ in "12"]
    try:
        assert len(set(plugin.mounted[name])) == 2
        assert "volume is in use" in plugged.docker("volume", "rm", name).stderr
        assert plugged.docker("exec", boxes[0], "cat", "/v/f").stdout == "in\n"
        (mount,) = json.loads(plugged.docker("inspect", boxes[0]).stdout)[0]["Mounts"]
        assert mount["Driver"] == plugin.name and mount["Name"] == name and mount["Source"] == str(plugin.root / name)
    finally:
        plugged.docker("rm", "-f", *boxes)
    assert plugin.mounted[name] == []


def test_made_with_the_container(plugged, plugin, name):
    done = plugged.docker("run", "--rm", "--volume-driver", plugin.name, "-v", f"{name}:/bin", "busybox", "ls", "/bin")
    assert "busybox" in done.stdout.split(), done.stderr  # what the image has there was copied
    assert plugin.volumes == {name: {}} and (plugin.root / name / "busybox").exists()
    other = name + "b"
    done = plugged.docker("run", "--rm", "--mount",
                          f"type=volume,source={other},target=/v,volume-driver={plugin.name},volume-opt=k=w", "busybox",
                          "true")
    assert done.returncode == 0 and plugin.volumes[other] == {"k": "w"}, done.stderr
    plugged.docker("volume", "rm", other, check=True)


def test_what_the_plugin_refuses(plugged, plugin, name):
    plugin.fail["VolumeDriver.Create"] = 200, {"Err": "no room on the array"}
    done = plugged.docker("volume", "create", "-d", plugin.name, name)
    assert done.returncode == 1 and f"create {name}: no room on the array" in done.stderr
    plugin.fail["VolumeDriver.Create"] = 500, {"Err": "broken"}
    done = plugged.docker("volume", "create", "-d", plugin.name, name)
    assert f"create {name}: VolumeDriver.Create: broken" in done.stderr
    assert name not in plugged.docker("volume", "ls", "-q").stdout.split()
    plugin.fail.clear()
    plugged.docker("volume", "create", "-d", plugin.name, name, check=True)
    plugin.fail["VolumeDriver.Mount"] = 200, {"Err": "the array is on fire"}
    done = plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "true")
    assert done.returncode == 125 and "the array is on fire" in done.stderr
    plugin.fail["VolumeDriver.Remove"] = 200, {"Err": "still needed"}
    done = plugged.docker("volume", "rm", name)
    assert done.returncode == 1 and f"remove {name}: still needed" in done.stderr
    assert name in plugged.docker("volume", "ls", "-q").stdout.split()
    for answer in (b"nonsense", b"[]", b'{"Mountpoint": "relative"}', b"{}"):
        plugin.fail["VolumeDriver.Mount"] = 200, answer
        assert plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "true").returncode == 125


def test_volumes_made_elsewhere(plugged, plugin, name):
    plugin.answer("VolumeDriver.Create", {"Name": name})
    (plugin.root / name / "f").write_text("was there\n")
    assert name in plugged.docker("volume", "ls", "-q").stdout.split()
    assert inspect(plugged, name)["Driver"] == plugin.name
    done = plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "cat", "/v/f")
    assert done.stdout == "was there\n", done.stderr
    # One of driver local by that name isn't made meanwhile.
    assert plugged.docker("volume", "prune", "-af").returncode == 0
    assert name in plugin.volumes


def test_found_by_spec_files(plugged, plugin, name, folder):
    (folder / "specs").mkdir(exist_ok=True)
    hidden = Plugin(folder / "elsewhere/x.sock", folder / "data/spec").start()
    try:
        (folder / "specs/byspec.spec").write_text(f"unix://{hidden.socket}\n")
        (folder / "specs/byjson.json").write_text(json.dumps({"Name": "byjson", "Addr": f"unix://{hidden.socket}"}))
        for driver in ("byspec", "byjson"):
            done = plugged.docker("volume", "create", "-d", driver, f"of-{driver}")
            assert done.returncode == 0, done.stderr
        assert set(hidden.volumes) == {"of-byspec", "of-byjson"}
        plugged.docker("volume", "rm", "of-byspec", "of-byjson", check=True)
        (folder / "specs/bad.spec").write_text("nowhere")
        done = plugged.docker("volume", "create", "-d", "bad", "xy")
        assert done.returncode == 1 and "unix:///path or tcp://host:port is expected" in done.stderr
        hidden.implements = ["NetworkDriver"]
        (folder / "specs/other.spec").write_text(f"unix://{hidden.socket}")
        done = plugged.docker("volume", "create", "-d", "other", "xy")
        assert 'does not implement the "VolumeDriver" interface' in done.stderr
        done = plugged.docker("volume", "create", "-d", "../sockets/x", "xy")
        assert done.returncode == 1 and "not found" in done.stderr
    finally:
        hidden.stop()
        for file in (folder / "specs").iterdir():
            file.unlink()


def test_a_plugin_that_is_gone(plugged, plugin, name):
    plugged.docker("volume", "create", "-d", plugin.name, name, check=True)
    plugin.stop()
    done = plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "true")
    assert done.returncode == 125 and f'plugin "{plugin.name}" not found' in done.stderr
    # It is known all the same, and works when the plugin is back.
    assert name in plugged.docker("volume", "ls", "-q").stdout.split()
    plugin.start()
    assert plugged.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "true").returncode == 0


def test_plugin_volumes_survive_the_engine(plugged, plugin, name):
    plugged.docker("volume", "create", "-d", plugin.name, "-o", "a=b", name, check=True)
    box = plugged.docker("run", "-d", "-v", f"{name}:/v", "busybox", "sleep", "600").stdout.strip()
    try:
        plugged.kill()
        plugged.start()
        assert inspect(plugged, name)["Options"] == {"a": "b"}
        assert "volume is in use" in plugged.docker("volume", "rm", name).stderr
        assert len(plugin.mounted[name]) == 1
    finally:
        plugged.docker("rm", "-f", box)
    assert plugin.mounted[name] == []
    # prune is for driver local, and df doesn't walk what a plugin has.
    plugged.docker("volume", "prune", "-af", check=True)
    with contextlib.closing(docker_py.APIClient(base_url=plugged.host, version="1.43")) as api:
        (one,) = [v for v in api.df()["Volumes"] if v["Name"] == name]
    assert one["UsageData"]["Size"] == -1
