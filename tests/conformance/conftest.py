"""Fixtures of the conformance tests: one runtime, its bundles, its known differences."""
import pathlib
import shutil
import signal
import time

import pytest

import differences
import oci

FOLDER = pathlib.Path(__file__).resolve().parent


def pytest_collection_modifyitems(config, items):
    ours = [item for item in items if item.path.parent == FOLDER]
    if ours:
        differences.mark(oci.default_program(), ours)


def leftovers(folder):
    """What the whole session left behind, of what is surely its own."""
    left = [str(p) for h in oci.CGROUP_TOP.iterdir() for p in h.glob(f"{oci.PREFIX}/*") if p.is_dir()]
    left += [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    left += [str(p) for p in (folder / "state").glob("*")]
    return left + oci.processes_of(str(folder))


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """Instead of the engine's census: that counts what others on this machine do as well."""


@pytest.fixture(scope="session")
def work_folder():
    folder = oci.make_folder()
    yield folder
    deadline = time.monotonic() + 10
    while (left := leftovers(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for hierarchy in oci.CGROUP_TOP.iterdir():
        if (parent := hierarchy / oci.PREFIX).is_dir():
            oci.end_cgroup(parent)
    shutil.rmtree(folder)
    assert left == []


@pytest.fixture(scope="session")
def rt(work_folder):
    """The runtime under test: rt("state", id) runs a command of it."""
    return oci.Runtime(oci.default_program(), work_folder)


@pytest.fixture(scope="session")
def rootfs(work_folder):
    folder = work_folder / "rootfs"
    folder.mkdir()
    return oci.RootFs(folder)


@pytest.fixture(autouse=True)
def time_limit():
    """No test may hang the rest."""
    def over(*_):
        raise TimeoutError("the test took longer than 40 s")
    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(40)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def new_container(rt, rootfs, work_folder):
    """Makes bundles; their containers are deleted at the end."""
    made = []

    def make(args=None, **changes):
        made.append(oci.Container(rt, work_folder, rootfs))
        return made[-1].set(args, **changes)

    yield make
    for container in made:
        container.clean_up()


@pytest.fixture
def c(new_container):
    """One container's bundle."""
    return new_container()
