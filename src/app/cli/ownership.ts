import { parseArgs } from 'node:util'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText, neededOption } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { ownershipHelp } from './ownership-help.ts'
import { changeText, decisionText, ownersText, trafficText, unattributedText } from './ownership-text.ts'
import type { ChangeAnswer, OwnersAnswer, UnattributedAnswer } from './ownership-text.ts'

const options = {
  ...serviceOptions,
  account: { type: 'string', multiple: true },
  endpoint: { type: 'string', multiple: true },
  into: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  at: { type: 'string' },
  top: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  'for-good': { type: 'boolean' },
  create: { type: 'boolean' },
  reattribute: { type: 'boolean' },
  'no-reattribute': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values']

interface Call {
  readonly values: Values
  /** The word that the subcommand is about; empty where it takes none. */
  readonly word: string
  readonly client: Client
  readonly terminal: Terminal
}

function print({ values, terminal }: Call, answer: unknown, text: () => string): number {
  terminal.stdout.write(values.json === true ? jsonText(answer) : text())
  return exitCodes.ok
}

/** Makes a change, and again while traffic is left that it moves. */
async function change(call: Call, path: string, body: object): Promise<number> {
  const { values, client, terminal } = call
  const decided = { ...body, author: neededOption(values, 'by'), reason: neededOption(values, 'reason') }
  const first = (await client.postJson(`${path}${values['dry-run'] === true ? '?dry_run=true' : ''}`, decided)) as
    | ChangeAnswer
    | undefined
  if (first === undefined) throw new Error('the service gave no answer')
  let moved = first.moved
  let last = first
  while (last.status === 'going on') {
    if (last.moved === 0) throw new Error(`${last.left} events could not be moved; try again`)
    terminal.stderr.write(`${moved} events moved, ${last.left} left\n`)
    last = (await client.postJson(path, decided)) as ChangeAnswer
    moved += last.moved
  }
  const whole = { ...first, status: last.status, moved, left: last.left }
  return print(call, whole, () => changeText(whole))
}

function endpointPath({ word }: Call): string {
  return `/v1/endpoints/${encodeURIComponent(word)}`
}

function set(call: Call): Promise<number> {
  const { values } = call
  const [account, ...more] = values.account ?? []
  if (account === undefined || more.length > 0) throw new UsageError('--account KEY is missing, or there twice')
  const until = values['for-good'] === true ? { to: null } : values.to === undefined ? {} : { to: values.to }
  const reattribute = values.reattribute === true
  return change(call, `${endpointPath(call)}/owners`, {
    account,
    from: neededOption(values, 'from'),
    ...until,
    reattribute,
  })
}

function release(call: Call): Promise<number> {
  const { values } = call
  return change(call, `${endpointPath(call)}/release`, {
    at: neededOption(values, 'at'),
    reattribute: values.reattribute === true,
  })
}

function union(call: Call, verb: 'merge' | 'split', more: object): Promise<number> {
  const { values, word } = call
  return change(call, `/v1/accounts/${encodeURIComponent(word)}/${verb}`, {
    into: neededOption(values, 'into'),
    at: neededOption(values, 'at'),
    reattribute: values['no-reattribute'] !== true,
    ...more,
  })
}

function split(call: Call): Promise<number> {
  const { endpoint: endpoints, create } = call.values
  if (endpoints === undefined) throw new UsageError('--endpoint NAME is missing: what is split off')
  return union(call, 'split', { endpoints, ...(create === true ? { create: {} } : {}) })
}

function queryOf(entries: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given).toString()
}

async function unattributed(call: Call): Promise<number> {
  const { values, client } = call
  const query = queryOf({ from: neededOption(values, 'from'), to: neededOption(values, 'to'), top: values.top })
  const answer = (await client.getJson(`/v1/unattributed?${query}`)) as UnattributedAnswer
  return print(call, answer, () => unattributedText(answer))
}

async function check(call: Call): Promise<number> {
  const { values, client } = call
  const query = queryOf({
    from: neededOption(values, 'from'),
    to: neededOption(values, 'to'),
    endpoints: values.endpoint?.join(','),
    accounts: values.account?.join(','),
  })
  const found = (await client.getJson(`/v1/ownership/contradictions?${query}`)) as ChangeAnswer['traffic']
  print(call, found, () =>
    found.events === '0'
      ? 'no stored traffic contradicts ownership\n'
      : `events that belong to another account: ${found.events}\n${trafficText(found)}`,
  )
  return found.events === '0' ? exitCodes.ok : exitCodes.failed
}

function reattribute(call: Call): Promise<number> {
  const { values } = call
  const body = { from: neededOption(values, 'from'), to: neededOption(values, 'to') }
  const { endpoint: endpoints = [], account: accounts = [] } = values
  return change(call, '/v1/ownership/reattribute', { ...body, endpoints, accounts })
}

interface HistoryPage {
  readonly decisions: readonly Parameters<typeof decisionText>[0][]
  readonly next: string | null
}

async function history(call: Call): Promise<number> {
  const { values, client } = call
  const all: HistoryPage['decisions'][number][] = []
  for (let before: string | undefined, more = true; more;) {
    const asked = { account: values.account?.[0], endpoint: values.endpoint?.[0], limit: '1000', before }
    const page = (await client.getJson(`/v1/ownership/history?${queryOf(asked)}`)) as HistoryPage
    all.push(...page.decisions)
    before = page.next ?? undefined
    more = page.next !== null
  }
  return print(call, all, () =>
    all.length === 0 ? 'no decisions\n' : all.map((made) => `${decisionText(made)}\n`).join(''),
  )
}

async function show(call: Call): Promise<number> {
  const answer = (await call.client.getJson(`${endpointPath(call)}/owners`)) as OwnersAnswer
  return print(call, answer, () => ownersText(answer))
}

interface Subcommand {
  readonly run: (call: Call) => Promise<number>
  /** What its one word is; null: it takes none. */
  readonly word: string | null
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  show: {
    word: 'ENDPOINT',
    run: show,
  },
  set: { word: 'ENDPOINT', run: async (call) => set(call) },
  release: { word: 'ENDPOINT', run: async (call) => release(call) },
  merge: { word: 'KEY', run: async (call) => union(call, 'merge', {}) },
  split: { word: 'KEY', run: async (call) => split(call) },
  unattributed: { word: null, run: unattributed },
  check: { word: null, run: check },
  reattribute: { word: null, run: async (call) => reattribute(call) },
  history: { word: null, run: history },
}

/** Who owns which endpoint when; merges and splits of accounts; traffic that nobody owns. */
export const ownershipCommand: Command = {
  name: 'ownership',
  summary: 'who owns which endpoint when; merge and split accounts; traffic that nobody owns',
  help: ownershipHelp,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [name = '', word, ...more] = positionals
    const names = Object.keys(subcommands)
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
    if (subcommand === undefined)
      throw new UsageError(`say what to do: ${names.join(', ')}.${name === '' ? '' : didYouMean(name, names)}`)
    if (more.length > 0 || (subcommand.word === null) !== (word === undefined))
      throw new UsageError(
        `"ownership ${name}" takes ${subcommand.word === null ? 'no words' : `one ${subcommand.word}`}`,
      )
    return subcommand.run({ values, word: word ?? '', client: openClient(values, terminal), terminal })
  },
}
