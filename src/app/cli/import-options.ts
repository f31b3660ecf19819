import { UsageError } from './command.ts'

/** `--source`, for every command that numbers events. */
export function readSource(text: string | undefined, option = '--source'): string | undefined {
  if (text === undefined) return undefined
  if (text.trim() === '' || text.length > 255) throw new UsageError(`${option} is a text of 1 to 255 characters`)
  return text
}

/** `--to` and `--url` say the same. */
export function readServiceUrl({ url, to }: { readonly url?: string | undefined; readonly to?: string | undefined }) {
  if (url !== undefined && to !== undefined && url !== to)
    throw new UsageError('--to and --url mean the same; give one of them')
  return to ?? url
}
