import { setTimeout as pause } from 'node:timers/promises'
import { Overtaken } from '../store/claim.ts'
import { Projection } from '../store/project.ts'
import type { ProjectionPorts } from '../store/project.ts'
import type { Engine } from '../store/engine.ts'
import { fenced, waitForLead } from './leader.ts'
import type { Lease } from './leader.ts'
import { Projector } from './projector.ts'

export const limits = {
  /** Events arrive through other processes: the log is looked at so often. */
  lookMillis: 50,
  /** A new leader's own copy of the log may be behind what the old one had projected; it waits so long for it. */
  behindMillis: 30_000,
  againMillis: 1_000,
} as const

export interface LeaderPorts extends ProjectionPorts {
  readonly databaseUrl: string
  /** Empties the store and creates its tables again. Null: a damaged store is not ours to empty. */
  readonly rebuild: ((engine: Engine) => Promise<void>) | null
  readonly report: (error: unknown) => void
  /** What nobody but a person can put right. */
  readonly onFatal: (reason: string) => void
}

/** Fills a shared store while this process leads, and stands by while another one does. */
export class ProjectionLeader {
  readonly #ports: LeaderPorts
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #projector: Projector | null = null
  #trouble: string | null = null

  constructor(ports: LeaderPorts) {
    this.#ports = ports
    this.#ended = this.#run()
  }

  get leads(): boolean {
    return this.#projector !== null
  }

  get trouble(): string | null {
    return this.#projector?.trouble ?? this.#trouble
  }

  wake(): void {
    this.#projector?.wake()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const lease = await waitForLead(this.#ports.databaseUrl, signal)
        if (lease === null) return
        this.#trouble = null
        await this.#lead(lease).finally(() => lease.release())
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : String(error)
        this.#ports.report(error)
      }
      await pause(limits.againMillis, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One time of leading, from the proof of the store to the loss of the lease. */
  async #lead(lease: Lease): Promise<void> {
    const { log, report } = this.#ports
    const projection = await this.#prove({ ...this.#ports, engine: fenced(this.#ports.engine, lease), shared: true })
    if (projection === null) return
    const over = Promise.withResolvers<unknown>()
    void lease.lost.then(over.resolve)
    this.#stop.signal.addEventListener('abort', over.resolve, { once: true })
    const projector = new Projector(
      projection,
      () => log.end(),
      (error) => {
        report(error)
        if (error instanceof Overtaken) over.resolve(error)
      },
    )
    const looking = setInterval(() => projector.wake(), limits.lookMillis)
    this.#projector = projector
    try {
      if (this.#stop.signal.aborted) return
      await over.promise
    } finally {
      this.#projector = null
      clearInterval(looking)
      await projector.stop()
    }
  }

  /** Proves the store against the log. Null: it is not for this process to go on. */
  async #prove(ports: ProjectionPorts): Promise<Projection | null> {
    const { log } = ports
    let until = performance.now() + limits.behindMillis
    let end = log.end()
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      const projection = new Projection(ports)
      const standing = await projection.open()
      if (standing.kind === 'consistent') return projection
      // A copy of the log that still grows is behind, and may come to have what the store has.
      if (log.end() > end) until = performance.now() + limits.behindMillis
      end = log.end()
      if (isCertain(standing.kind, { attempt, isOver: performance.now() > until })) {
        const mayRebuild = standing.kind === 'damaged' && this.#ports.rebuild !== null
        if (!mayRebuild) {
          this.#ports.onFatal(adviceFor(standing.kind, standing.reason))
          this.#stop.abort()
          return null
        }
        await this.#ports.rebuild?.(ports.engine)
      }
      await pause(limits.againMillis, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
    return null
  }
}

/** A leader that is just losing its lead may have written meanwhile: what looks damaged is looked at again. */
function isCertain(
  kind: 'damaged' | 'ahead' | 'other',
  { attempt, isOver }: { readonly attempt: number; readonly isOver: boolean },
): boolean {
  switch (kind) {
    case 'damaged':
      return attempt > 1
    case 'ahead':
      return isOver
    case 'other':
      return true
  }
}

/** What the operator of a shared store is told to do about it. */
export function adviceFor(kind: 'damaged' | 'ahead' | 'other', reason: string): string {
  switch (kind) {
    case 'ahead':
      return (
        `${reason}, and that has not changed for ${limits.behindMillis / 1000} s. If other processes are further, the ` +
        'copy of the log in this one does not follow: see what it says of Kafka and of its disk. If none is, the log lacks ' +
        'events that were accepted: restore it from its backup'
      )
    case 'other':
      return (
        `the event store is not of this log: ${reason}. Set CLICKHOUSE_URL to this log's own store or to an empty ` +
        'database, or KAFKA_BROKERS and CROSSFOOT_KAFKA_PREFIX to the log of the store'
      )
    case 'damaged':
      return `the event store does not agree with the log: ${reason}. Start with --rebuild-store to drop its tables and count the log again`
  }
}
