import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
    for (const size of [0, 10_000])
      await pipeline.engine.command(`ALTER TABLE fact MODIFY SETTING non_replicated_deduplication_window = ${size}`)
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
})
