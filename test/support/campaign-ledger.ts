import { Ledger } from './ledger.ts'

/** The ledger of a campaign: also what was bad, what sources stated, and which accounts were created. */
export class CampaignLedger extends Ledger {
  readonly #bad = new Map<string, boolean>()
  readonly #stated = new Map<string, number>()
  #received = 0n
  readonly #created = new Set<string>()

  sentBad(mark: string): void {
    this.#bad.set(mark, false)
  }

  heldAside(mark: string): void {
    this.#bad.set(mark, true)
  }

  bad(which: 'sent' | 'acknowledged'): Set<string> {
    return new Set([...this.#bad].filter(([, held]) => which === 'sent' || held).map(([mark]) => mark))
  }

  /** The highest number up to which a source's statement was acknowledged. */
  stated(source: string, seq: number): void {
    this.#stated.set(source, Math.max(seq, this.#stated.get(source) ?? 0))
  }

  statements(): ReadonlyMap<string, number> {
    return this.#stated
  }

  /** Answers that arrived said that so many were received; those whose answer was cut off come on top. */
  received(count: number): void {
    this.#received += BigInt(count)
  }

  receivedAtLeast(): bigint {
    return this.#received
  }

  created(account: string): void {
    this.#created.add(account)
  }

  /** The accounts whose creation was acknowledged since the last time this was asked. */
  takeCreated(): string[] {
    const created = [...this.#created]
    this.#created.clear()
    return created
  }
}
