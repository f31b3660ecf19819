import type { Problem } from '../../core/errors.ts'
import type { PlanKey } from '../../core/ids.ts'
import { ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { parsePlan, termsJson } from '../plan.ts'
import type { AddOnKey, AddOnVersion } from './price-book.ts'

/** What an add-on says, before the catalogue gives it its version number. */
export type AddOnTerms = Omit<AddOnVersion, 'version'>

/** Terms as a person wrote them; `version` null asks for the next number. */
export interface AddOnInput {
  readonly terms: AddOnTerms
  readonly version: number | null
}

/** Reads an add-on, which is written like a plan; all problems at once. */
export function parseAddOn(input: unknown): Result<AddOnInput, readonly Problem[]> {
  const parsed = parsePlan(input)
  if (!parsed.ok) return parsed
  const { terms, version } = parsed.value
  return ok({ terms: { ...terms, key: terms.key as string as AddOnKey }, version })
}

/** The terms as JSON, in one order of fields; `parseAddOn` reads the same terms from it. */
export function addOnTermsJson(terms: AddOnTerms): object {
  return termsJson({ ...terms, key: terms.key as string as PlanKey })
}

/** A version as JSON. */
export function addOnJson(addOn: AddOnVersion): object {
  return { ...addOnTermsJson(addOn), version: addOn.version }
}
