import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros, secondMicros, windowStarts } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import { Parameters } from '../../src/store/condition.ts'
import type { Condition, Dimension } from '../../src/store/condition.ts'
import { groupsOf } from '../../src/store/measure/question.ts'
import type { FactQuestion } from '../../src/store/measure/question.ts'
import { askSession, askSessions, keyText } from '../../src/store/sessions-list.ts'
import type { StoredSession } from '../../src/store/sessions-list.ts'
import { askSessionWindows } from '../../src/store/sessions-records.ts'
import { askPeaks, peakSql } from '../../src/store/sessions-peak.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'
import { livesOf, peakOf } from '../support/session-oracle.ts'
import type { KnownLife, KnownRecord } from '../support/session-oracle.ts'

const day = 24 * hourMicros
const accounts = ['acme', 'globex'] as const
/** Around the end of March: a month's end, and the night in which Berlin loses an hour. */
const start = (Date.UTC(2026, 2, 27) * 1000) as Micros
const period: Period = { from: start, to: (start + 6 * day) as Micros }

const seconds = (...values: number[]): fc.Arbitrary<number> => fc.constantFrom(...values.map((n) => n * secondMicros))

/** Often the same instants, and gaps on both sides of every limit. */
const time = fc
  .tuple(
    fc.constantFrom(-71, -35, -34, -1, 0, 0, 0, 1, 2, 5, 36).map((n) => n * day),
    seconds(0, 0, 3_600, 3_900, 7_800),
    seconds(0, 5, 10, 30, 35, 36, 70),
    fc.constantFrom(0, 0, 1, -1),
  )
  .map((parts) => start + parts.reduce((sum, part) => sum + part, 0))

const record = fc.record({
  account: fc.constantFrom(...accounts),
  kind: fc.constantFrom('session', 'session', 'tcp_connection', 'tls_connection', 'http_request'),
  source: fc.constantFrom('edge-1', 'edge-2'),
  session: fc.constantFrom('a', 'a', 'b', null),
  phase: fc.constantFrom('start', 'interim', 'interim', 'final'),
  time,
  duration: fc.oneof(fc.constant(null), seconds(0, 1, 5, 3_600, 4 * 86_400, 40 * 86_400)),
  out: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: null }),
  endpoint: fc.constantFrom('api.example.com', 'www.example.com', null),
  client: fc.constantFrom('agent', 'library', null),
  status: fc.constantFrom(101, 200, null),
  heartbeat: fc.constantFrom(...Array<null>(12).fill(null), 0, 1, 10, 1_200, 4_000_000),
}) satisfies fc.Arbitrary<Drawn>
type Drawn = Omit<KnownRecord, 'offset' | 'id'>

/** An agent's session as it should be: a heartbeat every 10 s, some of them lost, and sometimes the start or the stop. */
const agent = fc
  .record({
    account: fc.constantFrom(...accounts),
    name: fc.constantFrom('a', 'c', 'd'),
    from: time,
    beats: fc.array(fc.boolean(), { maxLength: 12 }),
    hasStart: fc.boolean(),
    hasStop: fc.boolean(),
    moves: fc.boolean(),
  })
  .map(({ account, name, from, beats, hasStart, hasStop, moves }): Drawn[] => {
    const about = {
      account,
      kind: 'session' as const,
      session: name,
      status: null,
      duration: null,
      out: null,
      heartbeat: null,
    }
    const at = (n: number): { source: string; time: number } => ({
      source: moves && n > 4 ? 'edge-2' : 'edge-1',
      time: from + n * 10 * secondMicros,
    })
    const said = { ...about, endpoint: null, client: null }
    return [
      ...(hasStart
        ? [{ ...about, ...at(0), phase: 'start' as const, endpoint: 'api.example.com', client: 'agent' }]
        : []),
      ...beats.flatMap((isKept, n) => (isKept ? [{ ...said, ...at(n + 1), phase: 'interim' as const, out: n }] : [])),
      ...(hasStop ? [{ ...said, ...at(beats.length + 1), phase: 'final' as const }] : []),
    ]
  })

function inputOf({ duration, out, heartbeat, time: at, ...fields }: Drawn, seq: number): Record<string, unknown> {
  const attributes = heartbeat === null ? null : { heartbeat_seconds: String(heartbeat) }
  return { ...fields, attributes, seq, time: formatInstant(at as Micros), duration_us: duration, bytes_out_wire: out }
}

/** Sends every record, some again, in any order and in batches; amends and retracts some. Gives what is true then. */
async function send(log: EventLog, drawn: readonly Drawn[], roll: (sides: number) => number): Promise<KnownRecord[]> {
  const known = new Map<number, KnownRecord>()
  const first = new Map<number, Offset>()
  const queue = [...drawn.keys(), ...drawn.keys().filter(() => roll(3) === 0)]
    .map((index) => ({ index, order: roll(1_000_000) }))
    .toSorted((a, b) => a.order - b.order)
  while (queue.length > 0) {
    const batch = queue.splice(0, 1 + roll(25))
    const arrivals = batch.map(({ index }) => arrivalOf(inputOf(drawn[index] as Drawn, index + 1)))
    const { outcomes } = await log.append(arrivals, testNow)
    for (const [place, outcome] of outcomes.entries()) {
      const index = batch[place]?.index ?? 0
      expect(outcome.kind).toBe(first.has(index) ? 'duplicate' : 'accepted')
      if (outcome.kind !== 'accepted') continue
      first.set(index, outcome.offset)
      known.set(index, { ...(drawn[index] as Drawn), offset: outcome.offset, id: String(index + 1) })
    }
  }
  for (const [index, offset] of first) {
    const before = known.get(index)
    if (before === undefined || roll(5) > 0) continue
    const other = drawn[roll(drawn.length)]?.time ?? before.time
    const wanted =
      roll(2) === 0
        ? ({ kind: 'retract' } as const)
        : ({ kind: 'amend', change: { time: formatInstant(other as Micros), bytes_out_wire: 77 } } as const)
    const door = { by: 'Ada', reason: 'drawn', now: testNow, ownerAt: () => null }
    const { arrival, unchanged } = planCorrection(await baseOf({ log }, await newestOf({ log }, offset)), wanted, door)
    if (unchanged) continue
    const { outcomes } = await log.append([arrival], testNow)
    const [outcome] = outcomes
    if (outcome?.kind !== 'accepted') throw new Error('a correction is accepted')
    if (wanted.kind === 'retract') known.delete(index)
    else known.set(index, { ...before, time: other, out: 77, offset: outcome.offset })
  }
  return [...known.values()]
}

const byText = (one: unknown, other: unknown): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)

const sumOf = (records: readonly KnownRecord[]): string | null => {
  const values = records.flatMap(({ out }) => (out === null ? [] : [out]))
  return values.length === 0 ? null : String(values.reduce((sum, out) => sum + out, 0))
}
const told = (life: KnownLife): unknown => ({
  key: life.key,
  offset: life.records.find(({ time }) => time === life.records[0]?.time)?.offset,
  started: life.started,
  startedBy: life.startedBy,
  ends: life.ends,
  isStopped: life.isStopped,
  records: String(life.records.length),
  out: sumOf(life.records),
  endpoint: life.records.find(({ endpoint }) => endpoint !== null)?.endpoint ?? null,
  clients: [...new Set(life.records.flatMap(({ client }) => client ?? []))].toSorted(byText),
})
const shown = (session: StoredSession): unknown => ({
  key: keyText(session),
  offset: session.firstOffset,
  started: session.started,
  startedBy: session.startedBy,
  ends: session.ends,
  isStopped: session.isStopped,
  records: session.records,
  out: session.bytes.client.bytes_out_wire,
  endpoint: session.endpoint,
  clients: session.clients.map(([client]) => client ?? '').toSorted(byText),
})

const isIn = ({ from, to }: Period) => {
  return ({ started, ends }: KnownLife): boolean => started < to && (ends > from || started >= from)
}

describe('sessions equal a plain loop over their records, whatever happens to the records on their way', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
  })
  afterAll(() => pipeline.close())

  /** Every session of an account's period, page by page. */
  async function listed(account: AccountKey, below: Offset, until: Micros): Promise<StoredSession[]> {
    const all: StoredSession[] = []
    const scope = { kind: 'account', account } as const
    const any = { state: null, kind: null, endpoint: null, client: null, name: null }
    for (let after = null as { started: Micros; offset: Offset } | null; ;) {
      const page = { after, most: 3 }
      const { sessions, next } = await askSessions(pipeline.engine, { scope, below, period, until, ...any }, page)
      all.push(...sessions)
      if (next === null) return all
      after = next
    }
  }

  async function compareWindows(life: KnownLife, below: Offset): Promise<void> {
    const scope = { kind: 'account', account: life.records[0]?.account as AccountKey } as const
    const offset = life.records[0]?.offset as Offset
    const found = await askSession(pipeline.engine, { scope, below, offset })
    if (found === null) throw new Error('the session is found by its record')
    expect(shown(found.session)).toEqual(told(life))
    const times = life.records.map(({ time }) => time)
    const whole = { from: Math.min(...times) as Micros, to: (Math.max(...times) + 1) as Micros }
    const starts = windowStarts(whole, 'day', 'Europe/Berlin', 1_000)
    if (!starts.ok) throw new Error(starts.error)
    const windows = await askSessionWindows(pipeline.engine, found, { scope, below, starts: starts.value })
    let total = 0n
    for (const [index, from] of starts.value.entries()) {
      const to = starts.value[index + 1] ?? whole.to
      const inside = life.records.filter(({ time }) => time >= from && time < to)
      expect(windows.get(from)?.bytes.client.bytes_out_wire ?? null).toBe(sumOf(inside))
      total += BigInt(windows.get(from)?.bytes.client.bytes_out_wire ?? 0)
    }
    expect(String(total)).toBe(found.session.bytes.client.bytes_out_wire ?? '0')
  }

  /** Peaks as `query.ts` asks for them: by account and by groups, with conditions. */
  async function measured(question: Partial<FactQuestion>, below: Offset): Promise<Map<string, string>> {
    const starts = windowStarts(period, 'hour', 'Europe/Berlin', 1_000)
    if (!starts.ok) throw new Error(starts.error)
    const scope = { kind: 'operator', question: 'usage_by_account' } as const
    const asked = { scope, period, below, starts: starts.value, conditions: [], dimensions: [], ...question }
    const whole = { ...asked, measure: { kind: 'peak' } } as const
    const parameters = new Parameters()
    const groups = groupsOf(whole, parameters)
    const part = { question: whole, parameters, groups }
    const rows = await pipeline.engine.query<Record<string, string>>(
      `SELECT *, ${groups.name} AS group_text, toString(measured) AS quantity FROM (${peakSql(part)})`,
      parameters.values,
    )
    return new Map(
      rows.map((row) => [
        JSON.stringify([row['account'], row['group_text'], Number(row['window_us'])]),
        row['quantity'] ?? '',
      ]),
    )
  }

  test('property: lives, pages, bytes by window and peaks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 40 }),
        fc.array(agent, { maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        fc.constantFrom(0.4, 3.02, 6, 9).map((days) => (start + days * day) as Micros),
        async (soup, agents, dice, until) => {
          const { log, projection } = await pipeline.fresh()
          const records = await send(log, [...soup, ...agents.flat()], (sides) => Number(dice.next().value) % sides)
          await projection.catchUp()
          const below = projection.position()
          const lives = livesOf(records)
          for (const account of accounts as readonly string[]) {
            const mine = lives.filter(({ records }) => records[0]?.account === account)
            const seen = await listed(account as AccountKey, below, until)
            expect(seen.map(shown).toSorted(byText)).toEqual(mine.filter(isIn(period)).map(told).toSorted(byText))
            for (const life of mine.slice(0, 3)) await compareWindows(life, below)
            for (const zone of ['Europe/Berlin', 'Asia/Kolkata']) {
              const starts = windowStarts(period, 'hour', zone, 1_000)
              if (!starts.ok) throw new Error(starts.error)
              const scope = { kind: 'account', account: account as AccountKey } as const
              const question = { scope, below, period, starts: starts.value, until, conditions: [] }
              const peaks = await askPeaks(pipeline.engine, question)
              const expected = starts.value.flatMap((window, index) => {
                const found = peakOf(mine, window, Math.min(starts.value[index + 1] ?? period.to, until))
                return found === null ? [] : [{ window, sessions: String(found.peak), at: found.at }]
              })
              expect(peaks).toEqual(expected)
            }
          }
          await compareGroups(lives, below)
        },
      ),
      { numRuns: 5, endOnFailure: true },
    )
  }, 120_000)

  test('the peak of a group is its highest level, also where it rises and falls within the hour', async () => {
    const { log, projection } = await pipeline.fresh()
    const records = [
      ['a', 0, 50],
      ['b', 10, 20],
      ['c', 15, 60],
      ['d', 55, 58],
    ] as const
    const arrivals = records.map(([session, from, to], index) =>
      arrivalOf({
        kind: 'session',
        session,
        seq: index + 1,
        endpoint: 'api.example.com',
        time: formatInstant((start + to * 60 * secondMicros) as Micros),
        duration_us: (to - from) * 60 * secondMicros,
      }),
    )
    await log.append(arrivals, testNow)
    await projection.catchUp()
    const peaks = await measured({ dimensions: ['endpoint'] }, projection.position())
    expect([...peaks]).toEqual([[JSON.stringify(['acme', '["api.example.com"]', start]), '3']])
  })

  const firstOf = (life: KnownLife, field: 'endpoint' | 'client'): string | null =>
    life.records.find((record) => record[field] !== null)?.[field] ?? null

  async function compareGroups(lives: readonly KnownLife[], below: Offset): Promise<void> {
    const conditions: Condition[] = [
      { field: 'kind', operator: 'in', values: ['session', 'tcp_connection'] },
      { field: 'client', operator: 'not_in', values: ['library'] },
    ]
    const dimensions: Dimension[] = ['endpoint']
    const wanted = lives.filter((life) => {
      const client = firstOf(life, 'client')
      return /"session"|"tcp_connection"/.test(life.key) && client !== null && client !== 'library'
    })
    const starts = windowStarts(period, 'hour', 'Europe/Berlin', 1_000)
    if (!starts.ok) throw new Error(starts.error)
    const expected = new Map<string, string>()
    for (const account of accounts) {
      for (const endpoint of ['api.example.com', 'www.example.com', null]) {
        const group = wanted.filter(
          (life) => life.records[0]?.account === account && firstOf(life, 'endpoint') === endpoint,
        )
        for (const [index, window] of starts.value.entries()) {
          const found = peakOf(group, window, starts.value[index + 1] ?? period.to)
          if (found !== null)
            expected.set(JSON.stringify([account, JSON.stringify([endpoint]), window]), String(found.peak))
        }
      }
    }
    const peaks = await measured({ conditions, dimensions }, below)
    expect([...peaks].toSorted(byText)).toEqual([...expected].toSorted(byText))
  }
})
