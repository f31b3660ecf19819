import { randomBytes } from 'node:crypto'
import { systemClock } from '../core/time.ts'
import type { Clock } from '../core/time.ts'

/** What a program cannot compute: time and randomness. Handed in, so that a seed replays a failure. */
export interface World extends Clock {
  readonly random: (size: number) => Uint8Array
}

export const systemWorld: World = { ...systemClock, random: (size) => randomBytes(size) }
