import { parseArgs } from 'node:util'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText, neededOption } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { correctHelp } from './correct-help.ts'

const options = {
  ...serviceOptions,
  id: { type: 'string' },
  seq: { type: 'string' },
  epoch: { type: 'string' },
  set: { type: 'string', multiple: true },
  account: { type: 'string' },
  'from-account': { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  expect: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values']

interface Call {
  readonly values: Values
  readonly word: string
  readonly client: Client
  readonly terminal: Terminal
}

function eventOf({ values, word }: Call): object {
  const { id, seq, epoch } = values
  if ((id === undefined) === (seq === undefined)) throw new UsageError('name the event by --id or by --seq')
  return { source: word, ...(epoch === undefined ? {} : { epoch }), ...(seq === undefined ? { id } : { seq }) }
}

/** `FIELD=VALUE` as a change; nothing after the sign takes the value away. */
function changeOf({ set }: Values): Readonly<Record<string, string | null | number>> {
  if (set === undefined) throw new UsageError('--set FIELD=VALUE is missing: what is to change')
  return Object.fromEntries(
    set.map((text) => {
      const end = text.indexOf('=')
      if (end < 1) throw new UsageError(`--set ${text} is not FIELD=VALUE`)
      const [field, value] = [text.slice(0, end), text.slice(end + 1)]
      // The status is the one field that is a number and nothing else.
      return [field, value === '' ? null : field === 'status' ? Number(value) : value]
    }),
  )
}

interface CorrectedAnswer {
  readonly status: string
  readonly kind: string
  readonly offset: string | null
  readonly supersedes: string
  readonly before: { readonly account: string; readonly event: Readonly<Record<string, unknown>> | null }
  readonly after: { readonly account: string; readonly event: Readonly<Record<string, unknown>> | null }
  readonly invoices: readonly { readonly number: string; readonly account: string; readonly month: string }[]
}

function correctedText({ status, kind, offset, supersedes, before, after, invoices }: CorrectedAnswer): string {
  const fields = new Set([...Object.keys(before.event ?? {}), ...Object.keys(after.event ?? {})])
  const changes = [...fields].flatMap((field) => {
    const [old, now] = [before.event?.[field], after.event?.[field]].map((value) => JSON.stringify(value) ?? '(none)')
    return after.event === null || old === now ? [] : [`  ${field}: ${old} → ${now}`]
  })
  if (before.account !== after.account) changes.push(`  counted for: ${before.account} → ${after.account}`)
  const place = offset === null ? '' : ` at offset ${offset}, in place of offset ${supersedes}`
  const issued = invoices.map(
    ({ number, account, month }) =>
      `  issued before: ${number} (${account}, ${month}); see crossfoot invoice drift ${number}`,
  )
  return `${[`${kind}: ${status}${place}`, ...changes, ...issued].join('\n')}\n`
}

async function correctOne(call: Call, wanted: object): Promise<number> {
  const { values, client, terminal } = call
  const body = {
    ...wanted,
    event: eventOf(call),
    author: neededOption(values, 'by'),
    reason: neededOption(values, 'reason'),
    ...(values.expect === undefined ? {} : { expect: values.expect }),
  }
  const answer = await client.postJson(`/v1/corrections${values['dry-run'] === true ? '?dry_run=true' : ''}`, body)
  terminal.stdout.write(values.json === true ? jsonText(answer) : correctedText(answer as CorrectedAnswer))
  return exitCodes.ok
}

interface MovePlan {
  readonly events: number
  readonly effects: readonly {
    readonly meter: string
    readonly unit: string
    readonly from: string
    readonly to: string
  }[]
  readonly invoices: readonly string[]
}

function planText({ events, effects, invoices }: MovePlan, loser: string, gainer: string): string {
  const rows = effects.map(({ meter, unit, from, to }) => `  ${meter}: ${loser} ${from}, ${gainer} +${to} ${unit}`)
  const issued = invoices.length === 0 ? [] : [`  issued invoices over that time: ${invoices.join(', ')}`]
  return `${[`${events} events would move`, ...rows, ...issued].join('\n')}\n`
}

async function endpoint({ values, word, client, terminal }: Call): Promise<number> {
  const loser = values['from-account'] ?? 'unattributed'
  const account = neededOption(values, 'account')
  const body = {
    endpoint: word,
    from: neededOption(values, 'from'),
    to: neededOption(values, 'to'),
    from_account: loser,
    account,
    author: neededOption(values, 'by'),
    reason: neededOption(values, 'reason'),
  }
  if (values['dry-run'] === true) {
    const plan = (await client.postJson('/v1/corrections/reattribute?dry_run=true', body)) as MovePlan
    terminal.stdout.write(values.json === true ? jsonText(plan) : planText(plan, loser, account))
    return exitCodes.ok
  }
  let moved = 0
  for (;;) {
    const answer = (await client.postJson('/v1/corrections/reattribute', body)) as { moved: number; left: number }
    moved += answer.moved
    if (answer.left === 0) break
    if (answer.moved === 0) throw new Error(`${answer.left} events could not be moved`)
    terminal.stderr.write(`${moved} events moved, ${answer.left} left\n`)
  }
  terminal.stdout.write(
    values.json === true ? `${JSON.stringify({ moved, left: 0 })}\n` : `${moved} events moved to ${account}\n`,
  )
  return exitCodes.ok
}

interface ListedCorrection {
  readonly offset: string
  readonly at: string
  readonly kind: string
  readonly event: { readonly source: string; readonly id: string; readonly seq?: string } | null
  readonly account: string
  readonly author: string
  readonly reason: string
}

async function list({ values, client, terminal }: Call): Promise<number> {
  const { from, to, account } = values
  const asked = Object.entries({ from, to, account }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const all: ListedCorrection[] = []
  for (let before: string | null = ''; before !== null;) {
    const query = new URLSearchParams([...asked, ['limit', '1000'], ...(before === '' ? [] : [['before', before]])])
    const page = (await client.getJson(`/v1/corrections?${query.toString()}`)) as {
      corrections: ListedCorrection[]
      next: string | null
    }
    all.push(...page.corrections)
    before = page.next
  }
  const lines = all.map(
    ({ offset, at, kind, event, account: whose, author, reason }) =>
      `${at}  ${offset}  ${kind}  ${event === null ? '?' : `${event.source} ${event.seq ?? event.id}`}  ${whose}  ${author}: ${reason}\n`,
  )
  terminal.stdout.write(values.json === true ? jsonText(all) : lines.length === 0 ? 'no corrections\n' : lines.join(''))
  return exitCodes.ok
}

const subcommands: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  amend: (call) => correctOne(call, { kind: 'amend', change: changeOf(call.values) }),
  retract: (call) => correctOne(call, { kind: 'retract' }),
  reattribute: (call) => correctOne(call, { kind: 'reattribute', account: neededOption(call.values, 'account') }),
  endpoint,
  list,
}

/** Amend, retract, reattribute; each with its author and reason. */
export const correctCommand: Command = {
  name: 'correct',
  summary: 'amend, retract or reattribute accepted events, with author and reason',
  help: correctHelp,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [name = '', word, ...more] = positionals
    const names = Object.keys(subcommands)
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
    if (subcommand === undefined)
      throw new UsageError(`say what to do: ${names.join(', ')}.${name === '' ? '' : didYouMean(name, names)}`)
    if (more.length > 0 || (name === 'list') !== (word === undefined))
      throw new UsageError(
        name === 'list'
          ? '"correct list" takes no words'
          : `"correct ${name}" takes one ${name === 'endpoint' ? 'ENDPOINT' : 'SOURCE'}`,
      )
    return subcommand({ values, word: word ?? '', client: openClient(values, terminal), terminal })
  },
}
