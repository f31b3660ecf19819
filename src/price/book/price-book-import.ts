import type { Problem } from '../../core/errors.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import { addOnTermsJson } from './add-on.ts'
import { couponTermsJson } from './coupon.ts'
import { note } from '../place.ts'
import { termsJson } from '../plan.ts'
import { byKey } from './price-book.ts'
import type { PriceBook } from './price-book.ts'
import { sections } from './price-book-file.ts'
import type { FileEntry, PriceBookFile, Section, SectionVersions } from './price-book-file.ts'
import { following } from './price-book-version.ts'
import type { Noun } from './price-book-version.ts'

/** What importing a file does: these versions are published, in this order; the others are there already. */
export interface PriceBookImport {
  readonly publish: PriceBookFile
  readonly unchanged: number
  /** The book afterwards. */
  readonly after: PriceBook
}

export const nouns = { plans: 'plan', add_ons: 'add-on', coupons: 'coupon' } as const satisfies Record<Section, Noun>

interface Terms {
  readonly key: string
  readonly version: number
  readonly effectiveFrom: Micros
}

interface SectionImport<Version> {
  readonly publish: readonly FileEntry<Version>[]
  readonly unchanged: number
  readonly after: ReadonlyMap<string, readonly Version[]>
}

interface SectionRules<Version extends Terms> {
  readonly noun: Noun
  readonly json: (terms: Version) => object
  readonly problems: Problem[]
}

function inOrder<Version extends Terms>(entries: readonly FileEntry<Version>[]): readonly FileEntry<Version>[] {
  return entries.toSorted(({ version: one }, { version: other }) =>
    one.key === other.key ? one.version - other.version : one.key < other.key ? -1 : 1,
  )
}

function planSection<Version extends Terms>(
  before: ReadonlyMap<string, readonly Version[]>,
  entries: readonly FileEntry<Version>[],
  { noun, json, problems }: SectionRules<Version>,
): SectionImport<Version> {
  const after = new Map(before)
  const publish: FileEntry<Version>[] = []
  for (const entry of inOrder(entries)) {
    const { place, version } = entry
    const versions = after.get(version.key) ?? []
    const found = following<Version, Version>({ terms: version, version: version.version }, { noun, versions, json })
    if (found.kind === 'published') continue
    if (found.kind === 'refused') {
      note(problems, { code: found.code, field: `${place}.${found.field}`, message: found.message })
      continue
    }
    publish.push(entry)
    after.set(version.key, [...versions, version])
  }
  return { publish, unchanged: entries.length - publish.length, after }
}

/** A coupon off a price that nothing has would be given, and take nothing off. */
function checkCoupons({ coupons }: PriceBookFile, { plans, addOns }: PriceBook): readonly Problem[] {
  const sold = [...plans.values(), ...addOns.values()].flat().flatMap(({ prices }) => prices.map(({ key }) => key))
  const known = new Set(sold)
  return coupons.flatMap(({ place, version: { of } }) =>
    of === 'all'
      ? []
      : of.flatMap((price, index): Problem[] => {
          const message = `is ${price}, and no plan or add-on has such a price`
          return known.has(price) ? [] : [{ code: 'REQUEST_INVALID', field: `${place}.of.${index}`, message }]
        }),
  )
}

/**
 * What importing a file into a book does, as data: preview, check and import are this, stopped early. All problems at
 * once. Pure. Whether the meters are there is known to the service alone.
 */
export function planImport(before: PriceBook, file: PriceBookFile): Result<PriceBookImport, readonly Problem[]> {
  const problems: Problem[] = []
  const plans = planSection(before.plans, file.plans, { noun: nouns.plans, json: termsJson, problems })
  const addOns = planSection(before.addOns, file.add_ons, { noun: nouns.add_ons, json: addOnTermsJson, problems })
  const coupons = planSection(before.coupons, file.coupons, { noun: nouns.coupons, json: couponTermsJson, problems })
  const after = { plans: plans.after, addOns: addOns.after, coupons: coupons.after } as PriceBook
  const publish = { plans: plans.publish, add_ons: addOns.publish, coupons: coupons.publish }
  for (const problem of checkCoupons(publish, after)) note(problems, problem)
  if (problems.length > 0) return fail(problems)
  return ok({ publish, unchanged: plans.unchanged + addOns.unchanged + coupons.unchanged, after })
}

/** The versions of a file as a book, without asking whether they can be published. */
export function bookOf(file: PriceBookFile): PriceBook {
  const versions = <Name extends Section>(name: Name): readonly SectionVersions[Name][] =>
    inOrder(file[name] as readonly FileEntry<SectionVersions[Name]>[]).map(({ version }) => version)
  return { plans: byKey(versions('plans')), addOns: byKey(versions('add_ons')), coupons: byKey(versions('coupons')) }
}

/** How many versions a file has. */
export function countOf(file: PriceBookFile): number {
  return sections.reduce((count, name) => count + file[name].length, 0)
}
