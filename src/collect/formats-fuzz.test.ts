import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { formatNames, formats } from './formats.ts'

/** What the readers look for, in all the wrong places. */
const oddPieces = (
  '" | |\t|- |[|]|{|}|:|,|/|#Fields: |#Fields: date time sc-bytes|\\x|%25|::|1|null|0/0/0/0/0 |2026|1e5|' +
  '{"resourceLogs":[|"attributes":[{"key":"a","value":{"arrayValue":null}}]|' +
  '192.0.2.1:1 [06/Feb/2026:12:14:14.655] a b/c | - - [17/May/2015:10:05:03 +0000] "'
).split('|')

describe('every format', () => {
  test('any text is read or refused, and neither throws nor takes long', () => {
    const pieces = fc.constantFrom(...oddPieces)
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.tuple(pieces, fc.nat(30_000)).map(([piece, times]) => piece.repeat(times)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...formatNames), fc.array(text, { maxLength: 4 }), (format, lines) => {
        const reader = formats[format].reader([], { timeZone: 'UTC' })
        for (const line of lines) for (const entry of reader.entriesOf?.(line) ?? [line]) reader(entry)
      }),
      { numRuns: 1_500 },
    )
  })
})
