import type { Micros } from '../core/time.ts'
import type { Interval, SourceEpoch } from '../log/log.ts'
import { countOf, missingNumbers } from '../meter/completeness-epoch.ts'
import type { Gap } from '../meter/completeness.ts'
import type { Engine } from '../store/engine.ts'
import { askNumbers } from '../store/numbers.ts'
import type { NumberTimes } from '../store/numbers.ts'

export const limits = {
  /** Gaps of one numbering that are looked at one by one; the rest is told as one. */
  gapsMax: 1_000,
  /** Times of numbers that are kept in memory. */
  timesMax: 200_000,
} as const

/** When numbers of a source happened and arrived. What is stored does not change, so it is asked for once. */
export class NumberMemory {
  readonly #engine: Engine
  readonly #known = new Map<string, Map<number, NumberTimes>>()
  #size = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** `mayAsk`: false gives only what is known already. `asked` says that the store had to be asked. */
  async timesOf(
    { source, epoch, numbers }: { source: string; epoch: string; numbers: readonly number[] },
    mayAsk: boolean,
  ): Promise<{ readonly times: ReadonlyMap<number, NumberTimes>; readonly asked: boolean }> {
    const name = `${source}\0${epoch}`
    const known = this.#known.get(name) ?? new Map<number, NumberTimes>()
    const unknown = numbers.filter((number) => !known.has(number))
    if (unknown.length === 0 || !mayAsk) return { times: known, asked: false }
    if (this.#size > limits.timesMax) {
      this.#known.clear()
      this.#size = 0
    }
    const found = await askNumbers(this.#engine, { source, epoch, numbers: unknown })
    const times = new Map([...known, ...found])
    this.#known.set(name, times)
    this.#size += found.size
    return { times, asked: true }
  }
}

/** Whether a number lies in sorted intervals. */
function contains(intervals: readonly Interval[], number: number): boolean {
  let [low, high] = [0, intervals.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((intervals[middle]?.[1] ?? 0) < number) low = middle + 1
    else high = middle
  }
  const found = intervals[low]
  return found !== undefined && found[0] <= number && number <= found[1]
}

/** What is behind a gap: an event that showed it, or the source's own statement that it had sent more. */
function sinceOf([, last]: Interval, behind: NumberTimes | undefined, { checkpoint }: SourceEpoch): Micros | null {
  return behind?.arrived ?? (checkpoint?.seq === last ? checkpoint.arrived : null)
}

/** The gaps of one numbering as intervals: each by itself, and those beyond the limit as one. */
function intervalsOf(missing: readonly Interval[]): { readonly interval: Interval; readonly missing: number }[] {
  const named = missing.slice(0, limits.gapsMax)
  const rest = missing.slice(limits.gapsMax)
  const [one] = rest
  const last = rest.at(-1)
  return [
    ...named.map((interval) => ({ interval, missing: countOf([interval]) })),
    ...(one === undefined || last === undefined
      ? []
      : [{ interval: [one[0], last[1]] as const, missing: countOf(rest) }]),
  ]
}

/** The gaps of one numbering, each with when its missing events can have happened and since when it shows. */
export async function gapsOf(
  memory: NumberMemory,
  { source, numbering }: { readonly source: string; readonly numbering: SourceEpoch },
  mayAsk: boolean,
): Promise<{ readonly gaps: readonly Gap[]; readonly asked: boolean }> {
  const { epoch } = numbering
  const intervals = intervalsOf(missingNumbers(numbering))
  if (intervals.length === 0) return { gaps: [], asked: false }
  const numbers = intervals
    .flatMap(({ interval: [first, last] }) => [first - 1, last + 1])
    // What is held is not stored: asking for it would be asking in vain each time.
    .filter((number) => contains(numbering.accepted, number))
  const { times, asked } = await memory.timesOf({ source, epoch, numbers: [...new Set(numbers)] }, mayAsk)
  const gaps = intervals.map(({ interval, missing }): Gap => {
    const [first, last] = interval
    return {
      epoch,
      first,
      last,
      missing,
      after: times.get(first - 1)?.time ?? null,
      before: times.get(last + 1)?.time ?? null,
      since: sinceOf(interval, times.get(last + 1), numbering),
    }
  })
  return { gaps, asked }
}
