"""The host that the attacks are aimed at: bait in a temporary directory, and servers to reach.

    with Stage(bailey, programs, Identity.root()) as stage:
        verdict = stage.attack(attack, sandbox=["--policy", "agent"])
        verdict = stage.attack(attack, sandbox=None)          # the control: no wall

Everything is owned by the identity that runs the attacks, so that what stops them is the sandbox
and not the file's mode.
"""

import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import platform
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
USER = 12345
GROUP_OF_OTHERS = 54321
SECONDS = 60
SYS_KEYCTL, SYS_ADD_KEY = {"x86_64": (250, 248)}.get(platform.machine(), (219, 217))
libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str      # of the program: "bpf", "bpf-i386"
    claim: str
    below: str     # what remains without the filter and Landlock; empty: nothing
    control: tuple
    init: bool = False
    stdin: str = "file"
    run: tuple = ()
    known: dict = dataclasses.field(default_factory=dict, hash=False)


def load_attacks(programs):
    """Every attack of attacks.toml that can be built for this machine, i386 twins included."""
    attacks = []
    with open(HERE / "attacks.toml", "rb") as file:
        table = tomllib.load(file)
    for name, entry in table.items():
        if entry.get("only", platform.machine()) != platform.machine():
            continue
        if not entry["control"] and not entry.get("why"):
            raise SystemExit(f"attacks.toml: {name} has neither a control nor a reason for none")
        attack = Attack(name=name, claim=entry["claim"], below=entry.get("below", ""),
                        control=tuple(entry["control"]), init=entry.get("init", False),
                        stdin=entry.get("stdin", "file"), run=tuple(entry.get("run", ())),
                        known=entry.get("known", {}))
        attacks.append(attack)
        for words, options in entry.get("again", {}).items():
            # What stops it is another layer, which the demo finds out.
            attacks.append(dataclasses.replace(attack, claim=f"the same {words}", below="",
                                               run=attack.run + tuple(options)))
        if entry.get("i386") and platform.machine() == "x86_64":
            attacks.append(dataclasses.replace(attack, name=name + "-i386",
                                               claim=attack.claim + " (i386)"))
    sources = {path.stem for path in HERE.glob("*.c")} - {"attack"}
    if sources != set(table):
        raise SystemExit(f"attacks.toml and tests/attacks/*.c differ: {sources ^ set(table)}")
    for attack in attacks:
        if not (programs / attack.name).exists():
            raise SystemExit(f"run attacks: {programs / attack.name}: it was not built")
    return attacks


@dataclasses.dataclass(frozen=True)
class Identity:
    name: str
    uid: int
    gid: int
    change: bool  # whether the driver must become this user

    @staticmethod
    def available():
        """Those that this process can take on."""
        if os.geteuid() == 0:
            return [Identity("root", 0, 0, True), Identity("user", USER, USER, True)]
        return [Identity("user", os.getuid(), os.getgid(), False)]


@dataclasses.dataclass(frozen=True)
class Verdict:
    kind: str  # "stopped", "ESCAPED", "cannot be tried", "BROKEN"
    text: str


def read_verdict(done):
    """What an attack printed; bailey's refusal to start it at all is one way of being stopped."""
    lines = done.stdout.decode(errors="backslashreplace").replace("\r", "").strip().splitlines()
    errors = done.stderr.decode(errors="backslashreplace").strip() if done.stderr else ""
    # The whole program, our first process included, was killed by the filter.
    if done.returncode in (128 + signal.SIGSYS, -signal.SIGSYS):
        return Verdict("stopped", "killed by SIGSYS")
    if done.returncode == 125 and errors.startswith("bailey run: ") and "standard input" in errors:
        return Verdict("stopped", errors)
    kind, _, text = (lines[-1] if lines else "").partition(": ")
    expected = {"stopped": 0, "ESCAPED": 1, "cannot be tried": 77}
    if kind in expected and expected[kind] == done.returncode:
        return Verdict(kind, text)
    return Verdict("BROKEN", f"exit status {done.returncode}: " + " | ".join(lines + [errors]))


class Stage:
    def __init__(self, bailey, programs, identity, pool=False):
        self.bailey_source, self.programs_source = bailey, programs
        self.identity = identity
        self.pools = set() if pool else None  # the options that there is a pool for

    def __enter__(self):
        # Not in /tmp, over which a sandbox mounts a tmpfs of its own: what is stopped there would
        # be stopped by that alone.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bailey-attacks-", dir="/var/tmp"))
        self.servers, self.marker = [], self.root.name
        self.key = f"{self.marker}-key"
        self.victim_process = None
        self.segment = -1
        try:
            self._lay_bait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        if self.pools:
            self.run([str(self.bailey), "pool", "stop", "--all", "--kill"])
        if self.victim_process:
            self.victim_process.kill()
            self.victim_process.wait()
        for server in self.servers:
            server.close()
        if self.segment >= 0:
            libc.shmctl(self.segment, 0, None)  # IPC_RMID
        shutil.rmtree(self.root, ignore_errors=True)

    def _lay_bait(self):
        root = self.root
        for name in ("home/.ssh", "outside", "workspace/hidden", "shared", "programs", "bin",
                     "run-time", "state"):
            (root / name).mkdir(parents=True)
        (root / "home/.ssh/id_ed25519").write_text("a private key\n")
        (root / "outside/victim").write_text("not to be changed\n")
        (root / "workspace/hidden/key").write_text("a hidden key\n")
        (root / "workspace/link-to-secret").symlink_to(root / "home/.ssh/id_ed25519")
        (root / "workspace/link-to-victim").symlink_to(root / "outside/victim")
        (root / "shared/readonly.txt").write_text("to be read only\n")
        shutil.copy(self.bailey_source, root / "bin/bailey")
        for program in self.programs_source.iterdir():
            if program.is_file() and os.access(program, os.X_OK):
                shutil.copy(program, root / "programs")
        self.bailey = root / "bin/bailey"

        self._serve(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.port = self.servers[0].getsockname()[1]
        self._serve(socket.AF_UNIX, socket.SOCK_STREAM, str(root / "shared/host.sock"))
        self._serve(socket.AF_UNIX, socket.SOCK_DGRAM, str(root / "shared/datagram.sock"))
        self._serve(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.marker)
        self.shm_key = int.from_bytes(os.urandom(3), "big") + 1
        self.segment = libc.shmget(self.shm_key, 4096, 0o1666)  # IPC_CREAT
        self.victim_process = subprocess.Popen([self.marker, "1000"], executable="/bin/sleep",
                                               preexec_fn=self._become)

        self.give(root)
        os.chmod(root, 0o755)
        os.chmod(root / "run-time", 0o700)
        os.chmod(root / "home/.ssh/id_ed25519", 0o600)
        # Anybody may write these: that they are not written is not the work of their modes.
        os.chmod(root / "outside", 0o777)
        os.chmod(root / "outside/victim", 0o666)
        os.chmod(root / "shared/readonly.txt", 0o666)
        for name in ("host.sock", "datagram.sock"):
            os.chmod(root / "shared" / name, 0o777)
        self.group_file = self.setuid_program = ""
        if self.identity.change:
            # Owned by somebody else: only the group, and a capability, open it.
            self.group_file = root / "shared/group-file"
            self.group_file.write_text("for the group\n")
            os.chown(self.group_file, 65533, GROUP_OF_OTHERS)
            os.chmod(self.group_file, 0o040)
            self.setuid_program = root / "shared/id"
            shutil.copy("/usr/bin/id", self.setuid_program)
            os.chmod(self.setuid_program, 0o4755)
        self.before = self.picture()

    def give(self, directory):
        """Makes the identity the owner of a directory and all that is in it."""
        if not self.identity.change:
            return
        for where, directories, files in os.walk(directory):
            for name in ["."] + directories + files:
                os.chown(os.path.join(where, name), self.identity.uid, self.identity.gid,
                         follow_symlinks=False)

    def _serve(self, family, kind, address):
        server = socket.socket(family, kind)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen(4096)
        self.servers.append(server)

    def picture(self):
        """What must not change: everything but the workspace."""
        picture = {}
        for name in ("home", "outside", "shared", "programs", "bin"):
            for where, _, files in os.walk(self.root / name):
                for file in files:
                    path = os.path.join(where, file)
                    status = os.lstat(path)
                    # Nobody can set the time of an inode's last change.
                    picture[path] = (status.st_mode, status.st_ino, status.st_ctime_ns)
        return picture

    def _become(self):
        if self.identity.change:
            os.setgroups([GROUP_OF_OTHERS])
            os.setresgid(self.identity.gid, self.identity.gid, self.identity.gid)
            os.setresuid(self.identity.uid, self.identity.uid, self.identity.uid)

    def _prepare_child(self, terminal):
        self._become()
        # A session keyring with a key of the caller's in it, as a login session has.
        libc.syscall(SYS_KEYCTL, 1, None)  # KEYCTL_JOIN_SESSION_KEYRING
        libc.syscall(SYS_ADD_KEY, b"user", self.key.encode(), b"secret", 6, -3)
        if terminal is not None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def bait(self):
        return [f"secret={self.root}/home/.ssh/id_ed25519", f"outside={self.root}/outside",
                f"victim={self.root}/outside/victim", f"readonly={self.root}/shared/readonly.txt",
                f"planted={self.root}/shared/planted", f"group-file={self.group_file}",
                f"setuid={self.setuid_program}", f"socket={self.root}/shared/host.sock",
                f"datagram-socket={self.root}/shared/datagram.sock", f"abstract={self.marker}",
                f"port={self.port}", f"pid={self.victim_process.pid}", f"marker={self.marker}",
                f"shm-key={self.shm_key}", f"key={self.key}"]

    def run(self, command, kind="file", seconds=SECONDS):
        """Runs a command as the identity, in the workspace; stdin is a file to be reopened, or a
        directory, or a terminal. Three descriptors are left open for it, as careless callers do."""
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
                       "HOME": str(self.root / "home"), "TERM": "dumb",
                       "XDG_RUNTIME_DIR": str(self.root / "run-time"),
                       "XDG_STATE_HOME": str(self.root / "state")}
        left = [os.open(self.root / "home/.ssh/id_ed25519", os.O_RDONLY),
                os.open(self.root / "outside", os.O_RDONLY | os.O_DIRECTORY),
                os.open("/", os.O_RDONLY | os.O_DIRECTORY)]
        master = slave = None
        if kind == "terminal":
            master, slave = pty.openpty()
            if self.identity.change:
                os.fchown(slave, self.identity.uid, -1)
            stdin = slave
        else:
            stdin = os.open(self.root / ("outside/victim" if kind == "file" else "outside"),
                            os.O_RDONLY)
        try:
            return subprocess.run(command, cwd=self.root / "workspace", env=environment,
                                  stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  pass_fds=left, timeout=seconds, check=False,
                                  preexec_fn=lambda: self._prepare_child(slave))
        finally:
            for fd in left + [stdin] + ([] if master is None else [master]):
                os.close(fd)

    def attack(self, attack, sandbox, words=()):
        """Runs an attack in `bailey run` with the options given; without the wall for None."""
        program = [str(self.root / "programs" / attack.name), *self.bait(), *words]
        if sandbox is None:
            # The shell is a parent of the same user; under unshare it is PID 1.
            command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *program, "control=1"]
            if attack.init:
                namespaces = ["unshare", "--fork", "--pid", "--mount-proc"]
                if self.identity.uid != 0:
                    namespaces += ["--user", "--map-current-user"]
                command = namespaces + command
        else:
            options = [*sandbox, "--read", str(self.root / "shared"), "--read",
                       str(self.root / "programs"), "--write", ".", *attack.run]
            if self.pools is not None:
                return self._attack_in_pool(options, program, attack.stdin)
            command = [str(self.bailey), "run", *options, "--", *program]
        return self._watch(command, attack.stdin)

    def _attack_in_pool(self, options, program, stdin):
        if tuple(options) not in self.pools:
            started = self.run([str(self.bailey), "pool", "start", "--size", "1", *options])
            if started.returncode != 0:
                return read_verdict(started)
            self.pools.add(tuple(options))
        before = self._taken()
        verdict = self._watch([str(self.bailey), "run", "--pool", *options, "--", *program], stdin)
        # A terminal is made with its sandbox, and a directory is refused before there is one.
        prepared = 1 if stdin == "file" else 0
        if self._taken() - before != prepared:
            return Verdict("BROKEN", f"it was not {prepared} prepared sandboxes that it ran in")
        return verdict

    def _taken(self):
        status = self.run([str(self.bailey), "pool", "status", "--json"])
        return sum(pool["taken"] for pool in json.loads(status.stdout)["pools"])

    def _watch(self, command, stdin):
        try:
            verdict = read_verdict(self.run(command, stdin))
        except subprocess.TimeoutExpired:
            return Verdict("BROKEN", f"it ran for more than {SECONDS} seconds")
        return self.look_for_changes() or verdict

    def look_for_changes(self):
        after = self.picture()
        for path in sorted(set(after) | set(self.before)):
            if after.get(path) != self.before.get(path):
                self.before = after
                return Verdict("ESCAPED", f"{path} has changed")
        if self.victim_process.poll() is not None:
            return Verdict("ESCAPED", "the process outside has ended")
        return None
