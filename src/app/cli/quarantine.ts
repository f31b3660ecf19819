import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { heldText, readJsonArgument, resultText } from './quarantine-text.ts'
import type { Held, Outcome } from './quarantine-text.ts'
import { quarantineHelp } from './quarantine-help.ts'

const options = {
  ...serviceOptions,
  source: { type: 'string' },
  code: { type: 'string' },
  text: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  state: { type: 'string' },
  limit: { type: 'string' },
  all: { type: 'boolean' },
  by: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
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
  readonly words: readonly string[]
}

const conditionNames = ['source', 'code', 'text', 'from', 'to'] as const

function conditionsOf(values: Values): Record<string, string> {
  return Object.fromEntries(
    conditionNames.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  )
}

function print({ terminal, values }: Call, answer: unknown, text: () => string): void {
  terminal.stdout.write(values.json === true ? jsonText(answer) : text())
}

function readNumber(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new UsageError('the number of a held input is needed')
  return Number(text)
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return 50
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000) throw new UsageError('--limit is a number from 1')
  return limit
}

async function list(call: Call): Promise<number> {
  const { client, values } = call
  const most = readLimit(values.limit)
  const state = values.state ?? 'open'
  const rows: Held[] = []
  let answer: { rows: Held[]; next: number | null; open: number; total: number }
  let before: number | null = null
  do {
    const query = new URLSearchParams({
      ...conditionsOf(values),
      ...(state === 'all' ? {} : { state }),
      limit: String(Math.min(1_000, most - rows.length)),
      ...(before === null ? {} : { before: String(before) }),
    })
    answer = (await client.getJson(`/v1/quarantine?${query.toString()}`)) as typeof answer
    rows.push(...answer.rows)
    before = answer.next
  } while (before !== null && rows.length < most)
  const { open, total } = answer
  print(call, { total, open, rows, next: before }, () => {
    const rest = before === null ? '' : ' There are more: --limit.'
    const counts = `${groupDigits(String(open))} open of ${groupDigits(String(total))} ever held.${rest}\n`
    return rows.map((row) => heldText(row, 'short')).join('') + counts
  })
  return exitCodes.ok
}

async function show(call: Call): Promise<number> {
  const held = (await call.client.getJson(`/v1/quarantine/${readNumber(call.words[0])}`)) as Held
  print(call, held, () => heldText(held, 'whole'))
  return exitCodes.ok
}

/** Who decides, and why: never guessed, never empty. */
function decisionOf({ by, reason, ...values }: Values): { by: string; reason: string; dry_run: boolean } {
  if (by === undefined || by.trim() === '') throw new UsageError('--by is needed: the name of who decides this')
  if (reason === undefined || reason.trim() === '') throw new UsageError('--reason is needed')
  return { by, reason, dry_run: values['dry-run'] === true }
}

function choiceOf({ values, words }: Call): object {
  const filter = conditionsOf(values)
  const isFiltered = Object.keys(filter).length > 0 || values.all === true
  if (words.length > 0 === isFiltered)
    throw new UsageError('name the numbers of held inputs, or conditions, or --all, and not both')
  return isFiltered ? { filter } : { numbers: words.map(readNumber) }
}

/** Asks again and again until nothing is left that matches. */
async function* eachAnswer<T extends { readonly next: number | null }>(call: Call, path: string): AsyncGenerator<T> {
  const body = { ...choiceOf(call), ...decisionOf(call.values) }
  let before: number | null = null
  do {
    const answer = (await call.client.postJson(path, { ...body, before })) as T
    yield answer
    before = answer.next
  } while (before !== null)
}

async function release(call: Call): Promise<number> {
  const results: Outcome[] = []
  for await (const answer of eachAnswer<{ results: Outcome[]; next: number | null }>(call, '/v1/quarantine/release')) {
    results.push(...answer.results)
    if (call.values.json !== true) for (const result of answer.results) call.terminal.stdout.write(resultText(result))
  }
  const count = (...statuses: string[]): number => results.filter(({ status }) => statuses.includes(status)).length
  const released = count('released', 'would_be_released')
  const counted = count('duplicate')
  const stays = results.length - released - counted
  print(call, { matched: results.length, released, duplicates: counted, not_released: stays, results }, () => {
    const verb = call.values['dry-run'] === true ? 'would be released' : 'released'
    return `${released} ${verb}, ${counted} counted before, ${stays} not released\n`
  })
  return stays === 0 ? exitCodes.ok : exitCodes.failed
}

async function writeOff(call: Call): Promise<number> {
  if (call.values.all === true) throw new UsageError('a write-off needs numbers or conditions; there is no --all')
  const numbers: number[] = []
  let written = 0
  type Answer = { numbers: number[]; written_off: number; next: number | null }
  for await (const answer of eachAnswer<Answer>(call, '/v1/quarantine/write-off')) {
    numbers.push(...answer.numbers)
    written += answer.written_off
  }
  print(call, { written_off: written, numbers }, () => {
    const verb = call.values['dry-run'] === true ? 'would be written off' : 'written off'
    return `${written} ${verb}${numbers.length === 0 ? '' : `: ${numbers.join(', ')}`}\n`
  })
  return exitCodes.ok
}

async function repair(call: Call): Promise<number> {
  const [number, event, ...more] = call.words
  if (event === undefined || more.length > 0) throw new UsageError('a number and an event (JSON or @FILE) are needed')
  const path = `/v1/quarantine/${readNumber(number)}/repair`
  const body = { event: readJsonArgument(event), ...decisionOf(call.values) }
  const result = (await call.client.postJson(path, body)) as Outcome
  print(call, result, () => resultText(result))
  return ['released', 'duplicate', 'would_be_released'].includes(result.status) ? exitCodes.ok : exitCodes.failed
}

const actions = { list, show, release, repair, 'write-off': writeOff } as const

/** Held inputs on the terminal: looked at, released, repaired, written off. */
export const quarantineCommand: Command = {
  name: 'quarantine',
  summary: 'what could not be counted: list, release, repair, write off',
  help: quarantineHelp,
  async run(argv, terminal) {
    const { values, positionals } = parse(argv)
    const [word = '', ...words] = positionals
    if (!Object.hasOwn(actions, word)) throw new UsageError(`say what to do: ${Object.keys(actions).join(', ')}`)
    return actions[word as keyof typeof actions]({ client: openClient(values, terminal), terminal, values, words })
  },
}
