import { forgetAnswers } from '../account/idempotency.ts'
import type { Service } from './service.ts'

/** Once an hour is often enough for what is kept for days and weeks. */
const everyMillis = 3_600_000

/** Lets go of what no longer guards anything (L12): content hashes of old identities, answers to old writes. */
export function startHousekeeping(service: Service): () => void {
  const { database, log, logger, world } = service
  const keep = async (): Promise<void> => {
    await log.forget(world.now())
    await forgetAnswers(database, world.now())
  }
  const timer = setInterval(() => {
    keep().catch((error: unknown) => logger.warn({ err: error }, 'housekeeping failed; it is tried again in an hour'))
  }, everyMillis)
  timer.unref()
  return () => clearInterval(timer)
}
