"""A command in a sandbox, or on a kernel, that lacks system calls: subprocess.run(..., preexec_fn=denying("openat2")).

A seccomp filter answers ENOSYS (or the given errno) to them, for the command and all its children.
"""
import ctypes
import errno
import platform
import struct

# The same numbers on every architecture from 424 on; statx and memfd_create are older.
_OLD = {"x86_64": {"statx": 332, "memfd_create": 319, "keyctl": 250},
        "aarch64": {"statx": 291, "memfd_create": 279, "keyctl": 219}}[platform.machine()]
NUMBERS = {"pidfd_send_signal": 424, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
           "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437, "pidfd_getfd": 438, "faccessat2": 439,
           "mount_setattr": 442, **_OLD}
MOUNT_API = ("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "mount_setattr")
_SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
_libc = ctypes.CDLL(None, use_errno=True)


def denying(*names, code=errno.ENOSYS):
    """What to do in the child before it executes. Needs CAP_SYS_ADMIN."""
    words = [struct.pack("=HBBI", 0x20, 0, 0, 0)]                       # load the number
    for name in names:
        words.append(struct.pack("=HBBI", 0x15, 0, 1, NUMBERS[name]))   # is it this one?
        words.append(struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | code))  # SECCOMP_RET_ERRNO
    words.append(struct.pack("=HBBI", 0x06, 0, 0, 0x7fff0000))          # SECCOMP_RET_ALLOW
    code_bytes = ctypes.create_string_buffer(b"".join(words))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
    program = Program(len(words), ctypes.addressof(code_bytes))

    def install():
        if _libc.syscall(_SECCOMP, 1, 0, ctypes.byref(program)) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        install.keep = code_bytes
    return install
