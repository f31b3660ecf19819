import { compare, decimalsOf, exact, isNegative, isZero, parseExact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Problem } from '../core/errors.ts'
import { isKey } from '../core/ids.ts'
import type { Currency } from '../core/money.ts'
import { parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'

/**
 * A place in a document that is being read: the value there, the path to it, and the list that all problems
 * of the document go to. A read that fails notes its problem and answers a harmless value, so that one pass
 * finds everything that is wrong; the caller throws the result away when the list is not empty.
 */
export interface Place {
  readonly value: unknown
  readonly path: string
  readonly problems: Problem[]
  /** Where amounts may be given side by side: which currency is being read, of which. */
  readonly money?: Money
}

/** A price book in several currencies is read once for each of them. */
export interface Money {
  readonly currency: Currency
  readonly all: readonly Currency[]
}

/** How much is told about one document (L12); lists are read no further than until there is so much to mend. */
export const limits = { problemsMax: 200, namesMax: 20 } as const

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The document itself, with a fresh list of problems. */
export function documentOf(value: unknown): Place {
  return { value, path: '', problems: [] }
}

/** The same place, where amounts are in this currency of these. */
export function inMoney(place: Place, money: Money): Place {
  return { ...place, money }
}

/** The same place, where amounts are plain: they are in a pricing unit, which every currency converts. */
export function withoutMoney({ value, path, problems }: Place): Place {
  return { value, path, problems }
}

/** Whether all is told that will be told. What is read from here on is thrown away, so nothing more needs reading. */
export function isFull(problems: readonly Problem[]): boolean {
  return problems.length > limits.problemsMax
}

/**
 * Puts a problem on the list of a document; where the list is as long as may be, only that there are more. A plan is
 * read once for each of its currencies: what is wrong in all of them is nothing more.
 */
export function note(problems: Problem[], problem: Problem): void {
  if (isFull(problems)) return
  if (problems.length < limits.problemsMax) problems.push(problem)
  else if (!problems.some(({ field, message }) => field === problem.field && message === problem.message))
    problems.push({ code: problem.code, message: 'there are more problems; mend these first' })
}

/** Notes what is wrong at a place and what to write instead. */
export function complain(place: Place, message: string): void {
  note(place.problems, { code: 'REQUEST_INVALID', field: place.path, message })
}

/** Some names for a hint, and how many there are besides. */
export function someOf(names: Iterable<string>): string {
  const all = [...names]
  const more = all.length - limits.namesMax
  return `${all.slice(0, limits.namesMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** The place of a named field; absent and null read the same. */
export function at(place: Place, name: string): Place {
  const value = isFields(place.value) ? place.value[name] : undefined
  return { ...place, value, path: place.path === '' ? name : `${place.path}.${name}` }
}

export function isAbsent(place: Place): boolean {
  return place.value === undefined || place.value === null
}

/**
 * Checks that a place holds an object with no other fields than these. An unknown field is refused because
 * it may be a price rule that we would otherwise leave out without a word.
 */
export function expectFields(place: Place, known: readonly string[]): boolean {
  if (isFull(place.problems)) return false
  if (!isFields(place.value)) {
    complain(place, `is an object with ${known.join(', ')}`)
    return false
  }
  for (const name of Object.keys(place.value)) {
    if (isFull(place.problems)) break
    if (!known.includes(name)) complain(at(place, name), `is not known here; known are ${known.join(', ')}`)
  }
  return true
}

/** What a terminal obeys instead of showing it: it could hide what stands around it. */
const unprintable = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

/** Reads a text that a person will see. */
export function readText(place: Place, hint: string): string {
  const { value } = place
  if (typeof value === 'string' && value.trim() !== '' && value.length <= 200) {
    if (!unprintable.test(value)) return value
    complain(place, 'has characters that are not seen: control characters, or marks that turn the direction of text')
    return ''
  }
  complain(place, `${hint}, 1 to 200 characters`)
  return ''
}

/** Reads a short name that other things refer to. */
export function readKey(place: Place, example: string): string {
  if (typeof place.value === 'string' && isKey(place.value)) return place.value
  complain(place, `is a short name without spaces, such as "${example}"`)
  return ''
}

export interface DecimalRule {
  readonly decimalsMax: number
  /** Digits before the point, where more of them can only be a slip. */
  readonly integerDigitsMax?: number
  readonly positive?: boolean
}

/** Reads an exact decimal written as text, not below zero. JSON numbers are refused: they lose digits (L4). */
export function readDecimal(place: Place, rule: DecimalRule): Exact {
  const { value } = place
  if (typeof value !== 'string') {
    const instead = typeof value === 'number' ? `"${value}"` : '"0.10"'
    complain(place, `is a decimal written as text, such as ${instead}`)
    return zero
  }
  const parsed = parseExact(value)
  if (!parsed.ok) complain(place, parsed.error)
  else if (isNegative(parsed.value)) complain(place, 'is not below zero')
  else if (rule.positive === true && isZero(parsed.value)) complain(place, 'is above zero')
  else if ((decimalsOf(parsed.value) ?? 0) > rule.decimalsMax)
    complain(place, `has at most ${rule.decimalsMax} decimals`)
  else if (
    rule.integerDigitsMax !== undefined &&
    compare(parsed.value, exact(10n ** BigInt(rule.integerDigitsMax))) >= 0
  )
    complain(place, `has at most ${rule.integerDigitsMax} digits before the point`)
  else return parsed.value
  return zero
}

/** Reads a list as places, so that each item's problems carry its number; nothing of it where all is told. */
export function readList(place: Place, most: number): readonly Place[] {
  if (isFull(place.problems)) return []
  if (!Array.isArray(place.value) || place.value.length === 0 || place.value.length > most) {
    complain(place, `is a list of 1 to ${most} items`)
    return []
  }
  return place.value.map((value: unknown, index) => ({ ...place, value, path: `${place.path}.${index}` }))
}

/** Reads each item of a list, and stops where all is told. */
export function readEach<Item>(places: readonly Place[], read: (place: Place, index: number) => Item): readonly Item[] {
  const items: Item[] = []
  for (const [index, place] of places.entries()) {
    if (isFull(place.problems)) break
    items.push(read(place, index))
  }
  return items
}

/** Reads an RFC 3339 instant with a zone. */
export function readInstant(place: Place): Micros {
  const parsed = typeof place.value === 'string' ? parseInstant(place.value) : undefined
  if (parsed?.ok === true) return parsed.value
  complain(place, parsed?.error ?? 'is an RFC 3339 time with a zone, such as "2026-11-01T00:00:00Z"')
  return 0 as Micros
}

/** Amounts have at most 18 decimals of the major unit (DESIGN §9). */
export const amountRule = { decimalsMax: 18, integerDigitsMax: 24 } as const

/**
 * Reads an amount of money: a decimal as text, or, side by side, one for each currency:
 * `{ "USD": "0.10", "EUR": "0.09" }`. A currency that is missing is refused, because it could not be billed.
 */
export function readAmount(place: Place): Exact {
  const { money } = place
  if (!isFields(place.value)) {
    if (money !== undefined && money.all.length > 1 && !isAbsent(place))
      complain(place, `is an amount for each of ${money.all.join(', ')}, such as { "${money.all[0]}": "0.10", … }`)
    return readDecimal(place, amountRule)
  }
  if (money === undefined) {
    complain(place, 'is a decimal written as text; there is one currency here')
    return zero
  }
  expectFields(place, money.all)
  return readDecimal(at(place, money.currency), amountRule)
}

/** A percentage such as "12.5": at least 0; what may not exceed the whole is at most 100. */
export function readPercent(place: Place, rule: { readonly wholeMax: boolean }): Exact {
  const value = readDecimal(place, { decimalsMax: 18, integerDigitsMax: 6 })
  if (rule.wholeMax && compare(value, exact(100n)) > 0) complain(place, 'is at most "100"')
  return value
}

/** Reads one of some words; `otherwise` is the answer for an absent one, or null where it must be there. */
export function readChoice<Word extends string>(place: Place, words: readonly Word[], otherwise: Word | null): Word {
  const [first] = words
  const found = words.find((word) => word === place.value)
  if (found !== undefined) return found
  if (isAbsent(place) && otherwise !== null) return otherwise
  complain(place, `is one of ${words.join(', ')}`)
  return otherwise ?? (first as Word)
}

/** Reads true or false; absent is false. */
export function readFlag(place: Place): boolean {
  if (!isAbsent(place) && typeof place.value !== 'boolean') complain(place, 'is true or false')
  return place.value === true
}

/** Reads a whole number between two bounds. */
export function readCount(place: Place, { least, most }: { readonly least: number; readonly most: number }): number {
  const { value } = place
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  complain(place, `is a whole number from ${least} to ${most}`)
  return least
}
