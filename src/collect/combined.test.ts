import { describe, expect, test } from 'vitest'
import { combinedReader } from './combined.ts'

function bodyOf(line: string) {
  const found = combinedReader(line)
  if (!found.ok) throw new Error(found.error)
  return JSON.parse(JSON.stringify(found.value.body)) as Record<string, unknown>
}

const head = '192.0.2.7 - - [17/May/2015:10:05:03 +0000]'
const bare = { kind: 'http_request', phase: 'final', time: '2015-05-17T10:05:03Z', client_address: '192.0.2.7' }
const get = { ...bare, method: 'GET', path: '/', protocol: 'HTTP/1.1', status: 200 }

function errorOf(line: string): string | undefined {
  const found = combinedReader(line)
  return found.ok ? undefined : found.error
}

describe('combined', () => {
  test('reads a whole line', () => {
    expect(bodyOf(`${head} "GET /a?b HTTP/1.1" 200 203023 "http://r.example/" "Mozilla/5.0 (X11) Safari"`)).toEqual({
      ...get,
      path: '/a?b',
      bytes_out_body: 203_023,
      referer: 'http://r.example/',
      user_agent: 'Mozilla/5.0 (X11) Safari',
    })
  })

  test('a size of - is not known, which is not 0 (L13)', () => {
    expect(bodyOf(`${head} "GET / HTTP/1.1" 200 - "-" "-"`)).toEqual(get)
    expect(bodyOf(`${head} "GET / HTTP/1.1" 200 0 "-" "-"`)).toEqual({ ...get, bytes_out_body: 0 })
    expect(bodyOf(`${head} "GET / HTTP/1.1" - - "-" "-"`)).toEqual({ ...get, status: undefined })
  })

  test('escaped and bare quotes, IPv6, users with spaces, zones, extra fields', () => {
    expect(bodyOf(`${head} "GET /\\"q\\" HTTP/1.1" 200 1 "-" "say \\"hi\\" \\\\"`)).toMatchObject({
      path: '/"q"',
      user_agent: 'say "hi" \\',
    })
    expect(bodyOf(`${head} "GET /\\x22q\\xC3\\xA9 HTTP/1.1" 200 1 "-" "-"`)).toMatchObject({ path: '/"qé' })
    expect(bodyOf(`${head} "GET /a"b HTTP/1.1" 200 1 "-" "-"`)).toMatchObject({ path: '/a"b', bytes_out_body: 1 })
    expect(bodyOf('2001:db8::1 - - [17/May/2015:12:05:03 +0200] "GET / HTTP/1.1" 200 1 "-" "-" 0.012 "extra"')).toEqual(
      {
        ...get,
        client_address: '2001:db8::1',
        bytes_out_body: 1,
      },
    )
    const named = combinedReader(`192.0.2.7 - jo [dot] e [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`)
    expect(named.ok && named.value.textOf('user')).toBe('jo [dot] e')
  })

  test('a user name cannot pretend to be the time', () => {
    const user = 'x [01/Jan/2001:00:00:00 +0000] \\"GET / HTTP/1.1\\" 200 1'
    const found = bodyOf(`192.0.2.7 - ${user} [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`)
    expect(found).toMatchObject({ time: '2015-05-17T10:05:03Z', bytes_out_body: 5 })
  })

  test('a user agent that was cut off is kept, with the request', () => {
    expect(bodyOf(`${head} "GET / HTTP/1.1" 200 235 "-" "Mozilla/5.0 (compatible; bot.html`)).toEqual({
      ...get,
      bytes_out_body: 235,
      user_agent: 'Mozilla/5.0 (compatible; bot.html',
    })
  })

  test('garbage that visitors send is a request without a method', () => {
    expect(bodyOf(`${head} "-" 408 - "-" "-"`)).toEqual({ ...bare, status: 408 })
    expect(bodyOf(`${head} "" 400 0 "-" "-"`)).toEqual({ ...bare, status: 400, bytes_out_body: 0 })
    expect(bodyOf(`${head} "\\x16\\x03\\x01" 400 226 "-" "-"`)).toEqual({
      ...bare,
      status: 400,
      bytes_out_body: 226,
      path: '\\x16\\x03\\x01',
    })
  })

  test('sizes of any length are exact', () => {
    expect(bodyOf(`${head} "GET / HTTP/1.1" 200 18446744073709551615 "-" "-"`)['bytes_out_body']).toBe(
      '18446744073709551615',
    )
  })

  test('a line whose size may be cut off is not counted with what is left of it', () => {
    for (const end of ['"GET / HTTP/1.1" 200 20', '"GET / HTTP/1.1" 200', '"GET / HTTP/1.1" ', '"GET / HTT', ''])
      expect(combinedReader(`${head} ${end}`).ok).toBe(false)
  })

  test('what cannot be read is said', () => {
    expect(errorOf('hello')).toBe('the line has no [time] followed by a quoted request')
    expect(errorOf('- [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"')).toBe(
      'the line does not begin with address, ident and user',
    )
    expect(errorOf(`${head} "GET / HTTP/1.1" 200 1k "-" "-"`)).toBe('the size is not a whole number: "1k"')
    expect(errorOf(`${head} "GET / HTTP/1.1" OK 1 "-" "-"`)).toBe('the status is not an HTTP status: "OK"')
    expect(errorOf(head.replace('May', 'Mai') + ' "GET / HTTP/1.1" 200 1 "-" "-"')).toMatch(/^the time "17\/Mai/)
  })

  test('no line makes it throw or take long', () => {
    for (const piece of ['"', '\\', '] "', ' [', '[17/May/2015:10:05:03 +0000] "', ' ', '\\x', '" '])
      expect(combinedReader(piece.repeat(100_000)).ok).toBe(false)
  })
})
