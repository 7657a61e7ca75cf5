#!/usr/bin/env python3
"""Plays CRIU for tests of the protocol: `swrk 3`, one request, notifications, one answer.

What it was asked goes to asked.json in the folder of images. FAKE_CRIU=fail makes it fail.
"""
import ctypes
import json
import os
import signal
import socket
import sys

DUMP, RESTORE, PRE_DUMP, NOTIFY = 1, 2, 4, 6


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        found.setdefault(key >> 3, []).append(value)
    return found


def number(field, value):
    out = bytearray()
    for n in (field << 3, value):
        while n >= 128:
            out.append(n & 127 | 128)
            n >>= 7
        out.append(n)
    return bytes(out)


def text(field, value):
    return number(field, len(value)).replace(bytes([field << 3]), bytes([field << 3 | 2]), 1) + value


def notify(link, script, pid=0, fds=()):
    inner = text(1, script.encode()) + (number(2, pid) if pid else b"")
    message = number(1, NOTIFY) + number(2, 1) + text(5, inner)
    if fds:
        socket.send_fds(link, [message], fds)
    else:
        link.send(message)
    answer = fields(link.recv(1 << 16))
    assert answer[1] == [NOTIFY] and answer[3] == [1], answer


def sibling():
    """A process whose parent is ours, as criu restores with rst_sibling."""
    clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    clone_parent = 0x8000
    pid = ctypes.CDLL(None).syscall(clone, clone_parent | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os.execv("/bin/busybox", ["busybox", "sleep", "600"])
    return pid


def main():
    assert sys.argv[1:] == ["swrk", "3"], sys.argv
    link = socket.socket(fileno=3)
    client = os.getppid()
    request = fields(link.recv(1 << 16))
    kind, opts = request[1][0], fields(request[2][0])
    images = f"/proc/{client}/fd/{opts[1][0]}"
    logs = f"/proc/{client}/fd/{opts[17][0]}" if 17 in opts else images
    pairs = lambda n: [[v.decode() if isinstance(v, bytes) else v for v in
                        (fields(p)[1][0], fields(p)[2][0])] for p in opts.get(n, [])]
    asked = {"type": kind, "pid": opts.get(2, [0])[0], "root": opts[13][0].decode(), "mounts": pairs(23),
             "inherited": pairs(27), "cgroups": pairs(25), "fields": sorted(opts),
             "mode": opts[34][0], "root_is_mount": any(line.split()[4] == opts[13][0].decode() for line in open("/proc/self/mountinfo")),
             "own_cgroup": open("/proc/self/cgroup").read()}
    with open(f"{images}/asked.json", "w") as out:
        json.dump(asked, out)
    with open(f"{logs}/{opts[10][0].decode()}", "w") as log:
        log.write("(00.1) fine\n")
        if os.environ.get("FAKE_CRIU") == "fail":
            log.write("(00.2) Error (fake.c:1): nothing works today\n")
    if os.environ.get("FAKE_CRIU") == "fail":
        link.send(number(1, kind) + number(2, 0) + number(7, 22))
        sys.exit(1)
    if kind == RESTORE:
        pid = sibling()
        notify(link, "setup-namespaces", pid)
        notify(link, "post-restore", pid)
        link.send(number(1, RESTORE) + number(2, 1) + text(4, number(1, pid)))
        return
    if kind == DUMP:
        notify(link, "network-lock")
        notify(link, "post-dump")
        if 3 not in opts:
            os.kill(asked["pid"], signal.SIGKILL)
    link.send(number(1, kind) + number(2, 1))
    if kind == PRE_DUMP:  # waits for more, and is left
        link.recv(1)
        sys.exit(1)


main()
