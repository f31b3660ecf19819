import { compare, formatExact, formatQuantity, one, zero } from '../core/exact.ts'
import type { InvoiceId, Offset } from '../core/ids.ts'
import { formatMinor } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { lastPart } from '../price/contract/contract.ts'
import type { Contract, ContractBasis, ContractPart } from '../price/contract/contract.ts'
import type { Known } from '../price/contract/contract-facts.ts'
import type { LineKind } from '../price/rate/line.ts'
import { totalsJson } from '../price/rate/totals.ts'
import type { Totals } from '../price/rate/totals.ts'
import { priceJson } from '../price/price.ts'
import type { TraceStep } from '../price/rate/trace.ts'
import type { InvoicePlan, PlannedLine } from './plan-invoice.ts'
import type { InvoiceState } from './state.ts'

/** Who issues: its name and address are copied into the document, because a firm may move and its invoices do not. */
export interface Issuer {
  readonly key: string
  /** Empty until somebody named it. */
  readonly name: string
  readonly address: string
}

/** Whether every source that could have carried the period's usage has reported past its end (L7). */
export interface Completeness {
  readonly complete: boolean
  readonly reasons: readonly string[]
}

/** A named person issues although usage may be missing (L7). */
export interface Waiver {
  readonly by: string
  readonly reason: string
  /** What may be missing, as that person puts it in the invoice's currency; null: they do not know. */
  readonly valueAtRisk: string | null
}

export interface WindowDocument {
  readonly from: string
  readonly to: string
  readonly quantity: string
  readonly events_without_value: string
}

export interface MeterDocument {
  readonly key: string
  readonly version: number
  readonly name: string
  readonly unit: string
}

export interface LineDocument {
  readonly number: number
  readonly price: string
  readonly description: string
  readonly meter: MeterDocument | null
  /** In the meter's unit. */
  readonly quantity: string
  readonly unit: string
  /** In priced units, after the allowance. */
  readonly billable_quantity: string
  readonly unit_amount: string | null
  readonly exact_amount: string
  readonly amount: string
  readonly events_without_value: string
  /** The price as the plan version has it. */
  readonly terms: object
  readonly trace: readonly TraceStep[]
  readonly windows: readonly WindowDocument[]
  /** Why there are no windows that add up to the quantity. */
  readonly not_additive?: string
  /** A fee, usage, what is missing to a minimum, a part of other lines. Invoices of before there were others lack it. */
  readonly kind?: LineKind
  /** The part of the billing period in which the price held; absent: all of it. */
  readonly part?: TimeDocument
  /** How many of a fee; absent: one. */
  readonly count?: string
  /** The plan or add-on that the price is of. */
  readonly source?: SourceDocument
}

export interface TimeDocument {
  readonly from: string
  readonly to: string
}

export interface SourceDocument {
  readonly kind: 'plan' | 'add_on'
  readonly key: string
  readonly version: number
  /** The account's own terms have made another price of it, or added it. */
  readonly agreed?: true
}

/**
 * The invoice as one JSON document: everything that is needed to read, print and check it. Amounts, quantities,
 * counts and offsets are decimal strings; only ordinals (versions, line numbers) are numbers. Field order is
 * fixed, and nothing in it depends on when it was computed, so that computing again gives the same bytes (L5).
 */
export interface InvoiceDocument {
  readonly kind: 'usage'
  readonly number: string | null
  readonly issued_at: string | null
  readonly issuer: Issuer
  readonly account: { readonly key: string; readonly name: string; readonly billable: boolean }
  readonly period: { readonly month: string; readonly from: string; readonly to: string; readonly time_zone: string }
  /** The plan at the end of the period. */
  readonly plan: PlanDocument
  /** What held when, in the period; invoices of before a period could have parts lack it. */
  readonly plans?: readonly PartDocument[]
  /** Times of the period in which the account was under no plan; absent: none. */
  readonly without_plan?: readonly TimeDocument[]
  /** What was known about the contract: it is read again as it was known (L5). */
  readonly contract?: ContractDocument
  readonly currency: Currency
  readonly lines: readonly LineDocument[]
  /** From the lines to what is due; invoices of before there were discounts, credits and taxes lack it. */
  readonly totals?: TotalsDocument
  /** After discounts, promotional credits and taxes. */
  readonly total: string
  /** Usage counts the records of the log below this offset. */
  readonly log_offset: string
  readonly completeness: Completeness
  readonly waiver: { readonly by: string; readonly reason: string; readonly value_at_risk: string | null } | null
}

export interface PlanDocument {
  readonly key: string
  readonly version: number
  readonly name: string
  readonly basis: ContractBasis
  readonly effective_from: string
}

/** A part of the period and the plan that held in it. */
export interface PartDocument extends PlanDocument, TimeDocument {
  /** The phase of the plan, such as its trial. */
  readonly phase?: { readonly key: string; readonly name: string }
}

/** `Known`, as JSON. */
export interface ContractDocument {
  readonly decision: number
  readonly default_plan: number
  readonly plans: Known['plans']
  readonly add_ons: Known['addOns']
  readonly coupons: Known['coupons']
}

export interface DiscountDocument {
  readonly coupon: string
  readonly version: number
  readonly name: string
  readonly amount: string
}

export interface TaxDocument {
  readonly key: string
  readonly name: string
  readonly percent: string
  readonly amount: string
}

export interface BurnDocument {
  readonly grant: string
  /** As the customer knows the credit; the first invoices with credits lack it. */
  readonly name?: string
  readonly line: number
  readonly amount: string
}

/** What `totalsJson` writes. */
export interface TotalsDocument {
  readonly subtotal: string
  readonly discounts: readonly DiscountDocument[]
  readonly promotional_credits: readonly BurnDocument[]
  readonly taxable: string
  readonly taxes: readonly TaxDocument[]
  readonly total: string
  readonly prepaid_credits: readonly BurnDocument[]
  readonly due: string
}

/** The totals as every document has them. */
export function totalsDocument(totals: Totals): TotalsDocument {
  return totalsJson(totals) as TotalsDocument
}

/** An invoice and where it is in its life. The document of an issued one never changes, its status may (L6). */
export interface Invoice {
  readonly id: InvoiceId
  readonly status: InvoiceState
  readonly document: InvoiceDocument
}

/** What was computed for a document, and what it depends on besides the contract and usage. */
export interface Computed {
  readonly plan: InvoicePlan
  readonly below: Offset
  readonly completeness: Completeness
  readonly issuer: Issuer
}

/** What issuing adds. */
export interface Issue {
  readonly number: string
  readonly at: Micros
  readonly waiver: Waiver | null
}

function sourceDocument({ of, from }: PlannedLine): SourceDocument {
  if (typeof from === 'object') return { kind: 'add_on', key: from.addOn, version: from.version }
  const { key, version } = of.plan
  return { kind: 'plan', key, version, ...(from === 'override' ? { agreed: true } : {}) }
}

function timeDocument({ from, to }: Period): TimeDocument {
  return { from: formatInstant(from), to: formatInstant(to) }
}

/** What lines of parts, fees and surcharges say besides; a whole month of one plan says it too, where it is not plain. */
function aboutLine(line: PlannedLine, period: Period): Partial<LineDocument> {
  const { rated, part, count } = line
  const isWhole = part.from === period.from && part.to === period.to
  return {
    kind: rated.kind,
    ...(isWhole ? {} : { part: timeDocument(part) }),
    ...(rated.kind === 'fee' && compare(count, one) !== 0 ? { count: formatExact(count) } : {}),
    source: sourceDocument(line),
  }
}

function lineDocument(line: PlannedLine, { currency, period }: InvoicePlan): LineDocument {
  const { number, price, rated, meter, windows, notAdditive, eventsWithoutValue } = line
  return {
    number,
    price: rated.price,
    description: rated.description,
    meter: meter === null ? null : { key: meter.key, version: meter.version, name: meter.name, unit: meter.unit },
    quantity: formatQuantity(rated.quantity),
    unit: rated.unit,
    billable_quantity: formatQuantity(rated.billableQuantity),
    unit_amount: rated.unitAmount === null ? null : formatExact(rated.unitAmount),
    exact_amount: formatExact(rated.exactAmount),
    amount: formatMinor(rated.amount, currency),
    events_without_value: eventsWithoutValue.toString(),
    terms: priceJson(price),
    trace: rated.trace,
    windows: windows.map((window) => ({
      from: formatInstant(window.from),
      to: formatInstant(window.to),
      quantity: formatQuantity(window.quantity ?? zero),
      events_without_value: window.eventsWithoutValue.toString(),
    })),
    ...(notAdditive === null ? {} : { not_additive: notAdditive }),
    ...aboutLine(line, period),
  }
}

function partDocument(part: ContractPart): PartDocument {
  const { phase } = part
  return {
    ...timeDocument(part.part),
    ...planDocument(part),
    ...(phase === null ? {} : { phase: { key: phase.key, name: phase.name } }),
  }
}

function contractDocument({ known }: Contract): ContractDocument {
  const { decision, default: fallback, plans, addOns, coupons } = known
  return { decision, default_plan: fallback, plans, add_ons: addOns, coupons }
}

/** Back from the document. */
export function knownOf({
  decision,
  default_plan: fallback,
  plans,
  add_ons: addOns,
  coupons,
}: ContractDocument): Known {
  return { decision, default: fallback, plans, addOns, coupons }
}

function planDocument({ plan, basis }: ContractPart): PlanDocument {
  return {
    key: plan.key,
    version: plan.version,
    name: plan.name,
    basis,
    effective_from: formatInstant(plan.effectiveFrom),
  }
}

/** The document of a draft (no issue yet) or of what is being issued. */
export function documentOf({ plan, below, completeness, issuer }: Computed, issue: Issue | null): InvoiceDocument {
  const { account, period, currency, lines, total, totals, contract } = plan
  const waiver = issue?.waiver ?? null
  return {
    kind: 'usage',
    number: issue?.number ?? null,
    issued_at: issue === null ? null : formatInstant(issue.at),
    issuer: { key: issuer.key, name: issuer.name, address: issuer.address },
    account: { key: account.key, name: account.name, billable: account.billable },
    period: {
      month: period.month,
      from: formatInstant(period.from),
      to: formatInstant(period.to),
      time_zone: period.zone,
    },
    plan: planDocument(lastPart(contract)),
    plans: contract.parts.map(partDocument),
    ...(contract.gaps.length === 0 ? {} : { without_plan: contract.gaps.map(timeDocument) }),
    contract: contractDocument(contract),
    currency,
    lines: lines.map((line) => lineDocument(line, plan)),
    totals: totalsDocument(totals),
    total: formatMinor(total, currency),
    log_offset: below.toString(),
    completeness: { complete: completeness.complete, reasons: completeness.reasons },
    waiver: waiver === null ? null : { by: waiver.by, reason: waiver.reason, value_at_risk: waiver.valueAtRisk },
  }
}

/** The invoice as the API answers it: its id and status, then the document. */
export function invoiceJson({ id, status, document }: Invoice): object {
  return { id, status, ...document }
}
