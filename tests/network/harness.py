"""What the tests of the network share: a sandbox's command line, and who they are run as."""

import ctypes
import json
import os
import pathlib
import platform
import shutil
import struct
import subprocess
import sys
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

    def by_policy(self, network, code, options=(), timeout=180):
        """Runs Python text under a policy with these lines in its [network] table."""
        policy = self.workspace / "policy.toml"
        policy.write_text(f'bailey = 1\nname = "limited"\nextends = ["agent"]\n'
                          f'[audit]\nlog = "none"\n[network]\n'
                          f'mode = "allow"\n{network}\n')
        done = subprocess.run([self.bailey, "run", "--policy", policy, *options, "--",
                               "/usr/bin/python3", "-c", code],
                              cwd=self.workspace, capture_output=True, timeout=timeout, text=True,
                              check=False, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
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
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in steps))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    described = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
    worlds.check(libc.prctl(22, 2, described, 0, 0), "attach a filter")  # PR_SET_SECCOMP


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
