import type { Cycle } from '../../src/core/cycle.ts'
import { Refusal } from '../../src/core/errors.ts'
import type { Minor } from '../../src/core/money.ts'
import { zonedOf } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { burnDown } from '../../src/price/credit/burn-down.ts'
import type { BurnDown, BurnDownGrant } from '../../src/price/credit/burn-down.ts'
import type { GrantId } from '../../src/price/credit/grant.ts'
import { progress } from '../../src/price/rate/progressive.ts'
import { moment } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { atTheDoor, defined, firstRun, linesOf, money, used, wholePart } from '../support/oracle-rating.ts'
import { unitOf } from './openmeter-rating.ts'

function conversion({ input, expected }: OracleCase): Outcome {
  const price = { unit: unitOf(input), model: { kind: 'per_unit', unit_amount: '1' } }
  return { actual: atTheDoor(price, input['quantity'])?.billable_quantity, expected: expected['quantity'] }
}

/** At one for each unit the amount is what is billable: of the line, and of the lines before it. */
function splitDiscount({ input, expected }: OracleCase): Outcome {
  const { quantity, quantity_before_line: before, free_quantity } = input
  const price = defined({
    model: { kind: 'per_unit', unit_amount: '1' },
    usage_discount: { quantity: free_quantity },
  })
  const rated = (units: number) => linesOf([wholePart(price, used(units))])
  const billed = firstRun(rated(Number(before)))
  const run = progress({ whole: rated(Number(before) + Number(quantity)), billed, isFinal: true })
  const free = (all: unknown, paid: string): string => String(Number(all) - Number(paid))
  const [now, then] = [run, billed].map((lines) => money(lines[0]?.amount ?? (0n as never)))
  return {
    actual: {
      billable: now,
      billable_before_line: then,
      discount_used_here: free(quantity, now ?? ''),
      discount_used_before: free(before, then ?? ''),
    },
    expected,
  }
}

const units: Readonly<Record<string, Cycle['unit']>> = { d: 'days', mo: 'months', y: 'years' }

function lengthOf(text: unknown): Pick<Cycle, 'unit' | 'count'> {
  const [, count, unit = ''] = /^(\d+)(d|mo|y)$/.exec(String(text)) ?? []
  const found = units[unit]
  if (found === undefined) throw new Error(`no length: ${String(text)}`)
  return { unit: found, count: Number(count) }
}

const minor = (text: unknown): Minor => BigInt(String(text)) as Minor

function after(at: Micros, text: unknown): Micros {
  const { unit, count } = lengthOf(text)
  return Number(zonedOf(at, 'UTC').add({ [unit]: count }).epochNanoseconds / 1000n) as Micros
}

/** Their grants in our words: what they count in units is as many minor units here. */
function grantOf(given: Json): BurnDownGrant {
  const { id, amount, priority, effective_at, expires_after, voided_at, recurrence, reset_max_rollover: max } = given
  const effectiveFrom = moment(effective_at)
  const renewed = { amount: minor(amount), anchor: moment(recurrence?.anchor ?? effective_at) }
  return {
    id: id as GrantId,
    amount: minor(amount),
    priority,
    effectiveFrom,
    expiresAt: after(effectiveFrom, expires_after),
    recurrence: recurrence === undefined ? null : { ...renewed, every: lengthOf(recurrence.interval) },
    rollover: max === undefined ? null : { min: 0n as Minor, max: minor(max) },
    zone: 'UTC',
    voidedAt: voided_at === undefined ? null : moment(voided_at),
    createdAt: 0 as Micros,
  }
}

/** One of their cases is about 100,000 grants, of which it writes down two. */
function grantsOf(given: readonly Json[]): readonly BurnDownGrant[] {
  return given.flatMap((one) => {
    const grant = grantOf(one)
    if (one['id'] !== '99,999 others') return [grant]
    return Array.from({ length: 99_999 }, (_, index) => ({ ...grant, id: `other ${index}` as GrantId }))
  })
}

/** In an order that is not theirs. */
function runGrants({
  grants,
  balances_at_start,
  usage = [],
  from,
  until,
  resets = [],
  preserve_overage,
}: Json): BurnDown {
  const all = grantsOf(grants).toReversed()
  const given = all.map(({ id }) => [id, minor(balances_at_start[id] ?? balances_at_start['every grant'])] as const)
  return burnDown({
    grants: all,
    balances: new Map(given),
    usage: usage.map(({ at, quantity }: Json) => ({ at: moment(at), amount: minor(quantity) })),
    from: moment(from),
    until: moment(until),
    resets: resets.map((at: string) => moment(at)),
    keepsOverage: preserve_overage === true,
  })
}

/** Those that the case names one by one, and what all others have, which is the same. */
function balancesOf({ balances }: BurnDown, expected: Json): Json {
  const named = Object.keys(expected).filter((id) => id !== 'every other')
  const others = [...balances].flatMap(([id, balance]) => (named.includes(id) ? [] : [String(balance)]))
  return {
    ...Object.fromEntries(named.map((id) => [id, String(balances.get(id as GrantId))])),
    ...(others.length === 0 ? {} : { 'every other': [...new Set(others)].join(' or ') }),
  }
}

const resetsTooEarly = 'REQUEST_INVALID resets are after the beginning and not after the end'

function refusalOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    return error instanceof Refusal ? `${error.code} ${error.message}` : String(error)
  }
}

/** What the case tells of a run. */
function grantBurnDown({ input, expected }: OracleCase): Outcome {
  const { error, notes: _, ...numbers } = expected
  if (error !== undefined) return { actual: refusalOf(() => runGrants(input)), expected: resetsTooEarly }
  const run = runGrants(input)
  const told: Json = {
    balances: balancesOf(run, expected['balances'] ?? {}),
    overage: String(run.overage),
    segments: run.segments.length,
    usage_since_reset: String(run.usageSinceReset),
    segment_start_balance_g1: run.segments.map(({ opening }) => String(opening.get('g1' as GrantId))),
  }
  return { actual: Object.fromEntries(Object.keys(numbers).map((key) => [key, told[key]])), expected: numbers }
}

export const openmeterUsage: Translations = {
  unit_conversion: conversion,
  usage_discount_over_split_lines: splitDiscount,
  grant_burn_down: grantBurnDown,
}
