import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Micros } from '../core/time.ts'
import { Spool } from './spool.ts'
import type { SpoolState } from './spool-frame.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-spool-'))
afterAll(() => rmSync(folder, { recursive: true }))
let folders = 0
const fresh = (): string => join(folder, `spool-${(folders += 1)}`)

const now = 0 as Micros
const start: SpoolState = {
  source: 's',
  epoch: 'e',
  seq: 0,
  lost: 0,
  upTo: null,
  begunAt: now,
  lookedAt: now,
  files: [],
  finished: [],
}
const at = (seq: number): SpoolState => ({ ...start, seq })
const bounds = { bytesMax: 100_000, segmentBytesMax: 2_000 }
const open = (directory: string): Spool => new Spool(directory, bounds, () => start)
const all = { eventsMax: 1_000, bytesMax: 1_000_000 }

function drain(spool: Spool): string[] {
  const events: string[] = []
  for (let batch = spool.next(all); batch !== undefined; batch = spool.next(all)) {
    events.push(...batch.events)
    spool.acknowledge(batch)
  }
  return events
}

const segmentsOf = (directory: string): string[] =>
  readdirSync(directory)
    .toSorted()
    .map((name) => join(directory, name))

describe('Spool', () => {
  test('what was appended comes out once and in order, also after reopening', () => {
    const directory = fresh()
    const spool = open(directory)
    spool.append(at(2), ['{"a":1}', '{"b":"ü"}'])
    spool.append(at(3), ['{"c":3}'])
    expect(spool.hasUnsent).toBe(true)
    const again = open(directory)
    expect(again.state).toEqual(at(3))
    expect(drain(again)).toEqual(['{"a":1}', '{"b":"ü"}', '{"c":3}'])
    again.append(at(4), ['{"d":4}'])
    // The frame that was appended since says what was acknowledged.
    expect(drain(open(directory))).toEqual(['{"d":4}'])
  })

  test('a batch has whole frames and stays within its bounds', () => {
    const spool = open(fresh())
    for (const seq of [1, 2, 3]) spool.append(at(seq), [`${seq}a`, `${seq}b`])
    expect(spool.next({ eventsMax: 4, bytesMax: 1_000_000 })?.events).toEqual(['1a', '1b', '2a', '2b'])
    // One frame is always given, however large.
    expect(spool.next({ eventsMax: 1, bytesMax: 1 })?.events ?? []).toEqual([])
  })

  test('a torn end is as if it had not been, at every length', () => {
    const directory = fresh()
    const spool = open(directory)
    spool.append(at(1), ['one'])
    const [segment = ''] = segmentsOf(directory)
    const before = readFileSync(segment).length
    spool.append(at(2), ['two'])
    const whole = readFileSync(segment)
    for (let length = before; length < whole.length; length += 1) {
      writeFileSync(segment, whole.subarray(0, length))
      const torn = open(directory)
      expect(torn.state.seq).toBe(1)
      torn.append(at(2), ['TWO'])
      expect(drain(open(directory))).toEqual(['one', 'TWO'])
    }
    appendFileSync(segment, Buffer.alloc(50, 1))
    expect(drain(open(directory))).toEqual(['one', 'TWO'])
  })

  test('damage in the middle is not passed over in silence', () => {
    const directory = fresh()
    const spool = open(directory)
    for (let seq = 1; seq <= 40; seq += 1) spool.append(at(seq), ['x'.repeat(200)])
    const [first = ''] = segmentsOf(directory)
    truncateSync(first, readFileSync(first).length - 1)
    expect(() => open(directory)).toThrow(/the spool is damaged in .*segment-/)
  })

  test('acknowledged segments are removed and the state stays', () => {
    const directory = fresh()
    const spool = open(directory)
    for (let seq = 1; seq <= 100; seq += 1) spool.append(at(seq), ['x'.repeat(300)])
    expect(spool.bytes).toBeGreaterThan(30_000)
    expect(segmentsOf(directory).length).toBeGreaterThan(10)
    expect(spool.hasRoomFor(bounds.bytesMax - spool.bytes)).toBe(true)
    expect(spool.hasRoomFor(bounds.bytesMax - spool.bytes + 1)).toBe(false)
    expect(drain(spool).length).toBe(100)
    expect(spool.bytes).toBeLessThan(bounds.segmentBytesMax)
    expect(segmentsOf(directory).length).toBe(1)
    expect(open(directory).state).toEqual(at(100))
  })

  test('notes change with the frames, and outlive the segments that said them', () => {
    const directory = fresh()
    let spool = open(directory)
    const expected = new Map<string, string>()
    for (let seq = 1; seq <= 200; seq += 1) {
      const key = `k${seq % 7}`
      const text = seq % 5 === 0 ? null : `${seq}`
      spool.append(at(seq), ['x'.repeat(150)], [[key, text]])
      if (text === null) expected.delete(key)
      else expected.set(key, text)
      if (seq % 30 === 0) drain(spool)
      if (seq % 45 === 0) {
        spool.close()
        spool = open(directory)
      }
      expect(new Map(spool.notes.all([]))).toEqual(expected)
    }
    drain(spool)
    expect(segmentsOf(directory).length).toBe(1)
    spool.close()
    // A torn frame takes its changes with it.
    const [segment = ''] = segmentsOf(directory)
    spool = open(directory)
    spool.append(at(201), [], [['k1', 'torn']])
    truncateSync(segment, readFileSync(segment).length - 1)
    expect(new Map(open(directory).notes.all([]))).toEqual(expected)
  })

  test('whatever is appended, acknowledged, torn and reopened: a queue (property)', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), sizes: fc.array(fc.nat(900), { maxLength: 4 }) }),
      fc.constant({ kind: 'send' as const }),
      fc.constant({ kind: 'reopen' as const }),
      fc.record({ kind: fc.constant('tear' as const), bytes: fc.nat(40) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const directory = fresh()
        let spool = open(directory)
        let seq = 0
        const appended: string[] = []
        const sent = new Set<string>()
        const order: string[] = []
        for (const action of steps) {
          if (action.kind === 'append') {
            const events = action.sizes.map((size) => `${(seq += 1)} ${'x'.repeat(size)}`)
            appended.push(...events)
            spool.append(at(seq), events)
          } else if (action.kind === 'send') {
            const batch = spool.next({ eventsMax: 5, bytesMax: 1_500 })
            for (const event of batch?.events ?? []) if (!sent.has(event)) order.push(event)
            for (const event of batch?.events ?? []) sent.add(event)
            if (batch !== undefined) spool.acknowledge(batch)
          } else {
            spool.close()
            const newest = segmentsOf(directory).at(-1) ?? ''
            if (action.kind === 'tear') appendFileSync(newest, Buffer.alloc(action.bytes, 7))
            spool = open(directory)
            expect(spool.state.seq).toBe(seq)
          }
        }
        for (const event of drain(spool)) if (!sent.has(event)) order.push(event)
        expect(order).toEqual(appended)
        spool.close()
        rmSync(directory, { recursive: true })
      }),
      { numRuns: 60 },
    )
  })
})
