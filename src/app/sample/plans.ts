import type { Decimal, PriceDocument, SinglePlanDocument, UsageModelDocument } from '../../price/book/plan-document.ts'

/**
 * The sample's price book, as JSON in the form that plans are given in. Meters, allowances and prices are those
 * of a public price page of August 2026, as far as a company to look at needs them; the whole page with its history is
 * in src/price/reference. What is left out:
 * - the free plan's allowances are hard limits there (the limit stage refuses); here usage beyond them is shown and costs nothing;
 * - the base fee of pay-as-you-go comes with 20 USD of usage (prepaid credit); here the two are not set off;
 * - the hobbyist's monthly credit is not public; its base fee and its prices beyond the allowances are the sample's own.
 */
export type SamplePlan = Omit<SinglePlanDocument, 'effective_from'>
type SamplePrice = PriceDocument<Decimal>
type SampleModel = UsageModelDocument<Decimal>

/** How much of each meter costs nothing, in its priced unit, and what the rest costs. */
type Rates = Readonly<Record<'data' | 'requests' | 'connections' | 'hours', SampleModel>>

interface Allowances {
  readonly data: string
  readonly requests: string
  readonly connections: string
}

const perUnit = (amount: string): SampleModel => ({ kind: 'per_unit', unit_amount: amount })

const graduated = (...tiers: readonly (readonly [upTo: string | null, amount: string])[]): SampleModel => ({
  kind: 'graduated',
  tiers: tiers.map(([up_to, unit_amount]) => ({ up_to, unit_amount })),
})

function baseFee(amount: string): SamplePrice {
  return { key: 'base', name: 'Base fee', model: { kind: 'flat', amount } }
}

function metered(rates: Rates, included: Allowances): readonly SamplePrice[] {
  return [
    {
      key: 'data_out',
      name: 'Data transfer out',
      meter: 'data_out_wire',
      unit: { name: 'GB', per: '1000000000' },
      included: included.data,
      model: rates.data,
    },
    {
      key: 'requests',
      name: 'HTTP requests',
      meter: 'http_requests',
      unit: { name: 'requests', per: '1' },
      included: included.requests,
      model: rates.requests,
    },
    {
      key: 'connections',
      name: 'TCP and TLS connections',
      meter: 'connections',
      unit: { name: 'connections', per: '1' },
      included: included.connections,
      model: rates.connections,
    },
    {
      key: 'endpoint_hours',
      // The price page names this meter and gives no figure.
      name: 'Active endpoint hours (the rate is the sample’s own)',
      meter: 'active_endpoint_hours',
      unit: { name: 'hours', per: '1' },
      model: rates.hours,
    },
  ]
}

/** 0.10 per GB, 1 per 100,000 requests, 2 per 100,000 connections, beyond 5 GB, 100,000 and 5,000. */
const publicRates: Rates = {
  data: perUnit('0.10'),
  requests: perUnit('0.00001'),
  connections: perUnit('0.00002'),
  hours: perUnit('0.015'),
}
const publicAllowances: Allowances = { data: '5', requests: '100000', connections: '5000' }

const freeRates: Rates = { data: perUnit('0'), requests: perUnit('0'), connections: perUnit('0'), hours: perUnit('0') }

const yenRates: Rates = {
  data: perUnit('15'),
  requests: perUnit('0.0015'),
  connections: perUnit('0.003'),
  hours: perUnit('2.25'),
}

/** "Volume discounts", which the price page mentions without figures: each unit at the price of its tier. */
const volumeRates: Rates = {
  data: graduated(['50', '0.10'], ['200', '0.08'], ['1000', '0.06'], [null, '0.045']),
  requests: graduated(['100000', '0.00001'], ['1000000', '0.0000075'], [null, '0.0000055']),
  connections: graduated(['100000', '0.00002'], [null, '0.000015']),
  hours: graduated(['1000', '0.015'], [null, '0.01']),
}

export const samplePlans: readonly SamplePlan[] = [
  {
    key: 'pay-as-you-go',
    name: 'Pay as you go',
    currency: 'USD',
    prices: [baseFee('20'), ...metered(publicRates, publicAllowances)],
  },
  {
    key: 'pay-as-you-go-jpy',
    name: 'Pay as you go (yen)',
    currency: 'JPY',
    prices: [baseFee('3000'), ...metered(yenRates, publicAllowances)],
  },
  {
    key: 'hobbyist',
    name: 'Hobbyist (the base fee is the sample’s own)',
    currency: 'USD',
    prices: [baseFee('8'), ...metered(publicRates, publicAllowances)],
  },
  {
    key: 'free',
    name: 'Free',
    currency: 'USD',
    prices: metered(freeRates, { data: '1', requests: '20000', connections: '5000' }),
  },
  {
    key: 'volume',
    name: 'Volume',
    currency: 'USD',
    prices: [baseFee('20'), ...metered(volumeRates, publicAllowances)],
  },
  {
    key: 'volume-eur',
    name: 'Volume (euro)',
    currency: 'EUR',
    prices: [baseFee('19'), ...metered(volumeRates, publicAllowances)],
  },
]
