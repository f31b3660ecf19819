import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import type { Micros } from '../core/time.ts'
import { Agent } from './agent.ts'
import type { AgentTask } from './agent.ts'
import { formats } from './formats.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-rotation-'))
afterAll(() => rmSync(root, { recursive: true }))

let service: FakeService
let folder: string
let log: string
let nowMs: number
beforeEach(async () => {
  service = await new FakeService().start()
  folder = mkdtempSync(join(root, 'edge-'))
  log = join(folder, 'access.log')
  nowMs = Math.floor(performance.timeOrigin + performance.now())
})
afterEach(() => service.stop())

const reader = () => formats['nginx-json'].reader([])
function open(more: Partial<AgentTask> = {}, wait: () => Promise<void> = () => Promise.resolve()): Agent {
  const spool = { directory: join(folder, 'spool'), bytesMax: 1e9 }
  return new Agent(
    { paths: [log], openReader: reader, rule: undefined, source: 'edge', spool, ...more },
    { url: service.url, key: 'k' },
    { random: () => 0, wait, now: () => (nowMs * 1000) as Micros, newEpoch: () => 'epoch', note: () => undefined },
  )
}

async function settle(agent: Agent): Promise<void> {
  while ((await agent.collect()) === 'taken');
  while (await agent.send());
}

const line = (number: number): string =>
  `${JSON.stringify({ msec: 1_400_000_000 + number, body_bytes_sent: number })}\n`
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join('')
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)
function expectEachOnce(last: number): void {
  const seen = service.accepted()
  expect(seen.map(({ seq }) => seq)).toEqual(upTo(last))
  expect(seen.map(({ bytes_out_body: bytes }) => Number(bytes)).toSorted((a, b) => a - b)).toEqual(upTo(last))
}

describe('a log that is packed before it was read to its end', () => {
  const packers = [
    ['gz', gzipSync],
    ['zst', zstdCompressSync],
  ] as const

  test.each(packers)(
    'renamed and packed (.%s), the agent away: the rest is read from the archive',
    async (name, pack) => {
      const agent = open()
      writeFileSync(log, lines(1, 3_000))
      await settle(agent)
      agent.close()
      appendFileSync(log, lines(3_001, 9_000))
      writeFileSync(`${log}-20261122.${name}`, pack(readFileSync(log)))
      rmSync(log)
      writeFileSync(log, lines(9_001, 9_010))
      const next = open()
      await settle(next)
      nowMs += 61_000
      await settle(next)
      expectEachOnce(9_010)
      expect(next.lost).toBe(0)
      next.close()
    },
  )

  test.each(packers)('copied, emptied and packed (.%s) between two looks', async (name, pack) => {
    const agent = open()
    writeFileSync(log, lines(1, 100))
    await settle(agent)
    appendFileSync(log, lines(101, 250))
    copyFileSync(log, `${log}.1`)
    truncateSync(log)
    writeFileSync(`${log}.1.${name}`, pack(readFileSync(`${log}.1`)))
    rmSync(`${log}.1`)
    appendFileSync(log, lines(251, 260))
    await settle(agent)
    expectEachOnce(260)
    expect(agent.lost).toBe(0)
    agent.close()
  })

  test('killed in the middle of an archive: it goes on in it', async () => {
    const agent = open({ spool: { directory: join(folder, 'spool'), bytesMax: 300_000 } })
    writeFileSync(log, lines(1, 10))
    await settle(agent)
    agent.close()
    appendFileSync(log, lines(11, 6_000))
    writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(log)))
    rmSync(log)
    // The spool holds a part of it at a time, and each part is read by another agent.
    for (let round = 0; round < 40 && service.accepted().length < 6_000; round += 1) {
      const next = open({ spool: { directory: join(folder, 'spool'), bytesMax: 300_000 } })
      while ((await next.collect()) === 'taken');
      while (await next.send());
      next.close()
    }
    expectEachOnce(6_000)
  })
})

describe('what becomes durable together', () => {
  const received = (number: number) => {
    const bytes = Buffer.from(line(number).trim())
    return [{ bytes, length: bytes.length }]
  }

  test('lines from files and from the network share one numbering and one step', async () => {
    let write: (() => void) | undefined
    const agent = open({}, () => new Promise((done) => (write = done)))
    writeFileSync(log, lines(1, 3))
    await agent.collect()
    const [first, second] = [agent.receive(received(4), reader()), agent.receive(received(5), reader())]
    let isSettled = false
    void first.then(() => (isSettled = true))
    // Nothing was written yet, so nothing may be answered for or sent.
    await agent.send()
    expect(isSettled).toBe(false)
    expect(service.accepted().length).toBe(3)
    write?.()
    expect(await Promise.all([first, second])).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'taken', unreadable: 0 })),
    )
    await settle(agent)
    expectEachOnce(5)
    agent.close()
  })

  test('one look reads a log to its end, so that a checkpoint may say so', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 40_000))
    expect(await agent.collect()).toBe('taken')
    expect(agent.seq).toBe(40_000)
    expect(await agent.collect()).toBe('idle')
    agent.close()
  })

  test('what was not durable was never taken: the numbers are given again', async () => {
    const agent = open({}, () => new Promise(() => undefined))
    writeFileSync(log, lines(1, 3))
    await agent.collect()
    void agent.receive(received(99), reader())
    expect(agent.seq).toBe(4)
    agent.close()
    const next = open()
    expect(next.seq).toBe(3)
    appendFileSync(log, line(4))
    await settle(next)
    expectEachOnce(4)
    next.close()
  })

  test('losses that are declared are known after a restart', async () => {
    const agent = open()
    agent.declareLost(3)
    agent.declareLost(4)
    await settle(agent)
    agent.save()
    agent.close()
    const next = open()
    expect(next.lost).toBe(7)
    next.close()
  })
})

test('checkpoints stay behind by as much as lines may be late', async () => {
  const agent = open({ delayMs: 300_000 })
  writeFileSync(log, line(1))
  await settle(agent)
  await agent.checkpoint('now')
  agent.close()
  expect(service.checkpoints).toMatchObject([{ seq: '1', time: new Date(nowMs - 300_000).toISOString() }])
})
