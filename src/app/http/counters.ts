import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { readCounters } from '../../meter/counters.ts'
import type { ComparedSeries } from '../../meter/counters.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { moment, readMoment } from './schema.ts'

export function seriesJson(series: ComparedSeries): Record<string, unknown> {
  const { source, name, account, endpoint, region, attributes, counted, difference } = series
  return {
    source,
    name,
    account,
    endpoint,
    region,
    attributes,
    increase: series.increase,
    resets: series.resets,
    samples: series.samples,
    after: formatInstant(series.after),
    until: formatInstant(series.until),
    counted_by_events: counted === null ? null : String(counted),
    difference: difference === null ? null : String(difference),
  }
}

/** What cumulative counters say, beside what events say. */
export function addCounterRoutes(server: Server, { engine, projection }: Service): void {
  server.get(
    '/v1/counters',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What the counters of sources counted in a time, and the same traffic by its events',
        description:
          'increase is what happened after `after` and not after `until`: from the last sample before the time asked for to the last ' +
          'one in it. A reset is not traffic; what a counter had counted between its last sample and a reset is not known, so with ' +
          'resets the increase is the least. requests, connections, bytes_out_wire, bytes_out_body, bytes_in_wire and bytes_in_body ' +
          'are compared with the events of the same source (account, endpoint, region, where the series names them); of other names ' +
          'and of series with attributes nothing is known that counts them too (null). difference = increase - counted_by_events. An ' +
          'event carries the time at which its request began, a counter moves when it has ended: a small difference can be requests under way.',
        querystring: z.object({ source: z.string().min(1).max(400).optional(), from: moment, to: moment }),
      },
    },
    async (request) => {
      requireOperator(request)
      const period = {
        from: readMoment('from', request.query.from, 'UTC'),
        to: readMoment('to', request.query.to, 'UTC'),
      }
      if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
      const source = request.query.source ?? null
      const { series, cut } = await readCounters(engine, { source, period, below: projection.position() })
      return { series: series.map(seriesJson), cut }
    },
  )
}
