import { inTransaction } from '../../account/database.ts'
import type { Database, Queryable } from '../../account/database.ts'
import type { Micros } from '../../core/time.ts'
import { addOnTermsJson, parseAddOn } from './add-on.ts'
import type { AddOnInput, AddOnTerms } from './add-on.ts'
import { checkMeters } from './plan-catalogue.ts'
import type { AddOnVersion } from './price-book.ts'
import { newestVersion, newestVersions, publishVersion, storedTerms, versionsOf } from './price-book-shelf.ts'
import type { Shelf } from './price-book-shelf.ts'

export const addOnShelf: Shelf<AddOnTerms> = {
  noun: 'add-on',
  table: 'add_on',
  missing: 'ADD_ON_NOT_FOUND',
  stored: storedTerms('add-on', parseAddOn),
  json: addOnTermsJson,
  check: async (client, terms) => checkMeters(client, terms, `add-on ${terms.key}`),
}

/** The newest version of each add-on, by key. */
export async function listAddOns(queryable: Queryable): Promise<readonly AddOnVersion[]> {
  return newestVersions(queryable, addOnShelf)
}

/** All versions of an add-on, oldest first; empty when there is no such add-on. */
export async function addOnVersions(queryable: Queryable, key: string): Promise<readonly AddOnVersion[]> {
  return versionsOf(queryable, addOnShelf, key)
}

/** The newest version of an add-on; refuses with ADD_ON_NOT_FOUND. */
export async function getAddOn(queryable: Queryable, key: string): Promise<AddOnVersion> {
  return newestVersion(queryable, addOnShelf, key)
}

/** Publishes an add-on as its next version; the same terms again answer with the version that has them. */
export async function publishAddOn(database: Database, input: AddOnInput, now: Micros): Promise<AddOnVersion> {
  return inTransaction(database, async (client) => publishVersion(client, addOnShelf, { input, now }))
}
