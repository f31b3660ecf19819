import type { Problem } from '../../core/errors.ts'
import { compare, formatExact } from '../../core/exact.ts'
import type { MeterDefinition } from '../../meter/definition.ts'
import { unitOf, unitsIn } from '../../meter/unit.ts'
import { whyNotAdditive } from '../../store/measure/measure.ts'
import type { Phase } from '../contract/phase.ts'
import type { PriceChange } from '../contract/price-change.ts'
import type { Price } from '../price.ts'

// Whether a price can be billed with the meter that it names: found when the price is saved, and not by an invoice.

/** A price and its place in the document that it is in. */
export interface PlacedPrice {
  readonly price: Price
  readonly path: string
}

/** The prices that changes bring. */
export function placedIn(changes: readonly PriceChange[], path: string): readonly PlacedPrice[] {
  return changes.flatMap((change, index) =>
    change.kind === 'replace' || change.kind === 'add'
      ? [{ price: change.price, path: `${path}.${index}.${change.kind}` }]
      : [],
  )
}

/** All prices that a plan can come to have, its phases' too. */
export function placedPrices(prices: readonly Price[], phases: readonly Phase[]): readonly PlacedPrice[] {
  return [
    ...prices.map((price, index) => ({ price, path: `prices.${index}` })),
    ...phases.flatMap(({ changes }, index) => placedIn(changes, `phases.${index}.changes`)),
  ]
}

/** Why a price is not one of the unit that its meter counts in; null where it is, or one of them is no known unit. */
function unitProblem({ unit }: Price, meter: MeterDefinition): string | null {
  if (unitOf(meter.unit) === null || unitOf(unit.name) === null) return null
  const per = unitsIn(meter.unit, unit.name)
  if (per !== null && compare(unit.per, per) === 0) return null
  const counted = `meter ${meter.key} counts in ${meter.unit}`
  return per === null
    ? `${counted}, which is another kind of unit than ${unit.name}; price it in one of its own kind`
    : `${counted}, and one of ${unit.name} is ${formatExact(per)} of them, not ${formatExact(unit.per)}`
}

function groupProblem(dimensions: readonly string[], meter: MeterDefinition): string | null {
  const declared: readonly string[] = meter.groupBy
  const unknown = dimensions.filter((dimension) => !declared.includes(dimension))
  if (unknown.length === 0) return null
  return `names ${unknown.join(', ')}, which meter ${meter.key} is not grouped by; it declares ${declared.join(', ') || 'nothing'}`
}

/** A cell of several values, and the default one, add up their groups. Each group alone (`each`) adds up amounts only. */
function cellsProblem({ model }: Price, meter: MeterDefinition): string | null {
  const why = model.kind === 'matrix' ? whyNotAdditive(meter.aggregation) : null
  return why === null
    ? null
    : `is no matrix: its cells add up the groups that they price, and those of meter ${meter.key} do not add up, ` +
        `because ${why}; write "each": { "group_by": […] } to price each group alone`
}

function prorationProblem({ proration }: Price, meter: MeterDefinition): string | null {
  if (proration !== 'bounds') return null
  const why = whyNotAdditive(meter.aggregation)
  return why === null
    ? null
    : `is "amounts" or "none": half a month has no half allowance of meter ${meter.key}, because ${why}`
}

/** Everything in a price that does not fit its meter. */
export function fitProblems({ price, path }: PlacedPrice, meter: MeterDefinition): readonly Problem[] {
  const { model, each } = price
  const found: readonly (readonly [string, string | null])[] = [
    ['unit', unitProblem(price, meter)],
    ['model.dimensions', model.kind === 'matrix' ? groupProblem(model.dimensions, meter) : null],
    ['model.kind', cellsProblem(price, meter)],
    ['each.group_by', each?.kind === 'group' ? groupProblem(each.dimensions, meter) : null],
    ['proration', prorationProblem(price, meter)],
  ]
  return found.flatMap(([field, message]): Problem[] =>
    message === null ? [] : [{ code: 'REQUEST_INVALID', field: `${path}.${field}`, message }],
  )
}
