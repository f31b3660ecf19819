import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot completeness --from TIME --to TIME [--account KEY] [--json]

Is everything there that could have carried the traffic of a period? Exit code 0 when it is, 1 when it is not.

  --from, --to   RFC 3339 times; the first is inside, the second is not
  --account KEY  only sources that can carry this account's traffic
  --json         the API's answer as it is
${serviceHelp}
`

interface Answer {
  readonly complete: boolean
  readonly complete_until: string | null
  readonly reasons: readonly string[]
  readonly sources: readonly {
    readonly source: string
    readonly state: string
    readonly complete_until: string | null
    readonly missing: string
    readonly lost: string
    readonly gaps: readonly {
      readonly first: string
      readonly last: string
      readonly after: string | null
      readonly before: string | null
    }[]
  }[]
}

function textOf({ complete, complete_until: until, reasons, sources }: Answer): string {
  const width = Math.max(6, ...sources.map(({ source }) => source.length))
  const rows = sources.map(({ source, state, complete_until: own, missing, lost }) =>
    [
      source.padEnd(width),
      state.padEnd(16),
      (own ?? 'not known').padEnd(24),
      groupDigits(missing).padStart(9),
      groupDigits(lost).padStart(9),
    ].join('  '),
  )
  const gaps = sources.flatMap(({ source, gaps }) =>
    gaps.map(
      ({ first, last, after, before }) =>
        `  ${source}: ${first} to ${last}, between ${after ?? '?'} and ${before ?? '?'}`,
    ),
  )
  return [
    complete ? 'complete' : `not complete: ${reasons.join('; ')}`,
    `every source that is expected to speak is complete until ${until ?? 'not known'}`,
    '',
    [`source`.padEnd(width), 'state'.padEnd(16), 'complete until'.padEnd(24), '  missing', '     lost'].join('  '),
    ...rows,
    ...(gaps.length === 0 ? [] : ['', 'missing numbers:', ...gaps]),
    '',
  ].join('\n')
}

/** Which sources lack what, since when (L7). */
export const completenessCommand: Command = {
  name: 'completeness',
  summary: 'is everything there that could have carried the traffic of a period?',
  help,
  async run(argv, terminal) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        ...serviceOptions,
        from: { type: 'string' },
        to: { type: 'string' },
        account: { type: 'string' },
        json: { type: 'boolean' },
      },
    })
    const { from, to, account } = values
    if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed')
    const query = new URLSearchParams({ from, to, ...(account === undefined ? {} : { account }) })
    const answer = (await openClient(values, terminal).getJson(`/v1/completeness?${query.toString()}`)) as Answer
    terminal.stdout.write(values.json === true ? `${JSON.stringify(answer, null, 2)}\n` : textOf(answer))
    return answer.complete ? exitCodes.ok : exitCodes.failed
  },
}
