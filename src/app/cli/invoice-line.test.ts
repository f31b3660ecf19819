import { expect, test } from 'vitest'
import { hoursText } from './invoice-line.ts'

const row = (hour: string, quantity: string | null, missing = '0') => ({
  from: `2026-06-01T${hour}:00:00Z`,
  quantity,
  events_without_value: missing,
})
const lines = (answer: object): string[] =>
  hoursText({ unit: 'ms', additive: false, rows: [], total: null, ...answer }, { zone: 'UTC', meter: null })
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))

test('hours of a meter that has no value where no event has one', () => {
  const text = lines({ rows: [row('01', '1234.5'), row('02', null), row('03', null, '7')], total: '1234.5' })
  expect(text[1]).toContain('1 hour without any')
  expect(text.filter((line) => line.includes('1,234.5'))).toHaveLength(2)
  expect(text.filter((line) => line.includes('no value 7 without'))).toHaveLength(1)
  expect(text).toContain('Whole 1,234.5')
  expect(lines({ total: null })).toContain('Whole no value')
})

test('only what adds up is called a sum', () => {
  expect(lines({ additive: true, rows: [row('01', '2'), row('02', '3')], total: '5' })).toContain('Sum 5')
})
