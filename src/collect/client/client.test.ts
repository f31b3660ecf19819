import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CheckpointDoor } from '../../../test/support/checkpoint-door.ts'
import { FakeService } from '../../../test/support/fake-service.ts'
import { until } from '../../../test/support/until.ts'
import { createClient } from './client.ts'
import type { Client, ClientOptions, Trouble } from './client.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-client-'))
afterAll(() => rmSync(root, { recursive: true }))

let service: FakeService
let door: CheckpointDoor
let directory: string
let troubles: Trouble[]
const clients = new Set<Client>()
beforeEach(async () => {
  service = await new FakeService().start()
  door = await new CheckpointDoor(service.url).start()
  directory = mkdtempSync(join(root, 'spool-'))
  troubles = []
})
afterEach(async () => {
  await Promise.all([...clients].map((client) => client.close({ limitMs: 0 })))
  clients.clear()
  await door.stop()
  await service.stop()
})

function start(options: Partial<ClientOptions> = {}): Client {
  const onTrouble = (trouble: Trouble): void => void troubles.push(trouble)
  const client = createClient({ url: door.url, key: 'k', source: 'api', spool: directory, onTrouble, ...options })
  clients.add(client)
  return client
}

function record(client: Client, count: number, from = 1): number {
  let taken = 0
  for (let number = from; number < from + count; number += 1)
    if (client.record({ kind: 'usage', name: 'n', quantity: String(number), account: 'a' })) taken += 1
  return taken
}

/** Every quantity from 1 on is there once, under the numbers 1 to N of one source. */
function expectEachOnce(count: number, source = 'api'): void {
  const all = Array.from({ length: count }, (_, index) => index + 1)
  const accepted = [...service.source(source).accepted.values()].map(({ event }) => event)
  expect(accepted.map(({ seq }) => seq ?? 0).toSorted((a, b) => a - b)).toEqual(all)
  expect(accepted.map((event) => Number(event['quantity'])).toSorted((a, b) => a - b)).toEqual(all)
}

const away = { status: 503, retryAfter: '30' } as const

describe.each(['files', 'memory'])('the client with a spool in %s', (kind) => {
  const startIn = (options: Partial<ClientOptions> = {}): Client =>
    start(kind === 'memory' ? { spool: 'memory', ...options } : options)

  test('each event arrives once, through lost requests, lost answers and refusals', async () => {
    const faults = [
      'drop-after',
      'none',
      'drop-before',
      { status: 503, retryAfter: '0' },
      'none',
      { status: 500 },
    ] as const
    service.fault = (post) => faults[post - 1] ?? 'none'
    const client = startIn({ batchEventsMax: 150, sendEveryMs: 10 })
    expect(record(client, 450)).toBe(450)
    expect(await client.flush()).toBe(true)
    expectEachOnce(450)
    const stats = await client.close()
    expect(stats).toMatchObject({ recorded: 450, acknowledged: 450, pending: 0, lost: 0, quarantined: 0 })
    expect(stats.accepted + stats.duplicates).toBe(450)
    expect(stats.duplicates).toBeGreaterThan(0)
    expect(door.checkpoints.at(-1)).toMatchObject({ source: 'api', seq: '450', lost: '0' })
  })

  test('a request that is too large is halved, and an event that is too large alone keeps its number', async () => {
    service.fault = () => {
      const { events, bytes } = service.requests.at(-1) ?? { events: 0, bytes: 0 }
      return events > 7 || bytes > 6_000 ? { status: 413, code: 'BODY_TOO_LARGE', message: 'too large' } : 'none'
    }
    const client = startIn()
    record(client, 60)
    client.record({ kind: 'http_request', path: 'x'.repeat(8_000) })
    expect(await client.flush()).toBe(true)
    expectEachOnce(60)
    expect(service.held()).toEqual([expect.objectContaining({ seq: 61, unreadable: expect.anything() })])
    expect(client.stats()).toMatchObject({ acknowledged: 61, accepted: 60, quarantined: 1 })
  })

  test('with a wrong key events wait, and it is told', async () => {
    service.fault = () => ({ status: 401, code: 'KEY_INVALID', message: 'this is not a key' })
    const client = startIn({ sendEveryMs: 0 })
    record(client, 3)
    await until(() => troubles.some(({ kind }) => kind === 'refused'), 5_000, 'the trouble is told')
    expect(client.stats()).toMatchObject({ pending: 3, lost: 0, lastTrouble: { kind: 'refused' } })
    expect(troubles).toHaveLength(1)
    expect(troubles[0]?.message).toContain('this is not a key (KEY_INVALID)')
    service.fault = () => 'none'
    expect(await client.flush()).toBe(true)
    expectEachOnce(3)
  })

  test('a full spool loses, tells, counts and declares; what it took arrives', async () => {
    service.fault = () => away
    const client = startIn({ spoolBytesMax: 4 * 1_048_576 })
    const path = 'x'.repeat(8_000)
    let taken = 0
    for (let count = 0; count < 1_000; count += 1) if (client.record({ kind: 'http_request', path })) taken += 1
    const lost = 1_000 - taken
    expect(lost).toBeGreaterThan(0)
    expect(client.stats()).toMatchObject({ recorded: 1_000, lost, pending: taken })
    service.fault = () => 'none'
    expect(await client.flush()).toBe(true)
    expect(client.record({ kind: 'http_request', path }), 'there is room again').toBe(true)
    await client.close()
    expect(service.accepted()).toHaveLength(taken + 1)
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: String(taken + 1), lost: String(lost) })
    expect(troubles.filter((trouble) => trouble.kind === 'lost')).toHaveLength(1)
  })

  test('what is no event is held under its number, and what is recorded after the end is lost', async () => {
    const client = startIn()
    record(client, 1)
    expect(client.record({ kind: 'usage', name: 'n', quantity: Number.NaN as never })).toBe(true)
    expect(client.record(null as never)).toBe(true)
    const stats = await client.close()
    expect(stats).toMatchObject({ recorded: 3, unreadable: 2, acknowledged: 3, accepted: 1, quarantined: 2 })
    expect(service.held().map(({ seq }) => seq)).toEqual([2, 3])
    expect(record(client, 2)).toBe(0)
    expect(client.stats()).toMatchObject({ recorded: 5, lost: 2, pending: 0 })
    expect(await client.flush()).toBe(true)
  })

  test('a host that throws at troubles, and one that asks for nothing, do not matter', async () => {
    const client = startIn({
      onTrouble: () => {
        throw new Error('the host throws')
      },
    })
    client.record(null as never)
    expect(await client.flush()).toBe(true)
    expect(await client.close()).toMatchObject({ acknowledged: 1 })
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: '1', lost: '0' })
  })

  test('idle, it states that nothing is missing, and not beyond the time that late events may have', async () => {
    const before = Date.now()
    const client = startIn({ lateMs: 3_600_000 })
    await client.close()
    const { time = '' } = door.checkpoints.at(-1) ?? {}
    expect(door.checkpoints.at(-1)).toMatchObject({ source: 'api', seq: '0', lost: '0' })
    expect(Date.parse(time)).toBeLessThanOrEqual(Date.now() - 3_600_000)
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before - 3_600_000)
  })
})

describe('the spool', () => {
  test('in memory it ends with the process: what was not sent in time is declared lost', async () => {
    service.fault = () => away
    const client = start({ spool: 'memory' })
    record(client, 10)
    const flushed = client.flush()
    expect(await client.close({ limitMs: 50 })).toMatchObject({ recorded: 10, lost: 10, pending: 0 })
    expect([await flushed, await client.flush()], 'the service does not have them').toEqual([false, false])
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: '0', lost: '10' })
  })

  test('on disk it outlives the process: the next one goes on with its numbering, its losses and its records', async () => {
    service.fault = () => away
    const first = start({ spoolBytesMax: 4 * 1_048_576 })
    const taken = record(first, 40)
    while (first.record({ kind: 'http_request', path: 'x'.repeat(200_000) }));
    expect(await first.close({ limitMs: 0 })).toMatchObject({ lost: 1 })
    const left = first.stats().pending
    expect(taken).toBe(40)
    service.fault = () => 'none'
    const second = start()
    expect(second.source).toBe('api')
    record(second, 5, 41)
    expect(await second.flush()).toBe(true)
    expect(await second.close()).toMatchObject({ recorded: 5, acknowledged: left + 5, lost: 0, declaredLost: 1 })
    const events = service.accepted()
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: left + 5 }, (_, index) => index + 1))
    expect(new Set(events.map((event) => event['epoch'])).size).toBe(1)
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: String(left + 5), lost: '1' })
    expect(readdirSync(join(directory, 'slot-1')).filter((name) => name.startsWith('hand-over-'))).toHaveLength(1)
  })

  test('processes side by side have a slot and a source each, and what one leaves another one sends', async () => {
    const first = start()
    const second = start()
    expect([first.source, second.source]).toEqual(['api', 'api/2'])
    service.fault = () => away
    record(second, 20)
    await second.close({ limitMs: 0 })
    service.fault = () => 'none'
    await first.close()
    const third = start()
    expect(third.source).toBe('api')
    await until(() => service.source('api/2').accepted.size === 20, 5_000, 'the records of the second')
    expectEachOnce(20, 'api/2')
    await until(() => door.checkpoints.some(({ source, seq }) => source === 'api/2' && seq === '20'), 5_000, 'its word')
    expect(service.source('api').accepted.size).toBe(0)
  })

  test('a record that was cut off when the machine went down keeps a number, and its neighbours count', async () => {
    service.fault = () => away
    const first = start()
    record(first, 3)
    await first.close({ limitMs: 0 })
    const slot = join(directory, 'slot-1')
    // As after a power loss: records that were not moved yet, the last one in part, and zeros.
    const line = (quantity: number): string =>
      `{"kind":"usage","name":"n","quantity":"${quantity}","time":"2026-11-22T10:00:00Z"}`
    writeFileSync(join(slot, 'hand-over-0-000000001'), `${line(4)}\n${line(5)}\n{"kind":"us\0\0\0`)
    service.fault = () => 'none'
    const second = start()
    expect(await second.flush()).toBe(true)
    expectEachOnce(5)
    expect(service.held()).toEqual([expect.objectContaining({ seq: 6, unreadable: expect.anything() })])
    expect(readdirSync(slot)).not.toContain('hand-over-0-000000001')
  })

  test('a machine that went down without a close is noticed, told, and declared as one loss, once', async () => {
    const first = start()
    record(first, 2)
    expect(await first.close()).toMatchObject({ declaredLost: 0 })
    const mark = join(directory, 'slot-1', 'in-use')
    expect(existsSync(mark), 'after a close there is nothing to fear').toBe(false)
    writeFileSync(mark, 'another boot')
    const known = process.platform === 'linux' ? 1 : 0
    expect(await start().close()).toMatchObject({ lost: 0, declaredLost: known })
    expect(troubles.map(({ kind }) => kind)).toEqual(Array.from({ length: known }, () => 'lost'))
    expect(await start().close()).toMatchObject({ declaredLost: known })
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: '2', lost: String(known) })
  })

  test('a count of losses that a power loss took back is known from the spool', async () => {
    service.fault = () => away
    const first = start({ spoolBytesMax: 4 * 1_048_576 })
    while (first.record({ kind: 'http_request', path: 'x'.repeat(200_000) }));
    record(first, 3)
    service.fault = () => 'none'
    const { declaredLost } = await first.close()
    expect(declaredLost).toBeGreaterThan(0)
    writeFileSync(join(directory, 'slot-1', 'lost'), Buffer.alloc(8))
    expect(await start().close()).toMatchObject({ lost: 0, declaredLost })
    expect(door.checkpoints.at(-1)).toMatchObject({ lost: String(declaredLost) })
  })

  test("is one source's: another one is refused at the start, and the place is free for the first", async () => {
    const first = start()
    record(first, 1)
    expect(() => start({ source: 'web' }), 'beside it').toThrow(/that of the source "api"/)
    await first.close()
    expect(() => start({ source: 'web' }), 'after it').toThrow(/that of the source "api"/)
    // A directory from before its source was written down, or a slot that was moved here.
    rmSync(join(directory, 'source'))
    expect(() => start({ source: 'shop' })).toThrow(/slot-1 is that of the source "api"/)
    rmSync(join(directory, 'source'))
    expect(start().source).toBe('api')
    expectEachOnce(1)
  })

  test('a slot that cannot be used is told once, and the others go on', async () => {
    for (const [slot, file] of [
      ['slot-2', 'lock'],
      ['slot-3', 'lost'],
    ] as const) {
      mkdirSync(join(directory, slot))
      writeFileSync(join(directory, slot, 'hand-over-0-000000001'), '')
      if (file === 'lock') writeFileSync(join(directory, slot, file), 'x'.repeat(5_000))
      else mkdirSync(join(directory, slot, file))
    }
    const client = start({ sendEveryMs: 0 })
    await until(() => troubles.length >= 2, 5_000, 'both are told')
    record(client, 1)
    expect(await client.flush()).toBe(true)
    expect(await client.close()).toMatchObject({ acknowledged: 1, pending: 0 })
    expect(troubles.map(({ kind }) => kind)).toEqual(['spool', 'spool'])
    expect(troubles.map(({ message }) => /slot-\d/.exec(message)?.[0])).toEqual(['slot-2', 'slot-3'])
  })

  test('a damaged spool is told, and records wait before it', async () => {
    const first = start()
    record(first, 2_000)
    await first.close()
    const segment = join(directory, 'slot-1', 'segment-000000000001')
    const bytes = readFileSync(segment)
    writeFileSync(join(directory, 'slot-1', 'segment-000000000002'), bytes)
    writeFileSync(segment, bytes.subarray(0, bytes.length - 1))
    const second = start()
    expect(record(second, 7)).toBe(7)
    await until(() => troubles.some(({ kind }) => kind === 'worker'), 5_000, 'the trouble is told')
    expect(troubles.find(({ kind }) => kind === 'worker')?.message).toContain('the spool is damaged')
    expect(await second.close({ limitMs: 0 })).toMatchObject({ recorded: 7, pending: 7, lost: 0 })
  })
})

describe('options', () => {
  test.each([
    [{ url: 'ftp://127.0.0.1' }, /^url is/],
    [{ url: '' }, /^url is/],
    [{ source: 'a~b' }, /^source is/],
    [{ source: '' }, /^source is/],
    [{ spool: '' }, /^spool is/],
    [{ key: 'two words' }, /^key has/],
    [{ batchEventsMax: 0 }, /^batchEventsMax is a whole number from 1 to 5000, not 0/],
    [{ spoolBytesMax: 5.5 }, /^spoolBytesMax is/],
    [{ sendEveryMs: Number.NaN }, /^sendEveryMs is/],
  ])('wrong ones are refused at the start: %#', (wrong, message) => {
    expect(() => start(wrong as Partial<ClientOptions>)).toThrow(message)
  })

  test('a directory that cannot be used is refused at the start', () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expect(() => start({ spool: file })).toThrow(/EEXIST|ENOTDIR/)
  })
})
