import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exact, formatExact, sum } from '../../src/core/exact.ts'
import type { Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { formatExpression } from '../../src/meter/expression-text.ts'
import { evaluate } from '../../src/meter/expression-value.ts'
import { parseExpression } from '../../src/meter/expression.ts'
import { Parameters } from '../../src/store/condition.ts'
import { expressionSql } from '../../src/store/expression.ts'
import { checkRange } from '../../src/store/expression-range.ts'
import { askFacts } from '../../src/store/query.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { drawnEvent, drawnExpression, factOf, inputOf } from '../support/expressions.ts'
import type { DrawnEvent } from '../support/expressions.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const start = (Date.UTC(2026, 9, 15) * 1000) as Micros
const events = 10n ** 13n
/** Those that a definition may have: nothing of them can wrap around, however many events there are (L4). */
const computable = drawnExpression.filter((expression) => checkRange(expression, events) === null)

describe('expressions', () => {
  let pipeline: Pipeline
  const drawn: DrawnEvent[] = fc.sample(drawnEvent, { numRuns: 120, seed: 20_261_015 })
  let below: Offset

  beforeAll(async () => {
    pipeline = await openPipeline()
    const { log, projection } = await pipeline.fresh()
    const arrivals = drawn.map((event, index) =>
      arrivalOf({ ...inputOf(event), seq: index + 1, time: formatInstant((start + index) as Micros) }),
    )
    expect(arrivals.filter(({ kind }) => kind !== 'event')).toEqual([])
    await log.append(arrivals, testNow)
    await projection.catchUp()
    below = projection.position()
  })
  afterAll(() => pipeline.close())

  test('property: what is written as text and read again is the same expression', () => {
    fc.assert(
      fc.property(drawnExpression, (expression) => {
        const text = formatExpression(expression)
        const read = parseExpression(text)
        // A drawn one may be longer than what people may write.
        if (!read.ok) expect(read.error.join()).toMatch(/characters|parts within each other|too large|decimals/)
        else expect(read.value, text).toEqual(expression)
      }),
      { numRuns: 300 },
    )
  })

  test('L4 property: the store computes what plain code does, with absent values and the largest ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(computable, { minLength: 20, maxLength: 20 }), async (expressions) => {
        const parameters = new Parameters()
        const columns = expressions.map(
          (expression, index) => `toString(${expressionSql(expression, parameters).sql}) AS e${index}`,
        )
        const rows = await pipeline.engine.query<Record<string, string | null>>(
          `SELECT ${columns.join(', ')} FROM fact ORDER BY offset`,
          parameters.values,
        )
        expect(rows.length).toBe(drawn.length)
        for (const [index, event] of drawn.entries()) {
          for (const [at, expression] of expressions.entries()) {
            const wanted = evaluate(expression, factOf(event))
            const got = rows[index]?.[`e${at}`] ?? null
            const about = `${formatExpression(expression)} of ${JSON.stringify(event)}`
            expect(got === null ? null : formatExact(exact(got)), about).toBe(
              wanted === null ? null : formatExact(wanted),
            )
          }
        }
      }),
      { numRuns: 12 },
    )
  })

  test('L4 property: sums of them are exact', async () => {
    const period = { from: start, to: (start + hourMicros) as Micros }
    await fc.assert(
      fc.asyncProperty(computable, async (value) => {
        const values = drawn.map((event) => evaluate(value, factOf(event)))
        const known = values.filter((one) => one !== null)
        const [row] = await askFacts(pipeline.engine, {
          scope: { kind: 'operator', question: 'usage_of_all' },
          period,
          below,
          conditions: [],
          starts: [start],
          measure: { kind: 'sum', value },
          dimensions: [],
        })
        expect(formatExact(exact(row?.quantity ?? '')), formatExpression(value)).toBe(formatExact(sum(known)))
        expect(row?.missing).toBe(String(values.length - known.length))
      }),
      { numRuns: 25 },
    )
  })
})
