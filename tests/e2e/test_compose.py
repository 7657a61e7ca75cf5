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


BUILT = """
version: "2.4"
services:
  db:
    image: busybox
    command: sh -c 'echo db starts; sleep 1; touch /ready; exec sleep 600'
    healthcheck: {test: ["CMD", "test", "-f", "/ready"], interval: 200ms, timeout: 2s, retries: 20}
    stop_signal: SIGKILL
  app:
    build:
      context: .
      args: {WORD: composed}
    image: composed-app-PROJECT
    environment: {TONE: high}
    depends_on: {db: {condition: service_healthy}}
    command: sh -c 'echo app starts with $$TONE; ping -c1 -W2 db >/dev/null && echo reached db; exec sleep 600'
    stop_signal: SIGKILL
    mem_limit: 64m
    volumes: ["./shared:/shared"]
"""


@pytest.fixture
def project(engine, tmp_path):
    name = "p" + uuid.uuid4().hex[:8]
    (tmp_path / "docker-compose.yml").write_text(BUILT.replace("PROJECT", name))
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WORD\nRUN echo $WORD >/word\n")
    (tmp_path / "shared").mkdir()

    def call(*args, ok=True):
        done = subprocess.run(["docker-compose", "-p", name, *args], cwd=tmp_path, env=engine.env, text=True,
                              capture_output=True, timeout=180)
        assert done.returncode == 0 or not ok, done.stdout + done.stderr
        return done

    call.name, call.folder = name, tmp_path
    try:
        yield call
    finally:
        call("down", "-v", "-t", "0", "--rmi", "local", ok=False)
        engine.docker("rmi", "-f", f"composed-app-{name}")


def test_build_health_logs_exec_run(engine, project):
    project("build")
    project("up", "-d")
    # It waited for the health of what it depends on.
    logs = project("logs", "--no-color").stdout
    assert "db starts" in logs and "app starts with high" in logs
    for _ in range(50):
        if "reached db" in (logs := project("logs", "--no-color", "app").stdout):
            break
    assert "reached db" in logs
    assert project("exec", "-T", "app", "cat", "/word").stdout == "composed\n"
    failed = project("exec", "-T", "app", "sh", "-c", "exit 7", ok=False)
    assert failed.returncode == 7
    done = project("run", "--rm", "-T", "-e", "EXTRA=1", "--no-deps", "app", "sh", "-c", "echo run $EXTRA; echo f >/shared/f")
    assert "run 1" in done.stdout and (project.folder / "shared/f").read_text() == "f\n"
    shown = json.loads(engine.docker("inspect", project("ps", "-q", "app").stdout.strip()).stdout)[0]
    assert shown["HostConfig"]["Memory"] == 64 << 20
    assert shown["Config"]["Labels"]["com.docker.compose.service"] == "app"
    assert "healthy" in engine.docker("ps", "--filter", f"label=com.docker.compose.project={project.name}").stdout
    project("pause")
    assert project("ps").stdout.count("Paused") == 2
    project("unpause")
    project("kill")
    assert project("ps").stdout.count("Exit 137") == 2
    project("start")
    project("top")
    project("stop", "-t", "0")
    project("rm", "-f")
    assert project("ps", "-q").stdout == ""


def test_compose_file_errors_are_its_own(engine, project):
    (project.folder / "Dockerfile").write_text("FROM busybox\nRUN exit 9\n")
    failed = project("build", ok=False)
    assert failed.returncode != 0 and "returned a non-zero code: 9" in failed.stdout + failed.stderr
