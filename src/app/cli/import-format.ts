import { parseAccountRule } from '../../collect/account-rule.ts'
import type { AccountRule } from '../../collect/account-rule.ts'
import { formatNames, formats, isFormatName } from '../../collect/formats.ts'
import type { Format } from '../../collect/formats.ts'
import type { FieldMapping, LineReader } from '../../collect/line-reader.ts'
import { isTimeZone } from '../../core/time.ts'
import { UsageError, didYouMean } from './command.ts'

/** The options that say how lines are read, alike for every command that reads logs. */
export const formatOptions = {
  format: { type: 'string' },
  'account-from': { type: 'string' },
  map: { type: 'string', multiple: true },
  timezone: { type: 'string' },
} as const

export interface FormatValues {
  readonly map?: readonly string[] | undefined
  readonly timezone?: string | undefined
}

export function readFormat(name: string | undefined): Format {
  if (name === undefined) throw new UsageError(`--format is missing; it is one of ${formatNames.join(', ')}`)
  if (isFormatName(name)) return formats[name]
  throw new UsageError(
    `there is no format "${name}"; it is one of ${formatNames.join(', ')}.${didYouMean(name, formatNames)}`,
  )
}

function readMapping(text: string, { mappable }: Format): FieldMapping {
  const [, field = '', name] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (name === undefined) throw new UsageError(`--map ${text} is not FIELD=JSONNAME`)
  if (mappable.length === 0) throw new UsageError('--map is for JSON formats; this one has its fields in fixed places')
  if (!mappable.includes(field))
    throw new UsageError(
      `--map has no field "${field}"; it has ${mappable.join(', ')}.${didYouMean(field, mappable)}${field === 'account' ? ' For the account use --account-from' : ''}`,
    )
  return { field, name }
}

/** How to open a reader for one more file; the options are checked here, once. */
export function readReader({ map = [], timezone }: FormatValues, format: Format): () => LineReader {
  const mappings = map.map((text) => readMapping(text, format))
  if (timezone !== undefined && !isTimeZone(timezone))
    throw new UsageError(`--timezone ${timezone} is not a time zone such as Europe/Berlin or UTC`)
  if (timezone !== undefined && format.needsTimeZone === undefined)
    throw new UsageError('--timezone is for formats whose times have no zone; this one has it in its lines')
  return () => format.reader(mappings, { timeZone: timezone })
}

export function readRule(text: string | undefined, format: Format): AccountRule | undefined {
  if (text === undefined) return format.accountRule
  const rule = parseAccountRule(text, format.fieldExists)
  if (rule.ok) return rule.value
  throw new UsageError(`--account-from ${text}: ${rule.error}`)
}
