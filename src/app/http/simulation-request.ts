import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import { isKey } from '../../core/ids.ts'
import type { PlanKey } from '../../core/ids.ts'
import { isCurrency } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { formatInstant, hourMicros } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { billingPeriod } from '../../invoice/billing-period.ts'
import { checkMeters } from '../../price/book/plan-catalogue.ts'
import type { PlanVersion } from '../../price/plan.ts'
import type { PriceBook } from '../../price/book/price-book.ts'
import { parsePriceBook } from '../../price/book/price-book-file.ts'
import { nouns } from '../../price/book/price-book-import.ts'
import { loadPriceBook } from '../../price/book/price-book-load.ts'
import { supposeBook, withNumbers } from '../../price/simulation/simulation-book.ts'
import type { SupposedBook, SupposedVersion } from '../../price/simulation/simulation-book.ts'
import { limits as simulated } from '../../price/simulation/simulation.ts'
import type { Service } from '../service.ts'
import { limits as run } from '../simulation.ts'
import type { SimulationQuestion } from '../simulation.ts'
import { bookExample } from './prices-schema.ts'

export const limits = { listMax: 1_000 } as const

const plan = z.string().refine(isKey, 'is not the key of a plan')
const currency = z.string().refine(isCurrency, 'is not the code of a currency that is priced in')

/** Which of the accounts' records are sent besides the summary. */
export const rowChoices = ['all', 'changed', 'none'] as const

export const simulationBody = z.strictObject({
  months: z
    .array(z.string())
    .min(1)
    .max(run.monthsMax)
    .meta({ description: 'calendar months such as 2026-10, each in the time zone of each account' }),
  book: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description:
        'what is different: a price book as GET /v1/prices answers it, or a part of one. A version without a number is the next one; a published version may be written otherwise, for this simulation only',
      examples: [bookExample],
    }),
  takes_effect: z.enum(['from_the_start', 'as_stated']).default('from_the_start').meta({
    description:
      'from_the_start: what the book changes holds in all of the months, whenever it says it takes effect; as_stated: from when it says',
  }),
  assign: z
    .record(plan, plan)
    .optional()
    .meta({
      description: 'accounts of a plan as if they had been under another',
      examples: [{ hobbyist: 'pay-as-you-go' }],
    }),
  accounts: z.array(z.string()).min(1).max(limits.listMax).optional().meta({ description: 'only these accounts' }),
  plans: z
    .array(plan)
    .min(1)
    .max(limits.listMax)
    .optional()
    .meta({ description: 'only accounts that are under one of these plans at the end of one of the months' }),
  currencies: z.array(currency).min(1).optional().meta({ description: 'only accounts that are billed in these' }),
  rows: z
    .enum(rowChoices)
    .default('all')
    .meta({ description: 'which accounts have a record of their own; the summary is about all of them' }),
  named: z
    .number()
    .int()
    .min(0)
    .max(simulated.namedMax)
    .default(20)
    .meta({ description: 'so many accounts are named in the summary that pay most more, and most less' }),
})
export type SimulationBody = z.output<typeof simulationBody>

function invalid(field: string, message: string): never {
  const problem: Problem = { code: 'REQUEST_INVALID', field, message }
  throw new Refusal('REQUEST_INVALID', `${field} ${message}`, { problems: [problem] })
}

function refuse(problems: readonly Problem[]): never {
  const placed = problems.map((problem) => ({ ...problem, field: `book.${problem.field ?? ''}`.replace(/\.$/, '') }))
  throw new Refusal('REQUEST_INVALID', 'the price book has problems', { problems: placed })
}

/** Months in their order, once each. */
function monthsOf({ months }: SimulationBody): readonly string[] {
  const sorted = [...new Set(months)].toSorted()
  for (const month of sorted) billingPeriod(month, 'UTC')
  return sorted
}

/** Before the first month begins anywhere on earth. */
function beforeAll(months: readonly string[]): Micros {
  return (billingPeriod(months[0] ?? '', 'UTC').from - 24 * hourMicros) as Micros
}

function readBook(body: SimulationBody, before: PriceBook, months: readonly string[]): SupposedBook {
  const file = parsePriceBook(withNumbers(body.book ?? {}, before))
  if (!file.ok) return refuse(file.error)
  const holdsFrom = body.takes_effect === 'from_the_start' ? beforeAll(months) : null
  const supposed = supposeBook(before, file.value, holdsFrom)
  return supposed.ok ? supposed.value : refuse(supposed.error)
}

function assignOf({ assign = {} }: SimulationBody, { plans }: PriceBook): ReadonlyMap<PlanKey, PlanKey> {
  const pairs = Object.entries(assign) as [PlanKey, PlanKey][]
  for (const [from, to] of pairs)
    for (const key of [from, to])
      if (!plans.has(key))
        invalid(`assign.${from}`, `names ${key}, and neither the book nor the price book has such a plan`)
  return new Map(pairs)
}

/** What the changed book cannot be billed with is found before anything is counted. */
async function requireMeters({ database }: Service, changed: readonly SupposedVersion[]): Promise<void> {
  for (const version of changed)
    if (version.section !== 'coupons')
      await checkMeters(database, version as unknown as PlanVersion, `${nouns[version.section]} ${version.key}`)
}

export interface ReadSimulation {
  readonly question: SimulationQuestion
  readonly changed: readonly SupposedVersion[]
}

/** What is asked, with everything in it checked against what is there. */
export async function readSimulation(service: Service, body: SimulationBody): Promise<ReadSimulation> {
  const months = monthsOf(body)
  const before = await loadPriceBook(service.database)
  const { book: after, changed } = readBook(body, before, months)
  const assign = assignOf(body, after)
  await requireMeters(service, changed)
  const setOf = <Item>(items: readonly Item[] | undefined): ReadonlySet<Item> | null =>
    items === undefined ? null : new Set(items)
  const only = {
    accounts: setOf(body.accounts),
    plans: setOf(body.plans),
    currencies: setOf(body.currencies as readonly Currency[] | undefined),
  }
  return { question: { months, before, after, assign, only, named: body.named }, changed }
}

/** A change as the answer tells it. */
export function changedJson({ section, key, version, effectiveFrom, replaces }: SupposedVersion): object {
  return { kind: nouns[section], key, version, effective_from: formatInstant(effectiveFrom), replaces }
}
