"""What the tests of the network share: a sandbox's command line, and who they are run as."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import world as worlds

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

    def sandbox(self, entries, *command, options=(), data=None, timeout=60):
        """Runs a command behind the entries given; its exit status, output and errors."""
        nets = [word for entry in entries for word in ("--net", f"allow:{entry}")]
        nets = nets or ["--net", "allow"]
        done = subprocess.run([self.bailey, "run", *nets, *options, "--", *command],
                              cwd=self.workspace, capture_output=True, timeout=timeout,
                              input=data, check=False,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
        return (done.returncode, done.stdout.decode(errors="backslashreplace"),
                done.stderr.decode(errors="backslashreplace"))

    def by_policy(self, network, code, options=(), timeout=60):
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
        return self.sandbox(entries, "curl", "-sS", "--max-time", "20", "--cacert", "ca.pem",
                            *words, **options)


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
