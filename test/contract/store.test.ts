import { afterAll, beforeAll } from 'vitest'
import { openClickHouse } from '../../src/store/engine-server.ts'
import { startClickHouse } from '../support/clickhouse-server.ts'
import type { ClickHouseServer } from '../support/clickhouse-server.ts'
import { openPipeline } from '../support/pipeline.ts'
import { storeContract } from './store.ts'

let server: ClickHouseServer
beforeAll(async () => {
  server = await startClickHouse()
})
afterAll(() => server.close())

storeContract('chDB in process', () => openPipeline())
storeContract('ClickHouse over HTTP (chDB behind its protocol)', () =>
  openPipeline(() => openClickHouse(server.address)),
)
