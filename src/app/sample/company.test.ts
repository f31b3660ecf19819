import { describe, expect, test } from 'vitest'
import { isKey } from '../../core/ids.ts'
import { exact, formatExact, multiply, parseExact } from '../../core/exact.ts'
import { isCurrency } from '../../core/money.ts'
import { isTimeZone, parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { standardMeters } from '../../meter/standard.ts'
import { parsePlan } from '../../price/plan.ts'
import { previousMonthStart, sampleCompany, sampleSeed } from './company.ts'

function instant(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const now = instant('2026-11-22T13:37:11Z')
const company = sampleCompany(now, sampleSeed)

describe('sampleCompany', () => {
  test('the same now and seed give the same company', () => {
    expect(JSON.stringify(sampleCompany(now, sampleSeed))).toBe(JSON.stringify(company))
  })

  test('accounts have keys, zones and currencies that the system knows, and every key once', () => {
    expect(company.accounts.length).toBeGreaterThanOrEqual(12)
    for (const { key, timeZone, currency } of company.accounts) {
      expect([key, isKey(key), isTimeZone(timeZone), isCurrency(currency)]).toEqual([key, true, true, true])
    }
    expect(new Set(company.accounts.map(({ key }) => key)).size).toBe(company.accounts.length)
    expect(company.accounts.map(({ timeZone }) => timeZone)).toEqual(
      expect.arrayContaining(['Asia/Kolkata', 'America/New_York', 'Asia/Tokyo']),
    )
  })

  test('every account has one subscription to a plan in its own currency', () => {
    const currencies = new Map(company.plans.map(({ key, currency }) => [key, currency]))
    const subscribed = company.subscriptions.map(({ account, plan }) => `${account} ${currencies.get(plan)}`)
    expect(subscribed).toEqual(company.accounts.map(({ key, currency }) => `${key} ${currency}`))
  })

  test('plans are read by the price engine and name standard meters', () => {
    const meters = new Set<string>(standardMeters.map(({ key }) => key))
    const problems = company.plans.flatMap((plan) => {
      const parsed = parsePlan(plan)
      return parsed.ok ? [] : parsed.error.map(({ field, message }) => `${plan.key}: ${field} ${message}`)
    })
    expect(problems).toEqual([])
    const named = company.plans.flatMap(({ prices }) =>
      prices.flatMap(({ meter }) => (meter === undefined ? [] : [meter])),
    )
    expect(named.filter((meter) => !meters.has(meter))).toEqual([])
    const models = new Set(company.plans.flatMap(({ prices }) => prices.map(({ model }) => model.kind)))
    expect([...models].toSorted()).toEqual(['flat', 'graduated', 'per_unit'])
  })

  test('the public prices: 20 a month, 5 GB then 0.10, 100,000 requests then 1 per 100,000, 5,000 connections then 2', () => {
    const plan = company.plans.find(({ key }) => key === 'pay-as-you-go')
    const priced = plan?.prices.map(({ meter, included, model }) => {
      const amount = model.kind === 'per_unit' ? parseExact(model.unit_amount) : null
      return [meter, included, amount?.ok === true ? formatExact(multiply(amount.value, exact(100_000n))) : model]
    })
    expect(priced?.slice(0, 4)).toEqual([
      [undefined, undefined, { kind: 'flat', amount: '20' }],
      ['data_out_wire', '5', '10000'],
      ['http_requests', '100000', '1'],
      ['connections', '5000', '2'],
    ])
  })

  test('the period is the previous month and the current one up to the last full hour', () => {
    expect(company.period).toEqual({ from: instant('2026-09-30T14:00:00Z'), to: instant('2026-11-22T13:00:00Z') })
    // Sydney is on summer time from the first Sunday of October: its October begins at UTC+10.
    expect(previousMonthStart(now, 'Australia/Sydney')).toBe(instant('2026-09-30T14:00:00Z'))
    expect(previousMonthStart(now, 'Asia/Kolkata')).toBe(instant('2026-09-30T18:30:00Z'))
    expect(previousMonthStart(instant('2027-01-01T00:00:00Z'), 'UTC')).toBe(instant('2026-12-01T00:00:00Z'))
  })

  test('every plan is in effect before the first billing period begins', () => {
    const effective = company.plans.map(({ effective_from }) => instant(effective_from))
    expect(company.subscriptions.filter(({ from }) => effective.some((since) => since > from))).toEqual([])
  })

  test('one endpoint moves to another account at noon on the 16th in Paris', () => {
    const studio = company.endpoints.filter(({ endpoint }) => endpoint === 'studio.papier-et-fil.example')
    expect(studio).toEqual([
      { endpoint: 'studio.papier-et-fil.example', account: 'papier-et-fil', from: instant('2026-09-30T22:00:00Z') },
      { endpoint: 'studio.papier-et-fil.example', account: 'studio-fil', from: instant('2026-10-16T10:00:00Z') },
    ])
  })
})
