import type { Condition } from '../store/condition.ts'
import { meterDocument } from './definition.ts'
import type { MeterInput } from './definition.ts'
import type { ExampleEvent, LibraryEntry } from './library.ts'
import { clientLeg, finished, standardMeters, traffic } from './standard.ts'

const visit: ExampleEvent = {
  kind: 'http_request',
  account: 'acme',
  endpoint: 'api.example.com',
  method: 'GET',
  status: 200,
  bytes_out_wire: 1_480,
  bytes_out_body: 1_024,
  bytes_in_wire: 512,
  bytes_in_body: 0,
}

/** A standard meter as an entry. */
export function standardEntry(key: string, about: string, needs: string, example: ExampleEvent = visit): LibraryEntry {
  const meter = standardMeters.find((one) => one.key === key)
  if (meter === undefined) throw new Error(`${key} is a standard meter`)
  const { version: _, ...input } = meterDocument(meter)
  return { meter: input, about, needs, example, isStandard: true }
}

function connections(protocol: 'tcp' | 'tls', name: string): LibraryEntry {
  const filter: readonly Condition[] = [
    { field: 'kind', operator: 'in', values: [`${protocol}_connection`] },
    finished,
    clientLeg,
  ]
  const meter: MeterInput = {
    key: `${protocol}_connections`,
    name,
    unit: 'connections',
    aggregation: { kind: 'count' },
    filter,
    group_by: ['endpoint', 'region'],
  }
  const bytes = { bytes_out_wire: 90_000, bytes_in_wire: 4_000 }
  return {
    meter,
    about: `One unit is one ${protocol.toUpperCase()} connection, counted when it ends. Records of connections that are still open are not one more.`,
    needs: `${protocol}_connection with phase final at the end of each connection.`,
    example: { kind: `${protocol}_connection`, account: 'acme', endpoint: `${protocol}.example.com:20100`, ...bytes },
    isStandard: false,
  }
}

const sizes = 'http_request, tcp_connection or tls_connection with'

export const trafficEntries: readonly LibraryEntry[] = [
  standardEntry(
    'http_requests',
    'One unit is one HTTP request of a visitor, counted when it ends.',
    'http_request with phase final at the end of each request.',
  ),
  standardEntry('data_out_wire', 'Bytes sent to visitors, headers included.', `${sizes} bytes_out_wire.`),
  standardEntry('data_out_body', 'Bytes sent to visitors, bodies only.', `${sizes} bytes_out_body.`),
  {
    meter: {
      key: 'data_out_all_legs',
      name: 'Data transfer out, traffic to agents included',
      unit: 'bytes',
      aggregation: { kind: 'sum', value: 'bytes_out_wire' },
      filter: [traffic],
      group_by: ['endpoint', 'region', 'kind', 'leg'],
    },
    about:
      'Bytes sent to visitors and bytes sent to the agents of the customer, headers included: what goes in from a visitor and ' +
      'on to an agent counts as sent to the agent. Traffic inside of the network is no leg and not in it.',
    needs: `${sizes} bytes_out_wire; of the agent’s side, a record of its own with leg agent and its own bytes_out_wire.`,
    example: { ...visit, leg: 'agent', bytes_out_wire: 560 },
    isStandard: false,
  },
  standardEntry('data_in_wire', 'Bytes received from visitors, headers included.', `${sizes} bytes_in_wire.`),
  standardEntry('data_in_body', 'Bytes received from visitors, bodies only.', `${sizes} bytes_in_body.`),
  connections('tcp', 'TCP connections'),
  connections('tls', 'TLS connections'),
  {
    meter: {
      key: 'bandwidth_p95',
      name: 'Bandwidth, 95th percentile',
      unit: 'bit/s',
      aggregation: {
        kind: 'percentile',
        percent: '95',
        interval: '5minutes',
        direction: 'higher',
        combine: 'before',
        in: 'bytes_in_wire',
        out: 'bytes_out_wire',
        unit_factor: '8',
      },
      filter: [traffic, clientLeg],
      group_by: ['endpoint', 'region'],
    },
    about:
      'The rate that was exceeded for 5 % of the time at most: the higher of both directions in each 5 minutes, sorted, the ' +
      'highest 5 % dropped. Asked for a billing month. 5 minutes without traffic are samples of 0.',
    needs: `${sizes} bytes_in_wire and bytes_out_wire; long connections send interim records every few minutes.`,
    example: visit,
    isStandard: false,
  },
  {
    meter: {
      key: 'policy_units',
      name: 'Traffic policy units',
      unit: 'units',
      aggregation: { kind: 'sum', value: 'quantity' },
      filter: [
        { field: 'kind', operator: 'in', values: ['usage'] },
        { field: 'name', operator: 'in', values: ['policy_units'] },
      ],
      group_by: ['endpoint', 'attributes.action'],
    },
    about: 'Units of the policy actions that were executed, each with the weight that the price page gives it.',
    needs: 'usage named policy_units with the units in quantity, for each request or added up over some of them.',
    example: {
      kind: 'usage',
      account: 'acme',
      endpoint: 'api.example.com',
      name: 'policy_units',
      quantity: '110',
      attributes: { action: 'jwt-validation' },
    },
    isStandard: false,
  },
  {
    meter: {
      key: 'log_exports',
      name: 'Exported log events',
      unit: 'events',
      aggregation: { kind: 'sum', value: 'quantity' },
      filter: [
        { field: 'kind', operator: 'in', values: ['usage'] },
        { field: 'name', operator: 'in', values: ['log_exports'] },
      ],
      group_by: ['attributes.destination'],
    },
    about: 'One unit is one log event that was delivered to a destination of the customer.',
    needs: 'usage named log_exports with the number of events of a delivery in quantity.',
    example: {
      kind: 'usage',
      account: 'acme',
      name: 'log_exports',
      quantity: '2000',
      attributes: { destination: 'datadog' },
    },
    isStandard: false,
  },
  {
    meter: {
      key: 'monthly_identities',
      name: 'Monthly active identities',
      unit: 'identities',
      aggregation: { kind: 'unique', field: 'attributes.identity' },
      filter: [{ field: 'attributes.identity', operator: 'known' }],
      group_by: ['endpoint', 'attributes.provider'],
    },
    about: 'One unit is one user who signed in during the month, however often and on however many endpoints.',
    needs:
      'any event with attributes.identity: a name that stands for one user and is not personal, such as a hash of provider and subject.',
    example: { ...visit, attributes: { identity: '9c1f0e', provider: 'oidc' } },
    isStandard: false,
  },
]
