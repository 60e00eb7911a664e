"""What tests with real machines have in common: a root for them, as which user, and what is left."""

import itertools
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import machine_root

USER = 12345
# A machine takes two seconds to start, on a quiet host.
PATIENCE = 600
bailey_source = None


def wait_until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def processes(word):
    """The command lines of processes in which a word occurs."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                line = pathlib.Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if word.encode() in line:
                found.append(line.decode(errors="replace"))
    return found


class Machines:
    uid = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="bailey-vm-", dir="/var/tmp"))
        cls.bailey = bailey_source
        # Machines of all of root's tests are in one place: these are told by their names.
        cls.prefix = f"test-{secrets.token_hex(4)}"
        cls.numbers = itertools.count()
        os.chmod(cls.directory, 0o755)
        cls.home = cls.directory / "home"
        cls.home.mkdir()
        root = cls.directory / "root"
        machine_root.make(root)
        if cls.uid is not None:
            for path in [cls.home, *root.rglob("*"), root]:
                os.lchown(path, cls.uid, cls.uid)
        done = cls.command("vm", "image", "build", "--from-dir", str(root), "base")
        assert done.returncode == 0, done.stderr
        cls.built = done.stdout

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory)

    @classmethod
    def environment(cls):
        return {"PATH": os.environ["PATH"], "HOME": str(cls.home), "LANG": "C.UTF-8",
                "XDG_RUNTIME_DIR": str(cls.home), "XDG_DATA_HOME": str(cls.home / "data"),
                "XDG_STATE_HOME": str(cls.home / "state")}

    @classmethod
    def options(cls, **more):
        user = {} if cls.uid is None else {"user": cls.uid, "group": cls.uid, "extra_groups": []}
        return {"env": cls.environment(), "cwd": str(cls.home)} | user | more

    @classmethod
    def command(cls, *words, **more):
        return subprocess.run([cls.bailey, *words], capture_output=True, text=True, check=False,
                              timeout=PATIENCE, **cls.options(**more))

    @classmethod
    def machine(cls, options, words):
        for name, value in (("--image", "base"), ("--start-timeout", "300s"),
                            ("--id", f"{cls.prefix}-{next(cls.numbers)}")):
            if name not in options:
                options = [name, value, *options]
        if "--kernel" not in options:
            options = [*machine_root.WITH_KERNEL, *options]
        return ["run", "--isolation", "microvm", *options, "--", *words]

    def run_machine(self, *words, options=(), **more):
        return self.command(*self.machine(options, words), **more)

    def start_machine(self, *words, options=(), **more):
        return subprocess.Popen(
            [self.bailey, *self.machine(options, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **self.options(**more))

    def expect_nothing_left(self):
        self.assertTrue(wait_until(lambda: not processes(str(self.directory)), 60),
                        processes(str(self.directory)))
        self.assertEqual(self.running(), [])
        for place in self.places():
            if place.is_dir():
                self.assertEqual([name for name in os.listdir(place) if name.startswith(self.prefix)],
                                 [])

    def running(self):
        return [line for line in self.command("ps").stdout.splitlines()
                if line.startswith(self.prefix)]

    def places(self):
        return (self.home / "bailey" / "machines", pathlib.Path("/run/bailey/machines"))

    @staticmethod
    def groups_of(pids):
        """Control groups that were made by one of these."""
        names = tuple(f"bailey-{pid}-" for pid in pids)
        return [os.path.join(place, name) for place, found, _ in os.walk("/sys/fs/cgroup")
                for name in found if name.startswith(names)] if names else []

    @staticmethod
    def children():
        table = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    text = pathlib.Path("/proc", entry, "stat").read_text()
                except OSError:
                    continue
                table.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(entry))
        return table

    def descendants(self, pid):
        table, found, left = self.children(), [], [pid]
        while left:
            for child in table.get(left.pop(), []):
                found.append(child)
                left.append(child)
        return found

    def monitors_of(self, pid):
        found = []
        for child in self.descendants(pid):
            try:
                if pathlib.Path("/proc", str(child), "comm").read_text().startswith("qemu"):
                    found.append(child)
            except OSError:
                pass
        return found

    def kill_monitor_of(self, pid):
        monitors = self.monitors_of(pid)
        self.assertEqual(len(monitors), 1)
        os.kill(monitors[0], signal.SIGKILL)


def main(test, variables):
    """Runs a class's tests as root and as an unprivileged user, or as whoever calls."""
    global bailey_source
    bailey_source = str(pathlib.Path(sys.argv.pop(1)).resolve())
    missing = machine_root.missing()
    if missing:
        print(f"SKIP: {missing}")
        sys.exit(77)
    kinds = [(None, "AsRoot"), (USER, "AsUser")] if os.geteuid() == 0 else [(None, "AsCaller")]
    for uid, name in kinds:
        name = test.__name__ + name
        variables[name] = type(name, (test, unittest.TestCase), {"uid": uid})
    unittest.main(module="__main__", verbosity=2)
