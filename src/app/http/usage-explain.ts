import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { needsAllEvents } from '../../meter/only.ts'
import type { Service } from '../service.ts'
import { explainUsage } from '../usage-explain.ts'
import { accountOf } from './access.ts'
import type { Server } from './routes.ts'
import { intervalNote, quantityText } from './usage-answer.ts'
import { aboutNumber, queryOf, readAsked, readFilters } from './usage-query.ts'
import { countedNow } from './usage-state.ts'

const shape = aboutNumber

/** GET /v1/usage/explain: what made a number, by the way in which it is measured. */
export function addUsageExplain(server: Server, service: Service): void {
  server.get(
    '/v1/usage/explain',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What made a number',
        description:
          'The quantity of the whole period and what it is made of: the event that won, the hours and their first events, the levels and how long they held, the interval that a percentile is. Times lead to events: GET /v1/usage/events with them as from and to.',
        querystring: queryOf(shape),
      },
    },
    async (request) => {
      const { query } = request
      const only = readFilters(query, Object.keys(shape))
      const asked = await readAsked(service, accountOf(request, query.account), query, only)
      const { account, meter, period } = asked
      if (only.length > 0 && needsAllEvents(meter.aggregation)) {
        throw new Refusal('REQUEST_INVALID', `meter ${meter.key} is explained as a whole: leave the filter out`)
      }
      const counted = await countedNow(service, { account, period, below: query.below })
      const question = { ...asked, below: counted.below }
      const intervals = intervalNote(meter.aggregation, { unknown: counted.unknown, until: asked.until })
      const { total, eventsWithoutValue } = await service.readUsage(question)
      return {
        account,
        meter: meter.key,
        meter_version: meter.version,
        unit: meter.unit,
        from: formatInstant(period.from),
        to: formatInstant(period.to),
        counted_below_offset: question.below,
        kind: meter.aggregation.kind,
        quantity: quantityText(total),
        events_without_value: String(eventsWithoutValue),
        ...intervals(period),
        ...(await explainUsage(service.engine, question)),
      }
    },
  )
}
