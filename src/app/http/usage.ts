import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { MeterDefinition } from '../../meter/definition.ts'
import type { UsageAnswer, UsageQuestion } from '../../meter/usage.ts'
import { streamUsage } from '../../meter/usage-stream.ts'
import { whyNotAdditive } from '../../store/measure/measure.ts'
import type { Service } from '../service.ts'
import { usageAsOf } from '../usage-as-of.ts'
import { compareUsage } from '../usage-compare.ts'
import { forecastUsage } from '../usage-forecast.ts'
import { accountOf, principalOf } from './access.ts'
import type { Server } from './routes.ts'
import { instant, instantOrNull } from './schema.ts'
import {
  asOfJson,
  compareJson,
  forecastJson,
  intervalNote,
  previousNote,
  quantityText,
  rowJson,
  usageAnswer,
} from './usage-answer.ts'
import type { UsageJson } from './usage-answer.ts'
import { addUsageEvents } from './usage-events.ts'
import { addUsageExplain } from './usage-explain.ts'
import { OpenFiles, formatOf, formats, sendFile } from './usage-export.ts'
import type { FileFormat } from './usage-export.ts'
import type { FileRows } from './usage-export-row.ts'
import { addUsageExportAll } from './usage-export-all.ts'
import { aboutNumber, aboutRows, flag, queryOf, readAsked, readFilters } from './usage-query.ts'
import type { Asked } from './usage-query.ts'
import { countedNow, hasBegun, sealedNow } from './usage-state.ts'
import type { Counted } from './usage-state.ts'

const shape = {
  ...aboutNumber,
  ...aboutRows,
  compare: z.enum(['previous']).optional().meta({ description: 'with the period before: the month before a month' }),
  forecast: flag.meta({ description: 'true: an estimate to the end of the period' }),
  as_of: instant.optional().meta({ description: 'what was said then, beside what is said now' }),
  sum: flag.meta({ description: 'true: the rows are to be added up; refused when they may not be' }),
  format: z.enum(formats).optional().meta({ description: 'by default what Accept says' }),
}
const usageQuery = queryOf(shape)
type Query = z.output<typeof usageQuery>

/** What is asked for beside the number itself. */
async function besides(
  service: Service,
  question: UsageQuestion,
  { query, answer }: { readonly query: Query; readonly answer: UsageAnswer },
) {
  const { readUsage: read, engine, world } = service
  const now = world.now()
  return {
    compared: query.compare === undefined ? undefined : await compareUsage(read, question, answer),
    forecasted:
      query.forecast === 'true' ? await forecastUsage(read, question, { now, counted: answer.total }) : undefined,
    asOf: query.as_of === undefined ? undefined : await usageAsOf({ engine, read }, question, { at: query.as_of, now }),
  }
}

/** Who says that the rows will be added up is refused where that would give a wrong number. */
function checkSum(query: Query, { key, aggregation }: MeterDefinition): void {
  const why = whyNotAdditive(aggregation)
  if (query.sum !== 'true' || why === null) return
  throw new Refusal('METER_NOT_ADDITIVE', `rows of meter ${key} are not added up: ${why}; take the total`)
}

async function answerJson(
  service: Service,
  { query, asked, isOperator }: { readonly query: Query; readonly asked: Asked; readonly isOperator: boolean },
): Promise<UsageJson> {
  const { account, meter, period, zone, until } = asked
  const why = whyNotAdditive(meter.aggregation)
  const counted = await countedNow(service, { account, period, below: query.below })
  const question = { ...asked, below: counted.below }
  const read = await service.readUsage(question)
  const answer = { ...read, rows: read.rows.filter((row) => hasBegun(row, until)) }
  const { compared, forecasted, asOf } = await besides(service, question, { query, answer })
  const measured = { unknown: counted.unknown, until }
  const notes = [intervalNote(meter.aggregation, measured), previousNote(compared)]
  const { total } = answer
  return {
    account,
    meter: meter.key,
    meter_version: meter.version,
    unit: meter.unit,
    timezone: zone,
    from: formatInstant(period.from),
    to: formatInstant(period.to),
    additive: why === null,
    why_not_additive: why,
    sealed_until: instantOrNull(await sealedNow(service, { meter, period, counted })),
    complete_until: instantOrNull(counted.completeUntil),
    gaps: counted.gaps,
    counted_below_offset: counted.below,
    events_not_yet_counted: Math.max(0, service.log.end() - counted.below),
    measured_until: formatInstant(Math.min(until, period.to) as Micros),
    rows: answer.rows.map((row) => notes.reduce((json, note) => ({ ...json, ...note(row) }), rowJson(row))),
    total: quantityText(total),
    events_without_value: String(answer.eventsWithoutValue),
    ...(compared === undefined ? {} : { compare: compareJson(compared, total) }),
    ...(forecasted === undefined ? {} : { forecast: forecastJson(forecasted) }),
    ...(asOf === undefined ? {} : { as_of: asOfJson(asOf, { total, isOperator }) }),
  }
}

/** The rows of a file: those of the JSON answer, in its order. */
async function* fileRows(service: Service, asked: Asked, counted: Counted): FileRows {
  const { account, meter, zone, period, until } = asked
  const { below, completeUntil } = counted
  const sealedUntil = await sealedNow(service, { meter, period, counted })
  const intervals = intervalNote(meter.aggregation, { unknown: counted.unknown, until })
  const part = { meter, zone, below, completeUntil, sealedUntil, intervals }
  for await (const rows of streamUsage(service.engine, { ...asked, below })) {
    yield rows.filter((row) => hasBegun(row, until)).map((row) => ({ ...row, account, part }))
  }
}

async function answerFile(
  service: Service,
  { query, asked, format }: { readonly query: Query; readonly asked: Asked; readonly format: FileFormat },
  { reply, open }: { readonly reply: FastifyReply; readonly open: OpenFiles },
): Promise<FastifyReply> {
  const beside = (['compare', 'forecast', 'as_of'] as const).find((name) => query[name] !== undefined)
  if (beside !== undefined)
    throw new Refusal('REQUEST_INVALID', `${beside} is answered as JSON; a file has rows and nothing else`)
  const { account, meter, period, groupBy } = asked
  const hasIntervals = meter.aggregation.kind === 'percentile'
  const counted = await countedNow(service, { account, period, below: query.below })
  const facts = {
    account,
    meter: meter.key,
    meter_version: String(meter.version),
    unit: meter.unit,
    timezone: asked.zone,
    counted_below_offset: String(counted.below),
  }
  const rows = fileRows(service, asked, counted)
  return sendFile(
    reply,
    { format, name: `usage_${meter.key}`, period, about: { groupBy, hasIntervals, facts }, rows },
    open,
  )
}

function addUsage(server: Server, service: Service, open: OpenFiles): void {
  server.get(
    '/v1/usage',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Usage of one account and meter',
        description:
          'Exact. `filter[DIMENSION]=VALUE`, also several times: only events with one of these values. sealed_until and complete_until are null while that is not known: no registered source speaks, or events are not counted yet, or `below` leaves some out. Windows that have not begun have no row. As CSV, NDJSON or Parquet (`format` or Accept) an answer may have any number of rows.',
        querystring: usageQuery,
        response: { 200: usageAnswer },
      },
    },
    async (request, reply) => {
      const { query } = request
      const only = readFilters(query, Object.keys(shape))
      const asked = await readAsked(service, accountOf(request, query.account), query, only)
      checkSum(query, asked.meter)
      const format = formatOf(query.format, request.headers.accept)
      const isOperator = principalOf(request).account === null
      if (format === 'json') return answerJson(service, { query, asked, isOperator })
      return answerFile(service, { query, asked, format }, { reply, open }) as never
    },
  )
}

/** GET /v1/usage and the way from a number down to its events. */
export function addUsageRoutes(server: Server, service: Service): void {
  const open = new OpenFiles()
  addUsage(server, service, open)
  addUsageExportAll(server, service, open)
  addUsageEvents(server, service)
  addUsageExplain(server, service)
}
