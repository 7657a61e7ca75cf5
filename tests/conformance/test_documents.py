"""docs/runtime.md names tests, flags, fields and differences that are there."""
import pathlib
import re

import pytest

import differences
from oci import ROOT

TEXT = (ROOT / "docs/runtime.md").read_text()
FOLDERS = [ROOT / "tests/conformance", ROOT / "tests/callers"]
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)", TEXT)))


def names_in(name):
    for folder in FOLDERS:
        if (folder / name).exists():
            return set(re.findall(r"^def (test_\w+)", (folder / name).read_text(), re.M))
    return set()


def test_each_test_that_the_document_names_is_there():
    assert len(NAMED) > 100
    assert [f"{file}::{test}" for file, test in NAMED if test not in names_in(file)] == []


def test_each_test_of_the_differences_is_there():
    for entry in [t for d in differences.DIFFERENCES for t in d[2]]:
        file, _, name = entry.partition("::")
        base = name.partition("[")[0]
        pattern = re.compile(base.replace("*", r"\w*") + "$")
        assert any(pattern.match(test) for test in names_in(file)), entry


def test_each_flag_of_the_program_is_in_the_document(rt):
    if rt.kind != "hull":
        pytest.skip("the document is about hull-runtime")
    commands = re.findall(r"^  +([a-z]+) ", rt("--help").stdout, re.M)
    flags = set()
    for words in [[], *[[c] for c in commands]]:
        flags |= set(re.findall(r"(--[a-z0-9-]+)", "\n".join(
            line for line in rt(*words, "--help").stdout.splitlines() if line.strip().startswith("-"))))
    commands_of_document = set(re.findall(r"`([a-z]+)`", TEXT))
    assert [c for c in commands if c not in commands_of_document] == []
    missing = {f for f in flags if not re.search(re.escape(f) + r"\b(?!-)", TEXT)}
    # checkpoint and restore are one row
    assert missing - CRIU_FLAGS == set()


CRIU_FLAGS = {"--image-path", "--work-path", "--parent-path", "--leave-running", "--tcp-established", "--ext-unix-sk",
              "--shell-job", "--lazy-pages", "--status-fd", "--page-server", "--file-locks", "--pre-dump",
              "--manage-cgroups-mode", "--empty-ns", "--auto-dedup", "--tcp-skip-in-flight", "--link-remap",
              "--lsm-profile", "--lsm-mount-context"}


def test_the_differences_are_those_of_the_tests():
    assert differences.table() in TEXT
