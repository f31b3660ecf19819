import type { EventInput } from '../core/event.ts'
import type { Result } from '../core/result.ts'

/**
 * What a reader makes of a line: an event without the file's source and number. A body with a source of
 * its own keeps it (only ndjson has those). A field that is undefined does not travel: JSON has no such value.
 */
export type EventBody = { readonly [Name in keyof EventInput]?: EventInput[Name] | undefined }

/** The fields of a line that an account rule can name in every format that has them. */
export const ruleFields = ['request', 'host', 'path', 'method', 'client_address', 'user', 'user_agent'] as const
export type RuleField = (typeof ruleFields)[number]

export function isRuleField(name: string): name is RuleField {
  return (ruleFields as readonly string[]).includes(name)
}

export interface ReadLine {
  readonly body: EventBody
  /** The text of a field for an account rule: one of `ruleFields`, or a JSON name of the line. */
  readonly textOf: (field: string) => string | undefined
  /** Set when the body's counts are those since the connection began, and records may have gone before this one. */
  readonly cumulative?: Cumulative | undefined
}

/** A record of a connection that is written while it goes on, or at its end. */
export interface Cumulative {
  /** The connection, among all of one log. */
  readonly connection: string
  readonly isLast: boolean
  /** When the record was written, RFC 3339 in UTC. */
  readonly at: string
}

/**
 * Turns an entry into an event, or says why it cannot. In most formats every line is one entry, and the same line
 * gives the same event. A format may say otherwise:
 */
export interface LineReader {
  (entry: string): Result<ReadLine, string>
  /**
   * The entries of the next line: none when the line speaks about the file (`#Fields:`), several when it holds
   * several records. Called once for every line in their order, because what a line says may hold for the lines
   * after it. Depends on nothing but the lines so far, so that the numbers of a file's entries are stable.
   */
  readonly entriesOf?: (line: string) => readonly string[]
  /** Lines that a new reader has to be shown before it can go on in the middle of this file. */
  readonly preamble?: () => readonly string[]
}

/** What formats may need to know besides the line. */
export interface ReaderOptions {
  /** IANA zone of logs that write their times without one; undefined: not known. */
  readonly timeZone?: string | undefined
}

/** Which JSON names each field is read from, first found first. `--map` replaces the names of a field. */
export type FieldNames<Field extends string> = { readonly [Name in Field]: readonly string[] }

/** `--map FIELD=JSONNAME` as given; the same field may be given several times. */
export interface FieldMapping {
  readonly field: string
  readonly name: string
}

/** The format's names with those that were mapped in their place. */
export function mapNames<Field extends string>(
  names: FieldNames<Field>,
  mappings: readonly FieldMapping[],
): FieldNames<Field> {
  const mapped: Record<Field, readonly string[]> = { ...names }
  const seen = new Set<string>()
  for (const { field, name } of mappings) {
    if (!Object.hasOwn(names, field)) continue
    mapped[field as Field] = seen.has(field) ? [...mapped[field as Field], name] : [name]
    seen.add(field)
  }
  return mapped
}
