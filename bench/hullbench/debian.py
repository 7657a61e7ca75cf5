"""A real image of about 380 MB in three gzip layers: Debian with nginx, python3 and git.

Made once, from Debian's packages, outside the box (it needs the network), and
kept in build/bench. The packages of the day decide what is in it: all peers of
a run get the same.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGES = "nginx,python3,python3-numpy,git,curl,ca-certificates,locales,python3-pip,openssh-client"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def layer_of(path: str) -> int:
    """What a Dockerfile would have: the base, then what was installed in two steps."""
    if path.startswith(("./usr/lib/python3", "./usr/lib/x86_64-linux-gnu")):
        return 2
    return 1 if path.startswith(("./usr/share", "./usr/lib")) else 0


def make(folder: Path) -> Path:
    """The image's folder: manifest.json and a file per blob, named by digest."""
    image = folder / "image"
    if (image / "manifest.json").exists():
        return image
    image.mkdir(parents=True, exist_ok=True)
    root = folder / "debian.tar"
    print("bench: making a Debian image (once, minutes)", file=sys.stderr)
    if not root.exists():
        part = folder / "debian.part.tar"  # the name says what to make
        argv = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(part)]
        subprocess.run(argv, check=True, capture_output=True, timeout=1200)
        part.rename(root)
    plain = [folder / f"layer{i}.tar" for i in range(3)]
    tars = [tarfile.open(path, "w") for path in plain]
    with tarfile.open(root) as whole:
        placed: dict[str, int] = {}
        for entry in whole:
            number = layer_of(entry.name)
            if entry.islnk():  # with the file it is another name of
                number = placed.get(entry.linkname, number)
            placed[entry.name] = number
            tars[number].addfile(entry, whole.extractfile(entry) if entry.isreg() else None)
    for tar in tars:
        tar.close()
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": []}
    diff_ids = []
    for path in plain:
        data = path.read_bytes()
        diff_ids.append(digest_of(data))
        manifest["layers"].append(keep(image, gzip.compress(data, 6, mtime=0), LAYER))
        path.unlink()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": "mmdebstrap"} for _ in diff_ids],
    }
    manifest["config"] = keep(image, json.dumps(config).encode(), CONFIG)
    (image / "manifest.json").write_text(json.dumps(manifest))
    root.unlink()
    return image


def make_apt_base(folder: Path) -> Path:
    """A minimal Debian that has the packages of the part "apt" fetched, not installed."""
    base = folder / "apt.tar"
    if base.exists():
        return base
    folder.mkdir(parents=True, exist_ok=True)
    print("bench: making a Debian with packages at hand (once)", file=sys.stderr)
    part = folder / "apt.part.tar"
    fetch = 'chroot "$1" apt-get install -y --download-only --no-install-recommends nginx curl python3'
    argv = ["mmdebstrap", "--variant=minbase", "--skip=cleanup/apt", f"--customize-hook={fetch}", "bookworm", str(part)]
    subprocess.run(argv, check=True, capture_output=True, timeout=1200)
    part.rename(base)
    return base


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def keep(image: Path, data: bytes, media_type: str) -> dict:
    descriptor = {"mediaType": media_type, "size": len(data), "digest": digest_of(data)}
    (image / descriptor["digest"]).write_bytes(data)
    return descriptor
