import type { AccountKey, MeterKey, Offset } from '../core/ids.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Dimension } from '../store/condition.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { ReadUsage, UsageAnswer, UsageQuestion } from '../meter/usage.ts'
import type { Contract } from '../price/contract/contract.ts'
import { splitPrices } from '../price/contract/contract-parts.ts'
import type { BillingPeriod } from './billing-period.ts'
import { groupsName, partName, usageWanted } from './usage-wanted.ts'
import type { EachWindow, PartWanted } from './usage-wanted.ts'

/** A meter's usage in a part of a billing period, as its prices look at it. */
export interface PartUsage {
  readonly part: Period
  /** As one number. */
  readonly whole: UsageAnswer
  /** By day and, where a price looks at each hour or month, by these; days are there wherever days add up. */
  readonly windows: ReadonlyMap<EachWindow, UsageAnswer>
  /** By the dimensions that prices look at (`groupsName`). */
  readonly groups: ReadonlyMap<string, UsageAnswer>
}

/** A meter's usage in a billing period, in the parts that its prices cut it into. */
export interface MeterUsage {
  readonly meter: MeterDefinition
  /** Of the whole period, where the parts have to add up to it or one of them is it; else null. */
  readonly whole: UsageAnswer | null
  /** By `partName`. */
  readonly parts: ReadonlyMap<string, PartUsage>
  /** In the times without a plan. */
  readonly gaps: readonly (Period & { readonly usage: UsageAnswer })[]
}

export type UsageByMeter = ReadonlyMap<MeterKey, MeterUsage>

/** What `collectUsage` asks. */
export interface UsageSource {
  readonly readUsage: ReadUsage
  /** The meter in its newest version; refuses with METER_NOT_FOUND. */
  readonly findMeter: (key: MeterKey) => Promise<MeterDefinition>
}

export interface UsageWanted {
  readonly account: AccountKey
  readonly contract: Pick<Contract, 'parts' | 'gaps'>
  readonly period: BillingPeriod
  /** All meters are read at one offset of the log, so that the invoice can be computed again (L5). */
  readonly below: Offset
  /** In a period that still runs, levels and peaks count up to here. Left out: to its end. */
  readonly until?: Micros
}

type Ask = (part: Period, how: Partial<Pick<UsageQuestion, 'window' | 'groupBy'>>) => Promise<UsageAnswer>

function asking({ readUsage }: UsageSource, wanted: UsageWanted, meter: MeterDefinition): Ask {
  const { account, period, below, until } = wanted
  return (part, how) => {
    const running = until !== undefined && until < part.to ? { until } : {}
    const question = { account, meter, period: part, zone: period.zone, below, ...running }
    return readUsage({ ...question, window: null, groupBy: [], ...how })
  }
}

async function partUsage(ask: Ask, { part, groups, windows }: PartWanted, meter: MeterDefinition): Promise<PartUsage> {
  const asked = new Set<EachWindow>(windows)
  // Days explain where a quantity comes from, wherever they add up to it.
  if (whyNotAdditive(meter.aggregation) === null) asked.add('day')
  const byWindow = new Map<EachWindow, UsageAnswer>()
  for (const window of asked) byWindow.set(window, await ask(part, { window }))
  const byGroup = new Map<string, UsageAnswer>()
  for (const dimensions of groups)
    byGroup.set(groupsName(dimensions), await ask(part, { groupBy: dimensions as readonly Dimension[] }))
  return { part, whole: await ask(part, {}), windows: byWindow, groups: byGroup }
}

async function meterUsage(
  source: UsageSource,
  wanted: UsageWanted,
  { key, parts: wantedParts }: { readonly key: MeterKey; readonly parts: readonly PartWanted[] },
): Promise<MeterUsage> {
  const meter = await source.findMeter(key)
  const ask = asking(source, wanted, meter)
  const parts = new Map<string, PartUsage>()
  for (const one of wantedParts) parts.set(partName(one.part), await partUsage(ask, one, meter))
  const gaps: MeterUsage['gaps'][number][] = []
  for (const gap of wanted.contract.gaps) gaps.push({ ...gap, usage: await ask(gap, {}) })
  const { from, to } = wanted.period
  const isCrossfooted = whyNotAdditive(meter.aggregation) === null
  const whole = parts.get(partName({ from, to }))?.whole ?? (isCrossfooted ? await ask({ from, to }, {}) : null)
  return { meter, whole, parts, gaps }
}

/** Reads the usage of all meters that a contract prices, in the parts that it prices them in; nothing is asked twice. */
export async function collectUsage(source: UsageSource, wanted: UsageWanted): Promise<UsageByMeter> {
  const parts = Map.groupBy(usageWanted(splitPrices(wanted.contract.parts)), ({ meter }) => meter)
  const usage = new Map<MeterKey, MeterUsage>()
  for (const [key, some] of parts) usage.set(key, await meterUsage(source, wanted, { key, parts: some }))
  return usage
}
