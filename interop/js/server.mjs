// The events of a JSON file as an event stream, written by hand:  node server.mjs FILE
// All line ends are CRLF. The writes end anywhere: within a line, within a character, between a CR and its LF.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const messages = JSON.parse(readFileSync(process.argv[2], 'utf8'))

function block({ comment, event, id, retry, data }) {
  const lines = []
  // A comment is a block of its own: a keep-alive.
  if (comment !== undefined) lines.push(`: ${comment}`, '')
  if (event !== undefined) lines.push(`event: ${event}`)
  if (id !== undefined) lines.push(`id: ${id}`)
  if (retry !== undefined) lines.push(`retry: ${retry}`)
  for (const line of data.split(/\r\n|\r|\n/)) lines.push(`data: ${line}`)
  lines.push('', '')
  return lines.join('\r\n')
}

const server = createServer(async (request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const body = Buffer.from(messages.map(block).join(''))
  const lengths = [1460, 1, 2, 100, 17, 3000]
  for (let at = 0, i = 0; at < body.length; i++) {
    const end = at + lengths[i % lengths.length]
    response.write(body.subarray(at, end))
    at = end
    await new Promise(setImmediate)
  }
  response.end()
})
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, version: process.version }))
})
