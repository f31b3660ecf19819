import { add, formatExact, sum, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { formatInstant } from '../core/time.ts'
import type { Period } from '../core/time.ts'
import { takeAllowance, takeUsageDiscount } from './discount.ts'
import type { UsageDiscount } from './discount.ts'
import { cellOf } from './model/matrix.ts'
import type { Cell, Matrix } from './model/matrix.ts'
import { charge } from './model/model.ts'
import type { UnitModel } from './model/model.ts'
import { isUnitModel } from './price-model.ts'
import type { Price } from './price.ts'
import { sumFormula, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'
import { convertQuantity } from './unit.ts'

/** Quantities in the meter's unit. */
export interface GroupQuantity {
  readonly group: Readonly<Record<string, string | null>>
  readonly quantity: Exact
}

export interface WindowQuantity extends Period {
  readonly quantity: Exact
}

/** What was used of a price's meter, in the meter's unit, in a billing period or a part of it. */
export interface LineUsage {
  /** Of the whole; 1 (or how many of it) for a flat price. */
  readonly quantity: Exact
  /** By the dimensions of a matrix or of `each`; empty where the price does not ask for groups. */
  readonly groups: readonly GroupQuantity[]
  /** The windows that `each` asks for, or any that explain where the quantity comes from. */
  readonly windows: readonly WindowQuantity[]
  /** The values of the single events, for models that look at each; null where they are not known. */
  readonly values: readonly Exact[] | null
}

export function usageOf(quantity: Exact): LineUsage {
  return { quantity, groups: [], windows: [], values: null }
}

/** What is priced as one: the whole of a line, or a window, group or cell of it. */
interface Slice {
  /** Null for the whole. */
  readonly name: string | null
  readonly quantity: Exact
  readonly values: readonly Exact[] | null
  readonly included: Exact
  readonly usageDiscount: UsageDiscount | null
  readonly model: UnitModel
}

function groupName(group: GroupQuantity['group']): string {
  return Object.entries(group)
    .map(([dimension, value]) => `${dimension} ${value ?? 'not known'}`)
    .join(', ')
}

function cellName({ when }: Cell): string {
  return when.map(({ dimension, values }) => `${dimension} ${values.join(' or ')}`).join(', ')
}

function matrixSlices(matrix: Matrix, groups: readonly GroupQuantity[]): readonly Slice[] {
  const quantities = new Map<number | null, Exact>()
  for (const { group, quantity } of groups) {
    const cell = cellOf(matrix, group)
    quantities.set(cell, add(quantities.get(cell) ?? zero, quantity))
  }
  const slices = matrix.cells.map((cell, index) => ({
    name: cellName(cell),
    quantity: quantities.get(index) ?? zero,
    ...cell.price,
  }))
  const otherwise = { name: 'all others', quantity: quantities.get(null) ?? zero, ...matrix.otherwise }
  return [...slices, otherwise].map((slice) => ({ ...slice, values: null, usageDiscount: null }))
}

/** How a line is cut into what is priced as one. Surcharges and commitments have no slices. */
export function slicesOf(price: Price, usage: LineUsage): readonly Slice[] {
  const { model, each, included, usageDiscount } = price
  if (model.kind === 'matrix') return matrixSlices(model, usage.groups)
  if (!isUnitModel(model)) return []
  const terms = { included, usageDiscount, model }
  if (each === null) return [{ name: null, quantity: usage.quantity, values: usage.values, ...terms }]
  const parts =
    each.kind === 'window'
      ? usage.windows.map((one) => ({ name: `${formatInstant(one.from)} to ${formatInstant(one.to)}`, ...one }))
      : usage.groups.map((one) => ({ name: groupName(one.group), ...one }))
  return parts.map(({ name, quantity }) => ({ name, quantity, values: null, ...terms }))
}

interface SliceContext {
  readonly money: string
  readonly additive: boolean
  readonly usage: LineUsage
  readonly trace: Trace
}

export interface ChargedSlices {
  readonly amount: Exact
  readonly unitAmount: Exact | null
  /** In priced units, after allowances. */
  readonly billable: Exact
}

/** Quantity → conversion and rounding → allowance and usage discount → model. */
function chargeSlice(price: Price, slice: Slice, { money }: SliceContext, trace: Trace): ChargedSlices {
  const { unit } = price
  const context = { unit: unit.name, trace }
  const converted = convertQuantity(unit, slice.quantity, trace)
  const beyond = takeAllowance(slice.included, converted, context)
  const billable = slice.usageDiscount === null ? beyond : takeUsageDiscount(slice.usageDiscount, beyond, context)
  const values = slice.values?.map((value) => convertQuantity(unit, value, null)) ?? null
  return { ...charge(slice.model, { quantity: billable, unit: unit.name, money, values }, trace), billable }
}

/** Where the quantity comes from, when the windows that make it up are at hand. */
function quantityStep({ quantity, windows }: LineUsage): TraceStep {
  const parts = windows.map((window) => {
    const about = `${formatInstant(window.from)} to ${formatInstant(window.to)}`
    const formula = formatExact(window.quantity)
    return [traceStep({ step: 'part', about, formula, unit: 'measured' }, window.quantity)]
  })
  const formula = sumFormula(windows.map((window) => window.quantity))
  return traceStep({ step: 'quantity', about: 'measured', formula, unit: 'measured', parts }, quantity)
}

/** Prices each slice as if it was alone and adds the amounts; a line that is not cut is one slice. */
export function chargeSlices(price: Price, slices: readonly Slice[], context: SliceContext): ChargedSlices {
  const { trace, usage, additive, money } = context
  const [whole] = slices
  if (whole !== undefined && whole.name === null) {
    if (trace !== null && additive && usage.windows.length > 0) trace.push(quantityStep(usage))
    return chargeSlice(price, whole, context, trace)
  }
  const parts: TraceStep[][] | null = trace === null ? null : []
  const charged = slices.map((slice) => {
    const part: TraceStep[] | null = parts === null ? null : [partStep(slice)]
    if (part !== null) parts?.push(part)
    return chargeSlice(price, slice, context, part)
  })
  const amounts = charged.map(({ amount }) => amount)
  const amount = sum(amounts)
  const about = slices.length === 0 ? 'nothing used' : 'all parts together'
  trace?.push(
    traceStep({ step: 'add_up', about, formula: sumFormula(amounts), unit: money, parts: parts ?? [] }, amount),
  )
  return { amount, unitAmount: null, billable: sum(charged.map(({ billable }) => billable)) }
}

function partStep({ name, quantity }: Slice): TraceStep {
  return traceStep({ step: 'cell', about: name ?? 'all', formula: formatExact(quantity), unit: 'measured' }, quantity)
}
