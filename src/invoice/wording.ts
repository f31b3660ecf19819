import { addMinor, currencyDigits, formatMinor, readMinor } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { assert } from '../core/result.ts'
import { formatInstant, parseInstant, zonedOf } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { counted } from '../price/rate/trace.ts'
import type { BurnDocument, Invoice, InvoiceDocument, LineDocument, MeterDocument } from './document.ts'
import type { PartDocument, PlanDocument, TimeDocument } from './document.ts'

// The words and numbers of an invoice as people read them; the terminal and the page say the same.

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `1234567.5` → `1,234,567.5`, in every number of a text. */
export function groupDigits(text: string): string {
  return text.replaceAll(/\d+(?:\.\d+)?/g, (number) => {
    const [whole = '', digits] = number.split('.')
    const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
    return digits === undefined ? grouped : `${grouped}.${digits}`
  })
}

/** A formula of a trace with the signs that people use. */
export function readableFormula(formula: string): string {
  return groupDigits(formula).replaceAll(' * ', ' × ').replaceAll(' / ', ' ÷ ').replaceAll(' - ', ' − ')
}

/** An instant of a document, which formatInstant wrote. */
export function instantOf(text: string): Micros {
  const parsed = parseInstant(text)
  assert(parsed.ok, `${text} is an instant`)
  return parsed.value
}

/** `1 Oct 2026` in a zone. */
export function dateOf(instant: string, zone: string): string {
  const { day, month, year } = zonedOf(instantOf(instant), zone)
  return `${day} ${months[month - 1]} ${year}`
}

/** `1 Oct 2026, 00:00` in a zone. */
export function momentOf(instant: string, zone: string): string {
  const time = zonedOf(instantOf(instant), zone).toPlainTime().toString({ smallestUnit: 'minute' })
  return `${dateOf(instant, zone)}, ${time}`
}

/** The first and the last day of the period; its end is the midnight after. */
export function periodWords({ period }: InvoiceDocument): string {
  const last = zonedOf((instantOf(period.to) - 1) as Micros, period.time_zone)
  const end = `${last.day} ${months[last.month - 1]} ${last.year}`
  return `${dateOf(period.from, period.time_zone)} to ${end} (${period.time_zone})`
}

/** Whether a time of a zone is the midnight with which a day begins. */
function isMidnight(instant: string, zone: string): boolean {
  const zoned = zonedOf(instantOf(instant), zone)
  return zoned.equals(zoned.startOfDay())
}

/** `1 Oct 2026 to 14 Oct 2026` where days are whole, else to the minute: `1 Oct 2026, 00:00 to 14 Oct 2026, 09:30`. */
export function timeWords({ from, to }: TimeDocument, zone: string): string {
  if (!isMidnight(from, zone) || !isMidnight(to, zone)) return `${momentOf(from, zone)} to ${momentOf(to, zone)}`
  const last = formatInstant((instantOf(to) - 1) as Micros)
  const [first, end] = [dateOf(from, zone), dateOf(last, zone)]
  return first === end ? first : `${first} to ${end}`
}

/** The part of the period in which a line's price held; null: all of it. */
export function partWords({ part }: LineDocument, { period }: InvoiceDocument): string | null {
  return part === undefined ? null : timeWords(part, period.time_zone)
}

function planName({ name, key, version, basis, phase }: PartWording): string {
  const besides = [...(basis === 'default' ? ['by default'] : []), ...(phase === undefined ? [] : [phase.name])]
  return `${name} (${[`${key} version ${version}`, ...besides].join(', ')})`
}

type PartWording = PlanDocument & Pick<PartDocument, 'phase'>

/** The plan, or what held when: each plan with the time in which it did. */
export function planWords({ plan, plans = [], period }: InvoiceDocument): string {
  const [first] = plans
  if (first === undefined || plans.length === 1) return planName(first ?? plan)
  const names = new Map<string, TimeDocument[]>()
  for (const part of plans) names.set(planName(part), [...(names.get(planName(part)) ?? []), part])
  if (names.size === 1) return planName(first)
  return [...names]
    .map(
      ([name, parts]) =>
        `${name} ${joined(parts)
          .map((time) => timeWords(time, period.time_zone))
          .join(' and ')}`,
    )
    .join('; ')
}

/** Times that follow each other are one. */
function joined(parts: readonly TimeDocument[]): readonly TimeDocument[] {
  const times: TimeDocument[] = []
  for (const { from, to } of parts) {
    const last = times.at(-1)
    if (last?.to === from) times[times.length - 1] = { from: last.from, to }
    else times.push({ from, to })
  }
  return times
}

/** Which version of which price a line was priced with. */
export function priceWords(line: LineDocument, { plan, plans = [], period }: InvoiceDocument): string {
  const { source = { kind: 'plan', key: plan.key, version: plan.version } } = line
  const named = `${source.key} version ${source.version}`
  if (source.kind === 'add_on') return `${line.price} in add-on ${named}`
  if (source.agreed === true) return `${line.price} as agreed with this account, beside ${named}`
  const held = plans.find(({ key, version }) => key === source.key && version === source.version) ?? plan
  return `${line.price} in ${named}, in effect since ${dateOf(held.effective_from, period.time_zone)}`
}

/** What a line says under its name: when its price held, and where its quantity comes from. */
export function aboutWords(line: LineDocument, document: InvoiceDocument): readonly string[] {
  const part = partWords(line, document)
  return [...(part === null ? [] : [part]), ...quantityWords(line)]
}

/** A row between the lines and the total: its name and its amount; what is taken off is below zero. */
export interface TotalRow {
  readonly name: string
  readonly amount: string
  /** `total`: what the invoice is about. */
  readonly kind: 'step' | 'total'
}

function negative(amount: string): string {
  return /^0(\.0*)?$/.test(amount) ? amount : `-${amount}`
}

/** A row for each credit that paid something, in the order in which they were taken. */
function burned(kind: string, burns: readonly BurnDocument[], currency: Currency): readonly TotalRow[] {
  return [...Map.groupBy(burns, ({ grant }) => grant).values()].map((ofGrant) => {
    const paid = addMinor(ofGrant.map(({ amount }) => readMinor(amount, currency)))
    const name = ofGrant[0]?.name
    return {
      name: name === undefined ? kind : `${kind}: ${name}`,
      amount: negative(formatMinor(paid, currency)),
      kind: 'step',
    }
  })
}

/** From the lines to what is due: only the total where nothing lies between. */
export function totalRows({
  totals,
  total,
  currency,
}: Pick<InvoiceDocument, 'totals' | 'total' | 'currency'>): readonly TotalRow[] {
  const step = (name: string, amount: string): TotalRow => ({ name, amount, kind: 'step' })
  const sum: TotalRow = { name: 'Total', amount: total, kind: 'total' }
  if (totals === undefined) return [sum]
  const {
    subtotal,
    discounts,
    promotional_credits: promotional,
    taxable,
    taxes,
    prepaid_credits: prepaid,
    due,
  } = totals
  const before = [
    ...discounts.map(({ name, amount }) => step(name, negative(amount))),
    ...burned('Promotional credit', promotional, currency),
  ]
  const after = burned('Prepaid credit', prepaid, currency)
  return [
    ...(before.length + taxes.length === 0 ? [] : [step('Subtotal', subtotal)]),
    ...before,
    ...(before.length === 0 || taxes.length === 0 ? [] : [step('Taxable', taxable)]),
    ...taxes.map(({ name, percent, amount }) => step(name.includes('%') ? name : `${name}, ${percent} %`, amount)),
    sum,
    ...after,
    ...(after.length === 0 ? [] : [step('Left to pay', due)]),
  ]
}

/** `15,649,667 bytes`; nothing was measured for a flat price. */
export function measuredWords({ meter, quantity }: LineDocument): string | null {
  return meter === null ? null : `${groupDigits(quantity)} ${meter.unit}`
}

/** What a line says under its name: where its quantity comes from. */
export function quantityWords(line: LineDocument): readonly string[] {
  const measured = measuredWords(line)
  if (measured === null) return []
  const allowance = line.trace.find(({ step }) => step === 'allowance')
  return [
    `${measured} measured`,
    ...(allowance === undefined ? [] : [groupDigits(allowance.about.replace(/,.*$/, ''))]),
    ...missingWords(line),
  ]
}

/** What events carry for a meter. */
export function valueName(meter: MeterDocument | null): string {
  return meter?.unit === 'bytes' ? 'size' : 'value'
}

/** Events without a value were counted as events, but add nothing: not known is not zero (L13). */
export function missingWords({ events_without_value: missing, meter }: LineDocument): readonly string[] {
  if (missing === '0') return []
  return [`${groupDigits(missing)} ${missing === '1' ? 'event' : 'events'} carried no ${valueName(meter)}`]
}

/** With at least the currency's decimals: `0.1` USD is `0.10`; `0.00001` stays as it is. */
function atLeastMinor(amount: string, currency: Currency): string {
  const [whole = '', digits = ''] = amount.split('.')
  const padded = digits.padEnd(currencyDigits[currency], '0')
  return padded === '' ? whole : `${whole}.${padded}`
}

/** The one price of a line's units, or that there are several. */
export function unitPriceWords(line: LineDocument, currency: Currency): string {
  if (line.meter === null) return ''
  return line.unit_amount === null ? 'in tiers' : groupDigits(atLeastMinor(line.unit_amount, currency))
}

/** Where an invoice is in its life: `issued 1 Nov 2026, 09:00`, `void, issued …`, `not issued`. */
export function statusWords({ status, document }: Invoice): string {
  const { issued_at: issuedAt, period } = document
  if (issuedAt === null) return 'not issued'
  return `${status === 'issued' ? '' : `${status}, `}issued ${momentOf(issuedAt, period.time_zone)}`
}

/** A quantity in its unit, with its digits in groups. */
export function inUnit(quantity: string, unit: string): string {
  return counted(groupDigits(quantity), unit)
}

/** What the unit price is multiplied with. */
export function billableWords(line: LineDocument): string {
  return line.meter === null ? (line.count ?? '') : inUnit(line.billable_quantity, line.unit)
}

/** What a reader must know before relying on the total; empty for an ordinary issued invoice. */
export function noticesOf({ status, document }: Invoice): readonly string[] {
  const { completeness, waiver, account } = document
  const notices: string[] = []
  if (status === 'draft') notices.push('Draft: computed from what is known now. It is not a bill and has no number.')
  if (!account.billable) notices.push('Traffic that no account owns: valued to be seen, never billed to anybody.')
  if (status === 'void') notices.push('Void: this invoice is not owed.')
  if (status === 'uncollectible') notices.push('Uncollectible: payment is no longer expected.')
  if (!completeness.complete) notices.push(`Usage may be missing: ${completeness.reasons.join('; ')}.`)
  if (waiver !== null) {
    const risk =
      waiver.value_at_risk === null ? 'not known' : `${groupDigits(waiver.value_at_risk)} ${document.currency}`
    notices.push(`Issued nevertheless by decision of ${waiver.by}: ${waiver.reason}. Value at risk: ${risk}.`)
  }
  return notices
}

/** What the numbers count, to the record. */
export function countedWords({ log_offset: offset }: InvoiceDocument): string {
  return `Usage counts the records of the event log below offset ${groupDigits(offset)}.`
}

export function titleOf({ status, document }: Invoice): string {
  return status === 'draft' ? `Draft for ${document.period.month}` : `Invoice ${document.number ?? ''}`
}
