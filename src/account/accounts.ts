import { Refusal } from '../core/errors.ts'
import { isKey, unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import { isCurrency } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { formatInstant, isTimeZone } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { microsOf, readInstant } from './database.ts'
import type { Queryable } from './database.ts'

/** Who is billed, in which zone its months begin, and in which currency it pays. */
export interface Account {
  readonly key: AccountKey
  readonly name: string
  readonly timeZone: string
  readonly currency: Currency
  /** False for `unattributed`: counted and shown, never invoiced. */
  readonly billable: boolean
  readonly createdAt: Micros
  /** When traffic first named it; null when none has yet (L13). */
  readonly firstSeen: Micros | null
}

export interface NewAccount {
  readonly key: string
  readonly name?: string
  /** The installation's default where absent. */
  readonly timeZone?: string
  readonly currency?: string
}

export interface InstallationDefaults {
  readonly timeZone: string
  readonly currency: Currency
}

export const limits = { pageRowsMax: 1_000, nameLengthMax: 200, rememberedKeysMax: 100_000 } as const

interface AccountRow {
  readonly key: string
  readonly name: string
  readonly time_zone: string
  readonly currency: string
  readonly billable: boolean
  readonly created_at: string
  readonly first_seen: string | null
}

const columns = `key, name, time_zone, currency, billable,
  ${microsOf('created_at')} as created_at, ${microsOf('first_seen')} as first_seen`

function accountOf(row: AccountRow): Account {
  return {
    key: row.key as AccountKey,
    name: row.name,
    timeZone: row.time_zone,
    currency: row.currency as Currency,
    billable: row.billable,
    createdAt: readInstant(row.created_at),
    firstSeen: readInstant(row.first_seen),
  }
}

/** The zone and currency of accounts that nobody described. */
export async function installationDefaults(queryable: Queryable): Promise<InstallationDefaults> {
  const { rows } = await queryable.query<{ time_zone: string; currency: string }>(
    'select default_time_zone as time_zone, default_currency as currency from installation',
  )
  const [row] = rows
  if (row === undefined) throw new Error('the table installation has lost its row; restore it from a backup')
  return { timeZone: row.time_zone, currency: row.currency as Currency }
}

/** Sets what future accounts get; accounts that exist keep what they have. */
export async function setInstallationDefaults(queryable: Queryable, defaults: NewDefaults): Promise<void> {
  checkZone(defaults.timeZone)
  checkCurrency(defaults.currency)
  await queryable.query('update installation set default_time_zone = $1, default_currency = $2', [
    defaults.timeZone,
    defaults.currency,
  ])
}

export interface NewDefaults {
  readonly timeZone: string
  readonly currency: string
}

/** Creates an account; ALREADY_EXISTS when the key is taken, also when traffic had registered it. */
export async function createAccount(queryable: Queryable, account: NewAccount, now: Micros): Promise<Account> {
  if (!isKey(account.key))
    throw new Refusal(
      'REQUEST_INVALID',
      'key has 1 to 128 letters, digits or . _ : @ / + - and begins with a letter or digit',
    )
  const name = checkName(account.name ?? account.key)
  if (account.timeZone !== undefined) checkZone(account.timeZone)
  if (account.currency !== undefined) checkCurrency(account.currency)
  const { rows } = await queryable.query<AccountRow>(
    `insert into account (key, name, time_zone, currency, created_at)
     select $1, $2, coalesce($3, default_time_zone), coalesce($4, default_currency), $5 from installation
     on conflict (key) do nothing
     returning ${columns}`,
    [account.key, name, account.timeZone ?? null, account.currency ?? null, formatInstant(now)],
  )
  const [row] = rows
  if (row === undefined)
    throw new Refusal('ALREADY_EXISTS', `account ${account.key} exists already; change it instead of creating it`)
  return accountOf(row)
}

/** The account, or null when there is none of this key. */
export async function findAccount(queryable: Queryable, key: string): Promise<Account | null> {
  const { rows } = await queryable.query<AccountRow>(`select ${columns} from account where key = $1`, [key])
  const [row] = rows
  return row === undefined ? null : accountOf(row)
}

/** The account; refuses with ACCOUNT_NOT_FOUND. */
export async function getAccount(queryable: Queryable, key: string): Promise<Account> {
  const account = await findAccount(queryable, key)
  if (account === null)
    throw new Refusal('ACCOUNT_NOT_FOUND', `there is no account ${JSON.stringify(key)}; GET /v1/accounts lists them`)
  return account
}

export interface AccountPage {
  readonly accounts: readonly Account[]
  /** Give it as `after` to get the next page; null on the last one. */
  readonly next: string | null
}

export interface PageRequest {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** Accounts in the order of their keys. A page stays right while accounts are added. */
export async function listAccounts(queryable: Queryable, page: PageRequest = {}): Promise<AccountPage> {
  const limit = page.limit ?? 100
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageRowsMax)
    throw new Refusal('REQUEST_INVALID', `limit is a whole number from 1 to ${limits.pageRowsMax}`)
  const { rows } = await queryable.query<AccountRow>(
    `select ${columns} from account where key > $1 order by key limit $2`,
    [page.after ?? '', limit + 1],
  )
  const accounts = rows.slice(0, limit).map(accountOf)
  return { accounts, next: rows.length > limit ? (accounts.at(-1)?.key ?? null) : null }
}

export interface AccountChange {
  readonly name?: string
  readonly timeZone?: string
  readonly currency?: string
}

/**
 * Changes what is given. The zone says where months begin and the currency what is owed, so both may change only
 * until the first invoice is issued; invoices lie to the right of accounts in the flow, so the caller asks them
 * and hands in the answer.
 */
export async function updateAccount(
  queryable: Queryable,
  key: string,
  change: AccountChange,
  hasIssuedInvoice: boolean,
): Promise<Account> {
  const terms = change.timeZone !== undefined || change.currency !== undefined
  if (terms && hasIssuedInvoice)
    throw new Refusal(
      'REQUEST_INVALID',
      `account ${key} has issued invoices, so its time zone and currency are settled; create a new account instead`,
    )
  if (change.name !== undefined) checkName(change.name)
  if (change.timeZone !== undefined) checkZone(change.timeZone)
  if (change.currency !== undefined) checkCurrency(change.currency)
  const { rows } = await queryable.query<AccountRow>(
    `update account
     set name = coalesce($2, name), time_zone = coalesce($3, time_zone), currency = coalesce($4, currency)
     where key = $1
     returning ${columns}`,
    [key, change.name ?? null, change.timeZone ?? null, change.currency ?? null],
  )
  const [row] = rows
  return row === undefined ? getAccount(queryable, key) : accountOf(row)
}

/**
 * Makes sure that every account named by traffic exists, with the installation's defaults. Returns the keys that
 * are new. Sorted, so that two batches with the same keys wait for each other instead of deadlocking.
 */
export async function registerSeen(
  queryable: Queryable,
  keys: Iterable<AccountKey>,
  now: Micros,
): Promise<readonly AccountKey[]> {
  const sorted = [...new Set(keys)].toSorted()
  if (sorted.length === 0) return []
  const { rows } = await queryable.query<{ key: string; is_new: boolean }>(
    `insert into account (key, name, time_zone, currency, created_at, first_seen)
     select key, key, default_time_zone, default_currency, $2, $2
     from unnest($1::text[]) with ordinality as named (key, position), installation
     order by position
     on conflict (key) do update set first_seen = excluded.first_seen where account.first_seen is null
     returning key, xmax = 0 as is_new`,
    [sorted, formatInstant(now)],
  )
  return rows.filter((row) => row.is_new).map((row) => row.key as AccountKey)
}

/** Calls `registerSeen` only for keys it has not yet registered. */
export interface SeenAccounts {
  register(keys: Iterable<AccountKey>, now: Micros): Promise<readonly AccountKey[]>
}

/** Nearly every batch names only accounts that are known: then nothing is asked. Bounded (L12): forgets all when full. */
export function rememberSeen(queryable: Queryable): SeenAccounts {
  const known = new Set<AccountKey>()
  return {
    async register(keys, now) {
      const unknown: AccountKey[] = []
      for (const key of keys) if (!known.has(key)) unknown.push(key)
      if (unknown.length === 0) return []
      const created = await registerSeen(queryable, unknown, now)
      if (known.size + unknown.length > limits.rememberedKeysMax) known.clear()
      for (const key of unknown) known.add(key)
      return created
    },
  }
}

/** Refuses what must not be billed. */
export function requireBillable(account: Account): void {
  if (account.billable) return
  throw new Refusal(
    'INVOICE_NOT_BILLABLE',
    account.key === unattributed
      ? 'traffic that no account owns cannot be invoiced; give its endpoints an owner first'
      : `account ${account.key} is not billable`,
  )
}

function checkName(name: string): string {
  if (name.length > 0 && name.length <= limits.nameLengthMax && !name.includes('\0')) return name
  throw new Refusal('REQUEST_INVALID', `name has 1 to ${limits.nameLengthMax} characters`)
}

function checkZone(zone: string): void {
  if (!isTimeZone(zone))
    throw new Refusal('REQUEST_INVALID', `time_zone ${JSON.stringify(zone)} is not an IANA zone such as Europe/Berlin`)
}

function checkCurrency(currency: string): asserts currency is Currency {
  if (!isCurrency(currency))
    throw new Refusal(
      'REQUEST_INVALID',
      `currency ${JSON.stringify(currency)} is not a known ISO 4217 code such as EUR`,
    )
}
