import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementsOf } from './elements.ts'

/** The values of a document by way of the split, or null when it is not JSON. */
function split(text: string): unknown[] | null {
  const values: unknown[] = []
  const elements = elementsOf(text)
  for (;;) {
    const { done, value } = elements.next()
    if (done === true) return value === 'complete' ? values : null
    try {
      values.push(JSON.parse(value))
    } catch {
      return null
    }
  }
}

/** The same by parsing it whole. */
function whole(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : [value]
  } catch {
    return null
  }
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const json = fc.oneof(
  fc.json(),
  fc.jsonValue().map((value) => JSON.stringify(value, null, 1)),
)
const array = fc
  .tuple(fc.array(fc.tuple(space, json, space)), space, space)
  .map(([items, before, after]) => `${before}[${items.map((parts) => parts.join('')).join(',')}]${after}`)
const broken = fc
  .tuple(fc.oneof(json, array), fc.nat(), fc.nat(3), fc.stringMatching(/^[[\]{}",:\\ a0]{0,3}$/))
  .map(([text, at, removed, added]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + added + text.slice(place + removed)
  })

describe('a document split into its elements', () => {
  test('property: the same values as parsing it whole, and broken exactly when it is', () => {
    fc.assert(
      fc.property(fc.oneof(json, array, broken), (text) => {
        expect(split(text)).toEqual(whole(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    '',
    ' ',
    '[',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[]]',
    '[] 1',
    '{}{}',
    '{"a":1]',
    '["a\\"]',
    '1 2',
    '[1 2]',
  ])('broken: %j', (text) => {
    expect(split(text)).toBeNull()
  })

  test('each element is its own text, as it was written', () => {
    expect([...elementsOf(' [ 1.0 , "a,]\\"" ,{"b":[1, 2]} ] ')]).toEqual(['1.0', '"a,]\\""', '{"b":[1, 2]}'])
  })
})
