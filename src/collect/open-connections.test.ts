import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import type { FakeEvent } from '../../test/support/fake-service.ts'
import type { Micros } from '../core/time.ts'
import { Agent } from './agent.ts'
import { formats } from './formats.ts'
import { importFile } from './import-file.ts'
import { limits } from './limits.ts'
import type { EventBody } from './line-reader.ts'
import { OpenConnections } from './open-connections.ts'
import { SpoolNotes } from './spool-notes.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-connections-'))
afterAll(() => rmSync(root, { recursive: true }))

let service: FakeService
let folder: string
let log: string
let folders = 0
function fresh(): void {
  folder = join(root, String((folders += 1)))
  mkdirSync(folder)
  log = join(folder, 'access.log')
}
beforeEach(async () => {
  service = await new FakeService().start()
  fresh()
})
afterEach(() => service.stop())

function open(): Agent {
  return new Agent(
    {
      paths: [log],
      openReader: () => formats.envoy.reader([]),
      rule: undefined,
      source: 'edge',
      spool: { directory: join(folder, 'spool'), bytesMax: 1e9 },
    },
    { url: service.url, key: 'k' },
    {
      random: () => 0,
      wait: () => Promise.resolve(),
      now: () => 1_800_000_000_000_000 as Micros,
      newEpoch: () => 'epoch',
      note: () => undefined,
    },
  )
}

async function settle(agent: Agent): Promise<void> {
  while ((await agent.collect()) === 'taken');
  while (await agent.send());
}

const hour = 3_600_000
const began = Date.parse('2026-03-01T08:30:00.000Z')

interface Record {
  readonly id: number
  readonly type: string
  /** Milliseconds since the connection began. */
  readonly after: number
  readonly sent: number
  readonly start?: number
}

/** What Envoy writes with %ACCESS_LOG_TYPE%, %CONNECTION_ID% and the usual names. */
function envoyLine({ id, type, after, sent, start = began }: Record): string {
  return `${JSON.stringify({
    start_time: new Date(start).toISOString(),
    access_log_type: type,
    connection_id: id,
    duration: after,
    bytes_sent: sent,
    bytes_received: 2 * sent,
    response_code: 0,
  })}\n`
}

const told = ({
  phase,
  time,
  bytes_out_wire: out,
  bytes_in_wire: into,
  duration_us: duration,
}: FakeEvent): unknown[] => [phase, time, out, into, duration]

describe('connections that go on', () => {
  test('eight hours are counted hour by hour, and nothing again at the end, whatever is restarted', async () => {
    let agent = open()
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpUpstreamConnected', after: 5, sent: 0 }))
    for (let hours = 1; hours <= 8; hours += 1) {
      await settle(agent)
      agent.close()
      // The file is rotated, too: what was counted belongs to the connection and not to a file.
      if (hours === 4) renameSync(log, `${log}.1`)
      agent = open()
      appendFileSync(log, envoyLine({ id: 7, type: 'TcpPeriodic', after: hours * hour, sent: 100 * hours * hours }))
    }
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpConnectionEnd', after: 8 * hour + 60_000, sent: 6_450 }))
    await settle(agent)
    agent.close()
    const at = (after: number): string => new Date(began + after).toISOString().replace('.000Z', 'Z')
    const events = service.accepted()
    expect(events.every(({ kind, session }) => kind === 'tcp_connection' && session === '7')).toBe(true)
    expect(events.map(told)).toEqual([
      ['start', at(5), 0, 0, 5_000],
      // 100 · h² − 100 · (h − 1)², by hand.
      ...[100, 300, 500, 700, 900, 1_100, 1_300, 1_500].map((sent, index) => [
        'interim',
        at((index + 1) * hour),
        sent,
        2 * sent,
        index === 0 ? hour * 1_000 - 5_000 : hour * 1_000,
      ]),
      ['final', at(8 * hour + 60_000), 50, 100, 60_000_000],
    ])
  })

  test('the rotated file is read to its end before its successor', async () => {
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpPeriodic', after: hour, sent: 100 }))
    let agent = open()
    await settle(agent)
    agent.close()
    // More than is taken at once, before the connection goes on.
    const others = Array.from({ length: 8_000 }, (_, id) =>
      envoyLine({ id: 1_000 + id, type: 'TcpConnectionEnd', after: 5, sent: 0 }),
    ).join('')
    expect(others.length).toBeGreaterThan(limits.tailBytesMax)
    const interim = (hours: number): string =>
      envoyLine({ id: 7, type: 'TcpPeriodic', after: hours * hour, sent: hours * 100 })
    appendFileSync(log, others + interim(2) + interim(3))
    renameSync(log, `${log}.1`)
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpConnectionEnd', after: 4 * hour, sent: 400 }))
    agent = open()
    await settle(agent)
    agent.close()
    const seen = service.accepted().filter(({ session }) => session === '7')
    expect(seen.map(({ bytes_out_wire: sent }) => sent)).toEqual([100, 100, 100, 100])
  })

  test('whatever is written, rotated and killed: the sum is what the last record says (property)', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('grow' as const), id: fc.nat(4), sent: fc.nat(1_000), ends: fc.boolean() }),
      fc.record({ kind: fc.constantFrom('kill' as const, 'collect' as const, 'send' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        fresh()
        service.sources.clear()
        let agent = open()
        /** By connection of which the last record says so much. */
        const expected = new Map<string, number>()
        const lives = Array(5).fill(0) as number[]
        for (const action of steps) {
          if (action.kind === 'grow') {
            const { id, ends } = action
            const start = began + (lives[id] ?? 0) * hour
            const key = `${id} ${start}`
            const sent = (expected.get(key) ?? 0) + action.sent
            const type = ends ? 'TcpConnectionEnd' : 'TcpPeriodic'
            appendFileSync(log, envoyLine({ id, type, after: 1_000, sent, start }))
            expected.set(key, sent)
            if (ends) lives[id] = (lives[id] ?? 0) + 1
          }
          if (action.kind === 'collect') await agent.collect()
          if (action.kind === 'send') await agent.send()
          if (action.kind === 'kill') {
            agent.close()
            agent = open()
          }
        }
        await settle(agent)
        agent.close()
        const sum = service.accepted().reduce((all, { bytes_out_wire: sent }) => all + Number(sent), 0)
        expect(sum).toBe([...expected.values()].reduce((all, sent) => all + sent, 0))
        const finals = service.accepted().filter(({ phase }) => phase === 'final').length
        expect(finals).toBe(lives.reduce((all, count) => all + count, 0))
      }),
      { numRuns: 30 },
    )
  })

  test('HTTP: a websocket goes on; records that nobody can assign are told, and the end counts all', async () => {
    const line = (type: string, after: number, sent: number, stream: string | null): string =>
      `${JSON.stringify({ start_time: new Date(began).toISOString(), access_log_type: type, stream_id: stream, method: 'GET', path: '/ws', protocol: 'HTTP/1.1', response_code: 101, duration: after, bytes_sent: sent })}\n`
    appendFileSync(log, line('DownstreamPeriodic', hour, 10, 's1') + line('DownstreamEnd', 2 * hour, 15, 's1'))
    appendFileSync(log, line('DownstreamPeriodic', hour, 10, null) + line('DownstreamEnd', 2 * hour, 15, null))
    appendFileSync(log, line('UpstreamEnd', hour, 10, 's1') + line('DownstreamEnd', 5, 3, 's2'))
    const agent = open()
    await settle(agent)
    agent.close()
    expect(service.accepted().map(({ seq, phase, bytes_out_body: sent }) => [seq, phase, sent])).toEqual([
      [1, 'interim', 10],
      [2, 'final', 5],
      [4, 'final', 15],
      [6, 'final', 3],
    ])
    // One that had no records before its end has the time of its start, as ever.
    expect(service.accepted().map(({ time }) => time)).toEqual([
      '2026-03-01T09:30:00Z',
      '2026-03-01T10:30:00Z',
      '2026-03-01T08:30:00Z',
      '2026-03-01T08:30:00Z',
    ])
    expect(service.held().map(({ seq }) => seq)).toEqual([3, 5])
  })

  test('an import counts at the end: a file does not know what the one before it counted', async () => {
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpPeriodic', after: hour, sent: 40 }))
    appendFileSync(log, envoyLine({ id: 7, type: 'TcpConnectionEnd', after: 2 * hour, sent: 50 }))
    await importFile(
      {
        file: log,
        reader: formats.envoy.reader([]),
        rule: undefined,
        source: undefined,
        lines: { from: 1, to: Number.POSITIVE_INFINITY },
        again: false,
        final: false,
      },
      {
        service: { url: service.url, key: 'k' },
        world: { random: () => 0, wait: () => Promise.resolve() },
        onProgress: () => undefined,
      },
    )
    expect(service.accepted().map(({ phase, bytes_out_wire: sent }) => [phase, sent])).toEqual([
      ['interim', 0],
      ['final', 50],
    ])
  })
})

describe('OpenConnections', () => {
  const body = (sent: number): EventBody => ({ bytes_out_wire: sent })
  const at = (hours: number): string => new Date(began + hours * hour).toISOString()
  const count = (connections: OpenConnections, connection: string, hours: number, sent: number): unknown => {
    const counted = connections.difference(body(sent), { connection, isLast: false, at: at(hours) })
    connections.keep()
    return counted.bytes_out_wire
  }

  test('a count that goes back is no traffic, and what follows is counted from the highest', () => {
    const connections = new OpenConnections(new SpoolNotes())
    expect([10, 4, 12, 12].map((sent) => count(connections, 'a', 1, sent))).toEqual([10, 0, 2, 0])
  })

  test('what was not taken is as if it had not been read', () => {
    const connections = new OpenConnections(new SpoolNotes())
    connections.difference(body(10), { connection: 'a', isLast: false, at: at(1) })
    connections.drop()
    expect(connections.changes).toEqual([])
    expect(count(connections, 'a', 1, 10)).toBe(10)
    connections.clear()
    expect(count(connections, 'a', 1, 10)).toBe(10)
  })

  test('one wrong clock forgets nobody', () => {
    const notes = new SpoolNotes()
    const connections = new OpenConnections(notes)
    count(connections, 'a', 1, 100)
    notes.apply(connections.changes, false)
    connections.clear()
    count(connections, 'b', 100_000, 1)
    expect(count(connections, 'a', 2, 150)).toBe(50)
  })

  test('connections beyond the bound count at their end; the oldest silent ones make room', () => {
    const notes = new SpoolNotes()
    const connections = new OpenConnections(notes)
    const remember = (): void => {
      notes.apply(connections.changes, false)
      connections.clear()
    }
    for (let number = 0; number < limits.openConnectionsMax; number += 1)
      count(connections, `c${number}`, number < 2_000 ? 1 : 5, 5)
    remember()
    expect(notes.size).toBe(limits.openConnectionsMax)
    expect(count(connections, 'one more', 6, 5)).toBe(0)
    const last = { connection: 'one more', isLast: true, at: at(7) }
    expect(connections.difference(body(9), last)).toMatchObject({ bytes_out_wire: 9 })
    connections.keep()
    expect(count(connections, 'c1', 30, 6)).toBe(1)
    // 48 hours after the first of them by one clock is not enough; the records around it have to say so.
    expect(count(connections, 'one more', 51, 5)).toBe(0)
    for (let record = 1; record < limits.clockRecords; record += 1) expect(count(connections, 'c1', 51, 6)).toBe(0)
    expect(count(connections, 'one more', 51, 12)).toBe(12)
    remember()
    expect(notes.size).toBe(limits.openConnectionsMax - limits.forgottenAtOnceMax + 1)
    // Whoever spoke meanwhile is remembered, and so are those that have not been silent for so long.
    expect(count(connections, 'c1', 52, 8)).toBe(2)
    expect(count(connections, 'c5000', 52, 8)).toBe(3)
    for (let number = 0; number < 20_000; number += 1) count(connections, `d${number}`, 52, 1)
    remember()
    expect(notes.size).toBe(limits.openConnectionsMax)
    expect(count(connections, 'c5000', 52, 9)).toBe(1)
  })
})
