import { describe, expect, test } from 'vitest'
import { repairJsonEscapes, showBytes, unescapeLogText } from './escapes.ts'

describe('escapes', () => {
  test('broken bytes are shown, and good ones around them are kept', () => {
    const bytes = Buffer.concat([
      Buffer.from('a é '),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(' € 😀'),
      Buffer.from([0xf0, 0x9f]),
    ])
    expect(showBytes(bytes)).toBe('a é \\xFF\\xC3 € 😀\\xF0\\x9F')
    expect(showBytes(Buffer.from('é'))).toBe('é')
    expect(showBytes(Buffer.alloc(0))).toBe('')
  })

  test('log escapes become text when they are text', () => {
    expect(unescapeLogText('/caf\\xC3\\xA9?q=\\"a\\"&b=\\\\x')).toBe('/café?q="a"&b=\\x')
    expect(unescapeLogText('\\x22quoted\\x22 \\x5C')).toBe('"quoted" \\')
    // A TLS greeting on a plain port, and half a character.
    expect(unescapeLogText('\\x16\\x03\\x01\\x00')).toBe('\\x16\\x03\\x01\\x00')
    expect(unescapeLogText('\\xC3')).toBe('\\xC3')
    expect(unescapeLogText('\\\\xC3')).toBe('\\xC3')
  })

  test('JSON that nginx wrote with its own escapes can be read', () => {
    const line = '{"request":"GET /\\x22a\\x22\\xC3\\xA9 HTTP/1.1","garbage":"\\x16\\x03","kept":"\\\\x41 \\n"}'
    expect(() => JSON.parse(line) as unknown).toThrow()
    expect(JSON.parse(repairJsonEscapes(line))).toEqual({
      request: 'GET /"a"é HTTP/1.1',
      garbage: '\\x16\\x03',
      kept: '\\x41 \n',
    })
  })
})
