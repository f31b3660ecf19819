import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey } from '../../src/core/ids.ts'
import { formatInstant, hourMicros, secondMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { askSessions } from '../../src/store/sessions-list.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'
import type { KnownRecord } from '../support/session-oracle.ts'

const day = 24 * hourMicros
const start = Date.UTC(2026, 2, 27) * 1000

describe('what a session is', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
  })
  afterAll(() => pipeline.close())

  /** A record of a scene: phase, seconds, and what else it says. */
  type Scene = readonly [
    KnownRecord['phase'],
    number,
    Partial<{ lasted: number; beat: number; kind: string; source: string }>?,
  ]
  /** A life: seconds of start and end, how the start is known, whether a stop came, how many records. */
  type Life = readonly [number, number, 's' | 'd' | 'f', 'stop' | 'grace', number]
  const microsecond = 0.000001
  const oneDay = 86_400
  const scenes: Readonly<Record<string, { records: readonly Scene[]; lives: readonly Life[] }>> = {
    'start and stop': {
      records: [
        ['start', 0],
        ['final', 60],
      ],
      lives: [[0, 60, 's', 'stop', 2]],
    },
    'at one instant': {
      records: [
        ['start', 0],
        ['final', 0],
      ],
      lives: [[0, 0, 's', 'stop', 2]],
    },
    'stop lost': {
      records: [
        ['start', 0],
        ['interim', 10],
      ],
      lives: [[0, 45, 's', 'grace', 2]],
    },
    'late heartbeat': {
      records: [
        ['start', 0],
        ['interim', 900],
      ],
      lives: [[0, 935, 's', 'grace', 2]],
    },
    'start lost': {
      records: [
        ['interim', 10],
        ['final', 20],
      ],
      lives: [[10, 20, 'f', 'stop', 2]],
    },
    'start lost, stop says': {
      records: [
        ['interim', 10],
        ['final', 20, { lasted: 30 }],
      ],
      lives: [[-10, 20, 'd', 'stop', 2]],
    },
    straggler: {
      records: [
        ['start', 0],
        ['final', 10],
        ['interim', 45],
      ],
      lives: [[0, 10, 's', 'stop', 3]],
    },
    'no straggler': {
      records: [
        ['start', 0],
        ['final', 10],
        ['interim', 45 + microsecond],
      ],
      lives: [
        [0, 10, 's', 'stop', 2],
        [45 + microsecond, 80 + microsecond, 'f', 'grace', 1],
      ],
    },
    'life with a lost start goes on': {
      records: [
        ['final', 10],
        ['interim', 46],
        ['interim', 56],
        ['start', 66],
        ['final', 76],
      ],
      lives: [
        [10, 10, 'f', 'stop', 1],
        [46, 76, 'f', 'stop', 4],
      ],
    },
    'again at once': {
      records: [
        ['start', 0],
        ['final', 10, { lasted: 10 }],
        ['start', 10],
        ['final', 20, { lasted: 10 }],
      ],
      lives: [
        [0, 10, 's', 'stop', 2],
        [10, 20, 's', 'stop', 2],
      ],
    },
    'again, told by durations': {
      records: [
        ['final', 10, { lasted: 5 }],
        ['final', 20, { lasted: 10 }],
        ['final', 30, { lasted: 11 }],
      ],
      lives: [
        [5, 10, 'd', 'stop', 1],
        [10, 30, 'd', 'stop', 2],
      ],
    },
    'started again within the grace': {
      records: [
        ['start', 0],
        ['start', 35],
      ],
      lives: [[0, 70, 's', 'grace', 2]],
    },
    'started again after the grace': {
      records: [
        ['start', 0],
        ['start', 35 + microsecond],
      ],
      lives: [
        [0, 35, 's', 'grace', 1],
        [35 + microsecond, 70 + microsecond, 's', 'grace', 1],
      ],
    },
    'slow heartbeat': {
      records: [
        ['start', 0, { beat: 60 }],
        ['start', 185],
      ],
      lives: [[0, 220, 's', 'grace', 2]],
    },
    'fast heartbeat': {
      records: [
        ['interim', 0, { beat: 1 }],
        ['start', 8 + microsecond, { beat: 60 }],
      ],
      lives: [
        [0, 8, 'f', 'grace', 1],
        [8 + microsecond, 193 + microsecond, 's', 'grace', 1],
      ],
    },
    'no heartbeat': { records: [['start', 0, { beat: 0 }]], lives: [[0, 34 * oneDay, 's', 'grace', 1]] },
    'longest silence': {
      records: [
        ['start', 0],
        ['final', 35 * oneDay],
      ],
      lives: [[0, 35 * oneDay, 's', 'stop', 2]],
    },
    'too long a silence': {
      records: [
        ['start', 0],
        ['final', 35 * oneDay + microsecond, { lasted: 40 * oneDay }],
      ],
      lives: [
        [0, 35, 's', 'grace', 1],
        [oneDay + microsecond, 35 * oneDay + microsecond, 'd', 'stop', 1],
      ],
    },
    moved: {
      records: [
        ['start', 0],
        ['final', 20, { source: 'edge-2' }],
      ],
      lives: [[0, 20, 's', 'stop', 2]],
    },
    'connections of two edges': {
      records: [
        ['start', 0, { kind: 'tcp_connection' }],
        ['final', 20, { kind: 'tcp_connection', source: 'edge-2' }],
      ],
      lives: [
        [0, 3_900, 's', 'grace', 1],
        [20, 20, 'f', 'stop', 1],
      ],
    },
    'a request': { records: [['final', 20, { kind: 'http_request', lasted: 20 }]], lives: [] },
    'a websocket': {
      records: [
        ['interim', 10, { kind: 'http_request', lasted: 10 }],
        ['final', 20, { kind: 'http_request', lasted: 10 }],
      ],
      lives: [[0, 20, 'd', 'stop', 2]],
    },
  }

  test('each rule at its edge, worked out by hand', async () => {
    const { log, projection } = await pipeline.fresh()
    const middle = start + 3 * day
    const micros = (seconds: number): number => Math.round(seconds * secondMicros)
    let seq = 0
    for (const [name, { records }] of Object.entries(scenes)) {
      const arrivals = records.map(([phase, seconds, { lasted, beat, ...more } = {}]) =>
        arrivalOf({
          kind: 'session',
          session: name,
          phase,
          seq: ++seq,
          time: formatInstant((middle + micros(seconds)) as Micros),
          ...(lasted === undefined ? {} : { duration_us: micros(lasted) }),
          ...(beat === undefined ? {} : { attributes: { heartbeat_seconds: String(beat) } }),
          ...more,
        }),
      )
      await log.append(arrivals, testNow)
    }
    await projection.catchUp()
    const whole: Period = { from: (middle - 40 * day) as Micros, to: (middle + 80 * day) as Micros }
    const scope = { kind: 'account', account: 'acme' as AccountKey } as const
    const any = { state: null, kind: null, endpoint: null, client: null, name: null }
    const question = { scope, below: projection.position(), period: whole, until: whole.to, ...any }
    const { sessions } = await askSessions(pipeline.engine, question, { after: null, most: 1_000 })
    const of = Map.groupBy(sessions, ({ name }) => name)
    for (const [name, { lives }] of Object.entries(scenes)) {
      const told = (of.get(name) ?? []).map(({ started, startedBy, ends, isStopped, records }) => [
        started - middle,
        ends - middle,
        startedBy.slice(0, 1),
        isStopped ? 'stop' : 'grace',
        Number(records),
      ])
      const expected = lives.map(([from, to, ...rest]) => [micros(from), micros(to), ...rest])
      expect(told, name).toEqual(expected)
    }
  })
})
