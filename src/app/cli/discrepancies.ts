import { parseArgs } from 'node:util'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot discrepancies [--all] [--json]
       crossfoot discrepancies resolve NUMBER --author NAME --reason TEXT

Where two counts of one thing differ: a sealed hour whose recount gave something else. Exit code 1 while one is open.

  --all     also what was resolved
  --json    the API's answer as it is
${serviceHelp}
`

interface Row {
  readonly id: string
  readonly message: string
  readonly expected: string
  readonly found: string
  readonly found_at: string
  readonly last_found_at: string
  readonly resolved: { readonly at: string; readonly by: string; readonly reason: string } | null
}

function textOf(rows: readonly Row[]): string {
  if (rows.length === 0) return 'no discrepancy is open\n'
  return rows
    .map(({ id, message, expected, found, found_at: since, last_found_at: last, resolved }) => {
      const state = resolved === null ? 'OPEN' : `resolved ${resolved.at} by ${resolved.by}: ${resolved.reason}`
      return `${id}  ${message}\n    expected ${expected}, found ${found}; since ${since}, last ${last}; ${state}\n`
    })
    .join('')
}

/** What the standing audit has found, on the terminal. */
export const discrepanciesCommand: Command = {
  name: 'discrepancies',
  summary: 'where two counts of one thing differ, and closing it in your name',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...serviceOptions,
        all: { type: 'boolean' },
        author: { type: 'string' },
        reason: { type: 'string' },
        json: { type: 'boolean' },
      },
    })
    const [word, id, ...more] = positionals
    const client = openClient(values, terminal)
    if (word === 'resolve') {
      const { author, reason } = values
      if (id === undefined || more.length > 0 || author === undefined || reason === undefined)
        throw new UsageError('resolve takes a number, --author and --reason')
      await client.postJson(`/v1/discrepancies/${encodeURIComponent(id)}/resolve`, { author, reason })
      terminal.stdout.write(`discrepancy ${id} is resolved by ${author}\n`)
      return exitCodes.ok
    }
    if (word !== undefined) throw new UsageError(`${word} is not a word of this command`)
    const state = values.all === true ? 'all' : 'open'
    const answer = (await client.getJson(`/v1/discrepancies?state=${state}&limit=1000`)) as {
      readonly discrepancies: readonly Row[]
    }
    terminal.stdout.write(values.json === true ? jsonText(answer) : textOf(answer.discrepancies))
    return answer.discrepancies.some(({ resolved }) => resolved === null) ? exitCodes.failed : exitCodes.ok
  },
}
