"""The official Python client of the Model Context Protocol, driven for a test: prints one JSON object."""

import json
import os
import sys

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

KEPT = ("PATH", "HOME", "TMPDIR")


def stdio(program, *args):
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    return StdioServerParameters(command=program, args=["mcp", *args], env=env)


def text(result):
    return "".join(block.text for block in result.content)


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    return {"text": text(result), "error": bool(result.is_error)}


async def refusal(client, tool, arguments):
    try:
        result = await client.call_tool(tool, arguments)
        return {"text": text(result), "error": bool(result.is_error)}
    except MCPError as error:
        return {"protocol_error": str(error)}


async def tour(client, marker):
    """List, call, what goes wrong, progress, cancel; with a command that outlives the call unless it is killed."""
    facts = {"version": client.protocol_version}
    tools = (await client.list_tools()).tools
    facts["tools"] = [tool.name for tool in tools]
    facts["destructive"] = [tool.name for tool in tools if tool.annotations.destructive_hint]
    facts["closed"] = all(tool.input_schema["additionalProperties"] is False for tool in tools)
    facts["shell"] = await call(client, "run_shell_command", command="pwd >/dev/null; echo out; echo err >&2; exit 3")
    facts["code"] = await call(client, "run_code", code="print(6 * 7)", language="python")
    facts["write"] = await call(client, "write_file", path="a/b.txt", content="one\ntwo\n")
    facts["edit"] = await call(client, "edit_file", path="a/b.txt", old_text="two", new_text="2")
    facts["read"] = await call(client, "read_file", path="a/b.txt")
    facts["shared"] = await call(client, "run_shell_command", command="cat a/b.txt")
    facts["binary"] = await call(client, "run_shell_command", command="head -c 1000 /dev/zero")
    facts["missing"] = await refusal(client, "run_shell_command", {})
    facts["extra"] = await refusal(client, "run_shell_command", {"command": "ls", "sandbox_id": "x"})
    facts["unknown_tool"] = await refusal(client, "rm_rf", {})
    facts["unknown_language"] = await refusal(client, "run_code", {"code": "1", "language": "klingon"})
    facts["disabled_language"] = await refusal(client, "run_code", {"code": "1", "language": "typescript"})
    facts["escape"] = await refusal(client, "read_file", {"path": "../../etc/passwd"})
    huge = await refusal(client, "run_shell_command", {"command": "x" * (1024 * 1024)})
    facts["huge_command"] = huge["error"]

    told = []

    async def progress(done, total, message):
        told.append((done, message))

    steps = "for step in one two three; do echo step $step; sleep 2; done"
    result = await client.call_tool("run_shell_command", {"command": steps}, progress_callback=progress)
    facts["steps"] = text(result)
    facts["progress"] = told == sorted(told) and len(told) > 0
    facts["lines"] = [
        step for step in ("one", "two", "three") if any(words.endswith(f": step {step}") for _, words in told)
    ]

    ready = anyio.Event()

    async def long():
        ready.set()
        command = f"echo started > started; (setsid sleep {marker} &) ; sleep {marker}"
        # with progress its output is followed; a client that vanishes is tried without
        await client.call_tool("run_shell_command", {"command": command}, progress_callback=progress)

    async with anyio.create_task_group() as group:
        group.start_soon(long)
        await ready.wait()
        for _ in range(300):
            if not (await call(client, "read_file", path="started"))["error"]:
                break
            await anyio.sleep(0.05)
        facts["running"] = alive(marker)
        group.cancel_scope.cancel()
    for _ in range(400):
        if alive(marker) == 0:
            break
        await anyio.sleep(0.05)
    facts["after_cancel"] = alive(marker)
    facts["after"] = await call(client, "run_shell_command", command="echo still here")
    return facts


def alive(marker):
    """How many processes of this machine are `sleep MARKER`."""
    count = 0
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"sleep") and marker.encode() in words:
            count += 1
    return count


def over_http(url):
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
    http = httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(120))
    return http, streamable_http_client(url, http_client=http)


async def one_of_many(url, number, barrier, facts):
    http, transport = over_http(url)
    async with http, Client(transport) as client:
        mine = f"mine-{number}"
        await call(client, "write_file", path=mine, content=mine)
        await barrier()
        listed = await call(client, "list_files")
        read = await call(client, "run_shell_command", command="cat mine-*")
        facts.append(listed["text"] == f"{mine} ({len(mine)} bytes)" and read["text"] == mine)


async def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "stdio":
        mode, marker, program, *args = rest
        async with Client(stdio(program, *args), mode=mode) as client:
            facts = await tour(client, marker)
    elif what == "http":
        marker, url = rest
        http, transport = over_http(url)
        async with http, Client(transport) as client:
            facts = await tour(client, marker)
    elif what == "vanish":
        marker, program, *args = rest
        async with Client(stdio(program, *args)) as client, anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "run_shell_command", {"command": f"sleep {marker}"})
            while alive(marker) == 0:
                await anyio.sleep(0.05)
            print(json.dumps({"running": alive(marker)}), flush=True)
            os._exit(0)
    elif what == "many":
        number, url = int(rest[0]), rest[1]
        seen, there, all_there = [], 0, anyio.Event()

        async def barrier():
            nonlocal there
            there += 1
            if there == number:
                all_there.set()
            await all_there.wait()
            await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for one in range(number):
                group.start_soon(one_of_many, url, one, barrier, seen)
        facts = {"sessions": len(seen), "apart": all(seen)}
    else:
        raise SystemExit(f"unknown: {what}")
    print(json.dumps(facts, indent=1))


anyio.run(main)
