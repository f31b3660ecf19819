/**
 * Ranges of a store that several processes could fill. One of them leads, and a leader that has lost the lead may not
 * know it yet. Whatever two of them do at the same time, a row is in once (docs/decisions/0025): there is one range that
 * begins at an offset, whoever wrote it down, and its rows have the same tokens, whoever inserts them.
 */
import type { Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import type { Engine, Insert } from './engine.ts'

export interface Range {
  readonly first: Offset
  readonly next: Offset
}

/** Another process fills this store and is further: whoever meets this stops projecting and asks for the lead again. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

/** The range that begins at an offset, or null while nobody has written one down. */
async function heldRange(engine: Engine, first: Offset): Promise<Range | null> {
  const rows = await engine.query<{ first: string; next: string }>(
    'SELECT first, next FROM projected_range WHERE next > {first:UInt64} ORDER BY next LIMIT 2',
    { first },
  )
  const [held] = rows
  if (held === undefined) return null
  // Ranges beyond this one, or across it, were written by somebody else after this one was finished.
  if (rows.length > 1 || Number(held.first) !== first)
    throw new Overtaken(`another process has projected beyond offset ${first} into this store`)
  return { first, next: Number(held.next) as Offset }
}

/** The row that writes a range down, with the hours in which it changes what is counted. */
export function rangeRow({ first, next }: Range, hours: readonly Micros[]): Omit<Insert, 'token'> {
  return { table: 'projected_range', columns: ['first', 'next', 'hours'], rows: JSON.stringify([first, next, hours]) }
}

/** Writes a range down and gives the one that holds: the first that was written down for its first offset. */
export async function claimRange(engine: Engine, range: Range, hours: readonly Micros[]): Promise<Range> {
  const { first } = range
  // Looked at before as well: who was away for longer than tokens are known writes nothing.
  const before = await heldRange(engine, first)
  if (before !== null) return before
  // The token is the offset alone: of two claims the engine drops the second, whatever it says.
  await engine.insert({ ...rangeRow(range, hours), token: `range from ${first}` })
  const held = await heldRange(engine, first)
  assert(held !== null, 'what was claimed is written down')
  return held
}

/** Tells those who only read the store that every row of a range is in. Doing it again changes nothing. */
export async function finishRange(engine: Engine, { first, next }: Range): Promise<void> {
  await engine.insert({
    table: 'finished_range',
    columns: ['first', 'next'],
    rows: `[${first},${next}]`,
    token: `finished ${first}-${next}`,
  })
}

/** The name of the log that the store was made of; null: nobody has given it one. */
export async function nameInStore(engine: Engine): Promise<string | null> {
  const [row] = await engine.query<{ name: string }>('SELECT name FROM log_name ORDER BY name LIMIT 1', {})
  return row?.name ?? null
}

/** Gives the store the name of its log. Of two that do it at once the first holds: what the store has is given back. */
export async function claimName(engine: Engine, name: string): Promise<string | null> {
  await engine.insert({
    table: 'log_name',
    columns: ['name'],
    rows: JSON.stringify([name]),
    token: 'the name of the log',
  })
  return nameInStore(engine)
}
