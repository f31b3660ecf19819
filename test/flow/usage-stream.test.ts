import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatExact, sum } from '../../src/core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../../src/core/ids.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { MeterDefinition } from '../../src/meter/definition.ts'
import { streamUsage, streamUsageByAccount } from '../../src/meter/usage-stream.ts'
import type { UsageQuestion } from '../../src/meter/usage.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const groups = 1_000_000
const start = (Date.UTC(2026, 5, 1) * 1000) as Micros
const hour = 3_600_000_000

const meter: MeterDefinition = {
  key: 'out' as MeterKey,
  version: 1,
  name: 'Out',
  unit: 'bytes',
  aggregation: { kind: 'sum', value: { kind: 'field', field: 'bytes_out_wire' } },
  filter: [],
  groupBy: ['session'],
}

/** Answers of any size: events are made inside the engine, one for each of a million groups. */
describe('usage as a stream', () => {
  let pipeline: Pipeline
  const period: Period = { from: start, to: (start + 4 * hour) as Micros }
  const question: UsageQuestion = {
    account: 'many' as AccountKey,
    meter,
    period,
    window: 'hour',
    zone: 'UTC',
    groupBy: ['session'],
    below: (groups + 1) as Offset,
  }

  beforeAll(async () => {
    pipeline = await openPipeline()
    await pipeline.fresh()
    const make = (account: string, rows: number) =>
      pipeline.engine.command(
        `INSERT INTO fact (offset, account, time_us, session, bytes_out_wire)
         SELECT number, '${account}', ${start} + (number % 4) * ${hour}, toString(number), number FROM numbers(${rows})`,
      )
    await make('many', groups)
    await make('few', 10)
  })
  afterAll(() => pipeline.close())

  test('a million groups: every one once, in order, in bounded memory', { timeout: 60_000 }, async () => {
    await expect(pipeline.readUsage(question)).rejects.toMatchObject({ code: 'QUERY_TOO_LARGE' })
    const before = process.memoryUsage().rss
    let [rows, most, total, ordered] = [0, 0, 0n, true]
    let last = ''
    for await (const piece of streamUsage(pipeline.engine, question)) {
      for (const { from, quantity, group } of piece) {
        const place = `${from} ${group['session']}`
        ordered &&= last < place
        last = place
        total += BigInt(quantity === null ? 0 : formatExact(quantity))
      }
      rows += piece.length
      most = Math.max(most, process.memoryUsage().rss)
    }
    expect([rows, total, ordered]).toEqual([groups, (BigInt(groups) * BigInt(groups - 1)) / 2n, true])
    // The rows of the answer as objects would be several times this.
    expect((most - before) / 1e6).toBeLessThan(400)
  })

  test('who stops taking rows ends the question, and others are answered meanwhile and afterwards', async () => {
    let pieces = 0
    for await (const piece of streamUsage(pipeline.engine, question)) {
      expect(piece.length).toBeGreaterThan(0)
      const { total } = await pipeline.readUsage({ ...question, groupBy: [], account: 'few' as AccountKey })
      expect(formatExact(total ?? sum([]))).toBe('45')
      pieces += 1
      if (pieces === 2) break
    }
    expect(pieces).toBe(2)
  })

  test('the rows are those of the answer: by window, by top groups, filtered, of all accounts', async () => {
    const few = { ...question, account: 'few' as AccountKey }
    const cases: readonly Partial<UsageQuestion>[] = [
      {},
      { window: null },
      { groupBy: [] },
      { groupBy: [], window: 'minute' },
      { top: 2 },
      { only: [{ field: 'session', values: ['3', '7'] }] },
      { meter: { ...meter, aggregation: { kind: 'average', value: { kind: 'field', field: 'bytes_out_wire' } } } },
    ]
    for (const more of cases) {
      const asked = { ...few, ...more }
      const rows = (await Array.fromAsync(streamUsage(pipeline.engine, asked))).flat()
      expect(rows, JSON.stringify(more)).toEqual((await pipeline.readUsage(asked)).rows)
    }
    const all = streamUsageByAccount(pipeline.engine, { ...question, groupBy: [] })
    const byAccount = (await Array.fromAsync(all)).flat().filter(({ account }) => account === 'few')
    expect(byAccount.map(({ quantity }) => formatExact(quantity ?? sum([])))).toEqual(['12', '15', '8', '10'])
  })
})
