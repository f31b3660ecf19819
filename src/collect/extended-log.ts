import { dayMicros, formatInstant, parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { requestField } from './json-log.ts'
import { mapNames } from './line-reader.ts'
import type { EventBody, FieldMapping, FieldNames, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseDuration, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { quotedFields } from './quoted-fields.ts'
import { factText, hostOf, inspectionText, methodOf } from './request-line.ts'

/**
 * Extended log files (W3C): directives begin with `#`, and `#Fields:` says what the lines after it hold, until the
 * next one. Directives are not events and take no number: the number of a line is how many lines that are no
 * directive stand up to it, which is stable because directives are part of the content.
 *
 * CloudFront: sc-bytes is "the total number of bytes that the server sent to the viewer in response to the request,
 * including headers", cs-bytes "that the viewer (client) included in the request, including headers" (AWS
 * documentation, standard logs); IIS counts headers too. So both are the wire, and the body stays unknown.
 * sc-content-len is what a header promised and not what was sent.
 */
export const extendedNames = {
  id: ['x-edge-request-id'],
  endpoint: ['x-host-header', 'cs(Host)', 'cs-host'],
  protocol: ['cs-protocol-version', 'cs-version'],
  region: ['x-edge-location'],
  method: ['cs-method'],
  path: ['cs-uri-stem', 'cs-uri'],
  query: ['cs-uri-query'],
  status: ['sc-status'],
  bytes_out_wire: ['sc-bytes'],
  bytes_in_wire: ['cs-bytes'],
  request_time: ['time-taken'],
  user: ['cs-username'],
  client_address: ['c-ip'],
  user_agent: ['cs(User-Agent)'],
  referer: ['cs(Referer)'],
} as const satisfies Record<string, readonly string[]>
type Field = keyof typeof extendedNames

/** What the directives so far say about the lines to come. */
interface Directives {
  readonly fields: readonly string[]
  /** IIS writes milliseconds where the standard and CloudFront have seconds, and `+` for spaces. */
  readonly isMicrosoft: boolean
  /** `#Date:`: when the lines after it begin, for logs that have the time of day only. UTC. */
  readonly date: { readonly day: string; readonly next: string; readonly clock: string } | undefined
}

const fieldsMax = 256
const datePattern = /^#Date:\s*(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})/i

export function extendedLogReader(mappings: readonly FieldMapping[]): LineReader {
  const names = mapNames<Field>(extendedNames, mappings)
  let directives: Directives = { fields: [], isMicrosoft: false, date: undefined }
  let software: string | undefined
  let dated: string | undefined
  let layout: string | undefined
  const entriesOf = (line: string): readonly string[] => {
    if (!line.startsWith('#')) return [line]
    if (/^#Software:/i.test(line)) software = line
    if (/^#Fields:/i.test(line)) layout = line
    if (datePattern.test(line)) dated = line
    directives = {
      fields: layout?.slice('#Fields:'.length).trim().split(/\s+/).slice(0, fieldsMax) ?? [],
      isMicrosoft: /^#Software:\s*Microsoft/i.test(software ?? ''),
      date: datedBy(dated),
    }
    return []
  }
  const preamble = (): readonly string[] => [software, dated, layout].filter((line) => line !== undefined)
  return Object.assign((line: string) => readLine(line, directives, names), { entriesOf, preamble })
}

function readLine(line: string, directives: Directives, names: FieldNames<Field>): Result<ReadLine, string> {
  const { fields } = directives
  if (fields.length === 0) return fail('no #Fields: line stands before this one, so nobody knows what it holds')
  const values = line.includes('\t') ? line.split('\t') : quotedFields(line.trimEnd(), fieldsMax)
  if (values.length !== fields.length)
    return fail(`the line has ${values.length} fields, and the last #Fields: names ${fields.length}`)
  const record = new Map(fields.map((name, index) => [name.toLowerCase(), values[index] ?? '']))
  const named = (name: string): string | undefined => {
    const value = record.get(name.toLowerCase())
    return value === undefined || value === '' || value === '-' ? undefined : value
  }
  const text = (field: Field): string | undefined => names[field].map(named).find((value) => value !== undefined)
  return readFields(named, text, directives)
}

type Lookup<Name> = (name: Name) => string | undefined

function datedBy(directive: string | undefined): Directives['date'] {
  const [, day = '', clock = ''] = datePattern.exec(directive ?? '') ?? []
  const instant = parseInstant(`${day}T${clock}Z`)
  if (!instant.ok) return undefined
  return { day, clock, next: formatInstant((instant.value + dayMicros) as Micros).slice(0, 10) }
}

/** A log without a date is of the day of its `#Date:`; a time of day before that one's is of the next. */
function dayOf(clock: string | undefined, { date }: Directives): string | undefined {
  if (date === undefined || clock === undefined || clock >= date.clock) return date?.day
  return date.next
}

function readFields(named: Lookup<string>, text: Lookup<Field>, directives: Directives): Result<ReadLine, string> {
  const { isMicrosoft } = directives
  const clock = named('time')
  const date = named('date') ?? dayOf(clock, directives)
  if (date === undefined || clock === undefined) return fail('the line has no date and time')
  const time = utcOf(`${date}T${clock}Z`)
  if (!time.ok) return time
  const status = parseStatus(text('status'))
  if (!status.ok) return fail(`the status ${status.error}`)
  const sent = parseCount(text('bytes_out_wire'))
  if (!sent.ok) return fail(`sc-bytes ${sent.error}`)
  const received = parseCount(text('bytes_in_wire'))
  if (!received.ok) return fail(`cs-bytes ${received.error}`)
  const taken = parseDuration(isMicrosoft ? 'ms' : 's')(text('request_time'))
  if (!taken.ok) return fail(`time-taken ${taken.error}`)
  const prose = (field: Field): string | undefined => decoded(text(field), isMicrosoft)
  const [stem, query] = [text('path'), text('query')]
  const body: EventBody = {
    id: factText(text('id')),
    kind: 'http_request',
    phase: 'final',
    time: time.value,
    endpoint: hostOf(text('endpoint')),
    protocol: factText(text('protocol')),
    region: factText(text('region')),
    method: methodOf(text('method')),
    status: status.value,
    bytes_out_wire: sent.value,
    bytes_in_wire: received.value,
    duration_us: taken.value,
    client_address: prose('client_address'),
    path: stem === undefined ? undefined : inspectionText(query === undefined ? stem : `${stem}?${query}`),
    user_agent: prose('user_agent'),
    referer: prose('referer'),
  }
  const user = text('user')
  return ok({ body, textOf: (field) => requestField(field, { body, request: undefined, user }) ?? named(field) })
}

/** A text for people: CloudFront encodes it once or twice (%20, %2520), IIS writes + for a space. */
function decoded(text: string | undefined, isMicrosoft: boolean): string | undefined {
  if (text === undefined) return undefined
  let value = isMicrosoft ? text.replaceAll('+', ' ') : text
  for (let round = 0; round < 2 && value.includes('%'); round += 1) {
    try {
      value = decodeURIComponent(value)
    } catch {
      break
    }
  }
  return inspectionText(value)
}
