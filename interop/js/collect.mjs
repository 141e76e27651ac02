// Reads the streams of a stand with an `EventSource`, the browser's or another, and reports what it delivered.

const SECONDS = 20

/** The events of one stream, up to the last, which is known by its type. */
function collect(EventSource, url, types, last) {
  return new Promise(resolve => {
    const source = new EventSource(url)
    const events = []
    const end = how => {
      clearTimeout(timer)
      source.close()
      resolve({ end: how, events })
    }
    const timer = setTimeout(end, SECONDS * 1000, 'timeout')
    source.addEventListener(last, () => end('last'))
    for (const type of new Set([...types, 'error'])) {
      source.addEventListener(type, event => {
        // A server may call its events `open` or `error`, too: those have data.
        if (event.data !== undefined) {
          events.push({ event: event.type, data: event.data, id: event.lastEventId })
        } else if (type === 'error') {
          end('error')
        }
      })
    }
  })
}

/** All streams of the stand at `base`, several at a time: a browser has six connections for one host. */
export async function collectAll(EventSource, base) {
  const { last, streams } = await (await fetch(`${base}/plan`)).json()
  const rest = streams.entries()
  const worker = async () => {
    for (const [i, types] of rest) {
      const report = await collect(EventSource, `${base}/stream/${i}`, types, last)
      await post(base, i, report)
    }
  }
  await Promise.all(Array.from({ length: 5 }, worker))
}

export async function post(base, stream, report) {
  await fetch(`${base}/report/${stream}`, { method: 'POST', body: JSON.stringify(report) })
}
