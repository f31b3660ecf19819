import { microsOf, readInstant } from '../../account/database.ts'
import type { Queryable } from '../../account/database.ts'
import type { InvoiceId } from '../../core/ids.ts'
import type { Minor } from '../../core/money.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { CreditKind, Grant, GrantId } from './grant.ts'
import { dueEntries, dueKinds, missingEntries } from './ledger.ts'
import type { DueEntry, DueKind, Movement } from './ledger.ts'

// The statements about the ledger of grants. Entries are added, never changed: triggers refuse it.

export type EntryKind = DueKind | 'burned' | 'returned'

/** Which burn of which spend of an invoice. */
export interface SpendPlace {
  readonly invoice: InvoiceId
  readonly kind: CreditKind
  readonly attempt: number
  /** The line of the invoice, from 1. */
  readonly line: number
  /** Which burn of the spend, from 1. */
  readonly position: number
}

export interface NewEntry {
  readonly turn: number
  readonly kind: EntryKind
  readonly at: Micros
  readonly amount: bigint
  readonly spend: SpendPlace | null
  readonly decided: { readonly by: string; readonly reason: string } | null
}

export interface Entry extends NewEntry {
  readonly number: number
  readonly amount: Minor
  readonly recordedAt: Micros
}

/** A grant with what is written of it, in sums. */
export interface Books {
  readonly grant: Grant
  readonly movements: readonly Movement[]
  readonly written: readonly DueEntry[]
  /** The number of the last entry; 0: there is none. */
  readonly last: number
}

interface SumRow {
  readonly credit: string
  readonly turn: number
  readonly kind: EntryKind
  readonly at: string
  readonly amount: string
  readonly last: number
}

const isDue = (kind: EntryKind): kind is DueKind => (dueKinds as readonly string[]).includes(kind)

function booksOf(grant: Grant, rows: readonly SumRow[]): Books {
  const sums = rows.map(({ turn, kind, at, amount }) => ({ turn, kind, at: readInstant(at), amount: BigInt(amount) }))
  return {
    grant,
    movements: sums.filter(({ kind }) => !isDue(kind)).map(({ at, amount }) => ({ at, amount })),
    written: sums.flatMap(({ kind, ...sum }) => (isDue(kind) ? [{ kind, ...sum }] : [])),
    last: rows.reduce((last, row) => Math.max(last, row.last), 0),
  }
}

/** The books of grants, in the order given. */
export async function loadBooks(queryable: Queryable, grants: readonly Grant[]): Promise<readonly Books[]> {
  const { rows } = await queryable.query<SumRow>(
    `select credit, turn, kind, ${microsOf('at')} as at, sum(amount_minor)::text as amount, max(number) as last
     from credit_entry where credit = any($1) group by credit, turn, kind, at`,
    [grants.map(({ id }) => id)],
  )
  const byGrant = Map.groupBy(rows, ({ credit }) => credit)
  return grants.map((grant) => booksOf(grant, byGrant.get(grant.id) ?? []))
}

/** What of the terms is due and not written yet. A clock that went back takes nothing away. */
export function unwritten({ grant, movements, written }: Books, now: Micros): readonly DueEntry[] {
  const until = [...written, ...movements].reduce((latest, { at }) => Math.max(latest, at), now as number) as Micros
  return missingEntries(dueEntries(grant, movements, until), written)
}

/**
 * Adds facts to the books and, in the same statement, what follows from them and from the terms up to `now`. The grants
 * are locked by the caller, and `books` were read after that.
 */
export async function writeEntries(
  client: Queryable,
  added: readonly { readonly books: Books; readonly facts: readonly NewEntry[] }[],
  now: Micros,
): Promise<void> {
  const rows = added.flatMap(({ books, facts }) => {
    const { grant, last } = books
    const movements = [...books.movements, ...facts.map(({ at, amount }) => ({ at, amount }))]
    const due = unwritten({ ...books, movements }, now).map((entry): NewEntry => ({
      ...entry,
      spend: null,
      decided: entry.kind === 'voided' ? grant.voided : null,
    }))
    return [...facts, ...due].map((entry, index) => rowOf(grant.id, last + index + 1, entry))
  })
  if (rows.length === 0) return
  await client.query(
    `insert into credit_entry (credit, number, turn, kind, amount_minor, at, recorded_at,
       invoice, spend_kind, attempt, line, position, recorded_by, reason)
     select credit, number, turn, kind, amount_minor, at, $2, invoice, spend_kind, attempt, line, position, recorded_by, reason
     from json_to_recordset($1) as r (credit text, number integer, turn integer, kind text, amount_minor numeric,
       at timestamptz, invoice text, spend_kind text, attempt integer, line integer, position integer,
       recorded_by text, reason text)`,
    [JSON.stringify(rows), formatInstant(now)],
  )
}

function rowOf(credit: GrantId, number: number, { turn, kind, at, amount, spend, decided }: NewEntry): object {
  return {
    credit,
    number,
    turn,
    kind,
    amount_minor: amount.toString(),
    at: formatInstant(at),
    invoice: spend?.invoice,
    spend_kind: spend?.kind,
    attempt: spend?.attempt,
    line: spend?.line,
    position: spend?.position,
    recorded_by: decided?.by,
    reason: decided?.reason,
  }
}

interface EntryRow {
  readonly credit: GrantId
  readonly number: number
  readonly turn: number
  readonly kind: EntryKind
  readonly amount_minor: string
  readonly at: string
  readonly recorded_at: string
  readonly invoice: InvoiceId | null
  readonly spend_kind: CreditKind | null
  readonly attempt: number | null
  readonly line: number | null
  readonly position: number | null
  readonly recorded_by: string | null
  readonly reason: string | null
}

const columns = `credit, number, turn, kind, amount_minor, ${microsOf('at')} as at, ${microsOf('recorded_at')} as recorded_at,
  invoice, spend_kind, attempt, line, position, recorded_by, reason`

function spendOf({ invoice, spend_kind: kind, attempt, line, position }: EntryRow): SpendPlace | null {
  if (invoice === null || kind === null || attempt === null || line === null || position === null) return null
  return { invoice, kind, attempt, line, position }
}

function entryOf(row: EntryRow): Entry {
  const { number, turn, kind, recorded_by: by, reason } = row
  return {
    number,
    turn,
    kind,
    at: readInstant(row.at),
    amount: BigInt(row.amount_minor) as Minor,
    spend: spendOf(row),
    decided: by === null || reason === null ? null : { by, reason },
    recordedAt: readInstant(row.recorded_at),
  }
}

export interface EntryPage {
  readonly credit: GrantId
  /** The number of the last entry of the page before. */
  readonly after: number
  readonly most: number
}

/** The entries of a grant in the order in which they were written. */
export async function selectEntries(
  queryable: Queryable,
  { credit, after, most }: EntryPage,
): Promise<readonly Entry[]> {
  const { rows } = await queryable.query<EntryRow>(
    `select ${columns} from credit_entry where credit = $1 and number > $2 order by number limit $3`,
    [credit, after, most],
  )
  return rows.map(entryOf)
}

export interface Burned extends Entry {
  readonly credit: GrantId
  readonly spend: SpendPlace
  readonly isReturned: boolean
}

/** What an invoice burned, in the order in which it burned: before tax, then after it. */
export async function selectBurned(queryable: Queryable, invoice: InvoiceId): Promise<readonly Burned[]> {
  const { rows } = await queryable.query<EntryRow & { readonly is_returned: boolean }>(
    `select ${columns}, exists (
       select from credit_return r where (r.invoice, r.kind, r.attempt) = (e.invoice, e.spend_kind, e.attempt)
     ) as is_returned
     from credit_entry e where invoice = $1 and kind = 'burned' order by spend_kind desc, position`,
    [invoice],
  )
  return rows.flatMap((row) => {
    const { spend, ...entry } = entryOf(row)
    return spend === null ? [] : [{ ...entry, spend, credit: row.credit, isReturned: row.is_returned }]
  })
}
