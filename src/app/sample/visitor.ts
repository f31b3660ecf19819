import type { Visitors } from './habit.ts'
import type { Random } from './random.ts'

export interface Visitor {
  readonly address: string
  readonly agent: string
}

// Ranges that are set aside for documentation (RFC 5737, RFC 3849): nobody's real address is in the sample.
const ranges = ['192.0.2.', '198.51.100.', '203.0.113.'] as const

function addressOf(index: number): string {
  if (index % 4 === 3) return `2001:db8:${(index >> 4).toString(16)}::${(index + 1).toString(16)}`
  return `${ranges[index % ranges.length]}${1 + (index % 254)}`
}

/** One of the habit's visitors: the same one always has the same address and program. */
export function visitorOf(random: Random, visitors: Visitors): Visitor {
  const index = random.below(visitors.count)
  return { address: addressOf(index), agent: visitors.agents[index % visitors.agents.length] ?? '' }
}
