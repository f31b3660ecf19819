import { Refusal } from '../core/errors.ts'
import { instantMax, parseMonth } from '../core/time.ts'
import type { Period } from '../core/time.ts'

/** A calendar month as it is in the account's time zone: half-open, and as long as the zone's clocks make it. */
export interface BillingPeriod extends Period {
  /** `2026-10` */
  readonly month: string
  readonly zone: string
}

/** The billing period of a month; refuses what is not a month from 1970 to 2199. */
export function billingPeriod(month: string, zone: string): BillingPeriod {
  const parsed = parseMonth(month, zone)
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', `month ${JSON.stringify(month.slice(0, 20))} ${parsed.error}`)
  if (parsed.value.from < 0 || parsed.value.to > instantMax)
    throw new Refusal('REQUEST_INVALID', `month ${month} lies before 1970 or after 2199`)
  return { ...parsed.value, month, zone }
}
