import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import type { ReceivedLine } from './numbered-lines.ts'
import { parseExport } from './otlp-depth.ts'
import { OtlpEntries, attributesOf, entriesOfExport } from './otlp-json.ts'
import { decodeExport } from './otlp-proto.ts'

export type OtlpEncoding = 'json' | 'protobuf'

export interface ExportFault {
  readonly kind: 'broken' | 'too-large'
  readonly message: string
}

/** An unpacked body of POST /v1/logs as the lines that its records are. */
export function linesOfExport(body: Buffer, encoding: OtlpEncoding): Result<readonly ReceivedLine[], ExportFault> {
  return encoding === 'json' ? jsonLines(body) : protobufLines(body)
}

function lineOf(text: string): ReceivedLine {
  const bytes = Buffer.from(text)
  return { bytes, length: bytes.length }
}

const broken = (message: string): ExportFault => ({ kind: 'broken', message })

function jsonLines(body: Buffer): Result<readonly ReceivedLine[], ExportFault> {
  const request = parseExport(body.toString('utf8'))
  if (!request.ok) return fail(broken(request.error.replace(/^the line/, 'the body')))
  // An export without anything in it may leave the list out.
  if (Object.keys(request.value).length === 0) return ok([])
  const entries = entriesOfExport(request.value)
  if (entries.ok) return ok(entries.value.map(lineOf))
  const kind = entries.error.startsWith('the export') ? 'too-large' : 'broken'
  return fail({ kind, message: entries.error })
}

function protobufLines(body: Buffer): Result<readonly ReceivedLine[], ExportFault> {
  const resources = decodeExport(body)
  if (!resources.ok && resources.error === 'broken')
    return fail(broken('the body is not an ExportLogsServiceRequest in binary protobuf'))
  const entries = new OtlpEntries()
  if (!resources.ok) return fail({ kind: 'too-large', message: entries.excess })
  const lines: ReceivedLine[] = []
  for (const { resource, records } of resources.value) {
    const shared = attributesOf(resource)
    for (const record of records) {
      const fits = record.ok ? entries.add(record.value, shared) : entries.addText('')
      if (!fits) return fail({ kind: 'too-large', message: entries.excess })
      const line = lineOf(entries.texts.at(-1) ?? '')
      lines.push(record.ok ? line : { ...line, fault: record.error })
    }
  }
  return ok(lines)
}

/**
 * A reader for records that arrive by OTLP. An exporter that had no answer sends again, perhaps to another agent, and
 * nothing in the protocol tells that apart from new records. So a record with an id of its own (`log.record.uid`, or
 * what `--map id=` names) is known by this source and its id: it counts once whenever it comes again, also to other
 * agents with the same `--shared-source`. One without has the number that this agent gives it, and counts as often as
 * it arrives.
 */
export function ownIdentityReader(
  reader: LineReader,
  source: string,
): LineReader & { readonly withoutId: () => number } {
  let withoutId = 0
  const read: LineReader = (entry) => {
    const found = reader(entry)
    if (!found.ok) return found
    if (found.value.body.id !== undefined) return ok({ ...found.value, body: { ...found.value.body, source } })
    withoutId += 1
    return found
  }
  return Object.assign(read, { withoutId: () => withoutId })
}

export function encodingOf(contentType: string | undefined): OtlpEncoding | undefined {
  switch (contentType?.split(';')[0]?.trim().toLowerCase()) {
    case 'application/json':
      return 'json'
    case 'application/x-protobuf':
      return 'protobuf'
    default:
      return undefined
  }
}

export const bodyTooLarge = `the body has more than ${limits.otlpBodyBytesMax} bytes unpacked; send smaller batches`
