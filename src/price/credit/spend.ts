import type { Queryable } from '../../account/database.ts'
import type { InvoiceId } from '../../core/ids.ts'
import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { burnCredits } from './burn.ts'
import { loadBooks, selectBurned, writeEntries } from './entry-table.ts'
import type { Books, Burned, NewEntry, SpendPlace } from './entry-table.ts'
import type { AvailableCredit, Burn, CreditKind, Grant, GrantId, Payable } from './grant.ts'
import { lockGrants, selectByIds, selectInEffect } from './grant-table.ts'
import type { CreditsAsked } from './grant-table.ts'
import { balanceAt, burnableAt } from './ledger.ts'
import { expiryOf, turnAt } from './schedule.ts'
import type { Instance } from './schedule.ts'

/*
 * Owns: what an invoice takes of an account's credits and gives back, once (L2), and never more than there is (L8).
 * Does not own: lines, taxes and totals; which instant an invoice burns at.
 *
 * A draft asks `creditsAt`. An issue asks `lockCredits` in its transaction, makes its totals of the answer, and hands the
 * burns to `recordBurns` in the same transaction. The row of the invoice is locked before the credits, never after them.
 * `spendCredits` and `previewCredits` do all that for lines without totals.
 */

/** First what is taken before tax, then what is taken after it (DESIGN §9). */
export const creditKinds = ['promotional', 'prepaid'] as const satisfies readonly CreditKind[]

export type BurnsByKind = Readonly<Record<CreditKind, readonly Burn[]>>

export const limits = {
  /** Of an account, neither expired nor voided: an invoice reads all of them. */
  liveGrantsMax: 1_000,
} as const

/** A turn of a grant as an invoice sees it. */
function asCredit(grant: Grant, turn: Instance, balance: Minor): AvailableCredit {
  const { id, kind, name, currency, priority, scope, createdAt } = grant
  return {
    id,
    kind,
    name,
    currency,
    priority,
    scope,
    effectiveFrom: turn.from,
    expiresAt: expiryOf(turn, grant),
    createdAt,
    balance,
  }
}

function availableOf({ grant, movements }: Books, at: Micros): AvailableCredit | null {
  const turn = turnAt(grant, at)
  return turn === null ? null : asCredit(grant, turn, burnableAt(grant, movements, at))
}

/**
 * What an account's credits can pay at an instant, a past one too: what is there, less what later invoices have taken.
 * Credits that are used up are not among them. Reads only.
 */
export async function creditsAt(queryable: Queryable, asked: CreditsAsked): Promise<readonly AvailableCredit[]> {
  const books = await loadBooks(queryable, await selectInEffect(queryable, asked))
  return books.flatMap((one) => availableOf(one, asked.at) ?? []).filter(({ balance }) => balance > 0n)
}

/**
 * The same, and nobody else spends, voids or returns any of them until the transaction ends. A grant that came after the
 * lock is not among them: another invoice may take it at the same moment, and locking it now could end in a circle.
 */
export async function lockCredits(client: Queryable, asked: CreditsAsked): Promise<readonly AvailableCredit[]> {
  const locked = new Set(await lockGrants(client, asked))
  return (await creditsAt(client, asked)).filter(({ id }) => locked.has(id))
}

/** An invoice that burns credits at an instant; `now` is when that is written down. */
export interface Spend extends CreditsAsked {
  readonly invoice: InvoiceId
  readonly now: Micros
}

/** The number of a new spend, or null when the invoice has spent credits of this kind already. */
async function beginSpend(
  client: Queryable,
  { invoice, account, at, now }: Spend,
  kind: CreditKind,
): Promise<number | null> {
  const { rows } = await client.query<{ attempt: number }>(
    `insert into credit_spend (invoice, kind, attempt, account, at, recorded_at)
     select $1, $2, count(*) + 1, $3, $4, $5 from credit_return where invoice = $1 and kind = $2
     on conflict do nothing returning attempt`,
    [invoice, kind, account, formatInstant(at), formatInstant(now)],
  )
  return rows[0]?.attempt ?? null
}

interface Taken {
  readonly kind: CreditKind
  readonly attempt: number
  readonly burns: readonly Burn[]
}

function factsOf({ grant }: Books, { invoice, at }: Spend, taken: readonly Taken[]): readonly NewEntry[] {
  const turn = turnAt(grant, at)
  return taken.flatMap(({ kind, attempt, burns }) =>
    burns.flatMap(({ grant: id, line, amount }, index): readonly NewEntry[] => {
      if (id !== grant.id) return []
      assert(turn !== null && grant.kind === kind, `credit ${id} is ${kind} and in effect`)
      const spend = { invoice, kind, attempt, line: line + 1, position: index + 1 }
      return [{ turn: turn.turn, kind: 'burned', at, amount: 0n - amount, spend, decided: null }]
    }),
  )
}

async function writeBurns(client: Queryable, spend: Spend, taken: readonly Taken[]): Promise<void> {
  const ids = [...new Set(taken.flatMap(({ burns }) => burns.map(({ grant }) => grant)))]
  if (ids.length === 0) return
  await lockGrants(client, { ids })
  const books = await loadBooks(client, await selectByIds(client, ids))
  const added = books.map((one) => {
    const facts = factsOf(one, spend, taken)
    const burned = facts.reduce((sum, { amount }) => sum - amount, 0n)
    assert(burned <= burnableAt(one.grant, one.movements, spend.at), `credit ${one.grant.id} has what is burned of it`)
    return { books: one, facts }
  })
  await writeEntries(client, added, spend.now)
}

/** What an invoice took of credits and was not given back; the line is the index that it was burned with. */
export async function burnsOf(queryable: Queryable, invoice: InvoiceId): Promise<BurnsByKind> {
  const entries = (await selectBurned(queryable, invoice)).filter(({ isReturned }) => !isReturned)
  const ofKind = (kind: CreditKind): readonly Burn[] =>
    entries
      .filter(({ spend }) => spend.kind === kind)
      .map(({ credit, spend, amount }) => ({ grant: credit, line: spend.line - 1, amount: (0n - amount) as Minor }))
  return { promotional: ofKind('promotional'), prepaid: ofKind('prepaid') }
}

/**
 * The credits that paid an invoice, each with no more than it paid, also after that was given back: computed again, the
 * invoice takes the same of them (L5), whatever has become of the credits since.
 */
export async function creditsTaken(queryable: Queryable, invoice: InvoiceId): Promise<readonly AvailableCredit[]> {
  const burned = await selectBurned(queryable, invoice)
  const isLast = ({ kind, attempt }: SpendPlace): boolean =>
    burned.every(({ spend }) => spend.kind !== kind || spend.attempt <= attempt)
  const byGrant = Map.groupBy(
    burned.filter(({ spend }) => isLast(spend)),
    ({ credit }) => credit,
  )
  const grants = await selectByIds(queryable, [...byGrant.keys()])
  return grants.flatMap((grant) => {
    const burns = byGrant.get(grant.id) ?? []
    return burns.slice(0, 1).map(({ at }) => {
      const turn = turnAt(grant, at)
      assert(turn !== null, `credit ${grant.id} burned in one of its turns`)
      return asCredit(grant, turn, burns.reduce((sum, { amount }) => sum - amount, 0n) as Minor)
    })
  })
}

/**
 * Writes down what an invoice burns, as its totals say, inside the transaction that issues it and after `lockCredits`. A
 * kind that the invoice has spent already stays as it is: the answer is what holds.
 */
export async function recordBurns(client: Queryable, spend: Spend, burns: Partial<BurnsByKind>): Promise<BurnsByKind> {
  assert(spend.at <= spend.now, 'credits burn at an instant that has come')
  const taken: Taken[] = []
  for (const kind of creditKinds) {
    const ofKind = burns[kind]
    if (ofKind === undefined) continue
    const attempt = await beginSpend(client, spend, kind)
    if (attempt !== null) taken.push({ kind, attempt, burns: ofKind })
  }
  await writeBurns(client, spend, taken)
  return burnsOf(client, spend.invoice)
}

export interface PreviewAsked extends CreditsAsked {
  readonly lines: readonly Payable[]
  readonly kinds: readonly CreditKind[]
}

function lessOf(lines: readonly Payable[], burns: readonly Burn[]): readonly Payable[] {
  const left: bigint[] = lines.map(({ amount }) => amount)
  for (const { line, amount } of burns) left[line] = (left[line] ?? 0n) - amount
  return lines.map(({ meter }, index) => ({ meter, amount: (left[index] ?? 0n) as Minor }))
}

function planBurns(credits: readonly AvailableCredit[], { lines, kinds, at }: PreviewAsked): Partial<BurnsByKind> {
  let left = lines
  const planned: Partial<Record<CreditKind, readonly Burn[]>> = {}
  for (const kind of creditKinds) {
    if (!kinds.includes(kind)) continue
    const burns = burnCredits({ credits: credits.filter((credit) => credit.kind === kind), lines: left, at })
    planned[kind] = burns
    left = lessOf(left, burns)
  }
  return planned
}

function inOrder(burns: Partial<BurnsByKind>, kinds: readonly CreditKind[]): readonly Burn[] {
  return creditKinds.flatMap((kind) => (kinds.includes(kind) ? (burns[kind] ?? []) : []))
}

/** What credits of these kinds would pay of lines at an instant. Writes nothing. */
export async function previewCredits(queryable: Queryable, asked: PreviewAsked): Promise<readonly Burn[]> {
  return inOrder(planBurns(await creditsAt(queryable, asked), asked), asked.kinds)
}

/** What was begun by then holds, also where it was nothing. */
async function spentKinds(queryable: Queryable, invoice: InvoiceId): Promise<readonly CreditKind[]> {
  const { rows } = await queryable.query<{ kind: CreditKind }>(
    `select s.kind from credit_spend s left join credit_return r using (invoice, kind, attempt)
     where s.invoice = $1 and r.invoice is null`,
    [invoice],
  )
  return rows.map(({ kind }) => kind)
}

/**
 * Burns what credits of these kinds can pay of lines, inside the caller's transaction. Two invoices at once wait for each
 * other; the same invoice again gets the same burns, whatever it asks for.
 */
export async function spendCredits(client: Queryable, spend: Spend & PreviewAsked): Promise<readonly Burn[]> {
  const { invoice, kinds, lines } = spend
  const credits = await lockCredits(client, spend)
  const [spent, held] = [await spentKinds(client, invoice), await burnsOf(client, invoice)]
  const wanted = kinds.filter((kind) => !spent.includes(kind))
  const left = lessOf(lines, inOrder(held, kinds))
  return inOrder(await recordBurns(client, spend, planBurns(credits, { ...spend, lines: left, kinds: wanted })), kinds)
}

/** An invoice gives back what it burned, in somebody's name. */
export interface Return {
  readonly invoice: InvoiceId
  readonly by: string
  readonly reason: string
  readonly now: Micros
}

export interface Returned {
  readonly grant: GrantId
  readonly amount: Minor
  /** What of it can be spent now; the rest expired, or was voided, as if it had never been burned. */
  readonly usable: Minor
}

/** Closes the invoice's spends, and tells what they burned. */
async function closeSpends(client: Queryable, { invoice, by, reason, now }: Return): Promise<readonly Burned[]> {
  const { rows } = await client.query<{ kind: CreditKind; attempt: number }>(
    `insert into credit_return (invoice, kind, attempt, recorded_at, recorded_by, reason)
     select s.invoice, s.kind, s.attempt, $2, $3, $4 from credit_spend s
     left join credit_return r using (invoice, kind, attempt) where s.invoice = $1 and r.invoice is null
     on conflict do nothing returning kind, attempt`,
    [invoice, formatInstant(now), by, reason],
  )
  const burned = await selectBurned(client, invoice)
  return burned.filter(({ spend }) => rows.some((row) => row.kind === spend.kind && row.attempt === spend.attempt))
}

/**
 * Gives back everything that an invoice burned, inside the caller's transaction: dated when it was burned, as if it never
 * was. So it is there for an invoice of that time again; and what would have expired by now has. Again: nothing.
 */
export async function returnCredits(client: Queryable, wanted: Return): Promise<readonly Returned[]> {
  const { by, reason, now } = wanted
  const burned = Map.groupBy(await closeSpends(client, wanted), ({ credit }) => credit)
  if (burned.size === 0) return []
  await lockGrants(client, { ids: [...burned.keys()] })
  const books = await loadBooks(client, await selectByIds(client, [...burned.keys()]))
  const added = books.map((one) => ({
    books: one,
    facts: (burned.get(one.grant.id) ?? []).map(({ turn, at, amount, spend }): NewEntry => ({
      turn,
      kind: 'returned',
      at,
      amount: 0n - amount,
      spend,
      decided: { by, reason },
    })),
  }))
  await writeEntries(client, added, now)
  return added.map(({ books: { grant, movements }, facts }) => {
    const after = balanceAt(grant, [...movements, ...facts], now)
    return {
      grant: grant.id,
      amount: facts.reduce((sum, { amount }) => sum + amount, 0n) as Minor,
      usable: (after - balanceAt(grant, movements, now)) as Minor,
    }
  })
}
