"""What people and scripts expect of Docker without asking: words, exit codes, files that are simply there."""
import os

import pytest


def test_root_has_the_groups_that_the_image_gives_it(engine):
    given = engine.docker("run", "--rm", "busybox", "id").stdout
    assert given.startswith("uid=0(root) gid=0(root) groups=0(root)")
    engine.docker("run", "--name", "groups", "busybox", "sh", "-c", "echo extra:x:77:root >> /etc/group")
    engine.docker("commit", "groups", "with-groups")
    engine.docker("rm", "groups")
    try:
        assert "77(extra)" in engine.docker("run", "--rm", "with-groups", "id").stdout
        assert "77" not in engine.docker("run", "--rm", "-u", "5", "with-groups", "id").stdout
    finally:
        engine.docker("rmi", "with-groups")


def test_groups_that_were_added_are_those_of_an_exec_too(engine):
    engine.docker("run", "-d", "--name", "added", "-u", "5:6", "--group-add", "77", "busybox", "sleep", "600")
    try:
        for args in (["exec", "added"], ["exec", "-u", "8", "added"]):
            assert "77" in engine.docker(*args, "id", "-G").stdout.split()
    finally:
        engine.docker("rm", "-f", "added")


def test_programs_can_see_that_they_are_in_a_container(engine):
    done = engine.docker("run", "--rm", "busybox", "sh", "-c", "stat -c '%a %u %s' /.dockerenv; readlink /etc/mtab")
    assert done.stdout.split("\n")[:2] == ["755 0 0", "/proc/mounts"], done


def test_the_umask_of_who_starts_the_engine_is_nothing_to_containers(new_engine):
    old = os.umask(0o077)
    try:
        engine = new_engine()
    finally:
        os.umask(old)
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    done = engine.docker("run", "--rm", "-u", "5", "busybox", "sh", "-c", "ls -d /etc/mtab /.dockerenv; umask")
    assert done.stdout == "/.dockerenv\n/etc/mtab\n0022\n", done


def test_those_files_are_no_change(engine):
    engine.docker("run", "--name", "unchanged", "busybox", "true")
    try:
        assert engine.docker("diff", "unchanged").stdout == ""
        assert engine.docker("commit", "unchanged", "still-the-same").returncode == 0
        layers = [engine.docker("image", "inspect", "-f", "{{len .RootFS.Layers}}", name).stdout
                  for name in ("busybox", "still-the-same")]
        assert layers[0] == layers[1]
    finally:
        engine.docker("rm", "unchanged")
        engine.docker("rmi", "still-the-same")


@pytest.mark.parametrize("command, code", [("/nosuch", 127), ("/etc", 126), ("/etc/passwd", 126)])
def test_exit_codes_of_what_cannot_run(engine, command, code):
    done = engine.docker("run", "--rm", "busybox", command)
    assert done.returncode == code, done
    # Of the removal of the container there is nothing to complain about.
    assert "Error waiting for container" not in done.stderr


@pytest.mark.parametrize("args, words", [
    (["kill", "nosuch"], "annot kill container: nosuch: No such container: nosuch"),
    (["run", "--rm", "--volumes-from", "nosuch", "busybox", "true"], "No such container: nosuch"),
    (["run", "--rm", "--network", "container:", "busybox", "true"],
     "invalid network mode: invalid container format container:<name|id>"),
    (["run", "--rm", "--mount", "type=foo,dst=/x", "busybox", "true"],
     'invalid mount config for type "foo": mount type unknown'),
    (["run", "--rm", "--log-driver", "foo", "busybox", "true"],
     'error looking up logging plugin foo: plugin "foo" not found'),
])
def test_words_that_scripts_look_for(engine, args, words):
    done = engine.docker(*args)
    assert done.returncode != 0 and words in done.stderr, done
    assert "Unable to find image" not in done.stderr
