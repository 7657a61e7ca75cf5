"""hull against an engine elsewhere: TCP with TLS (flags, environment, contexts) and ssh."""
import json
import os
import shutil

import pytest

from engines import run
from test_tls import pki, tls_engine  # noqa: F401 - fixtures


def hull(engine, *args, env=None, **kwargs):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    return run(engine.programs / "bin/hull", *args, env={**clean, **(env or {})}, **kwargs)


def flags(engine, pki, who="client"):
    return ["--tlsverify", "--tlscacert", pki / "ca.pem", "--tlscert", pki / f"{who}.pem", "--tlskey",
            pki / f"{who}-key.pem", "-H", f"tcp://127.0.0.1:{engine.port}"]


@pytest.fixture
def certificates(pki, tmp_path):  # as DOCKER_CERT_PATH wants them
    for name, source in (("ca", "ca"), ("cert", "client"), ("key", "client-key")):
        shutil.copy(pki / f"{source}.pem", tmp_path / f"{name}.pem")
    return tmp_path


def test_tls_by_flags(tls_engine, pki):
    done = hull(tls_engine, *flags(tls_engine, pki), "run", "--rm", "-i", "busybox", "cat", input="through\n" * 20000)
    assert done.stdout == "through\n" * 20000, done.stderr
    box = hull(tls_engine, *flags(tls_engine, pki), "run", "-d", "busybox", "sleep", "600").stdout.strip()
    done = hull(tls_engine, *flags(tls_engine, pki), "exec", "-i", box, "sh", "-c", "wc -c; exit 3", input="12345")
    assert done.stdout == "5\n" and done.returncode == 3
    done = hull(tls_engine, *flags(tls_engine, pki), "cp", "/etc/hostname", f"{box}:/tmp/x")
    assert done.returncode == 0, done.stderr
    assert hull(tls_engine, *flags(tls_engine, pki), "rm", "-f", box).returncode == 0


def test_tls_by_the_environment(tls_engine, certificates):
    host = f"tcp://127.0.0.1:{tls_engine.port}"
    env = {"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    assert hull(tls_engine, "ps", "-q", env=env).returncode == 0
    env.pop("DOCKER_TLS_VERIFY")
    assert hull(tls_engine, "--tls", "ps", "-q", env=env).returncode == 0  # not verified
    # Without TLS the engine doesn't answer HTTP.
    assert hull(tls_engine, "ps", env=env).returncode != 0
    # The default folder is the client's own.
    env = {"DOCKER_CONFIG": str(certificates)}
    assert hull(tls_engine, "--tlsverify", "-H", host, "ps", "-q", env=env).returncode == 0


def test_whom_tls_refuses(tls_engine, pki, tmp_path):
    done = hull(tls_engine, *flags(tls_engine, pki, "stranger"), "ps")
    assert done.returncode == 1 and "TLS" in done.stderr and "alert" in done.stderr
    own = flags(tls_engine, pki)
    own[2] = pki / "stranger-ca.pem"
    done = hull(tls_engine, *own, "ps")
    assert done.returncode == 1 and "its certificate can't be trusted" in done.stderr
    # Its name must be in the certificate, too.
    own = flags(tls_engine, pki)
    own[-1] = f"tcp://localhost:{tls_engine.port}"
    done = hull(tls_engine, *own, "ps")
    assert done.returncode == 1 and "mismatch" in done.stderr
    own = flags(tls_engine, pki)
    own[2] = tmp_path / "nowhere.pem"
    done = hull(tls_engine, *own, "ps")
    assert done.returncode == 1 and "could not read CA certificate" in done.stderr and "nowhere.pem" in done.stderr
    done = hull(tls_engine, "--tlsverify", "--tlscacert", pki / "ca.pem", "-H", "tcp://127.0.0.1:1", "ps")
    assert done.returncode == 1 and "refused" in done.stderr.lower()


def test_tls_by_a_context(tls_engine, pki, tmp_path):
    env = {"DOCKER_CONFIG": str(tmp_path)}
    host = f"host=tcp://127.0.0.1:{tls_engine.port},ca={pki}/ca.pem,cert={pki}/client.pem,key={pki}/client-key.pem"
    done = hull(tls_engine, "context", "create", "far", "--docker", host, env=env)
    assert done.returncode == 0, done.stderr
    assert hull(tls_engine, "-c", "far", "ps", "-q", env=env).returncode == 0
    seen = json.loads(hull(tls_engine, "context", "inspect", "far", env=env).stdout)[0]
    assert seen["TLSMaterial"] == {"docker": ["ca.pem", "cert.pem", "key.pem"]}
    assert all(file.stat().st_mode & 0o77 == 0 for file in tmp_path.glob("contexts/tls/*/docker/*.pem"))
    # Docker's client uses the same context.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    done = run("docker", "--context", "far", "ps", "-q", env={**clean, **env})
    assert done.returncode == 0, done.stderr
    hull(tls_engine, "context", "rm", "far", env=env)
    assert not list(tmp_path.glob("contexts/tls/*"))


@pytest.fixture
def ssh(engine, tmp_path):
    """An ssh that stays on this machine: notes its words, runs the last one in a shell."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/ssh"
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\n'
                    f'for last; do :; done\nDOCKER_HOST={engine.host} PATH={engine.programs}/bin:$PATH exec sh -c "$last"\n')
    fake.chmod(0o755)
    return {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}


def test_ssh(engine, ssh, tmp_path):
    env = {**ssh, "DOCKER_HOST": "ssh://me@far.example:2222"}
    done = hull(engine, "run", "--rm", "-i", "busybox", "wc", "-c", env=env, input="x" * 300000)
    assert done.stdout == "300000\n", done.stderr
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:-1] == ["-o", "ConnectTimeout=30", "-T", "-l", "me", "-p", "2222", "--", "far.example"]
    done = hull(engine, "-H", f"ssh://far.example{engine.socket}", "version", "--format", "{{.Server.Version}}", env=ssh)
    assert done.returncode == 0, done.stderr
    assert f"--host unix://{engine.socket} system dial-stdio" in (tmp_path / "words").read_text()


@pytest.mark.parametrize("host, text", [
    ("ssh://me:secret@far", "plain-text password is not supported"), ("ssh://", "no host specified"),
    ("ssh://-oProxyCommand=x", "no host specified"), ("ssh://-l@far", "no user name"), ("ssh://far:x", "no port"),
    ("ssh://far/a'b", "extra characters"), ("npipe://x", "hull does not speak npipe://")])
def test_hosts_that_are_refused(engine, host, text):
    done = hull(engine, "-H", host, "ps")
    assert done.returncode == 1 and text in done.stderr


def test_an_ssh_that_fails(engine, tmp_path):
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'ssh: connect to host far port 22: No route to host' >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    done = hull(engine, "-H", "ssh://far", "ps", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1 and done.stderr.count("No route to host") == 1
