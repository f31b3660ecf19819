import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'

/** POST /v1/rate on a real server: the documentation, the limits (L12) and bad input. */
const data = temporaryDirectory('rate')
let service: RunningService
beforeAll(async () => {
  service = await startService({ data })
}, 60_000)
afterAll(() => discardData(data))

const ask = (body: unknown): Promise<Answer> => service.post('/v1/rate', body)

interface Failure {
  readonly error: { readonly code: string; readonly problems?: readonly { field: string; message: string }[] }
}

const failure = ({ body }: Answer): Failure['error'] => (body as Failure).error
const fieldsOf = (answer: Answer): string[] => (failure(answer).problems ?? []).map(({ field }) => field)

interface Media {
  readonly schema: object
  readonly examples: Readonly<Record<string, { readonly summary: string; readonly value: object }>>
}

interface Operation {
  readonly requestBody: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>
}

async function documented(): Promise<Operation> {
  const { body } = await service.get('/openapi.json')
  const { paths } = body as { paths: Record<string, { post: Operation }> }
  const operation = paths['/v1/rate']?.post
  if (operation === undefined) throw new Error('/v1/rate is documented')
  return operation
}

const perUnit = { model: { kind: 'per_unit', unit_amount: '0.10' } }

describe('/openapi.json', () => {
  test('every example of it is answered as it says', async () => {
    const { requestBody, responses } = await documented()
    const requests = requestBody.content['application/json']?.examples ?? {}
    const answers = responses['200']?.content['application/json']?.examples ?? {}
    const names = Object.keys(requests)
    expect(Object.keys(answers)).toEqual(names)
    expect(names.length).toBeGreaterThan(15)
    for (const name of names) {
      const { status, body } = await ask(requests[name]?.value)
      expect({ name, status }).toEqual({ name, status: 200 })
      expect(body, name).toMatchObject(answers[name]?.value ?? {})
    }
  })

  test('has a schema and an example for every kind of model that the parser names', async () => {
    const refused = await ask({ currency: 'USD', price: { model: { kind: 'none' } }, quantity: '1' })
    const hint = failure(refused).problems?.find(({ field }) => field === 'price.model.kind')?.message ?? ''
    const kinds = hint.replace('is one of ', '').split(', ')
    expect(kinds).toEqual(
      expect.arrayContaining(['per_unit', 'graduated', 'volume', 'package', 'matrix', 'commitment']),
    )
    const media = (await documented()).requestBody.content['application/json']
    for (const kind of kinds) {
      expect(JSON.stringify(media?.schema)).toContain(`"enum":["${kind}"]`)
      expect(Object.keys(media?.examples ?? {})).toContain(kind)
    }
  })
})

describe('limits', () => {
  const hour = (number: number): string => new Date(number * 3_600_000).toISOString()
  const windows = (count: number): object[] =>
    Array.from({ length: count }, (_, index) => ({ from: hour(index), to: hour(index + 1), quantity: '1' }))

  test('10 000 windows are priced one by one, and one more is refused', async () => {
    const price = { ...perUnit, each: { window: 'hour' } }
    const most = await ask({ currency: 'USD', price, windows: windows(10_000) })
    expect(most).toMatchObject({ status: 200, body: { total: '1000.00' } })
    const more = await ask({ currency: 'USD', price, windows: windows(10_001) })
    expect(more.status).toBe(400)
    expect(fieldsOf(more)).toContain('windows')
  })

  test('200 prices are rated, and one more is refused', async () => {
    const prices = (count: number): object[] => Array.from({ length: count }, () => ({ price: perUnit, quantity: '5' }))
    expect(await ask({ currency: 'USD', prices: prices(200) })).toMatchObject({
      status: 200,
      body: { total: '100.00' },
    })
    expect(fieldsOf(await ask({ currency: 'USD', prices: prices(201) }))).toEqual(['prices'])
  })

  test('a body above 1 MiB is refused before it is read', async () => {
    const answer = await ask({ currency: 'USD', price: perUnit, quantity: '1', padding: 'x'.repeat(1024 * 1024) })
    expect([answer.status, failure(answer).code]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('an answer that would be far larger than its request is refused', async () => {
    const tiers = [
      ...Array.from({ length: 49 }, (_, index) => ({ up_to: String(index + 1), unit_amount: '1' })),
      { unit_amount: '1' },
    ]
    const price = { each: { window: 'hour' }, model: { kind: 'graduated', tiers } }
    const answer = await ask({ currency: 'USD', price, windows: windows(5000) })
    expect([answer.status, fieldsOf(answer)]).toEqual([400, ['']])
    expect(failure(answer).problems?.[0]?.message).toContain('steps')
  })

  test('a thousand cells of many values each are checked against each other in no time worth naming', async () => {
    const values = (cell: number): string[] => Array.from({ length: 60 }, (_, index) => `${cell}-${index}`)
    const cells = Array.from({ length: 1000 }, (_, cell) => ({ when: { host: values(cell) }, model: perUnit.model }))
    const price = { model: { kind: 'matrix', dimensions: ['host'], cells, default: { model: perUnit.model } } }
    const groups = [{ group: { host: '999-59' }, quantity: '10' }]
    expect(await ask({ currency: 'USD', price, groups })).toMatchObject({ status: 200, body: { total: '1.00' } })
  })
})

test('the command line gives the answer of the service, whether it asks it or not', async () => {
  const file = join(data, 'request.json')
  writeFileSync(file, JSON.stringify({ currency: 'USD', price: perUnit, quantity: '12.4' }))
  const words = ['rate', file, '--json']
  const runs = [words, [...words, '--url', service.address, '--key', service.key]].map((all) => startCli(all, {}).ended)
  const [here, there] = await Promise.all(runs)
  expect(there).toMatchObject({ code: 0, stderr: '' })
  expect(there?.stdout).toBe(here?.stdout)
  expect(JSON.parse(there?.stdout ?? '')).toMatchObject({ total: '1.24' })
})

describe('bad input', () => {
  test('all problems at once, each with its path and what to write', async () => {
    const answer = await ask({
      currency: 'DOGE',
      period: { from: '2026-05-01T00:00:00Z', to: '2026-04-01T00:00:00Z' },
      prices: [
        { price: { key: 'a', model: { kind: 'graduated', tiers: [{ up_to: '5' }] } }, quantity: '-1' },
        { price: { key: 'a', model: { kind: 'surcharge', percent: '5', of: ['b'] } } },
      ],
      taxes: [{ percent: 19 }],
    })
    expect(answer.status).toBe(400)
    expect(failure(answer).code).toBe('REQUEST_INVALID')
    expect(fieldsOf(answer)).toEqual(
      expect.arrayContaining([
        'currency',
        'period.to',
        'prices.0.price.model.tiers.0',
        'prices.0.price.model.tiers.0.up_to',
        'prices.0.quantity',
        'prices.1.price.key',
        'prices.1.price.model.of.0',
        'taxes.0.percent',
      ]),
    )
    expect(failure(answer).problems?.every(({ message }) => message.length > 5)).toBe(true)
  })

  test.each([[null], [[]], ['text'], [5], [{}], [{ currency: 'USD', prices: {} }], [{ currency: 'USD', price: [] }]])(
    '%j is a bad request, and no accident',
    async (body) => {
      const answer = await ask(body === null ? 'null' : JSON.stringify(body))
      expect(answer.status).toBe(400)
    },
  )

  test('nothing, no JSON, and no key', async () => {
    expect(failure(await ask('{')).code).toBe('BODY_NOT_JSON')
    expect((await ask('')).status).toBe(400)
    const keyless = await service.ask('POST', '/v1/rate', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ currency: 'USD', price: perUnit, quantity: '1' }),
    })
    expect([keyless.status, failure(keyless).code]).toEqual([401, 'KEY_MISSING'])
  })

  test('numbers keep their digits to 10^30 and 18 decimals', async () => {
    const quantity = `1${'0'.repeat(30)}`
    const price = { model: { kind: 'per_unit', unit_amount: '0.000000000000000001' } }
    const { body } = await ask({ currency: 'USD', price, quantity })
    expect(body).toMatchObject({ total: '1000000000000.00', lines: [{ quantity }] })
  })
})
