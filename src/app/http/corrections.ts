import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { Offset } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { askCorrections, askNames } from '../../store/versions.ts'
import type { EventName } from '../../store/versions.ts'
import { correct, limits } from '../corrections.ts'
import type { Corrected, CorrectionRequest, Version } from '../corrections.ts'
import { planReattribution, reattribute } from '../corrections-bulk.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import { failureBody } from './failure.ts'
import { parseExactBodies } from './exact-body.ts'
import type { Server } from './routes.ts'
import { accountKey, decision, dryRun, moment, pageSize, readMoment } from './schema.ts'

export const offset = z.union([z.number().int().min(0), z.string().regex(/^\d{1,16}$/)]).transform(Number)

const eventName = z
  .strictObject({
    source: z.string().min(1).max(255),
    epoch: z.string().max(255).default(''),
    id: z.string().min(1).max(255).optional(),
    seq: z
      .union([z.number().int().min(1), z.string().regex(/^[1-9]\d{0,15}$/)])
      .transform(Number)
      .optional(),
  })
  .refine(({ id, seq }) => (id === undefined) !== (seq === undefined), 'names the event by id or by seq, not both')

const shared = {
  event: eventName,
  expect: offset
    .optional()
    .meta({ description: 'offset of the version that the author saw; refused when it is not the newest' }),
  ...decision,
}

const correctionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('amend'),
    change: z.record(z.string(), z.unknown()).refine((change) => Object.keys(change).length > 0, 'names what changes'),
    ...shared,
  }),
  z.strictObject({ kind: z.literal('retract'), ...shared }),
  z.strictObject({ kind: z.literal('reattribute'), account: accountKey, ...shared }),
])

function nameOf({ source, epoch, id, seq }: z.output<typeof eventName>): EventName {
  return { source, epoch, by: seq === undefined ? { id: id ?? '' } : { seq } }
}

function requestOf(body: z.output<typeof correctionSchema>): CorrectionRequest {
  const { event, expect, author, reason, ...rest } = body
  const wanted = rest as CorrectionRequest['wanted']
  return { event: nameOf(event), expect: (expect ?? null) as Offset | null, wanted, by: author, reason }
}

function versionJson({ offset, account, time, fields }: Version): object {
  return { offset: offset === null ? null : String(offset), account, time: formatInstant(time), event: fields }
}

function correctedJson({ kind, outcome, offset, supersedes, before, after, invoices }: Corrected): object {
  return {
    status: outcome,
    kind,
    offset: offset === null ? null : String(offset),
    supersedes: String(supersedes),
    before: versionJson(before),
    after: versionJson(after),
    invoices,
  }
}

function addCorrect(server: Server, service: Service): void {
  void server.register((plain, _options, done) => {
    const scope = plain.withTypeProvider<ZodTypeProvider>()
    parseExactBodies(scope)
    scope.post(
      '/v1/corrections',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Amend, retract or reattribute accepted events',
          description:
            'One correction, or an array of them. A correction is a new version of an event, with its author and reason; the old one stays ' +
            'in the log and is not counted any more. An issued invoice stays as it is; GET /v1/invoices/{id}/drift shows the difference. ' +
            'Amending a retracted event restores it. Sending the same correction again changes nothing.',
          querystring: z.object({ dry_run: dryRun }),
          body: z.union([correctionSchema, z.array(correctionSchema).min(1).max(limits.correctionsMax)]),
        },
      },
      async (request) => {
        const { keyId: sender } = requireOperator(request)
        const { body } = request
        const how = { sender, dryRun: request.query.dry_run === 'true' }
        const answers = await correct(service, (Array.isArray(body) ? body : [body]).map(requestOf), how)
        const [only] = answers
        if (!Array.isArray(body) && only instanceof Refusal) throw only
        const results = answers.map((answer) =>
          answer instanceof Refusal ? { status: 'refused', ...failureBody(answer) } : correctedJson(answer),
        )
        return Array.isArray(body) ? { results } : results[0]
      },
    )
    done()
  })
}

function addReattribute(server: Server, service: Service): void {
  server.post(
    '/v1/corrections/reattribute',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Move an endpoint’s traffic of a time to the account that it belongs to',
        description:
          'All events of the endpoint that are counted for `from_account` (unattributed unless said otherwise). With dry_run: how many, and by ' +
          'how much each meter of both accounts changes. Without: moves them in batches; repeat the request while `left` is not 0.',
        querystring: z.object({ dry_run: dryRun }),
        body: z.strictObject({
          endpoint: z.string().min(1).max(255),
          from: moment,
          to: moment,
          from_account: accountKey.default('unattributed' as never),
          account: accountKey,
          ...decision,
        }),
      },
    },
    async (request) => {
      const { keyId: sender } = requireOperator(request)
      const { endpoint, from, to, from_account: loser, account, author: by, reason } = request.body
      const period = { from: readMoment('from', from, 'UTC'), to: readMoment('to', to, 'UTC') }
      const moved = { endpoint, period, from: loser, to: account }
      if (request.query.dry_run === 'true') {
        const { events, effects, invoices } = await planReattribution(service, moved)
        return { status: 'planned', events, effects, invoices }
      }
      const done = await reattribute(service, moved, { by, reason, sender })
      return { status: done.left === 0 ? 'done' : 'going on', ...done }
    },
  )
}

function eventJson(name: { source: string; epoch: string; id: string; seq: string | null } | undefined): object | null {
  if (name === undefined) return null
  const { source, epoch, id, seq } = name
  return seq === null ? { source, epoch, id } : { source, epoch, id, seq }
}

function addList(server: Server, service: Service): void {
  server.get(
    '/v1/corrections',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Corrections that were made in a time, the newest first: which, when, by whom, why',
        querystring: z.object({
          from: moment.optional(),
          to: moment.optional(),
          account: accountKey.optional().meta({ description: 'only of versions that were counted for this account' }),
          before: offset.optional(),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { from, to, account, before, limit } = request.query
      const corrections = await askCorrections(service.engine, {
        from: readMoment('from', from ?? '1970-01-01', 'UTC'),
        to: readMoment('to', to ?? '2199-12-31', 'UTC'),
        account: account ?? null,
        before: (before ?? null) as Offset | null,
        below: service.projection.position(),
        most: limit,
      })
      const last = corrections.at(-1)
      const names = await askNames(service.engine, corrections)
      return {
        corrections: corrections.map(({ offset, arrived, kind, supersedes, account, time, by, reason }) => ({
          offset: String(offset),
          at: formatInstant(arrived),
          kind,
          supersedes: String(supersedes),
          event: eventJson(names.get(offset)),
          account,
          time: formatInstant(time),
          author: by,
          reason,
        })),
        next: corrections.length < limit || last === undefined ? null : String(last.offset),
      }
    },
  )
}

/** Corrections: new versions of accepted events, by operators only. */
export function addCorrectionRoutes(server: Server, service: Service): void {
  addCorrect(server, service)
  addReattribute(server, service)
  addList(server, service)
}
