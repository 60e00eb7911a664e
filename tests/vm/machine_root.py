"""A small root directory for machines, of this system's own programs and the libraries they need."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

PROGRAMS = ("sh", "cat", "id", "uname", "sleep", "ls", "mkdir", "rm", "chmod", "ln", "dd", "true",
            "env", "seq", "touch", "head", "mv", "test", "date", "od", "stty")
KERNEL = pathlib.Path("/usr/local/lib/bailey/kernel")
# Another one for all machines of a test, as tests/vm/kernel has.
OTHER_KERNEL = os.environ.get("BAILEY_TEST_KERNEL")
WITH_KERNEL = ["--kernel", OTHER_KERNEL] if OTHER_KERNEL else []


def missing():
    """What is not there that machines need; empty where nothing is."""
    if platform.machine() != "x86_64":
        return "machines are for x86_64"
    for tool in ("qemu-system-x86_64", "mksquashfs", "sqfstar", "mkfs.erofs", "fakeroot"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if not KERNEL.exists():
        return f"there is no kernel in {KERNEL} (tools/install-guest-kernel)"
    return ""


def add(root, program):
    """Copies an executable to /bin of the root, and what it is linked with to where that lies."""
    (root / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(os.path.realpath(program), root / "bin" / pathlib.Path(program).name)
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", listed):
        place = root / library[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(library), place)


def make(root):
    for name in PROGRAMS:
        add(root, shutil.which(name))
