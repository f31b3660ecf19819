/**
 * Units of quantities. Any text can be one; those that are known here are checked, because 10^9 and 2^30 are mixed up
 * easily. A meter never converts: it counts in the smallest unit, and a price says how many of them make one of its own.
 */
import { divide, exact } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Expression } from '../store/expression.ts'

export type UnitFamily = 'bytes' | 'bits' | 'time' | 'bytes per second' | 'bits per second'

export interface KnownUnit {
  readonly family: UnitFamily
  /** How many of the family's smallest unit it is. */
  readonly per: bigint
}

const decimal: readonly (readonly [string, bigint])[] = [
  ['k', 10n ** 3n],
  ['M', 10n ** 6n],
  ['G', 10n ** 9n],
  ['T', 10n ** 12n],
  ['P', 10n ** 15n],
]
const binary: readonly (readonly [string, bigint])[] = decimal.map(([letter], index) => [
  `${letter === 'k' ? 'K' : letter}i`,
  2n ** BigInt(10 * (index + 1)),
])

function prefixed(family: UnitFamily, base: string, prefixes: typeof decimal): [string, KnownUnit][] {
  return prefixes.map(([prefix, per]) => [`${prefix}${base}`, { family, per }])
}

const second = 1_000_000n

const known: ReadonlyMap<string, KnownUnit> = new Map<string, KnownUnit>([
  ['bytes', { family: 'bytes', per: 1n }],
  ...prefixed('bytes', 'B', [...decimal, ...binary]),
  ['bits', { family: 'bits', per: 1n }],
  ...prefixed('bits', 'bit', [...decimal, ...binary]),
  ['bytes/s', { family: 'bytes per second', per: 1n }],
  ...prefixed('bytes per second', 'B/s', [...decimal, ...binary]),
  ['bit/s', { family: 'bits per second', per: 1n }],
  ...prefixed('bits per second', 'bit/s', decimal),
  ['microseconds', { family: 'time', per: 1n }],
  ['milliseconds', { family: 'time', per: 1_000n }],
  ['seconds', { family: 'time', per: second }],
  ['minutes', { family: 'time', per: 60n * second }],
  ['hours', { family: 'time', per: 3_600n * second }],
  ['days', { family: 'time', per: 86_400n * second }],
])

export const knownUnits: readonly string[] = [...known.keys()]

/** What is known of a unit; null: it is a text like any other. */
export function unitOf(name: string): KnownUnit | null {
  return known.get(name) ?? null
}

/** The known unit that somebody means who writes it in other letters: GB for gb, bytes for Byte. */
export function knownUnitLike(name: string): string | null {
  if (known.has(name)) return null
  const plain = name.toLowerCase().replace(/s$/, '').replace('ps', '/s')
  return knownUnits.find((unit) => unit.toLowerCase().replace(/s$/, '') === plain) ?? null
}

/** Bytes and bits are one kind of amount: a byte is 8 bits. */
function smallestOf({ family, per }: KnownUnit): KnownUnit {
  if (family === 'bytes') return { family: 'bits', per: per * 8n }
  return family === 'bytes per second' ? { family: 'bits per second', per: per * 8n } : { family, per }
}

/** How many of a meter's units make one of a price's; null when that is not known, or when they are of different kinds. */
export function unitsIn(meterUnit: string, pricedUnit: string): Exact | null {
  const [known, wanted] = [unitOf(meterUnit), unitOf(pricedUnit)]
  if (known === null || wanted === null) return null
  const [counted, priced] = [smallestOf(known), smallestOf(wanted)]
  return counted.family === priced.family ? divide(exact(priced.per), exact(counted.per)) : null
}

/** The unit of what an expression adds up, where its fields leave no doubt. */
export function unitOfExpression(expression: Expression): 'bytes' | 'microseconds' | null {
  switch (expression.kind) {
    case 'field':
      if (expression.field.startsWith('bytes_')) return 'bytes'
      return expression.field === 'duration_us' ? 'microseconds' : null
    case 'add':
    case 'subtract':
      return ofSame([expression.left, expression.right])
    case 'if':
      return ofSame([expression.yes, expression.no])
    case 'least':
    case 'greatest':
    case 'coalesce':
      return ofSame(expression.of)
    default:
      return null
  }
}

/** Written numbers are of any unit. */
function ofSame(expressions: readonly Expression[]): 'bytes' | 'microseconds' | null {
  const units = expressions.filter(({ kind }) => kind !== 'literal').map(unitOfExpression)
  const [unit] = units
  return unit !== undefined && units.every((other) => other === unit) ? unit : null
}
