#!/usr/bin/env python3
"""Watches the firmware with curl, `sse tail` and a headless Chromium, and cuts the browser's connection.

    watch.py SCREENSHOT      by examples/firmware/test, which checks that the programs are there

Exit status 0 when no reading was missing and none came twice. Python's standard library alone: the browser is driven
over its debugging pipe.
"""
import contextlib
import http.server
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64decode
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def main(screenshot):
    port = free_port()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--example", "sse"], cwd=ROOT, check=True)
    with program(HERE / "run", str(port)):
        wait_for("the firmware listens", lambda: listening(port), 300)
        check_requests(port)
        check_curl(port)
        check_tail(port)
        with Browser() as browser:
            check_reconnecting(browser, port, screenshot)
            check_own_page(browser, port)


def check_requests(port):
    def status(*arguments):
        return curl(port, *arguments).split(b"\r\n")[0].decode()

    expect("its page", curl(port, "/").partition(b"\r\n\r\n")[2], (HERE / "page.html").read_bytes())
    expect("another path", status("/nothing"), "HTTP/1.1 404 Not Found")
    expect("another method", status("/events", "-X", "POST"), "HTTP/1.1 405 Method Not Allowed")
    expect("a path too long", status("/" + 5000 * "x"), "HTTP/1.1 400 Bad Request")
    expect("no HTTP", exchange(port, b"hello\r\n\r\n").split(b"\r\n")[0], b"HTTP/1.1 400 Bad Request")
    for half in [b"GET / HTTP/1.1\r\nAccept: */*\r\n", b"GET / HTTP/1.1\r\nAccept: te", b"GET /eve"]:
        answer = exchange(port, half + b"GET /nothing HTTP/1.1\r\n\r\n")
        expect("a request behind a part of another", answer[:12], b"HTTP/1.1 404")


def check_curl(port):
    answer = curl(port, "/events", "-N", "-H", "X-Long: " + 9000 * "x", seconds=3)
    head, _, body = answer.decode().partition("\r\n\r\n")
    expect("the head", head.split("\r\n"), [
        "HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Cache-Control: no-store",
        "Access-Control-Allow-Origin: *", "Connection: close"])
    expect("the first block", body.split("\n\n")[0], ": nothing is missing\nretry: 500")
    events = re.findall(r"event: temperature\nid: (\d+)\ndata: -?\d+\.\d\d\n\n", body)
    ids = consecutive("curl", map(int, events), 10)

    # The log holds 64 readings; header names are case-insensitive.
    answer = curl(port, "/events", "-N", "-H", f"lAST-eVENT-iD: {ids[3]}", seconds=1).decode()
    resumed = consecutive("curl, resuming", map(int, re.findall(r"^id: (\d+)$", answer, re.M)), 10)
    expect("the first ID after a resumption", resumed[0], ids[3] + 1)
    answer = curl(port, "/events", "-N", "-H", "Last-Event-ID: 4000000000", seconds=1).decode()
    expect("an ID of before the reset", ": the readings before this are lost\n" in answer, True)
    consecutive("curl, after a reset", map(int, re.findall(r"^id: (\d+)$", answer, re.M)), 10)


def check_tail(port):
    url = f"http://127.0.0.1:{port}/events"
    command = ["cargo", "run", "--quiet", "--release", "--example", "sse", "--", "tail", "--json", url]
    with program(*command, cwd=ROOT, stdout=subprocess.PIPE) as tail:
        events = [json.loads(tail.stdout.readline()) for _ in range(10)]
    expect("the type that `sse tail` saw", {event["event"] for event in events}, {"temperature"})
    consecutive("sse tail", (int(event["id"]) for event in events), 10)


def check_reconnecting(browser, port, screenshot):
    with Proxy(port) as proxy, page_server() as page_port:
        browser.open(f"http://127.0.0.1:{page_port}/page.html?port={proxy.port}")

        def seen():
            return browser.evaluate("readings.map(({ id, connection }) => [id, connection])")

        wait_for("twenty readings in the browser", lambda: len(seen()) >= 20)
        proxy.cut(seconds=0)
        wait_for("the page notices", lambda: browser.evaluate("$('#state').textContent") == "reconnecting")
        first = len(seen())
        wait_for("twenty more after the cut", lambda: len(seen()) >= first + 20)
        wait_for("a third of the plot", lambda: len(seen()) >= 80)
        proxy.cut(seconds=2)
        time.sleep(1)
        second = len(seen())
        wait_for("twenty more after two seconds without a network", lambda: len(seen()) >= second + 20)
        wait_for("a full plot", lambda: len(seen()) >= 225)
        browser.screenshot(screenshot)

        readings = seen()
        consecutive("the browser", (id for id, _ in readings), 225)
        expect("the page's state", browser.evaluate("$('#state').textContent"), "live")
        expect("the page's count", browser.evaluate("missing"), 0)
        opened = sorted({connection for _, connection in readings})
        expect("connections", opened, [1, 2, 3])
        # Attempts without an answer among them: there may be several with one ID.
        expect("the Last-Event-ID headers", sorted(set(proxy.last_event_ids), key=proxy.last_event_ids.index),
               [None] + [max(id for id, at in readings if at == connection) for connection in opened[:-1]])


def check_own_page(browser, port):
    curl(port, "/nothing")  # ends the stream that the proxy has left behind
    browser.open(f"http://127.0.0.1:{port}/")
    wait_for("ten readings on the firmware's own page", lambda: browser.evaluate("readings.length") >= 10)
    consecutive("the firmware's own page", browser.evaluate("readings.map(({ id }) => id)"), 10)


def curl(port, path, *arguments, seconds=5):
    """The whole answer: as much of it as comes in the time."""
    command = ["curl", "-sSi", "--max-time", str(seconds), *arguments, f"http://127.0.0.1:{port}{path}"]
    for _ in range(5):
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        # Between our connecting and our request the firmware may still be sending to a client that has gone: one time
        # in a hundred.
        if answer.startswith(b"HTTP/1.1 "):
            return answer
        time.sleep(1)
    raise Failure(f"no answer to {command}")


def exchange(port, request):
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(1000)
        return answer


class Proxy:
    """Stands between browser and firmware: reads the requests' Last-Event-ID, and cuts."""

    def __init__(self, device_port):
        self.device_port = device_port
        self.last_event_ids = []
        self.open = []
        self.down_until = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut(seconds=60)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=[self.listener.accept()[0]], daemon=True).start()

    def serve(self, client):
        self.open.append(client)
        with client, contextlib.suppress(OSError):
            if time.monotonic() < self.down_until:
                return reset(client)
            head = b""
            while b"\r\n\r\n" not in head:
                received = client.recv(4096)
                if not received:
                    return
                head += received
            found = re.search(rb"^last-event-id: *(\d+)\r$", head, re.M | re.I)
            self.last_event_ids.append(int(found[1]) if found else None)
            with socket.create_connection(("127.0.0.1", self.device_port)) as device:
                self.open.append(device)
                device.sendall(head)
                while True:
                    if client in select.select([client, device], [], [])[0]:
                        return
                    received = device.recv(4096)
                    if not received:
                        return
                    client.sendall(received)

    def cut(self, seconds):
        """Destroys the connections, and for a time all that are tried."""
        self.down_until = time.monotonic() + seconds
        while self.open:
            reset(self.open.pop())


def reset(connection):
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def page_server():
    """The page from another origin than the firmware's."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=HERE)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Browser:
    """Headless Chromium, driven by the DevTools protocol over file descriptors 3 and 4."""

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        profile = self.stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        (commands, self.commands), (self.answers, answers) = os.pipe(), os.pipe()
        self.stack.enter_context(program(
            "bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", "chromium", "--headless", "--no-sandbox",
            "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-first-run", "--hide-scrollbars", "--window-size=900,500", f"--user-data-dir={profile}",
            "--remote-debugging-pipe", pass_fds=(commands, answers), stderr=subprocess.DEVNULL))
        os.close(commands)
        os.close(answers)
        self.buffer, self.calls, self.session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=900, height=500, deviceScaleFactor=1, mobile=False)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def open(self, url):
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise Failure(f"the browser cannot open {url}: {answer['errorText']}")
        wait_for(f"{url} is loaded", lambda: self.evaluate(
            f"location.href === {json.dumps(url)} && document.readyState === 'complete'"))

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Failure(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def screenshot(self, path):
        Path(path).write_bytes(b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def call(self, method, **parameters):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            while b"\0" not in self.buffer:
                if not select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0]:
                    raise Failure(f"{method}: no answer from the browser")
                received = os.read(self.answers, 1 << 16)
                if not received:
                    raise Failure("the browser has ended")
                self.buffer += received
            answer, _, self.buffer = self.buffer.partition(b"\0")
            answer = json.loads(answer)
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']}")
                return answer["result"]


class Failure(Exception):
    pass


@contextlib.contextmanager
def program(*command, **options):
    """Runs in a process group of its own, and is ended with it."""
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"in vain for {seconds} s: {what}")
        time.sleep(0.1)
    print("ok:", what, flush=True)


def expect(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: {found!r} instead of {expected!r}")
    print("ok:", what, flush=True)


def consecutive(what, ids, least):
    ids = list(ids)
    if len(ids) < least or ids != list(range(ids[0], ids[0] + len(ids))):
        raise Failure(f"{what}: at least {least} consecutive IDs are expected, not {ids}")
    print(f"ok: {what}: {len(ids)} readings, none missing, none twice", flush=True)
    return ids


def listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


if __name__ == "__main__":
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("watch.py: terminated"))
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"watch.py: {failure}")
