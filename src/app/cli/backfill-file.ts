import { setTimeout as pause } from 'node:timers/promises'
import { openContent } from '../../collect/file-content.ts'
import { limits } from '../../collect/limits.ts'
import { LineSplitter } from '../../collect/line-splitter.ts'
import { bodyOf, callPatiently } from '../../collect/service.ts'
import type { Client } from './client.ts'

/** What became of a file: received = staged + refused. */
export interface FileLoaded {
  received: number
  staged: number
  readonly refused: { readonly line: number; readonly code: string; readonly message: string }[]
}

interface LoadAnswer {
  readonly received: number
  readonly staged: number
  readonly refused: readonly { readonly index: number; readonly code: string; readonly message: string }[]
}

interface Part {
  readonly lines: readonly Buffer[]
  /** The number in the file of each line. */
  readonly numbers: readonly number[]
}

/** A file in parts that do not depend on how it is read, so that the same file is the same loads again. */
async function* partsOf(path: string): AsyncGenerator<Part> {
  const splitter = new LineSplitter()
  let [lines, numbers, bytes]: [Buffer[], number[], number] = [[], [], 0]
  const take = (line: { number: number; bytes: Buffer; length: number }): void => {
    if (line.length > line.bytes.length)
      throw new Error(`line ${line.number} has ${line.length} bytes, which is no event; nothing of its part was loaded`)
    if (line.bytes.toString('utf8').trim() === '') return
    // The line's memory is used again for the next chunk.
    lines.push(Buffer.from(line.bytes))
    numbers.push(line.number)
    bytes += line.length
  }
  const isFull = (): boolean => lines.length >= limits.batchEventsMax || bytes >= limits.batchBytesMax
  const { chunks } = await openContent(path)
  for (let next = await chunks.next(); ; next = await chunks.next()) {
    if (next.done === true) {
      if (next.value.kind === 'damaged') throw new Error(`${path}: ${next.value.reason}`)
      break
    }
    for (const line of splitter.push(next.value)) {
      take(line)
      if (!isFull()) continue
      yield { lines, numbers }
      ;[lines, numbers, bytes] = [[], [], 0]
    }
  }
  const last = splitter.end()
  if (last !== undefined) take(last)
  if (lines.length > 0) yield { lines, numbers }
}

const world = { wait: async (millis: number): Promise<void> => pause(millis), random: Math.random }

/** Loads a file with one event per line into a job, part by part. Each part may arrive twice. */
export async function loadFile(client: Client, job: string, path: string): Promise<FileLoaded> {
  const total: FileLoaded = { received: 0, staged: 0, refused: [] }
  for await (const { lines, numbers } of partsOf(path)) {
    const body = new Uint8Array(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])))
    const headers = { 'content-type': 'application/x-ndjson' }
    const call = { method: 'POST', path: `/v1/backfills/${encodeURIComponent(job)}/events`, headers, body } as const
    const answer = bodyOf(client.service, await callPatiently(client.service, call, world)) as LoadAnswer
    total.received += answer.received
    total.staged += answer.staged
    for (const { index, code, message } of answer.refused)
      total.refused.push({ line: numbers[index] ?? 0, code, message })
  }
  return total
}
