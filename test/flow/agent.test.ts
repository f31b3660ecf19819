import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from 'node:net'
import { CheckpointDoor } from '../support/checkpoint-door.ts'
import { FakeService } from '../support/fake-service.ts'
import { until } from '../support/until.ts'

const script = join(import.meta.dirname, '../support/agent-process.ts')
const root = mkdtempSync(join(tmpdir(), 'crossfoot-agent-flow-'))
afterAll(() => rmSync(root, { recursive: true }))
const seed = Number(process.env['CROSSFOOT_SEED'] ?? 20_261_122)

/** A small seeded generator, so that a failure can be replayed with CROSSFOOT_SEED. */
function diceOf(start: number): (sides: number) => number {
  let state = start >>> 0
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

let service: FakeService
let door: CheckpointDoor
let folder: string
let log: string
const running = new Set<ChildProcess>()
beforeEach(async () => {
  service = await new FakeService().start()
  door = await new CheckpointDoor(service.url).start()
  folder = mkdtempSync(join(root, 'edge-'))
  log = join(folder, 'access.log')
})
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  await door.stop()
  await service.stop()
})

function startAgent(...more: string[]) {
  return startReceiver('--tail', log, '--format', 'nginx-json', ...more)
}

/** An agent with these doors or files, and what it tells about where it listens. */
function startReceiver(...options: string[]) {
  return start('--spool', join(folder, 'spool'), '--source', 'edge', ...options)
}

function start(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args, '--to', door.url, '--key', 'k'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  running.add(child)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  const ended = once(child, 'exit').then(([code]) => {
    running.delete(child)
    return { code: code as number | null, stderr }
  })
  const told = (about: RegExp): Promise<string> => until(() => about.exec(stderr)?.[1], 10_000, `it tells ${about}`)
  return { child, ended, told }
}

let written = 0
beforeEach(() => {
  written = 0
})
function grow(by: number): void {
  let text = ''
  for (let count = 0; count < by; count += 1) {
    written += 1
    text += `${JSON.stringify({ msec: 1_400_000_000 + written, body_bytes_sent: written })}\n`
  }
  appendFileSync(log, text)
}

/** Every line is there once, and the numbers are 1 to N without a hole. */
function expectEachOnce(): void {
  const events = service.accepted()
  const all = Array.from({ length: written }, (_, index) => index + 1)
  expect(events.map(({ seq }) => seq)).toEqual(all)
  expect(events.map(({ bytes_out_body }) => Number(bytes_out_body)).toSorted((a, b) => a - b)).toEqual(all)
  expect(service.held()).toEqual([])
  expect(service.sources.size).toBe(1)
}

describe('crossfoot agent', () => {
  test(`killed with -9 at random moments while the log grows and is rotated: each line once (seed ${seed})`, async () => {
    const dice = diceOf(seed)
    let rotations = 0
    let kills = 0
    service.fault = () => (['none', 'none', 'drop-before', 'drop-after'] as const)[dice(4)] ?? 'none'
    grow(500)
    const first = startAgent()
    await until(() => service.accepted().length === 500, 10_000, 'the agent knows the log')
    first.child.kill('SIGKILL')
    await first.ended
    for (let round = 0; round < 12; round += 1) {
      const agent = startAgent()
      // From before it has its spool to long after its first answer; the log grows all the while.
      const moment = setTimeout(() => agent.child.kill('SIGKILL'), 300 + dice(900))
      while (running.has(agent.child)) {
        grow(1 + dice(200))
        let looks = 0
        await until(() => (looks += 1) > 1, 1_000, 'the agent has a moment')
        if (dice(20) > 0) continue
        rotations += 1
        if (dice(2) === 0) renameSync(log, `${log}.${rotations}`)
        else {
          copyFileSync(log, `${log}.${rotations}`)
          truncateSync(log)
        }
      }
      if ((await agent.ended).code === null) kills += 1
      clearTimeout(moment)
    }
    expect(kills).toBe(12)
    service.fault = () => 'none'
    const last = startAgent()
    grow(5)
    await until(() => service.accepted().length >= written, 15_000, 'all lines have arrived')
    last.child.kill('SIGTERM')
    expect(await last.ended).toMatchObject({ code: 0 })
    expectEachOnce()
    expect(rotations).toBeGreaterThan(0)
    expect(door.checkpoints.at(-1)).toMatchObject({ source: 'edge', seq: String(written), lost: '0' })
  })

  test('SIGTERM sends what is there and a last checkpoint, and frees the spool', async () => {
    grow(1_000)
    const agent = startAgent()
    await until(() => service.accepted().length === 1_000, 10_000, 'the first lines have arrived')
    grow(10)
    agent.child.kill('SIGTERM')
    expect(await agent.ended).toMatchObject({ code: 0 })
    expectEachOnce()
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: '1010' })
    expect(readdirSync(join(folder, 'spool')).filter((name) => name.startsWith('segment-')).length).toBe(1)
  })

  test('without a service it keeps the lines, ends in time, and sends them later', async () => {
    grow(50)
    await service.stop()
    const agent = startAgent()
    await until(() => readdirSync(folder).includes('spool'), 10_000, 'the agent has its spool')
    agent.child.kill('SIGTERM')
    const { code } = await agent.ended
    expect(code === 0 || code === null).toBe(true)
    await door.stop()
    service = await new FakeService().start()
    door = await new CheckpointDoor(service.url).start()
    const next = startAgent()
    await until(() => service.accepted().length === 50, 10_000, 'the lines have arrived')
    next.child.kill('SIGTERM')
    expect(await next.ended).toMatchObject({ code: 0 })
    expectEachOnce()
  })

  test('OTLP and syslog: what was answered for survives kill -9, and is sent', async () => {
    const places = ['--otlp', '127.0.0.1:0', '--format', 'otlp-json']
    const record = (bytes: number): object => ({
      timeUnixNano: '1700000000000000000',
      attributes: [
        { key: 'http.request.method', value: { stringValue: 'GET' } },
        { key: 'http.response.body.size', value: { intValue: String(bytes) } },
      ],
    })
    const fault = service.fault
    service.fault = () => ({ status: 503 })
    const first = startReceiver(...places)
    const url = await first.told(/OTLP\/HTTP at (\S+)/)
    for (let bytes = 1; bytes <= 20; bytes += 1) {
      const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record(bytes)] }] }] })
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      expect([answer.status, await answer.text()]).toEqual([200, '{}'])
    }
    first.child.kill('SIGKILL')
    await first.ended
    service.fault = fault
    const next = startReceiver(...places)
    await until(() => service.accepted().length === 20, 10_000, 'what was answered for is sent')
    next.child.kill('SIGTERM')
    expect(await next.ended).toMatchObject({ code: 0 })
    written = 20
    expectEachOnce()
    expect(door.checkpoints.at(-1)).toMatchObject({ seq: '20', lost: '0' })
  })

  test('two agents of a host are two sources, and a record with an id counts once whichever of them it comes to', async () => {
    const record = (uid: string) => ({
      timeUnixNano: '1700000000000000000',
      attributes: [
        { key: 'http.request.method', value: { stringValue: 'GET' } },
        { key: 'log.record.uid', value: { stringValue: uid } },
      ],
    })
    const plain = { ...record(''), attributes: record('').attributes.slice(0, 1) }
    const logRecords = [record('a'), plain]
    const agents = ['one', 'two'].map((name) =>
      start('--spool', join(folder, name), '--otlp', '127.0.0.1:0', '--shared-source', 'edge'),
    )
    for (const agent of agents) {
      const answer = await fetch(await agent.told(/OTLP\/HTTP at (\S+)/), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
      })
      expect([answer.status, await answer.text()]).toEqual([200, '{}'])
    }
    await until(() => service.accepted().length === 3, 10_000, 'all that counts is sent')
    for (const { child } of agents) child.kill('SIGTERM')
    for (const { ended } of agents) expect(await ended).toMatchObject({ code: 0 })
    expect(service.accepted().length).toBe(3)
    expect([...service.source('edge').accepted.values()].map(({ event: { id, seq } }) => [id, seq])).toEqual([
      ['a', undefined],
    ])
    // Each speaks for itself alone: one that is silent is not covered by the other.
    const speaking = new Set(door.checkpoints.map(({ source }) => source))
    expect(speaking.size).toBe(2)
    for (const source of speaking) expect(source).toMatch(/^agent:.*:[0-9a-f]{8}$/)
    expect(await startAgent('--shared-source', 'edge').ended).toMatchObject({ code: 2 })
  })

  test('lines of nginx by syslog over TCP, up to the end', async () => {
    const agent = startReceiver('--syslog', 'tcp://127.0.0.1:0', '--format', 'nginx-json')
    const place = new URL(await agent.told(/syslog at (tcp:\S+)/))
    const socket = connect(Number(place.port), place.hostname)
    for (written = 0; written < 300;) {
      written += 1
      const line = JSON.stringify({ msec: 1_400_000_000 + written, body_bytes_sent: written })
      const message = `<190>Nov 22 15:38:05 edge nginx: ${line}`
      socket.write(written % 2 === 0 ? `${message}\n` : `${message.length} ${message}`)
    }
    socket.end()
    await until(() => service.accepted().length === 300, 10_000, 'all lines are sent')
    agent.child.kill('SIGTERM')
    expect(await agent.ended).toMatchObject({ code: 0 })
    expectEachOnce()
  })

  test('two agents cannot have one spool, and wrong words are told', async () => {
    grow(1)
    const first = startAgent()
    await until(() => service.accepted().length === 1, 10_000, 'the first agent is at work')
    const second = await startAgent().ended
    expect(second.code).toBe(2)
    expect(second.stderr).toMatch(/already uses .*spool; stop it first or give another --spool/)
    expect(await startAgent('--spool-max', '5').ended).toMatchObject({ code: 2 })
    expect(await startAgent('--format', 'nginx').ended).toMatchObject({ code: 2 })
    first.child.kill('SIGTERM')
    expect(await first.ended).toMatchObject({ code: 0 })
  })
})
