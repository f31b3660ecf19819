import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { unescapeLogText } from './escapes.ts'
import type { EventBody, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { inspectionText, parseRequestLine } from './request-line.ts'

/**
 * The combined log format of nginx and Apache:
 * `address ident user [time] "request" status bytes "referer" "user agent"`, and whatever an installation adds.
 * Its only size is that of the body; `-` for it means that none is known, which is not 0 (L13).
 */
export const combinedReader: LineReader = (line) => {
  const parts = splitLine(line)
  return parts.ok ? readParts(parts.value) : parts
}

interface Parts {
  readonly address: string
  readonly user: string
  readonly time: string
  readonly request: string
  readonly status: string
  readonly size: string
  readonly referer: string
  readonly userAgent: string
}

const beforeRequest = /^(\S+) (\S+) (.*)$/
const afterRequest = /^ (\S+) (\S+) /

function splitLine(line: string): Result<Parts, string> {
  const timeAt = timeStart(line)
  if (timeAt < 0) return fail('the line has no [time] followed by a quoted request')
  const [, address, , user] = beforeRequest.exec(line.slice(0, timeAt)) ?? []
  if (address === undefined || user === undefined) return fail('the line does not begin with address, ident and user')
  const request = quotedAt(line, timeAt + timeLength + 4)
  const [middle, status, size] = afterRequest.exec(line.slice(request.end)) ?? []
  // A line that ends right after digits may have been cut inside the number, so its size is not known.
  if (middle === undefined || status === undefined || size === undefined)
    return fail('the line ends before referer and user agent, so its size may be cut off')
  const referer = quotedAt(line, request.end + middle.length)
  const userAgent = quotedAt(line, referer.end + 1)
  const time = line.slice(timeAt + 2, timeAt + 2 + timeLength)
  return ok({
    address,
    user,
    time,
    request: request.text,
    status,
    size,
    referer: referer.text,
    userAgent: userAgent.text,
  })
}

const timeLength = '17/May/2015:10:05:03 +0000'.length

/**
 * Where ` [time] "` begins. A user name may contain spaces and brackets but no bare quote, so it cannot
 * pretend to be the time.
 */
function timeStart(line: string): number {
  for (let end = line.indexOf('] "'); end >= 0; end = line.indexOf('] "', end + 1)) {
    const start = end - timeLength - 2
    if (start > 0 && line.startsWith(' [', start)) return start
  }
  return -1
}

/**
 * The quoted text that begins here. It ends at a quote that is not escaped and stands before a space or the
 * end, so that the bare quotes of very old servers do no harm; without one it is the rest of a line that was cut.
 */
function quotedAt(line: string, start: number): { readonly text: string; readonly end: number } {
  if (line[start] !== '"') return { text: '', end: start }
  for (let at = start + 1; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1
    else if (line[at] === '"' && (at + 1 === line.length || line[at + 1] === ' '))
      return { text: line.slice(start + 1, at), end: at + 1 }
  }
  return { text: line.slice(start + 1), end: line.length }
}

function known(text: string): string | undefined {
  return text === '' || text === '-' ? undefined : unescapeLogText(text)
}

function inspection(text: string): string | undefined {
  const value = known(text)
  return value === undefined ? undefined : inspectionText(value)
}

function readParts(parts: Parts): Result<ReadLine, string> {
  const time = utcOf(parts.time)
  if (!time.ok) return time
  const status = parseStatus(known(parts.status))
  if (!status.ok) return fail(`the status ${status.error}`)
  const size = parseCount(known(parts.size))
  if (!size.ok) return fail(`the size ${size.error}`)
  const request = known(parts.request)
  const { method, path, protocol } = parseRequestLine(request)
  const body: EventBody = {
    kind: 'http_request',
    phase: 'final',
    time: time.value,
    protocol,
    method,
    status: status.value,
    bytes_out_body: size.value,
    client_address: inspection(parts.address),
    path,
    user_agent: inspection(parts.userAgent),
    referer: inspection(parts.referer),
  }
  return ok({ body, textOf: (field) => ruleText(field, { body, request, user: known(parts.user) }) })
}

interface RuleSource {
  readonly body: EventBody
  readonly request: string | undefined
  readonly user: string | undefined
}

function ruleText(field: string, { body, request, user }: RuleSource): string | undefined {
  switch (field) {
    case 'request':
      return request
    case 'user':
      return user
    case 'path':
    case 'method':
    case 'client_address':
    case 'user_agent':
      return body[field]
    default:
      return undefined
  }
}
