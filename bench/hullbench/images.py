"""Images between engine, registry and archive: a real Debian image of three layers."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from hullbench.measure import time_command
from hullbench.peers import Engine
from hullbench.registry import Registry
from hullbench.scenarios import FAILURES, Results, interleave


def forget(engine: Engine, *names: str) -> None:
    for name in names:
        try:
            engine.call("rmi", "-f", name)
        except FAILURES:
            pass  # wasn't there


def settle() -> None:
    """What one peer left to be written, or just removed, must not count for the next."""
    subprocess.run(["sync"])
    time.sleep(6)


def transfers(results: Results, engines: list[Engine], image: Path, work: Path, rounds: int) -> None:
    """pull, push to a registry that has nothing of it, save and load."""
    archive = work / "image.tar"
    with Registry(work / "registry") as source:
        name = source.put(image, "bench/debian", "1")

        def pull(engine: Engine) -> float:
            forget(engine, name)
            settle()
            return time_command(engine.command("pull", "-q", name), engine.env)

        interleave(results, "pull", rounds, {e.name: lambda e=e: pull(e) for e in engines})
        able = [e for e in engines if ("pull", e.name) not in results.failures]

        def push(engine: Engine) -> float:
            with Registry(work / f"registry-{engine.name}") as target:
                copy = f"{target.name}/bench/debian:1"
                engine.call("tag", name, copy)
                settle()
                try:
                    return time_command(engine.command("push", "-q", copy), engine.env)
                finally:
                    forget(engine, copy)

        interleave(results, "push", rounds, {e.name: lambda e=e: push(e) for e in able})

        def save(engine: Engine) -> float:
            archive.unlink(missing_ok=True)
            settle()
            return time_command(engine.command("save", "-o", str(archive), name), engine.env)

        interleave(results, "save", rounds, {e.name: lambda e=e: save(e) for e in able})

        def load(engine: Engine) -> float:
            forget(engine, name)
            settle()
            return time_command(engine.command("load", "-q", "-i", str(archive)), engine.env)

        interleave(results, "load", rounds, {e.name: lambda e=e: load(e) for e in able})
        for engine in able:
            forget(engine, name)
    archive.unlink(missing_ok=True)


def inflate_floor(results: Results, image: Path, rounds: int) -> None:
    """What igzip alone takes for the layers, one after another."""
    layers = [path for path in image.iterdir() if path.name != "manifest.json" and path.stat().st_size > 1 << 20]
    samples = results.samples["floor_inflate"]["kernel"]
    if not shutil.which("igzip"):
        print("bench: there is no igzip; install the package isal", file=sys.stderr)
        return
    for _ in range(rounds):
        samples.append(sum(time_command(["igzip", "-d", "-c", str(path)], {"PATH": "/usr/bin"}) for path in layers))
