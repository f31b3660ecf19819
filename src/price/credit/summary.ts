import { formatMinor } from '../../core/money.ts'
import type { Minor } from '../../core/money.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { Books, Entry } from './entry-table.ts'
import type { Grant } from './grant.ts'
import { dueEntries } from './ledger.ts'
import { turnAt } from './schedule.ts'

/** What became of everything that a grant gave, up to an instant: granted = burned + expired + voided + balance. */
export interface GrantSums {
  /** With what a rollover's minimum added. */
  readonly granted: Minor
  /** Less what was given back. */
  readonly burned: Minor
  readonly expired: Minor
  readonly voided: Minor
  readonly balance: Minor
}

/** The sums at an instant, whether what is due by then is written down or not. */
export function sumsAt({ grant, movements }: Pick<Books, 'grant' | 'movements'>, at: Micros): GrantSums {
  const sums = { granted: 0n, burned: 0n, expired: 0n, voided: 0n }
  const moved = movements.filter((movement) => movement.at <= at)
  for (const { amount } of moved) sums.burned -= amount
  for (const { kind, amount } of dueEntries(grant, moved, at)) {
    if (kind === 'granted' || kind === 'filled_up') sums.granted += amount
    else if (kind === 'expired' || kind === 'voided') sums[kind] -= amount
  }
  const { granted, burned, expired, voided } = sums
  return { ...sums, balance: granted - burned - expired - voided } as GrantSums
}

export type GrantState = 'scheduled' | 'active' | 'used_up' | 'expired' | 'voided'

function stateOf(grant: Grant, balance: Minor, at: Micros): GrantState {
  if (grant.voidedAt !== null && grant.voidedAt <= at) return 'voided'
  if (grant.effectiveFrom > at) return 'scheduled'
  if (grant.expiresAt !== null && grant.expiresAt <= at) return 'expired'
  return balance === 0n ? 'used_up' : 'active'
}

const instantOrNull = (at: Micros | null): string | null => (at === null ? null : formatInstant(at))

function termsJson(grant: Grant): object {
  const money = (amount: Minor): string => formatMinor(amount, grant.currency)
  const { recurrence, rollover, paid } = grant
  return {
    amount: money(grant.amount),
    ...(grant.kind === 'prepaid' ? { paid_amount: paid === null ? null : money(paid) } : {}),
    priority: grant.priority,
    scope: grant.scope,
    effective_from: formatInstant(grant.effectiveFrom),
    expires_at: instantOrNull(grant.expiresAt),
    recurrence:
      recurrence === null
        ? null
        : { every: recurrence.every, anchor: formatInstant(recurrence.anchor), amount: money(recurrence.amount) },
    rollover:
      rollover === null ? null : { min: money(rollover.min), max: rollover.max === null ? null : money(rollover.max) },
    time_zone: grant.zone,
  }
}

/** L11: who decided, and why, is the operator's business. */
export interface CreditViewer {
  readonly isOperator: boolean
}

/** A grant and what became of it by an instant, as JSON. */
export function grantJson(books: Books, at: Micros, { isOperator }: CreditViewer): object {
  const { grant } = books
  const sums = sumsAt(books, at)
  const turn = turnAt(grant, at)
  const money = (amount: Minor): string => formatMinor(amount, grant.currency)
  return {
    id: grant.id,
    account: grant.account,
    kind: grant.kind,
    name: grant.name,
    currency: grant.currency,
    ...termsJson(grant),
    created_at: formatInstant(grant.createdAt),
    ...(isOperator ? { author: grant.by, reason: grant.reason } : {}),
    voided: grant.voidedAt === null ? null : { at: formatInstant(grant.voidedAt), ...(isOperator ? grant.voided : {}) },
    as_of: formatInstant(at),
    state: stateOf(grant, sums.balance, at),
    turn: turn === null ? null : { from: formatInstant(turn.from), to: instantOrNull(turn.to) },
    granted: money(sums.granted),
    burned: money(sums.burned),
    expired: money(sums.expired),
    voided_amount: money(sums.voided),
    balance: money(sums.balance),
  }
}

/** An entry of a grant's ledger as JSON. */
export function entryJson(entry: Entry, { currency }: Pick<Grant, 'currency'>, { isOperator }: CreditViewer): object {
  const { number, turn, kind, amount, at, recordedAt, spend, decided } = entry
  return {
    number,
    kind,
    amount: formatMinor(amount, currency),
    at: formatInstant(at),
    recorded_at: formatInstant(recordedAt),
    turn,
    invoice: spend?.invoice ?? null,
    line: spend?.line ?? null,
    ...(isOperator ? { author: decided?.by ?? null, reason: decided?.reason ?? null } : {}),
  }
}
