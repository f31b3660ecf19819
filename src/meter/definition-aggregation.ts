import { decimalsOf, exact, multiply, parseExact, roundToInteger } from '../core/exact.ts'
import { assert, unreachable } from '../core/result.ts'
import type { Dimension } from '../store/condition.ts'
import { Parameters } from '../store/condition.ts'
import { expressionSql, isNumberField } from '../store/expression.ts'
import type { Expression } from '../store/expression.ts'
import { checkRange } from '../store/expression-range.ts'
import { directions, levelUnits } from '../store/measure/measure.ts'
import type { LevelUnit, Measure, Membership, PercentileMeasure } from '../store/measure/measure.ts'
import { isObject } from './definition-reader.ts'
import type { Loose, Reader } from './definition-reader.ts'
import { formatExpression } from './expression-text.ts'
import { parseExpression } from './expression.ts'

export const limits = {
  /** So many events of the largest values are added up without leaving the engine's exact numbers (L4). */
  eventsMax: 10n ** 13n,
  /** For so long, in microseconds (31 years), a level may hold in one question. */
  levelMicrosMax: 10n ** 15n,
  factorMax: 1_000_000,
  /**
   * Characters of a statement that the expressions of a definition take, counted as the store writes them. The engine reads
   * 262,144 of a statement, and a measure writes an expression up to four times.
   */
  statementMax: 40_000,
} as const

export const measureKinds = [
  'count',
  'sum',
  'min',
  'max',
  'average',
  'latest',
  'active_hours',
  'unique',
  'level',
  'peak',
  'percentile',
] as const satisfies readonly Measure['kind'][]

const fieldsOf: Readonly<Record<Measure['kind'], readonly string[]>> = {
  count: ['kind'],
  sum: ['kind', 'value'],
  min: ['kind', 'value'],
  max: ['kind', 'value'],
  average: ['kind', 'value'],
  latest: ['kind', 'value'],
  active_hours: ['kind', 'field'],
  unique: ['kind', 'field', 'membership'],
  level: ['kind', 'value', 'mode', 'key', 'per'],
  peak: ['kind'],
  percentile: ['kind', 'percent', 'interval', 'direction', 'combine', 'in', 'out', 'unit_factor'],
}

const intervalSeconds = {
  minute: 60,
  '5minutes': 300,
  '10minutes': 600,
  '15minutes': 900,
  '30minutes': 1_800,
  hour: 3_600,
} as const
export type IntervalName = keyof typeof intervalSeconds
export const intervalNames = Object.keys(intervalSeconds) as IntervalName[]

interface ValueUse {
  readonly path: string
  /** By how much what is made of a value can be larger than it. */
  readonly times: bigint
}

function tooLarge(expression: Expression, kind: 'digits' | 'decimals'): string {
  const part = formatExpression(expression)
  const text = part.length > 120 ? `${part.slice(0, 120)}…` : part
  return kind === 'digits'
    ? `"${text}" can become too large to be added up exactly: give number(…) fewer decimals, cut with least(…), or price the parts apart`
    : `"${text}" can have more than 18 decimals, and nothing is rounded here: convert in the price, or give number(…) fewer decimals, such as number(attributes.units, 3)`
}

function readExpression(input: unknown, { path, times }: ValueUse, reader: Reader): Expression | null {
  if (typeof input !== 'string' || input.trim() === '')
    return reader.problem(
      path,
      'says what each event adds, as text: "bytes_out_wire", "bytes_out_wire + bytes_in_wire"',
    )
  const parsed = parseExpression(input)
  if (!parsed.ok) {
    for (const problem of parsed.error) reader.problem(path, problem)
    return null
  }
  const problem = checkRange(parsed.value, times)
  if (problem !== null) return reader.problem(path, tooLarge(problem.at, problem.kind))
  return fitsStatement([parsed.value], path, reader) ? parsed.value : null
}

/** L12: what the engine would not read is refused here, not when an account's usage is asked for. */
function fitsStatement(expressions: readonly Expression[], path: string, reader: Reader): boolean {
  // A definition that was taken once stays readable, so that it can be looked at and another one put in its place.
  if (reader.isStored) return true
  const parameters = new Parameters()
  const characters = expressions.reduce((sum, one) => sum + expressionSql(one, parameters).sql.length, 0)
  if (characters <= limits.statementMax) return true
  reader.problem(
    path,
    `is too large: the event store would be asked with ${characters} characters, of at most ${limits.statementMax}. ` +
      'Conditions, least and greatest write what is in them twice, and number(attributes.NAME) is long; say it with fewer of them within each other',
  )
  return false
}

function readPlain(
  kind: 'sum' | 'min' | 'max' | 'average' | 'latest',
  value: Loose,
  path: string,
  reader: Reader,
): Measure | null {
  // How sums were written before there were expressions; stored definitions and older clients say it so.
  const isOlder = value['value'] === undefined && isNumberField(value['field'])
  const expression = isOlder ? value['field'] : value['value']
  const read = readExpression(expression, { path: `${path}.value`, times: limits.eventsMax }, reader)
  return read === null ? null : { kind, value: read }
}

function readMembership(input: unknown, path: string, reader: Reader): Membership | null {
  const value = reader.object(input, path, ['field', 'add', 'remove', 'carried'])
  if (value === null) return null
  const field = reader.dimension(value['field'], `${path}.field`)
  const add = reader.texts(value['add'], `${path}.add`)
  const remove = reader.texts(value['remove'], `${path}.remove`)
  const { carried = true } = value
  if (typeof carried !== 'boolean')
    return reader.problem(`${path}.carried`, 'is true (who is in stays in) or false (each window begins empty)')
  if (field === null || add === null || remove === null) return null
  const twice = add.find((word) => remove.includes(word))
  if (twice !== undefined) return reader.problem(`${path}.remove`, `"${twice}" puts in and takes out at once`)
  return { field, add, remove, carried }
}

function readUnique(value: Loose, path: string, reader: Reader): Measure | null {
  const field = reader.dimension(value['field'], `${path}.field`)
  const given = value['membership'] ?? null
  const membership = given === null ? null : readMembership(given, `${path}.membership`, reader)
  if (field === null || (given !== null && membership === null)) return null
  return { kind: 'unique', field, membership }
}

function readLevel(value: Loose, path: string, reader: Reader): Measure | null {
  const times = limits.eventsMax * limits.levelMicrosMax
  const expression = readExpression(value['value'], { path: `${path}.value`, times }, reader)
  const mode = reader.choice(value['mode'], `${path}.mode`, ['set', 'change'])
  const key = value['key'] ?? null
  const field = key === null ? null : reader.dimension(key, `${path}.key`)
  const per = reader.choice<LevelUnit>(value['per'], `${path}.per`, levelUnits)
  if (expression === null || mode === null || per === null || (key !== null && field === null)) return null
  return { kind: 'level', value: expression, mode, field, per }
}

/** "95" → 500: ten-thousandths of the intervals that are dropped. */
function readPercent(input: unknown, path: string, reader: Reader): number | null {
  const parsed = parseExact(Number.isSafeInteger(input) ? String(input) : typeof input === 'string' ? input : '')
  const basis = parsed.ok ? multiply(parsed.value, exact(100n)) : null
  const kept = basis !== null && decimalsOf(basis) === 0 ? roundToInteger(basis, 0) : -1n
  if (kept > 0n && kept <= 10_000n) return 10_000 - Number(kept)
  return reader.problem(path, 'is above 0 and at most 100, with at most two decimals, as text: "95"')
}

function readFactor(input: unknown, path: string, reader: Reader): number | null {
  const text = Number.isSafeInteger(input) ? String(input) : input
  if (typeof text === 'string' && /^[1-9]\d{0,6}$/.test(text) && Number(text) <= limits.factorMax) return Number(text)
  return reader.problem(path, `is a whole number from 1 to ${limits.factorMax}: "8" makes bits of bytes`)
}

function readPercentile(value: Loose, path: string, reader: Reader): Measure | null {
  const dropped = readPercent(value['percent'], `${path}.percent`, reader)
  const interval = reader.choice(value['interval'], `${path}.interval`, intervalNames)
  const direction = reader.choice(value['direction'], `${path}.direction`, directions)
  const combine = reader.choice(value['combine'] ?? 'before', `${path}.combine`, ['before', 'after'])
  const factor = readFactor(value['unit_factor'] ?? '1', `${path}.unit_factor`, reader)
  const times = 2n * limits.eventsMax * BigInt(factor ?? 1)
  const inward = readExpression(value['in'] ?? 'bytes_in_wire', { path: `${path}.in`, times }, reader)
  const outward = readExpression(value['out'] ?? 'bytes_out_wire', { path: `${path}.out`, times }, reader)
  if (dropped === null || interval === null || direction === null || combine === null) return null
  if (factor === null || inward === null || outward === null) return null
  if (!fitsStatement([inward, outward], path, reader)) return null
  return {
    kind: 'percentile',
    dropped,
    intervalSeconds: intervalSeconds[interval],
    inward,
    outward,
    direction,
    combine,
    factor,
  }
}

/** Reads how events become a quantity; null where there are problems. */
export function readAggregation(input: unknown, path: string, reader: Reader): Measure | null {
  const kind = reader.choice(isObject(input) ? input['kind'] : undefined, `${path}.kind`, measureKinds)
  if (kind === null) return null
  const older = isObject(input) && input['value'] === undefined ? ['field'] : []
  const isPlain = kind === 'sum' || kind === 'min' || kind === 'max' || kind === 'average' || kind === 'latest'
  const value = reader.object(input, path, isPlain ? [...fieldsOf[kind], ...older] : fieldsOf[kind])
  if (value === null) return null
  switch (kind) {
    case 'count':
    case 'peak':
      return { kind }
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
      return readPlain(kind, value, path, reader)
    case 'active_hours': {
      const field = reader.dimension(value['field'], `${path}.field`)
      return field === null ? null : { kind, field }
    }
    case 'unique':
      return readUnique(value, path, reader)
    case 'level':
      return readLevel(value, path, reader)
    case 'percentile':
      return readPercentile(value, path, reader)
    default:
      return unreachable(kind)
  }
}

/** How an aggregation is written. */
export type AggregationInput =
  | { readonly kind: 'count' | 'peak' }
  | { readonly kind: 'sum' | 'min' | 'max' | 'average' | 'latest'; readonly value: string }
  | { readonly kind: 'active_hours'; readonly field: Dimension }
  | { readonly kind: 'unique'; readonly field: Dimension; readonly membership?: Membership | null }
  | {
      readonly kind: 'level'
      readonly value: string
      readonly mode: 'set' | 'change'
      readonly key?: Dimension | null
      readonly per: LevelUnit
    }
  | {
      readonly kind: 'percentile'
      readonly percent: string
      readonly interval: IntervalName
      readonly direction: PercentileMeasure['direction']
      readonly combine?: PercentileMeasure['combine']
      readonly in?: string
      readonly out?: string
      readonly unit_factor?: string
    }

function percentText(dropped: number): string {
  const kept = 10_000 - dropped
  const decimals =
    kept % 100 === 0
      ? ''
      : `.${String(kept % 100)
          .padStart(2, '0')
          .replace(/0$/, '')}`
  return `${Math.floor(kept / 100)}${decimals}`
}

/** Writes an aggregation as it is read. */
export function writeAggregation(measure: Measure): AggregationInput {
  switch (measure.kind) {
    case 'count':
    case 'peak':
    case 'active_hours':
      return measure
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
      return { kind: measure.kind, value: formatExpression(measure.value) }
    case 'unique': {
      const { kind, field, membership } = measure
      return membership === null ? { kind, field } : { kind, field, membership }
    }
    case 'level': {
      const { kind, value, mode, field, per } = measure
      return { kind, value: formatExpression(value), mode, ...(field === null ? {} : { key: field }), per }
    }
    case 'percentile': {
      const interval = intervalNames.find((name) => intervalSeconds[name] === measure.intervalSeconds)
      assert(interval !== undefined, 'the interval has a name')
      return {
        kind: measure.kind,
        percent: percentText(measure.dropped),
        interval,
        direction: measure.direction,
        combine: measure.combine,
        in: formatExpression(measure.inward),
        out: formatExpression(measure.outward),
        unit_factor: String(measure.factor),
      }
    }
    default:
      return unreachable(measure)
  }
}
