/** When an address was seen in traffic: from inspection records, which are erased by the account's retention. */
import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'
import type { Scope } from './query.ts'

export interface AddressSeen {
  readonly first: Micros
  readonly last: Micros
  /** Events with it. */
  readonly records: number
}

/**
 * Asks for an address in whatever spelling senders wrote it, of the newest versions of events; null: it is in no record that
 * is kept. L11: of the scope only.
 */
export async function askAddressSeen(engine: Engine, scope: Scope, address: string): Promise<AddressSeen | null> {
  const parameters = new Parameters()
  const where = fence(scope, parameters)
  const [row] = await engine.query<{ first: string; last: string; records: string }>(
    `SELECT min(time_us) AS first, max(time_us) AS last, count() AS records FROM inspection
     WHERE ${where} AND toIPv6OrNull(client_address) = toIPv6OrNull(${parameters.add(address, 'String')})
       AND offset NOT IN (SELECT supersedes FROM correction WHERE ${where})`,
    parameters.values,
  )
  if (row === undefined || row.records === '0') return null
  return { first: Number(row.first) as Micros, last: Number(row.last) as Micros, records: Number(row.records) }
}
