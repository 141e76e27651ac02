// Reads a stream and throws unless its events are the expected ones. The page and node run the same.

import { events } from "./ssewire.mjs";

export async function compare(stream, module, expected) {
  let count = 0;
  for await (const event of events(stream, module)) {
    const { type, id, data, retry } = expected[count] ?? {};
    if (event.type !== type || event.lastEventId !== id || event.data !== data || (event.retry ?? null) !== retry) {
      throw new Error(`event ${count} is ${JSON.stringify(event)}, not ${JSON.stringify(expected[count])}`);
    }
    count += 1;
  }
  if (count !== expected.length) throw new Error(`${count} events, not ${expected.length}`);
  return count;
}
