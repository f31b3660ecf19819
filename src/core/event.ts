/**
 * The canonical event, as it travels: flat JSON, one table of fields. From this table come the parser at
 * the door (ingest), the JSON schema in /openapi.json, and the order of the columns in the log and the store.
 *
 * Facts carry no personal data and live for years. Inspection fields are for looking into traffic; they
 * live in a table of their own and can be erased without changing a cent (DESIGN §7).
 */

export const eventKinds = ['http_request', 'tcp_connection', 'tls_connection', 'session', 'usage', 'counter'] as const
export type EventKind = (typeof eventKinds)[number]

/** `interim`: a record of a connection that is still open; it carries bytes, and is not one more connection. */
export const eventPhases = ['start', 'interim', 'final'] as const
export type EventPhase = (typeof eventPhases)[number]

/** Which side of the edge the bytes were on: the visitor's, or the customer's agent behind it. */
export const legs = ['client', 'agent'] as const

export const limits = {
  /** Fact texts that are longer are refused: cutting an identity would merge two things into one. */
  textLengthMax: 255,
  attributesMax: 32,
  attributeKeyLengthMax: 64,
  attributeValueLengthMax: 255,
  /** Inspection texts that are longer are cut, because a long URL must not cost a billable event. */
  inspectionTextLengthMax: 8_192,
  quantityIntegerDigitsMax: 30,
  quantityFractionDigitsMax: 18,
} as const

/** How a field is read and what it looks like in the schema. */
export type FieldType =
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'instant' }
  | { readonly kind: 'key' }
  /** Unsigned 64-bit integer; travels as a JSON integer or, beyond 2^53, as a decimal string. */
  | { readonly kind: 'count' }
  | { readonly kind: 'status' }
  | { readonly kind: 'decimal' }
  | { readonly kind: 'attributes' }
  | { readonly kind: 'inspection' }

export interface EventField {
  readonly name: string
  readonly type: FieldType
  readonly about: string
}

const text: FieldType = { kind: 'text' }
const count: FieldType = { kind: 'count' }

/** Facts, in the order of the log's fact array and of the store's columns. Append only: the order is a format. */
export const factFields = [
  { name: 'source', type: text, about: 'Who emitted the event. With id (or seq) it is the identity. Required.' },
  { name: 'id', type: text, about: 'Identity within the source. Required unless seq is given.' },
  { name: 'epoch', type: text, about: 'Names one numbering of the source; a new one starts again at seq 1.' },
  {
    name: 'seq',
    type: count,
    about: 'Number within source and epoch, from 1 without holes. Numbered events may be of any age.',
  },
  { name: 'kind', type: { kind: 'choice', of: eventKinds }, about: 'What happened. Required.' },
  {
    name: 'phase',
    type: { kind: 'choice', of: eventPhases },
    about:
      'interim: the connection goes on; start and interim are not counted as requests or connections. Default final.',
  },
  {
    name: 'time',
    type: { kind: 'instant' },
    about: 'When it happened, RFC 3339 with zone, kept to the microsecond. Required.',
  },
  { name: 'recorded_time', type: { kind: 'instant' }, about: 'When the source wrote it down, if that differs.' },
  {
    name: 'account',
    type: { kind: 'key' },
    about:
      'Key of the account, where the sender knows it. Otherwise the endpoint’s owner at that time, or unattributed.',
  },
  { name: 'endpoint', type: text, about: 'What received the traffic: host name, address, domain.' },
  { name: 'session', type: text, about: 'Id of the connection or agent session that the event belongs to.' },
  { name: 'protocol', type: text, about: 'Such as HTTP/1.1, h2, tcp.' },
  { name: 'region', type: text, about: 'Point of presence or region that served it.' },
  {
    name: 'leg',
    type: { kind: 'choice', of: legs },
    about: 'Which side of the edge the bytes were on. Default client.',
  },
  { name: 'method', type: text, about: 'HTTP method, upper case.' },
  { name: 'status', type: { kind: 'status' }, about: 'HTTP status, 0 to 999.' },
  { name: 'bytes_out_wire', type: count, about: 'Bytes sent to the visitor, headers included.' },
  { name: 'bytes_out_body', type: count, about: 'Bytes sent to the visitor, body only.' },
  { name: 'bytes_in_wire', type: count, about: 'Bytes received from the visitor, headers included.' },
  { name: 'bytes_in_body', type: count, about: 'Bytes received from the visitor, body only.' },
  { name: 'duration_us', type: count, about: 'How long it took, in microseconds.' },
  { name: 'name', type: text, about: 'kind usage: what is measured. kind counter: what the counter counts.' },
  { name: 'quantity', type: { kind: 'decimal' }, about: 'kind usage: how much, as a decimal string.' },
  {
    name: 'attributes',
    type: { kind: 'attributes' },
    about: 'Your own dimensions, text to text, to filter and group by.',
  },
  { name: 'value', type: count, about: 'kind counter: what the counter showed at that time; it only grows.' },
  {
    name: 'started',
    type: { kind: 'instant' },
    about: 'kind counter: since when it counts. Another one than before says that it began again from 0.',
  },
  { name: 'client', type: text, about: 'Software at the other end, such as the agent’s name.' },
  { name: 'client_version', type: text, about: 'Version of that software.' },
  {
    name: 'country',
    type: text,
    about: 'Where the visitor’s address is located, ISO 3166-1 alpha-2. Looked up from client_address when absent.',
  },
  { name: 'asn', type: count, about: 'Autonomous system of the visitor’s address. Looked up when absent.' },
  {
    name: 'ip_categories',
    type: text,
    about: 'Most specific categories of the visitor’s address, sorted, separated by spaces. Looked up when absent.',
  },
  {
    name: 'ip_version',
    type: text,
    about: 'Version of the IP metadata that said so; given together with what the sender says itself.',
  },
] as const satisfies readonly EventField[]

/**
 * A fact array ends at the first of these lengths after which no field is given, so that an event keeps its canonical
 * form, and its hash, when fields are added to the table. Append only, like the table.
 */
export const factLengths = [24, 26, 32] as const

const inspection: FieldType = { kind: 'inspection' }

/** Inspection, in the order of the log's inspection array and of the store's columns. Append only. */
export const inspectionFields = [
  { name: 'client_address', type: inspection, about: 'Address of the visitor.' },
  { name: 'path', type: inspection, about: 'Request target: path and query.' },
  { name: 'user_agent', type: inspection, about: 'User agent as sent.' },
  { name: 'referer', type: inspection, about: 'Referer as sent.' },
] as const satisfies readonly EventField[]

export type FactName = (typeof factFields)[number]['name']
export type InspectionName = (typeof inspectionFields)[number]['name']

/** What a sender writes: an integer, or a decimal string where JSON numbers would lose digits. */
export type WireCount = number | string

/** An event on the wire. Absent and null mean the same: not known, which is not zero (L13). */
export interface EventInput {
  source: string
  id?: string
  epoch?: string
  seq?: WireCount
  kind: EventKind
  phase?: EventPhase
  time: string
  recorded_time?: string
  account?: string
  endpoint?: string
  session?: string
  protocol?: string
  region?: string
  leg?: (typeof legs)[number]
  method?: string
  status?: number
  bytes_out_wire?: WireCount
  bytes_out_body?: WireCount
  bytes_in_wire?: WireCount
  bytes_in_body?: WireCount
  duration_us?: WireCount
  name?: string
  quantity?: string
  attributes?: Record<string, string>
  value?: WireCount
  started?: string
  client?: string
  client_version?: string
  country?: string
  asn?: WireCount
  ip_categories?: string
  ip_version?: string
  client_address?: string
  path?: string
  user_agent?: string
  referer?: string
}

/**
 * What a collector sends in the place of an event that it could not read: the line keeps its number, so
 * the source has no hole, and lands in quarantine with its reason.
 */
export interface UnreadableInput {
  source: string
  epoch?: string
  seq: WireCount
  unreadable: { message: string; line: string }
}
