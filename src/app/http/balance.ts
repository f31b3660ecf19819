import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { openCount } from '../../log/log.ts'
import type { Batch, DayBalance, EventLog } from '../../log/log.ts'
import { crossfootLog } from '../balance.ts'
import type { LogTotal } from '../balance.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { pageSize } from './schema.ts'

type Counts = Omit<DayBalance, 'source' | 'day'>

function countsJson(counts: Counts): Record<string, string> {
  return {
    received: String(counts.received),
    accepted: String(counts.accepted),
    duplicates: String(counts.duplicates),
    quarantined: String(counts.quarantined),
    held: String(counts.held),
    released: String(counts.released),
    found_duplicate: String(counts.foundDuplicate),
    written_off: String(counts.writtenOff),
    open: String(openCount(counts)),
  }
}

function totalJson({ counts, events, checks }: LogTotal): Record<string, unknown> {
  return {
    ...countsJson(counts),
    events_in_log: String(events),
    adds_up: checks.every(({ addsUp }) => addsUp),
    checks: checks.map(({ about, left, right, addsUp }) => ({
      about,
      left: String(left),
      right: String(right),
      adds_up: addsUp,
    })),
  }
}

/** What the sources of a page say that they lost themselves: it was never received, so it stands beside the counts. */
async function declaredLost(log: EventLog, rows: readonly DayBalance[]) {
  const lost: { source: string; lost: string }[] = []
  for (const source of new Set(rows.map((row) => row.source))) {
    const epochs = (await log.source(source)) ?? []
    const total = epochs.reduce((sum, { checkpoint }) => sum + (checkpoint?.lost ?? 0), 0)
    if (total > 0) lost.push({ source, lost: String(total) })
  }
  return lost
}

function addDays(server: Server, { log }: Service): void {
  server.get(
    '/v1/balance',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What became of everything received, by source and day of arrival',
        description:
          'received = accepted + duplicates + quarantined, always; of what is held (each input once): held = released + ' +
          'found_duplicate + written_off + open. The first page carries the total over all rows and what it has to be equal to; ' +
          '`total` is null on later pages, and where events arrived faster than they could be added up. declared_lost is what ' +
          'the sources of this page say they lost: it never arrived.',
        querystring: z.object({ after: z.string().optional(), limit: pageSize }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { after, limit } = request.query
      // The day holds no `|`, so the last one stands before it, whatever the source is called.
      const place = after?.replace(/\|(?=[^|]*$)/, '\0') ?? null
      const rows = await log.balances({ after: place, most: limit })
      const last = rows.at(-1)
      const total = place === null ? await crossfootLog(log) : null
      return {
        rows: rows.map(({ source, day, ...counts }) => ({ source, day, ...countsJson(counts) })),
        declared_lost: await declaredLost(log, rows),
        total: total && totalJson(total),
        next: rows.length < limit || last === undefined ? null : `${last.source}|${last.day}`,
      }
    },
  )
}

function batchJson(batch: Batch): Record<string, unknown> {
  return {
    batch: String(batch.number),
    arrived: formatInstant(batch.arrived),
    sender: batch.sender === '' ? null : batch.sender,
    first_offset: batch.accepted === 0n ? null : String(batch.first),
    received: String(batch.received),
    accepted: String(batch.accepted),
    duplicates: String(batch.duplicates),
    quarantined: String(batch.quarantined),
  }
}

const batchNumber = z.coerce
  .number()
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1)

function addBatches(server: Server, { log }: Service): void {
  server.get(
    '/v1/batches',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What became of each request that brought events, newest first',
        description: 'The answer of POST /v1/events names its batch. A batch of releases received nothing new.',
        querystring: z.object({ before: batchNumber.optional(), limit: pageSize }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { before, limit } = request.query
      const batches = await log.batches({ before: before ?? null, most: limit })
      const last = batches.at(-1)
      return {
        batches: batches.map(batchJson),
        next: batches.length < limit || last === undefined ? null : last.number,
      }
    },
  )
  server.get(
    '/v1/batches/:number',
    {
      config: { scope: 'usage:read' },
      schema: { summary: 'The balance of one batch', params: z.object({ number: batchNumber }) },
    },
    async (request) => {
      requireOperator(request)
      const { number } = request.params
      const [batch] = await log.batches({ before: number + 1, most: 1 })
      if (batch?.number !== number) throw new Refusal('BATCH_NOT_FOUND', `there is no batch ${number}`)
      return batchJson(batch)
    },
  )
}

/** L1 as numbers to look up: by source and day, by batch, and over everything. */
export function addBalanceRoutes(server: Server, service: Service): void {
  addDays(server, service)
  addBatches(server, service)
}
