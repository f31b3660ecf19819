import { describe, expect, test } from 'vitest'
import type { Account } from '../account/accounts.ts'
import { exact } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { standardMeters } from '../meter/standard.ts'
import type { UsageAnswer } from '../meter/usage.ts'
import { plainContract } from '../price/contract/contract.ts'
import type { ContractBasis } from '../price/contract/contract.ts'
import { parsePlan } from '../price/plan.ts'
import { billingPeriod } from './billing-period.ts'
import { planInvoice } from './plan-invoice.ts'
import { partName } from './usage-wanted.ts'

const parsed = parsePlan({
  key: 'usual',
  name: 'Usual',
  currency: 'USD',
  effective_from: '2026-01-01T00:00:00Z',
  prices: [
    { key: 'fee', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
    { key: 'requests', name: 'Requests', meter: 'http_requests', model: { kind: 'per_unit', unit_amount: '0.5' } },
  ],
})
if (!parsed.ok) throw new Error('the test plan is well formed')
const plan = { ...parsed.value.terms, version: 1 }

function totalOf(key: string, basis: ContractBasis, requests: bigint): bigint {
  const account: Account = {
    key: key as AccountKey,
    name: key,
    timeZone: 'UTC',
    currency: 'USD',
    billable: key !== unattributed,
    createdAt: 0 as Micros,
    firstSeen: null,
  }
  const [meter] = standardMeters
  if (meter === undefined) throw new Error('there are standard meters')
  const quantity: Exact = exact(requests)
  const period = billingPeriod('2026-10', 'UTC')
  const row = { from: period.from, to: period.to, group: {}, quantity, eventsWithoutValue: 0n }
  const answer: UsageAnswer = { rows: [row], total: quantity, eventsWithoutValue: 0n }
  const used = { part: period, whole: answer, windows: new Map([['day' as const, answer]]), groups: new Map() }
  const usage = new Map([[meter.key, { meter, whole: answer, parts: new Map([[partName(period), used]]), gaps: [] }]])
  return planInvoice({ account, contract: plainContract(plan, basis, period), period, usage }).total
}

describe('who owes a base fee', () => {
  test('a subscriber, with traffic and without', () => {
    expect(totalOf('acme', 'subscribed', 0n)).toBe(2_000n)
    expect(totalOf('acme', 'subscribed', 3n)).toBe(2_150n)
  })

  test('an account under the default plan in a month with traffic, and not for ever after', () => {
    expect(totalOf('acme', 'default', 3n)).toBe(2_150n)
    expect(totalOf('acme', 'default', 0n)).toBe(0n)
  })

  test('traffic that nobody owns never does: its value is that of its usage', () => {
    expect(totalOf(unattributed, 'default', 3n)).toBe(150n)
  })
})
