import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Campaign } from '../support/campaign.ts'
import { planRound } from '../support/campaign-plan.ts'
import { discardData, temporaryDirectory } from '../support/service.ts'

/**
 * The campaign of `npm run crash` with a fixed seed. Its plan follows from the seed; what meets what is left to the
 * moment, so a replay is close and not exact. CROSSFOOT_SEED and CROSSFOOT_ROUNDS set others.
 */
const seed = Number(process.env['CROSSFOOT_SEED'] ?? 20_261_122)
const rounds = Number(process.env['CROSSFOOT_ROUNDS'] ?? 10)

describe(`hit at random moments under load (CROSSFOOT_SEED=${seed})`, { timeout: 600_000 }, () => {
  const data = temporaryDirectory('crash')
  const campaign = new Campaign({ seed, disk: null, service: { data } })
  beforeAll(() => campaign.open())
  afterAll(async () => {
    await campaign.close()
    await discardData(data)
  })

  test(`${rounds} rounds: what was acknowledged is counted once, all else once when it is sent again, and the balance closes`, async () => {
    for (let number = 1; number <= rounds; number += 1) await campaign.round(number)
  })

  test('after an orderly stop and one more start the numbers are the same', () => campaign.finish())
})

describe('the campaign', () => {
  test('does the same for the same seed, and in twenty rounds every kind of blow and fault', () => {
    const plans = Array.from({ length: 20 }, (_, index) => planRound(seed, index + 1, false))
    expect(plans).toEqual(plans.map(({ number }) => planRound(seed, number, false)))
    expect(plans).not.toEqual(plans.map(({ number }) => planRound(seed + 1, number, false)))
    expect(new Set(plans.map(({ blow }) => blow.kind))).toEqual(
      new Set(['kill', 'kill while projecting', 'kill postgres', 'kill backend', 'stop']),
    )
    const faults = plans.flatMap((plan) => [...plan.faults.values()].flat())
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(8)
    expect(new Set(plans.map(({ startKills }) => startKills.length > 0))).toEqual(new Set([true, false]))
  })

  test('tells how it is called', () => {
    const crash = (...args: string[]) =>
      spawnSync(process.execPath, [join(import.meta.dirname, 'crash.ts'), ...args], { encoding: 'utf8' })
    expect(crash('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--power-cuts') })
    for (const wrong of [['--rounds', '0'], ['--seed', 'x'], ['--fast']]) {
      expect(crash(...wrong)).toMatchObject({ status: 2, stderr: expect.stringContaining('--help') })
    }
  })
})
