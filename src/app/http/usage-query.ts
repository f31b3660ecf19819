/** Reads what a question about usage asks for: the account, the meter, the time, the groups and the filters. */
import { z } from 'zod'
import { getAccount } from '../../account/accounts.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey, Offset } from '../../core/ids.ts'
import { parseMonth, windowSizes } from '../../core/time.ts'
import type { Micros, Period, WindowSize } from '../../core/time.ts'
import { findMeter } from '../../meter/catalogue.ts'
import type { Dimension, MeterDefinition } from '../../meter/definition.ts'
import { checkQuestion } from '../../meter/usage.ts'
import type { Only, UsageQuestion } from '../../meter/usage.ts'
import type { Service } from '../service.ts'
import { accountKey, moment, readMoment, timeZone } from './schema.ts'

export const limits = { filtersMax: 10, valuesMax: 100, topMax: 1_000 } as const

const month = z.string().optional()

const time = {
  from: moment.optional(),
  to: moment.optional(),
  period: month.meta({ description: 'instead of from and to: a calendar month of `timezone`, such as 2026-10' }),
  billing_period: month.meta({
    description: 'instead of from and to: a billing period of the account, such as 2026-10',
  }),
  timezone: timeZone.optional().meta({ description: 'where days and months begin; by default the account’s zone' }),
}

const counted = {
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
}

/** True only when it is asked for. */
export const flag = z.enum(['true', 'false']).optional()

const windows = ['billing_period', ...windowSizes] as const
export const windowName = z.enum(windows)

/** What every question about one number says. Filters have names of their own: `filter[endpoint]=…`. */
export const aboutNumber = { account: accountKey.optional(), meter: z.string(), ...time, ...counted }

/** What a question by windows and groups says. */
export const aboutRows = {
  window: windowName
    .optional()
    .meta({ description: 'absent: one row for the whole; `billing_period`: the account’s months' }),
  group_by: z.string().optional().meta({ description: 'dimensions that the meter declares, separated by commas' }),
  top: z.coerce
    .number()
    .int()
    .min(1)
    .max(limits.topMax)
    .optional()
    .meta({ description: 'only the groups of the largest quantities; all others together are one more row' }),
}

export const aboutTime = time

/** Names that are not known here are kept, so that they can be refused: what is misspelt must not be left out silently. */
export function queryOf<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.looseObject(shape)
}

const filterName = /^filter\[([\w.-]{1,80})\]$/

/** The values of `filter[NAME]=…`, which may be given several times. Refuses parameters that are not known. */
export function readFilters(query: Readonly<Record<string, unknown>>, known: readonly string[]): readonly Only[] {
  const only: Only[] = []
  for (const [name, value] of Object.entries(query)) {
    if (known.includes(name)) continue
    const field = filterName.exec(name)?.[1]
    if (field === undefined) {
      throw new Refusal('REQUEST_INVALID', `there is no parameter ${name.slice(0, 60)}.${didYouMean(name, known)}`)
    }
    const values = (Array.isArray(value) ? value : [value]).map(String)
    if (values.length > limits.valuesMax)
      throw new Refusal('REQUEST_INVALID', `${name} has more than ${limits.valuesMax} values`)
    only.push({ field: field as Dimension, values })
  }
  if (only.length > limits.filtersMax) throw new Refusal('REQUEST_INVALID', `more than ${limits.filtersMax} filters`)
  return only
}

export interface TimeWanted {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly period?: string | undefined
  readonly billing_period?: string | undefined
}

function readMonth(name: string, text: string, zone: string): Period {
  const parsed = parseMonth(text, zone)
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', `${name} ${parsed.error}`)
  return parsed.value
}

/** The time of a question: said by its ends, as a month of a zone, or as a billing period, in exactly one way. */
export function readPeriod(wanted: TimeWanted, zones: { readonly zone: string; readonly billing: string }): Period {
  const { from, to, period, billing_period: billing } = wanted
  const ways = [from !== undefined || to !== undefined, period !== undefined, billing !== undefined]
  if (ways.filter(Boolean).length !== 1) {
    throw new Refusal('REQUEST_INVALID', 'say which time: from and to, or period=2026-10, or billing_period=2026-10')
  }
  if (period !== undefined) return readMonth('period', period, zones.zone)
  if (billing !== undefined) return readMonth('billing_period', billing, zones.billing)
  if (from === undefined || to === undefined) throw new Refusal('REQUEST_INVALID', 'from and to are both needed')
  const read = { from: readMoment('from', from, zones.zone), to: readMoment('to', to, zones.zone) }
  if (read.from >= read.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  return read
}

/** Billing periods are months in the account's zone, whatever zone the question has. */
export function readWindow(
  name: z.output<typeof windowName> | undefined,
  zones: { readonly zone: string; readonly billing: string },
): WindowSize | null {
  if (name !== 'billing_period') return name ?? null
  if (zones.zone !== zones.billing) {
    throw new Refusal('REQUEST_INVALID', `billing periods are months in ${zones.billing}; leave timezone out`)
  }
  return 'month'
}

export interface RowsWanted extends TimeWanted {
  readonly meter: string
  readonly meter_version?: number | undefined
  readonly below?: number | undefined
  readonly timezone?: string | undefined
  readonly window?: z.output<typeof windowName> | undefined
  readonly group_by?: string | undefined
  readonly top?: number | undefined
}

/** A question that was read, but for the offset below which it is counted. */
export interface Asked extends Omit<UsageQuestion, 'below'> {
  readonly account: AccountKey
  readonly meter: MeterDefinition
  readonly until: Micros
  /** Up to where can be counted now, or as far as was asked for. */
  readonly below: () => Offset
}

export function readGroups(names: string | undefined): readonly Dimension[] {
  const groups = (names ?? '').split(',').filter((name) => name !== '') as Dimension[]
  return [...new Set(groups)]
}

/** Reads a question about an account that the caller may see. */
export async function readAsked(
  { database, projection, world }: Service,
  account: AccountKey,
  wanted: RowsWanted,
  only: readonly Only[],
): Promise<Asked> {
  const [meter, { timeZone: billing }] = await Promise.all([
    findMeter(database, wanted.meter, wanted.meter_version),
    getAccount(database, account),
  ])
  const zone = wanted.timezone ?? billing
  const groupBy = readGroups(wanted.group_by)
  checkQuestion({ meter, groupBy, only })
  if (wanted.top !== undefined && groupBy.length === 0)
    throw new Refusal('REQUEST_INVALID', 'top is about groups: say group_by as well')
  const below = (): Offset => Math.min(wanted.below ?? Number.POSITIVE_INFINITY, projection.position()) as Offset
  return {
    account,
    meter,
    zone,
    period: readPeriod(wanted, { zone, billing }),
    window: readWindow(wanted.window, { zone, billing }),
    groupBy,
    until: world.now(),
    below,
    ...(wanted.billing_period === undefined ? {} : { periodZone: billing }),
    ...(only.length === 0 ? {} : { only }),
    ...(wanted.top === undefined ? {} : { top: wanted.top }),
  }
}
