import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { dayMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { askSessions } from '../../src/store/sessions-list.ts'
import { askPeaks } from '../../src/store/sessions-peak.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const start = (Date.UTC(2026, 0, 1) * 1000) as Micros
const N = Number(process.env['NDAYS'] ?? 100)
const AG = Number(process.env['NAG'] ?? 5)

describe('many', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
    await pipeline.fresh()
    let t = Date.now()
    await pipeline.engine.command(`INSERT INTO fact (offset, ingested_us, account, source, id, epoch, kind, phase, time_us, session, leg, client, client_version, endpoint, bytes_out_wire)
      SELECT number, ${start}, 'acme', 'edge-1', toString(number), '', 'session', 'interim', ${start} + intDiv(number, ${AG}) * 10000000, concat('ts_', toString(number % ${AG})), 'client', 'agent', '3.5', 'a.example.com', 1 FROM numbers(${N * 8640 * AG})`)
    console.log('gen', Date.now() - t)
  }, 300000)
  afterAll(() => pipeline.close())
  test('x', async () => {
    const scope = { kind: 'account', account: 'acme' as AccountKey } as const
    const any = { state: null, kind: null, endpoint: null, client: null, name: null }
    const from = (start + 50 * dayMicros) as Micros
    const period = { from, to: (from + dayMicros) as Micros }
    const below = 1e9 as Offset
    for (const f of [
      () => askPeaks(pipeline.engine, { scope, below, period, starts: [from], until: period.to, conditions: [] }),
      () => askSessions(pipeline.engine, { scope, below, period, until: (start + 100 * dayMicros) as Micros, ...any }, { after: null, most: 100 }),
    ]) {
      const t = Date.now()
      try { console.log(JSON.stringify(await f()).slice(0, 300)) } catch (e) { console.log(String(e).slice(0, 400)) }
      console.log(Date.now() - t)
    }
    expect(1).toBe(1)
  }, 300000)
})
