"""hull's own commands on networks, volumes, contexts, registries, files and disk space; completion; and the list of
Docker's commands and flags that hull has."""
import base64
import json
import os
import pathlib
import re
import stat
import subprocess
import uuid

import pytest

from registries import Registry, free_port, htpasswd


@pytest.fixture
def name():
    return f"cli{uuid.uuid4().hex[:8]}"


@pytest.fixture
def box(engine, name):
    engine.hull("run", "-d", "--name", name, "busybox", "sleep", "600", check=True)
    yield name
    engine.hull("rm", "-f", "-v", name)


@pytest.fixture
def config(tmp_path, engine):
    """hull(...) with a configuration folder of its own."""
    folder = tmp_path / "config"
    folder.mkdir()

    def call(*args, env=(), **kwargs):
        variables = {k: v for k, v in engine.env.items() if k != "DOCKER_HOST"}
        variables.update({"DOCKER_CONFIG": str(folder)}, **dict(env))
        return subprocess.run([str(engine.programs / "bin/hull"), *map(str, args)], env=variables, text=True,
                              capture_output=True, timeout=60, **kwargs)

    call.folder = folder
    call.file = folder / "config.json"
    return call


# --- networks and volumes -----------------------------------------------------

def test_networks(engine, box, name):
    octet = os.getpid() % 250
    made = engine.hull("network", "create", "--subnet", f"10.203.{octet}.0/24", "--gateway", f"10.203.{octet}.9",
                       "--ip-range", f"10.203.{octet}.128/25", "--aux-address", f"router=10.203.{octet}.200",
                       "--label", "a=b", "-o", "com.docker.network.driver.mtu=1400", name, check=True).stdout.strip()
    try:
        shown = json.loads(engine.hull("network", "inspect", name, check=True).stdout)[0]
        assert shown["Id"] == made and shown["Labels"] == {"a": "b"}
        assert shown["Options"] == {"com.docker.network.driver.mtu": "1400"}
        pool, = shown["IPAM"]["Config"]
        assert pool == {"Subnet": f"10.203.{octet}.0/24", "IPRange": f"10.203.{octet}.128/25",
                        "Gateway": f"10.203.{octet}.9", "AuxiliaryAddresses": {"router": f"10.203.{octet}.200"}}
        engine.hull("network", "connect", "--ip", f"10.203.{octet}.130", "--alias", "db", name, box, check=True)
        networks = json.loads(engine.hull("inspect", box).stdout)[0]["NetworkSettings"]["Networks"]
        assert networks[name]["IPAddress"] == f"10.203.{octet}.130" and "db" in networks[name]["Aliases"]
        rows = engine.hull("network", "ls", "--filter", "label=a=b", "--format", "{{.Name}} {{.Driver}} {{.ID}}").stdout
        assert rows == f"{name} bridge {made[:12]}\n"
        assert engine.hull("network", "ls", "-q", "--no-trunc", "-f", f"name={name}").stdout == made + "\n"
        header, *lines = engine.hull("network", "ls").stdout.splitlines()
        assert re.split(r"\s{2,}", header) == ["NETWORK ID", "NAME", "DRIVER", "SCOPE"]
        assert [line.split()[1] for line in lines] == sorted(line.split()[1] for line in lines)
        busy = engine.hull("network", "rm", name)
        assert busy.returncode == 1 and "has active endpoints" in busy.stderr
        engine.hull("network", "disconnect", name, box, check=True)
        assert engine.hull("network", "rm", name, check=True).stdout == name + "\n"
    finally:
        engine.hull("network", "disconnect", "-f", name, box)
        engine.hull("network", "rm", "-f", name)
    gone = engine.hull("network", "rm", name)
    assert (gone.returncode, gone.stderr) == (1, f"Error response from daemon: network {name} not found\n")
    assert engine.hull("network", "rm", "-f", name).returncode == 0


@pytest.mark.parametrize("flags,message", [
    (["--subnet", "10.1.0.0"], "invalid subnet 10.1.0.0: not in CIDR notation"),
    (["--gateway", "10.1.0.1"], "every ip-range or gateway must have a corresponding subnet"),
    (["--subnet", "10.1.0.0/16", "--subnet", "10.1.3.0/24"], "multiple overlapping subnet configuration"),
    (["--subnet", "10.1.0.0/16", "--gateway", "10.2.0.1"], "no matching subnet for gateway 10.2.0.1"),
    (["--subnet", "10.1.0.0/16", "--aux-address", "a=10.2.0.1"], "no matching subnet for aux-address 10.2.0.1"),
])
def test_networks_that_cannot_be(engine, flags, message):
    done = engine.hull("network", "create", *flags, "never-made")
    assert done.returncode == 1 and message in done.stderr


def test_network_prune_asks(engine, name):
    engine.hull("network", "create", "--label", f"mine={name}", name, check=True)
    asked = engine.hull("network", "prune", "--filter", f"label=mine={name}", input="n\n")
    assert "not used by at least one container" in asked.stdout and asked.returncode == 1
    assert engine.hull("network", "prune", "--filter", f"label=mine={name}", input="y\n").stdout.endswith(
        f"Deleted Networks:\n{name}\n\n")


def test_volumes(engine, name):
    assert engine.hull("volume", "create", "--label", "a=b", name, check=True).stdout == name + "\n"
    anonymous = engine.hull("volume", "create", check=True).stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{64}", anonymous)
    assert json.loads(engine.hull("volume", "inspect", name).stdout)[0]["Labels"] == {"a": "b"}
    assert engine.hull("volume", "ls", "--format", "{{.Driver}} {{.Name}} {{.Label \"a\"}}", "-f",
                       f"name={name}").stdout == f"local {name} b\n"
    engine.hull("run", "--rm", "-v", f"{name}:/v", "busybox", "touch", "/v/x", check=True)
    keeper = engine.hull("create", "-v", f"{name}:/v", "busybox").stdout.strip()
    busy = engine.hull("volume", "rm", name)
    assert busy.returncode == 1 and "volume is in use" in busy.stderr
    engine.hull("rm", keeper, check=True)
    assert engine.hull("volume", "rm", name, anonymous, check=True).stdout == f"{name}\n{anonymous}\n"
    gone = engine.hull("volume", "inspect", name)
    assert (gone.returncode, gone.stdout) == (1, "[]\n") and f"get {name}: no such volume" in gone.stderr
    assert engine.hull("volume", "create", "--name", "a", "b").returncode == 1


def test_volume_prune(engine, name):
    engine.hull("volume", "create", "--label", f"mine={name}", name, check=True)
    done = engine.hull("volume", "prune", "-f", "-a", "--filter", f"label=mine={name}", check=True)
    assert done.stdout == f"Deleted Volumes:\n{name}\n\nTotal reclaimed space: 0B\n"


# --- files --------------------------------------------------------------------

def test_cp_there_and_back(engine, box, tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep/file").write_text("text")
    (tree / "link").symlink_to("deep/file")
    os.link(tree / "deep/file", tree / "hard")
    (tree / "deep").chmod(0o700)
    os.utime(tree / "deep/file", (10**9, 10**9))
    engine.hull("cp", tree, f"{box}:/root", check=True)
    out = engine.hull("exec", box, "sh", "-c", "cat /root/tree/deep/file; readlink /root/tree/link; "
                                               "stat -c %a /root/tree/deep").stdout
    assert out == "textdeep/file\n700\n"
    engine.hull("cp", f"{box}:/root/tree/.", tmp_path, check=True)  # the contents
    assert (tmp_path / "deep/file").read_text() == "text" and os.readlink(tmp_path / "link") == "deep/file"
    assert (tmp_path / "deep/file").stat().st_mtime == 10**9
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700
    engine.hull("cp", f"{box}:/root/tree", tmp_path / "new", check=True)  # another name
    assert (tmp_path / "new/hard").read_text() == "text"
    engine.hull("cp", f"{box}:/root/tree/deep/file", tmp_path / "renamed", check=True)
    assert (tmp_path / "renamed").read_text() == "text"
    engine.hull("cp", "-L", f"{box}:/root/tree/link", tmp_path / "followed", check=True)
    assert not (tmp_path / "followed").is_symlink() and (tmp_path / "followed").read_text() == "text"
    engine.hull("cp", f"{box}:/root/tree/link", tmp_path / "kept", check=True)
    assert os.readlink(tmp_path / "kept") == "deep/file"


def test_cp_by_tar(engine, box, tmp_path):
    (tmp_path / "f").write_text("by tar")
    packed = subprocess.run(["tar", "-C", tmp_path, "-cf", "-", "f"], stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run([engine.programs / "bin/hull", "cp", "-", f"{box}:/root"], input=packed, env=engine.env,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    back = subprocess.run([engine.programs / "bin/hull", "cp", f"{box}:/root/f", "-"], env=engine.env,
                          capture_output=True, timeout=60, check=True).stdout
    assert subprocess.run(["tar", "-xOf", "-", "f"], input=back, stdout=subprocess.PIPE).stdout == b"by tar"


@pytest.mark.parametrize("source,target,message", [
    ("a", "b", "must specify at least one container source"),
    ("a:/x", "b:/x", "copying between containers is not supported"),
    ("BOX:/nope", "here", "Could not find the file /nope in container BOX"),
    ("BOX:/etc", "file", "cannot copy a directory to a file"),
    ("BOX:/etc/passwd", "nowhere/", "must exist: no such directory"),
    ("BOX:/etc/passwd", "nowhere/x", "does not exist"),
    ("nope", "BOX:/", "No such file or directory"),
    ("file", "BOX:/nope/", "must exist: no such directory"),
    ("file/.", "BOX:/", "Not a directory"),
])
def test_cp_that_cannot_be(engine, box, tmp_path, source, target, message):
    (tmp_path / "file").write_text("x")
    done = engine.hull("cp", source.replace("BOX", box), target.replace("BOX", box), cwd=tmp_path)
    assert done.returncode == 1 and message.replace("BOX", box) in done.stderr, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["file"] and (tmp_path / "file").read_text() == "x"


def test_cp_of_a_container_that_lies_stays_in_its_folder(engine, box, tmp_path):
    """A link in the archive's way is not followed."""
    (tmp_path / "out").mkdir()
    (tmp_path / "victim").mkdir()
    engine.hull("exec", box, "sh", "-c", "mkdir -p /root/t/a && echo evil >/root/t/a/f", check=True)
    (tmp_path / "out/t").mkdir()
    (tmp_path / "out/t/a").symlink_to(tmp_path / "victim")
    done = engine.hull("cp", f"{box}:/root/t", tmp_path / "out")
    assert done.returncode == 1 and list((tmp_path / "victim").iterdir()) == []


def test_port(engine, name):
    port = free_port()
    engine.hull("run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:80", "-p", f"127.0.0.1:{port}:80/udp", "busybox",
                "sleep", "600", check=True)
    try:
        assert engine.hull("port", name).stdout == f"80/tcp -> 127.0.0.1:{port}\n80/udp -> 127.0.0.1:{port}\n"
        assert engine.hull("port", name, "80").stdout == f"127.0.0.1:{port}\n"
        missing = engine.hull("port", name, "81/tcp")
        assert (missing.returncode, missing.stderr) == (1, f"no public port '81/tcp' published for {name}\n")
    finally:
        engine.hull("rm", "-f", name)


# --- registries ---------------------------------------------------------------

@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = Registry(auth=htpasswd(tmp_path_factory.mktemp("registry"), "ann", "secret")).start()
    yield made
    made.stop()


def test_login_push_pull_logout(engine, registry, config, name):
    env = {"DOCKER_HOST": engine.host}.items()
    image = f"{registry.name}/{name}:1"
    engine.hull("tag", "busybox", image, check=True)
    try:
        refused = config("push", image, env=env)
        assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr
        wrong = config("login", "-u", "ann", "--password-stdin", registry.name, env=env, input="guess\n")
        assert wrong.returncode == 1 and "401 Unauthorized" in wrong.stderr and not config.file.exists()
        done = config("login", "-u", "ann", "--password-stdin", registry.name, env=env, input="secret\n")
        assert done.returncode == 0 and done.stdout == "Login Succeeded\n" and "unencrypted" in done.stderr
        assert stat.S_IMODE(config.file.stat().st_mode) == 0o600
        auths = json.loads(config.file.read_text())["auths"]
        assert base64.b64decode(auths[registry.name]["auth"]) == b"ann:secret"
        pushed = config("push", image, env=env)
        assert pushed.returncode == 0 and re.search(r"^1: digest: sha256:[0-9a-f]{64} size: \d+$", pushed.stdout, re.M)
        # docker's client reads the same file.
        assert subprocess.run(["docker", "--config", config.folder, "push", image], env=engine.env,
                              capture_output=True, timeout=60).returncode == 0
        engine.hull("rmi", image, check=True)
        pulled = config("pull", image, env=env)
        assert pulled.returncode == 0 and pulled.stdout.splitlines()[-1] == image, pulled.stderr
        assert f"Downloaded newer image for {image}" in pulled.stdout
        assert config("pull", "-q", image, env=env).stdout == image + "\n"
        engine.hull("rmi", image, check=True)
        assert config("run", "--rm", image, "echo", "pulled by run", env=env).stdout == "pulled by run\n"
        out = config("logout", registry.name, env=env)
        assert out.stdout == f"Removing login credentials for {registry.name}\n"
        assert config("logout", registry.name, env=env).stdout == f"Not logged in to {registry.name}\n"
        engine.hull("rmi", image, check=True)
        assert config("pull", image, env=env).returncode == 1
    finally:
        engine.hull("rmi", "-f", image)


HELPER = """#!/bin/sh
echo "$1" >>{folder}/calls
case $1 in
    store) cat >{folder}/kept ;;
    get) read server; [ -f {folder}/kept ] || {{ echo "credentials not found in native keychain"; exit 1; }}
         printf '{{"ServerURL":"%s","Username":"ann","Secret":"secret"}}' "$server" ;;
    erase) rm -f {folder}/kept ;;
esac
"""


def test_credential_helpers(engine, registry, config, name, tmp_path):
    helper = tmp_path / "docker-credential-test"
    helper.write_text(HELPER.format(folder=tmp_path))
    helper.chmod(0o755)
    env = {"DOCKER_HOST": engine.host, "PATH": f"{tmp_path}:{os.environ['PATH']}"}.items()
    config.file.write_text(json.dumps({"credHelpers": {registry.name: "test"}, "psFormat": "{{.ID}}"}))
    done = config("login", "-u", "ann", "--password-stdin", registry.name, env=env, input="secret")
    assert done.returncode == 0 and "unencrypted" not in done.stderr, done.stderr
    assert json.loads((tmp_path / "kept").read_text()) == {"ServerURL": registry.name, "Username": "ann",
                                                           "Secret": "secret"}
    kept = json.loads(config.file.read_text())
    assert kept["auths"] == {registry.name: {}} and kept["psFormat"] == "{{.ID}}"  # others' settings stay
    image = f"{registry.name}/{name}:1"
    engine.hull("tag", "busybox", image, check=True)
    try:
        assert config("push", "-q", image, env=env).stdout == image + "\n"
    finally:
        engine.hull("rmi", image)
    assert config("logout", registry.name, env=env).returncode == 0 and not (tmp_path / "kept").exists()
    assert (tmp_path / "calls").read_text().split()[0] == "store"


def test_default_tag_is_said(engine):
    done = engine.hull("pull", f"localhost:{free_port()}/nothing")
    assert done.returncode == 1 and done.stdout == "Using default tag: latest\n"
    assert engine.hull("pull", "-a", "x:1").stderr == "tag can't be used with --all-tags/-a\n"


# --- contexts -----------------------------------------------------------------

def test_contexts(engine, config):
    assert config("context", "show").stdout == "default\n"
    made = config("context", "create", "here", "--description", "this one", "--docker", f"host={engine.host}")
    assert (made.returncode, made.stdout) == (0, "here\n"), made.stderr
    assert config("context", "use", "here").stdout == "here\n"
    assert json.loads(config.file.read_text()) == {"currentContext": "here"}
    assert config("context", "show").stdout == "here\n"
    assert config("ps", "-q").returncode == 0
    shown = json.loads(config("context", "inspect").stdout)[0]
    assert shown["Name"] == "here" and shown["Endpoints"]["docker"]["Host"] == engine.host
    # docker's client sees it.
    docker = subprocess.run(["docker", "--config", config.folder, "context", "ls", "--format", "{{.Name}} {{.Current}}"],
                            env={k: v for k, v in engine.env.items() if k != "DOCKER_HOST"}, capture_output=True,
                            text=True, timeout=30)
    assert "here true" in docker.stdout
    assert "this one" in config("context", "ls").stdout and "here *" in config("context", "ls").stdout
    config("context", "update", "here", "--description", "that one")
    assert "that one" in config("context", "ls").stdout
    busy = config("context", "rm", "here")
    assert busy.returncode == 1 and "is in use" in busy.stderr
    assert config("context", "rm", "-f", "here").stdout == "here\n"
    assert config("context", "ls", "-q").stdout == "default\n"
    assert config("context", "use", "nope").stderr == 'context "nope": context not found\n'
    assert config("context", "create", "default").returncode == 1
    assert config("context", "create", "../x").returncode == 1


# --- the engine ---------------------------------------------------------------

def test_df_and_prune(engine, name):
    header, *rows = engine.hull("system", "df", check=True).stdout.splitlines()
    assert re.split(r"\s{2,}", header) == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert [re.split(r"\s{2,}", row)[0] for row in rows] == ["Images", "Containers", "Local Volumes", "Build Cache"]
    assert engine.hull("system", "df", "--format", "{{.Type}}").stdout.splitlines()[0] == "Images"
    verbose = engine.hull("system", "df", "-v", check=True).stdout
    assert "busybox" in verbose and "VOLUME NAME" in verbose
    engine.hull("run", "--label", f"mine={name}", "busybox", "true", check=True)
    engine.hull("network", "create", "--label", f"mine={name}", name, check=True)
    done = engine.hull("system", "prune", "-f", "--filter", f"label=mine={name}", check=True)
    assert f"Deleted Networks:\n{name}\n" in done.stdout and "Deleted Containers:\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Total reclaimed space: ")
    asked = engine.hull("system", "prune", "--volumes", input="n\n")
    assert asked.returncode == 1 and "all anonymous volumes" in asked.stdout
    assert engine.hull("builder", "prune", "-f", "--filter", "until=1000h", check=True).stdout.endswith("Total:\t0B\n")


def test_dial_stdio_is_a_connection_to_the_engine(engine):
    done = subprocess.run([engine.programs / "bin/hull", "system", "dial-stdio"], env=engine.env,
                          input=b"GET /_ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", capture_output=True,
                          timeout=30)
    assert done.stdout.startswith(b"HTTP/1.1 200 OK") and done.stdout.endswith(b"OK")


# --- completion ---------------------------------------------------------------

def complete(engine, *words):
    return [line.split("\t")[0] for line in engine.hull("__complete", *words).stdout.splitlines()]


def test_completion(engine, box):
    assert complete(engine, "netw") == ["network"]
    assert complete(engine, "network", "c") == ["connect", "create"]
    assert "--publish" in complete(engine, "run", "--pub")
    assert complete(engine, "rm", box[:-1]) == [box]
    assert complete(engine, "run", "busyb") == ["busybox:latest"]
    assert complete(engine, "-H", engine.host, "network", "inspect", "bri") == ["bridge"]
    assert complete(engine, "run", "--name", "") == []  # any text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(engine, shell):
    script = engine.hull("completion", shell, check=True).stdout
    assert "__complete" in script
    if shell == "bash":
        ask = script + '\nCOMP_WORDS=(hull network conn) COMP_CWORD=2; _hull; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", ask], env=dict(engine.env, PATH=f"{engine.programs / 'bin'}:{os.environ['PATH']}"),
                              capture_output=True, text=True, timeout=30)
        assert done.stdout == "connect\n", done.stderr
    assert engine.hull("completion", "tcsh").returncode == 1


# --- Docker's reference -------------------------------------------------------

REFERENCE = pathlib.Path(__file__).parent / "cli-reference.txt"

# What the engine can't do, or what isn't a matter of the engine.
ABSENT_COMMANDS = {"bake", "buildx", "checkpoint", "config", "manifest", "node", "plugin", "secret", "service", "stack",
                   "swarm", "trust", "context export", "context import", "volume update", "builder",
                   "checkpoint create", "checkpoint ls", "checkpoint rm"}
ABSENT_FLAGS = {
    **{build: {"compress", "isolation"} for build in ("build", "builder build", "image build")},
    "volume create": {"availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
                      "topology-preferred", "topology-required", "type"},  # of volumes of a swarm
    "volume ls": {"cluster"},
    "container run": {"isolation"}, "container create": {"isolation"},  # of Windows
}


def reference():
    table = {}
    for line in REFERENCE.read_text().splitlines():
        if line and not line.startswith("#"):
            command, _, flags = line.partition(":")
            table[command] = set(flags.split())
    return table


def flags_of(engine, command):
    help_text = engine.hull(*command.split(), "--help").stdout
    shown = set(re.findall(r"^\s+(?:-\w, )?--([a-z0-9-]+)", help_text, re.M))
    hidden = set()
    for flag in reference()[command] - shown:  # there, but not in the help
        done = engine.hull(*command.split(), f"--{flag}=zz", "--help")
        if f"unknown flag: --{flag}" not in done.stderr:
            hidden.add(flag)
    return shown | hidden


@pytest.mark.parametrize("command", sorted(reference()))
def test_docker_command_and_flags_are_there(engine, command):
    if command in ABSENT_COMMANDS or command.split()[0] in ABSENT_COMMANDS - {"builder"}:
        done = engine.hull(*command.split(), "--help")
        assert done.returncode != 0 and "unknown command" in done.stderr, "take it out of ABSENT_COMMANDS"
        return
    done = engine.hull(*command.split(), "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage:  hull"), done.stderr
    missing = reference()[command] - flags_of(engine, command) - ABSENT_FLAGS.get(command, set())
    assert not missing, f"hull {command} has no {sorted(missing)}"


def test_info_probe(engine):
    """What is tried here agrees with what the tests themselves need, and has a remedy where it isn't there."""
    rows = json.loads(engine.hull("info", "--probe", "--format", "json").stdout)
    found = {row["Feature"]: row for row in rows}
    for feature in ("user namespaces", "overlayfs", "nftables", "veth", "bridge", "cgroups"):
        assert found[feature]["Works"], found[feature]
    for row in rows:
        assert row["Works"] or (row["Detail"] and row["Remedy"]), row
    table = engine.hull("info", "--probe").stdout.splitlines()
    assert table[0].split()[:2] == ["FEATURE", "HERE"] and len(table) == len(rows) + 1
    # Where a namespace may have no user namespaces in it, it is said so.
    limited = subprocess.run(["unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" info --probe --format json",
                              engine.programs / "bin/hull"], env=engine.env, capture_output=True, text=True)
    if limited.returncode == 0:  # some sandboxes let nobody write there
        row = next(row for row in json.loads(limited.stdout) if row["Feature"] == "user namespaces")
        assert not row["Works"] and "max_user_namespaces" in row["Remedy"], row
    # The check says the same of what every engine needs, also when there is none.
    limited = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c",
                              "mount -t tmpfs -o ro tmpfs /var/lib && exec \"$0\" -H unix:///nowhere system check",
                              engine.programs / "bin/hull"], env=engine.env, capture_output=True, text=True)
    assert limited.returncode == 1 and "machine data folder: " in limited.stdout, limited
    assert "Read-only file system" in limited.stdout and "--data-root" in limited.stdout, limited
    elsewhere = engine.hull("-H", "tcp://127.0.0.1:9", "info", "--probe")
    assert elsewhere.returncode == 1 and "is elsewhere" in elsewhere.stderr
