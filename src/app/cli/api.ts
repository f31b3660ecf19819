import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'

const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const
type Method = (typeof methods)[number]

const help = `Usage: crossfoot api [METHOD] PATH [BODY | @FILE]

Calls the HTTP API and prints its answer as JSON. GET without a body, POST with one, unless METHOD says otherwise.
GET /openapi.json lists everything that can be asked.

  crossfoot api /v1/accounts
  crossfoot api POST /v1/plans @plan.json
  crossfoot api PUT /v1/default-plan '{"plan":"pay-as-you-go","from":"2026-01-01T00:00:00Z"}'

${serviceHelp}
`

interface Request {
  readonly method: Method
  readonly path: string
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

function readBody(text: string | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (text === undefined) return undefined
  if (!text.startsWith('@')) return new TextEncoder().encode(text)
  try {
    return new Uint8Array(readFileSync(text.slice(1)))
  } catch (error) {
    throw new UsageError(`the body cannot be read: ${(error as Error).message}`)
  }
}

function readRequest(words: readonly string[]): Request {
  const named = methods.find((method) => method === words[0]?.toUpperCase())
  const [path, text, ...more] = named === undefined ? words : words.slice(1)
  if (path === undefined || !path.startsWith('/')) throw new UsageError('a path such as /v1/accounts is needed')
  if (more.length > 0) throw new UsageError('there is one body at most; put it in quotes')
  const body = readBody(text)
  return { method: named ?? (body === undefined ? 'GET' : 'POST'), path, body }
}

/** The whole API from the command line, for what has no command of its own. */
export const apiCommand: Command = {
  name: 'api',
  summary: 'call the HTTP API: plans, accounts, endpoints, meters, keys, everything',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({ args: [...argv], options: serviceOptions, allowPositionals: true })
    const { method, path, body } = readRequest(positionals)
    const answer = await openClient(values, terminal).call(method, path, body)
    terminal.stdout.write(jsonText(answer))
    return exitCodes.ok
  },
}
