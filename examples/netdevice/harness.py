"""What test.py and sizes need: the emulated device and its cable, readers that check what they get, a browser."""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from base64 import b64decode
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STARTED = time.monotonic()


class Failure(Exception):
    pass


def ok(text):
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def expect(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: {found!r} instead of {expected!r}")


def wait_for(what, condition, seconds=20):
    """The condition's value, once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"in vain for {seconds} s: {what}")
        time.sleep(0.05)
    return value


@contextlib.contextmanager
def program(*command, **options):
    """Runs in a process group of its own, and is ended with it."""
    process = subprocess.Popen(command, start_new_session=True, **{"stdin": subprocess.DEVNULL, **options})
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Device:
    """A program on the emulated board."""

    def __init__(self, name="server", port=None, options=()):
        self.port = port or free_port()
        self.command = [str(HERE / "run"), "--built", *options, str(self.port), name]
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        log = self.stack.enter_context(open(self.folder / "log", "wb"))
        environment = {**os.environ, "MONITOR": str(self.folder / "monitor")}
        self.process = self.stack.enter_context(
            program(*self.command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        wait_for("the device starts", lambda: self.check() or "started: " in self.log(), 60)
        return self

    def __exit__(self, failure=None, *_):
        if failure:
            print("the end of the device's log:\n" + self.log()[-1500:], flush=True)
        self.stack.close()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def check(self):
        """The chip has not stopped; a panic or a fault ends the emulator."""
        if self.process.poll() is not None:
            raise Failure(f"the device has stopped with status {self.process.returncode}:\n{self.log()[-2000:]}")

    def monitor(self, command):
        """Gives the emulator a command, and waits until it is carried out."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(10)
            monitor.connect(str(self.folder / "monitor"))
            answer = b""
            for text in [None, command]:
                if text:
                    monitor.sendall(text.encode() + b"\n")
                    answer = b""
                # It echoes the command letter by letter, each with a prompt, before the line end.
                while not answer.endswith(b"(qemu) ") or (text and b"\n" not in answer):
                    received = monitor.recv(4096)
                    if not received:
                        raise Failure(f"{command}: the emulator has ended")
                    answer += received

    def deepest_stack(self, program):
        """The deepest stack, in bytes: memory after the variables is zero until the stack reaches it."""
        symbols = subprocess.run(["llvm-nm-22", program], stdout=subprocess.PIPE, check=True, text=True).stdout
        address = {line.split()[2]: int(line.split()[0], 16) for line in symbols.splitlines() if line[0] != " "}
        bottom, top = address["__sheap"], address["_stack_start"]
        dump = self.folder / "memory"
        self.monitor(f'pmemsave {bottom} {top - bottom} "{dump}"')
        unused = len(dump.read_bytes()) - len(dump.read_bytes().lstrip(b"\0"))
        if unused < 256:
            raise Failure("the stack has grown into the variables")
        return top - bottom - unused

    @contextlib.contextmanager
    def cable_out(self):
        self.monitor("set_link cable off")
        try:
            yield
        finally:
            self.monitor("set_link cable on")


def curl(port, path, *arguments, seconds=8):
    """The whole answer: as much of it as comes in the time."""
    command = ["curl", "-sSi", "--max-time", str(seconds), *arguments, f"http://127.0.0.1:{port}{path}"]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def exchange(port, request, seconds=8):
    """What comes in answer to these bytes; `None` if the connection does not end in time."""
    answer = b""
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection(("127.0.0.1", port), seconds) as client:
            client.sendall(request)
            while time.monotonic() < deadline:
                client.settimeout(max(0.01, deadline - time.monotonic()))
                received = client.recv(65536)
                if not received:
                    return answer
                answer += received
    except TimeoutError:
        return None
    except OSError:
        return answer
    return None


def events_in(lines):
    """The events in a sequence of lines, by the standard."""
    last_id, event = "", {"event": "message", "data": []}
    for line in lines:
        if line == "":
            if event["data"]:
                yield {"event": event["event"], "id": last_id, "data": "\n".join(event["data"])}
            event = {"event": "message", "data": []}
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            last_id = value
        elif field == "event":
            event["event"] = value
        elif field == "data":
            event["data"].append(value)


class Reader:
    """Reads a stream in a thread. It comes back with its last event ID when the connection ends, and after `watch` seconds
    without a byte."""

    def __init__(self, port, name, watch=None, last_event_id=""):
        self.port, self.name, self.watch, self.last_event_id = port, name, watch, last_event_id
        self.events, self.times, self.statuses, self.problem = [], [], [], None
        self.is_stopped = False
        threading.Thread(target=self.run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.is_stopped = True
        with contextlib.suppress(AttributeError, OSError):
            self.client.shutdown(socket.SHUT_RDWR)

    def run(self):
        while not self.is_stopped:
            try:
                self.connect()
            except OSError:
                pass
            time.sleep(0.5)

    def connect(self):
        with socket.create_connection(("127.0.0.1", self.port), self.watch or 10) as self.client:
            self.client.settimeout(self.watch or 600)
            after = f"Last-Event-ID: {self.last_event_id}\r\n" if self.last_event_id else ""
            self.client.sendall(f"GET /events HTTP/1.1\r\nHost: device\r\n{after}\r\n".encode())
            stream = self.client.makefile(encoding="utf-8", newline="\n")
            self.statuses.append(stream.readline()[9:12])
            lines = (line.rstrip("\n") for line in stream)
            while next(lines, "\r") != "\r":
                pass
            for event in events_in(lines):
                self.last_event_id = event["id"] or self.last_event_id
                self.take(event)

    def take(self, event):
        self.events.append(event)
        self.times.append(time.monotonic())

    def grows(self, by=10, seconds=20):
        """Waits for more events."""
        before = len(self.events)
        wait_for(f"{by} more events for {self.name}", lambda: len(self.events) >= before + by, seconds)

    def newest(self):
        """The number of the newest event."""
        return max((int(event["id"].split("-")[1]) for event in self.events if "-" in event["id"]), default=0)

    def silence(self):
        """The longest time without an event, in seconds."""
        times = self.times + [time.monotonic()]
        return max((b - a for a, b in zip(times, times[1:])), default=0)

    def check(self):
        """All gaps are shown, with the right number, and nothing comes twice. Returns a summary."""
        return check_events(self.name, self.events)


def check_events(name, events):
    # Several gaps may follow one another: one from before the connection, and one for a ring that went on meanwhile.
    shown, last, missed, gaps, runs = [], None, 0, [], set()
    for event in events:
        if event["event"] == "gap":
            shown.append(event["data"])
            gaps.append(event["data"])
            continue
        run, number = map(int, event["id"].split("-"))
        runs.add(run)
        if last is not None and last[0] == run:
            lost = number - last[1] - 1
            if lost < 0 or ("unknown" not in shown and lost != sum(map(int, shown))):
                raise Failure(f"{name}: {number} after {last[1]}, and the gaps that were shown are {shown}")
            missed += lost
        elif last is not None and not shown:
            raise Failure(f"{name}: no gap is shown between {last} and {(run, number)}")
        last, shown = (run, number), []
    return {"events": len(events), "missed": missed, "gaps": gaps, "runs": len(runs)}


class Tail(Reader):
    """`sse tail`, the project's own tool."""
    command = [ROOT / "target/debug/sse", "tail", "--json"]

    def __init__(self, port, name="sse tail", watch=None):
        super().__init__(port, name, watch)

    def run(self):
        command = [*map(str, self.command), f"http://127.0.0.1:{self.port}/events", *([str(self.watch)] if self.watch else [])]
        with program(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as self.process:
            for line in self.process.stdout:
                event = json.loads(line)
                if "event" in event:
                    self.take(event)

    def stop(self):
        with contextlib.suppress(AttributeError, ProcessLookupError):
            self.process.kill()


class Follow(Tail):
    """`ssewire-client`, by its example."""
    command = [ROOT / "target/debug/examples/follow"]


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

    def page(self):
        """The page's counts."""
        return self.evaluate("({ received, missing, gaps, restarts, connections, state: $('#state').textContent })")

    def grows(self, by=10, seconds=20):
        before = self.page()["received"]
        wait_for(f"{by} more readings in the browser", lambda: self.page()["received"] >= before + by, seconds)

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


def flood_rate(port, seconds=2):
    """Events a second to one client that takes them as fast as they come."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"GET /flood HTTP/1.1\r\nHost: device\r\n\r\n")
        start = time.monotonic()
        count, tail = 0, b""
        while time.monotonic() - start < seconds:
            received = tail + client.recv(1 << 16)
            *frames, tail = received.split(b"\n\n")
            count += len(frames)
        return count / (time.monotonic() - start)
