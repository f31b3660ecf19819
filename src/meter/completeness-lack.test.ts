import { describe, expect, test } from 'vitest'
import { exact, formatExact } from '../core/exact.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { expectedMissing, expectedQuantity, silentEvents } from './completeness-lack.ts'
import type { KnownPast, Lack } from './completeness-lack.ts'

const at = (hour: number): Micros => (hour * hourMicros) as Micros
const silence = { from: at(100), to: at(130) }
const past = (events: bigint, firstHour: number, arrivedMeanwhile = 0n): KnownPast => ({
  events,
  first: at(firstHour),
  arrivedMeanwhile,
})
const lack = (more: Partial<Lack> = {}): Lack => ({
  source: 'edge-1',
  numbers: 0,
  lost: 0,
  held: 0,
  silence: null,
  past: null,
  ...more,
})
const text = (value: ReturnType<typeof expectedMissing>) => value && formatExact(value)

describe('how many events are missing', () => {
  test('what is known to be missing is added up, without a silence nothing is guessed', () => {
    expect(text(expectedMissing(lack({ numbers: 7, lost: 5, held: 3 })))).toBe('15')
    expect(text(expectedMissing(lack()))).toBe('0')
  })

  test('a silence is worth the average per hour of the known past, exactly', () => {
    // 70 events in 30 hours, and 30 hours of silence; 10 in 90 hours, which is a third of it.
    expect(text(silentEvents({ silence, past: past(70n, 70) }))).toBe('70')
    expect(text(silentEvents({ silence, past: past(10n, 10) }))).toBe('10/3')
    expect(text(expectedMissing(lack({ numbers: 2, silence, past: past(10n, 10) })))).toBe('16/3')
  })

  test('what has arrived although the source did not speak is not missing, and nothing is less than nothing', () => {
    expect(text(silentEvents({ silence, past: past(70n, 70, 60n) }))).toBe('10')
    expect(text(silentEvents({ silence, past: past(70n, 70, 90n) }))).toBe('0')
  })

  test('two events in a row before the silence are two an hour at most, not millions', () => {
    const late = { events: 2n, first: (silence.from - 2) as Micros, arrivedMeanwhile: 0n }
    expect(text(silentEvents({ silence, past: late }))).toBe('60')
  })

  test('L13: of a source that never sent anything it is not known, which is not zero', () => {
    expect(silentEvents({ silence, past: null })).toBeNull()
    expect(expectedMissing(lack({ numbers: 4, silence }))).toBeNull()
  })
})

test('a meter would have counted its quantity by the source’s events, for each missing event', () => {
  const share = (expected: bigint, events: bigint, quantity: bigint) => ({
    source: 'edge-1',
    expected: exact(expected),
    events,
    quantity: exact(quantity),
  })
  // 4 missing of a source with 8 events, 600 bytes of the account: 300. And 3 of one with 9, 10 bytes: 10/3.
  expect(formatExact(expectedQuantity([share(4n, 8n, 600n)]))).toBe('300')
  expect(formatExact(expectedQuantity([share(4n, 8n, 600n), share(3n, 9n, 10n)]))).toBe('910/3')
  // Nothing of the source is the account's.
  expect(formatExact(expectedQuantity([share(4n, 8n, 0n), share(4n, 0n, 5n)]))).toBe('0')
})
