import { limits as collectorLimits } from '../limits.ts'
import { limits } from './limits.ts'
import type { Batching } from './shipper.ts'
import type { Trouble } from './trouble.ts'

export interface ClientOptions {
  /** Where the service is, such as http://127.0.0.1:8080. */
  readonly url: string
  /** A key with the scope events:write. */
  readonly key?: string | undefined
  /** Who emits the events: the name of the service, and of the machine where it runs on several. */
  readonly source: string
  /**
   * A directory on a local disk, for all processes of this service on this machine; or `memory`, which loses what was
   * not sent when the process ends.
   */
  readonly spool: string
  /** What may wait, on disk or in memory. Beyond it records are lost, counted and declared. */
  readonly spoolBytesMax?: number | undefined
  /** A request has at most so many events and bytes, and is sent after so many milliseconds at the latest. */
  readonly batchEventsMax?: number | undefined
  readonly batchBytesMax?: number | undefined
  readonly sendEveryMs?: number | undefined
  /** How long before its recording an event may have happened: checkpoints stay so far behind. Default a minute. */
  readonly lateMs?: number | undefined
  readonly onTrouble?: ((trouble: Trouble) => void) | undefined
}

export interface Settings {
  readonly url: string
  readonly key: string | undefined
  readonly source: string
  readonly spool: string
  readonly spoolBytesMax: number
  readonly batching: Batching
  readonly onTrouble: (trouble: Trouble) => void
}

interface Bound {
  readonly name: keyof ClientOptions
  readonly default: number
  readonly least: number
  readonly most: number
}

function bounded(given: ClientOptions, { name, default: otherwise, least, most }: Bound): number {
  const value = given[name] ?? otherwise
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} is a whole number from ${least} to ${most}, not ${String(value)}`)
}

function urlOf(text: unknown): string {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new TypeError(`url is the address of the service, such as http://127.0.0.1:8080, not ${String(text)}`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function sourceOf(text: unknown): string {
  // oxlint-disable-next-line no-control-regex -- the door refuses them
  if (typeof text === 'string' && /^[^~\u0000-\u001f\u007f]+$/.test(text) && text.isWellFormed()) {
    if (text.length <= limits.sourceCharactersMax) return text
  }
  throw new TypeError(`source is a name of 1 to ${limits.sourceCharactersMax} characters, without "~"`)
}

/** The one door for options; inside, they are settings. */
export function parseOptions(given: ClientOptions): Settings {
  const { spool, key } = given
  if (typeof spool !== 'string' || spool === '') throw new TypeError('spool is a directory, or memory')
  if (key !== undefined && !/^[\u0021-\u007e]+$/.test(key)) throw new TypeError('key has characters that no key has')
  const bytes = spool === 'memory' ? limits.memoryBytesDefault : limits.spoolBytesDefault
  const { batchEventsMax, batchBytesMax } = collectorLimits
  return {
    url: urlOf(given.url),
    key,
    source: sourceOf(given.source),
    spool,
    spoolBytesMax: bounded(given, {
      name: 'spoolBytesMax',
      default: bytes,
      least: limits.spoolBytesMin,
      most: 2 ** 40,
    }),
    batching: {
      eventsMax: bounded(given, { name: 'batchEventsMax', default: batchEventsMax, least: 1, most: batchEventsMax }),
      bytesMax: bounded(given, { name: 'batchBytesMax', default: batchBytesMax, least: 1_024, most: batchBytesMax }),
      sendEveryMs: bounded(given, { name: 'sendEveryMs', default: limits.sendEveryMsDefault, least: 0, most: 60_000 }),
      lateMs: bounded(given, { name: 'lateMs', default: limits.lateMsDefault, least: 0, most: 2 ** 40 }),
    },
    onTrouble: given.onTrouble ?? (() => {}),
  }
}
