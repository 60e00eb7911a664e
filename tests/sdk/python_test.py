import json
import os
import pathlib
import signal
import unittest

import bailey


class Run(unittest.TestCase):
    def test_gives_what_the_program_wrote_and_said(self):
        done = bailey.run(["sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"x" * 300_000)
        self.assertEqual((done.exit, done.outcome, done.ok), (3, "exited", False))
        self.assertEqual(done.stdout, b"x" * 300_000)
        self.assertEqual(done.stderr, b"oops\n")
        self.assertTrue(bailey.run(["true"]).ok)

    def test_holds_the_program_to_its_policy(self):
        pathlib.Path("seen").write_text("seen")
        done = bailey.run(["sh", "-c", "cat seen; echo no > seen; echo yes > kept/file"],
                          policy="untrusted", read=["."], write=[pathlib.Path("kept")]
                          if pathlib.Path("kept").mkdir() is None else [])
        self.assertEqual(done.stdout, b"seen")
        self.assertEqual(pathlib.Path("seen").read_text(), "seen")
        self.assertEqual(pathlib.Path("kept/file").read_text(), "yes\n")
        self.assertIn("seccomp", {layer["layer"] for layer in done.report["enforced"]})

    def test_passes_variables_on_and_sets_them(self):
        os.environ["GIVEN"] = "1"
        done = bailey.run(["env"], env={"GIVEN": None, "SET": "two words"})
        self.assertIn(b"GIVEN=1\n", done.stdout)
        self.assertIn(b"SET=two words\n", done.stdout)

    def test_ends_a_program_whose_time_is_over(self):
        done = bailey.run(["sleep", "60"], timeout=0.2)
        self.assertEqual((done.exit, done.outcome), (124, "time-limit"))

    def test_says_when_nothing_was_run(self):
        for options, text in [({"policy": "/none.toml"},
                               'bailey run: read policy "/none.toml": No such file or directory'),
                              ({"read": ["/none"]},
                               "bailey run: show /none: No such file or directory")]:
            with self.assertRaises(bailey.NotSandboxed) as caught:
                bailey.run(["touch", "ran"], **options)
            self.assertEqual(str(caught.exception), text)
        with self.assertRaises(bailey.Error) as caught:
            bailey.run(["true"], bailey="/none/bailey")
        self.assertEqual(str(caught.exception), "start /none/bailey: No such file or directory")
        self.assertFalse(pathlib.Path("ran").exists())
        with self.assertRaises(TypeError):
            bailey.run("true")

    def test_says_what_was_not_found(self):
        self.assertEqual(bailey.run(["none-such"]).outcome, "not-found")


class Stream(unittest.TestCase):
    def test_gives_pieces_as_they_come(self):
        with bailey.stream(["sh", "-c", "echo one; read line; echo $line >&2"],
                           stdin=-1) as program:
            pieces = iter(program)
            self.assertEqual(next(pieces), ("stdout", b"one\n"))
            with self.assertRaises(bailey.Error):
                program.result
            program.stdin.write(b"two\n")
            program.stdin.flush()
            self.assertEqual(next(pieces), ("stderr", b"two\n"))
            self.assertEqual(list(pieces), [])
            self.assertEqual(program.result.exit, 0)

    def test_ends_what_still_runs(self):
        with bailey.stream(["sh", "-c", "echo one; sleep 600"]) as program:
            next(iter(program))
            pid = program.pid
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    def test_passes_signals_on(self):
        with bailey.stream(["sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; sleep 600 & wait"]) as program:
            pieces = iter(program)
            next(pieces)
            os.kill(program.pid, signal.SIGTERM)
            self.assertEqual(next(pieces), ("stdout", b"caught\n"))
            list(pieces)
            self.assertEqual(program.result.exit, 7)


class Check(unittest.TestCase):
    def test_gives_the_boards_rulings(self):
        findings = bailey.check("flatpak")
        self.assertIn("valid", {finding.decision for finding in findings})
        self.assertTrue(all(finding.impact and finding.evidence for finding in findings))
        # The court finds nothing to blame in a policy that keeps what untrusted code needs.
        self.assertEqual({"low", "none"} | {finding.severity for finding in bailey.check("agent")},
                         {"low", "none"})
        with self.assertRaises(bailey.Error):
            bailey.check("none-such")


class WrapMcp(unittest.TestCase):
    def test_puts_the_server_behind_the_wall(self):
        entry = {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "t"}}
        self.assertEqual(bailey.wrap_mcp(entry, policy="agent"),
                         {"command": "bailey",
                          "args": ["mcp", "wrap", "--policy=agent", "--", "npx", "-y", "server"],
                          "env": {"TOKEN": "t"}})
        self.assertEqual(bailey.wrap_mcp({"command": "s"})["args"], ["mcp", "wrap", "--", "s"])
        with self.assertRaises(ValueError):
            bailey.wrap_mcp({"url": "http://127.0.0.1/"})


class Denials(unittest.TestCase):
    def test_are_read_from_the_report(self):
        call = {"count": 2, "call": "mount", "answer": "EPERM", "rule": "r", "allow": "a",
                "breaks": ["no-mount"], "undecided": []}
        done = bailey.Result(0, "exited", b"", b"", json.loads(json.dumps({"audit": {"calls": [call]}})))
        self.assertEqual(done.denials, [bailey.Denial("mount", 2, "EPERM", "r", "a", ["no-mount"])])


if __name__ == "__main__":
    unittest.main()
