"""POST /build: Dockerfiles by docker's own client and python3-docker."""
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

import pytest

import registries
from registries import Image, Registry, tarball

docker_py = pytest.importorskip("docker")


@pytest.fixture
def build(docker, tmp_path):
    """build(dockerfile, {name: text}, *flags): docker build of a folder; gives what docker says."""
    names = []

    def call(dockerfile, files=None, *flags, tag=None, context="context", ok=True, **kwargs):
        folder = tmp_path / context
        for name, text in {"Dockerfile": dockerfile, **(files or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        tag = tag or f"built-{os.getpid()}-{len(names)}"
        names.append(tag)
        call.tag = tag
        # Without BuildKit: the client says on stderr what it thinks of that.
        done = docker("build", "-t", tag, *flags, folder, timeout=120, **kwargs)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + ("" if ok else done.stderr)

    yield call
    for name in names:
        docker("rmi", "-f", name)


@pytest.fixture
def sh(docker, build):
    """Runs a shell in what was built last."""
    def call(script, *flags):
        done = docker("run", "--rm", *flags, build.tag, "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return call


@pytest.fixture(autouse=True)
def classic(monkeypatch, engine):
    monkeypatch.setitem(engine.env, "DOCKER_BUILDKIT", "0")


def config(docker, name):
    return json.loads(docker("image", "inspect", name).stdout)[0]["Config"]


def test_run_and_copy(build, sh):
    out = build("FROM busybox\nCOPY a b/ /data/\nRUN cat /data/a > /copy && echo done\n", {"a": "one\n", "b/c": "two\n"})
    assert "Step 1/3 : FROM busybox" in out and "\ndone\n" in out and "Successfully tagged" in out
    assert sh("cat /copy /data/c") == "one\ntwo\n"


def test_settings_of_the_image(build, docker):
    build("""FROM busybox
ARG V=1.0
ENV A=b VERSION="v$V" PATH=$PATH:/extra
LABEL one=1 "two words"="x y"
EXPOSE 80 53/udp
VOLUME ["/data", "/more"]
USER 1000:1000
WORKDIR /srv
WORKDIR app
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=7s --retries=2 CMD test -f /ok
SHELL ["/bin/sh", "-ec"]
ONBUILD RUN echo built on
ENTRYPOINT ["echo"]
CMD ["default"]
""", None, "--build-arg", "V=2.5", "--label", "from=outside")
    c = config(docker, build.tag)
    assert "VERSION=v2.5" in c["Env"] and "A=b" in c["Env"] and any(e.startswith("PATH=") and e.endswith(":/extra") for e in c["Env"])
    assert c["Labels"] == {"one": "1", "two words": "x y", "from": "outside"}
    assert set(c["ExposedPorts"]) == {"80/tcp", "53/udp"} and set(c["Volumes"]) == {"/data", "/more"}
    assert (c["User"], c["WorkingDir"], c["StopSignal"]) == ("1000:1000", "/srv/app", "SIGQUIT")
    assert c["Healthcheck"]["Interval"] == 7_000_000_000 and c["Healthcheck"]["Retries"] == 2
    assert c["Shell"] == ["/bin/sh", "-ec"] and c["OnBuild"] == ["RUN echo built on"]
    assert c["Entrypoint"] == ["echo"] and c["Cmd"] == ["default"]
    assert docker("run", "--rm", build.tag).stdout == "default\n"


def test_a_word_stays_one_whatever_its_variables_hold(build, sh, docker):
    build("FROM busybox\nARG A=\"one two\"\nARG B=$A\nENV C=$B D=${A}-${B}\nLABEL \"of $A\"=$C\n"
          "COPY $A /there/\nWORKDIR /in $A\n", {"one two": "kept"})
    labels = json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", build.tag).stdout)
    assert labels == {"of one two": "one two"}
    assert sh('echo "$C|$D"; cat "/there/one two"; echo; pwd') == "one two|one two-one two\nkept\n/in one two\n"


def test_onbuild_runs_in_the_next_build(build, sh):
    build("FROM busybox\nONBUILD COPY x /x\nONBUILD RUN echo more >> /x\n")
    base = build.tag
    out = build(f"FROM {base}\nRUN true\n", {"x": "text\n"}, context="next")
    assert "# Executing 2 build triggers" in out
    assert sh("cat /x") == "text\nmore\n"


def test_entrypoint_resets_the_command_of_the_base(build, docker):
    build('FROM busybox\nCMD ["of the base"]\n')
    build(f'FROM {build.tag}\nENTRYPOINT ["echo"]\n', context="next")
    assert config(docker, build.tag)["Cmd"] is None


def test_the_cache(build):
    text = "FROM busybox\nCOPY f /f\nRUN date +%N > /stamp\nENV A=1\n"
    build(text, {"f": "same"})
    out = build(text, {"f": "same"})
    assert out.count("Using cache") == 3
    # Times don't count, contents do.
    time.sleep(0.01)
    out = build(text, {"f": "same", "other": "not copied"}, context="clone")
    assert out.count("Using cache") == 3
    out = build(text, {"f": "changed"})
    assert "Using cache" not in out
    assert "Using cache" not in build(text, {"f": "changed"}, "--no-cache")


def test_arguments_are_in_the_key_of_what_uses_them(build, sh):
    text = "FROM busybox\nENV X=1\nARG WHO=nobody\nRUN echo $WHO > /who\n"
    build(text)
    out = build(text, None, "--build-arg", "WHO=me")
    assert out.count("Using cache") == 1 and sh("cat /who") == "me\n"
    assert build(text, None, "--build-arg", "WHO=me").count("Using cache") == 2
    out = build(text, None, "--build-arg", "NOT=there")
    assert "[Warning] One or more build-args [NOT] were not consumed" in out


def test_stages(build, sh):
    text = """ARG BASE=busybox
FROM $BASE AS build
RUN echo made > /made && ln -s made /link
FROM build AS never
RUN exit 9
FROM busybox
COPY --from=build /made /link /from/
COPY --from=0 --chown=5:6 --chmod=640 /made /numbered
COPY --from=busybox /bin/busybox /again
"""
    build(text)
    assert sh("cat /from/made /from/link; stat -c '%u:%g %a' /numbered; test -x /again") == "made\nmade\n5:6 640\n"
    assert "returned a non-zero code: 9" in build(text, None, "--target", "never", ok=False)
    assert 'target stage "nobody" could not be found' in build(text, None, "--target", "nobody", ok=False)


def test_heredocs(build, sh):
    build('''FROM busybox
ARG V=value
COPY <<one <<"two" /docs/
$V "quoted"
one
$V
two
RUN <<EOF
set -e
echo first > /out
echo "second $V" >> /out
EOF
RUN cat <<A > /a && cat <<B > /b
from a
A
from b
B
''')
    assert sh("cat /docs/one /docs/two /out /a /b") == 'value "quoted"\n$V\nfirst\nsecond value\nfrom a\nfrom b\n'


def test_dockerignore(build, sh):
    build("FROM busybox\nCOPY . /all/\n",
          {".dockerignore": "*.log\n!keep.log\nsecret\n**/tmp\n", "a.log": "", "keep.log": "", "secret/key": "", "x/tmp/y": "", "x/z": ""})
    assert sh("cd /all && find . -type f | sort").split() == ["./.dockerignore", "./Dockerfile", "./keep.log", "./x/z"]


def test_add_unpacks_archives_and_copy_does_not(build, sh, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("inner/file")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"hi\n"))
    build("FROM busybox\nADD x.tar.gz /added/\nCOPY x.tar.gz /copied/\nADD plain /added/\n",
          {"x.tar.gz": out.getvalue(), "plain": "text"})
    assert sh("cat /added/inner/file; ls /copied; cat /added/plain") == "hi\nx.tar.gz\ntext"


def test_links_of_the_image_are_followed_into_it(build, sh):
    build("FROM busybox\nRUN mkdir -p /usr/lib && ln -s usr/lib /lib64x && ln -s /etc /outside\n"
          "COPY f /lib64x/\nCOPY f /outside/\n", {"f": "x"})
    assert sh("ls /usr/lib /etc/f; readlink /lib64x") == "/etc/f\n\n/usr/lib:\nf\nusr/lib\n"


def test_mounts_of_run(build, sh):
    text = f"""FROM busybox AS data
RUN echo from stage > /file
FROM busybox
RUN --mount=type=cache,id={time.monotonic_ns()},target=/root/.cache echo x >> /root/.cache/n; cat /root/.cache/n > /n
RUN --mount=type=bind,from=data,source=/file,target=/f --mount=target=/ctx cat /f /ctx/hello > /both
RUN --mount=type=tmpfs,target=/scratch df /scratch | grep -q tmpfs
RUN --mount=type=secret,id=missing test ! -e /run/secrets/missing
"""
    build(text, {"hello": "from context\n"})
    assert sh("cat /n /both") == "x\nfrom stage\nfrom context\n"
    build(text, {"hello": "from context\n"}, "--no-cache")
    assert sh("cat /n") == "x\nx\n"
    assert "not found" in build("FROM busybox\nRUN --mount=type=secret,id=key,required=true true\n", ok=False)


def test_what_a_step_changes_in_a_bind_is_for_itself(build, sh, tmp_path):
    text = """FROM busybox AS data
RUN mkdir /d && echo stage > /d/f
FROM busybox
RUN --mount=type=bind,target=/ctx,rw --mount=from=data,source=/d,target=/d,rw \\
    echo changed > /ctx/f && rm /d/f && echo more > /d/g && cat /ctx/f /d/g > /seen
RUN --mount=type=bind,target=/ctx --mount=from=data,source=/d,target=/d cat /ctx/f /d/f > /after; ls /d >> /after
RUN --mount=type=bind,source=f,target=/one,rw echo alone > /one && cp /one /three
"""
    build(text, {"f": "context\n"})
    assert sh("cat /seen /after /three") == "changed\nmore\ncontext\nstage\nf\nalone\n"
    assert (tmp_path / "context/f").read_text() == "context\n"


def test_a_cache_mount_begins_with_what_it_is_from(build, sh):
    text = f"""FROM busybox AS data
RUN mkdir -m 0750 /d && echo stage > /d/f && chown 7:8 /d
FROM busybox
RUN --mount=type=cache,id={time.monotonic_ns()},target=/c,from=data,source=/d stat -c '%a %u %g' /c > /s; cat /c/f >> /s; echo new > /c/f
"""
    build(text)
    assert sh("cat /s") == "750 7 8\nstage\n"
    build(text, None, "--no-cache")
    assert sh("cat /s") == "750 7 8\nnew\n"


@pytest.mark.parametrize("client", ["hull", "docker-py"])
def test_squash_gives_one_layer_on_the_base(engine, build, sh, docker, tmp_path, client):
    """Docker's own client asks for an experimental engine."""
    build("FROM scratch\nLABEL a=b\n")  # its name is removed at the end
    (tmp_path / "it").mkdir()
    (tmp_path / "it/f").write_text("x")
    (tmp_path / "it/Dockerfile").write_text(
        "FROM busybox\nRUN echo a > /a && echo b > /b && mkdir /d && touch /d/x\nRUN rm /a && rm -r /d && mkdir /d\n"
        "COPY f /d/\nENV A=1\nRUN rm /bin/vi /b\n")
    if client == "hull":
        done = engine.hull("build", "-t", build.tag, "--squash", tmp_path / "it", timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        api = docker_py.APIClient(base_url=engine.host)
        said = list(api.build(path=str(tmp_path / "it"), tag=build.tag, squash=True, decode=True))
        assert "Successfully tagged" in said[-1]["stream"], said
        api.close()
    image = json.loads(docker("image", "inspect", build.tag).stdout)[0]
    base = json.loads(docker("image", "inspect", "busybox").stdout)[0]
    assert len(image["RootFS"]["Layers"]) == len(base["RootFS"]["Layers"]) + 1
    assert "A=1" in image["Config"]["Env"]
    assert sh("ls / | grep -x '[ab]'; ls /d; ls /bin/vi 2>&1 | grep -c No") == "f\n1\n"
    history = docker("history", "--no-trunc", "--format", "{{.Size}} {{.Comment}}", build.tag).stdout.splitlines()
    assert "merge sha256:" in history[0]
    assert len(history) == len(docker("history", "-q", "busybox").stdout.split()) + 6


def test_layers_have_just_what_steps_changed(build, docker, tmp_path):
    """Without what the engine puts into a container, sockets, and what was only touched upon."""
    build("FROM scratch\nADD root.tar /\nRUN echo x > /new && chmod 700 /etc/same && chmod 755 /etc/same && mkfifo /pipe\n",
          {"root.tar": busybox_tar()})
    layers = saved_layers(docker, build.tag, tmp_path)
    assert sorted(layers[-1]) == ["new", "pipe"]
    build(f"FROM {build.tag}\nRUN rm /new && mkdir -p /etc/deep/er && echo 0 > /etc/deep/er/f && ln /etc/deep/er/f /hard\n")
    assert sorted(saved_layers(docker, build.tag, tmp_path)[-1]) == [
        ".wh.new", "etc/", "etc/deep/", "etc/deep/er/", "etc/deep/er/f", "hard"]
    assert docker("run", "--rm", build.tag, "sh", "-c", "cat /hard; stat -c %h /hard").stdout == "0\n2\n"


def busybox_tar():
    files = {"bin/sh": pathlib.Path("/bin/busybox").read_bytes(), "etc/same": b"same"}
    for name in ("chmod", "mkfifo", "rm", "mkdir", "ln", "cat", "stat"):
        files["bin/" + name] = files["bin/sh"]
    return tarball(files)


def saved_layers(docker, name, folder):
    """The names in each layer of an image, the lowest first."""
    path = folder / "saved.tar"
    assert docker("save", "-o", path, name).returncode == 0
    with tarfile.open(path) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        found = []
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as tar:
                found.append([entry.name + ("/" if entry.isdir() else "") for entry in tar])
    return found


def test_a_failing_step_has_its_exit_code(build, docker):
    before = docker("ps", "-aq").stdout
    out = build("FROM busybox\nRUN echo some output; exit 42\n", ok=False)
    assert "some output" in out and "The command '/bin/sh -c echo some output; exit 42' returned a non-zero code: 42" in out
    assert docker("ps", "-aq").stdout == before


@pytest.mark.parametrize("text,said", [
    ("FROM busybox\nRUNN true\n", "line 2: unknown instruction: RUNN (did you mean RUN?)"),
    ("RUN true\n", "no build stage in current context"),
    ("FROM busybox\nCOPY gone /x\n", "file not found in build context or excluded by .dockerignore: stat gone: file does not exist"),
    ("FROM busybox\nCOPY --form=x a /x\n", "unknown flag: --form of COPY (did you mean from?)"),
    ("FROM busybox\nRUN --mount=type=bind,taget=/x true\n", "unexpected key 'taget'"),
    ("FROM busybox\nENV novalue\n", "ENV must have two arguments"),
    ("FROM busybox AS unused\nUSER a b\nFROM busybox\nRUN true\n", "line 2: USER requires exactly one argument"),
    ("FROM busybox\nCOPY x\n", "Dockerfile:2\n    2 | COPY x\n        ^^^^"),
    ("FROM busybox\nCOPY ../../etc/passwd /x\n", "file not found"),
    ("FROM nosuch-image-anywhere\n", "nosuch-image-anywhere"),
    ("FROM busybox\nWORKDIR /bin/busybox\n", "not a folder"),
])
def test_B1_errors_say_what_and_where(build, text, said):
    assert said in build(text, ok=False)


def test_quiet_prints_the_id(build, docker):
    out = build("FROM busybox\nRUN true\n", None, "-q")
    assert out.strip() == docker("image", "inspect", "-f", "{{.Id}}", build.tag).stdout.strip()


def test_a_dockerfile_on_stdin(engine, docker):
    done = subprocess.run([docker.path, "build", "-t", "stdin-built", "-"], input="FROM busybox\nCMD echo hi\n", text=True,
                          capture_output=True, env=engine.env, timeout=60)
    assert done.returncode == 0, done.stderr
    assert docker("run", "--rm", "stdin-built").stdout == "hi\n"
    docker("rmi", "-f", "stdin-built")


def test_limits_and_network_reach_the_steps(build):
    out = build("FROM busybox\nRUN ulimit -n; ls /sys/class/net; cat /etc/hosts\n", None, "--no-cache", "--ulimit", "nofile=77:77",
                "--network", "none", "--add-host", "some.where:10.9.8.7")
    assert "\n77\nlo\n" in out and "some.where" in out


def test_a_client_that_leaves_ends_the_build(engine, docker, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo begun; sleep 98765\n")
    client = subprocess.Popen([docker.path, "build", tmp_path], env=engine.env, stdout=subprocess.PIPE, text=True)
    while "begun" not in client.stdout.readline():  # of the step: its container is just being made
        pass
    client.kill()
    client.wait()
    deadline = time.monotonic() + 10
    while "sleep 98765" in docker("ps", "-a", "--no-trunc").stdout and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "sleep 98765" not in docker("ps", "-a", "--no-trunc").stdout


def test_python_docker_builds(engine, tmp_path):
    client = docker_py.DockerClient(base_url=engine.host)
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG A\nLABEL a=$A\nRUN echo out\n")
    image, log = client.images.build(path=str(tmp_path), tag="py-built:1", buildargs={"A": "b"}, labels={"l": "m"}, rm=True)
    assert image.labels == {"a": "b", "l": "m"} and "py-built:1" in image.tags
    assert any(line.get("stream") == "out\n" for line in log)
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN exit 3\n")
    with pytest.raises(docker_py.errors.BuildError) as failed:
        client.images.build(path=str(tmp_path))
    assert "non-zero code: 3" in str(failed.value)
    client.images.remove("py-built:1", force=True)
    client.close()


def test_a_base_image_is_pulled(build, docker, sh):
    registry = Registry().start()
    try:
        name = registry.put("tests/base", "v1", Image([tarball(registries.busybox_files()), tarball({"etc/marker": b"second\n"})]))
        docker("rmi", "-f", name)
        out = build(f"FROM {name}\nRUN cat /etc/marker > /copy\n")
        assert "Pull complete" in out and sh("cat /copy") == "second\n"
        assert "Pull complete" not in build(f"FROM {name}\nRUN true\n")
        assert f"{registry.name}/tests/none" in build(f"FROM {registry.name}/tests/none\n", ok=False)
        docker("rmi", "-f", name)
    finally:
        registry.stop()


def test_hull_builds_a_folder(engine, tmp_path):
    context = tmp_path / "context"
    (context / "skip").mkdir(parents=True)
    (context / "skip/x").write_text("not sent")
    (context / "f").write_text("from the folder\n")
    (context / ".dockerignore").write_text("*\n!f\n")
    elsewhere = tmp_path / "other.Dockerfile"
    elsewhere.write_text("FROM busybox\nARG A\nCOPY . /all/\nRUN ls /all > /list; echo $A >> /list\nCMD cat /list /all/f\n")
    done = engine.hull("build", "-t", "by-hull", "-f", elsewhere, "--build-arg", "A=arg", "--iidfile", tmp_path / "id", context)
    assert done.returncode == 0, done.stderr
    assert "Successfully tagged by-hull:latest" in done.stdout
    out = engine.hull("run", "--rm", "by-hull").stdout
    assert out == "f\narg\nfrom the folder\n"
    wanted = engine.hull("image", "inspect", "-f", "{{.Id}}", "by-hull").stdout.strip()
    assert (tmp_path / "id").read_text() == wanted
    assert engine.hull("build", "-q", "-f", elsewhere, "--build-arg", "A=arg", context).stdout.strip() == wanted
    assert engine.hull("build", tmp_path / "gone").returncode != 0
    engine.hull("rmi", "-f", "by-hull")


def test_each_test_of_the_document_is_there():
    root = pathlib.Path(__file__).resolve().parents[2]
    text = (root / "docs/dockerfile.md").read_text()
    sources = "".join(p.read_text() for folder in ("src/build", "src/image", "src/store") for p in (root / folder).rglob("*_test.cc"))
    named = re.findall(r"`([A-Z]\w+)\.(\w+)`", text)
    assert len(named) > 10
    assert [f"{a}.{b}" for a, b in named if not re.search(rf"TEST(_[FP])?\({a}, {b}\)", sources)] == []
    here = "".join((root / "tests/e2e" / name).read_text() for name in
                   ("test_build.py", "test_buildkit.py", "test_buildx.py", "test_build_cache.py", "test_hull_build.py",
                    "test_git_contexts.py", "test_other_processors.py"))
    assert [t for t in re.findall(r"`(?:test_build(?:kit|x|_cache).py::|test_hull_build.py::|::)?(test_\w+)`", text) if f"def {t}(" not in here] == []


def test_lint_warnings(build):
    out = build("FROM busybox\nMAINTAINER me\n")
    assert "[WARNING]: MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)" in out
    assert "WARNING" not in build("# check=skip=all\nFROM busybox\nMAINTAINER me\n")
    out = build("# check=error=true\nFROM busybox\nMAINTAINER me\n", ok=False)
    assert "lint violation found for rules: MaintainerDeprecated" in out


def test_cache_from_takes_layers_of_an_image(build, docker, tmp_path):
    text = "FROM busybox\nENV A=b\nCOPY f /f\nRUN date +%N > /when\nCMD [\"sh\"]\n"
    build(text, {"f": "1"})
    created_by = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", build.tag).stdout.splitlines()
    assert created_by[0] == '/bin/sh -c #(nop)  CMD ["sh"]' and created_by[1] == "/bin/sh -c date +%N > /when"
    assert re.fullmatch(r"/bin/sh -c #\(nop\) COPY file:[0-9a-f]{64} in /f ", created_by[2])
    assert created_by[3] == "/bin/sh -c #(nop)  ENV A=b"
    before = json.loads(docker("image", "inspect", build.tag).stdout)[0]["RootFS"]["Layers"]
    tag = build.tag
    archive = tmp_path / "image.tar"
    assert docker("save", "-o", str(archive), tag).returncode == 0
    assert docker("rmi", "-f", tag).returncode == 0
    assert docker("builder", "prune", "-f").returncode == 0
    assert docker("load", "-i", str(archive)).returncode == 0
    out = build(text, {"f": "1"}, "--cache-from", tag, "--cache-from", "localhost:1/not/there")
    assert out.count("Using cache") == 4, out
    assert json.loads(docker("image", "inspect", build.tag).stdout)[0]["RootFS"]["Layers"] == before
    assert docker("builder", "prune", "-f").returncode == 0
    out = build(text, {"f": "2"}, "--cache-from", tag)
    assert out.count("Using cache") == 1, out  # another file: nothing after it


def test_prune_forgets(build, docker):
    text = "FROM busybox\nRUN --mount=type=cache,id=pruned,target=/c dd if=/dev/zero of=/c/f bs=1k count=64\n"
    build(text)
    assert "Using cache" in build(text)
    assert docker("builder", "prune", "-f").returncode == 0
    assert "Using cache" not in build(text)
