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
      empty: false,
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
    CROSSFOOT_DISK_RESERVE_BYTES: '1000000000000',
    LOG_LEVEL: 'DEBUG',
  }
  expect(readConfig({ env, args: ['--empty'], cwd: '/somewhere' })).toEqual({
    ok: true,
    value: {
      host: '::1',
      port: 0,
      dataDirectory: '/var/lib/crossfoot',
      databaseUrl: 'postgresql://a:b@db.example.com/billing',
      empty: true,
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
    CROSSFOOT_DISK_RESERVE_BYTES: '-1',
    LOG_LEVEL: 'loud',
  }
  const config = readConfig({ env, args: ['--emtpy'], cwd: '/' })
  expect(config.ok ? [] : config.error.map((problem) => problem.split(' ', 1)[0])).toEqual([
    'HOST',
    'PORT',
    'DATABASE_URL',
    'CROSSFOOT_DISK_RESERVE_BYTES',
    'LOG_LEVEL',
    '--emtpy',
  ])
  expect(JSON.stringify(config)).not.toContain('hunter2')
  expect(config.ok ? '' : config.error[1]).toBe(
    'PORT is "65536"; set it to a whole number from 0 to 65535, or leave it out',
  )
})
