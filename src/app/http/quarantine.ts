import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { errorCatalogue, Refusal } from '../../core/errors.ts'
import type { Decision } from '../../core/record.ts'
import { formatInstant } from '../../core/time.ts'
import { openCount, resolutionKinds } from '../../log/log.ts'
import type { EventLog, HeldFilter, HeldRecord } from '../../log/log.ts'
import { payersOf } from '../ownership-door.ts'
import { executeReleases, planRelease, planRepair, plannedResult } from '../quarantine.ts'
import type { Door, Released, ReleasePlan } from '../quarantine.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { parseExactBodies } from './exact-body.ts'
import type { Server } from './routes.ts'
import { instant, pageSize, person, shortReason } from './schema.ts'

export const limits = {
  /** Inputs that one request works off; the answer says where the next one goes on. */
  inputsMax: 1_000,
  /** Pages of the log's search that one request reads; each of them is bounded too. */
  pagesMax: 10,
} as const

const heldNumber = z.coerce.number().int().min(0)
const code = z.string().refine((text) => Object.hasOwn(errorCatalogue, text), 'is not a code of docs/errors.md')

/** The conditions that a held input can be found by; an absent one is met by all. */
const conditions = {
  source: z.string().max(255).optional(),
  code: code.optional(),
  text: z.string().min(1).max(1_000).optional(),
  from: instant.optional(),
  to: instant.optional(),
}
type Conditions = z.output<z.ZodObject<typeof conditions>>

function filterOf({ source, code, text, from, to }: Conditions): HeldFilter {
  return {
    ...(source === undefined ? {} : { source }),
    ...(code === undefined ? {} : { code }),
    ...(text === undefined ? {} : { text }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}

function heldJson({ number, arrived, resolution, ...input }: HeldRecord): Record<string, unknown> {
  return {
    number,
    arrived: formatInstant(arrived),
    state: resolution?.kind ?? 'open',
    ...input,
    resolution: resolution && { ...resolution, at: formatInstant(resolution.at) },
  }
}

async function heldOf(log: EventLog, number: number): Promise<HeldRecord> {
  const held = await log.heldByNumber(number)
  if (held === null) throw new Refusal('QUARANTINE_NOT_FOUND', `nothing was held under the number ${number}`)
  return held
}

function addReading(server: Server, { log }: Service): void {
  server.get(
    '/v1/quarantine',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What was held aside, newest first, each with its reason and how it was resolved',
        description:
          'from and to are about the time of arrival. A page may be empty and not the last: go on with `before` = `next` until that is null.',
        querystring: z.object({
          state: z.enum(['open', ...resolutionKinds]).optional(),
          ...conditions,
          before: heldNumber.optional(),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { before, limit, state, ...asked } = request.query
      const filter = { ...filterOf(asked), ...(state === undefined ? {} : { state }) }
      const { rows, next } = await log.held({ before: before ?? null, most: limit, filter })
      const totals = await log.heldTotals()
      return { total: Number(totals.held), open: Number(openCount(totals)), rows: rows.map(heldJson), next }
    },
  )
  server.get(
    '/v1/quarantine/:number',
    {
      config: { scope: 'usage:read' },
      schema: { summary: 'One held input', params: z.object({ number: heldNumber }) },
    },
    async (request) => {
      requireOperator(request)
      return heldJson(await heldOf(log, request.params.number))
    },
  )
}

const decision = { by: person, reason: shortReason }

const bulk = z
  .object({
    filter: z.strictObject(conditions).optional(),
    numbers: z.array(heldNumber).min(1).max(limits.inputsMax).optional(),
    ...decision,
    dry_run: z.boolean().default(false),
    before: heldNumber.nullish().meta({ description: '`next` of the answer before: goes on where that one ended' }),
    limit: z.number().int().min(1).max(limits.inputsMax).default(limits.inputsMax),
  })
  .refine(({ filter, numbers }) => (filter === undefined) !== (numbers === undefined), 'takes "filter" or "numbers"')
type Bulk = z.output<typeof bulk>

interface Chosen {
  readonly rows: readonly HeldRecord[]
  readonly next: number | null
}

/** The open inputs that a request is about, as many as it may work off at once. */
async function choose(log: EventLog, { filter, numbers, before, limit }: Bulk): Promise<Chosen> {
  if (numbers !== undefined) {
    const rows: HeldRecord[] = []
    for (const number of new Set(numbers)) rows.push(await heldOf(log, number))
    return { rows, next: null }
  }
  const rows: HeldRecord[] = []
  const wanted: HeldFilter = { ...filterOf(filter ?? {}), state: 'open' }
  let next = before ?? null
  for (let page = 0; page < limits.pagesMax; page += 1) {
    const found = await log.held({ before: next, most: limit - rows.length, filter: wanted })
    rows.push(...found.rows)
    next = found.next
    if (next === null || rows.length >= limit) break
  }
  return { rows, next }
}

function doorOf({ world, ownership, ip }: Service): Door {
  return { now: world.now(), ...payersOf(ownership), describeAddress: ip.describe }
}

interface Execution {
  readonly plans: readonly ReleasePlan[]
  readonly decision: Decision
}

/** Appends what is good now; the batch of the log carries the key that asked for it. */
async function execute(service: Service, request: FastifyRequest, { plans, decision }: Execution) {
  const { keyId } = principalOf(request)
  const results = await executeReleases(plans, decision, (arrivals) => service.append(arrivals, keyId))
  const released = results.filter(({ status }) => status === 'released').length
  service.logger.info({ key: keyId, ...decision, inputs: plans.length, released }, 'quarantine: released')
  return results
}

function countOf(results: readonly Released[], ...statuses: readonly Released['status'][]): number {
  return results.filter(({ status }) => statuses.includes(status)).length
}

function addRelease(server: Server, service: Service): void {
  server.post(
    '/v1/quarantine/release',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Send held inputs through the door again',
        description:
          'Each open input that matches is read again by the rules, the ownership and the clock of today, and is counted under ' +
          'its own identity and time when it is good now. Works off at most `limit` inputs; ask again with `before` = `next`. ' +
          'Doing it again counts nothing twice. dry_run says what is good now; whether it was counted before is only known then.',
        body: bulk,
      },
    },
    async (request) => {
      requireOperator(request)
      const { by, reason, dry_run: isDry } = request.body
      const { rows, next } = await choose(service.log, request.body)
      const door = doorOf(service)
      const plans = rows.map((held) => planRelease(held, door))
      const results = isDry
        ? plans.map(plannedResult)
        : await execute(service, request, { plans, decision: { by, reason } })
      return {
        dry_run: isDry,
        matched: rows.length,
        released: countOf(results, 'released', 'would_be_released'),
        duplicates: countOf(results, 'duplicate'),
        not_released: countOf(results, 'conflict', 'wrong', 'stuck', 'resolved'),
        results,
        next,
      }
    },
  )
}

function refuseResolved({ number, resolution }: HeldRecord): void {
  if (resolution === null) return
  const { kind, by, at } = resolution
  throw new Refusal(
    'QUARANTINE_RESOLVED',
    `input ${number} was resolved (${kind.replace('_', ' ')}) by ${by} at ${formatInstant(at)}`,
  )
}

/** A repair is one event that a person looked at, so what is wrong with it is a refusal, not a result among others. */
function refuseBadRepair(plan: ReleasePlan): void {
  if (plan.kind === 'wrong') {
    const { problem } = plan
    throw new Refusal('REQUEST_INVALID', `the repaired event is not good: ${problem.message}`, { problems: [problem] })
  }
  if (plan.kind === 'stuck') {
    const { source, epoch, seq, id } = plan.held
    const identity = JSON.stringify({ source, epoch, ...(seq === null ? { id } : { seq }) })
    throw new Refusal('REQUEST_INVALID', `the repaired event keeps the identity under which it was held: ${identity}`)
  }
}

const repair = z.object({
  event: z.record(z.string(), z.unknown()),
  ...decision,
  dry_run: z.boolean().default(false),
})

function addRepair(server: Server, service: Service): void {
  void server.register((scope, _options, done) => {
    parseExactBodies(scope)
    scope.post<{ Params: { number: number }; Body: z.output<typeof repair> }>(
      '/v1/quarantine/:number/repair',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Put a repaired event in the place of a held input',
          description:
            'The event keeps the source, epoch and seq (or id) under which the input was held; what it leaves out of them is filled in.',
          params: z.object({ number: heldNumber }),
          body: repair,
        },
      },
      async (request) => {
        requireOperator(request)
        const { event, by, reason, dry_run: isDry } = request.body
        const held = await heldOf(service.log, request.params.number)
        refuseResolved(held)
        const plan = planRepair(held, event, doorOf(service))
        refuseBadRepair(plan)
        const results = isDry
          ? [plannedResult(plan)]
          : await execute(service, request, { plans: [plan], decision: { by, reason } })
        return { dry_run: isDry, ...results[0] }
      },
    )
    done()
  })
}

/** A write-off of everything there is has to be spelt out, page by page or by a condition that says it. */
function refuseEmptyFilter({ filter }: Bulk): void {
  if (filter === undefined || Object.values(filter).some((value) => value !== undefined)) return
  throw new Refusal('REQUEST_INVALID', 'a write-off needs a condition: source, code, text, from or to')
}

function addWriteOff(server: Server, { log, world, logger }: Service): void {
  server.post(
    '/v1/quarantine/write-off',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Write held inputs off: a named person decides that they will never be counted',
        description:
          'For good. They stay listed with who decided and why. Works off at most `limit` inputs; see release.',
        body: bulk,
      },
    },
    async (request) => {
      const { keyId } = requireOperator(request)
      refuseEmptyFilter(request.body)
      const { by, reason, dry_run: isDry } = request.body
      const { rows, next } = await choose(log, request.body)
      const open = rows.filter(({ resolution }) => resolution === null).map(({ number }) => number)
      const written = isDry ? open.length : await log.writeOff(open, { by, reason }, world.now())
      if (!isDry) logger.info({ key: keyId, by, reason, inputs: written }, 'quarantine: written off')
      return { dry_run: isDry, matched: rows.length, written_off: written, numbers: open, next }
    },
  )
}

/** The quarantine: listed, searched, released, repaired, written off; nothing ages out of it. */
export function addQuarantineRoutes(server: Server, service: Service): void {
  addReading(server, service)
  addRelease(server, service)
  addRepair(server, service)
  addWriteOff(server, service)
}
