import type { ErrorCode } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'

/** What a price book holds versions of. */
export type Noun = 'plan' | 'add-on' | 'coupon'

interface Terms {
  readonly key: string
  readonly effectiveFrom: Micros
}

/** Terms that ask to become a version; `version` null asks for the next number. */
export interface Candidate<Of> {
  readonly terms: Of
  readonly version: number | null
}

/** What a published version makes of terms: they are it, they come after it, or they may not. */
export type Following<Version> =
  | { readonly kind: 'published'; readonly published: Version }
  | { readonly kind: 'next'; readonly version: number }
  | {
      readonly kind: 'refused'
      readonly code: Extract<ErrorCode, 'VERSION_IMMUTABLE' | 'REQUEST_INVALID'>
      readonly field: 'version' | 'effective_from'
      readonly message: string
    }

interface History<Of extends Terms, Version extends Of> {
  readonly noun: Noun
  /** All of them, oldest first. */
  readonly versions: readonly Version[]
  /** The terms as JSON in one order of fields: equal terms have equal JSON. */
  readonly json: (terms: Of) => object
}

function isSame<Of extends Terms>(one: Of, other: Of, json: (terms: Of) => object): boolean {
  return JSON.stringify(json(one)) === JSON.stringify(json(other))
}

/**
 * How terms stand to the versions that are published. A version never changes; numbers have no gap; and versions take
 * effect in the order of their numbers, so that the highest number in effect is the one that holds. The same terms again
 * are the version that has them, so a price book can be published on every start.
 */
export function following<Of extends Terms, Version extends Of>(
  { terms, version }: Candidate<Of>,
  { noun, versions, json }: History<Of, Version>,
): Following<Version> {
  const named = `${noun} ${terms.key}`
  const next = versions.length + 1
  const there = version === null ? versions.at(-1) : versions[version - 1]
  if (there !== undefined && isSame<Of>(there, terms, json)) return { kind: 'published', published: there }
  const refused = { kind: 'refused', code: 'REQUEST_INVALID', field: 'version' } as const
  if (version !== null && version < next) {
    const message = `version ${version} of ${named} is published with other terms; publish the change as version ${next}`
    return { ...refused, code: 'VERSION_IMMUTABLE', message }
  }
  if (version !== null && version > next)
    return { ...refused, message: `the next version of ${named} is ${next}, not ${version}` }
  const last = versions.at(-1)
  if (last !== undefined && terms.effectiveFrom < last.effectiveFrom) {
    const message =
      `version ${next - 1} of ${named} takes effect at ${formatInstant(last.effectiveFrom)}; ` +
      'the version after it takes effect then or later'
    return { ...refused, field: 'effective_from', message }
  }
  return { kind: 'next', version: next }
}
