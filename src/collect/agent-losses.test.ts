import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CheckpointDoor } from '../../test/support/checkpoint-door.ts'
import { FakeService } from '../../test/support/fake-service.ts'
import type { Micros } from '../core/time.ts'
import { Agent } from './agent.ts'
import type { AgentTask } from './agent.ts'
import { formats } from './formats.ts'
import { Spool } from './spool.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-losses-'))
afterAll(() => rmSync(root, { recursive: true }))

const day = 86_400_000
let service: FakeService
let door: CheckpointDoor
let folder: string
let log: string
let nowMs: number
/** Lets everything go on that waits for a moment. */
let release: () => void
beforeEach(async () => {
  service = await new FakeService().start()
  door = await new CheckpointDoor(service.url).start()
  folder = mkdtempSync(join(root, 'edge-'))
  log = join(folder, 'access.log')
  nowMs = Math.floor(performance.timeOrigin + performance.now())
  release = () => undefined
})
afterEach(async () => {
  vi.restoreAllMocks()
  await door.stop()
  await service.stop()
})

const reader = () => formats['nginx-json'].reader([])
function open(more: Partial<AgentTask> = {}, bytesMax = 1e9): Agent {
  const spool = { directory: join(folder, 'spool'), bytesMax }
  return new Agent(
    { paths: [log], openReader: reader, rule: undefined, source: 'edge', spool, ...more },
    { url: door.url, key: 'k' },
    {
      random: () => 0,
      wait: () =>
        new Promise((done) => {
          release = done
        }),
      now: () => (nowMs * 1000) as Micros,
      newEpoch: () => 'epoch',
      note: () => undefined,
    },
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
const stated = () => door.checkpoints.map(({ time, lost }) => ({ time: Date.parse(time), lost: Number(lost) }))

/** As a reader of the statements dates the first loss: between the last one without it and the first one with it. */
function spanOfLoss(): { readonly after: number; readonly before: number } {
  const times = (isWith: boolean) =>
    stated()
      .filter(({ lost }) => lost > 0 === isWith)
      .map(({ time }) => time)
  return { after: Math.max(...times(false)), before: Math.min(...times(true)) }
}

test('a loss while the spool is full is not stated with a time from before it', async () => {
  const agent = open({}, 100_000)
  const first = nowMs
  writeFileSync(log, line(1))
  await settle(agent)
  await agent.checkpoint('now')
  nowMs = first + day
  appendFileSync(log, lines(2, 2_000))
  while ((await agent.collect()) !== 'full');
  nowMs = first + 2 * day
  appendFileSync(log, lines(2_001, 2_010))
  expect(await agent.collect()).toBe('full')
  truncateSync(log)
  await agent.collect()
  const { lost } = agent
  expect(lost).toBeGreaterThan(0)
  await agent.send()
  await agent.checkpoint('now')
  expect(stated()).toEqual([
    { time: first, lost: 0 },
    { time: first, lost: 0 },
  ])
  nowMs = first + 3 * day
  while (stated().at(-1)?.lost === 0) {
    await agent.send()
    await agent.checkpoint('now')
    await agent.collect()
  }
  agent.close()
  expect(stated().at(-1)?.lost).toBe(lost)
  const { after, before } = spanOfLoss()
  expect(after).toBeLessThanOrEqual(first + day)
  expect(before).toBeGreaterThanOrEqual(first + 2 * day)
})

test('what is lost on its way in happened up to the delay earlier: the two statements around it say so', async () => {
  const agent = open({ delayMs: 60_000 })
  const first = nowMs
  writeFileSync(log, line(1))
  for (; nowMs <= first + 200_000; nowMs += 10_000) {
    await settle(agent)
    await agent.checkpoint()
    if (nowMs !== first + 100_000) continue
    nowMs += 5_000
    agent.declareLost(3)
  }
  agent.close()
  const { after, before } = spanOfLoss()
  expect(after).toBeLessThanOrEqual(first + 105_000 - 60_000)
  expect(before).toBeGreaterThanOrEqual(first + 105_000)
  expect(stated().at(-1)?.lost).toBe(3)
})

test('a loss that was declared is on disk before it is stated, so that the next one does not hide behind it', async () => {
  let agent = open()
  writeFileSync(log, line(1))
  await settle(agent)
  agent.declareLost(5)
  agent.declareLost(2)
  await settle(agent)
  await agent.checkpoint('now')
  await settle(agent)
  await agent.checkpoint('now')
  expect(stated().at(-1)?.lost).toBe(7)
  // Killed before anything else is written.
  agent.close()
  agent = open()
  expect(agent.lost).toBe(7)
  agent.declareLost(3)
  await settle(agent)
  await agent.checkpoint('now')
  agent.close()
  expect(stated().at(-1)?.lost).toBe(10)
})

test('while the disk refuses the loss, nothing is stated beyond what it holds', async () => {
  const agent = open()
  writeFileSync(log, line(1))
  await settle(agent)
  const first = nowMs
  const refusing = vi.spyOn(Spool.prototype, 'append').mockImplementation(() => {
    throw new Error('no space left on device')
  })
  nowMs += 10_000
  agent.declareLost(5)
  await settle(agent)
  await agent.checkpoint('now')
  expect(stated().every(({ time, lost }) => time <= first && lost === 0)).toBe(true)
  refusing.mockRestore()
  nowMs += 10_000
  for (const _ of [1, 2]) {
    await settle(agent)
    await agent.checkpoint('now')
  }
  agent.close()
  expect(stated().at(-1)).toEqual({ time: nowMs, lost: 5 })
  expect(spanOfLoss().after).toBeLessThanOrEqual(first)
})

test('lines that were undone while another file was read are not stated as taken', async () => {
  const other = join(folder, 'other.log')
  let whenRead = (): void => undefined
  const openReader = () => {
    const read = reader()
    return Object.assign((text: string) => {
      whenRead()
      return read(text)
    }, read)
  }
  const agent = open({ paths: [log, other], openReader })
  writeFileSync(log, line(1))
  writeFileSync(other, '')
  await settle(agent)
  await agent.checkpoint('now')
  const first = nowMs
  nowMs += 60_000
  const bytes = Buffer.from(line(3).trim())
  const reception = agent.receive([{ bytes, length: bytes.length }], reader())
  appendFileSync(log, line(2))
  // The moment of the received line is over when the line of the first file has joined it, and the disk is full then.
  whenRead = () => {
    whenRead = () => undefined
    vi.spyOn(Spool.prototype, 'append').mockImplementationOnce(() => {
      throw new Error('no space left on device')
    })
    release()
  }
  expect(await agent.collect()).toBe('full')
  expect(await reception).toEqual({ kind: 'full' })
  await agent.checkpoint('now')
  expect(stated().at(-1)).toEqual({ time: first, lost: 0 })
  await settle(agent)
  await agent.checkpoint('now')
  agent.close()
  expect(service.accepted().map(({ bytes_out_body }) => bytes_out_body)).toEqual([1, 2])
  expect(stated().at(-1)).toEqual({ time: nowMs, lost: 0 })
})
