"""Networks: what a bridge costs at the start, published ports, what passes through them, names."""

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hullbench.measure import PATIENCE, CommandFailed, pss_bytes, time_command
from hullbench.peers import IMAGE, Engine
from hullbench.scenarios import FAILURES, SLEEP, Results, interleave, remove_all, run_once

PORTS = 64
MANY_PORTS = 500
TRANSFER_BYTES = 2_000_000_000
CONNECTIONS = 2000
QUERIES_PER_SECOND = 2000
SERVER_PORT = 9000


def compile_load(source: Path, work: Path) -> Path:
    """Static: it runs in containers whose image is busybox alone."""
    program = work / "netload"
    subprocess.run(["c++", "-std=c++20", "-O2", "-static", "-pthread", str(source), "-o", str(program)], check=True)
    return program


def output_of(argv: list[str], env: dict | None = None) -> str:
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)}: {done.stderr.strip()[-300:]}")
    return done.stdout


def bridge_cost(results: Results, engines: list[Engine], rounds: int) -> None:
    """The same start with and without a network, one after the other."""
    difference = lambda e: run_once(e, "bridge") - run_once(e, "none")  # noqa: E731
    interleave(results, "bridge_cost", rounds, {e.name: lambda e=e: difference(e) for e in engines})


def publish_cost(results: Results, engines: list[Engine], rounds: int) -> None:
    """`start` of a container with 64 ports less that of one without."""

    def start(engine: Engine, *flags: str) -> float:
        name = "bench-ports"
        try:
            engine.call("create", "--name", name, *flags, IMAGE, *SLEEP)
            return time_command(engine.command("start", name), engine.env)
        finally:
            remove_all(engine, [name])

    def sample(engine: Engine) -> float:
        return start(engine, "-p", f"21000-{21000 + PORTS - 1}:1000-{1000 + PORTS - 1}") - start(engine)

    interleave(results, "publish", rounds, {e.name: lambda e=e: sample(e) for e in engines})


def ports_memory(results: Results, engines: list[Engine]) -> None:
    for engine in engines:
        print(f"  published ports of {engine.name}", file=sys.stderr)
        names = ["bench-without", "bench-with"]
        try:
            engine.call("run", "-d", "--name", names[0], IMAGE, *SLEEP)
            time.sleep(1)
            before = pss_bytes(engine.programs)
            ports = f"22000-{22000 + MANY_PORTS - 1}:1000-{1000 + MANY_PORTS - 1}"
            engine.call("run", "-d", "--name", names[1], "-p", ports, IMAGE, *SLEEP)
            time.sleep(1)
            results.samples["ports_memory"][engine.name] = [max(0, pss_bytes(engine.programs) - before)]
        except FAILURES as failure:
            results.fail("ports_memory", engine.name, failure)
        finally:
            remove_all(engine, names)


class PlainVeth:
    """The server in a network namespace at the other end of a veth pair, nothing between."""

    host = "172.29.77.2"

    def __init__(self, load: Path):
        self.load = load

    def __enter__(self) -> "PlainVeth":
        for line in ("netns add bench-veth", "link add bench-v0 type veth peer name bench-v1 netns bench-veth",
                     "address add 172.29.77.1/24 dev bench-v0", "link set bench-v0 up",
                     f"-n bench-veth address add {self.host}/24 dev bench-v1", "-n bench-veth link set bench-v1 up"):  # fmt: skip
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        command = ["ip", "netns", "exec", "bench-veth", str(self.load), "serve", str(SERVER_PORT)]
        self.server = subprocess.Popen(command)
        return self

    def __exit__(self, *_) -> None:
        self.server.kill()
        self.server.wait()
        subprocess.run(["ip", "netns", "del", "bench-veth"], capture_output=True)


class OneRule:
    """The server behind a bridge and one rule that translates the port: what the kernel takes of any engine's bridge."""

    host = "172.29.78.1"  # the machine's own
    port = 23999

    def __init__(self, load: Path):
        self.load = load

    def __enter__(self) -> "OneRule":
        for line in ("netns add bench-bridge", "link add bench-b0 type bridge", "address add 172.29.79.1/24 dev bench-b0",
                     "link set bench-b0 up", "link add bench-v2 type veth peer name bench-v3 netns bench-bridge",
                     "link set bench-v2 master bench-b0 up", "-n bench-bridge address add 172.29.79.2/24 dev bench-v3",
                     "-n bench-bridge link set bench-v3 up",
                     "-n bench-bridge route add default via 172.29.79.1"):  # fmt: skip
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        rule = f"ip daddr {self.host} tcp dport {self.port} dnat to 172.29.79.2:{SERVER_PORT}"
        table = f"table ip bench-one {{\nchain out {{\ntype nat hook output priority -100\n{rule}\n}}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True, capture_output=True)
        self.server = subprocess.Popen(["ip", "netns", "exec", "bench-bridge", str(self.load), "serve", str(SERVER_PORT)])
        return self

    def __exit__(self, *_) -> None:
        self.server.kill()
        self.server.wait()
        for command in (["nft", "delete", "table", "ip", "bench-one"], ["ip", "link", "del", "bench-b0"],
                        ["ip", "netns", "del", "bench-bridge"]):  # fmt: skip
            subprocess.run(command, capture_output=True)


def wait_for_server(load: Path, host: str, port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            output_of([str(load), "connect", host, str(port), "1"])
            return
        except CommandFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def through_ports(results: Results, engines: list[Engine], load: Path, rounds: int, share: float) -> None:
    """From the host by a published port, against the same server behind a plain veth pair."""
    # The machine's own address: what is sent to 127.0.0.1 would be masqueraded, too.
    host = "172.29.78.1"
    subprocess.run(["ip", "address", "replace", f"{host}/32", "dev", "lo"], check=True)
    ready: dict[str, tuple[str, int]] = {}
    for number, engine in enumerate(engines):
        try:
            port = 23000 + number
            engine.call("run", "-d", "--name", "bench-server", "-p", f"{port}:{SERVER_PORT}", "-v", f"{load}:/netload:ro",
                        IMAGE, "/netload", "serve", str(SERVER_PORT))  # fmt: skip
            wait_for_server(load, host, port)
            ready[engine.name] = (host, port)
        except FAILURES as failure:
            results.fail("port_transfer", engine.name, failure)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(PlainVeth(load))
        wait_for_server(load, plain.host, SERVER_PORT)
        ready["kernel"] = (plain.host, SERVER_PORT)
        if shutil.which("nft"):
            rule = stack.enter_context(OneRule(load))
            wait_for_server(load, rule.host, rule.port)
            ready["kernel-bridge"] = (rule.host, rule.port)

        def sample(what: str, amount: int, to: tuple[str, int]) -> float:
            return float(output_of([str(load), what, to[0], str(to[1]), str(amount)]))

        amount, count = int(TRANSFER_BYTES * share), int(CONNECTIONS * share)
        interleave(results, "port_transfer", rounds,
                   {name: lambda to=to: sample("transfer", amount, to) / share for name, to in ready.items()})  # fmt: skip
        interleave(results, "port_connect", rounds,
                   {name: lambda to=to: sample("connect", count, to) / share for name, to in ready.items()})  # fmt: skip
    for row in ("port_transfer", "port_connect"):
        plain, bridged = (results.value(row, name) for name in ("kernel", "kernel-bridge"))
        if plain and bridged:
            print(f"  {row}: a bridge and one rule take {bridged / plain:.3f} x a plain veth pair", file=sys.stderr)
    for engine in engines:
        remove_all(engine, ["bench-server"])


def look_ups(results: Results, engines: list[Engine], load: Path, rounds: int, seconds: int) -> None:
    """A container asks for another one's name, 2,000 times a second."""
    ready = []
    for engine in engines:
        try:
            engine.call("network", "create", "bench-names")
            for name in ("bench-asked", "bench-asker"):
                engine.call("run", "-d", "--name", name, "--network", "bench-names", "-v", f"{load}:/netload:ro", IMAGE,
                            *SLEEP)  # fmt: skip
            ready.append(engine)
        except FAILURES as failure:
            results.fail("name_median", engine.name, failure)
    print("  name look-ups", file=sys.stderr)
    for round_number in range(rounds + 1):
        for engine in ready:
            try:
                argv = engine.command("exec", "bench-asker", "/netload", "names", "bench-asked", str(QUERIES_PER_SECOND),
                                      str(seconds))  # fmt: skip
                median, late = (float(text) / 1000 for text in output_of(argv, engine.env).split())
            except FAILURES as failure:
                results.fail("name_median", engine.name, failure)
                continue
            if round_number > 0:
                results.samples["name_median"][engine.name].append(median)
                results.samples["name_p99"][engine.name].append(late)
    for engine in engines:
        remove_all(engine, ["bench-asked", "bench-asker"])
        try:
            engine.call("network", "rm", "bench-names")
        except FAILURES as failure:
            print(f"bench: {engine.name}: {failure}", file=sys.stderr)


def measure(results: Results, engines: list[Engine], source: Path, work: Path, rounds: int, quick: bool) -> None:
    load = compile_load(source, work)
    # Those with a daemon; by Docker's client it would be the same one again.
    daemons = [engine for engine in engines if getattr(engine, "socket", None) and engine.programs]
    engines = [engine for engine in engines if not engine.name.startswith("hull-by")]
    ports_memory(results, daemons)
    bridge_cost(results, engines, rounds)
    publish_cost(results, engines, max(2, rounds // 3))
    through_ports(results, daemons, load, max(2, rounds // 3), 0.1 if quick else 1.0)
    look_ups(results, daemons, load, max(1, rounds // 5), 1 if quick else 5)
