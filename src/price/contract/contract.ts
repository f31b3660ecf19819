import { Refusal } from '../../core/errors.ts'
import { exact, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { PlanKey } from '../../core/ids.ts'
import type { Currency } from '../../core/money.ts'
import { formatInstant, zonedOf } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { decisionAt, defaultAt, heldDecisions } from './contract-facts.ts'
import type { ContractFacts, Known, SubscriptionDecision } from './contract-facts.ts'
import { circleFrom, namedBy, namesOf, wayWords } from '../over-lines-check.ts'
import { isSamePrice } from './contract-parts.ts'
import { includedIn, includedOf, isSameIncluded } from './contract-included.ts'
import type { ContractIncluded } from './contract-included.ts'
import { keysOf, withOwnKeys } from './own-keys.ts'
import { phaseTimes } from './phase.ts'
import type { Phase } from './phase.ts'
import type { PlanBody, PlanVersion } from '../plan.ts'
import { changePrices, reducePrices } from './price-change.ts'
import type { ChangedPrice } from './price-change.ts'
import type { AddOnKey, AddOnVersion, CouponVersion, PriceBook } from '../book/price-book.ts'
import type { Price, PriceKey } from '../price.ts'
import type { GivenCoupon, TakenAddOn } from './subscription-terms.ts'
import type { InvoiceDiscount, Tax } from '../rate/totals.ts'

/** Why an account is under a plan: because it subscribed, or because it had no subscription. */
export type ContractBasis = 'subscribed' | 'default'

export interface ContractPrice {
  readonly price: Price
  /** How many of a fee; 1 of what is measured. */
  readonly count: Exact
  readonly from: 'plan' | 'override' | { readonly addOn: AddOnKey; readonly version: number }
}

/** A part of a billing period in which nothing changes. */
export interface ContractPart {
  readonly part: Period
  /** In the account's currency. */
  readonly plan: PlanVersion
  readonly basis: ContractBasis
  /** Null: after the plan's last phase, or it has none. */
  readonly phase: Phase | null
  readonly prices: readonly ContractPrice[]
  readonly included: readonly ContractIncluded[]
}

/** What an account's billing period is priced with. */
export interface Contract {
  readonly currency: Currency
  readonly period: Period
  /** Oldest first, without overlaps; with the gaps they make up the period. Never empty. */
  readonly parts: readonly ContractPart[]
  /** Times in which the account was under no plan: nothing may be used in them, because nobody could price it. */
  readonly gaps: readonly Period[]
  readonly coupons: readonly InvoiceDiscount[]
  readonly taxes: readonly Tax[]
  readonly known: Known
}

interface Reading {
  readonly facts: ContractFacts
  readonly book: PriceBook
  readonly period: Period
}

function missing({ facts }: Reading, at: Micros, why: string): Refusal {
  return new Refusal(
    'PLAN_MISSING',
    `account ${facts.account.key} cannot be priced at ${formatInstant(at)}: ${why}; ` +
      'subscribe it to a plan or set a default plan that is in effect by then',
  )
}

interface Sold {
  readonly version: number
  readonly effectiveFrom: Micros
}

/** The version in effect at an instant: versions take effect in the order of their numbers. */
export function inEffect<Version extends Sold>(versions: readonly Version[] | undefined, at: Micros): Version | null {
  return versions?.findLast(({ effectiveFrom }) => effectiveFrom <= at) ?? null
}

/** The plan that holds at an instant, and why; null: none. */
interface Held {
  readonly plan: PlanKey
  readonly basis: ContractBasis
  readonly decision: SubscriptionDecision | null
}

function heldAt({ facts }: Reading, at: Micros): Held | null {
  const decision = decisionAt(facts.decisions, at)?.decision ?? null
  const subscribed = decision?.plan ?? null
  if (subscribed !== null) return { plan: subscribed, basis: 'subscribed', decision }
  const plan = defaultAt(facts.defaults, at)?.plan ?? null
  return plan === null ? null : { plan, basis: 'default', decision: null }
}

function bodyIn(reading: Reading, sold: PlanVersion | AddOnVersion, at: Micros): PlanBody {
  const { currency } = reading.facts.account
  const body = sold.bodies.get(currency)
  if (body !== undefined) return body
  const currencies = [...sold.bodies.keys()].join(', ')
  throw missing(reading, at, `it pays in ${currency} and plan ${sold.key} is in ${currencies}`)
}

/** The times of the phases; without a subscription there is no start that they could be counted from. */
function phasesOf({ facts }: Reading, { phases }: PlanBody, begun: Micros | null) {
  return begun === null ? [] : phaseTimes(phases, begun, facts.account.timeZone)
}

/** The instants in a period at which something may change; where nothing does, the parts are put together again. */
function cutsOf(reading: Reading): readonly Micros[] {
  const { facts, book, period } = reading
  const cuts = new Set<Micros>(facts.defaults.map(({ from }) => from))
  const addVersions = (versions: readonly Sold[] | undefined): void => {
    for (const { effectiveFrom } of versions ?? []) cuts.add(effectiveFrom)
  }
  const addPhases = (sold: PlanVersion | AddOnVersion, begun: Micros): void => {
    const body = sold.bodies.get(facts.account.currency)
    for (const { to } of body === undefined ? [] : phasesOf(reading, body, begun)) cuts.add(to)
  }
  for (const { plan } of facts.defaults) if (plan !== null) addVersions(book.plans.get(plan))
  for (const { decision, from, to } of heldDecisions(facts.decisions)) {
    if (from >= period.to || to <= period.from) continue
    for (const cut of [from, to]) cuts.add(cut)
    const plans = decision.plan === null ? undefined : book.plans.get(decision.plan)
    addVersions(plans)
    for (const plan of plans ?? []) addPhases(plan, decision.begun)
    for (const { key, from: start, to: end } of decision.terms.addOns) {
      for (const cut of [start, end]) if (cut !== null) cuts.add(cut)
      addVersions(book.addOns.get(key))
      for (const addOn of book.addOns.get(key) ?? []) addPhases(addOn, start ?? decision.begun)
    }
  }
  return [period.from, ...[...cuts].filter((cut) => cut > period.from && cut < period.to).toSorted((a, b) => a - b)]
}

interface Source {
  readonly body: PlanBody
  readonly phase: Phase | null
  readonly from: ContractPrice['from']
  readonly count: Exact
  readonly sold: string
  readonly version: number
}

function addOnsAt(
  reading: Reading,
  decision: SubscriptionDecision,
  { plan, at }: { readonly plan: PlanBody; readonly at: Micros },
): readonly Source[] {
  const keys = new Set(keysOf(plan))
  const holds = ({ from, to }: TakenAddOn): boolean => (from === null || from <= at) && (to === null || to > at)
  return decision.terms.addOns.filter(holds).map((taken) => {
    const sold = inEffect(reading.book.addOns.get(taken.key), at)
    if (sold === null) throw missing(reading, at, `its add-on ${taken.key} has no version in effect`)
    const body = withOwnKeys(bodyIn(reading, sold, at), taken.key, keys)
    for (const key of keysOf(body)) keys.add(key)
    const times = phasesOf(reading, body, taken.from ?? decision.begun)
    const phase = times.find(({ from, to }) => from <= at && at < to)?.phase ?? null
    return {
      body,
      phase,
      from: { addOn: taken.key, version: sold.version },
      count: exact(BigInt(taken.count)),
      sold: sold.key,
      version: sold.version,
    }
  })
}

function unchanged(price: Price): ChangedPrice {
  return { price, changed: false }
}

/**
 * The prices at an instant. First what they are: the plan's and the add-ons', as their phase has them, then as the
 * account negotiated them; then what is taken off. So a negotiated rate holds in every step of a ramp, and a free trial
 * is free at a negotiated rate too.
 */
function pricesAt(sources: readonly Source[], decision: SubscriptionDecision | null): readonly ContractPrice[] {
  const overrides = decision?.terms.overrides ?? []
  const bySource = new Map<PriceKey, Source>()
  const first = sources.flatMap((source) =>
    changePrices(source.body.prices.map(unchanged), source.phase?.changes ?? []).map(({ price }) => {
      bySource.set(price.key, source)
      return unchanged(price)
    }),
  )
  const negotiated = changePrices(first, overrides)
  const inPhase = negotiated.flatMap((one) => {
    const phase = bySource.get(one.price.key)?.phase ?? null
    if (phase === null) return [one]
    const reduced = reducePrices([one], phase.changes, phase.name)
    return reduced.map(({ price }) => ({ price, changed: one.changed }))
  })
  return reducePrices(inPhase, overrides, 'Agreed').map(({ price, changed }): ContractPrice => {
    const source = bySource.get(price.key)
    const isFee = price.model.kind === 'flat'
    return {
      price,
      count: isFee ? (source?.count ?? one) : one,
      from: changed || source === undefined ? 'override' : source.from,
    }
  })
}

/**
 * Definitions and terms are checked when they are saved; a later version of a plan can still make a circle with an older
 * agreement, and then it says so.
 */
function checkCircles(reading: Reading, at: Micros, prices: readonly ContractPrice[]): void {
  const named = namesOf(prices.map(({ price }) => price))
  for (const { price } of prices) {
    const circle = namedBy(price).length === 0 ? null : circleFrom(price.key, named)
    if (circle !== null)
      throw missing(reading, at, `its prices are over each other, ${wayWords(circle)}: change what was agreed with it`)
  }
}

function partAt(reading: Reading, part: Period): ContractPart | null {
  const at = part.from
  const held = heldAt(reading, at)
  if (held === null) return null
  const { basis, decision } = held
  const sold = inEffect(reading.book.plans.get(held.plan), at)
  if (sold === null) throw missing(reading, at, `its ${basis} plan ${held.plan} has no version in effect`)
  const body = bodyIn(reading, sold, at)
  const times = phasesOf(reading, body, decision?.begun ?? null)
  const phase = times.find(({ from, to }) => from <= at && at < to)?.phase ?? null
  const own: Source = { body, phase, from: 'plan', count: one, sold: sold.key, version: sold.version }
  const addOns = decision === null ? [] : addOnsAt(reading, decision, { plan: body, at })
  const plan: PlanVersion = { ...sold, currency: reading.facts.account.currency, ...body }
  const sources = [own, ...addOns]
  const prices = pricesAt(sources, decision)
  checkCircles(reading, at, prices)
  return { part, plan, basis, phase, prices, included: sources.flatMap(includedIn) }
}

function isSamePart(one: ContractPart, next: ContractPart): boolean {
  return (
    one.part.to === next.part.from &&
    one.basis === next.basis &&
    one.plan.key === next.plan.key &&
    one.plan.version === next.plan.version &&
    one.phase?.key === next.phase?.key &&
    isSameIncluded(one.included, next.included) &&
    one.prices.length === next.prices.length &&
    one.prices.every((price, index) => {
      const other = next.prices[index]
      return (
        other !== undefined && isSamePrice(price, other) && JSON.stringify(price.from) === JSON.stringify(other.from)
      )
    })
  )
}

/** The parts of a period that have a plan, as few as possible, and the times that have none. */
function tile(reading: Reading): Pick<Contract, 'parts' | 'gaps'> {
  const cuts = cutsOf(reading)
  const parts: ContractPart[] = []
  const gaps: Period[] = []
  cuts.forEach((from, index) => {
    const period = { from, to: cuts[index + 1] ?? reading.period.to }
    const part = partAt(reading, period)
    const [last, gap] = [parts.at(-1), gaps.at(-1)]
    if (part === null && gap?.to === from) gaps[gaps.length - 1] = { from: gap.from, to: period.to }
    else if (part === null) gaps.push(period)
    else if (last !== undefined && isSamePart(last, part))
      parts[parts.length - 1] = { ...last, part: { from: last.part.from, to: period.to } }
    else parts.push(part)
  })
  return { parts, gaps }
}

/** Billing periods from one instant to another, in a zone: 0 where they lie in the same month. */
function monthsBetween(from: Micros, to: Micros, zone: string): number {
  const [first, second] = [zonedOf(from, zone), zonedOf(to, zone)]
  return (second.year - first.year) * 12 + second.month - first.month
}

/** The version of a coupon that was given: the one in effect when it was. */
export function givenVersion(book: PriceBook, { key }: GivenCoupon, given: Micros): CouponVersion | null {
  return inEffect(book.coupons.get(key), given)
}

function couponOf(reading: Reading, coupon: GivenCoupon, decision: SubscriptionDecision): InvoiceDiscount | null {
  const { facts, book, period } = reading
  const { timeZone, currency } = facts.account
  const given = coupon.from ?? decision.begun
  if (given >= period.to) return null
  const sold = givenVersion(book, coupon, given)
  if (sold === null) throw missing(reading, given, `its coupon ${coupon.key} has no version in effect`)
  const discount = sold.discounts.get(currency)
  if (discount === undefined) throw missing(reading, given, `its coupon ${coupon.key} is not one in ${currency}`)
  const passed = monthsBetween(given, period.from, timeZone)
  if (sold.periods !== null && passed >= sold.periods) return null
  return { coupon: coupon.key, version: sold.version, discount, of: sold.of }
}

/** Coupons and taxes are of the invoice and not of a part: those of the terms that hold last in the period. */
function lastTerms({ facts, period }: Reading): SubscriptionDecision | null {
  const held = heldDecisions(facts.decisions).filter(({ from, to }) => from < period.to && to > period.from)
  return held.findLast(({ decision }) => decision.plan !== null)?.decision ?? null
}

function newest<Key extends string>(
  keys: readonly Key[],
  all: ReadonlyMap<Key, readonly Sold[]>,
): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(keys)].toSorted().map((key) => [key, all.get(key)?.at(-1)?.version ?? 0]))
}

/** What was there to be used, in versions: whether it was used is what the reading decides, each time in the same way. */
function knownOf({ facts, book, period }: Reading): Known {
  const held = heldDecisions(facts.decisions).filter(({ from, to }) => from < period.to && to > period.from)
  const decisions = held.map(({ decision }) => decision)
  const plans = [...decisions, ...facts.defaults].flatMap(({ plan }) => (plan === null ? [] : [plan]))
  return {
    decision: facts.decisions.at(-1)?.number ?? 0,
    default: Math.max(0, ...facts.defaults.map(({ id }) => id)),
    plans: newest(plans, book.plans),
    addOns: newest(
      decisions.flatMap(({ terms }) => terms.addOns.map(({ key }) => key)),
      book.addOns,
    ),
    coupons: newest(
      decisions.flatMap(({ terms }) => terms.coupons.map(({ key }) => key)),
      book.coupons,
    ),
  }
}

/**
 * What an account's billing period is priced with. Pure. A change takes effect at its instant, also in the middle of the
 * period: a subscription that begins, moves or ends, a version of a plan or add-on, a phase, other terms. Refuses with
 * PLAN_MISSING where a plan cannot price it, or none does in all of the period.
 */
export function contractOf(facts: ContractFacts, book: PriceBook, period: Period): Contract {
  const reading = { facts, book, period }
  const { parts, gaps } = tile(reading)
  if (parts.length === 0) throw missing(reading, period.from, 'it has no subscription, and there is no default plan')
  const last = lastTerms(reading)
  const coupons =
    last === null
      ? []
      : last.terms.coupons.flatMap((coupon) => {
          const discount = couponOf(reading, coupon, last)
          return discount === null ? [] : [discount]
        })
  return {
    currency: facts.account.currency,
    period,
    parts,
    gaps,
    coupons: [...includedOf(parts, period), ...coupons],
    taxes: last?.terms.taxes ?? [],
    known: knownOf(reading),
  }
}

/** One plan as it is, from the start of a period to its end. */
export function plainContract(plan: PlanVersion, basis: ContractBasis, period: Period): Contract {
  const prices = plan.prices.map((price): ContractPrice => ({ price, count: one, from: 'plan' }))
  const part = { from: period.from, to: period.to }
  const included = plan.includedAmounts.map((amount) => ({ sold: plan.key, version: plan.version, amount }))
  const parts = [{ part, plan, basis, phase: null, prices, included }]
  return {
    currency: plan.currency,
    period: part,
    parts,
    gaps: [],
    coupons: includedOf(parts, period),
    taxes: [],
    known: { decision: 0, default: 0, plans: { [plan.key]: plan.version }, addOns: {}, coupons: {} },
  }
}

/** What the account is under at the end of the period. */
export function lastPart({ parts }: Contract): ContractPart {
  const part = parts.at(-1)
  if (part === undefined) throw new Error('a contract has a part')
  return part
}
