/** Loading a backfill job: events through the real door, with the job's own window, and not counted by anybody yet. */
import { createHash } from 'node:crypto'
import type { ErrorCode } from '../core/errors.ts'
import type { Arrival, ParsedEvent } from '../core/record.ts'
import { formatInstant } from '../core/time.ts'
import { saidText } from '../ingest/event.ts'
import { arrivalsOf } from '../ingest/receive.ts'
import { dropStaged, insertStaged } from '../store/staged.ts'
import { finishLoad, getBackfill, loadsOf } from './backfill-table.ts'
import type { Backfill, FinishedLoad } from './backfill-table.ts'
import { needsLoads, nextBackfillState } from './backfill-state.ts'
import { payersOf } from './ownership-door.ts'
import type { Service } from './service.ts'

export interface RefusedEvent {
  readonly index: number
  readonly code: ErrorCode
  readonly message: string
  readonly field?: string
}

/** received = staged + refused. */
export interface Loaded {
  /** The name of the load; the same events again are the same load. Null: nothing was staged. */
  readonly load: string | null
  readonly received: number
  readonly staged: number
  readonly refused: readonly RefusedEvent[]
}

/** The reason why an event that is good does not belong into this job. */
function outside({ source, period }: Backfill, event: ParsedEvent): Omit<RefusedEvent, 'index'> | null {
  if (event.source !== source)
    return { code: 'EVENT_OUTSIDE_BACKFILL', field: 'source', message: `the job is about source ${source}` }
  if (event.time < period.from || event.time >= period.to)
    return {
      code: 'EVENT_OUTSIDE_BACKFILL',
      field: 'time',
      message: `the job is about ${formatInstant(period.from)} until ${formatInstant(period.to)}`,
    }
  return null
}

function problemOf(job: Backfill, arrival: Arrival): Omit<RefusedEvent, 'index'> | null {
  if (arrival.kind === 'event') return outside(job, arrival.event)
  if (arrival.kind === 'correction') throw new Error('the door gives no corrections')
  const { code, message, field } = arrival.held.problem
  return { code, message, ...(field === undefined ? {} : { field }) }
}

/** Names a load by what was sent, the account that pays included: what was looked up may be another thing next time. */
function nameOf(events: readonly ParsedEvent[]): string {
  const hash = createHash('sha256')
  for (const { account, fact, inspection } of events)
    hash.update(`${account}\n${saidText(fact)}\n${inspection ?? ''}\n`)
  return hash.digest('hex').slice(0, 32)
}

/**
 * Whether a load is to be inserted. A finished one comes again while it is needed: that is how one that was lost comes
 * back. When the job is closed, its repetition is answered as it was, and nothing is left behind.
 */
function isWanted({ state }: Backfill, isKnown: boolean): boolean {
  if (isKnown && state === 'closed') return false
  if (!(isKnown && needsLoads(state))) nextBackfillState(state, 'load')
  return true
}

type LoadPorts = Pick<Service, 'database' | 'engine' | 'world' | 'ownership' | 'disk' | 'ip'>

/** Takes a body into a job; durable when it resolves. Doing it again is harmless, whether it came through or not. */
export async function loadEvents(
  ports: LoadPorts,
  id: string,
  { body, contentType }: { readonly body: Buffer; readonly contentType: string | undefined },
): Promise<Loaded> {
  const { database, engine, world, ownership, disk, ip } = ports
  const job = await getBackfill(database, id)
  const arrivals = arrivalsOf(body, contentType, {
    now: world.now(),
    ...payersOf(ownership),
    oldest: job.period.from,
    boundTo: null,
    describeAddress: ip.describe,
  })
  const refused = arrivals.flatMap((arrival, index) => {
    const problem = problemOf(job, arrival)
    return problem === null ? [] : [{ index, ...problem }]
  })
  const bad = new Set(refused.map(({ index }) => index))
  const events = arrivals.flatMap((arrival, index) =>
    arrival.kind === 'event' && !bad.has(index) ? [arrival.event] : [],
  )
  const counts = { received: arrivals.length, staged: events.length, refused }
  if (events.length === 0) return { load: null, ...counts }
  const load = nameOf(events)
  const isKnown = (await loadsOf(database, id)).some(({ content }) => content === load)
  if (isWanted(await getBackfill(database, id), isKnown)) {
    await disk.check()
    await insertStaged(engine, { job: id, load, now: world.now() }, events)
    await finish(ports, id, { content: load, events: events.length })
  }
  return { load, ...counts }
}

/** The load counts, or the job was over before it was there, and what was inserted is taken away again. */
async function finish({ database, engine, world }: LoadPorts, id: string, load: FinishedLoad): Promise<void> {
  try {
    await finishLoad(database, id, { ...load, at: world.now() })
  } finally {
    if (!needsLoads((await getBackfill(database, id)).state)) await dropStaged(engine, id)
  }
}
