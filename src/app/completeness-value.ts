/**
 * The value at risk: what an account's invoice would be more, if what is missing were like what is there. An estimate,
 * never a quantity that is billed; what cannot be estimated is named and not taken for zero (L13).
 */
import { getAccount } from '../account/accounts.ts'
import { Refusal } from '../core/errors.ts'
import { add, exact, formatScaled, multiply, roundToInteger, sum } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../core/ids.ts'
import { addMinor, formatMinor } from '../core/money.ts'
import type { Currency, Minor } from '../core/money.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { findMeter } from '../meter/catalogue.ts'
import { expectedMissing, expectedQuantity } from '../meter/completeness-lack.ts'
import type { Lack } from '../meter/completeness-lack.ts'
import type { CompletenessReport, SourceCompleteness } from '../meter/completeness.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { Contract } from '../price/contract/contract.ts'
import { splitPrices } from '../price/contract/contract-parts.ts'
import { contractFor } from '../price/contract/contract-table.ts'
import { shareOf } from '../price/rate/proration.ts'
import { rateLines } from '../price/rate/rate-lines.ts'
import type { LineUsage } from '../price/rate/slice.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import { askSourcePast } from '../store/numbers.ts'
import { heldInPeriod } from './completeness-held.ts'
import { accountsOf, expectedOf, quantitiesOf } from './completeness-quantities.ts'
import type { Basis, Quantities } from './completeness-quantities.ts'
import type { Service } from './service.ts'

export const limits = {
  /** Sources that lack something, and accounts, that one estimate looks at. */
  sourcesMax: 50,
  accountsMax: 100,
  /** How far back a source's own past is looked at. */
  pastMicros: 35 * dayMicros,
  reportsMax: 20,
} as const

type Ports = Pick<Service, 'database' | 'engine' | 'log' | 'projection' | 'world'>

export interface Amount {
  readonly currency: Currency
  readonly amount: string
}

export interface SourceRisk {
  readonly lack: Lack
  /** Null: it cannot be estimated. */
  readonly expected: Exact | null
  /** The events that the estimate is made of; null: there are none. */
  readonly basis: { readonly period: Period; readonly events: bigint } | null
  readonly amounts: readonly Amount[]
}

export interface ValueAtRisk {
  /** One for each currency. */
  readonly amounts: readonly Amount[]
  /** Events that are expected to be missing, of the account or of all, over the sources that could be estimated. */
  readonly expected: Exact
  readonly sources: readonly SourceRisk[]
  /** Sources of which nothing is known that an estimate could be made of. */
  readonly notEstimated: readonly string[]
  /** Accounts that have no price. */
  readonly notPriced: readonly AccountKey[]
  /** Not everything was looked at: the sum is of the largest accounts, or of a part of the sources or the quarantine. */
  readonly cut: boolean
  readonly how: readonly string[]
}

export interface RiskQuestion {
  /** Null: of the whole installation. */
  readonly account: AccountKey | null
  readonly period: Period
  readonly report: CompletenessReport
}

async function lackOf(ports: Ports, source: SourceCompleteness, held: number): Promise<Lack> {
  const { source: name, missing, lost, silence } = source
  const base = { source: name, numbers: missing, lost, held, silence }
  if (silence === null) return { ...base, past: null }
  const since = Math.max(0, silence.from - limits.pastMicros) as Micros
  const past = await askSourcePast(ports.engine, { source: name, from: since, to: silence.from })
  const meanwhile = await askSourcePast(ports.engine, { source: name, ...silence })
  return { ...base, past: past && { ...past, arrivedMeanwhile: meanwhile?.events ?? 0n } }
}

/** The source's events of the period or, where it has none, those of the weeks before. */
async function basisOf({ engine }: Ports, source: string, period: Period): Promise<SourceRisk['basis']> {
  const before = { from: Math.max(0, period.from - limits.pastMicros) as Micros, to: period.from }
  for (const { from, to } of [period, before]) {
    const past = await askSourcePast(engine, { source, from, to })
    if (past !== null) return { period: { from, to }, events: past.events }
  }
  return null
}

interface Estimate extends Omit<SourceRisk, 'amounts'> {}

function isEstimated(one: Estimate): one is Estimate & Basis {
  return one.expected !== null && one.basis !== null
}

/** An estimate with an end: eighteen decimals, like the smallest quantity that can be sent. */
function finite(value: Exact): Exact {
  return exact(formatScaled(roundToInteger(value, 18), 18))
}

interface Pricing {
  readonly contract: Contract
  readonly meters: ReadonlyMap<MeterKey, MeterDefinition>
  readonly usage: ReadonlyMap<MeterKey, Exact>
}

/** A quantity of which nothing else is known: spread evenly over time, and in no group that has a price of its own. */
function evenUsage(quantity: Exact, { from, to }: Period): LineUsage {
  return { quantity, groups: [{ group: {}, quantity }], windows: [{ from, to, quantity }], values: null }
}

/** What usage would cost, each price's part of the period by its share of the time. */
function amountOf({ contract, meters }: Pricing, usage: ReadonlyMap<MeterKey, Exact>): Minor {
  const { currency, parts, period } = contract
  const priced = splitPrices(parts).map(({ price, count, part }) => {
    const share = shareOf(part, period)
    const meter = price.meter === null ? undefined : meters.get(price.meter)
    const additive = meter === undefined || whyNotAdditive(meter.aggregation) === null
    const quantity = price.meter === null ? exact(0n) : (usage.get(price.meter) ?? exact(0n))
    const used = finite(additive ? multiply(quantity, share) : quantity)
    return { price, part, share, additive, count, usage: evenUsage(used, part) }
  })
  return addMinor(rateLines(priced, { currency, traced: false }).map(({ line }) => line.amount))
}

/** What some missing events would cost: the usage with them, rated, less the usage without them, rated. */
function costOf(pricing: Pricing, extra: ReadonlyMap<MeterKey, Exact>): Minor {
  const { usage } = pricing
  const more = new Map([...usage].map(([key, base]) => [key, add(base, extra.get(key) ?? exact(0n))]))
  return (amountOf(pricing, more) - amountOf(pricing, usage)) as Minor
}

interface AccountRisk {
  readonly currency: Currency
  readonly total: Minor
  readonly bySource: ReadonlyMap<string, Minor>
}

async function pricingOf(
  { database }: Ports,
  { account, period, quantities }: { account: AccountKey; period: Period; quantities: Quantities },
): Promise<Pricing | null> {
  try {
    const contract = await contractFor(database, await getAccount(database, account), period)
    const meters = new Map<MeterKey, MeterDefinition>()
    const usage = new Map<MeterKey, Exact>()
    for (const { price } of splitPrices(contract.parts)) {
      const key = price.meter
      if (key === null || meters.has(key)) continue
      const meter = await findMeter(database, key)
      meters.set(key, meter)
      usage.set(key, await quantities.usage(account, meter))
    }
    return { contract, meters, usage }
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}

async function accountRisk(
  ports: Ports,
  bases: readonly (Estimate & Basis)[],
  asked: { account: AccountKey; period: Period; quantities: Quantities },
): Promise<AccountRisk | null> {
  const pricing = await pricingOf(ports, asked)
  if (pricing === null) return null
  const whole = new Map<MeterKey, Exact>()
  const bySource = new Map<string, Map<MeterKey, Exact>>(bases.map(({ lack }) => [lack.source, new Map()]))
  for (const [key, meter] of pricing.meters) {
    const counted = await asked.quantities.bySource(asked.account, meter)
    for (const { lack, expected, basis } of bases) {
      const quantity = counted.get(lack.source) ?? exact(0n)
      const share = { source: lack.source, expected, events: basis.events, quantity }
      bySource.get(lack.source)?.set(key, finite(expectedQuantity([share])))
    }
    whole.set(key, sum([...bySource.values()].map((extra) => extra.get(key) ?? exact(0n))))
  }
  return {
    currency: pricing.contract.currency,
    total: costOf(pricing, whole),
    bySource: new Map([...bySource].map(([source, extra]) => [source, costOf(pricing, extra)])),
  }
}

function amountsOf(parts: readonly { readonly currency: Currency; readonly minor: Minor }[]): Amount[] {
  const sums = Map.groupBy(parts, ({ currency }) => currency)
  return [...sums]
    .toSorted(([one], [two]) => (one < two ? -1 : 1))
    .map(([currency, some]) => ({ currency, amount: formatMinor(addMinor(some.map(({ minor }) => minor)), currency) }))
}

function howOf(estimates: readonly Estimate[]): string[] {
  const whole = (value: Exact): string => String(roundToInteger(value, 0))
  const named = estimates.filter(isEstimated).slice(0, limits.reportsMax)
  const texts = named.map(({ lack, expected, basis }) => {
    const parts = [
      ...(lack.numbers > 0 ? [`${lack.numbers} numbers have not arrived`] : []),
      ...(lack.lost > 0 ? [`${lack.lost} declared lost`] : []),
      ...(lack.held > 0 ? [`${lack.held} in quarantine`] : []),
      ...(lack.silence === null ? [] : ['silence at its own average per hour']),
    ]
    return (
      `source ${lack.source}: about ${whole(expected)} events (${parts.join(', ')}), each taken to be the average of its ` +
      `${basis.events} events that are there`
    )
  })
  const last = 'the account’s usage with them, rated by its plan, less its usage without them, rated by its plan'
  return texts.length === 0 ? [] : [...texts, last]
}

const nothingMissing: ValueAtRisk = {
  amounts: [],
  expected: exact(0n),
  sources: [],
  notEstimated: [],
  notPriced: [],
  cut: false,
  how: ['nothing is known to be missing'],
}

async function estimatesOf(ports: Ports, { report, period }: RiskQuestion) {
  const { bySource, cut } = await heldInPeriod(ports.log, period)
  const affected = report.sources.filter(
    ({ source, missing, lost, silence }) => missing > 0 || lost > 0 || silence !== null || bySource.has(source),
  )
  const estimates: Estimate[] = []
  for (const source of affected.slice(0, limits.sourcesMax)) {
    const lack = await lackOf(ports, source, bySource.get(source.source) ?? 0)
    const basis = await basisOf(ports, source.source, period)
    estimates.push({ lack, expected: expectedMissing(lack), basis })
  }
  return { estimates, cut: cut || affected.length > limits.sourcesMax }
}

/** Null: there is something missing, and nothing that an estimate could be made of (L13). */
export async function valueAtRisk(ports: Ports, question: RiskQuestion): Promise<ValueAtRisk | null> {
  const { account, period } = question
  const { estimates, cut } = await estimatesOf(ports, question)
  if (estimates.length === 0) return { ...nothingMissing, cut }
  const bases = estimates.filter(isEstimated)
  if (bases.length === 0) return null
  const below: Offset = ports.projection.position()
  const found = account === null ? await accountsOf(ports.engine, { bases, below }) : [account]
  const accounts = found.slice(0, limits.accountsMax)
  const quantities = quantitiesOf(ports.engine, { bases, period, below, isShared: account === null })
  const risks: AccountRisk[] = []
  const notPriced: AccountKey[] = []
  for (const one of accounts) {
    const risk = await accountRisk(ports, bases, { account: one, period, quantities })
    if (risk === null) notPriced.push(one)
    else risks.push(risk)
  }
  if (risks.length === 0) return null
  const partsOf = (source: string) =>
    risks.map(({ currency, bySource }) => ({ currency, minor: bySource.get(source) ?? (0n as Minor) }))
  return {
    amounts: amountsOf(risks.map(({ currency, total }) => ({ currency, minor: total }))),
    expected:
      account === null
        ? sum(bases.map(({ expected }) => expected))
        : await expectedOf(ports.engine, account, { bases, below }),
    sources: estimates.map((one) => ({
      ...one,
      amounts: isEstimated(one) ? amountsOf(partsOf(one.lack.source)) : [],
    })),
    notEstimated: estimates.filter((one) => !isEstimated(one)).map(({ lack }) => lack.source),
    notPriced,
    cut: cut || found.length > accounts.length,
    how: howOf(estimates),
  }
}

/** For whoever has to decide, in a sentence. */
export function valueText(risk: ValueAtRisk | null): string | null {
  const [amount] = risk?.amounts ?? []
  if (risk === null || amount === undefined) return null
  const part = risk.notEstimated.length + risk.notPriced.length > 0 || risk.cut ? ' at least' : ''
  return `about ${String(roundToInteger(risk.expected, 0))} events are missing, worth${part} ${amount.amount} ${amount.currency}`
}
