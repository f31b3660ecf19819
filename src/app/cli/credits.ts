import { parseArgs } from 'node:util'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText, neededOption } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { creditsHelp } from './credits-help.ts'

const options = {
  ...serviceOptions,
  amount: { type: 'string' },
  name: { type: 'string' },
  promotional: { type: 'boolean' },
  prepaid: { type: 'boolean' },
  paid: { type: 'string' },
  priority: { type: 'string' },
  meter: { type: 'string', multiple: true },
  from: { type: 'string' },
  expires: { type: 'string' },
  every: { type: 'string' },
  anchor: { type: 'string' },
  recurring: { type: 'string' },
  'keep-min': { type: 'string' },
  'keep-max': { type: 'string' },
  once: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  at: { type: 'string' },
  json: { type: 'boolean' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options, allowPositionals: true })
}

type Values = ReturnType<typeof parse>['values']

interface Call {
  readonly client: Client
  readonly terminal: Terminal
  readonly values: Values
  /** The account or the credit that the command is about. */
  readonly subject: string
}

interface CreditRow {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly currency: string
  readonly scope: 'all' | { readonly meters: readonly string[] }
  readonly state: string
  readonly granted: string
  readonly burned: string
  readonly expired: string
  readonly voided_amount: string
  readonly balance: string
  readonly effective_from: string
  readonly expires_at: string | null
  readonly turn: { readonly to: string | null } | null
  readonly recurrence: {
    readonly every: { readonly unit: string; readonly count: number }
    readonly amount: string
  } | null
}

interface EntryRow {
  readonly number: number
  readonly kind: string
  readonly amount: string
  readonly at: string
  readonly invoice: string | null
  readonly line: number | null
  readonly author?: string | null
  readonly reason?: string | null
}

function recurringText({ recurrence, currency, turn }: CreditRow): string {
  if (recurrence === null) return ''
  const { every, amount } = recurrence
  const next = turn === null || turn.to === null ? '' : `, next ${turn.to}`
  return `; ${amount} ${currency} every ${every.count} ${every.unit}${next}`
}

function creditText(credit: CreditRow): string {
  const { id, kind, name, currency, scope, state, granted, burned, expired, voided_amount, balance } = credit
  const { effective_from, expires_at } = credit
  const lines = scope === 'all' ? 'all lines' : `lines of ${scope.meters.join(', ')}`
  return (
    `${id}  ${balance} ${currency} left  ${state}  ${kind}  ${name}\n` +
    `    granted ${granted}, burned ${burned}, expired ${expired}, voided ${voided_amount}; pays ${lines}\n` +
    `    from ${effective_from} ${expires_at === null ? 'for good' : `to ${expires_at}`}${recurringText(credit)}\n`
  )
}

function entryText({ number, kind, amount, at, invoice, line, author, reason }: EntryRow): string {
  const sign = amount.startsWith('-') ? '' : '+'
  const place = invoice === null ? '' : `  invoice ${invoice} line ${line}`
  const who = author === null || author === undefined ? '' : `  ${author}: ${reason}`
  return `${String(number).padStart(6)}  ${at.padEnd(27)}  ${kind.replace('_', ' ').padEnd(11)}  ${sign}${amount}${place}${who}\n`
}

const atQuery = ({ values }: Call): string => (values.at === undefined ? '' : `at=${encodeURIComponent(values.at)}`)

/** Page by page: the terminal shows all of it. */
async function everyPage<Row>(path: (after: string) => string, call: Call, name: string): Promise<readonly Row[]> {
  const rows: Row[] = []
  let after = ''
  for (;;) {
    const page = (await call.client.getJson(path(after))) as Readonly<Record<string, unknown>>
    rows.push(...(page[name] as readonly Row[]))
    const next = page['next'] as string | number | null
    if (next === null) return rows
    after = `&after=${encodeURIComponent(next)}`
  }
}

async function list(call: Call): Promise<void> {
  const { terminal, values, subject } = call
  const path = `/v1/credits?account=${encodeURIComponent(subject)}&limit=1000&${atQuery(call)}`
  const credits = await everyPage<CreditRow>((after) => `${path}${after}`, call, 'credits')
  if (values.json === true) terminal.stdout.write(jsonText({ credits }))
  else terminal.stdout.write(credits.length === 0 ? `${subject} has no credits\n` : credits.map(creditText).join(''))
}

async function show(call: Call): Promise<void> {
  const { client, terminal, values, subject } = call
  const path = `/v1/credits/${encodeURIComponent(subject)}`
  const credit = (await client.getJson(`${path}?${atQuery(call)}`)) as CreditRow
  const entries = await everyPage<EntryRow>((after) => `${path}/entries?limit=1000${after}`, call, 'entries')
  if (values.json === true) terminal.stdout.write(jsonText({ ...credit, entries }))
  else terminal.stdout.write(creditText(credit) + entries.map(entryText).join(''))
}

const unitOf = { day: 'days', week: 'weeks', month: 'months', year: 'years' } as const

function recurrenceOf({ every, anchor, recurring }: Values): object {
  if (every === undefined) {
    if (anchor !== undefined || recurring !== undefined)
      throw new UsageError('--anchor and --recurring go with --every')
    return {}
  }
  const match = /^(\d{1,5})-(day|week|month|year)s?$/.exec(every)
  if (match === null) throw new UsageError(`--every is such as 1-month or 2-weeks, not "${every}"`)
  const [, count = '', unit = ''] = match
  const cycle = { unit: unitOf[unit as keyof typeof unitOf], count: Number(count) }
  return { recurrence: { every: cycle, ...given({ anchor, amount: recurring }) } }
}

/** Without what was left out. */
function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function rolloverOf({ 'keep-min': min, 'keep-max': max }: Values): object {
  if (min === undefined && max === undefined) return {}
  return { rollover: given({ min, max: max === 'all' ? null : (max ?? min) }) }
}

function priorityOf({ priority }: Values): number | undefined {
  if (priority === undefined) return undefined
  if (!/^\d{1,4}$/.test(priority)) throw new UsageError(`--priority is a whole number, not "${priority}"`)
  return Number(priority)
}

function documentOf(account: string, values: Values): object {
  if (values.promotional === true && values.prepaid === true)
    throw new UsageError('a credit is --promotional or --prepaid, not both')
  const { paid, meter, from, expires, reason } = values
  return {
    account,
    kind: values.prepaid === true ? 'prepaid' : 'promotional',
    name: neededOption(values, 'name'),
    amount: neededOption(values, 'amount'),
    author: neededOption(values, 'by'),
    ...given({ paid_amount: paid, priority: priorityOf(values), effective_from: from, expires_at: expires, reason }),
    ...(meter === undefined ? {} : { scope: { meters: meter } }),
    ...recurrenceOf(values),
    ...rolloverOf(values),
  }
}

function write({ terminal, values }: Call, credit: CreditRow): void {
  terminal.stdout.write(values.json === true ? jsonText(credit) : creditText(credit))
}

async function grant(call: Call): Promise<void> {
  const { client, values, subject } = call
  const key = values.once
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  write(call, (await client.postJson('/v1/credits', documentOf(subject, values), headers)) as CreditRow)
}

async function voidOne(call: Call): Promise<void> {
  const { client, values, subject } = call
  const body = { author: neededOption(values, 'by'), reason: neededOption(values, 'reason') }
  write(call, (await client.postJson(`/v1/credits/${encodeURIComponent(subject)}/void`, body)) as CreditRow)
}

const actions = { list, grant, show, void: voidOne } as const

/** Credits of accounts on the terminal. */
export const creditsCommand: Command = {
  name: 'credits',
  summary: 'what accounts have that pays their invoices: grant, look, void',
  help: creditsHelp,
  async run(argv, terminal) {
    const { values, positionals } = parse(argv)
    const [action = '', subject, ...more] = positionals
    const names = Object.keys(actions)
    if (!Object.hasOwn(actions, action))
      throw new UsageError(`say what to do: ${names.join(', ')}.${action === '' ? '' : didYouMean(action, names)}`)
    if (subject === undefined || more.length > 0)
      throw new UsageError(`${action} takes ${action === 'list' || action === 'grant' ? 'an account' : 'a credit'}`)
    await actions[action as keyof typeof actions]({ client: openClient(values, terminal), terminal, values, subject })
    return exitCodes.ok
  },
}
