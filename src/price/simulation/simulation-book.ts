/** A price book as if a file had been published, for a simulation and for nothing else: nothing of it is kept. */
import type { Problem } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import type { ContractFacts } from '../contract/contract-facts.ts'
import { note } from '../place.ts'
import type { PriceBook } from '../book/price-book.ts'
import { sections, versionJson } from '../book/price-book-file.ts'
import type { FileEntry, PriceBookFile, Section } from '../book/price-book-file.ts'
import { nouns } from '../book/price-book-import.ts'

interface Version {
  readonly key: string
  readonly version: number
  readonly effectiveFrom: Micros
}

type Versions = ReadonlyMap<string, readonly Version[]>

/** A version that the file has and the book has not, or has with other terms. */
export interface SupposedVersion extends Version {
  readonly section: Section
  /** It stands in the place of a published version; else it comes after all of them. */
  readonly replaces: boolean
}

export interface SupposedBook {
  readonly book: PriceBook
  readonly changed: readonly SupposedVersion[]
}

function listOf({ plans, addOns, coupons }: PriceBook, section: Section): Versions {
  return { plans, add_ons: addOns, coupons }[section]
}

interface Supposing {
  readonly section: Section
  /** From here on at the latest, what the file changes holds; null: from when it says. */
  readonly holdsFrom: Micros | null
  readonly problems: Problem[]
}

function supposeSection(
  before: Versions,
  entries: readonly FileEntry[],
  { section, holdsFrom, problems }: Supposing,
): { readonly after: Versions; readonly changed: readonly SupposedVersion[] } {
  const after = new Map(before)
  const changed: SupposedVersion[] = []
  const text = (version: unknown): string => JSON.stringify(versionJson[section](version as never))
  for (const { place, version } of entries.toSorted((a, b) => a.version.version - b.version.version)) {
    const versions = after.get(version.key) ?? []
    const published = versions[version.version - 1]
    if (published !== undefined && text(published) === text(version)) continue
    if (published === undefined && version.version !== versions.length + 1) {
      const message = `the next version of ${nouns[section]} ${version.key} is ${versions.length + 1}, not ${version.version}`
      note(problems, { code: 'REQUEST_INVALID', field: `${place}.version`, message })
      continue
    }
    const { effectiveFrom: stated } = version
    const effectiveFrom = holdsFrom !== null && stated > holdsFrom ? holdsFrom : stated
    const [earlier, later] = [versions.slice(0, version.version - 1), versions.slice(version.version)]
    after.set(version.key, [...earlier, { ...version, effectiveFrom }, ...later])
    changed.push({ ...version, effectiveFrom, section, replaces: published !== undefined })
  }
  return { after, changed }
}

/**
 * The book with what a file changes. Unlike an import, a file may change published versions: "what if it had been
 * priced so". With `holdsFrom` the changes hold from then on at the latest, so that prices of next year can be held
 * against the usage of last month; else they take effect when they say. Pure.
 */
export function supposeBook(
  before: PriceBook,
  file: PriceBookFile,
  holdsFrom: Micros | null,
): Result<SupposedBook, readonly Problem[]> {
  const problems: Problem[] = []
  const supposed = sections.map((section) =>
    supposeSection(listOf(before, section), file[section], { section, holdsFrom, problems }),
  )
  if (problems.length > 0) return fail(problems)
  const [plans, addOns, coupons] = supposed.map(({ after }) => after)
  return ok({ book: { plans, addOns, coupons } as PriceBook, changed: supposed.flatMap(({ changed }) => changed) })
}

/**
 * The document with a number for each version that has none: the next one of its key. Whatever else is wrong with it is
 * left to `parsePriceBook`.
 */
export function withNumbers(document: unknown, before: PriceBook): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document
  const numbered = Object.entries(document).map(([name, list]: [string, unknown]) => {
    const section = sections.find((one) => one === name)
    if (section === undefined || !Array.isArray(list)) return [name, list] as const
    const next = new Map([...listOf(before, section)].map(([key, { length }]) => [key, length + 1]))
    return [name, list.map((entry: unknown) => withNumber(entry, next))] as const
  })
  return Object.fromEntries(numbered)
}

function withNumber(entry: unknown, next: Map<string, number>): unknown {
  if (typeof entry !== 'object' || entry === null) return entry
  const { key, version } = entry as { readonly key?: unknown; readonly version?: unknown }
  if (typeof key !== 'string' || (version !== undefined && version !== null)) return entry
  const number = next.get(key) ?? 1
  next.set(key, number + 1)
  return { ...entry, version: number }
}

/** The account as if it had been under other plans: those of `assign` instead of those that it was under. */
export function assigned(facts: ContractFacts, assign: ReadonlyMap<PlanKey, PlanKey>): ContractFacts {
  if (assign.size === 0) return facts
  const planOf = (plan: PlanKey | null): PlanKey | null => (plan === null ? null : (assign.get(plan) ?? plan))
  return {
    ...facts,
    decisions: facts.decisions.map((decision) => ({ ...decision, plan: planOf(decision.plan) })),
    defaults: facts.defaults.map((decision) => ({ ...decision, plan: planOf(decision.plan) })),
  }
}
