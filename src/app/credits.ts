import { createHash } from 'node:crypto'
import { getAccount, requireBillable } from '../account/accounts.ts'
import { inTransaction } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { findMeter } from '../meter/catalogue.ts'
import { addGrant, isUnsettled, settleGrant, voidGrant } from '../price/credit/catalogue.ts'
import type { VoidWanted } from '../price/credit/catalogue.ts'
import { loadBooks, selectEntries } from '../price/credit/entry-table.ts'
import type { Books, Entry } from '../price/credit/entry-table.ts'
import type { GrantId } from '../price/credit/grant.ts'
import { getGrant, selectGrants } from '../price/credit/grant-table.ts'
import type { GrantPage } from '../price/credit/grant-table.ts'
import { parseGrant } from '../price/credit/parse-grant.ts'
import type { Service } from './service.ts'

type Parts = Pick<Service, 'database' | 'world'>

/** Who asks: an account sees its own credits, null is an operator and sees all (L11). */
export interface Viewer {
  readonly account: AccountKey | null
}

async function booksOf({ database }: Parts, id: string, viewer: Viewer): Promise<Books> {
  const grant = await getGrant(database, id, viewer)
  const [books] = await loadBooks(database, [grant])
  if (books === undefined) throw new Error(`the books of credit ${id} cannot be read`)
  return books
}

export interface CreditOrder {
  readonly account: string
  /** As a person wrote it. */
  readonly document: unknown
  /** Who sends it under which Idempotency-Key; null: without one. */
  readonly write: { readonly sender: string; readonly key: string } | null
}

/** An id that follows from the key: should the answer get lost in a crash, the write again is not a second grant (L2). */
function idOf({ world }: Parts, { write }: CreditOrder): GrantId {
  const bytes =
    write === null
      ? world.random(12)
      : createHash('sha256')
          .update(JSON.stringify([write.sender, write.key]))
          .digest()
  return `crd_${Buffer.from(bytes).toString('hex', 0, 12)}` as GrantId
}

/** Grants a credit to an account. */
export async function grantCredit(parts: Parts, order: CreditOrder): Promise<Books> {
  const { database, world } = parts
  const { account, document } = order
  const id = idOf(parts, order)
  const owner = await getAccount(database, account)
  requireBillable(owner)
  const parsed = parseGrant(document, { account: owner, id, now: world.now() })
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the credit has problems', { problems: parsed.error })
  const { scope } = parsed.value
  // A meter that is not there would be a credit that never pays.
  if (scope !== 'all') for (const meter of scope.meters) await findMeter(database, meter)
  await inTransaction(database, (client) => addGrant(client, parsed.value))
  return booksOf(parts, id, { account: null })
}

/** A credit with its books. */
export async function findCredit(parts: Parts, id: string, viewer: Viewer): Promise<Books> {
  return booksOf(parts, id, viewer)
}

/** A page of an account's credits, with their books. */
export async function listCredits({ database }: Parts, page: GrantPage): Promise<readonly Books[]> {
  return loadBooks(database, await selectGrants(database, page))
}

/** A page of a credit's ledger. What has become due since somebody last wrote is written down first. */
export async function listEntries(
  parts: Parts,
  id: string,
  { viewer, after, most }: { readonly viewer: Viewer; readonly after: number; readonly most: number },
): Promise<{ readonly books: Books; readonly entries: readonly Entry[] }> {
  const { database, world } = parts
  const books = await booksOf(parts, id, viewer)
  const now: Micros = world.now()
  if (isUnsettled(books, now)) await inTransaction(database, (client) => settleGrant(client, books.grant.id, now))
  return { books, entries: await selectEntries(database, { credit: books.grant.id, after, most }) }
}

/** Ends a credit in somebody's name. */
export async function voidCredit(parts: Parts, wanted: Omit<VoidWanted, 'now'>): Promise<Books> {
  const { database, world } = parts
  await inTransaction(database, (client) => voidGrant(client, { ...wanted, now: world.now() }))
  return booksOf(parts, wanted.id, { account: null })
}
