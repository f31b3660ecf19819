import { z } from 'zod'
import { createAccount, getAccount, listAccounts } from '../../account/accounts.ts'
import type { Account } from '../../account/accounts.ts'
import { listEndpoints, mergesOf } from '../../account/endpoints.ts'
import type { Merge } from '../../account/attribution.ts'
import { createKey, listKeys, revokeKey, scopes } from '../../account/keys.ts'
import type { ApiKey } from '../../account/keys.ts'
import { checkedName } from '../../account/ownership-plan.ts'
import { refuseMerged } from '../../account/ownership-table.ts'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { changeOwnership } from '../ownership.ts'
import { mergedInto } from '../account-merge.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import { ownershipJson } from './ownership-answer.ts'
import { accountKey, decision, instant, instantOrNull, pageSize } from './schema.ts'
import type { Server } from './routes.ts'

function accountJson(
  { key, name, timeZone, currency, billable, createdAt, firstSeen }: Account,
  merges: readonly Merge[],
  isOperator: boolean,
): Record<string, unknown> {
  const merge = merges.find(({ account }) => account === key)
  return {
    key,
    name,
    time_zone: timeZone,
    currency,
    billable,
    created_at: formatInstant(createdAt),
    first_seen: instantOrNull(firstSeen),
    // From then on the account is another one; which one is for operators to know (L11).
    merged: merge === undefined ? null : { ...(isOperator ? { into: merge.into } : {}), at: formatInstant(merge.at) },
  }
}

function keyJson({ id, name, scopes, account, createdAt, expiresAt, revokedAt }: ApiKey): Record<string, unknown> {
  return {
    id,
    name,
    scopes,
    account,
    created_at: formatInstant(createdAt),
    expires_at: instantOrNull(expiresAt),
    revoked_at: instantOrNull(revokedAt),
  }
}

const params = z.object({ key: accountKey })

function addAccounts(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/accounts',
    {
      config: { scope: 'usage:read' },
      schema: { summary: 'Accounts, by key', querystring: z.object({ after: z.string().optional(), limit: pageSize }) },
    },
    async (request) => {
      const own = principalOf(request).account
      const page =
        own === null
          ? await listAccounts(database, request.query)
          : { accounts: [await getAccount(database, own)], next: null }
      const merges = await mergesOf(
        database,
        page.accounts.map(({ key }) => key),
      )
      return { accounts: page.accounts.map((account) => accountJson(account, merges, own === null)), next: page.next }
    },
  )
  server.get(
    '/v1/accounts/:key',
    { config: { scope: 'usage:read' }, schema: { summary: 'One account', params } },
    async (request) => {
      const account = await getAccount(database, accountOf(request, request.params.key))
      const isOperator = principalOf(request).account === null
      const shown = accountJson(account, await mergesOf(database, [account.key]), isOperator)
      // Which accounts became part of this one may speak of others: operators see it.
      if (!isOperator) return shown
      const parts = await mergedInto(database, account.key)
      return {
        ...shown,
        merged_accounts: parts.map(({ account: key, at }) => ({ account: key, at: formatInstant(at) })),
      }
    },
  )
  server.post(
    '/v1/accounts',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Create an account',
        body: z.object({
          key: z.string(),
          name: z.string().optional(),
          time_zone: z.string().optional(),
          currency: z.string().optional(),
        }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { key, name, time_zone: timeZone, currency } = request.body
      const given = {
        ...(name === undefined ? {} : { name }),
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(currency === undefined ? {} : { currency }),
      }
      return reply
        .status(201)
        .send(accountJson(await createAccount(database, { key, ...given }, world.now()), [], true))
    },
  )
}

function addEndpoints(server: Server, service: Service): void {
  const { database } = service
  server.get(
    '/v1/accounts/:key/endpoints',
    { config: { scope: 'usage:read' }, schema: { summary: 'What an account owns and owned', params } },
    async (request) => ({
      endpoints: (await listEndpoints(database, accountOf(request, request.params.key))).map(ownershipJson),
    }),
  )
  server.post(
    '/v1/accounts/:key/endpoints',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'From an instant on, an endpoint belongs to the account',
        description:
          'Whoever owned it until then ceases to. `*.example.com` owns what no exact name owns. Events that have arrived keep their account; ' +
          'POST /v1/endpoints/{endpoint}/owners can move them, and corrects the past.',
        params,
        body: z
          .object({
            endpoint: z.string(),
            from: instant,
            author: decision.author.optional(),
            reason: decision.reason.optional(),
          })
          .refine(
            ({ author, reason }) => (author === undefined) === (reason === undefined),
            'takes author and reason, or neither',
          ),
      },
    },
    async (request, reply) => {
      const { keyId: sender } = requireOperator(request)
      const { endpoint: name, from, author, reason } = request.body
      const { key: account } = request.params
      const endpoint = checkedName(name)
      const by = author === undefined || reason === undefined ? null : { by: author, reason }
      const wanted = { kind: 'owner', endpoint, account, from, to: undefined } as const
      await changeOwnership(service, { wanted, decision: by, sender }, { dryRun: false })
      return reply.status(201).send(ownershipJson({ endpoint, account, from, to: null }))
    },
  )
}

function addKeys(server: Server, { database, world, authenticator }: Service): void {
  server.get(
    '/v1/keys',
    { config: { scope: 'admin' }, schema: { summary: 'API keys, without their texts' } },
    async (request) => {
      requireOperator(request)
      return { keys: (await listKeys(database)).map(keyJson) }
    },
  )
  server.post(
    '/v1/keys',
    {
      config: { scope: 'admin', secretAnswer: true },
      schema: {
        summary: 'Create an API key; its text is shown this once',
        body: z.object({
          name: z.string(),
          scopes: z.array(z.enum(scopes)),
          account: accountKey.nullish(),
          expires_at: instant.nullish(),
        }),
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { name, scopes, account, expires_at: expiresAt } = request.body
      const wanted = { name, scopes, account: account ?? null, expiresAt: expiresAt ?? null }
      if (wanted.account !== null)
        refuseMerged({ merges: await mergesOf(database, [wanted.account]) }, wanted.account, null)
      const { key, text } = await createKey(database, wanted, { now: world.now(), random: world.random })
      return reply.status(201).send({ ...keyJson(key), key: text })
    },
  )
  server.delete(
    '/v1/keys/:id',
    { config: { scope: 'admin' }, schema: { summary: 'Revoke an API key', params: z.object({ id: z.string() }) } },
    async (request) => {
      requireOperator(request)
      if (!(await revokeKey(database, request.params.id, world.now()))) {
        throw new Refusal('KEY_INVALID', `there is no key ${request.params.id}; GET /v1/keys lists them`)
      }
      authenticator.forget()
      return { revoked: request.params.id }
    },
  )
}

export function addAccountRoutes(server: Server, service: Service): void {
  addAccounts(server, service)
  addEndpoints(server, service)
  addKeys(server, service)
}
