"""`docker run` in every combination, through the unmodified CLIs and through hull."""
import json
import os
import pathlib
import time

import pytest

from terminal import Terminal


@pytest.fixture(params=["hull", "docker"])
def cli(request, engine):
    """The same words through hull and through docker."""
    return getattr(engine, request.param)


def test_output_streams_and_exit_code_arrive(docker):
    done = docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_hull_run_behaves_the_same(engine):
    done = engine.hull("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_stdin_is_fed_and_its_end_is_seen(docker):
    done = docker("run", "--rm", "-i", "busybox", "cat", input="one\ntwo\n")
    assert (done.stdout, done.returncode) == ("one\ntwo\n", 0)


def test_large_stdin_comes_back_whole(cli):
    text = "".join(f"line {i}\n" for i in range(200_000))
    done = cli("run", "--rm", "-i", "busybox", "cat", input=text)
    assert done.returncode == 0 and done.stdout == text


def test_terminal_session(docker, engine):
    session = Terminal([docker.path, "run", "--rm", "-it", "busybox", "sh"], env=engine.env, rows=33, columns=101)
    try:
        session.expect("#")
        session.send("stty size; tty; echo term=$TERM\n")
        seen = session.expect("term=xterm")
        assert "33 101" in seen
        session.resize(44, 122)
        session.notify_resize()
        time.sleep(0.3)
        session.send("stty size\n")
        session.expect("44 122")
        session.send("exit 5\n")
        assert session.wait() == 5
    finally:
        session.close()


def test_hull_terminal_session_with_interrupt(engine):
    session = Terminal([engine.programs / "bin/hull", "run", "--rm", "-it", "busybox", "sh"], env=engine.env)
    try:
        session.expect("#")
        session.send("trap 'echo got int' INT; sleep 100\n")
        time.sleep(0.3)
        session.send("\x03")
        session.expect("got int")
        session.send("exit 0\n")
        assert session.wait() == 0
    finally:
        session.close()


def test_terminal_without_stdin(docker):
    done = docker("run", "--rm", "-t", "busybox", "sh", "-c", "echo hi; test -t 1 && echo tty")
    assert done.stdout == "hi\ntty\n"  # text mode reads \r\n as \n


def test_detached_prints_the_id_and_runs(docker):
    name = f"detached-{os.getpid()}"
    done = docker("run", "-d", "--name", name, "busybox", "sleep", "60")
    try:
        assert len(done.stdout.strip()) == 64
        assert docker("inspect", "-f", "{{.State.Status}}", name).stdout == "running\n"
    finally:
        assert docker("rm", "-f", name).returncode == 0


def test_detached_terminal_with_stdin_can_be_attached(docker, engine):
    name = f"dti-{os.getpid()}"
    assert docker("run", "-dit", "--name", name, "busybox", "sh").returncode == 0
    session = Terminal([docker.path, "attach", name], env=engine.env)
    try:
        session.send("echo from-$((40+2))\n")
        session.expect("from-42")
        session.send("\x10\x11")
        assert session.wait() == 1 and "read escape sequence" in session.output  # docker attach says so with 1
        assert docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    finally:
        session.close()
        docker("rm", "-f", name)


def test_rm_removes_and_detached_rm_too(docker):
    name = f"gone-{os.getpid()}"
    assert docker("run", "--rm", "--name", name, "busybox", "true").returncode == 0
    assert docker("inspect", name).returncode == 1
    assert docker("run", "-d", "--rm", "--name", name, "busybox", "true").returncode == 0
    for _ in range(100):
        if docker("inspect", name).returncode == 1:
            return
        time.sleep(0.05)
    raise AssertionError("not removed")


@pytest.mark.parametrize("command,code,text", [
    (["nosuch"], 127, "executable file not found in $PATH"),
    (["/etc/passwd"], 126, "permission denied"),
    (["/etc"], 126, ""),
    (["/no/such/file"], 127, "no such file or directory"),
    (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137, ""),
])
def test_exit_codes_of_what_cannot_run(cli, command, code, text):
    done = cli("run", "--rm", "busybox", *command)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert cli("ps", "-aq").stdout == ""


def test_engine_errors_give_125(cli):
    for args in (["--nosuchflag", "busybox"], ["-v", "/a:/b:nosuchmode", "busybox", "true"],
                 ["--network", "container:nobody", "busybox", "true"],
                 ["--mount", "type=bind,src=/no/such/dir,dst=/x", "busybox", "true"]):
        done = cli("run", "--rm", *args)
        assert done.returncode == 125, (args, done.returncode, done.stderr)
        assert done.stderr.strip(), args
    assert cli("ps", "-aq").stdout == ""


def test_unknown_image_is_said(cli):
    done = cli("run", "--rm", "no-such-image:v9", "true")
    assert done.returncode == 125
    assert "no-such-image" in done.stderr


def test_environment_workdir_user_hostname(cli):
    done = cli("run", "--rm", "-e", "A=1", "-e", "B=x y", "-w", "/new/dir", "-h", "box", "-u", "1000:1001", "busybox",
               "sh", "-c", "echo $A,$B,$PWD,$(hostname),$(id -u):$(id -g),$HOME; grep ^Groups /proc/self/status")
    # The primary group is among the supplementary ones, too (CVE-2022-36109).
    assert done.stdout.split("\n") == ["1,x y,/new/dir,box,1000:1001,/", "Groups:\t1001 ", ""], done.stderr


def test_user_by_name_comes_from_the_image(engine, debian):
    done = engine.hull("run", "--rm", "-u", "www-data", debian, "id")
    assert done.stdout == "uid=33(www-data) gid=33(www-data) groups=33(www-data)\n", done.stderr
    done = engine.hull("run", "--rm", "-u", "daemon:staff", debian, "id")
    assert done.stdout.startswith("uid=1(daemon) gid=50(staff)"), done.stderr
    done = engine.hull("run", "--rm", "-u", "nosuchuser", debian, "id")
    assert done.returncode == 125 or done.returncode == 126
    assert "unable to find user nosuchuser: no matching entries in passwd file" in done.stderr


def test_root_inside_is_nobody_outside(engine):
    done = engine.hull("run", "-d", "busybox", "sleep", "60")
    cid = done.stdout.strip()
    try:
        pid = int(engine.hull("inspect", "-f", "{{.State.Pid}}", cid).stdout)
        uid = os.stat(f"/proc/{pid}").st_uid
        assert uid >= 0x70000000
        assert engine.hull("exec", cid, "id", "-u").stdout == "0\n"
    finally:
        engine.hull("rm", "-f", cid)


def test_two_containers_have_different_host_ids(engine):
    ids = [engine.hull("run", "-d", "busybox", "sleep", "60").stdout.strip() for _ in range(2)]
    try:
        uids = {os.stat(f"/proc/{engine.hull('inspect', '-f', '{{.State.Pid}}', c).stdout.strip()}").st_uid for c in ids}
        assert len(uids) == 2
    finally:
        engine.hull("rm", "-f", *ids)


@pytest.mark.parametrize("flags", [["--userns=host"], ["--privileged"], ["--network=host"], ["--pid=host"],
                                   ["--ipc=host"]])
def test_sharing_with_the_host_means_the_hosts_user_namespace(engine, flags):
    done = engine.hull("run", "--rm", *flags, "busybox", "readlink", "/proc/self/ns/user")
    assert done.stdout.strip() == os.readlink("/proc/self/ns/user"), done.stderr


def test_default_has_its_own_namespaces(engine):
    done = engine.hull("run", "--rm", "busybox", "sh", "-c",
                       "for n in mnt pid net ipc uts cgroup user; do readlink /proc/self/ns/$n; done")
    own = {os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user")}
    theirs = set(done.stdout.split())
    assert len(theirs) == 7 and not own & theirs, done.stderr


def test_joining_another_containers_namespaces(engine):
    first = engine.hull("run", "-d", "--ipc", "shareable", "busybox", "sleep", "60").stdout.strip()
    try:
        for flag, kind in (("--network", "net"), ("--pid", "pid"), ("--ipc", "ipc")):
            theirs = engine.hull("exec", first, "readlink", f"/proc/self/ns/{kind}").stdout
            done = engine.hull("run", "--rm", flag, f"container:{first}", "busybox", "readlink", f"/proc/self/ns/{kind}")
            assert done.stdout == theirs != "", (flag, done.stderr)
    finally:
        engine.hull("rm", "-f", first)


def test_bind_mount_keeps_identity_both_ways(cli, tmp_path):
    (tmp_path / "given").write_text("from outside")
    done = cli("run", "--rm", "-v", f"{tmp_path}:/data", "busybox", "sh", "-c",
               "cat /data/given; stat -c %u:%g /data/given; echo made > /data/made; mkdir /data/dir; "
               "chown 1000:1000 /data/dir")
    assert done.stdout == "from outside0:0\n", done.stderr
    made = os.stat(tmp_path / "made")
    assert (made.st_uid, made.st_gid) == (0, 0)
    assert os.stat(tmp_path / "dir").st_uid == 1000


def test_bind_mount_read_only_and_missing_source(cli, tmp_path):
    done = cli("run", "--rm", "-v", f"{tmp_path}:/data:ro", "busybox", "touch", "/data/x")
    assert done.returncode == 1 and "Read-only file system" in done.stderr
    missing = tmp_path / "made/by/the/engine"
    assert cli("run", "--rm", "-v", f"{missing}:/data", "busybox", "true").returncode == 0
    assert missing.is_dir()
    single = tmp_path / "file"
    single.write_text("one file\n")
    assert cli("run", "--rm", "-v", f"{single}:/etc/one", "busybox", "cat", "/etc/one").stdout == "one file\n"


def test_bind_mount_of_a_tree_with_several_mounts(engine, tmp_path):
    """Real file systems enter idmapped, pseudo ones as they are."""
    import subprocess
    (tmp_path / "tmpfs").mkdir()
    (tmp_path / "proc").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "tmpfs"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", tmp_path / "proc"], check=True)
    try:
        (tmp_path / "tmpfs/file").write_text("deep\n")
        done = engine.hull("run", "--rm", "-v", f"{tmp_path}:/tree", "busybox", "sh", "-c",
                           "cat /tree/tmpfs/file; stat -c %u /tree/tmpfs/file; touch /tree/tmpfs/new; "
                           "test -r /tree/proc/version && echo proc")
        assert done.stdout == "deep\n0\nproc\n", done.stderr
        assert os.stat(tmp_path / "tmpfs/new").st_uid == 0
    finally:
        subprocess.run(["umount", tmp_path / "tmpfs"], check=True)
        subprocess.run(["umount", tmp_path / "proc"], check=True)


def test_engine_socket_is_usable_by_inside_root(engine, debian):
    done = engine.hull("run", "--rm", "-v", f"{engine.socket}:/var/run/docker.sock", "-v", "/usr/bin:/host-bin:ro",
                       "-v", "/lib:/host-lib:ro", debian, "bash", "-c",
                       "exec 3<>/dev/null; perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Peer=>"
                       "\"/var/run/docker.sock\") or die $!; print $s \"GET /_ping HTTP/1.0\\r\\n\\r\\n\"; print <$s>'")
    assert done.stdout.rstrip().endswith("OK"), done.stderr


def test_setuid_programs_and_file_capabilities_work(engine, debian):
    done = engine.hull("run", "--rm", debian, "sh", "-c",
                       "cp /usr/bin/id /suid-id && chmod 4755 /suid-id && setpriv --reuid 1000 --clear-groups /suid-id -u"
                       " && cp /usr/bin/id /fcap && setcap cap_chown+ep /fcap 2>/dev/null; "
                       "getcap /fcap 2>/dev/null; exit 0")
    assert done.stdout.split()[0] == "0", done.stderr


def test_special_file_systems_and_devices(engine):
    script = ("mount | awk '{print $5\" \"$3}' | sort; ls /dev | sort | tr '\\n' ' '; "
              "echo x > /dev/null; head -c 4 /dev/urandom | wc -c; echo y > /dev/full; echo full=$?")
    done = engine.hull("run", "--rm", "busybox", "sh", "-c", script)
    for line in ("overlay /", "proc /proc", "sysfs /sys", "tmpfs /dev", "devpts /dev/pts", "mqueue /dev/mqueue",
                 "tmpfs /dev/shm"):
        assert line in done.stdout, (line, done.stdout, done.stderr)
    for node in "null zero full random urandom tty ptmx pts shm stdin stdout stderr fd".split():
        assert f" {node} " in " " + done.stdout.replace("\n", " "), (node, done.stdout)
    assert "4\n" in done.stdout and "full=1" in done.stdout


def test_masked_and_read_only_paths(engine):
    files = "/proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts /proc/latency_stats"
    masked = [f for f in files.split() if os.path.exists(f)]
    assert masked, "this kernel has none of them"
    done = engine.hull("run", "--rm", "busybox", "sh", "-c",
                       f"cat {' '.join(masked)} | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic; "
                       "touch /sys/x; echo end")
    assert done.stdout == "0\n0\nend\n"
    assert done.stderr.count("Read-only file system") == 2, done.stderr


def test_limits_are_in_the_cgroup(engine):
    cid = engine.hull("run", "-d", "-m", "64m", "--cpus", "0.5", "--pids-limit", "33", "--cpuset-cpus", "0",
                      "busybox", "sleep", "60").stdout.strip()
    try:
        pid = engine.hull("inspect", "-f", "{{.State.Pid}}", cid).stdout.strip()
        where = dict(line.split(":")[1:] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines())
        if "memory" in where:
            base = "/sys/fs/cgroup"
            def read(controller, name):
                return pathlib.Path(f"{base}/{controller}{where[controller]}/{name}").read_text().strip()
            assert read("memory", "memory.limit_in_bytes") == str(64 << 20)
            assert int(read("cpu", "cpu.cfs_quota_us")) * 2 == int(read("cpu", "cpu.cfs_period_us"))
            assert read("pids", "pids.max") == "33"
            assert read("cpuset", "cpuset.cpus") == "0"
        else:
            base = pathlib.Path("/sys/fs/cgroup" + where[""])
            assert (base / "memory.max").read_text().strip() == str(64 << 20)
            assert (base / "pids.max").read_text().strip() == "33"
    finally:
        engine.hull("rm", "-f", cid)


def test_oom_kill_is_reported(engine):
    name = f"oom-{os.getpid()}"
    done = engine.hull("run", "--name", name, "-m", "32m", "--memory-swap", "32m", "busybox", "sh", "-c",
                       "head -c 200m /dev/zero | tail | wc -c", timeout=120)
    state = json.loads(engine.hull("inspect", name).stdout)[0]["State"]
    engine.hull("rm", name)
    assert state["OOMKilled"] is True, (state, done.stderr)


def test_ulimits_and_no_new_privileges(engine):
    done = engine.hull("run", "--rm", "--ulimit", "nofile=512:1000", "--security-opt", "no-new-privileges", "busybox",
                       "sh", "-c", "ulimit -n; ulimit -Hn; grep NoNewPrivs /proc/self/status")
    assert done.stdout.split() == ["512", "1000", "NoNewPrivs:", "1"], done.stderr


def test_capabilities(engine):
    def caps(*flags):
        done = engine.hull("run", "--rm", *flags, "busybox", "grep", "Cap", "/proc/self/status")
        return dict(line.split(":\t") for line in done.stdout.splitlines())
    default = caps()
    assert default["CapEff"] == default["CapPrm"] == default["CapBnd"] != "0000000000000000"
    assert default["CapInh"] == "0000000000000000"
    assert caps("--cap-drop", "ALL")["CapEff"] == "0000000000000000"
    assert int(caps("--cap-drop", "ALL", "--cap-add", "CHOWN")["CapEff"], 16) == 1
    assert int(caps("--cap-add", "SYS_PTRACE")["CapEff"], 16) & (1 << 19)
    assert caps("-u", "1000")["CapEff"] == "0000000000000000"


def test_read_only_root_and_tmpfs(cli):
    done = cli("run", "--rm", "--read-only", "--tmpfs", "/scratch:size=1m", "busybox", "sh", "-c",
               "touch /x; touch /scratch/y && echo ok")
    assert done.stdout == "ok\n" and "Read-only file system" in done.stderr


def test_signals_reach_the_container(engine):
    import signal
    import subprocess
    process = subprocess.Popen([engine.programs / "bin/hull", "run", "--rm", "busybox", "sh", "-c",
                                "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done"],
                               env=engine.env, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "bye\n"
    assert process.wait(15) == 3


def test_a_network_that_is_not_there_is_named(cli):
    done = cli("run", "--rm", "--network", "nosuchnet", "busybox", "true")
    assert done.returncode == 125 and "network nosuchnet not found" in done.stderr
    assert cli("ps", "-aq").stdout == ""
