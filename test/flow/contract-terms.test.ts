import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey } from '../../src/core/ids.ts'
import type { Minor } from '../../src/core/money.ts'
import { invoiceText } from '../../src/invoice/text.ts'
import { parseAddOn } from '../../src/price/book/add-on.ts'
import { publishAddOn } from '../../src/price/book/add-on-catalogue.ts'
import { selectDecisions } from '../../src/price/contract/contract-table.ts'
import { parseCoupon } from '../../src/price/book/coupon.ts'
import { publishCoupon } from '../../src/price/book/coupon-catalogue.ts'
import { insertGrant } from '../../src/price/credit/grant-table.ts'
import type { GrantId } from '../../src/price/credit/grant.ts'
import { openContractDesk, out, shown } from '../support/contract-desk.ts'
import type { ContractDesk } from '../support/contract-desk.ts'
import { at } from '../support/invoice-desk.ts'

let desk: ContractDesk
beforeAll(async () => {
  desk = await openContractDesk()
})
afterAll(() => desk.close())

describe('what an account has besides its plan', () => {
  test('add-ons by count, coupons, taxes, in the order of the invoice', async () => {
    const addOn = parseAddOn({
      key: 'seats',
      name: 'Seats',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [{ key: 'seat', name: 'Seat', model: { kind: 'flat', amount: '31' } }],
    })
    const coupon = parseCoupon({
      key: 'tenth',
      name: 'A tenth off',
      percent: '10',
      of: ['fee'],
      periods: 2,
      effective_from: '2020-01-01T00:00:00Z',
    })
    if (!addOn.ok || !coupon.ok) throw new Error(JSON.stringify([addOn, coupon]))
    await publishAddOn(desk.database, addOn.value, desk.now)
    await publishCoupon(desk.database, coupon.value, desk.now)
    await desk.subscriber('terms')
    const terms = {
      add_ons: [
        { key: 'seats', count: 2, from: '2026-10-01T00:00:00Z', to: '2026-10-11T00:00:00Z' },
        { key: 'seats', count: 3, from: '2026-10-11T00:00:00Z' },
      ],
      coupons: [{ key: 'tenth', from: '2026-10-20T00:00:00Z' }],
      taxes: [{ key: 'vat', name: 'VAT', percent: '19' }],
    }
    await desk.move({ account: 'terms', at: at('2026-10-01T00:00:00Z'), terms })
    const { document, ...rest } = await desk.draft('terms')
    expect(shown(document)).toEqual([
      'fee all 20.00',
      'out all 0.00',
      'seat 10-01..10-11 20.00',
      'seat 10-11..11-01 63.00',
    ])
    expect(document.lines.slice(2).map(({ count }) => count)).toEqual(['2', '3'])
    // 103 − 10 % of 20 = 101; 19 % of it = 19.19.
    expect(document.totals).toMatchObject({ subtotal: '103.00', taxable: '101.00', total: '120.19', due: '120.19' })
    expect(document.total).toBe('120.19')
    const text = invoiceText({ document, ...rest })
    for (const words of ['Subtotal', 'A tenth off', '-2.00 USD', 'VAT, 19 %', '19.19 USD', '120.19 USD'])
      expect(text).toContain(words)
    // Two billing periods from the one in which it was given.
    expect((await desk.draft('terms', '2026-11')).document.totals?.discounts).toHaveLength(1)
    expect((await desk.draft('terms', '2026-12')).document.totals?.discounts).toHaveLength(0)
    const issued = await desk.issued('terms')
    const { rows } = await desk.database.query('select subtotal_minor, total_minor from invoice where id = $1', [
      issued.id,
    ])
    expect(rows).toEqual([{ subtotal_minor: '10300', total_minor: '12019' }])
  })

  test('credits: promotional before tax, prepaid after it, taken once by whoever issues first', async () => {
    const account = await desk.subscriber('credits')
    await desk.move({
      account,
      at: at('2026-08-01T00:00:00Z'),
      terms: { taxes: [{ key: 'vat', name: 'VAT', percent: '10' }] },
    })
    const grant = async (id: string, kind: 'promotional' | 'prepaid', amount: bigint): Promise<boolean> =>
      insertGrant(desk.database, {
        id: id as GrantId,
        account,
        kind,
        name: id,
        currency: 'USD',
        priority: 1,
        scope: 'all',
        amount: amount as Minor,
        effectiveFrom: at('2026-08-01T00:00:00Z'),
        expiresAt: null,
        recurrence: null,
        rollover: null,
        zone: 'UTC',
        paid: null,
        createdAt: at('2026-08-01T00:00:00Z'),
        by: 'ada',
        reason: null,
        voidedAt: null,
        voided: null,
      })
    await grant('promo', 'promotional', 500n)
    await grant('paid', 'prepaid', 2_000n)
    const drafts = await Promise.all(['2026-09', '2026-10'].map((month) => desk.draft(account, month)))
    // Each draft could take all: 20 − 5 = 15, and 10 % are 16.50, all of it prepaid.
    expect(drafts.map(({ document: { totals } }) => [totals?.total, totals?.due])).toEqual([
      ['16.50', '0.00'],
      ['16.50', '0.00'],
    ])
    await Promise.all(['2026-09', '2026-10'].map((month) => desk.issued(account, month)))
    const issued = await Promise.all(['2026-09', '2026-10'].map((month) => desk.draft(account, month)))
    const dues = issued.map(({ document: { totals } }) => `${totals?.total} ${totals?.due}`)
    // The first takes 5.00 and 16.50; the second has no promotional credit and 3.50 of its 22.00 prepaid.
    expect(dues.toSorted()).toEqual(['16.50 0.00', '22.00 18.50'])
    const first = issued.find(({ document }) => document.total === '16.50')
    if (first === undefined) throw new Error('one of them was first')
    for (const words of ['Promotional credit', '-5.00 USD', 'Taxable', 'Prepaid credit', '-16.50 USD', 'Left to pay'])
      expect(invoiceText(first)).toContain(words)
  })

  test('is refused with all that is wrong when it is saved', async () => {
    await desk.subscriber('wrong')
    const terms = {
      overrides: [
        { replace: { ...out('0', '1'), key: 'nothing' } },
        { remove: 'neither' },
        { free: ['fee', 'nor'] },
        { replace: { ...out('0', '1') }, remove: 'fee' },
      ],
      add_ons: [{ key: 'none' }, { key: 'none', count: 0 }],
      coupons: [{ key: 'none' }],
      taxes: [{ key: 'vat', name: 'VAT', percent: '-1' }],
    }
    const refused = await desk.move({ account: 'wrong', at: 'now', terms }).catch((error: unknown) => error)
    expect((refused as { problems: { field: string }[] }).problems.map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        'overrides.3',
        'add_ons.1.count',
        'taxes.0.percent',
        'add_ons.1',
        'add_ons.0.key',
        'coupons.0.key',
      ]),
    )
    const wrongKeys = { overrides: terms.overrides.slice(0, 3) }
    const again = await desk.move({ account: 'wrong', at: 'now', terms: wrongKeys }).catch((error: unknown) => error)
    expect((again as { problems: { field: string }[] }).problems.map(({ field }) => field)).toEqual([
      'overrides.0.replace.key',
      'overrides.1.remove',
      'overrides.2.free',
    ])
    const matrix = {
      ...out('0', '1'),
      included: undefined,
      model: {
        kind: 'matrix',
        dimensions: ['planet'],
        cells: [{ when: { planet: 'earth' }, model: { kind: 'per_unit', unit_amount: '1' } }],
        default: { model: { kind: 'per_unit', unit_amount: '2' } },
      },
    }
    await expect(
      desk.move({ account: 'wrong', at: 'now', terms: { overrides: [{ replace: matrix }] } }),
    ).rejects.toMatchObject({
      problems: [{ field: 'overrides.0.replace.model.dimensions' }],
    })
    await expect(desk.publish({ key: 'planets', prices: [matrix] })).rejects.toMatchObject({
      problems: [{ field: 'prices.0.model.dimensions' }],
    })
    expect(await selectDecisions(desk.database, 'wrong' as AccountKey)).toHaveLength(1)
  })
})
