import { errorCatalogue } from '../core/errors.ts'
import { limits } from './limits.ts'

/** Where the service is and who is calling. */
export interface Service {
  /** Without a slash at its end. */
  readonly url: string
  readonly key: string | undefined
  /** Ends the calls under way when it fires. */
  readonly signal?: AbortSignal
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its leading slash. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
}

/** What a call came to. An answer of any status is an answer. */
export type Reply =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** The JSON of the answer, or undefined when it is not JSON. */
      readonly body: unknown
      readonly retryAfterMs: number | undefined
    }
  | { readonly kind: 'no-answer'; readonly refused: boolean; readonly reason: string }

/** Waiting and chance are handed in, so that a test neither sleeps nor varies. */
export interface World {
  readonly wait: (milliseconds: number, reason: string) => Promise<void>
  /** At least 0 and less than 1. */
  readonly random: () => number
}

/** The service did not do what was asked; the message says why and what to do. */
export class ServiceError extends Error {
  /** The code of the service's error, or of our own: NOT_RUNNING, NO_ANSWER, ANSWER_UNCLEAR. */
  readonly code: string
  readonly status: number | undefined

  constructor(code: string, message: string, status?: number) {
    super(message)
    this.name = 'ServiceError'
    this.code = code
    this.status = status
  }
}

function reasonOf(error: unknown): { readonly code: string; readonly reason: string } {
  const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  const inner = cause instanceof AggregateError ? (cause.errors[0] as NodeJS.ErrnoException | undefined) : cause
  const code = inner?.code ?? ''
  return { code, reason: [code, inner?.message].filter((part) => part !== '' && part !== undefined).join(': ') }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One call, once. Never throws for what the network or the service does. */
export async function callOnce(service: Service, call: Call): Promise<Reply> {
  try {
    const response = await fetch(service.url + call.path, {
      method: call.method,
      headers: {
        accept: 'application/json',
        ...(service.key === undefined ? {} : { authorization: `Bearer ${service.key}` }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      redirect: 'manual',
      signal: AbortSignal.any([
        AbortSignal.timeout(limits.answerMsMax),
        ...(service.signal === undefined ? [] : [service.signal]),
      ]),
    })
    const text = await response.text()
    const retryAfter = response.headers.get('retry-after') ?? ''
    const retryAfterMs = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined
    return { kind: 'answer', status: response.status, body: parseBody(text), retryAfterMs }
  } catch (error) {
    const { code, reason } = reasonOf(error)
    return { kind: 'no-answer', refused: code === 'ECONNREFUSED', reason }
  }
}

/** Code and message of an answer `{"error":{"code","message"}}`. */
function errorOf(body: unknown): { readonly code: string; readonly message: string } | undefined {
  const error = (
    body as { readonly error?: { readonly code?: unknown; readonly message?: unknown } } | null | undefined
  )?.error
  return typeof error?.code === 'string' && typeof error.message === 'string'
    ? { code: error.code, message: error.message }
    : undefined
}

/** The body of a good answer; for any other reply it throws a `ServiceError` that says what to do. */
export function bodyOf(service: Service, reply: Reply): unknown {
  if (reply.kind === 'no-answer') {
    if (reply.refused)
      throw new ServiceError('NOT_RUNNING', `crossfoot is not running at ${service.url}; start it with npm start`)
    throw new ServiceError('NO_ANSWER', `no answer from ${service.url} (${reply.reason})`)
  }
  if (reply.status >= 200 && reply.status < 300 && reply.body !== undefined) return reply.body
  const error = errorOf(reply.body)
  if (error !== undefined) throw new ServiceError(error.code, `${error.message} (${error.code})`, reply.status)
  throw new ServiceError(
    'ANSWER_UNCLEAR',
    `${service.url} answered ${reply.status} and not as crossfoot does; is it another service?`,
    reply.status,
  )
}

function mayHelpToRetry(reply: Reply): boolean {
  if (reply.kind === 'no-answer') return true
  if (reply.status === 408 || reply.status === 429 || reply.status >= 500) return true
  const code = errorOf(reply.body)?.code ?? ''
  return reply.status >= 400 && Object.hasOwn(errorCatalogue, code) && errorCatalogue[code as 'INTERNAL'].retry
}

/** Doubles from attempt to attempt up to a bound; chance takes up to half of it away, so that senders do not march in step. */
export function retryDelayMs(attempt: number, random: number): number {
  const full = Math.min(limits.retryFirstMs * 2 ** (attempt - 1), limits.retryMsMax)
  return Math.round(full * (1 - random / 2))
}

/**
 * Calls until there is an answer that repeating would not change, at most `limits.attemptsMax` times. Only for
 * calls that may arrive twice.
 */
export async function callPatiently(service: Service, call: Call, world: World): Promise<Reply> {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await callOnce(service, call)
    if (!mayHelpToRetry(reply) || attempt === limits.attemptsMax) return reply
    const reason = reply.kind === 'answer' ? `answer ${reply.status}` : reply.reason
    const asked = reply.kind === 'answer' ? reply.retryAfterMs : undefined
    const delay = asked === undefined ? retryDelayMs(attempt, world.random()) : Math.min(asked, limits.retryAfterMsMax)
    await world.wait(delay, reason)
  }
}
