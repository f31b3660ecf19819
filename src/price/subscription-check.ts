import type { Account } from '../account/accounts.ts'
import type { Problem } from '../core/errors.ts'
import type { PlanKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { givenVersion, inEffect } from './contract.ts'
import { at, complain, documentOf, inMoney, isAbsent } from './place.ts'
import type { Place } from './place.ts'
import type { AddOnVersion, PriceBook } from './price-book.ts'
import type { Price } from './price.ts'
import { readSubscriptionTerms, termFields } from './subscription-terms.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'
import type { PlanBody, PlanVersion } from './plan.ts'

/** What terms are read against. */
export interface TermsContext {
  readonly book: PriceBook
  readonly account: Pick<Account, 'currency'>
  readonly plan: PlanKey
  /** From then on they hold. */
  readonly from: Micros
  /** Those that hold before, where there are any: what is not given goes on. */
  readonly before: SubscriptionTerms
}

/** The version that holds then, or the first one that will. */
function soldAt<Version extends PlanVersion | AddOnVersion>(versions: readonly Version[] | undefined, from: Micros) {
  return inEffect(versions, from) ?? versions?.[0] ?? null
}

/** All prices that a body comes to have, its phases' too. */
function pricesOf({ prices, phases }: PlanBody): readonly Price[] {
  const added = phases.flatMap(({ changes }) => changes.flatMap((one) => (one.kind === 'add' ? [one.price] : [])))
  return [...prices, ...added]
}

function checkAddOns(place: Place, terms: SubscriptionTerms, { book, account, from }: TermsContext): void {
  terms.addOns.forEach(({ key, from: start }, index) => {
    const item = at(at(at(place, 'add_ons'), String(index)), 'key')
    const sold = inEffect(book.addOns.get(key), start ?? from)
    if (sold === null) complain(item, `is no add-on that is sold on ${formatInstant(start ?? from)}`)
    else if (!sold.bodies.has(account.currency))
      complain(item, `is in ${[...sold.bodies.keys()].join(', ')}, and the account pays in ${account.currency}`)
  })
}

function checkCoupons(place: Place, terms: SubscriptionTerms, { book, account, from }: TermsContext): void {
  terms.coupons.forEach((coupon, index) => {
    const item = at(at(at(place, 'coupons'), String(index)), 'key')
    const given = coupon.from ?? from
    const sold = givenVersion(book, coupon, given)
    if (sold === null) complain(item, `is no coupon that is given on ${formatInstant(given)}`)
    else if (!sold.discounts.has(account.currency))
      complain(item, `takes nothing off in ${account.currency}, which the account pays in`)
  })
}

/**
 * Reads terms as a person or program wrote them. What is left out goes on as before; an empty list ends it. Overrides are
 * checked against the prices that they change: those of the plan and of the add-ons, as they are sold then.
 */
export function parseTerms(input: unknown, context: TermsContext): Result<SubscriptionTerms, readonly Problem[]> {
  const { book, account, plan, from, before } = context
  const { currency } = account
  const place = inMoney(documentOf(input), { currency, all: [currency] })
  const body = soldAt(book.plans.get(plan), from)?.bodies.get(currency)
  const pricingUnits = body?.pricingUnits ?? []
  const read = readSubscriptionTerms(place, { prices: null, pricingUnits })
  const addOns = isAbsent(at(place, 'add_ons')) ? before.addOns : read.addOns
  const bodies = addOns.map(({ key }) => soldAt(book.addOns.get(key), from)?.bodies.get(currency))
  const prices = [body, ...bodies].flatMap((one) => (one === undefined ? [] : pricesOf(one)))
  if (place.problems.length === 0) readSubscriptionTerms(place, { prices, pricingUnits })
  const given = (name: (typeof termFields)[number]): boolean => !isAbsent(at(place, name))
  const terms: SubscriptionTerms = {
    pricingUnits: given('overrides') ? pricingUnits : before.pricingUnits,
    overrides: given('overrides') ? read.overrides : before.overrides,
    addOns,
    coupons: given('coupons') ? read.coupons : before.coupons,
    taxes: given('taxes') ? read.taxes : before.taxes,
  }
  if (given('add_ons')) checkAddOns(place, terms, context)
  if (given('coupons')) checkCoupons(place, terms, context)
  return place.problems.length > 0 ? fail(place.problems) : ok(terms)
}
