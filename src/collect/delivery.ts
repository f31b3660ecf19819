import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { UnreadableInput } from '../core/event.ts'
import { assert, fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { limits } from './limits.ts'
import { ServiceError, bodyOf, callPatiently } from './service.ts'
import type { Reply, Service, World } from './service.ts'

/** Lines on their way, as one request. */
export interface Batch {
  /** The line number of each event, in the order of the body. */
  readonly lines: readonly number[]
  /** NDJSON. */
  readonly body: string
}

/** Collects events until they fill a request. */
export class BatchBuilder {
  #lines: number[] = []
  #events: string[] = []
  #bytes = 0

  get length(): number {
    return this.#lines.length
  }

  /** True when the event does not fit in any more. One event always fits. */
  isFullFor(event: string): boolean {
    if (this.length === 0) return false
    return this.length === limits.batchEventsMax || this.#bytes + Buffer.byteLength(event) + 1 > limits.batchBytesMax
  }

  add(line: number, event: string): void {
    this.#lines.push(line)
    this.#events.push(event)
    this.#bytes += Buffer.byteLength(event) + 1
  }

  take(): Batch {
    const batch = { lines: this.#lines, body: `${this.#events.join('\n')}\n` }
    this.#lines = []
    this.#events = []
    this.#bytes = 0
    return batch
  }
}

/** What the service says about one event that it did not accept. */
export interface NotAccepted {
  readonly line: number
  readonly status: 'duplicate' | 'quarantined'
  readonly code: string
  readonly message: string
}

/** What became of a batch; the three add up to its length (L1). */
export interface BatchOutcome {
  readonly accepted: number
  readonly duplicates: number
  readonly quarantined: number
  readonly notAccepted: readonly NotAccepted[]
}

function readResult(value: unknown, lines: readonly number[]): NotAccepted | undefined {
  const { index, status, code, message } = (value ?? {}) as Readonly<Record<string, unknown>>
  const line = lines[typeof index === 'number' ? index : -1]
  if (line === undefined || (status !== 'duplicate' && status !== 'quarantined')) return undefined
  return {
    line,
    status,
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
  }
}

/** Reads the answer of `POST /v1/events`, and refuses one whose counts do not add up to what was sent. */
export function parseOutcome(answer: unknown, lines: readonly number[]): Result<BatchOutcome, string> {
  const { received, accepted, duplicates, quarantined, results } = (answer ?? {}) as Readonly<Record<string, unknown>>
  if (typeof accepted !== 'number' || typeof duplicates !== 'number' || typeof quarantined !== 'number')
    return fail('the answer has no counts')
  if (received !== lines.length || accepted + duplicates + quarantined !== lines.length)
    return fail(
      `${lines.length} events were sent, and the answer speaks of ${String(received)} received = ${accepted} accepted + ${duplicates} duplicates + ${quarantined} quarantined`,
    )
  const listed = Array.isArray(results) ? results : []
  const notAccepted = listed.map((result) => readResult(result, lines)).filter((result) => result !== undefined)
  if (notAccepted.length !== listed.length) return fail('the answer speaks of an event that was not sent')
  return ok({ accepted, duplicates, quarantined, notAccepted })
}

const compress = promisify(zstdCompress)

/**
 * Sends one batch until the service has answered for it. Safe to repeat: the events carry their numbers (L2). A batch
 * that is too large for somebody on the way is halved and sent again, down to the single event.
 */
export async function deliver(service: Service, batch: Batch, world: World): Promise<BatchOutcome> {
  const reply = await post(service, batch.body, world)
  const isTooLarge = reply.kind === 'answer' && reply.status === 413
  if (!isTooLarge) return outcomeOf(service, reply, batch.lines)
  if (batch.lines.length > 1) {
    const [first, second] = halvesOf(batch)
    return sumOf(await deliver(service, first, world), await deliver(service, second, world))
  }
  return outcomeOf(service, await post(service, standIn(batch.body), world), batch.lines)
}

async function post(service: Service, text: string, world: World): Promise<Reply> {
  const body = await compress(text)
  const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'zstd' }
  return callPatiently(service, { method: 'POST', path: '/v1/events', headers, body }, world)
}

function outcomeOf(service: Service, reply: Reply, lines: readonly number[]): BatchOutcome {
  const outcome = parseOutcome(bodyOf(service, reply), lines)
  if (!outcome.ok) throw new ServiceError('ANSWER_UNCLEAR', `${service.url} answered unclearly: ${outcome.error}`)
  return outcome.value
}

function halvesOf({ lines, body }: Batch): readonly [Batch, Batch] {
  const events = body.trimEnd().split('\n')
  assert(events.length === lines.length, 'a batch has an event for each of its lines')
  const half = Math.ceil(lines.length / 2)
  const part = (from: number, to: number): Batch => ({
    lines: lines.slice(from, to),
    body: `${events.slice(from, to).join('\n')}\n`,
  })
  return [part(0, half), part(half, lines.length)]
}

/**
 * What is sent in the place of an event that nobody takes for its size: it keeps its identity, so its number is no
 * hole, and lies in quarantine with its beginning.
 */
function standIn(event: string): string {
  const { source, epoch, seq, id } = JSON.parse(event) as Partial<UnreadableInput> & { readonly id?: unknown }
  const message = `the event has ${Buffer.byteLength(event)} bytes, and alone it was refused as too large (413); its beginning is kept`
  const line = event.trimEnd().slice(0, limits.overlongKeptBytes).toWellFormed()
  return `${JSON.stringify({ source, epoch, seq, id, unreadable: { message, line } })}\n`
}

function sumOf(a: BatchOutcome, b: BatchOutcome): BatchOutcome {
  return {
    accepted: a.accepted + b.accepted,
    duplicates: a.duplicates + b.duplicates,
    quarantined: a.quarantined + b.quarantined,
    notAccepted: [...a.notAccepted, ...b.notAccepted],
  }
}

/** Keeps a bounded number of deliveries under way. After the first that fails it takes no more. */
export class Lanes {
  readonly #most: number
  readonly #underWay = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(most: number) {
    this.#most = most
  }

  /** Starts the work as soon as there is a free lane, and returns when it has started. */
  async start(work: () => Promise<void>): Promise<void> {
    while (this.#underWay.size >= this.#most && this.#failure === undefined) await Promise.race(this.#underWay)
    this.#throwFailure()
    const running = work().catch((error: unknown) => {
      this.#failure ??= { error }
    })
    this.#underWay.add(running)
    void running.then(() => this.#underWay.delete(running))
  }

  /** Waits for everything that was started, then throws the first failure if there was one. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
