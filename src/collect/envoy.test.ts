import { describe, expect, test } from 'vitest'
import { envoyReader } from './envoy.ts'

/** What a line says, without what it leaves open. */
function read(line: string): unknown {
  const found = envoyReader([])(line)
  return found.ok ? JSON.parse(JSON.stringify(found.value.body)) : found.error
}

describe('envoy in an Istio mesh', () => {
  test("Istio's default format, HTTP and TCP", () => {
    // From Istio's documentation, "Envoy Access Logs".
    const istio =
      '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 3 1 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "127.0.0.1:80" inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.httpbin.foo.svc.cluster.local default'
    expect(read(istio)).toEqual({
      kind: 'http_request',
      phase: 'final',
      id: '84961386-6d84-929d-98bd-c5aee93b5c88',
      time: '2020-11-25T21:26:18.409Z',
      endpoint: 'httpbin',
      protocol: 'HTTP/1.1',
      method: 'GET',
      status: 418,
      bytes_in_body: 0,
      bytes_out_body: 135,
      duration_us: 3_000,
      path: '/status/418',
      user_agent: 'curl/7.73.0-DEV',
    })
    const tcp =
      '[2020-11-25T21:26:18.409Z] "- - -" 0 - - - "-" 147 78 3001 - "-" "-" "-" "-" "10.44.1.27:9000" outbound|9000||a.example 10.44.1.1:5 10.44.1.27:80 10.44.1.23:37652 - -'
    expect(read(tcp)).toMatchObject({ kind: 'tcp_connection', bytes_in_wire: 147, bytes_out_wire: 78 })
    const json = { start_time: '2020-11-25T21:26:18.409Z', response_code: 0, bytes_sent: 78, bytes_received: 147 }
    expect(read(JSON.stringify({ ...json, method: null, path: null, protocol: null }))).toMatchObject({
      kind: 'tcp_connection',
      bytes_in_wire: 147,
      bytes_out_wire: 78,
    })
  })
})
