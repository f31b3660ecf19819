import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { limits as fileLimits } from '../../src/app/http/usage-export.ts'
import { startCli } from '../support/cli.ts'
import { at } from '../support/invoice-desk.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'
import { until } from '../support/until.ts'
import { openUsageApi } from '../support/usage-api.ts'
import type { Json, UsageApi } from '../support/usage-api.ts'

/** A plain reader of RFC 4180, one character after the other. */
function csvRows(text: string): string[][] {
  const rows: string[][] = []
  let [row, cell, quoted]: [string[], string, boolean] = [[], '', false]
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? ''
    if (quoted && char === '"' && text[index + 1] === '"') {
      cell += '"'
      index += 1
    } else if (char === '"') quoted = !quoted
    else if (quoted || (char !== ',' && char !== '\r' && char !== '\n')) cell += char
    else if (char === '\n') {
      rows.push([...row, cell])
      ;[row, cell] = [[], '']
    } else if (char === ',') {
      row.push(cell)
      cell = ''
    }
  }
  return rows
}

function objectsOf(text: string): Record<string, string>[] {
  const [names = [], ...rows] = csvRows(text)
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? '(no cell)'])))
}

async function parquetRows(bytes: Buffer): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: new Uint8Array(bytes).buffer })
}

interface Row {
  readonly from: string
  readonly group: Record<string, string | null>
  readonly quantity: string
}

describe('usage as files', () => {
  let api: UsageApi
  const huge = '18446744073709551615'
  const hosts = ['www.example.com', '=HYPERLINK("http://evil.example")', 'a,b"c"', null]
  const june = 'account=acme&meter=data_out_wire&period=2026-06'
  const hostsMade = 100_000

  let port: number
  let folder: string

  beforeAll(async () => {
    folder = temporaryDirectory('usage-files-out')
    api = await openUsageApi('usage-files', at('2026-06-15T12:00:00Z'))
    const events = hosts.flatMap((endpoint, host) =>
      ['01', '02', '14'].map((day, index) => ({
        source: 'edge',
        seq: host * 3 + index + 1,
        kind: 'http_request',
        account: host === 3 ? 'globex' : 'acme',
        time: `2026-06-${day}T08:00:00Z`,
        bytes_out_wire: host === 0 ? huge : String(host * 10 + index),
        ...(endpoint === null ? {} : { endpoint }),
      })),
    )
    await api.call('POST', '/v1/events', events)
    await api.call('POST', '/v1/accounts', { key: 'many' })
    await api.service.engine.command(
      `INSERT INTO fact (offset, account, kind, phase, leg, time_us, endpoint, bytes_out_wire)
       SELECT 0, 'many', 'http_request', 'final', 'client', ${at('2026-06-02T00:00:00Z')}, concat('host-', toString(number)), number FROM numbers(${hostsMade})`,
    )
    await api.server.listen({ host: '127.0.0.1', port: 0 })
    port = Number(new URL(api.server.listeningOrigin).port)
  })
  afterAll(async () => {
    await api.close()
    removeDirectory(folder)
  })

  test('CSV, NDJSON and Parquet have the rows of the JSON answer, text for text', async () => {
    const query = `/v1/usage?${june}&window=day&group_by=endpoint`
    const answer = await api.call('GET', query)
    const expected = (answer['rows'] as Row[]).map(({ from, group, quantity }) => [from, group['endpoint'], quantity])
    expect(expected).toHaveLength(9)
    expect(expected).toContainEqual(['2026-06-01T00:00:00Z', 'www.example.com', huge])

    const csv = await api.text(query, { accept: 'text/csv' })
    expect(csv.type).toBe('text/csv')
    const rows = objectsOf(csv.bytes.toString())
    const shown = (host: unknown): unknown => (String(host).startsWith('=') ? `'${String(host)}` : host)
    expect(rows.map((row) => [row['from'], row['group_endpoint'], row['quantity']])).toEqual(
      expected.map(([from, host, quantity]) => [from, shown(host), quantity]),
    )
    expect(rows[0]).toMatchObject({
      account: 'acme',
      meter: 'data_out_wire',
      meter_version: '1',
      unit: 'bytes',
      additive: 'true',
      timezone: 'UTC',
      counted_below_offset: String(answer['counted_below_offset']),
      complete_until: '',
    })

    const ndjson = await api.text(`${query}&format=ndjson`)
    const lines = ndjson.bytes.toString().trim().split('\n')
    expect(
      lines.map((line) => {
        const { from, group, quantity } = JSON.parse(line) as Row
        return [from, group['endpoint'], quantity]
      }),
    ).toEqual(expected)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ account: 'acme', additive: true, complete_until: null })

    const parquet = await api.text(`${query}&format=parquet`)
    expect(parquet.type).toBe('application/vnd.apache.parquet')
    const stored = await parquetRows(parquet.bytes)
    expect(stored.map((row) => [row['from'], row['group_endpoint'], row['quantity']])).toEqual(
      expected.map(([from, host, quantity]) => [new Date(String(from)), host, quantity]),
    )
    const { key_value_metadata: facts } = parquetMetadata(new Uint8Array(parquet.bytes).buffer)
    expect(Object.fromEntries((facts ?? []).map(({ key, value }) => [key, value]))).toMatchObject({
      account: 'acme',
      meter: 'data_out_wire',
      unit: 'bytes',
      timezone: 'UTC',
      counted_below_offset: String(answer['counted_below_offset']),
    })
  })

  test('a file has rows only: what is beside them, and what is not there, is refused before it begins', async () => {
    for (const more of ['compare=previous', 'forecast=true', 'as_of=2026-06-15T00:00:00Z'])
      expect((await api.refused(`/v1/usage?${june}&format=csv&${more}`))[1], more).toBe('REQUEST_INVALID')
    expect((await api.refused(`/v1/usage?${june}&format=xlsx`))[1]).toBe('REQUEST_INVALID')
    expect((await api.refused(`/v1/usage?account=acme&meter=none&period=2026-06&format=csv`))[1]).toBe(
      'METER_NOT_FOUND',
    )
    const minutes = `account=acme&meter=data_out_wire&from=2026-01-01&to=2026-06-01&window=minute&format=csv`
    expect((await api.refused(`/v1/usage?${minutes}`))[1]).toBe('QUERY_TOO_LARGE')
    const none = await api.text(`/v1/usage?${june}&group_by=endpoint&filter[endpoint]=none&format=parquet`)
    expect(await parquetRows(none.bytes)).toEqual([])
  })

  test('an export has account × meter × day of the month; the rows of a meter add up to the answers', async () => {
    const { bytes } = await api.text('/v1/usage/export?period=2026-06&meters=data_out_wire,http_requests')
    const rows = objectsOf(bytes.toString())
    expect(new Set(rows.map(({ meter }) => meter))).toEqual(new Set(['data_out_wire', 'http_requests']))
    expect(new Set(rows.map((row) => row['counted_below_offset'])).size).toBe(1)
    for (const account of ['acme', 'globex', 'many']) {
      for (const meter of ['data_out_wire', 'http_requests']) {
        const mine = rows.filter((row) => row['account'] === account && row['meter'] === meter)
        const sum = mine.reduce((total, { quantity }) => total + BigInt(quantity ?? 0), 0n)
        const { total } = await api.call('GET', `/v1/usage?account=${account}&meter=${meter}&period=2026-06`)
        expect(String(sum), `${account} ${meter}`).toBe(total)
      }
    }
    const all = objectsOf((await api.text('/v1/usage/export?period=2026-06&window=month')).bytes.toString())
    const { meters } = await api.call('GET', '/v1/meters')
    expect(all.every(({ meter }) => (meters as Json[]).some(({ key }) => key === meter))).toBe(true)
    expect((await api.refused('/v1/usage/export?period=2026-06&filter[endpoint]=a'))[1]).toBe('REQUEST_INVALID')
  })

  test('the command line: a table with what stands beside it, and files', { timeout: 30_000 }, async () => {
    const env = { CROSSFOOT_URL: `http://127.0.0.1:${port}`, CROSSFOOT_KEY: api.service.newKey ?? '' }
    const run = (...args: string[]) => startCli(['usage', ...args], env).ended
    const output = join(folder, 'june.parquet')
    const question = ['acme', 'data_out_wire', '--period', '2026-06']
    const [table, csv, parquet, all, wrong, refused] = await Promise.all([
      run(...question, '--window', 'week', '--compare', '--forecast', '--filter', 'endpoint=a,b"c"'),
      run(...question, '--window', 'day', '--group-by', 'endpoint', '--format', 'csv'),
      run(...question, '--window', 'day', '--group-by', 'endpoint', '--format', 'parquet', '--output', output),
      run('--all', '--period', '2026-06', '--meters', 'data_out_wire', '--window', 'month'),
      run(...question, '--format', 'parquet'),
      run(...question, '--group-by', 'account', '--format', 'csv', '--output', join(folder, 'none.csv')),
    ])
    expect(table.stdout.split('\n').slice(0, 5)).toEqual([
      '                          before  change',
      '2026-06-01T00:00:00Z  41       0       -',
      '2026-06-08T00:00:00Z  22       0       -',
      '2026-06-15T00:00:00Z   0       0       -',
      'sum, in bytes         63       0       -',
    ])
    expect(table.stdout).toContain('forecast: ')
    const query = `/v1/usage?${june}&window=day&group_by=endpoint`
    expect(csv.stdout).toBe((await api.text(query, { accept: 'text/csv' })).bytes.toString())
    expect([parquet.code, parquet.stderr]).toEqual([0, ''])
    expect(await parquetRows(readFileSync(output))).toHaveLength(9)
    expect(objectsOf(all.stdout).map(({ account }) => account)).toEqual(['acme', 'globex', 'many'])
    expect([wrong.code, refused.code, existsSync(join(folder, 'none.csv'))]).toEqual([2, 1, false])
    expect(refused.stderr).toContain('is not grouped by account')
  })

  test('who hangs up before the first row gives the place back too, and the question ends', async () => {
    const headers = { authorization: `Bearer ${api.service.newKey ?? ''}`, accept: 'text/csv' }
    const path = `/v1/usage?${june}&window=day&group_by=endpoint`
    const { engine } = api.service
    const ask = engine.stream.bind(engine)
    const answerable = Promise.withResolvers<void>()
    let [asked, ended, closed] = [0, 0, 0]
    const slow = vi.spyOn(engine, 'stream').mockImplementation(async function* (sql, parameters) {
      asked += 1
      try {
        await answerable.promise
        yield* ask(sql, parameters) as AsyncIterable<never>
      } finally {
        ended += 1
      }
    })
    api.server.server.on('connection', (socket) => socket.once('close', () => (closed += 1)))
    const waiting = Array.from({ length: fileLimits.filesMax }, () => {
      const call = request({ host: '127.0.0.1', port, path, headers, agent: false })
      call.on('error', () => undefined).end()
      return call
    })
    await until(() => asked === fileLimits.filesMax, 10_000, 'as many questions as there are places')
    expect((await api.refused(`${path}&format=csv`))[1]).toBe('TOO_MANY_REQUESTS')
    for (const call of waiting) call.destroy()
    await until(() => closed === fileLimits.filesMax, 10_000, 'the service to see that they hung up')
    answerable.resolve()
    await until(() => ended === fileLimits.filesMax, 10_000, 'the questions to end')
    slow.mockRestore()
    const rows = await until(
      async () => (await api.server.inject({ method: 'GET', url: path, headers })).statusCode === 200,
      10_000,
      'a place for the next file',
    )
    expect(rows).toBe(true)
  })

  test('who hangs up ends the question and gives the place back; a whole file has every group once', async () => {
    const headers = { authorization: `Bearer ${api.service.newKey ?? ''}`, accept: 'text/csv' }
    const path = '/v1/usage?account=many&meter=data_out_wire&period=2026-06&group_by=endpoint'
    const open = async (): Promise<IncomingMessage> => {
      const [answer] = (await once(request({ host: '127.0.0.1', port, path, headers }).end(), 'response')) as [
        IncomingMessage,
      ]
      return answer
    }
    const { engine } = api.service
    const ask = engine.stream.bind(engine)
    let ended = 0
    vi.spyOn(engine, 'stream').mockImplementation(async function* (sql, parameters) {
      try {
        yield* ask(sql, parameters) as AsyncIterable<never>
      } finally {
        ended += 1
      }
    })
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await open()
      expect(answer.statusCode, `turn ${turn}`).toBe(200)
      await once(answer, 'data')
      answer.destroy()
      await once(answer, 'close')
    }
    await until(() => ended === 6, 10_000, 'the questions of those who hung up to end')
    const whole = await open()
    let [lines, bytes] = [0, 0]
    for await (const piece of whole) {
      lines += String(piece).split('\n').length - 1
      bytes += (piece as Buffer).length
    }
    expect([whole.statusCode, lines, bytes > 9_000_000]).toEqual([200, hostsMade + 1, true])
  })
})
