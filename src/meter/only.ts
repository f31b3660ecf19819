/** Questions about some values of a meter's dimensions. What they answer is what the groups of these values answer (L9). */
import { Refusal } from '../core/errors.ts'
import { add, exact, formatExact } from '../core/exact.ts'
import { unreachable } from '../core/result.ts'
import type { Condition } from '../store/condition.ts'
import type { Engine } from '../store/engine.ts'
import type { Measure } from '../store/measure/measure.ts'
import { askFacts } from '../store/query.ts'
import type { FactQuestion, MeasuredRow } from '../store/query.ts'
import type { MeterDefinition } from './definition.ts'
import { withRolled } from './rollups.ts'
import type { Only } from './usage-row.ts'

/**
 * Whether events outside the wanted values decide about those inside: an hour belongs to the group of its first event,
 * a level or a member to that of its last. Then events cannot be left out before they are measured.
 */
export function needsAllEvents(measure: Measure): boolean {
  switch (measure.kind) {
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
    case 'percentile':
    // Sessions are put together first and then looked at.
    case 'peak':
      return false
    case 'unique':
      return measure.membership !== null
    case 'active_hours':
    case 'level':
      return true
    default:
      return unreachable(measure)
  }
}

export function onlyConditions(only: readonly Only[]): readonly Condition[] {
  return only.map(({ field, values }): Condition => ({ field, operator: 'in', values }))
}

function merged(rows: readonly MeasuredRow[], { dimensions }: FactQuestion): readonly MeasuredRow[] {
  const named = (row: MeasuredRow): string => JSON.stringify(row.dimensions.slice(0, dimensions.length))
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.windowStart, row.account, named(row)]))
  return [...groups.values()].map((parts) =>
    parts.slice(1).reduce(
      (total, part): MeasuredRow => ({
        ...total,
        quantity:
          total.quantity === null || part.quantity === null
            ? (total.quantity ?? part.quantity)
            : formatExact(add(exact(total.quantity), exact(part.quantity))),
        missing: String(BigInt(total.missing) + BigInt(part.missing)),
      }),
      { ...(parts[0] as MeasuredRow), groupName: named(parts[0] as MeasuredRow) },
    ),
  )
}

/** Measured by group, of which those with the wanted values are put together: they are apart from each other. */
async function askGroups(
  engine: Engine,
  question: FactQuestion,
  only: readonly Only[],
): Promise<readonly MeasuredRow[]> {
  const { dimensions, apart, largest } = question
  if (apart !== undefined || largest !== undefined) {
    throw new Refusal('REQUEST_INVALID', 'top together with a filter is not there for this meter; ask for one of them')
  }
  const more = only.map(({ field }) => field).filter((field) => !dimensions.includes(field))
  const all = [...dimensions, ...more]
  const rows = await askFacts(engine, { ...question, dimensions: all })
  const wanted = rows.filter((row) =>
    only.every(({ field, values }) => {
      const value = row.dimensions[all.indexOf(field)] ?? null
      return value !== null && values.includes(value)
    }),
  )
  return more.length === 0 ? wanted : merged(wanted, question)
}

/**
 * Asks for a meter's measured quantities: by rolled hours as far as they hold, and only of the wanted values where some
 * are named.
 */
export async function askMeter(
  engine: Engine,
  meter: MeterDefinition,
  question: FactQuestion,
  only: readonly Only[] = [],
): Promise<readonly MeasuredRow[]> {
  if (only.length === 0) return askFacts(engine, await withRolled(engine, meter, question))
  if (needsAllEvents(question.measure)) return askGroups(engine, question, only)
  return askFacts(engine, { ...question, conditions: [...question.conditions, ...onlyConditions(only)] })
}
