#!/usr/bin/env python3
"""Makes the mails of tests/golden/bounces/MTA/, and expected.tsv there: bounces by MTAs out of their Debian packages, of mail that a scripted server refuses.

usage: make_bounces.py [MTA...]      (as root; needs apt-get download)

Each MTA has a root and a network of its own: an overlay of the system with its packages unpacked over it, and nothing
but a loopback interface, where far_end.py is the rest of the world. Nothing of the system changes."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import far_end
from failures import BY_SENDER, FAILURES
from mtas import MTAS

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden/bounces"
PATIENCE = 100  # seconds


def message(failure):
    filling = "".join(f"line {number} of it\n" for number in range(failure.size // 10))
    return (f"From: Ann <{failure.sender}>\nTo: bob@{failure.domain}\nSubject: hello\n"
            f"Message-ID: <{failure.number}@example.com>\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n\nhello\n{filling}")


def prepare_root(folder, kind, packages):
    """The root of the MTA, which is gone with our mount namespace."""
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir()
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", root],
                   check=True)
    for package in sorted(packages.glob("*.deb")):
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], input=content, check=True)
    for name, source in (("dev", "/dev"), ("proc", "/proc")):
        subprocess.run(["mount", "--rbind", source, root / name], check=True)
    # A log of its own, where nothing listens outside.
    mta = kind(root, lambda command, **more: subprocess.run(["chroot", root, *command], **more))
    mta.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    mta.write("/etc/hosts", f"127.0.0.1 localhost\n{far_end.MTA_ADDRESS} {far_end.MTA_NAME}\n")
    mta.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n")
    mta.add_users()
    return mta


def inside(name, packages, folder, out):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (far_end.ADDRESS, far_end.BOUNCES_ADDRESS, far_end.MTA_ADDRESS):
        subprocess.run(["ip", "address", "add", address + "/24", "dev", "lo"], check=True)
    subprocess.run(["hostname", far_end.MTA_NAME], check=True)
    mta = prepare_root(folder, MTAS[name], packages)
    world = far_end.Smtp()
    world.start()
    mta.start()
    for failure in FAILURES:
        mta.run([*mta.submit, "-i", "-f", failure.sender, "bob@" + failure.domain], input=message(failure), text=True)
    end = time.monotonic() + PATIENCE
    while not world.complete() and time.monotonic() < end:
        time.sleep(3)
        mta.kick()
    if os.environ.get("SHOW"):  # what went wrong
        print("\n".join(world.said))
    for sender, content in world.bounces.items():
        failure = BY_SENDER[sender.lower()]
        (out / f"{failure.number:02}-{failure.name}.eml").write_bytes(content)
    lacking = [failure.name for failure in FAILURES if failure.sender not in world.bounces]
    print(f"{name}: {len(world.bounces)} bounces" + (", none of " + ", ".join(lacking) if lacking else ""))


def make(name):
    out = GOLDEN / name
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.eml"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        packages, root = pathlib.Path(folder) / "packages", pathlib.Path(folder) / "root"
        packages.mkdir()
        root.mkdir()
        subprocess.run(["apt-get", "download", "-qq", *MTAS[name].packages], cwd=packages, check=True, timeout=300,
                       stderr=subprocess.DEVNULL)
        # With the namespace of processes ends all that the MTA has started.
        subprocess.run(["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc", sys.executable, "-B",
                        __file__, "--inside", name, packages, root, out], check=True, timeout=PATIENCE + 120)


def write_expected():
    """A line for each mail: its path, and the class of the failure that it was made by."""
    lines = [f"{path.relative_to(GOLDEN)}\t{failure.expected}\n" for path in sorted(GOLDEN.glob("*/*.eml"))
             for failure in FAILURES if path.stem == f"{failure.number:02}-{failure.name}"]
    (GOLDEN / "expected.tsv").write_text("".join(lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2], *map(pathlib.Path, sys.argv[3:]))
        os._exit(0)  # whatever the servers' threads do
    for name in sys.argv[1:] or MTAS:
        make(name)
    write_expected()
