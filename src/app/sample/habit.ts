import type { Choices, Spread } from './random.ts'

/** An edge server: the source of events, numbering its own. */
export interface Edge {
  readonly source: string
  readonly region: string
  /** How far its stream is behind; streams of different servers are not in step. */
  readonly lagSeconds: number
}

/** One kind of call that visitors make. `#` in the path is replaced by a number. */
export interface Route {
  readonly method: string
  readonly path: string
  readonly out: Spread
  readonly in: Spread | null
  readonly statuses: Choices<number>
  readonly micros: Spread
}

/** Who calls: how many different visitors, and with what programs. */
export interface Visitors {
  readonly count: number
  readonly agents: readonly string[]
}

/** What one unit of a habit is. */
export type Flow =
  | { readonly kind: 'http'; readonly routes: Choices<Route> }
  /** A long request (101) that is recorded hour by hour. */
  | { readonly kind: 'websocket'; readonly path: string; readonly connection: ConnectionShape }
  | { readonly kind: 'tcp' | 'tls'; readonly connection: ConnectionShape }

export interface ConnectionShape {
  readonly seconds: Spread
  readonly outPerMinute: Spread
  readonly inPerMinute: Spread
}

/** Days of the month on which a habit is so many times stronger between two local hours. */
export interface Surge {
  readonly days: readonly number[]
  readonly fromHour: number
  readonly toHour: number
  readonly times: number
}

/** Something that goes on at some endpoints with a rhythm of its own, in local time. */
export interface Habit {
  readonly name: string
  readonly zone: string
  readonly endpoints: Choices<string>
  readonly edges: Choices<Edge>
  readonly visitors: Visitors
  readonly flow: Flow
  /** Requests or connections on a day whose weight is 9. */
  readonly perDay: number
  /** 24 digits, the weight of each local hour from midnight. */
  readonly hours: string
  /** 7 digits, the weight of each weekday from Monday; 9 is a full day. */
  readonly weekdays: string
  /** Days of the month on which it happens at all; absent: every day. */
  readonly onlyOn?: readonly number[]
  readonly surge?: Surge
  /** Once in so many requests the server did not learn a size: absent, which is not zero (L13). */
  readonly sizeUnknownOnceIn?: number
}
