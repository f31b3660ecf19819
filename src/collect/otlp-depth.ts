import type { Result } from '../core/result.ts'
import { parseJsonRecord } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'

/** Nothing that is read of an export lies deeper: the elements of a list in an attribute of a record do, at 13. */
const depthMax = 24

/**
 * An export in JSON. What a record says deeper than anything that is read, such as in its body, is no reason to refuse
 * its neighbours, or even the record: it is as if it were null.
 */
export function parseExport(text: string): Result<JsonRecord, string> {
  const request = parseJsonRecord(text)
  return request.ok || !isJson(text) ? request : parseJsonRecord(withoutDepths(text))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** `text` is JSON. Whatever lies deeper than the bound becomes null. */
function withoutDepths(text: string): string {
  const kept: string[] = []
  let [depth, from] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    const found = text[at]
    if (found === '"') at = endOfText(text, at)
    else if (found === '[' || found === '{') {
      if (depth === depthMax) kept.push(text.slice(from, at), 'null')
      depth += 1
    } else if (found === ']' || found === '}') {
      depth -= 1
      if (depth === depthMax) from = at + 1
    }
  }
  return kept.join('') + text.slice(from)
}

/** Of the text in quotes that begins here: where its last quote is. Not by a pattern, which a long text exhausts. */
function endOfText(text: string, begin: number): number {
  let at = begin + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
