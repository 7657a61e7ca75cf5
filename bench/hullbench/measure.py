"""Clocks and scales."""

import os
import signal
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

# Seconds after which a command counts as hanging.
PATIENCE = 180

NULL_STDIN_STDOUT = [
    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
]


class CommandFailed(Exception):
    pass


def spawn(argv: list[str], env: dict[str, str], stderr_fd: int) -> int:
    """vfork + exec, so that this process's size doesn't count."""
    actions = [*NULL_STDIN_STDOUT, (os.POSIX_SPAWN_DUP2, stderr_fd, 2)]
    return os.posix_spawnp(argv[0], argv, env, file_actions=actions, setsigdef=[signal.SIGPIPE])


@contextmanager
def killer(pids):
    """Kills these processes if they take too long."""

    def kill_all(*_) -> None:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    before = signal.signal(signal.SIGALRM, kill_all)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def time_commands(commands: list[list[str]], env: dict[str, str]) -> float:
    """Starts all at once; milliseconds until the last one ended well."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter_ns()
        pids = {spawn(argv, env, errors.fileno()): argv for argv in commands}
        with killer(pids):
            failed = [argv for pid, argv in pids.items() if os.waitpid(pid, 0)[1] != 0]
        took = (time.perf_counter_ns() - start) / 1e6
        if failed:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise CommandFailed(f"{' '.join(failed[0])}: {text[-600:]}")
        return took


def time_command(argv: list[str], env: dict[str, str]) -> float:
    return time_commands([argv], env)


def peak_rss_bytes(argv: list[str], env: dict[str, str]) -> float:
    """The most memory that the process itself ever had resident (not its children).

    By time(1): a child of ours would begin with the size of this interpreter.
    """
    with tempfile.NamedTemporaryFile("r") as result:
        time_command(["/usr/bin/time", "-f", "%M", "-o", result.name, *argv], env)
        return float(result.read()) * 1024


def pss_bytes(programs: set[str]) -> int:
    """Proportional set size of all processes that run one of these programs."""
    total = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.path.basename(os.readlink(process / "exe")) not in programs:
                continue
            for line in (process / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue  # ended meanwhile, or a kernel thread
    return total


def median(samples: list[float]) -> float:
    return statistics.median(samples)
