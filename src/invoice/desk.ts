import { getAccount, requireBillable } from '../account/accounts.ts'
import type { Account } from '../account/accounts.ts'
import { inTransaction, violates } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey, InvoiceId, Offset } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Clock, Micros, Period } from '../core/time.ts'
import { contractOf } from '../price/contract/contract.ts'
import type { Contract } from '../price/contract/contract.ts'
import { loadContractFacts } from '../price/contract/contract-table.ts'
import type { CreditsAsked } from '../price/credit/grant-table.ts'
import { creditsAt, lockCredits, recordBurns } from '../price/credit/spend.ts'
import { loadPriceBook } from '../price/book/price-book-load.ts'
import { billingPeriod } from './billing-period.ts'
import type { BillingPeriod } from './billing-period.ts'
import { collectUsage } from './collect-usage.ts'
import type { UsageSource } from './collect-usage.ts'
import { documentOf } from './document.ts'
import type { Completeness, Computed, Invoice, Waiver } from './document.ts'
import { freezeInvoice, lockInvoice, selectInvoice, selectIssuer, selectOfMonth } from './invoice-table.ts'
import { takeNumber, upsertDraft } from './invoice-table.ts'
import type { StoredInvoice } from './invoice-table.ts'
import { creditInstant, planInvoice, withCredits } from './plan-invoice.ts'
import type { InvoicePlan } from './plan-invoice.ts'
import { nextState } from './state.ts'

/**
 * Everything that making invoices needs from elsewhere; `app/` hands it in.
 *
 * Owns: drafts, the gates before issue, numbers, the frozen document. Does not own: usage, prices, payment.
 */
export interface InvoiceDesk extends UsageSource {
  readonly database: Database
  readonly clock: Clock
  readonly newId: () => InvoiceId
  /**
   * Usage is counted below this offset of the log: everything that was acknowledged when it is asked for is in
   * the store up to there. It is asked for after `completeness`, so that an invoice which is complete
   * also counts what made it complete.
   */
  readonly countedBelow: () => Promise<Offset>
  readonly completeness: (account: AccountKey, period: Period) => Promise<Completeness>
  /** In words, what the missing usage may be worth; asked for when an invoice is refused. Null: it is not known. */
  readonly valueAtRisk?: (account: AccountKey, period: Period) => Promise<string | null>
}

/** What an account's month would be invoiced as, right now. */
async function compute(desk: InvoiceDesk, account: Account, period: BillingPeriod): Promise<Computed> {
  const facts = await loadContractFacts(desk.database, account)
  return computeUnder(desk, account, contractOf(facts, await loadPriceBook(desk.database), period), period)
}

/** The same under a contract that may be another one than what is stored. */
export async function computeUnder(
  desk: InvoiceDesk,
  account: Account,
  contract: Contract,
  period: BillingPeriod,
): Promise<Computed> {
  const completeness = await desk.completeness(account.key, period)
  const below = await desk.countedBelow()
  const until = desk.clock.now()
  const usage = await collectUsage(desk, { account: account.key, contract, period, below, until })
  const issuer = await selectIssuer(desk.database)
  const planned = planInvoice({ account, contract, period, usage })
  const plan = withCredits(planned, await creditsAt(desk.database, creditsOf(planned)))
  return { plan, below, completeness, issuer }
}

/** Which credits an invoice may take. */
function creditsOf({ account, currency, period }: InvoicePlan): CreditsAsked {
  return { account: account.key, currency, at: creditInstant(period) }
}

/**
 * Takes the credits that pay an invoice, in the transaction that issues it: nobody else spends them meanwhile, and what
 * another invoice has taken since this one was computed is not taken again.
 */
async function takeCredits(client: Queryable, spend: Taking, computed: Computed): Promise<Computed> {
  const asked = creditsOf(computed.plan)
  const plan = withCredits(computed.plan, await lockCredits(client, asked))
  const { promotional, prepaid } = plan.totals
  await recordBurns(client, { ...asked, ...spend }, { promotional, prepaid })
  return { ...computed, plan }
}

interface Taking {
  readonly invoice: InvoiceId
  readonly now: Micros
}

/** Computes a draft and keeps what it shows, so that lists have its total. */
async function refresh(desk: InvoiceDesk, account: Account, wanted: DraftWanted): Promise<Invoice> {
  const computed = await compute(desk, account, billingPeriod(wanted.month, account.timeZone))
  await upsertDraft(desk.database, computed, { id: wanted.id ?? desk.newId(), now: desk.clock.now() })
  const stored = await selectOfMonth(desk.database, { account: account.key, month: wanted.month })
  if (stored === null) throw new Refusal('INVOICE_NOT_FOUND', 'the draft was discarded meanwhile; make it again')
  if (stored.status !== 'draft') return stored
  return { id: stored.id, status: 'draft', document: documentOf(computed, null) }
}

interface DraftWanted {
  readonly id: InvoiceId | null
  readonly month: string
}

/** An account and a month such as 2026-10, as the caller wrote them. */
export interface AccountMonth {
  readonly account: string
  readonly month: string
}

/**
 * The draft of an account's month, computed now; or the invoice when the month is issued already. Works
 * before the period ends and for traffic without an owner: a draft is a look, not a bill.
 */
export async function draftInvoice(desk: InvoiceDesk, { account: key, month }: AccountMonth): Promise<Invoice> {
  const account = await getAccount(desk.database, key)
  const period = billingPeriod(month, account.timeZone)
  const existing = await selectOfMonth(desk.database, { account: account.key, month: period.month })
  if (existing !== null && existing.status !== 'draft') return existing
  return refresh(desk, account, { id: existing?.id ?? null, month })
}

/** What an account's month costs as of now, without keeping anything: for pages that show a growing cost. */
export async function previewInvoice(desk: InvoiceDesk, { account: key, month }: AccountMonth): Promise<Computed> {
  const account = await getAccount(desk.database, key)
  return compute(desk, account, billingPeriod(month, account.timeZone))
}

function notFound(idOrNumber: string): Refusal {
  return new Refusal(
    'INVOICE_NOT_FOUND',
    `there is no invoice ${JSON.stringify(idOrNumber.slice(0, 80))}; GET /v1/invoices lists them`,
  )
}

/** Who asks: an account sees its own invoices, null is an operator and sees all (L11). */
export interface Viewer {
  readonly account: AccountKey | null
}

async function select(desk: InvoiceDesk, idOrNumber: string, viewer: Viewer): Promise<StoredInvoice> {
  const stored = await selectInvoice(desk.database, idOrNumber)
  // Another account's invoice answers as one that does not exist: not even its being there is told.
  if (stored === null || (viewer.account !== null && stored.account !== viewer.account)) throw notFound(idOrNumber)
  return stored
}

/** An invoice by id or number. A draft is computed each time it is shown. */
export async function findInvoice(desk: InvoiceDesk, idOrNumber: string, viewer: Viewer): Promise<Invoice> {
  const stored = await select(desk, idOrNumber, viewer)
  if (stored.status !== 'draft') return stored
  const account = await getAccount(desk.database, stored.account)
  return refresh(desk, account, { id: stored.id, month: stored.month })
}

function requireEnded(period: BillingPeriod, { clock }: InvoiceDesk): void {
  if (period.to <= clock.now()) return
  throw new Refusal(
    'INVOICE_PERIOD_OPEN',
    `${period.month} ends at ${formatInstant(period.to)} (midnight in ${period.zone}); issue the invoice after that`,
  )
}

async function requireComplete(desk: InvoiceDesk, { plan, completeness }: Computed, waiver: Waiver | null) {
  const { complete, reasons } = completeness
  if (complete || waiver !== null) return
  const value = (await desk.valueAtRisk?.(plan.account.key, plan.period)) ?? null
  const worth = value ?? 'there is nothing to estimate from what it is worth'
  throw new Refusal(
    'INVOICE_INCOMPLETE',
    `usage of the period may be missing: ${reasons.join('; ')}. As an estimate, ${worth}. ` +
      'Wait for it, or issue with a waiver that names who decided, why, and the value at risk',
    { problems: reasons.map((message) => ({ code: 'INVOICE_INCOMPLETE', message })) },
  )
}

/** The gates before an invoice is issued (L7), cheapest first, and what would be issued. */
async function prepare(desk: InvoiceDesk, stored: StoredInvoice, waiver: Waiver | null): Promise<Computed> {
  const account = await getAccount(desk.database, stored.account)
  requireBillable(account)
  const period = billingPeriod(stored.month, account.timeZone)
  requireEnded(period, desk)
  const computed = await compute(desk, account, period)
  await requireComplete(desk, computed, waiver)
  return computed
}

/** Asks only its own connection: one more from the pool could be the one that every issue waits for. */
async function issue(desk: InvoiceDesk, id: InvoiceId, prepared: Prepared): Promise<Invoice> {
  const { computed } = prepared
  return inTransaction(desk.database, async (client) => {
    const locked = await lockInvoice(client, id)
    nextState(locked.status, 'issue')
    if (locked.status !== 'draft') return locked
    const now = desk.clock.now()
    const paid = await takeCredits(client, { invoice: id, now }, computed)
    const taken = await takeNumber(client)
    // A waiver of nothing would look as if something had been missing.
    const waiver = computed.completeness.complete ? null : prepared.waiver
    const document = await freezeInvoice(client, id, paid, { ...taken, at: now, waiver })
    return { id, status: 'issued', document }
  })
}

interface Prepared {
  readonly computed: Computed
  readonly waiver: Waiver | null
}

/**
 * Issues a draft: computes it again, checks the gates, and freezes it with the next number in one transaction.
 * Issuing what is issued answers the same invoice. Refuses with INVOICE_NOT_BILLABLE, INVOICE_PERIOD_OPEN,
 * INVOICE_INCOMPLETE, PLAN_MISSING, INVOICE_TRANSITION_REFUSED.
 */
export async function issueInvoice(
  desk: InvoiceDesk,
  idOrNumber: string,
  { waiver, viewer }: { readonly waiver: Waiver | null; readonly viewer: Viewer },
): Promise<Invoice> {
  const stored = await select(desk, idOrNumber, viewer)
  nextState(stored.status, 'issue')
  if (stored.status !== 'draft') return stored
  const computed = await prepare(desk, stored, waiver)
  try {
    return await issue(desk, stored.id, { computed, waiver })
  } catch (error) {
    if (!violates(error, 'invoice_once')) throw error
    throw new Refusal(
      'INVOICE_TRANSITION_REFUSED',
      `another issued invoice of ${stored.account} covers a part of ${stored.month}; look at both before going on`,
    )
  }
}
