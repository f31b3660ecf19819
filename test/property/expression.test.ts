import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { divide, exact, formatExact, larger, smaller, sum, zero } from '../../src/core/exact.ts'
import type { Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { tryMeter } from '../../src/app/meter-trial.ts'
import type { AggregationInput } from '../../src/meter/definition-aggregation.ts'
import { parseMeter, readStoredMeter } from '../../src/meter/definition.ts'
import { formatExpression } from '../../src/meter/expression-text.ts'
import { evaluate } from '../../src/meter/expression-value.ts'
import { parseExpression } from '../../src/meter/expression.ts'
import { Parameters, conditionSql } from '../../src/store/condition.ts'
import type { Condition, Dimension } from '../../src/store/condition.ts'
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

const plain = { key: 'plain', name: 'Plain', unit: 'things', group_by: ['endpoint', 'attributes.u'] as const }

/** About 250 characters of a statement for each attribute, written twice by each `least`. */
const nested = (depth: number): string =>
  Array.from({ length: depth }).reduce<string>((inner) => `least(number(attributes.u),${inner})`, 'status')

describe('expressions', () => {
  /** A definition is taken, and each of its statements is computed. */
  async function computed(aggregation: AggregationInput): Promise<void> {
    const parsed = parseMeter({ ...plain, aggregation }, 1)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    await tryMeter(pipeline.engine, parsed.value)
  }

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

  test('L12: the deepest and the heaviest expressions that people may write are computed', async () => {
    const deep = 'if(status>1,1,'.repeat(38) + '2' + ')'.repeat(38)
    const signs = `1${'+-bytes_in_body'.repeat(38)}`
    const wide = `least(${Array.from({ length: 38 }, () => 'number(attributes.units)').join(',')})`
    // Each one is written twice in the next.
    const heavy = Array.from({ length: 8 }).reduce<string>((inner) => `least(asn,${inner})`, 'status')
    for (const text of [deep, signs, wide, heavy]) {
      const parsed = parseExpression(text)
      if (!parsed.ok) throw new Error(parsed.error.join())
      const parameters = new Parameters()
      const rows = await pipeline.engine.query<{ value: string | null }>(
        `SELECT toString(${expressionSql(parsed.value, parameters).sql}) AS value FROM fact ORDER BY offset`,
        parameters.values,
      )
      for (const [index, event] of drawn.entries()) {
        const wanted = evaluate(parsed.value, factOf(event))
        const got = rows[index]?.value ?? null
        expect(got === null ? null : formatExact(exact(got)), text).toBe(wanted === null ? null : formatExact(wanted))
      }
    }
    // The statements that are really asked; `latest` writes its expression the most often.
    const attributes = nested(5)
    for (const value of [deep, heavy, attributes]) await computed({ kind: 'latest', value })
    await computed({ kind: 'level', value: attributes, mode: 'change', per: 'hour' })
    const half = { kind: 'percentile', percent: '95', interval: 'hour', direction: 'higher', combine: 'after' } as const
    await computed({ ...half, in: attributes, out: 'bytes_out_wire' })
    const doubled = Array.from({ length: 12 }).reduce<string>((inner) => `least(asn,${inner})`, 'status')
    expect(parseExpression(doubled)).toEqual({ ok: false, error: [expect.stringContaining('too large')] })
  })

  test('L12: what would be too long a statement is no definition, and is not computed if it were one', async () => {
    const value = nested(8)
    const message: unknown = expect.stringContaining('too large')
    for (const aggregation of [
      { kind: 'latest', value },
      { kind: 'percentile', percent: '95', interval: 'hour', direction: 'sum', in: nested(6), out: nested(6) },
    ] as const)
      expect(parseMeter({ ...plain, aggregation }, 1)).toMatchObject({ ok: false, error: [{ message }] })
    const half = { kind: 'percentile', percent: '95', interval: 'hour', direction: 'sum', in: nested(6) } as const
    expect(parseMeter({ ...plain, aggregation: half }, 1).ok).toBe(true)
    const stored = readStoredMeter({ ...plain, aggregation: { kind: 'latest', value } }, 1)
    if (!stored.ok) throw new Error('what was stored once is read')
    await expect(tryMeter(pipeline.engine, stored.value)).rejects.toThrow('cannot be computed by the event store')
  })

  // Plain code for each operator, over texts and big integers.
  test.each<readonly [Condition, (fact: (field: Dimension) => string | null) => boolean]>([
    [
      { operator: 'in', field: 'method', values: ["it's", 'GET'] },
      (fact) => ["it's", 'GET'].includes(fact('method') ?? ''),
    ],
    [
      { operator: 'not_in', field: 'attributes.units', values: ['7', ''] },
      (fact) => fact('attributes.units') !== null && !['7', ''].includes(fact('attributes.units') ?? ''),
    ],
    [{ operator: 'in', field: 'status', values: ['500', '0'] }, (fact) => ['500', '0'].includes(fact('status') ?? '')],
    [{ operator: 'known', field: 'attributes.a.b' }, (fact) => fact('attributes.a.b') !== null],
    [{ operator: 'known', field: 'asn' }, (fact) => fact('asn') !== null],
    [
      { operator: 'above', field: 'bytes_out_wire', value: '128' },
      (fact) => BigInt(fact('bytes_out_wire') ?? 0) > 128n,
    ],
    [
      { operator: 'between', field: 'status', min: '499', max: '500' },
      (fact) => ['499', '500'].includes(fact('status') ?? ''),
    ],
    [
      { operator: 'between', field: 'bytes_in_wire', min: '0', max: '18446744073709551614' },
      (fact) => fact('bytes_in_wire') !== null && fact('bytes_in_wire') !== '18446744073709551615',
    ],
    [
      { operator: 'between', field: 'quantity', min: '7', max: '99999999999999999999999999999999999999' },
      (fact) => ['7', '999999999999999999999999999999.999999999999999999'].includes(fact('quantity') ?? ''),
    ],
    [
      { operator: 'any_above_zero', fields: ['bytes_out_wire', 'quantity'] },
      (fact) =>
        [fact('bytes_out_wire'), fact('quantity')].some(
          (text) => text !== null && /[1-9]/.test(text) && !text.startsWith('-'),
        ),
    ],
  ])('%j meets the events that plain code finds', async (condition, meets) => {
    const parameters = new Parameters()
    const rows = await pipeline.engine.query<{ met: number }>(
      `SELECT ${conditionSql(condition, parameters)} AS met FROM fact ORDER BY offset`,
      parameters.values,
    )
    const wanted = drawn.map((event) => (meets(factOf(event)) ? 1 : 0))
    expect(rows.map(({ met }) => met)).toEqual(wanted)
    expect(new Set(wanted).size).toBe(2)
  })

  test('L4 property: what is measured of them is exact', async () => {
    const period = { from: start, to: (start + hourMicros) as Micros }
    const kinds = ['sum', 'min', 'max', 'average', 'latest'] as const
    await fc.assert(
      fc.asyncProperty(computable, fc.constantFrom(...kinds), async (value, kind) => {
        const values = drawn.map((event) => evaluate(value, factOf(event)))
        const known = values.filter((one) => one !== null)
        const [row] = await askFacts(pipeline.engine, {
          scope: { kind: 'operator', question: 'usage_of_all' },
          period,
          below,
          conditions: [],
          starts: [start],
          measure: { kind, value },
          dimensions: [],
        })
        const about = `${kind} ${formatExpression(value)}`
        expect(row?.missing, about).toBe(String(values.length - known.length))
        // There is no smallest, newest or average of nothing.
        if (known.length === 0 && kind !== 'sum') {
          expect(row?.quantity, about).toBeNull()
          return
        }
        const wanted = {
          sum: sum(known),
          average: known.length === 0 ? zero : divide(sum(known), exact(BigInt(known.length))),
          min: known.reduce((a, b) => smaller(a, b), known[0] ?? zero),
          max: known.reduce((a, b) => larger(a, b), known[0] ?? zero),
          latest: known.at(-1) ?? zero,
        }[kind]
        const got = divide(exact(row?.quantity ?? ''), exact(row?.divisor ?? ''))
        expect(formatExact(got), about).toBe(formatExact(wanted))
      }),
      { numRuns: 60 },
    )
  })
})
