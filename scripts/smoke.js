// Runs `npm start` as a newcomer would, on a data directory that does not exist, looks at what it shows, and
// stops it. Each check prints a line `ok` or `not ok`; used by .ci/run.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const parent = mkdtempSync(join(tmpdir(), 'crossfoot-smoke-'))
const data = join(parent, 'not', 'there', 'yet')
let failed = 0

function check(name, good, detail = '') {
  if (!good) failed += 1
  console.log(`${good ? 'ok' : 'not ok'} - ${name}${good ? '' : ` ${detail}`}`)
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

const port = await freePort()
const address = `http://127.0.0.1:${port}`
const started = Date.now()
// Not detached from us: npm passes the signal on.
const child = spawn('npm', ['start'], {
  cwd: root,
  env: { ...process.env, CROSSFOOT_DATA: data, PORT: String(port), LOG_LEVEL: 'warn' },
  stdio: ['ignore', 'pipe', 'pipe'],
})
let output = ''
const ended = new Promise((resolve) => child.on('exit', resolve))

/** Resolves with the seconds until the text was printed, or null. */
function printed(text, limitSeconds) {
  return new Promise((resolve) => {
    const look = () => {
      if (!output.includes(text)) return
      clearTimeout(timer)
      resolve((Date.now() - started) / 1000)
    }
    const timer = setTimeout(() => resolve(null), limitSeconds * 1000)
    child.stdout.on('data', look)
    child.on('exit', () => resolve(null))
    look()
  })
}

for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
try {
  const ready = await printed('crossfoot ready', 60)
  check(`npm start is ready (${ready} s)`, ready !== null, output)
  const filled = await printed('sample company ready', 120)
  check(
    `the sample company is there within a minute of being ready (${filled} s)`,
    filled !== null && filled - ready < 60,
    output,
  )
  const key = readFileSync(join(data, 'dev-api-key'), 'utf8').trim()
  const get = (path) => fetch(`${address}${path}`, { headers: { authorization: `Bearer ${key}` } })
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/v1/accounts', '/v1/invoices']) {
    const { status } = await get(path)
    check(`GET ${path} answers`, status === 200, `with ${status}`)
  }
  const page = await (await fetch(`${address}/`)).text()
  check(
    'the page shows accounts, a picture and costs',
    /Northlight Edge/.test(page) && /<svg/.test(page) && /USD/.test(page),
  )
  check('the accounts add up to the installation', page.includes('Crossfooted'))
  const { invoices } = await (await get('/v1/invoices?account=driftbox')).json()
  const issued = invoices.find(({ status }) => status === 'issued')
  const printable = issued === undefined ? '' : await (await fetch(`${address}/invoices/${issued.number}`)).text()
  check('an issued invoice has its page', printable.includes(issued?.number ?? 'none') && printable.includes('<svg'))
  child.kill('SIGTERM')
  const code = await ended
  check('SIGTERM stops it cleanly', code === 0, `exit code ${code}\n${output.slice(-2000)}`)
} catch (error) {
  check('the smoke run went through', false, String(error))
} finally {
  child.kill('SIGKILL')
  await ended
  rmSync(parent, { recursive: true, force: true, maxRetries: 5 })
}
process.exit(failed === 0 ? 0 : 1)
