import { expect } from 'vitest'
import type { RunningService } from './service.ts'

interface Entry {
  readonly bytes: bigint
  acknowledged: boolean
}

export interface Totals {
  readonly requests: bigint
  readonly bytes: bigint
}

/**
 * What a test sent and what of it was acknowledged, kept by the test itself: the numbers that the service has to
 * arrive at come from here and never from the service. An identity is the source, a space, and the event's id.
 */
export class Ledger {
  readonly #accounts = new Map<string, Map<string, Entry>>()
  readonly #accountOf = new Map<string, string>()

  /** Before it is sent: it may arrive although no answer comes back. */
  sent(identity: string, account: string, bytes: bigint): void {
    let entries = this.#accounts.get(account)
    if (entries === undefined) {
      entries = new Map()
      this.#accounts.set(account, entries)
    }
    entries.set(identity, { bytes, acknowledged: false })
    this.#accountOf.set(identity, account)
  }

  acknowledged(identity: string): void {
    const entry = this.#accounts.get(this.#accountOf.get(identity) ?? '')?.get(identity)
    if (entry === undefined) throw new Error(`${identity} was acknowledged and never sent`)
    entry.acknowledged = true
  }

  isAcknowledged(identity: string): boolean {
    return this.#accounts.get(this.#accountOf.get(identity) ?? '')?.get(identity)?.acknowledged === true
  }

  accounts(): string[] {
    return [...this.#accounts.keys()]
  }

  identities(account: string, which: 'sent' | 'acknowledged'): Set<string> {
    const entries = [...(this.#accounts.get(account) ?? [])]
    return new Set(entries.filter(([, entry]) => which === 'sent' || entry.acknowledged).map(([identity]) => identity))
  }

  totals(account: string): Totals {
    const entries = [...(this.#accounts.get(account)?.values() ?? [])]
    return { requests: BigInt(entries.length), bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0n) }
  }

  /** How many events were sent of each source. */
  bySource(): Map<string, bigint> {
    const counts = new Map<string, bigint>()
    for (const identity of this.#accountOf.keys()) {
      const source = identity.slice(0, identity.indexOf(' '))
      counts.set(source, (counts.get(source) ?? 0n) + 1n)
    }
    return counts
  }

  size(): number {
    return this.#accountOf.size
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
    const { status, body } = await service.get(
      `/v1/usage/events?account=${account}&meter=http_requests&limit=1000&${everything}${after}`,
    )
    // An account that nobody created is there once an event of it is counted.
    if (status === 404) return identities
    expect(status, JSON.stringify(body)).toBe(200)
    const page = body as { events: { source: string; id: string }[]; cursor: string | null }
    identities.push(...page.events.map(({ source, id }) => `${source} ${id}`))
    cursor = page.cursor
  }
  return identities
}
