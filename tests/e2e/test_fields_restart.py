"""RestartPolicy, AutoRemove and RestartCount, over ends, stops, the engine's own restarts and a reboot."""
import os
import shutil
import signal
import time

import pytest

from fields import box, call, refused, until


def policy(name, most=0):
    return {"RestartPolicy": {"Name": name, "MaximumRetryCount": most}}


def counted(made):
    return made.inspect()["RestartCount"]


@pytest.fixture
def own_engine(new_engine):
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    return engine


def test_no_means_no(engine):
    with box(engine, policy("no"), Cmd=["false"]) as made:
        assert made.wait() == 1
        time.sleep(0.5)
        assert (counted(made), made.inspect()["State"]["Status"]) == (0, "exited")


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
def test_always_starts_again_and_stop_ends_it(engine, name):
    with box(engine, policy(name), Cmd=["sh", "-c", "echo begun; sleep 0.1"]) as made:
        until(lambda: counted(made) >= 2)
        until(lambda: made.logs().count("begun") >= 3)
        assert call(engine, "POST", f"/containers/{made.id}/stop?t=1")[0] in (204, 304)
        seen = counted(made)
        time.sleep(1)
        assert (counted(made), made.inspect()["State"]["Status"]) == (seen, "exited")


def test_on_failure_counts_and_gives_up(engine):
    with box(engine, policy("on-failure", 3), Cmd=["sh", "-c", "exit 5"]) as made:
        until(lambda: made.inspect()["State"]["Status"] == "exited" and counted(made) == 3)
        assert made.inspect()["State"]["ExitCode"] == 5
    with box(engine, policy("on-failure"), Cmd=["true"]) as made:
        made.wait()
        time.sleep(0.4)
        assert counted(made) == 0


def test_pauses_double(engine):
    with box(engine, policy("always"), Cmd=["sh", "-c", "cut -d. -f1,2 /proc/uptime | cut -d' ' -f1; exit 1"]) as made:
        until(lambda: counted(made) >= 5, 30)
        times = [float(t) for t in made.logs().split()][:6]
        gaps = [b - a for a, b in zip(times, times[1:])]
        for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8, 1.6)):
            assert least - 0.02 <= gap < least + 0.6, gaps


def test_status_between_restarts(engine):
    with box(engine, policy("always"), Cmd=["false"]) as made:
        until(lambda: counted(made) >= 5, 30)
        state = until(lambda: (s := made.inspect()["State"])["Restarting"] and s)
        assert (state["Status"], state["Running"], state["ExitCode"]) == ("restarting", True, 1)
        # It may have been about to run when it was looked at.
        until(lambda: made.id in [c["Id"] for c in call(
            engine, "GET", '/containers/json?filters={"status":["restarting"]}')[1]])
        call(engine, "POST", f"/containers/{made.id}/kill")


def test_manual_start_counts_anew(engine):
    with box(engine, policy("on-failure", 1), Cmd=["false"]) as made:
        until(lambda: made.inspect()["State"]["Status"] == "exited" and counted(made) == 1)
        made.start()
        assert counted(made) <= 1
        until(lambda: made.inspect()["State"]["Status"] == "exited" and counted(made) == 1)


def test_auto_remove_with_a_policy_is_refused(engine):
    assert "can't create 'AutoRemove' container with restart policy" in refused(
        engine, {"AutoRemove": True, **policy("always")})[1]


def test_after_the_engine_was_killed(own_engine):
    engine = own_engine
    with box(engine, policy("always")) as runs, box(engine, policy("always")) as stopped, \
            box(engine, policy("unless-stopped")) as left, box(engine, policy("no")) as plain, \
            box(engine, policy("always"), start=False) as created:
        pid = runs.pid
        for one in (stopped, left, plain):
            call(engine, "POST", f"/containers/{one.id}/stop?t=0")
        engine.kill()
        engine.start()
        assert runs.pid == pid and counted(runs) == 0, "a container noticed that the engine was away"
        until(lambda: stopped.inspect()["State"]["Running"])
        for one, status in ((left, "exited"), (plain, "exited"), (created, "created")):
            assert one.inspect()["State"]["Status"] == status


def test_policy_goes_on_for_what_ended_meanwhile(own_engine):
    engine = own_engine
    with box(engine, policy("on-failure", 9), Cmd=["sh", "-c", "sleep 1; exit 3"]) as made:
        engine.kill()
        time.sleep(2)
        engine.start()
        until(lambda: counted(made) >= 1)


def test_after_a_reboot(own_engine):
    """No process is left, and the exec root is empty."""
    engine = own_engine
    with box(engine, policy("always")) as always, box(engine, policy("unless-stopped")) as unless, \
            box(engine, policy("on-failure")) as failed, box(engine, policy("no")) as plain, \
            box(engine, policy("unless-stopped")) as left, box(engine, {"AutoRemove": True}) as removed:
        call(engine, "POST", f"/containers/{left.id}/stop?t=0")
        pids = [one.pid for one in (always, unless, failed, plain, removed)]
        keeper = engine.keeper_pid()
        engine.kill()
        os.kill(keeper, signal.SIGKILL)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(os.path.exists(f"/proc/{pid}") and
                              open(f"/proc/{pid}/stat").read().split(")")[1].split()[0] != "Z" for pid in pids))
        shutil.rmtree(engine.folder / "exec")
        engine.start()
        for one in (always, unless, failed):
            until(lambda: one.inspect()["State"]["Running"])
            assert one.pid not in pids
        assert plain.inspect()["State"]["Status"] == "exited"
        assert left.inspect()["State"]["Status"] == "exited"
        until(lambda: call(engine, "GET", f"/containers/{removed.id}/json")[0] == 404)
