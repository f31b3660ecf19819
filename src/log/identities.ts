import type { ParsedEvent } from '../core/record.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { blockKey, idKey } from './keys.ts'
import type { Tables } from './tables.ts'

/** Content hashes of identities are kept this long: longer than ordinary ingest accepts a time (35 days). */
export const rememberedDays = 37

/** Hashes of so many numbers lie side by side in one entry, because numbers come one after the other. */
const blockLength = 64
const hashBytes = 8
const dayBytes = 4

/** What is remembered of an identity's content; `forgotten` is also what was never there. */
export type Known = 'same' | 'other' | 'forgotten'

interface Block {
  readonly number: number
  readonly hashes: Buffer
  until: number
  used: number
  dirty: boolean
}

function dayOf(instant: Micros): number {
  return Math.floor(instant / dayMicros)
}

/**
 * Content hashes of accepted identities while a group of commands is applied: of numbers in blocks (the day until
 * which all of it is remembered, then 8 bytes for each number), of ids one by one (hash, then day).
 */
export class Identities {
  readonly #tables: Tables
  /** The block in hand of each numbering. */
  readonly #blocks = new Map<number, Block>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  #block(numbering: number, seq: number): Block {
    const number = Math.floor(seq / blockLength)
    const inHand = this.#blocks.get(numbering)
    if (inHand?.number === number) return inHand
    if (inHand !== undefined) this.#put(numbering, inHand)
    const stored = this.#tables.identities.get(blockKey(numbering, number))
    const hashes = Buffer.alloc(blockLength * hashBytes)
    stored?.copy(hashes, 0, dayBytes)
    const used = stored === undefined ? 0 : (stored.length - dayBytes) / hashBytes
    const block: Block = { number, hashes, until: stored?.readUInt32BE(0) ?? 0, used, dirty: false }
    this.#blocks.set(numbering, block)
    return block
  }

  #put(numbering: number, { number, hashes, until, used, dirty }: Block): void {
    if (!dirty) return
    const value = Buffer.allocUnsafe(dayBytes + used * hashBytes)
    value.writeUInt32BE(until, 0)
    hashes.copy(value, dayBytes, 0, used * hashBytes)
    this.#tables.identities.putSync(blockKey(numbering, number), value)
  }

  /** Judged by the command's own time, so that it does not matter when `forget` ran. */
  known(numbering: number, { seq, id, hash }: ParsedEvent, now: Micros): Known {
    const today = dayOf(now)
    if (seq === null) {
      const stored = this.#tables.identities.get(idKey(numbering, id))
      if (stored === undefined || stored.readUInt32BE(hashBytes) < today) return 'forgotten'
      return stored.toString('latin1', 0, hashBytes) === hash ? 'same' : 'other'
    }
    const { hashes, until } = this.#block(numbering, seq)
    const at = (seq % blockLength) * hashBytes
    if (until < today || hashes.readBigUInt64BE(at) === 0n) return 'forgotten'
    return hashes.toString('latin1', at, at + hashBytes) === hash ? 'same' : 'other'
  }

  remember(numbering: number, { seq, id, hash, time }: ParsedEvent, now: Micros): void {
    if (seq === null) {
      const value = Buffer.allocUnsafe(hashBytes + dayBytes)
      value.write(hash, 0, hashBytes, 'latin1')
      // Without a number the hash alone guards L2, and must outlive the last moment at which ingest takes that time.
      value.writeUInt32BE(dayOf(time > now ? time : now) + rememberedDays, hashBytes)
      this.#tables.identities.putSync(idKey(numbering, id), value)
      return
    }
    const block = this.#block(numbering, seq)
    const place = seq % blockLength
    // What has run out does not come back with its neighbour, because others may have forgotten it already.
    if (block.until < dayOf(now)) {
      block.hashes.fill(0)
      block.used = 0
    }
    block.hashes.write(hash, place * hashBytes, hashBytes, 'latin1')
    block.used = Math.max(block.used, place + 1)
    block.until = Math.max(block.until, dayOf(now) + rememberedDays)
    block.dirty = true
  }

  flush(): void {
    for (const [numbering, block] of this.#blocks) this.#put(numbering, block)
    this.#blocks.clear()
  }
}

/** Whether an entry guards nothing any more. */
export function isStale(key: Buffer, value: Buffer, today: Micros): boolean {
  const isBlock = key[4] === 2
  return value.readUInt32BE(isBlock ? 0 : hashBytes) < dayOf(today)
}
