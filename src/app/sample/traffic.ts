import type { EventInput } from '../../core/event.ts'
import { hourMicros } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { SampleCompany } from './company.ts'
import { openConnection, closesIn, recordOf, recordsBefore } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Habit } from './habit.ts'
import { randomOf } from './random.ts'
import type { Random, Seed } from './random.ts'
import { requestOf } from './request.ts'
import type { Draft } from './request.ts'
import { drawnInHour, expectedInHour } from './rhythm.ts'

/** What a habit does in one hour: so many requests, or these connections. */
interface HourPlan {
  readonly random: Random
  readonly habit: Habit
  readonly hour: Micros
  readonly requests: number
  readonly connections: readonly Connection[]
}

/** The connections' records have streams of their own, after those of the habits. */
const recordStream = 1_000

function planHour(seeds: Pick<Seed, 'seed' | 'stream'>, habit: Habit, hour: Micros): HourPlan {
  const random = randomOf({ ...seeds, step: hour / hourMicros })
  const drawn = drawnInHour(random, expectedInHour(habit, hour))
  const { flow } = habit
  if (flow.kind === 'http') return { random, habit, hour, requests: drawn, connections: [] }
  const connections = Array.from({ length: drawn }, () => openConnection(random, habit, flow.connection, hour))
  return { random, habit, hour, requests: 0, connections }
}

/** Every full hour of the period with what each habit does in it. */
function* plannedHours({ seed, habits }: SampleCompany, period: Period) {
  const first = Math.ceil(period.from / hourMicros) * hourMicros
  for (let at = first; at + hourMicros <= period.to; at += hourMicros) {
    const hour = at as Micros
    const plans = habits.flatMap(({ habit, from }, stream) =>
      hour < from ? [] : [planHour({ seed, stream }, habit, hour)],
    )
    yield { hour, plans }
  }
}

/** How many events `sampleTraffic` will give, without making them: for a progress bar. */
export function sampleSize(company: SampleCompany, period: Period): number {
  const end = (period.to - (period.to % hourMicros)) as Micros
  let size = 0
  for (const { plans } of plannedHours(company, period)) {
    for (const { requests, connections } of plans) {
      size += requests
      for (const connection of connections) size += recordsBefore(connection, end)
    }
  }
  return size
}

function requestsOf({ random, habit, hour, requests }: HourPlan): Draft[] {
  const { flow } = habit
  if (flow.kind !== 'http') return []
  return Array.from({ length: requests }, () => requestOf(random, habit, flow.routes, hour))
}

/**
 * The sample's traffic, hour by hour, each event in its server's stream with the next number of that server:
 * seq from 1 without holes. At most one hour of events is held at a time.
 */
export function* sampleTraffic(company: SampleCompany, period: Period): Generator<EventInput, void, undefined> {
  const numbers = new Map<string, number>()
  let open: Connection[] = []
  for (const { hour, plans } of plannedHours(company, period)) {
    open.push(...plans.flatMap(({ connections }) => connections))
    const random = randomOf({ seed: company.seed, stream: recordStream, step: hour / hourMicros })
    const drafts = plans.flatMap(requestsOf)
    for (const connection of open) drafts.push(recordOf(random, connection, hour))
    open = open.filter((connection) => !closesIn(connection, hour))
    drafts.sort((a, b) => a.arrives - b.arrives)
    for (const { event } of drafts) {
      const seq = (numbers.get(event.source) ?? 0) + 1
      numbers.set(event.source, seq)
      event.seq = seq
      yield event
    }
  }
}
