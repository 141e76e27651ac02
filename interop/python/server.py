"""The events of a JSON file as an event stream, by Starlette and sse-starlette under uvicorn:  server.py FILE"""
import asyncio
import json
import socket
import sys
from importlib.metadata import version

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.routing import Route

with open(sys.argv[1], encoding="utf-8") as file:
    MESSAGES = json.load(file)


async def events(_request):
    async def blocks():
        for message in MESSAGES:
            # A comment is a block of its own: a keep-alive.
            if "comment" in message:
                yield ServerSentEvent(comment=message["comment"])
            yield ServerSentEvent(**{**message, "comment": None})

    return EventSourceResponse(blocks())


async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"port": listener.getsockname()[1], "version": version("sse-starlette")}), flush=True)
    app = Starlette(routes=[Route("/events", events)])
    await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[listener])


asyncio.run(main())
