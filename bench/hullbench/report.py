"""Medians, ratios and bars as Markdown."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hullbench import builds
from hullbench.network import MANY_PORTS, PORTS
from hullbench.peers import Engine, OciRuntime
from hullbench.scenarios import OUTPUT_BYTES, PARALLEL, Results
from hullbench.service import HEALTHY

KIB, MIB = 1024, 1024 * 1024


@dataclass
class Row:
    title: str
    key: str  # in Results
    unit: str = "ms"


ENGINE_ROWS = [
    Row("`run --rm --network none busybox true`", "run_none"),
    Row("`run --rm busybox true` on the bridge", "run_bridge"),
    Row("`exec` of `true`", "exec"),
    Row(f"{PARALLEL} parallel `run -d` on the bridge", f"parallel_{PARALLEL}"),
    Row(f"attached output of {OUTPUT_BYTES // 1_000_000} MB of short lines", "attached"),
    Row("the same into the log (`run -d`, `wait`)", "logged"),
    Row(f"`logs` of {OUTPUT_BYTES // 1_000_000} MB of short lines", "logs"),
    Row("create + start + wait + delete by the bare API, no network", "api"),
    Row("`pull` of a Debian image of 380 MB, 3 gzip layers", "pull"),
    Row("`push` of it to an empty registry", "push"),
    Row("`save` of it", "save"),
    Row("`load` of it", "load"),
    Row(f"CPU of {HEALTHY} health checks a second, per second", "health"),
    Row("start on the bridge less start without a network", "bridge_cost"),
    Row(f"publishing {PORTS} ports of one container", "publish"),
    Row("2 GB from a published port", "port_transfer"),
    Row("2,000 connections to a published port, one after another", "port_connect"),
    Row("look-up of a container's name at 2,000 a second, median", "name_median"),
    Row("the same, 99th percentile", "name_p99"),
    Row(f"memory of {MANY_PORTS} published ports, PSS", "ports_memory", "MiB"),
    Row("engine idle, PSS", "memory_idle", "MiB"),
    Row("memory per idle container", "memory_per_container", "KiB"),
    Row("engine with 1,000 idle containers, PSS", "crowd", "MiB"),
    Row("what the engine grows by in 1,000 `run --rm`, PSS", "growth", "MiB"),
]
BUILD_ROWS = [
    Row(f"COPY of {builds.FILES:,} small files, first build, on a tmpfs", "build_files"),
    Row("the same, all cached", "build_files_cached"),
    Row(f"{builds.RUNS} RUN steps of `true`", "build_runs"),
    Row("RUN apt-get install of nginx, curl and python3, beyond apt's own time", "build_apt"),
    Row(f"{builds.STAGES} stages of CPU work on two cores", "build_stages"),
    Row("a context of 1 GiB, unchanged", "build_context"),
    Row("RUN that writes 2 GiB, COPY of it", "build_layer"),
    Row("peak memory of the engine meanwhile", "build_memory", "MiB"),
]
OCI_ROWS = [
    Row("`run` of `true`", "oci_run"),
    Row("`create` + `start` + `delete --force`", "oci_lifecycle"),
    Row("`exec` of `true`", "oci_exec"),
    Row("peak resident memory of `run`", "oci_rss", "MiB"),
    Row("the program, on disk", "oci_size", "MiB"),
]
FLOOR_ROWS = [
    Row("fork + exec of `true`", "floor_exec"),
    Row("all namespaces but the network's + overlay + pivot_root + exec", "floor_box"),
    Row("the same with a network namespace", "floor_netbox"),
    Row(f"{OUTPUT_BYTES // 1_000_000} MB of short lines into /dev/null, no container", "floor_output"),
    Row("docker's client for `exec`, before a server that answers at once", "floor_client"),
    Row("2 GB from the same server behind a plain veth pair", "port_transfer"),
    Row("2,000 connections to it, one after another", "port_connect"),
    Row(f"the {builds.FILES:,} small files copied by cp on a tmpfs", "build_files"),
    Row(f"the CPU work of {builds.STAGES} stages, no container", "build_stages"),
    Row("igzip of the layers of the Debian image, one after another", "floor_inflate"),
]


@dataclass
class Bar:
    """At most this: a share of a peer's value, or a plain value."""

    title: str
    key: str
    limit: float
    peer: str | None = "docker"  # None: limit is absolute, in unit
    ours: str = "hull"
    unit: str = ""
    as_share: bool = False  # shown as 0.75, not as 1/12


BARS = [
    Bar("`hull run --rm --network none busybox true`", "run_none", 1 / 12),
    Bar("the same with the bridge", "run_bridge", 1 / 12),
    Bar("the docker CLI against hulld versus dockerd, no network", "run_none", 1 / 5, ours="hull-by-docker"),
    Bar("exec of `true`", "exec", 1 / 6),
    Bar("the same by docker's CLI", "exec", 1 / 4, ours="hull-by-docker"),
    Bar("create + start + wait + delete by the bare API", "api", 1 / 12),
    Bar(f"{PARALLEL} parallel `run -d`", f"parallel_{PARALLEL}", 1 / 15),
    Bar("engine + keeper idle, PSS", "memory_idle", 25, peer=None, unit="MiB"),
    Bar("our memory per idle container", "memory_per_container", 100, peer=None, unit="KiB"),
    Bar("engine + keeper with 1,000 idle containers, PSS", "crowd", 120, peer=None, unit="MiB"),
    Bar("growth in 1,000 `run --rm`, PSS", "growth", 2, peer=None, unit="MiB"),
    Bar("attached output of short lines", "attached", 1 / 3),
    Bar("`logs` of 112 MB", "logs", 1 / 6),
    Bar("`pull`", "pull", 1 / 4),
    Bar("`pull`, over what igzip needs for the layers", "pull", 2.5, peer="floor_inflate"),
    Bar("`push`", "push", 1 / 4),
    Bar("`save`", "save", 1 / 3),
    Bar("`load`", "load", 1 / 3),
    Bar(f"CPU of {HEALTHY} health checks a second", "health", 1 / 5),
    Bar("start on the bridge less start without a network", "bridge_cost", 1 / 15),
    Bar("the same", "bridge_cost", 4, peer=None, unit="ms"),
    Bar(f"publishing {PORTS} ports", "publish", 1 / 20),
    Bar("transfer through a published port, over a plain veth pair", "port_transfer", 1 / 0.95, peer="kernel", as_share=True),
    Bar("connections through a published port, over a plain veth pair", "port_connect", 1 / 0.95, peer="kernel", as_share=True),
    Bar("name look-ups, median", "name_median", 0.5, as_share=True),
    Bar("name look-ups, 99th percentile", "name_p99", 0.5, as_share=True),
    Bar(f"memory of {MANY_PORTS} published ports, PSS", "ports_memory", 1, peer=None, unit="MiB"),
    Bar(f"COPY of {builds.FILES:,} files, first build, on a tmpfs", "build_files", 1 / 6, peer="best"),
    Bar("the same, all cached", "build_files_cached", 1 / 10, peer="best"),
    Bar(f"{builds.RUNS} RUN steps", "build_runs", 1 / 8, peer="best"),
    Bar("install of packages, beyond apt's own time", "build_apt", 1 / 5, peer="best"),
    Bar(f"{builds.STAGES} stages of CPU work, over the machine's limit", "build_stages", 1.1, peer="kernel", as_share=True),
    Bar("a context of 1 GiB, unchanged", "build_context", 300, peer=None, unit="ms"),
    Bar("peak memory of hulld at a layer of 2 GiB", "build_memory", 64, peer=None, unit="MiB"),
    Bar("hull-runtime: `run`", "oci_run", 0.75, peer="crun", ours="hull-runtime", as_share=True),
    Bar("hull-runtime: `run`", "oci_run", 0.25, peer="runc", ours="hull-runtime", as_share=True),
    Bar("hull-runtime: `create` + `start` + `delete`", "oci_lifecycle", 0.75, peer="crun", ours="hull-runtime", as_share=True),
    Bar("hull-runtime: `exec`", "oci_exec", 0.75, peer="crun", ours="hull-runtime", as_share=True),
    Bar("hull-runtime: peak resident memory of `run`", "oci_rss", 2, peer=None, ours="hull-runtime", unit="MiB"),
    Bar("hull-runtime: the program", "oci_size", 1.5, peer=None, ours="hull-runtime", unit="MiB"),
]

SCALE = {"ms": 1.0, "MiB": float(MIB), "KiB": float(KIB)}


def show(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    scaled = value / SCALE[unit]
    digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
    return f"{scaled:.{digits}f} {unit}"


def ratio(ours: float | None, theirs: float | None) -> str:
    if ours is None or theirs is None or ours <= 0 or theirs <= 0:
        return "-"  # not measured, or lost in the noise
    return f"{theirs / ours:.1f} x"


def table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (w + 1) + ":" for w in widths[1:]]) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def comparison(results: Results, rows: list[Row], peers: list[str], first: str) -> str:
    """A column for each peer, then how many times ours theirs is, and the day if it isn't the same for all."""
    dated = len({results.days.get(row.key) for row in rows if row.key in results.samples}) > 1
    others = [peer for peer in peers if peer != first and first in peers]
    header = ["", *peers, *[f"{peer} / {first}" for peer in others], *(["day"] if dated else [])]
    body = []
    for row in rows:
        values = {peer: results.value(row.key, peer) for peer in peers}
        if any(value is not None for value in values.values()):
            ratios = [ratio(values[first], values[peer]) for peer in others]
            body.append([row.title, *[show(values[peer], row.unit) for peer in peers], *ratios])
            if dated:
                body[-1].append(results.days.get(row.key, ""))
    return table(header, body)


def bars(results: Results) -> str:
    body = []
    for bar in BARS:
        ours = results.value(bar.key, bar.ours)
        theirs = results.value(bar.key, bar.peer) if bar.peer else None
        if bar.peer == "best":
            values = [value for peer in builds.PEERS if (value := results.value(bar.key, peer)) is not None]
            theirs = min(values) if values else None
        if bar.peer == "floor_inflate":
            theirs = results.value(bar.peer, "kernel")
        if ours is None or (bar.peer and not theirs):
            continue
        if bar.peer:
            if bar.peer == "kernel":
                wanted, got = f"{bar.limit:.2f} x", f"{ours / theirs:.2f} x"
            elif bar.limit > 1:
                wanted, got = f"{bar.limit} x igzip's", f"{ours / theirs:.1f}"
            elif bar.as_share:
                wanted, got = f"{bar.limit} of {bar.peer}'s", f"{ours / theirs:.2f}"
            else:
                of = "the best peer's" if bar.peer == "best" else f"{bar.peer}'s"
                wanted, got = f"1/{1 / bar.limit:.0f} of {of}", f"1/{theirs / ours:.1f}"
            met = ours <= theirs * bar.limit
        else:
            wanted, got = f"{bar.limit:g} {bar.unit}", show(ours, bar.unit)
            met = ours / SCALE[bar.unit] <= bar.limit
        body.append([bar.title, wanted, got, "yes" if met else "NO"])
    return table(["", "at most", "measured", "met"], body) if body else ""


def sizes(engines: list[Engine]) -> str:
    body = [[name, show(size, "MiB")] for engine in engines for name, size in engine.sizes().items()]
    return table(["program", "size"], body)


def machine() -> str:
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 30)
    return f"{os.cpu_count()} x {cpu}, {memory} GiB, Linux {platform.release()}"


def versions(engines: list[Engine], runtimes: list[OciRuntime]) -> list[str]:
    found = [f"{engine.name}: {engine.version()}" for engine in engines if engine.programs]
    for runtime in runtimes:
        text = subprocess.run([runtime.program, "--version"], capture_output=True, text=True).stdout
        found.append(f"{runtime.name}: {text.splitlines()[0] if text else '?'}")
    return found


def render(results: Results, engines: list[Engine], runtimes: list[OciRuntime], as_page: bool) -> str:
    names = [engine.name for engine in engines]
    builders = [name for name in builds.NAMES if any(name in results.samples.get(row.key, {}) for row in BUILD_ROWS)]
    sections = [
        ("Bars", bars(results)),
        ("Whole stack (medians)", comparison(results, ENGINE_ROWS, names, "hull")),
        ("Builds (medians)", comparison(results, BUILD_ROWS, builders, "hull")),
        ("OCI runtimes alone (medians)", comparison(results, OCI_ROWS, [r.name for r in runtimes], "hull-runtime")),
        ("What the kernel itself takes (medians)", comparison(results, FLOOR_ROWS, ["kernel"], "kernel")),
        ("Programs", sizes(engines)),
    ]
    out = []
    if as_page:
        out += [
            "# Benchmarks",
            "Made by `bench/run --results docs/benchmarks.json --markdown > docs/benchmarks.md`; each row is of one "
            "interleaved run. How: [bench/README.md](../bench/README.md).",
            f"Machine: {machine()}.",
            "\n".join(f"- {line}" for line in versions(engines, runtimes)),
        ]
    for title, text in sections:
        if text.count("\n") > 1:
            out += [f"## {title}", text]
    if results.failures:
        out += ["## Failures", "\n".join(f"- {row}, {peer}: {why}" for (row, peer), why in results.failures.items())]
    return "\n\n".join(out)
