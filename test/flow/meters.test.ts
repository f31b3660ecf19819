import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import { measureKinds } from '../../src/meter/definition-aggregation.ts'
import { operators } from '../../src/store/condition.ts'
import { errorCatalogue } from '../../src/core/errors.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

type Json = Record<string, unknown>

const blocks = {
  key: 'blocks',
  name: 'Blocks of 128 bytes',
  unit: 'blocks',
  aggregation: { kind: 'sum', value: 'ceil_div(bytes_out_wire, 128)' },
  filter: [{ field: 'kind', operator: 'in', values: ['http_request'] }],
  group_by: ['endpoint'],
}
const range = 'from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z'
const may = { from: '2026-05-01', to: '2026-06-01' }

describe('meters: drafts, activation, previews', () => {
  const data = temporaryDirectory('meters')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server

  async function call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: object,
    key = service.newKey ?? '',
  ) {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
    return { status: answer.statusCode, body: answer.json<Json>() }
  }
  async function good(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object): Promise<Json> {
    const answer = await call(method, url, body)
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
    return answer.body
  }
  async function refused(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object): Promise<string> {
    const { status, body: answer } = await call(method, url, body)
    const { code } = answer['error'] as { code: keyof typeof errorCatalogue }
    expect(status).toBe(errorCatalogue[code].status)
    return code
  }
  const total = async (meter: string, more = ''): Promise<unknown> =>
    (await good('GET', `/v1/usage?account=acme&meter=${meter}&${range}${more}`))['total']

  beforeAll(async () => {
    database = await freshDatabase()
    const opened = await openInProcess({
      databaseUrl: database.url,
      data,
      world: { now: () => at('2026-06-01T12:00:00Z') },
    })
    service = opened.service
    server = opened.server
    const event = { source: 'edge', kind: 'http_request', endpoint: 'a', time: '2026-05-20T10:00:00Z', path: '/secret' }
    await good('POST', '/v1/events', [
      { ...event, id: '1', account: 'acme', bytes_out_wire: 128, quantity: '9.5' },
      { ...event, id: '2', account: 'acme', bytes_out_wire: 129, endpoint: 'b' },
      { ...event, id: '3', account: 'acme' },
      { ...event, id: '4', account: 'globex', bytes_out_wire: 1000, time: '2026-05-10T10:00:00Z' },
      { ...event, id: '5', account: 'initech', bytes_out_wire: 1 },
    ])
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('a draft counts nothing until it is activated, may be changed until then, and never after', async () => {
    const draft = await good('POST', '/v1/meters', { ...blocks, draft: true })
    expect(draft).toMatchObject({ version: 1, state: 'draft', current: false, activations: [] })
    expect(await refused('GET', `/v1/usage?account=acme&meter=blocks&${range}`)).toBe('METER_NOT_FOUND')
    expect(await refused('GET', `/v1/usage?account=acme&meter=blocks&meter_version=1&${range}`)).toBe('METER_NOT_FOUND')
    expect(JSON.stringify(await good('GET', '/v1/meters'))).not.toContain('"blocks"')

    const wrong = { ...blocks, aggregation: { kind: 'sum', value: 'floor_div(bytes_out_wire, 128)' } }
    await good('PUT', '/v1/meters/blocks/versions/1', wrong)
    await good('PUT', '/v1/meters/blocks/versions/1', blocks)
    expect(await refused('PUT', '/v1/meters/blocks/versions/1', { ...blocks, key: 'other' })).toBe('REQUEST_INVALID')
    const active = await good('POST', '/v1/meters/blocks/versions/1/activate', { author: 'Ada Osei' })
    expect(active).toMatchObject({
      state: 'active',
      current: true,
      activations: [{ at: '2026-06-01T12:00:00Z', by: 'Ada Osei' }],
    })
    // 128 and 129 bytes are 1 and 2 blocks; the third event carries none.
    expect(await total('blocks')).toBe('3')
    expect(await refused('PUT', '/v1/meters/blocks/versions/1', wrong)).toBe('VERSION_IMMUTABLE')
    expect(await refused('DELETE', '/v1/meters/blocks/versions/1')).toBe('VERSION_IMMUTABLE')
    await expect(database.database.query("update meter set definition = '{}' where key = 'blocks'")).rejects.toThrow(
      'immutable',
    )
    await expect(database.database.query("delete from meter where key = 'blocks'")).rejects.toThrow('immutable')
  })

  test('the version that was activated last is the current one, also when it is an older one', async () => {
    const second = { ...blocks, aggregation: { kind: 'sum', value: 'floor_div(bytes_out_wire, 128)' } }
    expect(await good('POST', '/v1/meters', { ...second, draft: true })).toMatchObject({ version: 2, state: 'draft' })
    expect(await good('POST', '/v1/meters', { ...blocks, name: 'Third' })).toMatchObject({
      version: 3,
      state: 'active',
    })
    expect(await good('GET', '/v1/meters/blocks')).toMatchObject({ version: 3, name: 'Third' })
    await good('POST', '/v1/meters/blocks/versions/2/activate')
    expect(await good('GET', '/v1/meters/blocks')).toMatchObject({ version: 2 })
    expect(await total('blocks')).toBe('2')
    expect(await total('blocks', '&meter_version=1')).toBe('3')
    await good('POST', '/v1/meters/blocks/versions/1/activate')
    expect(await total('blocks')).toBe('3')
    const { versions } = await good('GET', '/v1/meters/blocks/versions')
    expect(versions).toMatchObject([
      { version: 1, current: true, activations: [{ by: 'Ada Osei' }, {}] },
      { version: 2, current: false, activations: [{}] },
      { version: 3, current: false },
    ])
  })

  test('a draft is deleted without a trace; the versions that were active stay', async () => {
    expect(await good('POST', '/v1/meters', { ...blocks, draft: true })).toMatchObject({ version: 4 })
    await good('DELETE', '/v1/meters/blocks/versions/4')
    expect(await refused('DELETE', '/v1/meters/blocks/versions/4')).toBe('METER_NOT_FOUND')
    expect(await refused('POST', '/v1/meters/blocks/versions/4/activate')).toBe('METER_NOT_FOUND')
    expect(await refused('POST', '/v1/meters', { ...blocks, key: 'preview' })).toBe('REQUEST_INVALID')
  })

  test('L9: a preview says what will be counted, beside what is counted now, account by account', async () => {
    const definition = {
      ...blocks,
      aggregation: { kind: 'sum', value: 'ceil_div(coalesce(bytes_out_wire, 128), 128)' },
    }
    const preview = await good('POST', '/v1/meters/preview', { definition, ...may, samples: 1, accounts: 2 })
    // Now 3 + 8 + 1; the event without a size would be one more of acme.
    expect(preview).toMatchObject({
      compared_with: { version: 1, unit: 'blocks' },
      total: { quantity: '13', current: '12', difference: '1' },
      events_matched: '5',
      events_without_value: '0',
      accounts: [
        { account: 'acme', quantity: '4', current: '3', difference: '1' },
        { account: 'globex', quantity: '8', current: '8', difference: '0' },
      ],
      others: { accounts: 1, quantity: '1', current: '1', difference: '0' },
      rows: [],
    })
    expect(preview['sample_events']).toMatchObject([{ id: '4', time: '2026-05-10T10:00:00Z', account: 'globex' }])
    expect(JSON.stringify(preview)).not.toContain('secret')
    const added = await good('POST', '/v1/meters', definition)
    expect(await total('blocks')).toBe('4')
    expect(
      await good('POST', '/v1/meters/preview', { key: 'blocks', version: added['version'], ...may }),
    ).toMatchObject({
      total: { quantity: '13', current: '13', difference: '0' },
    })
  })

  test('a preview of one account goes by windows and groups; another unit is not compared', async () => {
    const definition = { ...blocks, unit: 'chunks', aggregation: { kind: 'count' } }
    const body = { definition, ...may, account: 'acme', window: 'day', timezone: 'UTC', group_by: ['endpoint'] }
    expect(await good('POST', '/v1/meters/preview', body)).toMatchObject({
      total: { quantity: '3', difference: null },
      rows: [
        { from: '2026-05-20T00:00:00Z', group: { endpoint: 'a' }, quantity: '2', current: '2', difference: null },
        { from: '2026-05-20T00:00:00Z', group: { endpoint: 'b' }, quantity: '1', current: '2', difference: null },
      ],
      accounts: [],
    })
    expect(await refused('POST', '/v1/meters/preview', { definition, ...may, group_by: ['endpoint'] })).toBe(
      'REQUEST_INVALID',
    )
    expect(await refused('POST', '/v1/meters/preview', { ...may })).toBe('REQUEST_INVALID')
    expect(await refused('POST', '/v1/meters/preview', { key: 'nothing', ...may })).toBe('METER_NOT_FOUND')
    expect(await refused('POST', '/v1/meters/preview', { definition: { ...definition, unit: '' }, ...may })).toBe(
      'REQUEST_INVALID',
    )
  })

  test('L12: what the store cannot compute is refused before it is stored, previewed or activated', async () => {
    // About 250 characters of a statement for each attribute, doubled by each least, four times in one of the measures.
    const nested = Array.from({ length: 8 }).reduce<string>(
      (inner) => `least(number(attributes.u), ${inner})`,
      'status',
    )
    const heavy = { ...blocks, key: 'heavy', aggregation: { kind: 'latest', value: nested } }
    expect(await refused('POST', '/v1/meters', heavy)).toBe('REQUEST_INVALID')
    expect(await refused('POST', '/v1/meters', { ...heavy, draft: true })).toBe('REQUEST_INVALID')
    expect(await refused('POST', '/v1/meters/preview', { definition: heavy, ...may })).toBe('REQUEST_INVALID')
    expect(await refused('GET', '/v1/meters/heavy/versions')).toBe('METER_NOT_FOUND')
    const list = { operator: 'any_above_zero', fields: Array.from({ length: 1_000 }, () => 'quantity') }
    expect(await refused('POST', '/v1/meters', { ...blocks, key: 'heavy', filter: [list] })).toBe('REQUEST_INVALID')
    await good('POST', '/v1/meters', { ...blocks, key: 'heavy', draft: true })
    expect(await refused('PUT', '/v1/meters/heavy/versions/1', heavy)).toBe('REQUEST_INVALID')

    // One that was taken and activated before there was this rule.
    const { database: own } = database
    const since = '2026-05-01T00:00:00Z'
    await own.query("insert into meter (key, version, definition, created_at) values ('heavy', 2, $1, $2)", [
      JSON.stringify(heavy),
      since,
    ])
    await own.query(
      "insert into meter_activation (meter, version, activated_at, activated_by) values ('heavy', 2, $1, 'x')",
      [since],
    )
    expect((await call('GET', `/v1/usage?account=acme&meter=heavy&${range}`)).status).toBe(500)
    await good('POST', '/v1/meters/heavy/versions/1/activate')
    expect(await total('heavy')).toBe('3')
    expect(await refused('POST', '/v1/meters/heavy/versions/2/activate')).toBe('REQUEST_INVALID')
  })

  test('what is billed keeps its unit, and a plan bills only meters in use, in units that fit', async () => {
    const plan = { key: 'traffic', name: 'T', currency: 'EUR', effective_from: '2026-01-01T00:00:00Z' }
    const price = { key: 'x', name: 'X', meter: 'sold', model: { kind: 'per_unit', unit_amount: '0.1' } }
    const publish = (more: object): Promise<string> =>
      refused('POST', '/v1/plans', { ...plan, prices: [{ ...price, ...more }] })
    expect(await publish({})).toBe('METER_NOT_FOUND')
    const sold = { ...blocks, key: 'sold', unit: 'bytes', aggregation: { kind: 'sum', value: 'bytes_out_wire' } }
    await good('POST', '/v1/meters', { ...sold, draft: true })
    expect(await publish({})).toBe('METER_NOT_FOUND')
    await good('POST', '/v1/meters/sold/versions/1/activate')
    await good('POST', '/v1/meters/sold/archive', { reason: 'a try' })
    expect(await publish({})).toBe('METER_NOT_FOUND')
    await good('POST', '/v1/meters/sold/restore', { reason: 'a try' })
    expect(await publish({ unit: { name: 'GB', per: '1073741824' } })).toBe('REQUEST_INVALID')
    expect(await publish({ unit: { name: 'hours', per: '1' } })).toBe('REQUEST_INVALID')
    for (const [name, per] of [
      ['GiB', '1073741824'],
      ['Gbit', '125000000'],
      ['parcels', '7'],
      ['GB', '1000000000'],
    ])
      await good('POST', '/v1/plans', { ...plan, prices: [{ ...price, unit: { name, per } }] })

    const other = { ...blocks, key: 'sold' }
    expect(await refused('POST', '/v1/meters', other)).toBe('METER_UNIT_BILLED')
    const { version } = await good('POST', '/v1/meters', { ...other, draft: true })
    expect(version).toBe(2)
    expect(await refused('POST', '/v1/meters/sold/versions/2/activate')).toBe('METER_UNIT_BILLED')
    expect(await good('GET', '/v1/meters/sold')).toMatchObject({ version: 1, unit: 'bytes' })
    // The same unit is free to count otherwise; and what no plan bills may change its unit.
    await good('POST', '/v1/meters', { ...sold, name: 'Sold bytes' })
    await good('POST', '/v1/plans', { ...plan, prices: [{ ...price, meter: 'http_requests' }] })
    await good('POST', '/v1/meters/sold/versions/2/activate')
  })

  test('a price that holds goes on fitting its meter: of a plan, and what an account agreed on', async () => {
    const counted = { ...blocks, key: 'fit', unit: 'bytes', aggregation: { kind: 'sum', value: 'bytes_out_wire' } }
    const perUnit = { kind: 'per_unit', unit_amount: '0.1' }
    await good('POST', '/v1/meters', { ...counted, group_by: ['endpoint', 'country'] })
    const matrix = {
      kind: 'matrix',
      dimensions: ['country'],
      cells: [{ when: { country: ['DE', 'FR'] }, model: perUnit }],
      default: { model: perUnit },
    }
    const plan = { key: 'fitting', name: 'F', currency: 'EUR', effective_from: '2026-01-01T00:00:00Z' }
    await good('POST', '/v1/plans', { ...plan, prices: [{ key: 'x', name: 'X', meter: 'fit', model: matrix }] })
    expect(await refused('POST', '/v1/meters', { ...counted, group_by: ['endpoint'] })).toBe('REQUEST_INVALID')
    const largest = { kind: 'max', value: 'bytes_out_wire' }
    const otherwise = { ...counted, group_by: ['endpoint', 'country'], aggregation: largest }
    expect(await refused('POST', '/v1/meters', otherwise)).toBe('REQUEST_INVALID')
    await good('POST', '/v1/meters', { ...counted, name: 'Fit', group_by: ['endpoint', 'country', 'region'] })

    // No plan bills it, and one account does.
    await good('POST', '/v1/meters', { ...counted, key: 'agreed' })
    await good('POST', '/v1/accounts', { key: 'negotiator', name: 'N', time_zone: 'UTC', currency: 'EUR' })
    const own = { key: 'y', name: 'Y', meter: 'agreed', unit: { name: 'GB', per: '1000000000' }, model: perUnit }
    const terms = { overrides: [{ add: own }] }
    await good('POST', '/v1/subscriptions', {
      account: 'negotiator',
      plan: 'fitting',
      from: '2026-01-01T00:00:00Z',
      ...terms,
    })
    expect(await refused('POST', '/v1/meters', { ...blocks, key: 'agreed' })).toBe('METER_UNIT_BILLED')
    expect(await refused('POST', '/v1/meters/agreed/archive', { reason: 'a try' })).not.toBe('')
  })

  test('what was looked at is what is activated, or nothing is', async () => {
    const draft = await good('POST', '/v1/meters', { ...blocks, key: 'seen', draft: true })
    const preview = await good('POST', '/v1/meters/preview', { key: 'seen', version: 1, ...may })
    const seen = { definition_sha256: preview['definition_sha256'] }
    expect(seen.definition_sha256).toBe(draft['definition_sha256'])
    const { group_by: groups, ...rest } = blocks
    const again = {
      group_by: groups,
      ...rest,
      key: 'seen',
      aggregation: { value: 'ceil_div( bytes_out_wire,128)', kind: 'sum' },
    }
    expect(await good('PUT', '/v1/meters/seen/versions/1', again)).toMatchObject(seen)
    // An answer is sent back as it is.
    await good('PUT', '/v1/meters/seen/versions/1', { ...draft, name: 'Something else' })
    expect(await refused('POST', '/v1/meters/seen/versions/1/activate', seen)).toBe('METER_CHANGED')
    const { versions } = await good('GET', '/v1/meters/seen/versions')
    const [shown] = versions as { state: string; definition_sha256: string }[]
    expect(shown?.state).toBe('draft')
    await good('POST', '/v1/meters/seen/versions/1/activate', { definition_sha256: shown?.definition_sha256 })
  })

  test('the library is there to be added, once', async () => {
    const { meters } = await good('GET', '/v1/meters/library')
    expect((meters as { key: string }[]).map(({ key }) => key)).toContain('certificate_hours')
    const preview = await good('POST', '/v1/meters/preview', { key: 'policy_units', ...may })
    expect(preview).toMatchObject({ compared_with: null, events_matched: '0', total: { quantity: '0', current: null } })
    expect((await call('POST', '/v1/meters/library/policy_units')).status).toBe(201)
    expect((await call('POST', '/v1/meters/library/policy_units')).status).toBe(200)
    expect((await call('POST', '/v1/meters/library/http_requests')).status).toBe(200)
    expect(await good('GET', '/v1/meters/policy_units')).toMatchObject({ version: 1, unit: 'units' })
    await good('POST', '/v1/meters', { ...blocks, key: 'users' })
    expect(await refused('POST', '/v1/meters/library/users')).toBe('ALREADY_EXISTS')
    expect(await refused('POST', '/v1/meters/library/nothing')).toBe('METER_NOT_FOUND')
  })

  test('a meter that no plan bills leaves the lists, and is counted on', async () => {
    const listed = async (more = ''): Promise<string[]> =>
      ((await good('GET', `/v1/meters${more}`))['meters'] as { key: string }[]).map(({ key }) => key)
    const price = { key: 'blocks', name: 'Blocks', meter: 'blocks', model: { kind: 'per_unit', unit_amount: '0.1' } }
    const plan = { key: 'p', name: 'P', currency: 'EUR', effective_from: '2026-01-01T00:00:00Z' }
    await good('POST', '/v1/plans', { ...plan, prices: [price] })
    const reason = { reason: 'nobody sells it any more' }
    expect(await refused('POST', '/v1/meters/blocks/archive', reason)).toBe('REQUEST_INVALID')
    await good('POST', '/v1/plans', { ...plan, prices: [{ ...price, meter: 'http_requests' }] })
    await good('POST', '/v1/meters/blocks/archive', reason)
    expect(await listed()).not.toContain('blocks')
    expect(await listed('?archived=true')).toContain('blocks')
    expect(await total('blocks')).toBe('4')
    await good('POST', '/v1/meters/blocks/restore', { ...reason, author: 'Ada Osei' })
    expect(await listed()).toContain('blocks')
    expect(await refused('POST', '/v1/meters/nothing/archive', reason)).toBe('METER_NOT_FOUND')
  })

  test('/openapi.json describes every aggregation and every operator', async () => {
    const text = JSON.stringify(await good('GET', '/openapi.json'))
    for (const word of [...measureKinds, ...operators]) expect(text).toContain(`{"type":"string","enum":["${word}"]}`)
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { requestBody: unknown }>> }
    const add = JSON.stringify(paths['/v1/meters']?.['post']?.requestBody)
    expect(add).toContain('"draft":{"type":"boolean"')
    expect(add).toContain('"required":["key","name","unit","aggregation"]')
    const replace = JSON.stringify(paths['/v1/meters/{key}/versions/{version}']?.['put']?.requestBody)
    expect(replace).toContain('"required":["name","unit","aggregation"]')
  })

  test('L11: a customer’s key sees definitions, and neither drafts nor previews nor the changing of any', async () => {
    await good('POST', '/v1/accounts', { key: 'customer' })
    const wanted = { account: 'customer', name: 'c', scopes: ['usage:read', 'billing:write'] }
    const { key } = await good('POST', '/v1/keys', wanted)
    const status = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object): Promise<number> =>
      (await call(method, url, body, String(key))).status
    expect(await status('GET', '/v1/meters')).toBe(200)
    // A draft is as if it were not there: neither named to whoever guesses, nor told apart from what does not exist.
    await good('POST', '/v1/meters', { ...blocks, key: 'secret_offer', draft: true })
    const told = async (meter: string, by: string): Promise<string> =>
      JSON.stringify((await call('GET', `/v1/meters/${meter}`, undefined, by)).body).replaceAll(meter, 'M')
    expect(await told('secret_offer', String(key))).toBe(await told('secret-thing', String(key)))
    expect(await told('secret_ofer', String(key))).not.toMatch(/secret_offer|draft/)
    const asked = await call('GET', `/v1/usage?account=customer&meter=secret_offer&${range}`, undefined, String(key))
    expect(asked.status).toBe(404)
    expect(JSON.stringify(asked.body)).not.toContain('draft')
    expect(await told('secret_offer', service.newKey ?? '')).toContain('is a draft')
    for (const [method, url, body] of [
      ['GET', '/v1/meters/blocks/versions', undefined],
      ['POST', '/v1/meters', blocks],
      ['PUT', '/v1/meters/blocks/versions/1', blocks],
      ['DELETE', '/v1/meters/blocks/versions/1', undefined],
      ['POST', '/v1/meters/blocks/versions/1/activate', { author: 'me' }],
      ['POST', '/v1/meters/blocks/archive', { reason: 'x', author: 'me' }],
      ['POST', '/v1/meters/library/log_exports', {}],
      ['POST', '/v1/meters/preview', { definition: blocks, ...may, account: 'customer' }],
    ] as const) {
      expect(await status(method, url, body), `${method} ${url}`).toBe(403)
    }
  })
})
