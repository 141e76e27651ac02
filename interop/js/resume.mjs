// A client that resumes, with a header of its own:  node resume.mjs CLIENT http://127.0.0.1:PORT
import { post } from './collect.mjs'

const [client, base] = process.argv.slice(2)
const headers = { Authorization: 'Bearer interop' }
const withHeaders = (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } })

/** Connections that fail in a row. */
const TRIES = 5

/** Seconds without a connection, where there are no failures either. */
const SILENCE = 8

const open = {
  'eventsource-4': async () => {
    const { EventSource } = await import('eventsource-4')
    return url => new EventSource(url, { fetch: withHeaders })
  },
  'eventsource-5': async () => {
    const { EventSource } = await import('eventsource-5')
    return url => new EventSource(url, { fetch: withHeaders })
  },
  undici: () => undici('undici'),
  'undici-8': () => undici('undici-8'),
  'event-source-polyfill': async () => {
    const { EventSourcePolyfill } = (await import('event-source-polyfill')).default
    return url => new EventSourcePolyfill(url, { headers })
  }
}

/** undici's takes no headers, and a dispatcher that adds them. */
async function undici(name) {
  const { Agent, EventSource } = await import(name)
  process.removeAllListeners('warning')
  const dispatcher = new Agent().compose(dispatch => (options, handler) =>
    dispatch({ ...options, headers: { ...options.headers, ...headers } }, handler))
  const init = { dispatcher, node: { dispatcher } }
  return url => new EventSource(url, init)
}

/** The events up to the last, over all connections. */
function follow(source, last) {
  return new Promise(resolve => {
    const events = []
    let failures = 0
    const end = how => {
      clearTimeout(timer)
      source.close()
      resolve({ end: how, events })
    }
    const timer = setTimeout(end, SILENCE * 1000, 'silent')
    source.addEventListener('open', () => {
      failures = 0
      timer.refresh()
    })
    source.addEventListener('error', () => {
      failures += 1
      if (failures === TRIES) end('failing')
    })
    source.addEventListener(last, () => end('last'))
    for (const type of ['message', 'reading']) {
      source.addEventListener(type, ({ data, lastEventId }) => events.push({ event: type, data, id: lastEventId }))
    }
  })
}

/** eventsource-parser keeps no ID and does not connect: its caller does. */
async function parse(createParser, url, last) {
  const events = []
  let id = ''
  let end
  while (end === undefined) {
    // A header's value is bytes, one for each character.
    const resuming = id === '' ? {} : { 'Last-Event-ID': Buffer.from(id).toString('latin1') }
    const response = await fetch(url, { headers: { ...headers, ...resuming } })
    if (response.status !== 200) return { end: 'error', events }
    const parser = createParser({
      onId: value => { id = value },
      onEvent: ({ event = 'message', data }) => {
        if (event === last) {
          end = 'last'
        } else {
          events.push({ event, data, id })
        }
      }
    })
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      parser.feed(text)
      if (end !== undefined) break
    }
  }
  return { end, events }
}

// Waiting to connect again, eventsource 5 and undici do not keep a program alive.
setInterval(() => {}, 1000)

const { last, paths } = await (await fetch(`${base}/plan`)).json()
for (const [i, path] of paths.entries()) {
  let report
  if (client === 'eventsource-parser-4') {
    const { createParser } = await import('eventsource-parser-4')
    report = await parse(createParser, base + path, last)
  } else {
    const source = await open[client]()
    report = await follow(source(base + path), last)
  }
  await post(base, i, report)
}
process.exit()
