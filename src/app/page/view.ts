import type { Exact } from '../../core/exact.ts'
import type { Currency, Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { TotalRow } from '../../invoice/wording.ts'
import type { RatedLine } from '../../price/rate/line.ts'

/**
 * What the pages show, as data. Whoever fills this asks the same functions as the API and the invoice (L9);
 * the pages only write it down. L13: a number that is not known yet is `known: false`, never zero.
 */
export type Known<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string }

/** Around every page. */
export interface Frame {
  /** Whose installation this is. */
  readonly company: string
  readonly now: Micros
  /** Null while the log cannot be asked. */
  readonly log: LogState | null
}

export interface LogState {
  /** How many records the log holds. */
  readonly records: number
  /** Records below this offset are in the numbers of the page. */
  readonly counted: number
  readonly quarantined: number
}

/** A day of the pictures. */
export interface Day {
  /** `2026-11-22`, in the zone that the page names. */
  readonly date: string
  /** The day is not over: its numbers still grow. */
  readonly growing: boolean
}

/** Of which month a page is, and the ways to its neighbours. */
export interface Months {
  /** `2026-11` */
  readonly shown: string
  readonly previousHref: string
  /** Null in the current month: what comes later is not known. */
  readonly nextHref: string | null
}

export type Cost =
  /** The price of the usage in the account's own billing period, as far as it has come. */
  | { readonly kind: 'so_far'; readonly amount: Minor; readonly currency: Currency }
  /** Nothing is priced: there is no plan. */
  | { readonly kind: 'no_plan' }
  | { readonly kind: 'not_known'; readonly why: string }
  /** What traffic without an owner would cost on a plan; nobody is billed for it. */
  | { readonly kind: 'value'; readonly amount: Minor; readonly currency: Currency; readonly plan: string }

/** The columns that are added up along rows and down columns. */
export interface Totals {
  readonly requests: Known<Exact>
  readonly dataOut: Known<Exact>
  readonly connections: Known<Exact>
}

export interface AccountRow extends Totals {
  readonly key: string
  readonly name: string
  readonly plan: string | null
  readonly cost: Cost
  /** One value for each of the page's days. */
  readonly requestsByDay: readonly Known<Exact>[]
  readonly dataOutByDay: readonly Known<Exact>[]
}

export const sortKeys = ['cost', 'name', 'requests', 'data_out', 'connections'] as const
export type SortKey = (typeof sortKeys)[number]

export interface HomeView {
  readonly frame: Frame
  /** What requests, data and connections are of: `November 2026 (UTC), so far`. */
  readonly period: string
  readonly months: Months
  /** The zone of the days. */
  readonly zone: string
  readonly days: readonly Day[]
  readonly accounts: readonly AccountRow[]
  /** Traffic that no account owns; null when there was none. */
  readonly unattributed: AccountRow | null
  /** Asked of the whole installation at once, not added up from the rows. */
  readonly totals: Totals
  readonly sort: SortKey
  /** Accounts that are not in the list, because it is long (L12); `count` null: nobody counted how many. */
  readonly more: { readonly count: number | null; readonly href: string } | null
}

export interface MeterView {
  readonly key: string
  readonly name: string
  readonly unit: string
  /** Of the billing period. */
  readonly total: Known<Exact>
  /** Matching events that carried no value: not known, which is not zero (L13). */
  readonly eventsWithoutValue: bigint
  /** One value for each of the page's days; null when the meter has no picture. */
  readonly byDay: readonly Known<Exact>[] | null
}

export interface EndpointRow {
  readonly endpoint: string
  readonly from: Micros
  /** Null: until further notice. */
  readonly to: Micros | null
}

export type CostLine = Pick<
  RatedLine,
  'description' | 'meter' | 'quantity' | 'billableQuantity' | 'unit' | 'unitAmount' | 'amount' | 'trace'
> & {
  /** The part of the period that it is of, such as `1 Nov 2026 to 14 Nov 2026`; absent: all of it. */
  readonly when?: string
}

export type CostDetail =
  | {
      readonly kind: 'so_far'
      readonly currency: Currency
      readonly lines: readonly CostLine[]
      /** Discounts, credits and taxes between the lines and the total; absent: none. */
      readonly steps?: readonly TotalRow[]
      readonly total: Minor
    }
  | { readonly kind: 'no_plan' }
  | { readonly kind: 'not_known'; readonly why: string }

export interface InvoiceRow {
  readonly href: string
  /** Null as long as it has none: a draft takes its number when it is issued. */
  readonly number: string | null
  readonly period: string
  readonly state: 'draft' | 'issued' | 'paid' | 'void' | 'uncollectible'
  readonly total: Known<Minor>
  readonly currency: Currency
}

export interface AccountView {
  readonly frame: Frame
  readonly key: string
  readonly name: string
  readonly zone: string
  readonly currency: Currency
  readonly plan: string | null
  /** The billing period, such as `November 2026 (Asia/Kolkata), so far`. */
  readonly period: string
  readonly months: Months
  readonly days: readonly Day[]
  readonly meters: readonly MeterView[]
  readonly cost: CostDetail
  readonly endpoints: readonly EndpointRow[]
  readonly invoices: readonly InvoiceRow[]
}

/** What is shown of the quarantine: what nobody has resolved yet, or what became of the rest. */
export const quarantineStates = ['open', 'released', 'duplicate', 'written_off'] as const
export type QuarantineState = (typeof quarantineStates)[number]

export interface QuarantineRow {
  /** Under this number it is released, repaired or written off. */
  readonly number: number
  readonly source: string
  readonly epoch: string | null
  readonly seq: string | null
  readonly received: Micros
  readonly code: string
  readonly message: string
  /** As it came. */
  readonly line: string
  /** Who decided what became of it, and why; null: nobody has yet. */
  readonly resolution: { readonly by: string; readonly reason: string; readonly at: Micros } | null
}

export interface QuarantineView {
  readonly frame: Frame
  readonly state: QuarantineState
  /** How many there are in each state, not only what this page lists. */
  readonly counts: Readonly<Record<QuarantineState, number>>
  readonly rows: readonly QuarantineRow[]
  readonly nextHref: string | null
}

export interface SourceGap {
  readonly epoch: string
  readonly first: number
  readonly last: number
  readonly since: Micros | null
}

export interface SourceRow {
  readonly source: string
  readonly state: string
  readonly owner: string | null
  readonly completeUntil: Micros | null
  readonly silence: { readonly from: Micros; readonly to: Micros } | null
  readonly missing: number
  readonly lost: number
  readonly duplicates: number
  readonly late: number
  /** Unresolved inputs in quarantine. */
  readonly open: number
  readonly gaps: readonly SourceGap[]
  readonly moreGaps: number
}

export interface SourcesView {
  readonly frame: Frame
  readonly period: string
  readonly months: Months
  readonly complete: boolean
  readonly rows: readonly SourceRow[]
  /** Sources that are not shown, because there are too many. */
  readonly hidden: number
  /** Null: there is nothing to estimate from (L13). */
  readonly risk: {
    readonly amounts: readonly { readonly amount: string; readonly currency: string }[]
    readonly how: readonly string[]
  } | null
}

export interface ErrorView {
  readonly frame: Frame
  readonly status: number
  readonly code: string
  /** What happened, and what to do. */
  readonly message: string
}

/** Of an installation that has no event yet. */
export interface EmptyView {
  readonly frame: Frame
  /** Where the service can be reached, such as `http://127.0.0.1:8080`. */
  readonly address: string
  /** The file that holds the development key. */
  readonly keyFile: string
}
