import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { Readable } from 'node:stream'
import { bodyOf } from '../../collect/service.ts'
import type { Reply, Service } from '../../collect/service.ts'
import { sourceForms } from '../../ip/read-source.ts'
import type { IpAnswer } from '../../ip/answer.ts'
import { findService, openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command, Terminal } from './command.ts'

const help = `Usage: crossfoot ip ADDRESS… [--as-of TIME] [--seen] [--json]
       crossfoot ip list [--json]
       crossfoot ip add NAME FILE [--as FORM] [--category NAME] [--version TEXT]
       crossfoot ip remove NAME

What is known of addresses: network, autonomous system, country, provider, categories, flags. And the sources that say so.

  --as-of TIME     by the version that was in force then (RFC 3339)
  --seen           also when they were first and last in the traffic of the key's account
  --json           the API's answer as it is
  --as FORM        ${sourceForms.join(', ')}; default: as the file looks.
                   mmdb: a MaxMind database. located, registered: a database with a bare country_code.
                   networks: one network a line. csv: network,category,region. asns: a number first on each line.
                   aws: Amazon's ip-ranges.json.
  --category NAME  what a list is about, such as com.example.proxy
  --version TEXT   of the list, where it does not say so itself (default: now)
${serviceHelp}

A file that is broken is refused, and what was in force stays. A source of yours precedes what comes with Crossfoot.
`

interface Values {
  readonly url?: string | undefined
  readonly key?: string | undefined
  readonly 'as-of'?: string | undefined
  readonly seen?: boolean | undefined
  readonly json?: boolean | undefined
  readonly as?: string | undefined
  readonly category?: string | undefined
  readonly version?: string | undefined
}

type SeenAnswer = IpAnswer & { readonly first_seen?: string | null; readonly last_seen?: string | null }
type Answer = SeenAnswer | { readonly address: string; readonly error: { readonly message: string } }

function print(terminal: Terminal, value: unknown): void {
  terminal.stdout.write(jsonText(value))
}

const orUnknown = (text: string | null | undefined): string => text ?? 'not known'

function countryText({ country: { located, registered } }: IpAnswer): string {
  if (located === null && registered === null) return 'not known'
  return `located ${orUnknown(located)}, registered ${orUnknown(registered)}`
}

function textOf(answer: Answer): string {
  if ('error' in answer) return `${answer.address}\n  ${answer.error.message}\n`
  const { asn, provider, flags, confidence } = answer
  const categories = answer.categories.filter(({ implied }) => !implied)
  const set = Object.entries(flags).flatMap(([flag, value]) => (value === true ? [flag] : []))
  const region = provider?.region === null || provider === null ? '' : `, ${provider.region}`
  const lines = [
    ['network', orUnknown(answer.network)],
    ['asn', asn === null ? 'not known' : `AS${asn.number} ${asn.organisation ?? ''}`.trim()],
    ['country', countryText(answer)],
    ['provider', provider === null ? 'not known' : `${provider.name}${region}${provider.hosting ? ', hosting' : ''}`],
    ...categories.map(({ name, list, list_version }) => ['category', `${name} (${list} ${list_version})`]),
    ['flags', set.length === 0 ? 'none known' : set.join(', ')],
    ...(confidence === null ? [] : [['confidence', `${confidence.value} (${confidence.list})`]]),
    ...(answer.list_last_seen === null ? [] : [['listed', `last seen ${answer.list_last_seen}`]]),
    ...(answer.first_seen === undefined
      ? []
      : [
          [
            'seen',
            answer.first_seen === null
              ? 'in no record that is kept'
              : `${answer.first_seen} to ${answer.last_seen ?? ''}`,
          ],
        ]),
    ['version', orUnknown(answer.version)],
  ]
  return `${answer.address}\n${lines.map(([name = '', text]) => `  ${name.padEnd(11)}${text}\n`).join('')}`
}

async function ask(addresses: readonly string[], values: Values, terminal: Terminal): Promise<number> {
  const client = openClient(values, terminal)
  const asOf = values['as-of']
  const answers: Answer[] = []
  if (values.seen === true) {
    const query = new URLSearchParams({ seen: 'true', ...(asOf === undefined ? {} : { as_of: asOf }) })
    for (const address of addresses)
      answers.push((await client.getJson(`/v1/ip/${encodeURIComponent(address)}?${query.toString()}`)) as Answer)
  } else {
    const body = { addresses, ...(asOf === undefined ? {} : { as_of: asOf }) }
    answers.push(...((await client.postJson('/v1/ip', body)) as { results: readonly Answer[] }).results)
  }
  if (values.json === true) print(terminal, answers)
  else terminal.stdout.write(answers.map(textOf).join('\n'))
  return answers.some((answer) => 'error' in answer) ? exitCodes.failed : exitCodes.ok
}

interface SourceRow {
  readonly name: string
  readonly version: string
  readonly origin: string
  readonly networks: number
  readonly says: readonly string[]
}

async function listSources(values: Values, terminal: Terminal): Promise<number> {
  const answer = (await openClient(values, terminal).getJson('/v1/ip/sources')) as {
    readonly version: string | null
    readonly in_force_from: string | null
    readonly sources: readonly SourceRow[]
  }
  if (values.json === true) {
    print(terminal, answer)
    return exitCodes.ok
  }
  const width = Math.max(6, ...answer.sources.map(({ name }) => name.length))
  const rows = answer.sources.map(
    ({ name, version, origin, networks, says }) =>
      `  ${name.padEnd(width)}  ${version.padEnd(24)}  ${origin.padEnd(8)}  ${String(networks).padStart(8)}  ${says.join(', ')}`,
  )
  const since = answer.version === null ? 'no version yet' : `${answer.version}, in force from ${answer.in_force_from}`
  terminal.stdout.write(`${[since, ...rows].join('\n')}\n`)
  return exitCodes.ok
}

/** A file is sent as a stream, and reading it there takes as long as it takes. */
async function sendFile(service: Service, path: string, file: string): Promise<Reply> {
  const { size } = await stat(file)
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    ...(service.key === undefined ? {} : { authorization: `Bearer ${service.key}` }),
  }
  try {
    const body = Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>
    const answer = await fetch(service.url + path, { method: 'PUT', headers, body, duplex: 'half', redirect: 'manual' })
    const text = await answer.text()
    return { kind: 'answer', status: answer.status, body: parsed(text), retryAfterMs: undefined }
  } catch (error) {
    const { code = '', message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
    return { kind: 'no-answer', refused: code === 'ECONNREFUSED', reason: message }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function addSource(
  [name, file, ...more]: readonly string[],
  values: Values,
  terminal: Terminal,
): Promise<number> {
  if (name === undefined || file === undefined || more.length > 0) throw new UsageError('a name and a file are needed')
  const service = findService(values, terminal)
  const query = new URLSearchParams()
  for (const field of ['as', 'category', 'version'] as const) {
    const value = values[field]
    if (value !== undefined) query.set(field, value)
  }
  const path = `/v1/ip/sources/${encodeURIComponent(name)}?${query.toString()}`
  const body = bodyOf(service, await sendFile(service, path, file)) as {
    readonly version: string
    readonly changed: boolean
  }
  if (values.json === true) print(terminal, body)
  else terminal.stdout.write(body.changed ? `in force as ${body.version}\n` : `${body.version} has it already\n`)
  return exitCodes.ok
}

async function removeSource([name, ...more]: readonly string[], values: Values, terminal: Terminal): Promise<number> {
  if (name === undefined || more.length > 0) throw new UsageError('the name of one source is needed')
  const path = `/v1/ip/sources/${encodeURIComponent(name)}`
  const body = (await openClient(values, terminal).call('DELETE', path)) as { readonly version: string }
  if (values.json === true) print(terminal, body)
  else terminal.stdout.write(`without it since ${body.version}\n`)
  return exitCodes.ok
}

/** What is known of addresses, and the sources that say so. */
export const ipCommand: Command = {
  name: 'ip',
  summary: 'what is known of an address; the databases and lists that say so',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: {
        ...serviceOptions,
        'as-of': { type: 'string' },
        seen: { type: 'boolean' },
        json: { type: 'boolean' },
        as: { type: 'string' },
        category: { type: 'string' },
        version: { type: 'string' },
      },
      allowPositionals: true,
    })
    const [word, ...rest] = positionals
    switch (word) {
      case undefined:
        throw new UsageError('an address, or list, add or remove is needed')
      case 'list':
        return listSources(values, terminal)
      case 'add':
        return addSource(rest, values, terminal)
      case 'remove':
        return removeSource(rest, values, terminal)
      default:
        return ask(positionals, values, terminal)
    }
  },
}
