"""Options, and the run inside the box."""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from hullbench import box, builds, debian, images, network, report, scenarios, service
from hullbench.measure import CommandFailed
from hullbench.peers import Docker, Engine, Hull, HullByDockerCli, OciRuntime, Podman

PARTS = ("floor", "start", "exec", "api", "parallel", "oci", "output", "logs", "images", "health", "network", "files", "builds", "apt", "memory")
REPOSITORY = Path(__file__).resolve().parents[2]
APPLETS = ("sh", "true", "sleep", "yes", "head", "cat", "ls", "echo")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description="Compare Hull with the engines installed here.")
    parser.add_argument("--prefix", type=Path, help="where Hull is installed (default: build/release, installed aside)")
    parser.add_argument("--rounds", type=int, default=15, help="samples of each short measurement")
    parser.add_argument("--quick", action="store_true", help="few samples, few containers: to see that it works")
    parser.add_argument("--only", help=f"parts, separated by commas: {','.join(PARTS)}")
    parser.add_argument("--peers", default="hull,docker,podman,runc,crun", help="whom to run")
    parser.add_argument("--markdown", action="store_true", help="the page docs/benchmarks.md, not just the tables")
    parser.add_argument("--results", type=Path, help="keep medians in this file, and show what it has of parts not run")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    parser.add_argument("--work", default="/var/tmp", help="folder for the temporary data (a tmpfs for the part files, see README.md; else a disk)")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.parts = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.quick:
        options.rounds = min(options.rounds, 3)
    options.few = 1 if options.quick else min(5, max(2, options.rounds // 3))
    options.counts = [1, 5, 10] if options.quick else [1, 50, 200]
    options.crowd = 20 if options.quick else 1000
    options.image = REPOSITORY / "build/bench"
    return options


def make_rootfs(work: Path) -> tuple[Path, Path]:
    """A root file system of busybox, and a tar of it: the image of all engines."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise CommandFailed("there is no busybox; install the package busybox-static")
    rootfs = work / "rootfs"
    for folder in ("bin", "dev", "proc", "sys", "tmp", "etc"):
        (rootfs / folder).mkdir(parents=True)
    shutil.copy(busybox, rootfs / "bin/busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (rootfs / "etc/group").write_text("root:x:0:\n")
    tar = work / "busybox.tar"
    with tarfile.open(tar, "w") as archive:
        archive.add(rootfs, arcname=".")
    return rootfs, tar


def find_hull(options: argparse.Namespace, work: Path) -> Path | None:
    if "hull" not in options.peers.split(","):
        return None
    if options.prefix:
        return options.prefix.resolve()
    build = REPOSITORY / "build/release"
    prefix = work / "prefix"
    done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True)
    if done.returncode != 0 or not (prefix / "bin/hulld").exists():
        print("bench: Hull is not built (cmake --preset release && cmake --build --preset release)", file=sys.stderr)
        return None
    return prefix


def start_engine(engine: Engine, tar: Path, engines: list[Engine]) -> bool:
    try:
        engine.start()
        engine.import_image(tar)
        scenarios.run_once(engine, "none")
    except (CommandFailed, OSError, subprocess.SubprocessError) as failure:
        print(f"bench: {engine.name} does not work here: {failure}", file=sys.stderr)
        engine.stop()
        return False
    engines.append(engine)
    return True


def start_engines(options: argparse.Namespace, work: Path, tar: Path, prefix: Path | None) -> list[Engine]:
    engines: list[Engine] = []
    if prefix:
        hull = Hull(work, prefix)
        if start_engine(hull, tar, engines) and shutil.which("docker"):
            start_engine(HullByDockerCli(work, hull), tar, engines)
    for peer in (Docker, Podman):
        if peer.name in options.peers.split(",") and all(map(shutil.which, peer.required)):
            start_engine(peer(work), tar, engines)
    return engines


def find_runtimes(options: argparse.Namespace, work: Path, rootfs: Path, prefix: Path | None) -> list[OciRuntime]:
    runtimes = []
    if prefix:
        runtimes.append(OciRuntime("hull-runtime", str(prefix / "bin/hull-runtime"), work, rootfs))
    for name in ("runc", "crun"):
        if name in options.peers.split(",") and (program := shutil.which(name)):
            runtimes.append(OciRuntime(name, program, work, rootfs))
    return runtimes


def compile_floor(work: Path) -> Path:
    program = work / "floor-program"
    source = REPOSITORY / "bench/floor.cc"
    subprocess.run(["c++", "-std=c++20", "-O2", "-D_GNU_SOURCE", str(source), "-o", str(program)], check=True)
    return program


def measure(options: argparse.Namespace, work: Path, rootfs: Path, engines: list[Engine], runtimes: list[OciRuntime]):
    results = scenarios.Results()
    if not (options.image / "image/manifest.json").exists():
        options.parts = [part for part in options.parts if part != "images"]
    floor = compile_floor(work) if "floor" in options.parts else None
    # The memory of engines that did little else yet comes first.
    daemons = [engine for engine in engines if engine.programs]
    # A run that is cut short has kept what was finished.
    finished = (lambda: results.save(options.results)) if options.results else (lambda: None)
    if "memory" in options.parts:
        scenarios.memory(results, daemons, options.counts)
        ours = [engine for engine in daemons if engine.name == "hull"]
        service.crowd(results, ours, options.crowd)
        service.growth(results, ours, options.crowd)
        finished()
    # The floor is taken in pieces, between the others, under the same load.
    sections = {
        "start": lambda: scenarios.start_times(results, engines, options.rounds),
        "exec": lambda: scenarios.exec_times(results, engines, work, options.rounds),
        "api": lambda: service.api_times(results, daemons, options.rounds),
        "parallel": lambda: scenarios.parallel_starts(results, engines, options.few),
        "oci": lambda: scenarios.oci_times(results, runtimes, options.rounds),
        "output": lambda: scenarios.output_times(results, engines, max(1, options.few // 2)),
        "logs": lambda: service.logs_times(results, engines, options.few),
        "images": lambda: images.transfers(results, engines, options.image / "image", work, options.few),
        "health": lambda: service.health_cpu(results, daemons),
        "network": lambda: network.measure(
            results, engines, REPOSITORY / "bench/netload.cc", work, options.rounds, options.quick
        ),
        "files": lambda: builds.many_files(results, engines, work, options.few),
        "builds": lambda: builds.measure(results, engines, rootfs, work, options.few),
        "apt": lambda: builds.install(results, engines, options.image / "apt.tar", work, max(1, options.few // 2)),
    }
    for name, section in sections.items():
        if floor:
            scenarios.floor_times(results, floor, rootfs, work, options.rounds)
        if name in options.parts:
            section()
            finished()
    if "images" in options.parts:
        images.inflate_floor(results, options.image / "image", options.few)
    if "output" in options.parts:
        scenarios.output_floor(results, rootfs)
    return results


def run_inside(options: argparse.Namespace) -> int:
    work = options.inside
    box.prepare_inside(work)
    rootfs, tar = make_rootfs(work)
    prefix = find_hull(options, work)
    print("bench: starting engines", file=sys.stderr)
    engines = start_engines(options, work, tar, prefix)
    runtimes = find_runtimes(options, work, rootfs, prefix)
    try:
        results = measure(options, work, rootfs, engines, runtimes)
        if options.results:
            results.keep(options.results)
        print(report.render(results, engines, runtimes, as_page=options.markdown))
        if options.json:
            options.json.write_text(json.dumps(results.samples, indent=1))
    finally:
        for engine in engines:
            engine.stop()
    sys.stdout.flush()
    return 1 if results.failures else 0
