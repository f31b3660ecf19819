import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText, neededOption } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot subscriptions show ACCOUNT [--json]
       crossfoot subscriptions move ACCOUNT --at now|period_end|INSTANT [--plan PLAN | --end]
                                    [--terms FILE] [--dry-run] [--json]

What an account is under, who decided it when, and moves to another plan or other terms.

  --at       when it takes effect; a past instant leaves issued invoices as they are
  --plan     the plan that it moves to; left out: other terms of the one that it is under
  --end      its subscription ends
  --terms    a JSON file with any of overrides, add_ons, coupons, taxes; what it leaves out goes on
  --dry-run  stores nothing; tells what the month costs before and after
  --json     the API's answer as it is
${serviceHelp}
`

interface Decision {
  readonly number: number
  readonly plan: string | null
  readonly from: string
  readonly to: string | null
  readonly recorded_at: string
  readonly by?: string
}

interface Side {
  readonly total: string
  readonly currency: string
}

interface Preview {
  readonly month: string
  readonly before: Side | null
  readonly why_not_priced_before: string | null
  readonly after: Side
}

const termNames = ['overrides', 'add_ons', 'coupons', 'taxes'] as const

function decisionText(decision: Decision): string {
  const { number, plan, from, to, recorded_at: recorded, by } = decision
  const terms = termNames.filter((name) => name in decision)
  const besides = terms.length === 0 ? '' : ` with ${terms.join(', ')}`
  const time = `${from} to ${to ?? 'further notice'}`
  return `${number}  ${plan ?? 'no subscription'}${besides}  ${time}  (decided ${recorded}${by === undefined ? '' : ` by ${by}`})\n`
}

function previewText({ month, before, why_not_priced_before: why, after }: Preview): string {
  const money = ({ total, currency }: Side): string => `${groupDigits(total)} ${currency}`
  return `${month}: ${before === null ? `could not be priced (${why ?? ''})` : money(before)} before, ${money(after)} after; nothing is stored\n`
}

function termsOf(file: string | undefined): object {
  if (file === undefined) return {}
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  throw new UsageError(`${file} is a JSON object with any of ${termNames.join(', ')}`)
}

/** What accounts are under, on the terminal. */
export const subscriptionsCommand: Command = {
  name: 'subscriptions',
  summary: 'what an account is under, and moves to another plan or other terms',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...serviceOptions,
        at: { type: 'string' },
        plan: { type: 'string' },
        end: { type: 'boolean' },
        terms: { type: 'string' },
        'dry-run': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    })
    const [word, account, ...more] = positionals
    if (account === undefined || more.length > 0) throw new UsageError('show and move take one account')
    const client = openClient(values, terminal)
    const say = (answer: unknown, text: () => string): number => {
      terminal.stdout.write(values.json === true ? jsonText(answer) : text())
      return exitCodes.ok
    }
    if (word === 'show') {
      const query = new URLSearchParams({ account })
      const answer = (await client.getJson(`/v1/subscriptions?${query.toString()}`)) as {
        readonly decisions: readonly Decision[]
      }
      return say(answer, () => answer.decisions.map(decisionText).join('') || 'nobody ever decided\n')
    }
    if (word !== 'move') throw new UsageError(`${word ?? ''} is not a word of this command: show, move`)
    if (values.end === true && values.plan !== undefined) throw new UsageError('--plan or --end, not both')
    const plan = values.end === true ? { plan: null } : values.plan === undefined ? {} : { plan: values.plan }
    const isDryRun = values['dry-run'] === true
    const body = { ...termsOf(values.terms), account, at: neededOption(values, 'at'), ...plan, dry_run: isDryRun }
    const answer = await client.postJson('/v1/subscriptions/move', body)
    return say(answer, () => (isDryRun ? previewText(answer as Preview) : decisionText(answer as Decision)))
  },
}
