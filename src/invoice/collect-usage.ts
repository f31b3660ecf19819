import type { AccountKey, MeterKey, Offset } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { ReadUsage, UsageAnswer } from '../meter/usage.ts'
import type { PlanVersion } from '../price/plan.ts'
import type { BillingPeriod } from './billing-period.ts'

/** A meter's usage in a billing period, asked for twice: as one number, and day by day. */
export interface MeterUsage {
  readonly meter: MeterDefinition
  readonly whole: UsageAnswer
  readonly daily: UsageAnswer
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
  readonly plan: PlanVersion
  readonly period: BillingPeriod
  /** All meters are read at one offset of the log, so that the invoice can be computed again (L5). */
  readonly below: Offset
  /** In a period that still runs, levels and peaks count up to here. Left out: to its end. */
  readonly until?: Micros
}

/** Reads the usage of all meters that a plan prices, each once. */
export async function collectUsage(source: UsageSource, wanted: UsageWanted): Promise<UsageByMeter> {
  const { account, plan, period, below, until = period.to } = wanted
  const keys = new Set(plan.prices.flatMap(({ meter }) => (meter === null ? [] : [meter])))
  const usage = new Map<MeterKey, MeterUsage>()
  for (const key of keys) {
    const meter = await source.findMeter(key)
    const running = until < period.to ? { until } : {}
    const question = { account, meter, period, zone: period.zone, groupBy: [], below, ...running }
    const whole = await source.readUsage({ ...question, window: null })
    const daily = await source.readUsage({ ...question, window: 'day' })
    usage.set(key, { meter, whole, daily })
  }
  return usage
}
