// Server-Sent Events from any ReadableStream, as that of fetch: also of a POST, or with headers of your own, which an
// EventSource cannot send. The same in browsers and in node.
//
//     const module = await WebAssembly.compileStreaming(fetch("ssewire.wasm"));
//     for await (const { type, data, lastEventId, retry } of events((await fetch(url)).body, module)) { ... }
//
// Bytes are copied into the module once and come out as strings, decoded as the standard says. Leaving the loop cancels
// the stream. An event that is too large is skipped; `onOversized` is called for each.

// A number as far as numbers are exact, and a BigInt above.
const exact = (value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value);

export async function* events(stream, module, onOversized = () => {}) {
  const { memory, input, input_len, feed, found, sets_retry, retry } = new WebAssembly.Instance(module).exports;
  // A byte order mark within the stream is text; the one at its start the parser has dropped.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const [at, room] = [input(), input_len()];
  const text = (start, length) => decoder.decode(new Uint8Array(memory.buffer, start, length));
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const value = read.value;
      for (let offset = 0; offset < value.length; offset += room) {
        const piece = value.subarray(offset, offset + room);
        new Uint8Array(memory.buffer).set(piece, at);
        for (let start = 0; start < piece.length; ) {
          const status = feed(start, piece.length);
          const [consumed, ...lent] = new Uint32Array(memory.buffer, found(), 7);
          start += consumed;
          if (status < 0) onOversized();
          if (status > 0) {
            yield {
              type: text(lent[0], lent[1]),
              data: text(lent[2], lent[3]),
              lastEventId: text(lent[4], lent[5]),
              retry: sets_retry() ? exact(BigInt.asUintN(64, retry())) : undefined,
            };
          }
        }
      }
    }
  } finally {
    await reader.cancel();
  }
}
