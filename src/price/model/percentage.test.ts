import { describe, expect, test } from 'vitest'
import { parseRateRequest } from '../calculator/rate-request.ts'
import { dueFor, dueForEvents } from '../../../test/support/price-lines.ts'

const model = { kind: 'percentage', percent: '1.3' }
const values = ['50', '100', '250', '400']

describe('a percentage of the quantity', () => {
  test('800 at 1.3 %', () => {
    expect(dueFor(model, '800')).toBe('10.4')
    expect(dueFor(model, '0')).toBe('0')
    expect(dueFor({ ...model, percent: '0' }, '800')).toBe('0')
  })

  test('may be more than the whole: cost and a fifth', () => {
    expect(dueFor({ ...model, percent: '120' }, '10')).toBe('12')
  })

  test('what is included is free', () => {
    expect(dueFor(model, '800', { included: '250' })).toBe('7.15')
  })
})

describe('a percentage of single events', () => {
  test('each event has its amount', () => {
    expect(dueForEvents({ ...model, event_amount: '2' }, values)).toBe('18.4')
    expect(dueForEvents({ ...model, percent: '0', event_amount: '2' }, values)).toBe('8')
    expect(dueForEvents({ ...model, event_amount: '2' }, [])).toBe('0')
  })

  test('the first events are free, and what they are worth', () => {
    // 400 × 1.3 % + 2
    expect(dueForEvents({ ...model, event_amount: '2', free_events: 3 }, values)).toBe('7.2')
    expect(dueForEvents({ ...model, event_amount: '2', free_events: 9 }, values)).toBe('0')
  })

  test('an allowance is taken from the first events; one that is wholly inside is free', () => {
    // 250 are 50, 100 and 100 of the third: (150 + 400) × 1.3 % + 2 × 2
    expect(dueForEvents({ ...model, event_amount: '2' }, values, { included: '250' })).toBe('11.15')
    // 150 are the first two to the last cent, 150.01 begin the third
    expect(dueForEvents({ ...model, event_amount: '2' }, values, { included: '150' })).toBe('12.45')
    expect(dueForEvents({ ...model, event_amount: '2' }, values, { included: '9000' })).toBe('0')
  })

  test('an event without a value is an event, and is not free because others used the allowance', () => {
    expect(dueForEvents({ ...model, event_amount: '2' }, ['0', '0'])).toBe('4')
    expect(dueForEvents({ ...model, event_amount: '2' }, ['10', '0'], { included: '10' })).toBe('2')
    // One event more used to make both free.
    expect(dueForEvents({ ...model, event_amount: '2' }, ['0'], { included: '5' })).toBe('2')
    expect(dueForEvents({ ...model, event_amount: '2' }, ['0', '1'], { included: '5' })).toBe('2')
  })

  test('each paid event costs at least and at most', () => {
    const bounded = { kind: 'percentage', percent: '2.99', minimum_each: '1.75', maximum_each: '12' }
    // 0.299 → 1.75; 2.392; 299 → 12
    expect(dueForEvents(bounded, ['10', '80', '10000'])).toBe('16.142')
    expect(dueForEvents({ ...bounded, free_events: 2 }, ['10', '80', '10000'])).toBe('12')
    // The bounds are of the percentage and the amount of the event together: 0.299 + 3, 2.392 + 3, 12
    expect(dueForEvents({ ...bounded, event_amount: '3' }, ['10', '80', '10000'])).toBe('20.691')
  })

  test('values are in the unit of the meter: cents, say', () => {
    const euros = { unit: { name: 'euros', per: '100' } }
    expect(dueForEvents({ ...model, event_amount: '2' }, ['5000', '10000'], euros)).toBe('5.95')
  })
})

describe('at the door of POST /v1/rate', () => {
  const complaints = (body: object): readonly string[] => {
    const parsed = parseRateRequest({ currency: 'USD', ...body })
    return parsed.ok ? [] : parsed.error.map(({ field, message }) => `${field} ${message}`)
  }
  const price = { model: { ...model, event_amount: '2' } }

  test('single events need their values', () => {
    expect(complaints({ price, quantity: '800' })).toEqual([
      expect.stringMatching(/^values is needed: this price looks/),
    ])
    expect(complaints({ price, values })).toEqual([])
    expect(complaints({ price, values: [] })).toEqual([])
    expect(complaints({ price: { model }, quantity: '800' })).toEqual([])
    expect(complaints({ price: { model }, values })).toEqual([])
  })

  test('the values of a level have no sum, so they are no events', () => {
    expect(complaints({ price, values, quantity: '400', additive: false })).toEqual([
      expect.stringMatching(/^additive is left out/),
    ])
  })
})
