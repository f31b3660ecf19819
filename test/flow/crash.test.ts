import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { postmasterOf } from '../../src/app/postgres-leftover.ts'
import { isRunning } from '../../src/app/running-process.ts'
import { balances, eventsInLog, sumOf } from '../support/answers.ts'
import { diceOf, seedOfRun } from '../support/dice.ts'
import { Ledger, countedIdentities, usageTotals } from '../support/ledger.ts'
import { Sender } from '../support/sender.ts'
import { discardData, launchService, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

/**
 * kill -9 at random moments under load. Replay with CROSSFOOT_SEED; the moments are random in events and
 * milliseconds, so a replay is close and not exact. CROSSFOOT_ROUNDS sets the number of rounds.
 */
const seed = seedOfRun()
const rounds = Number(process.env['CROSSFOOT_ROUNDS'] ?? 20)
const dice = diceOf(seed)
const data = temporaryDirectory('crash')
const cluster = join(data, 'postgres', 'cluster')
const ledger = new Ledger()
const senders = ['numbered-1', 'numbered-2', 'unnumbered-1', 'unnumbered-2'].map(
  (source) => new Sender({ source, numbered: source.startsWith('numbered'), ledger, dice }),
)
let service: RunningService | null = null

afterAll(() => discardData(data))

/** All senders at work, until the service is killed: after some acknowledgements and some milliseconds. */
async function loadAndKill(running: RunningService, account: string): Promise<void> {
  const enough = Promise.withResolvers<void>()
  let left = 1 + dice(60)
  const acknowledged = (): void => {
    left -= 1
    if (left === 0) enough.resolve()
  }
  const load = Promise.all(senders.map((sender) => sender.sendUntilCut(running, account, acknowledged)))
  // A wrong answer ends the load with an error before there are enough acknowledgements.
  await Promise.race([enough.promise, load])
  // The projection gathers for 40 ms and then inserts for some more: each part of it is hit now and then.
  await pause(dice(160))
  await running.kill()
  await load
}

/** Starts on what the kill left behind; now and then the start is killed as well, at any point of it. */
async function restart(): Promise<RunningService> {
  const left = postmasterOf(cluster)
  expect(left, 'the Postgres of a killed service is still there').not.toBeNull()
  for (let kills = dice(4) === 0 ? 1 + dice(2) : 0; kills > 0; kills -= 1) {
    const launched = launchService({ data })
    await pause(dice(2_000))
    await launched.kill()
  }
  const started = await startService({ data })
  expect(isRunning(left ?? 0), 'the old Postgres was ended').toBe(false)
  expect(postmasterOf(cluster), 'and a new one runs').not.toBeNull()
  // The interrupted range is finished under its tokens; emptying the store is for damage, and takes for ever.
  expect(started.output()).not.toContain('rebuilding it from the log')
  return started
}

async function expectOnce(running: RunningService, account: string, complete: boolean): Promise<void> {
  const counted = await countedIdentities(running, account)
  const once = new Set(counted)
  expect(counted, 'nothing is counted twice').toHaveLength(once.size)
  const acknowledged = ledger.identities(account, 'acknowledged')
  const sent = ledger.identities(account, 'sent')
  expect([...acknowledged.difference(once)], 'acknowledged and not counted').toEqual([])
  expect([...once.difference(sent)], 'counted and never sent').toEqual([])
  if (!complete) return
  expect([...sent.difference(once)], 'sent, acknowledged at last, and not counted').toEqual([])
  expect(await usageTotals(running, account)).toEqual(ledger.totals(account))
}

async function round(account: string): Promise<void> {
  service ??= await startService({ data })
  await loadAndKill(service, account)
  service = await restart()
  await expectOnce(service, account, false)
  await Promise.all(senders.map((sender) => sender.retry(service as RunningService)))
  await expectOnce(service, account, true)
}

async function expectBalance(running: RunningService): Promise<void> {
  const all = await balances(running)
  const size = BigInt(ledger.size())
  expect(await eventsInLog(running)).toBe(size)
  expect(sumOf(all.values(), 'accepted')).toBe(size)
  expect(sumOf(all.values(), 'quarantined')).toBe(0n)
}

describe(`killed with -9 under load (CROSSFOOT_SEED=${seed})`, () => {
  test(
    `${rounds} rounds: every acknowledged event is counted once, all others once after their retry`,
    { timeout: 600_000 },
    async () => {
      for (let number = 0; number < rounds; number += 1) {
        try {
          await round(`round-${number}`)
        } catch (error) {
          throw new Error(`round ${number} of CROSSFOOT_SEED=${seed}\n${service?.output() ?? ''}`, { cause: error })
        }
      }
      await expectBalance(service as RunningService)
    },
  )

  test('after an orderly stop and one more start the numbers are the same', async () => {
    expect(await service?.stop()).toBe(0)
    service = await startService({ data })
    for (let number = 0; number < rounds; number += 1) {
      expect(await usageTotals(service, `round-${number}`)).toEqual(ledger.totals(`round-${number}`))
    }
    await expectBalance(service)
    expect(await service.stop()).toBe(0)
  })
})
