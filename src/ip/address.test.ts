import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { formatAddress, networkAround, parseAddress, readNetwork } from './address.ts'

/** The same address by ipaddr.js; mapped ones as IPv4. Only texts that both take for addresses are compared. */
function byLibrary(text: string): { family: number; value: bigint } {
  const address = ipaddr.process(text)
  const value = address.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return { family: address.kind() === 'ipv4' ? 4 : 6, value }
}

const byte = fc.integer({ min: 0, max: 255 })
const four = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'))
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xff_ff }))
const groups = fc.array(group, { minLength: 8, maxLength: 8 })

/** ipaddr.js takes `::1.2.3.4`, IPv4-compatible, for the mapped `::ffff:1.2.3.4`; RFC 4291 keeps them apart. */
const isCompatible = (text: string): boolean => /^::[\d.]+$/.test(text) && text.includes('.')

/** IPv6 in one of its spellings: groups from a place on may be left out when they are zero, the end may be dotted. */
const six = fc
  .tuple(groups, fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 8 }), fc.boolean(), fc.boolean())
  .map(([values, from, length, isUpper, isDotted]) => {
    const zeros = values.map((value, index) => (index >= from && index < from + length ? 0 : value))
    const [high = 0, low = 0] = [zeros[6], zeros[7]]
    const isTailFree = from + length <= 6
    const tail = isDotted && isTailFree ? [`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`] : null
    const texts =
      tail === null
        ? zeros.map((value) => value.toString(16))
        : [...zeros.slice(0, 6).map((value) => value.toString(16)), ...tail]
    const cut = Math.min(length, 8 - from)
    const written =
      cut < 2 ? texts.join(':') : `${texts.slice(0, from).join(':')}::${texts.slice(from + cut).join(':')}`
    return isUpper ? written.toUpperCase() : written
  })

describe('addresses', () => {
  test('are read as ipaddr.js reads them, in all spellings', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          four,
          six.filter((text) => !isCompatible(text)),
        ),
        (text) => {
          expect(parseAddress(text)).toEqual(byLibrary(text))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('what is written again is the same address', () => {
    fc.assert(
      fc.property(fc.oneof(four, six), (text) => {
        const address = parseAddress(text)
        const written = address === null ? '' : formatAddress(address.family, address.value)
        expect(parseAddress(written)).toEqual(address)
      }),
    )
  })

  test('edges', () => {
    const mapped = { family: 4, value: 0x0102_0304n }
    expect(parseAddress('::ffff:1.2.3.4')).toEqual(mapped)
    expect(parseAddress('::FFFF:102:304')).toEqual(mapped)
    expect(parseAddress('255.255.255.255')).toEqual({ family: 4, value: 0xffff_ffffn })
    expect(parseAddress('::')).toEqual({ family: 6, value: 0n })
    expect(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toEqual({ family: 6, value: (1n << 128n) - 1n })
    // Nearly mapped is not mapped.
    expect(parseAddress('::1:ffff:1.2.3.4')?.family).toBe(6)
  })

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1..3.4',
    '.1.2.3',
    '1.2.3.',
    '0x1.2.3.4',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    '::g',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
    '[::1]',
    '1.2.3.4:80',
    '::ffff:01.2.3.4',
    '１.2.3.4',
    `${'0:'.repeat(40)}0`,
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeNull()
  })

  test('networks and ranges; bits behind the prefix are a mistake', () => {
    expect(readNetwork('10.0.0.0/8')).toEqual({ family: 4, first: 0x0a00_0000n, last: 0x0aff_ffffn })
    expect(readNetwork('0.0.0.0/0')).toEqual({ family: 4, first: 0n, last: 0xffff_ffffn })
    expect(readNetwork('::/0')).toEqual({ family: 6, first: 0n, last: (1n << 128n) - 1n })
    expect(readNetwork('::ffff:10.0.0.0/104')).toEqual({ family: 4, first: 0x0a00_0000n, last: 0x0aff_ffffn })
    expect(readNetwork('10.0.0.3 - 10.0.0.9')).toEqual({ family: 4, first: 0x0a00_0003n, last: 0x0a00_0009n })
    expect(readNetwork('2001:db8::1')).toMatchObject({
      first: (0x2001_0db8n << 96n) | 1n,
      last: (0x2001_0db8n << 96n) | 1n,
    })
    for (const text of [
      '10.0.0.1/8',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0.9-10.0.0.3',
      '10.0.0.0-::1',
      '1-2-3',
      '::/129',
    ])
      expect(readNetwork(text), text).toBeNull()
  })

  test('the largest network around an address within a range', () => {
    const around = (first: string, last: string, text: string): string => {
      const [from, to, address] = [parseAddress(first), parseAddress(last), parseAddress(text)]
      return networkAround(4, { first: from?.value ?? 0n, last: to?.value ?? 0n }, address?.value ?? 0n)
    }
    expect(around('0.0.0.0', '255.255.255.255', '9.9.9.9')).toBe('0.0.0.0/0')
    expect(around('10.0.0.1', '10.0.0.6', '10.0.0.5')).toBe('10.0.0.4/31')
    expect(around('10.0.0.1', '10.0.0.6', '10.0.0.1')).toBe('10.0.0.1/32')
    expect(around('10.0.0.0', '10.0.3.255', '10.0.2.1')).toBe('10.0.0.0/22')
  })
})
