import type { Problem } from '../core/errors.ts'
import { formatExact } from '../core/exact.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { at, complain, documentOf, expectFields, isAbsent, readDecimal, readKey, readText } from '../price/place.ts'
import type { Place } from '../price/place.ts'
import type { AccountMonth } from './desk.ts'
import type { Waiver } from './document.ts'

/** The body of POST /v1/invoices: `{"account": "…", "month": "2026-10"}`. */
export function parseDraftRequest(body: unknown): Result<AccountMonth, readonly Problem[]> {
  const place = documentOf(body)
  if (!expectFields(place, ['account', 'month'])) return fail(place.problems)
  const account = readKey(at(place, 'account'), 'acme')
  const month = at(place, 'month')
  if (typeof month.value !== 'string' || !/^\d{4}-\d{2}$/.test(month.value))
    complain(month, 'is a month such as "2026-10"')
  return place.problems.length > 0 ? fail(place.problems) : ok({ account, month: String(month.value) })
}

function readWaiver(place: Place): Waiver | null {
  if (isAbsent(place)) return null
  if (!expectFields(place, ['by', 'reason', 'value_at_risk'])) return null
  const risk = at(place, 'value_at_risk')
  return {
    by: readText(at(place, 'by'), 'names the person who decides'),
    reason: readText(at(place, 'reason'), 'says why the invoice is issued although usage may be missing'),
    valueAtRisk: isAbsent(risk) ? null : formatExact(readDecimal(risk, { decimalsMax: 18 })),
  }
}

/** The body of POST /v1/invoices/{id}/issue: empty, or `{"waiver": {"by": "…", "reason": "…"}}`. */
export function parseIssueRequest(body: unknown): Result<{ readonly waiver: Waiver | null }, readonly Problem[]> {
  if (body === undefined || body === null) return ok({ waiver: null })
  const place = documentOf(body)
  if (!expectFields(place, ['waiver'])) return fail(place.problems)
  const waiver = readWaiver(at(place, 'waiver'))
  return place.problems.length > 0 ? fail(place.problems) : ok({ waiver })
}
