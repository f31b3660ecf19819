import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import { openPipeline } from '../../test/support/pipeline.ts'
import type { Pipeline } from '../../test/support/pipeline.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { EventLog, SourceEpoch } from '../log/log.ts'
import type { Projection } from '../store/project.ts'
import { gapsOf, limits, NumberMemory } from './completeness-gaps.ts'

const second = (count: number): Micros => (testNow - 86_400_000_000 + count * 1_000_000) as Micros

let pipeline: Pipeline
let log: EventLog
let projection: Projection
beforeAll(async () => {
  pipeline = await openPipeline()
  ;({ log, projection } = await pipeline.fresh())
})
afterAll(() => pipeline.close())

async function send(source: string, numbers: readonly number[], now: Micros = testNow): Promise<SourceEpoch> {
  await log.append(
    numbers.map((seq) => arrivalOf({ source, seq, time: formatInstant(second(seq)) })),
    now,
  )
  await projection.catchUp()
  const [numbering] = (await log.source(source)) ?? []
  if (numbering === undefined) throw new Error('the source is known')
  return numbering
}

describe('gaps with their times', () => {
  test('lie between the times of their neighbours, and show when the number behind them arrived', async () => {
    await send('edge-1', [1, 2])
    const later = (testNow + 5_000_000) as Micros
    const numbering = await send('edge-1', [5], later)
    const { gaps } = await gapsOf(new NumberMemory(pipeline.engine), { source: 'edge-1', numbering }, true)
    expect(gaps).toEqual([
      { epoch: '', first: 3, last: 4, missing: 2, after: second(2), before: second(5), since: later },
    ])
  })

  test('one that only the source’s statement shows is known since that arrived', async () => {
    await send('edge-2', [1])
    await log.checkpoint({ source: 'edge-2', epoch: '', seq: 4, time: testNow, lost: 0 }, testNow)
    const numbering = await send('edge-2', [1])
    const { gaps } = await gapsOf(new NumberMemory(pipeline.engine), { source: 'edge-2', numbering }, true)
    expect(gaps).toMatchObject([{ first: 2, last: 4, after: second(1), before: null, since: testNow }])
  })

  test('L12: a source that sends every other number has so many gaps by themselves, and the rest as one', async () => {
    const count = limits.gapsMax + 500
    const numbering = await send(
      'edge-3',
      Array.from({ length: count + 1 }, (_, index) => 2 * index + 1),
    )
    const memory = new NumberMemory(pipeline.engine)
    const question = { source: 'edge-3', numbering }
    // Without leave to ask, the times are not known, and the numbers are.
    const unasked = await gapsOf(memory, question, false)
    expect([unasked.asked, unasked.gaps[0]]).toMatchObject([false, { first: 2, last: 2, after: null }])
    const { gaps, asked } = await gapsOf(memory, question, true)
    expect([gaps.length, asked]).toEqual([limits.gapsMax + 1, true])
    expect(gaps.reduce((total, { missing }) => total + missing, 0)).toBe(count)
    const first = 2 * limits.gapsMax + 2
    expect(gaps.at(-1)).toMatchObject({
      first,
      last: 2 * count,
      missing: 500,
      after: second(first - 1),
      before: second(2 * count + 1),
    })
    // What is stored does not change: the second time nothing is asked.
    expect(await gapsOf(memory, question, true)).toEqual({ gaps, asked: false })
  })
})
