/**
 * A web server that records each request with its bytes. Start the service (`npm start -- --empty`), then
 * `npx node examples/02-http-middleware.ts`, and ask the address that it prints. Ctrl-C ends it in an orderly way.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../src/collect/client/client.ts'
import type { Client } from '../src/collect/client/client.ts'
import { serviceOf } from './service.ts'

/** What of a connection has been recorded already: over a connection come many requests, one after the other. */
const recorded = new WeakMap<Socket, { out: number; in: number }>()

/** Records a request when its response has ended, also one that was broken off. */
function recordRequest(client: Client, request: IncomingMessage, response: ServerResponse): void {
  const time = new Date()
  const from = process.hrtime.bigint()
  const { socket } = request
  response.once('close', () => {
    const before = recorded.get(socket) ?? { out: 0, in: 0 }
    // What was handed to the kernel: of a connection that broke, a part may not have arrived.
    const now = { out: socket.bytesWritten, in: socket.bytesRead }
    recorded.set(socket, now)
    client.record({
      kind: 'http_request',
      time,
      account: 'example',
      endpoint: request.headers.host,
      protocol: `HTTP/${request.httpVersion}`,
      method: request.method,
      status: response.statusCode,
      bytes_out_wire: now.out - before.out,
      bytes_in_wire: now.in - before.in,
      duration_us: (process.hrtime.bigint() - from) / 1_000n,
      path: request.url,
      client_address: socket.remoteAddress,
      user_agent: request.headers['user-agent'],
    })
  })
}

const client = createClient({
  ...serviceOf(process.env),
  source: 'example-02',
  spool: process.env['SPOOL'] ?? join(tmpdir(), 'crossfoot-example-02'),
  onTrouble: ({ kind, message }) => process.stderr.write(`${kind}: ${message}\n`),
})

const server = createServer((request, response) => {
  recordRequest(client, request, response)
  response.end(`You asked for ${request.url}\n`)
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () =>
  process.stdout.write(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)

async function stop(): Promise<void> {
  await new Promise((done) => {
    server.close(done)
    server.closeIdleConnections()
  })
  const { acknowledged, pending, lost } = await client.close({ limitMs: 5_000 })
  process.stdout.write(`${acknowledged} acknowledged, ${pending} left in the spool, ${lost} lost\n`)
}
process.once('SIGTERM', () => void stop()).once('SIGINT', () => void stop())
