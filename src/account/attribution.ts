/**
 * Who pays for an event: the account that it names, else the owner of its endpoint at its time, else `unattributed`.
 * Two decisions of operators change what a name means from an instant on:
 *
 * - merge: an account is another one from then on, whatever names it;
 * - split: traffic of an endpoint that names the account is paid by the owner of the endpoint from then on.
 *
 * Pure: the same rules give the same payer, in ingest and when stored traffic is compared with them.
 */
import { unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { ownerNames } from './endpoint-name.ts'
import { ownershipIndex } from './ownership-index.ts'
import type { Ownership, OwnershipIndex } from './ownership-index.ts'

/** From `at` on, `account` is `into`. An account is merged at most once, and merges have no cycles. */
export interface Merge {
  readonly account: AccountKey
  readonly into: AccountKey
  readonly at: Micros
}

/** From `at` on, the endpoint's owner pays for its traffic that names `account`; while nobody owns it, `account` does. */
export interface Split {
  readonly account: AccountKey
  /** Canonical; a wildcard is about all that it holds. */
  readonly endpoint: string
  readonly at: Micros
}

export interface AttributionRules {
  readonly owned: readonly Ownership[]
  readonly merges: readonly Merge[]
  readonly splits: readonly Split[]
}

/** What of an event decides who pays. */
export interface Claim {
  /** The account that it names. */
  readonly given: AccountKey | null
  readonly endpoint: string | null
  readonly time: Micros
}

export interface Attribution {
  /** Who owned an endpoint at an instant; null: nobody. */
  ownerAt(endpoint: string, instant: Micros): AccountKey | null
  /** Who pays for an event that names an account. */
  paidBy(given: AccountKey, endpoint: string | null, instant: Micros): AccountKey
  payerOf(claim: Claim): AccountKey
  readonly rules: AttributionRules
}

/** Instants from which on the traffic of an account and an endpoint follows the endpoint. */
type SplitTimes = ReadonlyMap<AccountKey, ReadonlyMap<string, Micros>>

function splitTimes(splits: readonly Split[]): SplitTimes {
  const times = new Map<AccountKey, Map<string, Micros>>()
  for (const { account, endpoint, at } of splits) {
    const ofAccount = times.get(account) ?? new Map<string, Micros>()
    times.set(account, ofAccount)
    ofAccount.set(endpoint, Math.min(at, ofAccount.get(endpoint) ?? Infinity) as Micros)
  }
  return times
}

/** The account itself and, one after the other, those that it had been merged into by then. */
function* chainOf(
  given: AccountKey,
  merges: ReadonlyMap<AccountKey, Merge>,
  instant: Micros,
): Generator<AccountKey, void> {
  const seen = new Set<AccountKey>()
  for (let account: AccountKey | undefined = given; account !== undefined && !seen.has(account);) {
    seen.add(account)
    yield account
    const merge = merges.get(account)
    account = merge !== undefined && merge.at <= instant ? merge.into : undefined
  }
}

function isSplit(times: ReadonlyMap<string, Micros> | undefined, endpoint: string, instant: Micros): boolean {
  if (times === undefined) return false
  return ownerNames(endpoint).some((name) => (times.get(name) ?? Infinity) <= instant)
}

/** Builds the index over rules; `ownership` may be given where it is built already. */
export function attributionOf(rules: AttributionRules): Attribution {
  const ownership: OwnershipIndex = ownershipIndex(rules.owned)
  const merges = new Map(rules.merges.map((merge) => [merge.account, merge]))
  const splits = splitTimes(rules.splits)
  const merged = (account: AccountKey, instant: Micros): AccountKey =>
    merges.size === 0 ? account : ([...chainOf(account, merges, instant)].at(-1) ?? account)
  const ownerAt = (endpoint: string, instant: Micros): AccountKey | null => {
    const owner = ownership.ownerAt(endpoint, instant)
    return owner === null ? null : merged(owner, instant)
  }
  const paidBy = (given: AccountKey, endpoint: string | null, instant: Micros): AccountKey => {
    if (splits.size > 0 && endpoint !== null) {
      for (const account of chainOf(given, merges, instant)) {
        if (!isSplit(splits.get(account), endpoint, instant)) continue
        const owner = ownerAt(endpoint, instant)
        if (owner !== null) return owner
      }
    }
    return merged(given, instant)
  }
  return {
    rules,
    ownerAt,
    paidBy,
    payerOf({ given, endpoint, time }) {
      if (given !== null) return paidBy(given, endpoint, time)
      return (endpoint === null ? null : ownerAt(endpoint, time)) ?? unattributed
    },
  }
}
