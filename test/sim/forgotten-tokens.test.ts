import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import type { Arrival } from '../../src/core/record.ts'
import type { Micros } from '../../src/core/time.ts'
import type { Insert } from '../../src/store/engine.ts'
import { Projection } from '../../src/store/project.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

/** ClickHouse does not sync its list of insert tokens: after a power cut rows can be there whose token is not. */
describe('an interrupted range whose tokens are forgotten', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
  })
  afterAll(() => pipeline.close())

  const forgetTokens = async (): Promise<void> => {
    for (const table of ['fact', 'inspection', 'correction']) {
      for (const size of [0, 10_000])
        await pipeline.engine.command(
          `ALTER TABLE ${table} MODIFY SETTING non_replicated_deduplication_window = ${size}`,
        )
    }
  }

  test('L2: is finished to the same rows, wherever it was cut', async () => {
    const years = ['2024', '2025', '2026'].flatMap((year, index) =>
      Array.from({ length: 5 }, (_, at) =>
        arrivalOf({ seq: index * 5 + at + 1, time: `${year}-03-0${at + 1}T00:00:00Z` }),
      ),
    )
    for (let cutAfter = 0; cutAfter <= 4; cutAfter += 1) {
      const { log } = await pipeline.fresh()
      const onAccounts = () => Promise.resolve()
      await log.append([arrivalOf({ seq: 99 })], testNow)
      await new Projection({ log, engine: pipeline.engine, onAccounts }).catchUp()
      await log.append(years, testNow)
      let inserts = 0
      const insert = async (rows: Insert): Promise<void> => {
        if (inserts === cutAfter) throw new Error('cut')
        inserts += 1
        await pipeline.engine.insert(rows)
      }
      const cut = new Projection({ log, engine: { ...pipeline.engine, insert }, onAccounts })
      await cut.open().catch(() => undefined)
      await cut.catchUp().catch(() => undefined)
      await forgetTokens()
      const next = new Projection({ log, engine: pipeline.engine, onAccounts })
      expect(await next.open(), `cut after ${cutAfter} inserts`).toMatchObject({ kind: 'consistent' })
      await next.catchUp()
      const [rows] = await pipeline.engine.query<{ all: string; once: string }>(
        'SELECT count() AS all, uniqExact(offset) AS once FROM fact',
        {},
      )
      expect(rows).toEqual({ all: '16', once: '16' })
    }
  })

  test('a token that is noted without its rows, as a kill between the two leaves it, swallows nothing', async () => {
    const { log } = await pipeline.fresh()
    const onAccounts = () => Promise.resolve()
    await log.append(
      [1, 2, 3].map((seq) => arrivalOf({ seq, path: '/' })),
      testNow,
    )
    for (let kill = 0; kill < 3; kill += 1) {
      await new Projection({ log, engine: pipeline.engine, onAccounts }).open()
      await new Projection({ log, engine: pipeline.engine, onAccounts }).catchUp()
      // Mutations take rows away and leave their tokens.
      for (const table of ['fact', 'inspection'])
        await pipeline.engine.command(`ALTER TABLE ${table} DELETE WHERE 1 SETTINGS mutations_sync = 2`)
      const next = new Projection({ log, engine: pipeline.engine, onAccounts })
      expect(await next.open(), `kill ${kill}`).toEqual({ kind: 'consistent', position: 3 })
      const [rows] = await pipeline.engine.query<{ facts: string; inspections: string }>(
        'SELECT (SELECT count() FROM fact) AS facts, (SELECT count() FROM inspection) AS inspections',
        {},
      )
      expect(rows).toEqual({ facts: '3', inspections: '3' })
    }
  })

  test('L2: has each correction and each inspection record once, too, wherever it was cut', async () => {
    const onAccounts = () => Promise.resolve()
    const at = (year: number, seq: number) =>
      arrivalOf({ seq, time: `${year}-03-01T00:00:00Z`, path: '/', bytes_out_wire: seq })
    const wrong = (supersedes: number, kind: 'amend' | 'retract'): Arrival => {
      const was = { account: 'acme' as AccountKey, time: (Date.UTC(2025, 2, 1) * 1000) as Micros }
      const correction = { kind, supersedes: supersedes as Offset, was, by: 'Ada', reason: 'wrong' }
      const other = at(2026, 9)
      return { kind: 'correction', correction, event: kind === 'amend' && other.kind === 'event' ? other.event : null }
    }
    // Of 2025: facts, inspection records, corrections; of 2026: facts and inspection records.
    for (let cutAfter = 0; cutAfter <= 6; cutAfter += 1) {
      const { log } = await pipeline.fresh()
      await log.append([at(2025, 1), at(2025, 2), at(2025, 3), wrong(0, 'amend'), wrong(1, 'retract')], testNow)
      let inserts = 0
      const insert = async (rows: Insert): Promise<void> => {
        if (inserts === cutAfter) throw new Error('cut')
        inserts += 1
        await pipeline.engine.insert(rows)
      }
      await new Projection({ log, engine: { ...pipeline.engine, insert }, onAccounts }).catchUp().catch(() => undefined)
      await forgetTokens()
      const next = new Projection({ log, engine: pipeline.engine, onAccounts })
      expect(await next.open(), `cut after ${cutAfter} inserts`).toMatchObject({ kind: 'consistent' })
      await next.catchUp()
      const [rows] = await pipeline.engine.query(
        `SELECT (SELECT count() FROM fact) AS facts, (SELECT count() FROM inspection) AS inspected,
         (SELECT count() FROM correction) AS corrections`,
        {},
      )
      expect(rows, `cut after ${cutAfter} inserts`).toEqual({ facts: '4', inspected: '4', corrections: '2' })
    }
  })
})
