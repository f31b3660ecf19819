import type { AccountKey } from '../core/ids.ts'
import type { Clock, Micros, Period } from '../core/time.ts'
import type { EventLog, SourceEpoch } from '../log/log.ts'
import { canConcern, completenessOf, missingNumbers } from '../meter/completeness.ts'
import type { CompletenessReport, Gap, SourceFacts } from '../meter/completeness.ts'
import { listRegistrations } from '../meter/sources.ts'
import { askTimes } from '../store/query.ts'
import type { Engine } from '../store/engine.ts'
import type { Service } from './service.ts'

export const limits = {
  sourcesPage: 1_000,
  /** Gaps of one numbering that are looked at one by one; the rest is told as one. */
  gapsMax: 1_000,
  /** Numberings with gaps whose times are looked up in the store; of the others the times are not known. */
  timesMax: 50,
  recentMicros: 2_000_000,
  rememberedMax: 1_000,
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
async function gapsOf(engine: Engine | null, source: string, numbering: SourceEpoch): Promise<Gap[]> {
  const { epoch } = numbering
  const missing = missingNumbers(numbering)
  if (missing.length === 0) return []
  const named = missing.slice(0, limits.gapsMax)
  const numbers = named
    .flatMap(([first, last]) => [first - 1, last + 1])
    .filter((n) => n >= 1 && Number.isSafeInteger(n))
  const times = engine === null ? new Map<number, Micros>() : await askTimes(engine, { source, epoch, numbers })
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

interface Gathered {
  readonly sources: readonly SourceFacts[]
  readonly gaps: ReadonlyMap<string, readonly Gap[]>
}

async function gather({ database, engine, log }: Sources, account: AccountKey | null): Promise<Gathered> {
  const registrations = new Map((await listRegistrations(database)).map((source) => [source.name, source]))
  // What cannot concern the account must not cost it anything either.
  const names = new Set(
    [...(await everySource(log)), ...registrations.keys()].filter((name) => canConcern(name, account)),
  )
  const sources: SourceFacts[] = []
  const gaps = new Map<string, readonly Gap[]>()
  let asked = 0
  for (const [index, name] of [...names].entries()) {
    // Thousands of sources must not hold up everybody else.
    if (index % 500 === 499) await new Promise(setImmediate)
    const epochs = (await log.source(name)) ?? []
    sources.push({ name, registration: registrations.get(name) ?? null, epochs })
    const found: Gap[] = []
    for (const numbering of epochs) {
      const some = await gapsOf(asked < limits.timesMax ? engine : null, name, numbering)
      if (some.length > 0) asked += 1
      found.push(...some)
    }
    gaps.set(name, found)
  }
  return { sources, gaps }
}

type Sources = Pick<Service, 'database' | 'engine' | 'log'>

export interface Question {
  readonly account: AccountKey | null
  readonly period: Period
}

/** Judges completeness (L7): asks the log, the register of sources and the store. */
export interface CompletenessReader {
  /** As of now: for decisions. */
  report(question: Question): Promise<CompletenessReport>
  /** As of at most `limits.recentMicros` ago: for answers that only mention it. */
  recent(question: Question): Promise<CompletenessReport>
}

export function completenessReader(ports: Sources & { readonly world: Clock }): CompletenessReader {
  const lately = new Map<AccountKey | null, { readonly at: Micros; readonly gathered: Promise<Gathered> }>()
  const judge = async (question: Question, gathered: Promise<Gathered>): Promise<CompletenessReport> => {
    const { sources, gaps } = await gathered
    return completenessOf({ ...question, now: ports.world.now(), sources, gapsOf: (name) => gaps.get(name) ?? [] })
  }
  const ask = (account: AccountKey | null): Promise<Gathered> => {
    const gathered = gather(ports, account)
    if (lately.size >= limits.rememberedMax) lately.clear()
    lately.set(account, { at: ports.world.now(), gathered })
    gathered.catch(() => lately.delete(account))
    return gathered
  }
  return {
    report: (question) => judge(question, ask(question.account)),
    recent(question) {
      const last = lately.get(question.account)
      const isRecent = last !== undefined && ports.world.now() - last.at < limits.recentMicros
      return judge(question, isRecent ? last.gathered : ask(question.account))
    },
  }
}
