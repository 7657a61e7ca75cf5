"""Becomes a user that this machine doesn't know, and runs a command.

  as_user.py UID IDS PROGRAMS HOME [NAME=VALUE ...] -- COMMAND [ARGUMENT ...]

IDS is "ids" (the user owns the ids SUB_FIRST.. of SUB_COUNT) or "none", PROGRAMS
a folder to be looked in for newuidmap and newgidmap, "system" for the ones of
the package, or "none". Files of /etc are covered in a mount namespace of this
process's own, so nothing on the machine is changed.
"""
import ctypes
import os
import pathlib
import sys

NAME = "hulltester"
SUB_FIRST, SUB_COUNT = 700000, 65536
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def bind(source, target):
    check(libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND, None))


def cover(home, path, text):
    copy = pathlib.Path(home) / path.strip("/").replace("/", "_")
    copy.write_text(text)
    bind(copy, path)


def main():
    split = sys.argv.index("--")
    uid, ids, programs, home, *env = sys.argv[1:split]
    uid = int(uid)
    check(libc.unshare(CLONE_NEWNS))
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    cover(home, "/etc/passwd", pathlib.Path("/etc/passwd").read_text() + f"{NAME}:x:{uid}:{uid}::{home}:/bin/sh\n")
    cover(home, "/etc/group", pathlib.Path("/etc/group").read_text() + f"{NAME}:x:{uid}:\n")
    for path in ("/etc/subuid", "/etc/subgid"):
        pathlib.Path(path).touch()
        cover(home, path, f"{NAME}:{SUB_FIRST}:{SUB_COUNT}\n" if ids == "ids" else "")
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    if programs == "none":
        path = str(pathlib.Path(home) / "nothing-here")
    elif programs != "system":
        path = f"{programs}:{path}"
    os.environ.clear()
    os.environ.update(HOME=home, USER=NAME, PATH=path, XDG_RUNTIME_DIR=f"{home}/run")
    os.environ.update(entry.split("=", 1) for entry in env)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.chdir(home)
    command = sys.argv[split + 1:]
    os.execv(command[0], command)


main()
