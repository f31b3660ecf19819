import { getAccount } from '../account/accounts.ts'
import { Refusal } from '../core/errors.ts'
import { formatMonth, parseMonth } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { concurrency } from '../meter/sessions.ts'
import { askSessions, stateOf } from '../store/sessions-list.ts'
import type { StoredSession } from '../store/sessions-list.ts'
import { askClients } from '../store/sessions-traffic.ts'
import { frameOf } from './console.ts'
import type { SessionRow, SessionsView } from './page/sessions.ts'
import type { Service } from './service.ts'

const limits = { rowsMax: 100 } as const

function rowOf(session: StoredSession, now: Micros): SessionRow {
  const { unnamed, name, kind, started, startedBy, ends, endpoint, newestClient, bytes } = session
  const state = stateOf(session, now)
  const [client, version] = newestClient ?? [null, null]
  return {
    name: unnamed ? null : name,
    kind,
    state,
    started,
    atLeast: startedBy === 'first_record',
    ended: state === 'open' ? null : ends,
    endpoint,
    client: client === null ? null : `${client}${version === null ? '' : ` ${version}`}`,
    bytesOut: bytes.client.bytes_out_wire,
  }
}

/** The page at `/accounts/{key}/sessions`: a month in the account's zone. */
export async function sessionsView(
  service: Service,
  asked: { readonly key: string; readonly month: string | undefined },
): Promise<SessionsView> {
  const { database, engine, projection } = service
  const frame = await frameOf(service)
  const { key, name, timeZone: zone } = await getAccount(database, asked.key)
  const month = asked.month ?? formatMonth(frame.now, zone)
  const parsed = parseMonth(month, zone)
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', `month ${parsed.error}`)
  const period = parsed.value
  const scope = { kind: 'account', account: key } as const
  const about = { scope, below: projection.position(), period, until: frame.now }
  const any = { ...about, state: null, kind: null, endpoint: null, client: null, name: null }
  const { sessions, next } = await askSessions(engine, any, { after: null, most: limits.rowsMax })
  const path = `/accounts/${encodeURIComponent(key)}/sessions`
  return {
    frame,
    key,
    name,
    zone,
    period: `${month}${frame.now < period.to ? ', so far' : ''}`,
    months: {
      shown: month,
      previousHref: `${path}?month=${formatMonth((period.from - 1) as Micros, zone)}`,
      nextHref: frame.now < period.to ? null : `${path}?month=${formatMonth(period.to, zone)}`,
    },
    peaks: await concurrency(engine, { ...about, conditions: [], window: 'day', zone }),
    clients: await askClients(engine, any),
    rows: sessions.map((session) => rowOf(session, frame.now)),
    more: next !== null,
  }
}
