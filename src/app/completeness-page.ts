import { Refusal } from '../core/errors.ts'
import { formatMonth, parseMonth } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { SourceCompleteness } from '../meter/completeness.ts'
import { valueAtRisk } from './completeness-value.ts'
import { frameOf } from './console.ts'
import type { SourceRow, SourcesView } from './page/view.ts'
import type { Service } from './service.ts'

const limits = { rowsMax: 100, gapsShown: 3 } as const

function rowOf(one: SourceCompleteness): SourceRow {
  const { source, state, owner, missing, lost, completeUntil, silence, gaps, epochs, openQuarantine } = one
  const sumOf = (name: 'duplicates' | 'late'): number => epochs.reduce((total, { tally }) => total + tally[name], 0)
  return {
    source,
    state,
    owner,
    completeUntil,
    missing,
    lost,
    silence,
    duplicates: sumOf('duplicates'),
    late: sumOf('late'),
    open: openQuarantine,
    gaps: gaps.slice(0, limits.gapsShown),
    moreGaps: Math.max(0, gaps.length - limits.gapsShown),
  }
}

function needsLook({ state }: SourceCompleteness): boolean {
  return state === 'gap' || state === 'silent' || state === 'lossy'
}

/** The page at `/sources`: a month (UTC) of the whole installation, what needs a look first. */
export async function sourcesView(service: Service, asked: string | undefined): Promise<SourcesView> {
  const frame = await frameOf(service)
  const month = asked ?? formatMonth(frame.now, 'UTC')
  const parsed = parseMonth(month, 'UTC')
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', `month ${parsed.error}`)
  const period = parsed.value
  const question = { account: null, period }
  const report = await service.completeness.recent(question)
  const risk = await valueAtRisk(service, { ...question, report })
  const sources = [...report.sources.filter(needsLook), ...report.sources.filter((source) => !needsLook(source))]
  return {
    frame,
    period: `${month} (UTC)${frame.now < period.to ? ', so far' : ''}`,
    months: {
      shown: month,
      previousHref: `/sources?month=${formatMonth((period.from - 1) as Micros, 'UTC')}`,
      nextHref: frame.now < period.to ? null : `/sources?month=${formatMonth(period.to, 'UTC')}`,
    },
    complete: report.complete,
    rows: sources.slice(0, limits.rowsMax).map(rowOf),
    hidden: Math.max(0, sources.length - limits.rowsMax),
    risk: risk && { amounts: risk.amounts, how: risk.how },
  }
}
