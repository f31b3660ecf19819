import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { dayMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import type { Command, Effect } from '../../src/log/command.ts'
import { LogState } from '../../src/log/state.ts'
import { arrivalOf, testNow } from '../support/events.ts'

const directories: string[] = []
const states: LogState[] = []
afterEach(async () => {
  for (const state of states.splice(0)) await state.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function replica(): LogState {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-replica-'))
  directories.push(directory)
  const state = new LogState(directory)
  states.push(state)
  return state
}

const append = (now: Micros, ...inputs: Record<string, unknown>[]): Command => ({
  kind: 'append',
  now,
  sender: '',
  arrivals: inputs.map((input) => arrivalOf(input)),
})

const kindsOf = (effects: readonly Effect[]): (string | undefined)[] =>
  effects.flatMap((effect) =>
    typeof effect === 'object' && 'outcomes' in effect ? effect.outcomes.map(({ kind }) => kind) : [],
  )

describe('replicas of the log', () => {
  test('say the same, whether one of them forgot what the other still has', async () => {
    const [early, late] = [replica(), replica()]
    const after = (testNow + 40 * dayMicros) as Micros
    const first = [append(testNow, { seq: 1 }, { id: 'x' })]
    // Number 2 is kept beside number 1, whose content is not to be remembered any more.
    const second = [append(after, { seq: 2 }, { seq: 1, status: 500 }, { id: 'x', status: 500 })]
    for (const state of [early, late]) state.apply(first)
    await early.forget((testNow + 39 * dayMicros) as Micros)
    const kinds = kindsOf(early.apply(second))
    expect(kinds).toEqual(['accepted', 'duplicate', 'accepted'])
    expect(kindsOf(late.apply(second))).toEqual(kinds)
  })

  test('a step that does not begin where the state stands changes nothing', () => {
    const state = replica()
    const step = (from: number, to: number) => ({ from, to, notes: new Map([['last', `${to}`]]) })
    state.apply([append(testNow, { seq: 1 })], step(0, 5))
    expect(() => state.apply([append(testNow, { seq: 2 })], step(0, 6))).toThrow('nobody else writes')
    expect([state.end(), state.applied(), state.note('last'), state.note('first')]).toEqual([1, 5, '5', null])
  })
})
