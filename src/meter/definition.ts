import { createHash } from 'node:crypto'
import type { Problem } from '../core/errors.ts'
import type { MeterKey } from '../core/ids.ts'
import { isKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import type { Condition, Dimension } from '../store/condition.ts'
import type { Measure } from '../store/measure/measure.ts'
import { readAggregation, writeAggregation } from './definition-aggregation.ts'
import type { AggregationInput } from './definition-aggregation.ts'
import { readCondition } from './definition-condition.ts'
import { Reader } from './definition-reader.ts'
import { knownUnitLike, unitOf, unitOfExpression } from './unit.ts'

/** How events become a quantity. */
export type Aggregation = Measure

/** A version of a definition that was active is immutable; changing a meter makes a new version. */
export interface MeterDefinition {
  readonly key: MeterKey
  readonly version: number
  readonly name: string
  readonly unit: string
  readonly aggregation: Aggregation
  readonly filter: readonly Condition[]
  readonly groupBy: readonly Dimension[]
}

export type { Condition, Dimension }

export const limits = { conditionsMax: 20, groupByMax: 5, nameLengthMax: 200, unitLengthMax: 64 } as const

/** A definition as people and programs write it. */
export interface MeterInput {
  readonly key: string
  readonly name: string
  readonly unit: string
  readonly aggregation: AggregationInput
  readonly filter?: readonly Condition[]
  readonly group_by?: readonly Dimension[]
}

/** What answers say beside a definition is no part of one; whoever changes an answer and sends it back need not cut it. */
const saidBeside = [
  'version',
  'definition_sha256',
  'state',
  'current',
  'archived',
  'created_at',
  'activations',
  'draft',
] as const
const fields = ['key', 'name', 'unit', 'aggregation', 'filter', 'group_by', ...saidBeside] as const

/** Paths below /v1/meters. */
const reservedKeys: ReadonlySet<string> = new Set(['library', 'preview'])

function readText(value: unknown, path: string, rule: { about: string; most: number; reader: Reader }): string | null {
  const { about, most, reader } = rule
  if (typeof value === 'string' && value.trim() !== '' && (value.length <= most || reader.isStored)) return value
  return reader.problem(path, `${about}, with at most ${most} characters`)
}

function readFilter(value: unknown, reader: Reader): readonly Condition[] | null {
  if (!Array.isArray(value) || value.length > limits.conditionsMax)
    return reader.problem('filter', `is a list of at most ${limits.conditionsMax} conditions`)
  const conditions = value.map((item, index) => readCondition(item, `filter.${index}`, reader))
  return conditions.every((condition) => condition !== null) ? conditions : null
}

function readGroups(value: unknown, reader: Reader): readonly Dimension[] | null {
  if (!Array.isArray(value) || value.length > limits.groupByMax)
    return reader.problem('group_by', `is a list of at most ${limits.groupByMax} fields`)
  const groups = value.map((item, index) => reader.dimension(item, `group_by.${index}`))
  if (!groups.every((group) => group !== null)) return null
  const twice = groups.findIndex((group, index) => groups.indexOf(group) !== index)
  return twice < 0 || reader.isStored ? groups : reader.problem(`group_by.${twice}`, 'is there twice')
}

/** The unit in which an aggregation counts, where that is beyond doubt. */
function unitOfAggregation(measure: Measure): string | null {
  switch (measure.kind) {
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
      return unitOfExpression(measure.value)
    case 'active_hours':
      return 'hours'
    case 'percentile': {
      const isBytes = [measure.inward, measure.outward].every((value) => unitOfExpression(value) === 'bytes')
      return isBytes && measure.factor === 1 ? 'bytes/s' : isBytes && measure.factor === 8 ? 'bit/s' : null
    }
    default:
      return null
  }
}

/** A unit that is known by name has to be the one that the meter counts in: 10^9 and 2^30 are one slip apart. */
function checkUnit(unit: string, measure: Measure, reader: Reader): void {
  const like = knownUnitLike(unit)
  const [named, counted] = [unitOf(like ?? unit), unitOfAggregation(measure)]
  const own = counted === null ? null : unitOf(counted)
  if (named !== null && own !== null && (named.family !== own.family || named.per !== own.per)) {
    const price =
      named.family === own.family
        ? `; a price then says "unit": {"name": "${like ?? unit}", "per": "${named.per / own.per}"}`
        : ''
    reader.problem(
      'unit',
      `is "${unit}", but the meter counts in ${counted}, and a meter never converts: write "${counted}"${price}`,
    )
  } else if (like !== null) reader.problem('unit', `is "${unit}". Did you mean ${like}?`)
}

function readDefinition(input: unknown, version: number, reader: Reader): MeterDefinition | null {
  const value = reader.object(input, '', fields)
  if (value === null) return null
  const { key, filter = [], group_by: groupBy = [] } = value
  const isNamed = typeof key === 'string' && isKey(key)
  if (!isNamed) reader.problem('key', 'is a short name such as "http_requests"')
  else if (reservedKeys.has(key) && !reader.isStored)
    reader.problem('key', `"${key}" is a word of the API; choose another`)
  const name = readText(value['name'], 'name', {
    about: 'says in words what is measured',
    most: limits.nameLengthMax,
    reader,
  })
  const about = 'names the unit, such as "requests" or "bytes"'
  const unit = readText(value['unit'], 'unit', { about, most: limits.unitLengthMax, reader })
  const aggregation = readAggregation(value['aggregation'], 'aggregation', reader)
  const conditions = readFilter(filter, reader)
  const groups = readGroups(groupBy, reader)
  if (unit !== null && aggregation !== null && !reader.isStored) checkUnit(unit, aggregation, reader)
  if (!isNamed || name === null || unit === null || aggregation === null || conditions === null || groups === null)
    return null
  return { key: key as MeterKey, version, name, unit, aggregation, filter: conditions, groupBy: groups }
}

/** Reads a definition as a person or program gives it; returns all problems at once, each with its field. */
export function parseMeter(input: unknown, version: number): Result<MeterDefinition, readonly Problem[]> {
  const reader = new Reader('new')
  const meter = readDefinition(input, version, reader)
  return meter === null || reader.problems.length > 0 ? fail(reader.problems) : ok(meter)
}

/** Reads a definition that was taken once, by the rules of its day. */
export function readStoredMeter(input: unknown, version: number): Result<MeterDefinition, readonly Problem[]> {
  const reader = new Reader('stored')
  const meter = readDefinition(input, version, reader)
  return meter === null ? fail(reader.problems) : ok(meter)
}

/** A definition as it is stored and shown; `parseMeter` reads it back. */
export function meterDocument(meter: MeterDefinition): Required<MeterInput> & { readonly version: number } {
  const { key, version, name, unit, aggregation, filter, groupBy } = meter
  return { key, version, name, unit, aggregation: writeAggregation(aggregation), filter, group_by: groupBy }
}

/** JSON with the fields of each object in the order of their names. */
function sortedJson(document: unknown): string {
  return JSON.stringify(document, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/** Names what a definition says, whatever its version and however it was written: who previewed it knows what is activated. */
export function definitionSha256(meter: MeterDefinition): string {
  const { version: _, ...document } = meterDocument(meter)
  return createHash('sha256').update(sortedJson(document)).digest('hex')
}
