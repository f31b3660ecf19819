import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey } from '../../core/ids.ts'
import type { Micros, Period, WindowSize } from '../../core/time.ts'
import { findMeter, listMeters } from '../../meter/catalogue.ts'
import type { Dimension, MeterDefinition } from '../../meter/definition.ts'
import { checkQuestion } from '../../meter/usage.ts'
import { streamUsage, streamUsageByAccount } from '../../meter/usage-stream.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import type { Server } from './routes.ts'
import { accountKey } from './schema.ts'
import { intervalNote } from './usage-answer.ts'
import { fileFormats, sendFile } from './usage-export.ts'
import type { OpenFiles } from './usage-export.ts'
import type { FileRows } from './usage-export-row.ts'
import {
  aboutRows,
  aboutTime,
  queryOf,
  readFilters,
  readGroups,
  readPeriod,
  readWindow,
  windowName,
} from './usage-query.ts'
import { countedNow, hasBegun, sealedNow } from './usage-state.ts'
import type { Counted } from './usage-state.ts'

const shape = {
  account: accountKey.optional().meta({ description: 'absent: all accounts, for operators' }),
  meters: z.string().optional().meta({ description: 'separated by commas; absent: all, in their newest versions' }),
  ...aboutTime,
  window: windowName.default('day'),
  group_by: aboutRows.group_by,
  below: z.coerce.number().int().min(0).optional(),
  format: z.enum(fileFormats).default('csv'),
}
type Query = z.output<ReturnType<typeof queryOf<typeof shape>>>

interface Export {
  /** Null: all accounts. */
  readonly account: AccountKey | null
  readonly meters: readonly MeterDefinition[]
  readonly zone: string
  readonly period: Period
  readonly window: WindowSize | null
  readonly groupBy: readonly Dimension[]
  readonly until: Micros
}

async function readExport(service: Service, account: AccountKey | null, query: Query): Promise<Export> {
  const { database, world } = service
  readFilters(query, Object.keys(shape)).forEach(({ field }) => {
    throw new Refusal('REQUEST_INVALID', `an export has no filter[${field}]; GET /v1/usage has`)
  })
  const names = query.meters?.split(',').filter((name) => name !== '')
  const meters =
    names === undefined
      ? await listMeters(database)
      : await Promise.all([...new Set(names)].map((name) => findMeter(database, name)))
  const billing = account === null ? 'UTC' : (await getAccount(database, account)).timeZone
  const zones = { zone: query.timezone ?? billing, billing }
  const groupBy = readGroups(query.group_by)
  for (const meter of meters) checkQuestion({ meter, groupBy })
  const period = readPeriod(query, zones)
  const window = readWindow(query.window, zones)
  return { account, meters, zone: zones.zone, period, window, groupBy, until: world.now() }
}

/** Meter after meter, all of one log offset. */
async function* exportRows(service: Service, asked: Export, counted: Counted): FileRows {
  const { engine } = service
  const { account, zone, period, until } = asked
  const { below, completeUntil } = counted
  for (const meter of asked.meters) {
    const part = {
      meter,
      zone,
      below,
      completeUntil,
      sealedUntil: await sealedNow(service, { meter, period, counted }),
      intervals: intervalNote(meter.aggregation, { unknown: counted.unknown, until }),
    }
    const question = { ...asked, meter, below }
    if (account === null) {
      for await (const rows of streamUsageByAccount(engine, question)) yield rows.map((row) => ({ ...row, part }))
    } else {
      for await (const rows of streamUsage(engine, { ...question, account })) {
        yield rows.filter((row) => hasBegun(row, until)).map((row) => ({ ...row, account, part }))
      }
    }
  }
}

/** GET /v1/usage/export: several meters, and for operators all accounts, as one file. */
export function addUsageExportAll(server: Server, service: Service, open: OpenFiles): void {
  server.get(
    '/v1/usage/export',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Usage of all accounts and meters as a file',
        description:
          'Rows by meter, window and account; accounts and windows without usage have none where all accounts are asked for. Days and months of all accounts are those of `timezone`, by default UTC.',
        querystring: queryOf(shape),
      },
    },
    async (request, reply) => {
      const { query } = request
      const isAll = query.account === undefined && principalOf(request).account === null
      const asked = await readExport(service, isAll ? null : accountOf(request, query.account), query)
      const { account, meters, period, groupBy, zone } = asked
      const counted = await countedNow(service, { account, period, below: query.below })
      const facts = {
        account: account ?? 'all',
        meters: meters.map(({ key, version }) => `${key} ${version}`).join(', '),
        timezone: zone,
        counted_below_offset: String(counted.below),
      }
      const hasIntervals = meters.some(({ aggregation }) => aggregation.kind === 'percentile')
      const about = { groupBy, hasIntervals, facts }
      const file = { name: 'usage', period, about, rows: exportRows(service, asked, counted) }
      return sendFile(reply, { ...file, format: query.format }, open)
    },
  )
}
