// The official client of the eras with a handshake: what it hears, as one line of JSON.
//   node old.mjs CALLS COMMAND [ARGUMENTS], or CALLS URL
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [calls, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "tests", version: "1" }, { capabilities: {} });
await client.connect(
  command.startsWith("http://")
    ? new StreamableHTTPClientTransport(new URL(command))
    : new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" }),
);
const heard = [client.getServerVersion(), await client.listTools()];
for (const call of JSON.parse(calls)) {
  heard.push(await client.callTool(call).catch((error) => ({ thrown: error.message })));
}
console.log(JSON.stringify(heard));
await client.close();
