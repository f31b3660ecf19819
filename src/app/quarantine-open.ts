import { openCount } from '../log/log.ts'
import type { DayBalance, EventLog } from '../log/log.ts'

const page = 1_000

/** Unresolved inputs by source; those of no known source are under the empty text. */
export type OpenInputs = ReadonlyMap<string, number>

async function count(log: EventLog): Promise<OpenInputs> {
  const open = new Map<string, number>()
  for (let after: string | null = null; ;) {
    const rows: readonly DayBalance[] = await log.balances({ after, most: page })
    for (const row of rows) {
      const more = Number(openCount(row))
      if (more > 0) open.set(row.source, (open.get(row.source) ?? 0) + more)
    }
    const last = rows.at(-1)
    if (rows.length < page || last === undefined) return open
    after = `${last.source}\0${last.day}`
  }
}

/** Answers how many inputs of each source are held and unresolved; counts again only when that has changed. */
export function openInputsReader(log: EventLog): () => Promise<OpenInputs> {
  let counted: { readonly state: string; readonly open: Promise<OpenInputs> } | null = null
  return async () => {
    const { held, released, foundDuplicate, writtenOff } = await log.heldTotals()
    const state = [held, released, foundDuplicate, writtenOff].join(' ')
    if (counted?.state !== state) {
      const open = count(log)
      counted = { state, open }
      open.catch(() => (counted = null))
    }
    return counted.open
  }
}
