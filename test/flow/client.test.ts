import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HostTask } from '../support/client-host.ts'
import type { ClientStats } from '../../src/collect/client/client.ts'
import { diceOf, seedOfRun } from '../support/dice.ts'
import { countedIdentities, usageTotals } from '../support/ledger.ts'
import { discardData, removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Replay with CROSSFOOT_SEED; the moments are random in milliseconds, so a replay is close and not exact. */
const seed = seedOfRun()
const dice = diceOf(seed)
const rounds = 6
const data = temporaryDirectory('client')
const hosts = temporaryDirectory('client-host')
const running = new Set<ChildProcess>()
let service: RunningService
beforeAll(async () => {
  service = await startService({ data })
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await service.stop()
  removeDirectory(hosts)
  await discardData(data)
})

interface Host {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  readonly ledger: () => string
}

function startHost(task: Omit<HostTask, 'spool' | 'ledger'>): Host {
  const ledger = join(hosts, `ledger-${task.account}`)
  const whole: HostTask = { ...task, spool: join(hosts, 'spool'), ledger }
  const script = join(import.meta.dirname, '../support/client-host.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(whole)], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  const ended = once(child, 'exit').then(() => running.delete(child))
  const read = (): string => {
    try {
      return readFileSync(ledger, 'latin1')
    } catch {
      return ''
    }
  }
  return { child, ended, ledger: read }
}

interface Recorded {
  readonly taken: Set<string>
  lost: number
  /** Under way when the host was killed: taken, lost or neither. */
  readonly unclear: Set<string>
}

function readLedger(account: string, ledger: string, recorded: Recorded): void {
  for (const [index, [, result]] of [...ledger.matchAll(/b([rl]?)/g)].entries()) {
    const identity = `host ${account}-${index + 1}`
    if (result === 'r') recorded.taken.add(identity)
    else if (result === 'l') recorded.lost += 1
    else recorded.unclear.add(identity)
  }
}

interface SourceAnswer {
  readonly epochs: readonly {
    readonly accepted: readonly (readonly [string, string])[]
    readonly checkpoint: { readonly seq: string; readonly lost: string } | null
  }[]
}

async function sourceOf(): Promise<SourceAnswer['epochs'][number] | undefined> {
  const { body } = await service.get('/v1/sources/host')
  const { epochs } = body as SourceAnswer
  expect(epochs).toHaveLength(1)
  return epochs[0]
}

describe(`a service with the client library, killed with -9 (CROSSFOOT_SEED=${seed})`, () => {
  test(`${rounds} rounds: recorded = counted + declared lost, to the event, and no number is missing`, async () => {
    const recorded: Recorded = { taken: new Set(), lost: 0, unclear: new Set() }
    const key = service.key
    for (let round = 1; round <= rounds; round += 1) {
      // In every third round nobody answers and the records are large, so that the spool fills up.
      const isAway = round % 3 === 2
      const url = isAway ? 'http://127.0.0.1:9' : service.address
      const host = startHost({
        url,
        key,
        account: `round-${round}`,
        seed: dice(1_000_000),
        weight: isAway ? 20_000 : 50,
      })
      const mark = isAway ? 'l' : 'r'
      await until(() => host.ledger().includes(mark), 20_000, `the host records, and the first is ${mark}`)
      await pause(dice(400))
      host.child.kill('SIGKILL')
      await host.ended
      readLedger(`round-${round}`, host.ledger(), recorded)
    }
    const last = startHost({ url: service.address, key, account: 'round-last', seed, weight: 50 })
    await until(() => last.ledger().includes('r'), 20_000, 'the last host records')
    last.child.stdin?.end()
    const printed = last.child.stdout === null ? '' : await text(last.child.stdout)
    await last.ended
    readLedger('round-last', last.ledger(), recorded)
    const stats = JSON.parse(printed) as ClientStats
    expect(stats, printed).toMatchObject({ pending: 0, quarantined: 0 })

    const counted: string[] = []
    for (let round = 1; round <= rounds; round += 1)
      counted.push(...(await countedIdentities(service, `round-${round}`)))
    counted.push(...(await countedIdentities(service, 'round-last')))
    const once = new Set(counted)
    expect(counted, 'nothing is counted twice').toHaveLength(once.size)
    expect([...recorded.taken.difference(once)], 'taken and not counted').toEqual([])
    const surplus = once.difference(recorded.taken)
    expect([...surplus.difference(recorded.unclear)], 'counted and never taken').toEqual([])

    const source = await sourceOf()
    expect(source?.accepted, 'no number is missing').toEqual([['1', String(once.size)]])
    expect(source?.checkpoint).toMatchObject({ seq: String(once.size), lost: String(stats.declaredLost) })
    expect(recorded.lost, 'the spool was full now and then').toBeGreaterThan(0)
    // What was under way at a kill was taken (then it is counted), or lost, or nothing yet.
    const unclear = recorded.unclear.size - surplus.size
    expect(stats.declaredLost).toBeGreaterThanOrEqual(recorded.lost)
    expect(stats.declaredLost).toBeLessThanOrEqual(recorded.lost + unclear)
  })
})

/** An example as the README of the examples says to start it. */
function startExample(name: string): ChildProcess {
  const env = {
    ...process.env,
    CROSSFOOT_URL: service.address,
    CROSSFOOT_KEY: service.key,
    SPOOL: join(hosts, 'example'),
    PORT: '0',
  }
  const script = join(import.meta.dirname, '../../examples', name)
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

describe('the examples', () => {
  test('01 sends events and prints the usage that they make', async () => {
    const { stdout } = startExample('01-send-events.ts')
    const printed = stdout === null ? '' : await text(stdout)
    expect(printed).toContain('11 recorded, 11 acknowledged, 0 lost\n')
    expect(printed).toMatch(/example has made \d+ request/)
  })

  test('02 records each request with its bytes, over one connection and several', async () => {
    const before = await usageTotals(service, 'example')
    const child = startExample('02-http-middleware.ts')
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
    const { value: greeting } = await lines.next()
    const address = new URL(/http:\S+/.exec(String(greeting))?.[0] ?? '')
    let bytes = 0n
    for (const paths of [['/a', '/bb?q=1', '/ccc'], ['/dddd']]) {
      const socket = connect(Number(address.port), '127.0.0.1')
      for (const [index, path] of paths.entries()) {
        const isLast = index === paths.length - 1
        socket.write(`GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: ${isLast ? 'close' : 'keep-alive'}\r\n\r\n`)
      }
      bytes += BigInt((await buffer(socket)).length)
    }
    child.kill('SIGTERM')
    const { value: summary } = await lines.next()
    expect(summary).toBe('4 acknowledged, 0 left in the spool, 0 lost')
    const after = await usageTotals(service, 'example')
    expect(after.requests - before.requests).toBe(4n)
    expect(after.bytes - before.bytes).toBe(bytes)
  })
})
