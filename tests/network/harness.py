"""What the tests of the network share: a sandbox's command line, and who they are run as."""

import ctypes
import fcntl
import json
import os
import pathlib
import platform
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import unittest

import world as worlds

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(SOURCE / "tests/system"))
import schema  # noqa: E402: shared with tests/system

EVENT_SCHEMA = json.loads((SOURCE / "docs/schemas/event.schema.json").read_text())

USER = 12345
bailey_source = None
world = None


class Sandboxed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        at = world.directory
        cls.bailey = at / "bin/bailey"
        (at / "bin/libexec").mkdir(parents=True, exist_ok=True)
        shutil.copy(bailey_source, cls.bailey)
        shutil.copytree(bailey_source.parent / "libexec/bailey", at / "bin/libexec/bailey",
                        dirs_exist_ok=True)
        cls.workspace = at / "workspace"
        cls.workspace.mkdir(exist_ok=True)
        shutil.copy(at / "ca.pem", cls.workspace)

    def sandbox(self, entries, *command, options=(), data=None, timeout=180):
        """Runs a command behind the entries given; its exit status, output and errors."""
        nets = [word for entry in entries for word in ("--net", f"allow:{entry}")]
        nets = nets or ["--net", "allow"]
        done = subprocess.run([self.bailey, "run", *nets, *options, "--", *command],
                              cwd=self.workspace, capture_output=True, timeout=timeout,
                              input=data, check=False,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
        return (done.returncode, done.stdout.decode(errors="backslashreplace"),
                done.stderr.decode(errors="backslashreplace"))

    def by_policy(self, network, code, options=(), timeout=180, environment=()):
        """Runs Python text under a policy with these lines in its [network] table."""
        policy = self.workspace / "policy.toml"
        policy.write_text(f'bailey = 1\nname = "limited"\nextends = ["agent"]\n'
                          f'[audit]\nlog = "none"\n[network]\n'
                          f'mode = "allow"\n{network}\n')
        done = subprocess.run([self.bailey, "run", "--policy", policy, *options, "--",
                               "/usr/bin/python3", "-c", code],
                              cwd=self.workspace, capture_output=True, timeout=timeout, text=True,
                              check=False, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                                                **dict(environment)})
        return done.returncode, done.stdout, done.stderr

    def python(self, entries, code, **options):
        return self.sandbox(entries, "/usr/bin/python3", "-c", code, **options)

    def curl(self, entries, *words, **options):
        return self.sandbox(entries, "curl", "-sS", "--max-time", "60", "--cacert", "ca.pem",
                            *words, **options)

    def events_of(self, entries, code, options=(), policy="agent"):
        """The connections of a program's events, as (decision, protocol, target, port, reason)."""
        log = self.workspace / "events"
        log.unlink(missing_ok=True)
        done, out, error = self.python(entries, code, options=[
            "--policy", policy, "--audit-to", f"file:{log}", *options])
        self.assertEqual(done, 0, error)
        found = []
        for line in log.read_text().splitlines():
            event = json.loads(line)
            self.assertEqual(list(schema.faults(event, EVENT_SCHEMA)), [], line)
            if event["kind"] == "connection":
                one = event["connection"]
                found.append((event["decision"], one["protocol"], one["host"] or one["address"],
                              one["port"], one["reason"]))
        return found, out, error

    def assert_denied(self, found, protocol, target, port, reason):
        fitting = [one for one in found if one[:4] == ("denied", protocol, target, port)]
        self.assertTrue(any(reason in one[4] for one in fitting), (target, reason, found))


def answer(name, arguments, error):
    """From here on a system call with these arguments is answered, and does nothing; error 0: it "succeeds"."""
    number = {"x86_64": {"socket": 41, "bind": 49, "setsockopt": 54},
              "aarch64": {"socket": 198, "bind": 200, "setsockopt": 208}}[platform.machine()][name]
    steps = [(0x20, 0, 0, 0), (0x15, 0, 2 * len(arguments) + 1, number)]
    for at, (place, value) in enumerate(arguments.items()):
        steps += [(0x20, 0, 0, 16 + 8 * place), (0x15, 0, 2 * (len(arguments) - at) - 1, value)]
    steps += [(0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7fff0000)]
    attach(steps, 0)


def attach(steps, flags):
    """A filter of these steps is this process's from here on; with a listener, its descriptor."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    described = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
    number = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    done = libc.syscall(number, 1, flags, described)  # SECCOMP_SET_MODE_FILTER
    worlds.check(min(done, 0), "attach a filter")
    return done


class Changed:
    """Changes what a program says to the kernel by netlink, on its way: each of `changes`, as (bytes, bytes
    in their place), once, where they are first said. `prepare` is what the program's child does before it
    is executed; `made` is how many were."""

    RECEIVE, SEND, CONTINUE = 0xc0502100, 0xc0182101, 1  # SECCOMP_IOCTL_NOTIF_*, _USER_NOTIF_FLAG_CONTINUE

    def __init__(self, changes):
        self.left, self.made = list(changes), 0

    def __enter__(self):
        self.here, self.there = socket.socketpair()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.there.close()
        self.thread.join()
        self.here.close()

    def prepare(self):
        number = {"x86_64": 44, "aarch64": 206}[platform.machine()]  # sendto
        steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x7fc00000), (0x06, 0, 0, 0x7fff0000)]
        listener = attach(steps, 8)  # SECCOMP_FILTER_FLAG_NEW_LISTENER
        # By a call that the filter does not hold up.
        self.there.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", listener))])
        os.close(listener)
        self.there.close()

    def serve(self):
        _, given, _, _ = socket.recv_fds(self.here, 1, 1)
        listener = given[0]
        events = select.poll()
        events.register(listener, select.POLLIN)
        # Everybody who has the filter is gone: POLLHUP.
        while events.poll()[0][1] & select.POLLIN:
            asked = bytearray(80)
            try:
                fcntl.ioctl(listener, self.RECEIVE, asked)
            except OSError:
                continue  # who asked was killed meanwhile
            identity, task = struct.unpack_from("QI", asked)
            at, size = struct.unpack_from("QQ", asked, 16 + 16 + 8)
            self.change(task, at, size)
            answer = bytearray(struct.pack("QqiI", identity, 0, 0, self.CONTINUE))
            try:
                fcntl.ioctl(listener, self.SEND, answer)
            except OSError:
                pass
        os.close(listener)

    def change(self, task, at, size):
        with open(f"/proc/{task}/mem", "r+b", buffering=0) as memory:
            said = os.pread(memory.fileno(), size, at)
            for one in list(self.left):
                where = said.find(one[0])
                if where < 0:
                    continue
                self.left.remove(one)
                self.made += 1
                os.pwrite(memory.fileno(), one[1], at + where)


def inside(uid, arguments):
    """Runs the tests as one identity, in a child of its own; True when all pass."""
    global world
    child = os.fork()
    if child == 0:
        status = 1
        try:
            worlds.enter(uid)
            with worlds.World() as world:
                program = unittest.main(argv=["run", *arguments], exit=False, verbosity=1)
                status = 0 if program.result.wasSuccessful() else 1
        except BaseException as error:  # a child must not go on as its parent
            print(f"FAIL: {error!r}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main(usage):
    """The exit status of a test's program, whose arguments are bailey and perhaps names of tests."""
    global bailey_source
    if len(sys.argv) < 2:
        print(usage, file=sys.stderr)
        return 2
    bailey_source = pathlib.Path(sys.argv[1]).resolve()
    missing = [name for name in ("ip", "curl", "openssl") if not shutil.which(name)]
    if missing:
        print(f"SKIP: {', '.join(missing)}: not installed")
        return 77
    identities = [None, USER] if os.geteuid() == 0 else [os.geteuid()]
    good = [inside(uid, sys.argv[2:]) for uid in identities]
    return 0 if all(good) else 1
