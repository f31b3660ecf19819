import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
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

/** The log of an agent that is away: read up to one line, written up to another, then packed under a rotated name. */
async function packedAway({ read, written }: { read: number; written: number }): Promise<Buffer> {
  const agent = open()
  writeFileSync(log, lines(1, read))
  await settle(agent)
  agent.close()
  appendFileSync(log, lines(read + 1, written))
  const packed = gzipSync(readFileSync(log))
  rmSync(log)
  return packed
}
const half = (packed: Buffer): Buffer => packed.subarray(0, packed.length / 2)

describe('an archive that is not whole', () => {
  test.each([10, 20_000])(
    'half-way packed with %i lines read before: the rest is read once it is there',
    async (read) => {
      const packed = await packedAway({ read, written: 21_000 })
      writeFileSync(`${log}.1.gz`, half(packed))
      writeFileSync(log, lines(21_001, 21_002))
      const agent = open()
      await settle(agent)
      nowMs += 30_000
      await settle(agent)
      await agent.checkpoint('now')
      // Whoever says that all was read by now would be wrong.
      expect(JSON.stringify(service.checkpoints)).not.toContain(new Date(nowMs).toISOString())
      writeFileSync(`${log}.1.gz`, packed)
      await settle(agent)
      nowMs += 61_000
      await settle(agent)
      expectEachOnce(21_002)
      expect([agent.lost, service.held()]).toEqual([0, []])
      agent.close()
    },
  )

  test.each([10, 20_000])(
    'cut off for ever, %i lines read before: at least one line is declared lost',
    async (read) => {
      writeFileSync(`${log}.1.gz`, half(await packedAway({ read, written: 21_000 })))
      writeFileSync(log, lines(30_001, 30_002))
      const agent = open()
      await settle(agent)
      expect(agent.lost).toBe(0)
      nowMs += 61_000
      await settle(agent)
      nowMs += 1_000
      await settle(agent)
      await agent.checkpoint('now')
      expect(service.checkpoints.at(-1)).toMatchObject({ lost: '1' })
      expect(service.held()).toEqual([])
      const seen = service.accepted().map(({ bytes_out_body: bytes }) => Number(bytes))
      const once = new Set(seen)
      expect(once.size).toBe(seen.length)
      expect([...upTo(read), 30_001, 30_002].filter((number) => !once.has(number))).toEqual([])
      agent.close()
    },
  )

  test('one that turns out to be of another file is read from its beginning', async () => {
    await packedAway({ read: 2_000, written: 2_001 })
    const other = gzipSync(lines(5_001, 9_000))
    writeFileSync(`${log}.1.gz`, other.subarray(0, 1_000))
    const agent = open()
    await settle(agent)
    writeFileSync(`${log}.1.gz`, other)
    for (let look = 0; look < 3; look += 1) await settle(agent)
    const seen = service.accepted().map(({ bytes_out_body: bytes }) => Number(bytes))
    expect(seen.toSorted((a, b) => a - b)).toEqual([...upTo(2_000), ...upTo(4_000).map((number) => 5_000 + number)])
    expect(agent.lost).toBe(1)
    agent.close()
  })
})

describe('an archive that is renamed while it is read', () => {
  test('it is read on', async () => {
    writeFileSync(`${log}.1.gz`, await packedAway({ read: 100, written: 200 }))
    const agent = open()
    await agent.collect()
    renameSync(`${log}.1.gz`, `${log}.2.gz`)
    await settle(agent)
    expectEachOnce(200)
    agent.close()
  })

  test('and another takes its name: each is read as itself', async () => {
    writeFileSync(`${log}.1.gz`, await packedAway({ read: 100, written: 110 }))
    writeFileSync(log, lines(111, 400))
    const agent = open()
    await settle(agent)
    renameSync(`${log}.1.gz`, `${log}.2.gz`)
    writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(log)))
    rmSync(log)
    writeFileSync(log, lines(401, 410))
    await settle(agent)
    nowMs += 61_000
    await settle(agent)
    expectEachOnce(410)
    agent.close()
  })
})

describe('files that are known', () => {
  test('of each of forty logs, a day later', async () => {
    const paths = Array.from({ length: 40 }, (_, index) => join(folder, `v${index}.log`))
    const agent = open({ paths })
    for (const [index, path] of paths.entries()) writeFileSync(path, line(index + 1))
    await settle(agent)
    for (const path of paths) {
      renameSync(path, `${path}.1`)
      writeFileSync(path, '')
    }
    await settle(agent)
    nowMs += 61_000
    await settle(agent)
    for (const path of paths) {
      writeFileSync(`${path}.2.gz`, gzipSync(readFileSync(`${path}.1`)))
      utimesSync(`${path}.2.gz`, (nowMs + 1_000) / 1_000, (nowMs + 1_000) / 1_000)
      rmSync(`${path}.1`)
    }
    await settle(agent)
    expect(service.accepted().length).toBe(40)
    agent.close()
  })

  test('not by directives, which are the same in every file', async () => {
    const w3c = { openReader: () => formats.w3c.reader([]) }
    const directives = `#Version: 1.0\n#Remark: ${'x'.repeat(300)}\n#Fields: date time sc-status sc-bytes\n`
    const entry = (bytes: number): string => `2026-01-02 03:04:05 200 ${bytes}\n`
    let agent = open(w3c)
    writeFileSync(log, directives + entry(1))
    await settle(agent)
    agent.close()
    appendFileSync(log, entry(2))
    renameSync(log, `${log}.2`)
    writeFileSync(`${log}.1`, directives + entry(3) + entry(4))
    utimesSync(`${log}.1`, (nowMs + 1_000) / 1_000, (nowMs + 1_000) / 1_000)
    writeFileSync(log, directives + entry(5))
    agent = open(w3c)
    await settle(agent)
    nowMs += 61_000
    await settle(agent)
    const seen = service.accepted().map(({ bytes_out_wire: bytes }) => Number(bytes))
    expect([seen, agent.lost]).toEqual([upTo(5), 0])
    agent.close()
  })
})

test('a log that cannot be looked at stops neither the others nor the agent, and nothing is said to be complete', async () => {
  const broken = join(folder, 'broken.log')
  symlinkSync(broken, broken)
  const agent = open({ paths: [broken, log] })
  writeFileSync(log, lines(1, 3))
  await settle(agent)
  expectEachOnce(3)
  await agent.checkpoint('now')
  expect(service.checkpoints).toEqual([])
  agent.close()
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
