import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { parseRateRequest, rate } from '../../price/calculator/rate.ts'
import type { RateAnswer } from '../../price/calculator/rate.ts'
import { namedExamples, rateAnswerSchema, rateRequestSchema } from './rate-schema.ts'
import type { Server } from './routes.ts'

/** Read by `parseRateRequest`, which tells all problems at once. */
const body = z.unknown().meta({ ...rateRequestSchema, 'x-examples': namedExamples('request') })
const answer = z.unknown().meta({ ...rateAnswerSchema, 'x-examples': namedExamples('answer') })

/** The calculator that touches no state: every price model and modifier, lines over lines, totals. */
export function addRateRoutes(server: Server): void {
  server.post(
    '/v1/rate',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'What usage would cost, and why; no state is touched', body, response: { 200: answer } },
    },
    (request): RateAnswer => {
      const parsed = parseRateRequest(request.body)
      if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the request has problems', { problems: parsed.error })
      return rate(parsed.value)
    },
  )
}
