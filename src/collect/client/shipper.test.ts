import { describe, expect, test } from 'vitest'
import { CheckpointDoor } from '../../../test/support/checkpoint-door.ts'
import { FakeService } from '../../../test/support/fake-service.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { Counters } from './counters.ts'
import type { Counter } from './counters.ts'
import { MemorySpool } from './memory-spool.ts'
import { Shipper, newSpoolState } from './shipper.ts'
import type { ShipperParts } from './shipper.ts'
import { Teller } from './trouble.ts'
import type { Trouble } from './trouble.ts'

const begin = 1_790_000_000_000_000
const second = 1_000_000
const year = 365 * 86_400 * second
const bounds = { eventsMax: 10, bytesMax: 1_000_000, sendEveryMs: 0, lateMs: 60_000 }
const line = '{"kind":"usage","name":"n","quantity":"1","account":"a","time":"2026-11-22T10:00:00Z"}'

/** A host, a clock and a service that the test moves by hand. */
class World {
  now = begin
  elapsed = 0
  readonly lines: string[] = []
  readonly troubles: Trouble[] = []
  readonly service = new FakeService()
  readonly spool = new MemorySpool(1_000_000, () => newSpoolState('api', 'e', begin as Micros))
  door = new CheckpointDoor('')

  async start(): Promise<this> {
    await this.service.start()
    this.door = await new CheckpointDoor(this.service.url).start()
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.stop()
    await this.service.stop()
  }

  shipper(parts: Partial<ShipperParts> = {}): Shipper {
    const inbox = {
      read: () => {
        if (this.lines.length === 0) return undefined
        const lines = this.lines.splice(0)
        return { lines, ownBytes: lines.join('\n').length, positions: [], commit: () => {} }
      },
      close: () => {},
    }
    const clock = { now: () => this.now as Micros, elapsed: () => this.elapsed, random: () => 0, wait: async () => {} }
    const fixed = { inbox, spool: this.spool, service: { url: this.door.url, key: 'k' }, world: clock }
    const teller = new Teller((trouble) => this.troubles.push(trouble))
    return new Shipper({ ...fixed, counters: new Counters(), teller, syncLosses: () => {}, ...parts }, bounds)
  }

  pass(seconds: number): void {
    this.now += seconds * second
    this.elapsed += seconds * 1_000
  }

  /** The times that were stated, as seconds since the beginning, without the time that late events have. */
  stated(): number[] {
    return this.door.checkpoints.map(({ time }) => (Date.parse(time) * 1_000 - begin) / second + 60)
  }
}

describe('the time that a checkpoint states', () => {
  test('goes on after a clock that was ahead for a moment', async () => {
    await using world = await new World().start()
    const shipper = world.shipper()
    const turn = async (): Promise<void> => {
      shipper.take()
      await shipper.checkpoint('now')
    }
    await turn()
    world.now += year
    await turn()
    world.now -= year
    world.pass(60)
    await turn()
    world.pass(3_600)
    await turn()
    expect(world.stated()).toEqual([0, year / second, 60, 3_660])
    expect(world.troubles.map(({ kind }) => kind)).toEqual(['clock', 'clock'])
  })

  test('does not cover what was recorded after the clock went back and waits', async () => {
    await using world = await new World().start()
    const shipper = world.shipper()
    world.now += year
    shipper.take()
    world.lines.push(line)
    shipper.take()
    await shipper.send()
    // From here on the acknowledged state says: up to in a year.
    world.now -= year
    world.pass(10)
    world.lines.push(line)
    shipper.take()
    world.pass(10)
    shipper.take()
    await shipper.checkpoint('now')
    expect(world.stated(), 'nothing is stated while it waits').toEqual([])
    await shipper.send()
    await shipper.checkpoint('now')
    expect(world.stated()).toEqual([20])
  })

  test('is not taken from an earlier process whose clock was ahead', async () => {
    await using world = await new World().start()
    world.spool.append({ ...world.spool.state, upTo: (begin + year) as Micros }, [])
    const shipper = world.shipper()
    await shipper.checkpoint('now')
    expect(world.stated(), 'before the first look nothing is known').toEqual([])
    shipper.take()
    await shipper.checkpoint('now')
    expect(world.door.checkpoints.map(({ time }) => time)).toEqual([formatInstant((begin - 60 * second) as Micros)])
  })
})

test('a host that sees lines as taken sees a number that covers them', async () => {
  await using world = await new World().start()
  const seen: { readonly lines: number; readonly seq: number }[] = []
  class SeenCounters extends Counters {
    override add(counter: Counter, value: number): void {
      super.add(counter, value)
      seen.push({ lines: this.get('takenLines'), seq: this.get('spooledSeq') })
    }
    override set(counter: Counter, value: number): void {
      super.set(counter, value)
      seen.push({ lines: this.get('takenLines'), seq: this.get('spooledSeq') })
    }
  }
  const shipper = world.shipper({ counters: new SeenCounters() })
  for (const count of [1, 5, 3]) {
    world.lines.push(...Array.from({ length: count }, () => line))
    shipper.take()
  }
  expect(seen.at(-1)).toEqual({ lines: 9, seq: 9 })
  expect(seen.filter(({ lines, seq }) => lines > seq)).toEqual([])
})

describe('losses', () => {
  test('are synced before a checkpoint states them, each time that they grow and only then', async () => {
    await using world = await new World().start()
    const counters = new Counters()
    const order: string[] = []
    const syncLosses = (): void => void order.push(`synced after ${world.door.checkpoints.length}`)
    const shipper = world.shipper({ counters, syncLosses })
    shipper.take()
    for (const lost of [0, 2, 0, 1]) {
      counters.add('lost', lost)
      await shipper.checkpoint('now')
    }
    expect(world.door.checkpoints.map(({ lost }) => lost)).toEqual(['0', '2', '2', '3'])
    expect(order).toEqual(['synced after 1', 'synced after 3'])
  })

  test('that cannot be synced are told and not stated', async () => {
    await using world = await new World().start()
    const counters = new Counters()
    let isBroken = true
    const syncLosses = (): void => {
      if (isBroken) throw new Error('EIO')
    }
    const shipper = world.shipper({ counters, syncLosses })
    shipper.take()
    counters.add('lost', 1)
    await shipper.checkpoint('now')
    expect(world.door.checkpoints).toEqual([])
    expect(world.troubles).toEqual([{ kind: 'spool', message: expect.stringContaining('EIO') }])
    isBroken = false
    await shipper.checkpoint('now')
    expect(world.door.checkpoints.map(({ lost }) => lost)).toEqual(['1'])
  })
})
