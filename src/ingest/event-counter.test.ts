import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Micros } from '../core/time.ts'
import { parseEvent } from './event.ts'

const now = (Date.UTC(2026, 10, 22) * 1000) as Micros
const door = { now, ownerAt: () => null }
const sample = { source: 's', id: 'a', kind: 'counter', time: '2026-11-21T00:00:00Z', name: 'requests', value: 5 }

function take(change: object) {
  const input = { ...sample, ...change }
  return parseEvent(input, JSON.stringify(input), door)
}

test('an event without the fields that were added later has the canonical form, and the hash, that it always had', () => {
  const arrival = parseEvent({ source: 's', id: 'a', kind: 'session', time: '2026-11-21T00:00:00Z' }, '', door)
  if (arrival.kind !== 'event') throw new Error('it is good')
  // 24 fields, written out: source, id, epoch, seq, kind, phase, time, then 9 without a value around the leg, and so on.
  const nothing = (count: number): string => ',null'.repeat(count)
  const time = Date.UTC(2026, 10, 21) * 1000
  const fact = `["s","a","",null,"session","final",${time}${nothing(6)},"client"${nothing(10)}]`
  expect(arrival.event.fact).toBe(fact)
  const digest = createHash('sha256').update(fact).digest().subarray(0, 8)
  expect(Buffer.from(arrival.event.hash, 'latin1')).toEqual(digest)
})

test('a counter needs a name and a value, and cannot have begun after it was read', () => {
  const good = take({ value: '18446744073709551615', started: '2026-11-21T00:00:00Z' })
  if (good.kind !== 'event') throw new Error('it is good')
  const fact = JSON.parse(good.event.fact) as unknown[]
  expect(fact.slice(24)).toEqual(['18446744073709551615', Date.UTC(2026, 10, 21) * 1000])
  const problemOf = (change: object) => {
    const arrival = take(change)
    return arrival.kind === 'held' ? [arrival.held.problem.code, arrival.held.problem.field] : arrival.kind
  }
  expect(problemOf({ name: null })).toEqual(['EVENT_FIELD_MISSING', 'name'])
  expect(problemOf({ value: null })).toEqual(['EVENT_FIELD_MISSING', 'value'])
  expect(problemOf({ value: -1 })).toEqual(['EVENT_FIELD_OUT_OF_RANGE', 'value'])
  expect(problemOf({ value: 1.5 })).toEqual(['EVENT_FIELD_INVALID', 'value'])
  expect(problemOf({ started: '2026-11-21T00:00:00.000001Z' })).toEqual(['EVENT_FIELD_OUT_OF_RANGE', 'started'])
})
