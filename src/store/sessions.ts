/**
 * Sessions owns: how stored records become the lives of sessions, in SQL, behind the fence, as a pure function of the
 * facts below a log offset (L5). It keeps no state. It does not own: peaks, pages, what a person is shown.
 *
 * The rules are in docs/decisions/0035-sessions.md; test/property/sessions.test.ts holds them to a plain loop, session-rules.test.ts has each at its edge.
 */
import type { EventKind } from '../core/event.ts'
import { Refusal } from '../core/errors.ts'
import { dayMicros, instantMin, secondMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Offset } from '../core/ids.ts'
import { conditionSql, dimensionSql } from './condition.ts'
import type { Condition, Parameters } from './condition.ts'
import { countedRows } from './counted-rows.ts'
import type { Engine } from './engine.ts'
import type { Scope, Supposition } from './measure/question.ts'

export const sessionKinds = [
  'session',
  'tcp_connection',
  'tls_connection',
  'http_request',
] as const satisfies readonly EventKind[]
export type SessionKind = (typeof sessionKinds)[number]

export const limits = {
  /**
   * A session without a stop ended so long after its last record, unless that record says how often they come (see
   * `heartbeatAttribute`). Agents send a heartbeat every 10 s: three of them, and slack. Connections are recorded at
   * least every hour: one hour, and slack.
   */
  graceMicros: {
    session: 35 * secondMicros,
    tcp_connection: 65 * 60 * secondMicros,
    tls_connection: 65 * 60 * secondMicros,
    http_request: 65 * 60 * secondMicros,
  } satisfies Record<SessionKind, number>,
  /** Records that come so long after a stop, by their own time, are of the session that stopped. */
  stragglerMicros: 35 * secondMicros,
  /** A longer silence ends a session for good: that bounds how far around a period records are looked at. */
  silenceMaxMicros: 35 * dayMicros,
  /** A record says nothing about what was longer ago. Shorter than the silence, so that lives never overlap. */
  durationMaxMicros: 34 * dayMicros,
} as const

/**
 * The attribute by which a record says how soon the next one comes, in whole seconds. Three times that and slack is the
 * grace after it; `0`: nothing comes between start and stop, so silence says nothing for the longest time.
 */
export const heartbeatAttribute = 'heartbeat_seconds'

const slackMicros = 5 * secondMicros

/** The records that decide which sessions are open at any instant of a period. */
export function spanAround({ from, to }: Period): Period {
  const back = from - limits.silenceMaxMicros - limits.stragglerMicros
  return { from: Math.max(instantMin, back) as Micros, to: (to + limits.silenceMaxMicros) as Micros }
}

const memory = {
  max_bytes_before_external_sort: 150_000_000,
  max_bytes_before_external_group_by: 300_000_000,
  max_block_size: 8_192,
  // A window function holds the records of a whole name: of one name at a time.
  max_threads: 1,
}

/** Records are sorted and grouped on disk where they do not fit: an agent that is always connected has 8,640 a day. */
const onDisk = ` SETTINGS ${Object.entries(memory)
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')}`

/** Asks for sessions. What is too much to be answered in the time is refused with what to do, and is no fault (L12). */
export async function querySessions<Row>(engine: Engine, sql: string, parameters: Parameters): Promise<Row[]> {
  try {
    return await engine.query<Row>(`${sql}${onDisk}`, parameters.values)
  } catch (error) {
    const tooMuch = /memory limit|MEMORY_LIMIT_EXCEEDED|TIMEOUT_EXCEEDED|Timeout exceeded/i
    if (!(error instanceof Error) || !tooMuch.test(error.message)) throw error
    throw new Refusal(
      'QUERY_TOO_LARGE',
      'there are too many records of sessions around this time; ask for a shorter period, one endpoint, kind or session, or fewer at once with limit',
    )
  }
}

/** Whose sessions, and of which facts. */
export interface SessionScope {
  readonly scope: Scope
  readonly below: Offset
  /** What would be so if this were done; left out: what is so. */
  readonly supposing?: Supposition
}

/** The stored records of a span, as `SessionRecords` wants them. */
export function sessionRows(whose: SessionScope, parameters: Parameters): SessionRecords['rows'] {
  const { scope, below, supposing } = whose
  const about = { scope, below, conditions: [], ...(supposing === undefined ? {} : { supposing }) }
  return (span) => countedRows({ ...about, period: span }, parameters, span.from)
}

/** Where sessions are read from. */
export interface SessionRecords {
  readonly parameters: Parameters
  /** `FROM … WHERE …`, to which ` AND …` may be added: the counted rows of a span, without conditions on fields. */
  readonly rows: (span: Period) => string
  readonly span: Period
  /** Further columns of a record, `expression AS name`. */
  readonly columns?: readonly string[]
  /** What a record must meet besides, as SQL over `fact`; it must hold for all records of a session or for none. */
  readonly only?: string
}

/** What makes records those of one session, before its lives are told apart. */
export const keyColumns = ['account', 'session_kind', 'origin', 'unnamed', 'session_name'] as const

const key = keyColumns.join(', ')
const inOrder = 'ORDER BY time_us, tie, offset'
const before = 'ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING'

/** The order of a session's records as one value. */
export const orderSql = '(time_us, tie, offset)'

const isUpgrade = 'ifNull(status = 101, 0)'

/**
 * The records of sessions, one row each. An agent's session is known by its name in the account and may move from edge
 * to edge; a connection is known by its name at its source. A last record without a name is a session of its own.
 */
function recordsSql({ parameters, rows, span, columns = [], only = '1' }: SessionRecords): string {
  const kinds = parameters.add(sessionKinds, 'Array(String)')
  const graces = parameters.add(
    sessionKinds.map((kind) => limits.graceMicros[kind]),
    'Array(Int64)',
  )
  const select = [
    'account',
    'toString(kind) AS session_kind',
    "if(kind = 'session', '', toString(source)) AS origin",
    'isNull(session) AS unnamed',
    'ifNull(session, id) AS session_name',
    'time_us',
    'offset',
    'toString(phase) AS record_phase',
    `${graces}[indexOf(${kinds}, toString(kind))] AS usual_us`,
    `toInt64(toUInt32OrNull(attributes['${heartbeatAttribute}'])) AS beat`,
    `multiIf(isNull(beat), usual_us, beat = 0, ${limits.durationMaxMicros}, least(assumeNotNull(beat) * ${3 * secondMicros} + ${slackMicros}, ${limits.durationMaxMicros})) AS grace_us`,
    "(phase != 'start' AND isNotNull(duration_us)) AS is_timed",
    `time_us - if(is_timed, toInt64(least(ifNull(duration_us, 0), ${limits.durationMaxMicros})), 0) AS begin_us`,
    // At one microsecond a stop of something that lasted stands first, of something that did not last.
    "multiIf(phase != 'final' OR NOT is_timed, 1, begin_us < time_us, 0, 2) AS tie",
    `${isUpgrade} AS is_upgrade`,
    ...columns,
  ]
  // Most requests are no sessions: of them only those are looked at that go on, or went on, for long.
  const long = `SELECT account, source, ifNull(session, '') ${rows(span)} AND kind = 'http_request' AND phase != 'final'`
  const where = [
    `(kind IN ('session', 'tcp_connection', 'tls_connection') OR kind = 'http_request' AND (phase != 'final' OR ${isUpgrade} OR isNotNull(session)))`,
    "(isNotNull(session) OR phase = 'final')",
    `(kind != 'http_request' OR phase != 'final' OR ${isUpgrade} OR (account, source, ifNull(session, '')) IN (${long}))`,
    only,
  ]
  return `SELECT ${select.join(', ')} ${rows(span)} AND ${where.join(' AND ')}`
}

/**
 * Records with the number of the life they belong to. After a stop a new life opens with a start, with a record that
 * says that it speaks of the time after the stop only, or, where it does not say, after the stragglers' time. Without
 * a stop it is one life, however long the silence, up to the longest; only a start after the grace begins another.
 */
export function livedSql(records: SessionRecords): string {
  const first = [
    '*',
    'max(toNullable(time_us)) OVER earlier AS before_us',
    "max(if(record_phase = 'final', toNullable(time_us), NULL)) OVER earlier AS stop_us",
    "countIf(record_phase = 'final') OVER earlier AS stops",
    'anyLast(toNullable(grace_us)) OVER earlier AS grace_before_us',
  ]
  const isAfter = `if(is_timed, begin_us >= stop_us AND time_us > stop_us, time_us - stop_us > ${limits.stragglerMicros})`
  const opens = `ifNull(record_phase = 'start' OR ${isAfter}, 0) AND stops > 0`
  // Of the records between one stop and the next only the first that opens a life does.
  const isFirstToOpen = `opens AND sum(opens) OVER (PARTITION BY ${key}, stops ${inOrder} ${before}) = 0`
  const isSilent = `time_us - before_us > ${limits.silenceMaxMicros}`
  const isAgain = "record_phase = 'start' AND time_us - before_us > grace_before_us"
  const begins = `isNull(before_us) OR ifNull(${isSilent}, 0) OR (${isFirstToOpen}) OR ifNull(${isAgain}, 0)`
  const stopped = `SELECT ${first.join(', ')} FROM (${recordsSql(records)}) WINDOW earlier AS (PARTITION BY ${key} ${inOrder} ${before})`
  const opened = `SELECT *, ${opens} AS opens FROM (${stopped})`
  const begun = `SELECT *, ${begins} AS begins FROM (${opened})`
  return `SELECT *, sum(begins) OVER (PARTITION BY ${key} ${inOrder} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS life FROM (${begun})`
}

/** How a life's start and end are known, and when they were. */
const lifeColumns = [
  `argMin(offset, ${orderSql}) AS first_offset`,
  `argMin(record_phase, ${orderSql}) = 'start' AS is_started`,
  'min(time_us) AS first_us',
  'max(time_us) AS last_us',
  // Lives of one session do not overlap: a life begins at the stop before it at the earliest.
  `if(is_started, first_us, greatest(min(begin_us), argMin(ifNull(stop_us, 0), ${orderSql}))) AS start_us`,
  "multiIf(is_started, 'start', argMin(is_timed, (begin_us, NOT is_timed)), 'duration', 'first_record') AS started_by",
  "countIf(record_phase = 'final') AS stops_seen",
  `if(stops_seen > 0, maxIf(time_us, record_phase = 'final'), last_us + argMax(grace_us, ${orderSql})) AS end_us`,
]

/**
 * The lives of sessions: one row each with its key, `start_us`, `end_us` and what else is asked for (`expression AS
 * name` over its records). Requests that were answered and over are none.
 */
export function livesSql(records: SessionRecords, columns: readonly string[] = []): string {
  return lifeRows(livedSql(records), columns)
}

function lifeRows(lived: string, columns: readonly string[]): string {
  const isSession = "session_kind != 'http_request' OR max(is_upgrade OR record_phase != 'final')"
  return `SELECT ${[...keyColumns, 'life', ...lifeColumns, ...columns].join(', ')} FROM (${lived}) GROUP BY ${key}, life HAVING ${isSession}`
}

/** The order of a session's records as one number: time, then tie, then log offset. */
const whole = (value: string): string => `toDecimal128(${value}, 0)`
const placeSql = `${whole('time_us')} * ${whole('30000000000000000')} + ${whole('tie')} * ${whole('10000000000000000')} + ${whole('offset')}`

/**
 * `livedSql` for few names with very many records each. Where their lives begin is found from what decides it; all else
 * of a record goes by without being sorted, each to the last life that had begun.
 */
export function livedOfFewSql(records: SessionRecords): string {
  const { columns: _, ...narrow } = records
  const begun = `SELECT ${key}, life, stop_us, ${placeSql} AS begun_at FROM (${livedSql(narrow)}) WHERE begins`
  const given = `SELECT *, ${placeSql} AS place FROM (${recordsSql(records)})`
  const same = keyColumns.map((column) => `record.${column} = begun.${column}`).join(' AND ')
  return `SELECT record.*, begun.life AS life, begun.stop_us AS stop_us FROM (${given}) AS record ASOF INNER JOIN (${begun}) AS begun ON ${same} AND record.place >= begun.begun_at`
}

/** `livesSql` for few names with very many records each. */
export function livesOfFewSql(records: SessionRecords, columns: readonly string[] = []): string {
  return lifeRows(livedOfFewSql(records), columns)
}

/**
 * A field of a session is what the first of its records says that says anything. `fieldColumn` is for the records,
 * `fieldOf` for the life. A value that no record says is null, and null meets no condition (L13).
 */
export interface SessionFields {
  /** Columns of records. */
  readonly ofRecord: readonly string[]
  /** Columns of lives: `g0`, `g1`, … for the values. */
  readonly ofLife: readonly string[]
  /** What a life must meet, over the columns of lives. */
  readonly meets: string
}

export function sessionFields(
  values: readonly string[],
  conditions: readonly Condition[],
  parameters: Parameters,
): SessionFields {
  const ofRecord = values.map((value, index) => `CAST(${value} AS Nullable(String)) AS k${index}`)
  const ofLife = values.map((_, index) => `argMinIf(k${index}, ${orderSql}, isNotNull(k${index})) AS g${index}`)
  for (const [index, condition] of conditions.entries()) {
    ofRecord.push(`toUInt8(${conditionSql(condition, parameters)}) AS c${index}`)
    if ('field' in condition && condition.operator !== 'above') {
      ofRecord.push(`isNotNull(${dimensionSql(condition.field, parameters)}) AS s${index}`)
      ofLife.push(`argMinIf(c${index}, ${orderSql}, s${index}) AS m${index}`)
    } else {
      ofLife.push(`max(c${index}) AS m${index}`)
    }
  }
  return { ofRecord, ofLife, meets: conditions.map((_, index) => `m${index}`).join(' AND ') || '1' }
}
