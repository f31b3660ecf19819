import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import type { Client } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot sessions ACCOUNT --from TIME --to TIME [--state STATE] [--endpoint NAME] [--client NAME] [--session NAME] [--json]
       crossfoot sessions ACCOUNT --peaks --from TIME --to TIME [--window SIZE] [--endpoint NAME] [--client NAME] [--json]

Sessions of agents, connections and websockets that were open at some time of a period, or how many were open at once.

  --from, --to       RFC 3339 times or dates; the first is inside, the second is not
  --state STATE      open, presumed_closed (its stop never came) or closed
  --kind KIND        session, tcp_connection, tls_connection or http_request
  --endpoint NAME    of this endpoint
  --client NAME      with this software at the other end
  --session NAME     of this name
  --peaks            the greatest number at once, by window
  --window SIZE      with --peaks: minute, 5minutes, hour, day or month; without it one number
  --timezone ZONE    where days and months begin (default: the account's zone)
  --limit N          at most so many sessions (default 100)
  --json             the API's answer as it is
${serviceHelp}

  crossfoot sessions harbor-commerce --from 2026-10-01 --to 2026-11-01 --state open
`

interface Session {
  readonly id: string
  readonly kind: string
  readonly session: string | null
  readonly state: string
  readonly started: string
  readonly started_by: string
  readonly ended: string | null
  readonly duration_us: string
  readonly endpoint: string | null
  readonly bytes: { readonly client: { readonly bytes_out_wire: string | null } }
}

interface ListAnswer {
  readonly sessions: readonly Session[]
  readonly cursor: string | null
}

interface PeaksAnswer {
  readonly peak: { readonly sessions: string; readonly at: string | null } | null
  readonly rows: readonly { readonly from: string; readonly sessions: string; readonly at: string | null }[]
}

/** Whole seconds; what lasted less than one says so. */
function durationText(micros: string): string {
  const seconds = BigInt(micros) / 1_000_000n
  return seconds === 0n && micros !== '0' ? '< 1 s' : `${groupDigits(String(seconds))} s`
}

/** Columns as wide as their widest text. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function listText({ sessions, cursor }: ListAnswer): string {
  if (sessions.length === 0) return 'no session was open in this time\n'
  const rows = sessions.map((session) => [
    session.id,
    session.session ?? '(no name)',
    session.kind,
    session.state,
    session.started,
    session.ended ?? 'not over',
    `${session.started_by === 'first_record' ? 'at least ' : ''}${durationText(session.duration_us)}`,
    session.bytes.client.bytes_out_wire === null ? 'not known' : groupDigits(session.bytes.client.bytes_out_wire),
    session.endpoint ?? '(not known)',
  ])
  const head = ['id', 'session', 'kind', 'state', 'started', 'ended', 'duration', 'bytes out', 'endpoint']
  return `${table([head, ...rows])}${cursor === null ? '' : 'there are more: ask for a shorter time, or with a higher --limit\n'}`
}

function peaksText({ rows, peak }: PeaksAnswer): string {
  if (peak === null) return 'no window of this time has begun: not known, which is not zero\n'
  const shown = rows.map(({ from, sessions, at }) => [from, groupDigits(sessions), at ?? ''])
  return `${table([['window', 'sessions', 'first at'], ...shown])}highest: ${groupDigits(peak.sessions)}${peak.at === null ? '' : ` at ${peak.at}`}\n`
}

const filters = ['state', 'kind', 'endpoint', 'client', 'session', 'timezone', 'window', 'limit'] as const

async function askList(client: Client, query: URLSearchParams): Promise<ListAnswer> {
  return (await client.getJson(`/v1/sessions?${query.toString()}`)) as ListAnswer
}

async function askPeaks(client: Client, query: URLSearchParams): Promise<PeaksAnswer> {
  return (await client.getJson(`/v1/sessions/concurrency?${query.toString()}`)) as PeaksAnswer
}

/** Sessions on the terminal. */
export const sessionsCommand: Command = {
  name: 'sessions',
  summary: 'sessions of an account, and how many were open at once',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...serviceOptions,
        from: { type: 'string' },
        to: { type: 'string' },
        state: { type: 'string' },
        kind: { type: 'string' },
        endpoint: { type: 'string' },
        client: { type: 'string' },
        session: { type: 'string' },
        timezone: { type: 'string' },
        window: { type: 'string' },
        limit: { type: 'string' },
        peaks: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    })
    const [account, ...more] = positionals
    const { from, to, peaks = false } = values
    if (account === undefined || more.length > 0) throw new UsageError('an account is needed')
    if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed')
    const foreign = (peaks ? (['state', 'session', 'limit'] as const) : (['window'] as const)).find(
      (name) => values[name] !== undefined,
    )
    if (foreign !== undefined) throw new UsageError(`--${foreign} does not go ${peaks ? 'with' : 'without'} --peaks`)
    const query = new URLSearchParams({ account, from, to })
    for (const name of filters) {
      const value = values[name]
      if (value !== undefined) query.set(name, value)
    }
    const client = openClient(values, terminal)
    const answer = peaks ? await askPeaks(client, query) : await askList(client, query)
    const text = 'rows' in answer ? peaksText(answer) : listText(answer)
    terminal.stdout.write(values.json === true ? jsonText(answer) : text)
    return exitCodes.ok
  },
}
