import type { Offset } from '../../src/core/ids.ts'
import type { LogRecord } from '../../src/core/record.ts'
import type { EventLog } from '../../src/log/log.ts'

const all = { before: null, most: 10_000 } as const

/** Everything that can be asked of a log: two logs that say the same are the same. */
export async function contentOf(log: EventLog): Promise<Record<string, unknown>> {
  const records: LogRecord[] = []
  while (records.length < log.end()) records.push(...(await log.read(records.length as Offset, 1000)))
  const names = await log.sources({ after: null, most: 10_000 })
  return {
    records,
    superseded: await Promise.all(records.map(({ offset }) => log.supersededBy(offset))),
    sources: await Promise.all(names.map(async (name) => [name, await log.source(name)] as const)),
    balances: await log.balances({ after: null, most: 10_000 }),
    batches: await log.batches(all),
    held: await log.held(all),
    heldTotals: await log.heldTotals(),
  }
}
