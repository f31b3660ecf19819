import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Dimension, MeterDefinition } from './definition.ts'

/** One question for one number (L9): the page, the API, the CLI and the invoice all ask this. */
export interface UsageQuestion {
  readonly account: AccountKey
  readonly meter: MeterDefinition
  readonly period: Period
  /** Without a window there is one row for the whole period (and group). */
  readonly window: WindowSize | null
  readonly zone: string
  readonly groupBy: readonly Dimension[]
  /** Only events with a log offset below this: usage is a pure function of the log up to an offset (L5). */
  readonly below: Offset
}

export interface UsageRow {
  readonly from: Micros
  readonly to: Micros
  /** Absent dimension values are null, which is not the empty text. */
  readonly group: Readonly<Record<string, string | null>>
  readonly quantity: Exact
  /** Matching events that carried no value for the summed field: not known, which is not zero (L13). */
  readonly eventsWithoutValue: bigint
}

export interface UsageAnswer {
  readonly rows: readonly UsageRow[]
  readonly total: Exact
  readonly eventsWithoutValue: bigint
}

/** Answers a usage question; `app/` hands it to whoever needs quantities. */
export type ReadUsage = (question: UsageQuestion) => Promise<UsageAnswer>
