import type { ImportProgress } from '../../collect/import-file.ts'
import type { Terminal } from './command.ts'

const count = new Intl.NumberFormat('en-US')

/** How far the reading of a file is. */
export interface Progress extends ImportProgress {
  /** Size of the file in bytes, or undefined for a pipe. */
  readonly bytesTotal: number | undefined
  readonly elapsedMs: number
}

/** 75 s → `1:15`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const hours = Math.floor(seconds / 3600)
  const below = `${String(Math.floor(seconds / 60) % 60).padStart(hours > 0 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${below}` : below
}

/** One line about a file under way: part, lines, rate, time left by bytes of the file itself. */
export function formatProgress(file: string, progress: Progress): string {
  const { bytesRead, bytesTotal, lines, elapsedMs } = progress
  const rate = elapsedMs === 0 ? 0 : Math.round((lines * 1000) / elapsedMs)
  const parts = [`${count.format(lines)} lines`, `${count.format(rate)} lines/s`]
  if (bytesTotal !== undefined && bytesTotal > 0) {
    const part = Math.min(bytesRead / bytesTotal, 1)
    parts.unshift(`${Math.floor(part * 100)} %`)
    if (part > 0 && part < 1) parts.push(`${formatDuration((elapsedMs * (1 - part)) / part)} left`)
  }
  return `${file}: ${parts.join(', ')}`
}

const liveEveryMs = 100
const logEveryMs = 3_000

/**
 * Shows progress on stderr: one line that is drawn over where a person is watching, and otherwise a line
 * every few seconds.
 */
export class ProgressLine {
  readonly #terminal: Terminal
  #shownAt: number
  #isDrawn = false

  constructor(terminal: Terminal, nowMs: number) {
    this.#terminal = terminal
    this.#shownAt = nowMs
  }

  show(text: string, nowMs: number): void {
    if (nowMs - this.#shownAt < (this.#terminal.isTTY ? liveEveryMs : logEveryMs)) return
    this.#shownAt = nowMs
    if (this.#terminal.isTTY) {
      this.#terminal.stderr.write(`\r\u001b[K${text.slice(0, Math.max(this.#terminal.columns - 1, 20))}`)
      this.#isDrawn = true
    } else {
      this.#terminal.stderr.write(`${text}\n`)
    }
  }

  /** Writes a line that stays. */
  note(text: string): void {
    this.clear()
    this.#terminal.stderr.write(`${text}\n`)
  }

  /** Takes the live line away, so that other output can follow. */
  clear(): void {
    if (this.#isDrawn) this.#terminal.stderr.write('\r\u001b[K')
    this.#isDrawn = false
  }
}
