import { changes } from './plans.ts'

/**
 * The free plan comes with a credit, once: a grant to the account (docs/data/credits.md), because what a plan includes is
 * included in each billing period. The page gives no figure: 5 is ours.
 */
export const freeCredit = {
  kind: 'promotional',
  name: 'Free credit',
  currency: 'USD',
  amount: '5',
  effective_from: changes.packaging,
} as const
