import type { MeterKey } from '../../core/ids.ts'
import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import type { AvailableCredit, Burn, CreditScope, Payable } from './grant.ts'

export interface BurnInput {
  /** At most one of each id. */
  readonly credits: readonly AvailableCredit[]
  readonly lines: readonly Payable[]
  readonly at: Micros
}

type Ranked = Pick<AvailableCredit, 'id' | 'priority' | 'expiresAt' | 'createdAt'>

function byExpiry(a: Micros | null, b: Micros | null): number {
  if (a === b) return 0
  if (a === null) return 1
  return b === null ? -1 : a - b
}

/** The one order in which credits burn (DESIGN §9): priority, earlier expiry, earlier creation; then the id. */
export function burnOrder(a: Ranked, b: Ranked): number {
  return (
    a.priority - b.priority ||
    byExpiry(a.expiresAt, b.expiresAt) ||
    a.createdAt - b.createdAt ||
    Number(a.id > b.id) - Number(a.id < b.id)
  )
}

/** Half-open: an expiry instant is exclusive. */
export function isInEffect(
  { effectiveFrom, expiresAt }: Pick<AvailableCredit, 'effectiveFrom' | 'expiresAt'>,
  at: Micros,
): boolean {
  return effectiveFrom <= at && (expiresAt === null || at < expiresAt)
}

function pays(scope: CreditScope, meter: MeterKey | null): boolean {
  return scope === 'all' || (meter !== null && scope.meters.includes(meter))
}

/**
 * What each credit pays of each line at an instant: credits in their order, lines in the order given, as much as there is
 * of both. Pure, in whole minor units: never more than a credit has, never more than a line costs. What it does not look
 * at is kind and currency: the caller hands in the credits that may pay here.
 */
export function burnCredits({ credits, lines, at }: BurnInput): readonly Burn[] {
  assert(new Set(credits.map(({ id }) => id)).size === credits.length, 'a credit is there once')
  assert(
    [...lines.map(({ amount }) => amount), ...credits.map(({ balance }) => balance)].every((amount) => amount >= 0n),
    'no line and no credit is below zero',
  )
  const owed: bigint[] = lines.map(({ amount }) => amount)
  const burns: Burn[] = []
  for (const { id, scope, balance } of credits.filter((credit) => isInEffect(credit, at)).toSorted(burnOrder)) {
    let left: bigint = balance
    for (const [line, { meter }] of lines.entries()) {
      if (left === 0n) break
      const open = owed[line] ?? 0n
      const amount = left < open ? left : open
      if (amount === 0n || !pays(scope, meter)) continue
      owed[line] = open - amount
      left -= amount
      burns.push({ grant: id, line, amount: amount as Minor })
    }
  }
  return burns
}
