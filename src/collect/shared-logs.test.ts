import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { applyAccountRule, parseAccountRule } from './account-rule.ts'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import type { EventBody, ReadLine } from './line-reader.ts'

// Real logs that are not part of the project. Without them these tests are reported as skipped.
const logs = join(import.meta.dirname, '../../../shared/data/logs')
const thedash = join(logs, 'thedash.nginx-json.log.gz')
const semicomplete = join(logs, 'semicomplete.apache-combined.log.gz')

function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(file)).toString('utf8').split('\n').slice(0, -1)
}

function readAll(lines: readonly string[], format: FormatName): ReadLine[] {
  const reader = formats[format].reader([])
  return lines.map((line) => {
    const found = reader(line)
    if (!found.ok) throw new Error(found.error)
    return found.value
  })
}

function sum(bodies: readonly EventBody[], field: 'bytes_out_body' | 'bytes_out_wire' | 'duration_us'): bigint {
  return bodies.reduce((total, body) => total + BigInt(body[field] ?? 0), 0n)
}

describe.skipIf(!existsSync(thedash))('thedash.nginx-json', () => {
  const lines = existsSync(thedash) ? linesOf(thedash) : []
  const records = lines.map((line) => JSON.parse(line) as Record<string, string>)
  const read = readAll(lines, 'nginx-json')
  const bodies = read.map(({ body }) => body)

  test('has the counts that are known of it', () => {
    expect(bodies.length).toBe(10_049)
    expect(sum(bodies, 'bytes_out_body')).toBe(13_677_583n)
    expect(sum(bodies, 'bytes_out_wire')).toBe(15_649_667n)
  })

  test('has the sums, methods and hours of a plain count', () => {
    const plain = (name: string): bigint => records.reduce((total, record) => total + BigInt(record[name] ?? 0), 0n)
    expect(sum(bodies, 'bytes_out_body')).toBe(plain('body_bytes_sent'))
    expect(sum(bodies, 'bytes_out_wire')).toBe(plain('sent'))
    const micros = records.reduce(
      (total, record) => total + BigInt(String(record['request_time']).replace('.', '')),
      0n,
    )
    expect(sum(bodies, 'duration_us')).toBe(micros * 1_000n)
    expect(bodies.map(({ method }) => method)).toEqual(records.map((record) => record['request']?.split(' ')[0]))
    const hours = records.map((record) =>
      new Date(String(record['time_local']).replace(':', ' ').replaceAll('/', ' ')).toISOString(),
    )
    expect(bodies.map(({ time }) => time)).toEqual(hours.map((hour) => hour.replace('.000Z', 'Z')))
  })

  test('has the requests and bytes of each account of a plain count', () => {
    const rule = parseAccountRule('/dashboard/([A-Za-z0-9]+)', formats['nginx-json'].fieldExists)
    if (!rule.ok) throw new Error(rule.error)
    const ours = new Map<string, [number, bigint]>()
    for (const { body, textOf } of read) {
      const outcome = applyAccountRule(rule.value, textOf)
      const account = outcome.kind === 'account' ? outcome.account : 'unattributed'
      const [requests, bytes] = ours.get(account) ?? [0, 0n]
      ours.set(account, [requests + 1, bytes + BigInt(body.bytes_out_body ?? 0)])
    }
    const plain = new Map<string, [number, bigint]>()
    for (const record of records) {
      const [, rest = ''] = String(record['request']).split('/dashboard/')
      const account = rest.split(/[^A-Za-z0-9]/)[0] || 'unattributed'
      const [requests, bytes] = plain.get(account) ?? [0, 0n]
      plain.set(account, [requests + 1, bytes + BigInt(record['body_bytes_sent'] ?? 0)])
    }
    expect(ours).toEqual(plain)
    expect(ours.size).toBeGreaterThan(40)
  })
})

describe.skipIf(!existsSync(semicomplete))('semicomplete.apache-combined', () => {
  test('has the counts that are known of it, and those of a plain count', () => {
    const lines = linesOf(semicomplete)
    const bodies = readAll(lines, 'apache-combined').map(({ body }) => body)
    expect(bodies.length).toBe(10_000)
    expect(sum(bodies, 'bytes_out_body')).toBe(2_747_282_740n)
    expect(bodies.filter(({ bytes_out_body }) => bytes_out_body === undefined).length).toBe(669)
    // Plain: the request is the first thing in quotes, and after it come status and size.
    const plain = lines.map((line) => line.split('"')[2]?.split(' ') ?? [])
    expect(bodies.map(({ status }) => String(status))).toEqual(plain.map(([, status]) => status))
    expect(bodies.map(({ bytes_out_body }) => String(bytes_out_body ?? '-'))).toEqual(plain.map(([, , size]) => size))
    expect(bodies.filter(({ bytes_out_body }) => bytes_out_body === 0).length).toBe(
      plain.filter(([, , size]) => size === '0').length,
    )
  })

  test('is read alike as nginx-combined', () => {
    const lines = linesOf(semicomplete).slice(0, 100)
    expect(readAll(lines, 'nginx-combined').map(({ body }) => body)).toEqual(
      readAll(lines, 'apache-combined').map(({ body }) => body),
    )
  })
})
