import * as fc from 'fast-check'
import type { Json, SlowUsage } from './price-oracle.ts'
import { hasEventTerms } from './price-oracle.ts'

/** Random prices as JSON, with all their modifiers, and random usage of them. */

function decimalText(scaled: bigint, digits: number): string {
  const text = scaled.toString().padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** A decimal of up to so many digits before the point and 18 after it, small ones often. */
export function decimalOf(integerDigits: number): fc.Arbitrary<string> {
  const any = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** BigInt(integerDigits + 18) }), fc.constantFrom(0, 1, 2, 6, 18))
    .map(([scaled, digits]) => decimalText(scaled / 10n ** BigInt(18 - digits), digits))
  const small = fc
    .tuple(fc.bigInt({ min: 0n, max: 3000n }), fc.constantFrom(0, 1, 2))
    .map(([n, d]) => decimalText(n, d))
  return fc.oneof(any, small, small)
}

export const amounts = decimalOf(4)
const positive = fc.bigInt({ min: 1n, max: 10_000n }).map((scaled) => decimalText(scaled, 2))
const percents = fc.bigInt({ min: 0n, max: 10_000n }).map((scaled) => decimalText(scaled, 2))
/** Quantities up to 10^30; nothing at all often, because rules turn there. */
export const quantities = fc.oneof(fc.constant('0'), decimalOf(2), decimalOf(3), decimalOf(30))

const optional = <T>(name: string, values: fc.Arbitrary<T>): fc.Arbitrary<Json> =>
  fc.option(values, { nil: undefined, freq: 2 }).map((value) => (value === undefined ? {} : { [name]: value }))

const merged = (...parts: readonly fc.Arbitrary<Json>[]): fc.Arbitrary<Json> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Json)

const tieredOf = (kind: string, rate: string, rates: fc.Arbitrary<string>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: 1, max: 60_000 }), { maxLength: 4 }),
      fc.array(fc.tuple(rates, fc.oneof(fc.constant('0'), amounts)), { minLength: 5, maxLength: 5 }),
      fc.boolean(),
    )
    .map(([bounds, costs, atZero]) => {
      const rising = [...bounds.toSorted((a, b) => a - b).map((bound) => decimalText(BigInt(bound), 2)), null]
      const tiers = rising.map((up_to, index) => ({
        up_to,
        [rate]: costs[index]?.[0],
        flat_amount: costs[index]?.[1],
      }))
      return { kind, tiers, flat_at_zero: atZero }
    })

/** Models that the total of the quantity is enough for. */
export const totalModels: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  per_unit: amounts.map((unit_amount) => ({ kind: 'per_unit', unit_amount })),
  graduated: tieredOf('graduated', 'unit_amount', amounts),
  volume: tieredOf('volume', 'unit_amount', amounts),
  graduated_percentage: tieredOf('graduated_percentage', 'percent', percents),
  package: fc
    .tuple(positive, amounts, fc.constantFrom('up', 'down'))
    .map(([size, package_amount, round]) => ({ kind: 'package', size, package_amount, round })),
  percentage: percents.map((percent) => ({ kind: 'percentage', percent })),
  committed: fc.tuple(positive, amounts, amounts).map(([quantity, unit_amount, overage_unit_amount]) => ({
    kind: 'committed',
    quantity,
    unit_amount,
    overage_unit_amount,
  })),
}

export const anyTotalModel = fc.oneof(...Object.values(totalModels))

/** The smaller of two amounts first, so that a minimum is not above its maximum. */
const bounds = (least: string, most: string): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.bigInt({ min: 0n, max: 5000n }),
      fc.bigInt({ min: 0n, max: 5000n }),
      fc.constantFrom('both', 'least', 'most'),
    )
    .map(([low, more, which]) => ({
      ...(which === 'most' ? {} : { [least]: decimalText(low, 2) }),
      ...(which === 'least' ? {} : { [most]: decimalText(low + more, 2) }),
    }))

const eventModel = merged(
  percents.map((percent) => ({ kind: 'percentage', percent })),
  optional('event_amount', amounts),
  optional('free_events', fc.integer({ min: 0, max: 4 })),
  fc.oneof(fc.constant({}), bounds('minimum_each', 'maximum_each')),
).filter(hasEventTerms)

const countries = ['DE', 'FR', 'US'] as const

const cellTerms = merged(
  anyTotalModel.map((model) => ({ model })),
  optional('included', decimalOf(2)),
)

const matrix = fc.tuple(cellTerms, cellTerms, cellTerms).map(([first, second, other]) => ({
  kind: 'matrix',
  dimensions: ['country'],
  cells: [
    { when: { country: 'DE' }, ...first },
    { when: { country: ['FR', 'CH'] }, ...second },
  ],
  default: other,
}))

const unitOf = (withRounding: boolean): fc.Arbitrary<Json> => {
  const plain = fc.constantFrom('1', '3', '0.5', '1000', '1000000000').map((per) => ({ name: 'GB', per }))
  if (!withRounding) return plain
  const rounding = fc.record({ mode: fc.constantFrom('up', 'down', 'half_away'), decimals: fc.constantFrom(0, 1, 6) })
  return merged(plain, optional('rounding', rounding))
}

const discount = fc.oneof(
  percents.map((percent) => ({ name: 'Loyalty', percent })),
  amounts.map((amount) => ({ name: 'Voucher', amount })),
)

export const usageDiscount = fc.oneof(
  percents.map((percent) => ({ percent })),
  decimalOf(2).map((quantity) => ({ quantity })),
)

const head = fc.constant({ key: 'p', name: 'Data out' })

/** What any price may have besides its model. */
const limits = merged(
  optional('discounts', fc.array(discount, { minLength: 1, maxLength: 2 })),
  fc.oneof(fc.constant({}), bounds('minimum', 'maximum')),
  optional('proration', fc.constantFrom('bounds', 'amounts', 'none')),
  optional('in', fc.constant('credits')),
)

const taken = merged(optional('included', decimalOf(3)), optional('usage_discount', usageDiscount))

const eachOf = fc.constantFrom({ window: 'hour' }, { group_by: ['country'] })

const metered = fc.constant({ meter: 'bytes' })

/** Prices of single events. */
export const eventPrices: fc.Arbitrary<Json> = merged(
  head,
  metered,
  eventModel.map((model) => ({ model })),
  optional('unit', unitOf(false)),
  optional('included', decimalOf(3)),
  limits,
)

/** Any price of one line, over other lines excepted. */
export const prices: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 6,
    arbitrary: merged(
      head,
      metered,
      anyTotalModel.map((model) => ({ model })),
      optional('unit', unitOf(true)),
      taken,
      optional('each', eachOf),
      limits,
    ),
  },
  {
    weight: 2,
    arbitrary: merged(
      head,
      metered,
      matrix.map((model) => ({ model })),
      optional('unit', unitOf(true)),
      limits,
    ),
  },
  { weight: 2, arbitrary: eventPrices },
  {
    weight: 1,
    arbitrary: merged(
      head,
      amounts.map((amount) => ({ model: { kind: 'flat', amount } })),
      limits,
    ),
  },
)

/** A price of a total without rounding of the quantity: cut into shares, it is homogeneous but for packages. */
export function sharedPrices(models: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return merged(
    head,
    metered,
    models.map((model) => ({ model })),
    optional('unit', unitOf(false)),
    taken,
    limits,
  )
}

/** Adds decimals as text, so that the whole is exactly its parts. */
export function addTexts(texts: readonly string[]): string {
  const scaled = texts.map((text) => {
    const [whole = '', digits = ''] = text.split('.')
    return BigInt(whole + digits.padEnd(18, '0'))
  })
  return decimalText(
    scaled.reduce((sum, one) => sum + one, 0n),
    18,
  )
}

/** Parts of a quantity: as windows, as groups by country, and as events, all with the same total. */
export const usages: fc.Arbitrary<SlowUsage> = fc
  .array(fc.tuple(quantities, fc.constantFrom(...countries, null)), { maxLength: 5 })
  .map((parts) => {
    const values = parts.map(([quantity]) => quantity)
    const groups = [...countries, null].flatMap((country) => {
      const inside = parts.filter(([, one]) => one === country).map(([quantity]) => quantity)
      return inside.length === 0 ? [] : [{ group: { country }, quantity: addTexts(inside) }]
    })
    return { quantity: addTexts(values), windows: values, groups, values }
  })
