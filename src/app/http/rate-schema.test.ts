import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { overLinesKinds } from '../../price/model/over-lines.ts'
import { unitModelKinds } from '../../price/model/model.ts'
import { parseRateRequest, rate } from '../../price/calculator/rate.ts'
import { rateAnswerSchema, rateExamples, rateRequestSchema } from './rate-schema.ts'

const request = z.fromJSONSchema(rateRequestSchema)
const answer = z.fromJSONSchema(rateAnswerSchema)

describe('the documentation of POST /v1/rate', () => {
  test.each(rateExamples)('$name: the example is answered as documented, and both fit the schema', (example) => {
    const parsed = parseRateRequest(structuredClone(example.request))
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    const rated: unknown = JSON.parse(JSON.stringify(rate(parsed.value)))
    expect(rated).toMatchObject(example.answer)
    expect(request.safeParse(example.request).error).toBeUndefined()
    expect(answer.safeParse(rated).error).toBeUndefined()
  })

  test('has an example of every model, by its name', () => {
    const names = rateExamples.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([...unitModelKinds, 'matrix', ...overLinesKinds]))
    expect(new Set(names).size).toBe(names.length)
  })

  test('the schema refuses what the parser refuses', () => {
    const price = { model: { kind: 'per_unit', unit_amount: '1' } }
    for (const body of [
      {},
      { currency: 'XXX', price, quantity: '1' },
      { currency: 'USD', price, quantity: 1 },
      { currency: 'USD', price, quantity: '1', colour: 'red' },
      { currency: 'USD', price: { model: { kind: 'unknown' } }, quantity: '1' },
      { currency: 'USD', price: { model: { kind: 'graduated', tiers: [] } }, quantity: '1' },
    ]) {
      expect(parseRateRequest(body).ok).toBe(false)
      expect(request.safeParse(body).success).toBe(false)
    }
  })
})
