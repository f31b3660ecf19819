import { unreachable } from '../../core/result.ts'
import type { IncludedAmount } from '../included-amount.ts'
import type { Phase } from './phase.ts'
import type { PlanBody } from '../plan.ts'
import type { ChangedKeys, PriceChange } from './price-change.ts'
import { isOverLines } from '../price-model.ts'
import type { Price, PriceKey } from '../price.ts'

/** The keys of all prices that a body can come to have, its phases' too. */
export function keysOf({ prices, phases }: PlanBody): readonly PriceKey[] {
  const added = phases.flatMap(({ changes }) => changes.flatMap((one) => (one.kind === 'add' ? [one.price.key] : [])))
  return [...prices.map(({ key }) => key), ...added]
}

type Renamed = (key: PriceKey) => PriceKey

function keysAs(keys: ChangedKeys, renamed: Renamed): ChangedKeys {
  return keys === 'all' ? 'all' : keys.map(renamed)
}

function priceAs(price: Price, renamed: Renamed): Price {
  const { model } = price
  const key = renamed(price.key)
  return isOverLines(model) ? { ...price, key, model: { ...model, of: keysAs(model.of, renamed) } } : { ...price, key }
}

function changeAs(change: PriceChange, renamed: Renamed): PriceChange {
  switch (change.kind) {
    case 'replace':
    case 'add':
      return { ...change, price: priceAs(change.price, renamed) }
    case 'remove':
      return { ...change, key: renamed(change.key) }
    case 'free':
    case 'discount':
      return { ...change, keys: keysAs(change.keys, renamed) }
    default:
      return unreachable(change)
  }
}

/**
 * What an add-on says, with its name before each key that is taken already: each line of an invoice has its own key.
 * Everything in it that names the price is renamed with it, so that its surcharges, phases and included amounts stay
 * over its own prices and never come to be over another's.
 */
export function withOwnKeys(body: PlanBody, addOn: string, taken: ReadonlySet<PriceKey>): PlanBody {
  const clashing = new Set(keysOf(body).filter((key) => taken.has(key)))
  if (clashing.size === 0) return body
  const renamed: Renamed = (key) => (clashing.has(key) ? (`${addOn}/${key}` as PriceKey) : key)
  return {
    ...body,
    prices: body.prices.map((price) => priceAs(price, renamed)),
    includedAmounts: body.includedAmounts.map((one): IncludedAmount => ({ ...one, of: keysAs(one.of, renamed) })),
    phases: body.phases.map((phase): Phase => ({
      ...phase,
      changes: phase.changes.map((change) => changeAs(change, renamed)),
    })),
  }
}
