import {
  ceilingToInteger,
  compare,
  divide,
  exactOf,
  floorToInteger,
  formatExact,
  one,
  roundToInteger,
} from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { numberWords, quantityWords } from './number-words.ts'
import { at, expectFields, isAbsent, readChoice, readCount, readDecimal, readText } from '../place.ts'
import type { Place } from '../place.ts'
import { counted, operand, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'

export const roundingModes = ['up', 'down', 'half_away'] as const
export type RoundingMode = (typeof roundingModes)[number]

/** How a quantity is rounded before it is priced, to this many decimals of the priced unit. */
export interface QuantityRounding {
  readonly mode: RoundingMode
  /** 0 to 18. */
  readonly decimals: number
}

/** What is priced: `per` units of the meter make one (1 GB is 1000000000 bytes). */
export interface PricedUnit {
  readonly name: string
  readonly per: Exact
  /** Null: parts of a unit are priced as parts. */
  readonly rounding: QuantityRounding | null
}

export const flatUnit: PricedUnit = { name: 'billing period', per: one, rounding: null }
const meterUnit: PricedUnit = { name: 'units', per: one, rounding: null }

function readRounding(place: Place): QuantityRounding | null {
  if (isAbsent(place)) return null
  expectFields(place, ['mode', 'decimals'])
  const decimals = at(place, 'decimals')
  return {
    mode: readChoice(at(place, 'mode'), roundingModes, null),
    decimals: isAbsent(decimals) ? 0 : readCount(decimals, { least: 0, most: 18 }),
  }
}

export function readUnit(place: Place): PricedUnit {
  if (isAbsent(place)) return meterUnit
  if (!expectFields(place, ['name', 'per', 'rounding'])) return meterUnit
  return {
    name: readText(at(place, 'name'), 'names the priced unit, such as "GB"'),
    per: readDecimal(at(place, 'per'), { decimalsMax: 18, positive: true }),
    rounding: readRounding(at(place, 'rounding')),
  }
}

export function unitJson({ name, per, rounding }: PricedUnit): object {
  return { name, per: formatExact(per), ...(rounding === null ? {} : { rounding }) }
}

/** The quantity, rounded; exact afterwards as well. */
export function roundQuantity(quantity: Exact, { mode, decimals }: QuantityRounding): Exact {
  switch (mode) {
    case 'up':
      return exactOf(ceilingToInteger(quantity, decimals), decimals)
    case 'down':
      return exactOf(floorToInteger(quantity, decimals), decimals)
    case 'half_away':
      return exactOf(roundToInteger(quantity, decimals), decimals)
    default:
      return unreachable(mode)
  }
}

const roundingWords: Readonly<Record<RoundingMode, string>> = {
  up: 'rounded up',
  down: 'rounded down',
  half_away: 'rounded, half away from zero,',
}

function roundingAbout({ mode, decimals }: QuantityRounding): string {
  const to = decimals === 0 ? 'to a whole number' : `to ${decimals} ${decimals === 1 ? 'decimal' : 'decimals'}`
  return `${roundingWords[mode]} ${to}`
}

function roundingFormula(quantity: Exact, { mode, decimals }: QuantityRounding): string {
  if (mode === 'half_away') return `round(${operand(quantity)}, ${decimals})`
  const name = mode === 'up' ? 'ceil' : 'floor'
  if (decimals === 0) return `${name}(${operand(quantity)})`
  const power = `1${'0'.repeat(decimals)}`
  return `${name}(${operand(quantity)} * ${power}) / ${power}`
}

function convertStep({ name, per }: PricedUnit, quantity: Exact, converted: Exact): TraceStep {
  const about = `${numberWords(quantity)} measured, of which ${numberWords(per)} make ${counted('1', name)}`
  const formula = `${operand(quantity)} / ${operand(per)}`
  return traceStep({ step: 'convert', about, formula, unit: name }, converted)
}

function roundStep(unit: string, rounding: QuantityRounding, quantity: Exact): TraceStep {
  const about = `${quantityWords(quantity, unit)} ${roundingAbout(rounding)}`
  const formula = roundingFormula(quantity, rounding)
  return traceStep({ step: 'round_quantity', about, formula, unit }, roundQuantity(quantity, rounding))
}

/** Quantity → unit conversion and quantity rounding (DESIGN §9): the measured quantity in priced units. */
export function convertQuantity(unit: PricedUnit, quantity: Exact, trace: Trace): Exact {
  const { name, per, rounding } = unit
  const isOne = compare(per, one) === 0
  const converted = isOne ? quantity : divide(quantity, per)
  if (!isOne) trace?.push(convertStep(unit, quantity, converted))
  if (rounding === null) return converted
  trace?.push(roundStep(name, rounding, converted))
  return roundQuantity(converted, rounding)
}
