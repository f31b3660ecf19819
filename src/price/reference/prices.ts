import type { PriceDocument } from '../book/define-plan.ts'

// The prices of an edge company: a public price page of August 2026, with what it was before. Where the page gives no
// figure, or says a thing in two ways, the choice is ours and is said here and in docs/data/price-book.md.

type Price = PriceDocument<string>

export const base = (amount: string): Price => ({ key: 'base', name: 'Base fee', model: { kind: 'flat', amount } })

/** "Total outbound data to clients (includes traffic to agents)"; 0.10 per GB beyond the allowance. */
export function dataOut(included: string, amount = '0.10'): Price {
  return {
    key: 'data_out',
    name: 'Data transfer out',
    meter: 'data_out_all_legs',
    unit: { name: 'GB', per: '1000000000' },
    included,
    model: { kind: 'per_unit', unit_amount: amount },
  }
}

/** 1 per 100,000 requests. Parts of a unit cost their part: that is ours, the page says "per 100k". */
export function requests(included: string, amount = '1'): Price {
  return {
    key: 'requests',
    name: 'HTTP requests',
    meter: 'http_requests',
    unit: { name: '100k requests', per: '100000' },
    included,
    model: { kind: 'per_unit', unit_amount: amount },
  }
}

/** 2 per 100,000 connections. */
export function connections(amount = '2'): Price {
  return {
    key: 'connections',
    name: 'TCP and TLS connections',
    meter: 'connections',
    unit: { name: '100k connections', per: '100000' },
    included: '0.05',
    model: { kind: 'per_unit', unit_amount: amount },
  }
}

/** An endpoint that sent something in a clock hour. The page names the meter and gives no price: 0.015 is ours. */
export const endpointHours: Price = {
  key: 'endpoint_hours',
  name: 'Active endpoint hours',
  meter: 'public_endpoint_hours',
  unit: { name: 'hours', per: '1' },
  model: { kind: 'per_unit', unit_amount: '0.015' },
}

/** What each 100,000 units cost, by how many were used. */
export interface PolicyRates {
  readonly first: string
  readonly over1M: string
  readonly over10M: string
  readonly over100M: string
  readonly over1B: string
}

export const policyRatesAtFirst: PolicyRates = {
  first: '1.00',
  over1M: '0.75',
  over10M: '0.55',
  over100M: '0.35',
  over1B: '0.25',
}
/** From 30 June 2026: a tenth. */
export const policyRates: PolicyRates = {
  first: '0.10',
  over1M: '0.075',
  over10M: '0.055',
  over100M: '0.035',
  over1B: '0.025',
}

/**
 * Traffic policy units. The page says "volume discounts" and not whether a tier's price is for all units or for those in
 * it: we read it as for all. Exactly a million is in the first tier here (DESIGN §9), and "1M+" there.
 */
export function policyUnits({ first, over1M, over10M, over100M, over1B }: PolicyRates): Price {
  return {
    key: 'policy_units',
    name: 'Traffic policy units',
    meter: 'policy_units',
    unit: { name: '100k units', per: '100000' },
    model: {
      kind: 'volume',
      tiers: [
        { up_to: '10', unit_amount: first },
        { up_to: '100', unit_amount: over1M },
        { up_to: '1000', unit_amount: over10M },
        { up_to: '10000', unit_amount: over100M },
        { unit_amount: over1B },
      ],
    },
  }
}

/** Surcharge for an endpoint that is pinned to a region; here an hour is active if anything was sent or received. */
export const regionPinning: Price = {
  key: 'region_pinning',
  name: 'Region pinning',
  meter: 'pinned_endpoint_hours',
  unit: { name: 'hours', per: '1' },
  model: { kind: 'per_unit', unit_amount: '0.02' },
}

/** 0.01 per hour; until 7 July 2026 the first 744 hours of a month were included. */
export function customDomains(included: string): Price {
  return {
    key: 'custom_domains',
    name: 'Custom domains',
    meter: 'custom_domain_hours',
    unit: { name: 'hours', per: '1' },
    included,
    model: { kind: 'per_unit', unit_amount: '0.01' },
  }
}

/** One address included, at any time: each hour is priced for itself, so a month of 720 hours includes 720. */
export const tcpAddresses: Price = {
  key: 'tcp_addresses',
  name: 'TCP addresses',
  meter: 'reserved_address_hours',
  unit: { name: 'hours', per: '1' },
  included: '1',
  each: { window: 'hour' },
  model: { kind: 'per_unit', unit_amount: '0.005' },
}

/** Until 28 July 2026: each certificate that was used in the month. A part of a month costs its part. */
export const certificatesByMonth: Price = {
  key: 'certificates',
  name: 'Own certificates',
  meter: 'certificates',
  unit: { name: 'certificates', per: '1' },
  model: { kind: 'per_unit', unit_amount: '200' },
}

export const certificatesByHour: Price = {
  key: 'certificates',
  name: 'Own certificates, active hours',
  meter: 'certificate_hours',
  unit: { name: 'hours', per: '1' },
  model: { kind: 'per_unit', unit_amount: '0.27' },
}

/** Distinct users that signed in during the month. "Volume discounts" without figures are left out. */
export function identities(included: string, amount = '1'): Price {
  return {
    key: 'identities',
    name: 'Monthly active identities',
    meter: 'monthly_identities',
    unit: { name: 'identities', per: '1' },
    included,
    model: { kind: 'per_unit', unit_amount: amount },
  }
}

/** 0.25 per 2,000 events. That a package which is begun is paid whole is ours. */
export const logExports: Price = {
  key: 'log_exports',
  name: 'Exported log events',
  meter: 'log_exports',
  unit: { name: 'events', per: '1' },
  model: { kind: 'package', size: '2000', package_amount: '0.25' },
}

export const users: Price = {
  key: 'users',
  name: 'Users',
  meter: 'users',
  unit: { name: 'users', per: '1' },
  included: '3',
  model: { kind: 'per_unit', unit_amount: '5' },
}
