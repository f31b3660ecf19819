import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { getPlan, listPlans, publishPlan, planVersions } from '../../price/book/plan-catalogue.ts'
import { parsePlan, planJson } from '../../price/plan.ts'
import { loadPriceBook } from '../../price/book/price-book-load.ts'
import { contractFactsOf } from '../../price/contract/contract-table.ts'
import { ownBook } from '../../price/contract/own-book.ts'
import { setDefaultPlan } from '../../price/contract/subscription.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { instant } from './schema.ts'
import type { Server } from './routes.ts'

const anyDocument = z.record(z.string(), z.unknown())

function addPlans(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/plans',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'Plans, newest versions; for an account its own, as they are in effect' },
    },
    async (request) => {
      const { account } = principalOf(request)
      if (account === null) return { plans: (await listPlans(database)).map(planJson) }
      const facts = await contractFactsOf(database, account)
      return { plans: ownBook(facts, await loadPriceBook(database), world.now()).plans.map(planJson) }
    },
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

function addDefaultPlan(server: Server, { database, world }: Service): void {
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

/** Plans, and the default plan. */
export function addContractRoutes(server: Server, service: Service): void {
  addPlans(server, service)
  addDefaultPlan(server, service)
}
