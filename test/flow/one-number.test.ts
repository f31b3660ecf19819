import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

/** L9: everybody who asks is told the same quantity, because all of them ask the same function. */
describe('one number', () => {
  const data = temporaryDirectory('one-number')
  let service: RunningService
  const now = new Date()
  const month = now.toISOString().slice(0, 7)
  const at = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()
  // All of it in this month, also in the first minutes of one.
  const sizes = [9_007_199_254_740_993n, 18_446_744_073_709_551_615n, 1n, 0n, 123_456_789n]
  const total = String(sizes.reduce((sum, size) => sum + size, 0n))
  const from = `${month}-01T00:00:00Z`
  const to = `${Temporal.PlainYearMonth.from(month).add({ months: 1 }).toString()}-01T00:00:00Z`

  beforeAll(async () => {
    service = await startService({ data })
    const events = sizes.map((size, index) => ({
      source: 'edge',
      seq: index + 1,
      kind: 'http_request',
      account: 'acme',
      endpoint: 'www.acme.example',
      time: at(index % 2),
      bytes_out_wire: String(size),
    }))
    expect((await service.post('/v1/events', events)).body).toMatchObject({ accepted: sizes.length })
    const price = {
      key: 'out',
      name: 'Data out',
      meter: 'data_out_wire',
      unit: { name: 'GB', per: '1000000000' },
      model: { kind: 'per_unit', unit_amount: '0.10' },
    }
    const plan = { key: 'plan', name: 'Plan', currency: 'USD', effective_from: '2020-01-01T00:00:00Z', prices: [price] }
    expect((await service.post('/v1/plans', plan)).status).toBe(201)
    expect(
      (await service.post('/v1/subscriptions', { account: 'acme', plan: 'plan', from: '2020-01-01T00:00:00Z' })).status,
    ).toBe(201)
  })
  afterAll(async () => {
    await service.stop()
    removeDirectory(data)
  })

  const page = async (path: string, host?: string): Promise<{ status: number; text: string }> => {
    const { hostname, port } = new URL(service.address)
    return new Promise((resolve, reject) => {
      request({ hostname, port, path, headers: host === undefined ? {} : { host } }, (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      })
        .on('error', reject)
        .end()
    })
  }

  test('by API, by windows, by groups, by command line, on the pages, on the invoice and its line', async () => {
    const query = `account=acme&meter=data_out_wire&from=${from}&to=${to}`
    for (const more of ['', '&window=hour', '&window=day&timezone=Asia/Kolkata', '&group_by=endpoint,region']) {
      const { body } = await service.get(`/v1/usage?${query}${more}`)
      const { rows, total: sum } = body as { rows: { quantity: string }[]; total: string }
      expect(sum, more).toBe(total)
      expect(String(rows.reduce((added, row) => added + BigInt(row.quantity), 0n)), more).toBe(total)
    }
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const usage = await startCli(['usage', 'acme', 'data_out_wire', '--from', from, '--to', to, '--json'], env).ended
    expect(JSON.parse(usage.stdout)).toMatchObject({ total })
    const invoice = await startCli(['invoice', 'show', 'acme', '--month', month, '--json'], env).ended
    const { id, lines } = JSON.parse(invoice.stdout) as { id: string; lines: { quantity: string }[] }
    expect(lines.map(({ quantity }) => quantity)).toEqual([total])
    const line = await startCli(['invoice', 'line', 'acme', '1', '--month', month, '--hours', '--json'], env).ended
    const { hours } = JSON.parse(line.stdout) as { hours: { quantity: string }[] }
    expect(String(hours.reduce((sum, hour) => sum + BigInt(hour.quantity), 0n))).toBe(total)
    // On pages the exact number stands with its digits grouped.
    const grouped = total.replaceAll(/\B(?=(\d{3})+$)/g, ',')
    for (const path of ['/', '/accounts/acme', `/invoices/${id}`])
      expect((await page(path)).text, path).toContain(grouped)
  })

  test('measures that are not sums: the same by API, windows, explanation, command line, page, invoice and files', async () => {
    const last = Temporal.PlainYearMonth.from(month).subtract({ months: 1 })
    const period = last.toString()
    const day = (number: number, time: string): string => `${period}-${String(number).padStart(2, '0')}T${time}Z`
    const add = async (definition: object): Promise<void> => {
      expect((await service.post('/v1/meters', definition)).body).toMatchObject({ version: 1 })
    }
    const traffic = [{ operator: 'in', field: 'account', values: ['initech'] }]
    const named = (name: string) => [{ operator: 'in', field: 'name', values: [name] }]
    await add({
      key: 'mean',
      name: 'Mean',
      unit: 'bytes',
      aggregation: { kind: 'average', value: 'bytes_out_wire' },
      filter: traffic,
    })
    const percentile = {
      kind: 'percentile',
      percent: '99.9',
      interval: '5minutes',
      direction: 'out',
      combine: 'before',
      unit_factor: '8',
    }
    const amounts = { in: 'bytes_in_wire', out: 'bytes_out_wire' }
    await add({
      key: 'p999',
      name: 'Bandwidth',
      unit: 'bit/s',
      aggregation: { ...percentile, ...amounts },
      filter: traffic,
    })
    const level = { kind: 'level', value: 'quantity', mode: 'set', per: 'day' }
    await add({ key: 'kept', name: 'Kept', unit: 'byte-days', aggregation: level, filter: named('kept') })
    await add({
      key: 'people',
      name: 'People',
      unit: 'people',
      aggregation: { kind: 'unique', field: 'attributes.person' },
      filter: named('seen'),
    })
    const common = { source: 'last', account: 'initech' }
    const requests = Array.from({ length: 12 }, (_, index) => ({
      ...common,
      seq: index + 1,
      kind: 'http_request',
      time: day(2 + index, '10:00:00'),
      bytes_out_wire: String((index + 1) * 1_000 + (index === 0 ? 1 : 0)),
    }))
    const usage = { ...common, kind: 'usage' }
    const others = [
      { ...usage, seq: 13, name: 'kept', quantity: '7', time: day(3, '00:00:00') },
      { ...usage, seq: 14, name: 'kept', quantity: '0', time: day(3, '00:00:01') },
      { ...usage, seq: 15, name: 'seen', quantity: '1', time: day(4, '00:00:00'), attributes: { person: 'a' } },
      { ...usage, seq: 16, name: 'seen', quantity: '1', time: day(9, '00:00:00'), attributes: { person: 'a' } },
      { ...usage, seq: 17, name: 'seen', quantity: '1', time: day(9, '00:00:00'), attributes: { person: 'b' } },
    ]
    expect((await service.post('/v1/events', [...requests, ...others])).body).toMatchObject({ accepted: 17 })
    // By hand: 78,001 bytes of 12 requests; the 9th highest of 12 samples (floor(0.1 % of 8,064 to 8,928) = 8 are dropped),
    // 4,000 bytes in five minutes; 7 bytes for a second of a day; two people.
    const expected = {
      mean: '6500.083333333333333333',
      p999: '106.666666666666666667',
      kept: '0.000081018518518519',
      people: '2',
    }
    const prices = Object.keys(expected).map((meter) => ({
      key: meter,
      name: meter,
      meter,
      unit: { name: 'unit', per: '1' },
      model: { kind: 'per_unit', unit_amount: '1' },
    }))
    const plan = { key: 'odd', name: 'Odd', currency: 'USD', effective_from: '2020-01-01T00:00:00Z', prices }
    expect((await service.post('/v1/plans', plan)).status).toBe(201)
    await service.post('/v1/subscriptions', { account: 'initech', plan: 'odd', from: '2020-01-01T00:00:00Z' })
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const invoice = await startCli(['invoice', 'show', 'initech', '--month', period, '--json'], env).ended
    const { id, lines } = JSON.parse(invoice.stdout) as {
      id: string
      lines: { meter: { key: string }; quantity: string }[]
    }
    const account = (await page(`/accounts/initech?month=${period}`)).text
    const document = (await page(`/invoices/${id}`)).text
    const all = await service.ask('GET', `/v1/usage/export?period=${period}&window=month&format=csv`, {
      headers: { authorization: `Bearer ${service.key}` },
    })
    for (const [meter, quantity] of Object.entries(expected)) {
      const query = `account=initech&meter=${meter}&period=${period}`
      expect((await service.get(`/v1/usage?${query}`)).body, meter).toMatchObject({ total: quantity })
      expect((await service.get(`/v1/usage?${query}&window=day`)).body, meter).toMatchObject({ total: quantity })
      const told = await startCli(['usage', 'initech', meter, '--period', period, '--json'], env).ended
      expect(JSON.parse(told.stdout), meter).toMatchObject({ total: quantity })
      expect(lines.find((line) => line.meter.key === meter)?.quantity, meter).toBe(quantity)
      const [whole = '', digits] = quantity.split('.')
      const grouped = [whole.replaceAll(/\B(?=(\d{3})+$)/g, ','), ...(digits === undefined ? [] : [digits])].join('.')
      expect(account.includes(quantity) || account.includes(grouped), `${meter} on the account's page`).toBe(true)
      expect(document.includes(quantity) || document.includes(grouped), `${meter} on the invoice's page`).toBe(true)
      for (const format of ['csv', 'ndjson']) {
        const file = await service.ask('GET', `/v1/usage?${query}&format=${format}`, {
          headers: { authorization: `Bearer ${service.key}` },
        })
        expect(JSON.stringify(file.body), `${meter} as ${format}`).toContain(quantity)
      }
      expect(JSON.stringify(all.body), `${meter} in the export of all`).toContain(quantity)
    }
  })

  test('the console is for this machine: a page elsewhere that names itself 127.0.0.1 gets nothing', async () => {
    for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example']) {
      const { status, text } = await page('/', host)
      expect(status, host).toBe(401)
      expect(text).not.toContain('acme')
    }
    expect((await page('/', 'localhost:8080')).status).toBe(200)
    expect((await page('/accounts/nobody')).status).toBe(404)
  })

  test('writes with an Idempotency-Key: the same body gets the first answer again, another body 409', async () => {
    const send = (body: object) => service.post('/v1/accounts', body, { 'idempotency-key': 'create-globex' })
    const first = await send({ key: 'globex' })
    expect(first.status).toBe(201)
    expect(await send({ key: 'globex' })).toMatchObject({ status: 201, body: first.body })
    expect(await send({ key: 'initech' })).toMatchObject({
      status: 409,
      body: { error: { code: 'IDEMPOTENCY_CONFLICT' } },
    })
    expect((await service.post('/v1/accounts', { key: 'globex' })).status).toBe(409)
  })

  test('/openapi.json is OpenAPI 3.1 and documents events by the table that parses them', async () => {
    const { body } = await service.get('/openapi.json')
    const { openapi, paths } = body as { openapi: string; paths: Record<string, { post?: { requestBody?: unknown } }> }
    expect(openapi).toBe('3.1.0')
    expect(JSON.stringify(paths['/v1/events']?.post?.requestBody)).toContain('bytes_out_wire')
    for (const path of ['/v1/usage', '/v1/rate', '/v1/invoices', '/v1/meters', '/v1/plans', '/v1/sources/{source}'])
      expect(Object.keys(paths)).toContain(path)
  })
})
