import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InvoiceId } from '../../src/core/ids.ts'
import { draftInvoice } from '../../src/invoice/desk.ts'
import { invoiceEvents, invoiceStates, transitions } from '../../src/invoice/state.ts'
import { bytesOf, openDesk } from '../support/invoice-desk.ts'
import type { TestDesk } from '../support/invoice-desk.ts'

let opened: TestDesk
beforeAll(async () => {
  opened = await openDesk()
})
afterAll(() => opened.close())

/** The numbers that are taken, in order. */
async function used(): Promise<number[]> {
  const { rows } = await opened.database.query<{ sequence: string }>(
    'select sequence from invoice where sequence is not null order by sequence',
  )
  return rows.map(({ sequence }) => Number(sequence))
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** Tries a change of state on an invoice of its own, in a transaction that is rolled back. */
async function moves(from: string, to: string): Promise<boolean> {
  const client = await opened.database.connect()
  const number = `issued_at = now(), number = 'M', issuing_entity = 'main', sequence = 9999`
  try {
    await client.query('begin')
    await client.query(
      `insert into invoice (id, account, kind, month, period_from, period_to, status, status_at, currency,
                            total_minor, log_offset, document)
       values ('moving', 'frozen', 'usage', '2020-01', '2020-01-01', '2020-02-01', 'draft', now(), 'USD', 0, 0, '{}')`,
    )
    if (from !== 'draft') await client.query(`update invoice set status = 'issued', ${number} where id = 'moving'`)
    if (from !== 'draft') await client.query(`update invoice set status = '${from}' where id = 'moving'`)
    const numbering = from === 'draft' && to !== 'draft' ? `, ${number}` : ''
    await client.query(`update invoice set status = '${to}'${numbering} where id = 'moving'`)
    return true
  } catch {
    return false
  } finally {
    await client.query('rollback')
    client.release()
  }
}

describe('numbers', () => {
  /** A number that the issuing transaction took is given back when it fails afterwards. */
  const breakMidway = `
    create function break_midway() returns trigger language plpgsql as $$
    begin
      if new.status = 'issued' and new.account like 'broken-%' then raise exception 'broken midway'; end if;
      return new;
    end $$;
    create trigger z_break_midway before update on invoice for each row execute function break_midway()`

  test('have no gap and no double when many are issued at once and some fail midway', async () => {
    const first = (await used()).length
    const keys = Array.from({ length: 27 }, (_, index) => `${index % 4 === 3 ? 'broken' : 'sound'}-${index}`)
    for (const key of keys) await opened.subscriber(key)
    await opened.database.query(breakMidway)
    const results = await Promise.allSettled(keys.map((key) => opened.issued(key)))
    expect(results.map(({ status }) => status)).toEqual(
      keys.map((key) => (key.startsWith('broken') ? 'rejected' : 'fulfilled')),
    )
    await opened.database.query('drop trigger z_break_midway on invoice')
    expect(await used()).toEqual(upTo(first + 21))
    await Promise.all(keys.map((key) => opened.issued(key)))
    expect(await used()).toEqual(upTo(first + 27))
  })

  test('one invoice that is issued ten times at once takes one', async () => {
    const account = await opened.subscriber('eager')
    const before = (await used()).length
    const results = await Promise.all(Array.from({ length: 10 }, () => opened.issued(account)))
    expect(new Set(results.map(bytesOf)).size).toBe(1)
    expect((await used()).length).toBe(before + 1)
  })
})

describe('the database refuses', () => {
  let id: InvoiceId
  beforeAll(async () => {
    id = (await opened.issued(await opened.subscriber('frozen'))).id
  })

  test.each([
    "update invoice set total_minor = total_minor + 1 where id = '%'",
    "update invoice set document = (document::text || ' ')::json where id = '%'",
    "update invoice set number = 'INV-999999' where id = '%'",
    "update invoice set issued_at = now() where id = '%'",
    "update invoice set status = 'draft' where id = '%'",
    "delete from invoice where id = '%'",
    "update invoice_line set amount_minor = 0 where invoice = '%'",
    "delete from invoice_line where invoice = '%'",
    "insert into invoice_line select invoice, 99, price, description, meter, meter_version, quantity, unit, unit_amount, 0, 0 from invoice_line where invoice = '%' and line = 1",
    'truncate invoice cascade',
    'truncate invoice_line',
    'update issuing_entity set next_number = 1',
    'delete from issuing_entity',
  ])('%s', async (statement) => {
    const before = await opened.database.query('select * from invoice where id = $1', [id])
    await expect(opened.database.query(statement.replace('%', id))).rejects.toMatchObject({ code: '23000' })
    const after = await opened.database.query('select * from invoice where id = $1', [id])
    expect(after.rows).toEqual(before.rows)
  })

  test('an invoice whose lines do not add up to its total', async () => {
    const draft = await draftInvoice(opened.desk, { account: await opened.subscriber('forged'), month: '2026-10' })
    const forge = `update invoice set status = 'issued', issued_at = now(), number = 'X', issuing_entity = 'main', sequence = 9999 where id = $1`
    await expect(opened.database.query(forge, [draft.id])).rejects.toThrow('do not add up')
  })

  test('a second invoice of the same time', async () => {
    const account = await opened.subscriber('twice')
    const { rows } = await opened.database.query<{ id: string }>('select id from invoice where id = $1', [
      (await opened.issued(account)).id,
    ])
    await expect(
      opened.database.query(
        `insert into invoice (id, account, kind, month, period_from, period_to, status, status_at, currency, total_minor, log_offset, document)
         select 'copy', account, kind, month, period_from, period_to, 'draft', status_at, currency, total_minor, log_offset, document
         from invoice where id = $1`,
        [rows[0]?.id],
      ),
    ).rejects.toMatchObject({ constraint: 'invoice_of_month' })
  })

  test('the same changes of state as the table in the code', async () => {
    const allowed: string[] = []
    for (const from of invoiceStates)
      for (const to of invoiceStates) if (await moves(from, to)) allowed.push(`${from} → ${to}`)
    const inCode = invoiceStates.flatMap((from) =>
      invoiceEvents.flatMap((event) => {
        const to = transitions[from][event]
        return to === null || to === 'discarded' ? [] : [`${from} → ${to}`]
      }),
    )
    // A draft that is computed again, and an issued invoice that is left alone, stay what they are.
    const stay = invoiceStates.map((state) => `${state} → ${state}`)
    expect(new Set(allowed)).toEqual(new Set([...inCode, ...stay]))
  })
})

test('the stored bytes are the document', async () => {
  const invoice = await opened.issued(await opened.subscriber('bytes'))
  const { rows } = await opened.database.query<{ text: string }>(
    'select document::text as text from invoice where id = $1',
    [invoice.id],
  )
  expect(rows[0]?.text).toBe(JSON.stringify(invoice.document))
})
