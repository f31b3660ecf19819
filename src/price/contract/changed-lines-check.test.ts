import { describe, expect, test } from 'vitest'
import type { PlanKey } from '../../core/ids.ts'
import type { Micros } from '../../core/time.ts'
import { parseAddOn } from '../book/add-on.ts'
import { parsePlan } from '../plan.ts'
import { byKey } from '../book/price-book.ts'
import type { PriceBook } from '../book/price-book.ts'
import { parseTerms } from './subscription-check.ts'
import { noTerms } from './subscription-terms.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'

const sold = { name: 'Name', currency: 'USD', effective_from: '2020-01-01T00:00:00Z' }
const flat = (key: string): object => ({ key, name: key, model: { kind: 'flat', amount: '1' } })
const over = (key: string, of: unknown): object => ({ key, name: key, model: { kind: 'surcharge', percent: '10', of } })

const prices = [flat('a'), over('s', ['t']), over('t', ['a'])]
const phase = (key: string, changes: readonly object[]): object => ({ key, name: key, length: { months: 1 }, changes })
const planOf = (...phases: readonly object[]): object => ({
  ...sold,
  key: 'p',
  prices,
  phases: phases.length === 0 ? null : phases,
})

type Told = readonly (readonly [string | undefined, string])[]

function told(plan: object): Told {
  const parsed = parsePlan(plan)
  return parsed.ok ? [] : parsed.error.map(({ field, message }) => [field, message])
}

describe('what a phase makes of the prices', () => {
  test('a circle of surcharges is refused when the plan is saved', () => {
    const message = 'goes round in a circle: t → s → t; no price is over its own lines'
    const field = 'phases.1.changes.1.replace.model.of'
    expect(
      told(planOf(phase('f', [{ free: 'all' }]), phase('g', [{ add: flat('b') }, { replace: over('t', ['s']) }]))),
    ).toEqual([[field, message]])
    expect(told(planOf(phase('f', [{ add: over('u', ['u']) }])))).toMatchObject([
      ['phases.0.changes.0.add.model.of', expect.stringContaining('u → u')],
    ])
    // Each of them closes the circle only with the other.
    expect(told(planOf(phase('f', [{ replace: over('t', ['a', 'u']) }, { add: over('u', ['s']) }])))).toHaveLength(1)
    expect(told(planOf(phase('f', [{ replace: over('t', ['a', 'u']) }, { add: over('u', ['a']) }])))).toEqual([])
  })

  test('a surcharge of an unknown price is refused, with its place', () => {
    expect(told(planOf(phase('f', [{ add: over('u', ['a', 'nope']) }])))).toEqual([
      ['phases.0.changes.0.add.model.of.1', 'names no price that is there then: "nope"'],
    ])
  })

  test('to remove a price that a remaining one is over is refused, and says what to do', () => {
    expect(told(planOf(phase('f', [{ remove: 'a' }])))).toEqual([
      ['phases.0.changes.0.remove', 'is a price that t is over; replace t as well, or remove it'],
    ])
    expect(told(planOf(phase('f', [{ remove: 'a' }, { replace: over('t', 'all') }])))).toEqual([])
    expect(told(planOf(phase('f', [{ remove: 'a' }, { remove: 't' }, { remove: 's' }])))).toEqual([])
    // It is there again, under the same key.
    expect(told(planOf(phase('f', [{ remove: 'a' }, { add: flat('a') }])))).toEqual([])
  })

  test('a circle is told once, in the first of several currencies', () => {
    const circle = planOf(phase('f', [{ replace: over('t', ['s']) }]))
    const both = { USD: '1', EUR: '2' }
    const { currency: _, ...plan } = circle as { readonly currency: string }
    const fee = { key: 'a', name: 'a', model: { kind: 'flat', amount: both } }
    const several = { ...plan, currencies: ['EUR', 'USD'], prices: [fee, ...prices.slice(1)] }
    expect(told(several).map(([field]) => field)).toEqual(['phases.0.changes.0.replace.model.of'])
  })
})

describe('what an account’s own terms make of the prices', () => {
  const ramp = [phase('f', [{ replace: over('t', ['r']) }, { add: over('r', ['a']) }])]

  function complaints(
    terms: object,
    given: { phases?: readonly object[]; before?: Partial<SubscriptionTerms> } = {},
  ): Told {
    const plan = parsePlan(planOf(...(given.phases ?? [])))
    const addOn = parseAddOn({ ...sold, key: 'support', prices: [flat('a'), over('x', ['a'])] })
    if (!plan.ok || !addOn.ok) throw new Error(JSON.stringify([plan, addOn]))
    const book: PriceBook = {
      plans: byKey([{ ...plan.value.terms, version: 1 }]),
      addOns: byKey([{ ...addOn.value.terms, version: 1 }]),
      coupons: new Map(),
    }
    const parsed = parseTerms(terms, {
      book,
      account: { currency: 'USD' },
      plan: 'p' as PlanKey,
      from: (Date.parse('2026-06-01T00:00:00Z') * 1000) as Micros,
      before: { ...noTerms, ...given.before },
    })
    return parsed.ok ? [] : parsed.error.map(({ field, message }) => [field, message])
  }

  test('a circle is refused when they are saved', () => {
    expect(complaints({ overrides: [{ replace: over('t', ['s']) }] })).toMatchObject([
      ['overrides.0.replace.model.of', expect.stringContaining('t → s → t')],
    ])
    expect(complaints({ overrides: [{ replace: over('t', ['a']) }] })).toEqual([])
  })

  test('a circle that is one in a phase of the plan only is refused', () => {
    const overrides = [{ replace: over('s', ['a']) }, { add: over('q', ['t']) }]
    expect(complaints({ overrides }, { phases: ramp })).toEqual([])
    const closing = [{ replace: over('r', ['t']) }]
    expect(complaints({ overrides: closing }, { phases: ramp }).map(([field]) => field)).toEqual([
      'overrides.0.replace.model.of',
    ])
  })

  test('an unknown price, and a price that another one is over, are refused', () => {
    const overrides = [{ add: over('u', ['nope']) }, { remove: 'a' }]
    expect(complaints({ overrides }).map(([field]) => field)).toEqual([
      'overrides.1.remove',
      'overrides.0.add.model.of.0',
    ])
    expect(complaints({ overrides: [{ add: over('u', ['r']) }] }, { phases: ramp })).toEqual([])
  })

  test('an add-on’s price is named as on the invoice, and a circle through it is refused', () => {
    const add_ons = [{ key: 'support' }]
    expect(complaints({ add_ons, overrides: [{ add: over('u', ['support/a', 'x']) }] })).toEqual([])
    expect(complaints({ overrides: [{ add: over('u', ['x']) }] })).toHaveLength(1)
    const circle = [{ replace: over('x', ['s']) }, { replace: over('t', ['x']) }]
    expect(complaints({ add_ons, overrides: circle }).map(([field]) => field)).toEqual(['overrides.1.replace.model.of'])
  })

  test('an add-on that the overrides go on to name is not ended without a word', () => {
    const [addOns, added] = [
      [{ key: 'support', count: 1, from: null, to: null }],
      parsePlan({ ...sold, key: 'o', prices: [flat('x'), over('u', ['x'])] }),
    ]
    if (!added.ok) throw new Error(JSON.stringify(added.error))
    const price = added.value.terms.prices[1]
    if (price === undefined) throw new Error('there are two')
    const before = { addOns, overrides: [{ kind: 'add', price }] } as unknown as SubscriptionTerms
    expect(complaints({ add_ons: [] }, { before })).toEqual([
      ['add_ons', 'do not fit the overrides that go on; change those too: one names no price that is there then: "x"'],
    ])
    expect(complaints({ coupons: [] }, { before })).toEqual([])
    expect(complaints({ add_ons: [], overrides: [] }, { before })).toEqual([])
  })
})
