import { setTimeout as pause } from 'node:timers/promises'
import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { askStagedJobs, dropStaged } from '../store/staged.ts'
import { whileLocked } from './backfill-lock.ts'
import { isWorking, needsLoads } from './backfill-state.ts'
import { getBackfill, listBackfills, setTrouble } from './backfill-table.ts'
import { workOnClosing, workOnReverting } from './backfill-work.ts'
import type { Service } from './service.ts'

export const limits = {
  retryMillisMin: 500,
  retryMillisMax: 60_000,
  /** Jobs that are looked at when the service starts. */
  jobsMax: 1_000,
  /** Jobs that are worked on at once: each needs the database, the store and the log as ingest and questions do. */
  atOnce: 2,
} as const

/** Whether nothing of what a job has loaded is needed any more. A job that this database does not know is left alone. */
async function isOver(database: Queryable, id: string): Promise<boolean> {
  try {
    const { state } = await getBackfill(database, id)
    return !needsLoads(state)
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

/** Works on jobs that were closed or reverted until they are done: after a failure again, after a crash again. */
export class BackfillRunner {
  readonly #service: Service
  readonly #stop = new AbortController()
  readonly #working = new Set<Promise<void>>()
  readonly #jobs = new Set<string>()
  readonly #waiting: (() => void)[] = []
  #free: number = limits.atOnce

  constructor(service: Service) {
    this.#service = service
  }

  /** Goes on with what an earlier process left undone; a store that does not answer yet does not hold up the start. */
  start(): void {
    this.#repeat('backfill jobs cannot be looked at', async () => {
      await this.#begin()
      return true
    })
  }

  async #begin(): Promise<void> {
    for (const state of ['closing', 'reverting'] as const) {
      const jobs = await listBackfills(this.#service.database, { state, before: null, most: limits.jobsMax })
      for (const { id } of jobs) this.wake(id)
    }
    // What jobs that are over have left in the store.
    const { engine, database } = this.#service
    for (const id of await askStagedJobs(engine)) if (await isOver(database, id)) await dropStaged(engine, id)
  }

  /** Until it gives true, or the service stops. */
  #repeat(trouble: string, attempt: () => Promise<boolean>, onTrouble?: (error: unknown) => Promise<unknown>): void {
    const work = this.#attempts(trouble, attempt, onTrouble).finally(() => this.#working.delete(work))
    this.#working.add(work)
  }

  async #attempts(
    trouble: string,
    attempt: () => Promise<boolean>,
    onTrouble: (error: unknown) => Promise<unknown> = async () => undefined,
  ): Promise<void> {
    const { signal } = this.#stop
    for (
      let delay: number = limits.retryMillisMin;
      !signal.aborted;
      delay = Math.min(2 * delay, limits.retryMillisMax)
    ) {
      try {
        if (await attempt()) return
      } catch (error) {
        this.#service.logger.warn({ err: error }, trouble)
        await onTrouble(error).catch(() => undefined)
      }
      await pause(delay, undefined, { signal }).catch(() => undefined)
    }
  }

  /** There is work on a job. */
  wake(id: string): void {
    if (this.#stop.signal.aborted || this.#jobs.has(id)) return
    this.#jobs.add(id)
    const attempt = async (): Promise<boolean> => {
      if (!(await this.#attempt(id))) return false
      this.#jobs.delete(id)
      // A decision may have been taken between the last look and now.
      if (isWorking((await getBackfill(this.#service.database, id)).state)) this.wake(id)
      return true
    }
    this.#repeat('a backfill job does not get on; it is tried again', attempt, (error) =>
      setTrouble(this.#service.database, id, error instanceof Error ? error.message : String(error)),
    )
  }

  /** One attempt, when it is the job's turn and no other process works on it. True: there is nothing left to do. */
  async #attempt(id: string): Promise<boolean> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      if (this.#stop.signal.aborted) return false
      return await whileLocked(this.#service.databaseUrl, id, () => this.#step(id))
    } finally {
      // The turn goes to whoever waits longest; a job that failed waits behind the others.
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  async #step(id: string): Promise<boolean> {
    const job = await getBackfill(this.#service.database, id)
    const isStopped = (): boolean => this.#stop.signal.aborted
    if (!isWorking(job.state)) return true
    if (job.state === 'closing') await workOnClosing(this.#service, job, isStopped)
    else await workOnReverting(this.#service, job, isStopped)
    return !isStopped()
  }

  /** Resolves when nothing is under way; what was begun goes on with the next start. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#working)
  }
}
