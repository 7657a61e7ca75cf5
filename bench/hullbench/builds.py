"""Builds: of many files, of many steps, of a package install, side by side, of a big context and a big layer."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hullbench.images import settle
from hullbench.measure import CommandFailed, time_command, time_commands
from hullbench.peers import IMAGE, Docker, Engine, Hull, HullByDockerCli, Podman
from hullbench.scenarios import FAILURES, Results, interleave

FILES, FOLDERS = 20_000, 200
RUNS = 12
STAGES = 4
LOOPS = 3_000_000
CONTEXT_FILES, CONTEXT_FILE_BYTES = 64, 16 << 20
LAYER_BYTES = 2 << 30
APT_IMAGE = "bench-apt"
APT_COMMAND = "apt-get install -y --no-download --no-install-recommends nginx curl python3 >/dev/null 2>&1"
COUNT = f"i=0; while [ $i -lt {LOOPS} ]; do i=$((i+1)); done"
NAMES = ("hull", "hull-by-docker-classic", "hull-by-docker-buildkit", "docker-classic", "docker-buildkit", "buildah")
PEERS = ("docker-classic", "docker-buildkit", "buildah")


class Builder:
    """What `build` is called with one engine; tag: of what it makes."""

    def __init__(self, name: str, engine: Engine, argv: list[str], env: dict | None = None):
        self.name, self.engine, self.argv = name, engine, argv
        self.env = {**engine.env, **(env or {})}

    def build(self, context: Path, *flags: str) -> float:
        argv = [*self.argv, "-t", f"bench-built-{self.name}", *flags, str(context)]
        return time_command(argv, self.env)

    def read(self, path: str) -> str:
        """A file of what was built."""
        return self.engine.call("run", "--rm", "--network", "none", f"bench-built-{self.name}", "cat", path)

    def forget(self) -> None:
        """Nothing of earlier builds may help the next."""
        if self.name == "buildah":
            return  # --no-cache is all that it has
        try:
            self.engine.call("builder", "prune", "-af")
        except FAILURES as failure:
            print(f"bench: {self.name}: {failure}", file=sys.stderr)


def builders(engines: list[Engine]) -> list[Builder]:
    found = []
    for engine in engines:
        if isinstance(engine, Hull):
            found.append(Builder("hull", engine, [*engine.command("build"), "-q"]))
        elif isinstance(engine, HullByDockerCli):
            argv = [*engine.command("build"), "-q"]
            found.append(Builder("hull-by-docker-classic", engine, argv, {"DOCKER_BUILDKIT": "0"}))
            if buildkit := docker_with_buildkit():
                argv = [buildkit, *argv[1:]]
                found.append(Builder("hull-by-docker-buildkit", engine, argv, {"DOCKER_BUILDKIT": "1"}))
        elif isinstance(engine, Docker):
            argv = [*engine.command("build"), "-q"]
            found.append(Builder("docker-classic", engine, argv, {"DOCKER_BUILDKIT": "0"}))
            if buildkit := docker_with_buildkit():
                argv = [buildkit, *argv[1:]]
                found.append(Builder("docker-buildkit", engine, argv, {"DOCKER_BUILDKIT": "1"}))
        elif isinstance(engine, Podman) and shutil.which("buildah"):
            options = ["--root", str(engine.work / "data"), "--runroot", str(engine.work / "run"),
                       "--storage-driver", "overlay"]  # fmt: skip
            found.append(Builder("buildah", engine, ["buildah", *options, "bud", "--layers", "-q"]))
    return found


def docker_with_buildkit() -> str | None:
    """Debian's client has BuildKit in itself; newer ones need a plugin for it."""
    for path in ("/usr/bin/docker", shutil.which("docker")):
        if path and os.path.exists(path):
            text = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if "version 20." in text:
                return path
    return None


def make_context(folder: Path, dockerfile: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def make_many_files(work: Path) -> Path:
    context = make_context(work / "files", f"FROM {IMAGE}\nCOPY src /src\n")
    for number in range(FOLDERS):
        (context / f"src/{number}").mkdir(parents=True)
    for number in range(FILES):
        text = f"{number:08}\n" * (1 + number % 400)
        (context / f"src/{number % FOLDERS}/{number}.txt").write_text(text)
    return context


def many_files(results: Results, engines: list[Engine], work: Path, rounds: int) -> None:
    peers = builders(engines)
    files = make_many_files(work)
    turns = itertools.count()

    def first(peer: Builder) -> float:
        """A folder that the engine hasn't seen. Nothing is removed before the end: see README.md."""
        nonlocal files
        turn = next(turns)
        files = files.rename(work / f"files-{turn}")
        (files / "src/0/turn.txt").write_text(f"{turn}\n")
        settle()
        return peer.build(files, "--no-cache")

    def floor() -> float:
        """The same files made by a program that does nothing else."""
        settle()
        return time_command(["cp", "-r", str(files / "src"), str(work / f"copy-{next(turns)}")], dict(os.environ))

    def cached(peer: Builder) -> float:
        settle()
        return peer.build(files)

    interleave(results, "build_files", rounds, {p.name: lambda p=p: first(p) for p in peers} | {"kernel": floor})
    able = [peer for peer in peers if ("build_files", peer.name) not in results.failures]
    interleave(results, "build_files_cached", rounds, {p.name: lambda p=p: cached(p) for p in able})
    for peer in peers:
        peer.forget()


def steps(results: Results, peers: list[Builder], work: Path, rounds: int) -> None:
    runs = make_context(work / "runs", f"FROM {IMAGE}\n" + "RUN true\n" * RUNS)
    interleave(results, "build_runs", rounds, {p.name: lambda p=p: p.build(runs, "--no-cache") for p in peers})


def stages(results: Results, peers: list[Builder], rootfs: Path, work: Path, rounds: int) -> None:
    names = [f"s{number}" for number in range(STAGES)]
    text = "".join(f"FROM {IMAGE} AS {name}\nRUN {COUNT}; echo {name} > /{name}\n" for name in names)
    text += f"FROM {IMAGE}\n" + "".join(f"COPY --from={name} /{name} /\n" for name in names)
    context = make_context(work / "stages", text)
    loops = [["chroot", str(rootfs), "sh", "-c", COUNT]] * STAGES
    samplers = {p.name: lambda p=p: p.build(context, "--no-cache") for p in peers}
    samplers["kernel"] = lambda: time_commands(loops, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    interleave(results, "build_stages", rounds, samplers)


def big_context(results: Results, peers: list[Builder], work: Path, rounds: int) -> None:
    context = make_context(work / "context", f"FROM {IMAGE}\nCOPY data /data\n")
    (context / "data").mkdir()
    for number in range(CONTEXT_FILES):
        with open(context / f"data/{number}", "wb") as file:
            file.write(os.urandom(1 << 20) * (CONTEXT_FILE_BYTES >> 20))
    ours = [peer for peer in peers if peer.name in ("hull", "docker-buildkit")]
    interleave(results, "build_context", rounds, {p.name: lambda p=p: p.build(context) for p in ours})
    shutil.rmtree(context)


def peak_of(program: str) -> int:
    """The most that the program's process had resident since forget_peak()."""
    for status in status_files(program):
        for line in (status / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise CommandFailed(f"no {program} runs")


def forget_peak(program: str) -> None:
    for process in status_files(program):
        (process / "clear_refs").write_text("5")


def status_files(program: str) -> list[Path]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.path.basename(os.readlink(process / "exe")) == program:
                found.append(process)
        except OSError:
            continue  # ended meanwhile, or a kernel thread
    return found


def big_layer(results: Results, peers: list[Builder], work: Path) -> None:
    text = f"FROM {IMAGE} AS made\nRUN head -c {LAYER_BYTES} /dev/urandom > /big\n"
    context = make_context(work / "layer", text + f"FROM {IMAGE}\nCOPY --from=made /big /big\n")
    for peer in peers:
        program = {"hull": "hulld", "docker-buildkit": "dockerd"}.get(peer.name)
        if not program:
            continue
        print(f"  a big layer by {peer.name}", file=sys.stderr)
        try:
            forget_peak(program)
            took = peer.build(context, "--no-cache")
            results.samples["build_memory"][peer.name] = [peak_of(program)]
            results.samples["build_layer"][peer.name] = [took]
            peer.forget()
        except FAILURES as failure:
            results.fail("build_memory", peer.name, failure)


def install(results: Results, engines: list[Engine], base: Path, work: Path, rounds: int) -> None:
    """The time beyond what apt takes by itself."""
    if not base.exists():
        return
    peers = builders(engines)
    loaded = set()
    for peer in peers:
        if id(peer.engine) in loaded or isinstance(peer.engine, HullByDockerCli):
            continue
        loaded.add(id(peer.engine))
        peer.engine.call("import", str(base), APT_IMAGE)
    # Its own clock: what is left is the engine's.
    clock = "date +%s%N >> /times"
    context = make_context(work / "apt", f"FROM {APT_IMAGE}\nRUN {clock}; {APT_COMMAND}; {clock}\n")

    def sample(peer: Builder) -> float:
        settle()
        whole = peer.build(context, "--no-cache")
        begun, ended = map(int, peer.read("/times").split())
        return whole - (ended - begun) / 1e6

    interleave(results, "build_apt", rounds, {p.name: lambda p=p: sample(p) for p in peers})


def measure(results: Results, engines: list[Engine], rootfs: Path, work: Path, rounds: int) -> None:
    peers = builders(engines)
    folder = work / "builds"
    folder.mkdir()
    steps(results, peers, folder, rounds)
    able = [peer for peer in peers if ("build_runs", peer.name) not in results.failures]
    stages(results, able, rootfs, folder, max(1, rounds // 2))
    big_context(results, able, folder, rounds)
    big_layer(results, able, folder)
