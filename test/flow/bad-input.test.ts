import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKeyText } from '../../src/account/api-key.ts'
import { balances, eventsInLog, ndjson, newestHeld, quarantine, receiptOf, refusalCode } from '../support/answers.ts'
import { sumOf } from '../support/answers.ts'
import type { HeldRow, Receipt } from '../support/answers.ts'
import { Ledger, usageTotal, usageTotals } from '../support/ledger.ts'
import { lineOf, oddEvents, refusedEvents, timeAt } from '../support/odd-events.ts'
import type { Written } from '../support/odd-events.ts'
import { knowsMemory, residentMegabytes } from '../support/process-memory.ts'
import { eventsHead, rawConnection } from '../support/raw-request.ts'
import type { RawConnection } from '../support/raw-request.ts'
import { neverAccount, refusedBodies } from '../support/refused-bodies.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * One service, everything that should not be sent to it. Each case: the documented answer, the neighbours counted,
 * received = accepted + duplicates + quarantined, and what was held can be read. The ledger holds every event that
 * was accepted in this file; at the end the service has to have those and no others.
 */
const data = temporaryDirectory('bad-input')
const megabyte = 1_048_576
const ledger = new Ledger()
let service: RunningService
let before = 0
let held = 0

beforeAll(async () => {
  service = await startService({ data })
  if (knowsMemory) before = residentMegabytes(service.process.pid).now
})
afterAll(() => discardData(data))

const peakGrowth = (): number => residentMegabytes(service.process.pid).peak - before

/** A good event, in the ledger. */
function good(account: string, source: string, bytes: bigint): string {
  const id = `good-${ledger.size()}`
  ledger.sent(`${source} ${id}`, account, bytes)
  return lineOf({ source: `"${source}"`, id: `"${id}"`, account: `"${account}"`, bytes_out_wire: String(bytes) })
}

function odd(account: string, source: string, change: Written): string {
  return lineOf({ source: `"${source}"`, id: '"odd"', account: `"${account}"`, bytes_out_wire: '1', ...change })
}

function numbered<Case extends object>(cases: readonly Case[]): (Case & { readonly index: number })[] {
  return cases.map((one, index) => Object.assign({ index }, one))
}

function counting(receipt: Receipt): Receipt {
  held += receipt.quarantined
  return receipt
}

const sendLines = async (body: string | Uint8Array): Promise<Receipt> =>
  counting(receiptOf(await service.post('/v1/events', body, ndjson)))
const sendArray = async (events: readonly string[]): Promise<Receipt> =>
  counting(receiptOf(await service.post('/v1/events', `[${events.join(',')}]`)))

async function expectCounted(account: string): Promise<void> {
  expect(await usageTotals(service, account), account).toEqual(ledger.totals(account))
}

describe('an event that cannot be counted costs its neighbours nothing', () => {
  test.each(numbered(refusedEvents))('$index $name', async ({ index, change, code, field }) => {
    for (const form of ['lines', 'array']) {
      const account = `refused-${index}`
      const source = `${account}-${form}`
      const bad = odd(account, source, change)
      const batch = [good(account, source, 2n), bad, good(account, source, 3n)]
      const receipt = await (form === 'lines' ? sendLines(batch.join('\r\n')) : sendArray(batch))
      expect(receipt).toMatchObject({ received: 3, accepted: 2, quarantined: 1 })
      const [result] = receipt.results
      expect(result).toMatchObject({ index: 1, status: 'quarantined', code, ...(field === undefined ? {} : { field }) })
      const row = await newestHeld(service)
      expect(row.problem).toMatchObject({ code, message: result?.message })
      const line = code === 'EVENT_UNREADABLE' ? '127.0.0.1 - -' : bad
      expect(row.raw.trimEnd()).toBe(line.slice(0, 65_536))
    }
  })

  test.each(['{"source":"x"', 'hello', 'null', '42', '"text"', '[]', '[{}]'])(
    'a line that is no object: %s',
    async (bad) => {
      const receipt = await sendLines([good('no-object', 'o', 1n), bad, good('no-object', 'o', 1n)].join('\n'))
      expect(receipt).toMatchObject({ accepted: 2, quarantined: 1, results: [{ index: 1, code: 'EVENT_NOT_JSON' }] })
      expect((await newestHeld(service)).raw).toBe(bad)
    },
  )

  test('a line with invalid UTF-8', async () => {
    const bad = Buffer.concat([Buffer.from('{"source":"'), Buffer.from([0xff, 0xfe, 0xc3, 0x28])])
    const [first, last] = [good('no-utf8', 'ü', 1n), good('no-utf8', 'ü', 2n)]
    const receipt = await sendLines(Buffer.concat([Buffer.from(`${first}\n`), bad, Buffer.from(`\n${last}`)]))
    expect(receipt).toMatchObject({ accepted: 2, quarantined: 1, results: [{ index: 1, code: 'EVENT_NOT_UTF8' }] })
    expect((await newestHeld(service)).raw).toBe('{"source":"ÿþÃ(')
  })

  test('the neighbours of all of them are counted, to the byte', async () => {
    for (const index of refusedEvents.keys()) await expectCounted(`refused-${index}`)
    await expectCounted('no-object')
    await expectCounted('no-utf8')
  })

  test('a repaired event is accepted under the identity that was held', async () => {
    const bad = await sendLines(odd('repaired', 'r', { seq: '7', bytes_out_wire: '-1' }))
    expect(bad.quarantined).toBe(1)
    expect((await sendLines(odd('repaired', 'r', { seq: '7', bytes_out_wire: '5' }))).accepted).toBe(1)
    ledger.sent('r 7', 'repaired', 5n)
    await expectCounted('repaired')
  })

  test('pages of what is held stay small however long the lines are', async () => {
    const bad = Array.from({ length: 100 }, (_, index) => `${index}${'\u0001'.repeat(60_000)}`)
    expect((await sendLines(bad.join('\n'))).quarantined).toBe(100)
    const { body } = await service.get('/v1/quarantine?limit=1000')
    const page = body as { rows: HeldRow[]; next: number | null; total: number }
    expect(JSON.stringify(page).length).toBeLessThan(10 * megabyte)
    expect(page.rows.length).toBeLessThan(100)
    expect(page.next).toBe(page.rows.at(-1)?.number)
    const rows = await quarantine(service)
    expect(rows.filter(({ raw }) => raw.endsWith('\u0001'))).toHaveLength(100)
    expect(new Set(rows.map(({ number }) => number)).size).toBe(rows.length)
  })
})

describe('an event that looks wrong and is not', () => {
  test.each(numbered(oddEvents))('$index $name', async ({ index, change, bytes }) => {
    const account = `odd-${index}`
    for (const form of ['lines', 'array']) {
      const event = odd(account, `${account}-${form}`, change)
      ledger.sent(`${account}-${form} odd`, account, bytes)
      expect((await (form === 'lines' ? sendLines(event) : sendArray([event]))).accepted).toBe(1)
    }
    await expectCounted(account)
  })

  test('ten years old and numbered: counted in its month', async () => {
    const year = new Date().getUTCFullYear() - 10
    const time = `"${year}-01-31T23:59:59.999999Z"`
    expect((await sendLines(odd('old', 'old', { seq: '1', time, bytes_out_wire: '12' }))).accepted).toBe(1)
    ledger.sent('old 1', 'old', 12n)
    const range = `from=${year}-01-01T00:00:00Z&to=${year}-03-01T00:00:00Z&timezone=UTC&window=month`
    const { body } = await service.get(`/v1/usage?account=old&meter=data_out_wire&${range}`)
    expect((body as { rows: { quantity: string }[] }).rows.map(({ quantity }) => quantity)).toEqual(['12', '0'])
  })

  test('sums beyond 2^64 and quantities beyond 2^53 are exact', async () => {
    const sizes = [2n ** 64n - 1n, 2n ** 64n - 1n, 2n ** 64n - 1n, 2n ** 53n + 1n, 9_007_199_254_740_995n, 1n]
    expect((await sendArray(sizes.map((size) => good('huge', 'huge', size)))).accepted).toBe(sizes.length)
    expect((await usageTotals(service, 'huge')).bytes).toBe(3n * 18_446_744_073_709_551_615n + 18_014_398_509_481_989n)
    await service.post('/v1/meters', {
      key: 'things',
      name: 'Things',
      unit: 'things',
      aggregation: { kind: 'sum', field: 'quantity' },
      filter: [{ field: 'kind', operator: 'in', values: ['usage'] }],
    })
    const usage = { kind: '"usage"', name: '"things"', bytes_out_wire: null }
    const quantities = ['"999999999999999999999999999999.999999999999999999"', '0.1', '0.2', '5.00000000000000001']
    const events = quantities.map((quantity, index) =>
      odd('quantities', 'q', { ...usage, id: `"q${index}"`, quantity }),
    )
    expect((await sendLines(events.join('\n'))).accepted).toBe(quantities.length)
    quantities.forEach((_, index) => ledger.sent(`q q${index}`, 'quantities', 0n))
    const { body } = await service.get(
      '/v1/usage?account=quantities&meter=things&from=2020-01-01T00:00:00Z&to=2199-01-01T00:00:00Z',
    )
    expect(body).toMatchObject({ total: '1000000000000000000000000000005.300000000000000009' })
  })
})

describe('duplicates and conflicts', () => {
  test.each([
    ['by id', { id: '"same"', time: timeAt(-5_000) }],
    ['by seq', { id: null, seq: '1', epoch: '"e"', time: '"2020-11-01T00:00:00Z"' }],
  ])('%s, in one batch and across batches', async (name, identity) => {
    const event = (bytes: number): string => odd('twice', name, { ...identity, bytes_out_wire: String(bytes) })
    expect(await sendLines([event(10), event(10), event(11)].join('\n'))).toMatchObject({
      received: 3,
      accepted: 1,
      duplicates: 1,
      quarantined: 1,
      results: [
        { index: 1, status: 'duplicate', code: 'DUPLICATE' },
        { index: 2, status: 'quarantined', code: 'EVENT_CONFLICT' },
      ],
    })
    ledger.sent(name, 'twice', 10n)
    // The same content written another way is the same event.
    const rewritten = JSON.stringify({ leg: 'client', ...(JSON.parse(event(10)) as object), bytes_out_wire: '10' })
    expect(await sendArray([rewritten])).toMatchObject({ accepted: 0, duplicates: 1 })
    expect(await sendArray([event(12)])).toMatchObject({ accepted: 0, quarantined: 1 })
    const row = await newestHeld(service)
    expect(row).toMatchObject({ source: name, problem: { code: 'EVENT_CONFLICT' } })
    expect(row.raw).toContain('"12"')
    await expectCounted('twice')
  })
})

describe('a body of which nothing can be taken', () => {
  test.each(refusedBodies)('$name', async ({ body, status, code: expected, type = 'application/json', encoding }) => {
    const sent = body()
    const started = performance.now()
    const answer = await service.post('/v1/events', sent, {
      'content-type': type,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    })
    expect([answer.status, refusalCode(answer)]).toEqual([status, expected])
    expect(performance.now() - started, 'answered soon').toBeLessThan(20_000)
    // On the same connection, as a client with keep-alive would.
    expect((await service.get('/healthz')).status).toBe(200)
  })

  test('a line of 100 MB in chunks: the answer comes, and the connection goes on', async () => {
    const connection = await rawConnection(service)
    await connection.write(eventsHead(service.key, null))
    const chunk = Buffer.alloc(megabyte, 'a')
    for (let sent = 0; sent < 100; sent += 1) {
      await connection.write(`${chunk.length.toString(16)}\r\n`)
      await connection.write(chunk)
      await connection.write('\r\n')
    }
    await connection.write('0\r\n\r\n')
    const line = good('after-100', 'with|bar', 7n)
    await connection.write(eventsHead(service.key, line.length, ['Connection: close']) + line)
    const answers = await connection.closed
    expect(answers).toMatch(/^HTTP\/1\.1 413 .*BODY_TOO_LARGE.*HTTP\/1\.1 200 .*"accepted":1,/s)
    await expectCounted('after-100')
  })

  test('a connection that is cut in the middle of a body: nothing is taken', async () => {
    const body = Array.from({ length: 100 }, (_, index) => odd(neverAccount, 'cut', { id: `"${index}"` })).join('\n')
    for (const part of [0.1, 0.5, 0.999]) {
      for (const how of ['cut', 'end'] as const) {
        const connection = await rawConnection(service)
        await connection.write(eventsHead(service.key, body.length) + body.slice(0, Math.floor(body.length * part)))
        connection[how]()
        const answer = await connection.closed
        if (how === 'end') expect(answer).toMatch(/^HTTP\/1\.1 400 .*BODY_TRUNCATED/s)
      }
    }
    expect((await service.get('/v1/sources/cut')).status).toBe(404)
  })

  test('a body longer than its Content-Length: the rest is no request', async () => {
    const first = good('longer', 'longer', 3n)
    const connection = await rawConnection(service)
    await connection.write(eventsHead(service.key, first.length) + first + lineOf({ source: '"never"' }))
    expect(await connection.closed).toMatch(/HTTP\/1\.1 400 .*REQUEST_INVALID/s)
    // Whether the first was taken before the rest came is not known, as after any cut; a retry settles it.
    const again = await sendLines(first)
    expect(again.accepted + again.duplicates).toBe(1)
    await expectCounted('longer')
  })

  test('none of it was taken', async () => {
    expect((await balances(service)).get('never') ?? null).toBeNull()
    expect((await service.get(`/v1/accounts/${neverAccount}`)).status).toBe(404)
  })
})

function asked(key: string | null, body = '', path = '/v1/events'): Promise<Answer> {
  return service.ask(body === '' ? 'GET' : 'POST', path, {
    headers: { ...ndjson, ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    ...(body === '' ? {} : { body }),
  })
}

async function newKey(wanted: Record<string, unknown>): Promise<{ id: string; key: string }> {
  const answer = await service.post('/v1/keys', { name: 'test', scopes: ['events:write', 'usage:read'], ...wanted })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as { id: string; key: string }
}

async function boundKey(account: string): Promise<string> {
  await service.post('/v1/accounts', { key: account })
  return (await newKey({ account })).key
}

describe('keys', () => {
  test('missing, wrong, mistyped, unknown, revoked, without the scope', async () => {
    const mistyped = service.key.slice(0, -1) + (service.key.endsWith('A') ? 'B' : 'A')
    const revoked = await newKey({})
    expect((await asked(revoked.key, good('revoked', 'revoked', 1n))).status).toBe(200)
    await service.ask('DELETE', `/v1/keys/${revoked.id}`, { headers: { authorization: `Bearer ${service.key}` } })
    const reader = await newKey({ scopes: ['usage:read'] })
    for (const [key, status, expected] of [
      [null, 401, 'KEY_MISSING'],
      ['nonsense', 401, 'KEY_INVALID'],
      [mistyped, 401, 'KEY_INVALID'],
      [newKeyText(randomBytes), 401, 'KEY_INVALID'],
      [revoked.key, 401, 'KEY_REVOKED'],
      [reader.key, 403, 'SCOPE_MISSING'],
    ] as const) {
      const answer = await asked(key, odd(neverAccount, 'never', {}))
      expect([answer.status, refusalCode(answer)]).toEqual([status, expected])
      // A large body does not get further, and the answer arrives all the same.
      expect((await asked(key, '\n'.repeat(8 * megabyte))).status).toBe(status)
    }
    await expectCounted('revoked')
  })

  test('a key of one account writes into that account, whatever the event says', async () => {
    const key = await boundKey('bound')
    await service.post('/v1/accounts', { key: 'victim' })
    for (const said of ['"victim"', null]) {
      const id = said === null ? 'without' : 'with'
      const event = odd(neverAccount, 'never', { id: `"${id}"`, account: said, bytes_out_wire: '5' })
      expect(receiptOf(await asked(key, event)).accepted).toBe(1)
      ledger.sent(`bound ${id}`, 'bound', 5n)
    }
    await expectCounted('bound')
    expect(await usageTotal(service, 'victim', 'http_requests')).toBe(0n)
  })

  test('its sources are its own: no identity of another account is taken or probed', async () => {
    // `slash` with source `b/c` and `slash/b` with source `c` were once the same name.
    const [one, two] = [await boundKey('slash'), await boundKey('slash/b')]
    expect(receiptOf(await asked(one, odd('x', 'b/c', { bytes_out_wire: '1' }))).accepted).toBe(1)
    expect(receiptOf(await asked(two, odd('x', 'c', { bytes_out_wire: '2' }))).accepted).toBe(1)
    expect((await sendLines(odd('operator', 'b/c', { bytes_out_wire: '3' }))).accepted).toBe(1)
    ledger.sent('one', 'slash', 1n)
    ledger.sent('two', 'slash/b', 2n)
    ledger.sent('three', 'operator', 3n)
    for (const account of ['slash', 'slash/b', 'operator']) await expectCounted(account)
    expect((await asked(one, '', '/v1/sources/b%2Fc')).status).toBe(200)
    expect((await asked(one, '', '/v1/sources/c')).status).toBe(404)
  })

  test('it reads that account and no other', async () => {
    const key = await boundKey('reader')
    const range = 'meter=http_requests&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z'
    expect((await asked(key, '', `/v1/usage?${range}`)).body).toMatchObject({ account: 'reader', total: '0' })
    for (const path of [
      `/v1/usage?account=bound&${range}`,
      `/v1/usage?account=no-such-account&${range}`,
      `/v1/usage/events?account=bound&${range}`,
      '/v1/accounts/bound',
      '/v1/quarantine',
      '/v1/balance',
      '/v1/sources',
    ]) {
      const answer = await asked(key, '', path)
      expect([path, answer.status, refusalCode(answer)]).toEqual([path, 403, 'ACCOUNT_FORBIDDEN'])
    }
  })
})

describe('the whole file', () => {
  test.skipIf(!knowsMemory)(`memory stayed bounded${knowsMemory ? '' : ' (skipped: needs Linux)'}`, () => {
    expect(peakGrowth()).toBeLessThan(400)
  })

  test('overload: a sender of more bodies at once than it has room for is told to come again, and nobody else', async () => {
    const key = await boundKey('greedy')
    // 32 MiB of line ends each in 32 KiB, cut 4 bytes short: half a dozen such requests once held the room of everybody.
    const bomb = gzipSync('\n'.repeat(32 * megabyte))
    const connections: RawConnection[] = []
    const rest = '\n'.repeat(12 * megabyte)
    const greedy = odd('greedy', 'g', { id: '"large"' }) + rest
    const refused = await until(
      async () => {
        // Bodies that arrive at once may refuse each other; two that are there stay.
        const connection = await rawConnection(service)
        connections.push(connection)
        await connection.write(eventsHead(key, bomb.length, ['Content-Encoding: gzip']))
        await connection.write(bomb.subarray(0, -4))
        const answers = [await asked(key, greedy), await asked(key, greedy), await asked(key, greedy)]
        return answers.every(({ status }) => status === 503) && answers[0]
      },
      30_000,
      'all three told to come again',
    )
    expect([refusalCode(refused), refused.headers.get('retry-after')]).toEqual(['OVERLOADED', '1'])
    expect((await asked(await boundKey('modest'), good('modest', 'large', 9n) + rest)).status, 'another').toBe(200)
    expect((await sendLines(good('overload', 'large', 9n) + rest)).accepted, 'the operator').toBe(1)
    // Who says nothing for ten seconds is told so, and has its room again.
    await until(() => connections.some((one) => one.received().includes('BODY_TRUNCATED')), 30_000, 'given up')
    await until(async () => (await asked(key, greedy)).status === 200, 30_000, 'room again')
    ledger.sent('greedy large', 'greedy', 1n)
    for (const connection of connections) connection.cut()
    for (const account of ['greedy', 'modest', 'overload']) await expectCounted(account)
    if (knowsMemory) expect(peakGrowth()).toBeLessThan(800)
  })

  test('crossfoot: the log, the balance and the ledger have the same events; what is held is counted', async () => {
    // One row a page: a place in the list has to survive whatever a source is called.
    const all = await balances(service, 1)
    expect(await eventsInLog(service)).toBe(BigInt(ledger.size()))
    expect(sumOf(all.values(), 'accepted')).toBe(BigInt(ledger.size()))
    expect(sumOf(all.values(), 'quarantined')).toBe(BigInt(held))
  })
})
