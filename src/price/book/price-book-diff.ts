import { formatInstant } from '../../core/time.ts'
import { changesOf } from './document-change.ts'
import type { DocumentChange } from './document-change.ts'
import type { PriceBook } from './price-book.ts'
import { sections, versionJson } from './price-book-file.ts'
import type { AnyVersion, Section } from './price-book-file.ts'

/**
 * How one version differs between two books:
 * - `added`: only the newer book has it. Its changes are against the version before it; those of a first one are all it says.
 * - `changed`: both have it, with other terms. A published version never changes, so an import refuses it.
 * - `removed`: only the older book has it. An import takes nothing away.
 */
export interface VersionChange {
  readonly section: Section
  readonly key: string
  readonly version: number
  readonly kind: 'added' | 'changed' | 'removed'
  readonly effectiveFrom: string
  /** The number of the version that `changes` are against; null for a first version and a removed one. */
  readonly against: number | null
  readonly changes: readonly DocumentChange[]
}

type Versions = ReadonlyMap<string, readonly AnyVersion[]>

function versionsIn(book: PriceBook, section: Section): Versions {
  if (section === 'plans') return book.plans
  return section === 'add_ons' ? book.addOns : book.coupons
}

const documentOf = (section: Section, version: AnyVersion): object =>
  (versionJson[section] as (version: AnyVersion) => object)(version)

const numbered = (versions: readonly AnyVersion[] | undefined, number: number): AnyVersion | undefined =>
  versions?.find(({ version }) => version === number)

interface Pair {
  readonly section: Section
  readonly before: readonly AnyVersion[] | undefined
  readonly after: readonly AnyVersion[] | undefined
}

/** What changes with every version anyway is not news: its number. */
function changesBetween(section: Section, before: AnyVersion | undefined, after: AnyVersion | undefined) {
  const json = (version: AnyVersion | undefined): object => {
    if (version === undefined) return {}
    const { version: _, ...terms } = documentOf(section, version) as Record<string, unknown>
    return terms
  }
  return changesOf(json(before), json(after))
}

function versionChange({ section, before, after }: Pair, number: number): VersionChange | null {
  const [old, now] = [numbered(before, number), numbered(after, number)]
  const shown = now ?? old
  if (shown === undefined) return null
  const named = { section, key: shown.key, version: number, effectiveFrom: formatInstant(shown.effectiveFrom) }
  if (now === undefined) return { ...named, kind: 'removed', against: null, changes: [] }
  if (old !== undefined) {
    const changes = changesBetween(section, old, now)
    return changes.length === 0 ? null : { ...named, kind: 'changed', against: number, changes }
  }
  const last = numbered(after, number - 1) ?? numbered(before, number - 1)
  return { ...named, kind: 'added', against: last?.version ?? null, changes: changesBetween(section, last, now) }
}

function keyChanges(pair: Pair): readonly VersionChange[] {
  const numbers = new Set([...(pair.before ?? []), ...(pair.after ?? [])].map(({ version }) => version))
  return [...numbers].toSorted((one, other) => one - other).flatMap((number) => versionChange(pair, number) ?? [])
}

/** How two books differ, version by version; equal books do not. Pure. */
export function diffPriceBooks(before: PriceBook, after: PriceBook): readonly VersionChange[] {
  return sections.flatMap((section) => {
    const [old, now] = [versionsIn(before, section), versionsIn(after, section)]
    const keys = [...new Set([...old.keys(), ...now.keys()])].toSorted((one, other) =>
      one < other ? -1 : one > other ? 1 : 0,
    )
    return keys.flatMap((key) => keyChanges({ section, before: old.get(key), after: now.get(key) }))
  })
}
