/** The answer of GET /v1/usage as a table for people. */
import { groupDigits } from '../../invoice/wording.ts'

interface Change {
  readonly percent: string | null
}

interface Row {
  readonly from: string
  readonly group: Readonly<Record<string, string | null>>
  readonly others?: true
  readonly quantity: string | null
  readonly lower_bound?: true
  readonly previous?: (Change & { readonly quantity: string | null }) | null
}

export interface UsageAnswer {
  readonly unit: string
  readonly total: string | null
  readonly additive: boolean
  readonly why_not_additive: string | null
  readonly complete_until: string | null
  readonly events_without_value: string
  readonly rows: readonly Row[]
  readonly compare?: (Change & { readonly from: string; readonly to: string; readonly total: string | null }) | null
  readonly forecast?: {
    readonly estimate: string | null
    readonly low: string | null
    readonly high: string | null
    readonly method: string
  }
  readonly as_of?: { readonly at: string; readonly total: string | null; readonly difference: string | null }
}

const shownQuantity = (quantity: string | null): string => (quantity === null ? 'no value' : groupDigits(quantity))

function shownChange(percent: string | null): string {
  if (percent === null) return '-'
  const short = percent.replace(/(\.\d)\d*$/, '$1')
  return `${short.startsWith('-') ? '' : '+'}${short} %`
}

function labelOf({ from, group, others, lower_bound: low }: Row): string {
  const names = others === true ? ['(others)'] : Object.values(group).map((value) => value ?? '(not known)')
  return [from, ...names, ...(low === true ? ['(at least)'] : [])].join('  ')
}

/** Cells under each other: the first to the left, numbers to the right. */
function table(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function notesOf(answer: UsageAnswer): string[] {
  const { forecast, as_of: asOf, compare, events_without_value: missing } = answer
  const notes: string[] = []
  if (answer.why_not_additive !== null)
    notes.push(`the rows do not add up to the whole period: ${answer.why_not_additive}`)
  if (compare === null) notes.push('there is no period before to compare with')
  else if (compare !== undefined) notes.push(`compared with ${compare.from} to ${compare.to}`)
  if (asOf !== undefined)
    notes.push(
      `as of ${asOf.at}: ${shownQuantity(asOf.total)}${asOf.difference === null ? '' : `; added since: ${groupDigits(asOf.difference)}`}`,
    )
  if (forecast !== undefined) {
    const { estimate, low, high, method } = forecast
    const interval = low === null || high === null ? '' : ` (${groupDigits(low)} to ${groupDigits(high)})`
    notes.push(`forecast: ${estimate === null ? '' : `${groupDigits(estimate)}${interval}, `}${method}`)
  }
  if (missing !== '0') notes.push(`${groupDigits(missing)} events carried no value: not known, which is not zero`)
  return notes
}

export function usageText(answer: UsageAnswer): string {
  const { rows, unit, total, additive, compare } = answer
  const compares = compare !== undefined && compare !== null
  const lines = rows.map((row) => {
    const { previous } = row
    const before = previous === null || previous === undefined ? null : previous
    const beside = before === null ? ['-', '-'] : [shownQuantity(before.quantity), shownChange(before.percent)]
    return [labelOf(row), shownQuantity(row.quantity), ...(compares ? beside : [])]
  })
  const beside = compares ? [shownQuantity(compare.total), shownChange(compare.percent)] : []
  const head = compares ? [['', '', 'before', 'change']] : []
  const foot = [additive ? `sum, in ${unit}` : `whole period, in ${unit}`, shownQuantity(total), ...beside]
  return `${[...table([...head, ...lines, foot]), ...notesOf(answer)].join('\n')}\n`
}
