import type { AccountKey } from '../core/ids.ts'
import type { Period } from '../core/time.ts'
import type { EventLog, SourceEpoch } from '../log/log.ts'
import { completenessOf, missingNumbers } from '../meter/completeness.ts'
import type { CompletenessReport, Gap, SourceFacts } from '../meter/completeness.ts'
import { listRegistrations } from '../meter/sources.ts'
import { askTimes } from '../store/query.ts'
import type { Engine } from '../store/engine.ts'
import type { Service } from './service.ts'

export const limits = {
  sourcesPage: 1_000,
  /** Gaps of one numbering that are looked at one by one; the rest is told as one. */
  gapsMax: 1_000,
} as const

async function everySource(log: EventLog): Promise<string[]> {
  const names: string[] = []
  for (let after: string | null = null; ; after = names.at(-1) ?? null) {
    const page: readonly string[] = await log.sources({ after, most: limits.sourcesPage })
    names.push(...page)
    if (page.length < limits.sourcesPage) return names
  }
}

/** The gaps of one numbering, each with when its missing events can have happened. */
async function gapsOf(engine: Engine, source: string, numbering: SourceEpoch): Promise<Gap[]> {
  const { epoch } = numbering
  const missing = missingNumbers(numbering)
  if (missing.length === 0) return []
  const named = missing.slice(0, limits.gapsMax)
  const numbers = named.flatMap(([first, last]) => [first - 1, last + 1])
  const times = await askTimes(engine, { source, epoch, numbers })
  const gaps = named.map(([first, last]): Gap => ({
    epoch,
    first,
    last,
    after: times.get(first - 1) ?? null,
    before: times.get(last + 1) ?? null,
  }))
  const [rest] = missing.slice(limits.gapsMax)
  const end = missing.at(-1)
  return rest === undefined || end === undefined
    ? gaps
    : [...gaps, { epoch, first: rest[0], last: end[1], after: null, before: null }]
}

/** Asks the log, the register of sources and the store, and judges (L7). */
export async function reportCompleteness(
  { database, engine, log, world }: Pick<Service, 'database' | 'engine' | 'log' | 'world'>,
  question: { readonly account: AccountKey | null; readonly period: Period },
): Promise<CompletenessReport> {
  const registrations = new Map((await listRegistrations(database)).map((source) => [source.name, source]))
  const names = new Set([...(await everySource(log)), ...registrations.keys()])
  const sources: SourceFacts[] = []
  const gaps = new Map<string, readonly Gap[]>()
  for (const name of names) {
    const epochs = (await log.source(name)) ?? []
    sources.push({ name, registration: registrations.get(name) ?? null, epochs })
    const found = await Promise.all(epochs.map((numbering) => gapsOf(engine, name, numbering)))
    gaps.set(name, found.flat())
  }
  return completenessOf({ ...question, now: world.now(), sources, gapsOf: (name) => gaps.get(name) ?? [] })
}
