#!/usr/bin/python3
"""An MCP server that speaks one era of the protocol and refuses the other, for tests. It is started
inside sandboxes, so it uses the standard library alone.

    eras_server.py session [VERSION]    begins with initialize (2025-06-18, 2025-11-25)
    eras_server.py stateless            2026-07-28
    eras_server.py neither
"""

import json
import sys

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
FORM = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {
    "name": {"type": "string"}}}}
TOOLS = [{"name": name, "description": name, "inputSchema": {"type": "object"}}
         for name in ("echo", "big", "ask", "change")]


def send(message):
    number = {"id": message.pop("id")} if "id" in message else {}  # last, as the official library has it
    sys.stdout.write(json.dumps(message | {"jsonrpc": "2.0"} | number) + "\n")
    sys.stdout.flush()


def error(request, code, text, **more):
    send({"id": request["id"], "error": {"code": code, "message": text} | more})


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def tool(params):
    if params["name"] == "echo":
        return text(json.dumps(params.get("arguments", {})))
    if params["name"] == "big":
        return text("x" * 6_000_000)
    if params["name"] == "change":
        TOOLS[0]["description"] += "!"
        send({"method": "notifications/tools/list_changed"})
        return text("changed")
    raise KeyError(params["name"])


def resource(uri):
    return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": "resource"}]}


class Session:
    def __init__(self, version):
        self.version, self.level, self.begun, self.waiting = version, None, False, {}

    def take(self, message):
        if "method" not in message:
            request = self.waiting.pop(message["id"])
            result = message.get("result", {"failed": message.get("error", {}).get("message")})
            return send({"id": request["id"], "result": text(json.dumps(result))})
        if "id" not in message:
            self.begun = self.begun or message["method"] == "notifications/initialized"
            return None
        method, params = message["method"], message.get("params", {})
        if VERSION in params.get("_meta", {}):
            return error(message, -32602, "what is this")
        if method == "initialize":
            return send({"id": message["id"], "result": {
                "protocolVersion": self.version, "serverInfo": {"name": "session", "version": "1"},
                "capabilities": {"tools": {"listChanged": True}, "logging": {}, "resources": {}}}})
        if not self.begun:
            return error(message, -32600, "initialize comes first")
        if method == "logging/setLevel":
            self.level = params["level"]
            return send({"id": message["id"], "result": {}})
        if method == "tools/list":
            return send({"id": message["id"], "result": {"tools": TOOLS}})
        if method == "resources/read":
            if params["uri"] != "test:a":
                return error(message, -32002, "no such resource")
            return send({"id": message["id"], "result": resource(params["uri"])})
        if method == "ping":
            return send({"id": message["id"], "result": {}})
        if method != "tools/call":
            return error(message, -32601, "no such method")
        if params["name"] == "ask":
            self.waiting["question"] = message
            return send({"id": "question", "method": "elicitation/create", "params": FORM})
        if self.level:
            send({"method": "notifications/message",
                  "params": {"level": self.level, "data": "called"}})
        return send({"id": message["id"], "result": tool(params)})


class Stateless:
    def take(self, message):
        if "method" not in message or "id" not in message:
            return None
        method, params = message["method"], message.get("params", {})
        meta = params.get("_meta", {})
        if meta.get(VERSION) != "2026-07-28" or CAPABILITIES not in meta:
            return error(message, -32022, "only 2026-07-28 is spoken here",
                         data={"supported": ["2026-07-28"]})
        if method == "server/discover":
            return self.done(message, {
                "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}, "resources": {}},
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "1"}},
                "ttlMs": 0, "cacheScope": "private"})
        if method == "tools/list":
            return self.done(message, {"tools": TOOLS, "ttlMs": 0, "cacheScope": "public"})
        if method == "resources/read":
            return self.done(message, resource(params["uri"]) | {"ttlMs": 0, "cacheScope": "public"})
        if method != "tools/call":
            return error(message, -32601, "no such method")
        if params["name"] != "ask":
            return self.done(message, tool(params))
        if "elicitation" not in meta[CAPABILITIES]:
            return error(message, -32021, "elicitation is needed")
        if "requestState" not in params:
            return send({"id": message["id"], "result": {
                "resultType": "input_required", "requestState": "a state",
                "inputRequests": {"who": {"method": "elicitation/create", "params": FORM}}}})
        if params["requestState"] != "a state":
            return error(message, -32602, "whose state is this")
        return self.done(message, text(json.dumps(params["inputResponses"]["who"])))

    def done(self, message, result):
        send({"id": message["id"], "result": {"resultType": "complete"} | result})


class Neither:
    def take(self, message):
        if "id" in message and "method" in message:
            error(message, -32601, "nothing is spoken here")


def main():
    era = sys.argv[1]
    if era == "session":
        server = Session(sys.argv[2] if len(sys.argv) > 2 else "2025-11-25")
    else:
        server = {"stateless": Stateless, "neither": Neither}[era]()
    for line in sys.stdin:
        server.take(json.loads(line))


if __name__ == "__main__":
    main()
