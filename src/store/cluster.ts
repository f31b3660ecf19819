/**
 * From the migrations of one server the statements of a cluster, as data. NOT RUN ON A REAL CLUSTER: the statements
 * are checked by the engine's parser, and the columns against those of one server (docs/decisions/0024).
 *
 * A table of events becomes two: `NAME_local`, replicated, holds the rows of the accounts of its shard; NAME itself is
 * distributed over the shards, so that questions and inserts stay as they are. A table about the store itself is
 * small and lies on every server, replicated over all.
 */
import type { Cluster } from './engine.ts'

/** Tables that every server has as a whole. All others are sharded by account. */
const everywhere: ReadonlySet<string> = new Set([
  'schema_migration',
  'log_name',
  'projected_range',
  'finished_range',
  'touched_hour',
  'touched_until',
  'rolled_hour',
])

const shardingKey = 'cityHash64(account)'

/** How long a token is known, beside its number; the log may be told a range again after an outage of days. */
const tokenSeconds = 604_800

export interface Statement {
  readonly kind: 'create' | 'alter'
  readonly table: string
  readonly sql: string
}

function local(table: string): string {
  return `${table}_local`
}

export function isSharded(table: string): boolean {
  return !everywhere.has(table)
}

/** What is left of a file without its comments, statement by statement; each ends with a semicolon at a line's end. */
export function statementsOf(sql: string): readonly string[] {
  return sql
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/** After a crash a statement may be done already; then it changes nothing. */
export function repeatable(statement: string): string {
  return statement
    .replace(/^CREATE TABLE (?!IF )/, 'CREATE TABLE IF NOT EXISTS ')
    .replaceAll(/\bADD COLUMN (?!IF )/g, 'ADD COLUMN IF NOT EXISTS ')
}

function onCluster({ name }: Cluster): string {
  return `ON CLUSTER '${name}'`
}

function named({ database }: Cluster, table: string): string {
  return `\`${database}\`.\`${table}\``
}

/** Tokens of a replicated table are kept by its own settings, in Keeper. */
function replicatedSettings(text: string): string {
  return text.replaceAll(
    /\bnon_replicated_deduplication_window = (\d+)/g,
    `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${tokenSeconds}`,
  )
}

function createOn(cluster: Cluster, statement: string): readonly Statement[] {
  const parts = /^CREATE TABLE IF NOT EXISTS (\w+)\s*\(([\s\S]*)\)\s*ENGINE = MergeTree\b([\s\S]*)$/.exec(statement)
  const [, table = '', columns = '', rest = ''] = parts ?? []
  if (parts === null) throw new Error(`a cluster cannot be made of: ${statement.slice(0, 80)}`)
  const path = `/clickhouse/tables/${cluster.database}/${table}`
  const create = (name: string, engine: string): Statement => ({
    kind: 'create',
    table: name,
    sql: `CREATE TABLE IF NOT EXISTS ${named(cluster, name)} ${onCluster(cluster)}\n(${columns})\nENGINE = ${engine}${replicatedSettings(rest)}`,
  })
  if (!isSharded(table)) return [create(table, `ReplicatedMergeTree('${path}', '{shard}-{replica}')`)]
  if (!/^\s*account /m.test(columns))
    throw new Error(
      `${table} has no column account to be sharded by; add it, or list the table as one that lies everywhere`,
    )
  const name = local(table)
  return [
    create(name, `ReplicatedMergeTree('${path}/{shard}', '{replica}')`),
    {
      kind: 'create',
      table,
      sql:
        `CREATE TABLE IF NOT EXISTS ${named(cluster, table)} ${onCluster(cluster)} AS ${named(cluster, name)}\n` +
        `ENGINE = Distributed('${cluster.name}', '${cluster.database}', '${name}', ${shardingKey})`,
    },
  ]
}

/** A change of columns concerns both tables, one of anything else the rows where they lie. */
function alterOn(cluster: Cluster, statement: string): readonly Statement[] {
  const [, table = '', change = ''] = /^ALTER TABLE (\w+)\s+([\s\S]*)$/.exec(statement) ?? []
  const ofColumns = /^(ADD|DROP|MODIFY|RENAME|COMMENT) COLUMN\b/.test(change)
  if (!ofColumns && !/^(MODIFY|RESET) SETTING\b|^(ADD|DROP|MATERIALIZE) INDEX\b|^MODIFY TTL\b/.test(change))
    throw new Error(`a cluster cannot be changed by: ${statement.slice(0, 80)}`)
  if (/,\s*(ADD|DROP|MODIFY|RENAME|COMMENT)\b/.test(change))
    throw new Error(`one change for each ALTER TABLE, please: ${statement.slice(0, 80)}`)
  const alter = (name: string): Statement => ({
    kind: 'alter',
    table: name,
    sql: `ALTER TABLE ${named(cluster, name)} ${onCluster(cluster)} ${replicatedSettings(change)}`,
  })
  if (!isSharded(table)) return [alter(table)]
  return ofColumns ? [alter(local(table)), alter(table)] : [alter(local(table))]
}

/** The statements that make on a cluster what a migration makes on one server, in order. */
export function clusterStatements(sql: string, cluster: Cluster): readonly Statement[] {
  return statementsOf(sql)
    .map(repeatable)
    .flatMap((statement) => {
      if (statement.startsWith('CREATE TABLE ')) return createOn(cluster, statement)
      if (statement.startsWith('ALTER TABLE ')) return alterOn(cluster, statement)
      throw new Error(`a cluster cannot be made of: ${statement.slice(0, 80)}`)
    })
}

/** Drops a table on every server: the distributed one first, so that nobody asks for rows that are going. */
export function clusterDrops(table: string, cluster: Cluster): readonly string[] {
  const names = isSharded(table) ? [table, local(table)] : [table]
  return names.map((name) => `DROP TABLE IF EXISTS ${named(cluster, name)} ${onCluster(cluster)} SYNC`)
}
