import type { Outcome } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import type { Balance, Batch, DayBalance, HeldBalance } from './log.ts'
import { numberKey } from './keys.ts'
import type { Tables } from './tables.ts'

/** The counts of one source and day, in the order in which they are stored. Append only: the order is a format. */
const names = [
  'received',
  'accepted',
  'duplicates',
  'quarantined',
  'held',
  'released',
  'foundDuplicate',
  'writtenOff',
] as const
export type CountName = (typeof names)[number]
type Counts = Record<CountName, bigint>

function decodeCounts(stored: Buffer | undefined): Counts {
  // A row of an older version is shorter: what it does not say is zero.
  return Object.fromEntries(
    names.map((name, index) => [
      name,
      stored !== undefined && stored.length >= index * 8 + 8 ? stored.readBigUInt64BE(index * 8) : 0n,
    ]),
  ) as Counts
}

function encodeCounts(counts: Counts): Buffer {
  const value = Buffer.alloc(names.length * 8)
  names.forEach((name, index) => value.writeBigUInt64BE(counts[name], index * 8))
  return value
}

export function decodeDay(key: Buffer, value: Buffer): DayBalance {
  const [source = '', day = ''] = key.toString('utf8').split('\0')
  return { source, day, ...decodeCounts(value) }
}

const all = Buffer.from('\0')

export function heldTotals(tables: Tables): HeldBalance {
  const { held, released, foundDuplicate, writtenOff } = decodeCounts(tables.balances.get(all))
  return { held, released, foundDuplicate, writtenOff }
}

/** The counts that one group of commands changes; lives as long as its transaction. */
export class BalanceSheet {
  readonly #tables: Tables
  readonly #rows = new Map<string, Counts>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  #row(key: string): Counts {
    let counts = this.#rows.get(key)
    if (counts === undefined) {
      counts = decodeCounts(this.#tables.balances.get(Buffer.from(key)))
      this.#rows.set(key, counts)
    }
    return counts
  }

  /** What became of one arrival of a source on a day. */
  arrived(source: string, day: string, outcome: Outcome): void {
    const row = this.#row(`${source}\0${day}`)
    row.received += 1n
    row[outcome.kind === 'accepted' ? 'accepted' : outcome.kind === 'duplicate' ? 'duplicates' : 'quarantined'] += 1n
  }

  /** One held input more that is held or resolved, on the day on which it arrived. */
  heldBecame(name: 'held' | 'released' | 'foundDuplicate' | 'writtenOff', source: string, day: string): void {
    this.#row(`${source}\0${day}`)[name] += 1n
    this.#row('\0')[name] += 1n
  }

  /** Writes the rows, after holding each to L1. */
  finish(): void {
    for (const [key, counts] of this.#rows) {
      const { received, accepted, duplicates, quarantined, held, released, foundDuplicate, writtenOff } = counts
      assert(received === accepted + duplicates + quarantined, 'L1: what was received is accounted for')
      assert(held >= released + foundDuplicate + writtenOff, 'L1: only what is held can be resolved')
      this.#tables.balances.putSync(Buffer.from(key), encodeCounts(counts))
    }
    this.#rows.clear()
  }
}

export function balanceOf(outcomes: readonly Outcome[]): Balance {
  let accepted = 0n
  let duplicates = 0n
  for (const { kind } of outcomes) {
    if (kind === 'accepted') accepted += 1n
    else if (kind === 'duplicate') duplicates += 1n
  }
  const received = BigInt(outcomes.length)
  return { received, accepted, duplicates, quarantined: received - accepted - duplicates }
}

/** One row for each append: time, first offset, four counts, who sent it. */
export function writeBatch(tables: Tables, { number, arrived, first, sender, ...counts }: Batch): void {
  const value = Buffer.alloc(32 + Buffer.byteLength(sender))
  value.writeBigUInt64BE(BigInt(arrived), 0)
  value.writeBigUInt64BE(BigInt(first), 8)
  ;[counts.received, counts.accepted, counts.duplicates, counts.quarantined].forEach((count, index) =>
    value.writeUInt32BE(Number(count), 16 + index * 4),
  )
  value.write(sender, 32, 'utf8')
  tables.batches.putSync(numberKey(number), value)
}

export function decodeBatch(number: number, value: Buffer): Batch {
  const [received = 0n, accepted = 0n, duplicates = 0n, quarantined = 0n] = [16, 20, 24, 28].map((at) =>
    BigInt(value.readUInt32BE(at)),
  )
  return {
    number,
    arrived: Number(value.readBigUInt64BE(0)) as Micros,
    first: Number(value.readBigUInt64BE(8)) as Batch['first'],
    sender: value.toString('utf8', 32),
    received,
    accepted,
    duplicates,
    quarantined,
  }
}
