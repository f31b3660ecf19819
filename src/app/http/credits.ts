import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { GrantId } from '../../price/credit/grant.ts'
import { entryJson, grantJson } from '../../price/credit/summary.ts'
import { findCredit, grantCredit, listCredits, listEntries, voidCredit } from '../credits.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { accountKey, decision, instant, pageSize } from './schema.ts'

const id = z.string().min(1).max(100)
const params = z.object({ id })

/** Documentation only: what a field may be is read by `parseGrant`, which tells every problem at once, with its path. */
function field(description: string, more: Readonly<Record<string, unknown>> = { type: 'string' }) {
  return z
    .unknown()
    .optional()
    .meta({ description, ...more })
}

const grantBody = z.looseObject({
  account: accountKey,
  kind: field('needed; promotional: before tax; prepaid: after it', { enum: ['promotional', 'prepaid'] }),
  name: field('needed; what the customer reads on the invoice'),
  amount: field('needed; a decimal of the account’s currency, as text', { type: 'string', examples: ['20.00'] }),
  currency: field('left out: the account’s, and no other'),
  paid_amount: field('prepaid: what it cost'),
  priority: field('0 to 1000, lower burns first; left out: 100', { type: 'integer' }),
  scope: field('"all" lines, or {"meters": [key, …]}: lines of these meters; left out: all', {}),
  effective_from: field('RFC 3339 instant; left out: now'),
  expires_at: field('RFC 3339 instant, exclusive; left out: never'),
  recurrence: field(
    '{"every": {"unit": "days", "weeks", "months" or "years", "count"}, "anchor", "amount"}: granted anew at each start of ' +
      'the cycle in the account’s time zone; anchor left out: effective_from; amount left out: the same',
    { type: 'object' },
  ),
  rollover: field(
    '{"min", "max"}: at a recurrence min(max, max(rest, min)) of the rest goes on; max left out: all of it. Without a ' +
      'rollover nothing does',
    { type: 'object' },
  ),
  author: field('needed; the person who decides, by name'),
  reason: field('why'),
})

function viewerOf(request: FastifyRequest) {
  const { account } = principalOf(request)
  return { account, isOperator: account === null }
}

function addList(server: Server, service: Service): void {
  server.get(
    '/v1/credits',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'Credits of an account, with what is left of each',
        description:
          'Oldest first. granted = burned + expired + voided_amount + balance, as of `at`. `turn` is the time between two ' +
          'recurrences that `at` lies in. Next page: the last id as `after`.',
        querystring: z.object({
          account: accountKey.optional(),
          at: instant.optional().meta({ description: 'as of this instant; left out: now' }),
          after: id.optional().meta({ description: 'id of the last credit of the page before' }),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      const { account: asked, after, limit, at = service.world.now() } = request.query
      const account = accountOf(request, asked)
      const page = await listCredits(service, { account, after: after ?? null, most: limit })
      return {
        credits: page.map((books) => grantJson(books, at, viewerOf(request))),
        next: page.length === limit ? (page.at(-1)?.grant.id ?? null) : null,
      }
    },
  )
}

function addOne(server: Server, service: Service): void {
  server.get(
    '/v1/credits/:id',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'One credit, with what is left of it',
        params,
        querystring: z.object({ at: instant.optional().meta({ description: 'as of this instant; left out: now' }) }),
      },
    },
    async (request) => {
      const viewer = viewerOf(request)
      const books = await findCredit(service, request.params.id, viewer)
      return grantJson(books, request.query.at ?? service.world.now(), viewer)
    },
  )
  server.get(
    '/v1/credits/:id/entries',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'The ledger of a credit, in the order in which it was written',
        description:
          'The balance at an instant is the sum of the amounts whose `at` is not after it. An entry that follows from the terms ' +
          '(granted, filled_up, rolled_over, expired, voided) may be corrected by a later one of the same kind and `at`, when ' +
          'an invoice of a time before burned or gave back. Next page: `next` as `after`.',
        params,
        querystring: z.object({
          after: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      const [viewer, { after, limit }] = [viewerOf(request), request.query]
      const { books, entries } = await listEntries(service, request.params.id, { viewer, after, most: limit })
      return {
        credit: books.grant.id,
        currency: books.grant.currency,
        entries: entries.map((entry) => entryJson(entry, books.grant, viewer)),
        next: entries.length === limit ? (entries.at(-1)?.number ?? null) : null,
      }
    },
  )
}

function addWrites(server: Server, service: Service): void {
  const operator = { isOperator: true }
  server.post(
    '/v1/credits',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Grant a credit to an account, in the name of a person', body: grantBody },
    },
    async (request, reply) => {
      const { keyId: sender } = requireOperator(request)
      const key = request.headers['idempotency-key']
      const write = typeof key === 'string' ? { sender, key } : null
      const books = await grantCredit(service, { account: request.body.account, document: request.body, write })
      return reply.status(201).send(grantJson(books, books.grant.createdAt, operator))
    },
  )
  server.post(
    '/v1/credits/:id/void',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'End a credit in the name of a person',
        description: 'What is left of it goes, and it pays nothing any more. What it has paid stays paid.',
        params,
        body: z.strictObject(decision),
      },
    },
    async (request) => {
      requireOperator(request)
      const { author: by, reason } = request.body
      const books = await voidCredit(service, { id: request.params.id as GrantId, by, reason })
      return grantJson(books, books.grant.voidedAt ?? service.world.now(), operator)
    },
  )
}

/** Credits of accounts: granting, looking, the ledger of each, voiding. */
export function addCreditRoutes(server: Server, service: Service): void {
  addList(server, service)
  addOne(server, service)
  addWrites(server, service)
}
