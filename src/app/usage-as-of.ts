/** What was said on an earlier day: usage below the offset up to which the log had been received then. */
import { Refusal } from '../core/errors.ts'
import type { Offset } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { ReadUsage, UsageAnswer, UsageQuestion } from '../meter/usage.ts'
import type { Engine } from '../store/engine.ts'
import { askOffsetAt } from '../store/ingested.ts'

export interface AsOf {
  readonly at: Micros
  readonly below: Offset
  readonly answer: UsageAnswer
}

/** Usage as it was at an instant. Levels and peaks that still ran then end there. */
export async function usageAsOf(
  { engine, read }: { readonly engine: Engine; readonly read: ReadUsage },
  question: UsageQuestion,
  { at, now }: { readonly at: Micros; readonly now: Micros },
): Promise<AsOf> {
  if (at > now) throw new Refusal('REQUEST_INVALID', `as_of ${formatInstant(at)} is in the future`)
  const reached = await askOffsetAt(engine, at)
  const below = Math.min(question.below, reached ?? question.below) as Offset
  const until = Math.min(at, question.until ?? at) as Micros
  return { at, below, answer: await read({ ...question, below, until }) }
}
