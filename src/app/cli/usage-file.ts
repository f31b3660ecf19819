import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ServiceError, bodyOf } from '../../collect/service.ts'
import type { Service } from '../../collect/service.ts'
import type { Terminal } from './command.ts'

async function open(service: Service, path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const headers = service.key === undefined ? {} : { authorization: `Bearer ${service.key}` }
  let response: Response
  try {
    response = await fetch(service.url + path, { headers, redirect: 'manual' })
  } catch (error) {
    const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException
    bodyOf(service, { kind: 'no-answer', refused: cause.code === 'ECONNREFUSED', reason: cause.message })
    throw error
  }
  const { body, status } = response
  if (response.ok && body !== null) return body
  // Says what the service said.
  const said = await response.json().catch(() => undefined)
  bodyOf(service, { kind: 'answer', status: response.ok ? 500 : status, body: said, retryAfterMs: undefined })
  throw new ServiceError('ANSWER_UNCLEAR', `${service.url} answered ${status}`, status)
}

function brokenOff(service: Service, error: unknown): ServiceError {
  return new ServiceError('NO_ANSWER', `the file from ${service.url} broke off (${(error as Error).message})`)
}

/** Fetches a file of any size. On disk it has its name when it is whole; what broke off leaves nothing behind. */
export async function fetchFile(
  service: Service,
  path: string,
  { output, terminal }: { readonly output: string | undefined; readonly terminal: Pick<Terminal, 'stdout'> },
): Promise<void> {
  const body = Readable.fromWeb(await open(service, path))
  if (output === undefined) {
    const decoder = new TextDecoder()
    try {
      for await (const piece of body) terminal.stdout.write(decoder.decode(piece as Uint8Array, { stream: true }))
    } catch (error) {
      throw brokenOff(service, error)
    }
    return
  }
  const part = `${output}.part`
  const file = createWriteStream(part)
  try {
    await pipeline(body, file)
    await rename(part, output)
  } catch (error) {
    await rm(part, { force: true })
    throw brokenOff(service, error)
  }
}
