#!/usr/bin/env node
// Starts the command line on the project's own Node, whatever Node the machine has.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', '.bin', 'node')
if (
  !existsSync(node) &&
  spawnSync(process.execPath, [join(root, 'scripts', 'setup.js')], { stdio: 'inherit' }).status !== 0
) {
  process.exit(1)
}
const child = spawn(node, [join(root, 'src', 'app', 'cli', 'main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
