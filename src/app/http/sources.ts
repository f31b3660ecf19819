import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { boundSource, sourceNameProblem } from '../../ingest/receive.ts'
import { listRegistrations, listVersions, registerSource, sourceKinds } from '../../meter/sources.ts'
import type { Registration, RegistrationVersion } from '../../meter/sources.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { addCompletenessRoutes } from './completeness.ts'
import { addCounterRoutes } from './counters.ts'
import { checkpointJson, epochJson } from './source-epoch.ts'
import type { Server } from './routes.ts'
import { accountKey, instant, instantOrNull, pageSize, person, shortReason } from './schema.ts'

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

function versionJson({ version, at, decision, ...source }: RegistrationVersion): Record<string, unknown> {
  const { by, reason } = decision ?? { by: null, reason: null }
  return { version, at: formatInstant(at), by, reason, ...registrationJson(source) }
}

/** A source of a customer's key is a name of that account's own. */
function sourceName(account: AccountKey | null, source: string): string {
  return account === null ? source : boundSource(account, source)
}

function refuseName(account: AccountKey | null, source: string): void {
  const problem = account === null ? sourceNameProblem(source) : null
  if (problem !== null) throw new Refusal('REQUEST_INVALID', problem.message, { problems: [problem] })
}

function addSource(server: Server, { completeness, database, log }: Service): void {
  server.get(
    '/v1/sources/:source',
    {
      config: { scope: 'events:write' },
      schema: {
        summary: 'Which numbers of a source have arrived, and how each of its numberings stands',
        description:
          'Everything up to contiguous_until has arrived; gaps are the numbers that have not. held are numbers that were held ' +
          'aside, open_quarantine how many inputs of the source are unresolved. late: accepted behind a statement or a day after their time. ' +
          'registrations (for operators): what was expected of it from when on, the newest first, and who decided to expect less.',
        params: z.object({ source: z.string() }),
      },
    },
    async (request) => {
      const { source } = request.params
      const { account } = principalOf(request)
      const name = sourceName(account, source)
      const epochs = await log.source(name)
      const versions = account === null ? await listVersions(database, name) : []
      if (epochs === null && versions.length === 0)
        throw new Refusal('SOURCE_NOT_FOUND', `no event of source ${source} has arrived`)
      const open = (await completeness.openInputs()).get(name) ?? 0
      return {
        source,
        open_quarantine: String(open),
        epochs: (epochs ?? []).map(epochJson),
        ...(account === null ? { registrations: versions.map(versionJson) } : {}),
      }
    },
  )
}

function addSources(server: Server, { database, log, world }: Service): void {
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
        description:
          'To expect less of a registered source than before can make a silent time complete, so it takes by and reason: an earlier ' +
          'retired_at that is past, no or longer checkpoint_seconds, fewer accounts in carries, a later expected_from.',
        params: z.object({ source: z.string().min(1).max(255) }),
        body: z.object({
          kind: z.enum(sourceKinds),
          owner: z.string().min(1).max(200),
          carries: z.array(accountKey).min(1).nullish(),
          checkpoint_seconds: z.number().int().min(1).max(31_536_000).nullish(),
          expected_from: instant,
          retired_at: instant.nullish(),
          by: person.optional(),
          reason: shortReason.optional(),
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
        by,
        reason,
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
      const decision = by === undefined || reason === undefined ? null : { by, reason }
      return registrationJson(await registerSource(database, source, { decision, now: world.now() }))
    },
  )
}

const wholeNumber = z
  .union([z.number().int().min(0), z.string().regex(/^\d{1,16}$/)])
  .transform(Number)
  .refine((number) => number < Number.MAX_SAFE_INTEGER, 'is less than 2^53 - 1')

function addWithdrawal(server: Server, { log, world, logger }: Service): void {
  server.post(
    '/v1/sources/:source/withdraw-statement',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Take back what a source has wrongly stated of a numbering',
        description:
          'It is as if nothing had been stated: also the losses it declared do not count any more. The numbering keeps what was stated, who took it back and why.',
        params: z.object({ source: z.string().min(1).max(400) }),
        body: z.object({
          epoch: z.string().max(255).default(''),
          by: person,
          reason: shortReason,
        }),
      },
    },
    async (request) => {
      const { keyId } = requireOperator(request)
      const { source } = request.params
      const { epoch, by, reason } = request.body
      const before = (await log.source(source))?.find((numbering) => numbering.epoch === epoch)?.checkpoint ?? null
      const withdrawn = await log.withdrawCheckpoint({ source, epoch }, { by, reason }, world.now())
      if (withdrawn) logger.warn({ key: keyId, source, epoch, by, reason, withdrawn: before }, 'statement withdrawn')
      return { source, epoch, withdrawn, was: checkpointJson(before) }
    },
  )
}

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
        throw new Refusal(
          'CHECKPOINT_TIME_FUTURE',
          'time is more than 5 minutes ahead of this server; check the clock of the source',
        )
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

/** Sources: what has arrived of them, what is expected of them, what they state, and what follows from it. */
export function addSourceRoutes(server: Server, service: Service): void {
  addSource(server, service)
  addSources(server, service)
  addCheckpoints(server, service)
  addWithdrawal(server, service)
  addCompletenessRoutes(server, service)
  addCounterRoutes(server, service)
}
