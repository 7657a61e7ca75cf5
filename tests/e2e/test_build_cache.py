"""What builds keep: shown by system df, pruned by filters and limits, given to others."""
import json
import os
import subprocess
import urllib.parse

import pytest

from registries import Registry
from test_clients import api


@pytest.fixture
def build(engine, tmp_path):
    """build(dockerfile, *flags): gives what it said."""
    tag = f"bc-{os.getpid()}"

    def call(dockerfile, *flags, code=0):
        (tmp_path / "context").mkdir(exist_ok=True)
        (tmp_path / "context/Dockerfile").write_text(dockerfile)
        done = engine.hull("build", "-t", tag, *flags, tmp_path / "context", timeout=120)
        assert done.returncode == code, done.stderr
        return done.stderr

    call.tag = tag
    yield call
    engine.hull("rmi", "-f", tag)


def records(engine, version="/v1.51"):
    code, text = api(engine, "GET", "/system/df?type=build-cache", version=version)
    assert code == 200, text
    return json.loads(text)


def prune(engine, **query):
    code, text = api(engine, "POST", "/build/prune?" + urllib.parse.urlencode(query))
    assert code == 200, text
    return json.loads(text)


def filters(**values):
    return json.dumps({name: [value] for name, value in values.items()})


@pytest.fixture
def clean(engine):
    prune(engine, all=1)
    yield
    prune(engine, all=1)


def of_steps(engine):
    return {r["Description"].split("] ")[-1]: r for r in records(engine)["BuildCache"]}


def test_system_df_shows_the_steps(engine, build, clean):
    build("FROM busybox\nRUN dd if=/dev/zero of=/a bs=1k count=300 && echo a\nRUN echo b > /b\n"
          "RUN --mount=type=cache,target=/c dd if=/dev/zero of=/c/f bs=1k count=100\n")
    steps = of_steps(engine)
    a = steps["RUN dd if=/dev/zero of=/a bs=1k count=300 && echo a"]
    b = steps["RUN echo b > /b"]
    assert a["Size"] >= 300 * 1024 > b["Size"] and a["Type"] == "regular"
    assert b["Parents"] == [a["ID"]] and a["Shared"] and not a["InUse"]
    mount = [r for r in steps.values() if r["Type"] == "exec.cachemount"]
    assert len(mount) == 1 and mount[0]["Size"] >= 100 * 1024
    old = records(engine, "/v1.41")
    assert old["BuilderSize"] >= 100 * 1024 and all("Parent" in r for r in old["BuildCache"])
    assert "Build Cache" in engine.docker("system", "df").stdout
    assert a["ID"][:12] in engine.docker("system", "df", "-v").stdout
    assert a["ID"][:12] in engine.hull("system", "df", "-v").stdout
    before = steps["RUN echo b > /b"]["UsageCount"]
    build("FROM busybox\nRUN dd if=/dev/zero of=/a bs=1k count=300 && echo a\nRUN echo b > /b\n")
    assert of_steps(engine)["RUN echo b > /b"]["UsageCount"] == before + 1


def test_without_all_what_images_have_stays(engine, build, clean):
    text = "FROM busybox\nRUN dd if=/dev/urandom of=/a bs=1k count=300\n"
    build(text)
    assert prune(engine)["SpaceReclaimed"] == 0
    assert build(text).count("CACHED") == 2
    engine.hull("rmi", "-f", build.tag)
    done = prune(engine)
    assert done["SpaceReclaimed"] >= 300 * 1024 and done["CachesDeleted"]
    assert all(r["Shared"] for r in records(engine)["BuildCache"])
    assert build(text).count("CACHED") == 1  # FROM


def test_filters(engine, build, clean):
    build("FROM busybox\nRUN echo one > /1\nRUN echo two > /2\n"
          "RUN --mount=type=cache,target=/c echo three > /c/f\n")
    engine.hull("rmi", "-f", build.tag)
    steps = of_steps(engine)
    two = steps["RUN echo two > /2"]["ID"]
    assert prune(engine, filters=filters(id=two[:12]))["CachesDeleted"] == [two]
    assert set(steps) - set(of_steps(engine)) == {"RUN echo two > /2"}
    done = prune(engine, filters=filters(type="exec.cachemount"))
    assert len(done["CachesDeleted"]) == 1
    assert all(r["Type"] == "regular" for r in of_steps(engine).values())
    assert not prune(engine, all=1, filters=filters(inuse=""))["CachesDeleted"]
    assert not prune(engine, all=1, filters=filters(until="1h"))["CachesDeleted"]
    assert prune(engine, all=1, filters=filters(until="1ms"))["CachesDeleted"]
    assert not any("RUN" in name for name in of_steps(engine))


def test_limits_remove_the_least_used_first(engine, build, clean):
    for name in "abc":
        build(f"FROM busybox\nRUN dd if=/dev/urandom of=/{name} bs=1k count=1000\nRUN echo {name} > /last\n")
        engine.hull("rmi", "-f", build.tag)
    big = {name: f"RUN dd if=/dev/urandom of=/{name} bs=1k count=1000" for name in "abc"}
    build(f"FROM busybox\n{big['a']}\n")  # used again
    engine.hull("rmi", "-f", build.tag)
    done = engine.hull("builder", "prune", "-af", "--max-used-space", "2200KiB")
    assert done.returncode == 0, done.stderr
    steps = of_steps(engine)
    assert big["a"] in steps and big["c"] in steps and big["b"] not in steps, steps.keys()
    # What stands on a step goes before it.
    assert all(p in {r["ID"] for r in steps.values()} or r["Parents"] for r in steps.values() for p in r.get("Parents", []))
    assert not prune(engine, all=1, **{"min-free-space": 1})["CachesDeleted"]
    assert not prune(engine, all=1, **{"reserved-space": 10 ** 9})["CachesDeleted"]
    prune(engine, all=1, **{"keep-storage": 1})
    assert not any(big[name] in of_steps(engine) for name in "abc")


def test_what_a_build_uses_is_not_pruned(engine, build, tmp_path, clean):
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/Dockerfile").write_text(
        "FROM busybox\nRUN echo first > /1\n"
        "RUN --mount=type=cache,target=/c,id=slow touch /c/here; echo running; sleep 3; ls /c/here && cat /1\n")
    process = subprocess.Popen([engine.programs / "bin/hull", "build", "--no-cache", tmp_path / "slow"],
                               env=engine.env, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "running" in line and "echo running" not in line:
            break
    prune(engine, all=1)
    lines += list(process.stderr)
    assert process.wait(60) == 0, "".join(lines)


def test_the_two_ways_to_build_do_not_take_each_others_steps(engine, tmp_path, clean):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY f /f\nCMD [\"/f\"]\n")
    (tmp_path / "f").write_text("f")
    tag = f"ways-{os.getpid()}"
    for style in ("1", "0", "1", "0"):
        done = subprocess.run(["docker" if style == "0" else "/usr/bin/docker", "build", "-q", "-t", tag, tmp_path],
                              env={**engine.env, "DOCKER_BUILDKIT": style}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        shown = json.loads(engine.docker("image", "inspect", tag).stdout)[0]["Config"]
        assert shown["Env"][0].startswith("PATH=") and shown["Cmd"] == ["/f"], style
        engine.docker("rmi", "-f", tag)


def test_a_cache_in_a_folder(engine, build, tmp_path, clean):
    text = ("FROM busybox AS one\nRUN dd if=/dev/urandom of=/x bs=1k count=8\nFROM busybox\nCOPY --from=one /x /y\n"
            "RUN md5sum /y > /sum\n")
    place = tmp_path / "cache"
    build(text, "--cache-to", f"type=local,dest={place},mode=max")
    assert {"oci-layout", "index.json", "manifest.json"} <= set(os.listdir(place))
    sum_before = engine.hull("run", "--rm", build.tag, "cat", "/sum").stdout
    engine.hull("rmi", "-f", build.tag)
    prune(engine, all=1)
    images = set(engine.hull("images", "-aq").stdout.split())
    out = build(text, "--cache-from", f"type=local,src={place}")
    assert out.count("CACHED") >= 3, out
    assert engine.hull("run", "--rm", build.tag, "cat", "/sum").stdout == sum_before
    tag_id = engine.hull("images", "-q", build.tag).stdout.strip()
    assert set(engine.hull("images", "-aq").stdout.split()) - images == {tag_id}
    # mode=min: only what the result stands on.
    engine.hull("rmi", "-f", build.tag)
    build(text, "--no-cache", "--cache-to", f"type=local,dest={place}")
    engine.hull("rmi", "-f", build.tag)
    prune(engine, all=1)
    out = build(text, "--cache-from", f"type=local,src={place}")
    assert "is not used" in build(text, "--cache-from", f"type=local,src={tmp_path}/nowhere")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("mine")
    assert "something else" in build(text, "--cache-to", f"type=local,dest={tmp_path}/other", code=1)
    assert os.listdir(tmp_path / "other") == ["file"]
    assert sorted(os.listdir(tmp_path)) == ["cache", "context", "other"]


def test_a_cache_in_a_registry(engine, build, clean):
    registry = Registry().start()
    try:
        text = ("FROM busybox AS one\nRUN dd if=/dev/urandom of=/x bs=1k count=8\nFROM busybox\n"
                "COPY --from=one /x /y\nRUN md5sum /y > /sum\n")
        ref = f"{registry.name}/tests/cache:main"
        build(text, "--cache-to", f"type=registry,ref={ref},mode=max")
        sum_before = engine.hull("run", "--rm", build.tag, "cat", "/sum").stdout
        engine.hull("rmi", "-f", build.tag)
        prune(engine, all=1)
        out = build(text, "--cache-from", ref)
        assert out.count("CACHED") >= 3, out
        assert engine.hull("run", "--rm", build.tag, "cat", "/sum").stdout == sum_before
        assert "registry needs ref" in build(text, "--cache-to", "type=registry", code=1)
        assert "mode of the cache" in build(text, "--cache-to", f"type=registry,ref={ref},mode=odd", code=1)
        assert "odd=1" in build(text, "--cache-to", f"type=registry,ref={ref},odd=1", code=1)
        build(text, "--cache-to", "type=registry,ref=localhost:1/not/there", code=1)
        build(text, "--cache-to", "type=registry,ref=localhost:1/not/there,ignore-error=true")
    finally:
        for line in engine.hull("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
            if line.startswith(registry.name):
                engine.hull("rmi", "-f", line)
        registry.stop()


def test_cache_mounts_go_to_others_and_come_back(engine, build, clean, tmp_path):
    mount = f"packages-{os.getpid()}"
    step = f"RUN --mount=type=cache,id={mount},target=/c "
    build("FROM busybox\n" + step + "echo one > /c/a && mkdir -m 0750 /c/d && chown 7:8 /c/a && ln /c/a /c/d/same\n")
    archive = tmp_path / "mount.tar"
    assert engine.hull("builder", "export-mount", mount, "-o", archive).returncode == 0
    prune(engine, all=1)
    missing = engine.hull("builder", "export-mount", mount, "-o", tmp_path / "no")
    assert missing.returncode == 1 and "no cache mount has the id" in missing.stderr and not (tmp_path / "no").exists()
    for _ in range(2):  # also in the place of what is there
        done = engine.hull("builder", "import-mount", mount, archive)
        assert (done.returncode, done.stdout) == (0, mount + "\n"), done.stderr
        said = build("FROM busybox\n" + step + "cat /c/d/same; stat -c '%u:%g %h' /c/a; stat -c %a /c/d; touch /c/more; ls /c\n",
                     "--no-cache", "--progress=plain")
        assert [line.split()[-1] for line in said.splitlines() if "0." in line][-1]  # it ran
        for text in ("one", "7:8 2", "750"):
            assert text in said
    broken = subprocess.run([engine.programs / "bin/hull", "builder", "import-mount", mount], input=b"no tar" * 400,
                            env=engine.env, capture_output=True)
    assert broken.returncode == 1
    assert "more" in build("FROM busybox\n" + step + "ls /c\n", "--no-cache", "--progress=plain")  # as it was
