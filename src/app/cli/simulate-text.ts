import { exact } from '../../core/exact.ts'
import { groupDigits } from '../../invoice/wording.ts'
import type {
  AccountDocument,
  BucketDocument,
  CurrencyDocument,
  SimulationDocument,
} from '../../price/simulation/simulation.ts'
import { heightOf, scaleOf } from '../page/scale.ts'
import { bucketName } from '../page/simulation-picture.ts'

const barLength = 30

function signed(amount: string): string {
  if (/^-?0(\.0+)?$/.test(amount)) return amount.replace('-', '')
  return groupDigits(amount.startsWith('-') ? amount : `+${amount}`)
}

function percentText(percent: string | null): string {
  return percent === null ? 'from 0' : `${signed(percent)} %`
}

function bucketLines(buckets: readonly BucketDocument[]): readonly string[] {
  const accounts = buckets.map((bucket) => exact(BigInt(bucket.accounts)))
  const scale = scaleOf(accounts)
  return buckets.map((bucket, index) => {
    const value = accounts[index] ?? exact(0n)
    const length = Number(heightOf(value, scale, barLength) / 100n)
    const bar = '#'.repeat(bucket.accounts > 0 ? Math.max(1, length) : 0)
    const isPercent = bucket.direction !== 'same' && bucket.above !== null
    const name = `${bucket.direction === 'same' ? '' : `${bucket.direction} `}${bucketName(bucket)}${isPercent ? ' %' : ''}`
    const count = groupDigits(String(bucket.accounts)).padStart(9)
    return `  ${name.padEnd(14)}${count}  ${bar.padEnd(barLength)}  ${signed(bucket.change).padStart(16)}`
  })
}

function accountLine({ account, plan, before, after, change, change_percent: percent }: AccountDocument): string {
  const plans = plan.before === plan.after ? plan.before : `${plan.before} → ${plan.after}`
  return `    ${account}, ${plans}: ${groupDigits(before.net)} → ${groupDigits(after.net)}, ${signed(change)} (${percentText(percent)})`
}

function currencyLines(document: CurrencyDocument): readonly string[] {
  const { currency, before, after, change, change_percent: percent } = document
  const count = (accounts: number): string => groupDigits(String(accounts))
  const named = (title: string, accounts: readonly AccountDocument[]): readonly string[] =>
    accounts.length === 0 ? [] : [`  ${title}`, ...accounts.map(accountLine)]
  return [
    `${currency}  ${groupDigits(before.net)} → ${groupDigits(after.net)}, ${signed(change)} (${percentText(percent)})`,
    `  ${count(document.accounts)} accounts: ${count(document.paying_more)} pay more (${signed(document.more)}), ` +
      `${count(document.paying_less)} pay less (${signed(`-${document.less}`)}), ${count(document.paying_the_same)} the same`,
    ...bucketLines(document.by_percent),
    ...named('pay most more', document.most_more),
    ...named('pay most less', document.most_less),
  ]
}

/** A summary as a person reads it in a terminal. */
export function simulationText({ currencies, not_priced: notPriced }: SimulationDocument): string {
  const missing =
    notPriced.accounts === 0
      ? []
      : [
          `${groupDigits(String(notPriced.accounts))} not priced, and in no number above:`,
          ...notPriced.named.map(({ account, reason }) => `  ${account}: ${reason}`),
        ]
  const parts = [...currencies.map(currencyLines), missing].filter((lines) => lines.length > 0)
  if (parts.length === 0) return 'no account\n'
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

export const csvHeads = [
  'account',
  'currency',
  'plan_before',
  'plan_after',
  'subtotal_before',
  'subtotal_after',
  'net_before',
  'net_after',
  'total_before',
  'total_after',
  'change',
  'change_percent',
] as const

/** A field with a comma or a quote stands in quotes (RFC 4180). */
function csvLine(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\r\n`
}

export const csvHead = csvLine(csvHeads)

export function csvRow({
  account,
  currency,
  plan,
  before,
  after,
  change,
  change_percent: percent,
}: AccountDocument): string {
  return csvLine([
    account,
    currency,
    plan.before,
    plan.after,
    before.subtotal,
    after.subtotal,
    before.net,
    after.net,
    before.total,
    after.total,
    change,
    percent ?? '',
  ])
}
