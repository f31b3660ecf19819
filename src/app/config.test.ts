import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

test('without anything set there is a default for everything', () => {
  expect(readConfig({ env: {}, args: [], cwd: '/somewhere' })).toEqual({
    ok: true,
    value: {
      host: '127.0.0.1',
      port: 8080,
      dataDirectory: '/somewhere/data',
      databaseUrl: null,
      kafka: null,
      clickhouse: null,
      role: 'all',
      empty: false,
      rebuildStore: false,
      diskReserveBytes: 256 * 1024 * 1024,
      logLevel: 'info',
    },
  })
})

test('everything can be set; what is empty counts as not set', () => {
  const env = {
    HOST: '::1',
    PORT: '0',
    CROSSFOOT_DATA: '/var/lib/crossfoot',
    DATABASE_URL: 'postgresql://a:b@db.example.com/billing',
    KAFKA_BROKERS: 'k1.example.com:9092, [::1]:9093',
    CROSSFOOT_KAFKA_PREFIX: 'edge.billing',
    CLICKHOUSE_URL: 'https://writer:p%40ss%3A1@ch.example.com:8443/billing',
    CLICKHOUSE_CLUSTER: 'two-by-two',
    CROSSFOOT_ROLE: 'api',
    CROSSFOOT_DISK_RESERVE_BYTES: '1000000000000',
    LOG_LEVEL: 'DEBUG',
  }
  expect(readConfig({ env, args: ['--empty', '--role', 'project', '--rebuild-store'], cwd: '/somewhere' })).toEqual({
    ok: true,
    value: {
      host: '::1',
      port: 0,
      dataDirectory: '/var/lib/crossfoot',
      databaseUrl: 'postgresql://a:b@db.example.com/billing',
      kafka: { brokers: 'k1.example.com:9092,[::1]:9093', prefix: 'edge.billing' },
      clickhouse: {
        url: 'https://ch.example.com:8443',
        username: 'writer',
        password: 'p@ss:1',
        database: 'billing',
        cluster: 'two-by-two',
      },
      role: 'project',
      empty: true,
      rebuildStore: true,
      diskReserveBytes: 1_000_000_000_000,
      logLevel: 'debug',
    },
  })
  expect(readConfig({ env: { PORT: ' ', LOG_LEVEL: '' }, args: [], cwd: '/' }).ok).toBe(true)
})

test('every problem is told at once, each with what to do, and no password with it', () => {
  const env = {
    HOST: 'http://x',
    PORT: '65536',
    DATABASE_URL: 'mysql://root:hunter2@db',
    KAFKA_BROKERS: 'k1',
    CROSSFOOT_KAFKA_PREFIX: 'a b',
    CLICKHOUSE_URL: 'clickhouse://root:hunter2@db:9000',
    CROSSFOOT_ROLE: 'boss',
    CROSSFOOT_DISK_RESERVE_BYTES: '-1',
    LOG_LEVEL: 'loud',
  }
  const config = readConfig({ env, args: ['--emtpy'], cwd: '/' })
  expect(config.ok ? [] : config.error.map((problem) => problem.split(' ', 1)[0])).toEqual([
    '--emtpy',
    'HOST',
    'PORT',
    'DATABASE_URL',
    'KAFKA_BROKERS',
    'CROSSFOOT_KAFKA_PREFIX',
    'CLICKHOUSE_URL',
    'the',
    'CROSSFOOT_DISK_RESERVE_BYTES',
    'LOG_LEVEL',
  ])
  expect(JSON.stringify(config)).not.toContain('hunter2')
  expect(config.ok ? '' : config.error[2]).toBe(
    'PORT is "65536"; set it to a whole number from 0 to 65535, or leave it out',
  )
})

test('a role is refused without what it has in common with the others; a cluster without its servers', () => {
  const env = { CLICKHOUSE_CLUSTER: 'c', DATABASE_URL: 'postgres://a@b/c' }
  expect(readConfig({ env, args: ['--role=ingest'], cwd: '/' })).toEqual({
    ok: false,
    error: [
      'CLICKHOUSE_CLUSTER is set without CLICKHOUSE_URL; set both or none',
      'the role ingest shares what others do with them: set KAFKA_BROKERS (the log), CLICKHOUSE_URL (the store); or run --role all',
    ],
  })
  expect(readConfig({ env: {}, args: ['--role'], cwd: '/' }).ok).toBe(false)
})

test('a log that is shared needs a database that is shared, in the role all, too', () => {
  const kafka = { KAFKA_BROKERS: 'k1:9092' }
  const config = readConfig({ env: kafka, args: [], cwd: '/' })
  expect(config.ok ? [] : config.error).toEqual([
    expect.stringMatching(/^KAFKA_BROKERS is set without DATABASE_URL: .*set DATABASE_URL to/),
  ])
  expect(readConfig({ env: { ...kafka, DATABASE_URL: 'postgres://a@b/c' }, args: [], cwd: '/' }).ok).toBe(true)
  // One process with a store on a server has its log and its database for itself.
  expect(readConfig({ env: { CLICKHOUSE_URL: 'http://c:8123' }, args: [], cwd: '/' }).ok).toBe(true)
})
