import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { isKey } from '../../core/ids.ts'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant, isTimeZone, parseInstant, parseMoment, windowSizes } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'

/** The pieces that routes build their schemas from: validation, types and documentation in one (DESIGN §6). */

export const instant = z
  .string()
  .transform((text, context): Micros => {
    const parsed = parseInstant(text)
    if (parsed.ok) return parsed.value
    context.issues.push({ code: 'custom', message: `${text.slice(0, 60)} ${parsed.error}`, input: text })
    return z.NEVER
  })
  .meta({ description: 'RFC 3339 instant with a zone, such as 2026-11-01T00:00:00Z' })

/** An instant, or a date whose beginning depends on the zone that the question is about; read by `readMoment`. */
export const moment = z.string().meta({
  description:
    'RFC 3339 instant such as 2026-11-01T00:00:00Z, or a date such as 2026-11-01: its beginning in the time zone of the question',
})

/** Reads a moment once the zone is known. Throws REQUEST_INVALID. */
export function readMoment(name: string, text: string, zone: string): Micros {
  const parsed = parseMoment(text, zone)
  if (parsed.ok) return parsed.value
  const message = `${text.slice(0, 60)} ${parsed.error}`
  throw new Refusal('REQUEST_INVALID', `${name} ${message}`, {
    problems: [{ code: 'REQUEST_INVALID', field: name, message }],
  })
}

export const accountKey = z
  .string()
  .refine(isKey, 'is not the key of an account')
  .transform((text) => text as AccountKey)

/** The person who decides, by name. */
export const person = z.string().trim().min(1).max(200).meta({ description: 'the person who decides, by name' })

/** Why, in a few sentences. */
export const shortReason = z.string().trim().min(1).max(1_000).meta({ description: 'why' })

/** Who decides about what is counted, and why: kept for ever. */
export const decision = {
  author: person,
  reason: z.string().trim().min(1).max(2_000).meta({ description: 'why; whoever looks at it later reads it' }),
}

/** `?dry_run=true`: the same path, stopped before it does anything. */
export const dryRun = z
  .enum(['true', 'false'])
  .optional()
  .meta({ description: 'true: says what would be done, and does nothing' })

export const timeZone = z.string().refine(isTimeZone, 'is not an IANA time zone such as Europe/Berlin')

export const windowSize = z.enum(windowSizes)

export const pageSize = z.coerce.number().int().min(1).max(1_000).default(100)

/** Schemas of answers, for /openapi.json. Answers are written by code whose types say the same. */
export const decimal = z.string().meta({ description: 'plain decimal, exact', examples: ['13677583'] })

/** An instant as answers write it; null stays null: not known, or not yet. */
export function instantOrNull(at: Micros | null): string | null {
  return at === null ? null : formatInstant(at)
}
