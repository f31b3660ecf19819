import { forgetAnswers } from '../account/idempotency.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { rememberedDays } from '../log/identities.ts'
import { dutiesOf } from './roles.ts'
import type { Service } from './service.ts'

/** Once an hour is often enough for what is kept for days and weeks. */
const everyMillis = 3_600_000

export const limits = {
  /**
   * What the log forgets in one run, at most. Forgetting is the one work of a clock that cannot be undone (L2): of a clock
   * that jumps ahead by weeks, the log believes so much each hour, which leaves a day to put the clock right before an
   * event of the window of ingest could count twice.
   */
  stepMicros: 3 * 3_600_000_000,
} as const

/** Until when the log forgets in this run. A log that never forgot begins where nothing is to be forgotten yet. */
export function forgetUntil(now: Micros, forgotten: Micros | null): Micros {
  const from = forgotten ?? now - rememberedDays * dayMicros
  return Math.max(0, Math.min(now, from + limits.stepMicros)) as Micros
}

/** Lets go of what no longer guards anything (L12): content hashes of old identities, answers to old writes. */
export function startHousekeeping(service: Service): () => Promise<void> {
  const { config, database, log, logger, world } = service
  // What each process remembers of the log it forgets by itself; what is in the database is one role's work.
  const { works } = dutiesOf[config.role]
  const keep = async (): Promise<void> => {
    await log.forget(forgetUntil(world.now(), log.forgotten()))
    if (works) await forgetAnswers(database, world.now())
  }
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = keep().catch((error: unknown) =>
      logger.warn({ err: error }, 'housekeeping failed; it is tried again in an hour'),
    )
  }, everyMillis)
  timer.unref()
  // Resolves when nothing of it is under way, so that the log is not closed under its hands.
  return () => {
    clearInterval(timer)
    return running
  }
}
