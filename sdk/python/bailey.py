"""Runs code that you do not trust behind a wall that is proved. Python 3.9 and newer, Linux.

This file is the whole module: copy it, or put its directory on the path. It starts the program
`bailey`, which must be installed; see docs/sdk.md.

    import bailey

    done = bailey.run(["python3", "tool.py"], policy="agent", read=["."], timeout=30)
    print(done.exit, done.stdout)
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import threading
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Sequence, Tuple, Union

__all__ = ["Denial", "Entry", "Error", "Finding", "NotSandboxed", "Result", "Session", "Stream",
           "check", "run", "stream", "wrap_mcp"]

Text = Union[str, "os.PathLike[str]"]

_NO_SANDBOX = 125  # the program never ran (docs/run.md)
_CHUNK = 65536


class Error(Exception):
    """bailey itself did not do what it was asked; the text is what it said."""


class NotSandboxed(Error):
    """The sandbox could not be built as the policy says. The program was not started."""


@dataclass(frozen=True)
class Denial:
    """What was denied, as the report's `audit.calls` says it (docs/schemas/run.schema.json)."""
    call: str
    count: int
    answer: str
    rule: str
    allow: str  # the line of a policy that would allow it
    breaks: Sequence[str]  # guarantees that this line would break


@dataclass(frozen=True)
class Result:
    exit: int  # the program's own, or 128 + signal, 124 when its time was over, 126, 127
    outcome: str  # "exited", "signalled", "time-limit", "memory-limit", ...
    stdout: bytes
    stderr: bytes  # what bailey has to say about the end stands behind the program's own
    report: Mapping[str, Any] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.outcome == "exited" and self.exit == 0

    @property
    def denials(self) -> Sequence[Denial]:
        """Empty as well where the policy audits nothing: `[audit]` in docs/policy.md."""
        calls = self.report.get("audit", {}).get("calls", [])
        return [Denial(**{name: call[name] for name in Denial.__dataclass_fields__})
                for call in calls]


@dataclass(frozen=True)
class Finding:
    """A ruling of the court on a policy (docs/court.md)."""
    vulnerability: str
    impact: str
    decision: str  # "valid", "invalid", ...
    severity: str  # "none", "low", "medium", "high", "critical"
    recommended_action: str
    justification: str
    evidence: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Entry:
    """What stands in a directory of a session's workspace."""
    name: str
    kind: str  # "file", "directory", "symlink", ...
    size: int


def _options(policy: Optional[Text], read: Sequence[Text], write: Sequence[Text],
             hide: Sequence[Text], net: Optional[str], env: Mapping[str, Optional[str]],
             workdir: Optional[Text], timeout: Optional[float], memory: Optional[str],
             without: Sequence[str]) -> list[str]:
    words = []
    for name, value in [("policy", policy), ("net", net), ("workdir", workdir),
                        ("memory", memory)]:
        if value is not None:
            words.append(f"--{name}={os.fspath(value)}")
    if timeout is not None:
        words.append(f"--timeout={max(1, round(timeout * 1000))}ms")
    for name, values in [("read", read), ("write", write), ("hide", hide), ("without", without)]:
        words += [f"--{name}={os.fspath(value)}" for value in values]
    # None: as the caller has it.
    words += [f"--env={name}" if value is None else f"--env={name}={value}"
              for name, value in env.items()]
    return words


class Stream:
    """A program that runs; iterating gives ("stdout", bytes) and ("stderr", bytes) as they come.

    Leaving the `with` block ends the program, if it still runs. `result` is there after the last
    piece; its stdout and stderr are empty.
    """

    def __init__(self, argv: Sequence[Text], stdin: Any, bailey: Text, options: Sequence[str]):
        if isinstance(argv, (str, bytes)):
            raise TypeError("argv: a list of words, not one string")
        # The report: a file that exists in memory only.
        self._report = os.memfd_create("report", 0)
        words = [os.fspath(bailey), "run", f"--json-fd={self._report}", *options,
                 "--", *map(os.fspath, argv)]
        try:
            self._process = subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE, pass_fds=[self._report])
        except OSError as error:
            os.close(self._report)
            raise Error(f"start {os.fspath(bailey)}: {error.strerror}") from error
        self._result: Optional[Result] = None
        self._tail = b""  # of stderr, for the reason why nothing was started

    @property
    def pid(self) -> int:
        """bailey's own; a signal to it is passed on to the program."""
        return self._process.pid

    @property
    def stdin(self):
        return self._process.stdin

    @property
    def result(self) -> Result:
        if self._result is None:
            raise Error("read result: the program has not ended")
        return self._result

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Tuple[str, bytes]]:
        return self._pieces(b"", False)

    def close(self) -> None:
        """Ends the program, and bailey, if they still run."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the sandbox dies with bailey
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._report >= 0:
            os.close(self._report)
            self._report = -1

    def _pieces(self, data: bytes, feeds: bool) -> Iterator[Tuple[str, bytes]]:
        process = self._process
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, "stdout")
            selector.register(process.stderr, selectors.EVENT_READ, "stderr")
            if feeds:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")
            while any(key.data != "stdin" for key in selector.get_map().values()):
                for key, _ in selector.select():
                    if key.data == "stdin":
                        data = self._feed(selector, data)
                        continue
                    piece = os.read(key.fd, _CHUNK)
                    if not piece:
                        selector.unregister(key.fileobj)
                        continue
                    if key.data == "stderr":
                        self._tail = (self._tail + piece)[-_CHUNK:]
                    yield key.data, piece
        self._finish()

    def _feed(self, selector: selectors.BaseSelector, data: bytes) -> bytes:
        pipe = self._process.stdin
        try:
            data = data[os.write(pipe.fileno(), data[:_CHUNK]):] if data else data
        except BlockingIOError:
            return data
        except BrokenPipeError:  # the program has closed it, or ended
            data = b""
        if not data:
            selector.unregister(pipe)
            pipe.close()
        return data

    def _finish(self) -> None:
        exit_status = self._process.wait()
        os.lseek(self._report, 0, os.SEEK_SET)
        text = b""
        while piece := os.read(self._report, _CHUNK):
            text += piece
        if not text:
            said = self._tail.decode(errors="replace").strip().splitlines()
            why = said[-1] if said else f"bailey ended with {exit_status}"
            raise (NotSandboxed if exit_status == _NO_SANDBOX else Error)(why)
        report = json.loads(text)
        self._result = Result(exit=report["exit"], outcome=report["outcome"], stdout=b"",
                              stderr=b"", report=report)


def stream(argv: Sequence[Text], *, stdin: Any = subprocess.DEVNULL, policy: Optional[Text] = None,
           read: Sequence[Text] = (), write: Sequence[Text] = (), hide: Sequence[Text] = (),
           net: Optional[str] = None, env: Optional[Mapping[str, Optional[str]]] = None,
           workdir: Optional[Text] = None, timeout: Optional[float] = None,
           memory: Optional[str] = None, without: Sequence[str] = (),
           bailey: Text = "bailey") -> Stream:
    """Starts a program; what it writes is had piece by piece. `stdin` as in subprocess.Popen.

    The options are those of `bailey run`: without a policy it is `untrusted`, with the current
    directory readable. `env` passes a variable on where its value is None.
    """
    return Stream(argv, stdin, bailey, _options(policy, read, write, hide, net, env or {}, workdir,
                                                timeout, memory, without))


def run(argv: Sequence[Text], *, stdin: bytes = b"", **options: Any) -> Result:
    """Runs a program to its end; `options` are those of `stream`.

    Raises NotSandboxed where the sandbox could not be built: then nothing was run.
    """
    pieces: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    with stream(argv, stdin=subprocess.PIPE, **options) as program:
        for name, piece in program._pieces(stdin, True):
            pieces[name].append(piece)
        done = program.result
    return Result(exit=done.exit, outcome=done.outcome, stdout=b"".join(pieces["stdout"]),
                  stderr=b"".join(pieces["stderr"]), report=done.report)


def check(policy: Text, *, bailey: Text = "bailey") -> list[Finding]:
    """Puts a policy, preset or filter on trial (`bailey review`); the board's rulings."""
    try:
        done = subprocess.run([os.fspath(bailey), "review", "--format=json", "--fail-on=never",
                               "--", os.fspath(policy)], capture_output=True, check=False)
    except OSError as error:
        raise Error(f"start {os.fspath(bailey)}: {error.strerror}") from error
    if done.returncode != 0:
        raise Error(done.stderr.decode(errors="replace").strip())
    return _findings(json.loads(done.stdout))


def _findings(trial: Mapping[str, Any]) -> list[Finding]:
    impacts = {filed["vulnerability"]: filed["impact"] for filed in trial["security_researcher"]}
    return [Finding(impact=impacts.get(ruling["vulnerability"], ""),
                    **{name: ruling[name] for name in Finding.__dataclass_fields__
                       if name != "impact"})
            for ruling in trial["review_board"]]


class Session:
    """Many programs, one after the other or side by side, with state between them: `bailey mcp serve`.

        with bailey.Session(policy="agent", workdir="project") as session:
            session.write("hello.py", "print('hello')")
            print(session.run(["python3", "hello.py"]).stdout)

    Programs see `workdir` as the policy grants it, and a directory of the session's own as HOME,
    which lasts from one to the next and is thrown away at the end. The options are those of
    `stream`; `pool` takes sandboxes from a pool where there is one. From several threads at once.
    """

    def __init__(self, *, policy: Optional[Text] = None, read: Sequence[Text] = (),
                 write: Sequence[Text] = (), hide: Sequence[Text] = (), net: Optional[str] = None,
                 env: Optional[Mapping[str, Optional[str]]] = None, workdir: Optional[Text] = None,
                 timeout: Optional[float] = None, memory: Optional[str] = None,
                 without: Sequence[str] = (), pool: bool = False, bailey: Text = "bailey"):
        words = [os.fspath(bailey), "mcp", "serve", *(["--pool"] if pool else []),
                 *_options(policy, read, write, hide, net, env or {}, None, timeout, memory, without)]
        self._said = os.memfd_create("said", 0)
        try:
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=self._said, cwd=workdir)
        except OSError as error:
            os.close(self._said)
            raise Error(f"start {os.fspath(bailey)}: {error.strerror}") from error
        self._lock = threading.Lock()
        self._waiting: dict[int, list[Any]] = {}  # by id: an event, and the answer
        self._last = 0
        self._reader = threading.Thread(target=self._read_answers, daemon=True)
        self._reader.start()
        try:
            self._name = self._call("session_start", {})["structuredContent"]["session"]
        except BaseException:
            self.close()
            raise

    def run(self, argv: Sequence[Text], *, stdin: str = "", timeout: Optional[float] = None,
            memory: Optional[str] = None, output: Optional[int] = None) -> Result:
        """Runs a program to its end, with no more time and memory than the session's policy grants.

        What it wrote is text, the beginning and end of what is longer than `output` bytes (64 KiB).
        """
        if isinstance(argv, (str, bytes)):
            raise TypeError("argv: a list of words, not one string")
        arguments: dict[str, Any] = {"argv": [os.fspath(word) for word in argv], "stdin": stdin,
                                     "session": self._name}
        if timeout is not None:
            arguments["timeout"] = f"{max(1, round(timeout * 1000))}ms"
        if memory is not None:
            arguments["memory"] = memory
        if output is not None:
            arguments["output"] = output
        answer = self._call("run", arguments, fails=False)
        done = answer.get("structuredContent", {})
        report = done.get("report")
        if report is None:
            text = answer["content"][0]["text"]
            raise (NotSandboxed if done.get("exit") == _NO_SANDBOX else Error)(
                done.get("stderr", text).strip() or text)
        return Result(exit=done["exit"], outcome=report["outcome"],
                      stdout=done["stdout"].encode(), stderr=done["stderr"].encode(), report=report)

    def read(self, path: Text) -> str:
        """A text file of the workspace: neither `..` nor a symlink leads out of it."""
        return self._text("read", {"path": os.fspath(path)})

    def write(self, path: Text, text: str) -> None:
        self._text("write", {"path": os.fspath(path), "text": text})

    def edit(self, path: Text, old: str, new: str, *, all: bool = False) -> None:
        """Puts `new` in the place of `old`, which has to be there once, or with `all` anywhere."""
        self._text("edit", {"path": os.fspath(path), "old": old, "new": new, "all": all})

    def list(self, path: Text = ".") -> Sequence[Entry]:
        found = self._call("list", {"path": os.fspath(path)})["structuredContent"]["entries"]
        return [Entry(**entry) for entry in found]

    def check(self, policy: Optional[str] = None, *, text: Optional[str] = None) -> Sequence[Finding]:
        """A preset by its name, or the text of a policy, on trial."""
        given = {"policy": policy, "text": text}
        answer = self._call("check", {name: one for name, one in given.items() if one is not None})
        return _findings(answer["structuredContent"])

    def close(self) -> None:
        """Ends what still runs, and throws the session's directory away."""
        if self._said < 0:
            return
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        os.close(self._said)
        self._said = -1

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _text(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return self._call(tool, arguments)["content"][0]["text"]

    def _call(self, tool: str, arguments: Mapping[str, Any], fails: bool = True) -> dict[str, Any]:
        answered = threading.Event()
        with self._lock:
            self._last += 1
            waiting = self._waiting[self._last] = [answered, None]
            request = {"jsonrpc": "2.0", "id": self._last, "method": "tools/call", "params": {
                "name": tool, "arguments": arguments, "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {}}}}
            try:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                pass  # it has ended: the reader says so
            if not self._reader.is_alive():
                answered.set()
        answered.wait()
        answer = waiting[1]
        if answer is None:
            raise Error(self._why_ended())
        if "error" in answer:
            raise Error(answer["error"]["message"])
        if fails and answer["result"].get("isError"):
            raise Error(answer["result"]["content"][0]["text"])
        return answer["result"]

    def _why_ended(self) -> str:
        if self._said < 0:
            return "use session: it is closed"
        text = os.pread(self._said, _CHUNK, 0).decode(errors="replace").strip()
        return text or f"bailey ended with {self._process.wait()}"

    def _read_answers(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer.get("id"), None)
            if waiting is not None:
                waiting[1] = answer
                waiting[0].set()
        with self._lock:
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for one in waiting:
            one[0].set()


def wrap_mcp(server: Mapping[str, Any], *, policy: Optional[Text] = None,
             bailey: Text = "bailey") -> dict[str, Any]:
    """The entry of an MCP client's configuration, so that its server runs behind the wall.

    `server` is such an entry: {"command": ..., "args": [...], "env": {...}}.
    """
    if "command" not in server:
        raise ValueError("wrap MCP server: its entry has no command")
    words = ["mcp", "wrap"]
    if policy is not None:
        words.append(f"--policy={os.fspath(policy)}")
    return {**server, "command": os.fspath(bailey),
            "args": [*words, "--", server["command"], *server.get("args", [])]}
