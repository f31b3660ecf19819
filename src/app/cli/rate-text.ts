import type { RateAnswer, RateLineJson } from '../../price/calculator/rate.ts'
import { numberWords } from '../../price/rate/number-words.ts'
import { evaluateFormula } from '../../price/rate/replay.ts'

/** Totals as `totalsJson` writes them, as far as they are printed. */
interface TotalsAnswer {
  readonly currency: string
  readonly subtotal: string
  readonly discounts: readonly { readonly name: string; readonly base: string; readonly amount: string }[]
  readonly promotional_credits: readonly BurnAnswer[]
  readonly taxable: string
  readonly taxes: readonly { readonly name: string; readonly percent: string; readonly amount: string }[]
  readonly total: string
  readonly prepaid_credits: readonly BurnAnswer[]
  readonly due: string
}

interface BurnAnswer {
  readonly grant: string
  readonly line: number
  readonly amount: string
}

/** The answer to a request, of the service or of this process. */
export type PrintedAnswer = Omit<RateAnswer, 'totals'> & { readonly totals?: object }

/** The first columns stand left, the last one right: amounts are read from their point. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0
    return column === widths.length - 1 ? text.padStart(width) : text.padEnd(width)
  }
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('')
}

/** A number of an answer, `n/d` among them, as people read it. */
const words = (number: string): string => numberWords(evaluateFormula(number))

function lineRow({
  description,
  kind,
  billable_quantity: billable,
  unit,
  unit_amount: each,
  amount,
  ...line
}: RateLineJson) {
  const when = line.from === undefined ? [] : [`${line.from} to ${line.to ?? ''}`]
  return [
    [description, ...when].join(', '),
    kind.replace('_', ' '),
    `${words(billable)} ${unit}`,
    each === null ? '' : words(each),
    amount,
  ]
}

function totalsRows(totals: TotalsAnswer): readonly (readonly string[])[] {
  const credit = ({ grant, line, amount }: BurnAnswer): string[] => [
    `credit ${grant}, on line ${line + 1}`,
    `-${amount}`,
  ]
  return [
    ['lines', totals.subtotal],
    ...totals.discounts.map(({ name, base, amount }) => [`${name}, of ${base}`, `-${amount}`]),
    ...totals.promotional_credits.map(credit),
    ['taxable', totals.taxable],
    ...totals.taxes.map(({ name, percent, amount }) => [`${name}, ${words(percent)} %`, amount]),
    ['total', totals.total],
    ...totals.prepaid_credits.map(credit),
    ['due', totals.due],
  ]
}

/** Lines, totals, and how each line came to its amount. */
export function rateText({ lines, total, totals }: PrintedAnswer, currency: string): string {
  const head = ['line', 'kind', 'quantity', 'unit price', currency]
  const last = totals === undefined ? [['total', '', '', '', total]] : []
  const sums = totals === undefined ? '' : `\n${table(totalsRows(totals as TotalsAnswer))}`
  const how = lines.map(({ sentences }) => `\n${sentences.join('\n')}\n`).join('')
  return `${table([head, ...lines.map(lineRow), ...last])}${sums}${how}`
}
