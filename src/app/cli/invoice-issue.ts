import { ServiceError } from '../../collect/service.ts'
import { groupDigits } from '../../invoice/wording.ts'
import type { Client } from './client.ts'
import { exitCodes, jsonText } from './command.ts'
import type { Terminal } from './command.ts'
import { billableAccounts, draftOf, issue } from './invoice-api.ts'
import type { WaiverBody } from './invoice-api.ts'

export interface IssueRequest {
  /** Null: all accounts that are billed. */
  readonly account: string | null
  readonly month: string
  readonly waiver: WaiverBody | undefined
  readonly json: boolean
}

/** What became of one account's invoice. */
interface Outcome {
  readonly account: string
  readonly outcome: 'issued' | 'already_issued' | 'refused'
  readonly id?: string
  readonly number?: string | null
  readonly total?: string
  readonly currency?: string
  readonly code?: string
  readonly message?: string
}

async function issueOne(client: Client, account: string, { month, waiver }: IssueRequest): Promise<Outcome> {
  const draft = await draftOf(client, { account, month })
  const invoice = draft.status === 'draft' ? await issue(client, draft.id, waiver) : draft
  const { number, total, currency } = invoice.document
  const outcome = draft.status === 'draft' ? 'issued' : 'already_issued'
  return { account, outcome, id: invoice.id, number, total, currency }
}

/** A refusal of one account must not keep the others from their invoices; a service that is gone stops all. */
async function attempt(client: Client, account: string, request: IssueRequest): Promise<Outcome> {
  try {
    return await issueOne(client, account, request)
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status === undefined || error.status >= 500) throw error
    return { account, outcome: 'refused', code: error.code, message: error.message }
  }
}

function outcomeText({ account, outcome, number, total, currency, message }: Outcome): string {
  if (outcome === 'refused') return `${account}: not issued: ${message ?? ''}\n`
  const again = outcome === 'already_issued' ? ' (was issued before)' : ''
  return `${account}: ${number ?? ''}, ${groupDigits(total ?? '')} ${currency ?? ''}${again}\n`
}

/** Issues one account's month or all of them, each by itself, and says what became of each. */
export async function issueCommand(client: Client, request: IssueRequest, terminal: Terminal): Promise<number> {
  const accounts = request.account === null ? await billableAccounts(client) : [request.account]
  const outcomes: Outcome[] = []
  for (const account of accounts) {
    const outcome = await attempt(client, account, request)
    outcomes.push(outcome)
    if (!request.json) (outcome.outcome === 'refused' ? terminal.stderr : terminal.stdout).write(outcomeText(outcome))
  }
  if (request.json) terminal.stdout.write(jsonText({ month: request.month, outcomes }))
  const count = (wanted: Outcome['outcome']): number => outcomes.filter(({ outcome }) => outcome === wanted).length
  if (!request.json && request.account === null)
    terminal.stdout.write(
      `${request.month}: ${count('issued')} issued, ${count('already_issued')} were issued before, ${count('refused')} refused\n`,
    )
  return count('refused') === 0 ? exitCodes.ok : exitCodes.failed
}
