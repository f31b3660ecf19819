import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { dayMicros, secondMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import type { Engine } from '../../src/store/engine.ts'
import { askSession, askSessions } from '../../src/store/sessions-list.ts'
import { askSessionWindows } from '../../src/store/sessions-records.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const start = (Date.UTC(2026, 0, 1) * 1000) as Micros
const [agents, days, beat] = [2, 60, 10 * secondMicros]
const records = (agents * days * dayMicros) / beat

/** The same engine, with so much memory for a statement. */
function withMemory(engine: Engine, bytes: number): Engine {
  return {
    ...engine,
    query: (sql, parameters) =>
      engine.query(`${sql}${sql.includes(' SETTINGS ') ? ',' : ' SETTINGS'} max_memory_usage = ${bytes}`, parameters),
  }
}

describe('L12: agents that are connected all the time, with a million heartbeats', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
    await pipeline.fresh()
    await pipeline.engine.command(`
      INSERT INTO fact (offset, ingested_us, account, source, id, epoch, kind, phase, time_us, session, leg, client, client_version, endpoint, bytes_out_wire)
      SELECT number, ${start}, 'acme', 'edge-1', toString(number), '', 'session', 'interim', ${start} + intDiv(number, ${agents}) * ${beat},
        concat('ts_', toString(number % ${agents})), 'client', 'agent', '3.5.0', 'api.example.com', 1 FROM numbers(${records})`)
  }, 60_000)
  afterAll(() => pipeline.close())

  const scope = { kind: 'account', account: 'acme' as AccountKey } as const
  const below = records as Offset
  const from = (start + 50 * dayMicros) as Micros
  const any = { state: null, kind: null, endpoint: null, client: null, name: null }
  const period = { from, to: (from + dayMicros) as Micros }
  const question = { scope, below, period, until: (start + days * dayMicros) as Micros, ...any }
  const page = { after: null, most: 100 }

  test('they are told as a whole, in bounded memory', async () => {
    const engine = withMemory(pipeline.engine, 300_000_000)
    const { sessions } = await askSessions(engine, question, page)
    const whole = { started: start, records: String(records / agents), lastRecord: start + days * dayMicros - beat }
    expect(sessions).toMatchObject([
      { ...whole, name: 'ts_0', bytes: { client: { bytes_out_wire: String(records / agents) } } },
      { ...whole, name: 'ts_1' },
    ])
    const found = await askSession(engine, { scope, below, offset: 500_001 as Offset })
    if (found === null) throw new Error('the session is found by its record')
    expect(found.session).toMatchObject({ ...whole, name: 'ts_1' })
    const windows = await askSessionWindows(engine, found, { scope, below, starts: [start, from] })
    expect([...windows.values()].map(({ records: count }) => Number(count)).toSorted((a, b) => a - b)).toEqual([
      86_400, 432_000,
    ])
  }, 60_000)

  test('what does not fit is refused with what to do, and is no fault', async () => {
    const tooLarge = { code: 'QUERY_TOO_LARGE', message: expect.stringContaining('a shorter period') as string }
    await expect(askSessions(withMemory(pipeline.engine, 10_000_000), question, page)).rejects.toMatchObject(tooLarge)
  })
})
