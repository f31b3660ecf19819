import type { AccountKey } from '../core/ids.ts'
import { isKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { limits } from './limits.ts'
import { isRuleField } from './line-reader.ts'

/** How an import finds the account of a line. */
export type AccountRule =
  | { readonly kind: 'constant'; readonly account: AccountKey }
  | { readonly kind: 'field'; readonly field: string }
  | { readonly kind: 'pattern'; readonly field: string; readonly pattern: RegExp }

/** What a rule says about one line. */
export type RuleOutcome =
  | { readonly kind: 'account'; readonly account: AccountKey }
  | { readonly kind: 'no-match' }
  /** Something was found that cannot be the key of an account. */
  | { readonly kind: 'not-a-key' }

const namePattern = /^[A-Za-z_@][\w.@-]*$/

/** The forms of a rule, in the order in which they are tried. */
const forms: readonly ((
  text: string,
  fieldExists: (name: string) => boolean,
) => Result<AccountRule, string> | undefined)[] = [
  (text) => {
    const key = /^account=(.+)$/.exec(text)?.[1]
    return key !== undefined && isKey(key) ? ok({ kind: 'constant', account: key as AccountKey }) : undefined
  },
  (text) => {
    const field = /^field=(.+)$/.exec(text)?.[1]
    return field !== undefined && namePattern.test(field) ? ok({ kind: 'field', field }) : undefined
  },
  (text) => patternRule(/^regex:([^:]+):(.+)$/s.exec(text)),
  (text) => patternRule(/^([A-Za-z_@][\w.@-]*)~(.+)$/s.exec(text)),
  (text, fieldExists) => {
    const match = /^([A-Za-z_@][\w.@-]*):(.+)$/s.exec(text)
    return match !== null && isRuleField(match[1] ?? '') && fieldExists(match[1] ?? '') ? patternRule(match) : undefined
  },
  (text) => (namePattern.test(text) ? ok({ kind: 'field', field: text }) : undefined),
  (text) => patternRule(['', 'request', text]),
]

function patternRule(match: readonly (string | undefined)[] | null): Result<AccountRule, string> | undefined {
  if (match === null) return undefined
  const [, field = '', source = ''] = match
  try {
    const groups = (new RegExp(`${source}|`).exec('')?.length ?? 1) - 1
    if (groups === 0) return fail(`the regex ${source} has no capture group (…) around the account`)
    return ok({ kind: 'pattern', field, pattern: new RegExp(source) })
  } catch (error) {
    return fail((error as Error).message)
  }
}

/**
 * Reads `--account-from`: a regex on the request line, `FIELD~REGEX`, `FIELD:REGEX`, `regex:FIELD:REGEX`,
 * `field=NAME`, `FIELD`, or `account=KEY`. `fieldExists` tells which names the format can have.
 */
export function parseAccountRule(text: string, fieldExists: (name: string) => boolean): Result<AccountRule, string> {
  for (const form of forms) {
    const rule = form(text, fieldExists)
    if (rule === undefined) continue
    if (rule.ok && rule.value.kind !== 'constant' && !fieldExists(rule.value.field))
      return fail(`this format has no field "${rule.value.field}"`)
    return rule
  }
  return fail('is not a rule')
}

/** The text that a rule finds: the group named `account`, or the first group that took part in the match. */
function captured(pattern: RegExp, text: string): string | undefined {
  const match = pattern.exec(text.slice(0, limits.ruleCharactersMax))
  return match?.groups?.['account'] ?? match?.slice(1).find((group) => group !== undefined)
}

/** Applies a rule to the fields of one line. */
export function applyAccountRule(rule: AccountRule, textOf: (field: string) => string | undefined): RuleOutcome {
  if (rule.kind === 'constant') return { kind: 'account', account: rule.account }
  const text = textOf(rule.field)
  const key = rule.kind === 'field' || text === undefined ? text : captured(rule.pattern, text)
  if (key === undefined || key === '') return { kind: 'no-match' }
  return isKey(key) ? { kind: 'account', account: key as AccountKey } : { kind: 'not-a-key' }
}
