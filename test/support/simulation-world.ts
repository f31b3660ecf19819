/** A small company for simulations: zones, currencies, changes in the middle of a month, and every way to look at usage. */
import { createAccount } from '../../src/account/accounts.ts'
import type { Currency } from '../../src/core/money.ts'
import type { PlanKey } from '../../src/core/ids.ts'
import type { Service } from '../../src/app/service.ts'
import { parseStoredTerms } from '../../src/price/contract/subscription-terms.ts'
import { subscribe } from '../../src/price/contract/subscription.ts'
import { diceFor, pick } from './dice.ts'
import { at } from './invoice-desk.ts'
import type { UsageApi } from './usage-api.ts'

const bytes = { name: 'GB', per: '1000000000' }

const out = {
  key: 'out',
  name: 'Data transfer out',
  meter: 'data_out_wire',
  unit: bytes,
  included: '5',
  model: { kind: 'graduated', tiers: [{ up_to: '20', unit_amount: '0.10' }, { unit_amount: '0.07' }] },
}

const inYen = { ...out, model: { kind: 'per_unit', unit_amount: '13.7' } }

const prices = [
  { key: 'base', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
  out,
  {
    key: 'requests',
    name: 'Requests',
    meter: 'http_requests',
    unit: { name: 'requests', per: '1' },
    model: {
      kind: 'matrix',
      dimensions: ['region'],
      cells: [{ when: { region: ['eu'] }, included: '2', model: { kind: 'per_unit', unit_amount: '0.31' } }],
      default: { model: { kind: 'per_unit', unit_amount: '0.47' } },
    },
  },
  {
    key: 'daily_in',
    name: 'Data in, by day',
    meter: 'data_in_wire',
    unit: bytes,
    each: { window: 'day' },
    model: { kind: 'graduated', tiers: [{ up_to: '1', unit_amount: '0.05' }, { unit_amount: '0.02' }] },
  },
  {
    key: 'bandwidth',
    name: 'Bandwidth',
    meter: 'p60',
    unit: { name: 'Mbit/s', per: '1000000' },
    model: { kind: 'per_unit', unit_amount: '1.11' },
  },
  { key: 'compliance', name: 'Compliance', model: { kind: 'surcharge', percent: '12.5', of: ['out', 'requests'] } },
]

const from = '2026-01-01T00:00:00Z'

export const plans = [
  { key: 'pro', name: 'Pro', currency: 'USD', effective_from: from, prices },
  { key: 'pro-yen', name: 'Pro', currency: 'JPY', effective_from: from, prices: [inYen] },
  {
    key: 'trial',
    name: 'With a trial',
    currency: 'USD',
    effective_from: from,
    prices: [prices[0], out],
    phases: [{ key: 'trial', name: 'Trial', length: { days: 14 }, changes: [{ free: 'all' }] }],
  },
  { key: 'hobby', name: 'Hobby', currency: 'USD', effective_from: from, prices: [{ ...out, included: '1' }] },
]

const coupon = { key: 'spring', name: 'Spring', percent: '10', of: 'all', effective_from: from }
const seats = { key: 'seat', name: 'Seats', model: { kind: 'flat', amount: '7' } }
const addOn = { key: 'seats', name: 'Seats', currency: 'USD', effective_from: from, prices: [seats] }

export const zones = ['UTC', 'Asia/Kolkata', 'Pacific/Auckland', 'America/Los_Angeles', 'Europe/Berlin'] as const
export const month = '2026-10'
/** After the end of the month everywhere; events of all of it are still taken. */
export const now = at('2026-11-02T12:00:00Z')

const termsOf = (document: object) => {
  const parsed = parseStoredTerms(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

interface Member {
  readonly key: string
  readonly zone?: string
  readonly currency?: Currency
  /** Plans one after the other, from an instant on; the last one until further notice. None: the default plan. */
  readonly held?: readonly (readonly [plan: string, from: string])[]
  readonly terms?: object
}

const members: readonly Member[] = [
  ...Array.from({ length: 16 }, (_, index) => ({ key: `plain-${index}`, held: [['pro', from] as const] })),
  ...zones.map((zone, index) => ({ key: `zone-${index}`, zone, held: [['pro', from] as const] })),
  ...zones.map((zone, index) => ({ key: `default-${index}`, zone })),
  ...['2026-10-07T10:20:30Z', '2026-10-12T00:00:00Z', '2026-10-25T01:30:00.000001Z'].map((moved, index) => ({
    key: `moved-${index}`,
    zone: zones[index + 2] ?? 'UTC',
    held: [['hobby', from] as const, ['pro', moved] as const],
  })),
  { key: 'joined', zone: 'Europe/Berlin', held: [['trial', '2026-10-03T08:00:00Z']] },
  { key: 'yen', currency: 'JPY', zone: 'Asia/Tokyo', held: [['pro-yen', from]] },
  {
    key: 'terms',
    held: [['pro', from]],
    terms: {
      overrides: [{ discount: { keys: ['out'], name: 'Agreed', percent: '20' } }],
      add_ons: [{ key: 'seats', count: 3, from: '2026-10-10T00:00:00Z' }],
      coupons: [{ key: 'spring' }],
      taxes: [{ key: 'vat', name: 'VAT', percent: '19' }],
    },
  },
  { key: 'idle', held: [['pro', from]] },
]

async function addMembers({ database }: Service): Promise<void> {
  const decided = { by: 'test', now }
  for (const { key, zone = 'UTC', currency = 'USD', held = [], terms } of members) {
    const account = await createAccount(database, { key, timeZone: zone, currency }, now)
    for (const [index, [plan, start]] of held.entries()) {
      const end = held[index + 1]?.[1]
      const subscription = {
        account: account.key,
        plan: plan as PlanKey,
        from: at(start),
        to: end === undefined ? null : at(end),
        ...(terms === undefined ? {} : { terms: termsOf(terms) }),
      }
      await subscribe(database, subscription, decided)
    }
  }
}

/** Traffic from before the month to after it, so that the bounds of each zone's month cut through it. */
function eventsOf(seed: number): readonly object[] {
  const dice = diceFor(seed, 'simulation')
  const begin = Date.UTC(2026, 8, 30)
  const payers = members.filter(({ key }) => key !== 'idle').map(({ key }) => key)
  return Array.from({ length: 900 }, (_, index) => ({
    source: 'edge',
    seq: index + 1,
    kind: 'http_request',
    account: pick(dice, payers),
    endpoint: 'www.example.com',
    region: pick(dice, ['eu', 'us', 'ap']),
    time: new Date(begin + dice(33 * 24 * 3_600) * 1000).toISOString(),
    bytes_out_wire: String(dice(2 ** 32)),
    bytes_in_wire: String(dice(2 ** 30)),
  }))
}

/** Fills an empty service; `correct` says what became of some events afterwards. */
export async function fillWorld(api: UsageApi): Promise<void> {
  await api.call('POST', '/v1/meters', {
    key: 'p60',
    name: 'Bandwidth',
    unit: 'bit/s',
    aggregation: {
      kind: 'percentile',
      percent: '60',
      interval: 'hour',
      direction: 'sum',
      in: 'bytes_in_wire',
      out: 'bytes_out_wire',
      unit_factor: '8',
    },
    filter: [],
  })
  await api.call('POST', '/v1/prices/import', {
    plans: plans.map((plan) => ({ ...plan, version: 1 })),
    add_ons: [{ ...addOn, version: 1 }],
    coupons: [{ ...coupon, version: 1 }],
  })
  await api.call('PUT', '/v1/default-plan', { plan: 'hobby', from })
  await addMembers(api.service)
  await api.call('POST', '/v1/events', eventsOf(7))
}

/** A change of everything that is sold, from the middle of the month on, as next versions. */
export function changedBook(effectiveFrom: string): object {
  const cheaper = { ...out, included: '8', model: { kind: 'per_unit', unit_amount: '0.06' } }
  const next = (key: string, list: readonly object[]): object => ({
    ...plans.find((plan) => plan.key === key),
    version: 2,
    prices: list,
    effective_from: effectiveFrom,
  })
  const dearer = prices.map((price) =>
    price.key === 'base' ? { ...price, model: { kind: 'flat', amount: '33.33' } } : price,
  )
  return {
    plans: [
      next('hobby', [cheaper]),
      next('pro', dearer),
      next('pro-yen', [{ ...inYen, included: '0' }]),
      next('trial', [prices[0] ?? {}, cheaper]),
    ],
    add_ons: [
      {
        ...addOn,
        version: 2,
        prices: [{ ...seats, model: { kind: 'flat', amount: '9' } }],
        effective_from: effectiveFrom,
      },
    ],
  }
}
