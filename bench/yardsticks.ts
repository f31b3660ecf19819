/** What the same rows cost without Crossfoot: the event store's own bulk insert, and Postgres with ON CONFLICT. */
import { join } from 'node:path'
import { Client } from 'pg'
import type { LogRecord } from '../src/core/record.ts'
import { systemClock } from '../src/core/time.ts'
import { parseEvent } from '../src/ingest/event.ts'
import { parseJson } from '../src/ingest/json.ts'
import { openChdb } from '../src/store/engine.ts'
import { migrateStore } from '../src/store/migrate.ts'
import { planInserts } from '../src/store/project.ts'

const root = join(import.meta.dirname, '..')

export function recordsOf(lines: readonly string[]): LogRecord[] {
  const now = systemClock.now()
  return lines.map((line, offset): LogRecord => {
    const parsed = parseJson(line)
    const arrival = parseEvent(parsed.ok ? parsed.value : null, line, { now, ownerAt: () => null })
    if (arrival.kind !== 'event') throw new Error('the benchmark sends good events')
    const { account, fact, inspection, time } = arrival.event
    return { offset: offset as never, ingested: now, time, account, fact, inspection, correction: null }
  })
}

/** Rows per second of the engine's own bulk insert: the same rows into the same tables, nothing in between. */
export async function bulkInsert(directory: string, lines: readonly string[]): Promise<number> {
  const engine = openChdb(directory)
  await migrateStore(engine, join(root, 'migrations/clickhouse'))
  const records = recordsOf(lines)
  const large = 100_000
  let seconds = 0
  for (let from = 0; from < records.length; from += large) {
    const part = records.slice(from, from + large)
    const inserts = planInserts({ first: from as never, next: (from + part.length) as never }, part)
    const started = performance.now()
    for (const insert of inserts) await engine.insert(insert)
    seconds += (performance.now() - started) / 1000
  }
  await engine.close()
  return records.length / seconds
}

const table = `create table if not exists bench_event (
  source text, epoch text, id text, time bigint, account text, fact jsonb, inspection jsonb,
  primary key (source, epoch, id)
)`

/** Rows per second of INSERT … ON CONFLICT DO NOTHING, so many rows a statement, each statement its own transaction. */
export async function postgresInserts(
  url: string,
  lines: readonly string[],
  { perStatement, seconds }: { readonly perStatement: number; readonly seconds: number },
): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`drop table if exists bench_event; ${table}`)
  const records = recordsOf(lines)
  const started = performance.now()
  let done = 0
  while (done < records.length && performance.now() - started < seconds * 1000) {
    const part = records.slice(done, done + perStatement)
    const values = part.flatMap(({ fact, inspection, time, account }, index) => [
      `source-${index % 4}`,
      '',
      String(done + index),
      time,
      account,
      fact,
      inspection,
    ])
    const rows = part.map((_, row) => `(${Array.from({ length: 7 }, (_, at) => `$${row * 7 + at + 1}`).join(', ')})`)
    await client.query({
      name: `insert-${part.length}`,
      text: `insert into bench_event values ${rows.join(', ')} on conflict do nothing`,
      values,
    })
    done += part.length
  }
  const rate = done / ((performance.now() - started) / 1000)
  await client.query('drop table bench_event')
  await client.end()
  return rate
}
