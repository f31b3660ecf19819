import { isUtf8 } from 'node:buffer'
import type { UnreadableInput } from '../core/event.ts'
import { applyAccountRule } from './account-rule.ts'
import type { AccountRule, RuleOutcome } from './account-rule.ts'
import { showBytes } from './escapes.ts'
import { limits } from './limits.ts'
import type { EventBody, LineReader, ReadLine } from './line-reader.ts'
import type { SplitLine } from './line-splitter.ts'
import { OpenConnections } from './open-connections.ts'

/** One line as it goes to the service. Every line of a file becomes exactly one of these (L1). */
export interface OutgoingLine {
  readonly json: string
  readonly unreadable: boolean
  /** Why it cannot be read. */
  readonly reason?: string
  /** False when the event has an identity of its own and used no number. */
  readonly numbered: boolean
  /** What the account rule said; undefined without a rule and for lines that cannot be read. */
  readonly account: RuleOutcome['kind'] | undefined
  /** False when a line that could be read says nothing about bytes sent, which is not the same as 0 (L13). */
  readonly hasSize: boolean
  /** RFC 3339; undefined where there is none. */
  readonly time: string | undefined
}

export interface LineContext {
  readonly source: string
  /** Names the numbering; without one it is the file's own. */
  readonly epoch?: string
  readonly reader: LineReader
  readonly rule: AccountRule | undefined
  /** Remembers what was counted of connections that go on; without it they are counted at their end. */
  readonly connections?: OpenConnections
  /** Where the line is from, because two edges may give their connections the same names. */
  readonly scope?: string
}

const forgetful = new OpenConnections(undefined)

/** A line, or something that came in the place of one and cannot be read for this reason. */
export type NumberedLine = SplitLine & { readonly fault?: string | undefined }

const count = new Intl.NumberFormat('en-US')

function unreadable(line: SplitLine, { source, epoch }: LineContext, message: string): OutgoingLine {
  const kept = line.bytes.subarray(0, limits.unreadableKeptBytes)
  const cut = line.bytes.length > kept.length
  const input: UnreadableInput = {
    source,
    ...(epoch === undefined ? {} : { epoch }),
    seq: line.number,
    unreadable: {
      message: cut ? `${message}; the line has ${count.format(line.length)} bytes, its beginning is kept` : message,
      line: showBytes(kept),
    },
  }
  return {
    json: JSON.stringify(input),
    unreadable: true,
    reason: message,
    numbered: true,
    account: undefined,
    hasSize: true,
    time: undefined,
  }
}

/** Text of a line without the carriage return that some systems write before the newline. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

/** What is wrong with the line before anybody reads it. */
function faultOf(line: SplitLine): string | undefined {
  if (line.length > limits.lineBytesMax)
    return `the line has ${count.format(line.length)} bytes, more than ${count.format(limits.lineBytesMax)}; its first ${count.format(limits.overlongKeptBytes)} are kept`
  return isUtf8(line.bytes) ? undefined : 'the line is not valid UTF-8; its broken bytes are shown as \\xNN'
}

/** Reads a line and gives it its number: an event, or what stands in the place of one. */
export function outgoingLine(line: NumberedLine, context: LineContext): OutgoingLine {
  const { source, epoch, reader, rule } = context
  const fault = line.fault ?? faultOf(line)
  if (fault !== undefined) return unreadable(line, context, fault)
  // A byte order mark can only stand at the beginning of a file.
  const text = textOf(line.number === 1 ? withoutByteOrderMark(line.bytes) : line.bytes)
  if (text.trim() === '') return unreadable(line, context, 'the line is blank')
  const read = reader(text)
  if (!read.ok) return unreadable(line, context, read.error)
  const body = countedBody(read.value, context)
  const outcome = rule === undefined ? undefined : applyAccountRule(rule, read.value.textOf)
  const event: EventBody = {
    source,
    epoch: body.source === undefined ? epoch : undefined,
    // A body that has a source has an identity of its own, which needs no number of ours.
    seq: body.source === undefined ? line.number : undefined,
    ...body,
    ...(outcome === undefined ? {} : { account: outcome.kind === 'account' ? outcome.account : undefined }),
  }
  const json = JSON.stringify(event)
  if (json.length > limits.eventCharactersMax)
    return unreadable(
      line,
      context,
      `the event has ${count.format(json.length)} characters, more than ${count.format(limits.eventCharactersMax)}`,
    )
  const hasSize = body.kind !== 'http_request' || body.bytes_out_body !== undefined || body.bytes_out_wire !== undefined
  const numbered = body.source === undefined
  return { json, unreadable: false, numbered, account: outcome?.kind, hasSize, time: body.time }
}

function countedBody({ body, cumulative }: ReadLine, context: LineContext): EventBody {
  if (cumulative === undefined) return body
  const { connections = forgetful, scope = '' } = context
  return connections.difference(body, { ...cumulative, connection: `${scope}\n${cumulative.connection}` })
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}
