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
}

/** Turns a line into an event, or says why it cannot. Pure: the same line gives the same event. */
export type LineReader = (line: string) => Result<ReadLine, string>

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
