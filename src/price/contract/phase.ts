import { cycleStart } from '../../core/cycle.ts'
import type { Micros, Period } from '../../core/time.ts'
import { changesPrices, checkChangedCircles, checkChangedNames } from './changed-lines-check.ts'
import { at, complain, expectFields, isAbsent, isFull, readCount, readKey, readList, readText } from '../place.ts'
import type { Place } from '../place.ts'
import { priceChangeJson, readPriceChanges } from './price-change.ts'
import type { Changeable, PriceChange } from './price-change.ts'
import type { Price } from '../price.ts'

export const phaseUnits = ['days', 'weeks', 'months', 'years'] as const

/** How long a phase lasts on the account's calendar. */
export interface PhaseLength {
  readonly unit: (typeof phaseUnits)[number]
  readonly count: number
}

/** A time at the beginning of a subscription in which other prices hold: a trial, a step of a ramp. */
export interface Phase {
  readonly key: string
  readonly name: string
  readonly length: PhaseLength
  readonly changes: readonly PriceChange[]
}

export const limits = { phasesMax: 60, lengthMax: 3_650 } as const

function readLength(place: Place): PhaseLength {
  expectFields(place, phaseUnits)
  const given = phaseUnits.filter((unit) => !isAbsent(at(place, unit)))
  const [unit = 'months'] = given
  if (given.length !== 1) complain(place, 'is one of days, weeks, months, years, such as { "days": 14 }')
  const count = given.length === 1 ? readCount(at(place, unit), { least: 1, most: limits.lengthMax }) : 1
  return { unit, count }
}

function readPhase(place: Place, body: Changeable): Phase {
  expectFields(place, ['key', 'name', 'length', 'changes'])
  return {
    key: readKey(at(place, 'key'), 'trial'),
    name: readText(at(place, 'name'), 'names the phase as customers read it, such as "Free trial"'),
    length: readLength(at(place, 'length')),
    changes: readPriceChanges(at(place, 'changes'), body),
  }
}

/**
 * What a phase makes of the prices can be billed as well as they can: found when the plan is saved. Prices in several
 * currencies are over the same lines, so the first one is looked at for all.
 */
function checkPhases(place: Place, phases: readonly Phase[], prices: readonly Price[]): void {
  const { problems, money } = place
  if (problems.length > 0 || (money !== undefined && money.currency !== money.all[0])) return
  for (const [index, { changes }] of phases.entries()) {
    if (!changesPrices(changes) || isFull(problems)) continue
    const changing = { place: at(at(place, String(index)), 'changes'), prices, changes }
    checkChangedNames(changing)
    if (checkChangedCircles(changing)) return
  }
}

/** Reads the phases of a plan; absent: none. */
export function readPhases(place: Place, body: Changeable): readonly Phase[] {
  if (isAbsent(place)) return []
  const phases = readList(place, limits.phasesMax).map((item) => readPhase(item, body))
  if (new Set(phases.map(({ key }) => key)).size < phases.length) complain(place, 'has a phase twice')
  if (body.prices !== null) checkPhases(place, phases, body.prices)
  return phases
}

export function phaseJson({ key, name, length, changes }: Phase): object {
  return {
    key,
    name,
    length: { [length.unit]: length.count },
    ...(changes.length === 0 ? {} : { changes: changes.map(priceChangeJson) }),
  }
}

/** When a phase holds. */
export interface PhaseTime extends Period {
  readonly phase: Phase
}

const counted = {
  days: { unit: 'days', times: 1 },
  weeks: { unit: 'days', times: 7 },
  months: { unit: 'months', times: 1 },
  years: { unit: 'months', times: 12 },
} as const

/**
 * When each phase holds, for a subscription that began then. Phases of months that follow each other are counted from
 * the first one's start, so that a 31st is cut to the end of a shorter month and returns (DESIGN §9); likewise days,
 * on the zone's clock, with 23 and 25 hours. A phase that a skipped day leaves no time for is not there.
 */
export function phaseTimes(phases: readonly Phase[], begun: Micros, zone: string): readonly PhaseTime[] {
  let [anchor, from, passed]: [Micros, Micros, number] = [begun, begun, 0]
  let unit: 'days' | 'months' | null = null
  return phases.flatMap((phase) => {
    const { unit: next, times } = counted[phase.length.unit]
    if (next !== unit) [anchor, passed, unit] = [from, 0, next]
    passed += phase.length.count * times
    const to = cycleStart({ anchor, unit: next, count: 1, zone }, passed)
    if (to <= from) return []
    const time = { phase, from, to }
    from = to
    return [time]
  })
}
