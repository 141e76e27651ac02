"""A server that does to the client what servers do, by examples/netdevice/test."""
import re
import socket
import threading
import time
from contextlib import suppress

from harness import Device, Failure, expect, ok, wait_for

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Host:
    """Listens, and answers each connection by the next of `answers`: functions of the connection."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.answers, self.ids, self.times, self.connections = [], [], [], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        self.connections.append(client)
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                received = client.recv(4096)
                if not received:
                    return
                head += received
            found = re.search(rb"^last-event-id: *(\S+)\r$", head, re.M | re.I)
            self.times.append(time.monotonic())
            self.ids.append(found[1].decode() if found else None)
            if self.answers:
                self.answers.pop(0)(client)

    def kill(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self.listener.close()
        for client in self.connections:
            with suppress(OSError):
                client.close()


def say(*pieces, hold=0):
    """An answer of these pieces, and then the end of the connection."""
    def answer(client):
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.1)
        time.sleep(hold)
    return answer


def follow(client):
    """A stream for as long as the connection lasts, with a comment each second."""
    client.sendall(STREAM + b"retry: 200\n\n")
    while True:
        client.sendall(b":\n\n")
        time.sleep(1)


def led(number, state):
    return f"event: led\nid: {number}\ndata: {state}\n\n".encode()


def check_client():
    host = Host()
    host.answers += [
        say(STREAM + b"retry: 200\n\n" + led(1, "on"), b"data: " + 5000 * b"x" + b"\n\n", led(2, "off")[:9], led(2, "off")[9:]),
        say(CHUNKED, b"1d\r\n" + led(3, "on") + b"\r\n5\r\neve"),
        say(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n"),
        say(b"\x16\x03\x01 not HTTP\r\n\r\n"),
        say(b"HTTP/1.1 200 OK\r\nX: " + 9000 * b"x", hold=1),
        say(),
        follow,
    ]
    with Device("client", port=host.port) as device:
        def logged(text, seconds=15):
            device.check()
            wait_for(f"{text!r} in the client's log", lambda: device.check() or text in device.log(), seconds)

        for text in ["the LED is on after event 1\n", "skipped: event too large", "the LED is off after event 2",
                     "the LED is on after event 3"]:
            logged(text)
        wait_for("the last of seven answers", lambda: not host.answers, 30)
        expect("the IDs that it came back with", host.ids, [None, "2", "3", "3", "3", "3", "3"])
        waits = [b - a for a, b in zip(host.times, host.times[1:])]
        expect("Retry-After is obeyed", waits[2] >= 1, True)
        ok("client: an event of 5000 bytes is skipped and reported, the next one obeyed; a cut chunk, 503, no HTTP, an endless "
           f"head and no answer are survived, by ID, after {', '.join(f'{wait:.1f}' for wait in waits)} s")

        # Killed, and started again. What it refuses then would stop a browser.
        wait_for("the stream is open", lambda: device.log().count("open\n") >= 3)
        host.kill()
        time.sleep(1)
        again = Host(host.port)
        again.answers += [
            say(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Log in</h1>"),
            say(STREAM.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + b"\x1f\x8b\x08\0"),
            follow,
        ]
        logged("the body begins: <h1>Log in</h1>")
        wait_for("the stream after HTML and gzip", lambda: not again.answers, 30)
        expect("the IDs", again.ids, ["3", "3", "3"])
        wait_for("the stream is open", lambda: device.log().count("open\n") >= 4)
        ok("client: a killed server, HTML and gzip are survived")

        # A pulled cable is noticed by the silence, a reset loses the ID.
        again.answers += [follow, say(STREAM + led(4, "off") + 100_000 * b"data: 21.53\n\n" + b"event: count\ndata\n\n", hold=2)]
        with device.cable_out():
            time.sleep(8)
        wait_for("a connection after the cable was out", lambda: len(again.ids) >= 4, 15)
        expect("its ID", again.ids[3], "3")
        device.monitor("system_reset")
        wait_for("a connection after the reset", lambda: len(again.ids) >= 5, 15)
        expect("its ID", again.ids[4], None)
        start = time.monotonic()
        logged("count: 100002 events", 30)
        rate = 100_000 / (time.monotonic() - start)
        again.kill()
        ok(f"client: cable out for 8 s, reset; {rate:.0f} events a second")
