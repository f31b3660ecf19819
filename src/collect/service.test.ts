import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import { limits } from './limits.ts'
import { BatchBuilder, Lanes, deliver, parseOutcome } from './delivery.ts'
import { LineSet, parseSeenLines } from './seen-lines.ts'
import { ServiceError, bodyOf, callOnce, retryDelayMs } from './service.ts'
import type { World } from './service.ts'

const open: { stop: () => Promise<void> }[] = []
afterEach(async () => {
  for (const { stop } of open.splice(0)) await stop()
})

async function fake(): Promise<FakeService> {
  const service = await new FakeService().start()
  open.push({ stop: () => service.stop() })
  return service
}

/** A world in which waiting takes no time and is written down. */
function world(random = 0): World & { readonly waits: number[] } {
  const waits: number[] = []
  return {
    waits,
    random: () => random,
    wait: (milliseconds) => {
      waits.push(milliseconds)
      return Promise.resolve()
    },
  }
}

const batch = { lines: [7, 8], body: '{"source":"s","seq":7}\n{"source":"s","seq":8}\n' }

describe('deliver', () => {
  test('a batch is sent once when all is well', async () => {
    const service = await fake()
    const outcome = await deliver({ url: service.url, key: 'k' }, batch, world())
    expect(outcome).toEqual({ accepted: 2, duplicates: 0, quarantined: 0, notAccepted: [] })
    expect(service.requests.length).toBe(1)
  })

  test('a batch that is too large is halved until it fits, and nothing is left out', async () => {
    const service = await fake()
    service.fault = () => ((service.requests.at(-1)?.events ?? 0) > 3 ? { status: 413, body: '<html>' } : 'none')
    const lines = Array.from({ length: 13 }, (_, index) => index + 1)
    const events = lines.map((seq) => `{"source":"s","seq":${seq}}\n`)
    // The eighth comes twice: what the answer says of it has to find its line in its half.
    const outcome = await deliver(
      { url: service.url, key: 'k' },
      { lines: [...lines, 8], body: [...events, events[7]].join('') },
      world(),
    )
    expect(outcome).toMatchObject({ accepted: 13, duplicates: 1, quarantined: 0, notAccepted: [{ line: 8 }] })
    expect(service.accepted().map(({ seq }) => seq)).toEqual(lines)
  })

  test('an event that is too large alone is quarantined under its number', async () => {
    const service = await fake()
    service.fault = () =>
      (service.requests.at(-1)?.bytes ?? 0) > 9_000
        ? { status: 413, code: 'BATCH_TOO_LARGE', message: 'smaller, please' }
        : 'none'
    const large = JSON.stringify({ source: 's', epoch: 'e', seq: 2, path: 'ü'.repeat(9_000) })
    const body = `{"source":"s","epoch":"e","seq":1}\n${large}\n{"source":"s","epoch":"e","seq":3}\n`
    const outcome = await deliver({ url: service.url, key: 'k' }, { lines: [1, 2, 3], body }, world())
    expect(outcome).toMatchObject({ accepted: 2, duplicates: 0, quarantined: 1, notAccepted: [{ line: 2 }] })
    expect(service.held()).toMatchObject([
      { source: 's', epoch: 'e', seq: 2, unreadable: { line: large.slice(0, 4_096) } },
    ])
  })

  test('a service that takes nothing at all says so', async () => {
    const service = await fake()
    service.fault = () => ({ status: 413, code: 'BODY_TOO_LARGE', message: 'smaller, please' })
    await expect(deliver({ url: service.url, key: 'k' }, batch, world())).rejects.toThrow('smaller, please')
  })

  test('lost connections, lost answers and busy services are waited out, and nothing counts twice', async () => {
    const service = await fake()
    const faults = [
      'drop-before',
      { status: 503 },
      { status: 429, retryAfter: '7' },
      { status: 500 },
      'drop-after',
    ] as const
    service.fault = (post) => faults[post - 1] ?? 'none'
    const now = world()
    const outcome = await deliver({ url: service.url, key: 'k' }, batch, now)
    // The batch had arrived before its answer was lost.
    expect(outcome).toMatchObject({ accepted: 0, duplicates: 2, quarantined: 0 })
    expect(outcome.notAccepted.map(({ line, status }) => [line, status])).toEqual([
      [7, 'duplicate'],
      [8, 'duplicate'],
    ])
    expect(service.accepted().map(({ seq }) => seq)).toEqual([7, 8])
    expect(now.waits).toEqual([200, 400, 7_000, 1_600, 3_200])
  })

  test('patience ends', async () => {
    const service = await fake()
    service.fault = () => ({ status: 503, code: 'DISK_FULL', message: 'the disk is full' })
    const now = world()
    await expect(deliver({ url: service.url, key: 'k' }, batch, now)).rejects.toThrow('the disk is full (DISK_FULL)')
    expect(service.requests.length).toBe(limits.attemptsMax)
    expect(now.waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
  })

  test('a request that is wrong is not repeated', async () => {
    const service = await fake()
    service.fault = () => ({ status: 401, code: 'KEY_INVALID', message: 'the key is wrong' })
    await expect(deliver({ url: service.url, key: 'k' }, batch, world())).rejects.toThrow(
      'the key is wrong (KEY_INVALID)',
    )
    expect(service.requests.length).toBe(1)
  })

  test('a refusal that the catalogue calls worth another try is repeated', async () => {
    const service = await fake()
    service.fault = (post) => (post === 1 ? { status: 400, code: 'BODY_TRUNCATED', message: 'cut' } : 'none')
    expect(await deliver({ url: service.url, key: 'k' }, batch, world())).toMatchObject({ accepted: 2 })
  })

  test('an answer that is not ours stops', async () => {
    const service = await fake()
    for (const body of ['<html>', '{}', '{"received":2,"accepted":1,"duplicates":0,"quarantined":0,"results":[]}']) {
      service.fault = () => ({ status: 200, body })
      await expect(deliver({ url: service.url, key: 'k' }, batch, world())).rejects.toThrow(ServiceError)
    }
  })

  test('waiting is bounded, whatever the service and chance say', async () => {
    expect([0, 0.5, 0.999].map((random) => retryDelayMs(1, random))).toEqual([200, 150, 100])
    expect(retryDelayMs(1_000, 0)).toBe(limits.retryMsMax)
    const service = await fake()
    service.fault = (post) => (post === 1 ? { status: 503, retryAfter: '99999' } : 'none')
    const now = world()
    await deliver({ url: service.url, key: 'k' }, batch, now)
    expect(now.waits).toEqual([limits.retryAfterMsMax])
  })
})

describe('callOnce', () => {
  test('sends the key, the headers and the body', async () => {
    const seen: unknown[] = []
    const server: Server = createServer((request, response) => {
      const { authorization, 'content-type': type } = request.headers
      seen.push([request.method, request.url, authorization, type])
      response.end('{"fine":true}')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const call = { method: 'POST', path: '/x', headers: { 'content-type': 'a/b' }, body: new Uint8Array([1]) } as const
    const service = { url, key: 'secret' }
    expect(bodyOf(service, await callOnce(service, call))).toEqual({ fine: true })
    await callOnce({ url, key: undefined }, { method: 'GET', path: '/y' })
    expect(seen).toEqual([
      ['POST', '/x', 'Bearer secret', 'a/b'],
      ['GET', '/y', undefined, undefined],
    ])
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })

  test('says when nobody is there', async () => {
    const service = await new FakeService().start()
    await service.stop()
    const gone = await callOnce({ url: service.url, key: undefined }, { method: 'GET', path: '/x' })
    expect(gone).toMatchObject({ kind: 'no-answer', refused: true })
    expect(() => bodyOf({ url: service.url, key: undefined }, gone)).toThrow(
      `crossfoot is not running at ${service.url}; start it with npm start`,
    )
  })
})

describe('parseOutcome', () => {
  test('counts must add up to what was sent', () => {
    const answer = { received: 2, accepted: 1, duplicates: 0, quarantined: 1, results: [] }
    expect(parseOutcome(answer, [1, 2]).ok).toBe(true)
    expect(parseOutcome({ ...answer, accepted: 2 }, [1, 2]).ok).toBe(false)
    expect(parseOutcome({ ...answer, received: 1 }, [1, 2]).ok).toBe(false)
    expect(parseOutcome(answer, [1]).ok).toBe(false)
    expect(parseOutcome({ ...answer, results: [{ index: 2, status: 'quarantined' }] }, [1, 2]).ok).toBe(false)
    expect(parseOutcome({ ...answer, results: [{ index: 1, status: 'lost' }] }, [1, 2]).ok).toBe(false)
    expect([null, [], 'x', {}].map((value) => parseOutcome(value, []).ok)).toEqual([false, false, false, false])
  })
})

describe('BatchBuilder', () => {
  test('closes at its greatest number of events and at its greatest size', () => {
    const builder = new BatchBuilder()
    for (let line = 1; line <= limits.batchEventsMax; line += 1) {
      expect(builder.isFullFor('{}')).toBe(false)
      builder.add(line, '{}')
    }
    expect(builder.isFullFor('{}')).toBe(true)
    const { lines, body } = builder.take()
    expect([lines.length, body.length, builder.length]).toEqual([5_000, 15_000, 0])
    const quarter = 'é'.repeat(limits.batchBytesMax / 8)
    builder.add(1, quarter)
    builder.add(2, quarter)
    builder.add(3, quarter)
    expect(builder.isFullFor(quarter)).toBe(true)
    expect(builder.isFullFor(quarter.slice(2))).toBe(false)
    expect(Buffer.byteLength(builder.take().body)).toBeLessThanOrEqual(limits.batchBytesMax)
  })
})

describe('Lanes', () => {
  test('never more than so many at once, and none after a failure', async () => {
    const lanes = new Lanes(2)
    let underWay = 0
    let most = 0
    for (let work = 0; work < 20; work += 1) {
      await lanes.start(async () => {
        underWay += 1
        most = Math.max(most, underWay)
        await new Promise((done) => setImmediate(done))
        underWay -= 1
      })
    }
    await lanes.settle()
    expect([underWay, most]).toEqual([0, 2])
    await lanes.start(() => Promise.reject(new Error('first')))
    await expect(lanes.settle()).rejects.toThrow('first')
    await expect(lanes.start(() => Promise.reject(new Error('second')))).rejects.toThrow('first')
  })
})

describe('LineSet', () => {
  test('has what its intervals have', () => {
    const set = new LineSet([
      [10, 12],
      [1, 1],
      [5, 7],
    ])
    expect(Array.from({ length: 14 }, (_, line) => line).filter((line) => set.has(line))).toEqual([
      1, 5, 6, 7, 10, 11, 12,
    ])
  })

  test('comes from the answer about a source', () => {
    const seen = parseSeenLines({
      source: 's',
      epochs: [
        { epoch: '2', accepted: [['1', '99']], held: [] },
        { epoch: '', accepted: [['1', '5000']], held: [['5001', '5001']] },
      ],
    })
    expect(
      seen.ok && [seen.value.accepted.has(5_000), seen.value.accepted.has(5_001), seen.value.held.has(5_001)],
    ).toEqual([true, false, true])
    expect(parseSeenLines({ epochs: [] })).toMatchObject({ ok: true })
    for (const wrong of [
      null,
      {},
      { epochs: [{ epoch: '', accepted: 5 }] },
      { epochs: [{ epoch: '', accepted: [['2', '1']] }] },
      { epochs: [{ epoch: '', held: [['a', 'b']] }] },
    ])
      expect(parseSeenLines(wrong).ok).toBe(false)
  })
})
