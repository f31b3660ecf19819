import { definePlan } from '../book/define-plan.ts'
import type { PriceDocument } from '../book/define-plan.ts'
import {
  base,
  certificatesByHour,
  certificatesByMonth,
  connections,
  customDomains,
  dataOut,
  endpointHours,
  identities,
  logExports,
  policyRates,
  policyRatesAtFirst,
  policyUnits,
  regionPinning,
  requests,
  tcpAddresses,
  users,
} from './prices.ts'

// Three plans and how they changed: each version is what was sold from its day on, so that a past month is priced as it
// was sold then. A new version names what it changes and leaves the rest to the one before.

/** The days on which something changed, as midnight in UTC. */
export const changes = {
  packaging: '2025-09-22T00:00:00Z',
  baseFee: '2026-03-26T00:00:00Z',
  policyUnits: '2026-06-30T00:00:00Z',
  customDomains: '2026-07-07T00:00:00Z',
  tcpAddresses: '2026-07-16T00:00:00Z',
  certificates: '2026-07-28T00:00:00Z',
} as const

type Price = PriceDocument<string>

/** The prices with others of the same keys in their places; what has no place yet comes to the end. */
function changed(prices: readonly Price[], ...others: readonly Price[]): readonly Price[] {
  const replaced = prices.map((price) => others.find(({ key }) => key === price.key) ?? price)
  return [...replaced, ...others.filter(({ key }) => prices.every((price) => price.key !== key))]
}

/** The fee comes with so much of usage: off everything that is metered, not off the fee, and gone with the period. */
function usageIncluded(amount: string, prices: readonly Price[]) {
  const of = prices.flatMap(({ key, meter }) => (meter === undefined ? [] : [key]))
  return { prices, included_amounts: [{ key: 'usage', name: `${amount} USD of usage included`, amount, of }] }
}

const payg = { key: 'pay-as-you-go', name: 'Pay as you go', currency: 'USD' } as const

/** "No fixed monthly fees". Before July 2026 the page had no price for TCP addresses: we read that as without charge. */
const paygAtFirst: readonly Price[] = [
  dataOut('5'),
  requests('1'),
  connections(),
  endpointHours,
  policyUnits(policyRatesAtFirst),
  regionPinning,
  customDomains('744'),
  certificatesByMonth,
  identities('5'),
  logExports,
  users,
]
const paygWithBase = [base('20'), ...paygAtFirst]
const paygCheaperPolicy = changed(paygWithBase, policyUnits(policyRates))
const paygDomains = changed(paygCheaperPolicy, customDomains('0'))
const paygAddresses = changed(paygDomains, tcpAddresses)
const paygCertificates = changed(paygAddresses, certificatesByHour)

export const payAsYouGo = [
  definePlan({ ...payg, version: 1, prices: paygAtFirst, effective_from: changes.packaging }),
  definePlan({ ...payg, version: 2, ...usageIncluded('20', paygWithBase), effective_from: changes.baseFee }),
  definePlan({ ...payg, version: 3, ...usageIncluded('20', paygCheaperPolicy), effective_from: changes.policyUnits }),
  definePlan({ ...payg, version: 4, ...usageIncluded('20', paygDomains), effective_from: changes.customDomains }),
  definePlan({ ...payg, version: 5, ...usageIncluded('20', paygAddresses), effective_from: changes.tcpAddresses }),
  definePlan({ ...payg, version: 6, ...usageIncluded('20', paygCertificates), effective_from: changes.certificates }),
]

const hobby = { key: 'hobbyist', name: 'Hobbyist', currency: 'USD' } as const

/** The page says that a monthly credit is included, and neither it nor the fee: 8 a month, with 5 of credit, is ours. */
const hobbyistAtFirst: readonly Price[] = [
  base('8'),
  dataOut('5'),
  requests('1'),
  connections(),
  endpointHours,
  policyUnits(policyRatesAtFirst),
  identities('5'),
]
const hobbyistCheaperPolicy = changed(hobbyistAtFirst, policyUnits(policyRates))

export const hobbyist = [
  definePlan({ ...hobby, version: 1, ...usageIncluded('5', hobbyistAtFirst), effective_from: changes.packaging }),
  definePlan({
    ...hobby,
    version: 2,
    ...usageIncluded('5', hobbyistCheaperPolicy),
    effective_from: changes.policyUnits,
  }),
  definePlan({
    ...hobby,
    version: 3,
    ...usageIncluded('5', changed(hobbyistCheaperPolicy, tcpAddresses)),
    effective_from: changes.tcpAddresses,
  }),
]

const none = { key: 'free', name: 'Free', currency: 'USD' } as const

/** Allowances of the free plan are hard limits: what is beyond them is refused, and what came through costs nothing. */
const freeAtFirst: readonly Price[] = [
  dataOut('1', '0'),
  requests('0.2', '0'),
  connections('0'),
  endpointHours,
  policyUnits(policyRatesAtFirst),
  identities('3', '0'),
]

export const free = [
  definePlan({ ...none, version: 1, prices: freeAtFirst, effective_from: changes.packaging }),
  definePlan({
    ...none,
    version: 2,
    prices: changed(freeAtFirst, policyUnits(policyRates)),
    effective_from: changes.policyUnits,
  }),
]
