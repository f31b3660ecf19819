import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'

/**
 * Cuts an amount into whole minor units in proportion to weights, so that the parts add up to it exactly: each part is
 * its exact share cut off below, and what is left over goes, one unit each, to those that lost the most by the cut;
 * among equals to the first. A part is at most its weight when the amount is at most the weights together.
 */
export function spread(amount: Minor, weights: readonly Minor[]): readonly Minor[] {
  const whole = weights.reduce((sum: bigint, weight) => sum + weight, 0n)
  assert(amount >= 0n && weights.every((weight) => weight >= 0n), 'what is spread is not below zero')
  assert(whole > 0n || amount === 0n, 'there is something to spread over')
  if (amount === 0n) return weights.map(() => 0n as Minor)
  const parts = weights.map((weight) => (weight * amount) / whole)
  let over = amount - parts.reduce((sum, part) => sum + part, 0n)
  const losses = weights.map((weight, index) => ({ index, lost: (weight * amount) % whole }))
  for (const { index } of losses.toSorted((a, b) =>
    a.lost === b.lost ? a.index - b.index : a.lost > b.lost ? -1 : 1,
  )) {
    if (over === 0n) break
    parts[index] = (parts[index] ?? 0n) + 1n
    over -= 1n
  }
  return parts as Minor[]
}
