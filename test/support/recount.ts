import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Independent counts of the shared logs: plain code over the lines, nothing of the product. */

export const sharedLogs = 'thedash.nginx-json.log.gz semicomplete.apache-combined.log.gz'
  .split(' ')
  .map((name) => new URL(`../../../shared/data/logs/${name}`, import.meta.url).pathname)
export const [thedash = '', semicomplete = ''] = sharedLogs

export interface Count {
  requests: number
  body: bigint
  wire: bigint
  hours: number
}

export function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** The clock hour (UTC) of `17/Nov/2013:06:31:30 -0500`. */
function hourOf(text: string): number {
  const [, day, month, year, hour, minute, second, sign, zoneHour, zoneMinute] =
    /(\d+)\/(\w+)\/(\d+):(\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)/.exec(text) ?? []
  const utc = Date.UTC(
    Number(year),
    months.indexOf(month ?? ''),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 * (sign === '-' ? -1 : 1)
  return Math.floor((utc - offset) / 3_600_000)
}

/** Per account: requests, bytes, and hours with bytes out. */
export function recountThedash(): Map<string, Count> {
  const counts = new Map<string, Count & { seen: Set<number> }>()
  for (const line of linesOf(thedash)) {
    const entry = JSON.parse(line) as Record<string, string>
    const account = /\/dashboard\/([A-Za-z0-9]+)/.exec(entry['request'] ?? '')?.[1] ?? 'unattributed'
    const count = counts.get(account) ?? { requests: 0, body: 0n, wire: 0n, hours: 0, seen: new Set<number>() }
    count.requests += 1
    count.body += BigInt(entry['body_bytes_sent'] ?? '0')
    count.wire += BigInt(entry['sent'] ?? '0')
    if (BigInt(entry['sent'] ?? '0') > 0n) count.seen.add(hourOf(entry['time_local'] ?? ''))
    count.hours = count.seen.size
    counts.set(account, count)
  }
  return counts
}
