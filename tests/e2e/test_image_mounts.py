"""Mounts of type image: another image's files in a container, read-only."""
import pytest

from engines import docker_clients
from fields import box, call, refused

DOCKERFILE = """FROM busybox
RUN mkdir -p /d/kept /d/gone /d/made && echo one >/d/kept/a && echo old >/d/gone/b && echo x >/d/made/below
RUN rm -r /d/gone && rm -r /d/made && mkdir /d/made && echo new >/d/made/above && echo two >/d/kept/c
RUN chown 1000:1001 /d/kept/a && ln -s ../d/kept /link && ln -s /link/a /file && ln -s /round /round
"""


@pytest.fixture(scope="module")
def tree(engine, tmp_path_factory):
    """An image of four layers."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    engine.docker("build", "-q", "-t", "tree:1", folder, check=True)
    yield "tree:1"
    engine.docker("rmi", "-f", "tree:1")


def mount(**options):
    return {"Mounts": [{"Type": "image", "Source": "tree:1", "Target": "/m",
                        **({"ImageOptions": options} if options else {})}]}


def test_the_files_of_all_layers(engine, tree):
    with box(engine, mount()) as made:
        assert made.sh("cd /m/d && find . | sort | xargs; cat kept/*; stat -c %u:%g kept/a") == \
            ". ./kept ./kept/a ./kept/c ./made ./made/above\none\ntwo\n1000:1001"
        assert "Read-only file system" in made.sh("touch /m/x 2>&1; true")
        (seen,) = made.inspect()["Mounts"]
        image = call(engine, "GET", f"/images/{tree}/json")[1]
        assert (seen["Type"], seen["Name"], seen["Destination"], seen["RW"]) == ("image", tree, "/m", False)
        assert seen["Source"] == image["Id"]


def test_a_part_of_it(engine, tree):
    for subpath, look, expected in (("d/kept", "ls /m", "a\nc"), ("link", "ls /m", "a\nc"), ("d/made", "ls /m", "above"),
                                    ("file", "cat /m", "one"), ("link/../kept/c", "", None)):
        if expected is None:
            assert "subpath must be a relative path" in refused(engine, mount(Subpath=subpath))[1]
            continue
        with box(engine, mount(Subpath=subpath)) as made:
            assert made.sh(look) == expected, subpath
    for subpath, text in (("d/gone", 'has no "d/gone"'), ("d/made/below", "has no"), ("round", "too many links")):
        assert text in refused(engine, mount(Subpath=subpath))[1], subpath
    assert "subpath must be a relative path" in refused(engine, mount(Subpath="/d"))[1]


def test_an_image_of_one_layer(engine):
    with box(engine, {"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/m"}]}) as made:
        assert "busybox" in made.sh("ls /m/bin")


def test_what_is_wrong(engine, tree):
    wrong = {"Type": "image", "Source": "tree:1", "Target": "/m"}
    for more, text in (({"Source": "nosuch"}, "No such image"), ({"Source": ""}, "Source must not be empty"),
                       ({"BindOptions": {"Propagation": "private"}}, "BindOptions must not be"),
                       ({"VolumeOptions": {"NoCopy": True}}, "VolumeOptions must not be"),
                       ({"Target": "/"}, "destination can't be '/'")):
        assert text in refused(engine, {"Mounts": [{**wrong, **more}]})[1], more
    assert "ImageOptions must not be" in refused(engine, {"Mounts": [
        {"Type": "tmpfs", "Target": "/m", "ImageOptions": {"Subpath": "x"}}]})[1]


def test_the_image_may_go_and_the_engine_too(engine, tree):
    with box(engine, mount(Subpath="d")) as made:
        engine.docker("tag", tree, "tree:copy", check=True)
        engine.docker("rmi", "-f", tree, "tree:copy", check=True)
        engine.docker("image", "prune", "-f", check=True)
        assert made.sh("cat /m/kept/c") == "two"
        engine.kill()
        engine.start()
        assert made.sh("cat /m/kept/c") == "two"
        engine.docker("restart", "-t0", made.id, check=True)
        assert made.sh("cat /m/kept/c") == "two"


def test_copies_come_from_it(engine, tree, tmp_path):
    engine.docker("build", "-q", "-t", tree, "-", input=DOCKERFILE, check=True)
    with box(engine, mount(Subpath="d")) as made:
        for state in ("running", "stopped"):
            engine.docker("cp", f"{made.id}:/m/kept/c", tmp_path / state, check=True)
            assert (tmp_path / state).read_text() == "two\n"
            done = engine.docker("cp", tmp_path / state, f"{made.id}:/m/x")
            assert done.returncode != 0 and "read-only" in done.stderr
            engine.docker("stop", "-t0", made.id, check=True)


@pytest.mark.parametrize("cli", docker_clients())
def test_dockers_command_line(engine, tree, cli):
    asked = f"type=image,source={tree},target=/m"
    assert engine.docker("run", "--rm", "--mount", asked, "busybox", "ls", "/m/d/kept", cli=cli).stdout == "a\nc\n"
    part = engine.docker("run", "--rm", "--mount", asked + ",image-subpath=d/kept", "busybox", "ls", "/m", cli=cli)
    if "unexpected key 'image-subpath'" in part.stderr:
        pytest.skip("a client that doesn't know subpaths of images")
    assert part.stdout == "a\nc\n", part
