import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import { importFile } from './import-file.ts'
import type { ImportTask } from './import-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-import-checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true }))

let service: FakeService
beforeEach(async () => {
  service = await new FakeService().start()
})
afterEach(() => service.stop())

function importInto(file: string, more: Partial<ImportTask> = {}, format: FormatName = 'nginx-json') {
  const task: ImportTask = {
    file,
    reader: formats[format].reader([]),
    rule: undefined,
    source: undefined,
    lines: { from: 1, to: Number.POSITIVE_INFINITY },
    again: false,
    final: false,
    ...more,
  }
  const world = { random: () => 0, wait: () => Promise.resolve() }
  return importFile(task, { service: { url: service.url, key: 'k' }, world, onProgress: () => undefined })
}

function write(name: string, content: string): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

/** Not in the order of their times, as lines of long requests are not. */
const line = (seconds: number): string => `{"msec":"${seconds}.5","body_bytes_sent":1}\n`
const stated = (seq: string, seconds: number): object => ({
  epoch: '',
  seq,
  lost: '0',
  time: new Date(seconds * 1000 + 500).toISOString().replace('000Z', 'Z'),
})

describe('the checkpoint of a file', () => {
  test('states the last number and the greatest time, again and again the same', async () => {
    const file = write('a.log', line(1_000) + line(3_000) + line(2_000) + 'broken\n')
    const { source } = await importInto(file)
    expect(service.checkpoints).toEqual([{ source, ...stated('4', 3_000) }])
    // Nothing is new, and what it says is the same, although not a line is sent.
    await importInto(file)
    expect(service.checkpoints).toEqual([1, 2].map(() => ({ source, ...stated('4', 3_000) })))
    appendFileSync(file, line(2_500) + line(4_000))
    await importInto(file)
    expect(service.checkpoints.at(-1)).toEqual({ source, ...stated('6', 4_000) })
    expect((await importInto(file, { again: true })).checkpoint).toMatchObject({ seq: 6, failure: undefined })
    expect(service.checkpoints.at(-1)).toEqual({ source, ...stated('6', 4_000) })
  })

  test('is not stated for what is not the whole, or may not be', async () => {
    const file = write('b.log', line(1) + line(2) + line(3).trimEnd())
    expect((await importInto(file)).checkpoint).toBeUndefined()
    expect((await importInto(file, { lines: { from: 2, to: 3 } })).checkpoint).toBeUndefined()
    expect((await importInto(file, { lines: { from: 1, to: 1 } })).checkpoint).toBeUndefined()
    service.fault = () => ({ status: 401, code: 'KEY_INVALID', message: 'no' })
    expect((await importInto(file, { final: true, again: true })).checkpoint).toBeUndefined()
    expect(service.checkpoints).toEqual([])
    service.fault = () => 'none'
    expect((await importInto(file, { final: true })).checkpoint).toMatchObject({ seq: 3 })
  })

  test('is not stated where events have names of their own: those numbers are not missing', async () => {
    const own = '{"source":"s","id":"1","kind":"http_request","time":"2026-01-02T03:04:05Z"}\n'
    const file = write('c.log', own + own.replace('"1"', '"2"'))
    expect((await importInto(file, {}, 'ndjson')).checkpoint).toBeUndefined()
    expect(service.checkpoints).toEqual([])
  })
})
