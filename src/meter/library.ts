/**
 * Meters for the edge business, ready to be added: what each counts in words, which events it needs, and one of them. An
 * entry becomes a meter of the installation by `crossfoot meters library add KEY`; from then on it is the installation's.
 */
import { didYouMean } from '../core/did-you-mean.ts'
import { Refusal } from '../core/errors.ts'
import type { EventInput } from '../core/event.ts'
import type { MeterInput } from './definition.ts'
import { hourEntries } from './library-hours.ts'
import { levelEntries } from './library-levels.ts'
import { trafficEntries } from './library-traffic.ts'

/** An event without the identity and time that its sender gives it. */
export type ExampleEvent = Omit<EventInput, 'source' | 'id' | 'seq' | 'time'>

export interface LibraryEntry {
  readonly meter: MeterInput
  /** What one unit is, and what is not counted. */
  readonly about: string
  /** Which events must be sent, with which fields. */
  readonly needs: string
  readonly example: ExampleEvent
  /** Every installation has it from its first start. */
  readonly isStandard: boolean
}

/** In the order in which a price page would name them. */
export const library: readonly LibraryEntry[] = [...trafficEntries, ...hourEntries, ...levelEntries]

/** An entry by its key. Throws Refusal METER_NOT_FOUND. */
export function libraryEntry(key: string): LibraryEntry {
  const found = library.find(({ meter }) => meter.key === key)
  if (found !== undefined) return found
  const guess = didYouMean(
    key,
    library.map(({ meter }) => meter.key),
  )
  throw new Refusal('METER_NOT_FOUND', `the library has no meter ${key};${guess} GET /v1/meters/library lists them`)
}
