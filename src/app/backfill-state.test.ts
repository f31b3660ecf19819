import { expect, test } from 'vitest'
import { backfillCommands, backfillStates, nextBackfillState } from './backfill-state.ts'

function attempt(state: (typeof backfillStates)[number], command: (typeof backfillCommands)[number]): string {
  try {
    return nextBackfillState(state, command)
  } catch (error) {
    return (error as { code: string }).code === 'BACKFILL_TRANSITION_REFUSED' ? '-' : String(error)
  }
}

test('every command in every state', () => {
  const table = backfillStates.map((state) => [state, ...backfillCommands.map((command) => attempt(state, command))])
  expect([['', ...backfillCommands], ...table]).toEqual([
    ['', 'load', 'close', 'discard', 'revert', 'finish'],
    ['open', 'open', 'closing', 'discarded', '-', '-'],
    ['closing', '-', 'closing', '-', '-', 'closed'],
    ['closed', '-', 'closed', '-', 'reverting', '-'],
    ['discarded', '-', '-', 'discarded', '-', '-'],
    ['reverting', '-', '-', '-', 'reverting', 'reverted'],
    ['reverted', '-', '-', '-', 'reverted', '-'],
  ])
})
