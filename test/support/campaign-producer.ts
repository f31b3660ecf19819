import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { CampaignLedger } from './campaign-ledger.ts'
import type { ProducerShape } from './campaign-plan.ts'
import { pick, shuffled } from './dice.ts'
import type { Dice } from './dice.ts'
import { lineOf, timeAt } from './odd-events.ts'
import type { Receipt } from './answers.ts'
import type { FaultProxy } from './proxy.ts'

/** One event of a batch, or something that is none: then it has a mark, by which it is found in quarantine. */
type Item =
  | { readonly kind: 'event'; readonly identity: string; readonly seq: number | null; readonly line: string }
  | { readonly kind: 'bad'; readonly mark: string; readonly seq: number | null; readonly line: string }

interface Batch {
  readonly items: readonly Item[]
  readonly body: string | Buffer<ArrayBuffer>
}

/** The load of one round. */
export interface Session {
  readonly accounts: readonly string[]
  readonly isOver: () => boolean
  readonly answered: () => void
}

export interface ProducerOptions {
  readonly shape: ProducerShape
  readonly ledger: CampaignLedger
  readonly dice: Dice
  readonly proxy: FaultProxy
  readonly key: string
}

const dayMillis = 86_400_000
const rememberedMax = 300
const triesMax = 400
const contentTypes = { ndjson: 'application/x-ndjson', array: 'application/json', one: 'application/json' } as const

/** The body of an answer; null when there was none, or one that asks to come again. Nothing else may happen. */
export async function ask(url: string, init: RequestInit): Promise<{ status: number; body: unknown } | null> {
  let answer: { status: number; body: unknown }
  try {
    const response = await fetch(url, init)
    answer = { status: response.status, body: await response.json() }
  } catch (error) {
    // `fetch` says TypeError for every kind of broken connection; a cut answer is broken JSON as well.
    if (error instanceof TypeError || error instanceof SyntaxError) return null
    throw error
  }
  return answer.status >= 500 || answer.status === 429 ? null : answer
}

/**
 * Sends batch after batch through its network, keeps what was not acknowledged, and sends exactly that again: with
 * repetitions, in any order, with bad lines among the good. The ledger knows all of it.
 */
export class Producer {
  readonly #options: ProducerOptions
  readonly #pending: (Batch | null)[]
  readonly #recent: Extract<Item, { kind: 'event' }>[] = []
  /** Numbers that were given and not acknowledged. */
  readonly #open = new Set<number>()
  #next = 1
  #marks = 0

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#pending = Array.from({ length: options.shape.lanes }, () => null)
  }

  /** Sends until the session is over; what got no answer stays pending. */
  async run(session: Session): Promise<void> {
    await Promise.all(
      this.#pending.map(async (_, lane) => {
        while (!session.isOver()) {
          this.#pending[lane] ??= this.#newBatch(session.accounts, this.#size())
          if (await this.#send(lane)) session.answered()
          else await pause(1 + this.#options.dice(15))
        }
      }),
    )
  }

  /** One batch of full size, acknowledged; false when the session ended before. */
  async sendLarge(session: Session): Promise<boolean> {
    const { batchMax } = this.#options.shape
    const lane = this.#pending.length
    this.#pending.push(this.#newBatch(session.accounts, batchMax))
    while (!session.isOver()) if (await this.#send(lane)) return true
    return false
  }

  /** Sends everything that is pending until all of it is acknowledged. */
  async flush(): Promise<void> {
    for (let lane = 0; lane < this.#pending.length; lane += 1) {
      for (let tries = 0; !(await this.#send(lane)); tries += 1) {
        expect(tries, `${this.#options.shape.source} gets an answer`).toBeLessThan(triesMax)
        await pause(1 + this.#options.dice(30))
      }
    }
    this.#pending.length = this.#options.shape.lanes
  }

  /** Says how far it has come, as an honest source does: everything up to this number was acknowledged. */
  async state(): Promise<void> {
    const { shape, proxy, key, ledger } = this.#options
    const seq = Math.min(this.#next, ...this.#open) - 1
    if (!shape.numbered || seq < 1) return
    const answer = await ask(`${proxy.address}/v1/checkpoints`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ source: shape.source, seq: String(seq), time: new Date().toISOString() }),
    })
    if (answer === null) return
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    ledger.stated(shape.source, seq)
  }

  #size(): number {
    const { dice, shape } = this.#options
    return 1 + dice(dice(6) === 0 ? shape.batchMax : Math.min(shape.batchMax, 40))
  }

  /** True when the lane has nothing pending any more. */
  async #send(lane: number): Promise<boolean> {
    const batch = this.#pending[lane]
    if (batch === null || batch === undefined) return true
    const { shape, proxy, key, ledger, dice } = this.#options
    const answer = await ask(`${proxy.address}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': contentTypes[shape.form],
        ...(shape.gzip ? { 'content-encoding': 'gzip' } : {}),
      },
      body: batch.body,
    })
    if (answer === null) return false
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    const { received, accepted, duplicates, quarantined } = answer.body as Receipt
    const bad = batch.items.filter(({ kind }) => kind === 'bad').length
    expect({ received, quarantined, counted: accepted + duplicates }, 'L1 of a batch').toEqual({
      received: batch.items.length,
      quarantined: bad,
      counted: batch.items.length - bad,
    })
    ledger.received(received)
    for (const item of batch.items) {
      if (item.kind === 'event') ledger.acknowledged(item.identity)
      else ledger.heldAside(item.mark)
      if (item.seq !== null) this.#open.delete(item.seq)
    }
    this.#pending[lane] = null
    if (dice(8) === 0) await this.state()
    return true
  }

  #newBatch(accounts: readonly string[], size: number): Batch {
    const { dice, shape } = this.#options
    const items: Item[] = Array.from({ length: size }, () => this.#newEvent(pick(dice, accounts)))
    if (shape.form !== 'one') {
      if (dice(4) === 0 && this.#recent.length > 0) {
        const again = Array.from({ length: 1 + dice(5) }, () => pick(dice, this.#recent))
        items.push(...again)
      }
      if (dice(12) === 0) items.push(this.#badLine(pick(dice, accounts)))
      if (dice(15) === 0) items.push(...this.#conflict())
    }
    for (const item of items) if (item.kind === 'event') this.#remember(item)
    const lines = shuffled(dice, items)
    const text =
      shape.form === 'array' ? `[${lines.map(({ line }) => line).join(',')}]` : lines.map(({ line }) => line).join('\n')
    return { items: lines, body: shape.gzip ? gzipSync(text) : text }
  }

  #remember(event: Extract<Item, { kind: 'event' }>): void {
    this.#recent.push(event)
    if (this.#recent.length > rememberedMax) this.#recent.shift()
  }

  #newNumber(): number {
    const number = this.#next
    this.#next += 1
    if (this.#options.shape.numbered) this.#open.add(number)
    return number
  }

  #newEvent(account: string): Item {
    const { shape, dice, ledger } = this.#options
    const { source, numbered } = shape
    const number = this.#newNumber()
    // Past 2^53 now and then; and late by up to years, so that one range of the log is several inserts.
    const bytes = dice(10) === 0 ? 2n ** 64n - 1n - BigInt(dice(1_000_000)) : BigInt(dice(100_000))
    const days = dice(4) === 0 ? dice(shape.daysMax) : dice(Math.min(shape.daysMax, 34))
    const identity = `${source} ${numbered ? number : `id-${number}`}`
    ledger.sent(identity, account, bytes)
    const line = lineOf({
      source: JSON.stringify(source),
      ...(numbered ? { seq: String(number) } : { id: `"id-${number}"` }),
      time: timeAt(-days * dayMillis - 1_000),
      account: JSON.stringify(account),
      bytes_out_wire: `"${bytes}"`,
    })
    return { kind: 'event', identity, seq: numbered ? number : null, line }
  }

  #newMark(): string {
    this.#marks += 1
    return `bad-${this.#options.shape.source}-${this.#marks}.example`
  }

  /** What cannot be counted: it has to be held aside, once, and its neighbours must not notice. */
  #badLine(account: string): Item {
    const { shape, dice, ledger } = this.#options
    const mark = this.#newMark()
    ledger.sentBad(mark)
    if (shape.form === 'ndjson' && dice(2) === 0) {
      return { kind: 'bad', mark, seq: null, line: `{"source":"${shape.source}","endpoint":"${mark}",` }
    }
    const seq = shape.numbered ? this.#newNumber() : null
    const line = lineOf({
      source: JSON.stringify(shape.source),
      ...(seq === null ? { id: `"${mark}"` } : { seq: String(seq) }),
      account: JSON.stringify(account),
      endpoint: JSON.stringify(mark),
      bytes_out_wire: '-1',
    })
    return { kind: 'bad', mark, seq, line }
  }

  /** A known identity with other content: of an event that was acknowledged, so that it is clear which came first. */
  #conflict(): Item[] {
    const { dice, ledger } = this.#options
    const known = this.#recent.filter(({ identity }) => ledger.isAcknowledged(identity))
    if (known.length === 0) return []
    const mark = this.#newMark()
    ledger.sentBad(mark)
    const line = pick(dice, known).line.replace(/}$/, `,"endpoint":"${mark}"}`)
    return [{ kind: 'bad', mark, seq: null, line }]
  }
}
