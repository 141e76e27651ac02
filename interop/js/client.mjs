// A client of a stand:  node client.mjs undici|event-source-polyfill|eventsource-parser http://127.0.0.1:PORT
import polyfill from 'event-source-polyfill'
import { createParser } from 'eventsource-parser'
import { EventSource } from 'undici'
import { collectAll, post } from './collect.mjs'

// That undici calls its EventSource experimental.
process.removeAllListeners('warning')

const [client, base] = process.argv.slice(2)
if (client === 'undici') {
  await collectAll(EventSource, base)
} else if (client === 'event-source-polyfill') {
  await collectAll(polyfill.EventSourcePolyfill, base)
} else {
  const { last } = await (await fetch(`${base}/plan`)).json()
  const response = await fetch(`${base}/stream/0`)
  const events = []
  let end = 'error'
  let retry
  const parser = createParser({
    onRetry: milliseconds => { retry = milliseconds },
    onEvent: ({ event = 'message', data, id = '' }) => {
      if (event === last) {
        end = 'last'
      } else {
        events.push({ event, data, id, retry })
      }
      retry = undefined
    }
  })
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    parser.feed(text)
  }
  await post(base, 0, { end, events })
}
