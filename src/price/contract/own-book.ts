import type { PlanKey } from '../../core/ids.ts'
import type { Micros } from '../../core/time.ts'
import type { AddOnKey, AddOnVersion, PriceBook } from '../book/price-book.ts'
import type { PlanVersion } from '../plan.ts'
import { inEffect } from './contract.ts'
import { defaultAt } from './contract-facts.ts'
import type { ContractFacts } from './contract-facts.ts'

/**
 * What a customer may see of the price book: of each plan and add-on that it is, was or will be under, and of the default
 * plan, the version in effect. What others negotiated, and what is not announced yet, is nobody else's business (L11).
 */
export function ownBook(
  { decisions, defaults }: ContractFacts,
  book: PriceBook,
  at: Micros,
): { readonly plans: readonly PlanVersion[]; readonly addOns: readonly AddOnVersion[] } {
  const plans = new Set<PlanKey>(decisions.flatMap(({ plan }) => (plan === null ? [] : [plan])))
  const standard = defaultAt(defaults, at)?.plan ?? null
  if (standard !== null) plans.add(standard)
  const addOns = new Set<AddOnKey>(decisions.flatMap(({ terms }) => terms.addOns.map(({ key }) => key)))
  return {
    plans: [...plans].toSorted().flatMap((key) => inEffect(book.plans.get(key), at) ?? []),
    addOns: [...addOns].toSorted().flatMap((key) => inEffect(book.addOns.get(key), at) ?? []),
  }
}
