import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openDataDirectory } from '../../src/app/data-directory.ts'
import { startPostgres } from '../../src/app/postgres.ts'

/**
 * A service reduced to what holds a data directory: `node data-directory-owner.ts DIRECTORY [postgres]`. Prints one
 * line of JSON when it has it, or why not, and stays until its input ends or it is killed.
 */
const [directory = '', what] = process.argv.slice(2)
try {
  const data = await openDataDirectory(directory)
  const server =
    what === 'postgres'
      ? await startPostgres({
          directory: join(data.path, 'postgres'),
          created: data.created,
          random: randomBytes,
          log: () => undefined,
        })
      : null
  console.log(JSON.stringify({ pid: process.pid, url: server?.url ?? null, postgres: server?.pid ?? null }))
  process.stdin.once('end', () => {
    void (server?.stop() ?? Promise.resolve()).then(() => data.close())
  })
  process.stdin.resume()
} catch (error) {
  console.log(JSON.stringify({ pid: process.pid, refused: (error as Error).message }))
}
