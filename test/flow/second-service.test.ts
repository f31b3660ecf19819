import { readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postmasterOf } from '../../src/app/postgres-leftover.ts'
import { isRunning } from '../../src/app/running-process.ts'
import { receiptOf } from '../support/answers.ts'
import { Ledger, usageTotals } from '../support/ledger.ts'
import { lineOf } from '../support/odd-events.ts'
import { eventsHead, rawConnection } from '../support/raw-request.ts'
import { discardData, launchService, removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const data = temporaryDirectory('second')
const links = temporaryDirectory('second-link')
const cluster = join(data, 'postgres', 'cluster')
const ledger = new Ledger()
let first: RunningService

async function send(): Promise<void> {
  const id = String(ledger.size())
  const event = lineOf({ source: '"s"', id: `"${id}"`, account: '"second"', bytes_out_wire: '3' })
  expect(receiptOf(await first.post('/v1/events', event)).accepted).toBe(1)
  ledger.sent(`s ${id}`, 'second', 3n)
  expect(await usageTotals(first, 'second')).toEqual(ledger.totals('second'))
}

/** Processes of this data directory: those that name it. Null where the system does not tell. */
function processesOf(directory: string): string[] | null {
  if (process.platform !== 'linux') return null
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
        return `${command} ${environment}`.includes(directory) ? `${pid} ${command}` : ''
      } catch {
        return ''
      }
    })
    .filter((found) => found !== '')
}

beforeAll(async () => {
  first = await startService({ data })
})
afterAll(async () => {
  await discardData(data)
  removeDirectory(links)
})

describe('a second service on the same data directory', () => {
  test.each(['the same path', 'a link to it'])('%s: ends with 1 and names the first, which goes on', async (way) => {
    await send()
    const link = join(links, 'data')
    if (way === 'a link to it') symlinkSync(data, link)
    const postgres = postmasterOf(cluster)
    const second = launchService({ data: way === 'a link to it' ? link : data })
    await expect(second.ready).rejects.toThrow(`another crossfoot (pid ${first.process.pid}) already uses ${data}`)
    expect(await second.ended).toBe(1)
    expect(second.output().split('\n'), 'one line, no stack').toHaveLength(1)
    expect(second.output()).toContain('set CROSSFOOT_DATA to another directory')
    expect(postmasterOf(cluster), 'the Postgres of the first is left alone').toBe(postgres)
    await send()
  })

  test('many at once: the first goes on', async () => {
    const others = Array.from({ length: 4 }, () => launchService({ data }))
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual([1, 1, 1, 1])
    await send()
  })

  test('many at once on a directory that nobody holds: exactly one comes up', async () => {
    const free = temporaryDirectory('second-race')
    const racing = Array.from({ length: 3 }, () => launchService({ data: free }))
    const outcomes = await Promise.allSettled(racing.map(({ ready }) => ready))
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    try {
      expect(winners).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(String(outcome.reason)).toContain('already uses')
      }
    } finally {
      await discardData(free)
    }
  })
})

describe('an orderly stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s: exit code 0, no process is left behind', async (signal) => {
    await send()
    const postgres = postmasterOf(cluster)
    expect(postgres).not.toBeNull()
    expect(processesOf(data)).not.toEqual([])
    first.process.kill(signal)
    expect(await first.ended).toBe(0)
    expect(isRunning(postgres ?? 0)).toBe(false)
    expect(postmasterOf(cluster)).toBeNull()
    expect(processesOf(data) ?? []).toEqual([])
    first = await startService({ data })
    expect(await usageTotals(first, 'second')).toEqual(ledger.totals('second'))
  })

  test('a sender in the middle of a body does not hold it up, and nothing of the body is taken', async () => {
    const line = lineOf({ source: '"cut off"', id: '"1"', account: '"second"' })
    const connection = await rawConnection(first)
    await connection.write(`${eventsHead(first.key, 1_000)}${line}\n`)
    const started = performance.now()
    expect(await first.stop()).toBe(0)
    expect(performance.now() - started).toBeLessThan(40_000)
    expect(await connection.closed).not.toContain('200 OK')
    first = await startService({ data })
    expect((await first.get('/v1/sources/cut%20off')).status).toBe(404)
  })

  test('the directory is free at once, and after kill -9 as well', async () => {
    await first.kill()
    first = await startService({ data })
    await send()
    expect(await first.stop()).toBe(0)
    first = await startService({ data })
    await send()
  })
})

test('a port that is taken: ends with 1, says what to do, and leaves no Postgres behind', async () => {
  const other = temporaryDirectory('second-port')
  try {
    const port = new URL(first.address).port
    const second = launchService({ data: other, env: { PORT: port } })
    await expect(second.ready).rejects.toThrow(`already listens on 127.0.0.1:${port}; stop it, or set PORT`)
    expect(await second.ended).toBe(1)
    expect(processesOf(other) ?? []).toEqual([])
  } finally {
    await discardData(other)
  }
})
