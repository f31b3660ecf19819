import { hash } from 'node:crypto'
import type { Offset } from '../core/ids.ts'
import { heldLengthMax } from '../core/record.ts'
import type { Arrival, Correction, HeldInput, Outcome, ParsedEvent } from '../core/record.ts'
import { unreachable } from '../core/result.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { balanceOf, BalanceSheet, writeBatch } from './balance.ts'
import { encodeChunk } from './chunk.ts'
import type { NewRecord } from './chunk.ts'
import type { Command, CommandOf, Effect } from './command.ts'
import { identityKey, numberKey, numberOf } from './keys.ts'
import { correctionsSource } from './log.ts'
import { Numbering, withdrawCheckpoint, writeCheckpoint } from './numbering.ts'
import { dayName, holdInput, resolveHeld } from './quarantine.ts'
import { countUp } from './tables.ts'
import type { Tables } from './tables.ts'

/** Content hashes of identities are kept this long: longer than ordinary ingest accepts a time (35 days). */
export const rememberedDays = 37

export function dayOf(instant: Micros): number {
  return Math.floor(instant / dayMicros)
}

/** Applies one group of commands; lives as long as its transaction. */
class GroupWriter {
  readonly #tables: Tables
  readonly #numberings = new Map<string, Numbering>()
  readonly #balances: BalanceSheet
  /** What the append in hand has accepted. */
  readonly #accepted: NewRecord[] = []
  /** What was received by the append in hand; releases were received before, refused corrections never. */
  readonly #received: Outcome[] = []
  #next: number

  constructor(tables: Tables, end: number) {
    this.#tables = tables
    this.#balances = new BalanceSheet(tables)
    this.#next = end
  }

  #numbering(source: string, epoch: string): Numbering {
    const name = `${source}\0${epoch}`
    let open = this.#numberings.get(name)
    if (open === undefined) {
      open = new Numbering(this.#tables, source, epoch)
      this.#numberings.set(name, open)
    }
    return open
  }

  #hold(held: HeldInput, now: Micros): void {
    holdInput(this.#tables, this.#balances, held, now)
    if (held.source === null) return
    const numbering = this.#numbering(held.source, held.epoch)
    numbering.tally.held += 1
    if (held.seq !== null) numbering.held.add(held.seq)
  }

  #conflict(event: ParsedEvent, now: Micros): Outcome {
    const { source, epoch, id, seq, fact, inspection } = event
    const problem = {
      code: 'EVENT_CONFLICT',
      message: 'an event with this identity and other content was accepted before',
    } as const
    this.#hold({ source, epoch, id, seq, problem, raw: `${fact}${inspection ?? ''}`.slice(0, heldLengthMax) }, now)
    return { kind: 'conflict' }
  }

  #record(record: NewRecord): Outcome {
    this.#accepted.push(record)
    this.#next += 1
    return { kind: 'accepted', offset: (this.#next - 1) as Offset }
  }

  /** L2. What is remembered is judged by the command's time, so that it does not matter when `forget` ran. */
  #accept(event: ParsedEvent, now: Micros): Outcome {
    const numbering = this.#numbering(event.source, event.epoch)
    const key = identityKey(numbering.number, event)
    const stored =
      event.seq === null || numbering.accepted.has(event.seq) ? this.#tables.identities.get(key) : undefined
    if (stored !== undefined && stored.readUInt32BE(8) >= dayOf(now)) {
      if (stored.toString('latin1', 0, 8) !== event.hash) return this.#conflict(event, now)
      numbering.tally.duplicates += 1
      return { kind: 'duplicate' }
    }
    // The number is known but its content hash is forgotten: it was counted, and is not counted again.
    if (event.seq !== null && !numbering.accepted.add(event.seq)) {
      numbering.tally.duplicates += 1
      return { kind: 'duplicate' }
    }
    const remembered = Buffer.allocUnsafe(12)
    remembered.write(event.hash, 0, 8, 'latin1')
    // Without a number the hash alone guards L2, and must outlive the last moment at which ingest takes that time.
    remembered.writeUInt32BE(dayOf(event.seq === null && event.time > now ? event.time : now) + rememberedDays, 8)
    this.#tables.identities.putSync(key, remembered)
    numbering.countAccepted(event.time, now)
    const { time, account, fact, inspection } = event
    return this.#record({ time, account, fact, inspection, correction: null })
  }

  /** L2 for corrections: the version that is superseded is their identity. */
  #correct(correction: Correction, event: ParsedEvent | null): Outcome {
    if (correction.supersedes >= this.#next) return { kind: 'unknown' }
    const key = numberKey(correction.supersedes)
    const text = JSON.stringify([correction, event?.account ?? null, event?.fact ?? null, event?.inspection ?? null])
    const content = hash('sha256', text, 'buffer').subarray(0, 8)
    const stored = this.#tables.superseded.get(key)
    if (stored !== undefined) return { kind: stored.subarray(8).equals(content) ? 'duplicate' : 'conflict' }
    this.#tables.superseded.putSync(key, Buffer.concat([numberKey(this.#next), content]))
    const { account, time } = event ?? correction.was
    return this.#record({
      time,
      account,
      fact: event?.fact ?? null,
      inspection: event?.inspection ?? null,
      correction,
    })
  }

  #count(source: string, day: string, outcome: Outcome): void {
    this.#balances.arrived(source, day, outcome)
    this.#received.push(outcome)
  }

  #take(arrival: Arrival, now: Micros, day: string): Outcome {
    switch (arrival.kind) {
      case 'held':
        this.#hold(arrival.held, now)
        this.#count(arrival.held.source ?? '', day, { kind: 'held' })
        return { kind: 'held' }
      case 'correction': {
        const outcome = this.#correct(arrival.correction, arrival.event)
        if (outcome.kind === 'accepted' || outcome.kind === 'duplicate') this.#count(correctionsSource, day, outcome)
        return outcome
      }
      case 'event':
        return arrival.release === undefined
          ? this.#takeEvent(arrival.event, now, day)
          : this.#release(arrival.event, arrival.release, now)
      default:
        return unreachable(arrival)
    }
  }

  #takeEvent(event: ParsedEvent, now: Micros, day: string): Outcome {
    const outcome = this.#accept(event, now)
    this.#count(event.source, day, outcome)
    return outcome
  }

  /** A held input that became an event. It was received when it was held, so it is not received once more. */
  #release(
    event: ParsedEvent,
    release: NonNullable<Extract<Arrival, { kind: 'event' }>['release']>,
    now: Micros,
  ): Outcome {
    const { held: number, by, reason } = release
    const outcome = this.#accept(event, now)
    const kind = outcome.kind === 'accepted' ? 'released' : 'duplicate'
    if (outcome.kind === 'conflict' || outcome.kind === 'held' || outcome.kind === 'unknown') return outcome
    const offset = outcome.kind === 'accepted' ? outcome.offset : null
    resolveHeld(this.#tables, this.#balances, number, { kind, by, reason, at: now, offset })
    return outcome
  }

  #append({ arrivals, now, sender }: CommandOf<'append'>): Effect {
    const first = this.#next as Offset
    const day = dayName(now)
    const outcomes = arrivals.map((arrival) => this.#take(arrival, now, day))
    if (this.#accepted.length > 0) {
      this.#tables.chunks.putSync(numberKey(first), encodeChunk(this.#accepted, now))
      this.#accepted.length = 0
    }
    const batch = countUp(this.#tables, 'batches')
    writeBatch(this.#tables, { number: batch, arrived: now, sender, first, ...balanceOf(this.#received) })
    this.#received.length = 0
    return { batch, outcomes }
  }

  apply(command: Command): Effect {
    switch (command.kind) {
      case 'append':
        return this.#append(command)
      case 'checkpoint': {
        const { stated, now } = command
        const joined = writeCheckpoint(this.#tables, stated, now)
        this.#numberings.get(`${stated.source}\0${stated.epoch}`)?.restated()
        return joined
      }
      case 'withdraw_checkpoint': {
        this.#numberings.get(`${command.source}\0${command.epoch}`)?.restated()
        return withdrawCheckpoint(this.#tables, command.source, command.epoch)
      }
      case 'write_off': {
        const { numbers, decision, now } = command
        const resolution = { kind: 'written_off', ...decision, at: now, offset: null } as const
        return numbers.filter((number) => resolveHeld(this.#tables, this.#balances, number, resolution)).length
      }
      default:
        return unreachable(command)
    }
  }

  finish(): number {
    for (const numbering of this.#numberings.values()) numbering.flush()
    this.#balances.finish()
    return this.#next
  }
}

/** The offset of the correction that superseded a version, or null. */
export function supersededBy(tables: Tables, version: Offset): Offset | null {
  const stored = tables.superseded.get(numberKey(version))
  return stored === undefined ? null : (numberOf(stored) as Offset)
}

/** Applies commands in order inside the caller's transaction; returns what each came to and the new end. */
export function applyGroup(
  tables: Tables,
  commands: readonly Command[],
  end: number,
): { readonly effects: readonly Effect[]; readonly end: number } {
  const writer = new GroupWriter(tables, end)
  const effects = commands.map((command) => writer.apply(command))
  return { effects, end: writer.finish() }
}
