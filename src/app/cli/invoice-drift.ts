import { groupDigits } from '../../invoice/wording.ts'
import type { Client } from './client.ts'
import { exitCodes, jsonText } from './command.ts'
import type { Terminal } from './command.ts'

interface Change {
  readonly issued: string
  readonly now: string
  readonly difference: string
}

/** As `driftJson` writes it. */
interface DriftAnswer {
  readonly invoice: { readonly number: string; readonly account: string; readonly month: string }
  readonly currency: string
  readonly drifted: boolean
  readonly lines: readonly {
    readonly description: string
    readonly unit: string
    readonly quantity: Change
    readonly amount: Change
  }[]
  readonly total: Change
  /** What changes of the contract that were recorded after the issue would make of it. */
  readonly under_contract_now: { readonly total: Change | null; readonly why_not_priced: string | null } | null
}

/** One invoice, or those of a month that have drifted. */
export type DriftRequest = ({ readonly word: string } | { readonly month: string }) & { readonly json: boolean }

interface DriftPage {
  readonly invoices: readonly DriftAnswer[]
  readonly looked_at: number
  readonly next: string | null
}

/** Page by page, each shown as soon as it is there. */
async function driftOfMonth(client: Client, month: string, show: (text: string) => void): Promise<DriftAnswer[]> {
  const drifts: DriftAnswer[] = []
  let lookedAt = 0
  for (let after: string | null = ''; after !== null;) {
    const query = new URLSearchParams({ month, ...(after === '' ? {} : { after }) })
    const page = (await client.getJson(`/v1/drift?${query.toString()}`)) as DriftPage
    for (const drift of page.invoices) show(textOf(drift))
    drifts.push(...page.invoices)
    lookedAt += page.looked_at
    after = page.next
  }
  show(`${drifts.length} of ${lookedAt} issued invoices would be other ones now\n`)
  return drifts
}

function signed(difference: string): string {
  return groupDigits(/^-|^0(\.0*)?$/.test(difference) ? difference : `+${difference}`)
}

function contractText({ under_contract_now: contract, currency }: DriftAnswer): readonly string[] {
  if (contract === null) return []
  const { total, why_not_priced: why } = contract
  if (total === null) return [`  Its contract was changed, and now it could not be priced: ${why ?? ''}`]
  return [`  Its contract was changed: now ${groupDigits(total.now)} ${currency} (${signed(total.difference)})`]
}

function textOf(answer: DriftAnswer): string {
  const { invoice, currency, drifted, lines, total } = answer
  const { number, account, month } = invoice
  const title = `${number} (${account}, ${month})`
  if (!drifted) return `${title}: as issued, ${groupDigits(total.issued)} ${currency}\n`
  const changed = lines.filter(
    ({ quantity, amount }) => quantity.issued !== quantity.now || amount.issued !== amount.now,
  )
  const rows = changed.map(
    ({ description, unit, quantity, amount }) =>
      `  ${description}: ${groupDigits(quantity.issued)} → ${groupDigits(quantity.now)} ${unit} (${signed(quantity.difference)}), ` +
      `${groupDigits(amount.issued)} → ${groupDigits(amount.now)} ${currency} (${signed(amount.difference)})`,
  )
  const sum = `${title}: issued ${groupDigits(total.issued)} ${currency}, now ${groupDigits(total.now)} (${signed(total.difference)})`
  return `${[sum, ...rows, ...contractText(answer)].join('\n')}\n`
}

/** How issued invoices differ from what would be issued now. Looking is all it does. */
export async function driftCommand(client: Client, request: DriftRequest, terminal: Terminal): Promise<number> {
  const show = (text: string): void => {
    if (!request.json) terminal.stdout.write(text)
  }
  const answer =
    'month' in request ? await driftOfMonth(client, request.month, show) : await driftOfOne(client, request.word, show)
  if (request.json) terminal.stdout.write(jsonText(answer))
  return exitCodes.ok
}

async function driftOfOne(client: Client, word: string, show: (text: string) => void): Promise<DriftAnswer> {
  const drift = (await client.getJson(`/v1/invoices/${encodeURIComponent(word)}/drift`)) as DriftAnswer
  show(textOf(drift))
  return drift
}
