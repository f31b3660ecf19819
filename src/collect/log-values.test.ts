import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ok } from '../core/result.ts'
import { formatInstant, parseInstant } from '../core/time.ts'
import { fieldAt, parseJsonRecord, textOf } from './exact-json.ts'
import { parseCount, parseSeconds, parseStatus } from './log-quantity.ts'
import { parseLogTime, utcOf } from './log-time.ts'
import { hostOf, inspectionText, parseRequestLine } from './request-line.ts'

describe('exact JSON', () => {
  test('numbers keep every digit', () => {
    expect(
      parseJsonRecord('{"a":9007199254740991,"b":9007199254740993,"c":{"d":[0.1000000000000000055]},"e":1e30}'),
    ).toEqual(
      ok({ a: 9007199254740991, b: '9007199254740993', c: { d: ['0.1000000000000000055'] }, e: `1${'0'.repeat(30)}` }),
    )
    // A double takes it for 5, and no count may.
    expect(parseJsonRecord('{"a":5.00000000000000001,"b":[4.00000000000000001],"c":5.0,"d":2e3,"e":1e401}')).toEqual(
      ok({ a: '5.00000000000000001', b: ['4.00000000000000001'], c: 5, d: 2000, e: '1e401' }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 80n }), (number) => {
        const record = parseJsonRecord(`{"n":${number}}`)
        expect(record.ok && textOf(record.value['n'])).toBe(String(number))
      }),
    )
  })

  test('what is not an object is refused, also when it has no bottom', () => {
    for (const line of [
      '',
      '[1]',
      '1',
      'null',
      '"a"',
      '{"a":1',
      '{"a":1}}',
      '['.repeat(100_000),
      `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    ])
      expect(parseJsonRecord(line).ok).toBe(false)
  })

  test('absent, null, empty and - are all not known; zero is zero', () => {
    expect([undefined, null, '', '-', {}, []].map(textOf)).toEqual(Array(6).fill(undefined))
    expect([0, '0', false].map(textOf)).toEqual(['0', '0', 'false'])
  })

  test('nested fields are found however they are nested', () => {
    for (const line of [
      '{"a.b.c":1}',
      '{"a":{"b.c":1}}',
      '{"a.b":{"c":1}}',
      '{"a":{"b":{"c":1}}}',
      '{"a":5,"a.b":{"c":1}}',
    ]) {
      const record = parseJsonRecord(line)
      expect(record.ok && fieldAt(record.value, 'a.b.c')).toBe(1)
    }
    const record = parseJsonRecord('{"a":{"b":1}}')
    expect(
      record.ok && [
        fieldAt(record.value, 'a.c'),
        fieldAt(record.value, 'constructor'),
        fieldAt(record.value, 'toString'),
      ],
    ).toEqual([undefined, undefined, undefined])
  })
})

describe('quantities', () => {
  test('counts are exact, absence stays absence, and what cannot be read is an error', () => {
    expect(parseCount(undefined)).toEqual(ok(undefined))
    expect(parseCount('0')).toEqual(ok(0))
    expect(parseCount('007')).toEqual(ok(7))
    expect(parseCount('18446744073709551615')).toEqual(ok('18446744073709551615'))
    expect(['-5', '1.5', '1e3', ' 1', '0x1', 'abc'].map((text) => parseCount(text).ok)).toEqual(Array(6).fill(false))
  })

  test('seconds become microseconds digit by digit', () => {
    expect(parseSeconds('160.739')).toEqual(ok(160_739_000))
    expect(parseSeconds('0.000')).toEqual(ok(0))
    expect(parseSeconds('12')).toEqual(ok(12_000_000))
    expect(parseSeconds('0.1234567')).toEqual(ok(123_456))
    expect(parseSeconds('9007199254740993.000001')).toEqual(ok('9007199254740993000001'))
    expect(parseSeconds(undefined)).toEqual(ok(undefined))
    expect(['-1', '1,5', '.5', ''].map((text) => parseSeconds(text).ok)).toEqual([false, false, false, false])
  })

  test('statuses have at most three digits', () => {
    expect(['200', '0', '000', '1000', 'OK'].map((text) => parseStatus(text))).toMatchObject([
      { value: 200 },
      { value: 0 },
      { value: 0 },
      { ok: false },
      { ok: false },
    ])
  })
})

describe('times', () => {
  test('every way of writing an instant gives the same instant', () => {
    const instant = parseInstant('2015-05-17T10:05:03.000000Z')
    for (const text of [
      '17/May/2015:10:05:03 +0000',
      '17/May/2015:05:05:03 -0500',
      '2015-05-17T12:05:03+02:00',
      '1431857103',
      '1431857103.000',
      '1431857103000',
      '1431857103000000',
      '1431857103000000000',
    ])
      expect(parseLogTime(text)).toEqual(instant)
    expect(utcOf('1431857103.878')).toEqual(ok('2015-05-17T10:05:03.878Z'))
    expect(utcOf('1431857103878123999')).toEqual(ok('2015-05-17T10:05:03.878123Z'))
  })

  test('what is no instant is refused', () => {
    for (const text of [
      '17/Mai/2015:10:05:03 +0000',
      '31/Feb/2015:10:05:03 +0000',
      '17/May/2015:10:05:03',
      '14318571031',
      '9999999999',
      '2015-05-17 10:05:03',
      'yesterday',
      '-5',
    ])
      expect(parseLogTime(text).ok).toBe(false)
    expect(utcOf(undefined)).toEqual({ ok: false, error: 'the line has no time' })
  })

  test('any microsecond survives as a Unix time with a fraction', () => {
    fc.assert(
      fc.property(fc.nat({ max: 7_000_000_000 }), fc.nat({ max: 999_999 }), (seconds, micros) => {
        const found = parseLogTime(`${seconds}.${String(micros).padStart(6, '0')}`)
        expect(found.ok && formatInstant(found.value)).toBe(
          formatInstant((seconds * 1_000_000 + micros) as Parameters<typeof formatInstant>[0]),
        )
      }),
    )
  })
})

describe('request lines', () => {
  test('good ones come apart', () => {
    expect(parseRequestLine('GET /a?b=c HTTP/1.1')).toEqual({ method: 'GET', path: '/a?b=c', protocol: 'HTTP/1.1' })
    expect(parseRequestLine('get /a b c HTTP/2.0')).toEqual({ method: 'GET', path: '/a b c', protocol: 'HTTP/2.0' })
    expect(parseRequestLine('GET /old')).toEqual({ method: 'GET', path: '/old' })
    expect(parseRequestLine('CONNECT a.example:443 HTTP/1.1')).toEqual({
      method: 'CONNECT',
      path: 'a.example:443',
      protocol: 'HTTP/1.1',
    })
    expect(parseRequestLine('VERSION-CONTROL /x HTTP/1.1').method).toBe('VERSION-CONTROL')
  })

  test('garbage is a request without a method', () => {
    expect(parseRequestLine(undefined)).toEqual({})
    for (const garbage of [
      '\\x16\\x03\\x01',
      'GET',
      ' ',
      'GET  HTTP/1.1',
      't3 12.1.2',
      'hello world',
      `${'X'.repeat(33)} / HTTP/1.1`,
    ])
      expect(parseRequestLine(garbage)).toEqual({ path: garbage })
    expect(parseRequestLine('GET HTTP/1.1')).toEqual({ path: 'GET HTTP/1.1' })
  })

  test('texts are cut between characters', () => {
    expect(inspectionText('a'.repeat(9_000)).length).toBe(8_192)
    expect(inspectionText(`${'a'.repeat(8_191)}😀`).isWellFormed()).toBe(true)
  })

  test('one host has one spelling', () => {
    expect(['Example.COM', 'example.com:443', 'example.com.', 'example.com.:80'].map(hostOf)).toEqual(
      Array(4).fill('example.com'),
    )
    expect(['[::1]:8080', '::1', '', ':80', 'x'.repeat(256), undefined].map(hostOf)).toEqual([
      '[::1]',
      '::1',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})
