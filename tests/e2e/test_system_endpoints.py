"""What an engine answers that is in no swarm, has no plugins and no BuildKit; info, version, df."""
import json

import docker as docker_py
import pytest

from test_clients import api

NO_MANAGER = ('This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to '
              'swarm and try again.')

# Measured with dockerd; where its status is a 500 for bad input, Hull says 400.
NO_SWARM = [
    ("GET", "/swarm"), ("POST", "/swarm/update?version=1"), ("POST", "/swarm/unlock"), ("GET", "/swarm/unlockkey"),
    ("GET", "/nodes"), ("GET", "/nodes/x"), ("DELETE", "/nodes/x"), ("POST", "/nodes/x/update?version=1"),
    ("GET", "/services"), ("POST", "/services/create"), ("GET", "/services/x"), ("DELETE", "/services/x"),
    ("POST", "/services/x/update?version=1"), ("GET", "/services/x/logs?stdout=1"), ("GET", "/tasks"),
    ("GET", "/tasks/x"), ("GET", "/tasks/x/logs?stderr=1"), ("GET", "/secrets"), ("POST", "/secrets/create"),
    ("GET", "/secrets/x"), ("DELETE", "/secrets/x"), ("POST", "/secrets/x/update?version=1"), ("GET", "/configs"),
    ("POST", "/configs/create"), ("GET", "/configs/x"), ("DELETE", "/configs/x"),
    ("POST", "/configs/x/update?version=1"),
]


@pytest.mark.parametrize("method,path", NO_SWARM)
def test_swarm_endpoints_say_that_this_is_no_manager(engine, method, path):
    code, reply = api(engine, method, path, "{}" if method == "POST" else None)
    assert (code, json.loads(reply)["message"]) == (503, NO_MANAGER)


@pytest.mark.parametrize("method,path,body,code,message", [
    ("POST", "/swarm/leave", None, 503, "This node is not part of a swarm"),
    ("POST", "/swarm/init", "{}", 400, 'invalid ListenAddr "": invalid empty address'),
    ("POST", "/swarm/join", "{}", 400, 'invalid ListenAddr "": invalid empty address'),
    ("POST", "/swarm/init", '{"ListenAddr": "0.0.0.0:2377"}', 501, "swarm init: this engine has no swarm mode"),
    ("POST", "/swarm/update", "{}", 400, "invalid swarm version '': strconv.ParseUint: parsing \"\": invalid syntax"),
    ("POST", "/nodes/x/update?version=-1", "{}", 400,
     "invalid node version '-1': strconv.ParseUint: parsing \"-1\": invalid syntax"),
    ("POST", "/services/x/update?version=99999999999999999999", "{}", 400,
     "invalid service version '99999999999999999999': strconv.ParseUint: parsing \"99999999999999999999\": "
     "value out of range"),
    ("POST", "/secrets/x/update", "{}", 400, "invalid secret version"),
    ("POST", "/configs/x/update", "{}", 400, "invalid config version"),
    ("GET", "/services/x/logs", None, 400, "Bad parameters: you must choose at least one stream"),
    ("GET", "/plugins/x/json", None, 404, 'plugin "x" not found'),
    ("DELETE", "/plugins/x/y:latest", None, 404, 'plugin "x/y:latest" not found'),
    ("POST", "/plugins/x/enable?timeout=0", None, 404, 'plugin "x" not found'),
    ("POST", "/plugins/x/enable", None, 400, 'strconv.Atoi: parsing "": invalid syntax'),
    ("POST", "/plugins/x/disable", None, 404, 'plugin "x" not found'),
    ("POST", "/plugins/x/upgrade?remote=y", "[]", 404, 'plugin "x" not found'),
    ("POST", "/plugins/x/push", None, 404, 'plugin "x" not found'),
    ("POST", "/plugins/x/set", "[]", 404, 'plugin "x" not found'),
    ("GET", "/plugins/privileges?remote=", None, 400, "invalid reference format"),
    ("POST", "/plugins/pull?remote=x/y", "[]", 501, "this engine has no plugins"),
    ("POST", "/plugins/create", None, 400, "failed to parse reference : invalid reference format"),
    ("POST", "/plugins/create?name=q", None, 501, "this engine has no plugins"),
    ("PUT", "/volumes/x?version=1", "{}", 503, "volume update only valid for cluster volumes, but swarm is unavailable"),
    ("POST", "/session", None, 400, "no upgrade proto in request"),
    ("POST", "/grpc", None, 400, "no upgrade proto in request"),
    ("POST", "/build/cancel", None, 400, "build ID not provided"),
    ("POST", "/build/prune?filters=%7B%22zz%22:%5B%221%22%5D%7D", None, 400,
     "failed to prune build cache: invalid filter 'zz'"),
    ("POST", "/build/prune?max-used-space=-1", None, 400, "max-used-space must not be negative"),
    ("POST", "/build/prune?filters=%7B%22id%22:%5B%22a%22,%22b%22%5D%7D", None, 400, "filters expect only one value"),
    ("POST", "/build/prune?filters=%7B%22id%22:%5B%22a.*%22%5D%7D", None, 501, "regular expressions are not supported"),
    ("POST", "/build/prune?keep-storage=much", None, 400, "keep-storage is in bytes and expects an integer, got much"),
    ("GET", "/plugins?filters=%7B%22zz%22:%5B%221%22%5D%7D", None, 400, "invalid filter 'zz'"),
    ("GET", "/system/df?type=x", None, 400, "unknown object type: x"),
])
def test_what_is_not_there_is_said_in_dockers_words(engine, method, path, body, code, message):
    got, reply = api(engine, method, path, body)
    assert got == code, reply
    assert message in json.loads(reply)["message"]


def test_lists_of_what_is_not_there_are_empty(engine):
    assert api(engine, "GET", "/plugins") == (200, "[]\n")
    api(engine, "POST", "/build/prune?all=1")  # what others built
    assert json.loads(api(engine, "POST", "/build/prune?all=1")[1]) == {"CachesDeleted": None, "SpaceReclaimed": 0}
    assert api(engine, "POST", "/build/cancel?id=q") == (200, "")
    assert api(engine, "OPTIONS", "/anything") == (200, "")


def test_docker_cli_says_so_too(docker):
    done = docker("node", "ls")
    assert done.returncode == 1 and NO_MANAGER in done.stderr
    assert docker("plugin", "ls", "-q").stdout == ""
    done = docker("plugin", "inspect", "nope")
    assert done.returncode == 1 and "nope" in done.stderr


def test_python_docker_reads_info_version_and_df(engine):
    client = docker_py.DockerClient(base_url=engine.host, version="auto")
    info = client.info()
    assert info["Swarm"]["LocalNodeState"] == "inactive" and info["Driver"] == "overlay2"
    assert info["DockerRootDir"] == str(engine.folder / "data")
    assert {"Volume", "Network", "Authorization", "Log"} == set(info["Plugins"])
    version = client.version()
    assert version["ApiVersion"] == "1.55" and version["Components"][0]["Name"] == "Engine"
    client.close()
    client = docker_py.DockerClient(base_url=engine.host, version="1.41")
    usage = client.df()
    assert any("busybox:latest" in (i["RepoTags"] or []) for i in usage["Images"])
    assert usage["LayersSize"] > 0
    client.close()


def test_df_of_one_kind_counts_only_that(engine):
    code, reply = api(engine, "GET", "/system/df?type=image&verbose=1")
    usage = json.loads(reply)
    assert code == 200 and set(usage) == {"ImageUsage"}
    used = usage["ImageUsage"]
    assert used["TotalCount"] == len(used["Items"]) and used["TotalSize"] >= used["Reclaimable"] >= 0
    assert set(json.loads(api(engine, "GET", "/system/df", version="/v1.52")[1])) >= {"Images", "ImageUsage"}
    assert "ImageUsage" not in json.loads(api(engine, "GET", "/system/df", version="/v1.44")[1])
