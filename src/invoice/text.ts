import type { Invoice, InvoiceDocument, LineDocument } from './document.ts'
import { explainLine } from './explain.ts'
import type { LineExplanation } from './explain.ts'
import { billableWords, countedWords, dateOf, groupDigits, inUnit, noticesOf, periodWords } from './wording.ts'
import {
  aboutWords,
  partWords,
  planWords,
  totalRows,
  quantityWords,
  readableFormula,
  statusWords,
  titleOf,
  unitPriceWords,
  valueName,
} from './wording.ts'

/** The invoice for a terminal of 96 columns or more. */
export const textWidth = 96

const dayWidth = 28

const widths = { number: 3, description: 33, quantity: 28, price: 15, amount: 17 } as const

/** Splits a text between words so that no line is longer; a single longer word stays whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function rule(character = '─'): string {
  return character.repeat(textWidth)
}

function sides(left: string, right: string): string {
  return `${left}${right.padStart(textWidth - left.length)}`
}

/** A name that leaves no place for its number is wrapped above it. */
function amountRows(name: string, amount: string): readonly string[] {
  const lines = wrap(name, textWidth - amount.length - 2)
  const last = lines.at(-1) ?? ''
  const isWide = last.length + amount.length + 2 > textWidth
  return [...lines.slice(0, -1), ...(isWide ? [last, sides('', amount)] : [sides(last, amount)])]
}

/** A cell that is too long for its column starts a line of its own and is never cut: digits are what this is about. */
function lineRows(line: LineDocument, document: InvoiceDocument): readonly string[] {
  const { currency } = document
  const [name = '', ...more] = wrap(line.description, widths.description)
  const cells = [billableWords(line), unitPriceWords(line, currency), groupDigits(line.amount)]
  const [quantity = '', price = '', amount = ''] = cells
  const start = `${`${line.number}`.padStart(widths.number)}  ${name.padEnd(widths.description)}`
  const isWide = quantity.length >= widths.quantity || price.length >= widths.price || amount.length >= widths.amount
  const numbers = isWide
    ? ['', sides('', [quantity, price, amount].filter((cell) => cell !== '').join('   '))]
    : [`${quantity.padStart(widths.quantity)}${price.padStart(widths.price)}${amount.padStart(widths.amount)}`.slice(2)]
  const [first = '', ...below] = numbers
  const indent = ' '.repeat(widths.number + 2)
  const about = aboutWords(line, document).join('; ')
  return [
    `${start}${first}`.trimEnd(),
    ...more.map((text) => indent + text),
    ...below,
    ...(about === '' ? [] : wrap(about, textWidth - 7).map((text) => `${indent}  ${text}`)),
  ]
}

function header(invoice: Invoice): readonly string[] {
  const { document } = invoice
  const { issuer, account } = document
  return [
    sides(titleOf(invoice), statusWords(invoice)),
    rule('═'),
    ...(issuer.name === '' ? [] : [`From     ${[issuer.name, ...issuer.address.split('\n')].join(', ')}`]),
    `Account  ${account.name} (${account.key})`,
    `Period   ${periodWords(document)}`,
    ...wrap(`Plan     ${planWords(document)}`, textWidth),
  ]
}

/** The whole invoice as text. */
export function invoiceText(invoice: Invoice): string {
  const { document } = invoice
  const columns =
    `${'#'.padStart(widths.number)}  ${'Description'.padEnd(widths.description)}` +
    `${'Quantity'.padStart(widths.quantity)}${'Unit price'.padStart(widths.price)}${'Amount'.padStart(widths.amount)}`.slice(
      2,
    )
  const notices = noticesOf(invoice).flatMap((notice) => ['', ...wrap(notice, textWidth)])
  return `${[
    ...header(invoice),
    '',
    columns,
    rule(),
    ...document.lines.flatMap((line) => lineRows(line, document)),
    rule(),
    ...totalRows(document).flatMap(({ name, amount }) =>
      amountRows(name, `${groupDigits(amount)} ${document.currency}`),
    ),
    ...notices,
    '',
    countedWords(document),
  ].join('\n')}\n`
}

/** The days and, below them, their sum: whoever adds them up gets the line's quantity. */
function dayRows({ windows, unit, zone, meter, line }: LineExplanation): readonly string[] {
  if (windows.length === 0) return []
  const row = (name: string, quantity: string): string =>
    `  ${name.padStart(11)}  ${groupDigits(quantity).padStart(dayWidth)}`
  const rows = windows.map(({ from, quantity, events_without_value: missing }) => {
    const note = missing === '0' ? '' : `   ${groupDigits(missing)} without a ${valueName(meter)}`
    return row(dateOf(from, zone), quantity) + note
  })
  return ['', `Days (${zone}), in ${unit}`, ...rows, `  ${'─'.repeat(13 + dayWidth)}`, row('Sum', line.quantity)]
}

/** One line opened: its price, its steps and its days. */
export function lineText(invoice: Invoice, number: number): string {
  const explanation = explainLine(invoice, number)
  const { line, price, steps } = explanation
  const part = partWords(line, invoice.document)
  const formulas = steps.flatMap(({ about, formula, result, unit }) => [
    ...wrap(`  ${groupDigits(about)}`, textWidth),
    `    ${readableFormula(formula)} = ${inUnit(result, unit)}`,
  ])
  return `${[
    sides(
      `${titleOf(invoice)}, line ${line.number}: ${line.description}`,
      `${groupDigits(line.amount)} ${invoice.document.currency}`,
    ),
    rule('═'),
    ...wrap(`Price    ${price}`, textWidth),
    ...(part === null ? [] : [`Time     ${part}`]),
    ...quantityWords(line).map((words, index) => (index === 0 ? 'Usage' : '').padEnd(9) + words),
    '',
    'Steps',
    ...formulas,
    ...dayRows(explanation),
  ].join('\n')}\n`
}
