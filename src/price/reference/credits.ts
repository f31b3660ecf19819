import { changes, payAsYouGo } from './plans.ts'

/**
 * Usage that a plan's fee includes: a promotional credit that an account is granted, because a plan itself grants none.
 * It stands beside the price book until plans can: somebody, or a job, grants it to each account of the plan.
 */
export interface PlanCredit {
  readonly plan: string
  readonly name: string
  readonly currency: 'USD'
  readonly amount: string
  /** For each billing period, and gone with it; or once. */
  readonly recurs: 'each billing period' | 'once'
  /** Of a billing period in which the plan came or went, the credit is cut as the fee is. */
  readonly prorated: boolean
  /** Lines of these meters; `all`: every line. */
  readonly scope: 'all' | { readonly meters: readonly string[] }
  readonly effective_from: string
}

/** Everything that is metered: the credit pays for usage, and not for the fee that it comes with. */
const usage = [
  ...new Set(payAsYouGo.flatMap(({ prices }) => prices.flatMap(({ meter }) => (meter === undefined ? [] : [meter])))),
].toSorted()

const monthly = { currency: 'USD', recurs: 'each billing period', prorated: true, scope: { meters: usage } } as const

export const planCredits: readonly PlanCredit[] = [
  {
    plan: 'pay-as-you-go',
    name: 'Usage included in the base fee',
    amount: '20',
    effective_from: changes.baseFee,
    ...monthly,
  },
  // The page names these two credits and gives no figure: 5 is ours.
  { plan: 'hobbyist', name: 'Monthly credit', amount: '5', effective_from: changes.packaging, ...monthly },
  {
    plan: 'free',
    name: 'Free credit',
    currency: 'USD',
    amount: '5',
    recurs: 'once',
    prorated: false,
    scope: 'all',
    effective_from: changes.packaging,
  },
]
