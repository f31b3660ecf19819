import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../src/account/database.ts'
import type { Queryable } from '../../src/account/database.ts'
import type { AccountKey, InvoiceId } from '../../src/core/ids.ts'
import type { Micros } from '../../src/core/time.ts'
import { settleGrants, voidGrant } from '../../src/price/credit/catalogue.ts'
import { selectEntries } from '../../src/price/credit/entry-table.ts'
import type { Burn, CreditKind, GrantId, Payable } from '../../src/price/credit/grant.ts'
import {
  burnsOf,
  creditsAt,
  lockCredits,
  previewCredits,
  recordBurns,
  returnCredits,
  spendCredits,
} from '../../src/price/credit/spend.ts'
import { openCreditBench, line, minor } from '../support/credits.ts'
import type { CreditBench } from '../support/credits.ts'
import { at } from '../support/invoice-desk.ts'

const monthly = { every: { unit: 'months', count: 1 }, anchor: at('2026-01-01T00:00:00Z'), amount: minor(100) } as const
const february = at('2026-02-28T23:59:59.999999Z')
const march = at('2026-03-05T00:00:00Z')

interface Wanted {
  readonly account: AccountKey
  readonly invoice: InvoiceId
  readonly lines: readonly Payable[]
  readonly at?: Micros
  readonly now?: Micros
  readonly kinds?: readonly CreditKind[]
}

const short = (burns: readonly Burn[]): readonly string[] =>
  burns.map(({ grant, line: index, amount }) => `${grant} ${index} ${amount}`)

/** The ledger of credits on a real Postgres. */
describe('credits', () => {
  let bench: CreditBench
  beforeAll(async () => {
    bench = await openCreditBench()
  })
  afterAll(() => bench.close())

  function spending(
    client: Queryable,
    { at: when = march, now = when, kinds = ['promotional', 'prepaid'], ...rest }: Wanted,
  ) {
    return spendCredits(client, { currency: 'USD', at: when, now, kinds, ...rest })
  }
  const spend = async (wanted: Wanted) =>
    short(await inTransaction(bench.database, (client) => spending(client, wanted)))
  const giveBack = (invoice: InvoiceId, now = march) =>
    inTransaction(bench.database, (client) => returnCredits(client, { invoice, by: 'Ann', reason: 'void', now }))
  const entriesOf = async (id: string) =>
    (await selectEntries(bench.database, { credit: id as GrantId, after: 0, most: 1_000 })).map(
      ({ turn, kind, amount }) => `${turn} ${kind} ${amount}`,
    )

  test('an invoice burns what a preview says, once, however often it asks', async () => {
    const account = await bench.account('once')
    await bench.grant(account, 'once-bought', { kind: 'prepaid', priority: 1 })
    await bench.grant(account, 'once-given')
    const [invoice, lines] = [await bench.invoice(account), [line(70), line(60)]]
    const kinds = ['promotional', 'prepaid'] as const
    const preview = await previewCredits(bench.database, { account, currency: 'USD', at: march, lines, kinds })
    // Promotional comes first whatever the priority, because tax lies between the two.
    const expected = ['once-given 0 70', 'once-given 1 30', 'once-bought 1 30']
    expect(short(preview)).toEqual(expected)
    expect(await entriesOf('once-given')).toEqual(['0 granted 100'])
    expect(await spend({ account, invoice, lines })).toEqual(expected)
    expect(await spend({ account, invoice, lines })).toEqual(expected)
    expect(await spend({ account, invoice, lines: [line(1_000)] })).toEqual(expected)
    expect(await entriesOf('once-given')).toEqual(['0 granted 100', '0 burned -70', '0 burned -30'])
    expect(await bench.balance('once-bought', march)).toBe(70n)
  })

  test('a kind at a time, as totals do; a kind that found nothing stays at nothing', async () => {
    const account = await bench.account('kinds')
    const invoice = await bench.invoice(account)
    const asked = { account, currency: 'USD', at: march } as const
    const burns = await inTransaction(bench.database, async (client) => {
      expect(await lockCredits(client, asked)).toEqual([])
      return recordBurns(client, { ...asked, invoice, now: march }, { promotional: [], prepaid: [] })
    })
    expect(burns).toEqual({ promotional: [], prepaid: [] })
    await bench.grant(account, 'kinds-late')
    expect(await spend({ account, invoice, lines: [line(5)] })).toEqual([])
    expect((await creditsAt(bench.database, asked)).map(({ id, balance }) => [id, balance])).toEqual([
      ['kinds-late', 100n],
    ])
  })

  test('another account, another currency, another meter, another time', async () => {
    const account = await bench.account('scopes')
    const other = await bench.account('scopes-other')
    await bench.grant(other, 'scopes-of-other')
    await bench.grant(account, 'scopes-euro', { currency: 'EUR' })
    await bench.grant(account, 'scopes-over', { expiresAt: march })
    await bench.grant(account, 'scopes-to-come', { effectiveFrom: (march + 1) as Micros })
    await bench.grant(account, 'scopes-out', { scope: { meters: ['data_out_wire' as never] } })
    const lines = [line(30), line(40, 'data_out_wire')]
    expect(await spend({ account, invoice: await bench.invoice(account), lines })).toEqual(['scopes-out 1 40'])
    const burns = { promotional: [{ grant: 'scopes-of-other' as GrantId, line: 0, amount: minor(1) }] }
    const asked = { account, currency: 'USD', at: march, now: march, invoice: await bench.invoice(account) } as const
    await expect(inTransaction(bench.database, (client) => recordBurns(client, asked, burns))).rejects.toThrow(
      'does not pay',
    )
  })

  test('an invoice of February that is issued in March burns what February had', async () => {
    const account = await bench.account('late')
    await bench.grant(account, 'late', { recurrence: monthly, rollover: { min: minor(0), max: minor(10) } })
    await inTransaction(bench.database, (client) => settleGrants(client, { account, now: march }))
    expect(await bench.balance('late', february)).toBe(110n)
    expect(await bench.balance('late', march)).toBe(110n)
    const [first, second] = [await bench.invoice(account), await bench.invoice(account)]
    // March takes 105 of its 110, so 5 of what came over from February can go: 100 and 5.
    await spend({ account, invoice: first, lines: [line(105)] })
    expect(await spend({ account, invoice: second, lines: [line(500)], at: february, now: march })).toEqual([
      'late 0 105',
    ])
    expect(await bench.balance('late', february)).toBe(5n)
    expect(await bench.balance('late', march)).toBe(0n)
    // What was written down of February's end is put right by entries of the same kind.
    expect((await entriesOf('late')).slice(-4)).toEqual([
      '1 burned -105',
      '1 rolled_over 5',
      '2 rolled_over -5',
      '1 expired 100',
    ])
    // Given back, all is as if it never was.
    expect(await giveBack(second)).toEqual([{ grant: 'late', amount: 105n, usable: 5n }])
    expect(await bench.balance('late', february)).toBe(110n)
    expect(await bench.balance('late', march)).toBe(5n)
  })

  test('what is given back is there for the invoice of that time again, and given back once', async () => {
    const account = await bench.account('back')
    await bench.grant(account, 'back', { expiresAt: at('2026-03-01T00:00:00Z') })
    const invoice = await bench.invoice(account)
    expect(await spend({ account, invoice, lines: [line(60)], at: february, now: march })).toEqual(['back 0 60'])
    expect(await giveBack(invoice)).toEqual([{ grant: 'back', amount: 60n, usable: 0n }])
    expect(await giveBack(invoice)).toEqual([])
    expect(await burnsOf(bench.database, invoice)).toEqual({ promotional: [], prepaid: [] })
    expect(await spend({ account, invoice, lines: [line(90)], at: february, now: march })).toEqual(['back 0 90'])
    expect(await giveBack(invoice)).toEqual([{ grant: 'back', amount: 90n, usable: 0n }])
    expect(await entriesOf('back')).toEqual([
      '0 granted 100',
      '0 burned -60',
      '0 expired -40',
      '0 returned 60',
      '0 expired -60',
      '0 burned -90',
      '0 expired 90',
      '0 returned 90',
      '0 expired -90',
    ])
  })

  test('voided: the rest goes in a name, it pays nothing more, and what it paid stays paid', async () => {
    const account = await bench.account('void')
    await bench.grant(account, 'void', { recurrence: monthly })
    await spend({ account, invoice: await bench.invoice(account), lines: [line(30)] })
    const end = { id: 'void' as GrantId, by: 'Ann', reason: 'a mistake', now: march }
    expect(await inTransaction(bench.database, (client) => voidGrant(client, end))).toMatchObject({ voidedAt: march })
    expect(
      await spend({ account, invoice: await bench.invoice(account), lines: [line(1)], at: february, now: march }),
    ).toEqual([])
    await inTransaction(bench.database, (client) => settleGrants(client, { account, now: at('2027-01-01T00:00:00Z') }))
    const entries = await selectEntries(bench.database, { credit: end.id, after: 0, most: 100 })
    expect(entries.at(-1)).toMatchObject({ kind: 'voided', amount: -70n, decided: { by: 'Ann', reason: 'a mistake' } })
    await expect(inTransaction(bench.database, (client) => voidGrant(client, end))).rejects.toMatchObject({
      code: 'CREDIT_VOIDED',
    })
  })

  test('20 invoices at once spend every cent once, and none waits in a circle', async () => {
    const account = await bench.account('many')
    const ids = Array.from({ length: 7 }, (_, index) => `many-${index}`)
    for (const [index, id] of ids.entries())
      await bench.grant(account, id, { priority: (index * 5) % 7, kind: index % 2 === 0 ? 'prepaid' : 'promotional' })
    const invoices: InvoiceId[] = []
    for (let turn = 0; turn < 20; turn += 1) invoices.push(await bench.invoice(account))
    // 20 × 47 are asked for, and 700 are there. Each asks twice at once.
    const spent = await Promise.all(
      [...invoices, ...invoices.toReversed()].map((invoice) => spend({ account, invoice, lines: [line(40), line(7)] })),
    )
    for (const [index, burns] of spent.slice(0, 20).entries()) expect(spent[39 - index]).toEqual(burns)
    const paid = spent.slice(0, 20).map((burns) => burns.reduce((sum, text) => sum + Number(text.split(' ')[2]), 0))
    expect(paid.reduce((sum, amount) => sum + amount, 0)).toBe(700)
    expect(paid.filter((amount) => amount === 47)).toHaveLength(14)
    for (const id of ids) expect(await bench.balance(id, march)).toBe(0n)
    const back = await Promise.all(invoices.map((invoice) => giveBack(invoice)))
    expect(back.flat().reduce((sum, { amount }) => sum + amount, 0n)).toBe(700n)
    for (const id of ids) expect(await bench.balance(id, march)).toBe(100n)
  })

  test('invoices, voids, returns, grants and those who look, all at once: every cent is somewhere', async () => {
    const account = await bench.account('mixed')
    const ids = Array.from({ length: 6 }, (_, index) => `mixed-${index}`)
    for (const [index, id] of ids.entries())
      await bench.grant(account, id, {
        priority: (index * 5) % 6,
        ...(index % 2 === 0 ? { recurrence: monthly, rollover: { min: minor(0), max: minor(30) } } : {}),
      })
    const invoices: InvoiceId[] = []
    for (let turn = 0; turn < 20; turn += 1) invoices.push(await bench.invoice(account))
    const end = (id: string) => ({ id: id as GrantId, by: 'Ann', reason: 'a mistake', now: march })
    await Promise.all([
      ...invoices.map((invoice, index) =>
        spend({ account, invoice, lines: [line(43)], at: index % 3 === 0 ? february : march, now: march }),
      ),
      ...invoices.slice(0, 5).map((invoice) => giveBack(invoice)),
      ...['mixed-1', 'mixed-4'].map((id) => inTransaction(bench.database, (client) => voidGrant(client, end(id)))),
      ...[1, 2, 3].map(() => inTransaction(bench.database, (client) => settleGrants(client, { account, now: march }))),
      ...[6, 7].map((index) => bench.grant(account, `mixed-${index}`)),
    ])
    await Promise.all(invoices.map((invoice) => giveBack(invoice)))
    await inTransaction(bench.database, (client) => settleGrants(client, { account, now: march }))
    const balances = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((index) => bench.balance(`mixed-${index}`, march)))
    // Given back, it is as if nobody had spent anything: 30 came over from February where it recurs.
    expect(balances).toEqual([130n, 0n, 130n, 100n, 0n, 100n, 100n, 100n])
  })

  test('the same grant again adds nothing, another one under its id is refused, and so is one too many', async () => {
    const account = await bench.account('full')
    await bench.grant(account, 'full', { priority: 1 })
    await bench.database.query(
      `insert into credit_grant (id, account, kind, name, currency, priority, amount_minor, effective_from, time_zone, created_at, created_by)
       select 'full-' || i, account, kind, name, currency, priority, 1, effective_from, time_zone, created_at, created_by
       from credit_grant, generate_series(1, 999) as i where id = 'full'`,
    )
    await bench.grant(account, 'full', { priority: 1 })
    expect(await entriesOf('full')).toEqual(['0 granted 100'])
    for (const more of [
      { priority: 2 },
      { priority: 1, expiresAt: march },
      { priority: 1, scope: { meters: ['out' as never] } },
    ])
      await expect(bench.grant(account, 'full', more)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    await expect(bench.grant(account, 'full-more')).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    const left = await bench.database.query(`select count(*)::int as many from credit_grant where account = 'full'`)
    expect(left.rows).toEqual([{ many: 1_000 }])
    // An invoice reads a thousand of them, and takes them in their order.
    const burns = await spend({ account, invoice: await bench.invoice(account), lines: [line(103)] })
    expect(burns).toEqual(['full 0 100', 'full-1 0 1', 'full-10 0 1', 'full-100 0 1'])
  })

  test('a credit that is granted while an invoice locks what there is, waits for the next invoice', async () => {
    const account = await bench.account('race')
    await bench.grant(account, 'race')
    const asked = { account, currency: 'USD', at: march } as const
    const locked = await inTransaction(bench.database, (client) => {
      const query = async (statement: string, values: unknown[]): Promise<unknown> => {
        const answer = await client.query(statement, values)
        if (statement.includes('for update')) await bench.grant(account, 'race-late')
        return answer
      }
      return lockCredits({ ...client, query } as Queryable, asked)
    })
    expect(locked.map(({ id }) => id)).toEqual(['race'])
    expect((await creditsAt(bench.database, asked)).map(({ id }) => id)).toEqual(['race', 'race-late'])
  })

  test('what a transaction spent is there again when it breaks off', async () => {
    const account = await bench.account('broken')
    await bench.grant(account, 'broken')
    const invoice = await bench.invoice(account)
    const broken = inTransaction(bench.database, async (client) => {
      expect(short(await spending(client, { account, invoice, lines: [line(60)] }))).toEqual(['broken 0 60'])
      throw new Error('the process ends here')
    })
    await expect(broken).rejects.toThrow('ends here')
    expect(await entriesOf('broken')).toEqual(['0 granted 100'])
    expect(await spend({ account, invoice, lines: [line(80)] })).toEqual(['broken 0 80'])
  })

  test('the database refuses what would break the books', async () => {
    const account = await bench.account('guard')
    await bench.grant(account, 'guard', { expiresAt: at('2026-04-01T00:00:00Z') })
    const invoice = await bench.invoice(account)
    await spend({ account, invoice, lines: [line(60)] })
    const refused = (statement: string, message: RegExp) =>
      expect(bench.database.query(statement)).rejects.toThrow(message)
    const insert = (values: string) =>
      `insert into credit_entry (credit, number, turn, kind, amount_minor, at, recorded_at, invoice, spend_kind, attempt, line, position, recorded_by, reason) values ('guard', 9, 0, ${values})`
    const burned = (amount: number, when: string, index: number) =>
      insert(`'burned', ${amount}, '${when}', '2026-05-01', '${invoice}', 'promotional', 1, ${index}, 9, null, null`)
    await refused(burned(-41, '2026-03-05', 9), /below zero/)
    await refused(burned(-1, '2026-03-06', 9), /does not pay/)
    await refused(burned(-1, '2026-03-05', 1), /credit_entry_once/)
    await refused(
      insert(`'expired', -41, '2026-03-04', '2026-05-01', null, null, null, null, null, null, null`),
      /below zero/,
    )
    await refused(
      insert(`'returned', 61, '2026-03-05', '2026-05-01', '${invoice}', 'promotional', 1, 1, 1, 'Ann', 'why'`),
      /was not burned so/,
    )
    await refused(
      insert(`'granted', 5, '2026-03-05', '2026-05-01', null, null, null, null, null, null, null`),
      /granted_once/,
    )
    await refused(`update credit_entry set amount_minor = -1 where credit = 'guard'`, /never changed/)
    await refused(`delete from credit_entry where credit = 'guard'`, /never changed/)
    await refused(`update credit_grant set amount_minor = 1 where id = 'guard'`, /never changed/)
    await refused(`truncate credit_spend cascade`, /never changed/)
    expect(await bench.balance('guard', march)).toBe(40n)
  })

  test('a clock that went back takes nothing away', async () => {
    const account = await bench.account('clock')
    await bench.grant(account, 'clock', { recurrence: monthly })
    for (const now of [march, at('2026-01-15T00:00:00Z'), march])
      await inTransaction(bench.database, (client) => settleGrants(client, { account, now }))
    expect(await entriesOf('clock')).toEqual([
      '0 granted 100',
      '0 expired -100',
      '1 granted 100',
      '1 expired -100',
      '2 granted 100',
    ])
  })
})
