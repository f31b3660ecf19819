import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/account/accounts.ts'
import { unattributed } from '../../src/core/ids.ts'
import type { PlanKey } from '../../src/core/ids.ts'
import { draftInvoice, findInvoice, issueInvoice } from '../../src/invoice/desk.ts'
import { hasIssuedInvoice, nameIssuer } from '../../src/invoice/invoice-table.ts'
import { listInvoices } from '../../src/invoice/list.ts'
import { setDefaultPlan } from '../../src/price/contract/subscription.ts'
import { at, bytesOf, openDesk } from '../support/invoice-desk.ts'
import type { TestDesk } from '../support/invoice-desk.ts'

const operator = { account: null }
const usual = { waiver: null, viewer: operator }
let opened: TestDesk
beforeAll(async () => {
  opened = await openDesk()
})
afterAll(() => opened.close())

async function codeOf(account: string, month: string): Promise<string> {
  return draftInvoice(opened.desk, { account, month }).then(
    () => 'none',
    (error: { code: string }) => error.code,
  )
}

describe('a draft', () => {
  test('is the same bytes when it is computed again, and follows the traffic', async () => {
    const account = await opened.subscriber('draft')
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-05T10:00:00Z', quantity: '6000000000' })
    const first = await draftInvoice(opened.desk, { account, month: '2026-10' })
    expect(first).toMatchObject({ status: 'draft', document: { number: null, total: '20.10' } })
    expect(bytesOf(await draftInvoice(opened.desk, { account, month: '2026-10' }))).toBe(bytesOf(first))
    expect(bytesOf(await findInvoice(opened.desk, first.id, operator))).toBe(bytesOf(first))

    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-05T11:00:00Z', quantity: '1000000000' })
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-05T12:00:00Z', quantity: null })
    const later = await findInvoice(opened.desk, first.id, operator)
    expect(later).toMatchObject({ id: first.id, document: { total: '20.20', log_offset: `${opened.traffic.length}` } })
    expect(later.document.lines[1]).toMatchObject({ quantity: '7000000000', events_without_value: '1' })
    const listed = await listInvoices(opened.database, { account })
    expect(listed.invoices).toMatchObject([{ id: first.id, status: 'draft', total: '20.20' }])
  })

  test('has the month of the account: days of its zone, 25 hours where clocks go back', async () => {
    const account = await opened.subscriber('berlin', 'Europe/Berlin')
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-09-30T22:00:00Z', quantity: '1' })
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-31T22:59:59.999999Z', quantity: '2' })
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-09-30T21:59:59.999999Z', quantity: '4' })
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-31T23:00:00Z', quantity: '8' })
    const { document } = await draftInvoice(opened.desk, { account, month: '2026-10' })
    expect(document.period).toMatchObject({ from: '2026-09-30T22:00:00Z', to: '2026-10-31T23:00:00Z' })
    const line = document.lines[1]
    expect(line?.quantity).toBe('3')
    expect(line?.windows).toHaveLength(31)
    expect(line?.windows.find(({ from }) => from === '2026-10-24T22:00:00Z')?.to).toBe('2026-10-25T23:00:00Z')
  })

  test('needs an account, a month and a plan', async () => {
    await createAccount(opened.database, { key: 'planless' }, opened.now)
    expect(await codeOf('nobody', '2026-10')).toBe('ACCOUNT_NOT_FOUND')
    expect(await codeOf('draft', '2026-13')).toBe('REQUEST_INVALID')
    expect(await codeOf('draft', '1969-12')).toBe('REQUEST_INVALID')
    expect(await codeOf('planless', '2026-10')).toBe('PLAN_MISSING')
  })
})

describe('issuing', () => {
  test('freezes the document under a number, and again gives the same', async () => {
    const account = await opened.subscriber('issue')
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-05T10:00:00Z', quantity: '25000000000' })
    expect(await hasIssuedInvoice(opened.database, account)).toBe(false)
    const first = await opened.issued(account)
    expect(first).toMatchObject({
      status: 'issued',
      document: { total: '22.00', waiver: null, issued_at: '2026-11-22T12:00:00Z', issuer: { name: 'Edge & Sons' } },
    })
    expect(first.document.number).toMatch(/^INV-\d{6}$/)
    expect(await hasIssuedInvoice(opened.database, account)).toBe(true)

    // L6: neither traffic that comes later nor another name changes what was issued.
    opened.traffic.push({ account, meter: 'data_out_wire', time: '2026-10-06T10:00:00Z', quantity: '99000000000' })
    await nameIssuer(opened.database, { name: 'Edge & Daughters', address: 'Quay 1\nHamburg' })
    expect(bytesOf(await opened.issued(account))).toBe(bytesOf(first))
    expect(bytesOf(await draftInvoice(opened.desk, { account, month: '2026-10' }))).toBe(bytesOf(first))
    expect(bytesOf(await findInvoice(opened.desk, first.document.number ?? '', operator))).toBe(bytesOf(first))
    expect(bytesOf(await findInvoice(opened.desk, first.id, { account }))).toBe(bytesOf(first))
    const { rows } = await opened.database.query<{ quantity: string; amount_minor: string }>(
      'select quantity, amount_minor from invoice_line where invoice = $1 order by line',
      [first.id],
    )
    expect(rows).toEqual([
      { quantity: '1', amount_minor: '2000' },
      { quantity: '25000000000', amount_minor: '200' },
    ])
  })

  test('waits for the end of the period in the zone of the account', async () => {
    const account = await opened.subscriber('open', 'America/New_York')
    const draft = await draftInvoice(opened.desk, { account, month: '2026-11' })
    const before = opened.now
    opened.now = at('2026-12-01T04:59:59.999999Z')
    await expect(issueInvoice(opened.desk, draft.id, usual)).rejects.toMatchObject({ code: 'INVOICE_PERIOD_OPEN' })
    opened.now = at('2026-12-01T05:00:00Z')
    expect((await issueInvoice(opened.desk, draft.id, usual)).status).toBe('issued')
    opened.now = before
  })

  test('waits until usage is complete, or a named person waives it', async () => {
    const account = await opened.subscriber('incomplete')
    opened.gaps.push('source edge-1 has no checkpoint past 2026-10-30', 'source edge-2 misses seq 7 to 9')
    await expect(opened.issued(account)).rejects.toMatchObject({
      code: 'INVOICE_INCOMPLETE',
      message: expect.stringContaining('edge-2 misses seq 7 to 9'),
      problems: [{ message: opened.gaps[0] }, { message: opened.gaps[1] }],
    })
    const waiver = { by: 'Ada', reason: 'edge-1 was switched off', valueAtRisk: '0.40' }
    const waived = await opened.issued(account, '2026-10', waiver)
    expect(waived.document).toMatchObject({
      completeness: { complete: false, reasons: opened.gaps },
      waiver: { by: 'Ada', reason: 'edge-1 was switched off', value_at_risk: '0.40' },
    })
    opened.gaps.length = 0
    // Nothing was missing, so nothing was waived.
    expect((await opened.issued(account, '2026-09', waiver)).document.waiver).toBeNull()
  })

  test('traffic that nobody owns is valued and never issued', async () => {
    await setDefaultPlan(
      opened.database,
      { plan: 'usual' as PlanKey, from: at('2026-10-01T00:00:00Z'), by: 'ada' },
      opened.now,
    )
    opened.traffic.push({
      account: unattributed,
      meter: 'data_out_wire',
      time: '2026-10-05T10:00:00Z',
      quantity: '10000000000',
    })
    const draft = await draftInvoice(opened.desk, { account: unattributed, month: '2026-10' })
    expect(draft.document).toMatchObject({ total: '0.50', account: { billable: false }, plan: { basis: 'default' } })
    await expect(issueInvoice(opened.desk, draft.id, usual)).rejects.toMatchObject({ code: 'INVOICE_NOT_BILLABLE' })
  })
})

describe('an invoice of another account', () => {
  test('does not exist for whoever may not see it', async () => {
    const account = await opened.subscriber('fenced')
    const stranger = await opened.subscriber('stranger')
    const draft = await draftInvoice(opened.desk, { account, month: '2026-10' })
    for (const idOrNumber of [draft.id, 'INV-000001', 'nothing'])
      await expect(findInvoice(opened.desk, idOrNumber, { account: stranger })).rejects.toMatchObject({
        code: 'INVOICE_NOT_FOUND',
      })
    await expect(
      issueInvoice(opened.desk, draft.id, { waiver: null, viewer: { account: stranger } }),
    ).rejects.toMatchObject({
      code: 'INVOICE_NOT_FOUND',
    })
    expect((await listInvoices(opened.database, { account: stranger })).invoices).toEqual([])
  })
})

test('a void invoice makes room for a new one of its month', async () => {
  const account = await opened.subscriber('voided')
  const first = await opened.issued(account)
  await opened.database.query("update invoice set status = 'void', status_at = now() where id = $1", [first.id])
  await expect(issueInvoice(opened.desk, first.id, usual)).rejects.toMatchObject({ code: 'INVOICE_TRANSITION_REFUSED' })
  const second = await opened.issued(account)
  expect(second.id).not.toBe(first.id)
  const found = await findInvoice(opened.desk, first.id, operator)
  expect(found.status).toBe('void')
  expect(found.document).toEqual(first.document)
})

test('lists go page by page, the newest month first, each invoice once', async () => {
  const keys = ['page-a', 'page-b', 'page-c']
  for (const key of keys) {
    await opened.subscriber(key)
    for (const month of ['2026-07', '2026-08']) await draftInvoice(opened.desk, { account: key, month })
  }
  const seen: string[] = []
  let after: string | undefined
  do {
    const page = await listInvoices(opened.database, { account: null, limit: 4, after })
    expect(page.invoices.length).toBeLessThanOrEqual(4)
    seen.push(...page.invoices.map(({ month, account, id }) => `${month} ${account} ${id}`))
    after = page.next ?? undefined
  } while (after !== undefined)
  const { rows } = await opened.database.query('select id from invoice')
  expect(new Set(seen).size).toBe(rows.length)
  const months = seen.map((line) => line.slice(0, 7))
  expect(months).toEqual(months.toSorted().toReversed())
  const july = await listInvoices(opened.database, { account: null, month: '2026-07' })
  expect(july.invoices.map(({ account }) => account)).toEqual(keys)
  await expect(listInvoices(opened.database, { account: null, after: 'x' })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
  })
})
