import type { MeterKey } from '../core/ids.ts'
import type { Condition } from '../store/condition.ts'
import type { NumberField } from '../store/expression.ts'
import type { MeterDefinition } from './definition.ts'

// A connection that is still open sends interim records: their bytes count, they are not one more request.
export const finished: Condition = { field: 'phase', operator: 'in', values: ['final'] }
const http: Condition = { field: 'kind', operator: 'in', values: ['http_request'] }
const connection: Condition = { field: 'kind', operator: 'in', values: ['tcp_connection', 'tls_connection'] }
export const traffic: Condition = {
  field: 'kind',
  operator: 'in',
  values: ['http_request', 'tcp_connection', 'tls_connection'],
}
// The public unit is what the visitor's side saw; bytes of the agent's leg are metered by meters that say so.
export const clientLeg: Condition = { field: 'leg', operator: 'in', values: ['client'] }

/** "Active" means outgoing traffic, as the price page says; either measure of it will do. */
export const sent: Condition = { operator: 'any_above_zero', fields: ['bytes_out_wire', 'bytes_out_body'] }

function bytes(key: string, name: string, field: NumberField): MeterDefinition {
  return {
    key: key as MeterKey,
    version: 1,
    name,
    unit: 'bytes',
    aggregation: { kind: 'sum', value: { kind: 'field', field } },
    filter: [traffic, clientLeg],
    groupBy: ['endpoint', 'region', 'kind'],
  }
}

/** The meters of every installation (DESIGN §11). */
export const standardMeters: readonly MeterDefinition[] = [
  {
    key: 'http_requests' as MeterKey,
    version: 1,
    name: 'HTTP requests',
    unit: 'requests',
    aggregation: { kind: 'count' },
    filter: [http, finished, clientLeg],
    groupBy: ['endpoint', 'region', 'method', 'status'],
  },
  bytes('data_out_wire', 'Data transfer out, headers included', 'bytes_out_wire'),
  bytes('data_out_body', 'Data transfer out, bodies only', 'bytes_out_body'),
  bytes('data_in_wire', 'Data transfer in, headers included', 'bytes_in_wire'),
  bytes('data_in_body', 'Data transfer in, bodies only', 'bytes_in_body'),
  {
    key: 'connections' as MeterKey,
    version: 1,
    name: 'TCP and TLS connections',
    unit: 'connections',
    aggregation: { kind: 'count' },
    filter: [connection, finished, clientLeg],
    groupBy: ['endpoint', 'region', 'kind'],
  },
  {
    key: 'active_endpoint_hours' as MeterKey,
    version: 1,
    name: 'Active endpoint hours',
    unit: 'hours',
    aggregation: { kind: 'active_hours', field: 'endpoint' },
    filter: [traffic, clientLeg, sent],
    groupBy: ['endpoint', 'region'],
  },
]
