"""User namespaces: linux.uidMappings and gidMappings."""
import os
import pathlib

import pytest

from oci import status_fields


def maps(c, which):
    return [line.split() for line in c.proc(which).splitlines()]


def test_mappings_are_written_as_given(c):
    c.user_namespace()
    c.set(linux={"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 1000},
                                 {"containerID": 2000, "hostID": 200000, "size": 10}],
                 "gidMappings": [{"containerID": 0, "hostID": 300000, "size": 500}]})
    c.sleeping()
    assert maps(c, "uid_map") == [["0", "100000", "1000"], ["2000", "200000", "10"]]
    assert maps(c, "gid_map") == [["0", "300000", "500"]]


def test_the_process_has_the_hosts_ids_outside(c):
    c.user_namespace().set(process={"user": {"uid": 5, "gid": 6, "additionalGids": [7]}}).sleeping()
    fields = status_fields(c.proc("status"))
    assert fields["Uid"].split()[0] == "100005"
    assert fields["Gid"].split()[0] == "100006"
    assert "100007" in fields["Groups"].split()
    assert c.exec("id -u; id -g").stdout.split() == ["5", "6"]


def test_root_inside_is_nobody_special_outside(c):
    secret = c.bundle / "secret"
    secret.write_text("x"), secret.chmod(0o600)
    c.user_namespace().mount("/work", "bind", c.bundle, ["bind"])
    assert "ermission denied" in c.set("cat /work/secret").run().stderr


def test_the_owner_of_the_rootfs_is_not_changed(c):
    c.user_namespace().output("true")
    assert (c.rootfs / "etc/passwd").stat().st_uid == 0


def test_capabilities_count_inside_only(c):
    c.user_namespace()
    c.set(process={"capabilities": {k: ["CAP_SYS_ADMIN", "CAP_CHOWN"] for k in ("bounding", "effective", "permitted")}})
    assert int(status_fields(c.output(["/bin/cat", "/proc/self/status"]))["CapEff"], 16) == (1 << 21) | 1
    done = c.set("mount -t tmpfs t /work && echo mounted; hostname x && echo named; cat /proc/1/environ >/dev/null").run()
    assert "mounted" in done.stdout and "named" in done.stdout


def test_everything_at_once_in_a_user_namespace(c):
    c.user_namespace().namespace("cgroup").namespace("time")
    c.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"])
    c.set("cat /proc/self/uid_map; ls /dev/null /sys/fs/cgroup/pids/cgroup.procs; echo x > /dev/null; tty; hostname",
          hostname="h", linux={"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
                               "sysctl": {"net.ipv4.ip_unprivileged_port_start": "80"}})
    done = c.run()
    assert done.stdout.splitlines()[0].split() == ["0", "100000", "65536"], done.stderr
    assert done.stdout.splitlines()[-1] == "h"


def test_exec_into_a_user_namespace(c):
    c.user_namespace().sleeping()
    assert c.exec("id -u", "--user", "9:9").stdout == "9\n"
    pid = c.exec_detached(["/bin/sleep", "100"], "--user", "9:9")
    assert status_fields(pathlib.Path(f"/proc/{pid}/status").read_text())["Uid"].split()[0] == "100009"


def test_a_user_that_is_not_mapped_is_an_error(c):
    c.user_namespace(size=10).set(process={"user": {"uid": 50, "gid": 0}}).fails()


def test_mappings_need_a_user_namespace(c):
    c.set(linux={"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                 "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}).fails()


def test_a_user_namespace_without_mappings_is_refused(c):
    c.namespace("user").fails()


@pytest.mark.parametrize("mapping", [[{"containerID": 0, "hostID": 0, "size": 0}],
                                     [{"containerID": 0, "hostID": 0, "size": 10},
                                      {"containerID": 5, "hostID": 100, "size": 10}],
                                     [{"containerID": 4294967295, "hostID": 0, "size": 2}],
                                     [{"containerID": 0, "hostID": 0}]])
def test_mappings_that_make_no_sense_are_refused(c, mapping):
    c.user_namespace().set(linux={"uidMappings": mapping}).fails()
    assert c.leftovers() == []


def test_devices_in_a_user_namespace(c):
    c.user_namespace()
    out = c.output("echo x > /dev/null && head -c 3 /dev/zero | wc -c; stat -c '%t %T' /dev/null")
    assert out.split() == ["3", "1", "3"]


def test_hooks_with_a_user_namespace(c):
    c.user_namespace().set(["/bin/sleep", "100"], hooks={
        "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"id -u > {c.bundle}/runtime"]}],
        "startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "id -u > /tmp/start; cat /proc/self/uid_map > /tmp/map"]}]})
    os.chmod(c.rootfs / "tmp", 0o1777)
    c.create().start()
    assert (c.bundle / "runtime").read_text() == "0\n"
    assert (c.rootfs / "tmp/start").read_text() == "0\n"
    assert "100000" in (c.rootfs / "tmp/map").read_text()
