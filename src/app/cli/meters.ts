import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Refusal } from '../../core/errors.ts'
import { parseMeter } from '../../meter/definition.ts'
import { openClient, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, didYouMean, exitCodes, jsonText } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { metersHelp } from './meters-help.ts'
import { entryText, libraryText, listText, previewText, versionText } from './meters-text.ts'
import type { LibraryAnswer, MeterAnswer, PreviewAnswer, VersionAnswer } from './meters-text.ts'

const options = {
  ...serviceOptions,
  from: { type: 'string' },
  to: { type: 'string' },
  account: { type: 'string' },
  window: { type: 'string' },
  timezone: { type: 'string' },
  'group-by': { type: 'string' },
  all: { type: 'boolean' },
  draft: { type: 'boolean' },
  by: { type: 'string' },
  reason: { type: 'string' },
  sha256: { type: 'string' },
  json: { type: 'boolean' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options, allowPositionals: true })
}

interface Call {
  readonly client: Client
  readonly terminal: Terminal
  readonly values: ReturnType<typeof parse>['values']
  readonly words: readonly string[]
}

function print({ terminal, values }: Call, answer: unknown, text: () => string): number {
  terminal.stdout.write(values.json === true ? jsonText(answer) : text())
  return exitCodes.ok
}

function word({ words }: Call, index: number, about: string): string {
  const found = words[index]
  if (found === undefined || found === '') throw new UsageError(`${about} is needed`)
  return found
}

function versionOf(call: Call, index: number): number {
  const text = word(call, index, 'the number of a version')
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`"${text}" is not the number of a version`)
  return Number(text)
}

const path = (key: string, rest = ''): string => `/v1/meters/${encodeURIComponent(key)}${rest}`

const isFile = (text: string): boolean => /\.(json|ts|mts|js|mjs)$/.test(text)

/** The definitions of a file. Each is checked before the first is sent, so that a file is added as a whole or not at all. */
async function readDefinitions(file: string): Promise<readonly unknown[]> {
  const content: unknown = file.endsWith('.json')
    ? parseJson(file)
    : ((await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }).default
  if (content === undefined) throw new UsageError(`${file} has no default export: one definition, or a list of them`)
  const definitions: readonly unknown[] = Array.isArray(content) ? content : [content]
  const problems = definitions.flatMap((definition, index) => {
    const parsed = parseMeter(definition, 0)
    const place = definitions.length === 1 ? '' : `${index}.`
    return parsed.ok ? [] : parsed.error.map(({ field, message }) => `\n  ${place}${field ?? ''}: ${message}`)
  })
  if (problems.length > 0)
    throw new Refusal(
      'REQUEST_INVALID',
      `${file} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:${problems.join('')}`,
    )
  return definitions
}

function parseJson(file: string): unknown {
  const text = readFileSync(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function list(call: Call): Promise<number> {
  const query = call.values.all === true ? '?archived=true' : ''
  const answer = (await call.client.getJson(`/v1/meters${query}`)) as { readonly meters: readonly MeterAnswer[] }
  return print(call, answer, () => listText(answer.meters))
}

async function show(call: Call): Promise<number> {
  const key = word(call, 0, 'the key of a meter')
  const answer = (await call.client.getJson(path(key, '/versions'))) as { readonly versions: readonly VersionAnswer[] }
  return print(call, answer, () => {
    const shown = answer.versions.find(({ current }) => current) ?? answer.versions.at(-1)
    if (shown === undefined) return ''
    const { name, unit, aggregation, filter, group_by, definition_sha256: sha256 } = shown
    const definition = JSON.stringify({ key, name, unit, aggregation, filter, group_by }, null, 2)
    return `${answer.versions.map(versionText).join('')}${definition}\ndefinition_sha256 ${sha256}\n`
  })
}

async function previewed(call: Call): Promise<object> {
  const what = word(call, 0, 'a file with a definition, or the key of a meter')
  if (!isFile(what)) return { key: what, ...(call.words[1] === undefined ? {} : { version: versionOf(call, 1) }) }
  const definitions = await readDefinitions(what)
  if (definitions.length !== 1) throw new UsageError(`${what} has ${definitions.length} definitions; preview takes one`)
  return { definition: definitions[0] }
}

async function preview(call: Call): Promise<number> {
  const { from, to, account, window, timezone, 'group-by': groupBy } = call.values
  if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed')
  const body = {
    ...(await previewed(call)),
    from,
    to,
    ...(account === undefined ? {} : { account }),
    ...(window === undefined ? {} : { window }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(groupBy === undefined ? {} : { group_by: groupBy.split(',').map((name) => name.trim()) }),
  }
  const answer = (await call.client.postJson('/v1/meters/preview', body)) as PreviewAnswer
  return print(call, answer, () => previewText(answer))
}

async function add(call: Call): Promise<number> {
  const definitions = await readDefinitions(word(call, 0, 'a file with a definition'))
  const added: VersionAnswer[] = []
  for (const definition of definitions) {
    const body = { ...(definition as object), draft: call.values.draft === true }
    added.push((await call.client.postJson('/v1/meters', body)) as VersionAnswer)
  }
  return print(call, added.length === 1 ? added[0] : added, () => added.map(versionText).join(''))
}

async function activate(call: Call): Promise<number> {
  const key = word(call, 0, 'the key of a meter')
  const { by, sha256 } = call.values
  const body = {
    ...(by === undefined ? {} : { author: by }),
    ...(sha256 === undefined ? {} : { definition_sha256: sha256 }),
  }
  const answer = await call.client.postJson(path(key, `/versions/${versionOf(call, 1)}/activate`), body)
  return print(call, answer, () => versionText(answer as VersionAnswer))
}

async function remove(call: Call): Promise<number> {
  const key = word(call, 0, 'the key of a meter')
  const answer = (await call.client.call('DELETE', path(key, `/versions/${versionOf(call, 1)}`))) as VersionAnswer
  return print(call, answer, () => `${key} version ${answer.version} is removed\n`)
}

async function addFromLibrary(call: Call): Promise<number> {
  const key = word(call, 1, 'the key of a meter of the library')
  const answer = (await call.client.postJson(`/v1/meters/library/${encodeURIComponent(key)}`, {
    draft: call.values.draft === true,
  })) as VersionAnswer
  return print(call, answer, () => versionText(answer))
}

async function showLibrary(call: Call): Promise<number> {
  const [first] = call.words
  if (first === 'add') return addFromLibrary(call)
  const answer = (await call.client.getJson('/v1/meters/library')) as { readonly meters: readonly LibraryAnswer[] }
  if (first === undefined) return print(call, answer, () => libraryText(answer.meters))
  const entry = answer.meters.find(({ key }) => key === first)
  if (entry === undefined) {
    const guess = didYouMean(
      first,
      answer.meters.map(({ key }) => key),
    )
    throw new Refusal('METER_NOT_FOUND', `the library has no meter ${first}.${guess}`)
  }
  return print(call, entry, () => entryText(entry))
}

function listing(action: 'archive' | 'restore'): (call: Call) => Promise<number> {
  return async (call) => {
    const key = word(call, 0, 'the key of a meter')
    const { by, reason } = call.values
    if (reason === undefined || reason.trim() === '') throw new UsageError('--reason is needed')
    const body = { reason, ...(by === undefined ? {} : { author: by }) }
    const answer = await call.client.postJson(path(key, `/${action}`), body)
    return print(call, answer, () => `${key} is ${action === 'archive' ? 'archived' : 'in the lists'}\n`)
  }
}

const actions = {
  list,
  show,
  preview,
  add,
  activate,
  delete: remove,
  library: showLibrary,
  archive: listing('archive'),
  restore: listing('restore'),
} as const

/** Definitions of meters on the terminal: looked at, tried on past data, added, activated. */
export const metersCommand: Command = {
  name: 'meters',
  summary: 'what is counted: definitions, previews, drafts, the library',
  help: metersHelp,
  async run(argv, terminal) {
    const { values, positionals } = parse(argv)
    const [action = '', ...words] = positionals
    const names = Object.keys(actions)
    if (!Object.hasOwn(actions, action))
      throw new UsageError(`say what to do: ${names.join(', ')}.${action === '' ? '' : didYouMean(action, names)}`)
    return actions[action as keyof typeof actions]({ client: openClient(values, terminal), terminal, values, words })
  },
}
