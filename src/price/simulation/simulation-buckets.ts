/** The distribution of changes: how many accounts change by how much, in buckets that are the same for every simulation. */
import type { Minor } from '../../core/money.ts'

/** Changes above one bound and up to another, in one direction. */
export interface Bucket {
  readonly direction: 'less' | 'same' | 'more'
  /** Null in `more`: accounts that paid nothing before. In `same`: nothing changes. */
  readonly above: string | null
  /** Null: without a bound. */
  readonly upTo: string | null
}

/** The bounds of both directions, from small to large. */
function bucketsOf(bounds: readonly string[], extra: readonly Bucket[]): readonly Bucket[] {
  const parts = ['0', ...bounds].map((above, index) => ({ above, upTo: bounds[index] ?? null }))
  const same: Bucket = { direction: 'same', above: null, upTo: null }
  const less = parts.toReversed().map((part): Bucket => ({ direction: 'less', ...part }))
  return [...less, same, ...parts.map((part): Bucket => ({ direction: 'more', ...part })), ...extra]
}

/** In per cent of what was paid. Nobody pays more than all of it less. */
export const percentBuckets: readonly Bucket[] = bucketsOf(
  ['5', '10', '25', '50', '100'],
  [{ direction: 'more', above: null, upTo: null }],
).filter(({ direction, above }) => direction !== 'less' || above !== '100')

/** In the currency's major unit. */
export const amountBuckets: readonly Bucket[] = bucketsOf(['1', '10', '100', '1000', '10000', '100000'], [])

export interface BucketSums {
  readonly bucket: Bucket
  readonly accounts: number
  readonly change: Minor
}

/** A change, measured by `of`: it is `change × per ÷ of` of whatever the bounds are in. */
export interface MeasuredChange {
  readonly change: bigint
  readonly of: bigint
  readonly per: bigint
}

function isIn({ direction, above, upTo }: Bucket, { change, of, per }: MeasuredChange): boolean {
  if (change === 0n || direction === 'same') return change === 0n && direction === 'same'
  if (direction !== (change < 0n ? 'less' : 'more')) return false
  if (of === 0n || above === null) return of === 0n && above === null
  const magnitude = (change < 0n ? -change : change) * per
  return magnitude > BigInt(above) * of && (upTo === null || magnitude <= BigInt(upTo) * of)
}

/** Counts and sums by bucket; every change lies in exactly one. */
export class Buckets {
  readonly #buckets: readonly { readonly bucket: Bucket; accounts: number; change: bigint }[]

  constructor(buckets: readonly Bucket[]) {
    this.#buckets = buckets.map((bucket) => ({ bucket, accounts: 0, change: 0n }))
  }

  add(change: MeasuredChange): void {
    const found = this.#buckets.find(({ bucket }) => isIn(bucket, change))
    if (found === undefined) throw new Error('every change lies in a bucket')
    found.accounts += 1
    found.change += change.change
  }

  sums(): readonly BucketSums[] {
    return this.#buckets.map(({ bucket, accounts, change }) => ({ bucket, accounts, change: change as Minor }))
  }
}
