import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { CampaignLedger } from './campaign-ledger.ts'
import { ask } from './campaign-producer.ts'
import type { Session } from './campaign-producer.ts'
import type { FaultProxy } from './proxy.ts'

/** Writes into Postgres all the while: accounts, one after the other, each until it is acknowledged. */
export class Clerk {
  readonly #options: { readonly ledger: CampaignLedger; readonly proxy: FaultProxy; readonly key: string }
  #next = 1

  constructor(options: { readonly ledger: CampaignLedger; readonly proxy: FaultProxy; readonly key: string }) {
    this.#options = options
  }

  async run(session: Session): Promise<void> {
    const { ledger, proxy, key } = this.#options
    while (!session.isOver()) {
      const account = `clerk-${this.#next}`
      const answer = await ask(`${proxy.address}/v1/accounts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key: account }),
      })
      if (answer !== null) {
        // 409: it was created before, and that answer was cut off.
        expect([201, 409], JSON.stringify(answer.body)).toContain(answer.status)
        ledger.created(account)
        this.#next += 1
      }
      await pause(20)
    }
  }
}
