"""Engines, images and the census that every end-to-end test stands on.

The programs come from the build tree (HULL_BIN names another folder with
bin/ and libexec/). Each pytest session has one engine with folders, socket
and bridge of its own; a test that kills or restarts engines makes its own
with the `new_engine` fixture.
"""
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from census import census, leftovers
from engines import ROOT, Engine, docker_clients


def _programs():
    """The folder that holds bin/hull, bin/hulld and libexec/hull/hull-keeper."""
    given = os.environ.get("HULL_BIN")
    if given:
        return pathlib.Path(given)
    prefix = ROOT / "build/e2e-prefix"
    subprocess.run(["cmake", "--install", str(ROOT / "build/release"), "--prefix", str(prefix)],
                   check=True, stdout=subprocess.DEVNULL)
    return prefix


@pytest.fixture(scope="session")
def programs():
    return _programs()


@pytest.fixture
def new_engine(programs):
    engines = []

    def make(*flags, folder=None, start=True):
        engine = Engine(programs, folder or tempfile.mkdtemp(prefix="hull-e2e-"), flags)
        engines.append(engine)
        return engine.start() if start else engine

    yield make
    for engine in engines:
        if engine.folder.exists():
            engine.stop()


@pytest.fixture(scope="session")
def engine(programs, nothing_left_behind):  # ends before the census, whoever asks for it last
    """The shared engine, with busybox and debian:bookworm."""
    made = Engine(programs, tempfile.mkdtemp(prefix="hull-e2e-")).start()
    try:
        done = made.hull("image", "bootstrap", "busybox", timeout=120)
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def debian(engine):
    """A real Debian image, made once per session; gives its name."""
    done = engine.hull("image", "bootstrap", "debian:bookworm", timeout=400)
    assert done.returncode == 0, done.stderr
    return "debian:bookworm"


@pytest.fixture(params=docker_clients(), ids=lambda p: p.strip("/").replace("/", "-"))
def docker(request, engine):
    """A docker CLI against the shared engine: docker('ps', '-a')."""
    def call(*args, **kwargs):
        return engine.docker(*args, cli=request.param, **kwargs)
    call.path = request.param
    return call


# --- census -------------------------------------------------------------------

@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """The whole session leaves no mount, link, cgroup, namespace or process."""
    before = census()
    yield
    deadline = time.monotonic() + 10
    while leftovers(before, census()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert leftovers(before, census()) == {}
