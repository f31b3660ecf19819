import { join } from 'node:path'
import { newKeyText } from '../account/api-key.ts'
import { createKey, hasKeys } from '../account/keys.ts'
import type { KeyOrigin } from '../account/keys.ts'
import type { Database } from '../account/database.ts'
import { writeFileDurably } from './durable-file.ts'

/** Where the command line on the same machine finds its key. */
export const developmentKeyFile = (dataDirectory: string): string => join(dataDirectory, 'dev-api-key')

/**
 * On the first start of an installation, which is when it has no key at all, creates an admin key and leaves it in
 * `dev-api-key` (mode 0600). Returns its text, or null on every later start. The file comes first: a crash in
 * between leaves a file without a key, and the next start is a first start again.
 */
export async function writeDevelopmentKey(
  database: Database,
  dataDirectory: string,
  origin: Pick<KeyOrigin, 'now' | 'random'>,
): Promise<string | null> {
  if (await hasKeys(database)) return null
  const text = newKeyText(origin.random)
  writeFileDurably(developmentKeyFile(dataDirectory), `${text}\n`)
  await createKey(database, { name: 'development', scopes: ['admin'] }, { ...origin, text })
  return text
}
