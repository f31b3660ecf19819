/**
 * What can be measured over counted events. Each measure has a file that builds its part of a statement; the parts are
 * put together, fenced and asked in `query.ts`.
 */
import { unreachable } from '../../core/result.ts'
import type { Dimension } from '../condition.ts'
import type { Expression } from '../expression.ts'

/** Measures whose value is made of the events of a window alone, each looked at once. */
export type PlainMeasure =
  | { readonly kind: 'count' }
  | { readonly kind: 'sum' | 'min' | 'max' | 'average'; readonly value: Expression }
  /** The value of the newest event; of events at the same microsecond the one with the higher log offset. */
  | { readonly kind: 'latest'; readonly value: Expression }

/** Distinct pairs of a value and a clock hour (UTC). An hour lies where its first event lies. */
export interface ActiveHoursMeasure {
  readonly kind: 'active_hours'
  readonly field: Dimension
}

/** Which events put a key in, and which take it out. */
export interface Membership {
  readonly field: Dimension
  readonly add: readonly string[]
  readonly remove: readonly string[]
  /** Keys stay in from one window to the next until they are taken out; else each window begins empty. */
  readonly carried: boolean
}

/** Distinct values; with membership those that are in at the end of the window. */
export interface UniqueMeasure {
  readonly kind: 'unique'
  readonly field: Dimension
  readonly membership: Membership | null
}

export const levelUnits = ['second', 'minute', 'hour', 'day', 'window'] as const
/** Level times time in these units; `window`: the average level over the whole window. A day is 24 hours. */
export type LevelUnit = (typeof levelUnits)[number]

/** A level that holds until the next event of its key, multiplied with the time for which it holds. */
export interface LevelMeasure {
  readonly kind: 'level'
  readonly value: Expression
  /** `set`: an event says what the level is. `change`: by how much it changes; each group has a level of its own. */
  readonly mode: 'set' | 'change'
  /** Each value of this dimension has a level of its own; null: the account has one. */
  readonly field: Dimension | null
  readonly per: LevelUnit
}

/** The greatest number of sessions that were open at one instant. */
export interface PeakMeasure {
  readonly kind: 'peak'
}

export const directions = ['in', 'out', 'higher', 'sum'] as const
export type Direction = (typeof directions)[number]

/**
 * Percentile of the rates of fixed intervals, in amount per second: sort the N intervals of the window from high to low,
 * drop floor(N × (1 - percent)), take the next. Intervals without traffic are samples of 0 (DESIGN §8).
 */
export interface PercentileMeasure {
  readonly kind: 'percentile'
  /** Ten-thousandths that are dropped: 500 for the 95th percentile. */
  readonly dropped: number
  readonly intervalSeconds: number
  readonly inward: Expression
  readonly outward: Expression
  readonly direction: Direction
  /** Whether `higher` and `sum` are taken of each sample, or of the two percentiles. */
  readonly combine: 'before' | 'after'
  /** What an amount is multiplied with: 8 makes bits of bytes. */
  readonly factor: number
}

export type Measure = PlainMeasure | ActiveHoursMeasure | UniqueMeasure | LevelMeasure | PeakMeasure | PercentileMeasure

/**
 * Null: the windows of a period, and the groups of a window, add up to the whole. Else why they do not, as people are
 * told it.
 */
export function whyNotAdditive(measure: Measure): string | null {
  switch (measure.kind) {
    case 'count':
    case 'sum':
    case 'active_hours':
      return null
    case 'level':
      return measure.per === 'window' ? 'an average level over a window is not a sum of levels' : null
    case 'min':
    case 'max':
      return `the ${measure.kind === 'min' ? 'smallest' : 'greatest'} value of the whole is one of the parts, not their sum`
    case 'average':
      return 'an average of the whole is not the sum of averages'
    case 'latest':
      return 'the newest value of the whole is that of one part'
    case 'unique':
      return 'what occurs in two parts is one in the whole'
    case 'peak':
      return 'the highest of the whole is that of one part'
    case 'percentile':
      return 'a percentile of the whole is taken of all its intervals'
    default:
      return unreachable(measure)
  }
}
