import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { limits } from '../../ingest/body.ts'
import { sourceNameProblem } from '../../ingest/receive.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { driftJson } from '../../invoice/drift.ts'
import { askVerdicts, dropStaged } from '../../store/staged.ts'
import type { Verdicts } from '../../store/staged.ts'
import { loadEvents } from '../backfill-load.ts'
import { effectJson, previewBackfill, requireLoads } from '../backfill-preview.ts'
import { BackfillRunner } from '../backfill-runner.ts'
import { backfillStates } from '../backfill-state.ts'
import {
  batchesOf,
  decide,
  decisionsOf,
  getBackfill,
  insertBackfill,
  listBackfills,
  loadsOf,
  stagedJobOf,
} from '../backfill-table.ts'
import type { Backfill, Found } from '../backfill-table.ts'
import { waitForStore } from '../corrections.ts'
import { dutiesOf } from '../roles.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import { leaveBodiesUnread } from './event-body.ts'
import type { EventBodies } from './event-body.ts'
import type { Server } from './routes.ts'
import { decision, moment, pageSize, readMoment } from './schema.ts'

const params = z.object({ id: z.string().max(100) })

function verdictsJson({ new: isNew, retracted, duplicate, conflict }: Verdicts): object {
  return { new: isNew, retracted, duplicates: duplicate, conflicts: conflict }
}

function backfillJson({ id, source, period, restores, state, by, reason, openedAt, found, trouble }: Backfill): object {
  return {
    id,
    source,
    from: formatInstant(period.from),
    to: formatInstant(period.to),
    restore: restores,
    state,
    author: by,
    reason,
    opened_at: formatInstant(openedAt),
    found: found === null ? null : verdictsJson(found),
    trouble,
  }
}

async function detailsOf({ database }: Service, job: Backfill): Promise<object> {
  const [loads, batches, decisions] = await Promise.all([
    loadsOf(database, job.id),
    batchesOf(database, job.id),
    decisionsOf(database, job.id),
  ])
  return {
    ...backfillJson(job),
    loads: loads.length,
    events: loads.reduce((total, { events }) => total + events, 0),
    /** Events that closing has added to the log so far. */
    added: batches.reduce((total, { result }) => total + (result?.accepted ?? 0), 0),
    decisions: decisions.map(({ command, by, reason, at }) => ({ command, author: by, reason, at: formatInstant(at) })),
  }
}

function addOpen(server: Server, service: Service): void {
  const { database, world } = service
  server.post(
    '/v1/backfills',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Open a backfill job: events of one source and time, of any age, looked at before they count',
        description:
          'Load events into it, look at the preview, then close it (what is new is appended) or discard it. A closed job can be reverted.',
        body: z.strictObject({
          source: z.string().min(1).max(255),
          from: moment,
          to: moment,
          restore: z.boolean().default(false).meta({
            description: 'closing brings back events that were retracted, with the content that is loaded',
          }),
          ...decision,
        }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { source, restore: restores, author: by, reason } = request.body
      const problem = sourceNameProblem(source)
      if (problem !== null) throw new Refusal('REQUEST_INVALID', problem.message, { problems: [problem] })
      const period = {
        from: readMoment('from', request.body.from, 'UTC'),
        to: readMoment('to', request.body.to, 'UTC'),
      }
      if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
      const id = `bf_${Buffer.from(world.random(9)).toString('hex')}`
      const job = await insertBackfill(database, { id, source, period, restores, by, reason, openedAt: world.now() })
      return reply.status(201).send(backfillJson(job))
    },
  )
}

function addLists(server: Server, service: Service): void {
  const { database } = service
  server.get(
    '/v1/backfills',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Backfill jobs, the newest first',
        querystring: z.object({
          state: z.enum(backfillStates).optional(),
          before: z.string().max(100).optional().meta({ description: 'id of the last job of the page before' }),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { state, before, limit } = request.query
      const jobs = await listBackfills(database, { state: state ?? null, before: before ?? null, most: limit })
      return { backfills: jobs.map(backfillJson), next: jobs.length < limit ? null : (jobs.at(-1)?.id ?? null) }
    },
  )
  server.get(
    '/v1/backfills/:id',
    { config: { scope: 'usage:read' }, schema: { summary: 'One backfill job, and who decided what about it', params } },
    async (request) => {
      requireOperator(request)
      return detailsOf(service, await getBackfill(database, request.params.id))
    },
  )
}

/** The body is read by ingest, as that of POST /v1/events is, within the same limits. */
function addLoad(server: Server, service: Service, bodies: EventBodies): void {
  void server.register((scope, _options, done) => {
    leaveBodiesUnread(scope)
    scope.post<{ Params: { id: string } }>(
      '/v1/backfills/:id/events',
      {
        config: { scope: 'admin' },
        bodyLimit: limits.bodyBytesMax,
        schema: {
          summary: 'Load events into a backfill job',
          description:
            'The formats of POST /v1/events. Nothing of it is counted before the job is closed. Sending the same again is harmless.',
          params,
        },
      },
      async (request, reply) => {
        requireOperator(request)
        return bodies.taken(request, reply, (body) => loadEvents(service, request.params.id, body))
      },
    )
    done()
  })
}

function addPreview(server: Server, service: Service, desk: InvoiceDesk): void {
  server.get(
    '/v1/backfills/:id/preview',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What closing a backfill job would do: what is new, its effect on usage and on issued invoices',
        params,
      },
    },
    async (request) => {
      requireOperator(request)
      const job = await getBackfill(service.database, request.params.id)
      if (job.state !== 'open')
        throw new Refusal(
          'BACKFILL_TRANSITION_REFUSED',
          `the backfill job is ${job.state}; there is nothing to look ahead to`,
        )
      const { verdicts, effects, drifts, others } = await previewBackfill(service, desk, job)
      return {
        ...backfillJson(job),
        events: verdictsJson(verdicts),
        effects: effects.map(effectJson),
        invoices: drifts.map(driftJson),
        more_invoices: others,
      }
    },
  )
}

/** What closing finds, and in how many loads it was found. */
async function look(service: Service, job: Backfill): Promise<Found> {
  await waitForStore(service)
  const staged = await stagedJobOf(service.database, job)
  await requireLoads(service, staged)
  return { verdicts: await askVerdicts(service.engine, staged), loads: staged.loads.length }
}

function addDecisions(server: Server, service: Service, runner: BackfillRunner): void {
  const { database, engine, world } = service
  const about = { params, body: z.strictObject(decision) }
  server.post(
    '/v1/backfills/:id/close',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Append what is new; goes on by itself until the job is closed, also after a crash',
        ...about,
      },
    },
    async (request) => {
      requireOperator(request)
      const { author: by, reason } = request.body
      const job = await getBackfill(database, request.params.id)
      const found = job.state === 'open' ? await look(service, job) : null
      const decided = await decide(database, job.id, { command: 'close', by, reason, at: world.now() }, found)
      runner.wake(job.id)
      return backfillJson(decided)
    },
  )
  server.post(
    '/v1/backfills/:id/discard',
    { config: { scope: 'admin' }, schema: { summary: 'Forget what was loaded; nothing of it was counted', ...about } },
    async (request) => {
      requireOperator(request)
      const { author: by, reason } = request.body
      const job = await decide(database, request.params.id, { command: 'discard', by, reason, at: world.now() })
      await dropStaged(engine, job.id)
      return backfillJson(job)
    },
  )
  server.post(
    '/v1/backfills/:id/revert',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Retract exactly what the job brought; goes on by itself until it is done', ...about },
    },
    async (request) => {
      requireOperator(request)
      const { author: by, reason } = request.body
      const job = await decide(database, request.params.id, { command: 'revert', by, reason, at: world.now() })
      runner.wake(job.id)
      return backfillJson(job)
    },
  )
}

/** Backfill jobs, by operators only. */
export function addBackfillRoutes(
  server: Server,
  service: Service,
  { desk, bodies }: { readonly desk: InvoiceDesk; readonly bodies: EventBodies },
): void {
  const runner = new BackfillRunner(service)
  addOpen(server, service)
  addLists(server, service)
  addLoad(server, service, bodies)
  addPreview(server, service, desk)
  addDecisions(server, service, runner)
  // A process that answers these routes also finishes what they began.
  if (dutiesOf[service.config.role].routes.has('questions')) {
    server.addHook('onReady', async () => runner.start())
    server.addHook('onClose', () => runner.stop())
  }
}
