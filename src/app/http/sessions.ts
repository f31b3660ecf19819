import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey, Offset } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { concurrency, highest, sessionWindows } from '../../meter/sessions.ts'
import type { Condition } from '../../store/condition.ts'
import { sessionKinds } from '../../store/sessions.ts'
import { askSession, askSessions, sessionStates } from '../../store/sessions-list.ts'
import type { FoundSession, SessionsPage } from '../../store/sessions-list.ts'
import { askSessionRecords } from '../../store/sessions-records.ts'
import type { SessionRecord } from '../../store/sessions-records.ts'
import { askClients, askSessionTraffic } from '../../store/sessions-traffic.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import { bytesJson, isShown, listAnswer, sessionJson } from './sessions-answer.ts'
import type { Server } from './routes.ts'
import { accountKey, instantOrNull, moment, pageSize, readMoment, timeZone, windowSize } from './schema.ts'

/** How long an answer waits to count what has arrived. */
const countedMillis = 1_000

const whose = z.object({
  account: accountKey.optional(),
  timezone: timeZone.optional().meta({ description: 'where days and months begin; by default the account’s zone' }),
  below: z.coerce.number().int().min(0).optional().meta({
    description: 'log offset: what sessions were when only the events below it had been counted',
  }),
})
const during = whose.extend({ from: moment, to: moment })
const filters = {
  kind: z.enum(sessionKinds).optional(),
  endpoint: z.string().optional(),
  client: z.string().optional(),
}
const listQuery = during.extend({
  ...filters,
  state: z.enum(sessionStates).optional(),
  session: z.string().optional().meta({ description: 'the name that events give in `session`' }),
  cursor: z.string().optional(),
  limit: pageSize,
})

interface Asked {
  readonly account: AccountKey
  readonly viewer: AccountKey | null
  readonly scope: { readonly kind: 'account'; readonly account: AccountKey }
  readonly zone: string
  readonly below: Offset
  /** The instant as of which is answered. */
  readonly until: Micros
}

async function asking(
  { database, log, projector, projection, world }: Service,
  request: FastifyRequest,
  query: z.output<typeof whose>,
): Promise<Asked> {
  const account = accountOf(request, query.account)
  const { timeZone: zone } = await getAccount(database, account)
  const until = world.now()
  const end = log.end()
  await projector.reach(Math.min(end, query.below ?? end) as Offset, countedMillis)
  return {
    account,
    viewer: principalOf(request).account,
    scope: { kind: 'account', account },
    zone: query.timezone ?? zone,
    below: Math.min(query.below ?? Number.POSITIVE_INFINITY, projection.position()) as Offset,
    until,
  }
}

function periodOf(query: z.output<typeof during>, zone: string): Period {
  const period = { from: readMoment('from', query.from, zone), to: readMoment('to', query.to, zone) }
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  return period
}

/** What every answer says about how much it knows (L13). */
function knownJson(
  { log }: Service,
  { account, zone, below, until }: Asked,
): Omit<z.input<typeof listAnswer>, 'sessions' | 'cursor'> {
  return {
    account,
    timezone: zone,
    as_of: formatInstant(until),
    counted_below_offset: below,
    events_not_yet_counted: Math.max(0, log.end() - below),
  }
}

interface Cursor {
  readonly after: SessionsPage['after']
  /** All pages are of one state of the log and as of one instant. */
  readonly below?: Offset
  readonly until?: Micros
}

/** So many whole numbers, with `-` between them. Above 2^53 a number is not the one that was written. */
function cursorNumbers(text: string, count: number): readonly number[] {
  const parts = text.split('-')
  const numbers = parts.map(Number)
  const isGiven = parts.every((part) => /^\d{1,16}$/.test(part)) && numbers.every(Number.isSafeInteger)
  if (parts.length === count && isGiven) return numbers
  throw new Refusal('REQUEST_INVALID', 'cursor is not one that was given out')
}

/** `BELOW-UNTIL-STARTED-OFFSET`, all pages of one answer being of one state of the log and one instant. */
function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return { after: null }
  const [below, until, started, offset] = cursorNumbers(text, 4)
  return {
    below: below as Offset,
    until: until as Micros,
    after: { started: started as Micros, offset: offset as Offset },
  }
}

function addList(server: Server, service: Service): void {
  const { engine } = service
  server.get(
    '/v1/sessions',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Sessions of an account that were open at some instant of a period',
        description:
          'In the order in which they started. `presumed_closed`: its stop never came; it ended a stated grace after its last record, until a later record proves otherwise. `bytes` are of its own records, `traffic` of other events that name it; null: nothing says.',
        querystring: listQuery,
        response: { 200: listAnswer },
      },
    },
    async (request) => {
      const { query } = request
      const { after, below: pagesBelow, until: pagesUntil } = readCursor(query.cursor)
      const whole = await asking(service, request, query)
      const below = Math.min(whole.below, pagesBelow ?? whole.below) as Offset
      const asked = { ...whole, below, until: pagesUntil ?? whole.until }
      const { scope, until, zone } = asked
      const { sessions, next } = await askSessions(
        engine,
        {
          scope,
          below,
          until,
          period: periodOf(query, zone),
          state: query.state ?? null,
          kind: query.kind ?? null,
          endpoint: query.endpoint ?? null,
          client: query.client ?? null,
          name: query.session ?? null,
        },
        { after, most: query.limit },
      )
      const traffic = await askSessionTraffic(engine, { scope, below }, sessions)
      return {
        ...knownJson(service, asked),
        sessions: sessions.map((session) => sessionJson(session, asked, traffic.get(session))),
        cursor: next === null ? null : `${below}-${until}-${next.started}-${next.offset}`,
      }
    },
  )
}

const byId = z.object({ id: z.string() })

async function find({ engine }: Service, { scope, below }: Asked, id: string): Promise<FoundSession> {
  const offset = /^\d{1,16}$/.test(id) && Number.isSafeInteger(Number(id)) ? (Number(id) as Offset) : null
  const found = offset === null ? null : await askSession(engine, { scope, below, offset })
  // L11: a session of another account is not there.
  if (found === null) {
    throw new Refusal('SESSION_NOT_FOUND', `there is no session ${id.slice(0, 40)}; GET /v1/sessions lists them`)
  }
  return found
}

function addOne(server: Server, service: Service): void {
  const { engine } = service
  server.get(
    '/v1/sessions/:id',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'One session, with its bytes by window',
        description:
          'The bytes of a record lie in the window of its time; an interim record brings those since the record before. The windows add up to the session.',
        params: byId,
        querystring: whose.extend({
          window: windowSize.optional().meta({ description: 'by default hour, or day where there are too many hours' }),
        }),
      },
    },
    async (request) => {
      const { params, query } = request
      const asked = await asking(service, request, query)
      const { scope, below, until, zone } = asked
      const found = await find(service, asked, params.id)
      const traffic = await askSessionTraffic(engine, { scope, below }, [found.session])
      const about = { scope, below, until, window: query.window ?? null, zone }
      const { window, windows } = await sessionWindows(engine, found, about)
      return {
        ...knownJson(service, asked),
        ...sessionJson(found.session, asked, traffic.get(found.session)),
        window,
        windows: windows.map(({ from, to, records, bytes }) => ({
          from: formatInstant(from),
          to: formatInstant(to),
          records,
          bytes: bytesJson(bytes),
        })),
      }
    },
  )
}

function recordJson(record: SessionRecord, viewer: AccountKey | null): Record<string, unknown> {
  const { time_us: time, source, ...rest } = record
  const shown = source !== undefined && source !== null && isShown(source, viewer) ? source : null
  return { time: formatInstant(Number(time) as Micros), source: shown, ...rest }
}

function addRecords(server: Server, service: Service): void {
  server.get(
    '/v1/sessions/:id/records',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The records of a session, in the order of time',
        params: byId,
        querystring: whose.extend({ cursor: z.string().optional(), limit: pageSize }),
      },
    },
    async (request) => {
      const { params, query } = request
      const asked = await asking(service, request, query)
      const found = await find(service, asked, params.id)
      const [time, offset] = query.cursor === undefined ? [] : cursorNumbers(query.cursor, 2)
      const after = time === undefined ? null : { time: time as Micros, offset: offset as Offset }
      const { scope, below } = asked
      const records = await askSessionRecords(service.engine, found, { scope, below, after, most: query.limit + 1 })
      const page = records.slice(0, query.limit)
      const last = page.at(-1)
      return {
        ...knownJson(service, asked),
        records: page.map((record) => recordJson(record, asked.viewer)),
        cursor: records.length > page.length && last !== undefined ? `${last['time_us']}-${last['offset']}` : null,
      }
    },
  )
}

function conditionsOf(query: Partial<Record<'kind' | 'endpoint' | 'client', string | undefined>>): Condition[] {
  return (['kind', 'endpoint', 'client'] as const).flatMap((field) => {
    const value = query[field]
    return value === undefined ? [] : [{ field, operator: 'in' as const, values: [value] }]
  })
}

function addConcurrency(server: Server, service: Service): void {
  server.get(
    '/v1/sessions/concurrency',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The greatest number of sessions that were open at once',
        description:
          'By window, with the first instant at which there were so many. What ends at an instant does not overlap with what starts then. Windows that have not begun have no row.',
        querystring: during.extend({ ...filters, window: windowSize.optional() }),
      },
    },
    async (request) => {
      const { query } = request
      const asked = await asking(service, request, query)
      const { scope, below, until, zone } = asked
      const period = periodOf(query, zone)
      const conditions = conditionsOf(query)
      const window = query.window ?? null
      const rows = await concurrency(service.engine, { scope, below, period, conditions, until, window, zone })
      const peak = highest(rows)
      return {
        ...knownJson(service, asked),
        peak: peak === null ? null : { sessions: peak.sessions, at: instantOrNull(peak.at) },
        rows: rows.map(({ from, to, sessions, at }) => ({
          from: formatInstant(from),
          to: formatInstant(to),
          sessions,
          at: instantOrNull(at),
        })),
      }
    },
  )
}

function addClients(server: Server, service: Service): void {
  server.get(
    '/v1/sessions/clients',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Clients and versions that were seen in sessions of a period',
        description: 'A session that changed its version is counted under each. null: its records do not say.',
        querystring: during.extend({ kind: filters.kind, endpoint: filters.endpoint }),
      },
    },
    async (request) => {
      const { query } = request
      const asked = await asking(service, request, query)
      const { scope, below, until, zone } = asked
      const clients = await askClients(service.engine, {
        scope,
        below,
        until,
        period: periodOf(query, zone),
        state: null,
        kind: query.kind ?? null,
        endpoint: query.endpoint ?? null,
        client: null,
        name: null,
      })
      return { ...knownJson(service, asked), clients }
    },
  )
}

/** Sessions, one by one and how many at once. */
export function addSessionRoutes(server: Server, service: Service): void {
  addList(server, service)
  addConcurrency(server, service)
  addClients(server, service)
  addOne(server, service)
  addRecords(server, service)
}
