"""The engine as a service: the bare API, logs, health checks, memory over time."""

import http.client
import json
import os
import socket
import sys
import time
from pathlib import Path

from hullbench.measure import CommandFailed, pss_bytes, time_command
from hullbench.peers import IMAGE, Engine
from hullbench.scenarios import FAILURES, OUTPUT_COMMAND, SLEEP, Results, interleave, remove_all

HEALTHY = 50
HEALTH_SECONDS = 20


class Api(http.client.HTTPConnection):
    """One kept connection to an engine's socket."""

    def __init__(self, path: Path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def call(self, method: str, path: str, body=None) -> dict:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise CommandFailed(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text.strip() else {}


def with_socket(engines: list[Engine]) -> list[Engine]:
    return [engine for engine in engines if getattr(engine, "socket", None)]


def api_times(results: Results, engines: list[Engine], rounds: int) -> None:
    """create + start + wait + delete, no network, over one kept connection."""
    wanted = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}

    def sample(api: Api) -> float:
        start = time.perf_counter()
        made = api.call("POST", "/v1.40/containers/create", wanted)["Id"]
        api.call("POST", f"/v1.40/containers/{made}/start")
        api.call("POST", f"/v1.40/containers/{made}/wait")
        api.call("DELETE", f"/v1.40/containers/{made}")
        return (time.perf_counter() - start) * 1e3

    apis = {engine.name: Api(engine.socket) for engine in with_socket(engines)}
    interleave(results, "api", rounds, {name: lambda api=api: sample(api) for name, api in apis.items()})
    for api in apis.values():
        api.close()


def logs_times(results: Results, engines: list[Engine], rounds: int) -> None:
    """`logs` of a container that wrote 112 MB, unbounded."""
    name = "bench-logs"
    ready = []
    for engine in engines:
        try:
            if not engine.name.startswith("hull-by"):  # the same container as hull's
                engine.call("run", "-d", "--name", name, "--network", "none", IMAGE, *OUTPUT_COMMAND)
                engine.call("wait", name)
            ready.append(engine)
        except FAILURES as failure:
            results.fail("logs", engine.name, failure)
    read = lambda e: time_command(e.command("logs", name), e.env)  # noqa: E731
    interleave(results, "logs", rounds, {e.name: lambda e=e: read(e) for e in ready})
    for engine in ready:
        if not engine.name.startswith("hull-by"):
            remove_all(engine, [name])


def cpu_seconds(programs: set[str]) -> float:
    """User and system time of all processes of these programs, and of what they have waited for."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.path.basename(os.readlink(process / "exe")) not in programs:
                continue
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
        except OSError:
            continue  # ended meanwhile, or a kernel thread
    return ticks / os.sysconf("SC_CLK_TCK")


def health_cpu(results: Results, engines: list[Engine]) -> None:
    """CPU of the engine while 50 containers are probed each second, per second."""
    for engine in engines:
        print(f"  health checks of {engine.name}", file=sys.stderr)
        names = [f"bench-health-{i}" for i in range(HEALTHY)]
        options = ["--network", "none", "--health-cmd", "true", "--health-interval", "1s"]
        try:
            for name in names:
                engine.call("run", "-d", "--name", name, *options, IMAGE, *SLEEP)
            time.sleep(3)
            before, start = cpu_seconds(engine.programs), time.perf_counter()
            time.sleep(HEALTH_SECONDS)
            took = time.perf_counter() - start
            results.samples["health"][engine.name] = [(cpu_seconds(engine.programs) - before) / took * 1e3]
        except FAILURES as failure:
            results.fail("health", engine.name, failure)
        finally:
            remove_all(engine, names)


def crowd(results: Results, engines: list[Engine], count: int) -> None:
    """Memory of the engine with so many idle containers."""
    for engine in engines:
        print(f"  {count} containers of {engine.name}", file=sys.stderr)
        names = [f"bench-crowd-{i}" for i in range(count)]
        try:
            for name in names:
                engine.call("run", "-d", "--network", "none", "--name", name, IMAGE, *SLEEP)
            time.sleep(2)
            results.samples["crowd"][engine.name] = [pss_bytes(engine.programs)]
        except FAILURES as failure:
            results.fail("crowd", engine.name, failure)
        finally:
            remove_all(engine, names)


def growth(results: Results, engines: list[Engine], lives: int) -> None:
    """What the engine's memory has grown by after so many `run --rm`."""
    for engine in engines:
        print(f"  memory of {engine.name} over {lives} lives", file=sys.stderr)
        run = engine.command("run", "--rm", "--network", "bridge", IMAGE, "true")
        try:
            for _ in range(max(lives // 10, 1)):  # what is only made once
                time_command(run, engine.env)
            time.sleep(2)
            before = pss_bytes(engine.programs)
            for _ in range(lives):
                time_command(run, engine.env)
            time.sleep(2)
            results.samples["growth"][engine.name] = [max(pss_bytes(engine.programs) - before, 1)]
        except FAILURES as failure:
            results.fail("growth", engine.name, failure)
