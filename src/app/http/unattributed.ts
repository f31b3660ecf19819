import { z } from 'zod'
import { formatInstant } from '../../core/time.ts'
import type { Service } from '../service.ts'
import { limits, quantitiesJson, unattributedReport } from '../unattributed.ts'
import type { Candidate, UnattributedEndpoint } from '../unattributed.ts'
import { requireOperator } from './access.ts'
import { ownershipJson } from './ownership-answer.ts'
import type { Server } from './routes.ts'
import { moment, readMoment } from './schema.ts'
import { Refusal } from '../../core/errors.ts'

function candidateJson({ account, why, ownership }: Candidate): object {
  return { account, why, ownership: ownership === null ? null : ownershipJson(ownership) }
}

function endpointJson({ endpoint, written, events, first, last, ...more }: UnattributedEndpoint): object {
  return {
    endpoint,
    written,
    events: String(events),
    first_seen: formatInstant(first),
    last_seen: formatInstant(last),
    quantities: quantitiesJson(more.quantities),
    candidates: more.candidates.map(candidateJson),
  }
}

/** What nobody owns: by endpoint, valued, with who may own it. Operators only. */
export function addUnattributedRoute(server: Server, service: Service): void {
  server.get(
    '/v1/unattributed',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Traffic that nobody owns: by endpoint, valued under the default plan, with candidates for its owner',
        description:
          'The endpoints with the most events, and all others as one: together they are the whole of each meter. Give an endpoint its ' +
          'owner by POST /v1/endpoints/{endpoint}/owners with `reattribute`: then this traffic moves to it.',
        querystring: z.object({
          from: moment,
          to: moment,
          top: z.coerce.number().int().min(1).max(limits.topMax).default(20),
        }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { top } = request.query
      const period = {
        from: readMoment('from', request.query.from, 'UTC'),
        to: readMoment('to', request.query.to, 'UTC'),
      }
      if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
      await service.ownership.refresh()
      const report = await unattributedReport(service, { period, top })
      return {
        from: formatInstant(period.from),
        to: formatInstant(period.to),
        counted_below: String(report.below),
        events: String(report.events),
        meters: report.meters.map(({ key, unit }) => ({ meter: key, unit })),
        quantities: quantitiesJson(report.total),
        endpoints: report.endpoints.map(endpointJson),
        others: {
          endpoints: report.others.endpoints,
          events: String(report.others.events),
          quantities: quantitiesJson(report.others.quantities),
        },
        value: report.value,
        no_value: report.noValue,
      }
    },
  )
}
