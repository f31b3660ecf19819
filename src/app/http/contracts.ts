import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { getPlan, listPlans, publishPlan, planVersions } from '../../price/plan-catalogue.ts'
import { parsePlan, planJson } from '../../price/plan.ts'
import { parseRateRequest, rate } from '../../price/rate.ts'
import { setDefaultPlan, subscribe, subscriptionsOf } from '../../price/subscription.ts'
import type { Subscription } from '../../price/subscription.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import { accountKey, instant, instantOrNull } from './schema.ts'
import type { Server } from './routes.ts'

const anyDocument = z.record(z.string(), z.unknown())

function subscriptionJson({ account, plan, from, to }: Subscription): Record<string, unknown> {
  return { account, plan, from: formatInstant(from), to: instantOrNull(to) }
}

function addPlans(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/plans',
    { config: { scope: 'billing:read' }, schema: { summary: 'Plans, newest versions' } },
    async () => ({
      plans: (await listPlans(database)).map(planJson),
    }),
  )
  server.get(
    '/v1/plans/:key',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'All versions of a plan', params: z.object({ key: z.string() }) },
    },
    async (request) => {
      // Others' negotiated prices are nobody's business; an account finds its own on its invoices.
      requireOperator(request)
      await getPlan(database, request.params.key)
      return { versions: (await planVersions(database, request.params.key)).map(planJson) }
    },
  )
  server.post(
    '/v1/plans',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Publish a plan, or its next version', body: anyDocument },
    },
    async (request, reply) => {
      requireOperator(request)
      const parsed = parsePlan(request.body)
      if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the plan has problems', { problems: parsed.error })
      return reply.status(201).send(planJson(await publishPlan(database, parsed.value, world.now())))
    },
  )
}

function addSubscriptions(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/subscriptions',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'What an account is and was subscribed to',
        querystring: z.object({ account: accountKey.optional() }),
      },
    },
    async (request) => ({
      subscriptions: (await subscriptionsOf(database, accountOf(request, request.query.account))).map(subscriptionJson),
    }),
  )
  server.post(
    '/v1/subscriptions',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Put an account under a plan',
        body: z.object({ account: accountKey, plan: z.string(), from: instant, to: instant.nullish() }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { account, plan, from, to } = request.body
      const subscription = await subscribe(
        database,
        { account, plan: plan as PlanKey, from, to: to ?? null },
        { by: principalOf(request).name, now: world.now() },
      )
      return reply.status(201).send(subscriptionJson(subscription))
    },
  )
  server.put(
    '/v1/default-plan',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'From an instant on, accounts without a subscription are priced under this plan',
        body: z.object({ plan: z.string().nullable(), from: instant }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { plan, from } = request.body
      await setDefaultPlan(database, { plan: plan as PlanKey | null, from, by: principalOf(request).name }, world.now())
      return { plan, from: formatInstant(from) }
    },
  )
}

/** Plans, subscriptions, and the calculator that touches no state. */
export function addContractRoutes(server: Server, service: Service): void {
  addPlans(server, service)
  addSubscriptions(server, service)
  server.post(
    '/v1/rate',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'What a quantity would cost; no state is touched', body: anyDocument },
    },
    (request) => {
      const parsed = parseRateRequest(request.body)
      if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the request has problems', { problems: parsed.error })
      return rate(parsed.value)
    },
  )
}
