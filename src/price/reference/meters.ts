import { defineMeter } from '../../meter/define.ts'

/** What the reference price book bills and neither every installation nor the library of meters has. */
export const referenceMeters = [
  defineMeter({
    key: 'certificates',
    name: 'Own certificates in use',
    unit: 'certificates',
    // Until 28 July 2026 a certificate was sold by the month, whatever was sent with it.
    aggregation: { kind: 'unique', field: 'attributes.certificate' },
    filter: [{ field: 'attributes.certificate', operator: 'known' }],
    group_by: [],
  }),
] as const

/** Meters of the library that the reference price book bills: `crossfoot meters library add KEY` adds each. */
export const libraryMeters = [
  'data_out_all_legs',
  'public_endpoint_hours',
  'pinned_endpoint_hours',
  'custom_domain_hours',
  'reserved_address_hours',
  'certificate_hours',
  'policy_units',
  'monthly_identities',
  'log_exports',
  'users',
] as const
