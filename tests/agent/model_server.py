"""A language model's server that speaks /v1/chat/completions as the real ones do, by a script.

    with ModelServer([calls(("read", {"path": "a"})), says("Done.")]) as server:
        run("bailey", "agent", "--model", server.url, "scripted", "goal")
    server.requests            # the bodies that came

Each request takes the next step of the script; past its end it is a server error.
"""

import http.server
import json
import threading


def says(text, **more):
    return {"text": text, **more}


def calls(*wanted, text=""):
    return {"text": text, "calls": wanted}


class ModelServer:
    def __init__(self, script, key=None):
        self.script = list(script)
        self.key = key
        self.requests = []
        self.gone = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(json.loads(body))
                step = outer.script.pop(0) if outer.script else {"status": 500}
                if outer.key and self.headers["Authorization"] != f"Bearer {outer.key}":
                    step = {"status": 401, "body": '{"error":{"message":"wrong key"}}'}
                outer.answer(self, step)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, step):
        if "status" in step:
            body = step.get("body", "busy").encode()
            handler.send_response(step["status"])
            for name, value in step.get("headers", {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return
        if step.get("hangs"):
            self.gone.wait()
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        stream = b"".join(self.events(step))
        if "cut" in step:
            stream = stream[:step["cut"]]
        size = step.get("pieces", 7)
        for at in range(0, len(stream), size):
            handler.wfile.write(stream[at:at + size])
            handler.wfile.flush()
        handler.close_connection = True

    @staticmethod
    def events(step):
        def event(delta, reason=None):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"

        yield event({"role": "assistant", "content": ""})
        for letter in step.get("text", ""):
            yield event({"content": letter})
        for index, (name, arguments) in enumerate(step.get("calls", ())):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield event({"tool_calls": [{"index": index, "id": f"c{index}", "type": "function",
                                         "function": {"name": name, "arguments": ""}}]})
            for at in range(0, len(text), 5):
                yield event({"tool_calls": [{"index": index,
                                             "function": {"arguments": text[at:at + 5]}}]})
        if "refusal" in step:
            yield event({"refusal": step["refusal"]})
        yield event({}, step.get("reason", "tool_calls" if step.get("calls") else "stop"))
        usage = {"prompt_tokens": step.get("in", 100), "completion_tokens": step.get("out", 20)}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"
