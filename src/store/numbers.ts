import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'

/** When a numbered event happened, and when it arrived. */
export interface NumberTimes {
  readonly time: Micros
  readonly arrived: Micros
}

/** When numbered events of a source happened and arrived; a number that is not stored is not in the answer. */
export async function askNumbers(
  engine: Engine,
  { source, epoch, numbers }: { readonly source: string; readonly epoch: string; readonly numbers: readonly number[] },
): Promise<ReadonlyMap<number, NumberTimes>> {
  const parameters = new Parameters()
  const where = [
    fence({ kind: 'operator', question: 'times_of_numbers' }, parameters),
    `source = ${parameters.add(source, 'String')}`,
    `epoch = ${parameters.add(epoch, 'String')}`,
    'isNotNull(seq)',
    `assumeNotNull(seq) IN ${parameters.add(numbers, 'Array(UInt64)')}`,
  ]
  // A correction is a version of its own under the same number: what is asked for is the event as it came.
  const rows = await engine.query<{ number: string; happened: string; arrived: string }>(
    `SELECT assumeNotNull(seq) AS number, argMin(time_us, offset) AS happened, min(ingested_us) AS arrived
     FROM fact WHERE ${where.join(' AND ')} GROUP BY number`,
    parameters.values,
  )
  return new Map(
    rows.map(({ number, happened, arrived }) => [
      Number(number),
      { time: Number(happened) as Micros, arrived: Number(arrived) as Micros },
    ]),
  )
}

/** What is stored of a source in a time: how many events, and when the first of them happened. */
export interface SourcePast {
  readonly events: bigint
  readonly first: Micros
}

/**
 * Null: nothing of the source is stored for that time. Samples of counters are left out: they say nothing about what
 * a missing event was.
 */
export async function askSourcePast(
  engine: Engine,
  { source, from, to }: { readonly source: string; readonly from: Micros; readonly to: Micros },
): Promise<SourcePast | null> {
  const parameters = new Parameters()
  const where = [
    fence({ kind: 'operator', question: 'past_of_source' }, parameters),
    `source = ${parameters.add(source, 'String')}`,
    `time_us >= ${parameters.add(from, 'Int64')}`,
    `time_us < ${parameters.add(to, 'Int64')}`,
    "kind != 'counter'",
  ]
  const [row] = await engine.query<{ events: string; first: string }>(
    `SELECT count() AS events, min(time_us) AS first FROM fact WHERE ${where.join(' AND ')}`,
    parameters.values,
  )
  if (row === undefined || row.events === '0') return null
  return { events: BigInt(row.events), first: Number(row.first) as Micros }
}
