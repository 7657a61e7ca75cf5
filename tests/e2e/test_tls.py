"""TCP with mutual TLS: docker --tlsverify and python's TLSConfig do their work; everybody else is kept out."""
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time

import docker as docker_py
import pytest

from engines import run
from test_service import free_port, wait_for


def openssl(*args, **kwargs):
    return run("openssl", *args, check=True, **kwargs)


def certify(folder, name, authority, usage, names="IP:127.0.0.1,DNS:engine.test"):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}-key.pem", "-out", folder / "csr",
            "-subj", f"/CN={name}")
    (folder / "ext").write_text(f"extendedKeyUsage={usage}\nsubjectAltName={names}\n")
    openssl("x509", "-req", "-in", folder / "csr", "-CA", folder / f"{authority}.pem", "-CAkey",
            folder / f"{authority}-key.pem", "-CAcreateserial", "-out", folder / f"{name}.pem", "-days", "2",
            "-extfile", folder / "ext")


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    for authority in ("ca", "stranger-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{authority}-key.pem", "-out",
                folder / f"{authority}.pem", "-days", "2", "-subj", f"/CN={authority}")
    certify(folder, "server", "ca", "serverAuth")
    certify(folder, "client", "ca", "clientAuth")
    certify(folder, "stranger", "stranger-ca", "clientAuth")
    return folder


@pytest.fixture
def tls_engine(new_engine, pki):
    port = free_port()
    engine = new_engine("-H", f"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert", str(pki / "ca.pem"), "--tlscert",
                        str(pki / "server.pem"), "--tlskey", str(pki / "server-key.pem"))
    engine.port = port
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    return engine


def docker_tls(engine, pki, *args, who="client", **kwargs):
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    return run("docker", "--tlsverify", "--tlscacert", pki / "ca.pem", "--tlscert", pki / f"{who}.pem", "--tlskey",
               pki / f"{who}-key.pem", "-H", f"tcp://127.0.0.1:{engine.port}", *args, env=env, **kwargs)


def connection(engine, pki, who="client"):
    context = ssl.create_default_context(cafile=pki / "ca.pem")
    if who:
        context.load_cert_chain(pki / f"{who}.pem", pki / f"{who}-key.pem")
    raw = socket.create_connection(("127.0.0.1", engine.port), timeout=10)
    return context.wrap_socket(raw, server_hostname="127.0.0.1")


def request(engine, pki, *lines, path="/_ping"):
    with connection(engine, pki) as tls:
        tls.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "Connection: close", "", ""]).encode())
        text = b""
        while piece := tls.recv(65536):
            text += piece
    return int(text.split()[1]), text.decode()


def test_docker_works_over_tls(tls_engine, pki):
    assert docker_tls(tls_engine, pki, "run", "--rm", "busybox", "echo", "hi").stdout == "hi\n"
    done = docker_tls(tls_engine, pki, "run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end; exit 7", input="fed\n")
    assert (done.returncode, done.stdout) == (7, "fed\nend\n")  # the end of stdin crosses TLS
    cid = docker_tls(tls_engine, pki, "run", "-d", "busybox", "sleep", "60").stdout.strip()
    assert docker_tls(tls_engine, pki, "exec", cid, "echo", "inside").stdout == "inside\n"
    docker_tls(tls_engine, pki, "rm", "-f", cid)


def test_large_streams_cross_tls_whole(tls_engine, pki, tmp_path):
    script = "dd if=/dev/zero bs=1M count=64 2>/dev/null | tr '\\0' x"
    done = docker_tls(tls_engine, pki, "run", "--rm", "busybox", "sh", "-c", script)
    assert len(done.stdout) == 64 << 20
    assert docker_tls(tls_engine, pki, "save", "-o", tmp_path / "b.tar", "busybox").returncode == 0
    assert docker_tls(tls_engine, pki, "load", "-i", tmp_path / "b.tar").stdout.strip().endswith("busybox:latest")


def test_python_docker_works_over_tls(tls_engine, pki, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests would prefer them
        monkeypatch.delenv(name, raising=False)
    config = docker_py.tls.TLSConfig(client_cert=(str(pki / "client.pem"), str(pki / "client-key.pem")),
                                     ca_cert=str(pki / "ca.pem"), verify=True)
    client = docker_py.DockerClient(base_url=f"tcp://127.0.0.1:{tls_engine.port}", tls=config, timeout=30)
    assert client.containers.run("busybox", ["echo", "py"], remove=True) == b"py\n"
    client.close()


def test_who_has_no_good_certificate_is_kept_out(tls_engine, pki):
    done = docker_tls(tls_engine, pki, "version", who="stranger")
    assert done.returncode != 0 and "Server" not in done.stdout
    for who in (None, "stranger"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with connection(tls_engine, pki, who) as tls:
                tls.sendall(b"GET /_ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert tls.recv(100) == b"", "it was let in"
                raise ConnectionError
    with socket.create_connection(("127.0.0.1", tls_engine.port), timeout=10) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"200" not in plain.recv(1000)
    assert docker_tls(tls_engine, pki, "version").returncode == 0


def test_foreign_host_and_origin_are_refused(tls_engine, pki):
    own = f"127.0.0.1:{tls_engine.port}"
    for lines in (["Host: " + own], ["Host: localhost"], ["Host: engine.test:1"], ["Host: [::1]:5"],
                  ["Host: " + own, "Origin: https://" + own]):
        assert request(tls_engine, pki, *lines)[0] == 200, lines
    for lines in (["Host: evil.test"], ["Host: "], [], ["Host: " + own, "Origin: https://evil.test"],
                  ["Host: " + own, "Origin: null"]):
        code, text = request(tls_engine, pki, *lines)
        assert code in (400, 403), (lines, text)
    assert "names another server" in request(tls_engine, pki, "Host: evil.test")[1]


def test_slow_handshakes_do_not_keep_others_out(tls_engine, pki):
    slow = [socket.create_connection(("127.0.0.1", tls_engine.port)) for _ in range(40)]
    begin = time.monotonic()
    assert docker_tls(tls_engine, pki, "version").returncode == 0
    assert time.monotonic() - begin < 5
    for s in slow:
        s.close()


def test_certificates_are_renewed_by_sighup(tls_engine, pki):
    with connection(tls_engine, pki) as tls:
        serial = tls.getpeercert()["serialNumber"]
    certify(pki, "server", "ca", "serverAuth")
    tls_engine.process.send_signal(signal.SIGHUP)

    def renewed():
        with connection(tls_engine, pki) as tls:
            return tls.getpeercert()["serialNumber"] != serial
    wait_for(renewed)


def test_a_client_that_leaves_ends_its_stream(tls_engine, pki):
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    events = subprocess.Popen(["docker", "--tlsverify", "--tlscacert", pki / "ca.pem", "--tlscert", pki / "client.pem",
                               "--tlskey", pki / "client-key.pem", "-H", f"tcp://127.0.0.1:{tls_engine.port}", "events"],
                              env=env, stdout=subprocess.PIPE)

    def listeners():
        return json.loads(run("curl", "-s", "--unix-socket", tls_engine.socket, "http://h/info").stdout)["NEventsListener"]
    wait_for(lambda: listeners() == 1)
    events.kill()
    events.wait()
    wait_for(lambda: listeners() == 0)


def test_tls_files_that_do_not_fit_are_named(programs, pki, tmp_path):
    def refused(key, cert="server.pem"):
        done = run(programs / "bin/hulld", "--data-root", tmp_path / "d", "--exec-root", tmp_path / "e", "--bridge",
                   "none", "-H", f"tcp://127.0.0.1:{free_port()}", "--tlsverify", "--tlscacert", pki / "ca.pem",
                   "--tlscert", pki / cert, "--tlskey", pki / key)
        assert done.returncode == 1
        return done.stderr
    assert "client-key.pem" in refused("client-key.pem")
    assert "missing.pem" in refused("server-key.pem", "missing.pem")
