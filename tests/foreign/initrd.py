"""The first file system of a machine, as a cpio archive that the kernel unpacks
(Documentation/driver-api/early-userspace)."""

import pathlib


def archive(files):
    """Contents by name, every file executable; directories come with what is in them."""
    out = bytearray()

    def add(name, mode, data=b"", device=(0, 0)):
        fields = [len(out) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
        out.extend(b"070701" + b"".join(b"%08x" % field for field in fields))
        out.extend(name.encode() + b"\0")
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(data)
        out.extend(b"\0" * (-len(out) % 4))
    add("dev", 0o040755)
    add("dev/console", 0o020600, device=(5, 1))
    directories = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
    for directory in sorted(directories - {".", "dev"}):
        add(directory, 0o040755)
    for name, data in files.items():
        add(name, 0o100755, data)
    add("TRAILER!!!", 0)
    return bytes(out)
