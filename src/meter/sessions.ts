/**
 * Sessions as people are told them: bytes by window, peaks by window. What a session is stands in `store/sessions.ts`.
 */
import { Refusal } from '../core/errors.ts'
import { windowStarts } from '../core/time.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { byteFields } from '../store/sessions-list.ts'
import type { Bytes, FoundSession } from '../store/sessions-list.ts'
import { askPeaks } from '../store/sessions-peak.ts'
import type { PeaksQuestion } from '../store/sessions-peak.ts'
import { askSessionWindows } from '../store/sessions-records.ts'
import type { SessionScope } from '../store/sessions.ts'

export const limits = {
  /** Windows of one answer: more than a month of hours. */
  windowsMax: 2_000,
} as const

function startsOf(period: Period, window: WindowSize | null, zone: string): readonly Micros[] {
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  if (window === null) return [period.from]
  const starts = windowStarts(period, window, zone, limits.windowsMax)
  if (!starts.ok) throw new Refusal('QUERY_TOO_LARGE', starts.error)
  return starts.value
}

export interface SessionWindow {
  readonly from: Micros
  readonly to: Micros
  readonly records: string
  readonly bytes: Bytes
}

/** What no record of the session says is not known in any window; else a window without records had nothing. */
function nothingOf({ client, agent }: Bytes): Bytes {
  const none = (known: Bytes['client']): Bytes['client'] =>
    Object.fromEntries(byteFields.map((field) => [field, known[field] === null ? null : '0'])) as Bytes['client']
  return { client: none(client), agent: none(agent) }
}

/** The finest of the windows that answers are usually told in, of which one answer can hold all. */
function fittingWindow(period: Period, zone: string): WindowSize {
  return (['hour', 'day'] as const).find((size) => windowStarts(period, size, zone, limits.windowsMax).ok) ?? 'month'
}

/**
 * The bytes of a session where they occurred: in the window of the record that brought them. The windows go from its
 * start to its last record, or its end as of an instant, and their bytes add up to the session's. Window null: the finest that fits.
 */
export async function sessionWindows(
  engine: Engine,
  found: FoundSession,
  asked: SessionScope & { readonly until: Micros; readonly window: WindowSize | null; readonly zone: string },
): Promise<{ readonly window: WindowSize; readonly windows: readonly SessionWindow[] }> {
  const { started, lastRecord, ends, bytes } = found.session
  const { scope, below, until, zone } = asked
  const period = { from: started, to: Math.max(lastRecord + 1, Math.min(ends, until)) as Micros }
  const window = asked.window ?? fittingWindow(period, zone)
  const starts = startsOf(period, window, zone)
  const measured = await askSessionWindows(engine, found, { scope, below, starts })
  const nothing = nothingOf(bytes)
  const windows = starts.map((from, index) => ({
    from,
    to: starts[index + 1] ?? period.to,
    ...(measured.get(from) ?? { records: '0', bytes: nothing }),
  }))
  return { window, windows }
}

export interface PeakWindow extends Period {
  readonly sessions: string
  /** When there were so many for the first time; null: there were none. */
  readonly at: Micros | null
}

export type ConcurrencyQuestion = Omit<PeaksQuestion, 'starts' | 'until'> & {
  readonly until: Micros
  readonly window: WindowSize | null
  readonly zone: string
}

/** The peak of each window that has begun: a window without sessions has 0, one that has not begun is not known (L13). */
export async function concurrency(engine: Engine, question: ConcurrencyQuestion): Promise<readonly PeakWindow[]> {
  const { period, window, zone, until, ...asked } = question
  const starts = startsOf(period, window, zone)
  const peaks = await askPeaks(engine, { ...asked, period, starts, until })
  const byStart = new Map(peaks.map((peak) => [peak.window, peak]))
  return starts
    .map((from, index): PeakWindow => {
      const { sessions = '0', at = null } = byStart.get(from) ?? {}
      return { from, to: starts[index + 1] ?? period.to, sessions, at }
    })
    .filter(({ from }) => from < until)
}

/** The highest of all windows, the first of equals; null while no window has begun. */
export function highest(windows: readonly PeakWindow[]): PeakWindow | null {
  return windows.reduce<PeakWindow | null>(
    (best, one) => (best === null || BigInt(one.sessions) > BigInt(best.sessions) ? one : best),
    null,
  )
}
