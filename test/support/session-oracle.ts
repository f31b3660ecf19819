import { hourMicros, secondMicros } from '../../src/core/time.ts'

/** What the oracle knows of a stored record: its newest version, with the offset of that version. */
export interface KnownRecord {
  readonly offset: number
  readonly account: string
  readonly kind: 'session' | 'tcp_connection' | 'tls_connection' | 'http_request'
  readonly source: string
  readonly id: string
  readonly session: string | null
  readonly phase: 'start' | 'interim' | 'final'
  readonly time: number
  readonly duration: number | null
  readonly out: number | null
  readonly endpoint: string | null
  readonly client: string | null
  readonly status: number | null
  /** How often the session is recorded, as the record says, in seconds; 0: never between start and stop. */
  readonly heartbeat: number | null
}

export interface KnownLife {
  readonly key: string
  readonly records: readonly KnownRecord[]
  readonly started: number
  readonly startedBy: 'start' | 'duration' | 'first_record'
  readonly ends: number
  readonly isStopped: boolean
}

const day = 24 * hourMicros
const grace = { session: 35 * secondMicros, other: 65 * 60 * secondMicros }

function graceOf({ kind, heartbeat }: KnownRecord): number {
  if (heartbeat === null) return kind === 'session' ? grace.session : grace.other
  return heartbeat === 0 ? 34 * day : Math.min((3 * heartbeat + 5) * secondMicros, 34 * day)
}

/** Since when a record speaks. */
function beginOf({ phase, time, duration }: KnownRecord): number {
  return phase === 'start' || duration === null ? time : time - Math.min(duration, 34 * day)
}

function tieOf(record: KnownRecord): number {
  if (record.phase !== 'final' || record.duration === null) return 1
  return record.duration > 0 ? 0 : 2
}

/** One life as it is lived, record by record. */
interface Living {
  records: KnownRecord[]
  stoppedAt: number | null
  stopBefore: number
}

function opensAfter(record: KnownRecord, stop: number): boolean {
  if (record.phase === 'start') return true
  if (record.duration === null) return record.time - stop > 35 * secondMicros
  return beginOf(record) >= stop && record.time > stop
}

function continues(life: Living, record: KnownRecord): boolean {
  const last = life.records.at(-1) ?? record
  const silence = record.time - last.time
  if (silence > 35 * day) return false
  if (life.stoppedAt !== null) return !opensAfter(record, life.stoppedAt)
  return record.phase !== 'start' || silence <= graceOf(last)
}

function livesOfKey(key: string, records: readonly KnownRecord[]): KnownLife[] {
  const lives: Living[] = []
  let stop = 0
  for (const record of records.toSorted((a, b) => a.time - b.time || tieOf(a) - tieOf(b) || a.offset - b.offset)) {
    const current = lives.at(-1)
    const life =
      current !== undefined && continues(current, record) ? current : { records: [], stoppedAt: null, stopBefore: stop }
    if (life !== current) lives.push(life)
    life.records.push(record)
    if (record.phase === 'final') {
      life.stoppedAt = record.time
      stop = record.time
    }
  }
  return lives
    .filter(({ records }) =>
      records.some(({ kind, phase, status }) => kind !== 'http_request' || phase !== 'final' || status === 101),
    )
    .map((life) => told(key, life))
}

function told(key: string, { records, stoppedAt, stopBefore }: Living): KnownLife {
  const [first] = records
  const last = records.at(-1)
  if (first === undefined || last === undefined) throw new Error('a life has records')
  const earliest = Math.min(...records.map(beginOf))
  const timed = records.some(
    (record) => record.phase !== 'start' && record.duration !== null && beginOf(record) === earliest,
  )
  const isStart = first.phase === 'start'
  return {
    key,
    records,
    started: isStart ? first.time : Math.max(earliest, stopBefore),
    startedBy: isStart ? 'start' : timed ? 'duration' : 'first_record',
    ends: stoppedAt ?? last.time + graceOf(last),
    isStopped: stoppedAt !== null,
  }
}

function keyOf({ account, kind, source, session, id }: KnownRecord): string {
  return JSON.stringify([account, kind, kind === 'session' ? '' : source, session === null, session ?? id])
}

/** The lives of all sessions: one loop over the records in their order. Knows nothing of the store. */
export function livesOf(records: readonly KnownRecord[]): readonly KnownLife[] {
  const named = records.filter(({ session, phase }) => session !== null || phase === 'final')
  const long = new Set(named.filter(({ phase }) => phase !== 'final').map(keyOf))
  const looked = named.filter(
    (record) =>
      record.kind !== 'http_request' ||
      record.phase !== 'final' ||
      record.status === 101 ||
      long.has(JSON.stringify([record.account, record.kind, record.source, false, record.session ?? ''])),
  )
  return [...Map.groupBy(looked, keyOf)].flatMap(([key, records]) => livesOfKey(key, records))
}

/** The greatest number of lives at one instant of [from, to), and the first such instant; null: never one. */
export function peakOf(lives: readonly KnownLife[], from: number, to: number): { peak: number; at: number } | null {
  const instants = [from, ...lives.map(({ started }) => started)]
    .filter((at) => at >= from && at < to)
    .toSorted((a, b) => a - b)
  let best: { peak: number; at: number } | null = null
  for (const at of instants) {
    const peak = lives.filter(({ started, ends }) => started <= at && at < ends).length
    if (peak > (best?.peak ?? 0)) best = { peak, at }
  }
  return best
}
