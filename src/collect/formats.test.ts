import { describe, expect, test } from 'vitest'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import type { LineReader, ReaderOptions } from './line-reader.ts'

function bodyOf(reader: LineReader, line: string): Record<string, unknown> {
  const found = reader(line)
  if (!found.ok) throw new Error(found.error)
  // As it travels: what is undefined is not there.
  return JSON.parse(JSON.stringify(found.value.body)) as Record<string, unknown>
}

function read(format: FormatName, line: string, options: ReaderOptions = {}): Record<string, unknown> {
  return bodyOf(formats[format].reader([], options), line)
}

function errorOf(format: FormatName, line: string, options: ReaderOptions = {}): string | undefined {
  const found = formats[format].reader([], options)(line)
  return found.ok ? undefined : found.error
}

function textOf(format: FormatName, line: string, field: string, options: ReaderOptions = {}): string | undefined {
  const found = formats[format].reader([], options)(line)
  return found.ok ? found.value.textOf(field) : undefined
}

const request = { kind: 'http_request', phase: 'final' }

describe('caddy', () => {
  const entry = {
    level: 'info',
    ts: 1_646_861_401.524_102,
    logger: 'http.log.access.log0',
    msg: 'handled request',
    request: {
      remote_ip: '192.0.2.7',
      client_ip: '198.51.100.9',
      proto: 'HTTP/2.0',
      method: 'GET',
      host: 'Shop.Example:8443',
      uri: '/a?b=c',
      headers: { 'User-Agent': ['curl/7.82.0'], Accept: ['*/*'] },
    },
    bytes_read: 12,
    user_id: 'jo',
    duration: 0.000_929_675,
    size: 10_900,
    status: 200,
  }
  const line = JSON.stringify(entry)

  test('body sizes are bodies, and the wire is not known (L13)', () => {
    expect(read('caddy', line)).toEqual({
      ...request,
      time: '2022-03-09T21:30:01.524102Z',
      endpoint: 'shop.example',
      protocol: 'HTTP/2.0',
      method: 'GET',
      status: 200,
      bytes_out_body: 10_900,
      bytes_in_body: 12,
      duration_us: 929,
      client_address: '198.51.100.9',
      path: '/a?b=c',
      user_agent: 'curl/7.82.0',
    })
    expect(textOf('caddy', line, 'user')).toBe('jo')
    expect(textOf('caddy', line, 'request.headers.Accept')).toBe('*/*')
    expect(read('caddy', JSON.stringify({ ...entry, size: 0, bytes_read: undefined }))).toMatchObject({
      bytes_out_body: 0,
    })
    expect(read('caddy', JSON.stringify({ ...entry, size: undefined }))).not.toHaveProperty('bytes_out_body')
  })

  test('durations with an exponent are exact, and the error log counts nothing', () => {
    expect(read('caddy', line.replace('0.000929675', '1.25e-05'))['duration_us']).toBe(12)
    expect(errorOf('caddy', line.replace('http.log.access.log0', 'http.log.error.log0'))).toMatch(/not an access log/)
    expect(errorOf('caddy', '{"ts":1,"msg":"serving initial configuration"}')).toMatch(/no request/)
  })
})

describe('envoy', () => {
  const text =
    '[2026-04-15T20:17:00.310Z] "POST /api/v1 HTTP/2" 204 - 154 0 226 100 "192.0.2.35" "nsq2http" "cc21d9b0" "Locations.example" "198.51.100.1:80"'

  test('the default format', () => {
    expect(read('envoy', text)).toEqual({
      ...request,
      id: 'cc21d9b0',
      time: '2026-04-15T20:17:00.310Z',
      endpoint: 'locations.example',
      protocol: 'HTTP/2',
      method: 'POST',
      status: 204,
      bytes_in_body: 154,
      bytes_out_body: 0,
      duration_us: 226_000,
      client_address: '192.0.2.35',
      path: '/api/v1',
      user_agent: 'nsq2http',
    })
  })

  test('a TCP connection has bytes of the connection and no status', () => {
    const tcp = '[2026-04-15T20:17:00Z] "- - -" 0 - 1234 5678 90 - "-" "-" "-" "-" "198.51.100.1:5432"'
    expect(read('envoy', tcp)).toEqual({
      kind: 'tcp_connection',
      phase: 'final',
      protocol: 'tcp',
      time: '2026-04-15T20:17:00Z',
      bytes_in_wire: 1_234,
      bytes_out_wire: 5_678,
      duration_us: 90_000,
    })
  })

  test('a user agent with quotes cannot put its request under another host', () => {
    const found = read('envoy', text.replace('nsq2http', 'x" "id" "victim.example" "1.2.3.4:1'))
    expect(found).toMatchObject({ endpoint: 'locations.example', id: 'cc21d9b0', bytes_in_body: 154 })
  })

  test('JSON keeps wire and body apart', () => {
    const json = {
      start_time: '2026-04-15T20:17:00.310Z',
      method: 'GET',
      path: '/',
      protocol: 'HTTP/1.1',
      response_code: 200,
      bytes_received: 0,
      bytes_sent: 100,
      downstream_wire_bytes_sent: '340',
      duration: 5,
      authority: 'a.example',
    }
    expect(read('envoy', JSON.stringify(json))).toMatchObject({
      bytes_in_body: 0,
      bytes_out_body: 100,
      bytes_out_wire: 340,
      duration_us: 5_000,
      endpoint: 'a.example',
    })
    expect(read('envoy', JSON.stringify(json))).not.toHaveProperty('bytes_in_wire')
  })

  test('a format with other fields is refused and not misread', () => {
    const istio =
      '[2026-04-15T20:17:00Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 11 5 3 "-" "curl" "id" "a.example" "198.51.100.1:80"'
    expect(errorOf('envoy', istio)).toMatch(/not a whole number|not of Envoy/)
  })
})

describe('haproxy', () => {
  const entry =
    '192.0.2.2:33317 [06/Feb/2026:12:14:14.655] http-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {shop.example} {} "GET /index.html HTTP/1.1"'
  const utc = { timeZone: 'UTC' }
  const expected = {
    ...request,
    time: '2026-02-06T12:14:14.655Z',
    protocol: 'HTTP/1.1',
    method: 'GET',
    status: 200,
    bytes_out_wire: 2_750,
    duration_us: 109_000,
    client_address: '192.0.2.2',
    path: '/index.html',
  }

  test('with and without a syslog prefix', () => {
    const prefixes = [
      '',
      'haproxy[14389]: ',
      'Feb  6 12:14:14 edge1 haproxy[14389]: ',
      '<134>Feb  6 12:14:14 haproxy[1]: ',
    ]
    for (const prefix of prefixes) expect(read('haproxy', prefix + entry, utc)).toEqual(expected)
    expect(read('haproxy', entry.replace('192.0.2.2', '2001:db8::2'), utc)['client_address']).toBe('2001:db8::2')
  })

  test('a time without a zone needs --timezone', () => {
    expect(errorOf('haproxy', entry)).toMatch(/has no zone; say which one the log is in with --timezone$/)
    expect(read('haproxy', entry, { timeZone: 'Asia/Tokyo' })['time']).toBe('2026-02-06T03:14:14.655Z')
    const at = (time: string) => entry.replace('06/Feb/2026:12:14:14.655', time)
    expect(read('haproxy', at('06/Feb/2026:12:14:14 +0100'))['time']).toBe('2026-02-06T11:14:14Z')
    // 02:30 came twice on 25 October 2026 in Berlin, and not at all on 29 March.
    expect(read('haproxy', at('25/Oct/2026:02:30:00.000'), { timeZone: 'Europe/Berlin' })['time']).toBe(
      '2026-10-25T00:30:00Z',
    )
    expect(errorOf('haproxy', at('29/Mar/2026:02:30:00.000'), { timeZone: 'Europe/Berlin' })).toMatch(/does not exist/)
    expect(errorOf('haproxy', at('31/Feb/2026:02:30:00.000'), utc)).toMatch(/does not exist/)
  })

  test('rules can name the frontend, backend, server and captures', () => {
    expect(['frontend', 'backend', 'server', 'captured_request'].map((f) => textOf('haproxy', entry, f, utc))).toEqual([
      'http-in',
      'static',
      'srv1',
      'shop.example',
    ])
  })

  test('bad requests, unfinished transfers, full URLs and TCP', () => {
    const bad =
      '192.0.2.2:1 [06/Feb/2026:12:14:14.655] http-in http-in/<NOSRV> -1/-1/-1/-1/5000 408 212 - - cR-- 0/0/0/0/0 0/0 "<BADREQ>"'
    expect(read('haproxy', bad, utc)).toEqual({
      ...request,
      time: '2026-02-06T12:14:14.655Z',
      status: 408,
      bytes_out_wire: 212,
      duration_us: 5_000_000,
      client_address: '192.0.2.2',
    })
    expect(errorOf('haproxy', entry.replace('200 2750', '200 +2750'), utc)).toMatch(/logasap/)
    expect(read('haproxy', entry.replace('GET /index.html', 'GET https://H.example/x'), utc)).toMatchObject({
      endpoint: 'h.example',
      path: '/x',
    })
    const tcp = '192.0.2.2:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0'
    expect(read('haproxy', tcp, utc)).toEqual({
      kind: 'tcp_connection',
      phase: 'final',
      protocol: 'tcp',
      time: '2026-02-06T12:12:51.443Z',
      bytes_out_wire: 212,
      duration_us: 5_007_000,
      client_address: '192.0.2.2',
    })
    expect(errorOf('haproxy', 'Feb  6 12:14:14 edge1 haproxy[1]: Proxy http-in started.', utc)).toMatch(/neither/)
  })
})

describe('traefik', () => {
  test('JSON', () => {
    const json = {
      ClientHost: '192.0.2.9',
      ClientUsername: '-',
      DownstreamContentSize: 321,
      DownstreamStatus: 200,
      Duration: 1_234_567,
      OriginContentSize: 999,
      RequestContentSize: 0,
      RequestHost: 'a.example',
      RequestMethod: 'GET',
      RequestPath: '/x?y',
      RequestProtocol: 'HTTP/2.0',
      StartUTC: '2026-01-02T03:04:05.678901234Z',
      RouterName: 'web@docker',
      'request_User-Agent': 'curl',
      time: '2026-01-02T03:04:06Z',
    }
    expect(read('traefik', JSON.stringify(json))).toEqual({
      ...request,
      time: '2026-01-02T03:04:05.678901Z',
      endpoint: 'a.example',
      protocol: 'HTTP/2.0',
      method: 'GET',
      status: 200,
      bytes_out_body: 321,
      bytes_in_body: 0,
      duration_us: 1_234,
      client_address: '192.0.2.9',
      path: '/x?y',
      user_agent: 'curl',
    })
    expect(textOf('traefik', JSON.stringify(json), 'RouterName')).toBe('web@docker')
  })

  test('CLF', () => {
    const clf =
      '192.0.2.9 - jo [02/Jan/2026:03:04:05 +0000] "GET /x HTTP/2.0" 200 321 "-" "curl/8" 17 "web@docker" "http://198.51.100.4:80" 12ms'
    expect(read('traefik', clf)).toEqual({
      ...request,
      time: '2026-01-02T03:04:05Z',
      protocol: 'HTTP/2.0',
      method: 'GET',
      status: 200,
      bytes_out_body: 321,
      duration_us: 12_000,
      client_address: '192.0.2.9',
      path: '/x',
      user_agent: 'curl/8',
    })
    expect([textOf('traefik', clf, 'RouterName'), textOf('traefik', clf, 'user')]).toEqual(['web@docker', 'jo'])
    expect(read('traefik', clf.replace(' 321 ', ' - '))).not.toHaveProperty('bytes_out_body')
    expect(errorOf('traefik', clf.replace(' 12ms', ''))).toMatch(/does not end as Traefik/)
  })
})

describe('alb', () => {
  const line =
    'https 2026-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 192.0.2.131:2817 198.51.100.1:80 0.086 0.048 0.037 200 200 10 57 "GET https://www.example.com:443/a?b HTTP/1.1" "curl/7.46.0 \\x22q\\x22" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:x" 1 2026-07-02T22:22:48.364000Z "forward" "-" "-" "198.51.100.1:80" "200" "-" "-" TID_1'

  test('received and sent bytes are the wire', () => {
    expect(read('alb', line)).toEqual({
      ...request,
      time: '2026-07-02T22:23:00.186641Z',
      endpoint: 'www.example.com',
      protocol: 'HTTP/1.1',
      method: 'GET',
      status: 200,
      bytes_in_wire: 10,
      bytes_out_wire: 57,
      duration_us: 171_000,
      client_address: '192.0.2.131',
      path: '/a?b',
      user_agent: 'curl/7.46.0 \\x22q\\x22',
    })
    expect(textOf('alb', line, 'elb')).toBe('app/my-lb/50dc6c495c0c9188')
  })

  test('times that are not known, requests that are none, and lines cut off', () => {
    expect(read('alb', line.replace('0.086 0.048 0.037 200 200', '-1 -1 -1 502 -'))).not.toHaveProperty('duration_us')
    expect(
      read('alb', line.replace('"GET https://www.example.com:443/a?b HTTP/1.1"', '"- http://a:80- -"')),
    ).toMatchObject({ bytes_out_wire: 57 })
    expect(errorOf('alb', line.slice(0, 120))).toMatch(/the line has \d+ fields/)
    expect(errorOf('alb', line.replace(' 10 57 ', ' 1o 57 '))).toMatch(/received_bytes is not a whole number/)
    expect(errorOf('alb', line.replace('https', 'httpx'))).toMatch(/not a type of request/)
  })
})

describe('cloudflare-logpush', () => {
  const entry = {
    RayID: '3a6050bcbe121a87',
    ClientIP: '192.0.2.1',
    ClientRequestHost: 'a.example',
    ClientRequestMethod: 'GET',
    ClientRequestURI: '/p?q',
    ClientRequestProtocol: 'HTTP/2',
    ClientRequestBytes: 300,
    EdgeResponseBytes: 4_000,
    EdgeResponseBodyBytes: 3_500,
    EdgeResponseStatus: 200,
    EdgeColoCode: 'FRA',
    OriginResponseBytes: 9_999,
  }
  const line = (start: string, end: string): string =>
    `${JSON.stringify(entry).slice(0, -1)},"EdgeStartTimestamp":${start},"EdgeEndTimestamp":${end}}`

  test('times in seconds, nanoseconds as a number or text beyond 2^53, and RFC 3339', () => {
    const expected = {
      ...request,
      id: '3a6050bcbe121a87',
      endpoint: 'a.example',
      protocol: 'HTTP/2',
      region: 'FRA',
      method: 'GET',
      status: 200,
      bytes_out_wire: 4_000,
      bytes_out_body: 3_500,
      bytes_in_wire: 300,
      client_address: '192.0.2.1',
      path: '/p?q',
    }
    const nanos = { ...expected, time: '2026-01-02T03:04:05.123456Z', duration_us: 123_456 }
    expect(read('cloudflare-logpush', line('1767323045000000000', '1767323045123456789'))).toEqual(nanos)
    expect(read('cloudflare-logpush', line('"1767323045000000000"', '"1767323045123456789"'))).toEqual(nanos)
    expect(read('cloudflare-logpush', line('1767323044', '1767323045'))).toEqual({
      ...expected,
      time: '2026-01-02T03:04:05Z',
      duration_us: 1_000_000,
    })
    expect(read('cloudflare-logpush', line('"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05Z"'))).toEqual({
      ...expected,
      time: '2026-01-02T03:04:05Z',
      duration_us: 0,
    })
  })

  test('a request of a Worker is marked', () => {
    const found = read('cloudflare-logpush', line('1767323044', '1767323045').replace('{', '{"WorkerSubrequest":true,'))
    expect(found['attributes']).toEqual({ worker_subrequest: 'true' })
  })
})
