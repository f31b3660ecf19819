import { compare, formatExact, one, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { formatInstant, windowStarts } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { at, complain, expectFields, isAbsent, readDecimal, readEach, readInstant, readList } from '../place.ts'
import type { Place } from '../place.ts'
import { needsValues } from '../model/model.ts'
import { isOverLines, isUnitModel } from '../price-model.ts'
import type { Price } from '../price.ts'
import { usageOf } from '../rate/slice.ts'
import type { GroupQuantity, LineUsage, WindowQuantity } from '../rate/slice.ts'

export const limits = { windowsMax: 10_000, groupsMax: 10_000, valuesMax: 10_000, groupValueLengthMax: 3_000 } as const

/** The ways to say how much was used; the first is the whole, the others are parts of it. */
export const quantityFields = ['quantity', 'windows', 'groups', 'values'] as const
type QuantityField = (typeof quantityFields)[number]

/** 10^30 and more of anything is a slip; and every step of an answer repeats its numbers (`rate-bound.ts`). */
const quantityRule = { decimalsMax: 18, integerDigitsMax: 31 } as const

/** What surrounds a quantity: the time that it lies in, if that is known. */
export interface QuantityContext {
  readonly bounds: Period | null
  readonly zone: string
  readonly additive: boolean
}

export function readPeriod(place: Place): Period {
  if (!expectFields(place, ['from', 'to'])) return { from: 0 as Micros, to: 1 as Micros }
  const period = { from: readInstant(at(place, 'from')), to: readInstant(at(place, 'to')) }
  if (period.from >= period.to) complain(at(place, 'to'), 'is later than "from"')
  return period
}

/** A list that may be empty: nothing was used. */
function readAny(place: Place, most: number): readonly Place[] {
  return Array.isArray(place.value) && place.value.length === 0 ? [] : readList(place, most)
}

function readWindow(place: Place, { bounds }: QuantityContext): WindowQuantity {
  expectFields(place, ['from', 'to', 'quantity'])
  const [from, to] = [readInstant(at(place, 'from')), readInstant(at(place, 'to'))]
  if (from >= to) complain(at(place, 'to'), 'is later than "from"')
  else if (bounds !== null && (from < bounds.from || to > bounds.to))
    complain(place, `lies inside ${formatInstant(bounds.from)} to ${formatInstant(bounds.to)}`)
  return { from, to, quantity: readDecimal(at(place, 'quantity'), quantityRule) }
}

/** Whether a window is one of the zone's, whole, or cut at an end of the time that is priced. */
function isWhole({ from, to }: Period, size: 'hour' | 'day' | 'month', { bounds, zone }: QuantityContext): boolean {
  const around = { from: (from - 1) as Micros, to: (to + 1) as Micros }
  const starts = windowStarts(around, size, zone, 3)
  if (!starts.ok) return false
  const inner = starts.value.slice(1)
  return (
    inner.every((start) => start === from || start === to) &&
    (inner.includes(from) || from === bounds?.from) &&
    (inner.includes(to) || to === bounds?.to)
  )
}

/** Windows that are priced one by one: an overlap would be charged twice, half a day at a day's allowance. */
function checkWindows(
  places: readonly Place[],
  windows: readonly WindowQuantity[],
  price: Price,
  all: QuantityContext,
) {
  const { each } = price
  if (each?.kind !== 'window') return
  windows.forEach((window, index) => {
    const [place, before] = [places[index], windows[index - 1]]
    if (place === undefined || window.from >= window.to) return
    if (before !== undefined && window.from < before.to)
      complain(place, 'begins where the window before ends, or later')
    if (!isWhole(window, each.window, all))
      complain(place, `is a whole ${each.window} of ${all.zone}; only at the ends of the period it may be cut`)
  })
}

function readWindows(place: Place, price: Price, context: QuantityContext): readonly WindowQuantity[] {
  const places = readAny(place, limits.windowsMax)
  const windows = readEach(places, (item) => readWindow(item, context))
  checkWindows(places, windows, price, context)
  return windows
}

/** The dimensions that a price asks for; null: none. */
function dimensionsOf({ model, each }: Price): readonly string[] | null {
  if (model.kind === 'matrix') return model.dimensions
  return each?.kind === 'group' ? each.dimensions : null
}

function readGroupValue(place: Place): string | null {
  const { value } = place
  if (isAbsent(place)) return null
  if (typeof value === 'string' && value.length <= limits.groupValueLengthMax) return value
  complain(place, `is a text of at most ${limits.groupValueLengthMax} characters, or null where it is not known`)
  return null
}

function readGroup(place: Place, dimensions: readonly string[] | null): GroupQuantity {
  expectFields(place, ['group', 'quantity'])
  const group = at(place, 'group')
  const names = dimensions ?? Object.keys(group.value ?? {}).toSorted()
  expectFields(group, names)
  return {
    group: Object.fromEntries(names.map((name) => [name, readGroupValue(at(group, name))])),
    quantity: readDecimal(at(place, 'quantity'), quantityRule),
  }
}

function readGroups(place: Place, price: Price): readonly GroupQuantity[] {
  const dimensions = dimensionsOf(price)
  const places = readAny(place, limits.groupsMax)
  const seen = new Map<string, number>()
  return readEach(places, (item, index) => {
    const one = readGroup(item, dimensions)
    const name = JSON.stringify(one.group)
    const first = seen.get(name)
    if (first === undefined) seen.set(name, index)
    else complain(at(item, 'group'), `is there already as group ${first}; each group stands once`)
    return one
  })
}

/** What a price must be told besides, or instead of, the whole quantity. */
function neededField(price: Price): QuantityField {
  if (dimensionsOf(price) !== null) return 'groups'
  if (isUnitModel(price.model) && needsValues(price.model)) return 'values'
  return price.each?.kind === 'window' ? 'windows' : 'quantity'
}

const needs: Readonly<Record<Exclude<QuantityField, 'quantity'>, string>> = {
  groups: 'is needed: this price looks at groups, such as [{ "group": { "country": "DE" }, "quantity": "5" }]',
  values: 'is needed: this price looks at each event, such as ["12.50", "3"]; [] where there were none',
  windows: 'is needed: this price looks at each window, such as [{ "from": "…", "to": "…", "quantity": "5" }]',
}

/** Parts of a level do not add up, so the level of the whole stands beside them. */
function checkFields(place: Place, price: Price, given: readonly QuantityField[], additive: boolean): void {
  const [first, second] = given
  const parts = given.filter((name) => name !== 'quantity')
  if (first !== undefined && second !== undefined && (additive || parts.length > 1))
    complain(at(place, first), `or "${second}", not both`)
  const needed = neededField(price)
  if (needed !== 'quantity' && !given.includes(needed)) complain(at(place, needed), needs[needed])
  if (!additive && needed === 'values')
    complain(at(place, 'additive'), 'is left out where single events are priced: their values add up')
  else if (!additive && parts.length > 0 && !given.includes('quantity'))
    complain(at(place, 'quantity'), `is needed beside "${parts[0]}": windows and groups of a level do not add up to it`)
}

/** A fee is charged whether something was used or not; a quantity of 1 says nothing else, and is allowed. */
function checkFee(place: Place, [given]: readonly QuantityField[], quantity: Exact): void {
  if (given === undefined || compare(quantity, one) === 0) return
  const count = `"count": "${formatExact(quantity)}"`
  complain(at(place, given), `is left out of a flat price, which measures nothing; write ${count} for so many of it`)
}

/** The values of the events in their order. */
function readValues(place: Place): readonly Exact[] {
  return readEach(readAny(place, limits.valuesMax), (item) => readDecimal(item, quantityRule))
}

/** What was used of a price, from `quantity`, `windows`, `groups` or `values`, in the meter's unit. */
export function readUsage(place: Place, price: Price, context: QuantityContext): LineUsage {
  const given = quantityFields.filter((name) => !isAbsent(at(place, name)))
  if (isOverLines(price.model)) {
    for (const name of given) complain(at(place, name), `is left out of a ${price.model.kind}: it is over other lines`)
    return usageOf(zero)
  }
  checkFields(place, price, given, context.additive)
  const windows = given.includes('windows') ? readWindows(at(place, 'windows'), price, context) : []
  const groups = given.includes('groups') ? readGroups(at(place, 'groups'), price) : []
  const values = given.includes('values') ? readValues(at(place, 'values')) : null
  const isFee = price.model.kind === 'flat' && given.length === 0
  const before = place.problems.length
  const asked = given.includes('quantity') || (given.length === 0 && neededField(price) === 'quantity' && !isFee)
  const stated = asked ? readDecimal(at(place, 'quantity'), quantityRule) : null
  const added = (parts: readonly { readonly quantity: Exact }[]): Exact => sum(parts.map(({ quantity }) => quantity))
  const quantity = stated ?? (values === null ? added([...windows, ...groups]) : sum(values))
  if (price.model.kind === 'flat' && place.problems.length === before) checkFee(place, given, quantity)
  return { quantity, windows, groups, values }
}
