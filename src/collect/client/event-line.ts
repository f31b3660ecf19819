import { inspect } from 'node:util'
import type { EventInput, WireCount } from '../../core/event.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { limits } from './limits.ts'

type Given = Omit<EventInput, 'source' | 'epoch' | 'seq' | 'time' | 'recorded_time'>

/**
 * An event as a service records it: without source, epoch and number, which are the client's. Counts may be bigints.
 * A field that is undefined is not known, which is never zero (L13).
 */
export type RecordedEvent = {
  readonly [Field in keyof Given]: Given[Field] | (WireCount extends Given[Field] ? bigint : never) | undefined
} & {
  /** When it happened. Absent: now. */
  readonly time?: string | Date | undefined
  readonly recorded_time?: string | Date | undefined
}

/** A record as one line: `{…}` an event without source and number, or `!{…}` what stands in the place of one. */
export interface RecordLine {
  readonly line: string
  /** Why it is no event. */
  readonly fault: string | undefined
}

const owned = new Set(['source', 'epoch', 'seq', 'unreadable', '__proto__'])

/** A record that cannot be an event; the message says why. */
class Unfit extends Error {}

function valueOf(field: string, value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      // JSON has no NaN: it would become null, "not known", and its bytes would be gone without a word.
      if (!Number.isFinite(value)) throw new Unfit(`${field} is ${value}`)
      return value
    case 'bigint':
      return String(value)
    case 'object':
      if (!(value instanceof Date)) return value
      if (Number.isNaN(value.getTime())) throw new Unfit(`${field} is an invalid date`)
      return value.toISOString()
    case 'function':
    case 'symbol':
      throw new Unfit(`${field} is a ${typeof value}`)
  }
}

/** Reads every field once: a getter may throw, or say something else the second time. */
function jsonOf(event: unknown, now: () => Micros): string {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new Unfit('an event is an object')
  const copy: Record<string, unknown> = {}
  for (const field in event) {
    if (owned.has(field)) throw new Unfit(`${field} is given by the client, leave it out`)
    copy[field] = valueOf(field, (event as Readonly<Record<string, unknown>>)[field])
  }
  copy['time'] ??= formatInstant(now())
  const json = JSON.stringify(copy)
  if (json.length > limits.recordCharactersMax)
    throw new Unfit(`the event has ${json.length} characters, at most ${limits.recordCharactersMax}`)
  return json
}

function messageOf(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : String(error)
    return message.slice(0, limits.unreadableMessageCharacters).toWellFormed()
  } catch {
    return 'it throws something that cannot be shown'
  }
}

function shown(event: unknown): string {
  try {
    const text = inspect(event, { depth: 2, customInspect: false, maxArrayLength: 20, maxStringLength: 256 })
    return text.slice(0, limits.unreadableKeptCharacters).toWellFormed()
  } catch {
    return 'it cannot be shown'
  }
}

/** What is written in the place of a record that is no event, so that it is held under its number and seen. */
export function unreadableLine(message: string, line: string): string {
  return `!${JSON.stringify({ message, line })}`
}

/** Never throws, whatever it is given. */
export function lineOf(event: unknown, now: () => Micros): RecordLine {
  try {
    return { line: jsonOf(event, now), fault: undefined }
  } catch (error) {
    const fault = `the record is no event: ${messageOf(error)}`
    return { line: unreadableLine(fault, shown(event)), fault }
  }
}

export interface Numbering {
  readonly source: string
  readonly epoch: string
}

/** Gives lines their numbers: the beginnings of the JSON are put together once. */
export function numberLines(lines: readonly string[], { source, epoch }: Numbering, after: number): string[] {
  const head = `{"source":${JSON.stringify(source)},"epoch":${JSON.stringify(epoch)},"seq":`
  return lines.map((line, index) => {
    const numbered = `${head}${after + 1 + index},`
    return line.startsWith('!') ? `${numbered}"unreadable":${line.slice(1)}}` : numbered + line.slice(1)
  })
}

/** True for a line as `lineOf` makes them; another one was cut off when its process or machine went down. */
export function isWholeLine(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line.startsWith('!') ? line.slice(1) : line)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
