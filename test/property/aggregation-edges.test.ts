import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatExact } from '../../src/core/exact.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { dayMicros, formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Dimension } from '../../src/meter/definition.ts'
import { usageByAccount } from '../../src/meter/usage.ts'
import type { UsageAnswer } from '../../src/meter/usage.ts'
import type { Measure } from '../../src/store/measure/measure.ts'
import type { Projection } from '../../src/store/project.ts'
import type { Supposition } from '../../src/store/query.ts'
import { answered, exactText, meterOf } from '../support/aggregation-check.ts'
import { belowFilled, fillFacts } from '../support/aggregation-fill.ts'
import { ratioText } from '../support/aggregation-oracle.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const at = (text: string): Micros => (Date.parse(text) * 1000) as Micros
const march: Period = { from: at('2026-03-01T00:00:00Z'), to: at('2026-04-01T00:00:00Z') }
const day = (n: number): Micros => (march.from + (n - 1) * dayMicros) as Micros

const quantity = { kind: 'field', field: 'quantity' } as const
const wire = { kind: 'field', field: 'bytes_out_wire' } as const
const membership = { field: 'attributes.operation', add: ['join'], remove: ['leave'] } as const
const measures = {
  count: { kind: 'count' },
  sum: { kind: 'sum', value: quantity },
  min: { kind: 'min', value: quantity },
  max: { kind: 'max', value: quantity },
  average: { kind: 'average', value: quantity },
  latest: { kind: 'latest', value: quantity },
  hours: { kind: 'active_hours', field: 'endpoint' },
  unique: { kind: 'unique', field: 'attributes.member', membership: null },
  carried: { kind: 'unique', field: 'attributes.member', membership: { ...membership, carried: true } },
  fresh: { kind: 'unique', field: 'attributes.member', membership: { ...membership, carried: false } },
  level: { kind: 'level', value: quantity, mode: 'set', field: null, per: 'day' },
  change: { kind: 'level', value: quantity, mode: 'change', field: 'attributes.member', per: 'hour' },
  average_level: { kind: 'level', value: quantity, mode: 'set', field: null, per: 'window' },
  percentile: {
    kind: 'percentile',
    dropped: 500,
    intervalSeconds: 300,
    inward: wire,
    outward: quantity,
    direction: 'out',
    combine: 'before',
    factor: 1,
  },
} as const satisfies Record<string, Measure>
type Name = keyof typeof measures

let pipeline: Pipeline
let log: EventLog
let projection: Projection
let accounts = 0
beforeAll(async () => {
  pipeline = await openPipeline()
  ;({ log, projection } = await pipeline.fresh())
})
afterAll(() => pipeline.close())

type Sent = Readonly<Record<string, unknown>> & { readonly time: number }

/** An account with these events, in the order of the log. */
async function accountWith(...events: readonly Sent[]): Promise<AccountKey> {
  accounts += 1
  const account = `edge-${accounts}` as AccountKey
  const arrivals = events.map((event, index) =>
    arrivalOf({ ...event, time: formatInstant(event.time as Micros), account, source: account, seq: index + 1 }),
  )
  const { outcomes } = await log.append(arrivals, testNow)
  expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true)
  await projection.catchUp()
  return account
}

interface Asking {
  readonly period?: Period
  readonly window?: WindowSize
  readonly groupBy?: readonly Dimension[]
  readonly until?: Micros
  readonly top?: number
  readonly below?: Offset
  readonly supposing?: Supposition
}

function questionOf(measure: Measure, { period, window, groupBy, below, ...rest }: Asking) {
  return {
    meter: meterOf(measure, [], ['endpoint', 'session']),
    period: period ?? march,
    window: window ?? null,
    zone: 'UTC',
    groupBy: groupBy ?? [],
    below: below ?? projection.position(),
    ...rest,
  }
}

function ask(account: AccountKey, measure: Measure, asking: Asking = {}): Promise<UsageAnswer> {
  return pipeline.readUsage({ account, ...questionOf(measure, asking) })
}

const text = ({ total }: UsageAnswer): string | null => (total === null ? null : formatExact(total))
const quantities = ({ rows }: UsageAnswer): (string | null)[] =>
  rows.map((row) => (row.quantity === null ? null : formatExact(row.quantity)))

async function totals(account: AccountKey, names: readonly Name[], asking: Asking = {}): Promise<(string | null)[]> {
  return Promise.all(names.map(async (name) => text(await ask(account, measures[name], asking))))
}

describe('events at one microsecond', () => {
  test('the one that came later in the log is the newest, sets the level, and decides who is in', async () => {
    const time = day(2)
    const account = await accountWith(
      { time, quantity: '5', endpoint: 'b.example', attributes: { member: 'm', operation: 'join' } },
      { time, quantity: '-7', endpoint: 'a.example', attributes: { member: 'm', operation: 'leave' } },
      { time, quantity: '3', endpoint: 'b.example', attributes: { member: 'n', operation: 'leave' } },
      { time, quantity: '2', endpoint: 'c.example', attributes: { member: 'n', operation: 'join' } },
    )
    const names = ['latest', 'min', 'max', 'sum', 'carried', 'fresh', 'level', 'hours'] as const
    expect(await totals(account, names)).toEqual(['2', '-7', '5', '3', '1', '1', '60', '3'])
    // The group of a key that is in, and of a level, is that of the deciding event.
    const groupBy = ['endpoint'] as const
    for (const name of ['carried', 'fresh', 'level'] as const) {
      const { rows } = await ask(account, measures[name], { groupBy })
      expect(rows.map(({ group }) => group['endpoint'])).toEqual(['c.example'])
    }
  })
})

describe('nothing is not zero (L13)', () => {
  const empty: Record<Name, string | null> = {
    count: '0',
    sum: '0',
    min: null,
    max: null,
    average: null,
    latest: null,
    hours: '0',
    unique: '0',
    carried: '0',
    fresh: '0',
    level: '0',
    change: '0',
    average_level: '0',
    percentile: '0',
  }

  test.each(Object.keys(empty) as Name[])('%s of an account without traffic', async (name) => {
    const measure = measures[name]
    await accountWith({ time: day(1), quantity: '1' })
    const nobody = 'nobody' as AccountKey
    const answer = await ask(nobody, measure)
    expect([text(answer), quantities(answer), answer.eventsWithoutValue]).toEqual([empty[name], [empty[name]], 0n])
    expect(quantities(await ask(nobody, measure, { window: 'month' }))).toEqual([empty[name]])
    expect((await ask(nobody, measure, { groupBy: ['endpoint'] })).rows).toEqual([])
    expect((await ask(nobody, measure, { groupBy: ['endpoint'], top: 3 })).rows).toEqual([])
    expect((await usageByAccount(pipeline.engine, questionOf(measure, {}))).has(nobody)).toBe(false)
  })

  test('of events without a value: there is none, and they are counted as such; also among the largest groups', async () => {
    const account = await accountWith(
      { time: day(1), endpoint: 'a.example' },
      { time: day(2), endpoint: 'b.example', quantity: '0' },
    )
    for (const name of ['min', 'max', 'average', 'latest'] as const) {
      const answer = await ask(account, measures[name], { groupBy: ['endpoint'] })
      expect([quantities(answer), text(answer), answer.eventsWithoutValue]).toEqual([[null, '0'], '0', 1n])
      const top = await ask(account, measures[name], { groupBy: ['endpoint'], top: 1 })
      expect(answered(top, ['endpoint']).rows.map((row) => row.split(' ').slice(1).join(' '))).toEqual([
        '["b.example"] 0/1 without 0',
        'others none without 1',
      ])
    }
    const answer = await ask(account, measures.level)
    expect([text(answer), answer.eventsWithoutValue]).toEqual(['0', 1n])
  })
})

describe('levels', () => {
  test('are carried over months, into a period without events, and over a year’s end', async () => {
    const account = await accountWith({ time: at('2025-06-15T12:00:00Z'), quantity: '2.5' })
    expect(text(await ask(account, measures.level))).toBe('77.5')
    expect(text(await ask(account, measures.average_level))).toBe('2.5')
    expect(quantities(await ask(account, measures.average_level, { window: 'day' }))).toEqual(Array(31).fill('2.5'))
    const june = { from: at('2025-06-01T00:00:00Z'), to: at('2025-07-01T00:00:00Z') }
    expect(text(await ask(account, measures.level, { period: june }))).toBe('38.75')
    expect(text(await ask(account, measures.average_level, { period: june }))).toBe('31/24')
    const before = { from: at('2025-05-01T00:00:00Z'), to: at('2025-06-01T00:00:00Z') }
    expect(text(await ask(account, measures.level, { period: before }))).toBe('0')
    // Below the offset of its event there was no level.
    expect(text(await ask(account, measures.level, { below: (projection.position() - 1) as Offset }))).toBe('0')
  })

  test('count up to now: what is ahead is not known; an average is over the whole window', async () => {
    const account = await accountWith({ time: day(1), quantity: '4' }, { time: day(20), quantity: '100' })
    const until = (day(2) + 6 * hourMicros) as Micros
    expect(text(await ask(account, measures.level, { until }))).toBe('5')
    expect(quantities(await ask(account, measures.level, { window: 'day', until })).slice(0, 3)).toEqual([
      '4',
      '1',
      '0',
    ])
    expect(quantities(await ask(account, measures.average_level, { window: 'day', until })).slice(0, 3)).toEqual([
      '4',
      '1',
      '0',
    ])
    const groups = await ask(account, measures.level, { window: 'day', until, groupBy: ['endpoint'] })
    expect(quantities(groups)).toEqual(['4', '1'])
    expect(text(await ask(account, measures.level, { until: march.from }))).toBe('0')
    expect(text(await ask(account, measures.level, { until: (march.from - 1) as Micros }))).toBe('0')
  })

  test('end and begin exactly at the ends of windows', async () => {
    const account = await accountWith(
      { time: day(2), quantity: '1', endpoint: 'a.example' },
      { time: day(3), quantity: '3', endpoint: 'b.example' },
      { time: day(4) - 1, quantity: '0', endpoint: 'b.example' },
    )
    const days = { window: 'day', period: { from: day(1), to: day(5) } } as const
    const { rows } = await ask(account, measures.level, { ...days, groupBy: ['endpoint'] })
    expect(rows.map(({ from, group }) => [(from - march.from) / dayMicros + 1, group['endpoint']])).toEqual([
      [2, 'a.example'],
      [3, 'b.example'],
      [4, 'b.example'],
    ])
    // Three units for a day without its last microsecond.
    expect(quantities(await ask(account, measures.level, days))).toEqual(['0', '1', '86399999999/28800000000', '0'])
  })
})

describe('members', () => {
  test('who leaves exactly at the end of a window was in at its end; a microsecond earlier, was not', async () => {
    const join = { time: day(1), attributes: { member: 'm', operation: 'join' } }
    const leave = (time: number): Sent => ({ time, attributes: { member: 'm', operation: 'leave' } })
    const days = { window: 'day', period: { from: day(1), to: day(4) } } as const
    const [onTime, early] = [await accountWith(join, leave(day(3))), await accountWith(join, leave(day(3) - 1))]
    expect(quantities(await ask(onTime, measures.carried, days))).toEqual(['1', '1', '0'])
    expect(quantities(await ask(early, measures.carried, days))).toEqual(['1', '0', '0'])
    expect(quantities(await ask(onTime, measures.fresh, days))).toEqual(['1', '0', '0'])
    // Up to now is an end as well.
    expect(quantities(await ask(onTime, measures.carried, { ...days, until: day(3) }))).toEqual(['1', '1', '0'])
    expect(quantities(await ask(early, measures.carried, { ...days, until: day(3) }))).toEqual(['1', '0', '0'])
    expect(quantities(await ask(early, measures.carried, { ...days, until: (day(3) - 1) as Micros }))).toEqual([
      '1',
      '1',
      '0',
    ])
    const april = { from: march.to, to: at('2026-05-01T00:00:00Z') }
    const stays = await accountWith(join, { time: day(31), attributes: { member: 'm', operation: 'look' } })
    expect(await totals(stays, ['carried', 'fresh'], { period: april })).toEqual(['1', '0'])
  })
})

describe('large', () => {
  test('sums beyond 64 bits, and of the largest quantities that an event can have', async () => {
    const most = `${'9'.repeat(30)}.${'9'.repeat(18)}`
    await fillFacts(pipeline.engine, 1_000, {
      account: "'wide'",
      time_us: `${day(1)} + number`,
      bytes_out_wire: '18446744073709551615',
      quantity: `toDecimal256('${most}', 18)`,
    })
    const wide = 'wide' as AccountKey
    const asking = { below: belowFilled }
    expect(text(await ask(wide, { kind: 'sum', value: wire }, asking))).toBe(String((2n ** 64n - 1n) * 1_000n))
    expect(text(await ask(wide, { kind: 'average', value: wire }, asking))).toBe(String(2n ** 64n - 1n))
    const [sum, average, max] = await totals(wide, ['sum', 'average', 'max'], asking)
    expect([sum, average, max]).toEqual([`${'9'.repeat(30)}${'9'.repeat(3)}.${'9'.repeat(15)}`, most, most])
    // A level of that size for 31 days but its first 999 microseconds, in which it is the same.
    expect(text(await ask(wide, measures.average_level, asking))).toBe(most)
  })

  test('a million groups: the largest and all others add up; all of them are refused', async () => {
    const apart = (31 * dayMicros) / 1_000_000
    await fillFacts(pipeline.engine, 1_000_000, {
      account: "'many'",
      // Spread over the month, so that levels and members lie in all of its windows.
      time_us: `${march.from} + number * ${apart}`,
      session: 'toString(number)',
      quantity: 'toDecimal256(1 + (number >= 999998), 18)',
      attributes: "map('member', toString(number), 'operation', 'join')",
    })
    const many = 'many' as AccountKey
    const asking = { below: belowFilled, groupBy: ['session'], top: 2 } as const
    const sum = await ask(many, measures.sum, asking)
    expect(
      sum.rows.map(({ group, others, quantity: value }) => [group['session'], others, value && formatExact(value)]),
    ).toEqual([
      ['999998', undefined, '2'],
      ['999999', undefined, '2'],
      [undefined, true, '999998'],
    ])
    expect(text(sum)).toBe('1000002')
    await expect(ask(many, measures.sum, { below: belowFilled, groupBy: ['session'] })).rejects.toMatchObject({
      code: 'QUERY_TOO_LARGE',
    })
    // Of equal quantities the names decide, so two of the first day are the largest; members stay in all days.
    for (const [name, rows] of [
      ['count', 33],
      ['unique', 33],
      ['carried', 93],
    ] as const) {
      const days = await ask(many, measures[name], { ...asking, window: 'day' })
      expect([text(days), days.rows.length]).toEqual(['1000000', rows])
    }
    // One level for each of a million keys, hour by hour: 744 windows of them all.
    const level: Measure = { kind: 'level', value: quantity, mode: 'set', field: 'session', per: 'hour' }
    const hours = await ask(many, level, { below: belowFilled, window: 'hour' })
    // The first holds for the whole month, each other one for `apart` less; the last two are twice as high.
    const steps = (1_000_000n * 1_000_001n) / 2n + 1n + 2n
    expect(exactText(hours.total)).toBe(ratioText([steps * BigInt(apart), BigInt(hourMicros)]))
  })
})

describe('usage as it would be', () => {
  test.each(Object.keys(measures) as Name[])(
    '%s, if traffic belonged to another account, or a job were loaded',
    async (name) => {
      const measure = measures[name]
      const [time, attributes] = [day(3), { member: 'm', operation: 'join' }]
      const moved = { time, quantity: '3', endpoint: 'moves.example', attributes }
      const stays = {
        time: time + 1,
        quantity: '1',
        endpoint: 'stays.example',
        attributes: { ...attributes, member: 'n' },
      }
      const from = await accountWith(moved, stays)
      const to = await accountWith({ time, quantity: '1' })
      const supposing: Supposition = {
        kind: 'reattributed',
        reattribution: { endpoint: 'moves.example', period: { from: day(1), to: day(9) }, from, to },
      }
      const asking = { window: 'day', period: { from: day(1), to: day(9) } } as const
      const supposed = await usageByAccount(pipeline.engine, questionOf(measure, { ...asking, supposing }))
      const [fromThen, toThen] = [await accountWith(stays), await accountWith({ ...moved }, { time, quantity: '1' })]
      // Of what happens at one microsecond the moved event came first.
      for (const [account, then] of [
        [from, fromThen],
        [to, toThen],
      ] as const) {
        const answer = supposed.get(account)
        expect(answer === undefined ? null : answered(answer, [])).toEqual(
          answered(await ask(then, measure, asking), []),
        )
      }
      const loaded = { kind: 'loaded', job: { job: 'none', source: 'none', loads: [], restores: false } } as const
      const answers = [await ask(from, measure, asking), await ask(from, measure, { ...asking, supposing: loaded })]
      expect(answered(answers[1] as UsageAnswer, [])).toEqual(answered(answers[0] as UsageAnswer, []))
    },
  )
})
