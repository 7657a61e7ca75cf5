"""hull's own diff, export, commit and update: the same words and output as docker's."""
import subprocess
import tarfile
import uuid

import pytest


@pytest.fixture
def box(engine):
    made = []

    def make(script):
        made.append(engine.hull("run", "-d", "busybox", "sh", "-c", script).stdout.strip())
        return made[-1]

    yield make
    engine.hull("rm", "-f", *made)


def test_diff(engine, box):
    cid = box("echo x > /new; rm /etc/group")
    assert engine.hull("wait", cid).stdout == "0\n"
    assert engine.hull("diff", cid).stdout == engine.docker("diff", cid).stdout == "C /etc\nD /etc/group\nA /new\n"
    done = engine.hull("diff", "nope")
    assert done.returncode == 1 and "No such container: nope" in done.stderr


def test_export(engine, box, tmp_path):
    cid = box("echo x > /new")
    engine.hull("wait", cid)
    assert engine.hull("export", "-o", tmp_path / "e.tar", cid).returncode == 0
    out = subprocess.run([engine.programs / "bin/hull", "export", cid], env=engine.env, capture_output=True, timeout=60)
    assert out.stdout == (tmp_path / "e.tar").read_bytes()
    assert tarfile.open(tmp_path / "e.tar").extractfile("new").read() == b"x\n"
    assert engine.hull("export", "-o", tmp_path / "none.tar", "nope").returncode == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.tar"]


def test_commit(engine, box):
    cid = box("echo x > /new; sleep 600")
    name = f"c{uuid.uuid4().hex[:8]}:v1"
    for _ in range(100):
        if "A /new" in engine.hull("diff", cid).stdout:
            break
    done = engine.hull("commit", "-a", "me", "-m", "why", "-c", "CMD [\"cat\", \"/new\"]", cid, name)
    assert done.returncode == 0 and done.stdout.startswith("sha256:"), done.stderr
    try:
        assert engine.hull("run", "--rm", name).stdout == "x\n"
        assert engine.hull("image", "inspect", "-f", "{{.Author}} {{.Comment}}", name).stdout == "me why\n"
    finally:
        engine.hull("rmi", "-f", name)


def test_update(engine, box):
    cid = box("sleep 600")
    done = engine.hull("update", "-m", "64m", "--memory-swap", "-1", "--cpus", "1.5", "--restart", "on-failure:2", cid)
    assert done.returncode == 0 and done.stdout == cid + "\n", done.stderr
    shown = engine.hull("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} "
                        "{{.HostConfig.RestartPolicy.Name}}", cid).stdout
    assert shown == "67108864 -1 1500000000 on-failure\n"
    done = engine.hull("update", cid)
    assert done.returncode == 1 and "you must provide one or more flags when using this command" in done.stderr
    done = engine.hull("update", "-m", "1k", cid)
    assert done.returncode == 1 and "Minimum memory limit allowed is 6MB" in done.stderr
