"""A corpus of Dockerfiles: what hulld makes of each, by both ways to build, against a real dockerd's and buildah's.

Configurations and trees (kinds, modes, owners, link targets, contents) must be the same; DIFFERENT lists what is not,
and why. Without a dockerd on the machine there is nothing to compare with.
"""
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time

import pytest

DOCKER = "/usr/bin/docker"  # Debian's, which has BuildKit in itself
pytestmark = pytest.mark.skipif(not shutil.which("dockerd") or not os.path.exists(DOCKER), reason="there is no dockerd here")

FILES = {"a": "a\n", "b.txt": "b\n", "dir/c": "c\n", "dir/sub/d": "d\n", "dir/.hidden": "h\n", "with space": "s\n",
         "x1.log": "1\n", "x2.log": "2\n", "script.sh": "#!/bin/sh\necho script\n"}

# name: (Dockerfile, build flags)
CORPUS = {
    "plain": ("FROM base\nRUN echo hi > /hi\n",),
    "run forms": ("FROM base\nRUN [\"/bin/sh\", \"-c\", \"echo exec > /e\"]\nRUN echo a \\\n  b \\\n# comment\n  c > /s\nRUN echo \"$HOME\" > /h\n",),
    "copy forms": ("FROM base\nCOPY a /one\nCOPY a b.txt /two/\nCOPY dir /three\nCOPY dir/ /four/\nCOPY [\"with space\", \"/with space\"]\n"
                   "COPY x*.log /logs/\nCOPY ?.txt /q/\nCOPY . /all/\n",),
    "copy to workdir": ("FROM base\nWORKDIR /w/deep\nCOPY a .\nCOPY a ./named\nCOPY dir sub/\nWORKDIR rel\nCOPY a x\n",),
    "copy over links": ("FROM base\nRUN mkdir /real && ln -s /real /link && ln -s real /rel\nCOPY a /link/\nCOPY b.txt /rel/x/\n",),
    "copy modes": ("FROM base\nCOPY script.sh /bin/\nRUN /bin/script.sh > /out\nCOPY --chown=7:8 dir /d\nCOPY --chown=joe dir /e\n"
                   "COPY --chown=joe:staff a /f\nCOPY --chown=9 a /g\n",),
    "copy replaces": ("FROM base\nRUN mkdir /f && echo x > /x && mkdir /d && echo y > /d/y\nCOPY a /x\nCOPY dir /d\n",),
    "add": ("FROM base\nADD t.tar /t/\nADD t.tar.gz /gz/\nADD t.tar.xz /xz/\nADD t.tar.bz2 /bz/\nADD a /a\nADD notar.tar /n/\nCOPY t.tar /c/\n",),
    "env": ("FROM base\nENV A=1 B=\"two words\" C=three\\ words D='$A'\nENV E=$A-$B F=${A}x G=${NO:-default} H=${A:+set} I=${NO:+set}\n"
            "ENV OLD style with blanks\nENV A=2 J=$A\nENV K=\\$A L=\"a\\\"b\" M=\nRUN env | sort | grep -v -e HOSTNAME -e HOME -e PWD > /env\n",),
    "arg": ("ARG V=1.0\nFROM base\nARG V\nARG W=w\nARG X\nENV E=$V$W$X\nRUN echo \"$V $W $X\" > /a\nARG W=again\nRUN echo $W > /w\n",
            "--build-arg", "X=given", "--build-arg", "V=2.0"),
    "arg in from": ("ARG BASE=base\nFROM ${BASE}\nRUN echo x > /x\n",),
    "arg not env": ("FROM base\nARG A=arg\nENV A=env\nRUN echo $A > /a\n", "--build-arg", "A=given"),
    "settings": ("FROM base\nUSER joe\nWORKDIR /home/joe\nEXPOSE 80 443/tcp 53/udp\nVOLUME /v1 /v2\nVOLUME [\"/v3\"]\nLABEL a=1 \"b c\"=\"d e\" f=\"g\\\nh\"\n"
                 "STOPSIGNAL SIGUSR1\nHEALTHCHECK --interval=5s --timeout=3s --start-period=1m --retries=4 CMD test -e /x\nCMD [\"a\", \"b\"]\n"
                 "ENTRYPOINT [\"/e\"]\nMAINTAINER somebody\n",),
    "cmd forms": ("FROM base\nCMD echo $HOME\nENTRYPOINT exec top\n",),
    "cmd reset": ("FROM base AS one\nCMD [\"x\"]\nFROM one\nENTRYPOINT [\"y\"]\n",),
    "healthcheck none": ("FROM base\nHEALTHCHECK CMD true\nHEALTHCHECK NONE\n",),
    "shell": ("FROM base\nSHELL [\"/bin/sh\", \"-exc\"]\nRUN echo x > /x\nCMD y\nENTRYPOINT z\n",),
    "user": ("FROM base\nUSER joe\nRUN id -u > /tmp/u; touch /tmp/f\nCOPY a /tmp/copied\nUSER 1234:5678\nRUN touch /tmp/g\nWORKDIR /made/by/root\n",),
    "workdir": ("FROM base\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c\nENV D=/x\nWORKDIR $D/y\nRUN pwd > /pwd\nWORKDIR /\n",),
    "stages": ("FROM base AS one\nRUN echo 1 > /one\nFROM base AS two\nCOPY --from=one /one /got\nRUN echo 2 > /two\nFROM base\nCOPY --from=0 /one /a\n"
               "COPY --from=two /got /two /dir/\nCOPY --from=one /etc/passwd /p\n",),
    "target": ("FROM base AS one\nRUN echo 1 > /one\nCMD one\nFROM base AS two\nRUN false\n", "--target", "one"),
    "stage on stage": ("FROM base AS one\nENV A=1\nRUN echo 1 > /one\nFROM one AS two\nRUN echo $A > /two\nFROM two\nRUN rm /one\n",),
    "scratch": ("FROM scratch\nCOPY a /a\nCOPY dir /dir\nCMD [\"/a\"]\n",),
    "onbuild": ("FROM base\nONBUILD RUN echo x > /x\nONBUILD COPY a /a\n",),
    "onbuild runs": ("FROM onbuild-base\nRUN ls / > /ls\n",),
    "ignored": ("FROM base\nCOPY . /c/\n",),
    "volume writes": ("FROM base\nRUN mkdir /v && echo 1 > /v/one\nVOLUME /v\nRUN echo 2 > /v/two\nCOPY a /v/a\n",),
    "deletes": ("FROM base\nRUN mkdir -p /d/e && touch /d/e/f /d/g\nRUN rm -r /d/e && mkdir /d/e && touch /d/e/new\nRUN rm -r /d && mkdir /d\n",),
    "links": ("FROM base\nRUN echo x > /x && ln /x /y && ln -s x /z && mkfifo /p && mkdir -m 1777 /t && chmod 4755 /x\nRUN echo more >> /y\n",),
    "nothing done": ("FROM base\nRUN true\nRUN :\nENV A=1\n",),
    "lower case": ("from base\nrun echo x > /x\nenv A=1\ncmd x\n",),
    "escape": ("# escape=`\nFROM base\nRUN echo a `\n b > /x\nENV A=c:\\d\n",),
    "blank lines": ("\n\n# c\nFROM base\n\nRUN echo a \\\n\n  b > /x\n\n",),
    "label file": ("FROM base\nLABEL multi.line=\"a \\\nb\" other='c d'\n", "--label", "given=yes"),
    "expose ranges": ("FROM base\nEXPOSE 7000-7003 80/TCP\nARG P=9\nEXPOSE $P\n",),
    "quotes": ("FROM base\nRUN echo 'a \"b\"' \"c 'd'\" e\\ f > /x\nCMD [\"a\\\"b\", \"c\\\\d\", \"\\u00e9\"]\n",),
    "not json": ("FROM base\nCMD ['a', 'b']\nENTRYPOINT [\"a\", ]\n",),
    "same file twice": ("FROM base\nCOPY a /x\nCOPY a /x\nRUN touch -d @0 /x\n",),
    "times": ("FROM base\nRUN touch -d @1000000000 /old && mkdir /d && touch -d @1000000000 /d\n",),
}

# name: what is different, and why. "config", "tree" of one way to build ("0", "1").
DIFFERENT = {
    # Root writes to a set-uid file, which loses that bit unless CAP_FSETID is the host's (the kernel asks capable(), not
    # ns_capable()): dockerd runs steps as the host's root.
    ("links", "0"): {"x", "y"},
    ("links", "1"): {"x", "y"},
}

# Of buildah 1.28, where it is not as dockerd; what hulld does is dockerd's.
OF_BUILDAH = {
    "settings": {"Healthcheck"},  # podman shows none
    "healthcheck none": {"Healthcheck"},
    "shell": {"Shell", "Entrypoint", "Cmd"},  # SHELL doesn't reach them
    "user": {"made", "made/by", "made/by/root"},  # WORKDIR makes nothing
    "workdir": {"a", "a/b", "a/c"},
    "scratch": {"etc"},  # for podman's files
    "onbuild": {"OnBuild"},  # podman shows none
    "onbuild runs": {"ls"},  # has /run
    "links": {"y"},  # see DIFFERENT; "x" is the same there
    "escape": {"Env"},  # the escape directive is not heeded
    "expose ranges": {"ExposedPorts"},  # as they stand there
}


class Dockerd:
    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.env = dict(os.environ, DOCKER_HOST=f"unix://{self.socket}")
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-p", folder / "pid", "-H",
             f"unix://{self.socket}", "--bridge", "none", "--iptables=false"], stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while subprocess.run([DOCKER, "version"], env=self.env, capture_output=True).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dockerd")
    made = Dockerd(folder)
    yield made
    made.stop()
    for _ in range(50):  # mounts of its own
        mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        mine = [m for m in mounts if m.startswith(str(folder))]
        if not mine:
            break
        subprocess.run(["umount", "-l", *mine], capture_output=True)
        time.sleep(0.1)


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o640, 1_000_000_000
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """busybox with accounts: the same bytes for both engines."""
    busybox = pathlib.Path("/bin/busybox").read_bytes()
    path = tmp_path_factory.mktemp("corpus-base") / "base.tar"
    with tarfile.open(path, "w") as tar:
        def add(name, kind=tarfile.REGTYPE, data=b"", mode=0o755, link=""):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.mode, entry.linkname, entry.mtime = kind, len(data), mode, link, 1_000_000_000
            tar.addfile(entry, io.BytesIO(data))
        for folder in ("bin", "etc", "root", "home", "home/joe", "proc", "sys", "dev"):
            add(folder, tarfile.DIRTYPE)
        add("tmp", tarfile.DIRTYPE, mode=0o1777)
        add("bin/busybox", data=busybox)
        for name in ("sh cat echo env sort grep id touch mkdir ln ls rm pwd mkfifo chmod chown true false test cp mv stat").split():
            add("bin/" + name, tarfile.SYMTYPE, link="busybox")
        add("etc/passwd", data=b"root:x:0:0:root:/root:/bin/sh\njoe:x:1000:1001::/home/joe:/bin/sh\n", mode=0o644)
        add("etc/group", data=b"root:x:0:\nstaff:x:50:\njoe:x:1001:\n", mode=0o644)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    top = tmp_path_factory.mktemp("corpus-context")
    for name, text in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
        os.utime(top / name, (1_000_000_000, 1_000_000_000))
    (top / "script.sh").chmod(0o755)
    os.symlink("a", top / "dir/link")
    plain = tar_of({"in/f": b"f\n", "g": b"g\n"})
    (top / "t.tar").write_bytes(plain)
    for end, tool in (("gz", "gzip"), ("xz", "xz"), ("bz2", "bzip2")):
        (top / f"t.tar.{end}").write_bytes(subprocess.run([tool, "-c"], input=plain, capture_output=True, check=True).stdout)
    (top / "notar.tar").write_text("no tar\n")
    (top / ".dockerignore").write_text("# not these\n*.log\n!x2.log\ndir/.hidden\n.dockerignore\n")
    return top


class Side:
    """One engine with the images that the corpus stands on."""

    program = [DOCKER]

    def __init__(self, env, base, folder):
        self.env, self.folder = env, folder
        self.call("import", base, "base")
        self.build("FROM base\nONBUILD RUN echo triggered > /triggered\nONBUILD COPY a /triggered-a\n", [], "0", "onbuild-base")

    def call(self, *arguments, **kwargs):
        done = subprocess.run([*self.program, *map(str, arguments)], env=self.env, capture_output=True, timeout=120, **kwargs)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def build(self, dockerfile, flags, style, tag):
        env = dict(self.env, DOCKER_BUILDKIT=style)
        path = self.folder / "Dockerfile"
        path.write_text(dockerfile)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        network = [] if "network" in flags else ["--network", "none"]
        done = subprocess.run([*self.builder(), "-q", *network, *flags, "-t", tag, self.folder], env=env, capture_output=True,
                              timeout=120)
        assert done.returncode == 0, done.stderr.decode()

    def builder(self):
        return [*self.program, "build"]

    def result(self, tag):
        config = json.loads(self.call("image", "inspect", tag))[0]
        kept = {key: config["Config"].get(key) for key in (
            "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "OnBuild", "StopSignal", "Shell",
            "Healthcheck")}
        kept = {key: value for key, value in kept.items() if value}
        kept["Author"] = config["Author"]
        made = self.call("create", "--network", "none", tag, "/bin/true").decode().strip()
        try:
            with tarfile.open(fileobj=io.BytesIO(self.call("export", made))) as tar:
                return kept, self.tree(tar)
        finally:
            self.call("rm", made)
            self.call("rmi", "-f", tag)

    @staticmethod
    def tree(tar):
        out, links = {}, {}
        for entry in tar:
            name = entry.name.strip("/")
            if name in ("", ".dockerenv") or name.split("/")[0] in ("dev", "proc", "sys"):
                continue
            if name in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"):
                continue
            data = hashlib.sha256(tar.extractfile(entry).read()).hexdigest() if entry.isreg() else entry.linkname
            if entry.islnk():
                # Which of the names came first is nobody's affair.
                links[name] = entry.linkname
                continue
            out[name] = (entry.type, oct(entry.mode & 0o7777), entry.uid, entry.gid, data)
        for name, target in links.items():
            out[name] = out.get(target, ("link", target))
        return out


class Buildah(Side):
    """buildah, with podman to look at what it made."""

    def __init__(self, top, base, folder):
        self.options = ["--root", str(top / "data"), "--runroot", str(top / "run"), "--storage-driver", "overlay"]
        self.program = ["podman", *self.options]
        super().__init__(dict(os.environ), base, folder)

    def builder(self):
        return ["buildah", *self.options, "bud", "--runtime", shutil.which("runc") or "runc", "--format", "docker", "--layers"]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory, base, folder):
    if not shutil.which("buildah") or not shutil.which("podman"):
        pytest.skip("there is no buildah here")
    top = tmp_path_factory.mktemp("buildah")
    yield Buildah(top, base, folder)
    for mount in reversed([line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]):
        if mount.startswith(str(top)):
            subprocess.run(["umount", "-l", mount], capture_output=True)


@pytest.fixture(scope="module")
def sides(engine, dockerd, base, folder):
    ours = Side(dict(engine.env), base, folder)
    theirs = Side(dockerd.env, base, folder)
    yield ours, theirs
    for name in ("onbuild-base", "base"):
        ours.call("rmi", "-f", name)


def same(ours, theirs, different):
    """Configurations and trees, but for the names in different."""
    for our_part, their_part in zip(ours, theirs):
        for key in sorted(set(our_part) | set(their_part)):
            if key not in different:
                assert our_part.get(key) == their_part.get(key), key


@pytest.mark.parametrize("style", ["0", "1"])
@pytest.mark.parametrize("name", CORPUS)
def test_both_engines_make_the_same_of_it(sides, name, style):
    dockerfile, *flags = CORPUS[name]
    got = []
    for side in sides:
        side.build(dockerfile, flags, style, "corpus")
        got.append(side.result("corpus"))
    same(*got, DIFFERENT.get((name, style), {}))


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_in_the_cache_changes_nothing(sides, name):
    """Of either way to build: what it gives alone, and after the other and itself."""
    dockerfile, *flags = CORPUS[name]
    ours, alone = sides[0], {}
    for style in ("0", "1"):
        ours.build(dockerfile, [*flags, "--no-cache"], style, "corpus")
        alone[style] = ours.result("corpus")
    for style in ("0", "1"):
        ours.build(dockerfile, flags, style, "corpus")
        assert ours.result("corpus") == alone[style], style


@pytest.mark.parametrize("name", CORPUS)
def test_buildah_makes_the_same_of_it(sides, buildah, name):
    dockerfile, *flags = CORPUS[name]
    got = []
    for side in (sides[0], buildah):
        side.build(dockerfile, flags, "0", "corpus")
        got.append(side.result("corpus"))
    their_config, their_tree = got[1]
    labels = their_config.pop("Labels")
    assert labels.pop("io.buildah.version")
    their_config |= {"Labels": labels} if labels else {}
    their_tree.pop("run", None)  # for podman's files
    same(got[0], (their_config, their_tree), OF_BUILDAH.get(name, {}))
