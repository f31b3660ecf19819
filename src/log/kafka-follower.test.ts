import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Arrival } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import type { Command } from './command.ts'
import { Outage } from './kafka-client.ts'
import type { Fetched } from './kafka-client.ts'
import { Follower } from './kafka-follower.ts'
import { encodeCommit, partKey, partsOf, sumOf } from './kafka-records.ts'
import type { Place } from './kafka-records.ts'
import { limits as logLimits, safeToForget } from './kafka.ts'
import { LogState } from './state.ts'

/** Two topics in memory, one partition each, for what follows them; what writes them is tested on real brokers. */
class Topics {
  readonly names = { events: { name: 'events', id: 'e' }, commits: { name: 'commits', id: 'c' } }
  readonly events: { key: string; value: Buffer }[] = []
  readonly commits: { key: string; value: Buffer }[] = []
  #groups = 0

  /** Writes a commit as the outbox does; `edit` says something else of where its parts lie. */
  async commit(arrivals: readonly Arrival[], edit: (place: Place) => Place = (place) => place): Promise<void> {
    this.#groups += 1
    const group = this.#groups
    const commands: readonly Command[] = [{ kind: 'append', now: testNow, sender: '', arrivals }]
    const places: Place[] = []
    for (const [index, { value }] of (await partsOf(commands, 1)).entries()) {
      places.push(edit({ partition: 0, offset: this.events.length, bytes: value.length, sum: sumOf(value) }))
      this.events.push({ key: partKey('w', group, index), value })
    }
    this.commits.push({ key: 'w', value: encodeCommit({ writer: 'w', group, commands, parts: places }) })
  }

  readerOf(name: string) {
    const records = name === 'events' ? this.events : this.commits
    return {
      fetch: (wanted: readonly { offset: number }[]): Promise<Fetched[]> =>
        Promise.resolve(
          wanted.map(({ offset }) => ({
            partition: 0,
            highWatermark: records.length,
            records: records.slice(offset).map((record, index) => ({ offset: offset + index, ...record })),
          })),
        ),
      close: () => Promise.resolve(),
    }
  }
}

describe('what follows the commits', () => {
  const directories: string[] = []
  const states: LogState[] = []
  afterEach(async () => {
    for (const state of states.splice(0)) await state.close()
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
  })
  const newState = (): LogState => {
    const directory = mkdtempSync(join(tmpdir(), 'crossfoot-follower-'))
    directories.push(directory)
    const state = new LogState(directory)
    states.push(state)
    return state
  }
  const follow = (topics: Topics, state: LogState): Promise<void> =>
    new Follower({
      readerOf: ({ name }) => topics.readerOf(name),
      topics: topics.names,
      state,
      outage: new Outage(() => undefined),
      own: () => null,
      applied: () => undefined,
      broken: () => undefined,
    }).catchUp()

  test('L12: a burst of text that is small in the topics is applied in steps, and a replica catches up', async () => {
    const topics = new Topics()
    const inspection = JSON.stringify(['x'.repeat(260_000)])
    // More than one text can hold, in fewer compressed bytes than are fetched together.
    const commits = Math.ceil(2 ** 29 / (100 * inspection.length)) + 1
    for (let at = 0; at < commits; at += 1) {
      const arrivals = Array.from({ length: 100 }, (_, index): Arrival => {
        const arrival = arrivalOf({ seq: at * 100 + index + 1 })
        return arrival.kind === 'event' ? { ...arrival, event: { ...arrival.event, inspection } } : arrival
      })
      await topics.commit(arrivals)
    }
    expect(topics.events.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThan(4 * 1024 * 1024)
    const state = newState()
    const steps: number[] = []
    const apply = state.apply.bind(state)
    state.apply = (commands, step) => {
      steps.push(commands.length)
      return apply(commands, step)
    }
    await follow(topics, state)
    expect([state.end(), state.applied()]).toEqual([commits * 100, commits])
    // A commit has 26 million characters, so two go into a step of 64 million. The first step is the origin's note.
    expect(steps).toEqual([0, ...Array.from({ length: Math.floor(commits / 2) }, () => 2), ...(commits % 2 ? [1] : [])])
  })

  test('a part that is not what its commit says is not applied', async () => {
    const wrong: Record<string, (place: Place) => Place> = {
      'of another checksum': (place) => ({ ...place, sum: place.sum ^ 1 }),
      'of another commit': (place) => ({ ...place, offset: 0, sum: sumOf(topics.events[0]?.value ?? Buffer.alloc(0)) }),
    }
    let topics = new Topics()
    for (const [what, edit] of Object.entries(wrong)) {
      topics = new Topics()
      await topics.commit([arrivalOf({ seq: 1 })])
      await topics.commit([arrivalOf({ seq: 2 })], edit)
      await expect(follow(topics, newState()), what).rejects.toThrow('is what its commit says')
    }
  })

  test('a state whose last commit is another one than the topic has there is refused', async () => {
    const topics = new Topics()
    await topics.commit([arrivalOf({ seq: 1 })])
    const state = newState()
    await follow(topics, state)
    await follow(topics, state)
    const other = new Topics()
    await other.commit([arrivalOf({ seq: 1, status: 500 })])
    await other.commit([arrivalOf({ seq: 2 })])
    await expect(follow(other, state)).rejects.toThrow('differ; name the right ones')
    expect(state.end()).toBe(1)
  })

  test('nothing is forgotten before the time of the log is two days past it', () => {
    const at = (days: number) => (testNow + days * 86_400_000_000) as Micros
    expect(logLimits.forgetLagMicros).toBe(2 * 86_400_000_000)
    expect(safeToForget(at(0), at(0))).toBe(at(-2))
    expect(safeToForget(at(40), at(1))).toBe(at(-1))
    expect(safeToForget(at(0), at(9))).toBe(at(0))
    // A process that has applied nothing yet does not know the time of the log.
    expect(safeToForget(at(0), 0 as Micros)).toBeNull()
  })
})
