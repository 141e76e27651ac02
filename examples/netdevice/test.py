#!/usr/bin/env python3
"""Breaks the network of the emulated device, resets it and attacks it, and watches it with the readers of harness.py.

    test.py SCREENSHOT      by examples/netdevice/test, which builds the programs before
"""
import random
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from harness import (HERE, Browser, Device, Failure, Follow, Reader, Tail, check_events, curl, events_in, exchange, expect,
                     flood_rate, ok, wait_for)
from test_client import check_client

# Seconds: how long a reader's watch waits, and how long it may take after that.
WATCH = 3
SOON = 5


def check_requests(port):
    def status(*arguments):
        return curl(port, *arguments).split(b"\r\n")[0].decode()

    expect("its page", curl(port, "/").partition(b"\r\n\r\n")[2], (HERE / "page.html").read_bytes())
    expect("another path", status("/nothing"), "HTTP/1.1 404 Not Found")
    expect("another method", status("/events", "-X", "POST"), "HTTP/1.1 405 Method Not Allowed")
    expect("HEAD", status("/", "--head"), "HTTP/1.1 405 Method Not Allowed")
    for what, arguments in {
        "a long path": ["/" + 5000 * "x"],
        "a long field": ["/", "-H", "X-Long: " + 9000 * "x"],
        "many fields": ["/"] + [text for n in range(40) for text in ("-H", f"X-{n}: 1")],
    }.items():
        expect(what, status(*arguments), "HTTP/1.1 431 Request Header Fields Too Large")
    expect("no HTTP", (exchange(port, b"\0\r\n\r\n") or b"")[:12], b"HTTP/1.1 400")
    start = time.monotonic()
    expect("half a request", (exchange(port, b"GET / HTTP/1.1\r\nAcc") or b"")[:12], b"HTTP/1.1 408")
    expect("in three seconds", 2 < time.monotonic() - start < 6, True)
    ok("requests: the page, 404, 405, 431, 400, 408")


def check_stream(port):
    answer = curl(port, "/events", "-N", seconds=2).decode()
    head, _, body = answer.partition("\r\n\r\n")
    expect("the head", head.split("\r\n"), [
        "HTTP/1.1 200 OK", "Content-Type: text/event-stream", "X-Accel-Buffering: no",
        "Cache-Control: no-cache, no-transform", "Connection: close"])
    expect("the first block", body.split("\n\n")[0], ": readings of a simulated sensor\nretry: 500")
    events = list(events_in(body.split("\n")))
    check_events("curl", events)
    expect("the types", {event["event"] for event in events} <= {"temperature", "alarm"}, True)
    run, number = events[2]["id"].split("-")
    number = int(number)

    def resumed(path, *arguments):
        body = curl(port, path, "-N", *arguments, seconds=1).decode().partition("\r\n\r\n")[2]
        first = next(events_in(body.split("\n")))
        return first["data"] if first["event"] == "gap" else first["id"]

    header = ["-H", f"lAST-eVENT-iD: {run}-{number}"]
    expect("after an ID in the header", resumed("/events", *header), f"{run}-{number + 1}")
    expect("in the query", resumed(f"/events?a=b&lastEventId={run}%2D{number}"), f"{run}-{number + 1}")
    expect("in both", resumed(f"/events?lastEventId={run}-1", *header), f"{run}-{number + 1}")
    expect("of an earlier run", resumed("/events", "-H", f"Last-Event-ID: {int(run) - 9}-5"), "unknown")
    expect("to come", resumed("/events", "-H", f"Last-Event-ID: {run}-4000000"), "unknown")
    expect("foreign", resumed("/events", "-H", "Last-Event-ID: ☃"), "unknown")
    expect("far too long", resumed("/events?lastEventId=" + 900 * "1"), "unknown")
    ok(f"curl: {len(events)} events; resumed by header and query; unknown IDs are told of a gap")


def check_busy(port):
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(port, f"reader {n}")) for n in range(5)]
        for reader in readers:
            reader.grows(3)
        answer = curl(port, "/events").decode()
        expect("one reader too many", answer.split("\r\n")[:2], ["HTTP/1.1 503 Service Unavailable", "Retry-After: 2"])
        expect("the page meanwhile", curl(port, "/")[:15], b"HTTP/1.1 200 OK")
    with Reader(port, "one reader less") as reader:
        reader.grows(3)
    ok("five readers at once; the sixth is told 503 and when to come back")


class Watched:
    """A device and four readers: one without a watch, `ssewire-client` with one, the project's tool, and a browser."""

    def __init__(self, device, browser=None):
        self.device, self.browser, self.stack = device, browser, ExitStack()

    def __enter__(self):
        port = self.device.port
        self.plain, self.watchful, self.tail = self.readers = [
            self.stack.enter_context(reader)
            for reader in (Reader(port, "a reader"), Follow(port, "ssewire-client with a watch", WATCH), Tail(port))]
        if self.browser:
            self.browser.open(f"http://127.0.0.1:{port}/")
            self.browser.grows(5)
        for reader in self.readers:
            reader.grows(5)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def check(self, missed=0):
        self.device.check()
        counts = [reader.check() for reader in self.readers]
        if self.browser:
            counts.append(self.browser.page())
        for name, count in zip(["a reader", "ssewire-client", "sse tail", "the browser"], counts):
            expect(f"missed by {name}", count.get("missed", count.get("missing")), missed)
        return counts


def check_outages(watched, short, embassy, screenshot):
    """The cable is pulled: for 4 s, and for 20 s. The ring of `short` holds less than 4 s, that of `embassy` 18 s."""
    device = watched.device
    with device.cable_out(), short.device.cable_out(), embassy.device.cable_out():
        time.sleep(4)
    for reader in watched.readers:
        reader.grows(60)
    watched.browser.grows(20)
    watched.check()
    seconds = max(reader.silence() for reader in watched.readers) - 4
    ok(f"cable out for 4 s: all four went on at most {seconds:.1f} s later, in {len(watched.plain.statuses)} connection "
       "without a watch; nobody missed an event")
    watched.browser.screenshot(screenshot)
    embassy.check()
    ok("by embassy-net and picoserve: the same")

    with device.cable_out(), short.device.cable_out(), embassy.device.cable_out():
        time.sleep(20)
    back = time.monotonic()
    watched.watchful.grows(20, WATCH + SOON)
    watched.browser.grows(20, WATCH + SOON)
    ok(f"cable out for 20 s: those with a watch, the browser too, went on {time.monotonic() - back:.1f} s later")
    # TCP's retransmissions become rare in an outage: the next is due 31 s after the first.
    for reader in [watched.plain, watched.tail]:
        wait_for(f"{reader.name} goes on", lambda: reader.newest() >= watched.watchful.newest() - 5, 20)
    counts = watched.check()
    ok(f"the two without one {watched.plain.silence() - 20:.1f} and {watched.tail.silence() - 20:.1f} s later, in their "
       f"{len(watched.plain.statuses)}. connection; nobody missed one of {counts[0]['events']} events")

    for what, others in {"a ring of 3 s": short, "by embassy-net and picoserve": embassy}.items():
        for reader in others.readers:
            reader.grows(20)
        others.device.check()
        counts = [reader.check() for reader in others.readers]
        expect("gaps that are shown", all(count["gaps"] and count["missed"] for count in counts), True)
        ok(f"{what}: " + "; ".join(f"{count['missed']} missed, shown: {', '.join(count['gaps'])}" for count in counts))


def check_reset(watched):
    watched.device.monitor("system_reset")
    start = time.monotonic()
    wait_for("the browser notices the reset", lambda: watched.browser.page()["restarts"] == 1, WATCH + SOON)
    watched.watchful.grows(5, WATCH + SOON)
    seconds = time.monotonic() - start
    count = watched.watchful.check()
    expect("runs", count["runs"], 2)
    page = watched.browser.page()
    expect("the gap in the browser", page["gaps"] >= 1, True)
    watched.device.check()
    ok(f"reset: readers with a watch went on after {seconds:.1f} s, told of a gap of unknown size")


def check_attacks(device):
    """Of each: one reader misses nothing and waits for at most the watch."""
    port = device.port

    def garbage(_):
        texts = [b"GET / HTTP/1.1\r\n", b"\r\n", b": ", b"\0", b"Last-Event-ID: \xff\r\n", b"GET /events?lastEventId=%",
                 bytes(random.randrange(256) for _ in range(random.randrange(200))), 2000 * b"A", b"POST /events HTTP/1.0\r\n"]
        request = b"".join(random.choices(texts, k=random.randrange(1, 9)))
        start = time.monotonic()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 8) as client:
            client.settimeout(8)
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        return time.monotonic() - start

    def attack(what, run):
        device.check()
        with Reader(port, f"the reader during {what}", WATCH) as reader:
            reader.grows(3)
            result = run(reader)
            reader.grows(3)
            count = reader.check()
        device.check()
        expect(f"missed during {what}", count["missed"], 0)
        expect(f"at most the watch without an event during {what}", reader.silence() < WATCH, True)
        ok(f"{what}: {result}; a reader misses none of {count['events']}, waits {reader.silence():.1f} s at most")

    def thousand(_):
        # More at once would wait for the emulator: it has room for two that it has not accepted yet.
        with ThreadPoolExecutor(2) as pool:
            seconds = list(pool.map(garbage, range(1000)))
        expect("the longest of 1000", max(seconds) < 8, True)
        return f"the longest took {max(seconds):.1f} s"

    def loris(_):
        ends = []

        def one(_):
            start = time.monotonic()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 8) as client:
                client.settimeout(0.25)
                for byte in 100 * b"GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyy":
                    client.send(bytes([byte]))
                    with suppress(TimeoutError):
                        if not client.recv(1000):
                            break
            ends.append(time.monotonic() - start)

        threads = [threading.Thread(target=one, args=[n], daemon=True) for n in range(16)]
        for thread in threads:
            thread.start()
        with Reader(port, "a new reader", WATCH) as new:
            start = time.monotonic()
            new.grows(1, WATCH + SOON)
            begun = time.monotonic() - start
        for thread in threads:
            thread.join(15)
        expect("slow heads that ended", len(ends), 16)
        expect("in time", max(ends) < 10, True)
        return f"16 heads, the last ended after {max(ends):.1f} s, a new reader began after {begun:.1f} s"

    def flood(_):
        with socket.create_connection(("127.0.0.1", port), 5) as stalled:
            stalled.sendall(b"GET /flood HTTP/1.1\r\n\r\n")
            time.sleep(1)
            rate = flood_rate(port)
        return f"{rate:.0f} events a second to one client while another reads none of its own"

    def connections(reader):
        count = 0
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                count += 1
            time.sleep(0.01)  # for the emulator to accept it
        reader.grows(10)
        return f"{count} connections opened and closed"

    attack("a thousand requests of garbage", thousand)
    attack("slow heads", loris)
    attack("a flood of events", flood)
    attack("a flood of connections", connections)


def check_power(watched):
    """The emulator is killed; another one begins at the same port."""
    port, browser = watched.device.port, watched.browser
    watched.device.__exit__()
    time.sleep(1)
    with Device(port=port) as device:
        start = time.monotonic()
        before = browser.page()["restarts"]
        wait_for("the browser is back", lambda: browser.page()["restarts"] > before, WATCH + SOON)
        browser.grows(5)
        device.check()
        ok(f"power off and on: the browser went on after {time.monotonic() - start:.1f} s")


def check_board():
    with Device(options=["--board", "mps2"]) as device, Reader(device.port, "a reader of the other board") as reader:
        expect("its page", curl(device.port, "/").partition(b"\r\n\r\n")[2], (HERE / "page.html").read_bytes())
        rate = flood_rate(device.port, 1)
        reader.grows(20)
        expect("missed", reader.check()["missed"], 0)
        device.check()
        ok(f"mps2-an385 with a LAN9118: the same, {rate:.0f} events a second to one client")


def main(screenshot):
    random.seed(16)
    with ExitStack() as stack:
        device, short, embassy = [stack.enter_context(device) for device in (
            Device(), Device(options=["--short"]), Device("async_server"))]
        check_requests(device.port)
        check_stream(device.port)
        check_busy(device.port)
        expect("picoserve's page", curl(embassy.port, "/").partition(b"\r\n\r\n")[2], (HERE / "page.html").read_bytes())
        # Beside the outages, in which there is little to do.
        client = stack.enter_context(ThreadPoolExecutor(1)).submit(check_client)
        with Browser() as browser, Watched(device, browser) as watched:
            with Watched(short) as watched_short, Watched(embassy) as watched_embassy:
                check_outages(watched, watched_short, watched_embassy, screenshot)
            for reader in [watched.tail, watched.plain]:
                reader.stop()  # after a reset it would wait for ever, as any reader without a watch
            client.result(60)
            check_reset(watched)
            check_attacks(device)
            check_power(watched)
    check_board()


if __name__ == "__main__":
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test.py: terminated"))
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"test.py: {failure}")
