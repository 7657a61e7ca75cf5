"""import, load, save, tag, history, rmi, prune: with docker's client, and with docker's own files."""
import io
import json
import os
import tarfile

import pytest


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def imported(docker, tmp_path):
    """A tiny image made with docker import; gives its name."""
    with open("/bin/busybox", "rb") as f:
        data = f.read()
    path = tmp_path / "root.tar"
    path.write_bytes(tarball({"bin/busybox": data, "bin/sh": data, "etc/marker": b"here\n"}))
    name = f"imported-{os.getpid()}:v1"
    done = docker("import", "-c", 'CMD ["/bin/busybox", "cat", "/etc/marker"]', "-c", "ENV A=b", "-m", "by hand", path,
                  name)
    assert done.returncode == 0 and done.stdout.startswith("sha256:"), done.stderr
    yield name
    docker("rmi", "-f", name)


def test_imported_image_runs_with_its_config(docker, imported):
    assert docker("run", "--rm", imported).stdout == "here\n"
    info = json.loads(docker("image", "inspect", imported).stdout)[0]
    assert "A=b" in info["Config"]["Env"] and info["Comment"] == "by hand"
    assert imported in info["RepoTags"] and info["RootFS"]["Layers"][0].startswith("sha256:")


def test_images_lists_tags_and_filters(docker, imported):
    name, tag = imported.split(":")
    lines = docker("images", name, "--format", "{{.Repository}}:{{.Tag}} {{.Size}}").stdout.split()
    assert lines[0] == imported and lines[1].endswith("MB")
    assert docker("tag", imported, name + ":v2").returncode == 0
    assert docker("images", "-q", name).stdout.split()[0] == docker("images", "-q", name + ":v2").stdout.split()[0]
    assert docker("rmi", name + ":v2").stdout == f"Untagged: {name}:v2\n"


def test_inspect_says_where_the_files_are(engine, docker, imported, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {imported}\nCOPY Dockerfile /a\nCOPY Dockerfile /b\n")
    name = f"layers-{os.getpid()}"
    assert docker("build", "-q", "-t", name, tmp_path).returncode == 0
    (seen,) = json.loads(docker("image", "inspect", name).stdout)
    driver = seen["GraphDriver"]
    assert driver["Name"] == "overlay2"
    folders = [driver["Data"]["UpperDir"], *driver["Data"]["LowerDir"].split(":")]
    assert len(folders) == len(seen["RootFS"]["Layers"]) == 3
    assert [os.listdir(folder) for folder in folders[:2]] == [["b"], ["a"]] and "etc" in os.listdir(folders[2])
    assert docker("rmi", name).returncode == 0


def test_history(docker, imported):
    lines = docker("history", "--no-trunc", "--format", "{{.Comment}}", imported).stdout
    assert "by hand" in lines


def test_save_and_load_round_trip(docker, imported, tmp_path):
    path = tmp_path / "saved.tar"
    assert docker("save", "-o", path, imported).returncode == 0
    before = docker("images", "-q", "--no-trunc", imported).stdout
    assert docker("rmi", imported).returncode == 0
    done = docker("load", "-i", path)
    assert done.stdout.strip().endswith(f"Loaded image: {imported}"), done
    assert docker("images", "-q", "--no-trunc", imported).stdout == before
    assert docker("run", "--rm", imported).stdout == "here\n"
    with tarfile.open(path) as tar:
        assert {"manifest.json", "oci-layout", "index.json"} <= set(tar.getnames())


def test_load_of_garbage_is_an_error_and_leaves_nothing(docker, tmp_path):
    before = docker("images", "-aq").stdout
    path = tmp_path / "bad.tar"
    path.write_bytes(b"this is no tar archive" * 100)
    done = docker("load", "-i", path)
    assert done.returncode == 1 and done.stderr.strip()
    assert docker("images", "-aq").stdout == before


def test_image_in_use_is_not_removed(docker, imported):
    cid = docker("create", imported).stdout.strip()
    done = docker("rmi", imported)
    assert done.returncode == 1 and "conflict" in done.stderr.lower()
    docker("rm", cid)
    assert docker("rmi", imported).returncode == 0
    done = docker("rmi", imported)
    assert done.returncode == 1 and "No such image" in done.stderr


def test_debian_image_is_a_real_debian(engine, debian):
    done = engine.hull("run", "--rm", debian, "bash", "-c", ". /etc/os-release; echo $VERSION_CODENAME; dpkg -l | wc -l")
    assert done.stdout.split()[0] == "bookworm" and int(done.stdout.split()[1]) > 50
