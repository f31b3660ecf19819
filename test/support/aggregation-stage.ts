import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { parseInstant } from '../../src/core/time.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Dimension } from '../../src/meter/definition.ts'
import type { UsageAnswer } from '../../src/meter/usage.ts'
import type { Projection } from '../../src/store/project.ts'
import type { Measure } from '../../src/store/measure/measure.ts'
import { meterOf } from './aggregation-check.ts'
import { arrivalOf, testNow } from './events.ts'
import { openPipeline } from './pipeline.ts'
import type { Pipeline } from './pipeline.ts'

export function instant(text: string): Micros {
  const parsed = parseInstant(text.includes('T') ? text : `${text}T00:00:00Z`)
  if (!parsed.ok) throw new Error(`${text} ${parsed.error}`)
  return parsed.value
}

/** An event's fields as they are sent; two of one `id` are two versions of one event. */
export type StageEvent = Readonly<Record<string, unknown>> & { readonly time: string; readonly id?: string }

export interface StageQuestion {
  readonly measure: Measure
  readonly period: Period
  readonly window?: WindowSize
  readonly zone?: string
  readonly groupBy?: readonly Dimension[]
}

/** Where foreign cases are played: events go to the log, are projected, and are asked for as anybody asks. */
export interface Stage {
  /** Sends the events of an account of their own, in this order. */
  play(events: readonly StageEvent[]): Promise<AccountKey>
  ask(account: AccountKey, question: StageQuestion): Promise<UsageAnswer>
  close(): Promise<void>
}

async function amend(log: EventLog, offset: Offset, change: Readonly<Record<string, unknown>>): Promise<void> {
  const base = await baseOf({ log }, await newestOf({ log }, offset))
  const door = { by: 'Ada', reason: 'a later version', now: testNow, ownerAt: () => null }
  await log.append([planCorrection(base, { kind: 'amend', change }, door).arrival], testNow)
}

function stageOn(pipeline: Pipeline, log: EventLog, projection: Projection): Stage {
  let accounts = 0
  return {
    async play(events) {
      accounts += 1
      const account = `case-${accounts}` as AccountKey
      const seen = new Map<string, Offset>()
      let arrivals: ReturnType<typeof arrivalOf>[] = []
      const flush = async (): Promise<void> => {
        if (arrivals.length > 0) await log.append(arrivals, testNow)
        arrivals = []
      }
      for (const [index, { id, ...fields }] of events.entries()) {
        const before = id === undefined ? undefined : seen.get(id)
        if (before !== undefined) {
          await flush()
          await amend(log, before, fields)
          continue
        }
        if (id !== undefined) seen.set(id, (log.end() + arrivals.length) as Offset)
        arrivals.push(arrivalOf({ ...fields, account, source: account, seq: index + 1 }))
        if (arrivals.length === 1_000) await flush()
      }
      await flush()
      await projection.catchUp()
      return account
    },
    ask(account, { measure, period, window, zone, groupBy }) {
      const meter = meterOf(measure, [], ['endpoint', 'attributes.member', 'attributes.unit'])
      const shape = { window: window ?? null, zone: zone ?? 'UTC', groupBy: groupBy ?? [] }
      return pipeline.readUsage({ account, meter, period, below: projection.position(), ...shape })
    },
    close: () => pipeline.close(),
  }
}

export async function openStage(): Promise<Stage> {
  const pipeline = await openPipeline()
  const { log, projection } = await pipeline.fresh()
  return stageOn(pipeline, log, projection)
}
