"""Programs of another processor, by qemu's user mode, registered in the container's own user namespace (Linux 6.7)."""
import io
import json
import os
import pathlib
import platform
import shutil
import struct
import tarfile

import pytest

from registries import Registry

LINUX = tuple(map(int, platform.release().split(".")[:2]))
pytestmark = [pytest.mark.skipif(not shutil.which("qemu-aarch64-static"), reason="there is no qemu-aarch64-static"),
              pytest.mark.skipif(LINUX < (6, 7), reason="emulators of user namespaces need Linux 6.7"),
              pytest.mark.skipif(platform.machine() != "x86_64", reason="arm64 is no other processor")]


def arm64_program(text, code):
    """A static program that writes text and ends with code."""
    base, head = 0x400000, 64 + 56
    steps = [0xD2800020,  # mov x0, #1
             0x100000E1,  # adr x1, text
             0xD2800002 | len(text) << 5,  # mov x2, #len
             0xD2800808, 0xD4000001,  # write
             0xD2800000 | code << 5,  # mov x0, #code
             0xD2800BA8, 0xD4000001]  # exit
    body = struct.pack("<8I", *steps) + text.encode()
    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + bytes(9), 2, 183, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, head + len(body), head + len(body), 0x1000)
    return elf + segment + body


@pytest.fixture(scope="module")
def arm(engine, tmp_path_factory):
    """An image for arm64 with /ok and /fails."""
    path = tmp_path_factory.mktemp("arm") / "root.tar"
    with tarfile.open(path, "w") as tar:
        for name, data in {"ok": arm64_program("it is arm64\n", 0), "fails": arm64_program("no\n", 7)}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    name = f"arm-{os.getpid()}"
    done = engine.docker("import", "--platform", "linux/arm64", path, name)
    assert done.returncode == 0, done.stderr
    yield name
    engine.docker("rmi", "-f", name)


def test_they_run(engine, arm):
    done = engine.docker("run", "--rm", "--platform", "linux/arm64", arm, "/ok")
    assert (done.returncode, done.stdout, done.stderr) == (0, "it is arm64\n", "")
    assert engine.docker("run", "--rm", arm, "/fails").returncode == 7


def test_without_being_asked_for_it_is_said(engine, arm):
    done = engine.docker("run", "--rm", arm, "/ok")
    assert done.stdout == "it is arm64\n"
    assert ("The requested image's platform (linux/arm64) does not match the detected host platform (linux/amd64) and "
            "no specific platform was requested") in done.stderr


def test_exec_has_them_and_the_host_has_not(engine, arm):
    hosts = pathlib.Path("/proc/sys/fs/binfmt_misc")
    before = sorted(p.name for p in hosts.iterdir()) if hosts.exists() else []
    name = f"arm-box-{os.getpid()}"
    # A program of ours and one for arm64 beside each other: the image's architecture counts.
    busybox = pathlib.Path("/bin/busybox").resolve()
    done = engine.docker("run", "-d", "--name", name, "-v", f"{busybox}:/busybox:ro", arm, "/busybox", "sleep", "100")
    assert done.returncode == 0, done.stderr
    assert engine.docker("exec", name, "/ok").stdout == "it is arm64\n"
    # Nobody in it may change the list.
    assert engine.docker("exec", name, "/busybox", "sh", "-c", "echo -1 > /proc/sys/fs/binfmt_misc/hull-arm64").returncode != 0
    assert engine.docker("exec", name, "/ok").returncode == 0
    assert (sorted(p.name for p in hosts.iterdir()) if hosts.exists() else []) == before
    engine.docker("rm", "-f", name)


@pytest.mark.parametrize("style", ["0", "1"])
def test_a_build_for_it(engine, arm, tmp_path, style, monkeypatch):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/Dockerfile").write_text(f'FROM {arm}\nRUN ["/ok"]\nCMD ["/ok"]\n')
    monkeypatch.setitem(engine.env, "DOCKER_BUILDKIT", style)
    tag = f"arm-built-{os.getpid()}"
    done = engine.docker("build", "--no-cache", "--platform", "linux/arm64", "-t", tag, tmp_path / "c", cli="/usr/bin/docker", timeout=60)
    assert done.returncode == 0 and "it is arm64" in done.stdout + done.stderr, done.stdout + done.stderr
    image = json.loads(engine.docker("image", "inspect", tag).stdout)[0]
    assert (image["Architecture"], image["Os"]) == ("arm64", "linux")
    assert engine.docker("run", "--rm", "--platform", "linux/arm64", tag).stdout == "it is arm64\n"
    engine.docker("rmi", "-f", tag)


@pytest.fixture
def registry():
    made = Registry().start()
    yield made
    made.stop()


def test_a_build_for_several(engine, tmp_path, registry):
    """One name for both; each runs, leaves for a registry and an archive, and comes back."""
    context = tmp_path / "c"
    context.mkdir()
    (context / "prog-arm64").write_bytes(arm64_program("it is arm64\n", 0))
    busybox = pathlib.Path("/bin/busybox").read_bytes()
    (context / "prog-amd64").write_bytes(busybox)
    for path in context.iterdir():
        path.chmod(0o755)
    (context / "Dockerfile").write_text(
        "FROM scratch\nARG TARGETARCH\nCOPY prog-$TARGETARCH /echo\nRUN [\"/echo\", \"it is amd64\"]\nCMD [\"/echo\", \"it is amd64\"]\n")
    platforms = ["--platform", "linux/amd64,linux/arm64"]
    name = f"{registry.name}/both:1"
    done = engine.hull("build", "--progress", "plain", *platforms, "-t", name, "--push", context, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "[linux/arm64 2/2] RUN" in done.stderr and "[linux/amd64 2/2] RUN" in done.stderr

    def runs():
        for cpu in ("amd64", "arm64"):
            ran = engine.docker("run", "--rm", "--platform", f"linux/{cpu}", name)
            assert ran.stdout == f"it is {cpu}\n", ran.stderr

    runs()
    archive = tmp_path / "both.tar"
    done = engine.hull("build", *platforms, "-t", name, "--output", f"type=oci,dest={archive}", context, timeout=120)
    assert done.returncode == 0, done.stderr
    engine.docker("rmi", "-f", name)
    for cpu in ("amd64", "arm64"):
        assert engine.docker("pull", "-q", "--platform", f"linux/{cpu}", name).returncode == 0
    runs()
    engine.docker("rmi", "-f", name)
    assert engine.docker("load", "-i", archive).returncode == 0
    runs()
    engine.docker("rmi", "-f", name)
    done = engine.hull("build", "--progress", "plain", "--no-cache", *platforms, "--output", "type=cacheonly", context, timeout=120)
    assert done.returncode == 0 and "it is amd64" in done.stderr and "it is arm64" in done.stderr, done.stderr
    done = engine.hull("build", *platforms, "--output", str(tmp_path / "out"), context)
    assert done.returncode == 1 and "for several platforms is not supported" in done.stderr
