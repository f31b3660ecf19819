import { z } from 'zod'
import { formatInstant, hourMicros } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { findMeter } from '../../meter/catalogue.ts'
import { listDiscrepancies, resolveDiscrepancy } from '../../meter/discrepancy.ts'
import type { Discrepancy } from '../../meter/discrepancy.ts'
import { everyEvent, isClean, rolledMeterOf } from '../../meter/rollups.ts'
import { askHourStates } from '../../store/rollup.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { moment, pageSize, person, readMoment, shortReason } from './schema.ts'

function discrepancyJson({
  id,
  kind,
  subject,
  expected,
  found,
  message,
  foundAt,
  lastFoundAt,
  resolution,
}: Discrepancy) {
  return {
    id,
    kind,
    subject,
    expected,
    found,
    message,
    found_at: formatInstant(foundAt),
    last_found_at: formatInstant(lastFoundAt),
    resolved:
      resolution === null ? null : { at: formatInstant(resolution.at), by: resolution.by, reason: resolution.reason },
  }
}

function addWindows(server: Server, { database, engine, projection }: Service): void {
  server.get(
    '/v1/meters/:key/windows',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Which hours of a meter are rolled, and for what part of the log they are true',
        description:
          'For operators. version: the log offset below which everything is in the rolled hour. sealed: nothing has touched the hour since, and it was equal to a recount of its events. Of a meter whose hours cannot be put together, the hours of all events are shown.',
        params: z.object({ key: z.string() }),
        querystring: z.object({ from: moment, to: moment }),
      },
    },
    async (request) => {
      requireOperator(request)
      const meter = await findMeter(database, request.params.key)
      const from = readMoment('from', request.query.from, 'UTC')
      const period = { from: (from - (from % hourMicros)) as Micros, to: readMoment('to', request.query.to, 'UTC') }
      const rolled = rolledMeterOf(meter) ?? everyEvent
      const below = projection.position()
      const { touched, rolled: versions } = await askHourStates(engine, rolled, period, below)
      const byHour = new Map(versions.map((version) => [version.hour, version]))
      const hours = [...new Set([...(touched?.keys() ?? []), ...byHour.keys()])].toSorted((one, two) => one - two)
      return {
        meter: meter.key,
        meter_version: meter.version,
        counted_below_offset: below,
        windows: hours.map((hour) => {
          const version = byHour.get(hour)
          return {
            from: formatInstant(hour),
            to: formatInstant((hour + hourMicros) as Micros),
            version: version?.below ?? null,
            rolled_at: version === undefined ? null : formatInstant(version.rolled),
            accounts: version?.accounts ?? null,
            sealed: version !== undefined && touched !== null && isClean(version, touched),
          }
        }),
      }
    },
  )
}

/** Where two counts of one thing differ, and which windows are sealed. */
export function addDiscrepancyRoutes(server: Server, service: Service): void {
  const { database, world } = service
  server.get(
    '/v1/discrepancies',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Two counts of one thing that differ, the newest first',
        description: 'For operators. The standing audit recounts sealed windows at random and raises what it finds.',
        querystring: z.object({
          state: z.enum(['open', 'all']).default('open'),
          before: z
            .string()
            .regex(/^\d{1,18}$/)
            .optional(),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { state, before, limit } = request.query
      const page = await listDiscrepancies(database, {
        openOnly: state === 'open',
        before: before ?? null,
        most: limit,
      })
      return {
        discrepancies: page.map(discrepancyJson),
        next: page.length === limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
  server.post(
    '/v1/discrepancies/:id/resolve',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Close a discrepancy in the name of a person',
        params: z.object({ id: z.string().regex(/^\d{1,18}$/) }),
        body: z.strictObject({ author: person, reason: shortReason }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { author: by, reason } = request.body
      return discrepancyJson(await resolveDiscrepancy(database, request.params.id, { by, reason, now: world.now() }))
    },
  )
  addWindows(server, service)
}
