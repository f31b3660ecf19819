import { add, compare, formatQuantity, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { precise, readable } from './number.ts'
import type { Known } from './view.ts'

/** The sum, and whether it is all of it: a sum with an unknown part is a lower bound (L13). */
export interface PartialSum {
  readonly sum: Exact
  readonly complete: boolean
  /** Not one part is known: there is nothing to show, not even a lower bound. */
  readonly empty: boolean
}

export function sumKnown(values: readonly Known<Exact>[]): PartialSum {
  let sum = zero
  let known = 0
  for (const value of values) {
    if (!value.known) continue
    sum = add(sum, value.value)
    known += 1
  }
  return { sum, complete: known === values.length, empty: known === 0 && values.length > 0 }
}

/** A quantity to read, with all its digits on hover and for programs. */
export function quantity(value: Exact, unit: string): Html {
  const name = compare(value, zero) === 0 ? 'num zero' : 'num'
  return html`<data class="${name}" value="${formatQuantity(value)}" title="${precise(value, unit)}"
    >${readable(value, unit)}</data
  >`
}

/** L13: what is not known says so, and why; it never looks like a zero. */
export function notKnown(why: string): Html {
  return html`<span class="unknown" title="${why}">not known yet</span>`
}

export function knownQuantity(value: Known<Exact>, unit: string): Html {
  return value.known ? quantity(value.value, unit) : notKnown(value.why)
}
