"""What is measured. A scenario gives one sample of one peer per call."""

import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from hullbench.instant import Instant, environment
from hullbench.measure import CommandFailed, median, peak_rss_bytes, pss_bytes, time_command, time_commands
from hullbench.peers import IMAGE, Engine, OciRuntime

OUTPUT_BYTES = 112_000_000
OUTPUT_COMMAND = ["sh", "-c", f"yes 0123456789abcde | head -c {OUTPUT_BYTES}"]
SLEEP = ["sleep", "1000000"]
PARALLEL = 64
FAILURES = (CommandFailed, OSError, subprocess.SubprocessError)


@dataclass
class Results:
    """samples[row][peer] in milliseconds; memory in bytes."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)  # when a row was measured, where not in this run

    def save(self, file: Path) -> dict[str, dict]:
        """Writes the medians to file, beside the rows of it that this run has not measured; gives those."""
        today = time.strftime("%Y-%m-%d")
        rows = {
            row: {"day": today, "medians": {peer: round(median(found), 3) for peer, found in peers.items() if found}}
            for row, peers in self.samples.items()
            if any(peers.values())
        }
        before = json.loads(file.read_text()) if file.exists() else {}
        others = {row: before[row] for row in before.keys() - rows.keys()}
        rows.update(others)
        self.days = {row: found["day"] for row, found in rows.items()}
        fresh = file.with_name(file.name + ".new")
        fresh.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
        fresh.replace(file)
        return others

    def keep(self, file: Path) -> None:
        """The last save: takes from file the rows that this run has not measured."""
        for row, found in self.save(file).items():
            for peer, value in found["medians"].items():
                self.samples[row][peer] = [value]

    def value(self, row: str, peer: str) -> float | None:
        found = self.samples.get(row, {}).get(peer)
        return median(found) if found else None

    def fail(self, row: str, peer: str, failure: Exception) -> None:
        if (row, peer) not in self.failures:
            print(f"bench: {row}, {peer}: {failure}", file=sys.stderr)
        self.failures[row, peer] = str(failure)


def remove_all(engine: Engine, names: list[str]) -> None:
    for start in range(0, len(names), 50):
        try:
            engine.call("rm", "-f", *names[start : start + 50])
        except FAILURES as failure:
            print(f"bench: {engine.name}: {failure}", file=sys.stderr)


def interleave(results: Results, row: str, rounds: int, samplers: dict) -> None:
    """One sample of each in turn, after one that doesn't count."""
    print(f"  {row}", file=sys.stderr)
    for round_number in range(rounds + 1):
        for name, sample in samplers.items():
            if (row, name) in results.failures:
                continue
            try:
                took = sample()
            except FAILURES as failure:
                results.fail(row, name, failure)
                continue
            if round_number > 0:
                results.samples[row][name].append(took)


def run_once(engine: Engine, network: str) -> float:
    return time_command(engine.command("run", "--rm", "--network", network, IMAGE, "true"), engine.env)


def start_times(results: Results, engines: list[Engine], rounds: int) -> None:
    for network in ("none", "bridge"):
        interleave(results, f"run_{network}", rounds, {e.name: lambda e=e: run_once(e, network) for e in engines})


def client_floor(results: Results, work: Path, rounds: int) -> None:
    """What docker's client takes for `exec` by itself."""
    path = work / "instant.sock"
    with Instant(path) as instant:
        samples = results.samples["floor_client"]["kernel"]
        for _ in range(rounds):
            samples.append(time_command(["docker", "exec", "box", "true"], environment(instant)))
    path.unlink()


def exec_times(results: Results, engines: list[Engine], work: Path, rounds: int) -> None:
    ready = []
    for engine in engines:
        try:
            engine.call("run", "-d", "--network", "none", "--name", f"bench-exec-{engine.name}", IMAGE, *SLEEP)
            ready.append(engine)
        except FAILURES as failure:
            results.fail("exec", engine.name, failure)

    def sample(engine: Engine) -> float:
        return time_command(engine.command("exec", f"bench-exec-{engine.name}", "true"), engine.env)

    interleave(results, "exec", rounds, {e.name: lambda e=e: sample(e) for e in ready})
    for engine in ready:
        remove_all(engine, [f"bench-exec-{engine.name}"])
    if shutil.which("docker"):
        client_floor(results, work, rounds)


def parallel_starts(results: Results, engines: list[Engine], rounds: int) -> None:
    def sample(engine: Engine) -> float:
        names = [f"bench-parallel-{i}" for i in range(PARALLEL)]
        run = [engine.command("run", "-d", "--network", "bridge", "--name", name, IMAGE, *SLEEP) for name in names]
        try:
            return time_commands(run, engine.env)
        finally:
            remove_all(engine, names)

    interleave(results, f"parallel_{PARALLEL}", rounds, {e.name: lambda e=e: sample(e) for e in engines})


def oci_times(results: Results, runtimes: list[OciRuntime], rounds: int) -> None:
    def run(runtime: OciRuntime) -> float:
        bundle, identifier = runtime.bundle("true")
        return time_command(runtime.command("run", "--bundle", str(bundle), identifier), runtime.env)

    interleave(results, "oci_run", rounds, {r.name: lambda r=r: run(r) for r in runtimes})

    def lifecycle(runtime: OciRuntime) -> float:
        bundle, identifier = runtime.bundle(*SLEEP)
        took = time_command(runtime.command("create", "--bundle", str(bundle), identifier), runtime.env)
        took += time_command(runtime.command("start", identifier), runtime.env)
        return took + time_command(runtime.command("delete", "--force", identifier), runtime.env)

    interleave(results, "oci_lifecycle", rounds, {r.name: lambda r=r: lifecycle(r) for r in runtimes})

    def peak(runtime: OciRuntime) -> float:
        bundle, identifier = runtime.bundle("true")
        return peak_rss_bytes(runtime.command("run", "--bundle", str(bundle), identifier), runtime.env)

    interleave(results, "oci_rss", min(rounds, 10), {r.name: lambda r=r: peak(r) for r in runtimes})
    for runtime in runtimes:
        results.samples["oci_size"][runtime.name].append(Path(runtime.program).stat().st_size)
    running = {}
    for runtime in runtimes:
        bundle, identifier = runtime.bundle(*SLEEP)
        try:
            runtime.call("run", "--detach", "--bundle", str(bundle), identifier)
            running[runtime.name] = (runtime, identifier)
        except FAILURES as failure:
            results.fail("oci_exec", runtime.name, failure)

    def execute(runtime: OciRuntime, identifier: str) -> float:
        return time_command(runtime.command("exec", identifier, "true"), runtime.env)

    interleave(
        results, "oci_exec", rounds, {name: lambda pair=pair: execute(*pair) for name, pair in running.items()}
    )
    for runtime, identifier in running.values():
        runtime.call("delete", "--force", identifier)


def output_times(results: Results, engines: list[Engine], rounds: int) -> None:
    def options(engine: Engine) -> list[str]:
        return ["--network", "none", *engine.log_options, IMAGE, *OUTPUT_COMMAND]

    def check(engine: Engine) -> None:
        """All of it arrives, or the time means nothing."""
        client = subprocess.Popen(engine.command("run", "--rm", *options(engine)), env=engine.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # fmt: skip
        got = 0
        while chunk := client.stdout.read(1 << 20):
            got += len(chunk)
        if client.wait() != 0 or got != OUTPUT_BYTES:
            raise CommandFailed(f"{got} of {OUTPUT_BYTES} bytes arrived")

    def attached(engine: Engine) -> float:
        return time_command(engine.command("run", "--rm", *options(engine)), engine.env)

    def logged(engine: Engine) -> float:
        name = "bench-log"
        start = time.perf_counter()
        engine.call("run", "-d", "--name", name, *options(engine))
        engine.call("wait", name)
        took = (time.perf_counter() - start) * 1e3
        engine.call("rm", name)
        return took

    for engine in engines:
        try:
            check(engine)
        except FAILURES as failure:
            results.fail("attached", engine.name, failure)
    interleave(results, "attached", rounds, {e.name: lambda e=e: attached(e) for e in engines})
    interleave(results, "logged", rounds, {e.name: lambda e=e: logged(e) for e in engines})


def memory(results: Results, engines: list[Engine], counts: list[int]) -> None:
    """PSS of the engine's own processes: idle, and per idle container."""
    for engine in engines:
        print(f"  memory of {engine.name}", file=sys.stderr)
        names: list[str] = []
        try:
            time.sleep(2)
            results.samples["memory_idle"][engine.name] = [pss_bytes(engine.programs)]
            at: dict[int, int] = {}
            for count in counts:
                while len(names) < count:
                    name = f"bench-memory-{len(names)}"
                    engine.call("run", "-d", "--network", "none", "--name", name, IMAGE, *SLEEP)
                    names.append(name)
                time.sleep(2)
                at[count] = pss_bytes(engine.programs)
                results.samples[f"memory_{count}"][engine.name] = [at[count]]
            first, last = counts[0], counts[-1]
            slope = (at[last] - at[first]) / (last - first)
            results.samples["memory_per_container"][engine.name] = [slope]
        except FAILURES as failure:
            results.fail("memory", engine.name, failure)
        finally:
            remove_all(engine, names)


def floor_times(results: Results, program: Path, rootfs: Path, work: Path, rounds: int) -> None:
    scratch = work / "floor"
    scratch.mkdir(exist_ok=True)
    boxed = [str(rootfs), str(scratch), "/bin/true"]
    for row, arguments in {
        "floor_exec": ["exec", str(rounds), str(rootfs / "bin/true")],
        "floor_box": ["box", str(rounds), *boxed],
        "floor_netbox": ["netbox", str(rounds), *boxed],
    }.items():
        done = subprocess.run([str(program), *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            results.fail(row, "kernel", CommandFailed(done.stderr.strip()))
            continue
        results.samples[row]["kernel"] += [float(line) / 1e3 for line in done.stdout.split()]


def output_floor(results: Results, rootfs: Path) -> None:
    """The same bytes without any container, into /dev/null."""
    argv = ["chroot", str(rootfs), *OUTPUT_COMMAND]
    results.samples["floor_output"]["kernel"] = [time_command(argv, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})]
