import { Readable } from 'node:stream'
import { Refusal } from '../../core/errors.ts'
import type { Server } from './routes.ts'

/** An escape of JSON.stringify that stands for NUL or for half a character (a lone surrogate). */
const brokenText = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/

/** NUL and broken Unicode are in no name; Postgres would refuse them halfway through. Events are checked by ingest. */
export function addTextCheck(server: Server): void {
  server.addHook('preValidation', async (request) => {
    // The body of a route that reads it by itself is still on its way.
    const body = request.body instanceof Readable ? null : request.body
    if (!brokenText.test(JSON.stringify([request.params, request.query, body]))) return
    throw new Refusal('REQUEST_INVALID', 'the request has a text with NUL or broken Unicode in it')
  })
}
