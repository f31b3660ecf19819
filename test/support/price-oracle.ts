import {
  above,
  below,
  inSteps,
  isAbove,
  isSame,
  least,
  minus,
  most,
  nearest,
  nothing,
  over,
  plus,
  rational,
  readRational,
  times,
  together,
} from './plain-rational.ts'
import type { Rational } from './plain-rational.ts'

/**
 * What a line costs, from the JSON of its price: the rules of DESIGN §9 written down once more, slowly, in plain
 * rationals. It imports nothing of src/.
 */
export type Json = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any -- any price there is

export interface SlowGroup {
  readonly group: Readonly<Record<string, string | null>>
  readonly quantity: string
}

export interface SlowUsage {
  readonly quantity: string
  readonly windows: readonly string[]
  readonly groups: readonly SlowGroup[]
  readonly values: readonly string[] | null
}

export interface SlowContext {
  /** Decimals of the currency. */
  readonly digits: number
  readonly share: Rational
  readonly additive: boolean
  /** What one of the price's pricing unit is worth. */
  readonly rate: Rational
}

export interface SlowLine {
  readonly exact: Rational
  /** After the one rounding. */
  readonly amount: Rational
  /** The true-up to the minimum, rounded. */
  readonly missing: Rational
}

const number = (text: unknown, otherwise = '0'): Rational => readRational(typeof text === 'string' ? text : otherwise)
const percent = (text: unknown): Rational => over(number(text), rational(100n))
const one = rational(1n)

/** How the definition is cut: what it says per period × `perPeriod`, the amount × `amount`, limits × `limits`. */
interface Cut {
  readonly perPeriod: Rational
  readonly amount: Rational
  readonly limits: Rational
}

function cutOf(price: Json, { share, additive }: SlowContext): Cut {
  const usual = price['model'].kind === 'flat' || !additive ? 'amounts' : 'bounds'
  const kind = price['proration'] ?? usual
  if (kind === 'none') return { perPeriod: one, amount: one, limits: one }
  // Of the windows, only those in the part are there: each is priced whole.
  if (price['each']?.window !== undefined) return { perPeriod: one, amount: one, limits: share }
  if (kind === 'amounts') return { perPeriod: one, amount: share, limits: share }
  return { perPeriod: share, amount: one, limits: share }
}

interface SlowTier {
  readonly low: Rational
  readonly high: Rational | null
  readonly rate: Rational
  readonly flat: Rational
}

function tiersOf(model: Json, share: Rational): readonly SlowTier[] {
  const list: readonly Json[] = model['tiers']
  return list.map((tier, index) => ({
    low: index === 0 ? nothing : times(number(list[index - 1]?.['up_to']), share),
    high: tier['up_to'] === null || tier['up_to'] === undefined ? null : times(number(tier['up_to']), share),
    rate: model['kind'] === 'graduated_percentage' ? percent(tier['percent']) : number(tier['unit_amount']),
    flat: times(number(tier['flat_amount']), share),
  }))
}

/** Of the units (0, quantity], those in (low, high] are in the tier. */
function graduated(model: Json, quantity: Rational, share: Rational): Rational {
  const isFree = quantity.n === 0n && model['flat_at_zero'] !== true
  if (isFree) return nothing
  const amounts = tiersOf(model, share).map(({ low, high, rate, flat }, index) => {
    const isEntered = isAbove(quantity, low) || index === 0
    const end = high === null ? quantity : least(quantity, high)
    return isEntered ? plus(times(minus(end, low), rate), flat) : nothing
  })
  return together(amounts)
}

function volume(model: Json, quantity: Rational, share: Rational): Rational {
  if (quantity.n === 0n && model['flat_at_zero'] !== true) return nothing
  const tier = tiersOf(model, share).find(({ high }) => high === null || !isAbove(quantity, high))
  if (tier === undefined) throw new Error('no tier')
  return plus(times(quantity, tier.rate), tier.flat)
}

/** Each event for itself; the first units of all are those that are included. */
function events(model: Json, quantity: Rational, values: readonly Rational[]): Rational {
  let included = most(minus(together(values), quantity), nothing)
  const amounts = values.map((value, index) => {
    const taken = least(value, included)
    const left = minus(value, taken)
    included = minus(included, taken)
    if (index < (model['free_events'] ?? 0)) return nothing
    // Something of it was included, and that was all of it.
    if (taken.n > 0n && left.n === 0n) return nothing
    let amount = plus(times(left, percent(model['percent'])), number(model['event_amount']))
    if (model['maximum_each'] !== undefined) amount = least(amount, number(model['maximum_each']))
    if (model['minimum_each'] !== undefined) amount = most(amount, number(model['minimum_each']))
    return amount
  })
  return together(amounts)
}

export function hasEventTerms(model: Json): boolean {
  const terms = ['event_amount', 'minimum_each', 'maximum_each']
  return terms.some((name) => model[name] !== undefined) || (model['free_events'] ?? 0) > 0
}

interface Priced {
  readonly quantity: Rational
  readonly values: readonly Rational[] | null
  readonly share: Rational
}

function modelAmount(model: Json, { quantity, values, share }: Priced): Rational {
  switch (model['kind']) {
    case 'per_unit':
      return times(quantity, number(model['unit_amount']))
    case 'flat':
      return times(times(number(model['amount']), share), quantity)
    case 'graduated':
    case 'graduated_percentage':
      return graduated(model, quantity, share)
    case 'volume':
      return volume(model, quantity, share)
    case 'package': {
      const packages = over(quantity, number(model['size']))
      const paid = model['round'] === 'down' ? below(packages) : above(packages)
      return times(rational(paid), number(model['package_amount']))
    }
    case 'percentage':
      if (hasEventTerms(model)) return events(model, quantity, values ?? [])
      return times(quantity, percent(model['percent']))
    case 'committed': {
      const always = times(number(model['quantity']), share)
      const beyond = isAbove(quantity, always) ? minus(quantity, always) : nothing
      return plus(times(always, number(model['unit_amount'])), times(beyond, number(model['overage_unit_amount'])))
    }
    default:
      throw new Error(`the oracle does not know ${String(model['kind'])}`)
  }
}

interface Terms {
  readonly included: unknown
  readonly usage_discount?: Json
  readonly model: Json
}

const roundings: Readonly<Record<string, (value: Rational) => bigint>> = { up: above, down: below, half_away: nearest }

function converted(unit: Json | undefined, quantity: Rational): Rational {
  const inUnits = over(quantity, number(unit?.['per'], '1'))
  const rounding: Json | undefined = unit?.['rounding']
  if (rounding === undefined) return inUnits
  const round = roundings[String(rounding['mode'])]
  if (round === undefined) throw new Error('no such rounding')
  return inSteps(inUnits, Number(rounding['decimals'] ?? 0), round)
}

/** What is priced as one: unit, allowance, usage discount, model. */
function sliceAmount(unit: Json | undefined, terms: Terms, measured: Priced): Rational {
  const { share, values } = measured
  let left = converted(unit, measured.quantity)
  left = most(minus(left, times(number(terms.included), share)), nothing)
  const off = terms.usage_discount
  if (off?.['percent'] !== undefined) left = times(left, minus(one, percent(off['percent'])))
  if (off?.['quantity'] !== undefined) left = most(minus(left, times(number(off['quantity']), share)), nothing)
  return modelAmount(terms.model, { quantity: left, values: values?.map((one) => converted(unit, one)) ?? null, share })
}

function cellHolds(when: Json, group: SlowGroup['group']): boolean {
  return Object.entries(when).every(([dimension, wanted]: [string, string | string[]]) => {
    const value = group[dimension]
    return typeof value === 'string' && (Array.isArray(wanted) ? wanted.includes(value) : wanted === value)
  })
}

function matrixAmount(price: Json, { groups }: SlowUsage, share: Rational): Rational {
  const model: Json = price['model']
  const cells: readonly Json[] = model['cells']
  const all = [...cells, model['default'] as Json]
  const quantities = all.map(() => nothing)
  for (const { group, quantity } of groups) {
    const found = cells.findIndex((cell) => cellHolds(cell['when'], group))
    const index = found < 0 ? cells.length : found
    quantities[index] = plus(quantities[index] ?? nothing, readRational(quantity))
  }
  return together(
    all.map((cell, index) =>
      sliceAmount(price['unit'], cell as Terms & Json, { quantity: quantities[index] ?? nothing, values: null, share }),
    ),
  )
}

function chargedAmount(price: Json, usage: SlowUsage, share: Rational): Rational {
  if (price['model'].kind === 'matrix') return matrixAmount(price, usage, share)
  const { each } = price
  const alone = (quantity: string, values: readonly string[] | null = null): Rational =>
    sliceAmount(price['unit'], price as Terms & Json, {
      quantity: readRational(quantity),
      values: values?.map(readRational) ?? null,
      share,
    })
  if (each?.window !== undefined) return together(usage.windows.map((window) => alone(window)))
  if (each?.group_by !== undefined) return together(usage.groups.map(({ quantity }) => alone(quantity)))
  return alone(usage.quantity, usage.values)
}

/** Rates one line. */
export function priceSlowly(price: Json, usage: SlowUsage, context: SlowContext): SlowLine {
  const cut = cutOf(price, context)
  let amount = times(chargedAmount(price, usage, cut.perPeriod), cut.amount)
  for (const discount of (price['discounts'] ?? []) as readonly Json[]) {
    if (discount['percent'] !== undefined) amount = times(amount, minus(one, percent(discount['percent'])))
    else amount = most(minus(amount, times(number(discount['amount']), cut.limits)), nothing)
  }
  if (price['maximum'] !== undefined) amount = least(amount, times(number(price['maximum']), cut.limits))
  const exact = times(amount, context.rate)
  const rounded = inSteps(exact, context.digits, nearest)
  if (price['minimum'] === undefined) return { exact, amount: rounded, missing: nothing }
  const owed = times(times(number(price['minimum']), cut.limits), context.rate)
  const missing = inSteps(most(minus(owed, rounded), nothing), context.digits, nearest)
  return { exact, amount: rounded, missing: isSame(missing, nothing) ? nothing : missing }
}
