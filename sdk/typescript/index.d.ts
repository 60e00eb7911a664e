// bailey for TypeScript and JavaScript: starts the program `bailey`, which must be installed.
// docs/sdk.md has examples.

import type { Readable, Writable } from "node:stream";

/** The options of `bailey run`. Without a policy it is `untrusted`, with the current directory readable. */
export interface Options {
  /** A preset's name or a policy file's path. */
  policy?: string;
  read?: readonly string[];
  write?: readonly string[];
  hide?: readonly string[];
  net?: string;
  /** `null` passes the caller's own variable on. */
  env?: Readonly<Record<string, string | null>>;
  workdir?: string;
  /** In seconds. */
  timeout?: number;
  /** "512MiB" */
  memory?: string;
  /** Layers to give up, by name. */
  without?: readonly string[];
  /** The program to start; "bailey" where it is not said. */
  bailey?: string;
  /** Ends the program. */
  signal?: AbortSignal;
}

export interface RunOptions extends Options {
  stdin?: string | Uint8Array;
}

/** What was denied, as the report's `audit.calls` says it (docs/schemas/run.schema.json). */
export interface Denial {
  call: string;
  count: number;
  answer: string;
  rule: string;
  /** The line of a policy that would allow it. */
  allow: string;
  /** Guarantees that this line would break. */
  breaks: string[];
}

export type Outcome = "exited" | "signalled" | "memory-limit" | "output-limit" | "time-limit" | "not-found"
  | "not-executable";

/** How a program ended. */
export interface End {
  /** The program's own status, or 128 + signal, 124 when its time was over, 126, 127. */
  exit: number;
  outcome: Outcome;
  /** It ran to its end, and said 0. */
  ok: boolean;
  /** Empty as well where the policy audits nothing. */
  denials: Denial[];
  /** docs/schemas/run.schema.json */
  report: Record<string, unknown>;
}

export interface Result extends End {
  stdout: Buffer;
  /** What bailey has to say about the end stands behind the program's own. */
  stderr: Buffer;
}

/** A ruling of the court on a policy (docs/court.md). */
export interface Finding {
  vulnerability: string;
  impact: string;
  decision: string;
  severity: string;
  recommended_action: string;
  justification: string;
  evidence: { kind: string; ran: string; result: string }[];
}

/** bailey itself did not do what it was asked; the message is what it said. */
export class BaileyError extends Error {}

/** The sandbox could not be built as the policy says. The program was not started. */
export class NotSandboxed extends BaileyError {}

/** A program that runs. */
export interface Running {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settled when it has ended and its streams are read; rejected where it never ran. */
  readonly end: Promise<End>;
  /** Passed on to the program. */
  kill(signal?: NodeJS.Signals): void;
}

/** Runs a program to its end. Rejects with NotSandboxed where nothing was run. */
export function run(argv: readonly string[], options?: RunOptions): Promise<Result>;

/** Starts a program; what it writes is had as it comes. */
export function stream(argv: readonly string[], options?: Options): Running;

/** Puts a policy, preset or filter on trial (`bailey review`); the board's rulings. */
export function check(policy: string, options?: { bailey?: string }): Promise<Finding[]>;

/** What stands in a directory of a session's workspace. */
export interface Entry {
  name: string;
  /** "file", "directory", "symlink", ... */
  kind: string;
  size: number;
}

/** As `Options`; `workdir` is the workspace, and `timeout` and `memory` bound each program. */
export interface SessionOptions extends Omit<Options, "signal"> {
  /** Sandboxes come from a pool, where there is one. */
  pool?: boolean;
}

/** No more than the session's policy grants. */
export interface SessionRunOptions {
  stdin?: string;
  /** In seconds. */
  timeout?: number;
  memory?: string;
  /** Of each stream, the beginning and end of what is longer; 64 KiB where it is not said. */
  output?: number;
}

/**
 * Many programs, one after the other or side by side, with state between them (`bailey mcp serve`).
 * They see the workspace as the policy grants it, and a directory of the session's own as HOME, which
 * lasts from one to the next and is thrown away at the end.
 */
export interface Session {
  /** What was written is text. Rejects with NotSandboxed where nothing was run. */
  run(argv: readonly string[], options?: SessionRunOptions): Promise<Result>;
  /** A text file of the workspace: neither `..` nor a symlink leads out of it. */
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Puts `text` in the place of `old`, which has to be there once, or with `all` anywhere. */
  edit(path: string, old: string, text: string, options?: { all?: boolean }): Promise<void>;
  list(path?: string): Promise<Entry[]>;
  /** A preset by its name, or the text of a policy, on trial. */
  check(policy: { policy: string } | { text: string }): Promise<Finding[]>;
  /** Ends what still runs, and throws the session's directory away. */
  close(): Promise<void>;
}

export function openSession(options?: SessionOptions): Promise<Session>;

/** An entry of an MCP client's configuration. */
export interface McpServer {
  command: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  [key: string]: unknown;
}

/** The same entry, so that its server runs behind the wall. */
export function wrapMcp(server: McpServer, options?: { policy?: string; bailey?: string }): McpServer;
