import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dispatch } from '../../src/app/cli/main.ts'
import { discardData, removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const run = promisify(execFile)
const example = join(import.meta.dirname, '../../examples/03-define-meters.ts')
const range = [
  '--from',
  new Date(Date.now() - 86_400_000).toISOString(),
  '--to',
  new Date(Date.now() + 86_400_000).toISOString(),
]

const tokens = {
  key: 'tokens',
  name: 'Model tokens',
  unit: 'tokens',
  aggregation: { kind: 'sum', value: 'quantity' },
  filter: [{ field: 'name', operator: 'in', values: ['tokens'] }],
  group_by: ['attributes.model'],
}

describe('crossfoot meters', () => {
  const data = temporaryDirectory('meters-command')
  const files = temporaryDirectory('meters-files')
  let service: RunningService

  beforeAll(async () => {
    service = await startService({ data })
    const event = { source: 's', kind: 'usage', name: 'tokens', account: 'acme', time: new Date().toISOString() }
    await service.post('/v1/events', [
      { ...event, id: '1', quantity: '1000', attributes: { model: 'large' } },
      { ...event, id: '2', quantity: '0.5', account: 'globex' },
      // 1,000 bytes are 8 blocks; the failed request is free.
      { ...event, id: '3', kind: 'http_request', name: null, status: 200, bytes_out_wire: 1_000 },
      { ...event, id: '4', kind: 'http_request', name: null, status: 502, bytes_out_wire: 1_000 },
    ])
  })
  afterAll(async () => {
    await discardData(data)
    removeDirectory(files)
  })

  const file = (name: string, content: unknown): string => {
    const path = join(files, name)
    writeFileSync(path, JSON.stringify(content))
    return path
  }
  async function crossfoot(...args: string[]) {
    let [stdout, stderr] = ['', '']
    const terminal = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      isTTY: false,
      columns: 120,
      env: { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key },
    }
    const code = await dispatch(['meters', ...args], terminal)
    return { code, stdout, stderr }
  }

  test('from a file to a meter: previewed, added as a draft, activated, shown', async () => {
    const path = file('tokens.json', tokens)
    const preview = await crossfoot('preview', path, ...range)
    expect(preview).toMatchObject({ code: 0, stderr: '' })
    expect(preview.stdout).toMatch(/^Model tokens \(tokens\): sum quantity\n/)
    expect(preview.stdout).toMatch(/^acme +1,000 +-$/m)
    expect(preview.stdout).toMatch(/^total +1,000.5 +-$/m)
    expect(preview.stdout).toContain('2 events match, 0 of them without a value')
    expect((await crossfoot('add', path, '--draft')).stdout).toMatch(/^tokens version 1: draft, since /)
    const sha256 = /^definition_sha256 ([0-9a-f]{64})$/m.exec(preview.stdout)?.[1] ?? ''
    expect((await crossfoot('show', 'tokens')).stdout).toContain(`definition_sha256 ${sha256}\n`)
    const other = await crossfoot('activate', 'tokens', '1', '--sha256', sha256.replaceAll(/./g, '0'))
    expect(other.stderr).toContain('was replaced; preview it again')
    expect(other.code).not.toBe(0)
    expect((await crossfoot('list')).stdout).not.toContain('tokens')
    expect((await crossfoot('activate', 'tokens', '1', '--sha256', sha256, '--by', 'Ada Osei')).stdout).toMatch(
      /current, activated .* by Ada Osei/,
    )
    expect((await crossfoot('list')).stdout).toMatch(/^tokens +v1 +tokens +Model tokens +sum quantity$/m)
    const changed = file('changed.json', { ...tokens, aggregation: { kind: 'sum', value: 'quantity * 2' } })
    await crossfoot('add', changed, '--draft')
    const draft = await crossfoot('preview', 'tokens', '2', ...range)
    expect(draft.stdout).toMatch(/^total +2,001 +1,000.5 +\+1,000.5$/m)
    expect((await crossfoot('show', 'tokens')).stdout).toContain('tokens version 2: draft')
    expect((await crossfoot('delete', 'tokens', '2')).code).toBe(0)
    expect(JSON.parse((await crossfoot('show', 'tokens', '--json')).stdout)).toMatchObject({
      versions: [{ version: 1 }],
    })
  })

  test('a file with problems is told all of them and adds nothing', async () => {
    const path = file('wrong.json', [tokens, { ...tokens, key: 'x', unit: '', group_by: ['modle'] }])
    const { code, stderr } = await crossfoot('add', path)
    expect(code).toBe(1)
    expect(stderr).toContain('has 2 problems:\n  1.unit: names the unit')
    expect(stderr).toContain('1.group_by.0: there is no field "modle"')
    expect((await crossfoot('show', 'tokens', '--json')).stdout).not.toContain('"version": 2')
    expect(await crossfoot('add', join(files, 'none.json'))).toMatchObject({ code: 1 })
    expect(await crossfoot('ad', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean add?') as string,
    })
    expect(await crossfoot('preview', path)).toMatchObject({ code: 2 })
  })

  test('the library is listed, explained, and added', async () => {
    expect((await crossfoot('library')).stdout).toMatch(/^certificate_hours +hours +/m)
    expect((await crossfoot('library', 'users')).stdout).toContain('Needs: usage named user')
    expect((await crossfoot('library', 'user')).stderr).toContain('Did you mean users?')
    expect((await crossfoot('library', 'add', 'users')).stdout).toMatch(/^users version 1: current/)
    expect((await crossfoot('archive', 'users', '--reason', 'not sold')).stdout).toBe('users is archived\n')
    expect((await crossfoot('list')).stdout).not.toMatch(/^users/m)
    expect((await crossfoot('list', '--all')).stdout).toMatch(/^users .*\(archived\)$/m)
  })

  test('examples/03: meters in TypeScript are previewed by it, and added by the command', async () => {
    const env = { ...process.env, CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const { stdout } = await run(process.execPath, [example], { env })
    expect(stdout).toBe('8 blocks in 30 days, of 2 events; 0 of them carried no value\n  acme: 8\n')
    const added = await crossfoot('add', example, '--draft')
    expect(added.stdout).toMatch(/^example_blocks version 1: draft.*\nexample_seats version 1: draft/)
  })
})
