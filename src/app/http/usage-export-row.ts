/** The rows of a file of usage: every row says by itself what it counts, so that rows of several files can be mixed. */
import { formatQuantity } from '../../core/exact.ts'
import type { AccountKey, Offset } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { Dimension, MeterDefinition } from '../../meter/definition.ts'
import type { UsageRow } from '../../meter/usage.ts'
import { whyNotAdditive } from '../../store/measure/measure.ts'
import { instantOrNull } from './schema.ts'
import type { RowNote } from './usage-answer.ts'

/** What is true of all rows of one meter in a file. */
export interface FilePart {
  readonly meter: MeterDefinition
  readonly zone: string
  readonly below: Offset
  readonly completeUntil: Micros | null
  readonly sealedUntil: Micros | null
  /** What a percentile says of the intervals of a row; nothing for other meters. */
  readonly intervals: RowNote
}

export interface FileRow extends UsageRow {
  readonly account: AccountKey
  readonly part: FilePart
}

/** Rows in pieces, as they are taken. */
export type FileRows = AsyncIterable<readonly FileRow[]>

/** What a file is about as a whole. */
export interface FileAbout {
  readonly groupBy: readonly Dimension[]
  /** Whether there is a percentile among the meters: then rows say what is not known of their intervals. */
  readonly hasIntervals: boolean
  readonly facts: Readonly<Record<string, string>>
}

/** A cell as text; null is absent, which is not the empty text. `given` comes from events and may be anything. */
export interface Column {
  readonly name: string
  readonly kind: 'own' | 'given' | 'instant'
  readonly of: (row: FileRow) => string | null
}

const own = (name: string, of: Column['of']): Column => ({ name, kind: 'own', of })

/** Null: the meter has no intervals. */
const intervalColumns: readonly Column[] = [
  own('lower_bound', (row) => {
    const { unknown_intervals: unknown } = row.part.intervals(row)
    return unknown === undefined ? null : String(unknown > 0)
  }),
  own('unknown_intervals', (row) => row.part.intervals(row).unknown_intervals?.toString() ?? null),
]

export function columnsOf({ groupBy, hasIntervals }: Pick<FileAbout, 'groupBy' | 'hasIntervals'>): readonly Column[] {
  return [
    { name: 'account', kind: 'given', of: ({ account }) => account },
    own('meter', ({ part }) => part.meter.key),
    own('meter_version', ({ part }) => String(part.meter.version)),
    own('unit', ({ part }) => part.meter.unit),
    own('additive', ({ part }) => String(whyNotAdditive(part.meter.aggregation) === null)),
    own('timezone', ({ part }) => part.zone),
    { name: 'from', kind: 'instant', of: ({ from }) => formatInstant(from) },
    { name: 'to', kind: 'instant', of: ({ to }) => formatInstant(to) },
    ...groupBy.map((dimension): Column => ({
      name: `group_${dimension}`,
      kind: 'given',
      of: ({ group }) => group[dimension] ?? null,
    })),
    own('others', ({ others }) => String(others === true)),
    own('quantity', ({ quantity }) => (quantity === null ? null : formatQuantity(quantity))),
    own('events_without_value', ({ eventsWithoutValue }) => String(eventsWithoutValue)),
    ...(hasIntervals ? intervalColumns : []),
    own('counted_below_offset', ({ part }) => String(part.below)),
    own('complete_until', ({ part }) => instantOrNull(part.completeUntil)),
    own('sealed_until', ({ part }) => instantOrNull(part.sealedUntil)),
  ]
}
