"""Volumes, with the docker CLI and python3-docker: real data in real containers."""
import contextlib
import json
import os
import pathlib
import uuid

import docker as docker_py
import pytest


@pytest.fixture
def name(engine):
    made = "v" + uuid.uuid4().hex[:12]
    yield made
    engine.docker("volume", "rm", "-f", made)


@pytest.fixture(scope="module")
def client(engine):
    made = docker_py.DockerClient(base_url=engine.host)
    yield made
    made.close()


def sh(engine, *args):
    return engine.docker("run", "--rm", *args)


def test_create_inspect_list_remove(engine, name):
    done = engine.docker("volume", "create", "--label", "a=b", name)
    assert done.stdout == name + "\n", done.stderr
    seen = json.loads(engine.docker("volume", "inspect", name).stdout)[0]
    assert seen["Name"] == name and seen["Driver"] == "local" and seen["Labels"] == {"a": "b"}
    assert seen["Scope"] == "local" and seen["Options"] in (None, {}) and os.path.isdir(seen["Mountpoint"])
    assert name in engine.docker("volume", "ls", "-q", "-f", "label=a=b").stdout.split()
    assert name in engine.docker("volume", "ls", "-q", "-f", "dangling=true").stdout.split()
    assert name not in engine.docker("volume", "ls", "-q", "-f", "label=a=c").stdout.split()
    # Again: the same volume, no error.
    assert engine.docker("volume", "create", name).stdout == name + "\n"
    assert engine.docker("volume", "rm", name).stdout == name + "\n"
    assert not os.path.exists(seen["Mountpoint"])
    done = engine.docker("volume", "inspect", name)
    assert done.returncode == 1 and f"get {name}: no such volume" in done.stderr
    done = engine.docker("volume", "rm", name)
    assert done.returncode == 1 and f"get {name}: no such volume" in done.stderr


@pytest.mark.parametrize("bad, text", [
    (["a/b"], 'includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed'),
    (["x"], "volume name is too short"),
    (["--driver", "nope", "xy"], 'plugin "nope" not found'),
    (["-o", "foo=bar", "xy"], 'invalid option: "foo"'),
    (["-o", "type=tmpfs", "xy"], 'missing required option: "device"'),
])
def test_what_cannot_be_made(engine, bad, text):
    done = engine.docker("volume", "create", *bad)
    assert done.returncode == 1 and text in done.stderr
    assert "xy" not in engine.docker("volume", "ls", "-q").stdout.split()


def test_data_outlives_containers_and_is_shared(engine, name):
    assert sh(engine, "-v", f"{name}:/data", "busybox", "sh", "-c", "echo kept > /data/f; stat -c %u /data/f").stdout == "0\n"
    assert sh(engine, "-v", f"{name}:/other", "busybox", "cat", "/other/f").stdout == "kept\n"
    done = sh(engine, "-v", f"{name}:/data:ro", "busybox", "touch", "/data/g")
    assert done.returncode == 1 and "Read-only file system" in done.stderr
    # --rm takes anonymous volumes along, never named ones.
    assert name in engine.docker("volume", "ls", "-q").stdout.split()
    where = json.loads(engine.docker("volume", "inspect", name).stdout)[0]["Mountpoint"]
    assert pathlib.Path(where, "f").read_text() == "kept\n" and os.stat(where + "/f").st_uid == 0


def test_in_use_cannot_be_removed(engine, name):
    box = engine.docker("create", "-v", f"{name}:/data", "busybox").stdout.strip()
    done = engine.docker("volume", "rm", name)
    assert done.returncode == 1 and f"remove {name}: volume is in use - [{box}]" in done.stderr
    assert name not in engine.docker("volume", "ls", "-q", "-f", "dangling=true").stdout.split()
    engine.docker("rm", "-v", box)
    assert engine.docker("volume", "rm", name).returncode == 0


def test_anonymous_volumes_go_with_rm_v_only(engine):
    def volumes():
        return set(engine.docker("volume", "ls", "-q").stdout.split())
    engine.docker("volume", "prune", "-f")  # those of other tests
    before = volumes()
    box = engine.docker("create", "-v", "/data", "busybox").stdout.strip()
    (mount,) = json.loads(engine.docker("inspect", box).stdout)[0]["Mounts"]
    assert mount["Type"] == "volume" and volumes() - before == {mount["Name"]} and len(mount["Name"]) == 64
    assert mount["Source"].endswith(f"/volumes/{mount['Name']}/_data") and mount["Driver"] == "local"
    engine.docker("rm", box)
    assert volumes() - before == {mount["Name"]}
    assert mount["Name"] in engine.docker("volume", "prune", "-f").stdout
    assert volumes() == before
    box = engine.docker("create", "-v", "/data", "busybox").stdout.strip()
    engine.docker("rm", "-v", box)
    assert volumes() == before
    sh(engine, "-v", "/data", "busybox", "true")
    assert volumes() == before


def test_prune_leaves_named_ones_unless_asked(engine, client, name):
    client.volumes.create(name)
    api = docker_py.APIClient(base_url=engine.host, version="1.43")
    assert name not in (api._result(api._post(api._url("/volumes/prune")), True)["VolumesDeleted"] or [])
    url = api._url("/volumes/prune")
    gone = api._result(api._post(url, params={"filters": json.dumps({"all": ["true"]})}), True)
    assert name in gone["VolumesDeleted"] and gone["SpaceReclaimed"] >= 0
    api.close()


def test_new_volume_gets_what_the_image_has(engine, name):
    listing = sh(engine, "busybox", "sh", "-c", "ls /bin | wc -l").stdout
    assert int(listing) > 10
    assert sh(engine, "-v", f"{name}:/bin", "busybox", "sh", "-c", "ls /bin | wc -l").stdout == listing
    sh(engine, "-v", f"{name}:/bin", "busybox", "rm", "/bin/vi")
    # Not again: it isn't empty any more.
    assert int(sh(engine, "-v", f"{name}:/bin", "busybox", "sh", "-c", "ls /bin | wc -l").stdout) == int(listing) - 1


def test_nocopy(engine, name):
    assert sh(engine, "-v", f"{name}:/etc:nocopy", "busybox", "ls", "/etc/group").returncode != 0
    other = name + "b"
    try:
        done = sh(engine, "--mount", f"type=volume,source={other},target=/home,volume-nocopy", "busybox", "ls", "/home")
        assert done.returncode == 0 and done.stdout == ""
    finally:
        engine.docker("volume", "rm", other)


def test_mount_flag_makes_the_volume_as_asked(engine, name):
    done = sh(engine, "--mount", f"type=volume,source={name},target=/m,readonly,volume-label=k=v", "busybox",
              "sh", "-c", "touch /m/x; echo $?")
    assert done.stdout == "1\n", done.stderr
    assert json.loads(engine.docker("volume", "inspect", name).stdout)[0]["Labels"] == {"k": "v"}


def test_subpath(engine, client, name):
    sh(engine, "-v", f"{name}:/v", "busybox", "sh", "-c", "mkdir -p /v/a/b; echo deep > /v/a/b/f; ln -s /etc /v/out")
    def run(subpath):
        api = docker_py.APIClient(base_url=engine.host, version="1.45")
        body = {"Image": "busybox", "Cmd": ["cat", "/m/f"], "HostConfig": {"Mounts": [
            {"Type": "volume", "Source": name, "Target": "/m", "VolumeOptions": {"Subpath": subpath}}]}}
        box = api._result(api._post_json(api._url("/containers/create"), data=body), True)["Id"]
        try:
            api.start(box)
            api.wait(box)
            return api.logs(box).decode()
        finally:
            api.remove_container(box, force=True)
            api.close()
    assert run("a/b") == "deep\n"
    with pytest.raises(docker_py.errors.APIError):
        run("nowhere")
    with pytest.raises(docker_py.errors.APIError):
        run("../x")
    # A link that leads out of the volume stays inside.
    with pytest.raises(docker_py.errors.APIError):
        run("out/passwd-")


def test_tmpfs_options(engine, name):
    engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=3m,mode=750", name, check=True)
    where = json.loads(engine.docker("volume", "inspect", name).stdout)[0]["Mountpoint"]
    box = engine.docker("run", "-d", "-v", f"{name}:/t", "busybox", "sleep", "600").stdout.strip()
    try:
        out = engine.docker("exec", box, "sh", "-c", "df -k /t | tail -1; stat -c %a /t; echo in > /t/f").stdout
        assert out.split()[1] == "3072" and out.split()[-1] == "750", out
        assert os.path.ismount(where)
        # A second one sees the same file system.
        assert sh(engine, "-v", f"{name}:/t", "busybox", "cat", "/t/f").stdout == "in\n"
        assert os.path.ismount(where)
    finally:
        engine.docker("rm", "-f", box)
    assert not os.path.ismount(where) and os.listdir(where) == []


def test_bind_options(engine, name, tmp_path):
    (tmp_path / "f").write_text("of the host\n")
    engine.docker("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind", name, check=True)
    assert sh(engine, "-v", f"{name}:/t", "busybox", "sh", "-c", "cat /t/f; echo back > /t/g").stdout == "of the host\n"
    assert (tmp_path / "g").read_text() == "back\n"
    where = json.loads(engine.docker("volume", "inspect", name).stdout)[0]["Mountpoint"]
    assert not os.path.ismount(where)
    assert engine.docker("volume", "rm", name).returncode == 0
    assert (tmp_path / "g").exists()


def test_options_that_cannot_be_mounted(engine, name):
    engine.docker("volume", "create", "-o", "type=none", "-o", "device=/nowhere", "-o", "o=bind", name, check=True)
    done = sh(engine, "-v", f"{name}:/t", "busybox", "true")
    assert done.returncode == 125 and "failed to mount local volume" in done.stderr and "/nowhere" in done.stderr
    assert engine.docker("volume", "rm", name).returncode == 0


def test_volumes_of_python_docker(client, name):
    made = client.volumes.create(name, labels={"x": "y"})
    assert client.volumes.get(name).attrs["Labels"] == {"x": "y"}
    out = client.containers.run("busybox", "sh -c 'echo hi > /d/f; cat /d/f'", remove=True,
                                volumes={name: {"bind": "/d", "mode": "rw"}})
    assert out == b"hi\n"
    made.remove()
    with pytest.raises(docker_py.errors.NotFound):
        client.volumes.get(name)


def test_df_counts_volumes(engine, client, name):
    sh(engine, "-v", f"{name}:/d", "busybox", "dd", "if=/dev/zero", "of=/d/f", "bs=1k", "count=100")
    with contextlib.closing(docker_py.APIClient(base_url=engine.host, version="1.43")) as api:
        (one,) = [v for v in api.df()["Volumes"] if v["Name"] == name]
    assert one["UsageData"] == {"RefCount": 0, "Size": 102400}


def test_events(engine, client, name):
    import time
    since = time.time() - 0.1
    sh(engine, "-v", f"{name}:/d", "busybox", "true")
    engine.docker("volume", "rm", name, check=True)
    actions = [e["Action"] for e in client.events(since=since, until=time.time() + 0.1, decode=True,
                                                  filters={"volume": name})]
    assert actions == ["create", "mount", "unmount", "destroy"]


def test_volumes_survive_the_engine(new_engine):
    engine = new_engine()
    engine.hull("image", "bootstrap", "busybox", timeout=120, check=True)
    engine.docker("volume", "create", "--label", "k=v", "lasting", check=True)
    engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "temp", check=True)
    box = engine.docker("run", "-d", "-v", "lasting:/d", "-v", "temp:/t", "-v", "/anon", "busybox", "sh", "-c",
                        "echo a > /d/f; echo b > /t/f; sleep 600").stdout.strip()
    engine.docker("exec", box, "sh", "-c", "until [ -e /t/f ]; do sleep 0.1; done")
    engine.kill()
    engine.start()
    assert json.loads(engine.docker("volume", "inspect", "lasting").stdout)[0]["Labels"] == {"k": "v"}
    assert "volume is in use" in engine.docker("volume", "rm", "lasting").stderr
    assert engine.docker("exec", box, "cat", "/d/f", "/t/f").stdout == "a\nb\n"
    where = json.loads(engine.docker("volume", "inspect", "temp").stdout)[0]["Mountpoint"]
    assert os.path.ismount(where)
    engine.docker("rm", "-fv", box, check=True)
    assert not os.path.ismount(where)
    assert set(engine.docker("volume", "ls", "-q").stdout.split()) == {"lasting", "temp"}
    engine.docker("volume", "rm", "lasting", "temp", check=True)
