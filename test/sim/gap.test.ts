import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ndjson, receiptOf } from '../support/answers.ts'
import { usageTotal } from '../support/ledger.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const events = 1_000_000
const batchMax = 10_000
const missing = 618_034
/** One event a second, so that the number tells the time. */
const begin = Date.UTC(2026, 0, 1)
const timeOf = (seq: number): string => `${new Date(begin + seq * 1_000).toISOString().slice(0, 19)}Z`
const lineOf = (seq: number): string =>
  `{"source":"edge","seq":${seq},"kind":"http_request","time":"${timeOf(seq)}","account":"acme","bytes_out_wire":1}`

describe('a gap of one event among a million', () => {
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
    expect(await completeness()).toMatchObject({ complete: true, sources: [{ source: 'edge', missing: '0', gaps: [] }] })
    expect(await usageTotal(service, 'acme', 'http_requests')).toBe(BigInt(events))
  })
})
