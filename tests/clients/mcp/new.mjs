// The official client that can do without a handshake, and does where ERA says so (a version), or
// where the server can as well: what it hears, as one line of JSON.
//   node new.mjs CALLS COMMAND [ARGUMENTS], or CALLS URL
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [calls, command, ...args] = process.argv.slice(2);
const mode = process.env.ERA ? { pin: process.env.ERA } : "auto";
const client = new Client({ name: "tests", version: "1" }, { versionNegotiation: { mode } });
await client.connect(
  command.startsWith("http://")
    ? new StreamableHTTPClientTransport(new URL(command))
    : new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" }),
);
const heard = [await client.listTools()];
for (const call of JSON.parse(calls)) {
  heard.push(await client.callTool(call).catch((error) => ({ thrown: error.message })));
}
console.log(JSON.stringify(heard));
await client.close();
