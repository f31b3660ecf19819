import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import { authenticator } from '../account/authenticate.ts'
import { listKeys, revokeKey } from '../account/keys.ts'
import type { Micros } from '../core/time.ts'
import { developmentKeyFile, writeDevelopmentKey } from './development-key.ts'

test('the first start leaves an admin key for this user alone; later starts leave it be, also when it is revoked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'crossfoot-key-'))
  const { database, close } = await freshDatabase()
  const origin = { now: 1_795_000_000_000_000 as Micros, random: randomBytes }
  try {
    const text = await writeDevelopmentKey(database, folder, origin)
    const file = developmentKeyFile(folder)
    expect(file).toBe(join(folder, 'dev-api-key'))
    expect(readFileSync(file, 'utf8')).toBe(`${text}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const who = await authenticator(database, { now: () => origin.now }).authenticate(text)
    expect(who).toMatchObject({ ok: true, value: { name: 'development', scopes: new Set(['admin']), account: null } })
    expect(await writeDevelopmentKey(database, folder, origin)).toBeNull()
    for (const { id } of await listKeys(database)) await revokeKey(database, id, origin.now)
    rmSync(file)
    expect(await writeDevelopmentKey(database, folder, origin)).toBeNull()
    expect(await listKeys(database)).toHaveLength(1)
  } finally {
    await close()
    rmSync(folder, { recursive: true, force: true })
  }
})
