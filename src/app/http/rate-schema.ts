import { currencyDigits } from '../../core/money.ts'
import { pricesMax } from '../../price/plan.ts'
import { limits as quantityLimits } from '../../price/calculator/rate-quantity.ts'
import { lineKinds } from '../../price/rate/line.ts'
import { limits as totalsLimits } from '../../price/calculator/rate-totals.ts'
import { stepNames } from '../../price/rate/trace.ts'
import { counting, decimal, discountFields, lines, list, object, priceSchema, shortName, text } from './price-schema.ts'
import type { JsonSchema } from './price-schema.ts'
import { modifierExamples } from './rate-examples-more.ts'
import { modelExamples } from './rate-examples.ts'

const instant: JsonSchema = { type: 'string', format: 'date-time', description: 'RFC 3339 with a zone' }
const period = object(['from', 'to'], { from: instant, to: instant })
const flag = (description: string, otherwise: boolean): JsonSchema => ({
  type: 'boolean',
  default: otherwise,
  description,
})

const windowSchema = object(['from', 'to', 'quantity'], { from: instant, to: instant, quantity: decimal })
const groupSchema = object(['group', 'quantity'], {
  group: { type: 'object', additionalProperties: { type: ['string', 'null'] } },
  quantity: decimal,
})

/** What says how much of a price was used, and when. */
const lineFields = {
  price: priceSchema,
  quantity: counting('in the meter’s unit'),
  windows: list(
    windowSchema,
    quantityLimits.windowsMax,
    'half-open; they add up to the quantity. With "each": { "window" } they are whole windows of the time zone, in order',
  ),
  groups: list(groupSchema, quantityLimits.groupsMax, 'for a matrix, or "each": { "group_by" }; null: not known'),
  values: list(decimal, quantityLimits.valuesMax, 'of single events, for prices that look at each'),
  count: counting('how many of a flat fee; default 1'),
  part: { ...period, description: 'the part of "period" in which the price held; it is prorated by exact time' },
  additive: flag('false: a level, whose windows do not add up; "quantity" is the level of the whole', true),
} as const

const credit = object(['kind', 'balance'], {
  id: shortName,
  kind: { type: 'string', enum: ['promotional', 'prepaid'], description: 'taken before tax, or after it' },
  name: text,
  balance: counting('an amount of the currency'),
  priority: { type: 'integer', minimum: 0, default: 0, description: 'lower ones are taken first' },
  scope: {
    oneOf: [{ type: 'string', enum: ['all'] }, object(['meters'], { meters: list(shortName, totalsLimits.metersMax) })],
  },
  effective_from: instant,
  expires_at: { ...instant, description: 'exclusive' },
})

const lineKind: JsonSchema = { type: 'string', enum: lineKinds }

const progressive: JsonSchema = {
  ...object([], {
    thresholds: object([], {
      amounts: list(counting('a cost at which a run is due, in rising order'), 50),
      each: counting('after the last of them, again each time it costs so much more'),
    }),
    billed: list(
      object(['price', 'amount'], {
        price: shortName,
        kind: { ...lineKind, default: 'usage' },
        from: { ...instant, description: 'where the part of the line begins; by default where the period does' },
        quantity: counting('what was billed of it'),
        amount: counting('what earlier runs billed for it, together or one by one'),
      }),
      1000,
    ),
    is_final: { type: 'boolean', default: false, description: 'the period is over: minimums are settled now' },
  }),
  description: 'the period is billed in several runs: what does the next one bill?',
}

/** Read by `parseRateRequest`, which tells all problems at once; this describes it to people. */
export const rateRequestSchema: JsonSchema = {
  ...object(['currency'], {
    currency: { type: 'string', enum: Object.keys(currencyDigits) },
    ...lineFields,
    prices: list(
      object(['price'], lineFields),
      pricesMax,
      'several prices in place of one; surcharges and commitments are over lines of the others',
    ),
    period: { ...period, description: 'the billing period' },
    timezone: { type: 'string', default: 'UTC', examples: ['Europe/Berlin'] },
    pricing_units: list(
      object(['key', 'name', 'rate'], {
        key: shortName,
        name: text,
        rate: counting('what one is worth in the currency'),
      }),
      20,
    ),
    progressive,
    discounts: list(
      object([], {
        coupon: shortName,
        ...discountFields,
        of: { ...lines, description: 'by default "all", every line' },
      }),
      totalsLimits.discountsMax,
      'on the whole, in this order',
    ),
    credits: list(credit, totalsLimits.creditsMax, 'in the order in which they were granted'),
    taxes: list(
      object(['percent'], { key: shortName, name: text, percent: counting('a percentage') }),
      totalsLimits.taxesMax,
      'each on the taxable amount, rounded once',
    ),
    at: { ...instant, description: 'when credits are taken; needed where one takes effect or expires' },
  }),
  description: 'One "price" with its quantity, or several "prices" with theirs. No state is touched.',
}

const money = counting('an amount of the currency, with as many decimals as its minor unit has')
const number: JsonSchema = { type: 'string', description: 'a decimal, or n/d where it never ends' }

const traceSchema: JsonSchema = {
  type: 'array',
  description: 'each step is arithmetic over plain numbers, so that a program gets its result again',
  items: {
    ...object(['step', 'about', 'formula', 'result', 'unit'], {
      step: { type: 'string', enum: stepNames },
      about: { type: 'string' },
      formula: { type: 'string' },
      result: number,
      unit: { type: 'string' },
      parts: { type: 'array', items: { type: 'array' }, description: 'traces whose results the step adds up' },
    }),
  },
}

const lineSchema = object(['price', 'kind', 'description', 'quantity', 'unit', 'amount', 'trace'], {
  price: { ...shortName, description: 'the key of the price' },
  kind: lineKind,
  description: { type: 'string' },
  quantity: { ...number, description: 'in the meter’s unit' },
  billable_quantity: { ...number, description: 'in priced units, after the allowance' },
  unit: { type: 'string' },
  unit_amount: { type: ['string', 'null'], description: 'null where units have different prices' },
  exact_amount: { ...number, description: 'before the line’s one rounding' },
  amount: money,
  from: instant,
  to: instant,
  trace: traceSchema,
  sentences: { type: 'array', items: { type: 'string' }, description: 'the trace in words' },
})

const burnSchema = object(['grant', 'name', 'line', 'amount'], {
  grant: shortName,
  name: { type: 'string' },
  line: { type: 'integer' },
  amount: money,
})

const totalsSchema: JsonSchema = {
  type: 'object',
  description: 'lines → discounts → promotional credits → tax → prepaid credits; "lines" says what became of each line',
  properties: {
    subtotal: money,
    discounts: { type: 'array', items: { type: 'object' } },
    promotional_credits: { type: 'array', items: burnSchema },
    taxable: money,
    taxes: { type: 'array', items: { type: 'object' } },
    total: money,
    prepaid_credits: { type: 'array', items: burnSchema },
    due: money,
    lines: { type: 'array', items: { type: 'object' } },
  },
}

export const rateAnswerSchema: JsonSchema = {
  ...object(['lines', 'total', 'trace'], {
    lines: { type: 'array', items: lineSchema },
    total: { ...money, description: 'of the lines; with discounts, credits or taxes the total of "totals"' },
    trace: { ...traceSchema, description: 'of the one line; of several, how they add up' },
    totals: totalsSchema,
    progressive: {
      type: 'object',
      description:
        'what is owed for each line, less what was billed for it before; all runs together are the one rating',
      properties: {
        is_due: { type: 'boolean' },
        threshold: { type: ['string', 'null'] },
        lines: { type: 'array', items: { type: 'object' } },
        total: money,
      },
    },
  }),
  description: 'What it would cost, and why. Examples leave out traces and other fields that they are not about.',
}

export const rateExamples = [...modelExamples, ...modifierExamples]

/** Under the names by which a request and its answer belong together. */
export function namedExamples(of: 'request' | 'answer'): Readonly<Record<string, object>> {
  return Object.fromEntries(
    rateExamples.map((example) => [example.name, { summary: example.summary, value: example[of] }]),
  )
}
