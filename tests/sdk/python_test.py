import json
import os
import pathlib
import signal
import threading
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


class Session(unittest.TestCase):
    def test_keeps_state_between_programs_and_throws_it_away(self):
        with bailey.Session(policy="agent") as session:
            done = session.run(["sh", "-c", "echo kept > ~/file; echo ~; pwd; cat"], stdin="in\u00e9")
            self.assertEqual((done.exit, done.outcome, done.ok), (0, "exited", True))
            home, workspace, rest = done.stdout.decode().split("\n")
            self.assertEqual((workspace, rest), (os.getcwd(), "in\u00e9"))
            self.assertEqual(session.run(["sh", "-c", "cat ~/file"]).stdout, b"kept\n")
            self.assertIn("seccomp", {layer["layer"] for layer in done.report["enforced"]})
            self.assertEqual(list(done.denials), [])
        with bailey.Session(policy="agent") as session:
            self.assertEqual(session.run(["sh", "-c", "ls -A ~"]).stdout, b"")
        with self.assertRaisesRegex(bailey.Error, "it is closed"):
            session.read("a")

    def test_has_the_files_of_its_workspace(self):
        pathlib.Path("place").mkdir()
        with bailey.Session(policy="agent", workdir="place") as session:
            session.write("a.txt", "one two\n")
            session.edit("a.txt", "two", "three")
            self.assertEqual(session.read("a.txt"), "one three\n")
            self.assertEqual(session.list(), [bailey.Entry("a.txt", "file", 10)])
            self.assertEqual(session.run(["cat", "a.txt"]).stdout, b"one three\n")
            with self.assertRaisesRegex(bailey.Error, "leads out of the workspace"):
                session.read("../seen")
        self.assertEqual(pathlib.Path("place/a.txt").read_text(), "one three\n")

    def test_holds_programs_to_limits_and_says_how_they_ended(self):
        with bailey.Session() as session:
            self.assertEqual(session.run(["sh", "-c", "exit 3"]).exit, 3)
            done = session.run(["sleep", "60"], timeout=0.2)
            self.assertEqual((done.exit, done.outcome), (124, "time-limit"))
            self.assertEqual(session.run(["none-such"]).outcome, "not-found")
            done = session.run(["sh", "-c", "yes | head -c 100000"], output=1000)
            self.assertLess(len(done.stdout), 2000)
            with self.assertRaises(TypeError):
                session.run("true")

    def test_runs_side_by_side(self):
        with bailey.Session(policy="agent") as session:
            # Each waits for the other.
            meet = "touch {0}; while [ ! -e {1} ]; do sleep 0.05; done; echo {0}"
            done = {}
            threads = [threading.Thread(target=lambda a=a, b=b: done.update({
                a: session.run(["sh", "-c", meet.format(a, b)]).stdout}))
                for a, b in (("left", "right"), ("right", "left"))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(done, {"left": b"left\n", "right": b"right\n"})

    def test_puts_policies_on_trial(self):
        with bailey.Session() as session:
            self.assertTrue(session.check(text="bailey = 1\nextends = [\"allow-all\"]\n"))
            with self.assertRaises(bailey.Error):
                session.check("none-such")

    def test_says_why_it_cannot_begin(self):
        with self.assertRaisesRegex(bailey.Error, "none-such"):
            bailey.Session(policy="none-such")
        with self.assertRaisesRegex(bailey.Error, "start /none/bailey"):
            bailey.Session(bailey="/none/bailey")


if __name__ == "__main__":
    unittest.main()
