import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../test/support/until.ts'
import type { Reception } from './agent.ts'
import type { Door } from './door.ts'
import { formats } from './formats.ts'
import { limits } from './limits.ts'
import type { ReceivedLine } from './numbered-lines.ts'
import { openSyslogDoor } from './syslog-door.ts'
import { SyslogFramer, messageLine } from './syslog-framer.ts'

const messageOf = (text: string): string => messageLine(Buffer.from(text)).bytes.toString()

describe('syslog headers', () => {
  test.each([
    // nginx, HAProxy (without a host), rsyslog forwarding with RFC 3339, and a bare tag.
    ['<190>Nov 22 15:38:05 edge1 nginx: {"a": 1}', '{"a": 1}'],
    ['<190>Nov 22 15:38:05 nginx: {"a":1}', '{"a":1}'],
    [
      '<134>Nov  2 15:38:05 haproxy[123]: 192.0.2.1:1 [06/Feb/2009:12:14:14.655] f b/s',
      '192.0.2.1:1 [06/Feb/2009:12:14:14.655] f b/s',
    ],
    ['<13>2026-11-22T15:38:05.123456+00:00 host nginx: {"a":1}', '{"a":1}'],
    ['<34>nginx: hello', 'hello'],
    // No tag: the host goes, the message stays; no header at all: everything is the message.
    ['<13>Oct 11 22:14:15 host {"msec": 1}', '{"msec": 1}'],
    ['<13>Oct 11 22:14:15 host 192.0.2.1 - - [1]', '192.0.2.1 - - [1]'],
    ['<34>{"a": 1}', '{"a": 1}'],
    ['{"a":1}', '{"a":1}'],
    ['192.0.2.1 - - [x]', '192.0.2.1 - - [x]'],
    // The examples of RFC 5424, 6.5, and what may go wrong in structured data.
    [
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick",
      "'su root' failed for lonvick",
    ],
    ["<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time", "%% It's time"],
    [
      '<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App"][x@1 p="h"] \uFEFFAn event',
      'An event',
    ],
    ['<165>1 2003-10-11T22:14:15.003Z host app - ID47 [ex@1 a="b\\"]c" d="e"] text', 'text'],
    ['<34>1 - - - - - -', ''],
    ['<190>Nov 22 15:38:05 nginx: line\n', 'line'],
  ])('%s', (text, message) => {
    expect(messageOf(text)).toBe(message)
  })
})

function cut(stream: Buffer, sizes: readonly number[]): ReceivedLine[] {
  const framer = new SyslogFramer()
  const lines: ReceivedLine[] = []
  let at = 0
  for (let index = 0; at < stream.length; index += 1) {
    const size = Math.max(1, sizes[index % Math.max(1, sizes.length)] ?? stream.length)
    lines.push(...framer.push(stream.subarray(at, at + size)))
    at += size
  }
  return [...lines, ...framer.end()]
}

describe('SyslogFramer', () => {
  test('messages come out whole, however they are framed and cut (property)', () => {
    const body = fc.stringMatching(/^[a-z0-9 {}"<>.:-]{0,40}$/)
    const message = fc.record({ body, counted: fc.boolean() })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(9), { maxLength: 8 }), (messages, sizes) => {
        const stream = messages.map(({ body, counted }) => {
          const text = `<13>t: ${body}`
          return counted ? `${Buffer.byteLength(text)} ${text}` : `${text}\n`
        })
        const lines = cut(Buffer.from(stream.join('')), sizes)
        expect(lines.map(({ bytes }) => bytes.toString())).toEqual(messages.map(({ body }) => body))
        expect(lines.every(({ fault }) => fault === undefined)).toBe(true)
      }),
    )
  })

  test('lines without a priority are lines, also when they begin with a number', () => {
    const lines = cut(Buffer.from('192.0.2.1 - - [x]\n12 apples\n2026-01-02 03:04:05 1\n'), [3])
    expect(lines.map(({ bytes }) => bytes.toString())).toEqual([
      '192.0.2.1 - - [x]',
      '12 apples',
      '2026-01-02 03:04:05 1',
    ])
  })

  test('what was cut off by the end of the connection is not taken for a whole message', () => {
    for (const stream of ['<13>t: half', '50 <13>t: half', '12'])
      expect(cut(Buffer.from(stream), [4])).toMatchObject([{ fault: expect.stringContaining('ended before') }])
    expect(cut(Buffer.from('<13>t: whole\n'), [4])).toEqual([{ bytes: Buffer.from('whole'), length: 5 }])
  })

  test('a message without an end is held within a bound, and those after it are read', () => {
    const long = 'x'.repeat(3 * limits.syslogBytesMax)
    for (const stream of [`<13>t: ${long}\n<13>t: next\n`, `${long.length + 7} <13>t: ${long}<13>t: next\n`]) {
      const [first, second] = cut(Buffer.from(stream), [65_536])
      expect(first).toMatchObject({ length: long.length, fault: expect.stringContaining('its beginning is kept') })
      expect(first?.bytes.length).toBe(limits.overlongKeptBytes)
      expect(second?.bytes.toString()).toBe('next')
    }
  })

  test('any bytes are cut without a crash (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (chunks) => {
        const framer = new SyslogFramer()
        const lines = [...chunks.flatMap((chunk) => framer.push(Buffer.from(chunk))), ...framer.end()]
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        expect(lines.reduce((sum, line) => sum + line.bytes.length, 0)).toBeLessThanOrEqual(bytes)
      }),
    )
  })
})

describe('syslog receivers', () => {
  let door: Door | undefined
  afterEach(async () => {
    await door?.close()
  })

  async function open(transport: 'udp' | 'tcp', full: () => boolean = () => false) {
    const taken: string[] = []
    const lost = { lines: 0 }
    const faults: string[] = []
    door = await openSyslogDoor(
      { transport, host: '127.0.0.1', port: 0 },
      {
        source: 's',
        openReader: () => formats['nginx-json'].reader([]),
        receive: (lines): Promise<Reception> => {
          if (full()) return Promise.resolve({ kind: 'full' })
          taken.push(...lines.map(({ bytes }) => bytes.toString()))
          faults.push(...lines.flatMap(({ fault }) => fault ?? []))
          return Promise.resolve({ kind: 'taken', unreadable: 0, reason: undefined })
        },
        declareLost: (lines) => void (lost.lines += lines),
        wait: async () => {
          await new Promise((done) => setImmediate(done))
        },
        note: () => undefined,
      },
    )
    return { door, taken, lost, faults }
  }

  test('UDP: a datagram is a message; what finds no room is declared lost', async () => {
    let isFull = false
    const { door, taken, lost } = await open('udp', () => isFull)
    const socket = createSocket('udp4')
    const say = (text: string): Promise<void> =>
      new Promise((done) => socket.send(text, door.port, '127.0.0.1', () => done()))
    await say('<190>Nov 22 15:38:05 edge nginx: one')
    await say('<190>1 - - - - - - two')
    await until(() => taken.length === 2, 5_000, 'two messages have come')
    isFull = true
    for (let count = 0; count < 5; count += 1) await say(`<13>t: ${count}`)
    await until(() => lost.lines === 5, 5_000, 'five are lost')
    expect(taken).toEqual(['one', 'two'])
    socket.close()
  })

  test('TCP: when there is no room the sender waits, and nothing is lost', async () => {
    let refusals = 0
    const { door, taken, lost } = await open('tcp', () => (refusals += 1) < 20)
    const socket = connect(door.port, '127.0.0.1')
    for (let count = 0; count < 200; count += 1) socket.write(`<13>t: ${count}\n`)
    socket.end()
    await until(() => taken.length === 200, 5_000, 'all messages have come')
    expect(taken).toEqual(Array.from({ length: 200 }, (_, count) => `${count}`))
    expect(lost.lines).toBe(0)
  })

  test.each([
    ['any number at once', 1_000],
    ['three at once, the rest in parts', 3],
  ])('TCP: lines stay in their order when there is no room for a moment (%s)', async (_, mostAtOnce) => {
    const taken: string[] = []
    let isFull = true
    let tries = 0
    const opened = await openSyslogDoor(
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
      {
        source: 's',
        openReader: () => formats['nginx-json'].reader([]),
        receive: (lines): Promise<Reception> => {
          tries += 1
          if (lines.length > mostAtOnce) return Promise.resolve({ kind: 'too-large' })
          if (isFull || tries % 5 === 0) return Promise.resolve({ kind: 'full' })
          taken.push(...lines.map(({ bytes }) => bytes.toString()))
          return Promise.resolve({ kind: 'taken', unreadable: 0, reason: undefined })
        },
        declareLost: () => expect.unreachable('nothing is lost'),
        wait: () => new Promise((done) => setImmediate(done)),
        note: () => undefined,
      },
    )
    door = opened
    const socket = connect(opened.port, '127.0.0.1')
    const numbers = Array.from({ length: 50 }, (_, index) => `${index}`)
    socket.write('<13>t: 0\n')
    await until(() => tries > 0, 5_000, 'the first one was tried')
    for (const number of numbers.slice(1, 40)) socket.write(`<13>t: ${number}\n`)
    const seen = tries
    await until(() => tries > seen + 3, 5_000, 'it was tried again')
    isFull = false
    for (const number of numbers.slice(40)) socket.write(`<13>t: ${number}\n`)
    socket.end()
    await until(() => taken.length === 50, 5_000, 'all have come')
    expect(taken).toEqual(numbers)
  })

  test('TCP: an orderly end takes what was sent, and tells of what was cut off', async () => {
    const { door, taken, faults } = await open('tcp')
    const socket = connect(door.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('<13>t: one\n<13>t: tw')
    await until(() => taken.length === 1, 5_000, 'the first message has come')
    const gone = once(socket, 'close')
    await door.close()
    await gone
    expect(taken).toEqual(['one', 'tw'])
    expect(faults).toEqual(['the connection ended before the message did'])
  })
})
