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
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Sequence, Tuple, Union

__all__ = ["Denial", "Error", "Finding", "NotSandboxed", "Result", "Stream", "check", "run",
           "stream", "wrap_mcp"]

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
    trial = json.loads(done.stdout)
    impacts = {filed["vulnerability"]: filed["impact"] for filed in trial["security_researcher"]}
    return [Finding(impact=impacts.get(ruling["vulnerability"], ""),
                    **{name: ruling[name] for name in Finding.__dataclass_fields__
                       if name != "impact"})
            for ruling in trial["review_board"]]


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
