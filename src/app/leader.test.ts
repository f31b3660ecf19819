import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/until.ts'
import { withLock } from './leader-lock.ts'
import { adviceFor } from './leader-projection.ts'
import { limits, waitForLead } from './leader.ts'

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.close())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

test('a lead that was not confirmed for long enough is not held, though nobody said that it is lost', async () => {
  const lease = await waitForLead(database.url, new AbortController().signal)
  expect(lease?.isHeld()).toBe(true)
  // The process was frozen: its clock has gone on, and no confirmation was asked for.
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + limits.heldMillis)
  expect(lease?.isHeld()).toBe(false)
  // The next confirmation is asked for by the new time.
  await until(() => lease?.isHeld() === true, 10_000, 'it is confirmed again')
  await lease?.release()
})

test('who waits long for the lock of the installation says so, once', async () => {
  const holding = Promise.withResolvers<void>()
  let [held, said] = [false, 0]
  const holder = withLock(
    database.url,
    () => {
      held = true
      return holding.promise
    },
    () => undefined,
  )
  await until(() => held, 10_000, 'the lock is held')
  const real = globalThis.setTimeout
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, millis = 0) =>
    real(work, millis === 10_000 ? 1 : millis)) as typeof setTimeout)
  const waiter = withLock(
    database.url,
    () => Promise.resolve('done'),
    () => {
      said += 1
    },
  )
  await until(() => said === 1, 10_000, 'it was said')
  holding.resolve()
  await holder
  expect([await waiter, said]).toEqual(['done', 1])
})

test('what is said of a store that has more than the log here names both reasons', () => {
  const text = adviceFor('ahead', 'the store has events up to offset 9, the log only up to 5')
  expect(text).toContain('does not follow')
  expect(text).toContain('the log lacks events')
  expect(adviceFor('other', 'x')).toContain('not of this log')
  expect(adviceFor('damaged', 'x')).toContain('--rebuild-store')
})
