import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { Refusal } from '../../core/errors.ts'
import { compare, formatQuantity, zero } from '../../core/exact.ts'
import type { AccountKey, Offset } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { ownerOfSource } from '../../ingest/receive.ts'
import { findMeter } from '../../meter/catalogue.ts'
import type { Dimension, MeterDefinition } from '../../meter/definition.ts'
import { usageEvents } from '../../meter/usage.ts'
import type { UsageRow } from '../../meter/usage.ts'
import type { StoredEvent } from '../../store/query.ts'
import { askCorrectionsAt } from '../../store/versions.ts'
import type { StoredCorrection } from '../../store/versions.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import { accountKey, decimal, moment, pageSize, readMoment, timeZone, windowSize } from './schema.ts'
import type { Server } from './routes.ts'

const question = z.object({
  account: accountKey.optional(),
  meter: z.string(),
  from: moment,
  to: moment,
  meter_version: z.coerce
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .meta({ description: 'by default the newest' }),
  below: z.coerce.number().int().min(0).optional().meta({
    description: 'log offset: what usage was when only the events below it had been counted',
  }),
})

const usageQuery = question.extend({
  window: windowSize.optional(),
  group_by: z.string().optional().meta({ description: 'dimensions that the meter declares, separated by commas' }),
  timezone: timeZone.optional().meta({ description: 'where days and months begin; by default the account’s zone' }),
})

const usageAnswer = z.object({
  account: z.string(),
  meter: z.string(),
  meter_version: z.number(),
  unit: z.string(),
  timezone: z.string(),
  sealed_until: z.string().nullable(),
  complete_until: z.string().nullable(),
  gaps: z.number().meta({
    description: 'gaps in numbered sources that can hold events of the period; GET /v1/completeness names them',
  }),
  counted_below_offset: z.number(),
  events_not_yet_counted: z.number(),
  rows: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      group: z.record(z.string(), z.string().nullable()),
      quantity: decimal.nullable(),
      events_without_value: decimal,
    }),
  ),
  total: decimal.nullable(),
  events_without_value: decimal,
})

function rowJson({
  from,
  to,
  group,
  quantity,
  eventsWithoutValue,
}: UsageRow): z.output<typeof usageAnswer>['rows'][number] {
  return {
    from: formatInstant(from),
    to: formatInstant(to),
    group,
    quantity: quantity === null ? null : formatQuantity(quantity),
    events_without_value: String(eventsWithoutValue),
  }
}

function eventJson(event: StoredEvent): Record<string, unknown> {
  const { time_us: time, ingested_us: ingested, recorded_us: recorded, started_us: started, ...rest } = event
  return {
    ...rest,
    time: formatInstant(Number(time) as never),
    ingested_time: formatInstant(Number(ingested) as never),
    recorded_time: recorded === null || recorded === undefined ? null : formatInstant(Number(recorded) as never),
    started: started === null || started === undefined ? null : formatInstant(Number(started) as never),
  }
}

/**
 * L11: a corrected event may have come under another account's name. Whom it named, and the name of a customer's own
 * source, are for that customer and for operators.
 */
function fenced(event: StoredEvent, viewer: AccountKey | null): StoredEvent {
  if (viewer === null) return event
  const { given_account: given, ...rest } = event
  const owner = ownerOfSource(String(event['source']))
  const source = owner === null || owner === viewer ? event['source'] : null
  return { ...rest, source, ...(given === viewer || given === null ? { given_account: given } : {}) }
}

/** That an event was corrected is everybody's to know. L11: who did it and why may speak of somebody else. */
function correctionJson(correction: StoredCorrection | undefined, isOperator: boolean): object | null {
  if (correction === undefined) return null
  const { kind, arrived, by, reason, supersedes } = correction
  const told = { kind, at: formatInstant(arrived) }
  return isOperator ? { ...told, supersedes: String(supersedes), author: by, reason } : told
}

/** How long an answer waits to count what its judgement of completeness has seen. */
const countedMillis = 1_000

interface Asked {
  readonly account: AccountKey
  readonly meter: MeterDefinition
  readonly zone: string
  readonly period: Period
  /** Up to where can be counted now, or as far as was asked for. */
  readonly below: () => Offset
}

type Ask = (account: AccountKey, query: Wanted) => Promise<Asked>
type Wanted = z.output<typeof question> & { readonly timezone?: string | undefined }

/** What a question is about. */
function asking({ database, projection }: Service): Ask {
  return async (account, query) => {
    const [meter, { timeZone: zone }] = await Promise.all([
      findMeter(database, query.meter, query.meter_version),
      getAccount(database, account),
    ])
    const inZone = query.timezone ?? zone
    const period = { from: readMoment('from', query.from, inZone), to: readMoment('to', query.to, inZone) }
    if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
    const below = (): Offset => Math.min(query.below ?? Number.POSITIVE_INFINITY, projection.position()) as Offset
    return { account, meter, zone: inZone, period, below }
  }
}

function addUsage(server: Server, service: Service, ask: Ask): void {
  const { log, projector, readUsage, world } = service
  server.get(
    '/v1/usage',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Usage of one account and meter',
        description:
          'Exact. sealed_until and complete_until are null while that is not known: no registered source speaks, or events are not counted yet, or `below` leaves some out. Windows that have not begun have no row.',
        querystring: usageQuery,
        response: { 200: usageAnswer },
      },
    },
    async (request) => {
      const { query } = request
      const asked = await ask(accountOf(request, query.account), query)
      const { account, meter, zone, period } = asked
      const groupBy = (query.group_by ?? '').split(',').filter((name) => name !== '') as Dimension[]
      const window = query.window ?? null
      // L13: judged first and counted afterwards, so that nothing is called complete over what was not counted.
      const { completeUntil, sources } = await service.completeness.recent({ account, period })
      const judged = log.end()
      await projector.reach(Math.min(judged, query.below ?? judged) as Offset, countedMillis)
      const below = asked.below()
      const answer = await readUsage({ account, meter, period, zone, window, groupBy, below })
      const isKnown = completeUntil !== null && below >= judged
      const now = world.now()
      return {
        account,
        meter: meter.key,
        meter_version: meter.version,
        unit: meter.unit,
        timezone: zone,
        sealed_until: null,
        complete_until: isKnown ? formatInstant(Math.min(completeUntil, period.to) as Micros) : null,
        gaps: sources.reduce((total, { gaps }) => total + gaps.length, 0),
        counted_below_offset: below,
        events_not_yet_counted: Math.max(0, log.end() - below),
        // L13: a window that has not begun is not known, which is not zero.
        rows: answer.rows
          .filter(({ from, quantity }) => from <= now || compare(quantity ?? zero, zero) !== 0)
          .map(rowJson),
        total: answer.total === null ? null : formatQuantity(answer.total),
        events_without_value: String(answer.eventsWithoutValue),
      }
    },
  )
}

function addUsageEvents(server: Server, { engine }: Service, ask: Ask): void {
  server.get(
    '/v1/usage/events',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The events behind a number',
        querystring: question.extend({ cursor: z.string().optional(), limit: pageSize }),
      },
    },
    async (request) => {
      const { query } = request
      const { account, meter, period, below } = await ask(accountOf(request, query.account), query)
      const page = await usageEvents(engine, {
        scope: { kind: 'account', account },
        meter,
        period,
        below: below(),
        cursor: query.cursor ?? null,
        most: query.limit,
      })
      const offsets = page.events.map(({ offset }) => Number(offset) as Offset)
      const corrections = await askCorrectionsAt(engine, offsets)
      const viewer = principalOf(request).account
      const events = page.events.map((event) => ({
        ...eventJson(fenced(event, viewer)),
        correction: correctionJson(corrections.get(Number(event.offset) as Offset), viewer === null),
      }))
      return { events, cursor: page.cursor }
    },
  )
}

/** GET /v1/usage and the way from a number down to its events. */
export function addUsageRoutes(server: Server, service: Service): void {
  const ask = asking(service)
  addUsage(server, service, ask)
  addUsageEvents(server, service, ask)
}
