import type { Currency } from '../core/money.ts'

/** Fields of a price book that hold an amount of money, and so have one value for each currency. */
const amountFields: ReadonlySet<string> = new Set([
  'amount',
  'unit_amount',
  'flat_amount',
  'package_amount',
  'overage_unit_amount',
  'event_amount',
  'minimum_each',
  'maximum_each',
  'maximum',
  'minimum',
  'rate',
])

/** Names the dimensions of a cell, which may be called as an amount is; there is no amount in it. */
const whenField = 'when'

export type JsonIn = readonly (readonly [Currency, unknown])[]

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Prices in a pricing unit are the same in all currencies; only what one of the unit is worth differs. */
function inPricingUnit(value: unknown): boolean {
  return isFields(value) && value['in'] !== undefined
}

/**
 * The same document read in several currencies, as one: amounts side by side (`{ "USD": "0.10", "EUR": "0.09" }`),
 * everything else as it is in all of them.
 */
export function sideBySide(documents: JsonIn): unknown {
  const [first] = documents
  if (first === undefined || documents.length === 1) return first?.[1]
  const [, sample] = first
  if (inPricingUnit(sample)) return sample
  if (Array.isArray(sample))
    return sample.map((_, index) =>
      sideBySide(documents.map(([currency, list]) => [currency, Array.isArray(list) ? list[index] : undefined])),
    )
  if (!isFields(sample)) return sample
  return Object.fromEntries(
    Object.keys(sample).map((name) => {
      if (name === whenField) return [name, sample[name]]
      const values = documents.map(
        ([currency, fields]) => [currency, isFields(fields) ? fields[name] : undefined] as const,
      )
      const isAmount = amountFields.has(name) && typeof sample[name] === 'string'
      return [name, isAmount ? Object.fromEntries(values) : sideBySide(values)]
    }),
  )
}
