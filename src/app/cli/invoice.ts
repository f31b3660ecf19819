import { parseArgs } from 'node:util'
import { ServiceError } from '../../collect/service.ts'
import { parseExact } from '../../core/exact.ts'
import { systemClock } from '../../core/time.ts'
import { invoiceJson } from '../../invoice/document.ts'
import type { Invoice } from '../../invoice/document.ts'
import { invoicePage } from '../../invoice/page.ts'
import { invoiceText } from '../../invoice/text.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { draftOf, getInvoice, listInvoices } from './invoice-api.ts'
import type { ListedInvoice, WaiverBody } from './invoice-api.ts'
import { invoiceHelp } from './invoice-help.ts'
import { driftCommand } from './invoice-drift.ts'
import { issueCommand } from './invoice-issue.ts'
import { lineCommand } from './invoice-line.ts'

const options = {
  ...serviceOptions,
  account: { type: 'string' },
  month: { type: 'string' },
  all: { type: 'boolean' },
  waive: { type: 'string' },
  by: { type: 'string' },
  'at-risk': { type: 'string' },
  day: { type: 'string' },
  hours: { type: 'boolean' },
  events: { type: 'boolean' },
  limit: { type: 'string' },
  html: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values']
type Option = keyof typeof options

/** Where a subcommand runs: what was given to it, whom it asks, where it writes. */
interface Call {
  readonly values: Values
  readonly words: readonly string[]
  readonly client: Client
  readonly terminal: Terminal
}

interface Subcommand {
  /** The options that mean something here, besides those of the service and --json. */
  readonly options: readonly Option[]
  readonly words: { readonly least: number; readonly most: number; readonly names: string }
  readonly run: (call: Call) => Promise<number>
}

function checkedMonth(month: string | undefined): string | undefined {
  if (month === undefined || /^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return month
  throw new UsageError(`--month ${month} is not a month such as 2026-10`)
}

function neededMonth({ month }: Values): string {
  const checked = checkedMonth(month)
  if (checked === undefined) throw new UsageError('--month is missing, such as --month 2026-10')
  return checked
}

function listText(invoices: readonly ListedInvoice[]): string {
  if (invoices.length === 0) return 'no invoices; "crossfoot invoice show ACCOUNT --month 2026-10" makes a draft\n'
  const rows = invoices.map(({ month, account, number, id, status, total, currency }) => [
    month,
    account,
    number ?? id,
    status,
    `${groupDigits(total)} ${currency}`,
  ])
  const table = [['Month', 'Account', 'Invoice', 'Status', 'Total'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 4 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
  return `${table.map(line).join('\n')}\n`
}

async function list({ values, client, terminal }: Call): Promise<number> {
  const invoices = await listInvoices(client, { account: values.account, month: checkedMonth(values.month) })
  terminal.stdout.write(values.json === true ? jsonText(invoices) : listText(invoices))
  return exitCodes.ok
}

/** By id or number; else it is an account, and the newest invoice of it is meant. */
async function findByWord(client: Client, word: string): Promise<Invoice> {
  try {
    return await getInvoice(client, word)
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'INVOICE_NOT_FOUND') throw error
    const newest = (await listInvoices(client, { account: word, month: undefined })).at(0)
    if (newest !== undefined) return getInvoice(client, newest.id)
    throw new UsageError(`"${word}" is no invoice; for an account that has none yet, add --month 2026-10`)
  }
}

async function show({ values, words, client, terminal }: Call): Promise<number> {
  if (values.html === true && values.json === true) throw new UsageError('--html and --json are two forms; give one')
  const month = checkedMonth(values.month)
  const [word = ''] = words
  const invoice = month === undefined ? await findByWord(client, word) : await draftOf(client, { account: word, month })
  if (values.html === true) terminal.stdout.write(invoicePage(invoice, { now: systemClock.now() }))
  else if (values.json === true) terminal.stdout.write(jsonText(invoiceJson(invoice)))
  else terminal.stdout.write(invoiceText(invoice))
  return exitCodes.ok
}

function waiverOf({ waive, by, 'at-risk': risk }: Values): WaiverBody | undefined {
  if (waive === undefined && by === undefined && risk === undefined) return undefined
  if (waive === undefined || by === undefined)
    throw new UsageError('--waive says why and --by says who decided; give both')
  if (risk !== undefined && !parseExact(risk).ok)
    throw new UsageError(`--at-risk ${risk} is not an amount such as 12.50`)
  return { reason: waive, by, ...(risk === undefined ? {} : { value_at_risk: risk }) }
}

async function issue({ values, words, client, terminal }: Call): Promise<number> {
  const [account = null] = words
  if ((account === null) !== (values.all === true)) throw new UsageError('name one ACCOUNT, or all of them with --all')
  const request = { account, month: neededMonth(values), waiver: waiverOf(values), json: values.json === true }
  return issueCommand(client, request, terminal)
}

function readDay(day: string | undefined): string | null {
  if (day === undefined) return null
  try {
    if (/^\d{4}-\d{2}-\d{2}$/.test(day)) return Temporal.PlainDate.from(day).toString()
  } catch {
    // 2026-10-32 looks like a day and is none.
  }
  throw new UsageError(`--day ${day} is not a day such as 2026-10-05`)
}

/** A whole number from 1 on. */
function readCount(text: string, name: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new UsageError(`${name} ${text} is not a whole number from 1 to 999999`)
}

async function line({ values, words, client, terminal }: Call): Promise<number> {
  const [account = '', number = ''] = words
  const request = {
    account,
    line: readCount(number, 'LINE'),
    month: neededMonth(values),
    day: readDay(values.day),
    hours: values.hours === true,
    events: values.events === true,
    limit: readCount(values.limit ?? '100', '--limit'),
    json: values.json === true,
  }
  return lineCommand(client, request, terminal)
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  list: { options: ['account', 'month'], words: { least: 0, most: 0, names: 'nothing' }, run: list },
  show: { options: ['month', 'html'], words: { least: 1, most: 1, names: 'ID, NUMBER or ACCOUNT' }, run: show },
  issue: {
    options: ['month', 'all', 'waive', 'by', 'at-risk'],
    words: { least: 0, most: 1, names: 'one ACCOUNT' },
    run: issue,
  },
  line: {
    options: ['month', 'day', 'hours', 'events', 'limit'],
    words: { least: 2, most: 2, names: 'ACCOUNT and LINE' },
    run: line,
  },
  drift: { options: ['month'], words: { least: 0, most: 1, names: 'one ID or NUMBER' }, run: drift },
}

async function drift({ values, words, client, terminal }: Call): Promise<number> {
  const [word] = words
  const month = checkedMonth(values.month)
  const json = values.json === true
  if (word !== undefined && month === undefined) return driftCommand(client, { word, json }, terminal)
  if (word === undefined && month !== undefined) return driftCommand(client, { month, json }, terminal)
  throw new UsageError('name one invoice by ID or NUMBER, or all of a month with --month 2026-10')
}

/** An option that a subcommand does not know is refused: what it asks for would not happen. */
function checkCall(name: string, { options, words }: Subcommand, given: Pick<Call, 'values' | 'words'>): void {
  const allowed = new Set<string>([...options, 'url', 'key', 'json'])
  const foreign = Object.keys(given.values).find((option) => !allowed.has(option))
  if (foreign !== undefined) throw new UsageError(`--${foreign} means nothing to "invoice ${name}"`)
  if (given.words.length < words.least || given.words.length > words.most)
    throw new UsageError(`"invoice ${name}" takes ${words.names}`)
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
  const [name, ...words] = positionals
  const names = Object.keys(subcommands)
  if (name === undefined) throw new UsageError(`say what to do: ${names.join(', ')}`)
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
  if (subcommand === undefined)
    throw new UsageError(`there is no "invoice ${name}"; there is ${names.join(', ')}.${didYouMean(name, names)}`)
  checkCall(name, subcommand, { values, words })
  return subcommand.run({ values, words, client: openClient(values, terminal), terminal })
}

export const invoiceCommand: Command = {
  name: 'invoice',
  summary: 'show and issue invoices, and open a line down to its events',
  help: invoiceHelp,
  run,
}
