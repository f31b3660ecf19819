import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** What a network does to one request. */
export type Fault =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly millis: number }
  /** Cut before anything has arrived. */
  | { readonly kind: 'drop' }
  /** Cut in the middle of the body, after so many thousandths of it. */
  | { readonly kind: 'cut body'; readonly permille: number }
  /** Cut after the service has answered; the client sees so many thousandths of the answer. */
  | { readonly kind: 'cut answer'; readonly permille: number }
  /** The whole request once more, behind the client's back. */
  | { readonly kind: 'repeat' }
  /** The whole request through two connections at once; the client hears one of them. */
  | { readonly kind: 'at once'; readonly heard: 0 | 1 }
  /** The client is cut off and sends again; what it sent first arrives long after that. */
  | { readonly kind: 'late' }

/** Requests that are kept to arrive late; above it they are dropped. */
const keptMax = 50

/** One whole request: it has a Content-Length, as everything has that our clients send. Null when it never gets whole. */
async function requestOf(client: Socket): Promise<{ readonly head: string; readonly body: Buffer } | null> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) continue
    const head = bytes.toString('latin1', 0, end + 4)
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (bytes.length < end + 4 + length) continue
    // The service closes the connection behind its answer: then the answer is whole.
    return { head: head.replace(/^connection:.*$/im, 'connection: close'), body: bytes.subarray(end + 4) }
  }
  return null
}

/**
 * A network between clients and the service that does to each request what its plan says, in the order in which
 * requests come. The target may change: a service that is started again listens elsewhere.
 */
export class FaultProxy {
  /** How often each kind of fault was done. */
  readonly done = new Map<Fault['kind'], number>()
  /** While it is calm, everything passes. */
  calm = false
  #target: URL | null = null
  readonly #faults: () => Fault
  readonly #kept: Buffer[] = []
  readonly #working = new Set<Promise<void>>()
  readonly #server = createServer((client) => {
    client.on('error', () => undefined)
    this.#track(this.#serve(client))
  })

  constructor(faults: () => Fault) {
    this.#faults = faults
  }

  async start(): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening))
    return this
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  leadTo(address: string): void {
    this.#target = new URL(address)
  }

  /** Everything that was kept arrives now, with its answer going nowhere. */
  async release(): Promise<void> {
    await Promise.all(this.#kept.splice(0).map((request) => this.#exchange(request)))
  }

  /** Waits until nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working)
  }

  async stop(): Promise<void> {
    await this.settled()
    await new Promise((closed) => this.#server.close(closed))
  }

  #track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#working.delete(tracked))
    this.#working.add(tracked)
  }

  async #serve(client: Socket): Promise<void> {
    const request = await requestOf(client).catch(() => null)
    if (request === null) {
      client.destroy()
      return
    }
    const fault: Fault = this.calm ? { kind: 'pass' } : this.#faults()
    this.done.set(fault.kind, (this.done.get(fault.kind) ?? 0) + 1)
    const head = Buffer.from(request.head, 'latin1')
    const whole = Buffer.concat([head, request.body])
    const { length } = request.body
    switch (fault.kind) {
      case 'pass':
        return this.#answer(client, await this.#exchange(whole), 1_000)
      case 'delay':
        await pause(fault.millis)
        return this.#answer(client, await this.#exchange(whole), 1_000)
      case 'drop':
        client.destroy()
        return
      case 'cut body':
        await this.#sendPart(whole.subarray(0, head.length + Math.floor((length * fault.permille) / 1_000)))
        client.destroy()
        return
      case 'cut answer':
        return this.#answer(client, await this.#exchange(whole), fault.permille)
      case 'repeat':
        this.#answer(client, await this.#exchange(whole), 1_000)
        await this.#exchange(whole)
        return
      case 'at once': {
        const answers = await Promise.all([this.#exchange(whole), this.#exchange(whole)])
        return this.#answer(client, answers[fault.heard] ?? null, 1_000)
      }
      case 'late':
        client.destroy()
        if (this.#kept.length < keptMax) this.#kept.push(whole)
        return
    }
  }

  #answer(client: Socket, answer: Buffer | null, permille: number): void {
    if (answer === null || permille === 0) client.destroy()
    else if (permille === 1_000) client.end(answer)
    else client.write(answer.subarray(0, Math.floor((answer.length * permille) / 1_000)), () => client.destroy())
  }

  /** Sends a request and gives the whole answer; null when the connection broke. */
  #exchange(request: Buffer): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const parts: Buffer[] = []
      const socket = this.#connect()
      socket.on('data', (part: Buffer) => parts.push(part))
      socket.once('error', () => resolve(null))
      socket.once('end', () => socket.destroy())
      socket.once('close', () => resolve(parts.length === 0 ? null : Buffer.concat(parts)))
      socket.write(request)
    })
  }

  #sendPart(part: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const socket = this.#connect()
      socket.once('error', () => resolve())
      socket.once('close', () => resolve())
      socket.write(part, () => socket.destroy())
    })
  }

  #connect(): Socket {
    return connect({ host: this.#target?.hostname ?? '', port: Number(this.#target?.port) })
  }
}
