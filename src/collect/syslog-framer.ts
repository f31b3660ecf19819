import { limits } from './limits.ts'
import type { ReceivedLine } from './numbered-lines.ts'
import { startOfMessage } from './syslog-message.ts'

const newline = 0x0a
/** A count is only taken for one when a priority follows it: a line of a log may well begin with a number. */
const countPattern = /^([1-9]\d{0,8}) </
const maybeCount = /^[1-9]\d{0,8} ?$/
const countBytesMax = 12

/**
 * Cuts a stream into syslog messages (RFC 6587): counted octets, or a newline after each; a stream may have both.
 * It holds no more than `limits.syslogBytesMax` of a message.
 */
export class SyslogFramer {
  #carry = Buffer.alloc(0)
  /** Bytes in `#carry` that are of the message under way. */
  #held = 0
  /** Bytes of the message under way, held or not. */
  #length = 0
  /** Bytes that the message under way still needs when they are counted; undefined: up to a newline. */
  #missing: number | undefined
  /** The first bytes of a message of which nobody knows yet whether they are a count. */
  #start: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): ReceivedLine[] {
    const lines: ReceivedLine[] = []
    let rest = this.#start.length === 0 ? chunk : Buffer.concat([this.#start, chunk])
    this.#start = Buffer.alloc(0)
    while (rest.length > 0) {
      if (this.#length === 0 && this.#missing === undefined) {
        const head = rest.toString('latin1', 0, countBytesMax)
        if (rest.length < countBytesMax && maybeCount.test(head)) {
          this.#start = Buffer.from(rest)
          return lines
        }
        const digits = countPattern.exec(head)?.[1]
        if (digits !== undefined) {
          this.#missing = Number(digits)
          rest = rest.subarray(digits.length + 1)
        }
      }
      const { taken, isWhole } = this.#take(rest)
      rest = rest.subarray(taken)
      if (isWhole && this.#length > 0) lines.push(this.#message())
    }
    return lines
  }

  /** What was left when the connection ended. It may be half of a message, so nobody may read it as a whole one. */
  end(): ReceivedLine[] {
    if (this.#start.length > 0) this.#take(this.#start)
    this.#start = Buffer.alloc(0)
    if (this.#length === 0) return []
    return [{ ...this.#message(), fault: 'the connection ended before the message did' }]
  }

  #take(bytes: Buffer): { readonly taken: number; readonly isWhole: boolean } {
    if (this.#missing !== undefined) {
      const part = bytes.subarray(0, this.#missing)
      this.#keep(part)
      this.#missing -= part.length
      return { taken: part.length, isWhole: this.#missing === 0 }
    }
    const end = bytes.indexOf(newline)
    this.#keep(end < 0 ? bytes : bytes.subarray(0, end))
    return { taken: end < 0 ? bytes.length : end + 1, isWhole: end >= 0 }
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    const kept = part.subarray(0, Math.max(0, limits.syslogBytesMax - this.#held))
    if (this.#held + kept.length > this.#carry.length) {
      const larger = Buffer.allocUnsafe(Math.min(limits.syslogBytesMax, 2 * (this.#held + kept.length)))
      this.#carry.copy(larger, 0, 0, this.#held)
      this.#carry = larger
    }
    kept.copy(this.#carry, this.#held)
    this.#held += kept.length
  }

  #message(): ReceivedLine {
    const line = messageLine(Buffer.from(this.#carry.subarray(0, this.#held)), this.#length)
    this.#held = 0
    this.#length = 0
    this.#missing = undefined
    return line
  }
}

/** A syslog message, or the beginning of one that has this length, as the line that it brings. */
export function messageLine(bytes: Buffer, length: number = bytes.length): ReceivedLine {
  const start = startOfMessage(bytes)
  if (length > limits.syslogBytesMax) {
    const kept = bytes.subarray(start, start + limits.overlongKeptBytes)
    const fault = `the message has ${length} bytes, more than ${limits.syslogBytesMax}; its beginning is kept`
    return { bytes: kept, length: length - start, fault }
  }
  const message = bytes.subarray(start, bytes.at(-1) === newline ? bytes.length - 1 : bytes.length)
  return { bytes: message, length: message.length }
}
