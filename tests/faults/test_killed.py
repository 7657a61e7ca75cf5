"""kill -9 of the engine and of the keeper; a thousand short lives. Rows F1, F2, F7."""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from census import census, leftovers  # noqa: E402


@pytest.fixture
def own(new_engine):
    engine = new_engine()
    done = engine.hull("image", "bootstrap", "busybox", timeout=120)
    assert done.returncode == 0, done.stderr
    return engine


def inspect(engine, name):
    done = engine.hull("inspect", name)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]


COUNTER = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; sleep 0.01; done; exit 17"


def test_f1_engine_killed_containers_run_on(own):
    """Same pid, every log line, and the right exit code of what ended meanwhile."""
    own.hull("run", "-d", "--name", "steady", "busybox", "sleep", "600")
    own.hull("run", "-d", "--name", "counter", "busybox", "sh", "-c", COUNTER)
    own.hull("run", "-d", "--name", "ends", "busybox", "sh", "-c", "sleep 1; echo last words; exit 23")
    own.hull("run", "-d", "--rm", "--name", "ends-rm", "busybox", "sleep", "1")
    pid = inspect(own, "steady")["State"]["Pid"]
    own.kill(signal.SIGKILL)
    assert os.path.exists(f"/proc/{pid}")
    time.sleep(2)
    own.start()
    state = inspect(own, "steady")["State"]
    assert (state["Pid"], state["Status"]) == (pid, "running")
    ended = inspect(own, "ends")["State"]
    assert (ended["Status"], ended["ExitCode"]) == ("exited", 23)
    assert own.hull("logs", "ends").stdout == "last words\n"
    assert own.hull("wait", "counter").stdout == "17\n"
    assert own.hull("logs", "counter").stdout == "".join(f"line {i}\n" for i in range(1, 401))
    assert own.hull("exec", "steady", "echo", "hi").stdout == "hi\n"
    for _ in range(50):
        if own.hull("inspect", "ends-rm").returncode == 1:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("--rm was forgotten")


def test_f1_engine_killed_again_and_again_while_working(own):
    """At any moment of create, start, exec, stop and rm: the truth afterwards, and everything can be removed."""
    stop = threading.Event()

    def work(number):
        while not stop.is_set():
            name = f"w{number}-{random.randrange(10**9)}"
            try:
                own.hull("run", "-d", "--name", name, "busybox", "sleep", "5", timeout=30)
                own.hull("exec", name, "true", timeout=30)
                own.hull("rm", "-f", name, timeout=30)
            except subprocess.TimeoutExpired:
                pass

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(12):
            time.sleep(random.uniform(0.05, 0.4))
            own.kill(signal.SIGKILL)
            own.start()
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    for cid in own.hull("ps", "-aq", "--no-trunc").stdout.split():
        state = inspect(own, cid)["State"]
        assert state["Running"] == (state["Pid"] > 0 and os.path.exists(f"/proc/{state['Pid']}")), state
    ids = own.hull("ps", "-aq").stdout.split()
    if ids:
        done = own.hull("rm", "-f", *ids)
        assert done.returncode == 0, done.stderr
    assert own.hull("ps", "-aq").stdout == ""
    assert container_folders(own) == []


def test_f2_keeper_killed_containers_and_logs_go_on(own):
    own.hull("run", "-d", "--name", "counter", "busybox", "sh", "-c", COUNTER)
    own.hull("run", "-d", "--name", "steady", "-i", "busybox", "sh", "-c", "cat; exit 9")
    pid = inspect(own, "counter")["State"]["Pid"]
    time.sleep(0.5)
    keeper = own.keeper_pid()
    assert keeper
    os.kill(keeper, signal.SIGKILL)
    time.sleep(0.5)
    state = inspect(own, "counter")["State"]
    assert (state["Running"], state["Pid"]) == (True, pid)
    assert own.hull("exec", "steady", "echo", "still here").stdout == "still here\n"
    assert own.hull("wait", "counter", timeout=30).stdout == "17\n"
    lines = own.hull("logs", "counter").stdout.split("\n")
    assert lines[-2] == "line 400"
    assert own.hull("run", "--rm", "busybox", "echo", "new ones too").stdout == "new ones too\n"
    assert own.hull("stop", "-t", "1", "steady").returncode == 0
    assert own.keeper_pid() not in (None, keeper)


def test_f2_both_killed_states_stay_truthful(own):
    own.hull("run", "-d", "--name", "lives", "busybox", "sleep", "600")
    own.hull("run", "-d", "--name", "ends", "busybox", "sleep", "1")
    pid = inspect(own, "lives")["State"]["Pid"]
    keeper = own.keeper_pid()
    own.process.send_signal(signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    own.process.wait(10)
    own.log.close()
    time.sleep(1.5)
    own.start()
    state = inspect(own, "lives")["State"]
    assert (state["Running"], state["Pid"]) == (True, pid)
    assert inspect(own, "ends")["State"]["Running"] is False
    assert own.hull("exec", "lives", "echo", "hi").stdout == "hi\n"
    assert own.hull("rm", "-f", "lives", "ends").returncode == 0
    # Nobody of ours is its parent any more: process 1 reaps it in its own time.
    assert ended(pid)


def test_f2_oom_kill_of_a_child_leaves_the_container_running(own):
    own.hull("run", "-d", "--name", "oom", "-m", "48m", "--memory-swap", "48m", "busybox", "sh", "-c",
             "sh -c 'head -c 300m /dev/zero | tail >/dev/null'; echo survived; sleep 600")
    for _ in range(200):
        if "survived" in own.hull("logs", "oom").stdout:
            break
        time.sleep(0.1)
    assert inspect(own, "oom")["State"]["Running"] is True


def test_f7_a_thousand_lives_leave_nothing(own):
    """run, exec, rm; a tenth of the clients killed midway."""
    own.hull("run", "--rm", "busybox", "true")
    own.hull("run", "-d", "--name", "base", "busybox", "sleep", "3000")
    time.sleep(3)  # the warm pool fills
    before, files = census_of(own), count_files(own)
    fds = count_fds(own)
    hull = str(own.programs / "bin/hull")

    def lives(numbers):
        for number in numbers:
            if number % 10 == 3:
                process = subprocess.Popen([hull, "run", "--rm", "busybox", "sleep", "0.05"], env=own.env,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(random.uniform(0, 0.02))
                process.kill()
                process.wait()
            elif number % 10 == 5:
                subprocess.run([hull, "exec", "base", "true"], env=own.env, check=True, timeout=60)
            else:
                subprocess.run([hull, "run", "--rm", "busybox", "true"], env=own.env, check=True, timeout=60)

    total = int(os.environ.get("HULL_LIVES", "1000"))
    threads = [threading.Thread(target=lives, args=(range(start, total, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A client killed between create and start leaves a created container, as with Docker: remove those.
    left = [i for i in own.hull("ps", "-aq", "--filter", "status=created").stdout.split()]
    if left:
        own.hull("rm", "-f", *left)
    deadline = time.monotonic() + 30
    while own.hull("ps", "-aq").stdout.count("\n") > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    while leftovers(before, census_of(own)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert leftovers(before, census_of(own)) == {}
    assert count_files(own) == files
    after = count_fds(own)
    assert all(after[k] <= fds[k] + 8 for k in fds), (fds, after)
    assert not zombies(own)


def container_folders(engine):
    return [p.name for p in (engine.folder / "data/containers").iterdir() if not p.name.startswith(".")]


def ended(pid):
    """Gone, or a zombie that waits for its parent."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def census_of(engine):
    """The census, with the veths of the warm pool counted, not named: they come and go by design; of this engine's."""
    seen = census()
    pooled = {link for link in seen["links"] if link.startswith("veth")}
    seen["links"] -= pooled
    own = os.listdir(f"/sys/class/net/{engine.bridge}/brif")
    seen["links"].add(f"{len(own)} veths")
    return seen


def count_files(engine):
    """Folders of containers and files of the exec root; the databases may grow."""
    return {str(p.relative_to(engine.folder)) for top in ("data/containers", "exec")
            for p in (engine.folder / top).iterdir()}


def count_fds(engine):
    return {name: len(os.listdir(f"/proc/{pid}/fd"))
            for name, pid in (("hulld", engine.process.pid), ("keeper", engine.keeper_pid()))}


def zombies(engine):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] == "Z" and int(fields[1]) in (engine.process.pid, engine.keeper_pid()):
            found.append(pid)
    return found


def test_full_disk_is_a_clear_error_and_the_next_operation_works(new_engine, tmp_path):
    """F3 for this slice: create, start and log on a full data root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", disk], check=True)
    engine = None
    try:
        engine = new_engine(folder=str(disk))
        assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
        subprocess.run(f"head -c 100m /dev/zero > {disk}/filler", shell=True, stderr=subprocess.DEVNULL)
        done = engine.hull("run", "--rm", "busybox", "sh", "-c", "head -c 1m /dev/zero > /x")
        assert done.returncode != 0 and ("No space left" in done.stderr or "disk is full" in done.stderr), done.stderr
        (disk / "filler").unlink()
        ids = engine.hull("ps", "-aq").stdout.split()
        assert ids == []
        assert engine.hull("run", "--rm", "busybox", "echo", "fine").stdout == "fine\n"
    finally:
        if engine and engine.process:
            engine.hull("ps", "-aq")
            keeper = engine.keeper_pid()
            engine.kill(signal.SIGTERM)
            for _ in range(100):
                if not keeper or not os.path.exists(f"/proc/{keeper}"):
                    break
                time.sleep(0.1)
            engine.process = None
            subprocess.run(["ip", "link", "delete", engine.bridge], capture_output=True)
            for child in disk.iterdir():
                subprocess.run(["rm", "-rf", str(child)])
            engine.stop = lambda: None
        subprocess.run(["umount", disk], check=True)
