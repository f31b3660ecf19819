import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exact, formatExact, formatScaled, roundToInteger } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import { parseMoment } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'

/** Cases from the test suites of other billing systems: inputs, and the numbers that these systems expect. */
export const oracleFolder = join(import.meta.dirname, '../../../shared/oracle')
export const isOracleThere = existsSync(oracleFolder)

export type Json = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any -- ten foreign formats

export interface OracleCase {
  readonly id: string
  readonly kind: string
  readonly input: Json
  readonly expected: Json
}

/** What our code gives for a case in our words, and what the case expects. */
export interface Outcome {
  readonly actual: unknown
  readonly expected: unknown
}

/** For each kind of case of a file: how it is said in our words, and run. */
export type Translations = Readonly<Record<string, (oracleCase: OracleCase) => Outcome>>

export const oracleFiles = [
  'autumn_tiers',
  'bandwidth_percentile_definitions',
  'flexprice_dates_proration_rounding',
  'flexprice_prices_discounts_credits',
  'killbill',
  'lago',
  'meteroid_periods_proration',
  'openmeter_credits_and_usage',
  'openmeter_rating',
  'polar',
] as const
export type OracleFile = (typeof oracleFiles)[number]

export function casesOf(file: OracleFile): readonly OracleCase[] {
  const text = readFileSync(join(oracleFolder, `${file}.json`), 'utf8')
  return (JSON.parse(text) as { cases: OracleCase[] }).cases
}

/** `12.50` and `12.5` are the same amount. */
export function plain(decimal: unknown): string {
  const text = String(decimal)
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text
}

/** Exact from what JSON has: text or a number. */
export function whole(value: unknown): Exact {
  return exact(String(value))
}

/** As many cents as a decimal of the currency: 12345 is 123.45, 0.5 is 0.005. */
export function fromCents(value: unknown): string {
  const [, sign = '', digits = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? []
  const text = digits.padStart(3, '0')
  return plain(`${sign}${text.slice(0, -2)}.${text.slice(-2)}${fraction}`)
}

/** Rounded to so many decimals, where a case says that it is, or where its number is a float. */
export function rounded(value: Exact, digits: number): string {
  return plain(formatScaled(roundToInteger(value, digits), digits))
}

export const shown = (value: Exact): string => formatExact(value)

/** An instant, or the midnight with which a date begins in a zone. */
export function moment(text: unknown, zone = 'UTC'): Micros {
  const parsed = parseMoment(String(text), zone)
  if (!parsed.ok) throw new Error(`${String(text)} ${parsed.error}`)
  return parsed.value
}
