import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { openInProcess } from '../support/in-process.ts'
import { at } from '../support/invoice-desk.ts'
import { startCli } from '../support/cli.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

/** What of the answers these tests look at. */
interface Answer {
  readonly id: string
  readonly key: string
  readonly state: string
  readonly balance: string
  readonly credits: readonly { readonly id: string; readonly balance: string; readonly state: string }[]
  readonly entries: readonly {
    readonly number: number
    readonly kind: string
    readonly amount: string
    readonly at: string
  }[]
  readonly next: string | number | null
  readonly error: { readonly code: string; readonly problems: readonly { readonly field: string }[] }
}

/** Credits over HTTP and on the command line. */
describe('credits by HTTP', () => {
  const data = temporaryDirectory('credits-api')
  let now: Micros = at('2026-11-22T12:00:00Z')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server
  let customer = ''

  async function inject(
    method: 'GET' | 'POST',
    url: string,
    {
      body,
      key = service.newKey ?? '',
      headers = {},
    }: { body?: object; key?: string; headers?: Record<string, string> } = {},
  ) {
    const answer = await server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    })
    return { status: answer.statusCode, body: answer.json<Answer>() }
  }

  const welcome = {
    account: 'acme',
    kind: 'promotional',
    name: 'Welcome',
    amount: '50.00',
    author: 'Ann Lee',
    reason: 'new',
  }
  const included = {
    account: 'acme',
    kind: 'promotional',
    name: 'Included usage',
    amount: '20',
    effective_from: '2026-10-31T00:00:00Z',
    recurrence: { every: { unit: 'months', count: 1 } },
    rollover: { max: '5' },
    scope: { meters: ['data_out_wire'] },
    priority: 10,
    author: 'Ann Lee',
  }

  beforeAll(async () => {
    database = await freshDatabase()
    const opened = await openInProcess({ databaseUrl: database.url, data, world: { now: () => now } })
    service = opened.service
    server = opened.server
    await inject('POST', '/v1/accounts', { body: { key: 'acme', time_zone: 'UTC', currency: 'USD' } })
    await inject('POST', '/v1/accounts', { body: { key: 'other', time_zone: 'UTC', currency: 'EUR' } })
    const key = { name: 'acme', account: 'acme', scopes: ['billing:read', 'billing:write'] }
    customer = (await inject('POST', '/v1/keys', { body: key })).body.key
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('granted once for an Idempotency-Key; what is left out is told', async () => {
    const headers = { 'idempotency-key': 'welcome-acme' }
    const first = await inject('POST', '/v1/credits', { body: welcome, headers })
    expect(first).toMatchObject({
      status: 201,
      body: {
        account: 'acme',
        currency: 'USD',
        priority: 100,
        scope: 'all',
        balance: '50.00',
        state: 'active',
        voided: null,
      },
    })
    expect(await inject('POST', '/v1/credits', { body: welcome, headers })).toEqual(first)
    // The answer got lost, as in a crash between the write and what is kept of it.
    await database.database.query('delete from idempotency')
    expect((await inject('POST', '/v1/credits', { body: welcome, headers })).body.id).toBe(first.body.id)
    await database.database.query('delete from idempotency')
    const other = await inject('POST', '/v1/credits', { body: { ...welcome, amount: '51' }, headers })
    expect(other.body.error.code).toBe('IDEMPOTENCY_CONFLICT')
    expect((await inject('GET', '/v1/credits?account=acme')).body.credits).toHaveLength(1)
  })

  test('a recurring credit: as of any instant, and its ledger page by page', async () => {
    const { body: credit } = await inject('POST', '/v1/credits', { body: included })
    const asOf = async (when: string) => (await inject('GET', `/v1/credits/${credit.id}?at=${when}`)).body
    expect(await asOf('2026-10-30T23:59:59Z')).toMatchObject({ balance: '0.00', state: 'scheduled', turn: null })
    expect(await asOf('2026-11-01T00:00:00Z')).toMatchObject({
      balance: '20.00',
      turn: { from: '2026-10-31T00:00:00Z', to: '2026-11-30T00:00:00Z' },
    })
    expect(await asOf('2026-12-31T00:00:00Z')).toMatchObject({ granted: '60.00', expired: '35.00', balance: '25.00' })
    now = at('2026-12-15T00:00:00Z')
    const first = (await inject('GET', `/v1/credits/${credit.id}/entries?limit=2`)).body
    const second = (await inject('GET', `/v1/credits/${credit.id}/entries?limit=2&after=${first.next}`)).body
    const third = (await inject('GET', `/v1/credits/${credit.id}/entries?limit=2&after=${second.next}`)).body
    const all = [first, second, third].flatMap(({ entries }) => entries)
    expect(all.map(({ number, kind, amount, at: when }) => [number, kind, amount, when])).toEqual([
      [1, 'granted', '20.00', '2026-10-31T00:00:00Z'],
      [2, 'expired', '-15.00', '2026-11-30T00:00:00Z'],
      [3, 'rolled_over', '-5.00', '2026-11-30T00:00:00Z'],
      [4, 'rolled_over', '5.00', '2026-11-30T00:00:00Z'],
      [5, 'granted', '20.00', '2026-11-30T00:00:00Z'],
    ])
    expect(third.next).toBeNull()
    const voided = await inject('POST', `/v1/credits/${credit.id}/void`, {
      body: { author: 'Ann Lee', reason: 'plan ended' },
    })
    expect(voided.body).toMatchObject({
      state: 'voided',
      voided_amount: '25.00',
      balance: '0.00',
      voided: { by: 'Ann Lee' },
    })
    const again = await inject('POST', `/v1/credits/${credit.id}/void`, {
      body: { author: 'Ann Lee', reason: 'again' },
    })
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'CREDIT_VOIDED' } } })
  })

  test('lists go on after the last one', async () => {
    const whole = (await inject('GET', '/v1/credits?account=acme')).body.credits.map(({ id }) => id)
    const first = (await inject('GET', '/v1/credits?account=acme&limit=1')).body
    const second = (await inject('GET', `/v1/credits?account=acme&limit=1&after=${first.next}`)).body
    expect([...first.credits, ...second.credits].map(({ id }) => id)).toEqual(whole.slice(0, 2))
  })

  test('a customer sees its own, without who decided, and changes nothing', async () => {
    const { body: others } = await inject('POST', '/v1/credits', { body: { ...welcome, account: 'other' } })
    const own = await inject('GET', '/v1/credits', { key: customer })
    expect(own.status).toBe(200)
    expect(JSON.stringify(own.body)).not.toContain('Ann Lee')
    const first = own.body.credits.find(({ state }) => state === 'active')
    const entries = await inject('GET', `/v1/credits/${first?.id}/entries`, { key: customer })
    expect(entries.body.entries).toHaveLength(1)
    for (const url of [`/v1/credits/${others.id}`, `/v1/credits/${others.id}/entries`, '/v1/credits/crd_none'])
      expect(await inject('GET', url, { key: customer })).toMatchObject({
        status: 404,
        body: { error: { code: 'CREDIT_NOT_FOUND' } },
      })
    expect((await inject('GET', '/v1/credits?account=other', { key: customer })).status).toBe(403)
    // The id of another's credit as a cursor tells nothing.
    const cursor = await inject('GET', `/v1/credits?after=${others.id}`, { key: customer })
    expect(cursor.body.credits).toEqual([])
    expect((await inject('POST', '/v1/credits', { body: welcome, key: customer })).status).toBe(403)
    const body = { author: 'me', reason: 'mine' }
    expect((await inject('POST', `/v1/credits/${first?.id}/void`, { body, key: customer })).status).toBe(403)
  })

  test('what cannot be is refused, all of it at once', async () => {
    const wrong = { account: 'acme', kind: 'gift', amount: 5, currency: 'EUR', rollover: {}, extra: 1 }
    const refused = await inject('POST', '/v1/credits', { body: wrong })
    expect(refused.status).toBe(400)
    expect(refused.body.error.problems.map(({ field }) => field)).toEqual([
      'extra',
      'currency',
      'amount',
      'kind',
      'name',
      'author',
      'rollover',
    ])
    const meter = { ...welcome, scope: { meters: ['no_such_meter'] } }
    expect((await inject('POST', '/v1/credits', { body: meter })).body.error.code).toBe('METER_NOT_FOUND')
    expect((await inject('POST', '/v1/credits', { body: { ...welcome, account: 'nobody' } })).status).toBe(404)
    const unowned = await inject('POST', '/v1/credits', { body: { ...welcome, account: 'unattributed' } })
    expect(unowned.body.error.code).toBe('INVOICE_NOT_BILLABLE')
  })

  test('the description of the API has every field of a credit', async () => {
    const described = await server.inject({ method: 'GET', url: '/openapi.json' })
    const { paths } = described.json<{ paths: Record<string, Record<string, unknown>> }>()
    const text = JSON.stringify(paths['/v1/credits']?.['post'])
    for (const name of [...Object.keys(included), 'paid_amount', 'expires_at', 'reason'])
      expect(text).toContain(`"${name}":`)
  })

  test('on the command line', async () => {
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const run = (...args: readonly string[]) =>
      startCli(['credits', ...args], { CROSSFOOT_URL: address, CROSSFOOT_KEY: service.newKey ?? '' }).ended
    const [granted, wrong] = await Promise.all([
      run(
        'grant',
        'other',
        '--amount',
        '12.50',
        '--name',
        'Sorry',
        '--by',
        'Ann',
        '--reason',
        'ticket 1',
        '--every',
        '2-weeks',
        '--keep-max',
        'all',
        '--meter',
        'data_out_wire',
      ),
      run('grant', 'other', '--amount', '5', '--name', 'x'),
    ])
    expect(granted).toMatchObject({ code: 0, stderr: '' })
    expect(granted.stdout).toContain('12.50 EUR left  active  promotional  Sorry')
    expect(granted.stdout).toContain('12.50 EUR every 2 weeks, next 2026-12-29T00:00:00Z')
    expect(wrong).toMatchObject({ code: 2 })
    const id = granted.stdout.split(' ')[0] ?? ''
    const ended = await run('void', id, '--by', 'Ann', '--reason', 'a mistake')
    expect(ended.stdout).toContain('0.00 EUR left  voided')
    const [shown, listed] = await Promise.all([run('show', id), run('list', 'other', '--json')])
    expect(shown.stdout).toMatch(/voided +-12\.50 {2}Ann: a mistake/)
    expect((JSON.parse(listed.stdout) as Answer).credits).toHaveLength(2)
  })
})
