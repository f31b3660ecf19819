import { z } from 'zod'
import type { AccountKey, Offset } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import { ownerOfSource } from '../../ingest/receive.ts'
import { usageEvents } from '../../meter/usage.ts'
import type { StoredEvent } from '../../store/query.ts'
import { askCorrectionsAt } from '../../store/versions.ts'
import type { StoredCorrection } from '../../store/versions.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import type { Server } from './routes.ts'
import { pageSize } from './schema.ts'
import { aboutNumber, queryOf, readAsked, readFilters } from './usage-query.ts'

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

const shape = { ...aboutNumber, cursor: z.string().optional(), limit: pageSize }

/** GET /v1/usage/events: the events that a meter counts in a period, in the order of time. */
export function addUsageEvents(server: Server, service: Service): void {
  const { engine } = service
  server.get(
    '/v1/usage/events',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The events behind a number',
        description:
          'The events that the meter counts, page by page. Of a level, of members that stay, and of sessions, what holds at the beginning was set before it: GET /v1/usage/explain names those events.',
        querystring: queryOf(shape),
      },
    },
    async (request) => {
      const { query } = request
      const only = readFilters(query, Object.keys(shape))
      const asked = await readAsked(service, accountOf(request, query.account), query, only)
      const { account, meter, period } = asked
      const page = await usageEvents(engine, {
        scope: { kind: 'account', account },
        meter,
        period,
        below: asked.below(),
        only,
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
