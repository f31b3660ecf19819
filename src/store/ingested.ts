import type { Offset } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'

/**
 * Below which offset everything had arrived by an instant, the instant included: the log as it was then. Null: nothing
 * has arrived since. Exact as far as the service's clock never went back: of what arrived while it stood ahead, nothing
 * is told before the clock reached that time.
 */
export async function askOffsetAt(engine: Engine, instant: Micros): Promise<Offset | null> {
  const parameters = new Parameters()
  const where = (): string =>
    `${fence({ kind: 'operator', question: 'ingested_by' }, parameters)} AND ingested_us > ${parameters.add(instant, 'Int64')}`
  const first = (table: string): string => `SELECT min(offset) AS first, count() AS rows FROM ${table} WHERE ${where()}`
  const [row] = await engine.query<{ below: string; later: string }>(
    `SELECT minIf(first, rows > 0) AS below, sum(rows) AS later FROM (${first('fact')} UNION ALL ${first('correction')})`,
    parameters.values,
  )
  return row === undefined || row.later === '0' ? null : (Number(row.below) as Offset)
}
