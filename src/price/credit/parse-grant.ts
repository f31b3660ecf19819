import type { Account } from '../../account/accounts.ts'
import type { Problem } from '../../core/errors.ts'
import type { MeterKey } from '../../core/ids.ts'
import { currencyDigits, roundToMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  isAbsent,
  readChoice,
  readCount,
  readDecimal,
  readInstant,
  readKey,
  readList,
  readText,
} from '../place.ts'
import type { Place } from '../place.ts'
import type { CreditScope, Grant, GrantId, Recurrence, Rollover } from './grant.ts'
import { instancesOf } from './schedule.ts'

export const limits = {
  metersMax: 100,
  /** Of money in one grant, digits before the point. */
  amountDigitsMax: 15,
  priorityMax: 1_000,
  /** Between the beginning of a grant and its expiry, or the present where it has none. */
  recurrencesMax: 4_000,
} as const

const countMax = { days: 3_650, weeks: 520, months: 120, years: 10 } as const

/** Whose grant it is, and what a person does not say. */
export interface GrantContext {
  readonly account: Pick<Account, 'key' | 'currency' | 'timeZone'>
  readonly id: GrantId
  readonly now: Micros
}

const fields = [
  'account',
  'kind',
  'name',
  'currency',
  'amount',
  'paid_amount',
  'priority',
  'scope',
  'effective_from',
  'expires_at',
  'recurrence',
  'rollover',
  'author',
  'reason',
] as const

function readMinor(place: Place, currency: Currency, rule: { readonly positive: boolean }): Minor {
  const decimalsMax = currencyDigits[currency]
  return roundToMinor(readDecimal(place, { decimalsMax, integerDigitsMax: limits.amountDigitsMax, ...rule }), currency)
}

function readScope(place: Place): CreditScope {
  if (isAbsent(place) || place.value === 'all') return 'all'
  if (!expectFields(place, ['meters'])) return 'all'
  const meters = readList(at(place, 'meters'), limits.metersMax).map((one) => readKey(one, 'data_out_wire') as MeterKey)
  return { meters: [...new Set(meters)].toSorted() }
}

interface Defaults {
  readonly currency: Currency
  readonly amount: Minor
  readonly effectiveFrom: Micros
}

function readRecurrence(place: Place, { currency, amount, effectiveFrom }: Defaults): Recurrence | null {
  if (isAbsent(place) || !expectFields(place, ['every', 'anchor', 'amount'])) return null
  const every = at(place, 'every')
  if (!expectFields(every, ['unit', 'count'])) return null
  const unit = readChoice(at(every, 'unit'), ['days', 'weeks', 'months', 'years'] as const, null)
  const count = isAbsent(at(every, 'count')) ? 1 : readCount(at(every, 'count'), { least: 1, most: countMax[unit] })
  const [anchor, given] = [at(place, 'anchor'), at(place, 'amount')]
  return {
    every: { unit, count },
    anchor: isAbsent(anchor) ? effectiveFrom : readInstant(anchor),
    amount: isAbsent(given) ? amount : readMinor(given, currency, { positive: true }),
  }
}

function readRollover(place: Place, currency: Currency): Rollover | null {
  if (isAbsent(place) || !expectFields(place, ['min', 'max'])) return null
  const [least, most] = [at(place, 'min'), at(place, 'max')]
  const min = isAbsent(least) ? (0n as Minor) : readMinor(least, currency, { positive: false })
  const max = isAbsent(most) ? null : readMinor(most, currency, { positive: false })
  if (max !== null && max < min) complain(most, 'is not below min')
  return { min, max }
}

function checkLength(place: Place, grant: Grant): void {
  const { expiresAt, effectiveFrom, createdAt } = grant
  if (expiresAt !== null && expiresAt <= effectiveFrom) {
    complain(at(place, 'expires_at'), 'is later than effective_from')
    return
  }
  const until = expiresAt ?? (Math.max(createdAt, effectiveFrom) as Micros)
  const turns = instancesOf(grant, until).take(limits.recurrencesMax + 2)
  if ([...turns].length > limits.recurrencesMax + 1)
    complain(
      at(place, 'recurrence'),
      `recurs at most ${limits.recurrencesMax} times; take a later beginning or an earlier expiry`,
    )
}

function checkTogether(place: Place, { kind, recurrence }: Grant): void {
  if (kind === 'promotional' && !isAbsent(at(place, 'paid_amount')))
    complain(at(place, 'paid_amount'), 'is of prepaid credits only')
  if (recurrence === null && isAbsent(at(place, 'recurrence')) && !isAbsent(at(place, 'rollover')))
    complain(at(place, 'rollover'), 'needs a recurrence: without one all of the rest stays until it expires')
}

function readGrant(place: Place, { account, id, now }: GrantContext): Grant {
  const { currency } = account
  const [named, paid, expires] = [at(place, 'currency'), at(place, 'paid_amount'), at(place, 'expires_at')]
  if (!isAbsent(named) && named.value !== currency)
    complain(named, `is the account's, ${currency}: credits pay in the currency of their account`)
  const effectiveFrom = isAbsent(at(place, 'effective_from')) ? now : readInstant(at(place, 'effective_from'))
  const amount = readMinor(at(place, 'amount'), currency, { positive: true })
  const priority = at(place, 'priority')
  return {
    id,
    account: account.key,
    kind: readChoice(at(place, 'kind'), ['promotional', 'prepaid'] as const, null),
    name: readText(at(place, 'name'), 'is what the customer reads on the invoice'),
    currency,
    priority: isAbsent(priority) ? 100 : readCount(priority, { least: 0, most: limits.priorityMax }),
    scope: readScope(at(place, 'scope')),
    amount,
    paid: isAbsent(paid) ? null : readMinor(paid, currency, { positive: false }),
    effectiveFrom,
    expiresAt: isAbsent(expires) ? null : readInstant(expires),
    recurrence: readRecurrence(at(place, 'recurrence'), { currency, amount, effectiveFrom }),
    rollover: readRollover(at(place, 'rollover'), currency),
    zone: account.timeZone,
    voidedAt: null,
    createdAt: now,
    by: readText(at(place, 'author'), 'is the person who decides, by name'),
    reason: isAbsent(at(place, 'reason')) ? null : readText(at(place, 'reason'), 'says why'),
    voided: null,
  }
}

/** Reads a grant as a person wrote it, for an account; every problem at once, with its path. */
export function parseGrant(input: unknown, context: GrantContext): Result<Grant, readonly Problem[]> {
  const place = documentOf(input)
  if (!expectFields(place, fields)) return fail(place.problems)
  const grant = readGrant(place, context)
  checkTogether(place, grant)
  if (place.problems.length === 0) checkLength(place, grant)
  return place.problems.length === 0 ? ok(grant) : fail(place.problems)
}
