"""hull build: BuildKit's way, with what docker's buildx offers."""
import io
import json
import os
import re
import socket
import subprocess
import tarfile
import threading

import pytest


@pytest.fixture
def build(engine, tmp_path):
    """build(dockerfile, {name: text}, *flags): gives the finished process; build.tag is what was built."""
    names = []

    def call(dockerfile, files=None, *flags, code=0, path=None, env=None, **kwargs):
        folder = tmp_path / "context"
        folder.mkdir(exist_ok=True)
        for name, text in {"Dockerfile": dockerfile, **(files or {})}.items():
            if text is None:
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        call.folder = folder
        call.tag = f"hb-{os.getpid()}-{len(names)}"
        names.append(call.tag)
        done = subprocess.run([engine.programs / "bin/hull", "build", "-t", call.tag, *flags, path or folder],
                              env={**engine.env, **(env or {})}, text=True, capture_output=True, timeout=120, **kwargs)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    yield call
    for name in names:
        engine.hull("rmi", "-f", name)


@pytest.fixture
def sh(engine, build):
    def call(script):
        done = engine.hull("run", "--rm", build.tag, "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return call


def test_progress_in_plain_text(engine, build, sh):
    text = ("FROM busybox AS one\nRUN echo to-out; echo to-err >&2\nFROM busybox\nCOPY --from=one /etc/passwd /p\n"
            "COPY a /a\nRUN cat /a > /x\nRUN printf no-end\n")
    done = build(text, {"a": "one\n"})
    assert done.stdout == ""
    out = done.stderr
    assert re.search(r"^#\d+ \[internal\] load build definition from Dockerfile$", out, re.M)
    assert re.search(r"^#\d+ \d+\.\d{3} to-out$", out, re.M) and re.search(r"^#\d+ \d+\.\d{3} to-err$", out, re.M)
    assert re.search(r"^#\d+ (\d+\.\d{3} )?no-end$", out, re.M)
    assert re.search(r"^#\d+ DONE \d+\.\d+s$", out, re.M) and "naming to docker.io/library/" + build.tag in out
    assert sh("cat /x") == "one\n"
    again = build(text, {"a": "one\n"}).stderr
    assert len(re.findall(r"^#\d+ CACHED$", again, re.M)) >= 5
    assert build(text, None, "--progress=quiet").stderr == ""
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", build(text, None, "-q").stdout)
    lines = [json.loads(line) for line in build(text, None, "--progress=rawjson").stderr.splitlines()]
    assert any(v["name"].endswith("RUN cat /a > /x") and v.get("cached")
               for line in lines for v in line.get("vertexes", []))
    assert "invalid progress type" in build(text, None, "--progress=odd", code=1).stderr


def test_a_step_that_fails_is_told_again(build):
    done = build("FROM busybox\nRUN i=0; while [ $i -lt 40 ]; do echo line-$i; i=$((i+1)); done; exit 3\n", None, code=1)
    tail = done.stderr[done.stderr.rindex("------\n > "):] if done.stderr.count("------\n > ") else ""
    told = done.stderr[done.stderr.index("------\n > "):]
    assert "RUN i=0" in told and "line-39" in told and "line-5\n" not in told, tail
    assert "exit code: 3" in done.stderr.splitlines()[-1]


def test_progress_on_a_terminal(engine, build):
    import pty
    build.folder = None
    master, slave = pty.openpty()
    text = "FROM busybox\nRUN for i in 1 2 3; do echo tick-$i; sleep 0.2; done\n"
    chunks = []

    def read():
        try:
            while piece := os.read(master, 65536):
                chunks.append(piece)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    folder = os.path.dirname(str(engine.socket))
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/Dockerfile", "w") as file:
            file.write(text)
        done = subprocess.run([engine.programs / "bin/hull", "build", "--no-cache", folder], env=engine.env,
                              stdin=slave, stdout=slave, stderr=slave, timeout=120)
    os.close(slave)
    reader.join(10)
    os.close(master)
    out = b"".join(chunks).decode()
    assert done.returncode == 0, out
    assert "[+] Building" in out and "FINISHED" in out and "=> => # tick-" in out
    assert re.search(r" => \[2/2\] RUN for i in .* \d\.\ds", out)


def test_secrets(engine, build, sh, tmp_path):
    (tmp_path / "s").write_text("hidden\n")
    done = build("FROM busybox\nRUN --mount=type=secret,id=a cat /run/secrets/a; "
                 "echo end\nRUN --mount=type=secret,id=b,env=B echo got-$B\n"
                 "RUN --mount=type=secret,id=none ls /run/secrets/none 2>&1 || true\n", None,
                 "--secret", f"id=a,src={tmp_path}/s", "--secret", "id=b,env=OF_THE_USER", env={"OF_THE_USER": "xyz"})
    assert "hidden" in done.stderr and "got-xyz" in done.stderr
    assert sh("grep -r hidden /etc /run || true") == ""
    assert "failed to stat" in build("FROM busybox\n", None, "--secret", "id=a,src=/nowhere", code=1).stderr
    assert "missing ID" in build("FROM busybox\n", None, "--secret", "src=/x", code=125).stderr


def test_ssh_agents(build, debian, tmp_path):
    path = str(tmp_path / "agent")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                while peer.recv(4096):
                    peer.sendall(b"\0\0\0\5\x0c\0\0\0\0")

    threading.Thread(target=serve, daemon=True).start()
    ask = ("use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ENV{SSH_AUTH_SOCK})) or die $!;"
           "syswrite(S, pack(q(Nc), 1, 11)); read(S, $b, 9); print unpack(q(H*), $b), qq(\\n);")
    done = build(f"FROM {debian}\nRUN --mount=type=ssh perl -e '{ask}'\n", None, "--ssh", f"default={path}")
    assert "000000050c" in done.stderr, done.stderr
    listener.close()
    assert "unset ssh forward key" in build("FROM busybox\nRUN --mount=type=ssh,required=true true\n", code=1).stderr


def test_results_as_files(engine, build, tmp_path):
    text = ("FROM busybox AS all\nRUN mkdir -p /out/d && echo hi > /out/f && ln -s f /out/l && chmod 4711 /out/f\n"
            "FROM scratch\nCOPY --from=all /out /\n")
    build(text, None, "-o", tmp_path / "local")
    assert sorted(os.listdir(tmp_path / "local")) == ["d", "f", "l"]
    assert (tmp_path / "local/l").read_text() == "hi\n"
    assert os.stat(tmp_path / "local/f").st_mode & 0o7777 == 0o4711
    assert engine.hull("image", "inspect", build.tag).returncode != 0
    build(text, None, "--output", f"type=tar,dest={tmp_path}/t.tar")
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert sorted(tar.getnames()) == ["d", "f", "l"]
    assert sorted(os.listdir(tmp_path)) == ["context", "local", "t.tar"]
    folder = str(build.folder)
    done = subprocess.run([engine.programs / "bin/hull", "build", "-q", "-o", "-", folder], env=engine.env,
                          capture_output=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert sorted(tar.getnames()) == ["d", "f", "l"]
    build(text, None, "-o", f"type=oci,dest={tmp_path}/oci.tar")
    with tarfile.open(tmp_path / "oci.tar") as tar:
        assert "oci-layout" in tar.getnames() and "index.json" in tar.getnames()
    build(text, None, "-o", f"type=docker,dest={tmp_path}/docker.tar")
    assert build.tag in engine.hull("load", "-i", tmp_path / "docker.tar").stdout
    build(text, None, "--load")
    assert engine.hull("image", "inspect", build.tag).returncode == 0
    build(text, None, "-o", "type=cacheonly")
    assert engine.hull("image", "inspect", build.tag).returncode != 0


@pytest.mark.parametrize("output,why", [
    ("type=nothing,dest=x", "could not be found"), ("type=image,odd=1", "no attribute odd"),
    ("type=image,compression=zstd", "compression=zstd"), ("type=image,push=maybe", "non-bool value"),
    ("type=image,annotation.a=b", "annotation"), ("type=image,push-by-digest=true", "push-by-digest"),
    ("type=tar,dest=-,name=x", "no attribute name"), ("type=local", "dest is required"),
    ("type=oci,dest=-,compression=estargz", "compression=estargz"), ("type=image,store=false", "store=false"),
    ("type=local,dest=out,mode=delete", "mode=delete"), ("type=image,rewrite-timestamp=true", "SOURCE_DATE_EPOCH")])
def test_attributes_that_outputs_do_not_have(build, output, why):
    done = build("FROM busybox\n", None, "-o", output, code=125 if "dest is required" in why else 1)
    assert why in done.stderr, done.stderr


def test_attributes_that_change_nothing_here(engine, build):
    build("FROM scratch\nLABEL a=b\n", None, "-o", "type=image,unpack=true,compression=gzip,oci-mediatypes=0,"
          "push=false,store=true,force-compression=false,name=other-name:1")
    assert engine.hull("image", "inspect", "other-name:1").returncode == 0
    engine.hull("rmi", "other-name:1")


def test_files_that_say_what_was_built(engine, build, tmp_path):
    build("FROM busybox\nLABEL a=b\n", None, "--iidfile", tmp_path / "id", "--metadata-file", tmp_path / "m")
    wanted = engine.hull("image", "inspect", "-f", "{{.Id}}", build.tag).stdout.strip()
    assert (tmp_path / "id").read_text() == wanted
    metadata = json.loads((tmp_path / "m").read_text())
    assert metadata["containerimage.config.digest"] == wanted
    assert metadata["image.name"] == f"docker.io/library/{build.tag}:latest"


def test_named_contexts(build, sh, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/f").write_text("of more\n")
    build("FROM base\nCOPY --from=extra f /f\n", None, "--build-context", f"extra={tmp_path}/more",
          "--build-context", "base=docker-image://busybox")
    assert sh("cat /f") == "of more\n"
    assert "is not a folder" in build("FROM busybox\n", None, "--build-context", "x=/nowhere", code=125).stderr
    assert "no index.json" in build("FROM busybox\n", None, "--build-context", "x=oci-layout:///y", code=1).stderr


def test_images_of_oci_layouts(engine, build, sh, tmp_path):
    layout = tmp_path / "layout"
    for number in (1, 2):
        build(f"FROM busybox\nRUN echo {number}-{tmp_path.name} > /n\nENV N={number}\n", None, "-o", f"type=oci,dest={tmp_path}/{number}.tar")
        engine.hull("rmi", "-f", build.tag)
        subprocess.run(["tar", "-xf", f"{tmp_path}/{number}.tar", "-C", tmp_path], check=True)
        index = json.loads((tmp_path / "index.json").read_text())
        index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": f"v{number}"}
        layout.mkdir(exist_ok=True)
        (layout / f"index-{number}.json").write_text(json.dumps(index["manifests"][0]))
        subprocess.run(["cp", "-a", tmp_path / "blobs", tmp_path / "oci-layout", layout], check=True)
    manifests = [json.loads((layout / f"index-{number}.json").read_text()) for number in (1, 2)]
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    before = engine.hull("image", "ls", "-aq").stdout.split()
    text = "FROM base\nCOPY --from=files /n /copied\nRUN cat /n /copied; echo N=$N\n"
    done = build(text, None, "--build-context", f"base=oci-layout://{layout}:v2", "--build-context",
                 f"files=oci-layout://{layout}@{manifests[0]['digest']}", "--progress=plain")
    assert f"2-{tmp_path.name}" in done.stderr and f"1-{tmp_path.name}" in done.stderr and "N=2" in done.stderr
    assert sh("cat /copied") == f"1-{tmp_path.name}\n"
    engine.hull("rmi", build.tag)
    assert set(engine.hull("image", "ls", "-aq").stdout.split()) <= set(before)
    missing = build("FROM base\n", None, "--build-context", f"base=oci-layout://{layout}", code=1).stderr
    assert "there is no image latest" in missing and "it has v1, v2" in missing


def test_stages_built_anew(build):
    text = "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS b\nCOPY --from=a /a /a\nRUN echo b > /b\n"
    build(text)
    out = build(text, None, "--no-cache-filter", "b").stderr
    of = dict(re.findall(r"^(#\d+) (\[.*)$", out, re.M))
    cached = set(re.findall(r"^(#\d+) CACHED$", out, re.M))
    assert {of[n] for n in cached if "RUN" in of[n]} == {"[a 2/2] RUN echo a > /a"}


def test_checks_without_a_build(engine, build):
    done = build("FROM busybox as x\nCMD echo hi\n", None, "--check", code=1)
    assert "2 warnings have been found!" in done.stdout or "warning" in done.stdout
    assert "WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/" in done.stdout
    assert re.search(r"^ +2 \| >>> CMD echo hi$", done.stdout, re.M)
    assert engine.hull("image", "inspect", build.tag).returncode != 0
    assert build("FROM busybox\n", None, "--call=check").stdout == "Check complete, no warnings found.\n"
    assert "warnings found" in build("FROM busybox as x\nCMD echo hi\n").stderr


def test_calls_that_build_nothing(build):
    text = ("# BASE is what all stands on\nARG BASE=busybox\n# tools has the compilers\nFROM $BASE AS tools\n# VERSION of them\n"
            "ARG VERSION=1\nRUN --mount=type=secret,id=key,required false\nFROM tools\nRUN --mount=type=ssh false\n")
    assert build(text, None, "--call=targets").stdout == (
        "TARGET      DESCRIPTION\n"
        "tools       has the compilers\n"
        "(default)   \n")
    assert build(text, None, "--call=outline", "--target", "tools", "--build-arg", "VERSION=7").stdout == (
        "TARGET:        tools\n"
        "DESCRIPTION:   has the compilers\n\n"
        "BUILD ARG   VALUE     DESCRIPTION\n"
        "BASE        busybox   is what all stands on\n"
        "VERSION     7         of them\n\n"
        "SECRET   REQUIRED\n"
        "key      true\n\n")
    outline = json.loads(build(text, None, "--call=outline,format=json").stdout)
    assert [argument["name"] for argument in outline["args"]] == ["BASE", "VERSION"] and outline["ssh"][0]["name"] == "default"
    warned = json.loads(build("FROM busybox\nWORKDIR /$X\n", None, "--call=check,format=json", code=1).stdout)["warnings"]
    assert [w["ruleName"] for w in warned] == ["UndefinedVar"] and warned[0]["detail"] == "Usage of undefined variable '$X'"
    assert "there are build, check, outline and targets" in build("FROM busybox\n", None, "--call=x", code=1).stderr


def test_a_dockerfile_and_contexts_from_elsewhere(engine, build, sh, tmp_path):
    (tmp_path / "context").mkdir()
    (tmp_path / "context/f").write_text("of the folder\n")
    build(None, None, "-f", "-", input="FROM busybox\nCOPY f /f\n")
    assert sh("cat /f") == "of the folder\n"
    (tmp_path / "Other.Dockerfile").write_text("FROM busybox\nCOPY . /all/\n")
    (tmp_path / "Other.Dockerfile.dockerignore").write_text("skip\n")
    (tmp_path / "context/skip").write_text("x")
    build(None, None, "-f", tmp_path / "Other.Dockerfile")
    assert sh("ls /all") == "f\n"
    build(None, None, path="-", input="FROM busybox\nRUN echo alone > /f\n")
    assert sh("cat /f") == "alone\n"
    done = subprocess.run([engine.programs / "bin/hull", "build", "-q", "-"], env=engine.env, timeout=60,
                          stdin=subprocess.Popen(["tar", "-C", str(tmp_path / "context"), "-cf", "-", "f",
                                                  "--transform", "s,^Other,Dockerfile,"],
                                                 stdout=subprocess.PIPE).stdout, capture_output=True, text=True)
    assert done.returncode == 1 and "Dockerfile" in done.stderr
    assert engine.hull("build", tmp_path / "gone").returncode == 1


def test_links_and_odd_names_of_the_context(build, sh):
    folder_files = {"real/deep/f": "deep\n", "a b": "blank\n", "x-1": "1", "x-2": "2"}
    build("FROM busybox\n", folder_files)
    os.symlink("real", build.folder / "link")
    build("FROM busybox\nCOPY link/deep/f /f\nCOPY [\"a b\", \"/ab\"]\nCOPY x-* /x/\n", folder_files)
    assert sh("cat /f /ab; ls /x") == "deep\nblank\nx-1\nx-2\n"
    build("FROM busybox\nCOPY . /all/\n", {".dockerignore": "**\n!real/deep\n"})
    assert sh("cd /all && find . -type f") == "./real/deep/f\n"


def test_what_did_not_change_is_not_sent_again(build):
    text = "FROM busybox\nCOPY . /all/\n"
    build(text, {"big": "x" * 8_000_000})
    out = build(text).stderr
    sent = re.findall(r"transferring context: (\S+)", out)
    assert sent and not any(amount.endswith("MB") for amount in sent), out


def test_docker_s_classic_way(engine, build, sh):
    done = build("FROM busybox\nCOPY a /a\n", {"a": "x\n"}, env={"DOCKER_BUILDKIT": "0"})
    assert "Step 2/2 : COPY a /a" in done.stdout and sh("cat /a") == "x\n"
    assert "requires BuildKit" in build("FROM busybox\n", None, "--push", env={"DOCKER_BUILDKIT": "0"}, code=1).stderr


def test_the_same_digests(engine, build):
    text = ("FROM busybox\nRUN echo one > /one; mkdir /d; echo two > /d/two\nCOPY . /all/\nWORKDIR /new\n"
            "ENV A=b\nRUN ln /one /hard; touch -d '2001-01-01 00:00:00' /old\n")
    flags = ["--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-o", "type=image,rewrite-timestamp=true"]
    build(text, {"f": "x"}, *flags)
    first = json.loads(engine.hull("image", "inspect", build.tag).stdout)[0]
    os.utime(build.folder / "f", (1800000000, 1800000000))
    build(text, None, *flags)
    second = json.loads(engine.hull("image", "inspect", build.tag).stdout)[0]
    assert first["Id"] == second["Id"] and first["RootFS"] == second["RootFS"]
    assert first["Created"] == "2023-11-14T22:13:20Z"
    out = engine.hull("run", "--rm", build.tag, "stat", "-c", "%Y", "/one", "/d", "/d/two", "/new", "/old").stdout
    assert out.split() == ["1700000000"] * 4 + ["978307200"]


def test_verify_reproducible(engine, build, tmp_path):
    text = "FROM busybox\nRUN echo same > /same && touch -d '2001-01-01 00:00:00' /same\n"
    epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1700000000"]
    done = build("FROM busybox\nLABEL a=b\n", None, "--verify-reproducible", *epoch)
    assert done.stdout.startswith("reproducible: both builds gave sha256:")
    images = set(engine.hull("images", "-aq").stdout.split())
    done = build(text + "RUN cat /proc/sys/kernel/random/uuid > /differs\n",
                 None, "--verify-reproducible", code=1)
    assert done.stdout.startswith("not reproducible: ")
    lines = done.stdout.splitlines()[1:]
    assert any(re.match(r"C /differs \(.*contents", line) for line in lines), lines
    assert not any(line.startswith("C /same ") for line in lines), lines
    assert len(set(engine.hull("images", "-aq").stdout.split()) - images) == 1  # the first one
    assert "exclude each other" in build(text, None, "--verify-reproducible", "-o", tmp_path / "x", code=1).stderr


def test_image_diff_and_tree(engine, build):
    text = "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1k count=64 && echo x > /small\nENV A=b\n"
    build(text)
    first = build.tag
    build(text + "RUN rm /small; echo new > /added; chmod 600 /big\n")
    lines = engine.hull("image", "diff", first, build.tag).stdout.splitlines()
    assert "D /small" in lines and "A /added" in lines and "C /big (mode 644 -> 600)" in lines
    assert engine.hull("image", "diff", first, first).stdout == ""
    tree = engine.hull("image", "tree", first).stdout.splitlines()
    assert tree[0].startswith(first)
    at = next(i for i, line in enumerate(tree) if "RUN /bin/sh -c dd" in line)
    assert tree[at + 1].split() == ["|", "65.5kB", "/big"] and tree[at + 2].split() == ["|", "2B", "/small"]
    assert "ENV A=b" in tree[-1] and tree[-1].startswith("`-- -")
    assert engine.hull("ps", "-aq").stdout == "" or "Created" not in engine.hull("ps", "-a").stdout


def test_a_shell_where_a_step_failed(engine, build):
    """It has the files, folder, user and variables with which the program began; nothing of it stays."""
    images = engine.docker("images", "-aq").stdout
    text = ("FROM busybox\nARG V=arg\nENV E=env\nRUN echo joe:x:1000:1000::/:/bin/sh >> /etc/passwd && mkdir /w && chown joe /w\nWORKDIR /w\nUSER joe\n"
            "RUN echo made > it\nRUN echo gone > it; exit 4\n")
    script = "cat it; pwd; id -un; echo $V $E; exit 7\n"
    done = build(text, None, "--on-failure=shell", "--progress=plain", code=1, input=script)
    assert done.stdout == "made\n/w\njoe\narg env\n", done.stderr
    assert "exit code: 4" in done.stderr.splitlines()[-1]
    assert engine.docker("images", "-aq").stdout == images
    assert build("FROM busybox\nRUN true\n", None, "--on-failure=shell", input="echo no\n").stdout == ""
    assert "there is only shell" in build("FROM busybox\n", None, "--on-failure=other", code=1).stderr


def test_the_hosts_network_must_be_allowed(build):
    """Or a Dockerfile of somebody else's would reach what listens on this machine alone."""
    text = "FROM busybox\nRUN --network=host ls /sys/class/net > /n\n"
    assert "network.host is not allowed: build with --allow network.host" in build(text, None, code=1).stderr
    build(text, None, "--allow", "network.host")
    build(text, None, "--no-cache", "--network", "host")
    assert "there are network.host and security.insecure" in build(text, None, "--allow", "all", code=1).stderr


def test_an_insecure_step_needs_the_engine_and_the_client(new_engine, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/Dockerfile").write_text(
        "FROM busybox\nRUN --security=insecure mkdir /m && mount -t tmpfs x /m && grep CapEff /proc/self/status > /caps\n"
        "RUN cat /caps; grep CapEff /proc/self/status; ! mount -t tmpfs x /m\n")
    build = ["build", "--progress=plain", "--no-cache", str(tmp_path / "c")]
    for settings, refusal in (({}, "security.insecure is not allowed: daemon.json says so"),
                              ({"network-host": False, "security-insecure": True}, None)):
        (tmp_path / "daemon.json").write_text(json.dumps({"builder": {"entitlements": settings}}))
        engine = new_engine("--config-file", str(tmp_path / "daemon.json"))
        assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
        assert "security.insecure is not allowed" in engine.hull(*build).stderr
        done = engine.hull(*build, "--allow", "security.insecure", timeout=120)
        if refusal:
            assert refusal in done.stderr
            continue
        assert done.returncode == 0, done.stderr
        inside, usual = re.findall(r"CapEff:\s*([0-9a-f]+)", done.stderr)[-2:]
        assert int(inside, 16) > int(usual, 16)
        (tmp_path / "c/Dockerfile").write_text("FROM busybox\nRUN --network=host true\n")
        assert "network.host is not allowed: daemon.json says so" in engine.hull(*build, "--allow", "network.host").stderr
    (tmp_path / "daemon.json").write_text('{"builder": {"entitlements": {"other": true}}}')
    assert "entitlements has network-host and security-insecure" in subprocess.run(
        [engine.programs / "bin/hulld", "--validate", "--config-file", tmp_path / "daemon.json"], capture_output=True, text=True).stderr
