import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const pom = join(import.meta.dirname, 'pom.xml')
const caches = join(import.meta.dirname, '../../../node_modules/.cache')

function works(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why there is no broker to test with, or null when there is one. */
function missing(): string | null {
  if (process.env['CROSSFOOT_KAFKA'] !== '1') return 'set CROSSFOOT_KAFKA=1 to run them (Java 17 and Maven are needed)'
  if (!works('java', '-version')) return 'java is not on this machine'
  if (!existsSync(folder()) && !works('mvn', '-version')) return 'mvn is not on this machine'
  return null
}

let said = false

/** Whether the tests on a real broker can run; says in one line why not. */
export function available(): boolean {
  const reason = missing()
  if (reason !== null && !said) console.log(`tests on Kafka are skipped: ${reason}`)
  said = true
  return reason === null
}

/** The cache is named after what it was made from, so a new version of the broker is a new folder. */
function folder(): string {
  return join(caches, `kafka-${hash('sha256', readFileSync(pom)).slice(0, 12)}`)
}

/** The folder with the broker and everything it needs, obtained from Maven Central once. */
export async function brokerJars(): Promise<string> {
  const target = folder()
  if (existsSync(target)) return target
  mkdirSync(caches, { recursive: true })
  const loading = mkdtempSync(join(caches, 'kafka-loading-'))
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${loading}`]
  await run('mvn', args, { timeout: 300_000 })
  try {
    // In one step, so that nobody ever sees half of it.
    renameSync(loading, target)
  } catch (error) {
    rmSync(loading, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
  return target
}
