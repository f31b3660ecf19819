import type { EventInput } from '../../core/event.ts'
import { hourMicros, secondMicros } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { ConnectionShape, Edge, Habit } from './habit.ts'
import { choose, sizeOf } from './random.ts'
import type { Random } from './random.ts'
import { drafted, timeText } from './request.ts'
import type { Draft } from './request.ts'
import { visitorOf } from './visitor.ts'
import type { Visitor } from './visitor.ts'

/** A connection with its whole life, drawn when it opens. */
export interface Connection {
  readonly habit: Habit
  readonly shape: ConnectionShape
  readonly edge: Edge
  readonly endpoint: string
  readonly visitor: Visitor
  readonly session: string
  readonly opened: Micros
  readonly closed: Micros
}

export function openConnection(random: Random, habit: Habit, shape: ConnectionShape, hour: Micros): Connection {
  const opened = (hour + random.below(hourMicros)) as Micros
  return {
    habit,
    shape,
    edge: choose(random, habit.edges),
    endpoint: choose(random, habit.endpoints),
    visitor: visitorOf(random, habit.visitors),
    session: `cn_${random.word().toString(36)}${random.word().toString(36)}`,
    opened,
    closed: (opened + sizeOf(random, shape.seconds) * secondMicros + random.below(secondMicros)) as Micros,
  }
}

/** True when the connection closes within the hour that starts here. */
export function closesIn(connection: Connection, hour: Micros): boolean {
  return connection.closed < hour + hourMicros
}

/** How many records a connection leaves before `end`: one at the end of each hour that it lives through, one at close. */
export function recordsBefore(connection: Connection, end: Micros): number {
  const last = connection.closed < end ? connection.closed : end - 1
  return Math.floor(last / hourMicros) - Math.floor(connection.opened / hourMicros) + 1
}

function bytesIn(random: Random, connection: Connection, micros: number): { out: number; in: number } {
  const perMinute = { out: connection.shape.outPerMinute, in: connection.shape.inPerMinute }
  const minutes = Math.floor(micros / (60 * secondMicros))
  return {
    out: (minutes + 1) * sizeOf(random, perMinute.out),
    in: (minutes + 1) * sizeOf(random, perMinute.in),
  }
}

/**
 * What the server writes about the connection for the hour that starts here: `interim` just before the hour
 * ends while it is open, `final` when it closes. Each record carries the bytes since the record before.
 */
export function recordOf(random: Random, connection: Connection, hour: Micros): Draft {
  const { habit, edge, endpoint, visitor, session } = connection
  const closes = closesIn(connection, hour)
  const since = Math.max(connection.opened, hour)
  const at = (closes ? connection.closed : hour + hourMicros - 1 - random.below(secondMicros)) as Micros
  // A connection that opened in the hour's last second may have opened after the moment drawn for its record.
  const time = Math.max(at, since) as Micros
  const bytes = bytesIn(random, connection, time - since)
  const event: EventInput = {
    source: edge.source,
    epoch: 'sample',
    seq: 0,
    kind: habit.flow.kind === 'tcp' ? 'tcp_connection' : 'tls_connection',
    phase: closes ? 'final' : 'interim',
    time: timeText(time),
    endpoint,
    session,
    protocol: habit.flow.kind,
    region: edge.region,
    bytes_out_wire: bytes.out,
    bytes_in_wire: bytes.in,
    duration_us: time - since,
    client_address: visitor.address,
  }
  return drafted(random, edge, time, habit.flow.kind === 'websocket' ? asWebsocket(event, connection) : event)
}

/** A websocket is one HTTP request that stays open; its frames are the body. */
function asWebsocket(event: EventInput, { habit, visitor }: Connection): EventInput {
  return {
    ...event,
    kind: 'http_request',
    protocol: 'HTTP/1.1',
    method: 'GET',
    status: 101,
    bytes_out_body: Number(event.bytes_out_wire) - 129,
    bytes_in_body: Number(event.bytes_in_wire) - 412,
    path: habit.flow.kind === 'websocket' ? habit.flow.path : '/',
    user_agent: visitor.agent,
  }
}
