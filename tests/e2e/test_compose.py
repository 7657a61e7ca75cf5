"""docker-compose 1.29 with a small project: networks, aliases, ports, volumes, scale, down."""
import json
import os
import shutil
import subprocess
import uuid

import pytest
from test_ports import fetch, free_port

pytestmark = pytest.mark.skipif(not shutil.which("docker-compose"), reason="no docker-compose here")

PROJECT = """
version: "3.7"
services:
  web:
    image: busybox
    command: sh -c 'while :; do cat /data/page | nc -l -p 80; done'
    ports: ["{port}:80"]
    volumes: ["pages:/data:ro"]
    networks:
      front: {{aliases: [site]}}
      back:
    depends_on: [worker]
    stop_signal: SIGKILL
  worker:
    image: busybox
    command: sh -c 'echo page-of-worker > /data/page; exec sleep 600'
    volumes: ["pages:/data", "/scratch"]
    networks: [back]
    stop_signal: SIGKILL
networks:
  front:
  back:
    internal: true
    ipam: {{config: [{{subnet: 10.202.{octet}.0/24}}]}}
volumes:
  pages:
    labels: {{a: b}}
"""


@pytest.fixture
def compose(engine, tmp_path):
    port = free_port()
    (tmp_path / "docker-compose.yml").write_text(PROJECT.format(port=port, octet=os.getpid() % 250))
    project = "p" + uuid.uuid4().hex[:8]

    def call(*args):
        done = subprocess.run(["docker-compose", "-p", project, *args], cwd=tmp_path, env=engine.env, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    call.project, call.port = project, port
    try:
        yield call
    finally:
        subprocess.run(["docker-compose", "-p", project, "down", "-v", "-t", "0"], cwd=tmp_path, env=engine.env,
                       capture_output=True, timeout=120)


def test_up_scale_down(engine, compose):
    compose("up", "-d")
    assert fetch("127.0.0.1", compose.port) == "page-of-worker\n"
    names = set(engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split())
    assert {f"{compose.project}_front", f"{compose.project}_back"} <= names
    assert f"{compose.project}_pages" in engine.docker("volume", "ls", "-q").stdout.split()
    web, = engine.docker("ps", "-q", "--filter", "label=com.docker.compose.service=web", "--filter",
                         f"label=com.docker.compose.project={compose.project}").stdout.split()
    networks = json.loads(engine.docker("inspect", web).stdout)[0]["NetworkSettings"]["Networks"]
    assert set(networks) == {f"{compose.project}_front", f"{compose.project}_back"}
    assert {"web", "site"} <= set(networks[f"{compose.project}_front"]["Aliases"])
    assert "worker" in compose("exec", "-T", "web", "ping", "-c1", "-W2", "worker")
    compose("up", "-d", "--scale", "worker=3")
    answers = compose("exec", "-T", "web", "nslookup", "worker", "127.0.0.11")
    assert answers.count("Address") >= 4, answers  # the server's own, and three
    assert compose("ps").count("Up") == 4
    # Nothing changed: nothing is made anew.
    assert "up-to-date" in compose("up", "-d", "--scale", "worker=3")
    compose("restart", "-t", "0")
    assert fetch("127.0.0.1", compose.port) == "page-of-worker\n"
    compose("down", "-v", "-t", "0")
    names = engine.docker("network", "ls", "--format", "{{.Name}}").stdout
    assert compose.project not in names + engine.docker("volume", "ls", "-q").stdout
    assert compose.project not in engine.docker("ps", "-a").stdout
