import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../support/clickhouse-server-proxy.ts'
import { startClickHouse } from '../support/clickhouse-server.ts'
import type { ClickHouseServer } from '../support/clickhouse-server.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { openClickHouse } from '../../src/store/engine-server.ts'
import type { Engine } from '../../src/store/engine.ts'
import { emptyStore, migrateStore } from '../../src/store/migrate.ts'
import { askPosition } from '../../src/store/position.ts'
import { NotLeading, fenced, waitForLead } from '../../src/app/leader.ts'

/** Who leads, and what a leader that does not know that it leads no more can do to a shared store: nothing. */
const script = join(import.meta.dirname, '../support/clickhouse-server-projector.ts')
const migrations = join(import.meta.dirname, '../../migrations/clickhouse')

let server: ClickHouseServer
let engine: Engine
let database: FreshDatabase
const directory = mkdtempSync(join(tmpdir(), 'crossfoot-leader-'))
const endFile = join(directory, 'end')
const running = new Set<Projector>()

interface Projector {
  readonly child: ChildProcess
  leads: boolean
}

beforeAll(async () => {
  server = await startClickHouse()
  engine = openClickHouse(server.address)
  database = await freshDatabase()
})
afterEach(async () => {
  for (const projector of running) await kill(projector)
})
afterAll(async () => {
  await engine.close()
  await database.close()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

function startProjector(address = server.address): Projector {
  const child = spawn(process.execPath, [script, database.url, JSON.stringify(address), endFile], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const projector = { child, leads: false }
  running.add(projector)
  createInterface({ input: child.stdout }).on('line', (line) => {
    projector.leads = line === 'leads'
  })
  return projector
}

async function kill(projector: Projector): Promise<void> {
  const gone = once(projector.child, 'exit')
  projector.child.kill('SIGKILL')
  running.delete(projector)
  projector.leads = false
  await gone
}

async function freshStore(): Promise<void> {
  writeFileSync(endFile, '0')
  await emptyStore(engine)
  await migrateStore(engine, migrations)
}

const leading = (projectors: readonly Projector[]): Promise<Projector> =>
  until(() => projectors.find(({ leads }) => leads), 20_000, 'one of them leads')

/** The log gets longer, and everything of it has to be in the store once: each event has 3 bytes. */
async function everythingUpTo(end: number): Promise<void> {
  writeFileSync(endFile, String(end))
  await until(async () => (await askPosition(engine)) === end, 30_000, `the position is ${end}`)
  const [row] = await engine.query(
    'SELECT count() AS n, uniqExact(offset) AS u, sum(bytes_out_wire) AS s FROM fact',
    {},
  )
  expect(row).toEqual({ n: String(end), u: String(end), s: String(end * 3) })
}

test('one leads at a time; the lead passes on when it is given back, or when its connection is cut', async () => {
  const stop = new AbortController()
  const first = await waitForLead(database.url, stop.signal)
  const second = waitForLead(database.url, stop.signal)
  expect(first?.isHeld()).toBe(true)
  await first?.release()
  expect([first?.isHeld(), await first?.lost]).toEqual([false, 'given back'])
  const lease = await second
  expect(lease?.isHeld()).toBe(true)
  if (lease === null) return
  const writer = fenced({ ...engine, insert: () => Promise.resolve() }, lease)
  const insert = { table: 'fact', columns: ['a'], rows: '[1]', token: 't' }
  await writer.insert(insert)
  await database.database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crossfoot-leader' and datname = current_database()",
  )
  await lease.lost
  expect(lease.isHeld()).toBe(false)
  await expect(writer.insert(insert)).rejects.toThrow(NotLeading)
  await lease.release()
  // Who only waits can be told to stop.
  const [holder, waiter] = [await waitForLead(database.url, stop.signal), waitForLead(database.url, stop.signal)]
  stop.abort()
  expect(await waiter).toBeNull()
  await holder?.release()
})

test('L2: the leader is killed, the other one goes on, and every event is in the store once', async () => {
  await freshStore()
  const projectors = [startProjector(), startProjector()]
  let end = 0
  for (let round = 0; round < 2; round += 1) {
    const leader = await leading(projectors)
    await everythingUpTo((end += 15))
    expect(projectors.filter(({ leads }) => leads)).toHaveLength(1)
    // In the middle of what comes now.
    writeFileSync(endFile, String((end += 90)))
    await until(async () => (await askPosition(engine)) > end - 75, 20_000, 'it has begun')
    await kill(leader)
    projectors[projectors.indexOf(leader)] = startProjector()
    await leading(projectors)
    await everythingUpTo(end)
  }
})

test('L2: a leader that is stopped in the middle of an insert, replaced, and goes on as if nothing had been', async () => {
  await freshStore()
  const stopAt = Promise.withResolvers<unknown>()
  // Stops the process when it has sent an insert of rows: its answer waits for it.
  const proxy = await startProxy(server.port, (count) => {
    if (count !== 12) return 'pass'
    first.child.kill('SIGSTOP')
    stopAt.resolve(null)
    return 'pass'
  })
  const first = startProjector({ ...server.address, url: `http://127.0.0.1:${proxy.port}` })
  await leading([first])
  const second = startProjector()
  writeFileSync(endFile, '90')
  await stopAt.promise
  // What Postgres does when it hears nothing of a connection any more.
  await database.database.query(
    "select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted and a.datname = current_database()",
  )
  await leading([second])
  await everythingUpTo(90)
  first.child.kill('SIGCONT')
  await everythingUpTo(130)
  await until(() => !first.leads, 20_000, 'it has noticed')
  await kill(second)
  await leading([first])
  await everythingUpTo(150)
  await proxy.close()
})
