"""What the tests of events and learning share: a workspace and a store of their own, and who launches.

Each file of tests is an executable, FILE BAILEY [TEST...], that ends with `run(globals(), Tests)`: as
root and as an unprivileged user where started as root, else as the caller.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import schema

HERE = pathlib.Path(__file__).resolve().parent
USER = 12346
bailey_source = None

# Each a call that the preset agent denies, made so often; the last line is what it saw.
DENIED = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def refused(times, number, *arguments):
    wrong = 0
    for _ in range(times):
        ctypes.set_errno(0)
        if libc.syscall(number, *arguments) != -1 or ctypes.get_errno() != 1: wrong += 1
    return wrong
"""
CHROOT, UNSHARE, BPF = 161, 272, 321
NEWUSER = 0x10000000


class AuditedTest:
    """What a class of tests adds to, for one identity."""
    uid = None

    def setUp(self):
        # Not below /tmp, over which a sandbox mounts a tmpfs of its own.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bailey-audit-", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        libexec = pathlib.Path(bailey_source).parent / "libexec/bailey"
        (self.directory / "libexec/bailey").mkdir(parents=True)
        self.bailey = self.directory / "bailey"
        shutil.copy(bailey_source, self.bailey)
        for name in ("bailey-audit", "bailey-learn"):
            shutil.copy(libexec / name, self.directory / "libexec/bailey" / name)
        self.workspace = self.make("workspace")
        self.state = self.make("state")
        self.run_time = self.make("run-time")
        self.run_time.chmod(0o700)

    def tearDown(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def make(self, name):
        path = self.directory / name
        path.mkdir()
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)
        return path

    def run_bailey(self, *arguments, timeout=60, **options):
        process = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        try:
            out, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return (process.returncode, out.decode(errors="backslashreplace"),
                error.decode(errors="backslashreplace"))

    def start(self, *arguments, program=None, preexec_fn=None, **options):
        """bailey with these arguments, or another program (a list of words), as whom this is for."""
        def become():
            if preexec_fn:
                preexec_fn()
            if self.uid is not None:
                os.setgroups([])
                os.setresgid(self.uid, self.uid, self.uid)
                os.setresuid(self.uid, self.uid, self.uid)
        options.setdefault("cwd", self.workspace)
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.workspace), "LANG": "C.UTF-8",
                       "XDG_STATE_HOME": str(self.state),
                       "XDG_RUNTIME_DIR": str(self.run_time)}
        return subprocess.Popen([*(program or [self.bailey]), *arguments], env=environment,
                                preexec_fn=become, stdin=subprocess.DEVNULL, **options)

    def python(self, text, *options, policy="agent", timeout=60, words=(), **more):
        """A Python program in a sandbox; the report beside its status, output and errors."""
        report = self.workspace / "report.json"
        code, out, error = self.run_bailey(
            "run", "--policy", policy, "--json-file", str(report), *options, "--", "python3", "-c",
            DENIED + text, *words, timeout=timeout, **more)
        return code, out, error, json.loads(report.read_text()) if report.exists() else None

    def counts(self, report):
        return {call["call"]: call["count"] for call in report["audit"]["calls"]}

    def assert_follows_schema(self, name, value):
        text = (HERE.parent.parent / "docs/schemas" / f"{name}.schema.json").read_text()
        self.assertEqual(list(schema.faults(value, json.loads(text))), [])


def run(names, tests):
    """Runs the methods of `tests` for each identity, under names that the command line can ask for."""
    global bailey_source
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} BAILEY [TEST...]")
    bailey_source = os.path.abspath(sys.argv.pop(1))

    @unittest.skipUnless(os.geteuid() == 0, "this process is not root")
    class AsRoot(tests, unittest.TestCase):
        pass

    class AsUser(tests, unittest.TestCase):
        uid = USER if os.geteuid() == 0 else None

    names.update(AsRoot=AsRoot, AsUser=AsUser)
    unittest.main(module=names["__name__"])
