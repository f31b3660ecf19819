import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountKey, Offset, SourceName } from '../core/ids.ts'
import type { Arrival } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import type { Command } from './command.ts'
import { commandsOf, decodeCommit, encodeCommit, limits, partsOf } from './kafka-records.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const name = fc.constantFrom('edge-1', 'edge-2', 'é"\t')
const seq = fc.option(fc.integer({ min: 1, max: 9 }), { nil: null })
const json = fc.array(text, { maxLength: 3 }).map((value) => JSON.stringify(value))
const event = fc.record({
  source: name.map((source) => source as SourceName),
  epoch: text,
  id: text,
  seq,
  time: fc.integer({ min: 0, max: 2 ** 52 }).map((time) => time as Micros),
  account: name.map((account) => account as AccountKey),
  fact: json,
  inspection: fc.option(json, { nil: null }),
  hash: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
})
const decision = { by: 'ann', reason: 'a\ttab' }
const arrival: fc.Arbitrary<Arrival> = fc.oneof(
  { weight: 6, arbitrary: event.map((event) => ({ kind: 'event', event }) as const) },
  event.map((event) => ({ kind: 'event', event, release: { ...decision, held: 3 } }) as const),
  fc
    .record({ source: fc.option(name, { nil: null }), epoch: text, id: fc.option(text, { nil: null }), seq, raw: text })
    .map(
      (held) => ({ kind: 'held', held: { ...held, problem: { code: 'EVENT_NOT_JSON', message: 'a\nline' } } }) as const,
    ),
  fc.option(event, { nil: null }).map((event) => {
    const was = { account: 'acme' as AccountKey, time: 5 as Micros }
    return {
      kind: 'correction',
      correction: { kind: 'amend', supersedes: 7 as Offset, was, ...decision },
      event,
    } as const
  }),
)
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(arrival, { maxLength: 12 })
      .map((arrivals) => ({ kind: 'append', now: 9 as Micros, sender: 'me', arrivals }) as const),
  },
  fc.constant({ kind: 'write_off', now: 9 as Micros, numbers: [1, 2], decision } as const),
)

async function throughTopics(commands: readonly Command[], partitions: number) {
  const parts = await partsOf(commands, partitions)
  const places = parts.map(({ partition, value }, offset) => ({ partition, offset, bytes: value.length, sum: 0 }))
  const commit = decodeCommit(encodeCommit({ writer: 'w', group: 1, commands, parts: places }))
  // Parts may be read in any order.
  return { parts, back: commandsOf(commit, parts.map(({ value }) => value).toReversed()) }
}

describe('records of the log on Kafka', () => {
  test('property: commands come back as they were, however they are spread', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 6 }),
        fc.integer({ min: 1, max: 7 }),
        async (commands, partitions) => {
          expect((await throughTopics(commands, partitions)).back).toEqual(commands)
        },
      ),
    )
  })

  test('equal identities come to one partition, of whatever content', async () => {
    const [one] = fc.sample(event, 1)
    if (one === undefined) throw new Error('fast-check makes an event')
    const again = (id: string, fact: string): Arrival => ({ kind: 'event', event: { ...one, seq: null, id, fact } })
    for (const id of ['a', 'b', 'c', 'd']) {
      const arrivals = Array.from({ length: 20 }, (_, index) => again(id, `["${index}"]`))
      const { parts } = await throughTopics([{ kind: 'append', now: 1 as Micros, sender: '', arrivals }], 16)
      expect(new Set(parts.map(({ partition }) => partition)).size).toBe(1)
    }
  })

  test('a part has a bounded size, unless one arrival alone is larger', async () => {
    const [one] = fc.sample(event, 1)
    if (one === undefined) throw new Error('fast-check makes an event')
    const sized = (length: number): Arrival => ({ kind: 'event', event: { ...one, fact: `"${'x'.repeat(length)}"` } })
    const arrivals = [...Array.from({ length: 9 }, () => sized(300_000)), sized(limits.partTextMax * 2), sized(5)]
    const commands = [{ kind: 'append', now: 1 as Micros, sender: '', arrivals } as const]
    const { parts, back } = await throughTopics(commands, 1)
    expect(back).toEqual(commands)
    const lengths = parts.map(({ value }) => zstdDecompressSync(value).length)
    // Three of 300,000 characters fit into one part.
    expect(lengths.map((length) => length > limits.partTextMax)).toEqual([false, false, false, true, false])
  })

  test('a commit of a newer version, or with a part that is not all of it, is not applied', async () => {
    const commands = [{ kind: 'append', now: 1 as Micros, sender: '', arrivals: fc.sample(arrival, 20) } as const]
    const parts = await partsOf(commands, 4)
    expect(() => decodeCommit(Buffer.from('{"version":2}'))).toThrow('newer Crossfoot')
    const commit = decodeCommit(encodeCommit({ writer: 'w', group: 1, commands, parts: [] }))
    const values = parts.map(({ value }) => value)
    expect(() => commandsOf(commit, values.slice(1))).toThrow('bring all')
    expect(() => commandsOf(commit, [...values, ...values.slice(0, 1)])).toThrow('has room for')
  })
})
