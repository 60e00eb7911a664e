"""Machines started by hand: QEMU's own command line, as bailey's reads, and the guest's line spoken here.

What bailey does beside that is what the measurements compare with.
"""

import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import time

(WELCOME, ARGUMENT, VARIABLE, FILTER, GRANT, LIMIT, MOUNT, START, INPUT, INPUT_END, SIGNAL, WINDOW,
 COLLECT, POWER_OFF, PING, FORGET) = range(1, 17)
HELLO, STARTED, OUTPUT, CREDIT, ENDED, FAILED, COLLECTED, PONG, FORGOTTEN = range(64, 73)
REHEARSE = 21
PROTOCOL = pathlib.Path(__file__).resolve().parents[2] / "src/guest/protocol.h"
VERSION = int(re.search(r"kVersion = (\d+)", PROTOCOL.read_text(encoding="utf-8")).group(1))
PATIENCE = 300
# Those that bailey's own policies give: with a language, a program looks for its texts.
VARIABLES = {"HOME": "/tmp", "LANG": "C.UTF-8", "TERM": "xterm",
             "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}
CAPABILITY = [{"capability": "x-ignore-shared", "state": True}]


libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def text(value):
    return struct.pack("<I", len(value)) + value


def open_files(pid):
    return [(os.readlink(entry), entry) for entry in pathlib.Path("/proc", str(pid), "fd").iterdir()]


def empty(written):
    file = os.memfd_create("drive")
    os.truncate(file, 64 << 30)
    return file if written else os.open(f"/proc/self/fd/{file}", os.O_RDONLY)


def frames_of(trace):
    """What a guest was told of its program, of strace's record of bailey's writes (-xx)."""
    for line in pathlib.Path(trace).read_text().splitlines():
        written = re.search(r'write\(\d+, "((?:\\x[0-9a-f]{2})*)"', line)
        frames = bytes.fromhex(written[1].replace("\\x", "")) if written else b""
        # The first is an argument.
        if len(frames) > 5 and frames[4] == ARGUMENT and len(frames) > frames[0] + 5:
            return frames
    raise SystemExit("bench-microvm: what bailey tells a guest was not seen")


class Recipe:
    """What a QEMU of bailey's was started with, of its process, and of the pool's that it is of."""

    def __init__(self, pid, pool=None):
        self.words = pathlib.Path("/proc", str(pid), "cmdline").read_text().split("\0")[:-1]
        self.files, self.state = {}, None
        root = next(entry for link, entry in open_files(pid) if link.endswith("/root.squashfs"))
        for link, entry in open_files(pool) if pool else ():
            if link.startswith("/memfd:state"):
                self.state = os.open(entry, os.O_RDONLY)
        self.line = self._number("socket,id=line,fd=")
        self.monitor = self._number("socket,id=monitor,fd=")
        for word in self.words:
            for number in re.findall(r"/proc/self/fd/(\d+)", word):
                self.files[int(number)] = os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY)
            # QEMU has drives under other numbers by now.
            drive = re.fullmatch(r"fd=(\d+),set=(\d+)", word)
            if drive:
                serial = next(word.rpartition("=")[2] for word in self.words if
                              word.startswith(f"virtio-blk-device,drive=drive{drive[2]},"))
                file = (os.open(root, os.O_RDONLY) if serial == "root" else
                        empty(serial == "changes"))
                self.files[int(drive[1])] = file

    def _number(self, prefix):
        return next((int(word[len(prefix):]) for word in self.words if word.startswith(prefix)), None)


class Machine:
    def __init__(self, recipe):
        self.ours, theirs = socket.socketpair()
        fds = dict(recipe.files) | {recipe.line: theirs.fileno()}
        self.monitor = monitor = None
        if recipe.monitor is not None:
            self.monitor, monitor = socket.socketpair()
            fds[recipe.monitor] = monitor.fileno()
        # Each reads it from its beginning.
        state = recipe.state and os.open(f"/proc/self/fd/{recipe.state}", os.O_RDONLY)
        words = [re.sub(r"(/proc/self/fd/|\bfd=)(\d+)", lambda m: m[1] + str(fds[int(m[2])]), word)
                 for word in recipe.words]
        kept = list(fds.values()) + ([state] if state else [])
        self.process = subprocess.Popen(words, pass_fds=kept, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        theirs.close()
        if monitor:
            monitor.close()
            self._begin_as(state)
            os.close(state)
        self.heard = b""

    def _begin_as(self, state):
        stream = self.monitor.makefile("rw")
        stream.readline()

        def ask(command, **arguments):
            stream.write(json.dumps({"execute": command, "arguments": arguments}))
            stream.flush()
            while True:
                answer = json.loads(stream.readline())
                if "event" not in answer:
                    if "return" not in answer:
                        raise SystemExit(f"bench-microvm: {command}: {answer}")
                    return answer["return"]

        ask("qmp_capabilities")
        ask("migrate-set-capabilities", capabilities=CAPABILITY)
        ask("migrate-incoming", uri=f"fd:{state}")
        while ask("query-migrate").get("status") != "completed":
            time.sleep(0.001)

    def say(self, kind, body=b""):
        self.ours.sendall(struct.pack("<IB", len(body), kind) + body)

    def hear(self, *kinds):
        """The body of the next frame of one of these kinds."""
        end = time.monotonic() + PATIENCE
        while True:
            if len(self.heard) >= 5:
                size, kind = struct.unpack_from("<IB", self.heard)
                if len(self.heard) >= 5 + size:
                    body, self.heard = self.heard[5:5 + size], self.heard[5 + size:]
                    if kind in kinds:
                        return body
                    if kind == FAILED:
                        raise SystemExit(f"bench-microvm: the guest says {body}")
                    continue
            if not select.select([self.ours], [], [], max(0, end - time.monotonic()))[0]:
                raise SystemExit("bench-microvm: a machine started by hand does not answer")
            piece = self.ours.recv(1 << 16)
            if not piece:
                raise SystemExit("bench-microvm: a machine started by hand has ended")
            self.heard += piece

    def greet(self):
        now = time.time_ns()
        self.say(WELCOME, struct.pack("<H", VERSION) + os.urandom(64) +
                 struct.pack("<QI", now // 10**9, now % 10**9))
        self.hear(HELLO)

    def run(self, *words, filters=(), rehearses=False):
        for word in words:
            self.say(ARGUMENT, word.encode())
        for name, value in VARIABLES.items():
            self.say(VARIABLE, f"{name}={value}".encode())
        self.say(MOUNT, struct.pack("<BQ", 0, 0) + text(b"root") + text(b"/") + text(b""))
        for one in filters:
            self.say(FILTER, one)
        if rehearses:
            self.say(REHEARSE)
        self.say(START, struct.pack("<IIQQIB", 1000, 1000, 0, 0, 0, 0) + text(b"/") + text(b"guest"))
        self.hear(STARTED)
        self.say(INPUT_END)
        self.hear(ENDED)

    def run_told(self, frames):
        """As bailey has told a guest of a program: for a copy that is prepared for just that."""
        self.ours.sendall(frames)
        self.hear(STARTED)
        self.say(INPUT_END)
        self.hear(ENDED)

    def forget(self):
        self.say(FORGET, struct.pack("<BB", 1, 0))
        self.hear(FORGOTTEN)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.ours.close()
        if self.monitor:
            self.monitor.close()
