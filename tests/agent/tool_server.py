"""An MCP server for the agent's tests: files, and a few ways to misbehave."""

import json
import os
import pathlib
import sys
import time


def tool(name, **properties):
    return {"name": name, "description": f"The tool {name}.",
            "inputSchema": {"type": "object", "required": list(properties),
                            "additionalProperties": False, "properties": properties}}


TEXT = {"type": "string"}
TOOLS = [tool("read", path=TEXT), tool("write", path=TEXT, text=TEXT), tool("remove", path=TEXT),
         tool("long", size={"type": "integer", "minimum": 1}), tool("die"), tool("hang")]


def call(name, arguments):
    if name == "read":
        return pathlib.Path(arguments["path"]).read_text()
    if name == "write":
        pathlib.Path(arguments["path"]).write_text(arguments["text"])
        return "written"
    if name == "remove":
        os.unlink(arguments["path"])
        return "removed"
    if name == "long":
        return "x" * arguments["size"]
    if name == "die":
        os._exit(3)
    time.sleep(3600)
    return ""


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "tools", "version": "1"}}
    if method == "tools/list":
        # In pages of two.
        start = int(params.get("cursor", "0"))
        page = {"tools": TOOLS[start:start + 2]}
        return page | ({"nextCursor": str(start + 2)} if start + 2 < len(TOOLS) else {})
    if method == "tools/call":
        try:
            text, failed = call(params["name"], params["arguments"]), False
        except OSError as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}
    return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = answer(message["method"], message.get("params", {}))
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        reply["error"] = {"code": -32601, "message": "no such method"}
    else:
        reply["result"] = result
    print(json.dumps(reply), flush=True)
