import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../src/account/database.ts'
import type { AccountKey, MeterKey, Offset } from '../../src/core/ids.ts'
import type { Micros } from '../../src/core/time.ts'
import { totalsDocument } from '../../src/invoice/document.ts'
import type { Invoice } from '../../src/invoice/document.ts'
import { driftJson, driftOf } from '../../src/invoice/drift.ts'
import { invoicePage } from '../../src/invoice/page.ts'
import { invoiceText } from '../../src/invoice/text.ts'
import { addGrant, voidGrant } from '../../src/price/credit/catalogue.ts'
import type { Grant, GrantId } from '../../src/price/credit/grant.ts'
import { returnCredits } from '../../src/price/credit/spend.ts'
import { openContractDesk } from '../support/contract-desk.ts'
import type { ContractDesk } from '../support/contract-desk.ts'
import { minor, plainGrant } from '../support/credits.ts'
import { at } from '../support/invoice-desk.ts'

const ends = at('2026-11-01T00:00:00Z')

/** Invoices that credits pay, on a real Postgres. Each is 20.00 and, beyond 5 GB, 0.10 for each. */
describe('an invoice and the credits that pay it', () => {
  let desk: ContractDesk
  beforeAll(async () => {
    desk = await openContractDesk()
  })
  afterAll(() => desk.close())

  async function grant(account: AccountKey, id: string, more: Partial<Grant> = {}): Promise<void> {
    const one = { ...plainGrant, id: id as GrantId, account, name: `Credit ${id}`, ...more }
    await inTransaction(desk.database, (client) => addGrant(client, one))
  }
  const driftNow = (invoice: Invoice) => {
    const { desk: parts, database, traffic } = desk
    const { readUsage, findMeter } = parts
    const find = (key: MeterKey) => findMeter(key)
    return driftOf({ database, readUsage, findMeter: find }, invoice, traffic.length as Offset)
  }
  async function burnedOf(account: AccountKey): Promise<readonly string[]> {
    const { rows } = await desk.database.query<{ burned: string }>(
      `select credit || ' ' || line || ' ' || amount_minor as burned from credit_entry
       where kind = 'burned' and credit in (select id from credit_grant where account = $1) order by number, credit`,
      [account],
    )
    return rows.map(({ burned }) => burned)
  }

  test('a draft says what it would take and takes nothing; issued, it says what it took, by name', async () => {
    const account = await desk.subscriber('named')
    desk.sent(account, '2026-10-05T00:00:00Z', '105')
    await grant(account, 'traffic', { amount: minor(400), scope: { meters: ['data_out_wire' as MeterKey] } })
    await grant(account, 'welcome', { amount: minor(2_500), name: 'Welcome <b>' })
    await grant(account, 'deposit', { kind: 'prepaid', amount: minor(10), name: 'Deposit of 3 May' })
    const taken = {
      subtotal: '30.00',
      // Among equals the id decides: that for traffic comes first, and the other pays both lines.
      promotional_credits: [
        { grant: 'traffic', name: 'Credit traffic', line: 1, amount: '4.00' },
        { grant: 'welcome', name: 'Welcome <b>', line: 0, amount: '20.00' },
        { grant: 'welcome', name: 'Welcome <b>', line: 1, amount: '5.00' },
      ],
      total: '1.00',
      prepaid_credits: [{ grant: 'deposit', name: 'Deposit of 3 May', line: 1, amount: '0.10' }],
      due: '0.90',
    }
    expect((await desk.draft(account)).document.totals).toMatchObject(taken)
    expect(await burnedOf(account)).toEqual([])
    expect((await desk.database.query('select from credit_spend where account = $1', [account])).rows).toEqual([])
    const issued = await desk.issued(account)
    expect(issued.document.totals).toMatchObject(taken)
    expect(await burnedOf(account)).toEqual(['deposit 2 -10', 'traffic 2 -400', 'welcome 1 -2000', 'welcome 2 -500'])
    const text = invoiceText(issued)
    for (const row of [
      /^Promotional credit: Credit traffic +-4\.00 USD$/m,
      /^Promotional credit: Welcome <b> +-25\.00 USD$/m,
      /^Prepaid credit: Deposit of 3 May +-0\.10 USD$/m,
      /^Left to pay +0\.90 USD$/m,
    ])
      expect(text).toMatch(row)
    const page = invoicePage(issued, { now: desk.now })
    for (const words of ['Promotional credit: Welcome &lt;b&gt;', '-25.00', 'Prepaid credit: Deposit of 3 May', '0.90'])
      expect(page).toContain(words)
    const { rows } = await desk.database.query('select total_minor, due_minor from invoice where id = $1', [issued.id])
    expect(rows).toEqual([{ total_minor: '100', due_minor: '90' }])
  })

  test('the last instant of the period decides which credits there are', async () => {
    const account = await desk.subscriber('edges')
    await grant(account, 'edge-ends-with-it', { amount: minor(1), expiresAt: ends })
    await grant(account, 'edge-ends-before', { amount: minor(2), expiresAt: (ends - 1) as Micros })
    await grant(account, 'edge-begins-last', { amount: minor(4), effectiveFrom: (ends - 1) as Micros })
    await grant(account, 'edge-begins-after', { amount: minor(8), effectiveFrom: ends })
    // Granted after the period and dated into it.
    await grant(account, 'edge-dated-back', { amount: minor(16), createdAt: desk.now })
    const issued = await desk.issued(account)
    expect(issued.document.totals?.due).toBe('19.79')
    expect(await burnedOf(account)).toEqual([
      'edge-begins-last 1 -4',
      'edge-dated-back 1 -16',
      'edge-ends-with-it 1 -1',
    ])
  })

  test('computed again, it takes what it took, whatever has become of the credits since (L5)', async () => {
    const account = await desk.subscriber('again')
    desk.sent(account, '2026-10-05T00:00:00Z', '55')
    const terms = { taxes: [{ key: 'vat', name: 'VAT', percent: '19' }] }
    await desk.move({ account, at: at('2026-08-01T00:00:00Z'), terms })
    const monthly = {
      every: { unit: 'months', count: 1 },
      anchor: at('2026-01-31T00:00:00Z'),
      amount: minor(333),
    } as const
    await grant(account, 'again-recurs', { recurrence: monthly })
    await grant(account, 'again-bought', { kind: 'prepaid', amount: minor(777), priority: 1 })
    const issued = await desk.issued(account)
    const { totals } = issued.document
    // 25.00 − 3.33 = 21.67; 19 % = 4.1173; 25.79 − 7.77.
    expect([totals?.taxable, totals?.total, totals?.due]).toEqual(['21.67', '25.79', '18.02'])
    // What is voided, granted and given back later changes nothing of it.
    await grant(account, 'again-later', { amount: minor(5_000), priority: 0 })
    const why = { by: 'Ann', reason: 'a mistake', now: desk.now }
    await inTransaction(desk.database, (client) => voidGrant(client, { id: 'again-recurs' as GrantId, ...why }))
    const same = await driftNow(issued)
    expect(JSON.stringify(totalsDocument(same.totals))).toBe(JSON.stringify(totals))
    expect(driftJson(same)).toMatchObject({
      drifted: false,
      credits: { issued: '11.10', now: '11.10', difference: '0.00' },
      due: { issued: '18.02', now: '18.02', difference: '0.00' },
    })
    await inTransaction(desk.database, (client) => returnCredits(client, { invoice: issued.id, ...why }))
    expect(JSON.stringify(totalsDocument((await driftNow(issued)).totals))).toBe(JSON.stringify(totals))
    // 10.00 more are 11.90 more with tax: no credit that it did not take pays them.
    desk.sent(account, '2026-10-06T00:00:00Z', '100')
    expect(driftJson(await driftNow(issued))).toMatchObject({
      drifted: true,
      total: { issued: '25.00', now: '35.00' },
      credits: { difference: '0.00' },
      due: { issued: '18.02', now: '29.92', difference: '11.90' },
    })
  })

  test('an issue that breaks off after it took credits has taken none', async () => {
    const account = await desk.subscriber('broken')
    await grant(account, 'broken', { amount: minor(500) })
    const { database } = desk
    await database.query(`create function break_off() returns trigger language plpgsql as
      $$ begin raise exception 'the number cannot be taken'; end $$`)
    await database.query(
      'create trigger a_break before update on issuing_entity for each row execute function break_off()',
    )
    await expect(desk.issued(account)).rejects.toThrow('cannot be taken')
    await database.query('drop trigger a_break on issuing_entity')
    expect(await burnedOf(account)).toEqual([])
    expect((await desk.issued(account)).document.totals).toMatchObject({ total: '15.00' })
    expect(await burnedOf(account)).toEqual(['broken 1 -500'])
  })

  test('twelve months issued at once spend each cent once, and each says what it took', async () => {
    const account = await desk.subscriber('year')
    const months = Array.from({ length: 12 }, (_, index) =>
      Temporal.PlainYearMonth.from('2025-11').add({ months: index }).toString(),
    )
    const since = { effectiveFrom: at('2025-01-01T00:00:00Z') }
    await grant(account, 'year-b', { ...since, amount: minor(7_050) })
    await grant(account, 'year-a', { ...since, amount: minor(2_950), kind: 'prepaid' })
    await Promise.all(months.map((month) => desk.draft(account, month)))
    const issued = await Promise.all(months.map((month) => desk.issued(account, month)))
    // 12 × 20.00 are due, and 100.00 are there.
    const dues = issued.map(({ document: { totals } }) => Number(totals?.due.replace('.', '')))
    expect(dues.reduce((sum, due) => sum + due, 0)).toBe(14_000)
    const { rows } = await desk.database.query<{ sum: string; least: string }>(
      `select (select sum(due_minor) from invoice where account = $1)::text as sum,
        (select sum(amount_minor) from credit_entry where credit like 'year-%')::text as least`,
      [account],
    )
    expect(rows).toEqual([{ sum: '14000', least: '0' }])
    // Each document is what the ledger says of it.
    for (const { id, document } of issued) {
      const { rows: burns } = await desk.database.query<{ burn: string }>(
        `select credit || ' ' || line - 1 || ' ' || trim_scale(-amount_minor / 100) as burn from credit_entry
         where kind = 'burned' and invoice = $1 order by spend_kind desc, position`,
        [id],
      )
      const { promotional_credits: given = [], prepaid_credits: bought = [] } = document.totals ?? {}
      const said = [...given, ...bought].map(({ grant: credit, line, amount }) => `${credit} ${line} ${Number(amount)}`)
      expect(burns.map(({ burn }) => burn)).toEqual(said)
    }
  })
})
