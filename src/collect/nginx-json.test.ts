import { describe, expect, test } from 'vitest'
import { nginxJsonReader } from './nginx-json.ts'

const read = nginxJsonReader([])

function bodyOf(fields: Record<string, unknown>, reader = read) {
  const found = reader(JSON.stringify({ time_local: '17/Nov/2013:06:31:30 -0500', ...fields }))
  if (!found.ok) throw new Error(found.error)
  return JSON.parse(JSON.stringify(found.value.body)) as Record<string, unknown>
}

const bare = { kind: 'http_request', phase: 'final', time: '2013-11-17T11:31:30Z' }

function errorOf(line: string): string | undefined {
  const found = read(line)
  return found.ok ? undefined : found.error
}

describe('nginx-json', () => {
  test('reads a whole line', () => {
    expect(
      bodyOf({
        remote_addr: '192.0.2.7',
        remote_user: '-',
        request: 'GET /api/dashboard/abc?x=1 HTTP/1.1',
        status: '200',
        server: '10.0.0.1:3000',
        host: 'WWW.Example.com:80',
        body_bytes_sent: '6690',
        request_time: '160.739',
        sent: '7086',
        request_length: 512,
        request_id: '5f2b',
        http_referer: '-',
        http_user_agent: 'curl/8',
        http_x_forwarded_for: '-',
      }),
    ).toEqual({
      ...bare,
      id: '5f2b',
      endpoint: 'www.example.com',
      protocol: 'HTTP/1.1',
      method: 'GET',
      status: 200,
      bytes_out_wire: 7086,
      bytes_out_body: 6690,
      bytes_in_wire: 512,
      duration_us: 160_739_000,
      client_address: '192.0.2.7',
      path: '/api/dashboard/abc?x=1',
      user_agent: 'curl/8',
    })
  })

  test('the upstream in `server` is not the endpoint', () => {
    expect(bodyOf({ server: '10.0.0.1:3000' })).toEqual(bare)
    expect(bodyOf({ server_name: 'a.example', http_host: 'b.example', host: '-' })).toEqual({
      ...bare,
      endpoint: 'b.example',
    })
  })

  test('absent is not zero (L13)', () => {
    expect(bodyOf({ body_bytes_sent: '0', sent: 0, request_time: '0.000' })).toEqual({
      ...bare,
      bytes_out_body: 0,
      bytes_out_wire: 0,
      duration_us: 0,
    })
    for (const nothing of ['-', '', null, undefined])
      expect(
        bodyOf({ body_bytes_sent: nothing, sent: nothing, request_time: nothing, status: nothing, request: nothing }),
      ).toEqual(bare)
  })

  test('numbers beyond 2^53 are exact, as numbers and as texts', () => {
    const found = read('{"msec":1384687890.123,"body_bytes_sent":9007199254740993,"bytes_sent":"18446744073709551615"}')
    expect(found).toMatchObject({
      value: {
        body: {
          time: '2013-11-17T11:31:30.123Z',
          bytes_out_body: '9007199254740993',
          bytes_out_wire: '18446744073709551615',
        },
      },
    })
  })

  test('the most exact of several times counts', () => {
    const times = { time_iso8601: '2013-11-17T06:31:31-05:00', msec: '1384687892.878' }
    expect(bodyOf(times)['time']).toBe('2013-11-17T11:31:32.878Z')
    expect(bodyOf({ ...times, msec: '-' })['time']).toBe('2013-11-17T11:31:31Z')
  })

  test('garbage that visitors send is a request without a method', () => {
    const size = { status: '400', body_bytes_sent: '166' }
    const counted = { ...bare, status: 400, bytes_out_body: 166 }
    expect(bodyOf({ ...size, request: '-' })).toEqual(counted)
    expect(bodyOf({ ...size, request: '' })).toEqual(counted)
    const greeting = read('{"time_local":"17/Nov/2013:06:31:30 -0500","request":"\\x16\\x03\\x01","status":"400"}')
    expect(greeting).toMatchObject({
      ok: true,
      value: { body: { path: '\\x16\\x03\\x01', method: undefined, status: 400 } },
    })
    expect(
      bodyOf({
        ...size,
        request_method: 'X'.repeat(300),
        host: 'h'.repeat(300),
        server_protocol: 'p'.repeat(300),
        request_id: 'i'.repeat(300),
      }),
    ).toEqual(counted)
  })

  test('what can be billed and cannot be read is said, not left out', () => {
    const time = '"time_local":"17/Nov/2013:06:31:30 -0500"'
    expect(errorOf(`{${time},"body_bytes_sent":"12a"}`)).toBe('body_bytes_sent is not a whole number: "12a"')
    expect(errorOf(`{${time},"sent":-5}`)).toBe('bytes_sent or sent is not a whole number: "-5"')
    expect(errorOf(`{${time},"sent":1.5}`)).toBe('bytes_sent or sent is not a whole number: "1.5"')
    expect(errorOf(`{${time},"status":"OK"}`)).toBe('status is not an HTTP status: "OK"')
    expect(errorOf('{"status":"200"}')).toBe('the line has no time')
    expect(errorOf('{"time_local":"17/Nov/2013"}')).toMatch(/^the time "17\/Nov\/2013" is not/)
    expect(errorOf('{"time_local":')).toMatch(/^the line is not JSON/)
    expect(errorOf('[]')).toBe('the line is not a JSON object')
  })

  test('names can be mapped, with several in order', () => {
    const mapped = nginxJsonReader([
      { field: 'bytes_out_body', name: 'body' },
      { field: 'time', name: 'at' },
      { field: 'endpoint', name: 'vhost' },
      { field: 'endpoint', name: 'host' },
      { field: 'duration_us', name: 'us' },
    ])
    const found = mapped('{"at":"2013-11-17T11:31:30Z","body":5,"body_bytes_sent":9,"host":"b.example","us":"77"}')
    expect(found).toMatchObject({
      value: { body: { ...bare, bytes_out_body: 5, endpoint: 'b.example', duration_us: 77 } },
    })
  })

  test('an account rule sees the request, its parts, and any name of the line', () => {
    const found = read(
      '{"msec":1,"request":"GET /t/acme HTTP/1.1","remote_user":"jo","remote_addr":"192.0.2.7","host":"a.example","tenant":"t-1","constructor2":"-"}',
    )
    if (!found.ok) throw new Error(found.error)
    const { textOf } = found.value
    expect(
      ['request', 'path', 'method', 'host', 'user', 'client_address', 'user_agent', 'tenant', 'constructor'].map(
        textOf,
      ),
    ).toEqual(['GET /t/acme HTTP/1.1', '/t/acme', 'GET', 'a.example', 'jo', '192.0.2.7', undefined, 't-1', undefined])
    const parts = read('{"msec":1,"request_method":"GET","uri":"/x","server_protocol":"HTTP/2.0"}')
    expect(parts.ok && parts.value.textOf('request')).toBe('GET /x HTTP/2.0')
  })
})
