import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
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
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CheckpointDoor } from '../../test/support/checkpoint-door.ts'
import { FakeService } from '../../test/support/fake-service.ts'
import type { Micros } from '../core/time.ts'
import { Agent } from './agent.ts'
import type { AgentTask } from './agent.ts'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-agent-'))
afterAll(() => rmSync(root, { recursive: true }))

let service: FakeService
let door: CheckpointDoor
let folder: string
let log: string
let clock: { nowMs: number }
let notes: string[]
let agents: Agent[]
let folders = 0
beforeEach(async () => {
  service = await new FakeService().start()
  door = await new CheckpointDoor(service.url).start()
  folders += 1
  folder = join(root, String(folders))
  mkdirSync(folder)
  log = join(folder, 'access.log')
  // The time of the files is the machine's, so the agent's begins there and goes on by hand.
  clock = { nowMs: Math.floor(performance.timeOrigin + performance.now()) }
  notes = []
  agents = []
})
afterEach(async () => {
  for (const agent of agents) agent.close()
  await door.stop()
  await service.stop()
})

interface Options {
  readonly format?: FormatName
  readonly bytesMax?: number
  readonly paths?: readonly string[]
}

function open({ format = 'nginx-json', bytesMax = 1e9, paths = [log] }: Options = {}): Agent {
  const task: AgentTask = {
    paths,
    openReader: () => formats[format].reader([]),
    rule: undefined,
    source: 'edge-1',
    spool: { directory: join(folder, 'spool'), bytesMax },
  }
  const agent = new Agent(
    task,
    { url: door.url, key: 'k' },
    {
      random: () => 0,
      wait: () => Promise.resolve(),
      now: () => (clock.nowMs * 1000) as Micros,
      newEpoch: () => `epoch-${folders}`,
      note: (message) => notes.push(message),
    },
  )
  agents.push(agent)
  return agent
}

/** Kill -9 as far as the disk can tell: nothing is saved, only the handles are gone. */
function killed(agent: Agent): void {
  agents = agents.filter((other) => other !== agent)
  agent.close()
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
const bytesSeen = (): unknown[] => service.accepted().map(({ bytes_out_body }) => bytes_out_body)

function expectEachOnce(last: number): void {
  expect(bytesSeen().toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(last))
  expect(service.accepted().map(({ seq }) => seq)).toEqual(upTo(last))
  expect(service.held()).toEqual([])
}

describe('Agent', () => {
  test('sends what is there and what comes, numbered from 1 in one epoch', async () => {
    const agent = open()
    await settle(agent)
    writeFileSync(log, lines(1, 3))
    await settle(agent)
    appendFileSync(log, line(4) + line(5).slice(0, 10))
    await settle(agent)
    expectEachOnce(4)
    appendFileSync(log, line(5).slice(10))
    await settle(agent)
    expectEachOnce(5)
    expect(new Set(service.accepted().map(({ source, epoch }) => `${source} ${String(epoch)}`))).toEqual(
      new Set([`edge-1 epoch-${folders}`]),
    )
  })

  test('a line that cannot be read has its number and its place', async () => {
    writeFileSync(log, `${line(1)}broken\n${line(3)}`)
    await settle(open())
    expect(service.accepted().map(({ seq }) => seq)).toEqual([1, 3])
    expect(service.held()).toMatchObject([{ seq: 2, epoch: `epoch-${folders}`, unreadable: { line: 'broken' } }])
  })

  test('rename and create: the old file is read to its end, also what its writer adds late', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 10))
    await settle(agent)
    appendFileSync(log, lines(11, 15))
    renameSync(log, `${log}.1`)
    writeFileSync(log, lines(16, 20))
    await settle(agent)
    appendFileSync(`${log}.1`, lines(21, 22) + line(23).trimEnd())
    await settle(agent)
    expect(bytesSeen().length).toBe(22)
    // Nobody writes to it any more, so its last line is complete without a newline.
    clock.nowMs += 61_000
    await settle(agent)
    expectEachOnce(23)
    // Left for good: what happens to the file now is no news, nor is what it is packed into.
    execFileSync('gzip', [`${log}.1`])
    killed(agent)
    await settle(open())
    expectEachOnce(23)
    expect(notes).toEqual([])
  })

  test('a file that is deleted while it is followed is read to its end', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 10))
    await agent.collect()
    appendFileSync(log, lines(11, 20))
    rmSync(log)
    await settle(agent)
    writeFileSync(log, lines(21, 25))
    await settle(agent)
    expectEachOnce(25)
    expect(agent.lost).toBe(0)
  })

  test('copytruncate: what was not read before is read from the copy', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 10))
    await settle(agent)
    appendFileSync(log, lines(11, 20))
    copyFileSync(log, `${log}.1`)
    truncateSync(log)
    // Even when the new content is already longer than the old.
    appendFileSync(log, lines(21, 60))
    await settle(agent)
    expectEachOnce(60)
    expect(agent.lost).toBe(0)
  })

  test('rotated while the agent was not there: renamed twice, packed, copied', async () => {
    const rotations: Readonly<Record<string, () => void>> = {
      renamed: () => renameSync(log, `${log}.1`),
      packed: () => {
        writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(log)))
        rmSync(log)
      },
      copied: () => {
        copyFileSync(log, `${log}.1`)
        truncateSync(log)
      },
    }
    let last = 0
    const grow = (by: number): void => {
      appendFileSync(log, lines(last + 1, last + by))
      last += by
    }
    for (const rotate of Object.values(rotations)) {
      const agent = open()
      grow(10)
      await settle(agent)
      killed(agent)
      grow(5)
      rotate()
      // One that came and went while nobody was looking.
      grow(5)
      renameSync(log, `${log}.0`)
      utimesSync(`${log}.0`, clock.nowMs / 1000 + 3_600, clock.nowMs / 1000 + 3_600)
      grow(5)
      const next = open()
      await settle(next)
      clock.nowMs += 61_000
      await settle(next)
      expectEachOnce(last)
      expect(next.lost).toBe(0)
      killed(next)
      for (const name of ['.0', '.1', '.1.gz']) rmSync(`${log}${name}`, { force: true })
    }
    expect(notes).toEqual([])
  })

  test('a full spool stops the reading, and goes on when there is room', async () => {
    const bytesMax = 100_000
    const agent = open({ bytesMax })
    writeFileSync(log, lines(1, 5_000))
    service.fault = () => ({ status: 401, code: 'KEY_INVALID', message: 'the key is wrong' })
    for (let look = 0; look < 5; look += 1) await agent.collect()
    expect(await agent.collect()).toBe('full')
    expect(agent.spoolBytes).toBeLessThanOrEqual(bytesMax)
    await expect(agent.send()).rejects.toThrow('the key is wrong')
    service.fault = () => 'none'
    for (let round = 0; round < 200 && service.accepted().length < 5_000; round += 1) await settle(agent)
    expectEachOnce(5_000)
    expect(agent.lost).toBe(0)
  })

  test('lines that vanish while the spool is full are declared with their number', async () => {
    const agent = open({ bytesMax: 100_000 })
    writeFileSync(log, lines(1, 2_000))
    while ((await agent.collect()) !== 'full');
    const taken = agent.seq
    expect(taken).toBeGreaterThan(100)
    appendFileSync(log, lines(2_001, 2_010))
    expect(await agent.collect()).toBe('full')
    writeFileSync(log, '')
    await settle(agent)
    expect(agent.lost).toBe(2_010 - taken)
    expect(notes).toContainEqual(expect.stringContaining(`${2_010 - taken} lines are known to be lost`))
    appendFileSync(log, lines(taken + 1, taken + 7))
    await settle(agent)
    expectEachOnce(taken + 7)
    clock.nowMs += 10_000
    await agent.checkpoint()
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: String(taken + 7), lost: String(2_010 - taken) })
    killed(agent)
    expect(open().lost).toBe(2_010 - taken)
  })

  test.skipIf(!existsSync('/dev/full'))(
    'a spool on a full disk: lines wait, and those that vanish are declared',
    async () => {
      const agent = open({ bytesMax: 100_000 })
      writeFileSync(log, lines(1, 50))
      await settle(agent)
      // Every write to the next segments fails as on a full disk.
      const blocked = Array.from({ length: 9 }, (_, index) => join(folder, 'spool', `segment-00000000000${index + 1}`))
      const free = blocked.filter((path) => !existsSync(path))
      for (const path of free) symlinkSync('/dev/full', path)
      appendFileSync(log, lines(51, 1_000))
      while ((await agent.collect()) !== 'full');
      const taken = agent.seq
      expect(taken).toBeLessThan(1_000)
      expect(notes).toContainEqual(expect.stringMatching(/^the spool cannot be written \(.*lines wait in their files$/))
      truncateSync(log)
      await agent.collect()
      expect(agent.lost).toBe(1_000 - taken)
      for (const path of free) rmSync(path)
      appendFileSync(log, lines(taken + 1, taken + 3))
      await settle(agent)
      expectEachOnce(taken + 3)
      killed(agent)
      expect(open().lost).toBe(1_000 - taken)
    },
  )

  test('a file that is gone without a trace after a restart is declared', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 5))
    await settle(agent)
    killed(agent)
    rmSync(log)
    writeFileSync(log, lines(6, 8))
    const next = open()
    await settle(next)
    expect(next.lost).toBe(1)
    expectEachOnce(8)
  })

  test('checkpoints say what was sent: after a batch, when idle, and not more than that', async () => {
    const agent = open()
    writeFileSync(log, lines(1, 3))
    const first = clock.nowMs
    await agent.collect()
    await agent.collect()
    await agent.checkpoint('now')
    // Nothing was acknowledged yet, so there is nothing to state.
    expect(door.checkpoints).toEqual([])
    await settle(agent)
    await agent.checkpoint()
    const at = (milliseconds: number): number => first + milliseconds
    const stated = () => door.checkpoints.map(({ seq, time, lost }) => [seq, Date.parse(time), lost])
    expect(stated()).toEqual([['3', at(0), '0']])
    clock.nowMs += 9_999
    await settle(agent)
    await agent.checkpoint()
    expect(stated().length).toBe(1)
    clock.nowMs += 1
    await settle(agent)
    await agent.checkpoint()
    expect(stated().at(-1)).toEqual(['3', at(10_000), '0'])
    // What waits is not stated: neither its number nor the time at which it was read.
    clock.nowMs += 10_000
    appendFileSync(log, line(4))
    await agent.collect()
    await agent.collect()
    await agent.checkpoint()
    expect(stated().at(-1)?.[0]).toBe('3')
    expect(stated().at(-1)?.[1]).toBeLessThanOrEqual(at(10_000))
    door.status = 404
    await agent.checkpoint('now')
    expect(notes).toEqual([])
  })

  test('goes on in the middle of a W3C file with the fields that hold there', async () => {
    const head = '#Fields: date time sc-bytes\n'
    writeFileSync(log, `${head}2026-01-02 03:04:05 1\n#Fields: sc-bytes date time\n2 2026-01-02 03:04:06\n`)
    const agent = open({ format: 'w3c' })
    await settle(agent)
    killed(agent)
    appendFileSync(log, `3 2026-01-02 03:04:07\n${head}2026-01-02 03:04:08 4\n`)
    await settle(open({ format: 'w3c' }))
    expect(service.accepted().map(({ seq, bytes_out_wire }) => [seq, bytes_out_wire])).toEqual(
      upTo(4).map((number) => [number, number]),
    )
  })

  test('whatever happens in whatever order, each line is there once (property)', async () => {
    const actions = fc.constantFrom('grow', 'grow', 'collect', 'send', 'rename', 'copytruncate', 'kill', 'lose', 'wait')
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { maxLength: 40 }), async (steps) => {
        round += 1
        folders += 1
        folder = join(root, `${folders}-${round}`)
        mkdirSync(folder)
        log = join(folder, 'access.log')
        service.sources.clear()
        service.fault = () => 'none'
        let last = 0
        let rotations = 0
        let agent = open()
        await agent.collect()
        const rotated = (): string => `${log}.${rotations}`
        for (const action of steps) {
          if (action === 'grow') appendFileSync(log, lines(last + 1, (last += 3)))
          if (action === 'collect') await agent.collect()
          if (action === 'send') await agent.send().catch(() => {})
          if (action === 'lose') service.fault = (post) => (post % 3 === 0 ? 'drop-after' : 'none')
          if (action === 'wait') clock.nowMs += 30_000
          if (action === 'kill') {
            killed(agent)
            agent = open()
          }
          // Both kinds of rotation leave what an agent that looked once can find again.
          if ((action === 'rename' || action === 'copytruncate') && last > 0) {
            await agent.collect()
            rotations += 1
            appendFileSync(log, lines(last + 1, (last += 2)))
            if (action === 'rename') renameSync(log, rotated())
            else copyFileSync(log, rotated())
            // Files bear the time of the agent's clock, as they do where nobody moves it by hand.
            utimesSync(rotated(), clock.nowMs / 1000 + 1, clock.nowMs / 1000 + 1)
            if (action === 'copytruncate') truncateSync(log)
          }
        }
        await settle(agent)
        expectEachOnce(last)
        expect(agent.lost).toBe(0)
        killed(agent)
      }),
      { numRuns: 60 },
    )
  })
})
