import { describe, expect, test } from 'vitest'
import { ndjsonReader } from './ndjson.ts'

const read = ndjsonReader([])

function bodyOf(line: string, reader = read) {
  const found = reader(line)
  if (!found.ok) throw new Error(found.error)
  return JSON.parse(JSON.stringify(found.value.body)) as Record<string, unknown>
}

describe('ndjson', () => {
  test('an event passes as it is, with its time in UTC and all digits of its numbers', () => {
    expect(
      bodyOf(
        '{"kind":"usage","time":"2026-08-01T12:00:00+02:00","name":"gpu","quantity":0.10,"bytes_out_wire":18446744073709551615,"status":200,"attributes":{"a":"b"}}',
      ),
    ).toEqual({
      kind: 'usage',
      time: '2026-08-01T10:00:00Z',
      name: 'gpu',
      quantity: '0.1',
      bytes_out_wire: '18446744073709551615',
      status: 200,
      attributes: { a: 'b' },
    })
  })

  test('only a whole identity of its own is kept', () => {
    const time = '"time":"2026-08-01T10:00:00Z"'
    expect(bodyOf(`{"source":"edge-1","id":"a",${time}}`)).toMatchObject({ source: 'edge-1', id: 'a' })
    expect(bodyOf(`{"source":"edge-1","seq":7,"epoch":"2",${time}}`)).toMatchObject({
      source: 'edge-1',
      seq: 7,
      epoch: '2',
    })
    for (const half of [
      '"source":"edge-1"',
      '"source":"","id":"a"',
      '"source":"edge-1","id":""',
      '"source":null,"seq":7',
      '"seq":7,"epoch":"2"',
    ]) {
      const body = bodyOf(`{${half},${time}}`)
      expect([body['source'], body['seq'], body['epoch']]).toEqual([undefined, undefined, undefined])
    }
    expect(bodyOf(`{"id":"a",${time}}`)).toMatchObject({ id: 'a' })
  })

  test('what is wrong with an event is for the service to say', () => {
    expect(bodyOf('{"time":"soon","bytes_out_wire":-1,"colour":"red"}')).toEqual({
      time: 'soon',
      bytes_out_wire: -1,
      colour: 'red',
    })
    expect(bodyOf('{}')).toEqual({})
    expect([read('{'), read('[]'), read('7')].map(({ ok }) => ok)).toEqual([false, false, false])
  })

  test('names can be mapped', () => {
    const mapped = ndjsonReader([
      { field: 'time', name: 'ts' },
      { field: 'account', name: 'tenant.key' },
      { field: 'bytes_out_body', name: 'bytes_out_wire' },
    ])
    expect(bodyOf('{"ts":1785578400,"tenant":{"key":"acme"},"bytes_out_wire":5}', mapped)).toEqual({
      time: '2026-08-01T10:00:00Z',
      tenant: { key: 'acme' },
      account: 'acme',
      bytes_out_wire: 5,
      bytes_out_body: 5,
    })
  })

  test('long texts for inspection are cut', () => {
    expect(bodyOf(JSON.stringify({ path: 'p'.repeat(10_000) }))['path']).toBe('p'.repeat(8_192))
  })
})
