import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbLog } from '../../src/log/lmdb.ts'
import type { EventLog } from '../../src/log/log.ts'
import { usageReader } from '../../src/meter/usage.ts'
import type { ReadUsage } from '../../src/meter/usage.ts'
import { openChdb } from '../../src/store/engine.ts'
import type { Engine } from '../../src/store/engine.ts'
import { emptyStore, migrateStore } from '../../src/store/migrate.ts'
import { Projection } from '../../src/store/project.ts'

export const storeMigrations = join(import.meta.dirname, '../../migrations/clickhouse')

/** Log, store and projection on real engines, without HTTP. One event store per process: chDB allows no more. */
export interface Pipeline {
  readonly engine: Engine
  readonly readUsage: ReadUsage
  /** A log of its own and an emptied store. */
  fresh(): Promise<{ readonly log: EventLog; readonly projection: Projection }>
  close(): Promise<void>
}

const chdbIn = (directory: string): Engine => openChdb(join(directory, 'store'))

export async function openPipeline(openEngine: (directory: string) => Engine = chdbIn): Promise<Pipeline> {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-pipeline-'))
  const engine = openEngine(directory)
  const logs: EventLog[] = []
  await migrateStore(engine, storeMigrations)
  return {
    engine,
    readUsage: usageReader(engine),
    async fresh() {
      await emptyStore(engine)
      await migrateStore(engine, storeMigrations)
      const log = openLmdbLog(join(directory, `log-${logs.length}`))
      logs.push(log)
      const projection = new Projection({ log, engine, onAccounts: () => Promise.resolve() })
      await projection.open()
      return { log, projection }
    },
    async close() {
      for (const log of logs) await log.close()
      await engine.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
