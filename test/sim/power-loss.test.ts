import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SpoolState } from '../../src/collect/spool-frame.ts'
import { Spool } from '../../src/collect/spool.ts'
import type { Micros } from '../../src/core/time.ts'
import { ndjson, receiptOf } from '../support/answers.ts'
import { runCampaign } from '../support/campaign-run.ts'
import { diceFor } from '../support/dice.ts'
import { countedIdentities } from '../support/ledger.ts'
import { lineOf } from '../support/odd-events.ts'
import { PowerDisk, cutPower, powerCutsImpossible } from '../support/power-loss.ts'
import { withoutSyncs } from '../support/power-loss-lie.ts'
import { discardData, launchService, startService } from '../support/service.ts'

const skipped = await powerCutsImpossible()
const firstStarts = Number(process.env['CROSSFOOT_ROUNDS'] ?? 2)
const seed = Number(process.env['CROSSFOOT_SEED'] ?? 20_261_122)

function diskOf(name: string): PowerDisk {
  const disk = new PowerDisk(name, 64)
  onTestFinished(() => disk.remove())
  return disk
}

const acknowledged = Array.from({ length: 300 }, (_, index) => `edge ${index + 1}`)

/** What is counted of events that were all acknowledged just before the power was cut. */
async function countedAfterCut(wrapper: readonly string[]): Promise<string[]> {
  const disk = new PowerDisk('power-lie')
  const data = join(disk.path, 'data')
  try {
    const before = await startService({ data, wrapper })
    // The cut is to find the answers unprotected, and not an installation that is half there.
    disk.flush()
    for (let first = 1; first <= acknowledged.length; first += 50) {
      const lines = Array.from({ length: 50 }, (_, index) =>
        lineOf({ source: '"edge"', seq: String(first + index), account: '"acme"' }),
      )
      expect(receiptOf(await before.post('/v1/events', lines.join('\n'), ndjson)).accepted).toBe(50)
    }
    await cutPower(disk, before)
    // What is left of files that were never synced may be beyond opening: then nothing that was acknowledged is there.
    const after = await startService({ data }).catch(() => null)
    if (after === null) return []
    return (await countedIdentities(after, 'acme')).toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
  } finally {
    await discardData(data)
    await disk.remove()
  }
}

/** L3: an answer survives the loss of power, not only kill -9. */
describe.skipIf(skipped !== '')(`the power is cut${skipped}`, { timeout: 300_000 }, () => {
  test('control: what was not synced is gone, what was synced is there', async () => {
    const disk = diskOf('power-control')
    const write = (name: string, isSynced: boolean): void => {
      const file = openSync(join(disk.path, name), 'w')
      writeSync(file, 'text')
      if (isSynced) fsyncSync(file)
      closeSync(file)
    }
    write('synced', true)
    write('not synced', false)
    const grown = join(disk.path, 'synced')
    appendFileSync(grown, ' and more')
    expect(readFileSync(grown, 'utf8')).toBe('text and more')
    disk.cut()
    await disk.powerOn()
    expect(readFileSync(grown, 'utf8')).toBe('text')
    const other = join(disk.path, 'not synced')
    expect(existsSync(other) ? readFileSync(other, 'utf8') : '').toBe('')
  })

  test(`5 cuts under load: every acknowledged event is counted once, and so is all that was sent (CROSSFOOT_SEED=${seed})`, async () => {
    const { blows, rebuilt } = await runCampaign({ rounds: 5, seed, powerCuts: true })
    expect(blows).toEqual({ 'power cut': 5 })
    expect(rebuilt, 'a power cut is no reason to make the store again from the log').toBe(0)
  })

  test(`cut in the middle of the first start: a later start makes a whole installation of it (CROSSFOOT_SEED=${seed})`, async () => {
    const dice = diceFor(seed, 'first start')
    for (let turn = 0; turn < firstStarts; turn += 1) {
      const disk = new PowerDisk('power-start')
      const data = join(disk.path, 'data')
      try {
        const moments = Array.from({ length: 1 + dice(2) }, () => 100 + dice(1_500))
        for (const millis of moments) {
          const launched = launchService({ data })
          await pause(millis)
          await cutPower(disk, launched)
        }
        const service = await startService({ data })
        const event = lineOf({ source: '"edge"', seq: '1', account: '"acme"' })
        expect(
          receiptOf(await service.post('/v1/events', event, ndjson)).accepted,
          `after ${moments.join(', ')} ms`,
        ).toBe(1)
        expect(await service.stop()).toBe(0)
      } finally {
        await discardData(data)
        await disk.remove()
      }
    }
  })

  test('control: a service whose syncs do nothing is found out', async () => {
    expect(await countedAfterCut([])).toEqual(acknowledged)
    const counted = await countedAfterCut(withoutSyncs())
    expect(counted.length).toBeLessThan(acknowledged.length)
  })

  test('what the agent’s spool has taken is there again, and nothing that it has not', async () => {
    const disk = diskOf('power-spool')
    const folder = join(disk.path, 'spool')
    const bounds = { bytesMax: 10_000_000, segmentBytesMax: 20_000 }
    const initial: SpoolState = {
      source: 'edge',
      epoch: 'first',
      seq: 0,
      lost: 0,
      upTo: null,
      files: [],
      begunAt: 0 as Micros,
      lookedAt: 0 as Micros,
      finished: [],
    }
    let spool = new Spool(folder, bounds, () => initial)
    const taken: string[] = []
    for (let cut = 0; cut < 4; cut += 1) {
      for (let frame = 0; frame < 40; frame += 1) {
        const events = [`event ${taken.length} ${'x'.repeat(500)}`]
        spool.append({ ...initial, seq: taken.length + 1 }, events)
        taken.push(...events)
      }
      disk.cut()
      spool.close()
      await disk.powerOn()
      spool = new Spool(folder, bounds, () => initial)
      expect(spool.state.seq).toBe(taken.length)
      expect(spool.next({ eventsMax: 1_000, bytesMax: 10_000_000 })?.events).toEqual(taken)
    }
    spool.close()
  })
})
