"""The Debian packages: what is in them, what Debian's checker says of them. tests/vm installs and runs them."""
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from engines import ROOT, run

pytestmark = [
    pytest.mark.skipif(not shutil.which("dpkg-shlibdeps"), reason="no dpkg-dev here"),
    pytest.mark.skipif("HULL_BIN" in os.environ, reason="an installed Hull is under test, not a build tree"),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    done = run(ROOT / "packaging/build-deb", "--output", folder, "--version", "0.9.0-7", check=True, timeout=300)
    paths = [pathlib.Path(line) for line in done.stdout.split()]
    assert [p.name for p in paths] == ["hull_0.9.0-7_amd64.deb", "hull-docker_0.9.0-7_all.deb"]
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in paths), "the work folder stayed"
    return paths


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    roots = []
    for package in packages:
        root = tmp_path_factory.mktemp("root")
        run("dpkg-deb", "-R", package, root, check=True)
        roots.append(root)
    return roots


def field(package, name):
    return run("dpkg-deb", "-f", package, name, check=True).stdout.strip()


def test_the_packages_are_small(packages):
    main = packages[0]
    assert main.stat().st_size <= 12 << 20
    assert int(field(main, "Installed-Size")) <= 40 << 10


def test_debians_checker_finds_nothing(packages):
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    done = run("lintian", "--allow-root", "--fail-on", "error,warning", *packages, timeout=300)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_its_files_are_in_the_standard_places(unpacked):
    allowed = ("etc/hull/daemon.json", "lib/systemd/system/", "usr/bin/", "usr/libexec/hull/", "usr/lib/sysusers.d/",
               "usr/lib/tmpfiles.d/", "usr/share/bash-completion/completions/", "usr/share/zsh/vendor-completions/",
               "usr/share/fish/vendor_completions.d/", "usr/share/man/man", "usr/share/doc/hull",
               "usr/share/lintian/overrides/hull")
    for root in unpacked:
        for path in root.rglob("*"):
            name = str(path.relative_to(root))
            if path.is_dir() or name.startswith("DEBIAN/"):
                continue
            assert name.startswith(allowed), name
            assert path.is_symlink() or stat.S_IMODE(path.stat().st_mode) in (0o644, 0o755), name


def test_dependencies_are_those_of_the_program(packages, unpacked):
    named = {re.split(r"[ (|]", d.strip())[0] for d in field(packages[0], "Depends").split(",")}
    needed = run("objdump", "-p", unpacked[0] / "usr/bin/hulld", check=True).stdout
    libraries = re.findall(r"NEEDED +(\S+)", needed)
    assert len(libraries) > 5
    owners = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3", "libsqlite3.so.0": "libsqlite3-0",
              "libmnl.so.0": "libmnl0", "libc.so.6": "libc6"}
    for library, package in owners.items():
        assert library in libraries and package in named
    for program in ("usr/bin/hull", "usr/bin/hull-runtime", "usr/libexec/hull/hull-keeper"):
        assert "NEEDED" not in run("objdump", "-p", unpacked[0] / program, check=True).stdout


def test_the_unit_names_the_installed_program(unpacked):
    service = (unpacked[0] / "lib/systemd/system/hull.service").read_text()
    assert "ExecStart=/usr/bin/hulld -H fd:// " in service
    for line in ("Type=notify", "Delegate=yes", "KillMode=process"):
        assert f"\n{line}\n" in service
    assert "ListenStream=/run/hull/hull.sock" in (unpacked[0] / "lib/systemd/system/hull.socket").read_text()
    docker = (unpacked[1] / "lib/systemd/system/hull-docker.socket").read_text()
    assert "ListenStream=/run/docker.sock" in docker and "Service=hull.service" in docker
    assert (unpacked[0] / "DEBIAN/conffiles").read_text() == "/etc/hull/daemon.json\n"
    done = run(unpacked[0] / "usr/bin/hulld", "--validate", "--config-file", unpacked[0] / "etc/hull/daemon.json")
    assert done.returncode == 0, done.stderr


def test_every_command_has_a_page_that_names_its_flags(unpacked):
    root = unpacked[0]
    hull = root / "usr/bin/hull"
    pages = root / "usr/share/man/man1"
    top = run(hull, "--help", check=True).stdout
    commands = [["run"], ["exec"]] + [line.split()[:1] for line in re.split(r"\nCommands:\n", top)[1].split("\n\n")[0]
                                      .splitlines()]
    for manager in ("container", "image", "network", "volume", "system"):
        listed = run(hull, manager, "--help", check=True).stdout.split("\nCommands:\n")[1].split("\n\n")[0]
        commands += [[manager, line.split()[0]] for line in listed.splitlines()]
    assert len(commands) > 80
    for words in commands:
        assert (pages / ("-".join(["hull", *words]) + ".1.gz")).exists(), words
    for words in (["run"], ["build"], ["network", "create"]):
        flags = re.findall(r"(--[\w-]+)", run(hull, *words, "--help", check=True).stdout.split("Options:")[1])
        page = subprocess.run(["zcat", pages / ("-".join(["hull", *words]) + ".1.gz")], capture_output=True, text=True,
                              check=True).stdout.replace("\\-", "-")
        assert flags and [f for f in flags if f not in page] == []
    for page in ("man8/hulld.8", "man8/hull-keeper.8", "man8/hull-runtime.8", "man5/daemon.json.5"):
        text = run("zcat", root / f"usr/share/man/{page}.gz", check=True).stdout
        assert "@" not in text.replace("@example", ""), "a place-holder was left"


def test_pages_are_good_roff(unpacked):
    if not shutil.which("man"):
        pytest.skip("no man here")
    for page in ("man1/hull.1", "man1/hull-run.1", "man8/hulld.8", "man8/hull-runtime.8", "man5/daemon.json.5"):
        done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", unpacked[0] / f"usr/share/man/{page}.gz",
                   env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, ""), page


def test_two_builds_are_the_same(packages, tmp_path):
    again = run(ROOT / "packaging/build-deb", "--output", tmp_path, "--version", "0.9.0-7", check=True, timeout=300)
    for old, new in zip(packages, again.stdout.split()):
        assert old.read_bytes() == pathlib.Path(new).read_bytes(), old.name


@pytest.mark.parametrize("name", ["hull", "hull-docker"])
def test_its_scripts_are_good_shell(unpacked, name):
    root = unpacked[0 if name == "hull" else 1]
    for script in ("postinst", "prerm", "postrm"):
        path = root / "DEBIAN" / script
        assert run("sh", "-n", path).returncode == 0
        assert path.read_text().splitlines()[1] == "set -e"


def test_wrong_arguments_are_refused(tmp_path):
    assert "usage" in run(ROOT / "packaging/build-deb", "--what", "x").stderr
    done = run(ROOT / "packaging/build-deb", "--build", tmp_path)
    assert done.returncode == 2 and "nothing is built" in done.stderr


def test_a_purge_leaves_what_is_mounted_in_a_volume(tmp_path):
    """In namespaces of its own: a bind mount of the same file system, whose files are somebody's."""
    (tmp_path / "var/hull/volumes/a b/_data").mkdir(parents=True)
    (tmp_path / "var/hull/record").write_text("ours")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").write_text("precious")
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True)
    script = f"""
        set -e
        mount --bind {tmp_path}/var /var/lib; mount --bind {tmp_path}/etc /etc; mount -t tmpfs none /run
        mount --bind {tmp_path}/theirs "/var/lib/hull/volumes/a b/_data"
        sh -e {ROOT}/packaging/debian/hull.postrm purge
    """
    run("unshare", "-mn", "sh", "-c", script, check=True)
    assert (tmp_path / "theirs/file").read_text() == "precious"
    assert not (tmp_path / "var/hull").exists()
