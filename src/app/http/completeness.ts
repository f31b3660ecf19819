import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { roundToInteger } from '../../core/exact.ts'
import type { AccountKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Period } from '../../core/time.ts'
import type { CompletenessReport, Gap, SourceCompleteness } from '../../meter/completeness.ts'
import { readCounters } from '../../meter/counters.ts'
import type { ComparedSeries } from '../../meter/counters.ts'
import { valueAtRisk } from '../completeness-value.ts'
import type { SourceRisk, ValueAtRisk } from '../completeness-value.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import { seriesJson } from './counters.ts'
import type { Server } from './routes.ts'
import { accountKey, instantOrNull, moment, readMoment } from './schema.ts'
import { standingJson } from './source-epoch.ts'

/** Numberings of one source, and gaps of one source, in an answer; what is left out is said. */
const limits = { epochsMax: 100, gapsMax: 2_000 } as const

function gapJson({ epoch, first, last, after, before, missing, since }: Gap): Record<string, unknown> {
  return {
    epoch,
    first: String(first),
    last: String(last),
    missing: String(missing),
    after: instantOrNull(after),
    before: instantOrNull(before),
    since: instantOrNull(since),
  }
}

function spanJson(period: Period | null): { from: string; to: string } | null {
  return period && { from: formatInstant(period.from), to: formatInstant(period.to) }
}

/** Counters of a source that differ from its events, the largest difference first. */
function differing(counters: readonly ComparedSeries[], source: string): readonly ComparedSeries[] {
  const sizeOf = ({ difference }: ComparedSeries): bigint => (difference ?? 0n) * ((difference ?? 0n) < 0n ? -1n : 1n)
  return counters
    .filter((series) => series.source === source && sizeOf(series) > 0n)
    .toSorted((one, two) => (sizeOf(one) < sizeOf(two) ? 1 : sizeOf(one) > sizeOf(two) ? -1 : 0))
}

function sourceJson(one: SourceCompleteness, counters: readonly ComparedSeries[]): Record<string, unknown> {
  const { source, state, owner, gaps, epochs } = one
  // A gap that stands for many lacks fewer numbers than it spans.
  const isCut =
    gaps.length > limits.gapsMax ||
    epochs.length > limits.epochsMax ||
    gaps.some(({ first, last, missing }) => missing < last - first + 1)
  return {
    source,
    state,
    owner,
    complete_until: instantOrNull(one.completeUntil),
    missing: String(one.missing),
    lost: String(one.lost),
    since: instantOrNull(one.since),
    silence: spanJson(one.silence),
    open_quarantine: String(one.openQuarantine),
    gaps: gaps.slice(0, limits.gapsMax).map(gapJson),
    discrepancies: differing(counters, source).map(seriesJson),
    epochs: epochs.slice(0, limits.epochsMax).map(standingJson),
    ...(isCut ? { cut: true } : {}),
  }
}

function sourceRiskJson({ lack, expected, basis, amounts }: SourceRisk): Record<string, unknown> {
  return {
    source: lack.source,
    expected_missing: expected === null ? null : String(roundToInteger(expected, 0)),
    numbers: String(lack.numbers),
    lost: String(lack.lost),
    held: String(lack.held),
    silence: spanJson(lack.silence),
    averaged_over: basis && { ...spanJson(basis.period), events: String(basis.events) },
    amounts,
  }
}

function riskJson(risk: ValueAtRisk | null): Record<string, unknown> | null {
  return (
    risk && {
      amounts: risk.amounts,
      expected_missing: String(roundToInteger(risk.expected, 0)),
      sources: risk.sources.map(sourceRiskJson),
      not_estimated: risk.notEstimated,
      not_priced: risk.notPriced,
      cut: risk.cut,
      how: risk.how,
    }
  )
}

interface Question {
  readonly account: AccountKey | null
  readonly period: Period
}

async function answerOf(service: Service, question: Question): Promise<Record<string, unknown>> {
  const { account, period } = question
  const report: CompletenessReport = await service.completeness.report(question)
  const { engine, projection } = service
  const counters = await readCounters(engine, { source: null, account, period, below: projection.position() })
  const open = await service.completeness.openInputs()
  return {
    complete: report.complete,
    complete_until: instantOrNull(report.completeUntil),
    reasons: report.reasons,
    sources: report.sources.map((source) => sourceJson(source, counters.series)),
    cut: counters.cut,
    open_quarantine_without_source: String(open.get('') ?? 0),
    value_at_risk: riskJson(await valueAtRisk(service, { ...question, report })),
  }
}

/** Is everything there (L7)? For operators with the reasons, the gaps and what they may be worth. */
export function addCompletenessRoutes(server: Server, service: Service): void {
  server.get(
    '/v1/completeness',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Is everything there that could have carried the traffic of a period?',
        description:
          'Without an account: of the whole installation (operators only). Gaps close by themselves when what is missing arrives. ' +
          'since: when it showed that something is missing. open_quarantine: inputs of any time that are held and unresolved; they ' +
          'are seen, so no gap, and not counted. discrepancies: counters of the source that differ from its events (GET /v1/counters); ' +
          'they hold up nothing by themselves; cut: there are more series than were compared; GET /v1/counters has those of one source. value_at_risk is an estimate of what the missing events would cost, null where there ' +
          'is nothing to estimate from; of the whole installation it is the sum over the accounts with the most traffic.',
        querystring: z.object({ account: accountKey.optional(), from: moment, to: moment }),
      },
    },
    async (request) => {
      const { account: asked } = request.query
      const from = readMoment('from', request.query.from, 'UTC')
      const to = readMoment('to', request.query.to, 'UTC')
      if (from >= to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
      const own = principalOf(request).account
      const account = asked === undefined && own === null ? null : accountOf(request, asked)
      const question = { account, period: { from, to } }
      // L11: which sources there are, and whose they are, is the operator's business.
      if (own === null) return answerOf(service, question)
      const { complete, completeUntil } = await service.completeness.report(question)
      return { complete, complete_until: instantOrNull(completeUntil) }
    },
  )
}
