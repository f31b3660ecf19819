import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot completeness --from TIME --to TIME [--account KEY] [--json]

Is everything there that could have carried the traffic of a period? Exit code 0 when it is, 1 when it is not.

  --from, --to   RFC 3339 times; the first is inside, the second is not
  --account KEY  only sources that can carry this account's traffic
  --json         the API's answer as it is
${serviceHelp}
`

interface Amount {
  readonly currency: string
  readonly amount: string
}

interface Source {
  readonly source: string
  readonly state: string
  readonly complete_until: string | null
  readonly missing: string
  readonly lost: string
  readonly since: string | null
  readonly silence: { readonly from: string; readonly to: string } | null
  readonly open_quarantine: string
  readonly cut?: boolean
  readonly gaps: readonly {
    readonly first: string
    readonly last: string
    readonly missing: string
    readonly after: string | null
    readonly before: string | null
    readonly since: string | null
  }[]
  readonly discrepancies: readonly {
    readonly name: string
    readonly endpoint: string | null
    readonly increase: string
    readonly counted_by_events: string
    readonly difference: string
  }[]
}

interface Answer {
  readonly complete: boolean
  readonly complete_until: string | null
  readonly reasons?: readonly string[]
  readonly sources?: readonly Source[]
  /** Not every counter was compared. */
  readonly cut?: boolean
  readonly value_at_risk?: {
    readonly amounts: readonly Amount[]
    readonly expected_missing: string
    readonly not_estimated: readonly string[]
    readonly not_priced: readonly string[]
    readonly cut: boolean
    readonly how: readonly string[]
  } | null
}

const gapsShown = 50

function gapLines({ source, gaps, cut }: Source): string[] {
  const lines = gaps
    .slice(0, gapsShown)
    .map(
      ({ first, last, missing, after, before, since }) =>
        `  ${source}: ${first} to ${last} (${groupDigits(missing)}), between ${after ?? '?'} and ${before ?? '?'}, ` +
        `known since ${since ?? '?'}`,
    )
  return gaps.length > gapsShown || cut === true ? [...lines, `  ${source}: and more; --json has them`] : lines
}

function noteLines({ source, silence, open_quarantine: open, discrepancies }: Source): string[] {
  return [
    ...(silence === null ? [] : [`${source} has not spoken of ${silence.from} to ${silence.to}`]),
    ...(open === '0' ? [] : [`${source} has ${groupDigits(open)} inputs in quarantine that nobody has resolved`]),
    ...discrepancies.map(
      ({ name, endpoint, increase, counted_by_events: counted, difference }) =>
        `${source}: counter ${name}${endpoint === null ? '' : ` of ${endpoint}`} rose by ${groupDigits(increase)}, ` +
        `its events make ${groupDigits(counted)}: a difference of ${groupDigits(difference)}`,
    ),
  ]
}

/** An operator's answer has it; what cannot be estimated is said, and is not zero. */
function riskLines({ value_at_risk: risk, complete }: Answer): string[] {
  if (risk === undefined) return []
  if (risk === null) return ['value at risk: not known, there is nothing to estimate it from']
  if (risk.amounts.length === 0) return complete ? [] : ['value at risk: not known']
  const amounts = risk.amounts.map(({ amount, currency }) => `${groupDigits(amount)} ${currency}`).join(', ')
  const without = [...risk.not_estimated, ...risk.not_priced]
  return [
    `value at risk: ${amounts}, an estimate for about ${groupDigits(risk.expected_missing)} missing events`,
    ...risk.how.map((how) => `  ${how}`),
    ...(without.length === 0 ? [] : [`  without ${without.join(', ')}: nothing to estimate from`]),
    ...(risk.cut ? ['  of the largest part only'] : []),
  ]
}

function tableLines(sources: readonly Source[]): string[] {
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
  const head = [`source`.padEnd(width), 'state'.padEnd(16), 'complete until'.padEnd(24), '  missing', '     lost']
  return [head.join('  '), ...rows]
}

function textOf(answer: Answer): string {
  const { complete, complete_until: until, reasons } = answer
  // A customer's key is told whether its traffic is complete, and nothing about sources.
  const sources = answer.sources ?? []
  const gaps = sources.flatMap(gapLines)
  const left =
    answer.cut === true ? ['there are more counters than were compared; see crossfoot api GET /v1/counters'] : []
  const notes = [...sources.flatMap(noteLines), ...left, ...riskLines(answer)]
  return [
    complete ? 'complete' : `not complete${reasons === undefined ? '' : `: ${reasons.join('; ')}`}`,
    `every source that is expected to speak is complete until ${until ?? 'not known'}`,
    ...(sources.length === 0 ? [] : ['', ...tableLines(sources)]),
    ...(gaps.length === 0 ? [] : ['', 'missing numbers:', ...gaps]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
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
    terminal.stdout.write(values.json === true ? jsonText(answer) : textOf(answer))
    return answer.complete ? exitCodes.ok : exitCodes.failed
  },
}
