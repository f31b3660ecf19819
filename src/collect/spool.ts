import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { assert } from '../core/result.ts'
import { decodeFrame, encodeFrame, frameHeadBytes } from './spool-frame.ts'
import type { Frame, SpoolState } from './spool-frame.ts'
import { SpoolNotes } from './spool-notes.ts'
import type { NoteChange } from './spool-notes.ts'

/** A file of frames. Frames are only ever appended; a segment is removed when all of it was acknowledged. */
interface Segment {
  readonly number: number
  readonly path: string
  /** Length of the frames that are whole. */
  bytes: number
  lastFrame: number
}

/** Frames that are to be sent, and where the next ones begin. */
export interface SpooledBatch {
  readonly events: readonly string[]
  readonly state: SpoolState
  readonly lastFrame: number
  readonly next: Cursor
}

interface Cursor {
  readonly segment: number
  readonly at: number
}

export interface SpoolBounds {
  readonly bytesMax: number
  readonly segmentBytesMax: number
}

/**
 * What an agent has taken from its logs and the service has not acknowledged, on disk. Every frame holds events
 * together with the positions in the logs behind them: one write and one fsync make both durable, so a kill at any
 * moment leaves a line either in the spool or in its log, never in both or in neither. The last whole frame is the
 * truth about positions and numbers. All calls are synchronous: no two can meet.
 */
export class Spool {
  /** As of the last frame. */
  readonly notes = new SpoolNotes()
  readonly #directory: string
  readonly #bounds: SpoolBounds
  readonly #segments: Segment[] = []
  #file: number | undefined
  #last: Omit<Frame, 'events' | 'notes'>
  #cursor: Cursor = { segment: 0, at: 0 }
  #acknowledged: number
  /** The newest segment may have bytes behind its last whole frame. */
  #isTorn = false

  /** Opens the spool in this folder, or begins one with this state. The caller holds the folder alone. */
  constructor(directory: string, bounds: SpoolBounds, initial: () => SpoolState) {
    this.#directory = directory
    this.#bounds = bounds
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const last = this.#recover()
    this.#last = last ?? { number: 0, acknowledged: 0, state: initial() }
    this.#acknowledged = this.#last.acknowledged
    if (last === undefined) this.append(this.#last.state, [])
    this.#cursor = this.#cursorAfter(this.#acknowledged)
  }

  /** Of the last frame. */
  get state(): SpoolState {
    return this.#last.state
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** True when frames were appended and not acknowledged. */
  get hasUnsent(): boolean {
    return this.#acknowledged < this.#last.number
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#bounds.bytesMax
  }

  /** Durable when it returns. When it throws, nothing was appended and the same may be tried again. */
  append(state: SpoolState, events: readonly string[], changes: readonly NoteChange[] = []): void {
    const frame = { number: this.#last.number + 1, acknowledged: this.#acknowledged, state }
    let bytes = encodeFrame({ ...frame, events, ...(changes.length === 0 ? {} : { notes: changes }) })
    const segment = this.#segmentFor(bytes.length)
    if (segment.bytes === 0 && this.notes.size > 0)
      bytes = encodeFrame({ ...frame, events, notes: this.notes.all(changes) })
    this.#file ??= openSync(segment.path, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      // Remains of an append that failed half-way must never stand behind a whole frame.
      ftruncateSync(this.#file, segment.bytes)
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, segment.bytes + at)
      fsyncSync(this.#file)
    } catch (error) {
      this.#isTorn = true
      this.#closeFile()
      throw error
    }
    this.#isTorn = false
    segment.bytes += bytes.length
    segment.lastFrame = frame.number
    this.#last = frame
    this.notes.apply(changes, false)
  }

  /** The next frames to send: at least one, and more while they stay within the bounds. */
  next(bounds: { readonly eventsMax: number; readonly bytesMax: number }): SpooledBatch | undefined {
    const events: string[] = []
    let batch: SpooledBatch | undefined
    let bytes = 0
    for (let cursor = this.#cursor; ;) {
      const found = this.#frameAt(cursor)
      if (found === undefined) return batch
      bytes += found.bytes
      const isFull = events.length + found.frame.events.length > bounds.eventsMax || bytes > bounds.bytesMax
      if (batch !== undefined && isFull) return batch
      for (const event of found.frame.events) events.push(event)
      cursor = found.next
      batch = { events, state: found.frame.state, lastFrame: found.frame.number, next: cursor }
    }
  }

  /** Everything up to the end of this batch is the service's. Frees the segments that nobody needs any more. */
  acknowledge({ lastFrame, next }: SpooledBatch): void {
    assert(lastFrame > this.#acknowledged && lastFrame <= this.#last.number, 'frames are acknowledged in their order')
    this.#acknowledged = lastFrame
    this.#cursor = next
    this.#compact()
    // The newest frame holds the positions, so the segment with it stays, and the one before an empty one too.
    if (this.#segments.at(-1)?.bytes === 0) return
    while (this.#segments.length > 1 && (this.#segments[0]?.lastFrame ?? 0) <= this.#acknowledged)
      rmSync(this.#segments.shift()?.path ?? '', { force: true })
  }

  /** When all is sent, a small segment with nothing but the state takes the place of a large one, if the disk lets it. */
  #compact(): void {
    const newest = this.#segments.at(-1)
    if (this.hasUnsent || newest === undefined || newest.bytes <= this.#bounds.segmentBytesMax / 4) return
    try {
      this.#startSegment()
      this.append(this.#last.state, [])
    } catch {
      // The space is freed by a later acknowledgement.
    }
  }

  close(): void {
    this.#closeFile()
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #segmentFor(bytes: number): Segment {
    const newest = this.#segments.at(-1)
    const fits = newest !== undefined && (newest.bytes === 0 || newest.bytes + bytes <= this.#bounds.segmentBytesMax)
    return fits ? newest : this.#startSegment()
  }

  /** The name is durable before the first frame is written: the frame's own fsync says nothing about its folder. */
  #startSegment(): Segment {
    if (this.#isTorn) this.#cutTornEnd()
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    const path = join(this.#directory, `segment-${String(number).padStart(12, '0')}`)
    const file = openSync(path, 'a', 0o600)
    const folder = openSync(this.#directory, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
      closeSync(file)
    }
    this.#closeFile()
    const segment = { number, path, bytes: 0, lastFrame: this.#last.number }
    this.#segments.push(segment)
    return segment
  }

  /** A torn frame is only understood at the very end, so it goes before another segment begins. */
  #cutTornEnd(): void {
    const { path, bytes } = this.#segments.at(-1) ?? {}
    if (path === undefined) return
    const file = openSync(path, 'r+')
    try {
      ftruncateSync(file, bytes)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    this.#isTorn = false
  }

  #recover(): Omit<Frame, 'events' | 'notes'> | undefined {
    const names = readdirSync(this.#directory).filter((name) => /^segment-\d{12}$/.test(name))
    let last: Omit<Frame, 'events' | 'notes'> | undefined
    for (const [index, name] of names.toSorted().entries()) {
      const segment = { number: Number(name.slice(8)), path: join(this.#directory, name), bytes: 0, lastFrame: 0 }
      const end = readFrames(segment.path, ({ frame, next }) => {
        assert(last === undefined || frame.number === last.number + 1, `${name}: frames follow each other`)
        last = { number: frame.number, acknowledged: frame.acknowledged, state: frame.state }
        this.notes.apply(frame.notes ?? [], segment.bytes === 0)
        segment.bytes = next
      })
      // A frame that is not whole was never acknowledged to anybody, if it is the last one. Elsewhere the disk lies.
      if (end === 'torn' && index < names.length - 1)
        throw new Error(
          `the spool is damaged in ${segment.path} at byte ${segment.bytes}, and events in it are lost; keep the folder, and start again with an empty --spool`,
        )
      this.#isTorn = end === 'torn'
      segment.lastFrame = last?.number ?? 0
      this.#segments.push(segment)
    }
    return last
  }

  #cursorAfter(frame: number): Cursor {
    const segment = this.#segments.find(({ lastFrame }) => lastFrame > frame) ?? this.#segments.at(-1)
    assert(segment !== undefined, 'a spool has a segment')
    let cursor = { segment: segment.number, at: 0 }
    for (let found = this.#frameAt(cursor); found !== undefined; found = this.#frameAt(cursor)) {
      if (found.frame.number > frame) break
      cursor = found.next
    }
    return cursor
  }

  #frameAt(cursor: Cursor): { readonly frame: Frame; readonly bytes: number; readonly next: Cursor } | undefined {
    // The segment that the cursor stands at the end of may have been removed meanwhile.
    const segment = this.#segments.find(({ number }) => number >= cursor.segment)
    if (segment === undefined) return undefined
    if (segment.number > cursor.segment && cursor.at > 0) return this.#frameAt({ segment: segment.number, at: 0 })
    if (cursor.at >= segment.bytes) {
      const later = this.#segments.some(({ number }) => number > segment.number)
      return later ? this.#frameAt({ segment: segment.number + 1, at: 0 }) : undefined
    }
    const file = openSync(segment.path, 'r')
    try {
      const found = readFrame(file, cursor.at, segment.bytes)
      assert(found !== undefined, `${segment.path}: what was written can be read`)
      return {
        frame: found.frame,
        bytes: found.next - cursor.at,
        next: { segment: segment.number, at: found.next },
      }
    } finally {
      closeSync(file)
    }
  }
}

interface FoundFrame {
  readonly frame: Frame
  readonly next: number
}

function readFrame(file: number, at: number, end: number): FoundFrame | undefined {
  const head = Buffer.alloc(frameHeadBytes)
  if (readSync(file, head, 0, frameHeadBytes, at) < frameHeadBytes) return undefined
  const length = head.readUInt32LE(0)
  if (at + frameHeadBytes + length > end) return undefined
  const payload = Buffer.allocUnsafe(length)
  for (let read = 0; read < length;) {
    const bytes = readSync(file, payload, read, length - read, at + frameHeadBytes + read)
    if (bytes === 0) return undefined
    read += bytes
  }
  const frame = decodeFrame(head, payload)
  return frame === undefined ? undefined : { frame, next: at + frameHeadBytes + length }
}

/** Hands out the frames of a segment, up to the first that is not whole. */
export function readFrames(path: string, take: (found: FoundFrame) => void): 'whole' | 'torn' {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    for (let at = 0; at < size;) {
      const found = readFrame(file, at, size)
      if (found === undefined) return 'torn'
      take(found)
      at = found.next
    }
    return 'whole'
  } finally {
    closeSync(file)
  }
}
