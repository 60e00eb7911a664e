#!/usr/bin/python3
"""A server with the tools, resources and prompts that @modelcontextprotocol/conformance asks for. It
is started inside a sandbox, so it uses the standard library alone."""

import json
import sys
import time

PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5Er"
       "kJggg==")
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
STEP = 0.05


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def text(value):
    return {"type": "text", "text": value}


def image():
    return {"type": "image", "data": PNG, "mimeType": "image/png"}


def resource(uri, kind, value):
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": value}}


def content(*parts):
    return {"content": list(parts)}


asked = 0


def ask(method, params):
    """A question to the client; notices that come meanwhile are passed over."""
    global asked
    asked += 1
    send({"id": f"question-{asked}", "method": method, "params": params})
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == f"question-{asked}" and "method" not in message:
            if "error" in message:
                raise ValueError(message["error"]["message"])
            return message["result"]
        if "method" in message and "id" in message:
            waiting.append(message)
    sys.exit(0)


waiting = []


def logging(params):
    for step, words in enumerate(("Tool execution started", "Tool processing data",
                                  "Tool execution completed")):
        if step:
            time.sleep(STEP)
        send({"method": "notifications/message",
              "params": {"level": "info", "logger": "conformance", "data": words}})
    return content(text("Tool with logging executed successfully"))


def progress(params):
    token = params.get("_meta", {}).get("progressToken")
    for step in (0, 50, 100):
        if token is not None:
            send({"method": "notifications/progress",
                  "params": {"progressToken": token, "progress": step, "total": 100}})
        time.sleep(STEP)
    return content(text(str(token)))


def sampling(params):
    prompt = params["arguments"]["prompt"]
    said = ask("sampling/createMessage", {
        "messages": [{"role": "user", "content": text(prompt)}], "maxTokens": 100})
    return content(text("LLM response: " + said["content"].get("text", "")))


def elicit(message, properties, required, form):
    said = ask("elicitation/create", {
        "message": message,
        "requestedSchema": {"type": "object", "properties": properties, "required": required}})
    return content(text(form.format(said["action"], json.dumps(said.get("content", {})))))


def elicitation(params):
    return elicit(params["arguments"]["message"], {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"}},
        ["username", "email"], "User response: action={}, content={}")


COMPLETED = "Elicitation completed: action={}, content={}"


def defaults(params):
    return elicit("Please review and update the form fields with defaults", {
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "description": "Verified", "default": True}}, [], COMPLETED)


def enums(params):
    plain = ["option1", "option2", "option3"]

    def titled(word):
        return [{"const": f"value{number}", "title": f"{count} {word}"}
                for number, count in enumerate(("First", "Second", "Third"), 1)]
    return elicit("Please select options from the enum fields", {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
                       "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}}}, [], COMPLETED)


def fails(params):
    return {"isError": True} | content(text("This tool intentionally returns an error for testing"))


def reconnection(params):
    time.sleep(2 * STEP)
    return content(text("Reconnection test completed successfully"))


def string_argument(name):
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


NOTHING = {"type": "object", "properties": {}}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"},
                                                           "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False}
TOOLS = {
    "test_simple_text": (NOTHING, lambda params: content(
        text("This is a simple text response for testing."))),
    "test_image_content": (NOTHING, lambda params: content(image())),
    "test_audio_content": (NOTHING, lambda params: content(
        {"type": "audio", "data": WAV, "mimeType": "audio/wav"})),
    "test_embedded_resource": (NOTHING, lambda params: content(resource(
        "test://embedded-resource", "text/plain", "This is an embedded resource content."))),
    "test_multiple_content_types": (NOTHING, lambda params: content(
        text("Multiple content types test:"), image(), resource(
            "test://mixed-content-resource", "application/json", '{"test":"data","value":123}'))),
    "test_tool_with_logging": (NOTHING, logging),
    "test_tool_with_progress": (NOTHING, progress),
    "test_error_handling": (NOTHING, fails),
    "test_reconnection": (NOTHING, reconnection),
    "test_sampling": (string_argument("prompt"), sampling),
    "test_elicitation": (string_argument("message"), elicitation),
    "test_elicitation_sep1034_defaults": (NOTHING, defaults),
    "test_elicitation_sep1330_enums": (NOTHING, enums),
    "json_schema_2020_12_tool": (SCHEMA, lambda params: content(text("ok"))),
}
RESOURCES = {
    "test://static-text": {"mimeType": "text/plain",
                           "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched resource content"},
}


def message(part):
    return {"role": "user", "content": part}


def with_arguments(arguments):
    words = f"arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'"
    return [message(text("Prompt with arguments: " + words))]


PROMPTS = {
    "test_simple_prompt": ([], lambda arguments: [
        message(text("This is a simple prompt for testing."))]),
    "test_prompt_with_arguments": (["arg1", "arg2"], with_arguments),
    "test_prompt_with_embedded_resource": (["resourceUri"], lambda arguments: [
        message(resource(arguments["resourceUri"], "text/plain",
                         "Embedded resource content for testing.")),
        message(text("Please process the embedded resource above."))]),
    "test_prompt_with_image": ([], lambda arguments: [
        message(image()), message(text("Please analyze the image above."))]),
}


def read_resource(uri):
    if uri in RESOURCES:
        return {"contents": [{"uri": uri} | RESOURCES[uri]]}
    begin, end = "test://template/", "/data"
    if not (uri.startswith(begin) and uri.endswith(end)):
        raise ValueError("no such resource")
    name = uri[len(begin):-len(end)]
    data = json.dumps({"id": name, "templateTest": True, "data": f"Data for ID: {name}"})
    return {"contents": [{"uri": uri, "mimeType": "application/json", "text": data}]}


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}, "prompts": {}, "logging": {},
                                 "resources": {"subscribe": True}, "completions": {}},
                "serverInfo": {"name": "conformance", "version": "1"}}
    if method == "tools/list":
        return {"tools": [{"name": name, "description": name.replace("_", " "),
                           "inputSchema": schema} for name, (schema, _) in TOOLS.items()]}
    if method == "tools/call":
        return TOOLS[params["name"]][1](params)
    if method == "resources/list":
        return {"resources": [{"uri": uri, "name": uri, "description": uri,
                               "mimeType": value["mimeType"]} for uri, value in RESOURCES.items()]}
    if method == "resources/templates/list":
        return {"resourceTemplates": [{"uriTemplate": "test://template/{id}/data", "name": "template",
                                       "description": "By id", "mimeType": "application/json"}]}
    if method == "resources/read":
        return read_resource(params["uri"])
    if method == "prompts/list":
        return {"prompts": [{"name": name, "description": name, "arguments": [
            {"name": one, "description": one, "required": True} for one in arguments]}
            for name, (arguments, _) in PROMPTS.items()]}
    if method == "prompts/get":
        return {"messages": PROMPTS[params["name"]][1](params.get("arguments", {}))}
    if method == "completion/complete":
        return {"completion": {"values": [], "total": 0, "hasMore": False}}
    if method in ("ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"):
        return {}
    raise KeyError(method)


def handle(request):
    try:
        send({"id": request["id"],
              "result": answer(request["method"], request.get("params", {}))})
    except KeyError as fault:
        send({"id": request["id"], "error": {"code": -32601, "message": str(fault)}})
    except ValueError as fault:
        send({"id": request["id"], "error": {"code": -32602, "message": str(fault)}})


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request and "method" in request:
            handle(request)
        while waiting:
            handle(waiting.pop(0))


if __name__ == "__main__":
    main()
