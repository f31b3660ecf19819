import { formatMinor } from '../core/money.ts'
import { formatInstant } from '../core/time.ts'
import { totalsDocument } from '../invoice/document.ts'
import type { InvoicePlan, PlannedLine } from '../invoice/plan-invoice.ts'
import { timeWords, totalRows } from '../invoice/wording.ts'
import type { CostDetail, CostLine } from './page/view.ts'

function costLine({ rated, part: { from, to } }: PlannedLine, { period }: InvoicePlan): CostLine {
  const isWhole = from === period.from && to === period.to
  const time = { from: formatInstant(from), to: formatInstant(to) }
  return isWhole ? rated : { ...rated, when: timeWords(time, period.zone) }
}

/** A planned invoice as the account's page shows it: the same lines and the same total (L9). */
export function costSoFar(plan: InvoicePlan): CostDetail {
  const { currency, lines, totals, total } = plan
  const rows = totalRows({ totals: totalsDocument(totals), total: formatMinor(total, currency), currency })
  return {
    kind: 'so_far',
    currency,
    lines: lines.map((line) => costLine(line, plan)),
    steps: rows.filter(({ kind }) => kind === 'step'),
    total,
  }
}
