"""Healthcheck: the container's and the image's, and what inspect, ps and events tell of it."""
import json
import subprocess
import time

import pytest

from fields import box, call, until

SECOND = 1_000_000_000


def check(test, **more):
    return {"Test": test, "Interval": SECOND // 5, **more}


def health(made):
    return made.inspect()["State"]["Health"]


def test_cmd_shell_healthy_then_not_then_healthy(engine):
    begin = time.time()
    with box(engine, Healthcheck=check(["CMD-SHELL", "cat /state"], Retries=2), Cmd=["sleep", "600"]) as made:
        assert health(made)["Status"] == "starting"
        until(lambda: health(made)["Status"] == "unhealthy")
        assert health(made)["FailingStreak"] >= 2
        last = health(made)["Log"][-1]
        assert last["ExitCode"] == 1 and "can't open" in last["Output"] and last["Start"] < last["End"]
        made.sh("echo fine > /state")
        until(lambda: health(made)["Status"] == "healthy")
        assert health(made)["FailingStreak"] == 0
        until(lambda: health(made)["Log"][-1]["Output"] == "fine\n")
        until(lambda: len(health(made)["Log"]) == 5)
        time.sleep(0.5)
        assert len(health(made)["Log"]) == 5
        assert made.id in [c["Id"] for c in call(engine, "GET", '/containers/json?filters={"health":["healthy"]}')[1]]
        assert "(healthy)" in [c for c in call(engine, "GET", "/containers/json")[1] if c["Id"] == made.id][0]["Status"]
        events = call(engine, "GET", f"/events?since={begin - 1:.3f}&until={time.time():.3f}"
                      f'&filters={{"container":["{made.id}"]}}', raw=True)[1]
        actions = [json.loads(line)["Action"] for line in events.splitlines()]
        assert [a for a in actions if a.startswith("health_status")] == ["health_status: unhealthy",
                                                                         "health_status: healthy"]


def test_cmd_is_without_a_shell(engine):
    with box(engine, Healthcheck=check(["CMD", "echo", "$HOME"])) as made:
        until(lambda: health(made)["Status"] == "healthy")
        assert health(made)["Log"][-1]["Output"] == "$HOME\n"


def test_none_and_nothing_have_no_health(engine):
    for config in ({"Healthcheck": {"Test": ["NONE"]}}, {}):
        with box(engine, **config) as made:
            assert "Health" not in made.inspect()["State"]


def test_timeout(engine):
    with box(engine, Healthcheck=check(["CMD", "sleep", "60"], Timeout=SECOND // 5, Retries=1)) as made:
        until(lambda: health(made)["Status"] == "unhealthy")
        last = health(made)["Log"][-1]
        assert last["ExitCode"] == -1 and last["Output"].startswith("Health check exceeded timeout (200ms)")
        until(lambda: made.sh("ps").count("sleep 60") <= 1)


def test_start_period_and_start_interval(engine):
    with box(engine, Healthcheck={"Test": ["CMD", "cat", "/state"], "Interval": 60 * SECOND, "Retries": 1,
                                  "StartPeriod": 60 * SECOND, "StartInterval": SECOND // 5}) as made:
        until(lambda: len(health(made)["Log"]) >= 3)
        assert (health(made)["Status"], health(made)["FailingStreak"]) == ("starting", 0)
        made.sh("touch /state")
        until(lambda: health(made)["Status"] == "healthy")


def test_missing_program(engine):
    with box(engine, Healthcheck=check(["CMD", "nosuch"], Retries=1)) as made:
        until(lambda: health(made)["Status"] == "unhealthy")
        assert "nosuch" in health(made)["Log"][-1]["Output"]


def test_long_output_is_cut(engine):
    with box(engine, Healthcheck=check(["CMD-SHELL", "head -c 9000 /dev/zero | tr '\\0' x"])) as made:
        until(lambda: health(made)["Status"] == "healthy")
        output = health(made)["Log"][-1]["Output"]
        assert 4096 <= len(output) <= 4100 and output.startswith("xxx")


def test_of_the_image_and_over_it(engine):
    image = f"health-{time.time_ns()}"
    subprocess.run(f"docker create busybox sh >/dev/null", shell=True, env=engine.env, check=True)
    root = subprocess.run(["tar", "-C", "/", "-cf", "-", "--files-from", "/dev/null"], capture_output=True).stdout
    done = engine.docker("import", "-c", f'HEALTHCHECK --interval=1s CMD true', "-", image, input=root.decode("latin1"))
    call(engine, "POST", "/containers/prune")
    assert done.returncode == 0, done.stderr
    assert json.loads(engine.docker("inspect", image).stdout)[0]["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    with box(engine, Image=image, start=False, Healthcheck={"Retries": 7}) as made:
        merged = made.inspect()["Config"]["Healthcheck"]
        assert merged["Test"] == ["CMD-SHELL", "true"] and merged["Retries"] == 7 and merged["Interval"] == SECOND
    engine.docker("rmi", image)


def test_goes_on_after_pause_and_engine_restart(new_engine):
    engine = new_engine()
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    with box(engine, Healthcheck=check(["CMD", "true"])) as made:
        until(lambda: health(made)["Status"] == "healthy")
        call(engine, "POST", f"/containers/{made.id}/pause")
        time.sleep(0.5)
        assert health(made)["Status"] == "healthy"
        call(engine, "POST", f"/containers/{made.id}/unpause")
        engine.kill()
        engine.start()
        until(lambda: health(made)["Status"] == "healthy")
        call(engine, "POST", f"/containers/{made.id}/stop?t=0")
        time.sleep(0.5)
        assert made.inspect()["State"]["Running"] is False
