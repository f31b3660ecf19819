import { limits } from './limits.ts'

/** What a request line says. Garbage that visitors send has no method, and is a request all the same. */
export interface RequestLine {
  readonly method?: string
  readonly path?: string
  readonly protocol?: string
}

/** An HTTP method in upper case, or undefined for anything that does not look like one. */
export function methodOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Za-z][A-Za-z_-]{0,31}$/.test(text) ? text.toUpperCase() : undefined
}

/** `GET /a?b HTTP/1.1` in its parts. The path may contain spaces, because visitors send them. */
export function parseRequestLine(text: string | undefined): RequestLine {
  if (text === undefined) return {}
  const first = text.indexOf(' ')
  const method = first > 0 ? methodOf(text.slice(0, first)) : undefined
  const last = text.lastIndexOf(' ')
  const protocol = /^HTTP\/\d(?:\.\d)?$/.test(text.slice(last + 1)) ? text.slice(last + 1) : undefined
  const path = text.slice(first + 1, protocol === undefined || last <= first ? undefined : last)
  const isRequest =
    method !== undefined && path !== '' && (protocol === undefined ? path.startsWith('/') : last > first)
  if (!isRequest) return { path: inspectionText(text) }
  return { method, path: inspectionText(path), ...(protocol === undefined ? {} : { protocol }) }
}

/** An inspection text as it is sent: cut to a bound, and never half a character at its end. */
export function inspectionText(text: string): string {
  return text.slice(0, limits.inspectionCharactersMax).toWellFormed()
}

/** A fact's text, or undefined when it is too long to be one: cutting it would merge two things into one. */
export function factText(text: string | undefined): string | undefined {
  return text === undefined || text.length > limits.factCharactersMax ? undefined : text.toWellFormed()
}

/**
 * The name of the host that was asked for, in one spelling: lower case, without a port and a last dot, as
 * nginx's own $host has it. Two spellings of one host must not become two endpoints.
 */
export function hostOf(text: string | undefined): string | undefined {
  const host = text
    ?.toLowerCase()
    .replace(/^(\[[^\]]*\]|[^:]*):\d*$/, '$1')
    .replace(/\.$/, '')
  return host === '' ? undefined : factText(host)
}
