import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountKey } from '../core/ids.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { Checkpoint, SourceEpoch } from '../log/log.ts'
import { missingNumbers, standingOf } from './completeness-epoch.ts'
import { completenessOf } from './completeness.ts'
import type { CompletenessQuestion, Gap, SourceFacts } from './completeness.ts'

const at = (day: number): Micros => (Date.UTC(2026, 9, day) * 1000) as Micros
const period = { from: at(1), to: at(31) }
const stated = (time: Micros, more: Partial<Checkpoint> = {}): Checkpoint => ({
  seq: null,
  time,
  lost: 0,
  losses: [],
  arrived: time,
  ...more,
})
const numbering = (more: Partial<SourceEpoch> = {}): SourceEpoch => ({
  epoch: '',
  accepted: [[1, 10]],
  held: [],
  checkpoint: null,
  withdrawn: [],
  tally: { accepted: 10, duplicates: 0, held: 0, late: 0, mostBehind: 0, newest: null },
  ...more,
})

function gapOf(more: Partial<Gap> = {}): Gap {
  return { epoch: '', first: 5, last: 5, after: null, before: null, missing: 1, since: null, ...more }
}

function source(name: string, more: Partial<SourceFacts> = {}, carries: readonly string[] | null = null): SourceFacts {
  const registration = {
    name,
    kind: 'edge' as const,
    owner: 'edge team',
    carries: carries as readonly AccountKey[] | null,
    checkpointSeconds: 60,
    expectedFrom: at(1),
    retiredAt: null,
  }
  return { name, registration, epochs: [numbering({ checkpoint: stated(at(31)) })], ...more }
}

function ask(sources: readonly SourceFacts[], more: Partial<CompletenessQuestion> = {}) {
  return completenessOf({ account: null, period, now: at(32), sources, gapsOf: () => [], ...more })
}

describe('which numbers are missing', () => {
  test('property: exactly those below the highest known of that have not been seen', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 80 }), { maxLength: 60 })
    fc.assert(
      fc.property(numbers, numbers, fc.option(fc.integer({ min: 1, max: 90 })), (accepted, held, seq) => {
        const runs = (values: readonly number[]): [number, number][] =>
          values.toSorted((a, b) => a - b).map((value) => [value, value])
        const checkpoint = seq === null ? null : stated(at(2), { seq })
        const found = missingNumbers(numbering({ accepted: runs(accepted), held: runs(held), checkpoint }))
        const seen = new Set([...accepted, ...held])
        const highest = Math.max(0, ...seen, seq ?? 0)
        const expected = Array.from({ length: highest }, (_, index) => index + 1).filter((value) => !seen.has(value))
        expect(
          found.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)),
        ).toEqual(expected)
      }),
    )
  })

  test('one event among a million is found and named', () => {
    expect(
      missingNumbers(
        numbering({
          accepted: [
            [1, 499_999],
            [500_001, 1_000_000],
          ],
        }),
      ),
    ).toEqual([[500_000, 500_000]])
  })
})

test('the high-water mark is the last number before the first gap, and what is held is seen', () => {
  const runs = {
    accepted: [
      [1, 4],
      [8, 9],
    ],
    held: [[5, 5]],
  } as const
  expect(standingOf(numbering(runs))).toMatchObject({ contiguousUntil: 5, highest: 9, missing: 2, gaps: 1 })
  expect(standingOf(numbering({ accepted: [[2, 3]] }))).toMatchObject({ contiguousUntil: 0, highest: 3, missing: 1 })
  expect(standingOf(numbering({ accepted: [] }))).toMatchObject({ contiguousUntil: 0, highest: 0, missing: 0 })
  const ahead = numbering({ accepted: [[1, 3]], checkpoint: stated(at(2), { seq: 5 }) })
  expect(standingOf(ahead)).toMatchObject({ contiguousUntil: 3, highest: 5, missing: 2 })
})

describe('completeness of a period (L7)', () => {
  test('since when something is missing is when its oldest gap showed; the silence is what was not spoken of', () => {
    const gaps = [gapOf({ since: at(9) }), gapOf({ first: 7, last: 7, since: at(8) }), gapOf({ first: 9, last: 9 })]
    const early = source('edge-1', { epochs: [numbering({ checkpoint: stated(at(30)) })] })
    expect(ask([early], { gapsOf: () => gaps, openOf: () => 4 }).sources).toMatchObject([
      { since: at(8), silence: { from: at(30), to: at(31) }, openQuarantine: 4 },
    ])
    expect(ask([source('edge-1')]).sources).toMatchObject([{ since: null, silence: null, openQuarantine: 0 }])
  })

  test('silence is not a statement: a source that has not spoken past the end is silent', () => {
    expect(ask([source('edge-1')])).toMatchObject({ complete: true, completeUntil: at(31) })
    const early = source('edge-1', { epochs: [numbering({ checkpoint: stated(at(30)) })] })
    expect(ask([early])).toMatchObject({ complete: false, completeUntil: at(30), sources: [{ state: 'silent' }] })
    expect(ask([source('edge-1', { epochs: [] })])).toMatchObject({ complete: false, completeUntil: null })
    expect(ask([early]).reasons[0]).toContain('ask edge team')
  })

  test('in a period that goes on, a source is silent after its rhythm, not before', () => {
    const now = at(15)
    const spoke = (secondsAgo: number): SourceFacts =>
      source('edge-1', { epochs: [numbering({ checkpoint: stated((now - secondsAgo * 1_000_000) as Micros) })] })
    expect(ask([spoke(59)], { now }).complete).toBe(true)
    expect(ask([spoke(61)], { now })).toMatchObject({ complete: false, sources: [{ state: 'silent' }] })
  })

  test('nothing is expected of a source that nobody registered, but its gaps count', () => {
    const stranger = source('file:1', { registration: null, epochs: [numbering()] })
    expect(ask([stranger])).toMatchObject({
      complete: true,
      completeUntil: null,
      sources: [{ state: 'nothing expected' }],
    })
    const gap = gapOf({ last: 7, missing: 3, after: at(3), before: at(4) })
    expect(ask([stranger], { gapsOf: () => [gap] })).toMatchObject({
      complete: false,
      sources: [{ state: 'gap', missing: 3 }],
    })
  })

  test('a gap concerns only periods in which its events can have happened', () => {
    const gap = (after: Micros | null, before: Micros | null) => () => [gapOf({ after, before })]
    const edge = [source('edge-1')]
    expect(
      ask(edge, { gapsOf: gap((period.from - 2 * dayMicros) as Micros, (period.from - dayMicros) as Micros) }).complete,
    ).toBe(true)
    expect(ask(edge, { gapsOf: gap(period.to, null) }).complete).toBe(true)
    expect(ask(edge, { gapsOf: gap(at(3), at(4)) })).toMatchObject({ complete: false, completeUntil: at(3) })
    expect(ask(edge, { gapsOf: gap(null, null) }).complete).toBe(false)
  })

  test('a source that cannot carry an account, is not there yet or is retired does not hold it up', () => {
    const silent = source('edge-9', { epochs: [] }, ['globex'])
    expect(ask([silent], { account: 'acme' as AccountKey }).complete).toBe(true)
    expect(ask([silent], { account: 'globex' as AccountKey }).complete).toBe(false)
    const { registration } = source('edge-2', { epochs: [] })
    if (registration === null) throw new Error('it is registered')
    expect(
      ask([{ name: 'edge-2', registration: { ...registration, expectedFrom: at(31) }, epochs: [] }]).complete,
    ).toBe(true)
    expect(
      ask([{ name: 'edge-2', registration: { ...registration, expectedFrom: at(-9), retiredAt: at(1) }, epochs: [] }])
        .complete,
    ).toBe(true)
  })

  test('a declared loss is known, still needs somebody to decide, and concerns the time in which it happened', () => {
    const losses = [{ count: 42, after: at(5), before: at(6) }]
    const lossy = source('edge-1', { epochs: [numbering({ checkpoint: stated(at(31), { lost: 42, losses }) })] })
    expect(ask([lossy])).toMatchObject({ complete: false, sources: [{ state: 'lossy', lost: 42 }] })
    expect(ask([lossy], { period: { from: at(7), to: at(31) } })).toMatchObject({ complete: true })
    expect(ask([lossy], { period: { from: at(1), to: at(5) } })).toMatchObject({ complete: true })
  })

  test('a period that is over needs a statement past its end, whatever the rhythm', () => {
    const { registration } = source('edge-1')
    if (registration === null) throw new Error('it is registered')
    const daily = { ...registration, checkpointSeconds: 86_400 }
    const epochs = [numbering({ checkpoint: stated((period.to - 3_600_000_000) as Micros) })]
    const now = (period.to + 300_000_000) as Micros
    expect(ask([{ name: 'edge-1', registration: daily, epochs }], { now })).toMatchObject({ complete: false })
  })

  test('a gap whose neighbours came out of the order of time concerns both months', () => {
    const late = (period.to + 1_000_000) as Micros
    const early = (period.to - 1_000_000) as Micros
    const gapsOf = () => [gapOf({ after: late, before: early })]
    expect(ask([source('edge-1')], { gapsOf }).complete).toBe(false)
    expect(ask([source('edge-1')], { gapsOf, period: { from: period.to, to: at(40) } }).complete).toBe(false)
  })

  test('dates of a registration switch off what is expected, never what is known to be missing', () => {
    const { registration } = source('edge-1')
    if (registration === null) throw new Error('it is registered')
    const later = { ...registration, expectedFrom: at(40) }
    const gapsOf = () => [gapOf({ after: at(3), before: at(4) })]
    expect(ask([{ name: 'edge-1', registration: later, epochs: [numbering()] }], { gapsOf })).toMatchObject({
      complete: false,
      sources: [{ state: 'gap' }],
    })
  })

  test('a customer’s own source concerns that customer and the operator, and nobody else', () => {
    const own = source('mallory~mine', { registration: null, epochs: [numbering()] })
    const gapsOf = () => [gapOf()]
    expect(ask([own], { gapsOf, account: 'acme' as AccountKey }).complete).toBe(true)
    expect(ask([own], { gapsOf, account: 'mallory' as AccountKey }).complete).toBe(false)
    expect(ask([own], { gapsOf }).complete).toBe(false)
  })
})
