import { isUtf8 } from 'node:buffer'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import type { SplitLine } from './line-splitter.ts'

type Unnumbered = Omit<SplitLine, 'number'>

/**
 * The entries of a line, as lines of their own. What is numbered are entries and not lines: the numbers have
 * neither holes for lines that are no events nor one number for several. They follow from the content of the file
 * alone, so they are the same in every reading. A line that cannot be taken apart is one entry, for quarantine.
 */
export function entriesOf(line: Unnumbered, reader: LineReader): readonly Unnumbered[] {
  if (reader.entriesOf === undefined || line.length > limits.lineBytesMax || !isUtf8(line.bytes)) return [line]
  const entries = reader.entriesOf(
    line.bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .replace(/\r$/, ''),
  )
  return entries.map((entry) => {
    const bytes = Buffer.from(entry)
    return { bytes, length: bytes.length }
  })
}
