"""kill -9 of hull-runtime, and of the processes it forks, at every system call: what is left goes with delete --force.

strace counts the calls of each process and kills it at the n-th one of a name. HULL_KILLS=n tries n places of each
command instead of twenty-five (0: all of them).
"""
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from runtime_bundle import Runtime, wait_for  # noqa: E402

KILLS = int(os.environ.get("HULL_KILLS", "25"))
# Ends of a process, which have nothing after them; and calls that strace can't stop at.
NOT_KILLED_AT = {"exit_group", "exit", "execve", "execveat", "rt_sigreturn"}

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@pytest.fixture
def runtime(tmp_path):
    made = Runtime(tmp_path)
    yield made
    made.cleanup()
    wait_for(lambda: made.leftovers() == [] or pytest.fail(str(made.leftovers())))


def traced(runtime, command, *options):
    """The trace of command and its children up to the command's own end, and its exit code; 137: it was killed."""
    trace = runtime.folder / "trace"
    strace = subprocess.Popen([str(word) for word in ("strace", "-I2", "-f", "-q", "-o", trace, *options, *command)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    try:
        while True:  # strace itself stays for as long as a container runs
            gone = strace.poll()
            text = trace.read_text(errors="replace") if trace.exists() else ""
            main = re.match(r"(\d+)\s+execve", text)
            ended = main and re.search(rf"^{main[1]}\s+\+\+\+ (exited with (\d+)|killed by)", text, re.M)
            if ended or gone is not None:
                break
            assert time.monotonic() < deadline, f"{command} hangs\n{text[-3000:]}"
            time.sleep(0.003)
    finally:
        strace.terminate()
        strace.wait(10)
    trace.unlink()
    if not ended:  # strace ends as the command did
        return text, 137 if gone == -9 else gone
    return text, int(ended[2]) if ended[2] else 137


def places(runtime, command):
    """Every (call, n) that some process of the command comes to."""
    text, _ = traced(runtime, command)
    counts = collections.defaultdict(collections.Counter)
    for line in text.splitlines():
        if called := re.match(r"(\d+)\s+(\w+)\(", line):
            counts[called[1]][called[2]] += 1
    longest = collections.Counter()
    for counter in counts.values():
        longest |= counter
    found = [(call, n) for call, most in longest.items() if call not in NOT_KILLED_AT for n in range(1, most + 1)]
    if KILLS and len(found) > KILLS:
        found = random.Random(os.getpid()).sample(found, KILLS)
    return found


def killed_at(runtime, call, n, command):
    """The command's own exit code; 137 when it was the one killed."""
    return traced(runtime, command, "-e", f"trace=execve,{call}", "-e", f"inject={call}:signal=KILL:when={n}")[1]


def nothing_is_left(runtime, where):
    deadline = time.monotonic() + 5
    while (left := runtime.leftovers()) and time.monotonic() < deadline:
        time.sleep(0.01)  # processes that are ending
    assert left == [], where


def bundle(runtime):
    return runtime.bundle(runtime.spec("sleep", "600", cgroup=f"/{runtime.prefix}killed"))


@pytest.mark.parametrize("command", ["create", "run"])
def test_a_killed_create_goes_with_delete_force(runtime, command):
    folder = bundle(runtime)
    pid_file = runtime.folder / "pid"
    flags = ["--bundle", folder, "--pid-file", pid_file] + (["--detach"] if command == "run" else [])
    kills = collections.Counter()
    container = runtime.new_id()
    tried = places(runtime, runtime.command(command, *flags, container))
    runtime("delete", "--force", container)
    for call, n in tried:
        container = runtime.new_id()
        code = killed_at(runtime, call, n, runtime.command(command, *flags, container))
        kills[code] += 1
        if code not in (0, 137):  # it saw a child die, and undid everything itself
            assert not (runtime.root / container).exists(), (call, n)
            nothing_is_left(runtime, (call, n))
        runtime("delete", "--force", container)
        nothing_is_left(runtime, (call, n))
    assert kills[137] > len(tried) // 8, kills


@pytest.mark.parametrize("command", [["start"], ["exec", "--detach", "sleep", "600"], ["delete", "--force"], ["pause"],
                                     ["update", "--pids-limit", "99"], ["kill", "KILL"]])
def test_a_killed_command_leaves_a_container_that_can_be_deleted(runtime, command):
    folder = bundle(runtime)

    def words(container):
        flags = [w for w in command[1:] if w.startswith("--")]
        rest = [w for w in command[1:] if not w.startswith("--")]
        if command[0] == "update":
            flags, rest = command[1:], []
        return runtime.command(command[0], *flags, container, *rest)

    def made():
        container = runtime.new_id()
        runtime("create", "--bundle", folder, container)
        if command[0] != "start":
            runtime("start", container)
        return container

    container = made()
    tried = places(runtime, words(container))
    runtime("delete", "--force", container)
    for call, n in tried:
        container = made()
        killed_at(runtime, call, n, words(container))
        if (runtime.root / container / "state.json").exists():  # whole, whatever happened
            assert runtime.state(container)["id"] == container
            with contextlib.suppress(FileNotFoundError):  # it goes first
                json.loads((runtime.root / container / "config.json").read_text())
        runtime("delete", "--force", container)
        nothing_is_left(runtime, (call, n))


def test_of_two_that_create_the_same_id_one_wins(runtime):
    folder = bundle(runtime)
    for _ in range(10):
        container = runtime.new_id()
        racers = [subprocess.Popen(runtime.command("create", "--bundle", folder, container), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=open(runtime.folder / f"err{n}", "w"))
                  for n in range(4)]
        codes = sorted(racer.wait(20) for racer in racers)
        assert codes == [0, 1, 1, 1]
        errors = "".join((runtime.folder / f"err{n}").read_text() for n in range(4))
        assert errors.count("container with given ID already exists") == 3
        assert runtime.state(container)["status"] == "created"
        runtime("start", container)
        runtime("delete", "--force", container)


def test_commands_on_one_container_at_once_are_done_one_after_the_other(runtime):
    """Whatever the order: nothing fails in a way that isn't one command's own, and the end is clean."""
    folder = bundle(runtime)
    allowed = re.compile(r"already running|has stopped|stopped container|not running|does not exist|not paused|"
                         r"paused (container|state)|that is not stopped|^$")
    commands = [["start"], ["exec", "-d", "{}", "true"], ["kill", "{}", "CONT"], ["pause"], ["resume"],
                ["update", "--pids-limit", "100"], ["update", "--memory", "200m"], ["delete"], ["state"]]
    chosen = random.Random(1)
    for turn in range(12):
        container = runtime.new_id()
        runtime("create", "--bundle", folder, container)
        if turn % 2:
            runtime("start", container)
        racers = []
        for number, words in enumerate(chosen.sample(commands, 6)):
            words = [w.replace("{}", container) for w in words] + ([] if "{}" in words else [container])
            racers.append((words, subprocess.Popen(
                runtime.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=open(runtime.folder / f"err{number}", "w"))))
        for number, (words, racer) in enumerate(racers):
            racer.wait(40)
            said = (runtime.folder / f"err{number}").read_text()
            assert allowed.search(said), (words, said)
            assert (racer.returncode == 0) == (said == ""), (words, said)
        runtime("resume", container, check=False)
        runtime("delete", "--force", container)
        nothing_is_left(runtime, turn)


def test_delete_force_ends_a_create_that_hangs(runtime):
    spec = runtime.spec(cgroup=f"/{runtime.prefix}hangs")
    spec["hooks"] = {"createContainer": [{"path": "/bin/sleep", "args": ["sleep", "60"]}]}
    container = runtime.new_id()
    create = subprocess.Popen(runtime.command("create", "--bundle", runtime.bundle(spec), container),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (runtime.root / container / "state.json").exists())
    assert runtime.state(container)["status"] == "creating"
    runtime("delete", "--force", container)
    assert create.wait(10) == 1
    nothing_is_left(runtime, "")
