import type { Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { ErrorCode, Problem } from '../../core/errors.ts'
import { assert } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { following } from './price-book-version.ts'
import type { Candidate, Noun } from './price-book-version.ts'
import { rememberTerms } from './remember-terms.ts'

// Owns versions of add-ons and coupons in Postgres, which are kept alike. A version never changes (a trigger refuses it).

interface Terms {
  readonly key: string
  readonly effectiveFrom: Micros
}

type Versioned<Of extends Terms> = Of & { readonly version: number }

/** How one kind of thing is kept. */
export interface Shelf<Of extends Terms> {
  readonly noun: Exclude<Noun, 'plan'>
  /** Its table of keys; its versions are in `…_version`, under a column of this name. */
  readonly table: 'add_on' | 'coupon'
  readonly missing: ErrorCode
  /** The terms of a published version, from their text. */
  readonly stored: (text: string) => Of
  readonly json: (terms: Of) => object
  /** Refuses what cannot be billed: found here, and not by the invoice. */
  readonly check: (client: Queryable, terms: Of) => Promise<void>
}

interface Row {
  readonly version: number
  readonly terms_text: string
}

function versionOf<Of extends Terms>({ stored }: Shelf<Of>, { version, terms_text }: Row): Versioned<Of> {
  return { ...stored(terms_text), version }
}

/** Reads the terms of published versions, by the same parser as when they were published. */
export function storedTerms<Of>(
  noun: Noun,
  read: (document: unknown) => Result<Candidate<Of>, readonly Problem[]>,
): (text: string) => Of {
  return rememberTerms((document) => {
    const parsed = read(document)
    assert(parsed.ok, `the terms of a published ${noun} version can be read`)
    return parsed.value.terms
  })
}

/** All versions of all keys, by key and oldest first. */
export async function allVersions<Of extends Terms>(
  queryable: Queryable,
  shelf: Shelf<Of>,
): Promise<readonly Versioned<Of>[]> {
  const { table } = shelf
  const { rows } = await queryable.query<Row>(
    `select version, terms::text as terms_text from ${table}_version order by ${table}, version`,
  )
  return rows.map((row) => versionOf(shelf, row))
}

/** All versions of one key, oldest first; empty when there is no such key. */
export async function versionsOf<Of extends Terms>(
  queryable: Queryable,
  shelf: Shelf<Of>,
  key: string,
): Promise<readonly Versioned<Of>[]> {
  const { table } = shelf
  const { rows } = await queryable.query<Row>(
    `select version, terms::text as terms_text from ${table}_version where ${table} = $1 order by version`,
    [key],
  )
  return rows.map((row) => versionOf(shelf, row))
}

/** The newest version of each key. There are as many as a price book has pages, so no cursor. */
export async function newestVersions<Of extends Terms>(
  queryable: Queryable,
  shelf: Shelf<Of>,
): Promise<readonly Versioned<Of>[]> {
  const { table } = shelf
  const { rows } = await queryable.query<Row>(
    `select distinct on (${table}) version, terms::text as terms_text from ${table}_version order by ${table}, version desc`,
  )
  return rows.map((row) => versionOf(shelf, row))
}

/** The newest version of a key; refuses when there is none. */
export async function newestVersion<Of extends Terms>(
  queryable: Queryable,
  shelf: Shelf<Of>,
  key: string,
): Promise<Versioned<Of>> {
  const newest = (await versionsOf(queryable, shelf, key)).at(-1)
  if (newest !== undefined) return newest
  const { noun, missing } = shelf
  throw new Refusal(missing, `there is no ${noun} ${JSON.stringify(key)}; GET /v1/${noun}s lists them`)
}

/** Publishes terms as the next version, inside a transaction; publishers of one key take turns. */
export async function publishVersion<Of extends Terms>(
  client: Queryable,
  shelf: Shelf<Of>,
  { input, now }: { readonly input: Candidate<Of>; readonly now: Micros },
): Promise<Versioned<Of>> {
  const { table, noun, json } = shelf
  const { terms } = input
  await client.query(`insert into ${table} (key) values ($1) on conflict (key) do nothing`, [terms.key])
  await client.query(`select key from ${table} where key = $1 for update`, [terms.key])
  const versions = await versionsOf(client, shelf, terms.key)
  const found = following<Of, Versioned<Of>>(input, { noun, versions, json })
  if (found.kind === 'published') return found.published
  if (found.kind === 'refused') throw new Refusal(found.code, found.message)
  await shelf.check(client, terms)
  await client.query(
    `insert into ${table}_version (${table}, version, effective_from, published_at, terms) values ($1, $2, $3, $4, $5)`,
    [terms.key, found.version, formatInstant(terms.effectiveFrom), formatInstant(now), JSON.stringify(json(terms))],
  )
  return { ...terms, version: found.version }
}
