import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Micros } from '../../src/core/time.ts'
import { openLmdbLog } from '../../src/log/lmdb.ts'
import { completenessOf } from '../../src/meter/completeness.ts'
import type { SourceState } from '../../src/meter/completeness.ts'
import { ndjson, receiptOf } from '../support/answers.ts'
import { diceFor } from '../support/dice.ts'
import { arrivalOf } from '../support/events.ts'
import { usageTotal } from '../support/ledger.ts'
import { discardData, removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const events = 1_000_000
const batchMax = 10_000
const missing = 618_034
/** One event a second, so that the number tells the time. */
const begin = Date.UTC(2026, 0, 1)
const timeOf = (seq: number): string => `${new Date(begin + seq * 1_000).toISOString().slice(0, 19)}Z`
const lineOf = (seq: number): string =>
  `{"source":"edge","seq":${seq},"kind":"http_request","time":"${timeOf(seq)}","account":"acme","bytes_out_wire":1}`

describe('a gap of one event among a million', { timeout: 300_000 }, () => {
  const data = temporaryDirectory('gap')
  let service: RunningService
  const completeness = async () => (await service.get('/v1/completeness?from=2026-01-01&to=2026-02-01')).body
  beforeAll(async () => {
    service = await startService({ data })
  })
  afterAll(() => discardData(data))

  test('is found, named with its number and the times of its neighbours, and closed by sending it', async () => {
    for (let first = 1; first <= events; first += batchMax) {
      const numbers = Array.from({ length: batchMax }, (_, index) => first + index).filter((seq) => seq !== missing)
      const receipt = receiptOf(await service.post('/v1/events', numbers.map(lineOf).join('\n'), ndjson))
      expect(receipt.accepted).toBe(numbers.length)
    }
    const gap = {
      epoch: '',
      first: String(missing),
      last: String(missing),
      after: timeOf(missing - 1),
      before: timeOf(missing + 1),
    }
    expect(await completeness()).toMatchObject({
      complete: false,
      sources: [{ source: 'edge', state: 'gap', missing: '1', gaps: [gap] }],
    })
    expect(await usageTotal(service, 'acme', 'http_requests')).toBe(BigInt(events - 1))
    await service.post('/v1/events', lineOf(missing), ndjson)
    expect(await completeness()).toMatchObject({
      complete: true,
      sources: [{ source: 'edge', missing: '0', gaps: [] }],
    })
    expect(await usageTotal(service, 'acme', 'http_requests')).toBe(BigInt(events))
  })
})

describe('a source that dies', () => {
  const secondMicros = 1_000_000
  const start = begin * 1_000
  const at = (second: number): Micros => (start + second * secondMicros) as Micros

  test('is reported within its rhythm, and not before; one that speaks is not', async () => {
    const directory = temporaryDirectory('silence')
    const log = openLmdbLog(directory)
    try {
      for (let turn = 0; turn < 12; turn += 1) {
        const dice = diceFor(turn, 'rhythm')
        const source = `edge-${turn}`
        const rhythm = 5 + dice(60)
        const death = 120 + dice(240)
        let spoken = 0
        const states: SourceState[] = []
        for (let second = 1; second <= death + rhythm + 1; second += 1) {
          // It speaks more often than its rhythm asks for, and of what is just past.
          if (second <= death && (second === 1 || second - spoken > dice(rhythm - 2))) {
            await log.append(
              [arrivalOf({ source, seq: second, time: new Date(at(second) / 1_000).toISOString() }, at(second))],
              at(second),
            )
            await log.checkpoint({ source, epoch: '', seq: null, time: at(second), lost: 0 }, at(second))
            spoken = second
          }
          states.push(await stateOf(source, rhythm, at(second)))
        }
        const silent = states.indexOf('silent') + 1
        // What it said last is good for one rhythm: the second after it is the first that nobody speaks for.
        expect(silent, `${source}, every ${rhythm} s, last heard of at ${spoken}`).toBe(spoken + rhythm + 1)
        expect(silent - death, 'since its death').toBeLessThanOrEqual(rhythm + 1)
      }
    } finally {
      await log.close()
      removeDirectory(directory)
    }

    async function stateOf(name: string, checkpointSeconds: number, now: Micros): Promise<SourceState> {
      const registration = {
        name,
        kind: 'edge',
        owner: 'edge team',
        carries: null,
        checkpointSeconds,
        expectedFrom: at(0),
        retiredAt: null,
      } as const
      const sources = [{ name, registration, epochs: (await log.source(name)) ?? [] }]
      const period = { from: at(0), to: at(86_400) }
      const { sources: found, complete } = completenessOf({ account: null, period, now, sources, gapsOf: () => [] })
      expect(complete).toBe(found[0]?.state !== 'silent')
      return found[0]?.state ?? 'nothing expected'
    }
  })
})
