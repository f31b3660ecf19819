import type { Condition, Dimension } from '../store/condition.ts'
import type { MeterInput } from './definition.ts'
import type { LibraryEntry } from './library.ts'

function usageNamed(name: string): readonly Condition[] {
  return [
    { field: 'kind', operator: 'in', values: ['usage'] },
    { field: 'name', operator: 'in', values: [name] },
  ]
}

interface Held {
  readonly key: string
  readonly name: string
  readonly unit: string
  /** The usage events that say so. */
  readonly named: string
  readonly of: Dimension
}

/** What is held for some time: an event says how much from then on. */
function held({ key, name, unit, named, of }: Held): MeterInput {
  const aggregation = { kind: 'level', value: 'quantity', mode: 'set', key: of, per: 'hour' } as const
  return { key, name, unit, aggregation, filter: usageNamed(named), group_by: [of] }
}

export const levelEntries: readonly LibraryEntry[] = [
  {
    meter: held({
      key: 'custom_domain_hours',
      name: 'Hours of custom domains',
      unit: 'hours',
      named: 'custom_domain',
      of: 'attributes.domain',
    }),
    about: 'One unit is one domain that was held for one hour, to the microsecond, with or without traffic.',
    needs: 'usage named custom_domain with attributes.domain: quantity 1 when it is taken, 0 when it is given back.',
    example: {
      kind: 'usage',
      account: 'acme',
      name: 'custom_domain',
      quantity: '1',
      attributes: { domain: 'shop.example.com' },
    },
    isStandard: false,
  },
  {
    meter: held({
      key: 'reserved_address_hours',
      name: 'Hours of reserved TCP addresses',
      unit: 'hours',
      named: 'tcp_address',
      of: 'attributes.address',
    }),
    about: 'One unit is one reserved TCP address for one hour, to the microsecond, with or without traffic.',
    needs: 'usage named tcp_address with attributes.address: quantity 1 when it is reserved, 0 when it is released.',
    example: {
      kind: 'usage',
      account: 'acme',
      name: 'tcp_address',
      quantity: '1',
      attributes: { address: '5.tcp.example.com:20100' },
    },
    isStandard: false,
  },
  {
    meter: held({
      key: 'storage_byte_hours',
      name: 'Storage over time',
      unit: 'byte-hours',
      named: 'storage',
      of: 'attributes.volume',
    }),
    about:
      'One unit is one byte that was stored for one hour. A price in GB-hours says "unit": {"name": "GB-hours", "per": "1000000000"}.',
    needs:
      'usage named storage with attributes.volume and its bytes in quantity, whenever they change, and 0 when it is removed.',
    example: {
      kind: 'usage',
      account: 'acme',
      name: 'storage',
      quantity: '5000000000',
      attributes: { volume: 'captures' },
    },
    isStandard: false,
  },
  {
    meter: {
      key: 'concurrent_sessions',
      name: 'Agent sessions at once',
      unit: 'sessions',
      aggregation: { kind: 'peak' },
      filter: [{ field: 'kind', operator: 'in', values: ['session'] }],
      group_by: ['region'],
    },
    about: 'The greatest number of agent sessions that were open at one instant.',
    needs: 'session with session and phase: start, interim as a heartbeat, final.',
    example: { kind: 'session', phase: 'start', account: 'acme', session: 'as_77', region: 'eu' },
    isStandard: false,
  },
  {
    meter: {
      key: 'users',
      name: 'Users',
      unit: 'users',
      aggregation: {
        kind: 'unique',
        field: 'attributes.user',
        membership: { field: 'attributes.change', add: ['added'], remove: ['removed'], carried: true },
      },
      filter: usageNamed('user'),
      group_by: [],
    },
    about: 'Users that are in the account at the end of the period; whoever was added stays until removed.',
    needs: 'usage named user with attributes.user, and attributes.change added or removed; quantity 1.',
    example: {
      kind: 'usage',
      account: 'acme',
      name: 'user',
      quantity: '1',
      attributes: { user: 'usr_31', change: 'added' },
    },
    isStandard: false,
  },
]
