import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, test } from 'vitest'
import { findService, openClient } from './client.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-client-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('findService', () => {
  test('takes the option, then the environment, then the usual place', () => {
    const env = { CROSSFOOT_URL: 'http://env.example:1/', CROSSFOOT_KEY: 'env-key', CROSSFOOT_DATA: folder }
    writeFileSync(join(folder, 'dev-api-key'), 'dev-key\n')
    expect(findService({ url: 'https://a.example/crossfoot/', key: 'k' }, { env })).toEqual({
      url: 'https://a.example/crossfoot',
      key: 'k',
    })
    expect(findService({}, { env })).toEqual({ url: 'http://env.example:1', key: 'env-key' })
    expect(findService({}, { env: { CROSSFOOT_DATA: folder, CROSSFOOT_KEY: '' } })).toEqual({
      url: 'http://127.0.0.1:8080',
      key: 'dev-key',
    })
    expect(findService({}, { env: { CROSSFOOT_DATA: join(folder, 'none') } }).key).toBeUndefined()
    for (const url of ['localhost:8080', 'file:///x', 'nonsense'])
      expect(() => findService({ url }, { env })).toThrow('is not an http or https URL')
  })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const { method, url, headers } = request
  const missing = { error: { code: 'INVOICE_NOT_FOUND', message: 'no invoice 7' } }
  if (url === '/missing') response.writeHead(404).end(JSON.stringify(missing))
  else if (url === '/strange') response.writeHead(502).end('<html>')
  else response.end(JSON.stringify({ method, body, idempotency: headers['idempotency-key'] }))
}

describe('openClient', () => {
  test('gives answers, and the reasons of refusals', async () => {
    const server = createServer((request, response) => {
      void answer(request, response)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = openClient({ url, key: 'k' }, { env: {} })
    expect(await client.getJson('/x')).toEqual({ method: 'GET', body: '' })
    expect(await client.postJson('/x', { a: 'é' }, { 'idempotency-key': 'i' })).toEqual({
      method: 'POST',
      body: '{"a":"é"}',
      idempotency: 'i',
    })
    await expect(client.getJson('/missing')).rejects.toMatchObject({
      code: 'INVOICE_NOT_FOUND',
      status: 404,
      message: 'no invoice 7 (INVOICE_NOT_FOUND)',
    })
    await expect(client.getJson('/strange')).rejects.toThrow(`${url} answered 502 and not as crossfoot does`)
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
})
