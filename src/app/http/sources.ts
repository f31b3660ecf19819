import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { boundSource, sourceNameProblem } from '../../ingest/receive.ts'
import type { Interval, SourceEpoch } from '../../log/log.ts'
import type { CompletenessReport } from '../../meter/completeness.ts'
import { listRegistrations, registerSource, sourceKinds } from '../../meter/sources.ts'
import type { Registration } from '../../meter/sources.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { accountKey, instant, instantOrNull, moment, pageSize, readMoment } from './schema.ts'

/** Intervals of one answer: a source that sends every other number has as many as it has events. */
const intervalsMax = 10_000

function texts(intervals: readonly Interval[]): string[][] {
  return intervals.slice(0, intervalsMax).map((interval) => interval.map(String))
}

function epochJson({ epoch, accepted, held, checkpoint }: SourceEpoch): Record<string, unknown> {
  const stated = checkpoint && {
    seq: checkpoint.seq === null ? null : String(checkpoint.seq),
    time: formatInstant(checkpoint.time),
    lost: String(checkpoint.lost),
    arrived: formatInstant(checkpoint.arrived),
  }
  const cut = Math.max(accepted.length, held.length) > intervalsMax
  return { epoch, accepted: texts(accepted), held: texts(held), ...(cut ? { cut } : {}), checkpoint: stated }
}

function registrationJson(source: Registration): Record<string, unknown> {
  return {
    source: source.name,
    kind: source.kind,
    owner: source.owner,
    carries: source.carries,
    checkpoint_seconds: source.checkpointSeconds,
    expected_from: formatInstant(source.expectedFrom),
    retired_at: instantOrNull(source.retiredAt),
  }
}

function reportJson({ complete, completeUntil, sources, reasons }: CompletenessReport): Record<string, unknown> {
  return {
    complete,
    complete_until: instantOrNull(completeUntil),
    reasons,
    sources: sources.map(({ source, state, owner, gaps, missing, lost, completeUntil: until }) => ({
      source,
      state,
      owner,
      complete_until: instantOrNull(until),
      missing: String(missing),
      lost: String(lost),
      gaps: gaps.map(({ epoch, first, last, after, before }) => ({
        epoch,
        first: String(first),
        last: String(last),
        after: instantOrNull(after),
        before: instantOrNull(before),
      })),
    })),
  }
}

/** A source of a customer's key is a name of that account's own. */
function sourceName(account: AccountKey | null, source: string): string {
  return account === null ? source : boundSource(account, source)
}

function refuseName(account: AccountKey | null, source: string): void {
  const problem = account === null ? sourceNameProblem(source) : null
  if (problem !== null) throw new Refusal('REQUEST_INVALID', problem.message, { problems: [problem] })
}

function addSources(server: Server, { database, log, world }: Service): void {
  server.get(
    '/v1/sources/:source',
    {
      config: { scope: 'events:write' },
      schema: { summary: 'Which numbers of a source have arrived', params: z.object({ source: z.string() }) },
    },
    async (request) => {
      const { source } = request.params
      const epochs = await log.source(sourceName(principalOf(request).account, source))
      if (epochs === null) throw new Refusal('SOURCE_NOT_FOUND', `no event of source ${source} has arrived`)
      return { source, epochs: epochs.map(epochJson) }
    },
  )
  const listQuery = z.object({ after: z.string().optional(), limit: pageSize })
  server.get(
    '/v1/sources',
    {
      config: { scope: 'usage:read' },
      schema: { summary: 'Sources, by name, and what is registered of them', querystring: listQuery },
    },
    async (request) => {
      requireOperator(request)
      const { after, limit } = request.query
      const sources = await log.sources({ after: after ?? null, most: limit })
      const registered = (await listRegistrations(database)).map(registrationJson)
      return { sources, registered, next: sources.length < limit ? null : (sources.at(-1) ?? null) }
    },
  )
  server.put(
    '/v1/sources/:source',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Say what is expected of a source',
        params: z.object({ source: z.string().min(1).max(255) }),
        body: z.object({
          kind: z.enum(sourceKinds),
          owner: z.string().min(1).max(200),
          carries: z.array(accountKey).min(1).nullish(),
          checkpoint_seconds: z.number().int().min(1).max(31_536_000).nullish(),
          expected_from: instant,
          retired_at: instant.nullish(),
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      refuseName(null, request.params.source)
      const {
        kind,
        owner,
        carries,
        checkpoint_seconds: seconds,
        expected_from: from,
        retired_at: retired,
      } = request.body
      const source: Registration = {
        name: request.params.source,
        kind,
        owner,
        carries: carries ?? null,
        checkpointSeconds: seconds ?? null,
        expectedFrom: from,
        retiredAt: retired ?? null,
      }
      return registrationJson(await registerSource(database, source, world.now()))
    },
  )
}

const wholeNumber = z
  .union([z.number().int().min(0), z.string().regex(/^\d{1,16}$/)])
  .transform(Number)
  .refine((number) => number < Number.MAX_SAFE_INTEGER, 'is less than 2^53 - 1')

function addCheckpoints(server: Server, { log, world }: Service): void {
  server.post(
    '/v1/checkpoints',
    {
      config: { scope: 'events:write' },
      schema: {
        summary: 'A source says that it has sent everything up to a number and a time',
        description:
          'Everything up to seq, and everything that happened before time, has been sent; `lost` counts the events of this epoch ' +
          'that the source lost and will never send. Silence is not a checkpoint: send one when idle, too. Durable when answered.',
        body: z.object({
          source: z.string().min(1).max(255),
          epoch: z.string().max(255).default(''),
          seq: wholeNumber.nullish(),
          time: instant,
          lost: wholeNumber.default(0),
        }),
      },
    },
    async (request) => {
      const { source, epoch, seq, time, lost } = request.body
      const now = world.now()
      if (time > now + 300_000_000)
        throw new Refusal('EVENT_TIME_FUTURE', 'time is more than 5 minutes ahead of this server')
      refuseName(principalOf(request).account, source)
      const name = sourceName(principalOf(request).account, source)
      const stated = await log.checkpoint({ source: name, epoch, seq: seq ?? null, time, lost }, now)
      return {
        source,
        epoch,
        seq: stated.seq === null ? null : String(stated.seq),
        time: formatInstant(stated.time),
        lost: String(stated.lost),
      }
    },
  )
}

function addCompleteness(server: Server, service: Service): void {
  server.get(
    '/v1/completeness',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Is everything there that could have carried the traffic of a period?',
        description:
          'Without an account: of the whole installation (operators only). Gaps close by themselves when what is missing arrives.',
        querystring: z.object({ account: accountKey.optional(), from: moment, to: moment }),
      },
    },
    async (request) => {
      const { account: asked } = request.query
      const from = readMoment('from', request.query.from, 'UTC')
      const to = readMoment('to', request.query.to, 'UTC')
      if (from >= to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
      const own = principalOf(request).account
      const account = asked === undefined && own === null ? null : accountOf(request, asked)
      const report = reportJson(await service.completeness.report({ account, period: { from, to } }))
      // L11: which sources there are, and whose they are, is the operator's business.
      return own === null ? report : { complete: report['complete'], complete_until: report['complete_until'] }
    },
  )
}

/** Sources: what has arrived of them, what is expected of them, what they state, and what follows from it. */
export function addSourceRoutes(server: Server, service: Service): void {
  addSources(server, service)
  addCheckpoints(server, service)
  addCompleteness(server, service)
}
