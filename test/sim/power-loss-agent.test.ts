import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CheckpointDoor } from '../support/checkpoint-door.ts'
import { FakeService } from '../support/fake-service.ts'
import { PowerDisk, cutPower, powerCutsImpossible } from '../support/power-loss.ts'
import { until } from '../support/until.ts'

const skipped = await powerCutsImpossible()
const script = join(import.meta.dirname, '../support/agent-process.ts')

/** An edge server whose power is cut: its log is not synced by the web server, its spool is by the agent. */
describe.skipIf(skipped !== '')(`the power of an edge server is cut${skipped}`, () => {
  let disk: PowerDisk
  let service: FakeService
  let door: CheckpointDoor
  let written: number
  beforeEach(async () => {
    disk = new PowerDisk('power-agent', 64)
    service = await new FakeService().start()
    door = await new CheckpointDoor(service.url).start()
    written = 0
  })
  afterEach(async () => {
    await door.stop()
    await service.stop()
    await disk.remove()
  })

  const grow = (lines: number): void => {
    const text = Array.from({ length: lines }, () => {
      written += 1
      return `{"time_iso8601":"2026-11-22T12:00:00+00:00","status":"200","body_bytes_sent":"${written}","request":"GET /${written} HTTP/1.1"}\n`
    })
    appendFileSync(join(disk.path, 'access.log'), text.join(''))
  }
  const sync = (): void => {
    const file = openSync(join(disk.path, 'access.log'), 'r')
    fsyncSync(file)
    closeSync(file)
  }
  const startAgent = () => {
    const options = ['--format', 'nginx-json', '--source', 'edge', '--to', door.url, '--key', 'k']
    const places = ['--tail', join(disk.path, 'access.log'), '--spool', join(disk.path, 'spool')]
    const child = spawn(process.execPath, [script, ...places, ...options], { stdio: ['ignore', 'ignore', 'inherit'] })
    return { process: child, ended: once(child, 'exit') }
  }
  const bytes = (): number[] =>
    service
      .accepted()
      .map(({ bytes_out_body: bytes }) => Number(bytes))
      .toSorted((a, b) => a - b)

  test('each line that the agent has sent is counted once, also where the log has lost its end', async () => {
    grow(100)
    sync()
    const first = startAgent()
    await until(() => bytes().length === 100, 20_000, 'the first lines have arrived')
    grow(50)
    await until(() => bytes().length === 150, 20_000, 'lines have arrived that nobody has synced')
    await cutPower(disk, first)
    await first.ended
    grow(20)
    const second = startAgent()
    await until(() => bytes().length >= 170, 20_000, 'the lines after the cut have arrived')
    second.process.kill('SIGTERM')
    await second.ended
    expect(bytes()).toEqual(Array.from({ length: 170 }, (_, index) => index + 1))
  })
})
