import type { UnitModel } from './model/model.ts'
import { isOverLines } from './price-model.ts'
import type { PricedPart } from './rate-lines.ts'

export const limits = { stepsMax: 25_000 } as const

function tiersOf(model: UnitModel): number {
  return 'tiers' in model ? model.tiers.length : 1
}

/** About how many steps the trace of a line can have: what is priced for itself, times the tiers that it can enter. */
function stepsOfPart({ price, usage }: PricedPart): number {
  const { model, each } = price
  const { windows, groups, values } = usage
  const given = windows.length + groups.length + (values?.length ?? 0)
  if (isOverLines(model)) return 1
  if (model.kind === 'matrix')
    return (
      given +
      [...model.cells.map(({ price: cell }) => cell), model.otherwise].reduce(
        (sum, cell) => sum + tiersOf(cell.model),
        0,
      )
    )
  return each === null ? given + tiersOf(model) : (given + 1) * tiersOf(model)
}

/**
 * The bound of a request's work (L12): ten thousand windows of fifty tiers each would be an answer of 250 MB. What is
 * counted is known from the request, so that it is refused before anything is calculated.
 */
export function stepsOf(parts: readonly PricedPart[]): number {
  return parts.reduce((sum, part) => sum + stepsOfPart(part), 0)
}
