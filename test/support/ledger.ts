import { expect } from 'vitest'
import type { RunningService } from './service.ts'

interface Entry {
  readonly account: string
  readonly bytes: bigint
  acknowledged: boolean
}

export interface Totals {
  readonly requests: bigint
  readonly bytes: bigint
}

/**
 * What a test sent and what of it was acknowledged, kept by the test itself: the numbers that the service has to
 * arrive at come from here and never from the service.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>()

  /** Before it is sent: it may arrive although no answer comes back. */
  sent(identity: string, account: string, bytes: bigint): void {
    this.#entries.set(identity, { account, bytes, acknowledged: false })
  }

  acknowledged(identity: string): void {
    const entry = this.#entries.get(identity)
    if (entry === undefined) throw new Error(`${identity} was acknowledged and never sent`)
    entry.acknowledged = true
  }

  identities(account: string, which: 'sent' | 'acknowledged'): Set<string> {
    const entries = [...this.#entries].filter(([, entry]) => entry.account === account)
    return new Set(entries.filter(([, entry]) => which === 'sent' || entry.acknowledged).map(([identity]) => identity))
  }

  totals(account: string): Totals {
    let requests = 0n
    let bytes = 0n
    for (const entry of this.#entries.values()) {
      if (entry.account !== account) continue
      requests += 1n
      bytes += entry.bytes
    }
    return { requests, bytes }
  }

  size(): number {
    return this.#entries.size
  }
}

/** Wider than any time that a test sends. */
export const everything = 'from=1970-01-01T00:00:00Z&to=2199-01-01T00:00:00Z'

/** The total that GET /v1/usage gives, once everything accepted is in it. */
export async function usageTotal(service: RunningService, account: string, meter: string): Promise<bigint> {
  const answer = await service.get(`/v1/usage?account=${encodeURIComponent(account)}&meter=${meter}&${everything}`)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  const { total, events_not_yet_counted: behind } = answer.body as { total: string; events_not_yet_counted: number }
  expect(behind, 'events that usage does not see yet').toBe(0)
  return BigInt(total)
}

export async function usageTotals(service: RunningService, account: string): Promise<Totals> {
  return {
    requests: await usageTotal(service, account, 'http_requests'),
    bytes: await usageTotal(service, account, 'data_out_wire'),
  }
}

/** The identities that usage counts for an account, one for each time that it counts them. */
export async function countedIdentities(service: RunningService, account: string): Promise<string[]> {
  const identities: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { body } = await service.get(
      `/v1/usage/events?account=${account}&meter=http_requests&limit=1000&${everything}${after}`,
    )
    const page = body as { events: { source: string; id: string }[]; cursor: string | null }
    identities.push(...page.events.map(({ source, id }) => `${source} ${id}`))
    cursor = page.cursor
  }
  return identities
}
