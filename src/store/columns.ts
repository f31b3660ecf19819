import { factFields, inspectionFields } from '../core/event.ts'
import type { FactName } from '../core/event.ts'

/** Where a fact field lies under another name in the store: times are numbers there, the payer is resolved. */
const renamed: Partial<Record<FactName, string>> = {
  time: 'time_us',
  recorded_time: 'recorded_us',
  account: 'given_account',
  started: 'started_us',
}

export function columnOf(field: FactName): string {
  return renamed[field] ?? field
}

/** Columns of a row: what the log adds, then the event's fact array as it lies in the log. */
export const factColumns: readonly string[] = [
  'offset',
  'ingested_us',
  'account',
  ...factFields.map(({ name }) => columnOf(name)),
]

/** One row for each correction of the log; a version that has one is not counted from its offset on. */
export const correctionColumns: readonly string[] = [
  'offset',
  'ingested_us',
  'kind',
  'supersedes',
  'account',
  'time_us',
  'author',
  'reason',
]

export const inspectionColumns: readonly string[] = [
  'offset',
  'time_us',
  'account',
  ...inspectionFields.map(({ name }) => name),
]
