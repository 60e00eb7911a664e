"""What the tests of `bailey run` share: a workspace of their own, launches in it, and who launches.

Each file of tests is an executable, FILE BAILEY [TEST...], that ends with `run(globals(), Tests)`: as
root and as an unprivileged user where started as root, else as the caller.
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import schema

HERE = pathlib.Path(__file__).resolve().parent
# How much slower than usual the machine is.
PATIENCE = float(os.environ.get("BAILEY_TEST_PATIENCE", "1"))
USER = 12345
bailey_source = None


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


class SystemTest:
    """What a class of tests adds to, for one identity."""
    uid = None

    def setUp(self):
        self.started = set()
        # Not below /tmp, over which a sandbox mounts a tmpfs of its own.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bailey-system-", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        self.bailey = self.directory / "bailey"
        shutil.copy(bailey_source, self.bailey)
        self.workspace = self.directory / "workspace"
        self.workspace.mkdir()
        self.give(self.workspace)

    def tearDown(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def give(self, path):
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)

    def start(self, *arguments, **options):
        def become():
            if options_preexec:
                options_preexec()
            if self.uid is not None:
                os.setgroups([])
                os.setresgid(self.uid, self.uid, self.uid)
                os.setresuid(self.uid, self.uid, self.uid)
        options_preexec = options.pop("preexec_fn", None)
        options.setdefault("cwd", self.workspace)
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LANG": "C.UTF-8",
                       "XDG_STATE_HOME": str(self.workspace / ".state")}
        extra = options.pop("environment", {})
        environment = {} if extra is None else environment | extra
        process = subprocess.Popen([options.pop("program", self.bailey), *arguments],
                                   env=environment, preexec_fn=become, **options)
        self.started.add(process.pid)
        return process

    @staticmethod
    def text(output):
        return (output or b"").decode(errors="backslashreplace")

    def run_bailey(self, *arguments, data=None, timeout=120, **options):
        if data is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, error = process.communicate(data, timeout=timeout * PATIENCE)
        return process.returncode, self.text(out), self.text(error)

    def sandbox(self, *words, **options):
        return self.run_bailey("run", *words, **options)

    def assert_follows_schema(self, name, value):
        text = (HERE.parent.parent / "docs/schemas" / f"{name}.schema.json").read_text()
        self.assertEqual(list(schema.faults(value, json.loads(text))), [])

    def assert_one_line(self, text):
        self.assertTrue(text.startswith("bailey run: "), text)
        self.assertEqual(text.count("\n"), 1, text)

    def leftover_groups(self):
        """Of launches of this test: others kill theirs meanwhile."""
        return [f"{parent}/{group}" for parent, groups, _ in os.walk("/sys/fs/cgroup")
                for group in groups if re.fullmatch(r"bailey-\d+-0", group)
                and int(group.split("-")[1]) in self.started
                and pathlib.Path(parent, group).exists()]

    def in_terminal(self, *arguments):
        """What a program prints on a terminal that is its only way to speak."""
        master, slave = pty.openpty()
        self.terminal = os.ttyname(slave)
        self.terminal_settings = termios.tcgetattr(slave)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        if self.uid is not None:
            os.fchown(slave, self.uid, -1)

        def control():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        process = self.start("run", *arguments, stdin=slave, stdout=slave, stderr=slave,
                             preexec_fn=control)
        os.close(slave)
        return process, master

    def read_terminal(self, master, until, seconds=60):
        text = b""
        end = time.monotonic() + seconds
        while until not in text and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    text += os.read(master, 4096)
                except OSError:
                    break
        return text

    def processes(self):
        lines = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    line = pathlib.Path("/proc", entry, "cmdline").read_bytes()
                    lines[int(entry)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
                except OSError:
                    pass
        return lines

    def assert_no_process(self, line):
        gone = wait_until(lambda: all(line not in other for other in self.processes().values()))
        self.assertTrue(gone, f"{line} still runs")

    def inside(self, script, *words, before=(), **options):
        """bailey where a script has changed what is allowed: as root of a user namespace."""
        command = ["--map-root-user", "--user", "--mount", "sh", "-c", script + '; exec "$@"', "sh",
                   *before, str(self.bailey), *words]
        return self.run_bailey(*command, program="/usr/bin/unshare", **options)


def run(names, tests):
    """Runs the methods of `tests` for each identity, under names that the command line can ask for."""
    global bailey_source
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} BAILEY [TEST...]")
    bailey_source = os.path.abspath(sys.argv.pop(1))

    class AsCaller(tests, unittest.TestCase):
        pass

    class AsUser(tests, unittest.TestCase):
        uid = USER

        def setUp(self):
            if os.geteuid() != 0:
                self.skipTest("this process is not root, and so its tests ran as a user already")
            super().setUp()

    names.update(AsCaller=AsCaller, AsUser=AsUser)
    unittest.main(module=names["__name__"])
