import type { Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { AvailableCredit, Burn, Payable } from './grant.ts'

export interface BurnInput {
  readonly credits: readonly AvailableCredit[]
  readonly lines: readonly Payable[]
  readonly at: Micros
}

function inOrder(a: AvailableCredit, b: AvailableCredit): number {
  return (
    a.priority - b.priority ||
    (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : 1)
  )
}

/** Stand-in until the credits part lands: what each grant pays of each line, in the order of DESIGN §9. */
export function burnCredits({ credits, lines, at }: BurnInput): readonly Burn[] {
  const usable = credits.filter(
    ({ effectiveFrom, expiresAt }) => effectiveFrom <= at && (expiresAt === null || at < expiresAt),
  )
  const left: bigint[] = lines.map(({ amount }) => amount)
  const burns: Burn[] = []
  for (const { id, scope, balance } of usable.toSorted(inOrder)) {
    let rest: bigint = balance
    for (const [line, { meter }] of lines.entries()) {
      const owed = left[line] ?? 0n
      const amount = rest < owed ? rest : owed
      if (amount === 0n || !(scope === 'all' || (meter !== null && scope.meters.includes(meter)))) continue
      left[line] = owed - amount
      rest -= amount
      burns.push({ grant: id, line, amount: amount as Minor })
    }
  }
  return burns
}
