/**
 * The fields of a line that are apart by single spaces; one that begins with a quote ends at a quote before a space
 * or the end, and comes without its quotes. Never more than `most`.
 */
export function quotedFields(line: string, most: number): string[] {
  const fields: string[] = []
  for (let at = 0; at <= line.length && fields.length < most;) {
    const end = line[at] === '"' ? closingQuote(line, at) : -1
    const stop = end >= 0 ? end + 1 : nextSpace(line, at)
    fields.push(end >= 0 ? line.slice(at + 1, end) : line.slice(at, stop))
    at = stop + 1
  }
  return fields
}

function nextSpace(line: string, from: number): number {
  const space = line.indexOf(' ', from)
  return space < 0 ? line.length : space
}

function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from + 1); at >= 0; at = line.indexOf('"', at + 1)) {
    if (at + 1 === line.length || line[at + 1] === ' ') return at
  }
  return -1
}
