import { describe, expect, test } from 'vitest'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import type { Micros } from '../../core/time.ts'
import { byKey } from '../book/price-book.ts'
import type { PriceBook } from '../book/price-book.ts'
import { parsePlan } from '../plan.ts'
import type { PlanVersion } from '../plan.ts'
import type { ContractFacts } from './contract-facts.ts'
import { contractOf } from './contract.ts'
import { ownBook } from './own-book.ts'
import { noTerms, parseStoredTerms } from './subscription-terms.ts'

const at = (text: string): Micros => (Date.parse(`${text}T00:00:00Z`) * 1000) as Micros
const june = { from: at('2026-06-01'), to: at('2026-07-01') }

function version(key: string, number: number, prices: readonly object[], from = '2026-01-01'): PlanVersion {
  const plan = { key, name: key, currency: 'USD', prices, effective_from: `${from}T00:00:00Z` }
  const parsed = parsePlan(plan)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return { ...parsed.value.terms, version: number }
}

const fee = (key: string, amount: string): object => ({ key, name: key, model: { kind: 'flat', amount } })
const half = (key: string, of: string): object => ({
  key,
  name: key,
  model: { kind: 'surcharge', percent: '50', of: [of] },
})
const bookOf = (...plans: readonly PlanVersion[]): PriceBook => ({
  plans: byKey(plans),
  addOns: new Map(),
  coupons: new Map(),
})

function under(plan: string, terms = noTerms): ContractFacts {
  const account = { key: 'acme' as AccountKey, timeZone: 'UTC', currency: 'USD' as const }
  const [begun, by] = [june.from, 'ada']
  const decision = { account: account.key, number: 1, plan: plan as PlanKey, from: begun, to: null, begun, terms, by }
  return { account, decisions: [{ ...decision, recordedAt: begun }], defaults: [] }
}

describe('the price book that a customer sees', () => {
  test('L11: has neither what others negotiated nor what takes effect later', () => {
    const book = bookOf(
      version('own', 1, [fee('base', '20')]),
      version('own', 2, [fee('base', '30')], '2027-01-01'),
      version('acme-rival-negotiated', 1, [fee('base', '1')]),
    )
    const seen = ownBook(under('own'), book, june.from)
    expect(seen.plans.map(({ key, version: number }) => `${key} ${number}`)).toEqual(['own 1'])
    expect(seen.addOns).toEqual([])
  })
})

test('a later version of a plan that makes a circle with an older agreement is refused in words, and not with a crash', () => {
  const first = version('own', 1, [fee('x', '10'), fee('y', '10')])
  const terms = parseStoredTerms({ overrides: [{ replace: half('x', 'y') }] })
  if (!terms.ok) throw new Error(JSON.stringify(terms.error))
  const agreed = terms.value
  expect(() => contractOf(under('own', agreed), bookOf(first), june)).not.toThrow()
  const second = version('own', 2, [fee('x', '10'), half('y', 'x')], '2026-06-10')
  expect(() => contractOf(under('own', agreed), bookOf(first, second), june)).toThrow(/over each other, .*x → y → x/)
})
