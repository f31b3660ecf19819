import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { ownerProcess } from '../../test/support/child.ts'
import { endLeftover, postmasterOf } from './postgres-leftover.ts'
import { binariesFolder, externalPostgres, startPostgres } from './postgres.ts'
import type { PostgresOptions, PostgresServer } from './postgres.ts'

let folder = ''
let servers: PostgresServer[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crossfoot-postgres-'))
})
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  servers = []
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

async function start(directory: string, more: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ directory, random: randomBytes, log: () => undefined, ...more })
  servers.push(server)
  return server
}

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** A directory that only its owner can pass, below another one: what `mktemp -d` or /root is to another user. */
function privateFolder(...names: string[]): string {
  let path = folder
  for (const name of names) {
    path = join(path, name)
    mkdirSync(path, { mode: 0o700 })
  }
  return path
}

describe('the embedded Postgres', () => {
  test('works below directories that only their owner can pass, and leaves their permissions alone', async () => {
    const closed = privateFolder('one', 'two')
    const first = await start(join(closed, 'postgres'))
    await ask(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    const second = await start(join(closed, 'postgres'))
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    for (const path of [folder, dirname(closed), closed])
      expect([statSync(path).mode & 0o777, statSync(path).uid]).toEqual([0o700, process.getuid?.()])
  })

  test('works when its programs lie below such a directory too', async () => {
    const closed = privateFolder('checkout')
    cpSync(join(binariesFolder(), '..'), join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    const server = await start(join(privateFolder('data'), 'postgres'), { binaries: join(closed, 'native', 'bin') })
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('lets its group pass only directories that Crossfoot created, and nobody list them', async () => {
    const closed = privateFolder('ours')
    await start(join(closed, 'postgres'), { created: [closed] })
    expect(statSync(closed).mode & 0o777 & ~0o010).toBe(0o700)
  })

  test('is durable, checked, listens locally, asks for its password, and is nobody else’s to read', async () => {
    const server = await start(join(folder, 'postgres'))
    const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'listen_addresses']
    const values = await Promise.all(settings.map((name) => ask(server.url, `select current_setting('${name}') as v`)))
    expect(values.flat()).toEqual(['on', 'on', 'on', 'on', '127.0.0.1'].map((v) => ({ v })))
    expect(await ask(server.url, `select datcollate, encoding from pg_database where datname = 'template1'`)).toEqual([
      { datcollate: 'C.UTF-8', encoding: 6 },
    ])
    const guessed = new URL(server.url)
    guessed.password = 'guessed'
    await expect(ask(guessed.href, 'select 1')).rejects.toThrow(/password authentication failed/)
    expect(statSync(join(folder, 'postgres', 'password')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'postgres')).mode & 0o777).toBe(0o700)
  })

  test('left behind by a killed service is ended by the next start, and what was committed is there', async () => {
    const owner = ownerProcess(folder, 'postgres')
    const { url, postgres } = await owner.said
    await ask(url ?? '', 'create table kept as select 42 as answer')
    await owner.kill()
    expect(postmasterOf(join(folder, 'postgres', 'cluster'))).toBe(postgres)
    const said: string[] = []
    const server = await start(join(folder, 'postgres'), { log: (line) => said.push(line) })
    await expect(ask(url ?? '', 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    expect(said[0]).toBe(`ended the Postgres (pid ${postgres}) that an earlier run left behind`)
    expect(await ask(server.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('left behind and deaf to both signals is named, with the command that ends it', async () => {
    const owner = ownerProcess(folder, 'postgres')
    const { postgres } = await owner.said
    await owner.kill()
    const cluster = join(folder, 'postgres', 'cluster')
    process.kill(postgres ?? 0, 'SIGSTOP')
    const waits = [
      { signal: 'SIGINT', forMillis: 60 },
      { signal: 'SIGQUIT', forMillis: 60 },
    ] as const
    await expect(endLeftover(cluster, waits)).rejects.toThrow(`kill -QUIT ${postgres}`)
    process.kill(postgres ?? 0, 'SIGCONT')
    // It has heard both by now, and ends; repeating it waits for that.
    expect([postgres, null]).toContain(await endLeftover(cluster))
    expect(postmasterOf(cluster)).toBeNull()
  })

  test('starts once when two services start at once; the other one is refused by name', async () => {
    const owners = [ownerProcess(folder, 'postgres'), ownerProcess(folder, 'postgres')]
    const said = await Promise.all(owners.map((owner) => owner.said))
    const winner = said.find(({ refused }) => refused === undefined)
    expect(said.flatMap(({ refused }) => refused ?? [])).toEqual([
      expect.stringContaining(`another crossfoot (pid ${winner?.pid}) already uses ${folder}`),
    ])
    expect(await ask(winner?.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }])
    await Promise.all(owners.map((owner) => owner.end()))
    await expect(ask(winner?.url ?? '', 'select 1')).rejects.toThrow(/ECONNREFUSED/)
  })

  test('does not touch a program that has the number of a Postgres that is gone', async () => {
    const server = await start(join(folder, 'postgres'))
    await ask(server.url, 'create table kept as select 42 as answer')
    if (server.pid !== null) process.kill(server.pid, 'SIGKILL')
    await server.stop()
    const cluster = join(folder, 'postgres', 'cluster')
    const bystander = bystanderOf(statSync(cluster).uid)
    const pidFile = join(cluster, 'postmaster.pid')
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(bystander.pid)))
    const again = await start(join(folder, 'postgres'))
    expect(await ask(again.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    expect([bystander.exitCode, bystander.signalCode]).toEqual([null, null])
    bystander.kill('SIGKILL')
  })

  test('is made anew when its creation was killed half-way', async () => {
    const owner = ownerProcess(folder, 'postgres')
    await new Promise<void>((resolve) => {
      const watcher = watch(folder, (_, name) => {
        if (name?.startsWith('postgres.unfinished-') !== true) return
        watcher.close()
        resolve()
      })
    })
    await owner.kill()
    expect(existsSync(join(folder, 'postgres'))).toBe(false)
    const server = await start(join(folder, 'postgres'))
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(readdirSync(folder).filter((name) => name === 'postgres')).toEqual(['postgres'])
  })

  test('that ends by itself is reported, one that is stopped is not', async () => {
    const reasons: string[] = []
    const ended = Promise.withResolvers<void>()
    const onExit = (reason: string): void => {
      reasons.push(reason)
      ended.resolve()
    }
    const stopped = await start(join(folder, 'postgres'), { onExit })
    await stopped.stop()
    expect(reasons).toEqual([])
    const killed = await start(join(folder, 'postgres'), { onExit })
    if (killed.pid !== null) process.kill(killed.pid, 'SIGKILL')
    await ended.promise
    expect(reasons).toEqual(['Postgres ended although nobody stopped it: signal SIGKILL'])
  })

  test('that cannot start says why in its own words', async () => {
    await expect(start(join(folder, 'postgres'), { settings: ['shared_buffers=nonsense'] })).rejects.toThrow(
      /Postgres did not start:\n.*invalid value for parameter "shared_buffers"/,
    )
  })
})

/** A program that has nothing to do with Postgres and runs as the same user. */
function bystanderOf(uid: number): ChildProcess {
  return spawn('/bin/sleep', ['1000'], { stdio: 'ignore', cwd: '/', ...(process.getuid?.() === 0 ? { uid } : {}) })
}

describe('a Postgres of somebody else (DATABASE_URL)', () => {
  test('is used as it is, and not stopped', async () => {
    const { url } = inject('postgres')
    const server = await externalPostgres(url)
    await server.stop()
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('that cannot be reached is refused without showing the password', async () => {
    const failure = await externalPostgres('postgres://user:secret@127.0.0.1:1/db').then(
      () => '',
      (error: Error) => error.message,
    )
    expect(failure).toContain('the server of DATABASE_URL cannot be used')
    expect(failure).not.toContain('secret')
  })
})
