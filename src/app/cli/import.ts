import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { importFile } from '../../collect/import-file.ts'
import type { ImportDoor, ImportReport, ImportTask } from '../../collect/import-file.ts'
import type { LineReader } from '../../collect/line-reader.ts'
import type { Service } from '../../collect/service.ts'
import { findService, serviceOptions } from './client.ts'
import { formatOptions, readFormat, readReader, readRule } from './import-format.ts'
import { UsageError, exitCodes } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { importHelp } from './import-help.ts'
import { readServiceUrl, readSource } from './import-options.ts'
import { ProgressLine, formatProgress } from './import-progress.ts'
import { failureOf, formatSummary, succeeded, summaryJson } from './import-summary.ts'

const options = {
  ...serviceOptions,
  to: { type: 'string' },
  ...formatOptions,
  source: { type: 'string' },
  lines: { type: 'string' },
  again: { type: 'boolean' },
  final: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

/** What the command line asks for, checked once. */
interface Request {
  readonly files: readonly string[]
  readonly task: Omit<ImportTask, 'file' | 'reader'>
  /** Every file has a reader of its own: what a file says about its lines holds for no other. */
  readonly openReader: () => LineReader
  readonly service: Service
  readonly json: boolean
}

function readLines(text: string | undefined): ImportTask['lines'] {
  if (text === undefined) return { from: 1, to: Number.POSITIVE_INFINITY }
  const [, first, last] = /^(\d{1,15})?-(\d{1,15})?$/.exec(text) ?? []
  const lines = { from: Number(first ?? 1), to: last === undefined ? Number.POSITIVE_INFINITY : Number(last) }
  if ((first ?? last) === undefined || lines.from < 1 || lines.to < lines.from)
    throw new UsageError(`--lines ${text} is not FROM-TO, such as 1-5000, 5001- or -5000`)
  return lines
}

function readFileSource(text: string | undefined, files: readonly string[]): string | undefined {
  if (text !== undefined && files.length > 1)
    throw new UsageError('--source names one file; two files under one source would have the same line numbers')
  return readSource(text)
}

function readRequest(argv: readonly string[], terminal: Terminal): Request {
  const { values, positionals: files } = parseArgs({ args: [...argv], options, allowPositionals: true })
  if (files.length === 0) throw new UsageError('FILE is missing')
  const format = readFormat(values.format)
  const openReader = readReader(values, format)
  return {
    files,
    openReader,
    task: {
      rule: readRule(values['account-from'], format),
      source: readFileSource(values.source, files),
      lines: readLines(values.lines),
      again: values.again ?? false,
      final: values.final ?? false,
    },
    service: findService({ url: readServiceUrl(values), key: values.key }, terminal),
    json: values.json ?? false,
  }
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readRequest(argv, terminal)
  // All files are looked at before the first is sent, so that a misspelt name does not show after an hour.
  const sizes: (number | undefined)[] = []
  for (const file of request.files) sizes.push(await sizeOf(file))
  const reports: ImportReport[] = []
  for (const [index, file] of request.files.entries()) {
    const report = await importOne({ file, bytesTotal: sizes[index] }, request, terminal)
    reports.push(report)
    // A file that was refused before its first line has nothing to add up.
    const isTold = report.stopped === undefined || report.lines > 0
    if (!request.json && isTold) terminal.stdout.write(formatSummary(report))
    const failure = failureOf(report)
    if (failure !== undefined) terminal.stderr.write(`crossfoot import: ${failure}\n`)
    if (report.stopped !== undefined) break
  }
  const left = request.files.slice(reports.length)
  if (left.length > 0) terminal.stderr.write(`crossfoot import: not begun: ${left.join(', ')}\n`)
  if (request.json) terminal.stdout.write(summaryJson(reports, left))
  return left.length === 0 && reports.every(succeeded) ? exitCodes.ok : exitCodes.failed
}

async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file)
  if (found.isDirectory()) throw new UsageError(`${file} is a folder; name the files in it`)
  return found.isFile() ? found.size : undefined
}

interface FileInHand {
  readonly file: string
  readonly bytesTotal: number | undefined
}

async function importOne(
  { file, bytesTotal }: FileInHand,
  request: Request,
  terminal: Terminal,
): Promise<ImportReport> {
  const startMs = performance.now()
  const line = new ProgressLine(terminal, startMs)
  const door: ImportDoor = {
    service: request.service,
    world: {
      random: Math.random,
      wait: async (milliseconds, reason) => {
        line.note(`${file}: waiting ${(milliseconds / 1000).toFixed(1)} s for the service (${reason})`)
        await delay(milliseconds)
      },
    },
    onProgress: (progress) => {
      const nowMs = performance.now()
      line.show(formatProgress(file, { ...progress, bytesTotal, elapsedMs: nowMs - startMs }), nowMs)
    },
  }
  try {
    return await importFile({ ...request.task, file, reader: request.openReader() }, door)
  } finally {
    line.clear()
  }
}

export const importCommand: Command = {
  name: 'import',
  summary: 'read log files and send each line once',
  help: importHelp,
  run,
}
