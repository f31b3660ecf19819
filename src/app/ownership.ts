/**
 * Changes of ownership, merges and splits, from what an operator wants to what is done: planned as data under a lock,
 * written with its decision, and then the stored traffic that contradicts it. A preview is the same path, stopped before
 * anything is written. Making the same request again changes nothing and goes on with the traffic.
 */
import { createAccount, findAccount, getAccount } from '../account/accounts.ts'
import { attributionOf } from '../account/attribution.ts'
import type { Attribution, AttributionRules } from '../account/attribution.ts'
import { inTransaction } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import { loadRules } from '../account/endpoints.ts'
import { difference } from '../account/ownership-plan.ts'
import { lockOwnership, writeChange } from '../account/ownership-table.ts'
import type { Ownership } from '../account/ownership-index.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Decision } from '../core/record.ts'
import { formatInstant } from '../core/time.ts'
import { endSubscriptions } from '../price/contract/subscription.ts'
import { mergeEffects } from './account-merge.ts'
import type { MergeEffects } from './account-merge.ts'
import type { CorrectionPorts } from './corrections.ts'
import { planChange, rulesAfter } from './ownership-change.ts'
import type { ChangePlan, Touched, Wanted } from './ownership-change.ts'
import { settle } from './ownership-settle.ts'
import type { Settled } from './ownership-settle.ts'
import { contradiction } from './ownership-traffic.ts'
import type { Contradiction } from './ownership-traffic.ts'

export interface ChangeRequest {
  readonly wanted: Wanted
  /** Null: a plain transfer by a program, that names nobody. */
  readonly decision: Decision | null
  /** Id of the key that asks. */
  readonly sender: string
  /** The account that a split makes; undefined: it exists. */
  readonly create?: { readonly name?: string } | undefined
}

/** What was changed, or would be. */
export interface Changed {
  readonly plan: ChangePlan
  /** Number of the decision; null when nothing had to be changed, or nothing was. */
  readonly decision: string | null
  readonly merge: MergeEffects | null
  /** The rules with the change. */
  readonly attribution: Attribution
}

type Ports = CorrectionPorts

/** An ownership as a document of the decision keeps it. */
function rowJson({ endpoint, account, from, to }: Ownership): object {
  return { endpoint, account, from: formatInstant(from), to: to === null ? null : formatInstant(to) }
}

function documentOf({ before, after, merges, splits }: ChangePlan, merge: MergeEffects | null): object {
  const { gone, come } = difference(before, after)
  return {
    removed: gone.map(rowJson),
    added: come.map(rowJson),
    ...(merges.length === 0 ? {} : { merged: merges.map((one) => ({ ...one, at: formatInstant(one.at) })) }),
    ...(splits.length === 0 ? {} : { split: splits.map((one) => ({ ...one, at: formatInstant(one.at) })) }),
    ...(merge === null ? {} : { subscriptions: merge.subscriptions.map(subscriptionJson) }),
  }
}

export function subscriptionJson({ plan, from, to, becomes }: MergeEffects['subscriptions'][number]): object {
  return { plan, from: formatInstant(from), to: to === null ? null : formatInstant(to), becomes }
}

async function checkAccounts(queryable: Queryable, { wanted, create }: ChangeRequest): Promise<void> {
  if (wanted.kind === 'owner') {
    if (wanted.account !== null) await getAccount(queryable, wanted.account)
    return
  }
  await getAccount(queryable, wanted.account)
  if (create === undefined) await getAccount(queryable, wanted.into)
}

/** The account that a split makes pays as the one that it was part of, until it gets a contract of its own. */
async function createInto(client: Queryable, { wanted, create }: ChangeRequest, ports: Ports): Promise<void> {
  if (wanted.kind !== 'split' || create === undefined) return
  const { timeZone, currency } = await getAccount(client, wanted.account)
  const given = { key: wanted.into, timeZone, currency, ...(create.name === undefined ? {} : { name: create.name }) }
  await createAccount(client, given, ports.world.now())
}

/** A repeated split has made its account already. */
async function refuseTaken(queryable: Queryable, { wanted, create }: ChangeRequest, plan: ChangePlan): Promise<void> {
  if (create === undefined || wanted.kind !== 'split' || !plan.changes) return
  if ((await findAccount(queryable, wanted.into)) !== null)
    throw new Refusal('ALREADY_EXISTS', `account ${wanted.into} exists already; leave "create" out to split into it`)
}

interface Planned {
  readonly rules: AttributionRules
  readonly plan: ChangePlan
  readonly merge: MergeEffects | null
}

async function planned(queryable: Queryable, request: ChangeRequest): Promise<Planned> {
  const { wanted } = request
  const rules = await loadRules(queryable)
  const plan = planChange(rules, wanted)
  await refuseTaken(queryable, request, plan)
  return { rules, plan, merge: wanted.kind === 'merge' ? await mergeEffects(queryable, wanted) : null }
}

function accountsOf({ wanted }: ChangeRequest, { before, after }: ChangePlan): readonly AccountKey[] {
  const named = wanted.kind === 'owner' ? [wanted.account] : [wanted.account, wanted.into]
  const { gone, come } = difference(before, after)
  return [...new Set([...named, ...[...gone, ...come].map(({ account }) => account)])].filter((key) => key !== null)
}

async function write(client: Queryable, ports: Ports, request: ChangeRequest): Promise<Omit<Changed, 'attribution'>> {
  await lockOwnership(client)
  const { plan, merge } = await planned(client, request)
  if (!plan.changes) return { plan, merge, decision: null }
  await createInto(client, request, ports)
  const { wanted, decision, sender: keyId } = request
  const decided = { by: decision?.by ?? keyId, now: ports.world.now() }
  if (wanted.kind === 'merge') await endSubscriptions(client, wanted, decided)
  const { touched } = plan
  const id = await writeChange(client, plan, {
    kind: decision === null ? 'transfer' : plan.kind,
    at: ports.world.now(),
    keyId,
    decision,
    accounts: accountsOf(request, plan),
    endpoints: touched.endpoints ?? [],
    from: touched.from,
    to: touched.to,
    document: documentOf(plan, merge),
  })
  return { plan, merge, decision: id }
}

/** Makes a change, or only says what it would be; stored traffic is looked at by the caller, with what is answered. */
export async function changeOwnership(
  ports: Ports,
  request: ChangeRequest,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Changed> {
  const { database, ownership } = ports
  await checkAccounts(database, request)
  if (dryRun) {
    const { rules, plan, merge } = await planned(database, request)
    return { plan, merge, decision: null, attribution: attributionOf(rulesAfter(rules, plan)) }
  }
  const changed = await inTransaction(database, (client) => write(client, ports, request))
  // Before the answer: what is sent to this process after it is attributed by it.
  await ownership.refresh()
  return { ...changed, attribution: ownership.current() }
}

export interface TrafficAnswer {
  /** What contradicted the rules when it was looked at first. */
  readonly traffic: Contradiction
  /** Null: nothing was moved. */
  readonly settled: Settled | null
}

/** Looks at stored traffic that contradicts the rules and, with a decision, moves it. */
export async function settleTraffic(
  ports: Ports,
  { attribution, touched }: { readonly attribution: Attribution; readonly touched: Touched },
  decision: (Decision & { readonly sender: string }) | null,
): Promise<TrafficAnswer> {
  const traffic = await contradiction(ports, attribution, touched)
  const settled = decision === null ? null : await settle(ports, attribution, { touched, decision })
  return { traffic, settled }
}
