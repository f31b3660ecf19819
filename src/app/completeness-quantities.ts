import { exact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Period } from '../core/time.ts'
import { expectedQuantity } from '../meter/completeness-lack.ts'
import type { Lack } from '../meter/completeness-lack.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { usageByAccount, usageReader } from '../meter/usage.ts'
import type { Engine } from '../store/engine.ts'
import { askFacts } from '../store/query.ts'
import type { MeasuredRow, Measure, Scope } from '../store/query.ts'

/** The events of a source that an estimate is made of. */
export interface Basis {
  readonly lack: Lack
  readonly expected: Exact
  readonly basis: { readonly period: Period; readonly events: bigint }
}

export interface QuantityQuestion {
  readonly bases: readonly Basis[]
  readonly period: Period
  readonly below: Offset
  /** Many accounts will be asked for: each question is asked once for all of them. */
  readonly isShared: boolean
}

/** The part of a source's expected missing events that would be one account's. */
export async function expectedOf(
  engine: Engine,
  account: AccountKey,
  { bases, below }: Pick<QuantityQuestion, 'bases' | 'below'>,
): Promise<Exact> {
  const scope: Scope = { kind: 'account', account }
  const events = mapOf(
    await askBySource(engine, { scope, bases, below, measure: { kind: 'count' }, filter: withoutCounters }),
  )
  return expectedQuantity(
    bases.map(({ lack: { source }, expected, basis }) => ({
      source,
      expected,
      events: basis.events,
      quantity: events.get(source) ?? exact(0n),
    })),
  )
}

/** What meters counted, of the account's period and of the sources' own events. */
export interface Quantities {
  usage(account: AccountKey, meter: MeterDefinition): Promise<Exact>
  bySource(account: AccountKey, meter: MeterDefinition): Promise<ReadonlyMap<string, Exact>>
}

interface Asked {
  readonly scope: Scope
  readonly bases: readonly Basis[]
  readonly below: Offset
  readonly measure: Measure
  readonly filter: MeterDefinition['filter']
}

/** By source (the one dimension of each row), each over its own basis; sources of one basis are asked together. */
async function askBySource(engine: Engine, { scope, bases, below, measure, filter }: Asked): Promise<MeasuredRow[]> {
  const rows: MeasuredRow[] = []
  for (const [, some] of Map.groupBy(bases, ({ basis }) => `${basis.period.from} ${basis.period.to}`)) {
    const [first] = some
    if (first === undefined) continue
    const { period } = first.basis
    const values = some.map(({ lack }) => lack.source)
    const conditions = [...filter, { operator: 'in', field: 'source', values } as const]
    const question = {
      scope,
      period,
      starts: [period.from],
      below,
      measure,
      conditions,
      dimensions: ['source'] as const,
    }
    rows.push(...(await askFacts(engine, question)))
  }
  return rows
}

function mapOf(rows: readonly MeasuredRow[]): ReadonlyMap<string, Exact> {
  return new Map(rows.map(({ dimensions, quantity }) => [dimensions[0] ?? '', exact(quantity ?? '0')]))
}

/** A sample of a counter is no traffic. */
const withoutCounters = [{ operator: 'not_in', field: 'kind', values: ['counter'] }] as const

/** The accounts of whose traffic something is missing, those with the most events first. */
export async function accountsOf(
  engine: Engine,
  { bases, below }: Pick<QuantityQuestion, 'bases' | 'below'>,
): Promise<readonly AccountKey[]> {
  const scope: Scope = { kind: 'operator', question: 'usage_by_account' }
  const rows = await askBySource(engine, { scope, bases, below, measure: { kind: 'count' }, filter: withoutCounters })
  const events = new Map<AccountKey, bigint>()
  for (const { account, quantity } of rows)
    if (account !== null) events.set(account, (events.get(account) ?? 0n) + BigInt(quantity ?? '0'))
  return [...events].toSorted(([, one], [, two]) => (one < two ? 1 : -1)).map(([account]) => account)
}

function ofOneAccount(engine: Engine, { bases, period, below }: QuantityQuestion): Quantities {
  const readUsage = usageReader(engine)
  return {
    async usage(account, meter) {
      const question = { account, meter, period, window: null, zone: 'UTC', groupBy: [], below }
      return (await readUsage(question)).total ?? zero
    },
    async bySource(account, { aggregation: measure, filter }) {
      const scope: Scope = { kind: 'account', account }
      return mapOf(await askBySource(engine, { scope, bases, below, measure, filter }))
    },
  }
}

function ofManyAccounts(engine: Engine, { bases, period, below }: QuantityQuestion): Quantities {
  const usages = new Map<string, Promise<ReadonlyMap<AccountKey, { readonly total: Exact | null }>>>()
  const sources = new Map<string, Promise<MeasuredRow[]>>()
  const nameOf = ({ key, version }: MeterDefinition): string => `${key} ${version}`
  return {
    async usage(account, meter) {
      const name = nameOf(meter)
      const asked = usages.get(name) ?? usageByAccount(engine, { meter, period, window: null, zone: 'UTC', below })
      usages.set(name, asked)
      return (await asked).get(account)?.total ?? zero
    },
    async bySource(account, meter) {
      const name = nameOf(meter)
      const { aggregation: measure, filter } = meter
      const scope: Scope = { kind: 'operator', question: 'usage_by_account' }
      const asked = sources.get(name) ?? askBySource(engine, { scope, bases, below, measure, filter })
      sources.set(name, asked)
      return mapOf((await asked).filter((row) => row.account === account))
    },
  }
}

/** Where the quantities of an estimate come from: the same questions that usage is answered by. */
export function quantitiesOf(engine: Engine, question: QuantityQuestion): Quantities {
  return question.isShared ? ofManyAccounts(engine, question) : ofOneAccount(engine, question)
}
