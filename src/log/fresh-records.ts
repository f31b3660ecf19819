import type { Offset } from '../core/ids.ts'
import type { LogRecord } from '../core/record.ts'
import { limits } from './log.ts'

function textOf(records: readonly LogRecord[]): number {
  let text = 0
  for (const { fact, inspection } of records) text += (fact?.length ?? 0) + (inspection?.length ?? 0)
  return text
}

/**
 * The newest records as they were written, so that who follows closely need not unpack them again. Bounded in text;
 * what is not here is read from the file.
 */
export class FreshRecords {
  readonly #runs: { readonly records: readonly LogRecord[]; readonly text: number }[] = []
  #text = 0

  add(records: readonly LogRecord[]): void {
    if (records.length === 0) return
    const text = textOf(records)
    this.#runs.push({ records, text })
    this.#text += text
    while (this.#text > limits.freshTextMax) this.#text -= this.#runs.shift()?.text ?? 0
  }

  /** Records from an offset on, about `most`; null when the offset is not among the newest. */
  from(offset: Offset, most: number): readonly LogRecord[] | null {
    const oldest = this.#runs[0]?.records[0]?.offset
    if (oldest === undefined || offset < oldest) return null
    const found: LogRecord[] = []
    let text = 0
    // From the end: who follows closely asks for the last runs.
    let at = this.#runs.length - 1
    while (at > 0 && (this.#runs[at]?.records[0]?.offset ?? 0) > offset) at -= 1
    for (; at < this.#runs.length && found.length < most && text <= limits.readTextMax; at += 1) {
      const run = this.#runs[at]
      if (run === undefined) break
      for (const record of run.records) if (record.offset >= offset) found.push(record)
      text += run.text
    }
    return found
  }
}
