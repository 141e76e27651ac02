// The server that tutorials on Node show:  node tutorial.mjs as-meant|as-printed FILE
// A line of the file is an event: its type, a tab, its data. As printed, the lines of the template literal have spaces around them.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [mode, file] = process.argv.slice(2)
const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map(line => line.split('\t'))
const BATCH = 400
const GATE = 900

const asMeant = (i, type, data) => `event: ${type || 'message'}\nid: ${i}\ndata: ${data}\n\n`
const asPrinted = (i, type, data) => ` event: ${type || 'message'} \n data: ${data}\n\n`
const [block, batch] = mode === 'as-printed' ? [asPrinted, lines.length] : [asMeant, BATCH]

let isOpen = false
const server = createServer(async (request, response) => {
  if (request.url === '/go') {
    isOpen = true
    server.emit('go')
    response.end()
    return
  }
  const start = Number(request.headers['last-event-id'] ?? -1) + 1
  if (start >= lines.length) {
    response.writeHead(204).end()
    return
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', Connection: 'keep-alive' })
  if (mode === 'as-meant') response.write('retry: 100\n\n')
  for (let i = start; i < Math.min(start + batch, lines.length); i++) {
    if (i === GATE && !isOpen) await once(server, 'go')
    response.write(block(i, ...lines[i]))
    await new Promise(setImmediate)
  }
  response.end()
})
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, version: process.version }))
})
