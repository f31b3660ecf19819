import { isUtf8 } from 'node:buffer'

function hex(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** The bytes as text for people: what is valid UTF-8 as it is, every other byte as `\xNN`. */
export function showBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  let from = 0
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    if (length === 0) {
      text += bytes.toString('utf8', from, at) + hex(bytes[at] ?? 0)
      from = at + 1
    }
    at += Math.max(length, 1)
  }
  return text + bytes.toString('utf8', from)
}

/** Length of the UTF-8 sequence that starts here, or 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  return isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length ? length : 0
}

/** Bytes written as `\xNN\xNN…` in a log, as text. Undefined when they are not printable UTF-8. */
function decodeRun(run: string): string | undefined {
  const bytes = Buffer.from(run.replaceAll('\\x', ''), 'hex')
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? undefined : text
}

const escapes = /(?:\\x[0-9A-Fa-f]{2})+|\\["\\]/g

/**
 * Undoes the escapes of nginx and Apache logs: `\"`, `\\`, and `\xNN`, whose bytes are UTF-8 for every
 * visitor who means well. Bytes that are no printable text, such as a TLS greeting sent to a plain port,
 * stay as they were written.
 */
export function unescapeLogText(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(escapes, (run) => (run.startsWith('\\x') ? (decodeRun(run) ?? run) : run.slice(1)))
}

/**
 * Makes JSON of a line that nginx wrote without `escape=json`: there `\xNN` stands inside JSON strings,
 * which JSON does not know. Escapes that JSON does know are left alone.
 */
export function repairJsonEscapes(line: string): string {
  return line.replace(/\\\\|(?:\\x[0-9A-Fa-f]{2})+/g, (run) =>
    run.startsWith('\\x') ? JSON.stringify(decodeRun(run) ?? run).slice(1, -1) : run,
  )
}
