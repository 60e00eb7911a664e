"""What the tests of MCP share: a client that speaks lines, and two identities."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
USER = 12345
SECONDS = 120
build = None


class Client:
    """One end of a connection over standard streams."""

    def __init__(self, process):
        self.process = process
        self.last = 0

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, method, params=None):
        self.last += 1
        request = {"jsonrpc": "2.0", "id": self.last, "method": method}
        if params is not None:
            request["params"] = params
        self.write(json.dumps(request).encode() + b"\n")
        return self.last

    def notify(self, method):
        self.write(json.dumps({"jsonrpc": "2.0", "method": method}).encode() + b"\n")

    def read_line(self):
        return self.process.stdout.readline()

    def read(self):
        """The next message that is one; broken lines are passed over, as clients do."""
        while True:
            line = self.read_line()
            if not line:
                return None
            try:
                return json.loads(line)
            except ValueError:
                continue

    def request(self, method, params=None):
        number = self.ask(method, params)
        while True:
            message = self.read()
            if message is None or message.get("id") == number:
                return message

    def initialize(self, version="2025-11-25", capabilities=None):
        result = self.request("initialize", {
            "protocolVersion": version, "capabilities": capabilities or {},
            "clientInfo": {"name": "tests", "version": "1"}})
        self.notify("notifications/initialized")
        return result

    def call(self, tool, **arguments):
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def close(self):
        """The exit status, and what was said on standard error."""
        out, error = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, error.decode(errors="replace")


class McpTest:
    """The tests, for one identity; the classes that main() makes say which."""
    uid = None

    def setUp(self):
        # Not below /tmp, over which a sandbox mounts a tmpfs of its own.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bailey-mcp-", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        self.bailey = self.directory / "bailey"
        shutil.copy(build / "bailey", self.bailey)
        shutil.copytree(build / "libexec", self.directory / "libexec")
        self.home = self.directory / "home"
        self.workspace = self.directory / "workspace"
        for made in (self.home, self.workspace):
            made.mkdir()
            if self.uid is not None:
                os.chown(made, self.uid, self.uid)
        shutil.copy(HERE / "server.py", self.workspace)
        self.started = []

    def tearDown(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def become(self):
        if self.uid is not None:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)

    def environment(self, more=None):
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8",
                "XDG_STATE_HOME": str(self.home / "state")} | (more or {})

    def start(self, *arguments, environment=None, **options):
        options.setdefault("cwd", self.workspace)
        options.setdefault("preexec_fn", self.become)
        process = subprocess.Popen(
            [self.bailey, *arguments], env=self.environment(environment), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.started.append(process)
        return process

    def mover_of(self, process):
        """The gateway's confined process: a child of the one that was started, of the same name."""
        listed = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        found = [int(pid) for pid in listed.split()
                 if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "bailey-mcp"]
        self.assertEqual(len(found), 1)
        return found[0]

    def status_of(self, pid):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def run_bailey(self, *arguments, data=b"", **options):
        process = self.start(*arguments, **options)
        out, error = process.communicate(data, timeout=SECONDS)
        return process.returncode, out.decode(errors="replace"), error.decode(errors="replace")


def main(tests):
    """argv: BUILD [TEST...]; as root, everything is run as root and as an ordinary user."""
    global build
    build = pathlib.Path(sys.argv.pop(1)).resolve()
    module = sys.modules["__main__"]
    names = ["AsCaller"]
    setattr(module, "AsCaller", type("AsCaller", (tests, unittest.TestCase), {}))
    if os.geteuid() == 0:
        setattr(module, "AsUser", type("AsUser", (tests, unittest.TestCase), {"uid": USER}))
    unittest.main(module=module)
