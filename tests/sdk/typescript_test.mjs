import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";

import { BaileyError, NotSandboxed, check, run, stream, wrapMcp } from "./index.js";

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
