import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { callOnce } from './service.ts'
import type { Service } from './service.ts'

/** A source's own statement: everything up to this number and this time was sent, so many lines were lost. */
export interface CheckpointStatement {
  readonly source: string
  readonly epoch: string
  readonly seq: number
  readonly time: Micros
  readonly lost: number
}

/**
 * Sends a checkpoint, once: the next one says more. A service that does not know checkpoints (404) is none the worse
 * for it. Gives the reason when it did not arrive.
 */
export async function sendCheckpoint(service: Service, statement: CheckpointStatement): Promise<string | undefined> {
  const { source, epoch, seq, time, lost } = statement
  const text = JSON.stringify({ source, epoch, seq: String(seq), time: formatInstant(time), lost: String(lost) })
  const headers = { 'content-type': 'application/json' }
  const body = new TextEncoder().encode(text)
  const reply = await callOnce(service, { method: 'POST', path: '/v1/checkpoints', headers, body })
  if (reply.kind === 'no-answer') return reply.reason
  return reply.status === 404 || reply.status < 300 ? undefined : `answer ${reply.status}`
}
