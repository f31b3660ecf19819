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
  readonly when: ReadonlyMap<string, ReadonlySet<string>>
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
  /** Besides the model: cells of a matrix (then `model` is the default cell's), or each window for itself. */
  readonly cells: readonly FloatCell[] | null
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

function tiered(tiers: readonly FloatTier[], quantity: number, percent: boolean): number {
  let [amount, from] = [0, 0]
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

interface Summed {
  amount: number
  billable: number
}

function addPart(sum: Summed, model: FloatModel, billable: number): void {
  sum.amount += charge(model, billable)
  sum.billable += billable
}

function cellOf(cells: readonly FloatCell[], group: Readonly<Record<string, string>>): number {
  for (const [index, { when }] of cells.entries()) {
    let found = true
    for (const [dimension, values] of when) if (!values.has(group[dimension] ?? '')) found = false
    if (found) return index
  }
  return cells.length
}

function matrix(price: FloatPrice, cells: readonly FloatCell[], usage: FloatUsage): Summed {
  const quantities = Array.from({ length: cells.length + 1 }, () => 0)
  for (const { group, quantity } of usage.groups) {
    const cell = cellOf(cells, group)
    quantities[cell] = (quantities[cell] ?? 0) + quantity
  }
  const sum = { amount: 0, billable: 0 }
  quantities.forEach((quantity, index) => {
    const { included, model } = cells[index] ?? price
    addPart(sum, model, Math.max(converted(price.unit, quantity) - included, 0))
  })
  return sum
}

function charged(price: FloatPrice, usage: FloatUsage): Summed {
  if (price.cells !== null) return matrix(price, price.cells, usage)
  const sum = { amount: 0, billable: 0 }
  for (const quantity of price.eachWindow ? usage.windows : [usage.quantity])
    addPart(sum, price.model, Math.max(converted(price.unit, quantity) - price.included, 0))
  return sum
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
    trace: [],
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
    trace: [],
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
