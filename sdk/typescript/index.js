// See index.d.ts for what each is, and docs/sdk.md for examples.
import { spawn } from "node:child_process";
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
  const said = JSON.parse(text);
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
  const trial = JSON.parse(stdout);
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

export function wrapMcp(server, options = {}) {
  if (!server.command) throw new TypeError("wrap MCP server: its entry has no command");
  const policy = options.policy === undefined ? [] : [`--policy=${options.policy}`];
  return {
    ...server,
    command: options.bailey ?? "bailey",
    args: ["mcp", "wrap", ...policy, "--", server.command, ...(server.args ?? [])],
  };
}
