import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot balance [--json]

What became of everything that was ever received, by source and day of arrival, and whether it adds up:
received = accepted + duplicates + quarantined in every row, what is held is released, found counted, written off or
open, and accepted + released is as many events as the log has. Exit code 1 when something does not add up.

  --json         machine-readable output
${serviceHelp}
`

type Row = Readonly<Record<string, string>>

interface Total {
  readonly adds_up: boolean
  readonly events_in_log: string
  readonly checks: readonly {
    readonly about: string
    readonly left: string
    readonly right: string
    readonly adds_up: boolean
  }[]
}

interface Answer {
  readonly rows: readonly Row[]
  readonly declared_lost: readonly { readonly source: string; readonly lost: string }[]
  readonly total: (Total & Row) | null
  readonly next: string | null
}

/** All pages as one; the first carries the total. */
async function readAll(client: Client): Promise<Answer> {
  const rows: Row[] = []
  const lost = new Map<string, string>()
  let total: Answer['total'] = null
  let after: string | null = null
  do {
    const place: string = after === null ? '' : `&after=${encodeURIComponent(after)}`
    const page = (await client.getJson(`/v1/balance?limit=1000${place}`)) as Answer
    rows.push(...page.rows)
    for (const { source, lost: count } of page.declared_lost) lost.set(source, count)
    if (after === null) total = page.total
    after = page.next
  } while (after !== null)
  return { rows, total, declared_lost: [...lost].map(([source, count]) => ({ source, lost: count })), next: null }
}

const names = ['received', 'accepted', 'duplicates', 'quarantined', 'released', 'written_off', 'open'] as const

function amount(row: Row, name: string): bigint {
  return BigInt(row[name] ?? '0')
}

function rowAddsUp(row: Row): boolean {
  return amount(row, 'received') === amount(row, 'accepted') + amount(row, 'duplicates') + amount(row, 'quarantined')
}

function textOf({ rows, total, declared_lost: lost }: Answer): string {
  const table = [
    ['source', 'day', ...names.map((name) => name.replace('_', ' '))],
    ...rows.map((row) => [
      row['source'] === '' ? '(not known)' : (row['source'] ?? ''),
      row['day'] ?? '',
      ...names.map((name) => groupDigits(row[name] ?? '')),
    ]),
    ...(total === null ? [] : [['total', '', ...names.map((name) => groupDigits(total[name] ?? ''))]]),
  ]
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => (cells[column] ?? '').length)))
  const lines = table.map((cells) =>
    cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))),
  )
  const checks =
    total === null
      ? ['Events arrived while the rows were added up: whether they add up is not known; ask again.']
      : total.checks.map(
          ({ about, left, right, adds_up: good }) =>
            `${good ? 'adds up' : 'DOES NOT ADD UP'}: ${about} (${groupDigits(left)} and ${groupDigits(right)})`,
        )
  const losses = lost.map(
    ({ source, lost: count }) => `${source} says that it lost ${groupDigits(count)} events itself`,
  )
  return [...lines.map((cells) => cells.join('  ').trimEnd()), '', ...checks, ...losses, ''].join('\n')
}

/** L1 on the terminal. */
export const balanceCommand: Command = {
  name: 'balance',
  summary: 'what became of everything received, and whether it adds up',
  help,
  async run(argv, terminal) {
    const { values } = parseArgs({ args: [...argv], options: { ...serviceOptions, json: { type: 'boolean' } } })
    const answer = await readAll(openClient(values, terminal))
    terminal.stdout.write(values.json === true ? jsonText(answer) : textOf(answer))
    return answer.total?.adds_up === true && answer.rows.every(rowAddsUp) ? exitCodes.ok : exitCodes.failed
  },
}
