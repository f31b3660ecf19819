import { hash } from 'node:crypto'
import type { Decision, HeldInput } from '../core/record.ts'
import { unreachable } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { BalanceSheet } from './balance.ts'
import { numberKey, numberOf } from './keys.ts'
import { limits } from './log.ts'
import type { HeldFilter, HeldPage, HeldRecord, Resolution } from './log.ts'
import { countUp } from './tables.ts'
import type { Tables } from './tables.ts'

function identityOf({ source, epoch, id, seq, problem, raw }: HeldInput): Buffer {
  return hash('sha256', JSON.stringify([source, epoch, id, seq, problem.code, raw]), 'buffer').subarray(0, 16)
}

export function dayName(instant: Micros): string {
  return formatInstant(instant).slice(0, 10)
}

/** Keeps an input aside. A repetition of what is held already is not held twice. */
export function holdInput(tables: Tables, balances: BalanceSheet, held: HeldInput, now: Micros): void {
  const identity = identityOf(held)
  if (tables.heldIndex.get(identity) !== undefined) return
  const number = countUp(tables, 'held')
  tables.heldIndex.putSync(identity, numberKey(number))
  tables.held.putSync(numberKey(number), Buffer.from(JSON.stringify({ ...held, arrived: now, resolution: null })))
  balances.heldBecame('held', held.source ?? '', dayName(now))
}

export function readHeld(tables: Tables, number: number): HeldRecord | null {
  const stored = tables.held.get(numberKey(number))
  return stored === undefined ? null : decodeHeld(number, stored)
}

function decodeHeld(number: number, stored: Buffer): HeldRecord {
  // What was held by an older version says nothing of a resolution.
  const { resolution = null, ...input } = JSON.parse(stored.toString('utf8')) as Partial<
    Pick<HeldRecord, 'resolution'>
  > &
    Omit<HeldRecord, 'number' | 'resolution'>
  return { ...input, number, resolution }
}

function countNameOf(kind: Resolution['kind']): 'released' | 'foundDuplicate' | 'writtenOff' {
  switch (kind) {
    case 'released':
      return 'released'
    case 'duplicate':
      return 'foundDuplicate'
    case 'written_off':
      return 'writtenOff'
    default:
      return unreachable(kind)
  }
}

/** Resolves a held input for good; false: it does not exist, or is resolved already. */
export function resolveHeld(
  tables: Tables,
  balances: BalanceSheet,
  number: number,
  resolution: Pick<Resolution, 'kind' | 'offset' | 'at'> & Decision,
): boolean {
  const record = readHeld(tables, number)
  if (record === null || record.resolution !== null) return false
  const { number: _, ...stored } = record
  const { kind, by, reason, at, offset } = resolution
  const value: Omit<HeldRecord, 'number'> = { ...stored, resolution: { kind, by, reason, at, offset } }
  tables.held.putSync(numberKey(number), Buffer.from(JSON.stringify(value)))
  balances.heldBecame(countNameOf(kind), record.source ?? '', dayName(record.arrived))
  return true
}

function meets(record: HeldRecord, { state, source, code, text, from, to }: HeldFilter): boolean {
  return (
    (state === undefined || (record.resolution?.kind ?? 'open') === state) &&
    (source === undefined || record.source === source) &&
    (code === undefined || record.problem.code === code) &&
    (from === undefined || record.arrived >= from) &&
    (to === undefined || record.arrived < to) &&
    (text === undefined || record.raw.includes(text) || (record.id?.includes(text) ?? false))
  )
}

/** A page of held inputs, newest first, bounded in bytes and in how many are looked at. */
export function searchHeld(
  tables: Tables,
  { before, most, filter = {} }: { before: number | null; most: number; filter?: HeldFilter },
): HeldPage {
  // LMDB goes down from the start, which it includes.
  const start = before === null ? {} : { start: numberKey(before - 1) }
  if (before !== null && before <= 0) return { rows: [], next: null }
  const rows: HeldRecord[] = []
  let bytes = 0
  let looked = 0
  for (const { key, value } of tables.held.getRange({ ...start, reverse: true })) {
    const number = numberOf(key)
    const full = rows.length >= most || (rows.length > 0 && bytes + value.length > limits.heldPageBytesMax)
    if (full || looked >= limits.heldSearchMax) return { rows, next: number + 1 }
    looked += 1
    const record = decodeHeld(number, value)
    if (!meets(record, filter)) continue
    bytes += value.length
    rows.push(record)
  }
  return { rows, next: null }
}
