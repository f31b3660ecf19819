import { createAccount } from '../../src/account/accounts.ts'
import { inTransaction } from '../../src/account/database.ts'
import type { Database } from '../../src/account/database.ts'
import type { AccountKey, InvoiceId, MeterKey } from '../../src/core/ids.ts'
import type { Minor } from '../../src/core/money.ts'
import type { Micros } from '../../src/core/time.ts'
import { addGrant } from '../../src/price/credit/catalogue.ts'
import type { Grant, GrantId, Payable } from '../../src/price/credit/grant.ts'
import { at } from './invoice-desk.ts'
import { freshDatabase } from './postgres.ts'
import type { FreshDatabase } from './postgres.ts'

/** Credits on a database of their own, with accounts and drafts that they can pay. */
export interface CreditBench extends FreshDatabase {
  readonly account: (key: string, currency?: string) => Promise<AccountKey>
  readonly invoice: (account: AccountKey, currency?: string) => Promise<InvoiceId>
  readonly grant: (account: AccountKey, id: string, more?: Partial<Grant>) => Promise<Grant>
  /** The sum of a grant's entries that are dated up to an instant. */
  readonly balance: (id: string, until: Micros) => Promise<bigint>
}

export const minor = (amount: number): Minor => BigInt(amount) as Minor
export const line = (amount: number, meter: string | null = null): Payable => ({
  amount: minor(amount),
  meter: meter as MeterKey | null,
})

const begins = at('2026-01-01T00:00:00Z')

export const plainGrant: Omit<Grant, 'id' | 'account'> = {
  kind: 'promotional',
  name: 'Credit',
  currency: 'USD',
  priority: 100,
  scope: 'all',
  amount: minor(100),
  paid: null,
  effectiveFrom: begins,
  expiresAt: null,
  recurrence: null,
  rollover: null,
  zone: 'UTC',
  voidedAt: null,
  createdAt: begins,
  by: 'Ann',
  reason: null,
  voided: null,
}

async function insertDraft(
  database: Database,
  draft: { readonly id: string; readonly account: string; readonly currency: string },
) {
  // A month of which the account has no draft yet.
  await database.query(
    `insert into invoice (id, account, kind, month, period_from, period_to, status, status_at, currency, total_minor, log_offset, document)
     select $1, $2, 'usage', to_char(month, 'YYYY-MM'), month, month + interval '1 month', 'draft', month, $3, 0, 0, '{}'
     from (select timestamp '2000-01-01' + count(*) * interval '1 month' as month from invoice where account = $2) as free`,
    [draft.id, draft.account, draft.currency],
  )
}

export async function openCreditBench(): Promise<CreditBench> {
  const fresh = await freshDatabase()
  const { database } = fresh
  let invoices = 0
  return {
    ...fresh,
    account: async (key, currency = 'USD') =>
      (await createAccount(database, { key, timeZone: 'UTC', currency }, begins)).key,
    invoice: async (account, currency = 'USD') => {
      const id = `inv_${(invoices += 1)}` as InvoiceId
      await insertDraft(database, { id, account, currency })
      return id
    },
    grant: async (account, id, more = {}) => {
      const grant = { ...plainGrant, id: id as GrantId, account, ...more }
      await inTransaction(database, (client) => addGrant(client, grant))
      return grant
    },
    balance: async (id, until) => {
      const { rows } = await database.query<{ sum: string }>(
        `select coalesce(sum(amount_minor), 0)::text as sum from credit_entry
         where credit = $1 and (extract(epoch from at) * 1000000)::bigint <= $2`,
        [id, until],
      )
      return BigInt(rows[0]?.sum ?? '0')
    },
  }
}
