import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";

import { BaileyError, NotSandboxed, check, openSession, run, stream, wrapMcp } from "./index.js";

test("run gives what the program wrote and said", async () => {
  const stdin = Buffer.alloc(300_000, "x");
  const done = await run(["sh", "-c", "cat; echo oops >&2; exit 3"], { stdin });
  assert.deepEqual([done.exit, done.outcome, done.ok], [3, "exited", false]);
  assert.ok(done.stdout.equals(stdin));
  assert.equal(done.stderr.toString(), "oops\n");
  assert.ok((await run(["true"])).ok);
});

test("run holds the program to its policy", async () => {
  writeFileSync("seen.ts", "seen");
  mkdirSync("kept.ts");
  const done = await run(["sh", "-c", "cat seen.ts; echo no > seen.ts; echo yes > kept.ts/file"],
    { policy: "untrusted", read: ["."], write: ["kept.ts"] });
  assert.equal(done.stdout.toString(), "seen");
  assert.equal(readFileSync("seen.ts", "utf8"), "seen");
  assert.equal(readFileSync("kept.ts/file", "utf8"), "yes\n");
  assert.ok(done.report.enforced.some(({ layer }) => layer === "seccomp"));
});

test("run passes variables on and sets them", async () => {
  process.env.GIVEN = "1";
  const { stdout } = await run(["env"], { env: { GIVEN: null, SET: "two words" } });
  assert.match(stdout.toString(), /^GIVEN=1$/m);
  assert.match(stdout.toString(), /^SET=two words$/m);
});

test("run ends a program whose time is over", async () => {
  const done = await run(["sleep", "60"], { timeout: 0.2 });
  assert.deepEqual([done.exit, done.outcome], [124, "time-limit"]);
});

test("run says when nothing was run", async () => {
  await assert.rejects(run(["touch", "ran.ts"], { policy: "/none.toml" }), (error) =>
    error instanceof NotSandboxed &&
    error.message === 'bailey run: read policy "/none.toml": No such file or directory');
  await assert.rejects(run(["true"], { bailey: "/none/bailey" }), (error) =>
    error instanceof BaileyError && error.message.startsWith("start /none/bailey: "));
  assert.ok(!existsSync("ran.ts"));
  assert.throws(() => stream("true"), TypeError);
});

test("run can be aborted", async () => {
  const abort = new AbortController();
  const program = stream(["sh", "-c", "echo ready; sleep 600"], { signal: abort.signal });
  program.stdout.once("data", () => abort.abort());
  await assert.rejects(program.end, { name: "AbortError" });
});

test("stream gives pieces as they come, and passes signals on", async () => {
  const program =
    stream(["sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; sleep 600 & wait"]);
  let text = "";
  for await (const piece of program.stdout) {
    text += piece;
    if (text === "ready\n") program.kill();
  }
  assert.equal(text, "ready\ncaught\n");
  const end = await program.end;
  assert.deepEqual([end.exit, end.denials], [7, []]);
});

test("check gives the board's rulings", async () => {
  const findings = await check("flatpak");
  assert.ok(findings.some(({ decision }) => decision === "valid"));
  assert.ok(findings.every(({ impact, evidence }) => impact !== "" && evidence.length > 0));
  await assert.rejects(check("none-such"), BaileyError);
});

test("wrapMcp puts the server behind the wall", () => {
  assert.deepEqual(
    wrapMcp({ command: "npx", args: ["-y", "server"], env: { TOKEN: "t" } }, { policy: "agent" }),
    {
      command: "bailey",
      args: ["mcp", "wrap", "--policy=agent", "--", "npx", "-y", "server"],
      env: { TOKEN: "t" },
    });
  assert.throws(() => wrapMcp({ url: "http://127.0.0.1/" }), TypeError);
});

test("a session keeps state between programs and throws it away", async () => {
  const session = await openSession({ policy: "agent" });
  const done = await session.run(["sh", "-c", "echo kept > ~/file; cat"], { stdin: "in\u00e9" });
  assert.deepEqual([done.exit, done.outcome, done.ok], [0, "exited", true]);
  assert.equal(done.stdout.toString(), "in\u00e9");
  assert.ok(done.report.enforced.some(({ layer }) => layer === "seccomp"));
  assert.equal((await session.run(["sh", "-c", "cat ~/file"])).stdout.toString(), "kept\n");
  await session.close();
  await assert.rejects(session.read("a"), /it is closed/);
  const other = await openSession({ policy: "agent" });
  assert.equal((await other.run(["sh", "-c", "ls -A ~"])).stdout.toString(), "");
  await other.close();
});

test("a session has the files of its workspace", async () => {
  mkdirSync("place.ts");
  const session = await openSession({ policy: "agent", workdir: "place.ts" });
  await session.write("a.txt", "one two\n");
  await session.edit("a.txt", "two", "three");
  assert.equal(await session.read("a.txt"), "one three\n");
  assert.deepEqual(await session.list(), [{ name: "a.txt", kind: "file", size: 10 }]);
  await assert.rejects(session.read("../seen.ts"), /leads out of the workspace/);
  await session.close();
  assert.equal(readFileSync("place.ts/a.txt", "utf8"), "one three\n");
});

test("a session holds programs to limits, side by side", async () => {
  const session = await openSession({ policy: "agent" });
  const meet = (a, b) => session.run(
    ["sh", "-c", `touch ${a}; while [ ! -e ${b} ]; do sleep 0.05; done; echo ${a}`]);
  const met = await Promise.all([meet("left.ts", "right.ts"), meet("right.ts", "left.ts")]);
  assert.deepEqual(met.map(({ stdout }) => stdout.toString()), ["left.ts\n", "right.ts\n"]);
  const late = await session.run(["sleep", "60"], { timeout: 0.2 });
  assert.deepEqual([late.exit, late.outcome], [124, "time-limit"]);
  assert.equal((await session.run(["none-such"])).outcome, "not-found");
  assert.ok((await session.check({ text: 'bailey = 1\nextends = ["allow-all"]\n' })).length > 0);
  await assert.rejects(session.run("true"), TypeError);
  await session.close();
});

test("a session says why it cannot begin", async () => {
  await assert.rejects(openSession({ policy: "none-such" }), /none-such/);
  await assert.rejects(openSession({ bailey: "/none/bailey" }), /start \/none\/bailey/);
});
