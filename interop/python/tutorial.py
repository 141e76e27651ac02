"""The server that tutorials on Flask show:  tutorial.py gunicorn|waitress FILE

A line of the file is an event: its type, a tab, its data.
"""
import json
import os
import socket
import sys
import threading
from importlib.metadata import version

import flask

BATCH = 400
GATE = 900

SERVER, FILE = sys.argv[1:]
with open(FILE, encoding="utf-8", newline="\n") as file:
    LINES = [line.split("\t") for line in file.read().removesuffix("\n").split("\n")]

app = flask.Flask(__name__)
gate = threading.Event()


def format_sse(data, event=None, event_id=None):
    message = f"data: {data}\n\n"
    if event_id is not None:
        message = f"id: {event_id}\n{message}"
    if event:
        message = f"event: {event}\n{message}"
    return message


@app.get("/events")
def events():
    start = int(flask.request.headers.get("Last-Event-ID", -1)) + 1
    if start >= len(LINES):
        return "", 204

    def stream():
        yield "retry: 100\n\n"
        for i in range(start, min(start + BATCH, len(LINES))):
            if i == GATE:
                gate.wait()
            event, data = LINES[i]
            yield format_sse(data, event, i)

    return flask.Response(stream(), mimetype="text/event-stream")


@app.get("/go")
def go():
    gate.set()
    return ""


listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listener.getsockname()[1], "version": version(SERVER)}), flush=True)
if SERVER == "gunicorn":
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):
        def load_config(self):
            # A thread for each reader, as every reader holds its own.
            for name, value in {"bind": f"fd://{listener.fileno()}", "threads": 4, "loglevel": "error"}.items():
                self.cfg.set(name, value)

        def load(self):
            return app

    os.set_inheritable(listener.fileno(), True)
    Gunicorn().run()
else:
    import waitress

    waitress.serve(app, sockets=[listener], threads=4)
