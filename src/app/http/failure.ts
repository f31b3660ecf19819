import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'

export interface FailureBody {
  readonly error: { readonly code: string; readonly message: string; readonly problems?: readonly Problem[] }
}

/** The one form of a refusal on the wire. */
export function failureBody({ code, message, problems }: Refusal): FailureBody {
  return { error: { code, message, ...(problems.length === 0 ? {} : { problems }) } }
}

/** Every error of a request as a Refusal; what is not expected is a bug and becomes INTERNAL, with nothing leaked. */
export function refusalOf(error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map((issue): Problem => ({
      code: 'REQUEST_INVALID',
      field: issue.instancePath.replace(/^\//, '').replaceAll('/', '.'),
      message: issue.message ?? 'is invalid',
    }))
    const first = problems[0]
    return new Refusal(
      'REQUEST_INVALID',
      first === undefined ? error.message : `${first.field ?? ''} ${first.message}`.trim(),
      { problems },
    )
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Refusal('BODY_TOO_LARGE', 'the body is too large; nothing was taken')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Refusal('CONTENT_TYPE_UNSUPPORTED', 'Content-Type is application/json')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Refusal('BODY_NOT_JSON', `the body is not JSON: ${error.message}`)
    default:
      break
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new Refusal('REQUEST_INVALID', error.message)
  }
  request.log.error({ err: error }, 'unexpected error')
  return new Refusal(
    'INTERNAL',
    `something unexpected happened; it is in the service's log under request ${request.id}`,
  )
}

/** A request that broke off or was never HTTP has no reply yet, only a socket: it gets the same form of answer. */
export function answerBroken(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const refusal = ['HPE_INVALID_EOF_STATE', 'ERR_HTTP_REQUEST_TIMEOUT'].includes(error.code ?? '')
    ? new Refusal('BODY_TRUNCATED', 'the request ended too early or took too long; nothing was taken, send it again')
    : new Refusal('REQUEST_INVALID', `this is not an HTTP request that can be read (${error.message})`)
  const body = JSON.stringify(failureBody(refusal))
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}

export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterSeconds !== undefined) void reply.header('retry-after', String(refusal.retryAfterSeconds))
  return reply.status(refusal.status).send(failureBody(refusal))
}
