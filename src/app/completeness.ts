import type { AccountKey } from '../core/ids.ts'
import type { Clock, Micros, Period } from '../core/time.ts'
import type { EventLog } from '../log/log.ts'
import { canConcern, completenessOf } from '../meter/completeness.ts'
import type { CompletenessReport, Gap, SourceFacts } from '../meter/completeness.ts'
import { listRegistrations } from '../meter/sources.ts'
import type { Registration } from '../meter/sources.ts'
import { gapsOf, NumberMemory } from './completeness-gaps.ts'
import { openInputsReader } from './quarantine-open.ts'
import type { OpenInputs } from './quarantine-open.ts'
import type { Service } from './service.ts'

export const limits = {
  sourcesPage: 1_000,
  /** Numberings whose gaps' times one report asks the store for; of the others they are not known yet. */
  asksMax: 50,
  recentMicros: 2_000_000,
  rememberedMax: 10_000,
} as const

type Ports = Pick<Service, 'database' | 'engine' | 'log'> & { readonly world: Clock }

async function everySource(log: EventLog): Promise<string[]> {
  const names: string[] = []
  for (let after: string | null = null; ; after = names.at(-1) ?? null) {
    const page: readonly string[] = await log.sources({ after, most: limits.sourcesPage })
    names.push(...page)
    if (page.length < limits.sourcesPage) return names
  }
}

/** Which sources there are, what is expected of them, and what of theirs lies in quarantine. */
interface Register {
  readonly names: readonly string[]
  readonly registrations: ReadonlyMap<string, Registration>
  readonly open: OpenInputs
}

interface Gathered {
  readonly epochs: SourceFacts['epochs']
  readonly gaps: readonly Gap[]
}

/** Values by name that are computed again when they are older than asked for. */
class Lately<T> {
  readonly #kept = new Map<string, { readonly at: Micros; readonly value: Promise<T> }>()

  get(name: string, now: Micros, { maxAge, make }: { maxAge: number; make: () => Promise<T> }): Promise<T> {
    const last = this.#kept.get(name)
    if (last !== undefined && now - last.at < maxAge) return last.value
    if (this.#kept.size >= limits.rememberedMax) this.#kept.clear()
    const value = make()
    this.#kept.set(name, { at: now, value })
    value.catch(() => this.#kept.delete(name))
    return value
  }
}

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
  /** Unresolved inputs in quarantine, by source. */
  openInputs(): Promise<OpenInputs>
}

class Gatherer {
  readonly #ports: Ports
  readonly #memory: NumberMemory
  readonly #registers = new Lately<Register>()
  readonly #sources = new Lately<Gathered>()
  readonly openInputs: () => Promise<OpenInputs>

  constructor(ports: Ports) {
    this.#ports = ports
    this.#memory = new NumberMemory(ports.engine)
    this.openInputs = openInputsReader(ports.log)
  }

  async #register(): Promise<Register> {
    const { log, database } = this.#ports
    const registrations = new Map((await listRegistrations(database)).map((source) => [source.name, source]))
    const names = [...new Set([...(await everySource(log)), ...registrations.keys()])]
    return { names, registrations, open: await this.openInputs() }
  }

  async #source(source: string, budget: { asks: number }): Promise<Gathered> {
    const epochs = (await this.#ports.log.source(source)) ?? []
    const gaps: Gap[] = []
    for (const numbering of epochs) {
      const found = await gapsOf(this.#memory, { source, numbering }, budget.asks > 0)
      if (found.asked) budget.asks -= 1
      gaps.push(...found.gaps)
    }
    return { epochs, gaps }
  }

  async report({ account, period }: Question, maxAge: number): Promise<CompletenessReport> {
    const now = this.#ports.world.now()
    const register = await this.#registers.get('', now, { maxAge, make: () => this.#register() })
    const sources: SourceFacts[] = []
    const gaps = new Map<string, readonly Gap[]>()
    const budget = { asks: limits.asksMax }
    // What cannot concern the account must not cost it anything either.
    for (const name of register.names.filter((name) => canConcern(name, account))) {
      // Thousands of sources must not hold up everybody else.
      if (sources.length % 500 === 499) await new Promise(setImmediate)
      const found = await this.#sources.get(name, now, { maxAge, make: () => this.#source(name, budget) })
      sources.push({ name, registration: register.registrations.get(name) ?? null, epochs: found.epochs })
      gaps.set(name, found.gaps)
    }
    return completenessOf({
      account,
      period,
      now,
      sources,
      gapsOf: (name) => gaps.get(name) ?? [],
      openOf: (name) => register.open.get(name) ?? 0,
    })
  }
}

/** The reader of completeness; what it has just gathered of a source serves all accounts. */
export function completenessReader(ports: Ports): CompletenessReader {
  const gatherer = new Gatherer(ports)
  return {
    report: (question) => gatherer.report(question, 0),
    recent: (question) => gatherer.report(question, limits.recentMicros),
    openInputs: gatherer.openInputs,
  }
}
