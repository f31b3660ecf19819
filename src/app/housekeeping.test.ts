import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { openLmdbLog } from '../log/lmdb.ts'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import { forgetUntil } from './housekeeping.ts'

test('L2: a clock that jumps ahead for a while does not make the log forget what can still arrive', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-housekeeping-'))
  let log = openLmdbLog(directory)
  try {
    await log.append([arrivalOf({ id: 'a' })], testNow)
    const jumped = (testNow + 40 * dayMicros) as Micros
    const run = (now: Micros): Promise<void> => log.forget(forgetUntil(now, log.forgotten()))
    // A day of runs with the wrong clock; the service is started again in the middle of it.
    for (let hour = 0; hour < 24; hour += 1) {
      await run(jumped)
      if (hour !== 12) continue
      await log.close()
      log = openLmdbLog(directory)
    }
    const { outcomes } = await log.append([arrivalOf({ id: 'a' })], testNow)
    expect(outcomes).toEqual([{ kind: 'duplicate' }])
    // The clock is right again, and what is done by it is what it always was.
    await run(testNow)
    expect(log.forgotten()).toBe(testNow)
  } finally {
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  }
})

test('what is old is forgotten in steps, until nothing of it is left', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-housekeeping-'))
  const log = openLmdbLog(directory)
  try {
    const now = (testNow + 60 * dayMicros) as Micros
    // The first run begins 37 days back and takes three hours; an hour later it takes three more.
    expect(forgetUntil(now, null)).toBe(now - 37 * dayMicros + 3 * 3_600_000_000)
    let runs = 0
    for (; log.forgotten() !== now; runs += 1) await log.forget(forgetUntil(now, log.forgotten()))
    expect(runs).toBe((37 * 24) / 3)
    expect(forgetUntil(5 as Micros, null)).toBe(0)
  } finally {
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  }
})
