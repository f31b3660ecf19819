import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exact } from '../../core/exact.ts'
import type { Minor } from '../../core/money.ts'
import { grouped, money, precise, readable, short, shortBytes, tick, unitPrice } from './number.ts'

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y', 'R', 'Q']
const anyCount = fc.bigInt({ min: 0n, max: 10n ** 33n - 10n ** 30n })

/** Three digits of a whole number by looking at its digits only: another way than dividing by thousands. */
function oracle(value: bigint): string {
  const text = value.toString()
  if (text.length <= 3) return text
  const cut = BigInt(text.length - 3)
  const rounded = (value + 5n * 10n ** (cut - 1n)) / 10n ** cut
  const length = text.length + (rounded === 1000n ? 1 : 0)
  const digits = rounded === 1000n ? '100' : rounded.toString()
  const before = ((length - 1) % 3) + 1
  const plain = before === 3 ? digits : `${digits.slice(0, before)}.${digits.slice(before)}`
  return `${plain} ${prefixes[Math.floor((length - 1) / 3)]}`
}

describe('numbers for reading', () => {
  test.each([
    ['0', '0'],
    ['999', '999'],
    ['1000', '1.00 k'],
    ['1004', '1.00 k'],
    ['1005', '1.01 k'],
    ['9994', '9.99 k'],
    ['9995', '10.0 k'],
    ['99949', '99.9 k'],
    ['99950', '100 k'],
    ['999499', '999 k'],
    ['999500', '1.00 M'],
    ['13677583', '13.7 M'],
    ['18446744073709551616', '18.4 E'],
    ['999.4', '999'],
    ['999.5', '1.00 k'],
    ['0.5', '0.50'],
    ['0.005', '<0.01'],
    ['-1500', '-1.50 k'],
  ])('%s is short as %s', (value, expected) => {
    expect(short(exact(value))).toBe(expected)
  })

  test('short numbers equal an oracle that only looks at digits, far beyond 2^64', () => {
    fc.assert(fc.property(anyCount, (value) => short(exact(value)) === oracle(value)))
  })

  test('grouped numbers keep every digit, as the platform groups big integers', () => {
    fc.assert(fc.property(fc.bigInt(), (value) => grouped(exact(value)) === value.toLocaleString('en-US')))
    expect(grouped(exact('1234567.25'))).toBe('1,234,567.25')
    expect(grouped(exact('0.1234567'))).toBe('0.1234567')
  })

  test('bytes have units of 1000, whole below a kilobyte', () => {
    expect(shortBytes(exact(512n))).toBe('512 B')
    expect(shortBytes(exact(13_677_583n))).toBe('13.7 MB')
    expect(shortBytes(exact(2n ** 70n))).toBe('1.18 ZB')
    expect(precise(exact(13_677_583n), 'bytes')).toBe('13,677,583 bytes')
  })

  test('counts are written out up to ten millions, other units are not shortened earlier', () => {
    expect(readable(exact(9_999_999n), 'requests')).toBe('9,999,999')
    expect(readable(exact(10_000_000n), 'requests')).toBe('10.0 M')
    expect(readable(exact(1_525n), 'hours')).toBe('1,525')
    expect(readable(exact(1_525n), 'bytes')).toBe('1.53 kB')
  })

  test('ticks have no zeros behind the point', () => {
    expect([0n, 50n, 5_000n, 15_000n, 2_500_000n].map((value) => tick(exact(value), 'requests'))).toEqual([
      '0',
      '50',
      '5 k',
      '15 k',
      '2.5 M',
    ])
    expect(tick(exact(200_000_000n), 'bytes')).toBe('200 MB')
  })

  test('money has the digits of its currency, a price all it has', () => {
    expect(money(123_456_789n as Minor, 'USD')).toBe('1,234,567.89')
    expect(money(-5n as Minor, 'EUR')).toBe('-0.05')
    expect(money(5_705n as Minor, 'JPY')).toBe('5,705')
    expect(unitPrice(exact('0.1'), 'USD')).toBe('0.10')
    expect(unitPrice(exact('0.00001'), 'USD')).toBe('0.00001')
    expect(unitPrice(exact('15'), 'JPY')).toBe('15')
  })
})
