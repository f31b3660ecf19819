import { describe, expect, test } from 'vitest'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { exact, formatExact, zero } from '../../core/exact.ts'
import type { Micros } from '../../core/time.ts'
import { parseAddOn } from '../book/add-on.ts'
import { contractOf } from './contract.ts'
import type { Contract } from './contract.ts'
import { splitPrices } from './contract-parts.ts'
import { parsePlan } from '../plan.ts'
import type { AddOnKey, PriceBook } from '../book/price-book.ts'
import { byKey } from '../book/price-book.ts'
import type { PriceKey } from '../price.ts'
import { shareOf } from '../rate/proration.ts'
import { rateLines } from '../rate/rate-lines.ts'
import { usageOf } from '../rate/slice.ts'
import { noTerms } from './subscription-terms.ts'

const at = (text: string): Micros => (Date.parse(`${text}T00:00:00Z`) * 1000) as Micros
const june = { from: at('2026-06-01'), to: at('2026-07-01') }
const sold = { name: 'Name', currency: 'USD', effective_from: '2020-01-01T00:00:00Z' }
const flat = (key: string, amount: string): object => ({ key, name: key, model: { kind: 'flat', amount } })
const half = (key: string, of: unknown): object => ({ key, name: key, model: { kind: 'surcharge', percent: '50', of } })

/** The account's contract in June: a plan with a seat of 100, and an add-on. */
function contractWith(addOn: object, plan: object = {}): Contract {
  const own = parsePlan({ ...sold, key: 'plan', prices: [flat('seat', '100')], ...plan })
  const support = parseAddOn({ ...sold, key: 'support', ...addOn })
  if (!own.ok || !support.ok) throw new Error(JSON.stringify([own, support]))
  const [account, taken] = ['acme' as AccountKey, { key: 'support' as AddOnKey, count: 1, from: null, to: null }]
  const decision = {
    account,
    number: 1,
    plan: 'plan' as PlanKey,
    from: june.from,
    to: null,
    begun: june.from,
    terms: { ...noTerms, addOns: [taken] },
    recordedAt: june.from,
    by: 'ada',
  }
  const book: PriceBook = {
    plans: byKey([{ ...own.value.terms, version: 1 }]),
    addOns: byKey([{ ...support.value.terms, version: 1 }]),
    coupons: new Map(),
  }
  const facts = {
    account: { key: account, timeZone: 'UTC', currency: 'USD' as const },
    decisions: [decision],
    defaults: [],
  }
  return contractOf(facts, book, june)
}

function billed(contract: Contract): readonly string[] {
  const parts = splitPrices(contract.parts).map(({ price, part, count }) => {
    const share = shareOf(part, june)
    return { price, part, share, additive: true, count, usage: usageOf(zero) }
  })
  const lines = rateLines(parts, { currency: 'USD', traced: false })
  return lines.map(({ line }) => `${line.price} ${formatExact(line.exactAmount)}`)
}

describe('an add-on that has a key of the plan', () => {
  test('its surcharge stays over its own price, and does not come to be over the plan’s', () => {
    const contract = contractWith({ prices: [flat('seat', '10'), half('compliance', ['seat'])] })
    expect(billed(contract)).toEqual(['seat 100', 'support/seat 10', 'compliance 5'])
  })

  test('its commitment too', () => {
    const model = { kind: 'commitment', amount: '25', of: ['seat'] }
    const contract = contractWith({ prices: [flat('seat', '10'), { key: 'least', name: 'Least', model }] })
    expect(billed(contract)).toEqual(['seat 100', 'support/seat 10', 'least 15'])
  })

  test.each<readonly [object, readonly string[]]>([
    [{ free: ['seat'] }, ['seat 100', 'support/seat 0', 'other 7']],
    [{ discount: { keys: ['seat'], name: 'Off', percent: '50' } }, ['seat 100', 'support/seat 5', 'other 7']],
    [{ replace: flat('seat', '4') }, ['seat 100', 'support/seat 4', 'other 7']],
    [{ remove: 'seat' }, ['seat 100', 'other 7']],
    [{ add: half('seat2', ['seat']) }, ['seat 100', 'support/seat 10', 'other 7', 'seat2 5']],
  ])('its phase changes its own price: %j', (change, lines) => {
    const phases = [{ key: 'first', name: 'First', length: { years: 1 }, changes: [change] }]
    expect(billed(contractWith({ prices: [flat('seat', '10'), flat('other', '7')], phases }))).toEqual(lines)
  })

  test('what it includes in money is taken off its own price', () => {
    const included_amounts = [{ key: 'in', name: 'Included', amount: '3', of: ['seat'] }]
    const contract = contractWith({ prices: [flat('seat', '10')], included_amounts })
    const taken = { coupon: 'support/in', of: ['support/seat'], discount: { kind: 'fixed', amount: exact('3') } }
    expect(contract.coupons).toMatchObject([taken])
  })

  test('the line keeps its key when a phase of the plan takes the plan’s price away', () => {
    const change = [{ remove: 'seat' }]
    const phases = [{ key: 'first', name: 'First', length: { days: 15 }, changes: change }]
    const plan = { prices: [flat('seat', '100'), flat('base', '2')], phases }
    expect(billed(contractWith({ prices: [flat('seat', '10')] }, plan))).toEqual([
      'base 2',
      'support/seat 10',
      'seat 50',
    ])
  })

  test('a key that nobody else has stays as it is', () => {
    const keys = contractWith({ prices: [flat('chat', '1')] }).parts[0]?.prices.map(({ price }) => price.key)
    expect(keys).toEqual(['seat', 'chat'] satisfies string[] as PriceKey[])
  })
})
