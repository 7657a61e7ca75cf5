"""The six kinds of hooks: when, where, with what, and what their failure does."""
import json
import os
import pathlib
import time

import pytest

from oci import json_lines, wait_until

BEFORE_START = ["prestart", "createRuntime", "createContainer"]
KINDS = [*BEFORE_START, "startContainer", "poststart", "poststop"]


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **more}


def log_state(c, kind, where=None):
    """A hook that appends its state to a log."""
    return hook(f"cat >> {where or c.bundle}/{kind}.json; echo >> {where or c.bundle}/{kind}.json")


def states(c, kind, where=None):
    return json_lines(f"{where or c.bundle}/{kind}.json")


@pytest.mark.parametrize("kind,status", [("prestart", "creating"), ("createRuntime", "creating"),
                                         ("createContainer", "creating"), ("startContainer", "created"),
                                         ("poststart", "running"), ("poststop", "stopped")])
def test_the_state_is_on_stdin(c, kind, status):
    # startContainer hooks see the container's own files.
    where, seen = ("/work", c.rootfs / "work") if kind == "startContainer" else (None, None)
    c.set(["/bin/sleep", "100"], annotations={"a": "b"}, hooks={kind: [log_state(c, kind, where)]})
    c.create()
    pid = c.pid
    c.start()
    wait_until("running", lambda: c.status == "running")
    c.delete("--force")
    [state] = states(c, kind, seen)
    assert state["id"] == c.id
    assert state["bundle"] == str(c.bundle)
    assert state["ociVersion"]
    assert state["annotations"]["a"] == "b"
    assert state["status"] == status
    if kind in ("prestart", "createRuntime", "poststart"):
        assert state["pid"] == pid
    if kind == "startContainer":
        assert state["pid"] == 1  # as the container sees it


def test_the_order_of_kinds_and_of_entries(c):
    log = c.bundle / "log"
    log.touch(), os.chmod(log, 0o666)
    (c.rootfs / "work/log").touch()
    c.mount("/work/log", "bind", log, ["bind"])
    hooks = {}
    for kind in KINDS:
        target = "/work/log" if kind == "startContainer" else log
        hooks[kind] = [hook(f"echo {kind}-{n} >> {target}") for n in (1, 2)]
    c.set("echo program >> /work/log", hooks=hooks)
    c.create()
    assert log.read_text().split() == [f"{k}-{n}" for k in BEFORE_START for n in (1, 2)]
    c.start().wait_status("stopped")
    c.delete()
    words = log.read_text().split()
    assert [w for w in words if w != "program"] == [f"{k}-{n}" for k in KINDS for n in (1, 2)]
    assert words.index("program") > words.index("startContainer-2")


@pytest.mark.parametrize("kind", KINDS)
def test_args_and_env_are_all_it_gets(c, kind):
    target = "/work" if kind == "startContainer" else c.bundle
    seen = c.rootfs / "work" if kind == "startContainer" else c.bundle
    script = f'echo "$0|$1|$A" > {target}/seen; env >> {target}/seen'
    c.set("true", hooks={kind: [{"path": "/bin/sh", "args": ["sh", "-c", script, "zero", "one"],
                                 "env": ["A=b", "PATH=/bin:/usr/bin"]}]})
    c.create().start().wait_status("stopped")
    c.delete()
    lines = (seen / "seen").read_text().splitlines()
    assert lines[0] == "zero|one|b"
    assert {line.split("=")[0] for line in lines[1:]} - {"PWD", "SHLVL", "_", "OLDPWD"} == {"A", "PATH"}


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer", "poststop"])
def test_a_hook_without_env_has_the_runtimes(c, kind):
    c.set("true", hooks={kind: [hook(f"echo $MARK > {c.bundle}/seen")]}).write()
    assert c.run(env=dict(os.environ, MARK="callers")).returncode == 0
    assert (c.bundle / "seen").read_text() == "callers\n"


def test_a_start_container_hook_without_env_has_the_processes(c):
    c.set("true", process={"env": ["ONE=two", "PATH=/bin"]}, hooks={"startContainer": [hook("echo $ONE $HOME > /work/seen")]})
    assert c.run().returncode == 0
    assert (c.rootfs / "work/seen").read_text() == "two /root\n"


def test_create_container_hooks_run_in_the_rootfs(c):
    """As NVIDIA's do: they name the container's files by ./"""
    c.set("cat /work/made", hooks={"createContainer": [hook("echo here > ./work/made")]})
    assert c.output() == "here\n"


def test_start_container_hooks_are_under_the_seccomp_filter(c):
    c.set("true", hooks={"startContainer": [hook("mkdir /work/made")]}, linux={"seccomp": {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL"}]}})
    assert "startContainer" in c.fails()
    assert not (c.rootfs / "work/made").exists()


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "poststart", "poststop"])
def test_runtime_hooks_run_in_the_runtimes_namespaces(c, kind):
    c.set(["/bin/sleep", "100"], hooks={kind: [hook(f"readlink /proc/self/ns/mnt /proc/self/ns/net > {c.bundle}/ns")]})
    c.create().start()
    c.delete("--force")
    own = [os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "net")]
    seen = (c.bundle / "ns").read_text().split()
    assert seen[1] == own[1]
    if not c.rt.prefix:
        assert seen[0] == own[0]


def test_create_container_hooks_run_in_the_containers_namespaces_before_the_pivot(c):
    c.set(["/bin/sleep", "100"], hooks={"createContainer": [
        hook(f"readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/uts > {c.bundle}/ns")]})
    c.create()
    assert (c.bundle / "ns").read_text().split() == [os.readlink(f"/proc/{c.pid}/ns/{n}") for n in ("mnt", "net", "uts")]


def test_start_container_hooks_run_inside(c):
    c.set("cat /work/seen", hooks={"startContainer": [
        hook("ls / > /work/seen; readlink /proc/self/ns/pid >> /work/seen; hostname >> /work/seen")]}, hostname="in")
    out = c.output().split()
    assert "in" in out and "boot" not in out and "work" in out


def test_start_container_hooks_do_not_run_before_start(c):
    c.set("true", hooks={"startContainer": [hook("touch /work/ran")]}).create()
    time.sleep(0.05)
    assert not (c.rootfs / "work/ran").exists()
    c.start()
    wait_until("the hook", (c.rootfs / "work/ran").exists)


def test_runtime_hooks_see_the_namespaces_of_pid(c):
    """What network plug-ins do: set the container's namespace up from a hook."""
    script = f"pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); readlink /proc/$pid/ns/net > {c.bundle}/net"
    c.set(["/bin/sleep", "100"], hooks={"createRuntime": [hook(script)]}).create()
    assert (c.bundle / "net").read_text().strip() == os.readlink(f"/proc/{c.pid}/ns/net")


def test_a_mount_by_a_create_container_hook_is_seen_inside(c):
    (c.rootfs / "work/m").mkdir()
    script = f"mount -t tmpfs hooked {c.rootfs}/work/m && touch {c.rootfs}/work/m/file"
    c.set("ls /work/m; grep hooked /proc/self/mountinfo", hooks={"createContainer": [hook(script)]})
    assert c.output().startswith("file\n")
    assert not (c.rootfs / "work/m/file").exists()


@pytest.mark.parametrize("kind", BEFORE_START)
def test_a_failing_hook_of_create_fails_it_and_leaves_nothing(c, kind):
    c.set("echo ran", hooks={kind: [hook("echo told-why >&2; exit 3")], "poststop": [hook(f"touch {c.bundle}/post")]})
    error = c.fails(command="create")
    assert "hook" in error
    assert c.printed() == ""
    assert c.leftovers() == []
    assert (c.bundle / "post").exists()


def test_a_failing_start_container_hook_fails_start(c):
    c.set("echo ran", hooks={"startContainer": [hook("exit 3")]}).create()
    done = c.rt("start", c.id)
    assert done.returncode != 0
    c.delete("--force")
    assert c.printed() == ""


def test_a_failing_poststart_hook_fails_start_and_stops_the_container(c):
    c.set(["/bin/sleep", "100"], hooks={"poststart": [hook("exit 3")]}).create()
    pid = c.pid
    done = c.rt("start", c.id)
    assert done.returncode != 0
    assert "hook" in done.stderr
    wait_until("its end", lambda: not os.path.exists(f"/proc/{pid}") or
               pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")


def test_a_failing_poststop_hook_is_a_warning_and_the_rest_run(c):
    c.set("true", hooks={"poststop": [hook("exit 3"), hook(f"touch {c.bundle}/second")]})
    c.create().start().wait_status("stopped")
    done = c.delete()
    assert done.returncode == 0
    assert "hook" in done.stderr
    assert (c.bundle / "second").exists()
    assert c.leftovers() == []


@pytest.mark.parametrize("kind", BEFORE_START)
def test_what_a_hook_says_is_in_the_error(c, kind):
    c.set("true", hooks={kind: [hook("echo reason-of-it >&2; exit 3")]})
    done = c.set().background("create")
    assert done.returncode != 0
    assert "reason-of-it" in done.stderr


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer", "startContainer"])
def test_timeout_ends_a_hook_and_fails_the_start(c, kind):
    c.set("echo ran", hooks={kind: [hook("sleep 30", timeout=1)]})
    started = time.monotonic()
    done = c.background("run")
    assert done.returncode != 0
    assert time.monotonic() - started < 10
    assert c.printed() == ""


def test_a_hook_within_its_timeout_is_fine(c):
    c.set(["/bin/echo", "ran"], hooks={"createRuntime": [hook("true", timeout=20)]})
    assert c.output() == "ran\n"


@pytest.mark.parametrize("entry", [{"path": "bin/true"}, {"path": ""}, {"path": "/bin/true", "timeout": 0},
                                   {"path": "/bin/true", "timeout": -1}, {"args": ["true"]}])
def test_a_hook_that_is_not_valid_is_refused(c, entry):
    c.set("true", hooks={"createRuntime": [entry]}).fails()


def test_a_hook_that_is_not_there_fails_create(c):
    c.set("true", hooks={"createRuntime": [{"path": "/no/such/hook"}]})
    assert "/no/such/hook" in c.fails(command="create")
    assert c.leftovers() == []


def test_a_hook_killed_by_a_signal_fails_create(c):
    c.set("true", hooks={"createRuntime": [hook("kill -9 $$")]}).fails(command="create")


def test_a_hook_that_does_not_read_its_input_is_fine(c):
    c.set(["/bin/echo", "ran"], annotations={"big": "x" * 100000},
          hooks={"createRuntime": [{"path": "/bin/true"}]})
    assert c.output() == "ran\n"
