import { groupDigits } from '../../invoice/wording.ts'
import type { Client } from './client.ts'
import { exitCodes } from './command.ts'
import type { Terminal } from './command.ts'
import { listInvoices } from './invoice-api.ts'

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
}

export interface DriftRequest {
  /** Null: all issued invoices of the month. */
  readonly word: string | null
  readonly month: string | undefined
  readonly json: boolean
}

async function issuedOf(client: Client, month: string | undefined): Promise<readonly string[]> {
  const invoices = await listInvoices(client, { account: undefined, month })
  return invoices.filter(({ number, status }) => number !== null && status !== 'void').map(({ id }) => id)
}

function signed(difference: string): string {
  return groupDigits(/^-|^0(\.0*)?$/.test(difference) ? difference : `+${difference}`)
}

function textOf({ invoice, currency, drifted, lines, total }: DriftAnswer): string {
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
  return `${[sum, ...rows].join('\n')}\n`
}

/** How issued invoices differ from what would be issued now. Looking is all it does. */
export async function driftCommand(client: Client, request: DriftRequest, terminal: Terminal): Promise<number> {
  const words = request.word === null ? await issuedOf(client, request.month) : [request.word]
  const drifts: DriftAnswer[] = []
  for (const word of words) {
    const drift = (await client.getJson(`/v1/invoices/${encodeURIComponent(word)}/drift`)) as DriftAnswer
    drifts.push(drift)
    if (!request.json) terminal.stdout.write(textOf(drift))
  }
  const answer = request.word === null ? drifts : drifts[0]
  if (request.json) terminal.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  return exitCodes.ok
}
