import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getAccount } from '../../src/account/accounts.ts'
import type { AccountKey, PlanKey } from '../../src/core/ids.ts'
import { billingPeriod } from '../../src/invoice/billing-period.ts'
import { findInvoice } from '../../src/invoice/desk.ts'
import { documentOf, knownOf } from '../../src/invoice/document.ts'
import type { Invoice, InvoiceDocument } from '../../src/invoice/document.ts'
import { driftJson, driftOf, isDrifted } from '../../src/invoice/drift.ts'
import { collectUsage } from '../../src/invoice/collect-usage.ts'
import { selectIssuer } from '../../src/invoice/invoice-table.ts'
import { invoicePage } from '../../src/invoice/page.ts'
import { planInvoice } from '../../src/invoice/plan-invoice.ts'
import { previewMove } from '../../src/invoice/preview-move.ts'
import { invoiceText, lineText } from '../../src/invoice/text.ts'
import type { Offset } from '../../src/core/ids.ts'
import { contractOf } from '../../src/price/contract/contract.ts'
import { bookAsOf, factsAsOf } from '../../src/price/contract/contract-facts.ts'
import { loadContractFacts, selectDecisions } from '../../src/price/contract/contract-table.ts'
import { loadPriceBook } from '../../src/price/book/price-book-load.ts'
import { endSubscription, subscribe } from '../../src/price/contract/subscription.ts'
import type { Move } from '../../src/price/contract/subscription-move.ts'
import { createAccount } from '../../src/account/accounts.ts'
import { fee, openContractDesk, out, shown } from '../support/contract-desk.ts'
import type { ContractDesk } from '../support/contract-desk.ts'
import { at, bytesOf } from '../support/invoice-desk.ts'

let desk: ContractDesk
beforeAll(async () => {
  desk = await openContractDesk()
})
afterAll(() => desk.close())

const source = () => ({
  database: desk.database,
  readUsage: desk.desk.readUsage,
  findMeter: (key: string) => desk.desk.findMeter(key as never),
})
const drift = (invoice: Invoice) => driftOf(source(), invoice, desk.traffic.length as Offset)

describe('a change in the middle of a month', () => {
  test('shows both halves, each with its dates, its share of the allowance and of the fee', async () => {
    await desk.subscriber('halves')
    desk.sent('halves', '2026-10-05T12:00:00Z', '10')
    desk.sent('halves', '2026-10-20T12:00:00Z', '100')
    await desk.move({ account: 'halves', plan: 'pro' as PlanKey, at: at('2026-10-11T00:00:00Z') })
    const { document, ...rest } = await desk.draft('halves')
    // 10 of 31 days: 20 × 10/31 = 6.4516; 10 GB less 5 × 10/31 at 0.10 = 0.8387.
    // 21 of 31 days: 62 × 21/31 = 42; 100 GB less 31 × 21/31 = 21 at 0.05 = 3.95.
    expect(shown(document)).toEqual([
      'fee 10-01..10-11 6.45',
      'fee 10-11..11-01 42.00',
      'out 10-01..10-11 0.84',
      'out 10-11..11-01 3.95',
    ])
    expect(document.total).toBe('53.24')
    expect(document.plan.key).toBe('pro')
    expect(document.lines[2]?.windows).toHaveLength(10)
    expect(document.lines[3]?.windows).toHaveLength(21)
    const text = invoiceText({ document, ...rest })
    for (const words of [
      '1 Oct 2026 to 10 Oct 2026',
      '11 Oct 2026 to 31 Oct 2026',
      'Usual (usual version 1)',
      'Pro (pro version 1)',
    ])
      expect(text).toContain(words)
    expect(lineText({ document, ...rest }, 4)).toContain('Time     11 Oct 2026 to 31 Oct 2026')
    const page = invoicePage({ document, ...rest }, { now: desk.now })
    expect(page).toContain('It held from 11 Oct 2026 to 31 Oct 2026')
  })

  test('splits only what it changes: terms that leave a price alone leave its line alone', async () => {
    await desk.subscriber('override')
    desk.sent('override', '2026-10-05T12:00:00Z', '10')
    const overrides = [{ discount: { keys: ['out'], percent: '50' } }]
    await desk.move({ account: 'override', at: at('2026-10-16T12:00:00Z'), terms: { overrides } })
    const { document } = await desk.draft('override')
    // 31 × 24 = 744 hours, 372 of them before noon of the 16th: 10 − 2.5 = 7.5 GB at 0.10.
    expect(shown(document)).toEqual(['fee all 20.00', 'out 10-01..10-16 0.75', 'out 10-16..11-01 0.00'])
    expect(document.lines[2]?.source).toEqual({ kind: 'plan', key: 'usual', version: 1, agreed: true })
  })

  test('a version of the plan takes effect at its instant, and what it leaves as it was is one line', async () => {
    await desk.publish({ key: 'grows', prices: [fee('31'), out('0', '0.10')] })
    await desk.publish({ key: 'grows', prices: [fee('31'), out('0', '0.20')], effective_from: '2026-10-02T00:00:00Z' })
    await createAccount(desk.database, { key: 'versions', currency: 'USD', timeZone: 'UTC' }, desk.now)
    const wanted = {
      account: 'versions' as AccountKey,
      plan: 'grows' as PlanKey,
      from: at('2026-01-01T00:00:00Z'),
      to: null,
    }
    await subscribe(desk.database, wanted, desk.decided())
    desk.sent('versions', '2026-10-01T12:00:00Z', '10')
    desk.sent('versions', '2026-10-02T00:00:00Z', '10')
    const { document } = await desk.draft('versions')
    expect(shown(document)).toEqual(['fee all 31.00', 'out 10-01..10-02 1.00', 'out 10-02..11-01 2.00'])
    expect(document.plans?.map(({ version }) => version)).toEqual([1, 2])
  })

  test('from sign-up on; what was used before it is refused and not left out', async () => {
    await createAccount(desk.database, { key: 'new', currency: 'USD', timeZone: 'UTC' }, desk.now)
    const wanted = {
      account: 'new' as AccountKey,
      plan: 'usual' as PlanKey,
      from: at('2026-10-29T00:00:00Z'),
      to: null,
    }
    await subscribe(desk.database, wanted, desk.decided())
    desk.sent('new', '2026-10-30T12:00:00Z', '1')
    const { document } = await desk.draft('new')
    // 3 of 31 days: 1.9355; 1 GB less 5 × 3/31 = 0.4839, at 0.10 = 0.0516.
    expect(shown(document)).toEqual(['fee 10-29..11-01 1.94', 'out 10-29..11-01 0.05'])
    expect(document.without_plan).toEqual([{ from: '2026-10-01T00:00:00Z', to: '2026-10-29T00:00:00Z' }])
    desk.sent('new', '2026-10-28T23:59:59Z', '1')
    await expect(desk.draft('new')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
    expect((await desk.draft('new', '2026-11')).document.without_plan).toBeUndefined()
    await endSubscription(
      desk.database,
      { account: 'new' as AccountKey, at: at('2026-11-10T00:00:00Z') },
      desk.decided(),
    )
    expect(shown((await desk.draft('new', '2026-11')).document)).toEqual([
      // 9 of 30 days.
      'fee 11-01..11-10 6.00',
      'out 11-01..11-10 0.00',
    ])
    await expect(desk.draft('new', '2026-12')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
  })
})

describe('an issued invoice', () => {
  async function recomputed(document: InvoiceDocument): Promise<string> {
    if (document.contract === undefined) throw new Error('it says what was known')
    const known = knownOf(document.contract)
    const account = await getAccount(desk.database, document.account.key)
    const period = billingPeriod(document.period.month, account.timeZone)
    const facts = factsAsOf(await loadContractFacts(desk.database, account), known)
    const contract = contractOf(facts, bookAsOf(await loadPriceBook(desk.database), known), period)
    const below = Number(document.log_offset) as Offset
    const usage = await collectUsage(desk.desk, { account: account.key, contract, period, below })
    const plan = planInvoice({ account, contract, period, usage })
    const computed = { plan, below, completeness: document.completeness, issuer: await selectIssuer(desk.database) }
    const issue = { number: document.number ?? '', at: at(document.issued_at ?? ''), waiver: null }
    return JSON.stringify(documentOf(computed, issue))
  }

  test('L5 is the same bytes when it is computed again after later changes of its past; L6 these show as drift only', async () => {
    await desk.publish({ key: 'past', prices: [fee('31'), out('0', '0.10')] })
    await createAccount(desk.database, { key: 'past', currency: 'USD', timeZone: 'UTC' }, desk.now)
    const wanted = {
      account: 'past' as AccountKey,
      plan: 'past' as PlanKey,
      from: at('2026-01-01T00:00:00Z'),
      to: null,
    }
    await subscribe(desk.database, wanted, desk.decided())
    desk.sent('past', '2026-10-20T12:00:00Z', '10')
    const issued = await desk.issued('past')
    expect(shown(issued.document)).toEqual(['fee all 31.00', 'out all 1.00'])
    expect(isDrifted(await drift(issued))).toBe(false)

    // A version that is published later for then, and a move at a past time.
    await desk.publish({ key: 'past', prices: [fee('31'), out('0', '0.30')], effective_from: '2026-10-15T00:00:00Z' })
    await desk.move({ account: 'past', plan: 'pro' as PlanKey, at: at('2026-10-30T00:00:00Z') })
    const again = await findInvoice(desk.desk, issued.id, { account: null })
    expect(bytesOf(again)).toBe(bytesOf(issued))
    expect(await recomputed(issued.document)).toBe(JSON.stringify(issued.document))

    const changed = await drift(issued)
    expect(changed.lines.every(({ issued: then, now }) => then.amount === now.amount)).toBe(true)
    // 31 × 29/31 + 62 × 2/31 = 29 + 4; 10 GB at 0.30 (of the 20th); nothing after the 30th: issued 32.00, now 36.00.
    expect(driftJson(changed)).toMatchObject({
      drifted: true,
      total: { issued: '32.00', now: '32.00', difference: '0.00' },
      under_contract_now: { total: { issued: '32.00', now: '36.00', difference: '4.00' }, why_not_priced: null },
    })
  })

  test('of before there were parts is shown, and drifts by its usage alone', async () => {
    await desk.subscriber('old')
    desk.sent('old', '2026-10-20T12:00:00Z', '10')
    const invoice = await desk.issued('old')
    const { plans: _, contract: __, totals: ___, ...document } = invoice.document
    const lines = document.lines.map(({ kind: _kind, source: _source, ...line }) => line)
    const old: Invoice = { ...invoice, document: { ...document, lines } }
    expect(invoiceText(old)).toBe(invoiceText(invoice))
    expect(invoicePage(old, { now: desk.now })).toBe(invoicePage(invoice, { now: desk.now }))
    expect(isDrifted(await drift(old))).toBe(false)
    desk.sent('old', '2026-10-21T12:00:00Z', '1')
    expect(driftJson(await drift(old))).toMatchObject({
      drifted: true,
      total: { difference: '0.10' },
      under_contract_now: null,
    })
  })
})

describe('moves', () => {
  test('keep what was decided before, with author and time, and leave planned moves where they are', async () => {
    await desk.subscriber('history')
    await desk.move({ account: 'history', plan: 'pro' as PlanKey, at: 'period_end' })
    await desk.move({ account: 'history', at: 'now', terms: { overrides: [{ remove: 'fee' }] } })
    await desk.move({ account: 'history', plan: 'pro' as PlanKey, at: at('2026-11-05T00:00:00Z') })
    const decisions = await selectDecisions(desk.database, 'history' as AccountKey)
    expect(decisions.map(({ plan, by, number }) => `${number} ${plan} ${by}`)).toEqual([
      '1 usual test',
      '2 pro ada',
      '3 usual ada',
      '4 pro ada',
    ])
    expect(decisions[1]?.from).toBe(at('2026-12-01T00:00:00Z'))
    // The move at a past time goes on to the next change, which was decided for today.
    expect(decisions[3]?.to).toBe(at('2026-11-22T12:00:00Z'))
    const { document } = await desk.draft('history', '2026-11')
    expect(document.plans?.map(({ key, from }) => `${key} ${from}`)).toEqual([
      'usual 2026-11-01T00:00:00Z',
      'pro 2026-11-05T00:00:00Z',
      'usual 2026-11-22T12:00:00Z',
    ])
    for (const statement of [
      'update subscription_decision set plan = null',
      'delete from subscription_decision',
      'truncate subscription_decision',
    ])
      await expect(desk.database.query(statement)).rejects.toThrow('is history')
  })

  test('five at once are decided one after the other', async () => {
    await desk.subscriber('busy')
    await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        desk.move({ account: 'busy', at: 'now', terms: { taxes: [{ key: `t${index}`, name: 'Tax', percent: '1' }] } }),
      ),
    )
    const decisions = await selectDecisions(desk.database, 'busy' as AccountKey)
    expect(decisions.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a preview says what the period costs before and after, and stores nothing', async () => {
    await desk.subscriber('look')
    const wanted: Move = { account: 'look' as AccountKey, plan: 'pro' as PlanKey, at: at('2026-11-16T00:00:00Z') }
    const { before, after, month } = await previewMove(desk.desk, wanted, desk.decided())
    expect([month, before?.total, after.total]).toEqual(['2026-11', '20.00', '41.00'])
    expect(await selectDecisions(desk.database, 'look' as AccountKey)).toHaveLength(1)
  })
})
