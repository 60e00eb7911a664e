// See index.d.ts for what each is, and docs/sdk.md for examples.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { buffer } from "node:stream/consumers";

const NO_SANDBOX = 125; // the program never ran (docs/run.md)
const REPORT = 3; // the descriptor that takes the report

export class BaileyError extends Error {}
export class NotSandboxed extends BaileyError {}

function toWords(options) {
  const words = [];
  for (const name of ["policy", "net", "workdir", "memory"]) {
    if (options[name] !== undefined) words.push(`--${name}=${options[name]}`);
  }
  if (options.timeout !== undefined)
    words.push(`--timeout=${Math.max(1, Math.round(options.timeout * 1000))}ms`);
  for (const name of ["read", "write", "hide", "without"]) {
    for (const value of options[name] ?? []) words.push(`--${name}=${value}`);
  }
  for (const [name, value] of Object.entries(options.env ?? {}))
    words.push(value === null ? `--env=${name}` : `--env=${name}=${value}`);
  return words;
}

function start(program, words, stdio, signal) {
  const child = spawn(program, words, { stdio, signal });
  const ended = new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(error.name === "AbortError" ? error
                                         : new BaileyError(`start ${program}: ${error.message}`)));
    child.once("close", (status, name) => resolve({ status, name }));
  });
  return { child, ended };
}

const denialOf = ({ call, count, answer, rule, allow, breaks }) =>
  ({ call, count, answer, rule, allow, breaks });

async function endOf(ended, report, tail) {
  const { status, name } = await ended;
  const text = (await report).toString();
  if (text === "") {
    const why = tail().trim().split("\n").at(-1) || `bailey ended with ${status ?? name}`;
    throw new (status === NO_SANDBOX ? NotSandboxed : BaileyError)(why);
  }
  return resultOf(JSON.parse(text));
}

function resultOf(said) {
  return {
    exit: said.exit,
    outcome: said.outcome,
    ok: said.outcome === "exited" && said.exit === 0,
    denials: (said.audit?.calls ?? []).map(denialOf),
    report: said,
  };
}

export function stream(argv, options = {}) {
  if (!Array.isArray(argv)) throw new TypeError("argv: a list of words");
  const { child, ended } = start(
    options.bailey ?? "bailey",
    ["run", `--json-fd=${REPORT}`, ...toWords(options), "--", ...argv],
    ["pipe", "pipe", "pipe", "pipe"], options.signal);
  let tail = "";
  child.stderr.on("data", (piece) => (tail = (tail + piece).slice(-65536)));
  child.stdin.on("error", () => {}); // the program has closed it, or ended
  const end = endOf(ended, buffer(child.stdio[REPORT]), () => tail);
  end.catch(() => {}); // for who never asks
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    end,
    kill: (signal = "SIGTERM") => void child.kill(signal),
  };
}

export async function run(argv, options = {}) {
  const program = stream(argv, options);
  program.stdin.end(options.stdin ?? "");
  const [stdout, stderr, end] =
    await Promise.all([buffer(program.stdout), buffer(program.stderr), program.end]);
  return { ...end, stdout, stderr };
}

export async function check(policy, options = {}) {
  const { child, ended } = start(options.bailey ?? "bailey",
    ["review", "--format=json", "--fail-on=never", "--", policy], ["ignore", "pipe", "pipe"]);
  const [stdout, stderr, { status }] =
    await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  if (status !== 0) throw new BaileyError(stderr.toString().trim());
  return findingsOf(JSON.parse(stdout));
}

function findingsOf(trial) {
  const impacts = new Map(trial.security_researcher.map((one) => [one.vulnerability, one.impact]));
  return trial.review_board.map((ruling) => ({
    vulnerability: ruling.vulnerability,
    impact: impacts.get(ruling.vulnerability) ?? "",
    decision: ruling.decision,
    severity: ruling.severity,
    recommended_action: ruling.recommended_action,
    justification: ruling.justification,
    evidence: ruling.evidence,
  }));
}

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

class Session {
  #child;
  #ended;
  #waiting = new Map();
  #last = 0;
  #said = "";
  #name;

  constructor(options) {
    const { workdir, bailey = "bailey", pool, ...rest } = options;
    const words = ["mcp", "serve", ...(pool ? ["--pool"] : []), ...toWords(rest)];
    this.#child = spawn(bailey, words, { stdio: ["pipe", "pipe", "pipe"], cwd: workdir });
    this.#child.stdin.on("error", () => {}); // it has ended, which is said below
    this.#child.stderr.on("data", (piece) => (this.#said = (this.#said + piece).slice(-65536)));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    this.#ended = new Promise((resolve) => {
      const end = (why) => {
        for (const { reject } of this.#waiting.values()) reject(new BaileyError(why));
        this.#waiting.clear();
        resolve(why);
      };
      this.#child.once("error", (error) => end(`start ${bailey}: ${error.message}`));
      this.#child.once("close", (status, name) =>
        end(this.#said.trim() || `bailey ended with ${status ?? name}`));
    });
  }

  async begin() {
    this.#name = (await this.#call("session_start", {})).structuredContent.session;
    return this;
  }

  async #call(tool, args, fails = true) {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || !this.#child.stdin.writable)
      throw new BaileyError(`use session: it is closed${this.#said && `: ${this.#said.trim()}`}`);
    const id = ++this.#last;
    const params = { name: tool, arguments: args, _meta: META };
    const answer = await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const request = { jsonrpc: "2.0", id, method: "tools/call", params };
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (answer.error) throw new BaileyError(answer.error.message);
    if (fails && answer.result.isError) throw new BaileyError(answer.result.content[0].text);
    return answer.result;
  }

  async run(argv, options = {}) {
    if (!Array.isArray(argv)) throw new TypeError("argv: a list of words");
    const { stdin = "", timeout, memory, output } = options;
    const args = { argv, stdin, session: this.#name };
    if (timeout !== undefined) args.timeout = `${Math.max(1, Math.round(timeout * 1000))}ms`;
    if (memory !== undefined) args.memory = memory;
    if (output !== undefined) args.output = output;
    const { structuredContent: done = {}, content } = await this.#call("run", args, false);
    if (!done.report) {
      const why = done.stderr?.trim() || content[0].text;
      throw new (done.exit === NO_SANDBOX ? NotSandboxed : BaileyError)(why);
    }
    const { report } = done;
    return { ...resultOf(report), exit: done.exit, stdout: Buffer.from(done.stdout),
             stderr: Buffer.from(done.stderr) };
  }

  async read(path) {
    return (await this.#call("read", { path })).content[0].text;
  }

  async write(path, text) {
    await this.#call("write", { path, text });
  }

  async edit(path, old, text, { all = false } = {}) {
    await this.#call("edit", { path, old, new: text, all });
  }

  async list(path = ".") {
    return (await this.#call("list", { path })).structuredContent.entries;
  }

  async check(policy) {
    return findingsOf((await this.#call("check", policy)).structuredContent);
  }

  async close() {
    this.#child.stdin.end();
    await this.#ended;
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.close();
  }
}

export async function openSession(options = {}) {
  const session = new Session(options);
  try {
    return await session.begin();
  } catch (error) {
    await session.close();
    throw error;
  }
}

export function wrapMcp(server, options = {}) {
  if (!server.command) throw new TypeError("wrap MCP server: its entry has no command");
  const policy = options.policy === undefined ? [] : [`--policy=${options.policy}`];
  return {
    ...server,
    command: options.bailey ?? "bailey",
    args: ["mcp", "wrap", ...policy, "--", server.command, ...(server.args ?? [])],
  };
}
