import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { zstdDecompressSync } from 'node:zlib'

/** What the fake does to one request, in place of answering it well. */
export type Fault =
  | 'none'
  /** The connection is lost before anything was taken. */
  | 'drop-before'
  /** Everything was taken, and the answer is lost. */
  | 'drop-after'
  | {
      readonly status: number
      readonly retryAfter?: string
      readonly code?: string
      readonly message?: string
      readonly body?: string
    }

export interface FakeEvent {
  readonly source: string
  readonly seq?: number
  readonly id?: string
  readonly unreadable?: { readonly message: string; readonly line: string }
  readonly [field: string]: unknown
}

interface FakeSource {
  readonly accepted: Map<string, { readonly content: string; readonly event: FakeEvent; count: number }>
  readonly held: Map<string, FakeEvent>
}

/**
 * For tests of the collector: the service's door with a memory, that counts what it took by identity, and
 * fails as it is told to. It knows nothing of the real one but its interface.
 */
export class FakeService {
  readonly sources = new Map<string, FakeSource>()
  /** The bodies of POST /v1/checkpoints. */
  readonly checkpoints: unknown[] = []
  readonly requests: { readonly path: string; readonly events: number; readonly bytes: number }[] = []
  /** Asked before every POST, with its number from 1. */
  fault: (post: number) => Fault = () => 'none'
  underWay = 0
  underWayMost = 0
  url = ''
  #posts = 0
  readonly #server = createServer((request, response) => {
    void this.#handle(request, response)
  })

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  source(name: string): FakeSource {
    let found = this.sources.get(name)
    if (found === undefined) {
      found = { accepted: new Map(), held: new Map() }
      this.sources.set(name, found)
    }
    return found
  }

  /** All accepted events, in the order of their numbers. */
  accepted(): FakeEvent[] {
    return [...this.sources.values()]
      .flatMap(({ accepted }) => [...accepted.values()].map(({ event }) => event))
      .toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  }

  held(): FakeEvent[] {
    return [...this.sources.values()].flatMap(({ held }) => [...held.values()])
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const path = request.url ?? ''
    if (request.method === 'GET') {
      this.requests.push({ path, events: 0, bytes: 0 })
      this.#answerSource(decodeURIComponent(path.slice('/v1/sources/'.length)), response)
      return
    }
    if (path === '/v1/checkpoints') {
      this.checkpoints.push(JSON.parse(body.toString('utf8')))
      reply(response, 200, {})
      return
    }
    this.underWay += 1
    this.underWayMost = Math.max(this.underWayMost, this.underWay)
    // Gives a second request the chance to arrive while this one is under way.
    await new Promise((done) => setImmediate(done))
    this.#posts += 1
    const text = zstdDecompressSync(body).toString('utf8')
    const events = text.split('\n').filter((line) => line !== '')
    this.requests.push({ path, events: events.length, bytes: Buffer.byteLength(text) })
    this.#answerEvents(events, this.fault(this.#posts), response)
    this.underWay -= 1
  }

  #answerSource(name: string, response: ServerResponse): void {
    const found = this.sources.get(name)
    if (found === undefined) {
      reply(response, 404, { error: { code: 'ROUTE_NOT_FOUND', message: 'no such source' } })
      return
    }
    const epochs = [{ epoch: '', accepted: pairsOf(found.accepted), held: pairsOf(found.held) }]
    reply(response, 200, { source: name, epochs })
  }

  #answerEvents(events: readonly string[], fault: Fault, response: ServerResponse): void {
    if (fault === 'drop-before') {
      response.destroy()
      return
    }
    if (typeof fault === 'object') {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter)
      if (fault.body !== undefined) response.writeHead(fault.status).end(fault.body)
      else
        reply(response, fault.status, {
          error: { code: fault.code ?? 'OVERLOADED', message: fault.message ?? 'too much' },
        })
      return
    }
    const results = events.map((line, index) => this.#take(JSON.parse(line) as FakeEvent, line, index))
    const notAccepted = results.filter((result) => result !== undefined)
    if (fault === 'drop-after') {
      response.destroy()
      return
    }
    const duplicates = notAccepted.filter(({ status }) => status === 'duplicate').length
    reply(response, 200, {
      received: events.length,
      accepted: events.length - notAccepted.length,
      duplicates,
      quarantined: notAccepted.length - duplicates,
      results: notAccepted,
    })
  }

  #take(event: FakeEvent, content: string, index: number) {
    const source = this.source(event.source)
    const identity = String(event.seq ?? event.id)
    if (event.unreadable !== undefined) {
      source.held.set(identity, event)
      return { index, status: 'quarantined', code: 'EVENT_UNREADABLE', message: event.unreadable.message }
    }
    const known = source.accepted.get(identity)
    if (known === undefined) {
      source.accepted.set(identity, { content, event, count: 1 })
      return undefined
    }
    if (known.content === content) return { index, status: 'duplicate', code: 'DUPLICATE', message: 'accepted before' }
    source.held.set(identity, event)
    return { index, status: 'quarantined', code: 'EVENT_CONFLICT', message: 'other content' }
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function pairsOf(numbers: ReadonlyMap<string, unknown>): string[][] {
  return [...numbers.keys()].map((seq) => [seq, seq])
}
