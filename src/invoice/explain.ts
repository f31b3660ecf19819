import { Refusal } from '../core/errors.ts'
import { readingOrder } from '../price/rate/trace.ts'
import type { TraceStep } from '../price/rate/trace.ts'
import type { Invoice, LineDocument, MeterDocument, WindowDocument } from './document.ts'
import { priceWords, titleOf } from './wording.ts'

/** Everything behind one amount (L10). Hours and events are read by asking usage with `usage`. */
export interface LineExplanation {
  readonly line: LineDocument
  /** Which version of which price, in words. */
  readonly price: string
  readonly terms: object
  readonly steps: readonly TraceStep[]
  readonly meter: MeterDocument | null
  /** The meter's unit. */
  readonly unit: string
  readonly zone: string
  readonly windows: readonly WindowDocument[]
  /** The question whose answer is the line's quantity, as GET /v1/usage takes it; null for a flat price. */
  readonly usage: UsageQuery | null
}

export interface UsageQuery {
  readonly account: string
  readonly meter: string
  readonly from: string
  readonly to: string
  readonly timezone: string
  /** The version of the meter, and the log offset, that the line was counted with: the same number, for ever (L5). */
  readonly meter_version: string
  readonly below: string
}

/** Opens a line of an invoice by its number. */
export function explainLine(invoice: Invoice, number: number): LineExplanation {
  const { document } = invoice
  const line = document.lines.find((one) => one.number === number)
  if (line === undefined)
    throw new Refusal(
      'INVOICE_NOT_FOUND',
      `${titleOf(invoice)} has no line ${number}; its lines are 1 to ${document.lines.length}`,
    )
  const { period, account } = document
  return {
    line,
    price: priceWords(line, document),
    terms: line.terms,
    steps: readingOrder(line.trace),
    meter: line.meter,
    unit: line.meter?.unit ?? line.unit,
    zone: period.time_zone,
    windows: line.windows,
    usage:
      line.meter === null
        ? null
        : {
            account: account.key,
            meter: line.meter.key,
            from: (line.part ?? period).from,
            to: (line.part ?? period).to,
            timezone: period.time_zone,
            meter_version: String(line.meter.version),
            below: document.log_offset,
          },
  }
}

/** The explanation as the API answers it. */
export function explanationJson({ line, price, zone, usage }: LineExplanation): object {
  return { line, price, time_zone: zone, usage }
}
