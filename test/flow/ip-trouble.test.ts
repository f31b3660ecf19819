import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Embedded } from '../../src/ip/embedded.ts'
import { LookupTable } from '../../src/ip/lookup.ts'
import { at } from '../support/invoice-desk.ts'
import { IpService } from '../support/ip-service.ts'
import type { Answered, Json } from '../support/ip-service.ts'
import { mmdbOfAll } from '../support/mmdb.ts'
import { until } from '../support/until.ts'

/** Packages that an update of the program has brought. */
const packages = vi.hoisted(() => ({ more: [] as unknown[] }))
vi.mock('../../src/ip/embedded.ts', async (original) => {
  const real: { embeddedSources: () => readonly Embedded[] } = await original()
  return { ...real, embeddedSources: () => [...real.embeddedSources(), ...(packages.more as Embedded[])] }
})

const author = { author: 'Ada', reason: 'the address was another one' }
const google = '8.8.8.8'

function event(id: string, more: Json = {}): Json {
  const time = '2026-05-30T10:00:00Z'
  const said = { source: 'edge', id, kind: 'http_request', account: 'acme', time, bytes_out_wire: 5 }
  return { ...said, client_address: google, ...more }
}

describe('IP metadata in trouble', () => {
  let ip: IpService
  const list = (name: string, content: string, more = ''): Promise<Answered> =>
    ip.call('PUT', `/v1/ip/sources/${name}?category=com.example.${name}${more}`, content)
  const amend = (id: string, change: Json, more: Json = {}): Promise<Answered> =>
    ip.call('POST', '/v1/corrections', { kind: 'amend', event: { source: 'edge', id }, change, ...author, ...more })
  const seen = async (address: string): Promise<unknown> =>
    (await ip.call('GET', `/v1/ip/${address}?seen=true`)).body['first_seen']

  beforeAll(async () => {
    ip = await IpService.ready()
  }, 90_000)
  afterAll(() => ip.remove())

  test('a database with numbers that are none is refused; events come in as before', async () => {
    for (const number of [Number.NaN, 1.5, -1, 1e300]) {
      const file = mmdbOfAll({ autonomous_system_number: { double: number } })
      expect(await ip.call('PUT', '/v1/ip/sources/odd', file)).toMatchObject({
        status: 422,
        body: { error: { code: 'IP_SOURCE_INVALID' } },
      })
    }
    expect(await ip.send(event('n1'))).toMatchObject({ status: 200, body: { accepted: 1 } })
    const good = mmdbOfAll({ autonomous_system_number: 4_294_967_295 })
    expect(await ip.call('PUT', '/v1/ip/sources/good', good)).toMatchObject({ status: 200 })
    await ip.send(event('n2'))
    expect(await ip.stored('n2')).toMatchObject([{ asn: '4294967295' }])
    await ip.call('DELETE', '/v1/ip/sources/good')
  })

  test('a version that cannot describe an address costs no event: it is not known, and the log says so once', async () => {
    const broken = vi.spyOn(LookupTable.prototype, 'profileOf').mockImplementation(() => {
      throw new Error('a damaged table')
    })
    try {
      expect(await ip.send(event('t1'), event('t2'))).toMatchObject({ status: 200, body: { accepted: 2 } })
    } finally {
      broken.mockRestore()
    }
    expect(await ip.stored('t1')).toMatchObject([{ country: null, asn: null, ip_version: null }])
    expect(ip.lines.filter((line) => line.includes('a damaged table'))).toHaveLength(1)
  })

  test('the same list again is no new version, also without a name for it', async () => {
    expect(await list('again', '203.0.113.0/24\n')).toMatchObject({ status: 200, body: { changed: true } })
    // A list that does not say its version is named after the time at which it came.
    ip.now = at('2026-06-01T12:00:01Z')
    expect(await list('again', '203.0.113.0/24\n')).toMatchObject({ body: { changed: false } })
    expect(await list('again', '203.0.113.0/24\n', '&version=named')).toMatchObject({ body: { changed: true } })
  })

  test('L2: a correction of the address that is sent again after the lists have changed is the same correction', async () => {
    await ip.send(event('c1'))
    const [before] = await ip.stored('c1')
    const change = { client_address: '1.1.1.1' }
    const expected = { expect: before?.['at'] }
    const first = await amend('c1', change, expected)
    expect(first.body, JSON.stringify(first.body)).toMatchObject({ status: 'corrected' })
    expect((await list('late', '1.1.1.0/24\n')).body).toMatchObject({ changed: true })
    expect((await amend('c1', change, expected)).body).toMatchObject({ status: 'repeated' })
    expect((await amend('c1', change)).body).toMatchObject({ status: 'unchanged' })
    expect((await amend('c1', { client_address: '1.0.0.1' }, expected)).status).toBe(409)
    await ip.service.projector.reach(ip.service.log.end(), 10_000)
    expect(await ip.stored('c1')).toHaveLength(2)
  })

  test('an address was seen under whatever spelling it was sent, and not where it was corrected away', async () => {
    await ip.send(
      event('v1', { client_address: '2001:0DB8:0000:0000:0000:0000:0000:0077' }),
      event('v2', { client_address: '::FFFF:198.51.100.9' }),
      event('v3', { client_address: '198.51.100.77' }),
      event('v4', { client_address: '198.51.100.99' }),
    )
    expect(await seen('2001:db8::77')).toBe('2026-05-30T10:00:00Z')
    expect(await seen('198.51.100.9')).toBe('2026-05-30T10:00:00Z')
    await amend('v3', { client_address: '198.51.100.78' })
    await ip.call('POST', '/v1/corrections', { kind: 'retract', event: { source: 'edge', id: 'v4' }, ...author })
    await ip.service.projector.reach(ip.service.log.end(), 10_000)
    expect(await seen('198.51.100.77')).toBeNull()
    expect(await seen('198.51.100.78')).toBe('2026-05-30T10:00:00Z')
    expect(await seen('198.51.100.99')).toBeNull()
  })

  test('L12: ten thousand addresses let others in between, and many such questions are too many', async () => {
    const addresses = Array.from({ length: 10_000 }, (_, index) => `2600:${(index % 65_536).toString(16)}::1`)
    let turns = 0
    let isDone = false
    const turn = (): void => {
      turns += 1
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    const { body } = await ip.call('POST', '/v1/ip', { addresses })
    isDone = true
    expect(body['results']).toHaveLength(10_000)
    expect(turns).toBeGreaterThan(30)

    const gate = Promise.withResolvers<null>()
    const held = vi.spyOn(ip.service.ip, 'at').mockImplementation(() => gate.promise)
    const asked = Array.from({ length: 65 }, async () => ip.call('POST', '/v1/ip', { addresses: [google] }))
    const first = await Promise.race(asked)
    gate.resolve(null)
    held.mockRestore()
    expect(first).toMatchObject({ status: 429, body: { error: { code: 'TOO_MANY_REQUESTS' } } })
    expect((await Promise.all(asked)).filter(({ status }) => status === 200)).toHaveLength(64)
  })

  test('L12: of many files at once a few are taken in, the others are told to come again', async () => {
    // Files that are read and then refused: nothing is compiled of them.
    const answers = await Promise.all(Array.from({ length: 6 }, () => list('many', 'nonsense\n')))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([422, 422, 422, 422, 429, 429])
    expect((await list('many', 'nonsense\n')).status).toBe(422)
  }, 30_000)

  test('a restart describes the first event, and a newer package that is broken takes nothing away', async () => {
    await ip.close()
    const reads = vi.fn(() => {
      throw new Error('a broken package')
    })
    packages.more = [{ name: 'broken', version: '1', about: 'x', isOwn: true, read: reads }]
    ip.lines.length = 0
    await ip.open()
    await ip.send(event('r1'))
    expect(await ip.stored('r1')).toMatchObject([{ country: 'US', asn: '15169' }])
    ip.service.ip.start()
    await until(() => reads.mock.calls.length > 0, 10_000, 'the newer package is tried')
    expect((await ip.call('GET', `/v1/ip/${google}`)).status).toBe(200)

    // Also when what is in force has to be compiled anew: it comes first.
    await ip.close()
    const compiled = join(ip.data, 'ip/compiled')
    for (const name of readdirSync(compiled)) rmSync(join(compiled, name))
    reads.mockClear()
    ip.lines.length = 0
    await ip.open()
    expect(ip.service.ip.describe(google)).toBeNull()
    await until(() => reads.mock.calls.length > 0, 30_000, 'the newer package is tried')
    expect(ip.service.ip.describe(google)).toMatchObject({ country: 'US' })
    await until(() => ip.lines.some((line) => line.includes('a broken package')), 10_000, 'the log says so')
    for (let count = 0; count < 50; count += 1) await ip.call('POST', '/v1/events', [event(`h${count}`)])
    expect(reads).toHaveBeenCalledTimes(1)
    expect(ip.lines.filter((line) => line.includes('a broken package'))).toHaveLength(1)
    packages.more = []
  }, 60_000)
})
