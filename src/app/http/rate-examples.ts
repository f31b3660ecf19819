/** A request to POST /v1/rate and what it is answered. */
export interface RateExample {
  /** Of its model, or of what it shows besides. */
  readonly name: string
  readonly summary: string
  readonly request: object
  /** Where lines have no `trace` and no `sentences`, these are left out of the example; the answer has them. */
  readonly answer: object
}

const gigabyte = { name: 'GB', per: '1000000000' }
const million = { name: 'million requests', per: '1000000' }
const april = { from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z' }

/** Every model of a price, once. `docs/data/prices.md` explains them; tests send each of them and compare. */
export const modelExamples: readonly RateExample[] = [
  {
    name: 'per_unit',
    summary: 'Each unit at one price, beyond what is included',
    request: {
      currency: 'USD',
      price: {
        name: 'Data transfer out',
        unit: gigabyte,
        included: '5',
        model: { kind: 'per_unit', unit_amount: '0.10' },
      },
      quantity: '17400000000',
    },
    answer: {
      lines: [
        {
          price: 'price',
          kind: 'usage',
          description: 'Data transfer out',
          quantity: '17400000000',
          billable_quantity: '12.4',
          unit: 'GB',
          unit_amount: '0.1',
          exact_amount: '1.24',
          amount: '1.24',
        },
      ],
      total: '1.24',
    },
  },
  {
    name: 'graduated',
    summary: 'Each unit at the price of the tier that it falls in; upper bounds belong to their tier',
    request: {
      currency: 'USD',
      price: {
        name: 'Requests',
        unit: million,
        model: {
          kind: 'graduated',
          tiers: [{ up_to: '10', unit_amount: '2' }, { up_to: '100', unit_amount: '1.50' }, { unit_amount: '1' }],
        },
      },
      quantity: '25000000',
    },
    answer: {
      lines: [{ kind: 'usage', billable_quantity: '25', unit_amount: null, exact_amount: '42.5', amount: '42.50' }],
      total: '42.50',
    },
  },
  {
    name: 'volume',
    summary: 'All units at the price of the tier that the whole quantity falls in',
    request: {
      currency: 'USD',
      price: {
        name: 'Requests',
        unit: million,
        model: {
          kind: 'volume',
          tiers: [{ up_to: '10', unit_amount: '2' }, { up_to: '100', unit_amount: '1.50' }, { unit_amount: '1' }],
        },
      },
      quantity: '25000000',
    },
    answer: {
      lines: [{ kind: 'usage', billable_quantity: '25', unit_amount: '1.5', exact_amount: '37.5', amount: '37.50' }],
      total: '37.50',
    },
  },
  {
    name: 'package',
    summary: 'Units in packages; one that is begun is paid whole',
    request: {
      currency: 'USD',
      price: { name: 'Requests', model: { kind: 'package', size: '100000', package_amount: '0.50' } },
      quantity: '250001',
    },
    answer: {
      lines: [{ kind: 'usage', billable_quantity: '250001', exact_amount: '1.5', amount: '1.50' }],
      total: '1.50',
    },
  },
  {
    name: 'percentage',
    summary: 'A percentage, and an amount for each event; what looks at single events takes their values',
    request: {
      currency: 'USD',
      price: { name: 'Payments', model: { kind: 'percentage', percent: '2.9', event_amount: '0.30' } },
      values: ['100.00', '20.00'],
    },
    answer: { lines: [{ kind: 'usage', quantity: '120', exact_amount: '4.08', amount: '4.08' }], total: '4.08' },
  },
  {
    name: 'graduated_percentage',
    summary: 'Of each part of the quantity the percentage of the tier that it falls in',
    request: {
      currency: 'USD',
      price: {
        name: 'Payments',
        model: { kind: 'graduated_percentage', tiers: [{ up_to: '1000', percent: '2.9' }, { percent: '2.5' }] },
      },
      quantity: '1500',
    },
    answer: { lines: [{ kind: 'usage', exact_amount: '41.5', amount: '41.50' }], total: '41.50' },
  },
  {
    name: 'committed',
    summary: 'A committed quantity, used or not, and another price beyond it: bandwidth by its 95th percentile',
    request: {
      currency: 'USD',
      price: {
        name: 'Bandwidth, 95th percentile',
        meter: 'bandwidth_p95',
        unit: { name: 'Mbit/s', per: '1000000' },
        model: { kind: 'committed', quantity: '100', unit_amount: '0.80', overage_unit_amount: '1.20' },
      },
      quantity: '125000000',
      additive: false,
    },
    answer: {
      lines: [{ kind: 'usage', billable_quantity: '125', exact_amount: '110', amount: '110.00' }],
      total: '110.00',
    },
  },
  {
    name: 'flat',
    summary: 'A fee for the billing period, here of three seats for the second half of a month',
    request: {
      currency: 'USD',
      price: { name: 'Seat', model: { kind: 'flat', amount: '20' } },
      count: '3',
      period: april,
      part: { from: '2026-04-16T00:00:00Z', to: '2026-05-01T00:00:00Z' },
    },
    answer: {
      lines: [
        {
          kind: 'fee',
          quantity: '3',
          unit_amount: '20',
          amount: '30.00',
          from: '2026-04-16T00:00:00Z',
          to: '2026-05-01T00:00:00Z',
        },
      ],
      total: '30.00',
    },
  },
  {
    name: 'matrix',
    summary: 'Prices by the dimensions of the traffic, and a default for all that is in no cell',
    request: {
      currency: 'USD',
      price: {
        name: 'Data transfer out',
        unit: gigabyte,
        model: {
          kind: 'matrix',
          dimensions: ['country'],
          cells: [{ when: { country: ['DE', 'FR'] }, model: { kind: 'per_unit', unit_amount: '0.02' } }],
          default: { included: '1', model: { kind: 'per_unit', unit_amount: '0.05' } },
        },
      },
      groups: [
        { group: { country: 'DE' }, quantity: '100000000000' },
        { group: { country: 'FR' }, quantity: '50000000000' },
        { group: { country: 'BR' }, quantity: '20000000000' },
        { group: { country: null }, quantity: '1000000000' },
      ],
    },
    answer: {
      lines: [{ kind: 'usage', quantity: '171000000000', billable_quantity: '170', exact_amount: '4', amount: '4.00' }],
      total: '4.00',
    },
  },
  {
    name: 'surcharge',
    summary: 'A percentage of what other lines cost',
    request: {
      currency: 'USD',
      prices: [
        { price: { key: 'platform', name: 'Platform', model: { kind: 'flat', amount: '100' } } },
        {
          price: { key: 'requests', name: 'Requests', model: { kind: 'per_unit', unit_amount: '0.001' } },
          quantity: '12345',
        },
        {
          price: {
            key: 'compliance',
            name: 'Compliance',
            model: { kind: 'surcharge', percent: '50', of: ['requests'] },
          },
        },
      ],
    },
    answer: {
      lines: [
        { price: 'platform', kind: 'fee', amount: '100.00' },
        { price: 'requests', kind: 'usage', exact_amount: '12.345', amount: '12.35' },
        {
          price: 'compliance',
          kind: 'surcharge',
          quantity: '12.35',
          unit: 'USD',
          exact_amount: '6.175',
          amount: '6.18',
        },
      ],
      total: '118.53',
    },
  },
  {
    name: 'commitment',
    summary:
      'An amount that is owed for some lines together: what is missing is a line, and so is what is beyond at a factor',
    request: {
      currency: 'USD',
      prices: [
        {
          price: { key: 'out', name: 'Transfer', model: { kind: 'per_unit', unit_amount: '0.05' } },
          quantity: '25000',
        },
        {
          price: { key: 'requests', name: 'Requests', model: { kind: 'per_unit', unit_amount: '0.001' } },
          quantity: '40000',
        },
        {
          price: {
            key: 'transfer_commit',
            name: 'Transfer commitment',
            model: { kind: 'commitment', amount: '1000', overage_factor: '1.2', of: ['out'] },
          },
        },
        {
          price: {
            key: 'requests_commit',
            name: 'Requests commitment',
            model: { kind: 'commitment', amount: '100', of: ['requests'] },
          },
        },
      ],
    },
    answer: {
      lines: [
        { price: 'out', kind: 'usage', amount: '1250.00' },
        { price: 'requests', kind: 'usage', amount: '40.00' },
        {
          price: 'transfer_commit',
          kind: 'overage',
          description: 'Transfer commitment: overage',
          billable_quantity: '250',
          unit_amount: '0.2',
          amount: '50.00',
        },
        { price: 'requests_commit', kind: 'true_up', description: 'Requests commitment: true-up', amount: '60.00' },
      ],
      total: '1400.00',
    },
  },
]
