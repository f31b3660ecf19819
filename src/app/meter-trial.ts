/**
 * A definition is asked once, in every form in which it will be asked, before it is stored or activated (L12): what the
 * event store cannot compute is refused at the door, and not found out by the first page that shows the meter.
 */
import { Refusal } from '../core/errors.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { hourMicros, instantMin } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { Engine } from '../store/engine.ts'
import { isPartial } from '../store/measure/partial.ts'
import { askFacts } from '../store/query.ts'
import type { FactQuestion, Scope } from '../store/query.ts'

const hours = 3
const starts = Array.from({ length: hours }, (_, index) => (instantMin + index * hourMicros) as Micros)
const period = { from: instantMin, to: (instantMin + hours * hourMicros) as Micros }

/** The forms of a question about a meter, over no events at all: no offset is below 0. */
export function trialQuestions({ key, aggregation, filter, groupBy }: MeterDefinition): readonly FactQuestion[] {
  const asked = { period, starts, below: 0 as Offset, measure: aggregation, conditions: filter, dimensions: [] }
  const account: Scope = { kind: 'account', account: 'nobody' as AccountKey }
  const questions: FactQuestion[] = [
    { ...asked, scope: { kind: 'operator', question: 'usage_by_account' } },
    { ...asked, scope: { kind: 'operator', question: 'usage_of_all' } },
    { ...asked, scope: account, dimensions: groupBy, apart: ['[]'] },
    { ...asked, scope: account, dimensions: groupBy, starts: [period.from], largest: 1 },
  ]
  if (!isPartial(aggregation)) return questions
  const rolled = { meter: key, version: 0, definition: 0, runs: [period.from], generations: [1], rest: [period] }
  return [...questions, { ...asked, scope: account, rolled }]
}

async function ask(engine: Engine, meter: MeterDefinition): Promise<void> {
  for (const question of trialQuestions(meter)) await askFacts(engine, question)
}

/** Throws Refusal REQUEST_INVALID when a definition cannot be computed; any other error is the event store's own trouble. */
export async function tryMeter(engine: Engine, meter: MeterDefinition): Promise<void> {
  try {
    await ask(engine, meter)
  } catch (error) {
    if (error instanceof Refusal) throw error
    // When not even a count of nothing is answered, it is not for the definition.
    await ask(engine, { ...meter, aggregation: { kind: 'count' }, filter: [], groupBy: [] })
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 200) : String(error)
    throw new Refusal(
      'REQUEST_INVALID',
      `meter ${meter.key} cannot be computed by the event store; write its expressions with fewer parts within each other, or fewer conditions (${reason})`,
    )
  }
}
