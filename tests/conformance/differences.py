"""Where the runtimes are known to behave differently from what the tests say.

Each entry: the runtime, the versions it was seen with, the test
(file::name, with the parameters' brackets or without), and why. Such tests
are expected to fail there; one that passes after all is reported, so that
the table stays true.

`python3 tests/conformance/differences.py` prints the table of docs/runtime.md.
"""
import fnmatch
import os
import re
import subprocess

SEEN_WITH = {"crun": "1.8.1", "runc": "1.1.5"}

# Missing in hull-runtime at the moment; may pass any time.
PENDING = [
    ("test_commands.py::test_spec_rootless_maps_the_user", "spec --rootless"),
    ("test_commands.py::test_features_have_each_option_of_the_specifications_table", "mount options"),
    ("test_commands.py::test_version_and_help", "checkpoint and restore"),
    ("test_commands.py::test_rootless_flag_is_taken[true]", "--rootless"),
    ("test_bad_input.py::test_an_error_names_the_place_and_the_value", "places as JSON paths"),
    ("test_commands.py::test_each_mount_option_of_features_is_accepted", "iversion"),
    ("test_linux.py::test_another_file_at_the_path_of_a_device_is_an_error", "devices"),
    ("test_linux.py::test_rootfs_propagation[unbindable-kind3]", "rootfsPropagation"),
    ("test_linux.py::test_*personality*", "personality"),
    ("test_linux.py::test_memory_policy*", "memoryPolicy"),
    ("test_linux.py::test_intel_rdt_without_resctrl_fails_the_start[empty]", "intelRdt"),
    ("test_linux.py::test_seccomp_that_makes_no_sense_is_refused", "seccomp"),
    ("test_linux.py::test_seccomp_listener*", "seccomp listener"),
    ("test_linux.py::test_a_listener_path_without_notify_is_ignored", "seccomp listener"),
    ("test_mounts.py::test_an_option_that_the_kernel_may_not_know_is_taken[iversion]", "mount options"),
    ("test_mounts.py::test_remount_changes_the_flags_of_what_is_there", "mount options"),
    ("test_mounts.py::test_bind_remount_changes_the_flags_of_a_bind", "mount options"),
    ("test_mounts.py::test_ridmap_is_recursive_and_idmap_is_not[idmap-0]", "idmap"),
    ("test_namespaces.py::test_a_new_namespace[time]", "time namespaces"),
    ("test_namespaces.py::test_a_namespace_by_path[time]", "time namespaces"),
    ("test_namespaces.py::test_*time_*", "time namespaces"),
    ("test_namespaces.py::test_net_devices*", "netDevices"),
    ("test_namespaces.py::test_a_net_device*", "netDevices"),
    ("test_process.py::test_scheduler*", "scheduler"),
    ("test_process.py::test_a_scheduler_that_is_none_is_refused", "scheduler"),
    ("test_process.py::test_io_priority*", "ioPriority"),
    ("test_process.py::test_exec_cpu_affinity*", "execCPUAffinity"),
    ("test_process.py::test_an_oci_version_that_is_not_compatible_is_refused", "ociVersion"),
    ("test_users.py::test_everything_at_once_in_a_user_namespace", "time namespaces"),
]

DIFFERENCES = [
]


def _kind(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+\.\d+(\.\d+)?", text)
    return text.split()[0].replace("hull-runtime", "hull"), number.group() if number else ""


def matches(test, item):
    name = f"{item.path.name}::{item.name}"
    return name == test or name.partition("[")[0] == test or fnmatch.fnmatchcase(name, test.replace("[", "[[]"))


def mark(program, items):
    import pytest
    if not os.access(program, os.X_OK):
        return
    kind, version = _kind(program)
    for item in items:
        for runtime, test, reason in DIFFERENCES:
            if runtime == kind and matches(test, item):
                item.add_marker(pytest.mark.xfail(
                    reason=reason, strict=SEEN_WITH[kind] == version and test.endswith(item.name)))
        if kind == "hull":
            for test, reason in PENDING:
                if matches(test, item):
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=False))


def table():
    lines = ["| runtime | test | what it does and why |", "|---|---|---|"]
    lines += [f"| {runtime} | `{test}` | {reason} |" for runtime, test, reason in DIFFERENCES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
