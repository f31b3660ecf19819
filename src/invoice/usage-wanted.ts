import type { MeterKey } from '../core/ids.ts'
import type { Period } from '../core/time.ts'
import type { SplitPrice } from '../price/contract/contract-parts.ts'
import type { Price } from '../price/price.ts'

/** The windows that a price can ask to be priced one by one. */
export type EachWindow = 'hour' | 'day' | 'month'

/** What is asked of a meter in one part of a billing period, by all prices that look at it. */
export interface PartWanted {
  readonly meter: MeterKey
  readonly part: Period
  readonly groups: readonly (readonly string[])[]
  readonly windows: readonly EachWindow[]
}

/** The dimensions whose groups a price looks at one by one; null: at none. */
export function groupsOf({ model, each }: Price): readonly string[] | null {
  if (model.kind === 'matrix') return model.dimensions
  return each?.kind === 'group' ? each.dimensions : null
}

export function windowOf({ each }: Price): EachWindow | null {
  return each?.kind === 'window' ? each.window : null
}

/** Names what is asked by groups: the same dimensions in the same order are one question. */
export function groupsName(dimensions: readonly string[]): string {
  return JSON.stringify(dimensions)
}

export function partName({ from, to }: Period): string {
  return `${from}-${to}`
}

function once<Value>(values: readonly (Value | null)[], name: (value: Value) => string): readonly Value[] {
  const found = values.filter((value): value is Value => value !== null)
  return [...new Map(found.map((value) => [name(value), value])).values()]
}

/** What the prices of a contract need to know, each meter and part once however many prices look at it. */
export function usageWanted(prices: readonly SplitPrice[]): readonly PartWanted[] {
  const measured = prices.filter(({ price }) => price.meter !== null)
  const byPart = Map.groupBy(measured, ({ price, part }) => `${price.meter} ${partName(part)}`)
  return [...byPart.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined || first.price.meter === null) return []
    return [
      {
        meter: first.price.meter,
        part: first.part,
        groups: once(
          same.map(({ price }) => groupsOf(price)),
          groupsName,
        ),
        windows: once(
          same.map(({ price }) => windowOf(price)),
          String,
        ),
      },
    ]
  })
}
