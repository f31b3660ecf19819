import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { Refusal } from '../../core/errors.ts'
import { formatQuantity } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { formatInstant } from '../../core/time.ts'
import type { Offset } from '../../core/ids.ts'
import type { Micros } from '../../core/time.ts'
import { definitionSha256, findMeter, findVersion, meterDocument, requireMeter } from '../../meter/catalogue.ts'
import type { Dimension, MeterDefinition } from '../../meter/definition.ts'
import { libraryEntry } from '../../meter/library.ts'
import type { StoredEvent } from '../../store/query.ts'
import { inspectionFields } from '../../core/event.ts'
import { limits, previewMeter } from '../meter-preview.ts'
import type { Compared, Preview, PreviewQuestion } from '../meter-preview.ts'
import { tryMeter } from '../meter-trial.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import { meterExample, meterSchema } from './meter-schema.ts'
import type { Server } from './routes.ts'
import { accountKey, moment, readMoment, timeZone, windowSize } from './schema.ts'

const previewBody = z.object({
  definition: z
    .record(z.string(), z.unknown())
    .meta({ ...meterSchema, examples: [meterExample] })
    .optional(),
  key: z
    .string()
    .optional()
    .meta({ description: 'instead of a definition: a meter that is stored, or one of the library' }),
  version: z.number().int().min(1).optional().meta({ description: 'of `key`; by default the current one' }),
  account: accountKey.optional().meta({ description: 'by default all accounts' }),
  from: moment,
  to: moment,
  window: windowSize.optional(),
  timezone: timeZone.optional().meta({ description: 'by default the account’s zone, or UTC' }),
  group_by: z
    .array(z.string())
    .max(5)
    .default([])
    .meta({ description: 'dimensions that the definition declares; of one account' }),
  accounts: z.number().int().min(0).max(limits.accountsMax).default(20),
  samples: z.number().int().min(0).max(limits.samplesMax).default(3),
})
type Body = z.output<typeof previewBody>

async function currentOf({ database }: Service, key: string): Promise<MeterDefinition | null> {
  try {
    return await findMeter(database, key)
  } catch (error) {
    if (error instanceof Refusal && error.code === 'METER_NOT_FOUND') return null
    throw error
  }
}

/** The definition that is previewed. One that is not stored has version 0: it is no version of anything. */
async function wantedMeter(service: Service, { definition, key, version }: Body): Promise<MeterDefinition> {
  if ((definition === undefined) === (key === undefined))
    throw new Refusal('REQUEST_INVALID', 'a preview takes either a definition, or the key of a meter and a version')
  if (definition !== undefined) return requireMeter(definition, 0)
  if (key === undefined) throw new Refusal('REQUEST_INVALID', 'key is missing')
  if (version !== undefined) return (await findVersion(service.database, key, version)).meter
  return (await currentOf(service, key)) ?? requireMeter(libraryEntry(key).meter, 0)
}

function text(quantity: Exact | null): string | null {
  return quantity === null ? null : formatQuantity(quantity)
}

function comparedJson({ quantity, current, difference }: Compared): Record<string, string | null> {
  return { quantity: text(quantity), current: text(current), difference: text(difference) }
}

const hidden: ReadonlySet<string> = new Set<string>([...inspectionFields.map(({ name }) => name), 'ingested_us'])

/** The facts that a sample carries. What a visitor sent is for those who look into traffic, not for who defines meters. */
function sampleJson({ time_us: time, ...event }: StoredEvent): Record<string, unknown> {
  const carried = Object.entries(event).filter(([name, value]) => value !== null && value !== '' && !hidden.has(name))
  return { time: formatInstant(Number(time) as Micros), ...Object.fromEntries(carried) }
}

function previewJson(question: PreviewQuestion, preview: Preview): Record<string, unknown> {
  const { meter, current, period, zone, below } = question
  return {
    meter: meterDocument(meter),
    definition_sha256: definitionSha256(meter),
    compared_with: current === null ? null : { version: current.version, unit: current.unit },
    account: question.account,
    from: formatInstant(period.from),
    to: formatInstant(period.to),
    timezone: zone,
    unit: meter.unit,
    counted_below_offset: below,
    total: comparedJson(preview.total),
    events_matched: text(preview.matched),
    events_without_value: String(preview.eventsWithoutValue),
    rows: preview.rows.map((row) => ({
      from: formatInstant(row.from),
      to: formatInstant(row.to),
      group: row.group,
      ...comparedJson(row),
    })),
    accounts: preview.accounts.map((one) => ({
      account: one.account,
      ...comparedJson(one),
      events_without_value: String(one.eventsWithoutValue),
    })),
    others: preview.others === null ? null : { accounts: preview.others.accounts, ...comparedJson(preview.others) },
    sample_events: preview.samples.map(sampleJson),
  }
}

/** How long a preview waits for events that came in just now. */
const countedMillis = 1_000

async function questionOf(service: Service, body: Body): Promise<PreviewQuestion> {
  const { database, log, projection, projector, world } = service
  const meter = await wantedMeter(service, body)
  const account = body.account ?? null
  if (account === null && body.group_by.length > 0)
    throw new Refusal(
      'REQUEST_INVALID',
      'group_by needs an account: over all accounts there is one row for each window',
    )
  const zone = body.timezone ?? (account === null ? 'UTC' : (await getAccount(database, account)).timeZone)
  const period = { from: readMoment('from', body.from, zone), to: readMoment('to', body.to, zone) }
  await projector.reach(log.end(), countedMillis)
  return {
    meter,
    current: await currentOf(service, meter.key),
    account,
    period,
    window: body.window ?? null,
    zone,
    groupBy: body.group_by as Dimension[],
    below: Math.min(projection.position(), log.end()) as Offset,
    until: world.now(),
    accounts: body.accounts,
    samples: body.samples,
  }
}

/** POST /v1/meters/preview: what a definition would have counted. */
export function addMeterPreview(server: Server, service: Service): void {
  server.post(
    '/v1/meters/preview',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What a definition counts on past data, beside what the meter counts now; changes nothing',
        description:
          'For a definition that is not stored, a draft, or a version. difference is null where the units differ or there is no value. accounts are those that change most.',
        body: previewBody,
      },
    },
    async (request) => {
      requireOperator(request)
      const question = await questionOf(service, request.body)
      await tryMeter(service.engine, question.meter)
      return previewJson(question, await previewMeter(service.engine, question))
    },
  )
}
