import type { AccountRule } from './account-rule.ts'
import { combinedReader } from './combined.ts'
import { ruleFields } from './line-reader.ts'
import type { FieldMapping, LineReader } from './line-reader.ts'
import { ndjsonNames, ndjsonReader } from './ndjson.ts'
import { nginxJsonNames, nginxJsonReader } from './nginx-json.ts'
import { ngrokEventsReader, ngrokNames } from './ngrok-events.ts'

export const formatNames = ['nginx-json', 'nginx-combined', 'apache-combined', 'ngrok-events', 'ndjson'] as const
export type FormatName = (typeof formatNames)[number]

/** A format of log files that can be imported. */
export interface Format {
  /** What `--map` can name; empty for formats that are not JSON. */
  readonly mappable: readonly string[]
  /** Whether an account rule may name this field. JSON lines may have any. */
  readonly fieldExists: (name: string) => boolean
  /** Where the account is when no rule says otherwise. */
  readonly accountRule?: AccountRule
  readonly reader: (mappings: readonly FieldMapping[]) => LineReader
}

const combined: Format = {
  mappable: [],
  // The combined format does not say which host was asked for.
  fieldExists: (name) => name !== 'host' && (ruleFields as readonly string[]).includes(name),
  reader: () => combinedReader,
}

export const formats: Readonly<Record<FormatName, Format>> = {
  'nginx-json': { mappable: Object.keys(nginxJsonNames), fieldExists: () => true, reader: nginxJsonReader },
  'nginx-combined': combined,
  'apache-combined': combined,
  'ngrok-events': {
    mappable: Object.keys(ngrokNames),
    fieldExists: () => true,
    accountRule: { kind: 'field', field: 'account_id' },
    reader: ngrokEventsReader,
  },
  ndjson: { mappable: [...ndjsonNames], fieldExists: () => true, reader: ndjsonReader },
}

export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(formats, name)
}
