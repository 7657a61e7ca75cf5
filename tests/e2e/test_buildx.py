"""POST /grpc: builds as buildx with its docker driver asks for them."""
import io
import json
import os
import tarfile
import threading
import time

import pytest

grpc = pytest.importorskip("grpc", reason="needs python3-grpcio")

from buildx_client import BRIDGE, CONTROL, Client, entries, field, parse, typed, vertexes  # noqa: E402


@pytest.fixture
def client(engine):
    one = Client(str(engine.socket))
    yield one
    one.close()


@pytest.fixture
def tag(engine):
    name = f"bx-{os.getpid()}-{time.monotonic_ns()}"
    yield name
    engine.docker("rmi", "-f", name)


@pytest.fixture
def folder(tmp_path):
    def make(dockerfile, **files):
        (tmp_path / "Dockerfile").write_text(dockerfile)
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        return tmp_path
    return make


def refused(build, code, text):
    with pytest.raises(grpc.RpcError) as error:
        build()
    assert error.value.code() == code, error.value
    assert text in error.value.details(), error.value.details()


def test_what_there_is(client):
    worker = parse(parse(client.call(CONTROL + "ListWorkers"))[1][0])
    platform = parse(worker[3][0])
    assert platform[2] == [b"linux"] and platform[1][0] in (b"amd64", b"arm64")
    assert parse(parse(client.call(CONTROL + "Info"))[1][0])[1] == [b"hull"]
    assert parse(client.call("/grpc.health.v1.Health/Check")) == {1: [1]}
    refused(lambda: client.call(CONTROL + "Nonsense"), grpc.StatusCode.UNIMPLEMENTED, "unknown method")


@pytest.mark.parametrize("gateway", [True, False])
@pytest.mark.parametrize("through_control", [True, False])
def test_a_build(engine, client, folder, tag, gateway, through_control):
    where = folder("FROM busybox\nARG WHO\nCOPY f /f\nRUN echo hello $WHO; cat /f\nCMD [\"cat\", \"/f\"]\n", f="from-f\n")
    response, progress = client.build(where, {"build-arg:WHO": tag, "label:a": "b", "filename": "Dockerfile"},
                                      ("moby", {"name": tag}), gateway, through_control=through_control)
    info = json.loads(engine.docker("image", "inspect", tag).stdout)[0]
    assert response["containerimage.digest"] == info["Id"] and info["Config"]["Labels"] == {"a": "b"}
    assert response["image.name"] == f"docker.io/library/{tag}:latest"
    assert engine.docker("run", "--rm", tag).stdout == "from-f\n"
    names, log = vertexes(progress)
    assert f"hello {tag}\nfrom-f\n" in log
    assert names["[internal] load build definition from Dockerfile"][2]
    assert names["[2/3] COPY f /f"][2] and names["exporting to image"][2]


def test_a_step_that_fails(client, folder):
    where = folder("FROM busybox\nRUN echo said; exit 7\n")
    refused(lambda: client.build(where), grpc.StatusCode.UNKNOWN,
            'process "/bin/sh -c echo said; exit 7" did not complete successfully: exit code: 7')
    where = folder("FROM busybox\nRUNN x\n")
    refused(lambda: client.build(where), grpc.StatusCode.INVALID_ARGUMENT, "unknown instruction: RUNN")


def test_secrets_and_results_as_archives(client, folder):
    where = folder("FROM busybox AS one\nRUN --mount=type=secret,id=s,required cat /run/secrets/s > /out\n"
                   "FROM scratch\nCOPY --from=one /out /out\n")
    received = []
    client.build(where, {}, ("tar", {}), secrets={"s": "hidden"}, received=received)
    with tarfile.open(fileobj=io.BytesIO(b"".join(received))) as tar:
        assert tar.extractfile("out").read() == b"hidden"


def test_the_cache_of_builds(client, folder):
    where = folder(f"FROM busybox\nRUN echo {time.monotonic_ns()}\n")
    client.build(where, exporter=None)
    step = next(name for name in vertexes(client.build(where, exporter=None)[1])[0] if name.startswith("[2/2]"))
    assert vertexes(client.build(where, exporter=None)[1])[0][step][0]
    assert not vertexes(client.build(where, {"no-cache": ""}, exporter=None)[1])[0][step][0]
    assert any(parse(record)[1][0] for record in client.stream(CONTROL + "Prune", field(2, True)))
    assert not vertexes(client.build(where, exporter=None)[1])[0][step][0]


def test_named_contexts(client, folder, tag):
    where = folder("FROM base\nRUN echo it-is-busybox\n")
    _, progress = client.build(where, {"context:base": "docker-image://busybox"}, exporter=None)
    assert "it-is-busybox" in vertexes(progress)[1]


def test_lint_warnings(client, folder):
    where = folder("FROM busybox AS One\nCMD true\n")
    _, progress = client.build(where, exporter=None)
    found = [parse(warning) for message in progress for warning in parse(message).get(4, [])]
    assert [warning[3][0] for warning in found] == [
        b"StageNameCasing: Stage name 'One' should be lowercase (line 1)",
        b"JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals "
        b"(line 2)"]
    assert found[1][5] == [b"https://docs.docker.com/go/dockerfile/rule/json-args-recommended/"]
    where = folder("# check=skip=StageNameCasing;error=true\nFROM busybox AS One\nCMD true\n")
    refused(lambda: client.build(where, exporter=None), grpc.StatusCode.INVALID_ARGUMENT,
            "lint violation found for rules: JSONArgsRecommended")
    client.build(where, {"build-arg:BUILDKIT_DOCKERFILE_CHECK": "skip=all"}, exporter=None)


@pytest.mark.parametrize("attributes, solve, text", [
    ({"nonsense": "1"}, b"", "the build option nonsense is not supported"),
    ({"attest:sbom": ""}, b"", "attestations are not supported"),
    ({}, typed(13, "moby", {}), "several outputs"),
    ({}, field(8, typed(4, "gha", {})), "cache export of type gha"),
    ({}, field(8, typed(5, "local", {"src": "x"})), "cache import of type local"),
    ({}, entries(10, {"base": ""}), "inputs of a frontend"),
])
def test_what_is_refused(client, folder, attributes, solve, text):
    where = folder("FROM busybox\n")
    refused(lambda: client.build(where, attributes, gateway=False, solve_fields=solve),
            grpc.StatusCode.UNIMPLEMENTED, text)


def test_other_refusals(client, folder):
    where = folder("FROM busybox\n")
    refused(lambda: client.build(where, gateway=False, solve_fields=field(9, "security.insecure")),
            grpc.StatusCode.PERMISSION_DENIED, "security.insecure is not allowed")
    refused(lambda: client.build(where, gateway=True, frontend="gateway.v0"), grpc.StatusCode.UNIMPLEMENTED,
            "frontend gateway.v0 is not supported")
    refused(lambda: client.call(CONTROL + "Solve", b"\xff\xff"), grpc.StatusCode.INVALID_ARGUMENT, "")
    refused(lambda: client.call(BRIDGE + "Ping", b"", (("buildkit-controlapi-buildid", "none"),)),
            grpc.StatusCode.NOT_FOUND, "no such job none")


def test_a_client_that_leaves_ends_its_build(engine, client, folder):
    where = folder(f"FROM busybox\nRUN echo {time.monotonic_ns()}; sleep 1000\n")
    failed = []
    before = set(engine.docker("ps", "-aq").stdout.split())  # what other tests left

    def added():
        return set(engine.docker("ps", "-aq").stdout.split()) - before

    def build():
        try:
            client.build(where)
        except Exception as error:
            failed.append(error)
    thread = threading.Thread(target=build)
    thread.start()
    deadline = time.monotonic() + 30
    while not added() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert added()
    client.channel.close()
    thread.join(30)
    while added() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not added() and failed
