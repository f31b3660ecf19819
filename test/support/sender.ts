import { expect } from 'vitest'
import { ndjson, receiptOf } from './answers.ts'
import type { Ledger } from './ledger.ts'
import { lineOf, timeAt } from './odd-events.ts'
import type { RunningService } from './service.ts'

interface Batch {
  readonly body: string
  readonly identities: readonly string[]
}

export interface SenderOptions {
  readonly source: string
  readonly numbered: boolean
  readonly ledger: Ledger
  readonly dice: (sides: number) => number
}

const dayMillis = 86_400_000
const batchMax = 60

/**
 * An edge server: sends batch after batch, keeps what was not acknowledged, and sends exactly that again. What it
 * sends and what was acknowledged is in the ledger.
 */
export class Sender {
  readonly #options: SenderOptions
  #next = 1
  #pending: Batch | null = null

  constructor(options: SenderOptions) {
    this.#options = options
  }

  #newBatch(account: string): Batch {
    const { source, numbered, ledger, dice } = this.#options
    const identities: string[] = []
    const lines = Array.from({ length: 1 + dice(batchMax) }, () => {
      const number = this.#next
      this.#next += 1
      // Past 2^53 now and then, and over several months, so that one range of the log is several inserts.
      const bytes = dice(10) === 0 ? 2n ** 64n - 1n - BigInt(dice(1_000_000)) : BigInt(dice(100_000))
      const time = timeAt(-dice(numbered ? 120 : 34) * dayMillis - 1_000)
      const id = numbered ? String(number) : `id-${number}`
      identities.push(`${source} ${id}`)
      ledger.sent(`${source} ${id}`, account, bytes)
      return lineOf({
        source: `"${source}"`,
        ...(numbered ? { seq: String(number) } : { id: `"${id}"` }),
        time,
        account: `"${account}"`,
        bytes_out_wire: `"${bytes}"`,
      })
    })
    return { body: lines.join('\n'), identities }
  }

  async #post(service: RunningService, { body, identities }: Batch): Promise<void> {
    const receipt = receiptOf(await service.post('/v1/events', body, ndjson))
    expect(receipt, 'every event is new or known').toMatchObject({ received: identities.length, quarantined: 0 })
    for (const identity of identities) this.#options.ledger.acknowledged(identity)
  }

  /** Sends until the service is gone; the batch that got no answer stays pending. */
  async sendUntilCut(service: RunningService, account: string, onAcknowledged: () => void): Promise<void> {
    for (;;) {
      this.#pending = this.#newBatch(account)
      try {
        await this.#post(service, this.#pending)
      } catch (error) {
        // `fetch` says TypeError for every kind of broken connection; anything else is a wrong answer.
        if (error instanceof TypeError) return
        throw error
      }
      this.#pending = null
      onAcknowledged()
    }
  }

  /** Sends what is pending again, sometimes more often than needed. */
  async retry(service: RunningService): Promise<void> {
    if (this.#pending === null) return
    const times = 1 + (this.#options.dice(3) === 0 ? 1 : 0)
    for (let time = 0; time < times; time += 1) await this.#post(service, this.#pending)
    this.#pending = null
  }
}
