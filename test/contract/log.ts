import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import type { Arrival } from '../../src/core/record.ts'
import { dayMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import { arrivalOf, testNow } from '../support/events.ts'

async function recordsOf(log: EventLog): Promise<string[]> {
  const facts: string[] = []
  while (facts.length < log.end()) {
    for (const record of await log.read(facts.length as Offset, 100)) {
      expect(record.offset).toBe(facts.length)
      facts.push(record.fact ?? '')
    }
  }
  return facts
}

/** What every implementation of EventLog has to hold (see src/log/log.ts). */
export function logContract(name: string, open: (directory: string) => EventLog | Promise<EventLog>): void {
  describe(`log contract: ${name}`, () => {
    let directory: string
    let log: EventLog
    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'crossfoot-log-'))
      log = await open(directory)
    })
    afterEach(async () => {
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    })
    const outcomesOf = async (arrivals: readonly Arrival[], now: Micros = testNow) =>
      (await log.append(arrivals, now)).outcomes
    const reopen = async (): Promise<void> => {
      await log.close()
      log = await open(directory)
    }

    test('gives offsets without holes in the order of acceptance, and reads them back', async () => {
      const first = await outcomesOf([1, 2, 3].map((seq) => arrivalOf({ seq })))
      const second = await outcomesOf([4, 2, 5].map((seq) => arrivalOf({ seq })))
      expect(first).toEqual([0, 1, 2].map((offset) => ({ kind: 'accepted', offset })))
      expect(second).toEqual([{ kind: 'accepted', offset: 3 }, { kind: 'duplicate' }, { kind: 'accepted', offset: 4 }])
      expect(log.end()).toBe(5)
      const seqs = (await recordsOf(log)).map((fact) => (JSON.parse(fact) as unknown[])[3])
      expect(seqs).toEqual(['1', '2', '3', '4', '5'])
      expect((await log.read(3 as Offset, 1))[0]?.offset).toBe(3)
      expect(await log.read(5 as Offset, 10)).toEqual([])
    })

    test('L12: a group whose text is longer than one text can be is accepted, and read back', async () => {
      const inspection = JSON.stringify(['x'.repeat(260_000)])
      const batches = Math.ceil(2 ** 29 / (100 * inspection.length)) + 1
      const appends = Array.from({ length: batches }, (_, batch) =>
        log.append(
          Array.from({ length: 100 }, (_, index): Arrival => {
            const arrival = arrivalOf({ seq: batch * 100 + index + 1 })
            return arrival.kind === 'event' ? { ...arrival, event: { ...arrival.event, inspection } } : arrival
          }),
          testNow,
        ),
      )
      for (const { outcomes } of await Promise.all(appends)) {
        expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']))
      }
      await reopen()
      expect(log.end()).toBe(batches * 100)
      let read = 0
      while (read < log.end()) {
        for (const record of await log.read(read as Offset, 100)) {
          if (record.offset !== read || record.inspection !== inspection) throw new Error(`offset ${read} is another`)
          read += 1
        }
      }
      expect(read).toBe(batches * 100)
    })

    test('has a name of its own, which stays', async () => {
      const name = log.name()
      expect(name).not.toBe('')
      await log.append([arrivalOf({ seq: 1 })], testNow)
      await reopen()
      expect(log.name()).toBe(name)
      const elsewhere = mkdtempSync(join(tmpdir(), 'crossfoot-log-'))
      const other = await open(elsewhere)
      try {
        expect(other.name()).not.toBe(name)
      } finally {
        await other.close()
        rmSync(elsewhere, { recursive: true, force: true })
      }
    })

    test('L2: the same identity and content is a duplicate, other content a conflict, after a reopen too', async () => {
      const original = arrivalOf({ id: 'a', bytes_out_wire: 10 })
      const other = arrivalOf({ id: 'a', bytes_out_wire: 11 })
      await log.append([original], testNow)
      expect(await outcomesOf([original, other])).toEqual([{ kind: 'duplicate' }, { kind: 'conflict' }])
      await reopen()
      expect(await outcomesOf([other, original])).toEqual([{ kind: 'conflict' }, { kind: 'duplicate' }])
      expect(log.end()).toBe(1)
      // The conflict is visible, once, with what was said.
      const { rows: held } = await log.held({ before: null, most: 10 })
      expect(held.map(({ problem, id }) => [problem.code, id])).toEqual([['EVENT_CONFLICT', 'a']])
      expect(held[0]?.raw).toContain('"11"')
    })

    test('an id and a number with the same text are different identities; so are epochs and sources', async () => {
      const arrivals = [
        arrivalOf({ id: '7' }),
        arrivalOf({ seq: 7 }),
        arrivalOf({ seq: 7, epoch: 'b' }),
        arrivalOf({ seq: 7, source: 'edge-2' }),
      ]
      expect((await outcomesOf(arrivals)).map(({ kind }) => kind)).toEqual(Array(4).fill('accepted'))
    })

    test('L2: a number counts once for ever, even when its content hash is forgotten', async () => {
      await log.append([arrivalOf({ seq: 1 }), arrivalOf({ id: 'x' })], testNow)
      await log.forget((testNow + 30 * dayMicros) as Micros)
      expect((await outcomesOf([arrivalOf({ id: 'x' })]))[0]?.kind).toBe('duplicate')
      // What is forgotten is judged by the log's own time, which is that of what is appended.
      const later = (testNow + 40 * dayMicros) as Micros
      await log.forget(later)
      expect((await outcomesOf([arrivalOf({ seq: 1, bytes_out_wire: 5 })], later))[0]?.kind).toBe('duplicate')
      expect(log.end()).toBe(2)
    })

    test('holds what cannot be counted, once, and tells who it was', async () => {
      const bad = arrivalOf({ seq: 2, bytes_out_wire: -1 })
      const outcomes = await outcomesOf([arrivalOf({ seq: 1 }), bad, arrivalOf({ seq: 3 })])
      expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'held', 'accepted'])
      await log.append([bad], testNow)
      await reopen()
      expect(await log.heldTotals()).toEqual({ held: 1n, released: 0n, foundDuplicate: 0n, writtenOff: 0n })
      const [held] = (await log.held({ before: null, most: 10 })).rows
      expect(held).toMatchObject({
        source: 'edge-1',
        seq: 2,
        problem: { code: 'EVENT_FIELD_OUT_OF_RANGE', field: 'bytes_out_wire' },
      })
      expect(await log.source('edge-1')).toMatchObject([
        {
          epoch: '',
          accepted: [
            [1, 1],
            [3, 3],
          ],
          held: [[2, 2]],
          checkpoint: null,
        },
      ])
      // Repaired, it is accepted under its own number.
      expect((await outcomesOf([arrivalOf({ seq: 2, bytes_out_wire: 1 })]))[0]?.kind).toBe('accepted')
      expect((await log.source('edge-1'))?.[0]?.accepted).toEqual([[1, 3]])
    })

    test('L1: received = accepted + duplicates + quarantined, per source and day', async () => {
      const next = (testNow + dayMicros) as Micros
      await log.append([arrivalOf({ seq: 1 }), arrivalOf({ seq: 1 }), arrivalOf({ seq: 1, status: 500 })], testNow)
      await log.append([arrivalOf({ seq: 2 }, next), arrivalOf({ source: 'edge-2', id: 'a' }, next)], next)
      await reopen()
      const rows = await log.balances({ after: null, most: 100 })
      expect(rows).toMatchObject([
        { source: 'edge-1', day: '2026-10-15', received: 3n, accepted: 1n, duplicates: 1n, quarantined: 1n },
        { source: 'edge-1', day: '2026-10-16', received: 1n, accepted: 1n, duplicates: 0n, quarantined: 0n },
        { source: 'edge-2', day: '2026-10-16', received: 1n, accepted: 1n, duplicates: 0n, quarantined: 0n },
      ])
      expect(await log.sources({ after: 'edge-1', most: 10 })).toEqual(['edge-2'])
    })

    test('L1: what is held is released, found counted, or written off, once, and by whom', async () => {
      const bad = (seq: number) => arrivalOf({ seq, bytes_out_wire: -1 })
      await log.append([bad(1), bad(2), bad(3), bad(4), bad(4)], testNow)
      const release = (held: number) => ({ held, by: 'Ada', reason: 'sign dropped' })
      const repaired = (seq: number, held: number): Arrival => {
        const arrival = arrivalOf({ seq, bytes_out_wire: 1 })
        return arrival.kind === 'event' ? { ...arrival, release: release(held) } : arrival
      }
      expect(await outcomesOf([repaired(1, 0)])).toEqual([{ kind: 'accepted', offset: 0 }])
      expect(await outcomesOf([repaired(1, 1)])).toEqual([{ kind: 'duplicate' }])
      expect(await log.writeOff([0, 2, 2, 99], { by: 'Ada', reason: 'test traffic' }, testNow)).toBe(1)
      await reopen()
      expect(await log.heldTotals()).toEqual({ held: 4n, released: 1n, foundDuplicate: 1n, writtenOff: 1n })
      const states = (await log.held({ before: null, most: 10 })).rows.map(({ number, resolution }) => [
        number,
        resolution?.kind ?? 'open',
        resolution?.offset ?? null,
      ])
      expect(states).toEqual([
        [3, 'open', null],
        [2, 'written_off', null],
        [1, 'duplicate', null],
        [0, 'released', 0],
      ])
      expect((await log.held({ before: null, most: 10, filter: { state: 'open' } })).rows).toHaveLength(1)
      // It was received when it was held, and is not received once more.
      expect(await log.balances({ after: null, most: 10 })).toMatchObject([
        { received: 5n, quarantined: 5n, accepted: 0n, held: 4n, released: 1n },
      ])
    })

    test('L1: the balance of every batch is kept', async () => {
      const first = await log.append([arrivalOf({ seq: 1 }), arrivalOf({ seq: 1 })], testNow, 'key_1')
      await log.append([arrivalOf({ seq: 2 }), arrivalOf({ seq: 2, status: 404 })], testNow)
      await reopen()
      expect(first.batch).toBe(0)
      const batches = await log.batches({ before: null, most: 10 })
      expect(batches).toEqual([
        {
          number: 1,
          arrived: testNow,
          sender: '',
          first: 1,
          received: 2n,
          accepted: 1n,
          duplicates: 0n,
          quarantined: 1n,
        },
        {
          number: 0,
          arrived: testNow,
          sender: 'key_1',
          first: 0,
          received: 2n,
          accepted: 1n,
          duplicates: 1n,
          quarantined: 0n,
        },
      ])
      expect(await log.batches({ before: 1, most: 10 })).toEqual(batches.slice(1))
    })

    test('L2: a version is superseded once, and a correction sent again is a duplicate', async () => {
      await log.append([arrivalOf({ seq: 1, bytes_out_wire: 10 }), arrivalOf({ seq: 2 })], testNow)
      const was = { account: 'acme' as AccountKey, time: testNow }
      const event = (bytes: number) => {
        const arrival = arrivalOf({ seq: 1, bytes_out_wire: bytes })
        return arrival.kind === 'event' ? arrival.event : null
      }
      const amend = (supersedes: number, bytes: number): Arrival => ({
        kind: 'correction',
        correction: { kind: 'amend', supersedes: supersedes as Offset, was, by: 'Ada', reason: 'wrong unit' },
        event: event(bytes),
      })
      const retract: Arrival = {
        kind: 'correction',
        correction: { kind: 'retract', supersedes: 1 as Offset, was, by: 'Ada', reason: 'a probe of our own' },
        event: null,
      }
      expect(await outcomesOf([amend(0, 20), retract])).toEqual([
        { kind: 'accepted', offset: 2 },
        { kind: 'accepted', offset: 3 },
      ])
      await reopen()
      const again = await outcomesOf([amend(0, 20), amend(0, 30), amend(99, 1), retract])
      expect(again.map(({ kind }) => kind)).toEqual(['duplicate', 'conflict', 'unknown', 'duplicate'])
      expect(await Promise.all([0, 1, 2].map((at) => log.supersededBy(at as Offset)))).toEqual([2, 3, null])
      const records = await log.read(2 as Offset, 2)
      expect(records.map(({ fact, correction }) => [fact === null, correction?.kind])).toEqual([
        [false, 'amend'],
        [true, 'retract'],
      ])
      // What the source sends again is still what it has sent before.
      expect(await outcomesOf([arrivalOf({ seq: 1, bytes_out_wire: 10 })])).toEqual([{ kind: 'duplicate' }])
      expect(
        (await log.balances({ after: null, most: 10 })).map(({ source, accepted, received }) => [
          source,
          accepted,
          received,
        ]),
      ).toEqual([
        ['edge-1', 2n, 3n],
        // Refused corrections were never taken.
        ['~corrections', 2n, 4n],
      ])
    })

    test('tells of each numbering how often it repeated itself and how late it was', async () => {
      const old = { time: '2026-10-10T10:00:00Z' }
      await log.append([arrivalOf({ seq: 1 }), arrivalOf({ seq: 1 }), arrivalOf({ seq: 2, ...old })], testNow)
      await log.checkpoint({ source: 'edge-1', epoch: '', seq: 2, time: testNow, lost: 0 }, testNow)
      await log.append([arrivalOf({ seq: 3 }), arrivalOf({ seq: 4, status: -1 })], testNow)
      await reopen()
      const [numbering] = (await log.source('edge-1')) ?? []
      expect(numbering?.tally).toEqual({
        accepted: 3,
        duplicates: 1,
        held: 1,
        // The one that is five days old, and the one of a time of which the source had said that all was sent.
        late: 2,
        mostBehind: testNow - Date.UTC(2026, 9, 10, 10) * 1000,
        newest: Date.UTC(2026, 9, 15, 10) * 1000,
      })
      const decision = { by: 'Ada', reason: 'its clock was wrong' }
      // A statement can be taken back by a person; then the source has stated nothing.
      expect(await log.withdrawCheckpoint({ source: 'edge-1', epoch: '' }, decision, testNow)).toBe(true)
      await reopen()
      const [after] = (await log.source('edge-1')) ?? []
      expect(after?.checkpoint).toBeNull()
      expect(after?.withdrawn).toMatchObject([{ ...decision, at: testNow, statement: { seq: 2, time: testNow } }])
    })

    test('L2: the greatest number counts once, too', async () => {
      const most = Number.MAX_SAFE_INTEGER
      const send = async (...seqs: number[]) =>
        (await outcomesOf(seqs.map((seq) => arrivalOf({ seq })))).map(({ kind }) => kind)
      expect(await send(most)).toEqual(['accepted'])
      expect(await send(most - 1)).toEqual(['accepted'])
      expect(await send(most - 1, most)).toEqual(['duplicate', 'duplicate'])
    })

    test('L7: a source’s statements are durable, only grow, and are of one numbering', async () => {
      const state = { source: 'edge-1', epoch: '', seq: 5, time: testNow, lost: 1 }
      await log.checkpoint(state, testNow)
      await log.checkpoint({ ...state, seq: 3, time: (testNow - dayMicros) as Micros, lost: 0 }, testNow)
      await log.checkpoint({ ...state, epoch: 'b', seq: null }, testNow)
      await reopen()
      const epochs = new Map((await log.source('edge-1'))?.map(({ epoch, checkpoint }) => [epoch, checkpoint]))
      const losses = [{ count: 1, after: null, before: testNow }]
      expect(epochs.get('')).toEqual({ seq: 5, time: testNow, lost: 1, losses, arrived: testNow })
      expect(epochs.get('b')).toMatchObject({ seq: null })
      // A statement is not an event.
      expect(log.end()).toBe(0)
    })

    test('appends at once do not disturb each other, and an identity sent twice at once counts once', async () => {
      const batches = Array.from({ length: 20 }, (_, batch) =>
        Array.from({ length: 50 }, (_, index) => arrivalOf({ seq: (batch % 10) * 50 + index + 1 })),
      )
      const outcomes = (await Promise.all(batches.map((batch) => outcomesOf(batch)))).flat()
      expect(outcomes.filter(({ kind }) => kind === 'accepted').length).toBe(500)
      expect(outcomes.filter(({ kind }) => kind === 'duplicate').length).toBe(500)
      expect((await log.source('edge-1'))?.[0]?.accepted).toEqual([[1, 500]])
    })

    test('property: any orders, repetitions and reopenings give what a plain set gives', async () => {
      const number = fc.record({ seq: fc.integer({ min: 1, max: 60 }), source: fc.constantFrom('edge-1', 'edge-2') })
      const step = fc.oneof(
        { weight: 8, arbitrary: fc.array(number, { maxLength: 25 }) },
        { weight: 1, arbitrary: fc.constant('reopen' as const) },
      )
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          run += 1
          const seen = new Set<string>()
          const before = log.end()
          for (const batch of steps) {
            if (batch === 'reopen') {
              await reopen()
              continue
            }
            const arrivals = batch.map(({ seq, source }): Arrival => arrivalOf({ seq, source, epoch: `run${run}` }))
            const expected = batch.map(({ seq, source }) => {
              const key = `${source} ${seq}`
              if (seen.has(key)) return 'duplicate'
              seen.add(key)
              return 'accepted'
            })
            expect((await outcomesOf(arrivals)).map(({ kind }) => kind)).toEqual(expected)
          }
          expect(log.end() - before).toBe(seen.size)
          expect((await recordsOf(log)).length).toBe(log.end())
          for (const source of ['edge-1', 'edge-2']) {
            const epoch = (await log.source(source))?.find((entry) => entry.epoch === `run${run}`)
            const numbers = (epoch?.accepted ?? []).flatMap(([from, to]) =>
              Array.from({ length: to - from + 1 }, (_, index) => from + index),
            )
            const oracle = [...seen]
              .filter((key) => key.startsWith(`${source} `))
              .map((key) => Number(key.slice(source.length + 1)))
            expect(numbers).toEqual(oracle.toSorted((a, b) => a - b))
            // Intervals never touch: the set stays as small as it can be.
            for (const [index, [from]] of (epoch?.accepted ?? []).entries()) {
              if (index > 0) expect(from - (epoch?.accepted[index - 1]?.[1] ?? 0)).toBeGreaterThan(1)
            }
          }
        }),
        { numRuns: 40 },
      )
    })
  })
}
