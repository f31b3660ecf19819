import type { Condition } from '../store/condition.ts'
import type { MeterInput } from './definition.ts'
import type { ExampleEvent, LibraryEntry } from './library.ts'
import { standardEntry } from './library-traffic.ts'
import { clientLeg, sent, traffic } from './standard.ts'

const visit: ExampleEvent = {
  kind: 'http_request',
  account: 'acme',
  endpoint: 'shop.example.com',
  bytes_out_wire: 1_480,
}
const anyBytes: Condition = {
  operator: 'any_above_zero',
  fields: ['bytes_out_wire', 'bytes_out_body', 'bytes_in_wire', 'bytes_in_body'],
}
const namedEndpoint: Condition = { field: 'endpoint', operator: 'known' }

type HourMeter = Pick<MeterInput, 'key' | 'name'> & { readonly field: 'endpoint' | 'attributes.certificate' }

function activeHours({ key, name, field }: HourMeter, filter: readonly Condition[]): MeterInput {
  const aggregation = { kind: 'active_hours', field } as const
  return { key, name, unit: 'hours', aggregation, filter: [traffic, clientLeg, ...filter], group_by: [field, 'region'] }
}

const traffics = 'http_request, tcp_connection or tls_connection'

export const hourEntries: readonly LibraryEntry[] = [
  standardEntry(
    'active_endpoint_hours',
    'One unit is one endpoint in one clock hour in which something was sent to its visitors.',
    `${traffics} with endpoint, and bytes_out_wire or bytes_out_body.`,
  ),
  {
    meter: activeHours({ key: 'public_endpoint_hours', name: 'Active hours of public endpoints', field: 'endpoint' }, [
      sent,
      namedEndpoint,
      { field: 'attributes.endpoint_type', operator: 'in', values: ['branded', 'custom', 'tcp'] },
    ]),
    about:
      'Active endpoint hours of endpoints that are sold, TCP addresses among them: internal endpoints and development ' +
      'domains do not count, and neither does an endpoint whose type is not known. Members of a pool are not told apart: they ' +
      'are one endpoint.',
    needs: `${traffics} with endpoint, bytes sent, and attributes.endpoint_type: branded, custom, tcp, internal or dev.`,
    example: { ...visit, attributes: { endpoint_type: 'custom' } },
    isStandard: false,
  },
  {
    meter: activeHours(
      { key: 'certificate_hours', name: 'Active hours of own certificates', field: 'attributes.certificate' },
      [sent, { field: 'attributes.certificate', operator: 'known' }],
    ),
    about:
      'One unit is one certificate in one clock hour in which at least one endpoint that uses it sent something. Ten endpoints ' +
      'of one certificate are one.',
    needs: `${traffics} with bytes sent, and attributes.certificate where the endpoint has a certificate of the customer.`,
    example: { ...visit, attributes: { certificate: 'cert_2f9a' } },
    isStandard: false,
  },
  {
    meter: activeHours(
      { key: 'pinned_endpoint_hours', name: 'Hours of endpoints pinned to a region', field: 'endpoint' },
      [anyBytes, namedEndpoint, { field: 'attributes.pinned', operator: 'in', values: ['true'] }],
    ),
    about:
      'One unit is one pinned endpoint in one clock hour in which a byte went in or out: for pinning, an hour in which it ' +
      'only received something is active too. Records of connections that were idle make no hour active.',
    needs: `${traffics} with endpoint, bytes sent or received, and attributes.pinned "true".`,
    example: { ...visit, bytes_in_wire: 300, attributes: { pinned: 'true' } },
    isStandard: false,
  },
]
