import type { RateExample } from './rate-examples.ts'

const perUnit = (amount: string): object => ({ kind: 'per_unit', unit_amount: amount })

/** What surrounds a model: modifiers, windows and groups priced one by one, pricing units, and totals. */
export const modifierExamples: readonly RateExample[] = [
  {
    name: 'explained',
    summary: 'With its trace and its sentences: a usage discount, a line discount and a maximum',
    request: {
      currency: 'USD',
      price: {
        key: 'requests',
        name: 'Requests',
        unit: { name: 'thousand requests', per: '1000', rounding: { mode: 'up', decimals: 0 } },
        usage_discount: { percent: '10' },
        model: perUnit('0.02'),
        discounts: [{ name: 'Partner', percent: '25' }],
        maximum: '25',
      },
      quantity: '1999001',
    },
    answer: {
      lines: [
        {
          price: 'requests',
          kind: 'usage',
          description: 'Requests',
          quantity: '1999001',
          billable_quantity: '1800',
          unit: 'thousand requests',
          unit_amount: '0.02',
          exact_amount: '25',
          amount: '25.00',
          trace: [
            {
              step: 'convert',
              about: '1,999,001 measured, of which 1,000 make 1 thousand requests',
              formula: '1999001 / 1000',
              result: '1999.001',
              unit: 'thousand requests',
            },
            {
              step: 'round_quantity',
              about: '1,999.001 thousand requests rounded up to a whole number',
              formula: 'ceil(1999.001)',
              result: '2000',
              unit: 'thousand requests',
            },
            {
              step: 'usage_discount',
              about: '2,000 thousand requests less 10 % usage discount',
              formula: '2000 * (100 - 10) / 100',
              result: '1800',
              unit: 'thousand requests',
            },
            {
              step: 'price',
              about: '1,800 thousand requests × $0.02',
              formula: '1800 * 0.02',
              result: '36',
              unit: 'USD',
            },
            {
              step: 'discount',
              about: 'Partner: 25 % off',
              formula: '36 * (100 - 25) / 100',
              result: '27',
              unit: 'USD',
            },
            { step: 'maximum', about: 'at most $25.00', formula: 'min(27, 25)', result: '25', unit: 'USD' },
            {
              step: 'round',
              about: '$25.00 rounded once, half away from zero, to 2 decimals',
              formula: 'round(25, 2)',
              result: '25.00',
              unit: 'USD',
            },
          ],
          sentences: [
            'Requests: $25.00',
            '  1,999,001 measured, of which 1,000 make 1 thousand requests = 1,999.001 thousand requests',
            '  1,999.001 thousand requests rounded up to a whole number = 2,000 thousand requests',
            '  2,000 thousand requests less 10 % usage discount = 1,800 thousand requests',
            '  1,800 thousand requests × $0.02 = $36.00',
            '  Partner: 25 % off, leaves $27.00',
            '  at most $25.00: $25.00',
          ],
        },
      ],
      total: '25.00',
    },
  },
  {
    name: 'minimum',
    summary: 'What is missing to a minimum is a line of its own',
    request: { currency: 'EUR', price: { name: 'API', model: perUnit('0.01'), minimum: '25' }, quantity: '1234' },
    answer: {
      lines: [
        { kind: 'usage', description: 'API', amount: '12.34' },
        { kind: 'true_up', description: 'API: minimum', amount: '12.66' },
      ],
      total: '25.00',
    },
  },
  {
    name: 'each_window',
    summary: 'Each day is priced as if it was alone, with its own allowance',
    request: {
      currency: 'USD',
      price: { name: 'Checks', each: { window: 'day' }, included: '100', model: perUnit('0.50') },
      timezone: 'Europe/Berlin',
      windows: [
        { from: '2026-10-24T00:00:00+02:00', to: '2026-10-25T00:00:00+02:00', quantity: '110' },
        { from: '2026-10-25T00:00:00+02:00', to: '2026-10-26T00:00:00+01:00', quantity: '60' },
      ],
    },
    answer: { lines: [{ quantity: '170', billable_quantity: '10', amount: '5.00' }], total: '5.00' },
  },
  {
    name: 'each_group',
    summary: 'Each endpoint is priced as if it was alone',
    request: {
      currency: 'USD',
      price: {
        name: 'Endpoints',
        each: { group_by: ['endpoint'] },
        model: { kind: 'package', size: '1000', package_amount: '1' },
      },
      groups: [
        { group: { endpoint: 'a.example' }, quantity: '1' },
        { group: { endpoint: 'b.example' }, quantity: '1001' },
      ],
    },
    answer: { lines: [{ quantity: '1002', amount: '3.00' }], total: '3.00' },
  },
  {
    name: 'change_in_the_middle',
    summary: 'A price that changed in the middle of a period: both parts stand side by side, by exact time',
    request: {
      currency: 'USD',
      period: { from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z' },
      prices: [
        {
          price: { key: 'base', name: 'Base', model: { kind: 'flat', amount: '30' } },
          part: { from: '2026-04-01T00:00:00Z', to: '2026-04-11T00:00:00Z' },
        },
        {
          price: { key: 'base', name: 'Base', model: { kind: 'flat', amount: '60' } },
          part: { from: '2026-04-11T00:00:00Z', to: '2026-05-01T00:00:00Z' },
        },
      ],
    },
    answer: { lines: [{ amount: '10.00' }, { amount: '40.00' }], total: '50.00' },
  },
  {
    name: 'pricing_unit',
    summary: 'A price in a unit of account, converted once, right before the rounding',
    request: {
      currency: 'EUR',
      pricing_units: [{ key: 'credits', name: 'credits', rate: '0.25' }],
      price: { name: 'Inference', in: 'credits', model: perUnit('3') },
      quantity: '7',
    },
    answer: { lines: [{ unit_amount: '3', exact_amount: '5.25', amount: '5.25' }], total: '5.25' },
  },
  {
    name: 'progressive',
    summary: 'Threshold billing: the second run of a period bills what the first one did not',
    request: {
      currency: 'USD',
      price: { key: 'out', name: 'Transfer', model: perUnit('0.10') },
      quantity: '1234.5',
      progressive: {
        thresholds: { amounts: ['50'], each: '50' },
        billed: [{ price: 'out', quantity: '510', amount: '51.00' }],
      },
    },
    answer: {
      lines: [{ amount: '123.45' }],
      progressive: {
        is_due: true,
        threshold: '100',
        lines: [{ price: 'out', quantity: '724.5', amount: '72.45', owed: '123.45', billed_before: '51.00' }],
        total: '72.45',
      },
    },
  },
  {
    name: 'totals',
    summary: 'From lines to what is due: discounts, promotional credits, tax, prepaid credits, in this order',
    request: {
      currency: 'USD',
      prices: [
        { price: { key: 'out', name: 'Transfer', meter: 'data_out_wire', model: perUnit('1') }, quantity: '100' },
        { price: { key: 'base', name: 'Base', model: { kind: 'flat', amount: '50' } } },
      ],
      discounts: [
        { coupon: 'spring', name: 'Spring', percent: '10' },
        { coupon: 'five', name: 'Five off', amount: '5', of: ['base'] },
      ],
      credits: [
        { id: 'welcome', kind: 'promotional', balance: '20', scope: { meters: ['data_out_wire'] } },
        { id: 'deposit', kind: 'prepaid', balance: '100' },
      ],
      taxes: [{ key: 'vat', name: 'VAT', percent: '20' }],
    },
    answer: {
      total: '132.00',
      totals: {
        subtotal: '150.00',
        discounts: [
          { coupon: 'spring', base: '150.00', amount: '15.00' },
          { coupon: 'five', base: '45.00', amount: '5.00' },
        ],
        promotional_credits: [{ grant: 'welcome', line: 0, amount: '20.00' }],
        taxable: '110.00',
        taxes: [{ key: 'vat', amount: '22.00' }],
        total: '132.00',
        prepaid_credits: [
          { grant: 'deposit', line: 0, amount: '84.00' },
          { grant: 'deposit', line: 1, amount: '16.00' },
        ],
        due: '32.00',
      },
    },
  },
]
