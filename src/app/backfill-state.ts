import { Refusal } from '../core/errors.ts'

/**
 * open → closing → closed → reverting → reverted, or open → discarded. What ends in -ing is worked on until it is
 * done, also after a crash.
 */
export const backfillStates = ['open', 'closing', 'closed', 'discarded', 'reverting', 'reverted'] as const
export type BackfillState = (typeof backfillStates)[number]

/** `finish`: the work is done. All others are somebody's decision. */
export const backfillCommands = ['load', 'close', 'discard', 'revert', 'finish'] as const
export type BackfillCommand = (typeof backfillCommands)[number]

/** Total: what a command makes of a state; null: refused. A decision that was taken already is taken again. */
const transitions: Readonly<Record<BackfillState, Readonly<Record<BackfillCommand, BackfillState | null>>>> = {
  open: { load: 'open', close: 'closing', discard: 'discarded', revert: null, finish: null },
  closing: { load: null, close: 'closing', discard: null, revert: null, finish: 'closed' },
  closed: { load: null, close: 'closed', discard: null, revert: 'reverting', finish: null },
  discarded: { load: null, close: null, discard: 'discarded', revert: null, finish: null },
  reverting: { load: null, close: null, discard: null, revert: 'reverting', finish: 'reverted' },
  reverted: { load: null, close: null, discard: null, revert: 'reverted', finish: null },
}

/** The state after a command. Throws Refusal BACKFILL_TRANSITION_REFUSED. */
export function nextBackfillState(state: BackfillState, command: BackfillCommand): BackfillState {
  const next = transitions[state][command]
  if (next !== null) return next
  const possible = backfillCommands.filter((one) => one !== 'finish' && transitions[state][one] !== null)
  throw new Refusal(
    'BACKFILL_TRANSITION_REFUSED',
    `the backfill job is ${state}, so ${command} is refused; possible is ${possible.join(', ')}`,
  )
}

/** Whether what was loaded is still needed. */
export function needsLoads(state: BackfillState): boolean {
  return state === 'open' || state === 'closing'
}

/** Whether there is work to do before anybody has to decide again. */
export function isWorking(state: BackfillState): state is 'closing' | 'reverting' {
  return state === 'closing' || state === 'reverting'
}
