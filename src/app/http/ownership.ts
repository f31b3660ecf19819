import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { endpointName, ownerNames } from '../../account/endpoint-name.ts'
import { listDecisions } from '../../account/ownership-table.ts'
import { isKey } from '../../core/ids.ts'
import type { AccountKey } from '../../core/ids.ts'
import type { Touched, Wanted } from '../ownership-change.ts'
import { changeOwnership, settleTraffic } from '../ownership.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import { changeJson, decisionJson, ownershipJson, trafficJson } from './ownership-answer.ts'
import type { Server } from './routes.ts'
import { accountKey, decision, dryRun, instant, moment, pageSize, readMoment } from './schema.ts'
import { addUnattributedRoute } from './unattributed.ts'

export const limits = {
  /** Endpoints that one request names. */
  endpointsMax: 1_000,
  accountsMax: 1_000,
} as const

const endpoint = z.string().min(1).max(1_024)
const endpointParams = z.object({ endpoint })
const accountParams = z.object({ key: accountKey })
const query = z.object({ dry_run: dryRun })

const shared = {
  ...decision,
  reattribute: z.boolean().meta({
    description:
      'also moves the stored traffic that the change contradicts; repeat the request while `left` is not "0"',
  }),
}

interface Order {
  readonly wanted: Wanted
  readonly body: { readonly author: string; readonly reason: string; readonly reattribute: boolean }
  readonly dryRun: boolean
  readonly create?: { readonly name?: string } | undefined
}

/** The one path of every change: plan, write, look at the traffic, move it; each may be the last step. */
async function carryOut(service: Service, request: FastifyRequest, order: Order): Promise<object> {
  const { keyId: sender } = requireOperator(request)
  const { wanted, body, dryRun: isDry, create } = order
  const by = { by: body.author, reason: body.reason }
  const changed = await changeOwnership(service, { wanted, decision: by, sender, create }, { dryRun: isDry })
  const { attribution, plan } = changed
  const mover = isDry || !body.reattribute ? null : { ...by, sender }
  const answer = await settleTraffic(service, { attribution, touched: plan.touched }, mover)
  return changeJson({ changed, answer, dryRun: isDry })
}

function addOwners(server: Server, { database, ownership }: Service): void {
  server.get(
    '/v1/endpoints/:endpoint/owners',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Who owned an endpoint when, by its own name and by wildcards that hold it, and who decided that',
        params: endpointParams,
      },
    },
    async (request) => {
      requireOperator(request)
      await ownership.refresh()
      const [name = '', ...wildcards] = ownerNames(request.params.endpoint)
      const rowsOf = (names: readonly string[]) =>
        ownership
          .current()
          .rules.owned.filter((row) => names.includes(row.endpoint))
          .toSorted((a, b) => names.indexOf(a.endpoint) - names.indexOf(b.endpoint) || a.from - b.from)
          .map(ownershipJson)
      const decisions = await listDecisions(database, { endpoint: name, most: 100 })
      return {
        endpoint: name,
        owners: rowsOf([name]),
        wildcards: rowsOf(wildcards),
        decisions: decisions.map(decisionJson),
      }
    },
  )
}

function addOwnerChanges(server: Server, service: Service): void {
  server.post(
    '/v1/endpoints/:endpoint/owners',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'In a time, also a past one, the endpoint belongs to the account, or to nobody',
        description:
          'Replaces what is recorded for that time. Without `to`: until further notice, refused when somebody else owns it later; ' +
          '`to: null` replaces that as well. The answer says how much stored traffic the change contradicts, by endpoint and time, ' +
          'and what moving it would change.',
        params: endpointParams,
        querystring: query,
        body: z.strictObject({
          account: accountKey.nullable(),
          from: instant,
          to: instant.nullish(),
          ...shared,
          reattribute: shared.reattribute.default(false),
        }),
      },
    },
    async (request) => {
      const { account, from, to } = request.body
      const wanted: Wanted = { kind: 'owner', endpoint: request.params.endpoint, account, from, to }
      return carryOut(service, request, { wanted, body: request.body, dryRun: request.query.dry_run === 'true' })
    },
  )
  server.post(
    '/v1/endpoints/:endpoint/release',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'From an instant on, the endpoint belongs to nobody',
        params: endpointParams,
        querystring: query,
        body: z.strictObject({ at: instant, ...shared, reattribute: shared.reattribute.default(false) }),
      },
    },
    async (request) => {
      const { at: from } = request.body
      const wanted: Wanted = {
        kind: 'owner',
        endpoint: request.params.endpoint,
        account: null,
        from,
        to: undefined,
      }
      return carryOut(service, request, { wanted, body: request.body, dryRun: request.query.dry_run === 'true' })
    },
  )
}

function addMerge(server: Server, service: Service): void {
  server.post(
    '/v1/accounts/:key/merge',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'From an instant on, an account is another one',
        description:
          'Its endpoints go over, events that name it are paid by the other one, stored traffic from then on is reattributed, and its ' +
          'subscriptions end. What lies before stays, and so do issued invoices. Keys that are bound to it go on reading its past, and ' +
          'what they send is paid by the other account: revoke them when they shall not send any more.',
        params: accountParams,
        querystring: query,
        body: z.strictObject({
          into: accountKey,
          at: instant,
          ...shared,
          reattribute: shared.reattribute.default(true),
        }),
      },
    },
    async (request) => {
      const { into, at } = request.body
      const wanted: Wanted = { kind: 'merge', account: request.params.key, into, at }
      return carryOut(service, request, { wanted, body: request.body, dryRun: request.query.dry_run === 'true' })
    },
  )
}

function addSplit(server: Server, service: Service): void {
  server.post(
    '/v1/accounts/:key/split',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'From an instant on, endpoints of an account belong to another one',
        description:
          'They go over, traffic at them that names the account is paid by their owner from then on, and stored traffic is reattributed. ' +
          '`create` makes the other account, with the zone and currency of this one.',
        params: accountParams,
        querystring: query,
        body: z.strictObject({
          into: accountKey,
          endpoints: z.array(endpoint).min(1).max(limits.endpointsMax),
          at: instant,
          create: z.strictObject({ name: z.string().min(1).max(200).optional() }).optional(),
          ...shared,
          reattribute: shared.reattribute.default(true),
        }),
      },
    },
    async (request) => {
      const { into, endpoints, at, create } = request.body
      const wanted: Wanted = { kind: 'split', account: request.params.key, into, endpoints, at }
      const made = create === undefined ? undefined : create.name === undefined ? {} : { name: create.name }
      const order = { wanted, body: request.body, create: made, dryRun: request.query.dry_run === 'true' }
      return carryOut(service, request, order)
    },
  )
}

/** `a,b` of a query, or an array of a body, as what traffic is looked at. */
function touchedOf(asked: {
  readonly from: string
  readonly to: string
  readonly endpoints: readonly string[]
  readonly accounts: readonly AccountKey[]
}): Touched {
  const { endpoints, accounts } = asked
  const period = { from: readMoment('from', asked.from, 'UTC'), to: readMoment('to', asked.to, 'UTC') }
  if (endpoints.length + accounts.length === 0) return { ...period, endpoints: null, accounts: [] }
  return { ...period, endpoints: endpoints.map(endpointName), accounts }
}

const list = (most: number) =>
  z
    .string()
    .optional()
    .transform((text) => (text === undefined || text === '' ? [] : text.split(',')))
    .refine((values) => values.length <= most, `names at most ${most}`)

function addContradictions(server: Server, service: Service): void {
  server.get(
    '/v1/ownership/contradictions',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Stored traffic that is paid by another account than ownership, merges and splits say today',
        description: 'Of some endpoints and of what names some accounts (lists with commas), or of everything.',
        querystring: z.object({
          from: moment,
          to: moment,
          endpoints: list(limits.endpointsMax),
          accounts: list(limits.accountsMax).refine((keys) => keys.every(isKey), 'are keys of accounts'),
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { accounts, ...asked } = request.query
      await service.ownership.refresh()
      const touched = touchedOf({ ...asked, accounts: accounts as AccountKey[] })
      const attribution = service.ownership.current()
      return trafficJson((await settleTraffic(service, { attribution, touched }, null)).traffic)
    },
  )
  server.post(
    '/v1/ownership/reattribute',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Move stored traffic to the accounts that pay for it by ownership, merges and splits',
        description:
          'Each event gets a correction with author and reason. Repeat the request while `left` is not "0"; again it changes nothing.',
        querystring: query,
        body: z.strictObject({
          from: moment,
          to: moment,
          endpoints: z.array(endpoint).max(limits.endpointsMax).default([]),
          accounts: z.array(accountKey).max(limits.accountsMax).default([]),
          ...decision,
        }),
      },
    },
    async (request) => {
      const { keyId: sender } = requireOperator(request)
      const { author: by, reason, ...asked } = request.body
      const isDry = request.query.dry_run === 'true'
      await service.ownership.refresh()
      const what = { attribution: service.ownership.current(), touched: touchedOf(asked) }
      const answer = await settleTraffic(service, what, isDry ? null : { by, reason, sender })
      return changeJson({ changed: null, answer, dryRun: isDry })
    },
  )
}

function addHistory(server: Server, { database }: Service): void {
  server.get(
    '/v1/ownership/history',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Decisions about ownership, merges and splits, the newest first: what, when, by whom, why',
        querystring: z.object({
          account: accountKey.optional(),
          endpoint: endpoint.optional(),
          before: z
            .string()
            .regex(/^\d{1,18}$/)
            .optional(),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { account, endpoint: about, before, limit } = request.query
      const name = about === undefined ? undefined : endpointName(about)
      const decisions = await listDecisions(database, { account, endpoint: name, before, most: limit })
      return {
        decisions: decisions.map(decisionJson),
        next: decisions.length < limit ? null : (decisions.at(-1)?.id ?? null),
      }
    },
  )
}

/** Ownership over time, merges, splits, and the traffic that they are about; by operators only. */
export function addOwnershipRoutes(server: Server, service: Service): void {
  addOwners(server, service)
  addOwnerChanges(server, service)
  addMerge(server, service)
  addSplit(server, service)
  addContradictions(server, service)
  addHistory(server, service)
  addUnattributedRoute(server, service)
}
