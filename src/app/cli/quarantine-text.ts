import { readFileSync } from 'node:fs'
import { parseExactJson } from '../../core/exact-json.ts'
import { UsageError } from './command.ts'

/** A held input as the API writes it. */
export interface Held {
  readonly number: number
  readonly arrived: string
  readonly state: string
  readonly source: string | null
  readonly epoch: string
  readonly id: string | null
  readonly seq: number | null
  readonly problem: { readonly code: string; readonly message: string }
  readonly raw: string
  readonly resolution: {
    readonly kind: string
    readonly by: string
    readonly reason: string
    readonly at: string
  } | null
}

export interface Outcome {
  readonly number: number
  readonly status: string
  readonly code: string | null
  readonly message: string
}

/** What a sender wrote must not move the cursor of whoever reads it. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '·')
}

const rawShown = 160

/** A held input for a person; `short` cuts what arrived. */
export function heldText(held: Held, length: 'short' | 'whole'): string {
  const { number, arrived, source, epoch, seq, id, problem, raw, resolution } = held
  const name = seq === null ? (id === null ? '' : ` id ${id}`) : ` seq ${seq}`
  const who = `${source ?? '(source not known)'}${epoch === '' ? '' : ` epoch ${epoch}`}${name}`
  const line = printable(length === 'short' && raw.length > rawShown ? `${raw.slice(0, rawShown)}…` : raw)
  const how =
    resolution === null
      ? ''
      : `  ${resolution.kind.replace('_', ' ')} by ${resolution.by} at ${resolution.at}: ${resolution.reason}\n`
  return `${number}  ${arrived}  ${printable(who)}\n  ${problem.code}: ${printable(problem.message)}\n  ${line}\n${how}`
}

export function resultText({ number, status, message }: Outcome): string {
  return `${number}: ${status.replaceAll('_', ' ')}: ${printable(message)}\n`
}

/** JSON on the command line, or in a file as @FILE. L4: a number that JavaScript does not hold is sent as a text. */
export function readJsonArgument(text: string): unknown {
  try {
    const json = text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text
    return parseExactJson(json, { isDoubtful: () => true, exact: (digits) => digits })
  } catch (error) {
    throw new UsageError(`the event cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
