import type { Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { loadBooks, unwritten, writeEntries } from './entry-table.ts'
import type { Books } from './entry-table.ts'
import type { Grant, GrantId } from './grant.ts'
import { countLiveGrants, getGrant, insertGrant, insertVoid, lockGrants, selectByIds } from './grant-table.ts'
import { limits } from './spend.ts'

/*
 * Owns: granting, voiding, and writing down what has become due. Nothing waits for the latter: what is due follows from
 * the terms and from what was burned, at any instant, whether it is written already or not.
 */

async function lockedBooks(client: Queryable, ids: readonly GrantId[]): Promise<readonly Books[]> {
  await lockGrants(client, { ids })
  return loadBooks(client, await selectByIds(client, ids))
}

async function settle(client: Queryable, books: readonly Books[], now: Micros): Promise<void> {
  await writeEntries(
    client,
    books.map((one) => ({ books: one, facts: [] })),
    now,
  )
}

/** Its terms as text, without the instants that are those of the write where nobody named them. */
function termsOf({ recurrence, ...grant }: Grant): string {
  const { account, kind, name, amount, paid, priority, scope, expiresAt, rollover, by, reason } = grant
  const recurs = recurrence === null ? null : { every: recurrence.every, amount: recurrence.amount }
  const terms = { account, kind, name, amount, paid, priority, scope, expiresAt, recurs, rollover, by, reason }
  return JSON.stringify(terms, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}

async function requirePlace(client: Queryable, { account, createdAt }: Grant): Promise<void> {
  const live = await countLiveGrants(client, account, createdAt)
  if (live <= limits.liveGrantsMax) return
  throw new Refusal(
    'REQUEST_INVALID',
    `account ${account} has ${limits.liveGrantsMax} credits that have neither expired nor been voided, which is the most; ` +
      'void some, or let one recur',
  )
}

/**
 * Adds a grant to its account and writes down what is due of it, in the caller's transaction. The same id again adds
 * nothing; IDEMPOTENCY_CONFLICT when that is another grant.
 */
export async function addGrant(client: Queryable, grant: Grant): Promise<void> {
  if (!(await insertGrant(client, grant))) {
    const [there] = await selectByIds(client, [grant.id])
    if (there !== undefined && termsOf(there) === termsOf(grant)) return
    throw new Refusal(
      'IDEMPOTENCY_CONFLICT',
      `credit ${grant.id} was granted with this key, and is another one; use a new key`,
    )
  }
  await requirePlace(client, grant)
  await settle(client, await lockedBooks(client, [grant.id]), grant.createdAt)
}

/** Writes down what has become due of an account's grants up to an instant, in the caller's transaction. Again: nothing. */
export async function settleGrants(
  client: Queryable,
  { account, now }: { readonly account: AccountKey; readonly now: Micros },
): Promise<void> {
  const ids = await lockGrants(client, { account, currency: null })
  await settle(client, await loadBooks(client, await selectByIds(client, ids)), now)
}

/** The same for one grant, whose books say that something is due. */
export async function settleGrant(client: Queryable, id: GrantId, now: Micros): Promise<void> {
  await settle(client, await lockedBooks(client, [id]), now)
}

/** Whether something of a grant is due and not written down. */
export function isUnsettled(books: Books, now: Micros): boolean {
  return unwritten(books, now).length > 0
}

export interface VoidWanted {
  readonly id: GrantId
  readonly by: string
  readonly reason: string
  readonly now: Micros
}

/**
 * Ends a grant in somebody's name, in the caller's transaction: what is left of it goes, and it pays nothing any more, not
 * even an invoice of a time before. What it has paid stays paid. Refuses with CREDIT_VOIDED.
 */
export async function voidGrant(client: Queryable, { id, by, reason, now }: VoidWanted): Promise<Grant> {
  const [books] = await lockedBooks(client, [id])
  const grant = books?.grant ?? (await getGrant(client, id, { account: null }))
  if (grant.voidedAt !== null)
    throw new Refusal('CREDIT_VOIDED', `credit ${id} was voided at ${formatInstant(grant.voidedAt)} already`)
  // After everything that is written: the clock may have gone back.
  const written = books === undefined ? [] : [...books.movements, ...books.written]
  const at = written.reduce((latest, entry) => Math.max(latest, entry.at), now as number) as Micros
  await insertVoid(client, { id, at, now, by, reason })
  const after = await lockedBooks(client, [id])
  await settle(client, after, now)
  return after[0]?.grant ?? grant
}
