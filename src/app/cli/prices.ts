import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bodyOf, callOnce } from '../../collect/service.ts'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import { standardMeters } from '../../meter/standard.ts'
import { placedPrices } from '../../price/book/meter-fit.ts'
import { diffPriceBooks } from '../../price/book/price-book-diff.ts'
import type { VersionChange } from '../../price/book/price-book-diff.ts'
import { formatDocument, formatPriceBook, parsePriceBook } from '../../price/book/price-book-file.ts'
import type { PriceBookFile } from '../../price/book/price-book-file.ts'
import { bookOf, countOf, planImport } from '../../price/book/price-book-import.ts'
import { emptyPriceBook } from '../../price/book/price-book.ts'
import type { PriceBook } from '../../price/book/price-book.ts'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { pricesHelp } from './prices-help.ts'
import { diffJson, diffText, painted, plain, problemsText } from './prices-text.ts'
import type { Paint } from './prices-text.ts'
import { simulateHelp } from './simulate-help.ts'
import { simulatePrices } from './simulate.ts'

const options = {
  ...serviceOptions,
  'exit-code': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  color: { type: 'string' },
  json: { type: 'boolean' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options, allowPositionals: true })
}

interface Call {
  readonly terminal: Terminal
  readonly values: ReturnType<typeof parse>['values']
  readonly words: readonly string[]
}

const clientOf = ({ values, terminal }: Call): Client => openClient(values, terminal)

function fileOf({ words }: Call): string {
  const [file] = words
  if (file === undefined || file === '') throw new UsageError('the name of a file is needed')
  return file
}

function refuse(file: string, problems: readonly Problem[]): never {
  throw new Refusal('REQUEST_INVALID', problemsText(file, problems), { problems })
}

function parseText(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Refusal('REQUEST_INVALID', `${file} is not JSON: ${error.message}`)
  }
}

async function readDocument(file: string): Promise<unknown> {
  if (!/\.(ts|mts|js|mjs)$/.test(file)) return parseText(file)
  const content = ((await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }).default
  if (content === undefined) throw new UsageError(`${file} has no default export: a price book`)
  return content
}

async function readBook(file: string): Promise<PriceBookFile> {
  const parsed = parsePriceBook(await readDocument(file))
  return parsed.ok ? parsed.value : refuse(file, parsed.error)
}

/** What the service has. It wrote it; that we cannot read it means that the two are of different versions. */
async function bookOfService(client: Client): Promise<PriceBook> {
  const parsed = parsePriceBook(await client.getJson('/v1/prices'))
  return parsed.ok ? bookOf(parsed.value) : refuse(`the price book of ${client.service.url}`, parsed.error)
}

/** Whole, or as it was: a name is moved over what is there. */
function writeWhole(file: string, text: string): void {
  const unfinished = `${file}.unfinished`
  writeFileSync(unfinished, text)
  renameSync(unfinished, file)
}

async function exportBook(call: Call): Promise<number> {
  const [file] = call.words
  const text = `${formatDocument(await clientOf(call).getJson('/v1/prices'))}\n`
  if (file === undefined || file === '-') call.terminal.stdout.write(text)
  else {
    writeWhole(file, text)
    call.terminal.stderr.write(`${file}: ${countText(bookOf(await readBook(file)))}\n`)
  }
  return exitCodes.ok
}

function countText({ plans, addOns, coupons }: PriceBook): string {
  const counted = (versions: ReadonlyMap<string, readonly unknown[]>, one: string): string => {
    const count = [...versions.values()].reduce((sum, list) => sum + list.length, 0)
    return `${versions.size} ${one}${versions.size === 1 ? '' : 's'} (${count} version${count === 1 ? '' : 's'})`
  }
  return `${counted(plans, 'plan')}, ${counted(addOns, 'add-on')}, ${counted(coupons, 'coupon')}`
}

/** Meters that are billed and that no installation has by itself. */
function foreignMeters({ plans, addOns }: PriceBook): readonly string[] {
  const standard = new Set<string>(standardMeters.map(({ key }) => key))
  const sold = [...plans.values(), ...addOns.values()].flat()
  const placed = sold.flatMap(({ prices, phases }) => placedPrices(prices, phases))
  const meters = placed.flatMap(({ price: { meter } }) => (meter === null ? [] : [meter]))
  return [...new Set<string>(meters)].filter((meter) => !standard.has(meter)).toSorted()
}

async function check(call: Call): Promise<number> {
  const file = fileOf(call)
  const read = await readBook(file)
  const alone = planImport(emptyPriceBook, read)
  if (!alone.ok) return refuse(file, alone.error)
  const meters = foreignMeters(alone.value.after)
  if (call.values.json === true) {
    const answer = { problems: [], versions: countOf(read), meters_to_add: meters }
    call.terminal.stdout.write(jsonText(answer))
    return exitCodes.ok
  }
  const canonical = formatPriceBook(alone.value.after)
  const form = file.endsWith('.json') && readFileSync(file, 'utf8') !== canonical
  const notes = [
    ...(meters.length === 0 ? [] : [`meters that the service needs besides its own: ${meters.join(', ')}`]),
    ...(form ? ['order or form differ from what export writes'] : []),
  ]
  call.terminal.stdout.write(
    `${file}: ${countText(alone.value.after)}, no problems\n${notes.map((note) => `  ${note}\n`).join('')}`,
  )
  return exitCodes.ok
}

function paintOf({ values, terminal }: Call): Paint {
  const when = values.color ?? 'auto'
  if (when === 'always') return painted
  if (when === 'never') return plain
  if (when !== 'auto') throw new UsageError(`--color is always, never or auto, not "${when}"`)
  const { stdout } = terminal
  const isWatched = 'isTTY' in stdout && stdout.isTTY === true
  return isWatched && (terminal.env['NO_COLOR'] ?? '') === '' ? painted : plain
}

interface Difference {
  readonly changes: readonly VersionChange[]
  /** Why an import of the file would be refused. */
  readonly problems: readonly Problem[]
}

/** Against the service, what only the service has is no difference: an import leaves it. */
async function differenceFrom(client: Client, file: PriceBookFile): Promise<Difference> {
  const before = await bookOfService(client)
  const planned = planImport(before, file)
  const changes = diffPriceBooks(before, bookOf(file)).filter(({ kind }) => kind !== 'removed')
  return { changes, problems: planned.ok ? [] : planned.error }
}

async function differenceOf(call: Call): Promise<Difference> {
  const [, newer] = call.words
  const file = await readBook(fileOf(call))
  if (newer === undefined) return differenceFrom(clientOf(call), file)
  return { changes: diffPriceBooks(bookOf(file), bookOf(await readBook(newer))), problems: [] }
}

async function diff(call: Call): Promise<number> {
  const { changes, problems } = await differenceOf(call)
  const { values, terminal } = call
  if (values.json === true) terminal.stdout.write(jsonText({ ...diffJson(changes), problems }))
  else terminal.stdout.write(diffText(changes, paintOf(call)))
  if (problems.length > 0 && values.json !== true)
    terminal.stderr.write(`An import is refused: ${problemsText(fileOf(call), problems)}\n`)
  return values['exit-code'] === true && changes.length > 0 ? exitCodes.failed : exitCodes.ok
}

interface Imported {
  readonly published: Readonly<Record<string, readonly { readonly key: string; readonly version: number }[]>>
  readonly unchanged: number
}

function importText({ published, unchanged }: Imported, isDryRun: boolean): string {
  const all = Object.values(published).flat()
  const verb = isDryRun ? 'would be published' : 'published'
  const lines = all.map(({ key, version }) => `  ${key} version ${version}\n`)
  return `${all.length} ${verb}, ${unchanged} there already\n${lines.join('')}`
}

function problemsOf(body: unknown): readonly Problem[] {
  const { error } = (body ?? {}) as { readonly error?: { readonly problems?: readonly Problem[] } }
  return error?.problems ?? []
}

async function importBook(call: Call): Promise<number> {
  const { terminal, values } = call
  const file = fileOf(call)
  const document = await readDocument(file)
  const parsed = parsePriceBook(document)
  if (!parsed.ok) return refuse(file, parsed.error)
  const { service } = clientOf(call)
  if (terminal.isTTY) terminal.stderr.write(`sending ${countOf(parsed.value)} versions to ${service.url} …\n`)
  const reply = await callOnce(service, {
    method: 'POST',
    path: `/v1/prices/import${values['dry-run'] === true ? '?dry_run=true' : ''}`,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(document)),
  })
  const problems = reply.kind === 'answer' ? problemsOf(reply.body) : []
  if (problems.length > 0) return refuse(`nothing was imported: ${file}`, problems)
  const answer = bodyOf(service, reply) as Imported
  terminal.stdout.write(values.json === true ? jsonText(answer) : importText(answer, values['dry-run'] === true))
  return exitCodes.ok
}

const actions = { export: exportBook, check, diff, import: importBook } as const

/** The price book as files: exported, checked, compared, imported. */
export const pricesCommand: Command = {
  name: 'prices',
  summary: 'the price book as a file: export, check, diff, import; what a change would do: simulate',
  help: `${pricesHelp}\n${simulateHelp}`,
  async run(argv, terminal) {
    if (argv[0] === 'simulate') return simulatePrices(argv.slice(1), terminal, readDocument)
    const { values, positionals } = parse(argv)
    const [action = '', ...words] = positionals
    const names = [...Object.keys(actions), 'simulate']
    if (!Object.hasOwn(actions, action))
      throw new UsageError(`say what to do: ${names.join(', ')}.${action === '' ? '' : didYouMean(action, names)}`)
    return actions[action as keyof typeof actions]({ terminal, values, words })
  },
}
