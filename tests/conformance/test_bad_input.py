"""What is wrong is said, and leaves nothing; what is killed can be cleaned up."""
import os
import pathlib
import subprocess
import threading
import time

import pytest

from oci import wait_until


# Each: a change of the configuration, and the words its error has to have.
WRONG = [
    ({"process": {"args": "sh"}}, ["process.args"]),
    ({"process": {"args": [1]}}, ["process.args[0]", "1"]),
    ({"process": {"env": {"A": "b"}}}, ["process.env"]),
    ({"process": {"cwd": 5}}, ["process.cwd", "5"]),
    ({"process": {"terminal": "yes"}}, ["process.terminal", "yes"]),
    ({"process": {"user": {"uid": "root"}}}, ["process.user.uid", "root"]),
    ({"process": {"user": {"uid": -1}}}, ["process.user.uid", "-1"]),
    ({"process": {"user": {"additionalGids": [1, "x"]}}}, ["process.user.additionalGids[1]", "x"]),
    ({"process": {"rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]}}, ["process.rlimits[0]", "RLIMIT_X"]),
    ({"process": {"capabilities": {"bounding": "CAP_CHOWN"}}}, ["process.capabilities.bounding"]),
    ({"process": {"oomScoreAdj": 5000}}, ["oomScoreAdj", "5000"]),
    ({"root": {"path": 1}}, ["root.path"]),
    ({"root": {"readonly": "no"}}, ["root.readonly"]),
    ({"mounts": [{"type": "tmpfs"}]}, ["mounts[0]", "destination"]),
    ({"mounts": [{"destination": "/x", "type": "tmpfs", "options": "ro"}]}, ["mounts[0].options"]),
    ({"hostname": "x" * 65}, ["hostname", "64"]),
    ({"hooks": {"poststop": [{"path": 3}]}}, ["hooks.poststop[0].path"]),
    ({"annotations": {"a": 1}}, ["annotations"]),
    ({"linux": {"namespaces": [{"type": "nonsense"}]}}, ["linux.namespaces[0]", "nonsense"]),
    ({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "relative"}]}},
     ["linux.namespaces[1]", "relative"]),
    ({"linux": {"namespaces": [{"type": "mount"}, {"type": "mount"}]}}, ["linux.namespaces[1]", "mount"]),
    ({"linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": -1}]}}, ["linux.uidMappings[0].size", "-1"]),
    ({"linux": {"devices": [{"path": "/dev/x", "type": "z", "major": 1, "minor": 1}]}}, ["linux.devices[0]", "z"]),
    ({"linux": {"devices": [{"path": "dev/x", "type": "c", "major": 1, "minor": 1}]}}, ["linux.devices[0]", "dev/x"]),
    ({"linux": {"sysctl": {"kernel.core_pattern": "|/x"}}}, ["linux.sysctl", "kernel.core_pattern"]),
    ({"linux": {"maskedPaths": ["relative"]}}, ["linux.maskedPaths[0]", "relative"]),
    ({"linux": {"readonlyPaths": ["/proc/sys", "relative"]}}, ["linux.readonlyPaths[1]", "relative"]),
    ({"linux": {"rootfsPropagation": "nonsense"}}, ["linux.rootfsPropagation", "nonsense"]),
    ({"linux": {"resources": {"memory": {"limit": "1G"}}}}, ["linux.resources.memory.limit", "1G"]),
    ({"linux": {"resources": {"cpu": {"quota": {}}}}}, ["linux.resources.cpu.quota"]),
    ({"linux": {"resources": {"devices": [{"allow": "yes"}]}}}, ["linux.resources.devices[0].allow"]),
    ({"linux": {"resources": {"devices": [{"allow": True, "access": "rx"}]}}},
     ["linux.resources.devices[0].access", "rx"]),
    ({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_NONSENSE"}}}, ["linux.seccomp", "SCMP_ACT_NONSENSE"]),
    ({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}}},
     ["linux.seccomp", "SCMP_ARCH_Z80"]),
    ({"linux": {"personality": {"domain": "LINUX16"}}}, ["linux.personality", "LINUX16"]),
    ({"linux": {"timeOffsets": {"realtime": {"secs": 1}}}}, ["linux.timeOffsets", "realtime"]),
    ({"linux": {"memoryPolicy": {"mode": "MPOL_NONSENSE"}}}, ["linux.memoryPolicy", "MPOL_NONSENSE"]),
]


@pytest.mark.parametrize("change,words", WRONG, ids=[w[1][0] + (f"={w[1][1]}" if len(w[1]) > 1 else "") for w in WRONG])
def test_an_error_names_the_place_and_the_value(c, change, words):
    error = c.set("true", **change).fails(command="create")
    assert not [w for w in words if w not in error.replace("\\\"", "\"")], error
    assert c.leftovers() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", "{\"ociVersion\": \"1.0.2\"} x", "{'a': 1}", "\0"])
def test_what_is_no_configuration_is_refused(c, text):
    c.config = text
    assert "config.json" in c.fails(command="create") or "json" in c.fails(command="create").lower()
    assert c.leftovers() == []


def test_nesting_and_size_have_bounds(c):
    c.config = '{"ociVersion": "1.0.2", "x": ' + "[" * 100000 + "]" * 100000 + "}"
    c.fails(command="create")
    c.config = '{"ociVersion": "1.0.2", "x": "' + "y" * (64 << 20) + '"}'
    c.fails(command="create")


def test_a_bundle_without_a_config(c):
    done = c.rt("create", "--bundle", c.bundle, c.id)
    assert done.returncode == 1
    assert "config.json" in done.stderr


def test_a_bundle_that_is_not_there(c):
    assert c.rt("create", "--bundle", "/no/such/bundle", c.id).returncode == 1


@pytest.mark.parametrize("section", ["process", "root"])
def test_a_config_without_a_section(c, section):
    c.set(**{section: None})
    assert section in c.fails(command="create")


# --- nothing is left of a failed create ------------------------------------------------

def broken_late(c):
    """Ways to fail at different steps of the start."""
    return {
        "mount": lambda: c.mount("/x", "nonsensefs", "none"),
        "bind": lambda: c.mount("/x", "bind", "/no/such/source", ["bind"]),
        "cwd": lambda: c.set(process={"cwd": "/etc/passwd"}),
        "device": lambda: c.set(linux={"devices": [{"path": "/etc/passwd/x", "type": "c", "major": 1, "minor": 3}]}),
        "namespace": lambda: c.namespace("network", "/proc/self/ns/pid"),
        "limit": lambda: c.set(linux={"resources": {"cpu": {"cpus": "9999"}}}),
        "masked": lambda: c.set(linux={"maskedPaths": ["relative"]}),
        "seccomp": lambda: c.set(linux={"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NONSENSE"]}}),
    }


@pytest.mark.parametrize("what", ["mount", "bind", "cwd", "device", "namespace", "limit", "masked", "seccomp"])
@pytest.mark.parametrize("command", ["create", "run"])
def test_a_failed_start_leaves_nothing(c, what, command):
    broken_late(c)[what]()
    c.fails(command=command)
    assert c.rt("state", c.id).returncode == 1
    assert c.leftovers() == []


def test_a_program_that_is_not_there_leaves_nothing_after_run(c):
    assert "no such file" in c.set(["/no/such/program"]).fails().lower()
    assert c.leftovers() == []


@pytest.mark.parametrize("args,text", [(["/no/such/program"], "no such file"), (["nosuch"], "not found"),
                                       (["/etc/passwd"], "permission denied"), (["/etc"], "permission denied")])
def test_texts_that_callers_look_for(c, args, text):
    """dockerd tells 126 from 127 by these."""
    error = c.set(args).fails().lower()
    assert text in error or (text == "not found" and "no such file" in error)


def test_an_unknown_executable_format_is_said(c):
    tool = c.rootfs / "bin/odd"
    tool.write_text("no program\n")
    tool.chmod(0o755)
    assert "exec format error" in c.set(["/bin/odd"]).fails().lower()


def test_a_pid_file_that_cant_be_written_fails_create(c):
    c.fails("--pid-file", "/no/such/folder/pid", command="create")
    assert c.leftovers() == []


def test_a_console_socket_that_nobody_listens_on_fails_create(c):
    c.set(process={"terminal": True})
    c.fails("--console-socket", c.bundle / "nothing", command="create")
    assert c.leftovers() == []


# --- killed at any moment ------------------------------------------------------------------

@pytest.mark.parametrize("step", range(12))
def test_delete_force_cleans_up_after_a_killed_create(c, step):
    """kill -9 of create after step * 0.4 ms; whatever is there goes with delete --force."""
    c.set(["/bin/sleep", "1000"]).write()
    with open(os.devnull, "r+b") as null:
        process = c.rt.popen("create", "--bundle", c.bundle, c.id, stdin=null, stdout=null, stderr=null)
    time.sleep(0.001 + step * 0.0007)
    process.kill()
    process.wait(10)
    done = c.delete("--force")
    assert done.returncode == 0, done.stderr
    wait_until("nothing to be left", lambda: c.leftovers() == [], 5)
    assert c.rt("state", c.id).returncode == 1
    c.sleeping()


def test_delete_force_cleans_up_when_the_folder_is_half_written(c):
    if c.rt.kind != "hull":
        pytest.skip("the state's form is each runtime's own")
    for missing in ("state.json", "plan", "config.json", "gate"):
        c.set(["/bin/sleep", "1000"]).create()
        pid = c.pid
        (pathlib.Path(c.rt.root) / c.id / missing).unlink()
        done = c.delete("--force")
        assert done.returncode == 0, (missing, done.stderr)
        wait_until(f"the end without {missing}", lambda: c.leftovers() == [], 5)
        assert not os.path.exists(f"/proc/{pid}/root/proc"), missing


def test_a_torn_state_is_an_error_and_can_be_deleted(c):
    if c.rt.kind != "hull":
        pytest.skip("the state's form is each runtime's own")
    c.sleeping()
    file = pathlib.Path(c.rt.root) / c.id / "state.json"
    file.write_text(file.read_text()[:40])
    assert c.rt("state", c.id).returncode == 1
    assert c.rt("list").returncode == 0
    done = c.delete("--force")
    assert done.returncode == 0, done.stderr
    wait_until("nothing to be left", lambda: c.leftovers() == [], 5)


# --- two at once ---------------------------------------------------------------------------

def at_once(c, *commands):
    processes = [c.rt.popen(*command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True) for command in commands]
    results = []
    for process in processes:
        error = process.communicate(timeout=30)[1]
        results.append((process.returncode, error))
    return results


def test_of_two_creates_one_wins(c):
    c.set(["/bin/sleep", "1000"]).write()
    command = ("create", "--bundle", c.bundle, c.id)
    with open(os.devnull, "r+b") as null:
        processes = [c.rt.popen(*command, stdin=null, stdout=null, stderr=null) for _ in range(4)]
    codes = [p.wait(30) for p in processes]
    assert sorted(codes) == [0, 1, 1, 1]
    assert c.status == "created"
    c.delete("--force")
    assert c.leftovers() == []


def test_of_two_starts_one_wins(c):
    c.set("echo ran; sleep 1000").create()
    codes = sorted(code for code, _ in at_once(c, *[("start", c.id)] * 4))
    assert codes == [0, 1, 1, 1]
    c.printed("ran")
    time.sleep(0.05)
    assert c.printed() == "ran\n"


def test_deletes_at_once_leave_nothing(c):
    c.sleeping()
    codes = [code for code, _ in at_once(c, *[("delete", "--force", c.id)] * 4)]
    assert 0 in codes
    assert c.leftovers() == []


def test_start_and_delete_at_once_are_never_torn(c):
    for _ in range(5):
        c.set(["/bin/sleep", "1000"]).create()
        at_once(c, ("start", c.id), ("delete", "--force", c.id))
        c.delete("--force")
        wait_until("nothing to be left", lambda: c.leftovers() == [], 5)


def test_execs_at_once_all_run(c):
    c.sleeping()
    processes = [c.rt.popen("exec", c.id, "/bin/echo", str(n), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            text=True) for n in range(8)]
    assert [p.communicate(timeout=30)[0] for p in processes] == [f"{n}\n" for n in range(8)]
    assert all(p.returncode == 0 for p in processes)


def test_list_goes_on_while_containers_come_and_go(c, new_container):
    others = [new_container(["/bin/true"]) for _ in range(6)]
    threads = [threading.Thread(target=o.run) for o in others]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        assert c.rt("list", "--format", "json").returncode == 0
    for t in threads:
        t.join()
