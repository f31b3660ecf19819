import { explainLine, explanationJson } from '../../invoice/explain.ts'
import type { LineExplanation, UsageQuery } from '../../invoice/explain.ts'
import { lineText } from '../../invoice/text.ts'
import { groupDigits, instantOf, momentOf, valueName } from '../../invoice/wording.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { Client } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Terminal } from './command.ts'
import { draftOf, eventsOf, hoursOf } from './invoice-api.ts'
import type { EventsAnswer, UsageAnswer } from './invoice-api.ts'

export interface LineRequest {
  readonly account: string
  readonly line: number
  readonly month: string
  /** A day of the account's zone such as 2026-10-05; null: the whole month. */
  readonly day: string | null
  readonly hours: boolean
  readonly events: boolean
  readonly limit: number
  readonly json: boolean
}

/** The part of the line's period that hours and events are shown of. */
function narrowed(usage: UsageQuery, day: string | null): UsageQuery {
  if (day === null) return usage
  const midnight = (date: Temporal.PlainDate): Micros =>
    Number(date.toZonedDateTime(usage.timezone).epochNanoseconds / 1000n) as Micros
  const date = Temporal.PlainDate.from(day)
  const [from, to] = [midnight(date), midnight(date.add({ days: 1 }))]
  if (from < instantOf(usage.from) || to > instantOf(usage.to))
    throw new UsageError(`--day ${day} is not in the invoice's month`)
  return { ...usage, from: formatInstant(from), to: formatInstant(to) }
}

const shownQuantity = (quantity: string | null): string => (quantity === null ? 'no value' : groupDigits(quantity))

export function hoursText(
  { rows, unit, total, additive }: UsageAnswer,
  { zone, meter }: Pick<LineExplanation, 'zone' | 'meter'>,
): string {
  const shown = rows.filter((row) => (row.quantity ?? '0') !== '0' || row.events_without_value !== '0')
  const lines = shown.map(({ from, quantity, events_without_value: missing }) => {
    const note = missing === '0' ? '' : `   ${groupDigits(missing)} without a ${valueName(meter)}`
    return `  ${momentOf(from, zone).padStart(18)}  ${shownQuantity(quantity).padStart(28)}${note}`
  })
  const empty = rows.length - shown.length
  return [
    '',
    `Hours (${zone}), in ${unit}; ${empty} ${empty === 1 ? 'hour' : 'hours'} without any are left out`,
    ...lines,
    `  ${'─'.repeat(48)}`,
    `  ${(additive ? 'Sum' : 'Whole').padStart(18)}  ${shownQuantity(total).padStart(28)}`,
    '',
  ].join('\n')
}

/** The fields that an event has, on one line; those that are absent are left out. */
function eventText(event: Readonly<Record<string, unknown>>): string {
  const { time, ...rest } = event
  const fields = Object.entries(rest).flatMap(([name, value]) => {
    if (value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)) return []
    return [`${name}=${typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)}`]
  })
  return `  ${String(time)}  ${fields.join(' ')}`
}

function eventsText({ events, more }: EventsAnswer, limit: number): string {
  const heading = more
    ? `Events: the first ${limit}; narrow it down with --day, or see more with --limit`
    : `Events: all ${events.length}`
  return ['', heading, ...events.map(eventText), ''].join('\n')
}

/** Opens a line: price, steps and days out of the document, hours and events out of usage. */
export async function lineCommand(client: Client, request: LineRequest, terminal: Terminal): Promise<number> {
  const invoice = await draftOf(client, request)
  const explanation = explainLine(invoice, request.line)
  const { usage } = explanation
  if (usage === null && (request.hours || request.events))
    throw new UsageError(`line ${request.line} is a flat price; nothing was measured for it`)
  const query = usage === null ? null : narrowed(usage, request.day)
  const hours = query !== null && request.hours ? await hoursOf(client, query) : null
  const events = query !== null && request.events ? await eventsOf(client, query, request.limit) : null
  if (request.json) {
    const more = { ...(hours && { hours: hours.rows }), ...(events && { events: events.events, more: events.more }) }
    terminal.stdout.write(jsonText({ ...explanationJson(explanation), ...more }))
    return exitCodes.ok
  }
  terminal.stdout.write(lineText(invoice, request.line))
  if (hours !== null) terminal.stdout.write(hoursText(hours, explanation))
  if (events !== null) terminal.stdout.write(eventsText(events, request.limit))
  return exitCodes.ok
}
