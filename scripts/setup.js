// Runs before `npm start` and `npm test`, on whatever Node (18 or newer) the machine has: installs the
// locked dependencies when they are missing or older than the lock file. Plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.crossfoot-lock')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

function stop(message) {
  console.error(`crossfoot: ${message}`)
  process.exit(1)
}

function upToDate() {
  return existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock
}

if (Number(process.versions.node.split('.')[0]) < 18) {
  stop(`Node ${process.versions.node} is too old; install Node 18 or newer, then run the same command again.`)
}
if (!upToDate()) {
  console.log('crossfoot: installing the locked dependencies (about 900 MB on disk, once; a minute or two) …')
  const started = Date.now()
  const npm = process.env['npm_execpath']
  const argv = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const run =
    npm && npm.endsWith('.js')
      ? spawnSync(process.execPath, [npm, ...argv], { cwd: root, stdio: 'inherit' })
      : spawnSync('npm', argv, { cwd: root, stdio: 'inherit' })
  if (run.status !== 0) {
    stop('npm ci did not succeed (see above); check the network and the npm registry, then run the same command again.')
  }
  if (spawnSync(node, ['--version']).status !== 0) {
    stop('Node from npm does not start on this machine; Crossfoot needs Linux (glibc) or macOS on x64 or arm64.')
  }
  writeFileSync(stamp, lock)
  console.log(`crossfoot: installed in ${Math.round((Date.now() - started) / 1000)} s`)
}
