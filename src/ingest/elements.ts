/**
 * Splits a JSON document into its events without parsing it: an array into the texts of its elements, anything
 * else into itself. So each event is parsed by itself, with its own text at hand, and a document of millions of
 * elements costs nothing before somebody has counted them.
 *
 * The elements are not checked: where the split is `complete`, the document is JSON exactly when each of them is.
 */
export function* elementsOf(text: string): Generator<string, 'complete' | 'broken'> {
  let at = skipSpace(text, 0)
  if (text.charCodeAt(at) !== openArray) {
    const end = endOfValue(text, at)
    if (end < 0 || skipSpace(text, end) < text.length) return 'broken'
    yield text.slice(at, end)
    return 'complete'
  }
  at = skipSpace(text, at + 1)
  if (text.charCodeAt(at) !== closeArray) {
    for (;;) {
      const end = endOfValue(text, at)
      if (end < 0) return 'broken'
      yield text.slice(at, end)
      at = skipSpace(text, end)
      if (text.charCodeAt(at) === closeArray) break
      if (text.charCodeAt(at) !== comma) return 'broken'
      at = skipSpace(text, at + 1)
    }
  }
  return skipSpace(text, at + 1) === text.length ? 'complete' : 'broken'
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openArray = 0x5b
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

/** The end of the value that begins here, or -1 when the text ends inside it or no value begins here. */
function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === quote) return endOfText(text, from)
  if (first !== openArray && first !== openObject) return endOfScalar(text, from)
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfText(text, at) - 1
      if (at < 0) return -1
    } else if (code === openArray || code === openObject) {
      depth += 1
    } else if (code === closeArray || code === closeObject) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

/** A number, `true`, `false` or `null` goes on until white space or a sign; -1 when there is nothing. */
function endOfScalar(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === comma || code === closeArray || isSpace(code)) break
    at += 1
  }
  return at > from ? at : -1
}

/** Behind the closing quote of the text that begins here; -1 when it is never closed. */
function endOfText(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return end + 1
  }
  return -1
}
