import type { Account } from '../../account/accounts.ts'
import type { Problem } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { givenVersion, inEffect } from './contract.ts'
import { bringsOverLines, changesPrices, checkChangedCircles, checkChangedNames } from './changed-lines-check.ts'
import { keysOf, withOwnKeys } from './own-keys.ts'
import { at, complain, documentOf, inMoney, isAbsent, note } from '../place.ts'
import type { Place } from '../place.ts'
import type { AddOnVersion, PriceBook } from '../book/price-book.ts'
import { changePrices } from './price-change.ts'
import type { Price } from '../price.ts'
import { readSubscriptionTerms, termFields } from './subscription-terms.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'
import type { PlanBody, PlanVersion } from '../plan.ts'

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

/** What the plan and the add-ons say, with the keys that their lines have on an invoice. */
function bodiesOf(terms: Pick<SubscriptionTerms, 'addOns'>, { book, account, plan, from }: TermsContext) {
  const { currency } = account
  const body = soldAt(book.plans.get(plan), from)?.bodies.get(currency)
  const taken = new Set(body === undefined ? [] : keysOf(body))
  const addOns = [...new Set(terms.addOns.map(({ key }) => key))].flatMap((key) => {
    const sold = soldAt(book.addOns.get(key), from)?.bodies.get(currency)
    if (sold === undefined) return []
    const own = withOwnKeys(sold, key, taken)
    for (const one of keysOf(own)) taken.add(one)
    return [own]
  })
  return body === undefined ? addOns : [body, ...addOns]
}

/** The price lists that overrides may close a circle in: without phases, and in each phase that brings a part of one. */
function* listsOf(bodies: readonly PlanBody[]): Generator<readonly Price[]> {
  yield bodies.flatMap(({ prices }) => prices)
  for (const [index, { phases }] of bodies.entries())
    for (const { changes } of phases)
      if (bringsOverLines(changes))
        yield bodies.flatMap(({ prices }, other) => {
          const before = prices.map((price) => ({ price, changed: false }))
          return other === index ? changePrices(before, changes).map(({ price }) => price) : prices
        })
}

/** Overrides leave price lists that can be billed; those that go on are told at the add-ons that do not fit them. */
function checkOverrides(place: Place, { overrides }: SubscriptionTerms, bodies: readonly PlanBody[]): void {
  const isGiven = !isAbsent(at(place, 'overrides'))
  if (place.problems.length > 0 || !changesPrices(overrides) || (!isGiven && isAbsent(at(place, 'add_ons')))) return
  const found: Place = { ...at(place, 'overrides'), problems: [] }
  checkChangedNames({ place: found, prices: bodies.flatMap(pricesOf), changes: overrides })
  const lists = bringsOverLines(overrides) ? listsOf(bodies) : []
  for (const prices of lists) if (checkChangedCircles({ place: found, prices, changes: overrides })) break
  const [first] = found.problems
  if (isGiven) for (const problem of found.problems) note(place.problems, problem)
  else if (first !== undefined)
    complain(at(place, 'add_ons'), `do not fit the overrides that go on; change those too: one ${first.message}`)
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
  const bodies = bodiesOf({ addOns }, context)
  const prices = bodies.flatMap(pricesOf)
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
  checkOverrides(place, terms, bodies)
  return place.problems.length > 0 ? fail(place.problems) : ok(terms)
}
