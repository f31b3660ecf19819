import type { Problem } from '../../core/errors.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { addOnTermsJson, parseAddOn } from './add-on.ts'
import { couponTermsJson, parseCoupon } from './coupon.ts'
import { at, complain, documentOf, expectFields, isAbsent, isFull, note } from '../place.ts'
import type { Place } from '../place.ts'
import { parsePlan, termsJson } from '../plan.ts'
import type { PlanVersion } from '../plan.ts'
import type { AddOnVersion, CouponVersion, PriceBook } from './price-book.ts'

/** The lists of a file, in its order. */
export const sections = ['plans', 'add_ons', 'coupons'] as const
export type Section = (typeof sections)[number]

/** What stands in each list. */
export interface SectionVersions {
  readonly plans: PlanVersion
  readonly add_ons: AddOnVersion
  readonly coupons: CouponVersion
}

export type AnyVersion = SectionVersions[Section]

/** A version in a file, and where it stands there: `plans.3`. */
export interface FileEntry<Version = AnyVersion> {
  readonly place: string
  readonly version: Version
}

/** A price book as a file says it: some or all versions of some or all things. */
export type PriceBookFile = { readonly [Name in Section]: readonly FileEntry<SectionVersions[Name]>[] }

export const limits = { versionsMax: 10_000 } as const

type Parsed<Version> = Result<
  { readonly terms: Omit<Version, 'version'>; readonly version: number | null },
  readonly Problem[]
>

/** Problems of a document that stands somewhere in a file, with their place in the file. */
function moved(problems: readonly Problem[], place: string): readonly Problem[] {
  return problems.map((problem) => {
    const { field } = problem
    return { ...problem, field: field === undefined || field === '' ? place : `${place}.${field}` }
  })
}

function readEntry<Version extends { readonly version: number }>(
  item: Place,
  parse: (document: unknown) => Parsed<Version>,
): readonly FileEntry<Version>[] {
  const parsed = parse(item.value)
  if (!parsed.ok) {
    for (const problem of moved(parsed.error, item.path)) note(item.problems, problem)
    return []
  }
  const { terms, version } = parsed.value
  if (version === null) {
    complain(at(item, 'version'), 'is 1, 2, 3, …; in a file every version has its number')
    return []
  }
  return [{ place: item.path, version: { ...terms, version } as Version }]
}

function noteRepeats(place: Place, entries: readonly FileEntry[]): void {
  const seen = new Map<string, string>()
  for (const { place: path, version } of entries) {
    const name = `${version.key} ${version.version}`
    const first = seen.get(name)
    if (first === undefined) seen.set(name, path)
    else
      complain({ ...place, path }, `is version ${version.version} of ${version.key} once more; it stands at ${first}`)
  }
}

function readSection<Name extends Section>(
  file: Place,
  name: Name,
  parse: (document: unknown) => Parsed<SectionVersions[Name]>,
): readonly FileEntry<SectionVersions[Name]>[] {
  const place = at(file, name)
  if (isAbsent(place)) return []
  if (!Array.isArray(place.value) || place.value.length > limits.versionsMax) {
    complain(place, `is a list of at most ${limits.versionsMax} versions`)
    return []
  }
  const entries = place.value.flatMap((value: unknown, index) => {
    if (isFull(place.problems)) return []
    return readEntry<SectionVersions[Name]>({ ...place, value, path: `${name}.${index}` }, parse)
  })
  noteRepeats(place, entries)
  return entries
}

/** Reads a price book; all problems of all its versions at once, each with its path and what to write instead. */
export function parsePriceBook(input: unknown): Result<PriceBookFile, readonly Problem[]> {
  const file = documentOf(input)
  if (!expectFields(file, sections)) return fail(file.problems)
  const book: PriceBookFile = {
    plans: readSection(file, 'plans', parsePlan),
    add_ons: readSection(file, 'add_ons', parseAddOn),
    coupons: readSection(file, 'coupons', parseCoupon),
  }
  return file.problems.length > 0 ? fail(file.problems) : ok(book)
}

/** A version as a file says it: its key and number first. */
function entryJson(version: number, terms: object): object {
  const { key, ...rest } = terms as { readonly key: string }
  return { key, version, ...rest }
}

const byCodeUnit = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

function inOrder<Version extends { readonly version: number }>(
  versions: ReadonlyMap<string, readonly Version[]>,
): readonly Version[] {
  const keys = [...versions.keys()].toSorted(byCodeUnit)
  return keys.flatMap((key) => (versions.get(key) ?? []).toSorted((one, other) => one.version - other.version))
}

/** One version as JSON, in one order of fields: equal versions have equal JSON. */
export const versionJson: { readonly [Name in Section]: (version: SectionVersions[Name]) => object } = {
  plans: (plan) => entryJson(plan.version, termsJson(plan)),
  add_ons: (addOn) => entryJson(addOn.version, addOnTermsJson(addOn)),
  coupons: (coupon) => entryJson(coupon.version, couponTermsJson(coupon)),
}

/** The whole book as one document: by key, then by version. `parsePriceBook` reads the same book from it. */
export function priceBookJson({ plans, addOns, coupons }: PriceBook): {
  readonly [Name in Section]: readonly object[]
} {
  return {
    plans: inOrder(plans).map(versionJson.plans),
    add_ons: inOrder(addOns).map(versionJson.add_ons),
    coupons: inOrder(coupons).map(versionJson.coupons),
  }
}

const widthMax = 100

/** Whether a list or object holds nothing that has parts of its own, so that it reads well on one line. */
function isPlain(value: object): boolean {
  return Object.values(value).every((part) => typeof part !== 'object' || part === null)
}

function onOneLine(value: object): string {
  const parts = Array.isArray(value)
    ? value.map((part) => JSON.stringify(part))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${JSON.stringify(part)}`)
  if (parts.length === 0) return Array.isArray(value) ? '[]' : '{}'
  return Array.isArray(value) ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`
}

/**
 * JSON in one form: two spaces, and what has no parts of its own on one line as long as it fits. A changed price is one
 * changed line, which is what a review under git wants.
 */
export function formatDocument(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isPlain(value)) {
    const line = onOneLine(value)
    if (indent.length + line.length <= widthMax || line.length <= 2) return line
  }
  const inner = `${indent}  `
  if (Array.isArray(value))
    return `[\n${value.map((part) => `${inner}${formatDocument(part, inner)}`).join(',\n')}\n${indent}]`
  const fields = Object.entries(value).map(
    ([name, part]) => `${inner}${JSON.stringify(name)}: ${formatDocument(part, inner)}`,
  )
  return `{\n${fields.join(',\n')}\n${indent}}`
}

/** The book as the text of a file. */
export function formatPriceBook(book: PriceBook): string {
  return `${formatDocument(priceBookJson(book))}\n`
}
