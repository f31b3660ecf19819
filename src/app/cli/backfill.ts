import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { backfillHelp } from './backfill-help.ts'
import { loadFile } from './backfill-file.ts'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText, neededOption } from './command.ts'
import type { Command, Terminal } from './command.ts'

const options = {
  ...serviceOptions,
  from: { type: 'string' },
  to: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  state: { type: 'string' },
  restore: { type: 'boolean' },
  'no-wait': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values']

interface Call {
  readonly values: Values
  readonly words: readonly string[]
  readonly client: Client
  readonly terminal: Terminal
}

interface Found {
  readonly new: number
  readonly retracted: number
  readonly duplicates: number
  readonly conflicts: number
}

/** A job as the API shows it. */
interface Job {
  readonly id: string
  readonly source: string
  readonly from: string
  readonly to: string
  readonly state: string
  readonly author: string
  readonly reason: string
  readonly trouble: string | null
  readonly restore: boolean
  readonly found: Found | null
  readonly loads?: number
  readonly events?: number
  readonly added?: number
  readonly decisions?: readonly {
    readonly command: string
    readonly author: string
    readonly reason: string
    readonly at: string
  }[]
}

function decisionOf(values: Values): { author: string; reason: string } {
  return { author: neededOption(values, 'by'), reason: neededOption(values, 'reason') }
}

function print({ values, terminal }: Call, answer: unknown, text: string): number {
  terminal.stdout.write(values.json === true ? jsonText(answer) : text)
  return exitCodes.ok
}

function lineOf({ id, state, source, from, to, author, reason }: Job): string {
  return `${id}  ${state.padEnd(9)}  ${source}  ${from} to ${to}  ${author}: ${reason}\n`
}

function jobText(job: Job): string {
  const { found, restore, loads = 0, events = 0, added = 0, decisions = [], trouble } = job
  return [
    lineOf(job).trimEnd(),
    `  ${events} events in ${loads} loads; ${added} added to the log`,
    ...(found === null
      ? []
      : [
          `  found: ${found.new} new, ${found.retracted} retracted (${restore ? 'brought back' : 'left so'}), ` +
            `${found.duplicates} known, ${found.conflicts} contradicting`,
        ]),
    ...(trouble === null ? [] : [`  does not get on: ${trouble}`]),
    ...decisions.map(({ command, author, reason, at }) => `  ${at}  ${command}  ${author}: ${reason}`),
    '',
  ].join('\n')
}

async function jobOf({ client }: Call, id: string): Promise<Job> {
  return (await client.getJson(`/v1/backfills/${encodeURIComponent(id)}`)) as Job
}

async function open(call: Call): Promise<number> {
  const { values, words, client } = call
  const body = {
    source: words[0],
    from: neededOption(values, 'from'),
    to: neededOption(values, 'to'),
    restore: values.restore === true,
    ...decisionOf(values),
  }
  const job = (await client.postJson('/v1/backfills', body)) as Job
  return print(call, job, `${job.id} is open; load events with: crossfoot backfill load ${job.id} FILE\n`)
}

async function load(call: Call): Promise<number> {
  const [job = '', path = ''] = call.words
  const loaded = await loadFile(call.client, job, path)
  const shown = loaded.refused.slice(0, 10).map(({ line, code, message }) => `  line ${line}: ${message} (${code})\n`)
  const refused = loaded.refused.length === 0 ? '' : `, ${loaded.refused.length} refused:\n${shown.join('')}`
  print(call, loaded, `${loaded.staged} of ${loaded.received} events are loaded and not counted yet${refused || '\n'}`)
  return loaded.refused.length === 0 ? exitCodes.ok : exitCodes.failed
}

interface PreviewAnswer {
  readonly restore: boolean
  readonly events: Found
  readonly effects: readonly {
    readonly account: string
    readonly month: string
    readonly meter: string
    readonly unit: string
    readonly before: string
    readonly after: string
  }[]
  readonly invoices: readonly {
    readonly invoice: { readonly number: string; readonly account: string; readonly month: string }
    readonly currency: string
    readonly total: { readonly issued: string; readonly now: string; readonly difference: string }
  }[]
  readonly more_invoices: readonly string[]
}

function retractedText(retracted: number, restore: boolean): readonly string[] {
  if (retracted === 0) return []
  if (restore) return [`${retracted} events were retracted and are brought back`]
  return [`${retracted} events were retracted and stay so; a job that is opened with --restore brings them back`]
}

function previewText({ restore, events, effects, invoices, more_invoices: more }: PreviewAnswer): string {
  return [
    `${events.new} events are new, ${events.duplicates} are known, ${events.conflicts} contradict what is known`,
    ...retractedText(events.retracted, restore),
    ...effects.map(
      ({ account, month, meter, unit, before, after }) =>
        `  ${account}  ${month}  ${meter}: ${groupDigits(before)} → ${groupDigits(after)} ${unit}`,
    ),
    ...invoices.map(
      ({ invoice, currency, total }) =>
        `  ${invoice.number} (${invoice.account}, ${invoice.month}) stays at ${groupDigits(total.issued)} ${currency}; with this it would be ${groupDigits(total.now)} (${total.difference})`,
    ),
    ...(more.length === 0 ? [] : [`  and ${more.length} more issued invoices`]),
    '',
  ].join('\n')
}

async function preview(call: Call): Promise<number> {
  const answer = await call.client.getJson(`/v1/backfills/${encodeURIComponent(call.words[0] ?? '')}/preview`)
  return print(call, answer, previewText(answer as PreviewAnswer))
}

/** Decides, and waits until it is done unless told otherwise. */
async function decide(call: Call, command: 'close' | 'discard' | 'revert'): Promise<number> {
  const { values, words, client, terminal } = call
  const [id = ''] = words
  const decided = await client.postJson(`/v1/backfills/${encodeURIComponent(id)}/${command}`, decisionOf(values))
  if (values['no-wait'] === true) return print(call, decided, lineOf(decided as Job))
  for (let told: string | null = null; ; await pause(250)) {
    const job = await jobOf(call, id)
    if (job.state !== 'closing' && job.state !== 'reverting') return print(call, job, jobText(job))
    if (job.trouble !== null && job.trouble !== told) terminal.stderr.write(`it does not get on: ${job.trouble}\n`)
    told = job.trouble
  }
}

async function show(call: Call): Promise<number> {
  const job = await jobOf(call, call.words[0] ?? '')
  return print(call, job, jobText(job))
}

async function list(call: Call): Promise<number> {
  const jobs: Job[] = []
  for (let before: string | null = ''; before !== null;) {
    const query = new URLSearchParams({
      limit: '1000',
      ...(call.values.state === undefined ? {} : { state: call.values.state }),
      ...(before === '' ? {} : { before }),
    })
    const page = (await call.client.getJson(`/v1/backfills?${query.toString()}`)) as {
      backfills: Job[]
      next: string | null
    }
    jobs.push(...page.backfills)
    before = page.next
  }
  return print(call, { backfills: jobs }, jobs.length === 0 ? 'no backfill jobs\n' : jobs.map(lineOf).join(''))
}

interface Subcommand {
  readonly words: readonly string[]
  readonly run: (call: Call) => Promise<number>
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  open: { words: ['SOURCE'], run: open },
  load: { words: ['JOB', 'FILE'], run: load },
  preview: { words: ['JOB'], run: preview },
  close: { words: ['JOB'], run: (call) => decide(call, 'close') },
  discard: { words: ['JOB'], run: (call) => decide(call, 'discard') },
  revert: { words: ['JOB'], run: (call) => decide(call, 'revert') },
  show: { words: ['JOB'], run: show },
  list: { words: [], run: list },
}

/** Backfill jobs: load, look, then let it count or not. */
export const backfillCommand: Command = {
  name: 'backfill',
  summary: 'bring old events, and see what they would change before they count',
  help: backfillHelp,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [name = '', ...words] = positionals
    const names = Object.keys(subcommands)
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
    if (subcommand === undefined)
      throw new UsageError(`say what to do: ${names.join(', ')}.${name === '' ? '' : didYouMean(name, names)}`)
    if (words.length !== subcommand.words.length)
      throw new UsageError(`"backfill ${name}" takes ${subcommand.words.join(' and ') || 'no words'}`)
    return subcommand.run({ values, words, client: openClient(values, terminal), terminal })
  },
}
