import type { EventInput } from '../../core/event.ts'
import { hourMicros, secondMicros } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { Edge, Habit, Route } from './habit.ts'
import { choose, sizeOf } from './random.ts'
import type { Choices, Random } from './random.ts'
import { visitorOf } from './visitor.ts'

/** An event that has a place in its server's stream, but no number yet. */
export interface Draft {
  readonly event: EventInput
  /** When the server's stream brings it: later than it happened, and not in the order in which things happened. */
  readonly arrives: number
}

/** Puts an event into its server's stream. */
export function drafted(random: Random, edge: Edge, at: Micros, event: EventInput): Draft {
  return { event, arrives: at + edge.lagSeconds * secondMicros + random.below(3 * secondMicros) }
}

/** RFC 3339 with six digits; quicker than going through a formatter for each of many events. */
export function timeText(at: Micros): string {
  const below = at % 1_000
  const millis = new Date((at - below) / 1_000).toISOString()
  return `${millis.slice(0, -1)}${below < 100 ? (below < 10 ? '00' : '0') : ''}${below}Z`
}

function pathOf(random: Random, route: Route): string {
  const place = route.path.indexOf('#')
  if (place < 0) return route.path
  return `${route.path.slice(0, place)}${1_000 + random.below(8_000)}${route.path.slice(place + 1)}`
}

/** Statuses that never have a body, and what an error page weighs. */
function bodyOf(random: Random, route: Route, status: number): number {
  if (status === 204 || status === 304 || route.method === 'HEAD') return 0
  if (status >= 400) return 40 + random.below(260)
  return sizeOf(random, route.out)
}

/** One finished HTTP request at some moment of the hour. */
export function requestOf(random: Random, habit: Habit, routes: Choices<Route>, hour: Micros): Draft {
  const at = (hour + random.below(hourMicros)) as Micros
  const edge = choose(random, habit.edges)
  const route = choose(random, routes)
  const visitor = visitorOf(random, habit.visitors)
  const status = choose(random, route.statuses)
  const out = bodyOf(random, route, status)
  const incoming = route.in === null ? 0 : sizeOf(random, route.in)
  const event: EventInput = {
    source: edge.source,
    epoch: 'sample',
    seq: 0,
    kind: 'http_request',
    time: timeText(at),
    endpoint: choose(random, habit.endpoints),
    protocol: random.onceIn(4) ? 'HTTP/1.1' : 'h2',
    region: edge.region,
    method: route.method,
    status,
    bytes_in_wire: incoming + 220 + random.below(600),
    bytes_in_body: incoming,
    duration_us: sizeOf(random, route.micros),
    client_address: visitor.address,
    path: pathOf(random, route),
    user_agent: visitor.agent,
  }
  // L13: where the server does not know how much it sent, the field is absent. It is not zero.
  if (habit.sizeUnknownOnceIn === undefined || !random.onceIn(habit.sizeUnknownOnceIn)) {
    event.bytes_out_wire = out + 160 + random.below(480)
    event.bytes_out_body = out
  }
  return drafted(random, edge, at, event)
}
