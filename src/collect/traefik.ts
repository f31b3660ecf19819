import { fail, ok } from '../core/result.ts'
import { combinedReader } from './combined.ts'
import { traefikJsonReader } from './json-formats.ts'
import type { FieldMapping, LineReader } from './line-reader.ts'
import { parseDuration } from './log-quantity.ts'

/** Traefik's JSON or its common log format; a line shows which of them it is. */
export function traefikReader(mappings: readonly FieldMapping[]): LineReader {
  const readJson = traefikJsonReader(mappings)
  return (line) => (line.startsWith('{') ? readJson(line) : readClf(line))
}

/** After the combined format: number of the request, router, address of the server, duration. */
const endPattern = /" (?:\d+|-) "([^"]*)" "([^"]*)" (\d+)ms$/

/**
 * Traefik's default is the combined format with four fields after it. Its size is the content's, without headers.
 * The number of the request starts again with every start of Traefik, so it identifies nothing.
 */
const readClf: LineReader = (line) => {
  const read = combinedReader(line)
  if (!read.ok) return read
  const [, router, server, duration] = endPattern.exec(line) ?? []
  if (duration === undefined) return fail("the line does not end as Traefik's do, with router, server and duration")
  const micros = parseDuration('ms')(duration)
  if (!micros.ok) return fail(`the duration ${micros.error}`)
  const { body, textOf } = read.value
  const own: Readonly<Record<string, string | undefined>> = { RouterName: router, ServiceURL: server }
  return ok({
    body: { ...body, duration_us: micros.value },
    textOf: (field) => (Object.hasOwn(own, field) ? own[field] : textOf(field)),
  })
}
