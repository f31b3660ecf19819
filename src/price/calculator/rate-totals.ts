import { decimalsOf } from '../../core/exact.ts'
import type { MeterKey } from '../../core/ids.ts'
import { currencyDigits, roundToMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { AvailableCredit, CreditKind, CreditScope, GrantId } from '../credit/grant.ts'
import { readDiscount } from '../rate/discount.ts'
import { readLines } from '../model/over-lines.ts'
import {
  at,
  complain,
  expectFields,
  isAbsent,
  readAmount,
  readChoice,
  readCount,
  readInstant,
  readKey,
  readList,
  readPercent,
  readText,
} from '../place.ts'
import type { Place } from '../place.ts'
import type { PriceKey } from '../price-key.ts'
import type { InvoiceDiscount, Tax, TotalsInput } from '../rate/totals.ts'

export const limits = {
  discountsMax: 50,
  creditsMax: 200,
  metersMax: 200,
  taxesMax: 20,
  priorityMax: 1_000_000,
} as const

/** What asks for totals: from lines to what is due. `at` says when credits are taken. */
export const totalsFields = ['discounts', 'credits', 'taxes', 'at'] as const

export interface TotalsContext {
  readonly currency: Currency
  /** Of the prices that are rated. */
  readonly keys: readonly PriceKey[]
}

function items(place: Place, most: number): readonly Place[] {
  return isAbsent(place) ? [] : readList(place, most)
}

/** A price's discount without what only an invoice's has. */
function withoutScope(place: Place): Place {
  const { value } = place
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return place
  return {
    ...place,
    value: { name: at(place, 'name').value, percent: at(place, 'percent').value, amount: at(place, 'amount').value },
  }
}

function readInvoiceDiscount(place: Place, index: number, keys: readonly PriceKey[]): InvoiceDiscount {
  expectFields(place, ['coupon', 'name', 'percent', 'amount', 'of'])
  const [coupon, of] = [at(place, 'coupon'), at(place, 'of')]
  const scope = isAbsent(of) ? 'all' : readLines(of)
  if (scope !== 'all')
    scope.forEach((key, number) => {
      if (key !== '' && !keys.includes(key)) complain(at(of, String(number)), `names no price that is here: "${key}"`)
    })
  return {
    coupon: isAbsent(coupon) ? `discount_${index + 1}` : readKey(coupon, 'spring-2026'),
    version: 1,
    discount: readDiscount(withoutScope(place)),
    of: scope,
  }
}

function readScope(place: Place): CreditScope {
  if (isAbsent(place) || place.value === 'all') return 'all'
  if (!expectFields(place, ['meters'])) return 'all'
  return {
    meters: readList(at(place, 'meters'), limits.metersMax).map((item) => readKey(item, 'data_out_wire') as MeterKey),
  }
}

/** A balance is money that somebody has: it has no parts of the minor unit. */
function readBalance(place: Place, currency: Currency): Minor {
  const balance = readAmount(place)
  const digits = currencyDigits[currency]
  if ((decimalsOf(balance) ?? 0) > digits) complain(place, `has at most ${digits} decimals: it is money of ${currency}`)
  return roundToMinor(balance, currency)
}

function readEffect(place: Place): Pick<AvailableCredit, 'effectiveFrom' | 'expiresAt'> {
  const [from, to] = [at(place, 'effective_from'), at(place, 'expires_at')]
  return {
    effectiveFrom: isAbsent(from) ? (0 as Micros) : readInstant(from),
    expiresAt: isAbsent(to) ? null : readInstant(to),
  }
}

const creditKinds = ['promotional', 'prepaid'] as const satisfies readonly CreditKind[]

function readCredit(place: Place, index: number, currency: Currency): AvailableCredit {
  expectFields(place, ['id', 'kind', 'name', 'balance', 'priority', 'scope', 'effective_from', 'expires_at'])
  const [id, name, priority] = [at(place, 'id'), at(place, 'name'), at(place, 'priority')]
  return {
    id: (isAbsent(id) ? `credit_${index + 1}` : readKey(id, 'credit_1')) as GrantId,
    kind: readChoice(at(place, 'kind'), creditKinds, null),
    name: isAbsent(name) ? 'Credit' : readText(name, 'says what the credit is for'),
    currency,
    priority: isAbsent(priority) ? 0 : readCount(priority, { least: 0, most: limits.priorityMax }),
    scope: readScope(at(place, 'scope')),
    ...readEffect(place),
    // What stands first was granted first.
    createdAt: index as Micros,
    balance: readBalance(at(place, 'balance'), currency),
  }
}

function readTax(place: Place, index: number): Tax {
  expectFields(place, ['key', 'name', 'percent'])
  const [key, name] = [at(place, 'key'), at(place, 'name')]
  return {
    key: isAbsent(key) ? `tax_${index + 1}` : readKey(key, 'vat'),
    name: isAbsent(name) ? 'Tax' : readText(name, 'names the tax'),
    percent: readPercent(at(place, 'percent'), { wholeMax: false }),
  }
}

function checkIds(places: readonly Place[], ids: readonly string[], field: string): void {
  ids.forEach((id, index) => {
    const place = places[index]
    if (place !== undefined && id !== '' && ids.indexOf(id) < index)
      complain(at(place, field), `is already that of ${ids.indexOf(id)}; each has its own`)
  })
}

/** When credits are taken. Only those with an effect or an expiry ask for it, and then nothing is guessed. */
function readAt(place: Place, credits: readonly AvailableCredit[]): Micros {
  const moment = at(place, 'at')
  if (!isAbsent(moment)) return readInstant(moment)
  if (credits.some(({ effectiveFrom, expiresAt }) => effectiveFrom > 0 || expiresAt !== null))
    complain(moment, 'is needed: when credits are taken decides which are in effect')
  return 0 as Micros
}

/** Reads what makes totals of lines; null where nothing of it is asked for. */
export function readTotals(place: Place, { currency, keys }: TotalsContext): TotalsInput | null {
  const credits = items(at(place, 'credits'), limits.creditsMax)
  const taxes = items(at(place, 'taxes'), limits.taxesMax)
  const discounts = items(at(place, 'discounts'), limits.discountsMax)
  const grants = credits.map((item, index) => readCredit(item, index, currency))
  const read: TotalsInput = {
    currency,
    discounts: discounts.map((item, index) => readInvoiceDiscount(item, index, keys)),
    credits: grants,
    taxes: taxes.map(readTax),
    at: readAt(place, grants),
  }
  checkIds(
    credits,
    grants.map(({ id }) => id),
    'id',
  )
  checkIds(
    taxes,
    read.taxes.map(({ key }) => key),
    'key',
  )
  return totalsFields.every((name) => isAbsent(at(place, name))) ? null : read
}
