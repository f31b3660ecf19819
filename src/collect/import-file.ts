import { createHash } from 'node:crypto'
import { assert } from '../core/result.ts'
import { parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { AccountRule } from './account-rule.ts'
import { sendCheckpoint } from './checkpoint.ts'
import { BatchBuilder, Lanes, deliver } from './delivery.ts'
import type { Batch, BatchOutcome, NotAccepted } from './delivery.ts'
import { entriesOf } from './entries.ts'
import { openContent } from './file-content.ts'
import type { ContentEnd, FileContent } from './file-content.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import { LineSplitter } from './line-splitter.ts'
import type { SplitLine } from './line-splitter.ts'
import { outgoingLine } from './outgoing-line.ts'
import type { OutgoingLine } from './outgoing-line.ts'
import { nothingSeen, parseSeenLines } from './seen-lines.ts'
import type { SeenLines } from './seen-lines.ts'
import { ServiceError, bodyOf, callOnce, callPatiently, retryDelayMs } from './service.ts'
import type { Service, World } from './service.ts'

/** What is to be imported, and how. */
export interface ImportTask {
  readonly file: string
  readonly reader: LineReader
  readonly rule: AccountRule | undefined
  /** Instead of the identity that comes from the first line. */
  readonly source: string | undefined
  /** First and last number, both inclusive; all other entries are left alone. */
  readonly lines: { readonly from: number; readonly to: number }
  /** Send lines that the service already has. */
  readonly again: boolean
  /** Take a last line that does not end with a newline. */
  readonly final: boolean
}

export interface ImportProgress {
  readonly bytesRead: number
  readonly lines: number
}

export interface ImportDoor {
  readonly service: Service
  readonly world: World
  readonly onProgress: (progress: ImportProgress) => void
}

/** What became of a file. The service's answers and the lines that were read are counted apart, and must meet. */
export interface ImportReport {
  readonly file: string
  source: string | undefined
  /** Entries that were read, within those asked for; in most formats every line is one (see entries.ts). */
  lines: number
  /** Lines that are no entries because they speak about the file. */
  directives: number
  accepted: number
  duplicates: number
  quarantined: number
  /** Lines that were not counted anew because the service already had them. */
  skipped: number
  /** The first few lines that were quarantined. */
  readonly quarantinedFirst: NotAccepted[]
  /** Lines in which the account rule found nothing. */
  accountMissing: number
  /** Lines in which it found something that cannot be the key of an account. */
  accountNotKey: number
  /** Requests without a size, which are not requests of size 0 (L13). */
  withoutSize: number
  /** A last line that was left out because it may not be finished. */
  unfinished: { readonly line: number; readonly bytes: number } | undefined
  /** Why the file could not be read to its end, and how far that was possible. */
  damage: { readonly reason: string; readonly afterLine: number; readonly contentBytes: number } | undefined
  /** Why the import stopped before the end of the file. */
  stopped: string | undefined
  /** What was stated about the whole of the file, and why it did not arrive, if it did not. */
  checkpoint: { readonly seq: number; readonly time: Micros; readonly failure: string | undefined } | undefined
}

/** L1: every line that was read is in exactly one place. */
export function addsUp(
  report: Pick<ImportReport, 'lines' | 'accepted' | 'duplicates' | 'quarantined' | 'skipped'>,
): boolean {
  return report.lines === report.accepted + report.duplicates + report.quarantined + report.skipped
}

/**
 * Imports one file: cuts it into lines, reads each, and sends those that the service does not have. Throws
 * only when the file cannot be opened; everything else is in the report.
 */
export async function importFile(task: ImportTask, door: ImportDoor): Promise<ImportReport> {
  const content = await openContent(task.file)
  const run = new ImportRun(task, door, content)
  try {
    await run.readAll()
  } catch (error) {
    const { message } = error as Error
    const goesOn = error instanceof ServiceError && run.report.lines > 0
    run.report.stopped = goesOn ? `${message}. The same command goes on where this one stopped` : message
  }
  return run.report
}

class ImportRun {
  readonly report: ImportReport
  readonly #task: ImportTask
  readonly #door: ImportDoor
  readonly #content: FileContent
  readonly #splitter = new LineSplitter()
  readonly #lanes = new Lanes(limits.batchesInFlightMax)
  readonly #batch = new BatchBuilder()
  readonly #probe = new BatchBuilder()
  #source = ''
  #seen: SeenLines = nothingSeen
  #probed = 0
  #isFirstBatch = true
  #lastEntry = 0
  #contentBytes = 0
  /** The greatest time of an event. */
  #time: Micros | undefined
  /** Some events have an identity of their own, so this file's numbers have holes that are none. */
  #hasUnnumbered = false

  constructor(task: ImportTask, door: ImportDoor, content: FileContent) {
    this.#task = task
    this.#door = door
    this.#content = content
    this.report = {
      file: task.file,
      source: undefined,
      lines: 0,
      directives: 0,
      accepted: 0,
      duplicates: 0,
      quarantined: 0,
      skipped: 0,
      quarantinedFirst: [],
      accountMissing: 0,
      accountNotKey: 0,
      withoutSize: 0,
      unfinished: undefined,
      damage: undefined,
      stopped: undefined,
      checkpoint: undefined,
    }
  }

  async readAll(): Promise<void> {
    let end: ContentEnd | undefined
    try {
      end = await this.#readChunks()
      if (end !== undefined) await this.#takeEnd(end)
      await this.#sendProbe()
      if (this.#batch.length > 0) await this.#send(this.#batch.take())
    } finally {
      // Also after a failure: what is under way is answered for and belongs into the report.
      await this.#lanes.settle()
    }
    if (end?.kind === 'complete') await this.#stateCheckpoint()
  }

  /**
   * The file is all here, so its source has said everything up to its last number and its greatest time, and lost
   * nothing. A file that may still grow, or of which a part was asked for, has said no such thing.
   */
  async #stateCheckpoint(): Promise<void> {
    const time = this.#time
    const isWhole = this.#task.lines.from === 1 && this.report.unfinished === undefined
    if (!isWhole || this.#hasUnnumbered || time === undefined || !addsUp(this.report)) return
    const { service, world } = this.#door
    const seq = this.#lastEntry
    let failure: string | undefined
    for (let attempt = 1; attempt <= limits.checkpointAttemptsMax; attempt += 1) {
      failure = await sendCheckpoint(service, { source: this.#source, epoch: '', seq, time, lost: 0 })
      if (failure === undefined || attempt === limits.checkpointAttemptsMax) break
      await world.wait(retryDelayMs(attempt, world.random()), failure)
    }
    this.report.checkpoint = { seq, time, failure }
  }

  /** Reads to the end of the file, or to the last line that is asked for; then there is no end to speak of. */
  async #readChunks(): Promise<ContentEnd | undefined> {
    const { chunks, bytesRead } = this.#content
    try {
      for (let next = await chunks.next(); ; next = await chunks.next()) {
        if (next.done === true) return next.value
        this.#contentBytes += next.value.length
        for (const line of this.#splitter.push(next.value)) if (!(await this.#takeLine(line))) return undefined
        this.#door.onProgress({ bytesRead: bytesRead(), lines: this.report.lines })
      }
    } finally {
      await chunks.return({ kind: 'complete' })
    }
  }

  async #takeEnd(end: ContentEnd): Promise<void> {
    if (end.kind === 'damaged') {
      this.report.damage = { reason: end.reason, afterLine: this.#lastEntry, contentBytes: this.#contentBytes }
      return
    }
    const bytes = this.#splitter.unfinishedBytes
    const line = this.#splitter.end()
    if (line === undefined || this.#lastEntry >= this.#task.lines.to) return
    // A compressed file has been closed by whoever compressed it. A plain one may still be written to, and
    // half a line must not be counted as if it were the whole.
    if (this.#content.compression === 'none' && !this.#task.final) {
      if (this.#lastEntry + 1 >= this.#task.lines.from) this.report.unfinished = { line: this.#lastEntry + 1, bytes }
      return
    }
    await this.#takeLine(line)
  }

  /** Takes the entries of a line, in most formats the line itself. False when one is after the last asked for. */
  async #takeLine(line: SplitLine): Promise<boolean> {
    const entries = entriesOf(line, this.#task.reader)
    if (entries.length === 0) this.report.directives += 1
    for (const entry of entries) {
      if (this.#lastEntry >= this.#task.lines.to) return false
      this.#lastEntry += 1
      // The first line may say the same in every file of its format; the first entry does not.
      if (this.#lastEntry === 1) await this.#begin(entry.bytes)
      await this.#take({ ...entry, number: this.#lastEntry })
    }
    return true
  }

  async #take(line: SplitLine): Promise<void> {
    if (line.number < this.#task.lines.from) return
    this.report.lines += 1
    if (this.#seen.held.has(line.number)) {
      this.report.skipped += 1
      return
    }
    const outgoing = outgoingLine(line, { source: this.#source, reader: this.#task.reader, rule: this.#task.rule })
    if (!outgoing.numbered) this.#hasUnnumbered = true
    const time = outgoing.time === undefined ? undefined : parseInstant(outgoing.time)
    if (time?.ok === true && time.value > (this.#time ?? -1)) this.#time = time.value
    if (this.#seen.accepted.has(line.number)) await this.#skip(line.number, outgoing)
    else await this.#add(line.number, outgoing)
  }

  async #begin(firstEntry: Buffer): Promise<void> {
    const { firstLineHash } = this.#splitter
    assert(firstLineHash !== undefined, 'the first line is complete')
    const isFirstLine = this.#task.reader.entriesOf === undefined
    const hash = isFirstLine ? firstLineHash : createHash('sha256').update(firstEntry).digest('hex')
    this.#source = this.#task.source ?? `file:${hash.slice(0, 32)}`
    this.report.source = this.#source
    const { service, world } = this.#door
    const call = { method: 'GET', path: `/v1/sources/${encodeURIComponent(this.#source)}` } as const
    const first = await callOnce(service, call)
    // Nobody is there at all: say so at once. A service that goes away later is waited for.
    const reply = first.kind === 'no-answer' && first.refused ? first : await callPatiently(service, call, world)
    if (reply.kind === 'answer' && reply.status === 404) return
    const seen = parseSeenLines(bodyOf(service, reply))
    if (!seen.ok) throw new ServiceError('ANSWER_UNCLEAR', `${service.url} answered unclearly: ${seen.error}`)
    if (!this.#task.again) this.#seen = seen.value
  }

  async #add(line: number, outgoing: OutgoingLine): Promise<void> {
    if (!outgoing.hasSize) this.report.withoutSize += 1
    if (outgoing.account === 'no-match') this.report.accountMissing += 1
    if (outgoing.account === 'not-a-key') this.report.accountNotKey += 1
    if (this.#batch.isFullFor(outgoing.json)) await this.#send(this.#batch.take())
    this.#batch.add(line, outgoing.json)
  }

  /**
   * Leaves a line out that the service already has. A few of them are sent all the same: if they come back
   * as conflicts, the service has another file under this source, and skipping would lose this one silently.
   * The first line cannot tell, because it is what the source was made of.
   */
  async #skip(line: number, { json }: OutgoingLine): Promise<void> {
    const tells = line > 1 || this.#task.source !== undefined
    if (!tells || this.#probed === limits.probedLinesMax) {
      this.report.skipped += 1
      return
    }
    this.#probe.add(line, json)
    this.#probed += 1
    if (this.#probed === limits.probedLinesMax) await this.#sendProbe()
  }

  async #sendProbe(): Promise<void> {
    if (this.#probe.length === 0) return
    const outcome = await deliver(this.#door.service, this.#probe.take(), this.#door.world)
    this.#count({ ...outcome, duplicates: 0 })
    this.report.skipped += outcome.duplicates
    if (conflictsIn(outcome) > 0) throw new Error(otherFileMessage(this.#source))
  }

  async #send(batch: Batch): Promise<void> {
    const isFirst = this.#isFirstBatch
    this.#isFirstBatch = false
    await this.#lanes.start(async () => {
      const outcome = await deliver(this.#door.service, batch, this.#door.world)
      this.#count(outcome)
      if (isFirst && conflictsIn(outcome) * 2 > batch.lines.length) throw new Error(otherFileMessage(this.#source))
    })
    // The first answer decides whether the rest is sent at all.
    if (isFirst) await this.#lanes.settle()
  }

  #count(outcome: BatchOutcome): void {
    this.report.accepted += outcome.accepted
    this.report.duplicates += outcome.duplicates
    this.report.quarantined += outcome.quarantined
    for (const result of outcome.notAccepted) {
      if (this.report.quarantinedFirst.length === limits.quarantinedShownMax) break
      if (result.status === 'quarantined') this.report.quarantinedFirst.push(result)
    }
  }
}

function conflictsIn(outcome: BatchOutcome): number {
  return outcome.notAccepted.filter(({ code }) => code === 'EVENT_CONFLICT').length
}

function otherFileMessage(source: string): string {
  return (
    `the service has other events under the source ${source}: another file with the same first line was imported, ` +
    'or this file with another --format, --account-from or --map. For another file give a name of your own with ' +
    '--source; to read this file as before repeat the options of then'
  )
}
