import type { PlanKey } from '../../src/core/ids.ts'
import { draftInvoice } from '../../src/invoice/desk.ts'
import type { Invoice, InvoiceDocument } from '../../src/invoice/document.ts'
import type { SubscriptionDecision } from '../../src/price/contract/contract-facts.ts'
import { publishPlan } from '../../src/price/book/plan-catalogue.ts'
import { parsePlan } from '../../src/price/plan.ts'
import { moveSubscription } from '../../src/price/contract/subscription-move.ts'
import type { Move } from '../../src/price/contract/subscription-move.ts'
import type { Decided } from '../../src/price/contract/subscription.ts'
import { openDesk } from './invoice-desk.ts'
import type { TestDesk } from './invoice-desk.ts'

/** A desk whose accounts move between plans: `usual` as everywhere, and `pro` for 62.00 with 31 GB and 0.05 after it. */
export interface ContractDesk extends TestDesk {
  readonly decided: () => Decided
  readonly publish: (plan: object) => Promise<void>
  readonly move: (move: Omit<Move, 'account'> & { readonly account: string }) => Promise<SubscriptionDecision>
  /** Gigabytes that went out. */
  readonly sent: (account: string, time: string, gigabytes: string) => void
  readonly draft: (account: string, month?: string) => Promise<Invoice>
}

export const fee = (amount: string): object => ({ key: 'fee', name: 'Base fee', model: { kind: 'flat', amount } })

export const out = (included: string, amount: string): object => ({
  key: 'out',
  name: 'Data transfer out',
  meter: 'data_out_wire',
  unit: { name: 'GB', per: '1000000000' },
  included,
  model: { kind: 'per_unit', unit_amount: amount },
})

export const pro = 'pro' as PlanKey

/** Each line with the days of its part. */
export function shown({ lines }: InvoiceDocument): readonly string[] {
  return lines.map(({ price, part, amount }) => {
    const days = part === undefined ? 'all' : `${part.from.slice(5, 10)}..${part.to.slice(5, 10)}`
    return `${price} ${days} ${amount}`
  })
}

export async function openContractDesk(): Promise<ContractDesk> {
  const test = await openDesk()
  const { database, desk, traffic } = test
  const decided = (): Decided => ({ by: 'ada', now: test.now })
  const publish = async (given: object): Promise<void> => {
    const parsed = parsePlan({ name: 'Pro', currency: 'USD', effective_from: '2020-01-01T00:00:00Z', ...given })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    await publishPlan(database, parsed.value, test.now)
  }
  await publish({ key: pro, prices: [fee('62'), out('31', '0.05')] })
  return Object.assign(test, {
    decided,
    publish,
    move: (wanted: Omit<Move, 'account'> & { readonly account: string }) =>
      moveSubscription(database, wanted as Move, decided()),
    sent: (account: string, time: string, gigabytes: string) => {
      traffic.push({ account, meter: 'data_out_wire', time, quantity: `${gigabytes}000000000` })
    },
    draft: (account: string, month = '2026-10') => draftInvoice(desk, { account, month }),
  })
}
