import { forgetAnswers } from '../account/idempotency.ts'
import type { Service } from './service.ts'

/** Once an hour is often enough for what is kept for days and weeks. */
const everyMillis = 3_600_000

/** Lets go of what no longer guards anything (L12): content hashes of old identities, answers to old writes. */
export function startHousekeeping(service: Service): () => Promise<void> {
  const { database, log, logger, world } = service
  const keep = async (): Promise<void> => {
    await log.forget(world.now())
    await forgetAnswers(database, world.now())
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
