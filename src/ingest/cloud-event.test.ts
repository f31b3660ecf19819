import { describe, expect, test } from 'vitest'
import type { Offset } from '../core/ids.ts'
import type { Arrival, Outcome } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import { structuredForm } from './cloud-event.ts'
import { receive } from './receive.ts'

const now = (Date.UTC(2026, 9, 15) * 1000) as Micros
const envelope = {
  specversion: '1.0',
  type: 'com.example.http_request',
  source: '/edge/fra',
  id: 'a',
  time: '2026-10-14T10:00:00Z',
}

/** Through the real door, with a log that takes everything. */
async function send(body: string, contentType: string, boundTo: string | null = null) {
  let arrivals: readonly Arrival[] = []
  const receipt = await receive(Buffer.from(body), contentType, {
    now,
    ownerAt: () => null,
    boundTo: boundTo as never,
    sender: 'test',
    append: (given) => {
      arrivals = given
      const outcomes = given.map(({ kind }, index): Outcome =>
        kind === 'event' ? { kind: 'accepted', offset: index as Offset } : { kind: 'held' },
      )
      return Promise.resolve({ batch: 0, outcomes })
    },
  })
  return { receipt, arrivals }
}

const one = (event: object | string) =>
  send(typeof event === 'string' ? event : JSON.stringify(event), 'application/cloudevents+json; charset=utf-8')

describe('CloudEvents 1.0', () => {
  test('an event in an envelope is the same event as one without, to the byte', async () => {
    const data = '{"account":"acme","bytes_out_wire":9007199254740993,"status":200}'
    const wrapped = await one(
      `${JSON.stringify({ ...envelope, subject: 's', traceparent: 't' }).slice(0, -1)},"data":${data}}`,
    )
    const plain = `{"source":"/edge/fra","id":"a","time":"2026-10-14T10:00:00Z","kind":"http_request",${data.slice(1)}`
    const bare = await send(plain, 'application/json')
    expect(wrapped.receipt).toMatchObject({ received: 1, accepted: 1 })
    expect(wrapped.arrivals).toEqual(bare.arrivals)
    const [arrival] = wrapped.arrivals
    expect(arrival?.kind === 'event' && arrival.event.fact).toContain('"9007199254740993"')
  })

  test('binary mode is the same event: attributes in headers, data in the body, to the byte', async () => {
    const data = '{"account":"acme","bytes_out_wire":9007199254740993,"quantity":0.10}'
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-type': 'com.example.http_request',
      'ce-source': '/edge/z%C3%BCrich',
      'ce-id': 'a',
      'ce-time': '2026-10-14T10:00:00Z',
    }
    const structured = structuredForm(headers, Buffer.from(data))
    const binary = await send(structured?.toString() ?? '', 'application/cloudevents+json')
    const plain = `{"source":"/edge/zürich","id":"a","time":"2026-10-14T10:00:00Z","kind":"http_request",${data.slice(1)}`
    expect(binary.arrivals).toEqual((await send(plain, 'application/json')).arrivals)
    expect(binary.receipt.accepted).toBe(1)
    expect(structuredForm({ ...headers, 'ce-sampledrate': '1' }, Buffer.from(data))?.toString()).toContain(
      '"sampledrate":1,',
    )
    expect(structuredForm({ 'content-type': 'application/json' }, Buffer.from(data))).toBeNull()
    expect(structuredForm(headers, Buffer.from('{}, "id": "b"'))).toBeNull()
    // Bytes that are no UTF-8 would become other characters, and the event another one.
    const foreign = Buffer.from('{"account":"acm\xe9"}', 'latin1')
    expect(structuredForm(headers, foreign)).toBeNull()
  })

  test('a batch is one event after the other; a bad one does not cost its neighbours', async () => {
    const batch = [
      { ...envelope, data: {} },
      { ...envelope, id: 'b', specversion: '0.3', data: {} },
      { ...envelope, id: 'c', sampledrate: 10, data: {} },
      { ...envelope, id: 'd', data: { kind: 'usage', name: 'tokens', quantity: 0.1 } },
      { ...envelope, id: 'e', data: { source: 'other' } },
      { ...envelope, id: 'f', type: 'unheard.of', data: {} },
      { ...envelope, id: 'g', data: 'text' },
    ]
    const { receipt } = await send(JSON.stringify(batch), 'application/cloudevents-batch+json')
    expect(receipt).toMatchObject({ received: 7, accepted: 2, quarantined: 5 })
    expect(receipt.results.map(({ index, code, field }) => [index, code, field])).toEqual([
      [1, 'EVENT_FIELD_INVALID', 'specversion'],
      [2, 'EVENT_FIELD_INVALID', 'sampledrate'],
      [4, 'EVENT_FIELD_INVALID', 'data.source'],
      [5, 'EVENT_FIELD_MISSING', 'kind'],
      [6, 'EVENT_FIELD_INVALID', 'data'],
    ])
  })

  test('a key that is bound to an account stays in it, in an envelope too (L11)', async () => {
    const { arrivals } = await send(
      JSON.stringify({ ...envelope, data: { account: 'globex' } }),
      'application/cloudevents+json',
      'acme',
    )
    const [arrival] = arrivals
    expect(arrival?.kind === 'event' && [arrival.event.account, arrival.event.source]).toEqual([
      'acme',
      'acme~/edge/fra',
    ])
  })
})
