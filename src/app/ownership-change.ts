/**
 * Changes of ownership as data: from the rules as they are and what an operator wants to the rules as they would be,
 * and to the traffic that is touched. Pure; preview and execution take the same plan.
 */
import { attributionOf } from '../account/attribution.ts'
import type { AttributionRules, Merge, Split } from '../account/attribution.ts'
import { ownerNames } from '../account/endpoint-name.ts'
import type { Ownership } from '../account/ownership-index.ts'
import { checkedName, difference, handedOver, withOwner } from '../account/ownership-plan.ts'
import { mergeOf, refuseMerged } from '../account/ownership-table.ts'
import type { DecisionKind, RuleChange } from '../account/ownership-table.ts'
import { Refusal } from '../core/errors.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import { unreachable } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'

/** What an operator wants. */
export type Wanted =
  /** In a time the endpoint belongs to the account; null: to nobody. `to` undefined: see `withOwner`. */
  | {
      readonly kind: 'owner'
      readonly endpoint: string
      readonly account: AccountKey | null
      readonly from: Micros
      readonly to: Micros | null | undefined
    }
  /** From an instant on everything of the account is another's. */
  | { readonly kind: 'merge'; readonly account: AccountKey; readonly into: AccountKey; readonly at: Micros }
  /** From an instant on these endpoints of the account, and what names it there, are another's. */
  | {
      readonly kind: 'split'
      readonly account: AccountKey
      readonly into: AccountKey
      readonly endpoints: readonly string[]
      readonly at: Micros
    }

/** Traffic that a change is about: what happened in a time at these endpoints, or names one of these accounts. */
export interface Touched {
  /** Canonical; a wildcard stands for all that it holds. Null: all there are, and all accounts. */
  readonly endpoints: readonly string[] | null
  readonly accounts: readonly AccountKey[]
  readonly from: Micros
  readonly to: Micros | null
}

export interface ChangePlan extends RuleChange {
  readonly kind: DecisionKind
  /** False: the rules are that way already; what is left to do is the traffic. */
  readonly changes: boolean
  readonly touched: Touched
}

function rowsOf({ owned }: AttributionRules, endpoint: string): readonly Ownership[] {
  return owned.filter((row) => row.endpoint === endpoint).toSorted((a, b) => a.from - b.from)
}

function plan(
  kind: DecisionKind,
  touched: Touched,
  change: Omit<RuleChange, 'merges' | 'splits'> & Partial<RuleChange>,
): ChangePlan {
  const { before, after, merges = [], splits = [] } = change
  const { gone, come } = difference(before, after)
  const changes = gone.length + come.length + merges.length + splits.length > 0
  return { kind, changes, touched, before, after, merges, splits }
}

function planOwner(rules: AttributionRules, wanted: Extract<Wanted, { kind: 'owner' }>): ChangePlan {
  const endpoint = checkedName(wanted.endpoint)
  const { account, from, to } = wanted
  if (account === unattributed)
    throw new Refusal('REQUEST_INVALID', 'nobody owns unattributed traffic; release the endpoint instead')
  if (account !== null) refuseMerged(rules, account, to ?? null)
  const before = rowsOf(rules, endpoint)
  const after = withOwner(before, { endpoint, account, from, to })
  return plan('owner', { endpoints: [endpoint], accounts: [], from, to: to ?? null }, { before, after })
}

/** Everything that is one with the account by then or was merged into it: whatever names one of them is touched. */
function namesOf({ merges }: AttributionRules, account: AccountKey): readonly AccountKey[] {
  const names = [account]
  for (const name of names)
    for (const merge of merges) if (merge.into === name && !names.includes(merge.account)) names.push(merge.account)
  return names
}

function refuseUnattributed(...accounts: readonly AccountKey[]): void {
  if (accounts.includes(unattributed))
    throw new Refusal('REQUEST_INVALID', 'unattributed traffic is no account’s; give its endpoints an owner instead')
}

function checkMerge(rules: AttributionRules, { account, into, at }: Merge): void {
  refuseUnattributed(account, into)
  if (account === into) throw new Refusal('REQUEST_INVALID', 'an account is not merged into itself')
  const target = mergeOf(rules, into)
  if (target === null) return
  throw new Refusal(
    'ACCOUNT_MERGED',
    `account ${into} was merged into ${target.into} at ${formatInstant(target.at)}; merge ${account} into that one, ` +
      `from ${formatInstant(at)} on`,
  )
}

function planMerge(rules: AttributionRules, { account, into, at }: Merge): ChangePlan {
  const own = rules.owned.filter((row) => row.account === account).map(({ endpoint }) => endpoint)
  const touched = { accounts: namesOf(rules, account), from: at, to: null }
  const known = mergeOf(rules, account)
  if (known !== null) {
    const isSame = known.into === into && known.at === at
    if (!isSame) refuseMerged(rules, account, null)
    // Again: what is left to do is the traffic, also at the endpoints that have gone over.
    const endpoints = [...own, ...rowsOfAccount(rules, into, at)]
    return plan('merge', { ...touched, endpoints }, { before: [], after: [] })
  }
  checkMerge(rules, { account, into, at })
  const before = rules.owned.filter(({ endpoint }) => own.includes(endpoint))
  const after = handedOver(before, { account, into, at })
  return plan('merge', { ...touched, endpoints: own }, { before, after, merges: [{ account, into, at }] })
}

function rowsOfAccount({ owned }: AttributionRules, account: AccountKey, at: Micros): readonly string[] {
  return owned.filter((row) => row.account === account && (row.to ?? Infinity) > at).map(({ endpoint }) => endpoint)
}

/**
 * The end of the time for which an endpoint without a row of its own at `at` goes over: until somebody owns it by its own
 * name, or until the wildcard by which the account owns it ends.
 */
function freeUntil(rules: AttributionRules, endpoint: string, at: Micros): Micros | null {
  const [, ...wildcards] = ownerNames(endpoint)
  const holding = wildcards
    .flatMap((name) => rowsOf(rules, name))
    .find((row) => row.from <= at && (row.to ?? Infinity) > at)
  const ends = [holding?.to ?? Infinity, ...rowsOf(rules, endpoint).map(({ from }) => (from > at ? from : Infinity))]
  const end = Math.min(...ends)
  return end === Infinity ? null : (end as Micros)
}

/** The rows of one endpoint after it was split off. */
function splitRows(rules: AttributionRules, endpoint: string, wanted: Extract<Wanted, { kind: 'split' }>): Ownership[] {
  const { account, into, at } = wanted
  const before = rowsOf(rules, endpoint)
  const owner = attributionOf(rules).ownerAt(endpoint, at)
  if (owner !== null && owner !== account && owner !== into)
    throw new Refusal(
      'OWNERSHIP_OVERLAP',
      `${endpoint} belongs to ${owner} at ${formatInstant(at)}, and not to ${account}; only what is the account’s is split off`,
    )
  const moved = handedOver(before, { account, into, at })
  const isOwned = moved.some((row) => row.from <= at && (row.to ?? Infinity) > at)
  return isOwned ? moved : withOwner(moved, { endpoint, account: into, from: at, to: freeUntil(rules, endpoint, at) })
}

function planSplit(rules: AttributionRules, wanted: Extract<Wanted, { kind: 'split' }>): ChangePlan {
  const { account, into, at } = wanted
  refuseUnattributed(account, into)
  if (account === into) throw new Refusal('REQUEST_INVALID', 'an account is not split off from itself')
  refuseMerged(rules, account, (at + 1) as Micros)
  refuseMerged(rules, into, null)
  const endpoints = [...new Set(wanted.endpoints.map(checkedName))]
  const isKnown = (endpoint: string): boolean =>
    rules.splits.some((split) => split.account === account && split.endpoint === endpoint && split.at <= at)
  const splits = endpoints
    .filter((endpoint) => !isKnown(endpoint))
    .map((endpoint): Split => ({ account, endpoint, at }))
  return plan(
    'split',
    { endpoints, accounts: namesOf(rules, account), from: at, to: null },
    {
      before: endpoints.flatMap((endpoint) => rowsOf(rules, endpoint)),
      after: endpoints.flatMap((endpoint) => splitRows(rules, endpoint, wanted)),
      splits,
    },
  )
}

/** Plans a change. Throws Refusal when it contradicts what is recorded. */
export function planChange(rules: AttributionRules, wanted: Wanted): ChangePlan {
  switch (wanted.kind) {
    case 'owner':
      return planOwner(rules, wanted)
    case 'merge':
      return planMerge(rules, wanted)
    case 'split':
      return planSplit(rules, wanted)
    default:
      return unreachable(wanted)
  }
}

/** The rules as they are after a plan. */
export function rulesAfter(rules: AttributionRules, { before, after, merges, splits }: ChangePlan): AttributionRules {
  return {
    owned: [...rules.owned.filter((row) => !before.includes(row)), ...after],
    merges: [...rules.merges, ...merges],
    splits: [...rules.splits, ...splits],
  }
}
