/**
 * The usage of many accounts at once, as their invoices look at it: the same statements that answer for one account, over
 * a list of accounts (L9).
 */
import { add, zero } from '../core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import type { Micros, Period } from '../core/time.ts'
import type { MeterUsage, PartUsage, UsageByMeter } from '../invoice/collect-usage.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { withRolled } from '../meter/rollups.ts'
import type { UsageAnswer, UsageQuestion, UsageRow } from '../meter/usage.ts'
import { checkQuestion } from '../meter/usage.ts'
import { emptyQuantity, endsOf, factQuestionOf, rowsOf, startsOf, usageRow } from '../meter/usage-row.ts'
import type { Dimension } from '../store/condition.ts'
import type { Engine } from '../store/engine.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { Rolled } from '../store/measure/question.ts'
import { streamFacts } from '../store/query.ts'
import type { FactQuestion, MeasuredRow } from '../store/query.ts'
import type { PricedPeriod, UsageWant, WantedPart } from './simulation-contract.ts'

export const limits = {
  /** Windows of one question: every hour of a month. */
  windowsMax: 2_000,
  /**
   * Parts that differ, as months of different zones do, are asked for in one question that is cut wherever one of them
   * begins or ends: the events of all of them lie beside each other and are read once. So many parts at once, of those
   * that more than a few accounts have; of the others, parts of so many accounts.
   */
  commonParts: 12,
  fewAccounts: 16,
  cutWants: 256,
  /** Each has a thread of the store: two are two cores. */
  questionsAtOnce: 2,
  /** Which hours of a period are rolled is looked up once for so many questions. */
  rolledKept: 500,
} as const

export interface UsagePorts {
  readonly engine: Engine
  /** The meter in its newest version; refuses with METER_NOT_FOUND. */
  readonly findMeter: (key: MeterKey) => Promise<MeterDefinition>
  readonly below: Offset
  /** In a period that still runs, levels and peaks count up to here. */
  readonly until: Micros
}

type AnswersByAccount = Map<AccountKey, UsageAnswer>

interface Wanted {
  readonly want: UsageWant
  readonly accounts: ReadonlySet<AccountKey>
}

/** Which accounts want what. */
export class Wants {
  readonly #wants = new Map<string, { readonly want: UsageWant; readonly accounts: Set<AccountKey> }>()

  #add(want: UsageWant, account: AccountKey): void {
    const known = this.#wants.get(want.name)
    if (known === undefined) this.#wants.set(want.name, { want, accounts: new Set([account]) })
    else known.accounts.add(account)
  }

  add({ wanted }: PricedPeriod, account: AccountKey): void {
    for (const { parts, gaps } of wanted) {
      for (const gap of gaps) this.#add(gap, account)
      for (const { whole, windows, groups } of parts) {
        this.#add(whole, account)
        for (const [, want] of [...windows, ...groups]) this.#add(want, account)
      }
    }
  }

  all(): readonly Wanted[] {
    return [...this.#wants.values()]
  }
}

interface OneWant {
  readonly want: UsageWant
  readonly account: AccountKey
}

function isCommon({ accounts }: Wanted): boolean {
  return accounts.size >= limits.fewAccounts
}

function singles({ want, accounts }: Wanted): readonly OneWant[] {
  return [...accounts].map((account) => ({ want, account }))
}

function inPieces<Item>(items: readonly Item[], length: number): readonly (readonly Item[])[] {
  const count = Math.ceil(items.length / length)
  return Array.from({ length: count }, (_, index) => items.slice(index * length, (index + 1) * length))
}

function sameGroup(row: UsageRow): string {
  return JSON.stringify(Object.values(row.group))
}

function addedUp(rows: readonly UsageRow[], { from, to }: Period): UsageRow {
  let [quantity, eventsWithoutValue] = [zero, 0n]
  for (const row of rows) {
    quantity = add(quantity, row.quantity ?? zero)
    eventsWithoutValue += row.eventsWithoutValue
  }
  return { from, to, group: rows[0]?.group ?? {}, quantity, eventsWithoutValue }
}

/** Rows of windows that add up, as one row for each group. */
function addedTogether(rows: readonly UsageRow[], groupBy: readonly Dimension[], part: Period): readonly UsageRow[] {
  if (groupBy.length === 0) return [addedUp(rows, part)]
  return [...Map.groupBy(rows, sameGroup).values()].map((parts) => addedUp(parts, part))
}

function answerOf(rows: readonly UsageRow[], { groupBy, window }: UsageWant, meter: MeterDefinition): UsageAnswer {
  const total = groupBy.length === 0 && window === null ? rows[0]?.quantity : undefined
  let eventsWithoutValue = 0n
  for (const row of rows) eventsWithoutValue += row.eventsWithoutValue
  // Of windows and groups a price looks at the rows; their whole is asked for by itself.
  return { rows, total: total === undefined ? emptyQuantity(meter.aggregation) : total, eventsWithoutValue }
}

/**
 * Asks some questions at a time. When one fails no other begins, and those that are under way are waited for: nothing goes
 * on behind whoever is told.
 */
async function askInTurns(questions: readonly (() => Promise<void>)[], between: () => Promise<void>): Promise<void> {
  const waiting = [...questions]
  const ask = async (): Promise<void> => {
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await between()
        await next()
      }
    } catch (error) {
      waiting.length = 0
      throw error
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: limits.questionsAtOnce }, ask))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Asks what a list of accounts wants, and keeps the answers. */
export class UsageOfMany {
  readonly #ports: UsagePorts
  readonly #meters = new Map<MeterKey, MeterDefinition>()
  readonly #rolled = new Map<string, Rolled | null>()

  constructor(ports: UsagePorts) {
    this.#ports = ports
  }

  async meter(key: MeterKey): Promise<MeterDefinition> {
    const meter = this.#meters.get(key) ?? (await this.#ports.findMeter(key))
    this.#meters.set(key, meter)
    return meter
  }

  /** The question over rolled hours. Below one offset they are the same whatever accounts are asked for. */
  async #withRolled(meter: MeterDefinition, question: FactQuestion): Promise<FactQuestion> {
    const { starts, period } = question
    const name = JSON.stringify([meter.key, period.from, period.to, starts, question.dimensions])
    const known = this.#rolled.get(name)
    if (known !== undefined) return known === null ? question : { ...question, rolled: known }
    const asked = await withRolled(this.#ports.engine, meter, question)
    if (this.#rolled.size >= limits.rolledKept) this.#rolled.clear()
    this.#rolled.set(name, asked.rolled ?? null)
    return asked
  }

  async #rows(
    asked: Pick<UsageQuestion, 'meter' | 'period' | 'groupBy'>,
    starts: readonly Micros[],
    accounts: readonly AccountKey[],
  ): Promise<ReadonlyMap<AccountKey, readonly MeasuredRow[]>> {
    const { below, until, engine } = this.#ports
    const { period, meter } = asked
    checkQuestion(asked)
    const running = until < period.to ? { until } : {}
    const scope = { kind: 'operator', question: 'usage_by_account', among: accounts } as const
    const form = factQuestionOf({ ...asked, below, ...running, window: null, zone: 'UTC' }, scope)
    const question = await this.#withRolled(meter, { ...form, starts })
    const byAccount = new Map<AccountKey, MeasuredRow[]>()
    for await (const rows of streamFacts(engine, question)) {
      for (const row of rows) {
        assert(row.account !== null, 'this operator question answers by account')
        const mine = byAccount.get(row.account)
        if (mine === undefined) byAccount.set(row.account, [row])
        else mine.push(row)
      }
    }
    return byAccount
  }

  async #askTogether(want: UsageWant, accounts: readonly AccountKey[]): Promise<AnswersByAccount> {
    const meter = await this.meter(want.meter)
    const { part: period, window, zone } = want
    const groupBy = want.groupBy as readonly Dimension[]
    const starts = startsOf({ period, window, zone }, limits.windowsMax)
    const rows = await this.#rows({ meter, period, groupBy }, starts, accounts)
    const shape = { period, groupBy, meter }
    return new Map([...rows].map(([account, some]) => [account, answerOf(rowsOf(some, starts, shape), want, meter)]))
  }

  /** Parts that differ from account to account: asked for at once, cut wherever one of them begins or ends, and put together again. */
  async #askCut(all: readonly OneWant[]): Promise<ReadonlyMap<string, AnswersByAccount>> {
    const [first] = all
    const answers = new Map<string, AnswersByAccount>()
    if (first === undefined) return answers
    const meter = await this.meter(first.want.meter)
    const groupBy = first.want.groupBy as readonly Dimension[]
    const cuts = [...new Set(all.flatMap(({ want: { part } }) => [part.from, part.to]))].toSorted((a, b) => a - b)
    const period: Period = { from: cuts[0] ?? first.want.part.from, to: cuts.at(-1) ?? first.want.part.to }
    const starts = cuts.slice(0, -1)
    const ends = endsOf(starts, period)
    const measured = await this.#rows({ meter, period, groupBy }, starts, [
      ...new Set(all.map(({ account }) => account)),
    ])
    for (const { want, account } of all) {
      const { part, name } = want
      const rows = (measured.get(account) ?? [])
        .filter(({ windowStart }) => windowStart >= part.from && windowStart < part.to)
        .map((row) => usageRow(row, { ends, groupBy }))
      if (rows.length === 0) continue
      const mine = answers.get(name) ?? new Map<AccountKey, UsageAnswer>()
      answers.set(name, mine.set(account, answerOf(addedTogether(rows, groupBy, part), want, meter)))
    }
    return answers
  }

  /** What may be cut and put together again is asked for in few questions; the rest is asked for as it is. */
  async #plan(
    wants: Wants,
  ): Promise<{ readonly apart: readonly Wanted[]; readonly cut: readonly (readonly OneWant[])[] }> {
    const apart: Wanted[] = []
    const additive: Wanted[] = []
    for (const one of wants.all()) {
      const { aggregation } = await this.meter(one.want.meter)
      const isAdditive = one.want.window === null && whyNotAdditive(aggregation) === null
      if (isAdditive) additive.push(one)
      else apart.push(one)
    }
    const alike = Map.groupBy(additive, ({ want: { meter, groupBy } }) => JSON.stringify([meter, groupBy]))
    const cut = [...alike.values()].flatMap((some) => {
      const [common, few] = [some.filter(isCommon), some.filter((one) => !isCommon(one))]
      return [
        ...inPieces(common, limits.commonParts).map((parts) => parts.flatMap(singles)),
        ...inPieces(few.flatMap(singles), limits.cutWants),
      ]
    })
    return { apart, cut }
  }

  /** Answers everything that is wanted; `between` is called between questions and may end it by throwing. */
  async ask(wants: Wants, between: () => Promise<void>): Promise<UsageFound> {
    const answers = new Map<string, AnswersByAccount>()
    const keep = (name: string, found: AnswersByAccount): void => {
      const known = answers.get(name)
      if (known === undefined) answers.set(name, found)
      else for (const [account, answer] of found) known.set(account, answer)
    }
    const { apart, cut } = await this.#plan(wants)
    const questions = [
      ...apart.map(
        ({ want, accounts }) =>
          async () =>
            keep(want.name, await this.#askTogether(want, [...accounts])),
      ),
      ...cut.map((some) => async () => (await this.#askCut(some)).forEach((found, name) => keep(name, found))),
    ]
    await askInTurns(questions, between)
    return new UsageFound(answers, this.#meters)
  }
}

/** Answers of a list of accounts, put together as their invoices take them. */
export class UsageFound {
  readonly #answers: ReadonlyMap<string, AnswersByAccount>
  readonly #meters: ReadonlyMap<MeterKey, MeterDefinition>

  constructor(answers: ReadonlyMap<string, AnswersByAccount>, meters: ReadonlyMap<MeterKey, MeterDefinition>) {
    this.#answers = answers
    this.#meters = meters
  }

  #answer(want: UsageWant, account: AccountKey, meter: MeterDefinition): UsageAnswer {
    const found = this.#answers.get(want.name)?.get(account)
    if (found !== undefined) return found
    const { part: period, window, zone } = want
    // A window in which nothing was used is one all the same.
    const rows =
      window === null
        ? []
        : rowsOf([], startsOf({ period, window, zone }, limits.windowsMax), { period, groupBy: [], meter })
    return answerOf(rows, want, meter)
  }

  #part({ part, whole, windows, groups }: WantedPart, account: AccountKey, meter: MeterDefinition): PartUsage {
    return {
      part,
      whole: this.#answer(whole, account, meter),
      windows: new Map(windows.map(([window, want]) => [window, this.#answer(want, account, meter)])),
      groups: new Map(groups.map(([name, want]) => [name, this.#answer(want, account, meter)])),
    }
  }

  /** What `collectUsage` gives an invoice; days that only explain a line are left out. */
  of({ wanted }: PricedPeriod, account: AccountKey): UsageByMeter {
    return new Map(
      wanted.map(({ meter: key, parts, gaps }): [MeterKey, MeterUsage] => {
        const meter = this.#meters.get(key)
        assert(meter !== undefined, 'the meter was asked for')
        const found = parts.map((part) => [part.name, this.#part(part, account, meter)] as const)
        const empty = gaps.map((want) => ({ ...want.part, usage: this.#answer(want, account, meter) }))
        return [key, { meter, whole: null, parts: new Map(found), gaps: empty }]
      }),
    )
  }
}
