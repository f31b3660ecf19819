import { z } from 'zod'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { ownerOfSource } from '../../ingest/receive.ts'
import { sessionKinds } from '../../store/sessions.ts'
import { byteFields, sessionStates, stateOf } from '../../store/sessions-list.ts'
import type { Bytes, StoredSession } from '../../store/sessions-list.ts'
import type { SessionTraffic } from '../../store/sessions-traffic.ts'

/** What sessions look like in answers. */

const count = z.string().meta({ description: 'a whole number' })
const known = z.string().nullable().meta({ description: 'null: nothing says' })
const legAnswer = z.object({
  bytes_out_wire: known,
  bytes_out_body: known,
  bytes_in_wire: known,
  bytes_in_body: known,
})
const bytesAnswer = z.object({ client: legAnswer, agent: legAnswer })

const sessionAnswer = z.object({
  id: z.string().meta({ description: 'log offset of one of its records' }),
  kind: z.enum(sessionKinds),
  session: z.string().nullable(),
  state: z.enum(sessionStates).meta({ description: 'as of as_of' }),
  started: z.string(),
  started_by: z.enum(['start', 'duration', 'first_record']),
  ended: z.string().nullable().meta({ description: 'null while it is open' }),
  last_record: z.string(),
  duration_us: count,
  endpoint: known,
  protocol: known,
  clients: z.array(z.object({ client: known, version: known })),
  regions: z.array(z.string()),
  sources: z.array(z.string()),
  records: count,
  bytes: bytesAnswer.meta({ description: 'of its own records' }),
  traffic: z
    .object({ requests: count, connections: count, bytes: bytesAnswer })
    .nullable()
    .meta({ description: 'of other events that name it' }),
})
type SessionJson = z.input<typeof sessionAnswer>

/** The answer of `GET /v1/sessions`. */
export const listAnswer = z.object({
  account: z.string(),
  timezone: z.string(),
  as_of: z.string(),
  counted_below_offset: z.number().int(),
  events_not_yet_counted: z.number().int(),
  sessions: z.array(sessionAnswer),
  cursor: z.string().nullable().meta({ description: 'where the next page begins; null on the last' }),
})

const legBytes = (bytes: Bytes['client']): z.input<typeof legAnswer> =>
  Object.fromEntries(byteFields.map((field) => [field, bytes[field]])) as z.input<typeof legAnswer>

export const bytesJson = ({ client, agent }: Bytes): z.input<typeof bytesAnswer> => ({
  client: legBytes(client),
  agent: legBytes(agent),
})

/** L11: the name of a customer's own source is for that customer and for operators. */
export function isShown(source: string, viewer: AccountKey | null): boolean {
  const owner = ownerOfSource(source)
  return viewer === null || owner === null || owner === viewer
}

export function sessionJson(
  session: StoredSession,
  { until, viewer }: { readonly until: Micros; readonly viewer: AccountKey | null },
  traffic: SessionTraffic | undefined,
): SessionJson {
  const state = stateOf(session, until)
  return {
    id: String(session.firstOffset),
    kind: session.kind,
    session: session.unnamed ? null : session.name,
    state,
    started: formatInstant(session.started),
    started_by: session.startedBy,
    ended: state === 'open' ? null : formatInstant(session.ends),
    last_record: formatInstant(session.lastRecord),
    duration_us: String(Math.max(0, (state === 'open' ? until : session.ends) - session.started)),
    endpoint: session.endpoint,
    protocol: session.protocol,
    clients: session.clients.map(([client, version]) => ({ client, version })),
    regions: [...session.regions],
    sources: session.sources.filter((source) => isShown(source, viewer)),
    records: session.records,
    bytes: bytesJson(session.bytes),
    traffic:
      traffic === undefined
        ? null
        : { requests: traffic.requests, connections: traffic.connections, bytes: bytesJson(traffic.bytes) },
  }
}
