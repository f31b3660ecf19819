/**
 * L7 as a pure function: what is known, and what is not known yet, about the traffic of a period. Silence is not
 * a statement; a gap in the numbers is missing until it arrives; a loss that a source declares is known to be lost.
 */
import type { AccountKey } from '../core/ids.ts'
import type { Micros, Period } from '../core/time.ts'
import { secondMicros } from '../core/time.ts'
import { ownerOfSource } from '../ingest/receive.ts'
import type { SourceEpoch } from '../log/log.ts'
import { statedUntil } from './completeness-epoch.ts'
import type { Registration } from './sources.ts'
import { unknownTimes } from './unknown-time.ts'

export const limits = { reasonsMax: 20 } as const

/** What the log and the register know of one source. */
export interface SourceFacts {
  readonly name: string
  /** Null: nobody has said what to expect of it. */
  readonly registration: Registration | null
  readonly epochs: readonly SourceEpoch[]
}

/** Numbers that have not arrived, with the times of their neighbours: when the missing events can have happened. */
export interface Gap {
  readonly epoch: string
  readonly first: number
  readonly last: number
  /** Null: no neighbour on that side has arrived. */
  readonly after: Micros | null
  readonly before: Micros | null
  /** How many numbers are missing: all from the first to the last, but in what stands for many gaps. */
  readonly missing: number
  /** When it showed: the number behind it arrived then. Null: not known, or the source only said that there is one. */
  readonly since: Micros | null
}

export type SourceState = 'complete' | 'gap' | 'silent' | 'lossy' | 'nothing expected'

export interface SourceCompleteness {
  readonly source: string
  readonly state: SourceState
  readonly owner: string | null
  readonly gaps: readonly Gap[]
  /** How many numbered events are missing in the gaps of this period. */
  readonly missing: number
  /** Events that the source says it lost, for good. */
  readonly lost: number
  /** The source's own word: everything up to here has been sent. */
  readonly completeUntil: Micros | null
  /** Since when it has been known that something is missing: when its oldest gap showed. */
  readonly since: Micros | null
  /** The time of which it should have spoken by now and has not; null: it has. */
  readonly silence: Period | null
  /** Inputs of any time that are held aside and not resolved: seen, so no gap, and not counted. */
  readonly openQuarantine: number
  /** What the log knows of its numberings. */
  readonly epochs: readonly SourceEpoch[]
}

export interface CompletenessReport {
  readonly complete: boolean
  /** Up to where every source that is expected to speak has spoken and lacks nothing; null: not known. */
  readonly completeUntil: Micros | null
  readonly sources: readonly SourceCompleteness[]
  /** In words, for whoever has to decide. */
  readonly reasons: readonly string[]
  /** Times for which nobody can say that all of it has arrived. */
  readonly unknown: readonly Period[]
}

/** The times between which missing events lie. Neighbours in number need not be neighbours in time. */
function spanOf({ after, before }: Gap): { readonly from: Micros | null; readonly to: Micros | null } {
  if (after === null || before === null) return { from: after, to: before }
  return { from: Math.min(after, before) as Micros, to: Math.max(after, before) as Micros }
}

function overlaps(gap: Gap, period: Period): boolean {
  const { from, to } = spanOf(gap)
  return (to === null || to >= period.from) && (from === null || from < period.to)
}

export interface CompletenessQuestion {
  /** Null: of the whole installation. */
  readonly account: AccountKey | null
  readonly period: Period
  readonly now: Micros
  readonly sources: readonly SourceFacts[]
  readonly gapsOf: (source: string) => readonly Gap[]
  /** Unresolved inputs of a source in quarantine; left out: none. */
  readonly openOf?: (source: string) => number
}

/** A source of a customer's own key can carry nothing but that customer's traffic; null asks for all. */
export function canConcern(source: string, account: AccountKey | null): boolean {
  const owner = ownerOfSource(source)
  return owner === null || account === null || owner === account
}

/** Whether a source can carry the account's traffic at all. */
function isAsked({ name, registration }: SourceFacts, { account }: CompletenessQuestion): boolean {
  if (!canConcern(name, account)) return false
  const carries = registration?.carries ?? null
  return carries === null || account === null || carries.includes(account)
}

/**
 * The time of which a source has to have spoken by now: to the end of a period that is over; in one that goes on, to
 * one rhythm ago. Null: it need not speak, because nobody expects it to, or not in this period.
 */
function expectedTime({ registration }: SourceFacts, { period, now }: CompletenessQuestion): Period | null {
  if (registration === null || registration.checkpointSeconds === null) return null
  const { checkpointSeconds, expectedFrom, retiredAt } = registration
  const begin = Math.max(period.from, expectedFrom) as Micros
  const end = Math.min(period.to, retiredAt ?? period.to)
  const until = now >= end ? end : Math.min(end, now - checkpointSeconds * secondMicros)
  return until > begin ? { from: begin, to: until as Micros } : null
}

/** Events that were lost between two statements whose span touches the period. */
function lostIn({ checkpoint }: SourceEpoch, period: Period): number {
  return (checkpoint?.losses ?? []).reduce((total, { count, after, before }) => {
    const touches = (after === null || after < period.to) && before >= period.from
    return touches ? total + count : total
  }, 0)
}

/** The part of the expected time behind the source's last word. */
function silenceOf(expected: Period | null, stated: Micros | null): Period | null {
  if (expected === null || (stated !== null && stated >= expected.to)) return null
  return { from: Math.max(expected.from, stated ?? expected.from) as Micros, to: expected.to }
}

function earliest(times: readonly (Micros | null)[]): Micros | null {
  return times.reduce((first, time) => (first === null || (time !== null && time < first) ? time : first), null)
}

function evaluate(facts: SourceFacts, question: CompletenessQuestion): SourceCompleteness {
  const gaps = question.gapsOf(facts.name).filter((gap) => overlaps(gap, question.period))
  const missing = gaps.reduce((total, gap) => total + gap.missing, 0)
  const lost = facts.epochs.reduce((total, numbering) => total + lostIn(numbering, question.period), 0)
  const stated = statedUntil(facts.epochs)
  const expected = expectedTime(facts, question)
  const silence = silenceOf(expected, stated)
  const firstGap = earliest(gaps.map((gap) => spanOf(gap).from ?? question.period.from))
  const until = firstGap === null ? stated : stated === null ? null : (Math.min(stated, firstGap) as Micros)
  const state: SourceState =
    gaps.length > 0
      ? 'gap'
      : silence !== null
        ? 'silent'
        : lost > 0
          ? 'lossy'
          : expected === null && stated === null
            ? 'nothing expected'
            : 'complete'
  return {
    source: facts.name,
    state,
    owner: facts.registration?.owner ?? null,
    gaps,
    missing,
    lost,
    completeUntil: until,
    since: earliest(gaps.map(({ since }) => since)),
    silence,
    openQuarantine: question.openOf?.(facts.name) ?? 0,
    epochs: facts.epochs,
  }
}

function reasonOf({ source, state, owner, gaps, missing, lost, completeUntil }: SourceCompleteness): string | null {
  const whom = owner === null ? '' : `; ask ${owner}`
  switch (state) {
    case 'gap': {
      const [gap] = gaps
      const which =
        gap === undefined ? '' : `, the first ${gap.first === gap.last ? gap.first : `${gap.first} to ${gap.last}`}`
      return `source ${source} lacks ${missing} numbered events${which}${whom}`
    }
    case 'silent':
      return `source ${source} has not said that it is complete ${completeUntil === null ? 'at all' : 'for long enough'}${whom}`
    case 'lossy':
      return `source ${source} declares ${lost} events lost${whom}`
    case 'complete':
    case 'nothing expected':
      return null
  }
}

/** Whether everything that could have carried the traffic of a period has arrived, as far as that is known. */
export function completenessOf(question: CompletenessQuestion): CompletenessReport {
  const asked = question.sources.filter((facts) => isAsked(facts, question))
  const sources = asked.map((facts) => evaluate(facts, question))
  const reasons = sources.map(reasonOf).filter((reason) => reason !== null)
  const speaking = sources.filter((_, index) => typeof asked[index]?.registration?.checkpointSeconds === 'number')
  const untils = speaking.map(({ completeUntil }) => completeUntil)
  const completeUntil =
    untils.length === 0 || untils.includes(null) ? null : (Math.min(...untils.map(Number)) as Micros)
  return {
    complete: reasons.length === 0,
    completeUntil,
    sources,
    reasons: reasons.slice(0, limits.reasonsMax),
    unknown: unknownTimes(question.period, asked, question.gapsOf),
  }
}
