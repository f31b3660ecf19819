import { hash } from 'node:crypto'
import type { Offset } from '../core/ids.ts'
import { heldLengthMax } from '../core/record.ts'
import type { Arrival, Correction, HeldInput, LogRecord, Outcome, ParsedEvent } from '../core/record.ts'
import { unreachable } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { saidText } from '../ingest/event.ts'
import { balanceOf, BalanceSheet, writeBatch } from './balance.ts'
import { decodeChunk, encodeChunks } from './chunk.ts'
import type { Command, CommandOf, Effect } from './command.ts'
import { Identities } from './identities.ts'
import { numberKey, numberOf } from './keys.ts'
import { correctionsSource } from './log.ts'
import { Numbering, withdrawCheckpoint, writeCheckpoint } from './numbering.ts'
import { dayName, holdInput, readHeld, resolveHeld } from './quarantine.ts'
import { countUp } from './tables.ts'
import type { Tables } from './tables.ts'

type Corrected = Pick<LogRecord, 'account' | 'fact' | 'inspection'>

/** What a correction came to, without what was looked up about the address: that is no part of what was said (L2). */
function saidOf(correction: Correction | null, event: Corrected | null): string {
  const { account = null, fact = null, inspection = null } = event ?? {}
  return JSON.stringify([correction, account, fact === null ? null : saidText(fact), inspection])
}

/** Applies one group of commands; lives as long as its transaction. */
class GroupWriter {
  readonly #tables: Tables
  readonly #numberings = new Map<string, Numbering>()
  readonly #balances: BalanceSheet
  readonly #identities: Identities
  /** What the group has accepted: one chunk unless its text is long, because a chunk of each small request would be mostly overhead. */
  readonly #accepted: LogRecord[] = []
  /** What was received by the append in hand; releases were received before, refused corrections never. */
  readonly #received: Outcome[] = []
  #next: number

  constructor(tables: Tables, end: number) {
    this.#tables = tables
    this.#balances = new BalanceSheet(tables)
    this.#identities = new Identities(tables)
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

  #record(record: Omit<LogRecord, 'offset' | 'ingested'>, now: Micros): Outcome {
    const { time, account, fact, inspection, correction } = record
    const offset = this.#next as Offset
    this.#accepted.push({ offset, ingested: now, time, account, fact, inspection, correction })
    this.#next += 1
    return { kind: 'accepted', offset }
  }

  /** L2: a number is counted once for ever, an id as long as its content is remembered. */
  #accept(event: ParsedEvent, now: Micros): Outcome {
    const { seq } = event
    const numbering = this.#numbering(event.source, event.epoch)
    const isNew = seq === null || !numbering.accepted.has(seq)
    const known = isNew && seq !== null ? 'forgotten' : this.#identities.known(numbering.number, event, now)
    if (known === 'other') return this.#conflict(event, now)
    if (known === 'same' || !isNew) {
      // Also when the number is known and its content forgotten: it was counted, and is not counted again.
      numbering.tally.duplicates += 1
      return { kind: 'duplicate' }
    }
    if (seq !== null) numbering.accepted.add(seq)
    this.#identities.remember(numbering.number, event, now)
    numbering.countAccepted(event.time, now)
    const { time, account, fact, inspection } = event
    return this.#record({ time, account, fact, inspection, correction: null }, now)
  }

  /** A record of the log, also one that this very group has accepted. */
  #recordAt(offset: Offset): LogRecord | undefined {
    const accepted = this.#accepted[offset - (this.#accepted[0]?.offset ?? this.#next)]
    if (accepted !== undefined) return accepted
    const start = numberKey(offset)
    for (const { key, value } of this.#tables.chunks.getRange({ start, reverse: true, limit: 1 })) {
      const first = numberOf(key) as Offset
      return decodeChunk(value, first)[offset - first]
    }
    return undefined
  }

  /**
   * The remembered hash is of everything, as it has always been; where it differs, what was said is compared with the
   * record itself. The log alone decides, so that every copy of it decides the same.
   */
  #saysTheSame(offset: Offset, correction: Correction, event: ParsedEvent | null): boolean {
    const record = this.#recordAt(offset)
    if (record === undefined || (record.fact === null) !== (event === null)) return false
    return saidOf(record.correction, event === null ? null : record) === saidOf(correction, event)
  }

  /** L2 for corrections: the version that is superseded is their identity. */
  #correct(correction: Correction, event: ParsedEvent | null, now: Micros): Outcome {
    if (correction.supersedes >= this.#next) return { kind: 'unknown' }
    const key = numberKey(correction.supersedes)
    const text = JSON.stringify([correction, event?.account ?? null, event?.fact ?? null, event?.inspection ?? null])
    const content = hash('sha256', text, 'buffer').subarray(0, 8)
    const stored = this.#tables.superseded.get(key)
    if (stored !== undefined) {
      const isSame =
        stored.subarray(8).equals(content) || this.#saysTheSame(numberOf(stored) as Offset, correction, event)
      return { kind: isSame ? 'duplicate' : 'conflict' }
    }
    this.#tables.superseded.putSync(key, Buffer.concat([numberKey(this.#next), content]))
    const { account, time } = event ?? correction.was
    const { fact = null, inspection = null } = event ?? {}
    return this.#record({ time, account, fact, inspection, correction }, now)
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
        const outcome = this.#correct(arrival.correction, arrival.event, now)
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
    // Only what is open can become an event: a second answer to one input would be counted beside the balance.
    const held = readHeld(this.#tables, number)
    if (held === null || held.resolution !== null) return { kind: 'unknown' }
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
        return withdrawCheckpoint(this.#tables, command, command.decision, command.now)
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

  finish(): { readonly end: number; readonly written: readonly LogRecord[] } {
    for (const { first, chunk } of encodeChunks(this.#accepted)) this.#tables.chunks.putSync(numberKey(first), chunk)
    for (const numbering of this.#numberings.values()) numbering.flush()
    this.#identities.flush()
    this.#balances.finish()
    return { end: this.#next, written: this.#accepted }
  }
}

/** The offset of the correction that superseded a version, or null. */
export function supersededBy(tables: Tables, version: Offset): Offset | null {
  const stored = tables.superseded.get(numberKey(version))
  return stored === undefined ? null : (numberOf(stored) as Offset)
}

/** What a group of commands came to. */
export interface Applied {
  readonly effects: readonly Effect[]
  readonly end: number
  /** The records that were accepted. */
  readonly written: readonly LogRecord[]
}

/** Applies commands in order inside the caller's transaction. */
export function applyGroup(tables: Tables, commands: readonly Command[], end: number): Applied {
  const writer = new GroupWriter(tables, end)
  const effects = commands.map((command) => writer.apply(command))
  return { effects, ...writer.finish() }
}
