import { parseArgs } from 'node:util'
import { openClient, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'
import { fetchFile } from './usage-file.ts'
import { usageHelp } from './usage-help.ts'
import { usageText } from './usage-text.ts'
import type { UsageAnswer } from './usage-text.ts'

const options = {
  ...serviceOptions,
  from: { type: 'string' },
  to: { type: 'string' },
  period: { type: 'string' },
  'billing-period': { type: 'string' },
  timezone: { type: 'string' },
  window: { type: 'string' },
  'group-by': { type: 'string' },
  top: { type: 'string' },
  filter: { type: 'string', multiple: true },
  compare: { type: 'boolean' },
  forecast: { type: 'boolean' },
  'as-of': { type: 'string' },
  sum: { type: 'boolean' },
  below: { type: 'string' },
  'meter-version': { type: 'string' },
  meters: { type: 'string' },
  all: { type: 'boolean' },
  format: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], allowPositionals: true, options })
}
type Values = ReturnType<typeof parse>['values']

/** Options that are parameters of the API under the same name, with the underscore that it has there. */
const passed = [
  'from',
  'to',
  'period',
  'billing-period',
  'timezone',
  'window',
  'group-by',
  'top',
  'as-of',
  'below',
  'meter-version',
  'meters',
] as const

function queryOf(values: Values): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of passed) {
    const value = values[name]
    if (value !== undefined) query.set(name.replaceAll('-', '_'), value)
  }
  for (const filter of values.filter ?? []) {
    const at = filter.indexOf('=')
    if (at < 1) throw new UsageError(`--filter ${filter}: is written as NAME=VALUE, such as endpoint=api.example.com`)
    query.append(`filter[${filter.slice(0, at)}]`, filter.slice(at + 1))
  }
  if (values.compare === true) query.set('compare', 'previous')
  if (values.forecast === true) query.set('forecast', 'true')
  if (values.sum === true) query.set('sum', 'true')
  return query
}

const fileFormats = ['csv', 'ndjson', 'parquet']

function formatOf({ format, json, output, all }: Values): string {
  const named = format ?? (json === true ? 'json' : all === true ? 'csv' : 'text')
  if (!['text', 'json', ...fileFormats].includes(named))
    throw new UsageError(`--format ${named}: is one of json, ${fileFormats.join(', ')}`)
  if (!fileFormats.includes(named) && (output !== undefined || all === true))
    throw new UsageError(`a file is one of ${fileFormats.join(', ')}: say --format`)
  if (named === 'parquet' && output === undefined)
    throw new UsageError('parquet is not for a terminal: say --output FILE')
  return named
}

function pathOf({ values, positionals }: ReturnType<typeof parse>): { path: string; query: URLSearchParams } {
  const query = queryOf(values)
  const hasTime = ['from', 'period', 'billing-period'].some((name) => values[name as 'from'] !== undefined)
  if (values.all === true) {
    if (positionals.length > 0) throw new UsageError('--all is of all accounts; --meters names the meters')
    if (!hasTime) throw new UsageError('a time is needed: --period 2026-10, or --from and --to')
    return { path: '/v1/usage/export', query }
  }
  const [account, meter, ...more] = positionals
  if (account === undefined || meter === undefined || more.length > 0)
    throw new UsageError('an account and a meter are needed, or --all')
  if (values.meters !== undefined) throw new UsageError('--meters is for --all')
  if (!hasTime) throw new UsageError('a time is needed: --period 2026-10, or --from and --to')
  query.set('account', account)
  query.set('meter', meter)
  return { path: '/v1/usage', query }
}

/** Usage on the terminal, and as files. */
export const usageCommand: Command = {
  name: 'usage',
  summary: 'usage of an account and meter, by window and group; files of usage',
  help: usageHelp,
  async run(argv, terminal) {
    const parsed = parse(argv)
    const { values } = parsed
    const format = formatOf(values)
    const { path, query } = pathOf(parsed)
    const client = openClient(values, terminal)
    if (fileFormats.includes(format)) {
      query.set('format', format)
      await fetchFile(client.service, `${path}?${query.toString()}`, { output: values.output, terminal })
      return exitCodes.ok
    }
    const answer = (await client.getJson(`${path}?${query.toString()}`)) as UsageAnswer
    terminal.stdout.write(format === 'json' ? jsonText(answer) : usageText(answer))
    return exitCodes.ok
  },
}
