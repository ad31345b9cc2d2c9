"""A small language server: what it is asked it answers from what it was told."""

import json
import sys

files = {}


def read():
    length = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(1)
        if not line.strip():
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(sys.stdin.buffer.read(length))


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


def ask(method, params):
    """Asks the client and waits for its answer; what comes between is an error of the test."""
    send({"id": "mine", "method": method, "params": params})
    answer = read()
    assert answer["id"] == "mine", answer
    return answer


def place(line, start, end):
    return {
        "start": {"line": line, "character": start},
        "end": {"line": line, "character": end},
    }


def symbols(uri):
    for number, line in enumerate(files[uri].splitlines()):
        word, _, name = line.strip().partition(" ")
        if word in ("def", "class"):
            kind = 5 if word == "class" else 12
            location = {"uri": uri, "range": place(number, 0, len(line))}
            yield {"name": name.rstrip(":"), "kind": kind, "location": location}


def answer(method, params):
    if method == "initialize":
        assert params["processId"] is None
        return {"capabilities": {}, "root": params["rootUri"]}
    uri = params and params.get("textDocument", {}).get("uri")
    if method == "textDocument/documentSymbol":
        return list(symbols(uri))
    if method == "workspace/symbol":
        assert ask("workspace/configuration", {"items": [{}, {}]})["result"] == [None, None]
        assert ask("workspace/applyEdit", {})["result"] == {"applied": False}
        assert ask("unknown/thing", {})["error"]["code"] == -32601
        found = (symbol for uri in files for symbol in symbols(uri))
        return [symbol for symbol in found if params["query"] in symbol["name"]]
    if method == "textDocument/completion":
        at = params["position"]
        line = files[uri].splitlines()[at["line"]][: at["character"]]
        kind = params.get("context", {}).get("triggerKind", 1)
        return [{"label": line + "_done", "kind": kind, "data": 1}]
    return None


while True:
    message = read()
    method, params = message.get("method"), message.get("params")
    if method == "textDocument/didOpen":
        document = params["textDocument"]
        assert document["languageId"] == "python" and document["version"] == 1
        files[document["uri"]] = document["text"]
    elif method == "textDocument/didChange":
        assert params["textDocument"]["version"] > 1
        files[params["textDocument"]["uri"]] = params["contentChanges"][0]["text"]
    elif method == "textDocument/didClose":
        del files[params["textDocument"]["uri"]]
    elif method == "exit":
        sys.exit(0)
    elif "id" in message:
        send({"method": "window/logMessage", "params": {"type": 4, "message": method}})
        try:
            send({"id": message["id"], "result": answer(method, params)})
        except KeyError as error:
            send({"id": message["id"], "error": {"code": -32602, "message": f"no {error}"}})
