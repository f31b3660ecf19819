/** Examples for /openapi.json. */
export const addOnExample = {
  key: 'dedicated-addresses',
  name: 'Dedicated addresses',
  currency: 'USD',
  prices: [
    { key: 'dedicated_addresses', name: 'Dedicated addresses, per region', model: { kind: 'flat', amount: '900' } },
  ],
  effective_from: '2026-03-26T00:00:00Z',
}

export const couponExample = {
  key: 'spring-2026',
  name: 'Spring 2026',
  currencies: ['USD', 'EUR'],
  amount: { USD: '10', EUR: '9' },
  of: 'all',
  periods: 3,
  effective_from: '2026-03-01T00:00:00Z',
}

export const bookExample = {
  plans: [
    {
      key: 'hobbyist',
      version: 1,
      name: 'Hobbyist',
      currency: 'USD',
      prices: [{ key: 'base', name: 'Base fee', model: { kind: 'flat', amount: '8' } }],
      effective_from: '2025-09-22T00:00:00Z',
    },
  ],
  add_ons: [{ version: 1, ...addOnExample }],
  coupons: [{ version: 1, ...couponExample }],
}
