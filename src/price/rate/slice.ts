import { add, formatExact, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { formatInstant } from '../../core/time.ts'
import type { Period } from '../../core/time.ts'
import { takeAllowance, takeUsageDiscount } from './discount.ts'
import type { UsageDiscount } from './discount.ts'
import { cellOf } from '../model/matrix.ts'
import type { Cell, CellPrice, Matrix } from '../model/matrix.ts'
import { charge } from '../model/model.ts'
import type { UnitModel } from '../model/model.ts'
import { isUnitModel } from '../price-model.ts'
import type { Price } from '../price.ts'
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

const none: readonly never[] = []

export function usageOf(quantity: Exact): LineUsage {
  return { quantity, groups: none, windows: none, values: null }
}

/** What is priced as one: the whole of a line, or a window, group or cell of it. */
interface Slice {
  readonly of: Cell | WindowQuantity | GroupQuantity | 'whole' | 'all others'
  readonly quantity: Exact
  readonly values: readonly Exact[] | null
  readonly included: Exact
  readonly usageDiscount: UsageDiscount | null
  readonly model: UnitModel
}

function windowName({ from, to }: Period): string {
  return `${formatInstant(from)} to ${formatInstant(to)}`
}

function groupName(group: GroupQuantity['group']): string {
  return Object.entries(group)
    .map(([dimension, value]) => `${dimension} ${value ?? 'not known'}`)
    .join(', ')
}

export function cellName({ when }: Cell): string {
  return when.map(({ dimension, values }) => `${dimension} ${values.join(' or ')}`).join(', ')
}

function nameOf(of: Slice['of']): string {
  if (typeof of === 'string') return of
  if ('when' in of) return cellName(of)
  return 'from' in of ? windowName(of) : groupName(of.group)
}

function matrixSlices(matrix: Matrix, groups: readonly GroupQuantity[]): readonly Slice[] {
  const quantities = new Map<number | null, Exact>()
  for (const { group, quantity } of groups) {
    const cell = cellOf(matrix, group)
    quantities.set(cell, add(quantities.get(cell) ?? zero, quantity))
  }
  const sliceOf = (of: Cell | 'all others', quantity: Exact | undefined, { included, model }: CellPrice): Slice => ({
    of,
    quantity: quantity ?? zero,
    values: null,
    included,
    usageDiscount: null,
    model,
  })
  const slices = matrix.cells.map((cell, index) => sliceOf(cell, quantities.get(index), cell.price))
  slices.push(sliceOf('all others', quantities.get(null), matrix.otherwise))
  return slices
}

/** How a line is cut into what is priced as one. Surcharges and commitments have no slices. */
export function slicesOf(price: Price, usage: LineUsage): readonly Slice[] {
  const { model, each, included, usageDiscount } = price
  if (model.kind === 'matrix') return matrixSlices(model, usage.groups)
  if (!isUnitModel(model)) return []
  if (each === null)
    return [{ of: 'whole', quantity: usage.quantity, values: usage.values, included, usageDiscount, model }]
  const parts = each.kind === 'window' ? usage.windows : usage.groups
  return parts.map((of) => ({ of, quantity: of.quantity, values: null, included, usageDiscount, model }))
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
  const { amount, unitAmount } = charge(slice.model, { quantity: billable, unit: unit.name, money, values }, trace)
  return { amount, unitAmount, billable }
}

/** Where the quantity comes from, when the windows that make it up are at hand. */
function quantityStep({ quantity, windows }: LineUsage): TraceStep {
  const parts = windows.map((window) => {
    const formula = formatExact(window.quantity)
    return [traceStep({ step: 'part', about: windowName(window), formula, unit: 'measured' }, window.quantity)]
  })
  const formula = sumFormula(windows.map((window) => window.quantity))
  return traceStep({ step: 'quantity', about: 'measured', formula, unit: 'measured', parts }, quantity)
}

/** Prices each slice as if it was alone and adds the amounts; a line that is not cut is one slice. */
export function chargeSlices(price: Price, slices: readonly Slice[], context: SliceContext): ChargedSlices {
  const { trace, usage, additive, money } = context
  const [whole] = slices
  if (whole?.of === 'whole') {
    if (trace !== null && additive && usage.windows.length > 0) trace.push(quantityStep(usage))
    return chargeSlice(price, whole, context, trace)
  }
  const parts: TraceStep[][] = []
  const amounts: Exact[] = []
  let billable = zero
  for (const slice of slices) {
    const part = trace === null ? null : [partStep(slice)]
    if (part !== null) parts.push(part)
    const charged = chargeSlice(price, slice, context, part)
    amounts.push(charged.amount)
    billable = add(billable, charged.billable)
  }
  const amount = sum(amounts)
  if (trace !== null) {
    const about = slices.length === 0 ? 'nothing used' : 'all parts together'
    const formula = sumFormula(amounts)
    trace.push(traceStep({ step: 'add_up', about, formula, unit: money, parts }, amount))
  }
  return { amount, unitAmount: null, billable }
}

function partStep({ of, quantity }: Slice): TraceStep {
  return traceStep({ step: 'cell', about: nameOf(of), formula: formatExact(quantity), unit: 'measured' }, quantity)
}
