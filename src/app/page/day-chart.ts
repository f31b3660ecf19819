import type { Exact } from '../../core/exact.ts'
import { sumKnown } from './known.ts'
import type { PartialSum } from './known.ts'
import type { Day, Known } from './view.ts'

/** One colour of a stacked picture; the style sheet gives the tone its colour. */
export interface Series {
  readonly name: string
  readonly tone: Tone
  /** One for each day. */
  readonly values: readonly Known<Exact>[]
}

export type Tone = 's0' | 's1' | 's2' | 's3' | 's4' | 's5'

export interface DayChart {
  /** Unique within the page: the picture's title and description are found by it. */
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly days: readonly Day[]
  readonly series: readonly Series[]
}

/** One day of the picture: its values in the order of the series, and their sum. */
export interface Column {
  readonly day: Day
  readonly values: readonly Known<Exact>[]
  readonly total: PartialSum
}

/** What a missing value is: not known, never zero (L13). */
export const absent: Known<Exact> = { known: false, why: 'no value was given' }

export function columnsOf({ days, series }: DayChart): readonly Column[] {
  return days.map((day, index) => {
    const values = series.map((one) => one.values[index] ?? absent)
    return { day, values, total: sumKnown(values) }
  })
}
