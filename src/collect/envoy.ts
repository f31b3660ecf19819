import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { envoyJsonReader } from './envoy-json.ts'
import { requestField } from './json-log.ts'
import type { EventBody, FieldMapping, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseDuration, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { factText, hostOf, inspectionText, methodOf } from './request-line.ts'

/** Envoy's default text format, Istio's, or JSON with the usual names; a line shows which of them it is. */
export function envoyReader(mappings: readonly FieldMapping[]): LineReader {
  const readJson = envoyJsonReader(mappings)
  return (line) => (line.startsWith('{') ? readJson(line) : readText(line))
}

/**
 * `[START_TIME] "METHOD PATH PROTOCOL" RESPONSE_CODE RESPONSE_FLAGS BYTES_RECEIVED BYTES_SENT DURATION
 * UPSTREAM_SERVICE_TIME "X-FORWARDED-FOR" "USER-AGENT" "X-REQUEST-ID" "AUTHORITY" "UPSTREAM_HOST"`.
 * Envoy escapes nothing, so the last three are read from the end, where no user agent with quotes can reach them.
 */
const textPattern =
  /^\[(?<at>[^\]]{1,40})\] "(?<method>\S+) (?<path>\S+) (?<protocol>\S+)" (?<code>\d+|-) \S+ (?<in>\S+) (?<out>\S+) (?<duration>\S+) \S+ "(?<forwarded>[^"]*)" "(?<agent>.*)" "(?<id>[^"]*)" "(?<authority>[^"]*)" "[^"]*"$/s

/**
 * Istio's default: after the flags it has the details of code and termination and the failure of the upstream, and
 * at the end cluster, addresses, server name and route. The named groups are the same.
 */
const istioPattern =
  /^\[(?<at>[^\]]{1,40})\] "(?<method>\S+) (?<path>\S+) (?<protocol>\S+)" (?<code>\d+|-) \S+ \S+ \S+ "[^"]*" (?<in>\S+) (?<out>\S+) (?<duration>\S+) \S+ "(?<forwarded>[^"]*)" "(?<agent>.*)" "(?<id>[^"]*)" "(?<authority>[^"]*)" "[^"]*" \S+ \S+ \S+ \S+ \S+ \S+$/s

function known(text: string | undefined): string | undefined {
  return text === '' || text === '-' ? undefined : text
}

/**
 * BYTES_RECEIVED and BYTES_SENT are the bytes of the bodies in HTTP, and in TCP those of the connection (Envoy
 * documentation, command operators). In TCP there is no method, path nor protocol, and the code is 0.
 */
function readText(line: string): Result<ReadLine, string> {
  const groups = (textPattern.exec(line) ?? istioPattern.exec(line))?.groups
  if (groups === undefined) return fail("the line is not of Envoy's default format, nor of Istio's")
  const { at, method, path, protocol, code, in: inText, out: outText, duration: durationText } = groups
  const { forwarded, agent, id, authority } = groups
  const isTcp = method === '-' && path === '-' && protocol === '-' && code === '0'
  const time = utcOf(at)
  if (!time.ok) return time
  const status = parseStatus(isTcp ? undefined : known(code))
  if (!status.ok) return fail(`the code ${status.error}`)
  const received = parseCount(known(inText))
  if (!received.ok) return fail(`the bytes received ${received.error}`)
  const sent = parseCount(known(outText))
  if (!sent.ok) return fail(`the bytes sent ${sent.error}`)
  const duration = parseDuration('ms')(known(durationText))
  if (!duration.ok) return fail(`the duration ${duration.error}`)
  const body: EventBody = {
    id: factText(known(id)),
    kind: isTcp ? 'tcp_connection' : 'http_request',
    phase: 'final',
    time: time.value,
    endpoint: hostOf(known(authority)),
    protocol: isTcp ? 'tcp' : known(protocol),
    method: methodOf(known(method)),
    status: status.value,
    ...(isTcp
      ? { bytes_out_wire: sent.value, bytes_in_wire: received.value }
      : { bytes_out_body: sent.value, bytes_in_body: received.value }),
    duration_us: duration.value,
    client_address: cut(forwarded),
    path: cut(path),
    user_agent: cut(agent),
  }
  return ok({ body, textOf: (field) => requestField(field, { body, request: undefined, user: undefined }) })
}

function cut(text: string | undefined): string | undefined {
  const value = known(text)
  return value === undefined ? undefined : inspectionText(value)
}
