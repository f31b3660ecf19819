import { describe, expect, test } from 'vitest'
import { formats } from './formats.ts'
import { ngrokEventsReader } from './ngrok-events.ts'

const read = ngrokEventsReader([])

function bodyOf(event: Record<string, unknown>) {
  const found = read(
    JSON.stringify({
      event_id: 'ev_1',
      account_id: 'ac_1',
      event_timestamp: '2026-08-01T10:00:00.123456789Z',
      ...event,
    }),
  )
  if (!found.ok) throw new Error(found.error)
  return JSON.parse(JSON.stringify(found.value.body)) as Record<string, unknown>
}

const http = 'http_request_complete.v0'
const tcp = 'tcp_connection_closed.v0'
const bare = { id: 'ev_1', time: '2026-08-01T10:00:00.123456Z', phase: 'final' }

function errorOf(line: unknown): string | undefined {
  const found = read(JSON.stringify(line))
  return found.ok ? undefined : found.error
}

describe('ngrok-events', () => {
  test('an HTTP request, nested', () => {
    const object = {
      conn: { client_ip: '192.0.2.7', server_name: 'other.example', server_port: '', start_ts: '2026-08-01T09:59:58Z' },
      http: {
        request: {
          method: 'get',
          version: 'HTTP/2.0',
          body_length: 0,
          first_byte_ts: '2026-08-01T10:00:00.000000001Z',
          url: { host: 'App.Example', path: '/x', query: 'a=1', raw: 'https://app.example/x?a=1', scheme: 'https' },
          user_agent: 'curl/8',
          headers: { 'User-Agent': ['curl/8'] },
        },
        response: { status_code: 200, body_length: 9007199254740991, last_byte_ts: '2026-08-01T10:00:00.250Z' },
      },
    }
    expect(bodyOf({ event_type: http, object })).toEqual({
      ...bare,
      kind: 'http_request',
      endpoint: 'app.example',
      protocol: 'HTTP/2.0',
      method: 'GET',
      status: 200,
      bytes_in_body: 0,
      bytes_out_body: '9007199254740991',
      duration_us: 250_000,
      client_address: '192.0.2.7',
      path: '/x?a=1',
      user_agent: 'curl/8',
    })
  })

  test('any field may be absent, and names may be dotted', () => {
    expect(bodyOf({ event_type: http, object: {} })).toEqual({ ...bare, kind: 'http_request' })
    expect(bodyOf({ event_type: http })).toEqual({ ...bare, kind: 'http_request' })
    expect(bodyOf({ event_type: http, object: null })).toEqual({ ...bare, kind: 'http_request' })
    const object = {
      'conn.server_name': 'app.example',
      'http.request.method': 'POST',
      'http.response.body_length': '18446744073709551615',
      'http.response': { status_code: '204' },
    }
    expect(bodyOf({ event_type: http, object })).toEqual({
      ...bare,
      kind: 'http_request',
      endpoint: 'app.example',
      method: 'POST',
      status: 204,
      bytes_out_body: '18446744073709551615',
    })
  })

  test('a TCP connection carries wire bytes, and its port belongs to the endpoint', () => {
    const conn = {
      bytes_in: 10,
      bytes_out: 2000,
      server_name: '1.tcp.example',
      server_port: 20_034,
      start_ts: '2026-08-01T09:00:00Z',
      end_ts: '2026-08-01T10:00:00Z',
    }
    const counted = {
      ...bare,
      kind: 'tcp_connection',
      bytes_in_wire: 10,
      bytes_out_wire: 2000,
      duration_us: 3_600_000_000,
    }
    expect(bodyOf({ event_type: tcp, object: { conn } })).toEqual({ ...counted, endpoint: '1.tcp.example:20034' })
    expect(bodyOf({ event_type: tcp, object: { conn: { ...conn, server_port: '' } } })).toEqual({
      ...counted,
      endpoint: '1.tcp.example',
    })
    const late = bodyOf({ event_type: tcp, event_timestamp: null, object: { conn } })
    expect(late['time']).toBe('2026-08-01T10:00:00Z')
  })

  test('agent sessions start and stop', () => {
    const object = {
      session: { id: 'ts_1' },
      region: 'eu',
      transport: 'muxado',
      agent_ip: '192.0.2.8',
      user_agent: 'agent/3.5.0 (linux)',
      os: 'linux',
      arch: 'amd64',
    }
    const session = {
      ...bare,
      kind: 'session',
      session: 'ts_1',
      region: 'eu',
      protocol: 'muxado',
      client_address: '192.0.2.8',
      user_agent: 'agent/3.5.0 (linux)',
      client: 'agent',
      client_version: '3.5.0',
      attributes: { os: 'linux', arch: 'amd64', heartbeat_seconds: '0' },
    }
    expect(bodyOf({ event_type: 'agent_session_start.v0', object })).toEqual({ ...session, phase: 'start' })
    const times = { started_at: '2026-08-01T09:00:00Z', stopped_at: '2026-08-01T09:00:01Z' }
    expect(bodyOf({ event_type: 'agent_session_stop.v0', object: { ...object, ...times } })).toEqual({
      ...session,
      duration_us: 1_000_000,
    })
    const silent = bodyOf({ event_type: 'agent_session_start.v0', object: { session: { id: 'ts_1' } } })
    expect(silent).toMatchObject({ session: 'ts_1', attributes: { heartbeat_seconds: '0' } })
    expect([silent['client'], silent['client_version']]).toEqual([undefined, undefined])
  })

  test('the account is the account_id, and rules see any field', () => {
    expect(formats['ngrok-events'].accountRule).toEqual({ kind: 'field', field: 'account_id' })
    const found = read(
      JSON.stringify({
        account_id: 'ac_1',
        event_type: http,
        event_timestamp: '2026-08-01T10:00:00Z',
        object: { http: { request: { method: 'GET', url: { path: '/t/x', host: 'h.example' } } } },
      }),
    )
    if (!found.ok) throw new Error(found.error)
    expect(['account_id', 'request', 'host', 'http.request.url.path', 'user'].map(found.value.textOf)).toEqual([
      'ac_1',
      'GET /t/x',
      'h.example',
      '/t/x',
      undefined,
    ])
  })

  test('other lines are said to be what they are', () => {
    expect(errorOf({ event_type: 'api_key_created.v0' })).toBe('"api_key_created.v0" is not a traffic event')
    expect(errorOf({ event_id: 'ev_1' })).toBe('the line has no event_type')
    expect(errorOf({ event_type: http })).toBe('the line has no time')
    expect(errorOf({ event_type: http, event_timestamp: 'soon' })).toMatch(/^the time "soon" is not/)
    expect(
      errorOf({ event_type: tcp, event_timestamp: '2026-08-01T10:00:00Z', object: { conn: { bytes_in: 'many' } } }),
    ).toBe('conn.bytes_in is not a whole number: "many"')
  })
})
