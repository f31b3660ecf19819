import { billingPeriodAt, lastEndedPeriod } from '../../src/core/billing-periods.ts'
import { cycleOnDay, restOf, turnsPassed } from '../../src/core/cycle.ts'
import type { Cycle } from '../../src/core/cycle.ts'
import { formatInstant } from '../../src/core/time.ts'
import type { Period } from '../../src/core/time.ts'
import { moment } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { defined, feeOf, linesOf, used, wholePart } from '../support/oracle-rating.ts'

const intervals: Readonly<Record<string, Pick<Cycle, 'unit' | 'count'>>> = {
  monthly: { unit: 'months', count: 1 },
  quarterly: { unit: 'months', count: 3 },
  annual: { unit: 'years', count: 1 },
}

/** Their billing day is the day of the month on which a cycle begins, from the month of the start on. */
function cycleFrom(start: string, { interval, billing_day }: Json): Cycle {
  const every = intervals[interval]
  if (every === undefined) throw new Error(interval)
  return cycleOnDay({ from: moment(start), day: billing_day }, { ...every, zone: 'UTC' })
}

const shownPeriod = (period: Period | null): unknown => period && [formatInstant(period.from), formatInstant(period.to)]

const expectedPeriod = ({ period_start, period_end_exclusive }: Json): unknown =>
  [period_start, period_end_exclusive].map((date) => `${date}T00:00:00Z`)

function advance({ input, expected }: OracleCase): Outcome {
  const start = moment(input['invoice_date'])
  const billing = { start, end: null, cycle: cycleFrom(input['invoice_date'], input) }
  return { actual: shownPeriod(billingPeriodAt(billing, start)), expected: expectedPeriod(expected) }
}

function arrear({ input, expected }: OracleCase): Outcome {
  const { billing_start, invoice_date } = input
  const billing = { start: moment(billing_start), end: null, cycle: cycleFrom(billing_start, input) }
  return { actual: shownPeriod(lastEndedPeriod(billing, moment(invoice_date))), expected: expectedPeriod(expected) }
}

function elapsed({ input, expected }: OracleCase): Outcome {
  const { billing_start, target } = input
  const passed = { from: moment(billing_start), to: moment(target) }
  return { actual: turnsPassed(passed, cycleFrom(billing_start, input)), expected: expected['elapsed_cycles'] }
}

interface Swap {
  readonly period: Period
  readonly rest: Period
}

/** What is left of the period: the old fee is given back for it, the new one is charged. */
function feeFor(text: unknown, { period, rest }: Swap): number {
  const [, count = '1', amount = text] = /^(\d+) seats x (\d+)$/.exec(String(text)) ?? []
  return Number(feeOf({ amount, part: rest, whole: period, count }).amount)
}

function change({ input, expected }: OracleCase): Outcome {
  const period = { from: moment(input['period_start']), to: moment(input['period_end_exclusive']) }
  const swap = { period, rest: restOf(period, moment(input['change_on'])) }
  if (input['old_rate'] === 'usage 1/unit') {
    // Prices of usage have no fee that could be charged twice: without usage there is nothing in either part.
    const price = defined({ model: { kind: 'per_unit', unit_amount: '1' } })
    const lines = linesOf([wholePart(price, used('0')), wholePart(price, used('0'))])
    const fees = lines.filter(({ line }) => line.kind === 'fee')
    const net = lines.reduce((sum, { line }) => sum + Number(line.amount), 0)
    return { actual: { lines: fees, net_cents: net }, expected }
  }
  const { matched } = input
  const [before, after] = [input['old_rate'] ?? input['old'], input['new_rate'] ?? input['new']]
  const lines = matched
    ? [
        -feeFor(matched['old'], swap),
        feeFor(matched['new'], swap),
        -feeFor(input['removed'], swap),
        feeFor(input['added'], swap),
      ]
    : [-feeFor(before, swap), feeFor(after, swap)]
  const net_cents = lines.reduce((sum, amount) => sum + amount, 0)
  const [credit_cents, charge_cents] = lines
  return { actual: matched ? { lines_cents: lines, net_cents } : { credit_cents, charge_cents, net_cents }, expected }
}

export const meteroid: Translations = {
  advance_period_range: advance,
  arrear_period_range: arrear,
  elapsed_cycles: elapsed,
  mid_period_change: change,
}
