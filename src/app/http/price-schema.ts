import { limits as matrixLimits } from '../../price/model/matrix.ts'
import { unitModelKinds } from '../../price/model/model.ts'
import type { UnitModel } from '../../price/model/model.ts'
import { packageRounds } from '../../price/model/package.ts'
import { tiersMax } from '../../price/model/tier.ts'
import { overLinesKinds } from '../../price/model/over-lines.ts'
import { eachWindows, prorations } from '../../price/price.ts'
import type { PriceModel } from '../../price/price-model.ts'
import { roundingModes } from '../../price/rate/unit.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export function object(required: readonly string[], properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', required, additionalProperties: false, properties }
}

export function list(items: JsonSchema, most: number, description?: string): JsonSchema {
  return { type: 'array', items, maxItems: most, ...(description === undefined ? {} : { description }) }
}

export const decimal: JsonSchema = {
  type: 'string',
  pattern: String.raw`^\d{1,60}(\.\d{1,30})?$`,
  description: 'a plain decimal as text; numbers of JSON would lose digits',
}

/** A decimal that counts something. */
export const counting = (description: string): JsonSchema => ({ ...decimal, description })

export const text: JsonSchema = { type: 'string', minLength: 1, maxLength: 200 }
export const shortName: JsonSchema = { type: 'string', maxLength: 128, description: 'a short name without spaces' }

const amount: JsonSchema = {
  oneOf: [
    counting('an amount of the currency, at most 18 decimals'),
    {
      type: 'object',
      additionalProperties: decimal,
      description: 'in a plan of several currencies: one for each, such as { "USD": "0.10", "EUR": "0.09" }',
    },
  ],
}

const percent = counting('a percentage: "12.5" is 12.5 %')
const flag: JsonSchema = { type: 'boolean', default: false }
const upTo: JsonSchema = {
  type: ['string', 'null'],
  description: 'the last unit of the tier, which belongs to it; null or absent in the last tier',
}
const flatAmount = { ...amount, description: 'charged once when the tier is entered' }
const flatAtZero = { ...flag, description: 'charge the first tier’s flat amount although nothing was used' }

const tiers = (rate: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  ...list(object([], { up_to: upTo, ...rate, flat_amount: flatAmount }), tiersMax),
  minItems: 1,
})

const kindOf = (kind: PriceModel['kind']): JsonSchema => ({ type: 'string', enum: [kind] })

const unitFields: Readonly<Record<UnitModel['kind'], JsonSchema>> = {
  per_unit: object(['kind', 'unit_amount'], { kind: kindOf('per_unit'), unit_amount: amount }),
  graduated: object(['kind', 'tiers'], {
    kind: kindOf('graduated'),
    tiers: tiers({ unit_amount: amount }),
    flat_at_zero: flatAtZero,
  }),
  volume: object(['kind', 'tiers'], {
    kind: kindOf('volume'),
    tiers: tiers({ unit_amount: amount }),
    flat_at_zero: flatAtZero,
  }),
  package: object(['kind', 'size', 'package_amount'], {
    kind: kindOf('package'),
    size: counting('units in a package'),
    package_amount: amount,
    round: { type: 'string', enum: packageRounds, default: 'up', description: 'up: a begun package is paid whole' },
  }),
  percentage: object(['kind', 'percent'], {
    kind: kindOf('percentage'),
    percent,
    event_amount: { ...amount, description: 'for each event; this and what follows takes the "values" of the events' },
    free_events: { type: 'integer', minimum: 0 },
    minimum_each: amount,
    maximum_each: amount,
  }),
  graduated_percentage: object(['kind', 'tiers'], {
    kind: kindOf('graduated_percentage'),
    tiers: tiers({ percent }),
    flat_at_zero: flatAtZero,
  }),
  committed: object(['kind', 'quantity', 'unit_amount', 'overage_unit_amount'], {
    kind: kindOf('committed'),
    quantity: counting('priced units that are paid whether they are used or not'),
    unit_amount: amount,
    overage_unit_amount: amount,
  }),
  flat: object(['kind', 'amount'], { kind: kindOf('flat'), amount }),
}

const unitModels: JsonSchema = {
  oneOf: unitModelKinds.filter((kind) => kind !== 'flat').map((kind) => unitFields[kind]),
}

const cellPrice = { included: counting('priced units that cost nothing'), model: unitModels }

const matrix = object(['kind', 'dimensions', 'cells', 'default'], {
  kind: kindOf('matrix'),
  dimensions: { ...list(text, matrixLimits.dimensionsMax), minItems: 1 },
  cells: list(
    object(['when', 'model'], {
      when: {
        type: 'object',
        additionalProperties: { oneOf: [text, list(text, matrixLimits.valuesMax)] },
        description: 'for each dimension a value, or a list of values any of which is meant',
      },
      ...cellPrice,
    }),
    matrixLimits.cellsMax,
  ),
  default: { ...object(['model'], cellPrice), description: 'all traffic that is in no cell' },
})

export const lines: JsonSchema = {
  oneOf: [{ type: 'string', enum: ['all'] }, list(shortName, 200)],
  description: 'the keys of other prices; "all" is every price that is not itself over lines',
}

const overLines: Readonly<Record<(typeof overLinesKinds)[number], JsonSchema>> = {
  surcharge: object(['kind', 'percent', 'of'], { kind: kindOf('surcharge'), percent, of: lines }),
  commitment: object(['kind', 'amount', 'of'], {
    kind: kindOf('commitment'),
    amount: { ...amount, description: 'owed for the lines together, used or not, per billing period' },
    overage_factor: counting('at least 1: how much of its price each unit beyond costs'),
    of: lines,
  }),
}

/** Every price model, out of the same lists that their parser reads by. */
const model: JsonSchema = {
  oneOf: [...unitModelKinds.map((kind) => unitFields[kind]), matrix, ...overLinesKinds.map((kind) => overLines[kind])],
}

const unit = object(['name', 'per'], {
  name: { ...text, examples: ['GB'] },
  per: { ...counting('so many of the meter’s unit make one'), examples: ['1000000000'] },
  rounding: object(['mode'], {
    mode: { type: 'string', enum: roundingModes },
    decimals: { type: 'integer', minimum: 0, maximum: 18, default: 0 },
  }),
})

export const discountFields = { name: text, percent, amount } as const

const each: JsonSchema = {
  oneOf: [
    object(['window'], { window: { type: 'string', enum: eachWindows } }),
    object(['group_by'], { group_by: list(text, 4) }),
  ],
  description: 'each window, or each group, is priced as if it was alone, and the amounts are added',
}

/** A price: what it measures, its model, and its modifiers, in the order in which they apply. */
export const priceSchema: JsonSchema = object(['model'], {
  key: shortName,
  name: text,
  meter: shortName,
  unit,
  included: counting('priced units of the period that cost nothing; tiers count from after them'),
  usage_discount: object([], { percent, quantity: counting('priced units') }),
  each,
  model,
  discounts: list(object([], discountFields), 20, 'in the order in which they are taken'),
  maximum: { ...amount, description: 'the line costs at most this' },
  minimum: { ...amount, description: 'what is missing to this is a line of its own' },
  proration: {
    type: 'string',
    enum: prorations,
    description:
      'what a part of a period cuts: what is said per period (bounds), the amount (amounts), nothing (none); by default ' +
      'bounds for what adds up over time, amounts for fees and levels',
  },
  in: { ...shortName, description: 'the pricing unit that amounts are in' },
})
