import { forgetAnswers } from '../account/idempotency.ts'
import { dutiesOf } from './roles.ts'
import type { Service } from './service.ts'

/** Once an hour is often enough for what is kept for days and weeks. */
const everyMillis = 3_600_000

/** Lets go of what no longer guards anything (L12): content hashes of old identities, answers to old writes. */
export function startHousekeeping(service: Service): () => Promise<void> {
  const { config, database, log, logger, world } = service
  // What each process remembers of the log it forgets by itself; what is in the database is one role's work.
  const { works } = dutiesOf[config.role]
  const keep = async (): Promise<void> => {
    await log.forget(world.now())
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
