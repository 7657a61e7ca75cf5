"""What differed from dockerd when 105 scenarios of some 2,000 commands ran against both."""
import base64
import json
import os
import socket
import time
import uuid

import pytest

from engines import run as command
from test_clients import api


def unique(stem):
    return stem + uuid.uuid4().hex[:8]


def run(engine, *args):
    return engine.docker("run", "--rm", *args)


@pytest.fixture
def gone_afterwards(engine):
    """Names to remove in the end: gone_afterwards('volume', name)."""
    made = []

    def add(kind, name):
        made.append((kind, name))
        return name

    yield add
    for kind, name in sorted(made):  # containers first
        engine.docker(*({"container": ["rm", "-vf"], "network": ["network", "rm"], "volume": ["volume", "rm"]}[kind]), name)


def inspected(engine, name, form):
    return engine.docker("inspect", "-f", form, name).stdout.strip()


# --- containers -----------------------------------------------------------------


def test_the_working_folder_is_clean(engine, gone_afterwards):
    assert run(engine, "-w", "/a/../b//c/", "busybox", "pwd").stdout == "/b/c\n"
    name = gone_afterwards("container", unique("wd"))
    engine.docker("create", "--name", name, "-w", "/a/../b/", "busybox", check=True)
    assert inspected(engine, name, "{{.Config.WorkingDir}}") == "/b"


@pytest.mark.parametrize("flags, names", [
    (["-h", "web.example.com"], "web.example.com web"),
    (["-h", "web", "--domainname", "example.com"], "web.example.com web"),
    (["-h", "web"], "web"),
])
def test_hosts_has_the_full_name_and_the_short_one(engine, flags, names):
    hosts = run(engine, *flags, "busybox", "cat", "/etc/hosts").stdout
    assert hosts.splitlines()[-1].split("\t")[1] == names


@pytest.mark.parametrize("user", ["ghost", "root:ghosts", "99999999999"])
def test_unknown_users_are_told_as_they_are(engine, user):
    done = run(engine, "-u", user, "busybox", "true")
    words = "uids and gids must be in range" if user[0] == "9" else "unable to find " + ("group" if ":" in user else "user")
    assert done.returncode != 0 and f"Error response from daemon: {words}" in done.stderr, done


def test_unknown_users_of_an_exec(engine, gone_afterwards):
    name = gone_afterwards("container", unique("exec"))
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "600", check=True)
    done = engine.docker("exec", "-u", "ghost", name, "true")
    assert (done.stdout + done.stderr).startswith("unable to find user ghost: no matching entries in passwd file"), done


def test_settings_do_not_come_with_the_start(engine, gone_afterwards):
    name = gone_afterwards("container", unique("start"))
    engine.docker("create", "--name", name, "busybox", "sleep", "600", check=True)

    def start(*args):
        return engine_curl(engine, "-w", "%{http_code}", "-X", "POST", "-H", "Content-Type: application/json", *args,
                           f"http://h/v1.41/containers/{name}/start")

    refused = start("-d", '{"Binds":["/tmp:/x"]}')
    assert refused.endswith("400") and "starting container with non-empty request body was deprecated" in refused
    assert start("-d", "{}") == "204" and start() == "304"


@pytest.mark.parametrize("flags, words", [
    (["--uts", "host", "-h", "name"], "conflicting options: hostname and the UTS mode"),
    (["--network", "container:x", "--mac-address", "02:42:ac:11:00:99"], "conflicting options: mac-address and the network mode"),
    (["--tmpfs", "relative"], "invalid mount path: 'relative' mount path must be absolute"),
    (["--tmpfs", "/"], "invalid specification: destination can't be '/'"),
    (["--volumes-from", ""], "volumes-from specification cannot be an empty string"),
    (["--device", "/etc/passwd"], 'while adding custom device "/etc/passwd": not a device node'),
])
def test_words_for_what_cannot_be(docker, flags, words):
    done = docker("run", "--rm", *flags, "busybox", "true")
    assert done.returncode == 125 and words in done.stderr, done


@pytest.mark.parametrize("flag, words", [
    ("--network", "cannot join network of a non running container: {id}"),
    ("--pid", "container {id} is not running"),
    ("--ipc", "can't join IPC of container {id}: container {id} is not running"),
])
def test_words_for_joining_who_does_not_run(engine, gone_afterwards, flag, words):
    name = gone_afterwards("container", unique("created"))
    made = engine.docker("create", "--name", name, "busybox").stdout.strip()
    done = run(engine, flag, f"container:{name}", "busybox", "true")
    assert done.returncode == 125 and words.format(id=made) in done.stderr, done


def test_an_ipc_namespace_that_is_not_shared(engine, gone_afterwards):
    name = gone_afterwards("container", unique("ipc"))
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "600", check=True)
    done = run(engine, "--ipc", f"container:{name}", "busybox", "true")
    assert "non-shareable IPC (hint: use IpcMode:shareable for the donor container)" in done.stderr


def test_no_pids_limit_is_null(engine, gone_afterwards):
    for flags in ([], ["--pids-limit", "0"]):
        name = gone_afterwards("container", unique("pids"))
        engine.docker("create", "--name", name, *flags, "busybox", check=True)
        assert inspected(engine, name, "{{json .HostConfig.PidsLimit}}") == "null"


def test_no_oom_killer_and_no_limit_is_warned_of(engine):
    done = run(engine, "--oom-kill-disable", "busybox", "true")
    assert "OOM killer is disabled for the container, but no memory limit is set" in done.stderr
    assert "no memory limit is set" not in run(engine, "--oom-kill-disable", "-m", "64m", "busybox", "true").stderr


def test_who_has_no_network_of_its_own_shows_no_ports(engine, gone_afterwards):
    for mode in ("host", "none", "bridge"):
        name = gone_afterwards("container", unique("ports"))
        engine.docker("run", "-d", "--name", name, "--network", mode, "--expose", "80", "busybox", "sleep", "600", check=True)
        shown = engine.docker("ps", "--filter", f"name={name}", "--format", "{{.Ports}}").stdout
        assert shown == ("80/tcp\n" if mode == "bridge" else "\n"), mode
        engine.docker("rm", "-f", name)


def test_a_restart_is_a_stop_and_a_start(engine, gone_afterwards):
    name = gone_afterwards("container", unique("again"))
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "600", check=True)
    since = time.time()
    engine.docker("restart", "-t", "0", name, check=True)
    seen = engine.docker("events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", "--filter", f"container={name}",
                         "--format", "{{.Action}}").stdout.split()
    assert [one for one in seen if one in ("die", "stop", "start", "restart")] == ["die", "stop", "start", "restart"]


def test_a_stopped_container_knows_its_network(engine, gone_afterwards):
    name = gone_afterwards("container", unique("stopped"))
    engine.docker("run", "--name", name, "busybox", "true", check=True)
    bridge = engine.docker("network", "inspect", "-f", "{{.Id}}", "bridge").stdout.strip()
    assert bridge and inspected(engine, name, "{{.NetworkSettings.Networks.bridge.NetworkID}}") == bridge


# --- mounts ---------------------------------------------------------------------


def test_names_are_there_on_what_is_mounted_at_etc(engine, gone_afterwards, tmp_path):
    volume = gone_afterwards("volume", unique("etc"))
    for mount in (["--tmpfs", "/etc"], ["-v", f"{volume}:/etc"], ["-v", f"{tmp_path}:/etc"],
                  ["--mount", f"type=volume,src={volume},dst=/etc,readonly"]):
        done = run(engine, "-h", "here", *mount, "busybox", "sh", "-c", "cat /etc/hostname; grep -c here /etc/hosts; ls /etc/resolv.conf")
        assert done.stdout == "here\n1\n/etc/resolv.conf\n", (mount, done)
    assert sorted(os.listdir(tmp_path)) == ["hostname", "hosts", "resolv.conf"]


def test_a_tmpfs_has_the_mode_of_the_folder_that_it_hides(engine):
    for flags in (["--tmpfs", "/run", "--tmpfs", "/new", "--tmpfs", "/tmp:mode=700"],
                  ["--mount", "type=tmpfs,dst=/run", "--mount", "type=tmpfs,dst=/new", "--mount", "type=tmpfs,dst=/tmp,tmpfs-mode=0700"]):
        done = run(engine, *flags, "busybox", "stat", "-c", "%a", "/run", "/new", "/tmp")
        assert done.stdout == "755\n1777\n700\n", done


def test_a_read_only_etc_without_them_stays_as_it_is(engine, tmp_path):
    (tmp_path / "mine").write_text("x\n")
    done = run(engine, "-v", f"{tmp_path}:/etc:ro", "busybox", "ls", "/etc")
    assert (done.stdout, done.returncode) == ("mine\n", 0), done


@pytest.fixture
def mounted(tmp_path):
    """A folder of the host's that is a mount, private to begin with."""
    for step in (["mount", "-t", "tmpfs", "like-dockerd", tmp_path], ["mount", "--make-private", tmp_path]):
        command(*step, check=True)
    yield tmp_path
    command("umount", "-R", tmp_path, check=True)


def test_mounts_go_to_and_fro_only_where_the_host_lets_them(engine, gone_afterwards, mounted):
    for how, kind in (("rshared", "shared"), ("rslave", "shared or slave")):
        done = run(engine, "-v", f"{mounted}:/there:{how}", "busybox", "true")
        assert f"path {mounted} is mounted on {mounted} but it is not a {kind} mount" in done.stderr
    command("mount", "--make-shared", mounted, check=True)
    (mounted / "below").mkdir()
    name = gone_afterwards("container", unique("slave"))
    engine.docker("run", "-d", "--name", name, "-v", f"{mounted}:/there:rslave", "busybox", "sleep", "600", check=True)
    command("mount", "-t", "tmpfs", "like-dockerd", mounted / "below", check=True)
    (mounted / "below/seen").touch()
    assert engine.docker("exec", name, "ls", "/there/below").stdout == "seen\n"
    engine.docker("rm", "-f", name)


def test_a_time_of_zero_is_one(engine, gone_afterwards):
    name = gone_afterwards("container", unique("zero"))
    engine.docker("run", "--name", name, "busybox", "touch", "-d", "@0", "/old", check=True)
    head = engine_curl(engine, "-I", f"http://h/v1.41/containers/{name}/archive?path=/old")
    line = next(one for one in head.splitlines() if one.lower().startswith("x-docker-container-path-stat:"))
    assert json.loads(base64.b64decode(line.split()[1]))["mtime"] == "1970-01-01T00:00:00Z"


def engine_curl(engine, *args):
    return command("curl", "-s", "--unix-socket", engine.socket, *args).stdout


# --- filters --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["volume", "network"])
def test_names_are_filtered_by_regular_expressions(docker, gone_afterwards, kind):
    stem = unique("re")
    for name in (stem, stem + "2"):
        docker(kind, "create", gone_afterwards(kind, name), check=True)

    def found(pattern):
        return sorted(docker(kind, "ls", "--format", "{{.Name}}", "--filter", f"name={pattern}").stdout.split())

    assert found(f"^{stem}$") == [stem]
    assert found(stem) == [stem, stem + "2"]
    assert found(stem[:-1] + ".2") == [stem + "2"]
    assert found(f"{stem}[") == []


@pytest.mark.parametrize("kind", ["expose", "publish"])
def test_ports_to_filter_by_are_ports(docker, kind):
    done = docker("ps", "--filter", f"{kind}=x")
    assert done.returncode == 1 and f"error while looking up for {kind} x" in done.stderr


def test_moments_to_prune_until_may_be_dates(new_engine):
    engine = new_engine()
    for kind in ("image", "container", "network", "builder"):
        for until in ("2000-01-01", "2000-01-01T00:00", "2000-01-01T00:00:00", "2000-01-01T00:00:00Z", "946684800", "24h"):
            done = engine.docker(kind, "prune", "-f", "--filter", f"until={until}")
            assert done.returncode == 0, (kind, until, done)
        done = engine.docker(kind, "prune", "-f", "--filter", "until=x")
        assert 'failed to parse value as time or duration: "x"' in done.stderr, (kind, done)


def test_system_prune_by_label(new_engine):
    engine = new_engine()
    engine.docker("volume", "create", "kept")
    for what in ("label=ci", "label!=ci"):
        done = engine.docker("system", "prune", "-f", "--filter", what)
        assert done.returncode == 0 and "Total reclaimed space" in done.stdout, done
    assert engine.docker("volume", "ls", "-q").stdout == "kept\n"
    engine.docker("volume", "rm", "kept")


# --- networks and volumes ---------------------------------------------------------


def test_none_can_be_left_for_another_network(engine, gone_afterwards):
    network, name = gone_afterwards("network", unique("net")), gone_afterwards("container", unique("alone"))
    engine.docker("network", "create", network, check=True)
    engine.docker("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "600", check=True)
    assert "private (none) mode" in engine.docker("network", "connect", network, name).stderr
    engine.docker("network", "disconnect", "none", name, check=True)
    assert "is not connected to network none" in engine.docker("network", "disconnect", "none", name).stderr
    engine.docker("network", "connect", network, name, check=True)
    for _ in range(2):
        assert "inet " in engine.docker("exec", name, "ip", "-4", "addr", "show", "eth0").stdout
        assert inspected(engine, name, "{{range $name, $is := .NetworkSettings.Networks}}{{$name}} {{end}}") == network
        engine.docker("restart", "-t", "0", name, check=True)
    engine.docker("rm", "-f", name)


def test_empty_maps_are_maps(engine, gone_afterwards):
    network, volume = gone_afterwards("network", unique("net")), gone_afterwards("volume", unique("vol"))
    engine.docker("network", "create", network, check=True)
    engine.docker("volume", "create", volume, check=True)
    assert engine.docker("network", "inspect", "-f", "{{json .IPAM.Options}}", network).stdout == "{}\n"
    assert engine.docker("volume", "inspect", "-f", "{{json .Labels}} {{json .Options}}", volume).stdout == "{} {}\n"


# --- ends -------------------------------------------------------------------------


@pytest.fixture
def again_and_again(engine, gone_afterwards):
    name = gone_afterwards("container", unique("again"))
    engine.docker("run", "-d", "--name", name, "--restart", "always", "busybox", "sh", "-c", "echo once; sleep 0.5; exit 3",
                  check=True)
    return name


def test_wait_hears_of_an_end_before_a_restart(docker, again_and_again):
    done = docker("wait", again_and_again, timeout=20)
    assert (done.stdout, done.returncode) == ("3\n", 0), done


def test_logs_are_followed_to_the_end_before_a_restart(docker, again_and_again):
    for _ in range(2):
        done = docker("logs", "-f", again_and_again, timeout=20)
        assert done.returncode == 0 and set(done.stdout.split()) == {"once"}, done


# --- from docker-py's own tests --------------------------------------------------


def test_what_a_step_writes_to_stderr_is_red(engine):
    done = classic(engine, "FROM busybox\nRUN echo out; echo err >&2\n")
    assert "\x1b[91merr\n\x1b[0m" in done and "\x1b[91mout" not in done


def test_a_build_ends_with_the_code_of_its_step(engine):
    done = command("docker", "build", "-", env={**engine.env, "DOCKER_BUILDKIT": "0"}, input="FROM busybox\nRUN exit 7\n")
    assert done.returncode == 7 and "returned a non-zero code: 7" in done.stderr


def test_logs_asked_for_at_once_have_what_is_said_at_once(engine, gone_afterwards):
    for turn in range(5):
        name = gone_afterwards("container", unique("at-once"))
        engine.docker("create", "--name", name, "busybox", "sh", "-c", "sleep 0.02; echo said")
        assert api(engine, "POST", f"/containers/{name}/start")[0] == 204
        assert "said" in api(engine, "GET", f"/containers/{name}/logs?stdout=1")[1], turn


def classic(engine, dockerfile, *flags):
    done = command("docker", "build", *flags, "-", env={**engine.env, "DOCKER_BUILDKIT": "0"}, input=dockerfile)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cache_from_is_all_that_the_classic_way_looks_at(engine):
    text, tag = f"FROM busybox\nENV A={uuid.uuid4().hex}\nRUN echo 1 > /1\nRUN echo 2 > /2\n", unique("cf")
    classic(engine, text, "-t", tag)
    try:
        assert classic(engine, text).count("Using cache") == 3
        assert classic(engine, text, "--cache-from", tag).count("Using cache") == 3
        assert classic(engine, text, "--cache-from", "busybox").count("Using cache") == 0
    finally:
        engine.docker("rmi", "-f", tag)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_the_start_of_an_exec_says_how_its_output_comes(engine, gone_afterwards, terminal, asked):
    name = gone_afterwards("container", unique("framed"))
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "600")
    code, text = api(engine, "POST", f"/containers/{name}/exec",
                     json.dumps({"Cmd": ["echo", "hi"], "Tty": terminal, "AttachStdout": True, "AttachStderr": True}))
    assert code == 201, text
    request = json.dumps({"Detach": False, "Tty": asked})
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(engine.socket))
        s.sendall((f"POST /v1.45/exec/{json.loads(text)['Id']}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(request)}\r\n\r\n{request}").encode())
        got = b""
        while piece := s.recv(4096):
            got += piece
    said = b"hi\r\n" if terminal else b"hi\n"
    assert got.split(b"\r\n\r\n", 1)[1] == (said if asked else bytes([1, 0, 0, 0, 0, 0, 0, len(said)]) + said)


def test_a_load_that_fails_says_so_in_its_stream(engine):
    done = engine.docker("load", input="no archive at all")
    assert done.returncode == 1 and done.stderr
    code, text = api(engine, "POST", "/images/load", "abc")
    assert code == 200 and json.loads(text.splitlines()[-1])["errorDetail"]["message"]


def test_options_of_addresses_are_null_until_somebody_says_some(engine, gone_afterwards):
    for given, shown in (({}, None), ({"Options": {}}, {}), ({"Options": None}, None)):
        name = gone_afterwards("network", unique("ipam"))
        code, text = api(engine, "POST", "/networks/create", json.dumps({"Name": name, "IPAM": {"Driver": "default", **given}}))
        assert code == 201, text
        assert json.loads(api(engine, "GET", f"/networks/{name}")[1])["IPAM"]["Options"] == shown


# --- people whose ids are large --------------------------------------------------


def test_users_of_a_directory_run_as_themselves(engine, gone_afterwards, tmp_path):
    """-u $(id -u):$(id -g) where those come from LDAP: files of a bind mount and of the container are theirs."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "mine").write_text("mine\n")
    for path in (folder, folder / "mine"):
        os.chown(path, 1234567, 7654321)
    folder.chmod(0o700)
    name = gone_afterwards("container", unique("ldap"))
    done = engine.docker("run", "--name", name, "-u", "1234567:7654321", "--group-add", "88888", "-v", f"{folder}:/home", "-w", "/home", "busybox",
                         "sh", "-c", "id; cat mine; echo new > made; touch /tmp/t; stat -c %u:%g mine made /tmp/t /etc/passwd; cat /proc/1/status | grep ^Uid")
    assert done.returncode == 0, done.stderr
    assert "uid=1234567 gid=7654321 groups=7654321,88888" in done.stdout.replace("groups=88888,7654321", "groups=7654321,88888")
    assert "mine\n1234567:7654321\n1234567:7654321\n1234567:7654321\n0:0\n" in done.stdout, done.stdout
    assert (folder / "made").stat().st_uid == 1234567 and (folder / "made").stat().st_gid == 7654321
    assert engine.docker("start", "-a", name).stdout.startswith("uid=1234567")
    # Who is nobody stays nobody, and such a container is not privileged outside.
    assert run(engine, "-u", "70000:80000", "busybox", "stat", "-c", "%u", "/etc/passwd").stdout == "0\n"
    kept = run(engine, "-u", "70000:80000", "-v", f"{folder}:/home", "busybox", "ls", "/home")
    assert kept.returncode != 0 and "Permission denied" in kept.stderr


def test_too_many_such_groups(engine):
    done = run(engine, *[f"--group-add={70000 + n}" for n in range(17)], "busybox", "true")
    assert done.returncode == 125 and "too many users and groups above 65535: at most 16" in done.stderr
