import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../../src/app/running-process.ts'
import { familyOf } from './process-family.ts'
import { removeDirectory, temporaryDirectory } from './service.ts'
import type { RunningService } from './service.ts'
import { until } from './until.ts'

/**
 * A power cut that can be repeated. The data lies on an ext4 file system of its own, in an image file behind a loop
 * device. What programs have written and not synced is in the kernel's memory and not in the image. Cutting the power
 * is ext4's own "shut down, and do not flush the journal" (EXT4_IOC_SHUTDOWN, what the kernel's crash tests use): from
 * that instant nothing reaches the image any more. Mounting it again repairs it from its journal, as a start does after
 * a real power cut; what was only in memory is gone.
 *
 * Not in this model: a disk that loses writes which it had confirmed, or that keeps some of the later ones.
 */
export class PowerDisk {
  readonly #folder: string
  #isMounted = false

  constructor(name: string, megabytes = 1_024) {
    this.#folder = temporaryDirectory(name)
    mounted.add(this)
    mkdirSync(this.path)
    writeFileSync(this.#image, '')
    truncateSync(this.#image, megabytes * 1_048_576)
    try {
      run('mkfs.ext4', '-q', '-F', '-m', '0', this.#image)
      this.#mount()
    } catch (error) {
      mounted.delete(this)
      this.abandon()
      throw error
    }
  }

  /** Where the disk is mounted. */
  get path(): string {
    return join(this.#folder, 'disk')
  }

  get #image(): string {
    return join(this.#folder, 'image')
  }

  /** Everything that was written so far is on the disk. */
  flush(): void {
    run('sync', '--file-system', this.path)
  }

  /** From here on nothing reaches the disk, and everything that tries gets an error. */
  cut(): void {
    run('perl', '-e', shutDown, this.path)
  }

  /** Whoever still has a file open on it is waited for. */
  async powerOn(): Promise<void> {
    await until(() => this.#unmount(), 30_000, `nobody uses ${this.path} any more`)
    this.#mount()
  }

  async remove(): Promise<void> {
    await until(() => this.#unmount(), 30_000, `nobody uses ${this.path} any more`)
    mounted.delete(this)
    removeDirectory(this.#folder)
  }

  /** At the end of a process there is nobody left to wait for. */
  abandon(): void {
    if (this.#isMounted) run('umount', '--lazy', this.path)
    removeDirectory(this.#folder)
  }

  #mount(): void {
    // The journal is written every five seconds by itself; a test that lives from what was not synced has longer.
    run('mount', '-o', 'loop,noatime,commit=300', this.#image, this.path)
    this.#isMounted = true
  }

  #unmount(): boolean {
    if (!this.#isMounted) return true
    try {
      run('umount', this.path)
    } catch {
      return false
    }
    this.#isMounted = false
    return true
  }
}

const mounted = new Set<PowerDisk>()
process.once('exit', () => {
  for (const disk of mounted) disk.abandon()
})

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const shutDown = `
  open(my $folder, '<', $ARGV[0]) or die "open: $!";
  my $flags = pack('L', 2);
  defined(ioctl($folder, 0x8004587D, $flags)) or die "ioctl: $!";
`

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Freezes a service and its Postgres, cuts the power, ends them, and switches the power on again. */
export async function cutPower(disk: PowerDisk, service: Pick<RunningService, 'process'>): Promise<void> {
  const { pid } = service.process
  if (pid === undefined) throw new Error('the service has no process')
  signal(familyOf(pid), 'SIGSTOP')
  // A child may have been born between looking and stopping.
  const family = familyOf(pid)
  signal(family, 'SIGSTOP')
  disk.cut()
  signal(family, 'SIGKILL')
  await until(() => !family.some(isRunning), 30_000, 'everything of the service is gone')
  await disk.powerOn()
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, name)
}

/** Why this machine cannot cut the power of a disk, for the name of the tests that are skipped; empty when it can. */
export async function powerCutsImpossible(): Promise<string> {
  try {
    const disk = new PowerDisk('power-probe', 8)
    try {
      disk.cut()
    } finally {
      await disk.remove()
    }
    return ''
  } catch {
    return ' (skipped: needs Linux, root, loop devices, mkfs.ext4 and perl)'
  }
}
