/**
 * What a period will come to if its remaining days are like the days before: a pure function of whole days. An
 * estimate, never part of a total. Exact up to the square root, which is rounded up; no floating point (L4).
 */
import {
  add,
  compare,
  decimalsOf,
  divide,
  exact,
  larger,
  multiply,
  roundToInteger,
  subtract,
  sum,
  zero,
} from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { assert } from '../core/result.ts'

export const limits = {
  /** Days that are looked back on: four whole weeks. */
  daysMax: 28,
  /** From two whole weeks on each weekday is a kind of its own. */
  weekdayDaysMin: 14,
  digits: 18,
} as const

/** A whole day that is over: what was counted in it. Monday is 1. */
export interface PastDay {
  readonly weekday: number
  readonly quantity: Exact
}

/** What is left of a day: 1 for a whole one. */
export interface ComingDay {
  readonly weekday: number
  readonly share: Exact
}

export interface ForecastQuestion {
  /** Counted in the period so far. */
  readonly counted: Exact
  /** Whole days before now, the oldest first. */
  readonly past: readonly PastDay[]
  readonly coming: readonly ComingDay[]
}

export interface Forecast {
  readonly estimate: Exact
  /** Null: one day says nothing about how days differ. */
  readonly interval: { readonly low: Exact; readonly high: Exact } | null
  readonly method: string
  readonly days: number
}

/** The smallest whole number whose square is not smaller. */
export function rootUp(value: bigint): bigint {
  assert(value >= 0n, 'a variance is not negative')
  if (value < 2n) return value
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) break
    root = next
  }
  return root * root === value ? root : root + 1n
}

/** The square root, rounded up to so many decimals: an interval is rather too wide than too narrow. */
function squareRoot(value: Exact, digits: number): Exact {
  const scale = 10n ** BigInt(digits)
  // Rounded half away from zero, and one more, is never below the value.
  const scaled = compare(value, zero) === 0 ? 0n : roundToInteger(value, 2 * digits) + 1n
  return divide(exact(rootUp(scaled)), exact(scale))
}

function count(number: number): Exact {
  return exact(BigInt(number))
}

function mean(values: readonly Exact[]): Exact {
  return divide(sum(values), count(values.length))
}

/** Days that are expected to be alike. */
interface Kind {
  readonly past: readonly Exact[]
  /** How many such days are left, with the parts of days. */
  readonly left: Exact
  readonly parts: readonly Exact[]
}

function kindsOf({ past, coming }: ForecastQuestion): readonly Kind[] {
  const names = past.length < limits.weekdayDaysMin ? [null] : [1, 2, 3, 4, 5, 6, 7]
  return names.map((name) => {
    const parts = coming.filter(({ weekday }) => name === null || weekday === name).map(({ share }) => share)
    return {
      past: past.filter(({ weekday }) => name === null || weekday === name).map(({ quantity }) => quantity),
      left: sum(parts),
      parts,
    }
  })
}

const square = (value: Exact): Exact => multiply(value, value)

/** How far single days lie from their kind's mean, squared; null: no day more than kinds. */
function varianceOf(kinds: readonly Kind[], days: number): Exact | null {
  if (days <= kinds.length) return null
  const squares = kinds.flatMap(({ past }) => {
    const middle = mean(past)
    return past.map((quantity) => square(subtract(quantity, middle)))
  })
  return divide(sum(squares), count(days - kinds.length))
}

/** Two standard deviations of what is to come: of the days themselves, and of not knowing their mean exactly. */
function spreadOf(kinds: readonly Kind[], variance: Exact): Exact {
  const factors = kinds.map(({ past, left, parts }) =>
    add(sum(parts.map(square)), divide(square(left), count(past.length))),
  )
  return multiply(exact(2n), squareRoot(multiply(variance, sum(factors)), limits.digits))
}

/** From the first day with anything on: an account that began last week had no traffic before, which says nothing. */
function recent(past: readonly PastDay[]): readonly PastDay[] {
  const begun = past.findIndex(({ quantity }) => compare(quantity, zero) !== 0)
  return begun < 0 ? past.slice(-limits.daysMax) : past.slice(begun).slice(-limits.daysMax)
}

function wordsOf(days: number, isByWeekday: boolean): string {
  const spoken = days === 1 ? 'one whole day' : `${days} whole days`
  const basis = isByWeekday ? `the mean of each weekday in the last ${spoken}` : `the mean of the last ${spoken}`
  return `what is counted so far, plus ${basis} for what is left of the period${days === 1 ? '' : '; low and high are two standard deviations away'}`
}

/** Null: there is no whole day yet to go by. */
export function forecastOf(question: ForecastQuestion): Forecast | null {
  const past = recent(question.past)
  if (past.length === 0) return null
  const kinds = kindsOf({ ...question, past })
  const coming = sum(kinds.map((kind) => multiply(mean(kind.past), kind.left)))
  const estimate = add(question.counted, coming)
  const variance = varianceOf(kinds, past.length)
  const method = wordsOf(past.length, kinds.length > 1)
  if (variance === null) return { estimate, interval: null, method, days: past.length }
  const spread = spreadOf(kinds, variance)
  const lowest = subtract(estimate, spread)
  // What never shrank will not be less than it is.
  const low = past.every(({ quantity }) => compare(quantity, zero) >= 0) ? larger(lowest, question.counted) : lowest
  return { estimate, interval: { low, high: add(estimate, spread) }, method, days: past.length }
}

/** Decimals of an estimate: as many as the days have that it is made of. */
export function digitsOf(past: readonly PastDay[]): number {
  return past.reduce(
    (most, { quantity }) => Math.max(most, Math.min(decimalsOf(quantity) ?? limits.digits, limits.digits)),
    0,
  )
}
