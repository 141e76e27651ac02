// run.mjs WASM SERVER DIRECTORY [BROWSER]: reads what SERVER sends, and compares it with the messages in DIRECTORY; then
// the recorded streams, and an event that is too large; then the same as the first in a page, if a browser is given.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { compare } from "./compare.mjs";
import { events } from "./ssewire.mjs";

const [wasm, server, directory, browser] = process.argv.slice(2);
const module = await WebAssembly.compile(readFileSync(wasm));
const expected = JSON.parse(readFileSync(`${directory}/messages.json`));
const get = () => fetch(`http://${server}/events`, { signal: AbortSignal.timeout(20_000) });

// A stream of the bytes in chunks.
function chunks(bytes, size) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  return ReadableStream.from(pieces);
}

async function recorded() {
  const streams = new URL("../../../tests/streams/", import.meta.url);
  const names = readdirSync(streams).filter((name) => name.endsWith(".sse"));
  for (const name of names) {
    const lines = readFileSync(new URL(name.replace(".sse", ".jsonl"), streams), "utf8").trim().split("\n");
    const all = lines.map((line) => JSON.parse(line)).filter((line) => "data" in line);
    for (const size of [1, 7, 1 << 20]) {
      let count = 0;
      for await (const event of events(chunks(readFileSync(new URL(name, streams)), size), module)) {
        const { event: type, data, id } = all[count++] ?? {};
        if (event.type !== type || event.data !== data || event.lastEventId !== id) throw new Error(`${name}: ${count}`);
      }
      if (count !== all.length) throw new Error(`${name}: ${count} events, not ${all.length}`);
    }
  }
  return names.length;
}

// The event that is larger than the module's buffer is reported once, and those after it arrive.
async function oversized() {
  const wire = new TextEncoder().encode(`data: ${"x".repeat((256 << 10) + 1)}\n\ndata: a\n\ndata: bc\n\ndata: d\n\n`);
  const read = [];
  let reports = 0;
  for await (const { data } of events(chunks(wire, wire.length), module, () => (reports += 1))) read.push(data);
  if (`${reports}: ${read}` !== "1: a,bc,d") throw new Error(`${reports} too large, then ${read}`);
}

// Serves the page and its files, passes the stream on, and returns the result of the page.
async function inBrowser() {
  const file = (type, path) => (response) => response.setHeader("content-type", type).end(readFileSync(path));
  const here = (name) => new URL(name, import.meta.url);
  let settle;
  const result = new Promise((resolve) => (settle = resolve));
  const routes = {
    "/": file("text/html", here("page.html")),
    "/ssewire.mjs": file("text/javascript", here("ssewire.mjs")),
    "/compare.mjs": file("text/javascript", here("compare.mjs")),
    "/ssewire.wasm": file("application/wasm", wasm),
    "/messages.json": file("application/json", `${directory}/messages.json`),
    "/events": async (response) => {
      response.setHeader("content-type", "text/event-stream");
      Readable.fromWeb((await get()).body).pipe(response);
    },
    "/result": async (response, request) => {
      settle(Buffer.concat(await request.toArray()).toString());
      response.end();
    },
  };
  const pages = createServer((request, response) => {
    const route = routes[request.url];
    if (route) route(response, request);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  flags.push("--disable-component-update", "--disable-sync", "--no-first-run", `--user-data-dir=${directory}/profile`);
  const child = spawn(browser, [...flags, `http://127.0.0.1:${pages.address().port}/`], { stdio: "ignore" });
  child.on("error", (error) => settle(String(error)));
  child.on("exit", (code) => settle(`the browser ended with ${code}`));
  setTimeout(() => settle("no result in 40 s"), 40_000).unref();
  const text = await result;
  child.removeAllListeners("exit");
  if (child.kill()) await new Promise((resolve) => child.on("exit", resolve));
  pages.closeAllConnections();
  pages.close();
  if (text !== String(expected.length)) throw new Error(`in the browser: ${text}`);
}

const count = await compare((await get()).body, module, expected);
const streams = await recorded();
await oversized();
if (browser) await inBrowser();
const places = browser ? "node and in a browser" : "node";
const bytes = readFileSync(wasm).length;
console.log(`${count} events from fetch in ${places}, ${streams} recorded streams in 3 chunkings; ${bytes} bytes of WebAssembly`);
