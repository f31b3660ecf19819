import { describe, expect, test } from 'vitest'
import { csvCell } from './usage-export-text.ts'
import { formatOf } from './usage-export.ts'

describe('files of usage', () => {
  test('CSV: absent is nothing, empty is two quotes, and no host of a visitor is a formula', () => {
    expect([null, '', 'a', 'a,b', 'say "x"', 'two\r\nlines', ' x'].map((text) => csvCell(text, 'given'))).toEqual([
      '',
      '""',
      'a',
      '"a,b"',
      '"say ""x"""',
      '"two\r\nlines"',
      '" x"',
    ])
    expect(['=1+1', '+1', '-1', '@x', '\tx', "'=1"].map((text) => csvCell(text, 'given'))).toEqual([
      "'=1+1",
      "'+1",
      "'-1",
      "'@x",
      "'\tx",
      "'=1",
    ])
    // A quantity may be negative and stays a number.
    expect(csvCell('-12.5', 'own')).toBe('-12.5')
  })

  test('the form: `format`, else what Accept wants most; what is not known is passed over', () => {
    expect(formatOf('parquet', 'text/csv')).toBe('parquet')
    expect(formatOf(undefined, undefined)).toBe('json')
    expect(formatOf(undefined, '*/*')).toBe('json')
    expect(formatOf(undefined, 'text/html, text/csv;q=0.9')).toBe('csv')
    expect(formatOf(undefined, 'application/json;q=0.1, application/x-ndjson')).toBe('ndjson')
    expect(formatOf(undefined, 'text/csv;q=0, application/json;q=0.2')).toBe('json')
    expect(formatOf(undefined, 'application/vnd.apache.parquet')).toBe('parquet')
  })
})
