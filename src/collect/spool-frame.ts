import { crc32 } from 'node:zlib'
import type { Micros } from '../core/time.ts'
import { assert } from '../core/result.ts'
import type { NoteChange } from './spool-notes.ts'

/** Where the reading of one log file is. What lies before `offset` is in the spool or was acknowledged. */
export interface TailPosition {
  /** The name that is tailed; the file itself may have been renamed since. */
  readonly path: string
  readonly device: string
  readonly inode: string
  readonly compressed: boolean
  /** In bytes of the content. */
  readonly offset: number
  /** SHA-256 of the last bytes before the offset, and how many: the content is known again by it. */
  readonly mark: { readonly bytes: number; readonly hash: string }
  /** What a new reader has to be shown to go on here. */
  readonly preamble: readonly string[]
}

/**
 * A file that is read to its end, or was there before the agent, by the first bytes of its content: so its copies and
 * archives are known too. Not by its inode, which the next file may be given.
 */
export interface FinishedFile {
  readonly bytes: number
  readonly hash: string
  /**
   * Stands for the path that was tailed. Where it is missing, an older release wrote this, and directives at the
   * beginning of the file are among the bytes.
   */
  readonly of?: string
}

/** All that an agent has to know after a restart. */
export interface SpoolState {
  readonly source: string
  readonly epoch: string
  /** The last number that was given. */
  readonly seq: number
  /** Lines that were lost before they could be read, in all of this epoch. */
  readonly lost: number
  /** Everything that was in the logs at this time is in the spool, was acknowledged or is counted in `lostUpTo`. */
  readonly upTo: Micros | null
  /** Those of the lost lines that are stated together with `upTo`; left out in old spools: all of them. */
  readonly lostUpTo?: number
  readonly files: readonly TailPosition[]
  /** When the spool was new: what was rotated away before is none of its business. */
  readonly begunAt: Micros
  /** When the look at the logs began by which this state came about. */
  readonly lookedAt: Micros
  /** The last files that need no reading any more, so that none is taken for a new one. */
  readonly finished: readonly FinishedFile[]
}

/** One durable step: events, and the state after them. */
export interface Frame {
  /** From 1 without holes. */
  readonly number: number
  /** The last frame that the service had acknowledged when this one was written. */
  readonly acknowledged: number
  readonly state: SpoolState
  readonly events: readonly string[]
  /** What changed among the notes; in the first frame of a segment all of them. */
  readonly notes?: readonly NoteChange[]
}

/** Length of the payload and its CRC-32, both 32 bits, little endian. */
export const frameHeadBytes = 8

/** The payload: a line of JSON about the frame, and then each event as a line. */
export function encodeFrame({ events, ...about }: Frame): Buffer {
  const payload = Buffer.from([JSON.stringify({ ...about, events: events.length }), ...events].join('\n'))
  const head = Buffer.alloc(frameHeadBytes)
  head.writeUInt32LE(payload.length, 0)
  head.writeUInt32LE(crc32(payload), 4)
  return Buffer.concat([head, payload])
}

/** The frame, or undefined when its bytes are not those that were written. */
export function decodeFrame(head: Buffer, payload: Buffer): Frame | undefined {
  if (payload.length === 0 || crc32(payload) !== head.readUInt32LE(4)) return undefined
  const [about = '', ...events] = payload.toString('utf8').split('\n')
  const frame = JSON.parse(about) as Omit<Frame, 'events'> & { readonly events: number }
  assert(frame.events === events.length, 'a frame has the events that it says')
  return { ...frame, events }
}
