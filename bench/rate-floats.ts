/**
 * The yardstick of `rate.ts`: the same prices, rated in floating point by a plain loop that knows no exactness, no trace
 * and no laws. It does the same arithmetic in the same order and hands back an object with the same fields. It is wrong
 * by a cent now and then, which is why Crossfoot does not do this.
 */

export interface FloatTier {
  readonly upTo: number
  readonly unit: number
  readonly flat: number
}

export type FloatModel =
  | { readonly kind: 'per_unit'; readonly unit: number }
  | { readonly kind: 'flat'; readonly amount: number }
  | { readonly kind: 'graduated' | 'volume'; readonly tiers: readonly FloatTier[] }
  | { readonly kind: 'package'; readonly size: number; readonly amount: number }
  | { readonly kind: 'committed'; readonly committed: number; readonly unit: number; readonly overage: number }
  | { readonly kind: 'percentage'; readonly percent: number; readonly fixed: number }
  | { readonly kind: 'graduated_percentage'; readonly tiers: readonly FloatTier[] }

export interface FloatCell {
  readonly included: number
  readonly model: FloatModel
}

export interface FloatPrice {
  readonly key: string
  readonly name: string
  readonly meter: string | null
  readonly unit: { readonly name: string; readonly per: number; readonly roundUp: boolean }
  readonly included: number
  readonly model: FloatModel
  /** Of a matrix over countries; then `model` is the default cell's. */
  readonly cells: readonly FloatCell[]
  readonly cellOf: ReadonlyMap<string, number>
  readonly eachWindow: boolean
  /** Percent off the line. */
  readonly discounts: readonly number[]
  readonly maximum: number
}

export interface FloatUsage {
  readonly quantity: number
  readonly groups: readonly { readonly group: Readonly<Record<string, string>>; readonly quantity: number }[]
  readonly windows: readonly number[]
}

export interface FloatLine {
  readonly price: string
  readonly kind: 'fee' | 'usage' | 'surcharge' | 'true_up'
  readonly description: string
  readonly meter: string | null
  readonly quantity: number
  readonly unit: string
  readonly billableQuantity: number
  readonly unitAmount: number | null
  readonly exactAmount: number
  readonly amount: number
  readonly trace: readonly never[]
}

const none: readonly never[] = []

function tiered(tiers: readonly FloatTier[], quantity: number, percent: boolean): number {
  let amount = 0
  let from = 0
  for (const { upTo, unit, flat } of tiers) {
    if (quantity <= from) break
    const inside = Math.min(quantity, upTo) - from
    amount += (percent ? (inside * unit) / 100 : inside * unit) + flat
    from = upTo
  }
  return amount
}

function volume(tiers: readonly FloatTier[], quantity: number): number {
  for (const { upTo, unit, flat } of tiers) if (quantity <= upTo) return quantity * unit + flat
  return 0
}

function charge(model: FloatModel, quantity: number): number {
  switch (model.kind) {
    case 'per_unit':
      return quantity * model.unit
    case 'flat':
      return model.amount
    case 'graduated':
      return tiered(model.tiers, quantity, false)
    case 'volume':
      return volume(model.tiers, quantity)
    case 'package':
      return Math.ceil(quantity / model.size) * model.amount
    case 'committed':
      return model.committed * model.unit + Math.max(quantity - model.committed, 0) * model.overage
    case 'percentage':
      return (quantity * model.percent) / 100 + model.fixed
    default:
      return tiered(model.tiers, quantity, true)
  }
}

function converted({ per, roundUp }: FloatPrice['unit'], quantity: number): number {
  const units = quantity / per
  return roundUp ? Math.ceil(units) : units
}

interface Charged {
  readonly amount: number
  readonly billable: number
}

function matrix({ unit, cells, cellOf, included, model }: FloatPrice, usage: FloatUsage): Charged {
  const quantities = new Float64Array(cells.length + 1)
  for (const { group, quantity } of usage.groups) {
    const cell = cellOf.get(group['country'] ?? '') ?? cells.length
    quantities[cell] = (quantities[cell] ?? 0) + quantity
  }
  let amount = 0
  let billable = 0
  for (let index = 0; index <= cells.length; index += 1) {
    const cell = cells[index]
    const left = Math.max(converted(unit, quantities[index] ?? 0) - (cell?.included ?? included), 0)
    amount += charge(cell?.model ?? model, left)
    billable += left
  }
  return { amount, billable }
}

function charged(price: FloatPrice, usage: FloatUsage): Charged {
  const { unit, cells, included, model } = price
  if (cells.length > 0) return matrix(price, usage)
  if (!price.eachWindow) {
    const billable = Math.max(converted(unit, usage.quantity) - included, 0)
    return { amount: charge(model, billable), billable }
  }
  let amount = 0
  let billable = 0
  for (const quantity of usage.windows) {
    const left = Math.max(converted(unit, quantity) - included, 0)
    amount += charge(model, left)
    billable += left
  }
  return { amount, billable }
}

/** Half away from zero to cents, as floating point has it. */
function cents(amount: number): number {
  return Math.sign(amount) * Math.round(Math.abs(amount) * 100)
}

/** The price for a share of the billing period. */
export function prorateFloat(price: FloatPrice, share: number): FloatPrice {
  const { model } = price
  const included = price.included * share
  const maximum = price.maximum * share
  if (model.kind === 'flat')
    return { ...price, included, maximum, model: { kind: 'flat', amount: model.amount * share } }
  if (!('tiers' in model)) return { ...price, included, maximum }
  const tiers = model.tiers.map(({ upTo, unit, flat }) => ({ upTo: upTo * share, unit, flat: flat * share }))
  return { ...price, included, maximum, model: { ...model, tiers } }
}

export function rateFloat(price: FloatPrice, usage: FloatUsage): FloatLine {
  const { amount, billable } = charged(price, usage)
  let left = amount
  for (const percent of price.discounts) left = (left * (100 - percent)) / 100
  left = Math.min(left, price.maximum)
  const { model } = price
  return {
    price: price.key,
    kind: model.kind === 'flat' ? 'fee' : 'usage',
    description: price.name,
    meter: price.meter,
    quantity: usage.quantity,
    unit: price.unit.name,
    billableQuantity: billable,
    unitAmount: model.kind === 'per_unit' ? model.unit : null,
    exactAmount: left,
    amount: cents(left),
    trace: none,
  }
}

interface OverLines {
  readonly kind: 'surcharge' | 'true_up'
  readonly quantity: number
  readonly unitAmount: number
  readonly amount: number
}

function overLines({ kind, quantity, unitAmount, amount }: OverLines): FloatLine {
  return {
    price: kind,
    kind,
    description: kind,
    meter: null,
    quantity,
    unit: 'USD',
    billableQuantity: quantity,
    unitAmount,
    exactAmount: amount,
    amount: cents(amount),
    trace: none,
  }
}

function totalOf(lines: readonly FloatLine[]): number {
  let total = 0
  for (const { amount } of lines) total += amount / 100
  return total
}

/** A percentage of the lines before it. */
export function surchargeFloat(lines: readonly FloatLine[], percent: number): FloatLine {
  const total = totalOf(lines)
  return overLines({ kind: 'surcharge', quantity: total, unitAmount: percent / 100, amount: (total * percent) / 100 })
}

/** What the lines before it miss of what was committed. */
export function commitmentFloat(lines: readonly FloatLine[], committed: number): FloatLine {
  const missing = Math.max(committed - totalOf(lines), 0)
  return overLines({ kind: 'true_up', quantity: 1, unitAmount: missing, amount: missing })
}
