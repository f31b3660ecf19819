import type { AccountKey } from '../core/ids.ts'
import type { Period } from '../core/time.ts'
import type { Completeness } from '../invoice/document.ts'
import type { EventLog, Interval, SourceEpoch } from '../log/log.ts'

export const limits = { sourcesPage: 1_000, reasonsMax: 20 } as const

/** Numbers from 1 to the highest seen that have neither been accepted nor are held aside. */
export function gapsOf({ accepted, held }: SourceEpoch): readonly Interval[] {
  const gaps: [number, number][] = []
  let next = 1
  for (const [first, last] of [...accepted, ...held].toSorted(([a], [b]) => a - b)) {
    if (first > next) gaps.push([next, first - 1])
    next = Math.max(next, last + 1)
  }
  return gaps
}

function reasonOf(source: string, { epoch }: SourceEpoch, gaps: readonly Interval[]): string {
  const [first, last] = gaps[0] ?? [0, 0]
  const missing = gaps.reduce((total, [from, to]) => total + to - from + 1, 0)
  const where = epoch === '' ? source : `${source} (epoch ${epoch})`
  return `source ${where} lacks ${missing} numbered events, the first ${first === last ? first : `${first} to ${last}`}`
}

/**
 * L7, as far as it can be known today: no numbered source has a gap. Any of them could have carried the
 * account's traffic. Checkpoints, with which a source says that nothing more will come, are not there yet.
 */
export function completenessOf(log: EventLog): (account: AccountKey, period: Period) => Promise<Completeness> {
  return async () => {
    const reasons: string[] = []
    let after: string | null = null
    for (;;) {
      const names: readonly string[] = await log.sources({ after, most: limits.sourcesPage })
      for (const name of names) {
        for (const epoch of (await log.source(name)) ?? []) {
          const gaps = gapsOf(epoch)
          if (gaps.length > 0) reasons.push(reasonOf(name, epoch, gaps))
        }
      }
      after = names.at(-1) ?? null
      if (names.length < limits.sourcesPage || reasons.length >= limits.reasonsMax) break
    }
    return { complete: reasons.length === 0, reasons: reasons.slice(0, limits.reasonsMax) }
  }
}
