import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { Refusal } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { InvoiceDocument } from '../../invoice/document.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { previewMove } from '../../invoice/preview-move.ts'
import type { MovePreview } from '../../invoice/preview-move.ts'
import { selectDecisions } from '../../price/contract/contract-table.ts'
import type { SubscriptionDecision } from '../../price/contract/contract-facts.ts'
import { placedIn } from '../../price/book/meter-fit.ts'
import { checkPlaced } from '../../price/book/plan-catalogue.ts'
import { loadPriceBook } from '../../price/book/price-book-load.ts'
import { parseTerms } from '../../price/contract/subscription-check.ts'
import { moveSubscription } from '../../price/contract/subscription-move.ts'
import type { Move } from '../../price/contract/subscription-move.ts'
import { noTerms, subscriptionTermsJson, termFields } from '../../price/contract/subscription-terms.ts'
import { subscribe, subscriptionsIn } from '../../price/contract/subscription.ts'
import type { Decided, Subscription } from '../../price/contract/subscription.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import { accountKey, instant, instantOrNull } from './schema.ts'
import type { Server } from './routes.ts'

const documents = z.array(z.record(z.string(), z.unknown())).max(200)

/** Each is read by the price engine, which tells every problem with its path. */
const terms = {
  overrides: documents.optional().meta({
    description:
      'changes of prices for this account: {"replace": price}, {"add": price}, {"remove": key}, {"free": "all" or keys}, ' +
      '{"discount": {"keys": "all" or keys, "percent" or "amount"}}',
  }),
  add_ons: documents.optional().meta({ description: '[{"key", "count", "from", "to"}]' }),
  coupons: documents.optional().meta({ description: '[{"key", "from"}]' }),
  taxes: documents.optional().meta({ description: '[{"key", "name", "percent"}]' }),
}

function termsOf(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(termFields.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])))
}

function subscriptionJson({ account, plan, from, to, terms: held = noTerms }: Subscription): Record<string, unknown> {
  return { account, plan, from: formatInstant(from), to: instantOrNull(to), ...subscriptionTermsJson(held) }
}

/** L11: who decided is the operator's business. */
function decisionJson(decision: SubscriptionDecision, { isOperator }: { isOperator: boolean }): object {
  const { number, plan, from, to, begun, terms: held, recordedAt, by } = decision
  return {
    number,
    plan,
    from: formatInstant(from),
    to: instantOrNull(to),
    begun: formatInstant(begun),
    ...subscriptionTermsJson(held),
    recorded_at: formatInstant(recordedAt),
    ...(isOperator ? { by } : {}),
  }
}

function decidedBy(request: FastifyRequest, { world }: Service): Decided {
  return { by: principalOf(request).name, now: world.now() }
}

function addList(server: Server, { database }: Service): void {
  server.get(
    '/v1/subscriptions',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'What an account is and was subscribed to',
        description:
          '`subscriptions` is what holds now, for each time; `decisions` is how it came to that: each one holds instead of earlier ones where their ' +
          'times have something in common, and none is ever changed.',
        querystring: z.object({ account: accountKey.optional() }),
      },
    },
    async (request) => {
      const decisions = await selectDecisions(database, accountOf(request, request.query.account))
      const viewer = { isOperator: principalOf(request).account === null }
      return {
        subscriptions: subscriptionsIn(decisions).map(subscriptionJson),
        decisions: decisions.map((decision) => decisionJson(decision, viewer)),
      }
    },
  )
}

function addSubscribe(server: Server, service: Service): void {
  const { database } = service
  server.post(
    '/v1/subscriptions',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Put an account under a plan',
        body: z.object({ account: accountKey, plan: z.string(), from: instant, to: instant.nullish(), ...terms }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { account: key, plan: named, from, to } = request.body
      const [account, plan] = [await getAccount(database, key), named as PlanKey]
      const context = { book: await loadPriceBook(database), account, plan, from, before: noTerms }
      const parsed = parseTerms(termsOf(request.body), context)
      if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the terms have problems', { problems: parsed.error })
      await checkPlaced(database, placedIn(parsed.value.overrides, 'overrides'), `the override of ${key}`)
      const wanted = { account: key, plan, from, to: to ?? null, terms: parsed.value }
      return reply.status(201).send(subscriptionJson(await subscribe(database, wanted, decidedBy(request, service))))
    },
  )
}

function sideJson({ plans = [], lines, totals, total, currency }: InvoiceDocument): object {
  return {
    plans,
    lines: lines.map(({ price, description, part, quantity, amount }) => ({
      price,
      description,
      part,
      quantity,
      amount,
    })),
    subtotal: totals?.subtotal ?? total,
    total,
    currency,
  }
}

function previewJson({ decision, month, before, why, after }: MovePreview): object {
  return {
    dry_run: true,
    decision: decisionJson(decision, { isOperator: true }),
    month,
    before: before === null ? null : sideJson(before),
    why_not_priced_before: why,
    after: sideJson(after),
  }
}

function addMove(server: Server, service: Service, desk: InvoiceDesk): void {
  server.post(
    '/v1/subscriptions/move',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Move an account to another plan or other terms: now, at the end of its period, or at an instant',
        description:
          'Splits the billing period where the move takes effect. A past instant is allowed: what is issued stays as it is, and its drift shows the ' +
          'difference. `plan` left out: the plan that it is under; null: its subscription ends. Terms that are left out go on; overrides end with ' +
          'their plan. With `dry_run` nothing is stored, and the answer is what the billing period of that instant costs before and after.',
        body: z.object({
          account: accountKey,
          plan: z.string().nullish(),
          at: z.union([z.enum(['now', 'period_end']), instant]),
          dry_run: z.boolean().optional(),
          ...terms,
        }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { account, plan, at, dry_run: isDryRun = false } = request.body
      const named = plan === undefined ? {} : { plan: plan as PlanKey | null }
      const move: Move = { account, ...named, at, terms: termsOf(request.body) }
      const decided = decidedBy(request, service)
      if (isDryRun) return previewJson(await previewMove(desk, move, decided))
      const decision = await moveSubscription(service.database, move, decided)
      return reply.status(201).send({ account, ...decisionJson(decision, { isOperator: true }) })
    },
  )
}

/** Who is under which plan, with which terms, from when on; and moves between them. */
export function addSubscriptionRoutes(server: Server, service: Service, desk: InvoiceDesk): void {
  addList(server, service)
  addSubscribe(server, service)
  addMove(server, service, desk)
}
