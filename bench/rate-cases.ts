/**
 * What `rate.ts` rates: prices as a person writes them in a plan, read twice: by Crossfoot, and into numbers for the
 * plain loop. Quantities are drawn with a seed, log-evenly from small accounts to very large ones.
 */
import { exact, one } from '../src/core/exact.ts'
import type { Exact } from '../src/core/exact.ts'
import { hourMicros } from '../src/core/time.ts'
import type { Micros, Period } from '../src/core/time.ts'
import { parsePlan } from '../src/price/plan.ts'
import type { Price } from '../src/price/price.ts'
import type { PricedPart } from '../src/price/rate/rate-lines.ts'
import type { LineUsage } from '../src/price/rate/slice.ts'
import { commitmentFloat, prorateFloat, rateFloat, surchargeFloat } from './rate-floats.ts'
import type { FloatCell, FloatLine, FloatModel, FloatPrice, FloatTier, FloatUsage } from './rate-floats.ts'

/** A document of a price; the bench reads its own documents, so it knows what they hold. */
export interface PriceDocument {
  readonly key: string
  readonly name: string
  readonly meter?: string
  readonly unit?: { readonly name: string; readonly per: string; readonly rounding?: object }
  readonly included?: string
  readonly each?: object
  readonly model: ModelDocument
  readonly discounts?: readonly { readonly name: string; readonly percent: string }[]
  readonly maximum?: string
}

interface TierDocument {
  readonly up_to?: string
  readonly unit_amount?: string
  readonly percent?: string
  readonly flat_amount?: string
}

interface CellDocument {
  readonly when?: Readonly<Record<string, readonly string[]>>
  readonly included?: string
  readonly model: ModelDocument
}

interface ModelDocument {
  readonly kind: string
  readonly unit_amount?: string
  readonly amount?: string
  readonly size?: string
  readonly quantity?: string
  readonly overage_unit_amount?: string
  readonly package_amount?: string
  readonly percent?: string
  readonly tiers?: readonly TierDocument[]
  readonly dimensions?: readonly string[]
  readonly cells?: readonly CellDocument[]
  readonly default?: CellDocument
  readonly of?: 'all' | readonly string[]
}

/** What is rated at once: one price and its usage, or the prices of an invoice. */
export interface Case {
  readonly name: string
  readonly prices: readonly PriceDocument[]
  /** From and to how much, of each price's meter; 10^from to 10^to. */
  readonly magnitude: readonly [number, number]
  /** Windows or groups that a line is made of; absent: 1. */
  readonly partsPerLine?: number
}

const gigabyte = { name: 'GB', per: '1000000000' }
const hundredThousand = { name: '100k', per: '100000' }
const price = (model: ModelDocument, more: Partial<PriceDocument> = {}): PriceDocument => ({
  key: model.kind,
  name: model.kind,
  meter: 'bytes',
  unit: gigabyte,
  model,
  ...more,
})

const tiers = [
  { up_to: '100', unit_amount: '0.10' },
  { up_to: '1000', unit_amount: '0.085' },
  { up_to: '5000', unit_amount: '0.07' },
  { unit_amount: '0.05' },
]
const percentTiers = [{ up_to: '1000', percent: '2.9' }, { up_to: '10000', percent: '2.4' }, { percent: '1.9' }]
const countries = ['AT', 'AU', 'BR', 'CH', 'DE', 'ES', 'FR', 'GB', 'IN', 'IT', 'JP', 'KR', 'MX', 'NL', 'PL', 'US']
const cells = countries.slice(0, 9).map((country, index) => ({
  when: { country: [country] },
  included: '1',
  model: { kind: 'per_unit', unit_amount: `0.0${index + 1}5` },
}))

const bytes = [3, 13] as const
const matrix: ModelDocument = {
  kind: 'matrix',
  dimensions: ['country'],
  cells,
  default: { model: { kind: 'per_unit', unit_amount: '0.12' } },
}

/** One line each, except the commitment, which is over a line and so makes two. */
export const modelCases: readonly Case[] = [
  { name: 'per_unit', prices: [price({ kind: 'per_unit', unit_amount: '0.10' })], magnitude: bytes },
  {
    name: 'per_unit, allowance, discount, maximum',
    prices: [
      price(
        { kind: 'per_unit', unit_amount: '0.10' },
        { included: '5', discounts: [{ name: 'Loyal', percent: '12.5' }], maximum: '900000' },
      ),
    ],
    magnitude: bytes,
  },
  {
    name: 'per_unit, quantities of 10^20 to 10^30',
    prices: [price({ kind: 'per_unit', unit_amount: '0.10' })],
    magnitude: [20, 30],
  },
  { name: 'graduated', prices: [price({ kind: 'graduated', tiers })], magnitude: bytes },
  { name: 'volume', prices: [price({ kind: 'volume', tiers })], magnitude: bytes },
  { name: 'package', prices: [price({ kind: 'package', size: '10', package_amount: '0.95' })], magnitude: bytes },
  { name: 'percentage', prices: [price({ kind: 'percentage', percent: '2.9' })], magnitude: bytes },
  {
    name: 'graduated_percentage',
    prices: [price({ kind: 'graduated_percentage', tiers: percentTiers })],
    magnitude: bytes,
  },
  {
    name: 'committed',
    prices: [price({ kind: 'committed', quantity: '100', unit_amount: '0.08', overage_unit_amount: '0.10' })],
    magnitude: bytes,
  },
  {
    name: 'commitment: a line and its true-up',
    prices: [
      price({ kind: 'per_unit', unit_amount: '0.10' }),
      { key: 'commitment', name: 'Commitment', model: { kind: 'commitment', amount: '2000000', of: ['per_unit'] } },
    ],
    magnitude: bytes,
  },
  {
    name: 'flat',
    prices: [{ key: 'base', name: 'Base', model: { kind: 'flat', amount: '20' } }],
    magnitude: bytes,
  },
  { name: 'matrix of 10 cells, 16 groups', prices: [price(matrix)], magnitude: [3, 12], partsPerLine: 16 },
  {
    name: 'graduated, each of 31 days',
    prices: [price({ kind: 'graduated', tiers }, { each: { window: 'day' } })],
    magnitude: [3, 12],
    partsPerLine: 31,
  },
]

const hours = (key: string, unit_amount: string, included = '0'): PriceDocument => ({
  key,
  name: key,
  meter: 'hours',
  included,
  model: { kind: 'per_unit', unit_amount },
})

const loyal = [{ name: 'Loyal', percent: '10' }]
const unitTiers = [
  { up_to: '10', unit_amount: '0.10' },
  { up_to: '100', unit_amount: '0.075' },
  { up_to: '1000', unit_amount: '0.055' },
  { up_to: '10000', unit_amount: '0.035' },
  { unit_amount: '0.025' },
]

/** The 12 lines of an edge company's customer who pays as he goes. */
export const invoiceCase: Case = {
  name: 'invoice of 12 lines',
  prices: [
    { key: 'base', name: 'Base', model: { kind: 'flat', amount: '20' } },
    price({ kind: 'graduated', tiers }, { key: 'transfer', included: '5', discounts: loyal, maximum: '100000' }),
    price(
      { kind: 'graduated', tiers: [{ up_to: '1000', unit_amount: '1' }, { unit_amount: '0.80' }] },
      { key: 'requests', unit: hundredThousand, included: '1', discounts: loyal },
    ),
    price({ kind: 'per_unit', unit_amount: '2' }, { key: 'connections', unit: hundredThousand, included: '0.05' }),
    hours('endpoint_hours', '0.0125'),
    hours('region_pinning', '0.02'),
    hours('custom_domains', '0.01'),
    hours('tcp_addresses', '0.005', '744'),
    hours('certificates', '0.27'),
    price({ kind: 'graduated', tiers: unitTiers }, { key: 'policy_units', unit: hundredThousand }),
    price(
      { kind: 'per_unit', unit_amount: '0.25' },
      {
        key: 'log_events',
        unit: { name: '2000 events', per: '2000', rounding: { mode: 'up', decimals: 0 } },
        included: '5',
      },
    ),
    { key: 'compliance', name: 'Compliance', model: { kind: 'surcharge', percent: '50', of: 'all' } },
  ],
  magnitude: [2, 10],
}

/** The same with every amount raised: a price book as somebody thinks of changing it. */
export const raisedCase: Case = {
  ...invoiceCase,
  prices: invoiceCase.prices.map((document) => ({
    ...document,
    model: {
      ...document.model,
      ...(document.model.unit_amount === undefined ? {} : { unit_amount: raised(document.model.unit_amount) }),
      ...(document.model.tiers === undefined
        ? {}
        : { tiers: document.model.tiers.map((tier) => ({ ...tier, unit_amount: raised(tier.unit_amount ?? '0') })) }),
    },
  })),
}

/** By a few ten-thousandths, so that more decimals come into it. */
function raised(amount: string): string {
  return `${amount.includes('.') ? amount : `${amount}.`}${'0'.repeat(4 - (amount.split('.')[1] ?? '').length)}7`
}

/** Null: there is no such model, or not yet. */
export function pricesOf({ prices }: Case): readonly Price[] | null {
  const plan = parsePlan({
    key: 'bench',
    name: 'Bench',
    currency: 'USD',
    prices,
    effective_from: '2026-01-01T00:00:00Z',
  })
  if (plan.ok) return plan.value.terms.prices
  if (plan.error.some(({ message }) => message.startsWith('is one of '))) return null
  throw new Error(JSON.stringify(plan.error))
}

const month: Period = { from: 0 as Micros, to: (31 * 24 * hourMicros) as Micros }

/** A small generator with a seed, so that every run rates the same. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export interface DrawnUsage {
  readonly exact: LineUsage
  readonly float: FloatUsage
}

const day = 24 * hourMicros

function windowsOf(quantities: readonly number[]): LineUsage['windows'] {
  return quantities.map((quantity, index) => ({
    from: (index * day) as Micros,
    to: ((index + 1) * day) as Micros,
    quantity: exact(BigInt(quantity)),
  }))
}

export function drawUsage({ magnitude: [least, most], prices }: Case, random: () => number): DrawnUsage {
  const draw = (): number => Math.floor(10 ** (least + random() * (most - least)))
  const isMatrix = prices[0]?.model.kind === 'matrix'
  const windows = prices[0]?.each === undefined ? [] : Array.from({ length: 31 }, draw)
  const groups = isMatrix ? countries.map((country) => ({ group: { country }, quantity: draw() })) : []
  const parts = [...windows, ...groups.map(({ quantity }) => quantity)]
  const quantity = parts.length === 0 ? draw() : parts.reduce((total, part) => total + part, 0)
  return {
    exact: {
      quantity: exact(BigInt(quantity)),
      groups: groups.map((one) => ({ group: one.group, quantity: exact(BigInt(one.quantity)) })),
      windows: windowsOf(windows),
      values: null,
    },
    float: { quantity, groups, windows },
  }
}

/** One price of an invoice in all of the billing period, or in a share of it. */
export function partOf(rated: Price, usage: LineUsage, share: Exact): PricedPart {
  return { price: rated, part: month, share, additive: true, count: one, usage }
}

const numberOf = (text: string | undefined, absent = 0): number => (text === undefined ? absent : Number(text))

function floatTier({ up_to: upTo, unit_amount: unit, percent, flat_amount: flat }: TierDocument): FloatTier {
  return { upTo: numberOf(upTo, Infinity), unit: numberOf(unit ?? percent), flat: numberOf(flat) }
}

function floatModel(model: ModelDocument): FloatModel {
  const floatTiers = (model.tiers ?? []).map(floatTier)
  switch (model.kind) {
    case 'per_unit':
      return { kind: 'per_unit', unit: numberOf(model.unit_amount) }
    case 'flat':
      return { kind: 'flat', amount: numberOf(model.amount) }
    case 'graduated':
    case 'volume':
    case 'graduated_percentage':
      return { kind: model.kind, tiers: floatTiers }
    case 'package':
      return { kind: 'package', size: numberOf(model.size), amount: numberOf(model.package_amount) }
    case 'committed':
      return {
        kind: 'committed',
        committed: numberOf(model.quantity),
        unit: numberOf(model.unit_amount),
        overage: numberOf(model.overage_unit_amount),
      }
    case 'percentage':
      return { kind: 'percentage', percent: numberOf(model.percent), fixed: 0 }
    default:
      throw new Error(`${model.kind} is priced otherwise`)
  }
}

function floatCell({ included, model }: CellDocument): FloatCell {
  return { included: numberOf(included), model: floatModel(model) }
}

function floatPrice(document: PriceDocument): FloatPrice {
  const { key, name, meter = null, unit, included, each, discounts = [], maximum, model } = document
  const otherwise = model.default === undefined ? null : floatCell(model.default)
  return {
    key,
    name,
    meter,
    unit: { name: unit?.name ?? 'units', per: numberOf(unit?.per, 1), roundUp: unit?.rounding !== undefined },
    included: otherwise?.included ?? numberOf(included),
    model: otherwise?.model ?? floatModel(model),
    cells: (model.cells ?? []).map(floatCell),
    cellOf: new Map(
      (model.cells ?? []).flatMap(({ when }, index) => (when?.['country'] ?? []).map((one) => [one, index])),
    ),
    eachWindow: each !== undefined,
    discounts: discounts.map(({ percent }) => Number(percent)),
    maximum: numberOf(maximum, Infinity),
  }
}

/** Rates in floating point what `usages` used of the prices, in their order. */
export type FloatRating = (usages: readonly DrawnUsage[]) => FloatLine[]

/** Prices over lines are over all lines here, and stand last. */
export function floatRating({ prices }: Case, share = 1): FloatRating {
  const over = prices.findLast(({ model }) => model.of !== undefined)?.model
  const measured = prices.filter(({ model }) => model.of === undefined).map(floatPrice)
  const overLines =
    over === undefined
      ? null
      : over.kind === 'surcharge'
        ? (lines: FloatLine[]) => surchargeFloat(lines, numberOf(over.percent))
        : (lines: FloatLine[]) => commitmentFloat(lines, numberOf(over.amount))
  const none: FloatUsage = { quantity: 1, groups: [], windows: [] }
  return (usages) => {
    const lines: FloatLine[] = []
    for (const [index, whole] of measured.entries()) {
      const floats = share === 1 ? whole : prorateFloat(whole, share)
      lines.push(rateFloat(floats, floats.meter === null ? none : (usages[index]?.float ?? none)))
    }
    if (overLines !== null) lines.push(overLines(lines))
    return lines
  }
}
