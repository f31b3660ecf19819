import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../../test/support/fake-service.ts'
import { dispatch } from './main.ts'
import { ProgressLine, formatDuration, formatProgress } from './import-progress.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-import-command-'))
afterAll(() => rmSync(folder, { recursive: true }))

let service: FakeService
beforeEach(async () => {
  service = await new FakeService().start()
})
afterEach(() => service.stop())

async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await dispatch(['import', ...argv], {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    isTTY: false,
    columns: 80,
    env: { CROSSFOOT_URL: service.url, CROSSFOOT_KEY: 'k' },
  })
  return { code, out: out.join(''), err: err.join('') }
}

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

const line = (number: number, path = '/'): string =>
  `${JSON.stringify({ msec: number, body_bytes_sent: 5, request: `GET ${path} HTTP/1.1` })}\n`

describe('crossfoot import', () => {
  test('shows what became of each line, and that it adds up', async () => {
    const file = write('a.log', `${line(1)}broken\n${line(3, '/t/acme')}${line(4).trim()}`)
    const { code, out, err } = await run(file, '--format', 'nginx-json', '--account-from', '/t/(\\w+)')
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/a\.log as file:[0-9a-f]{32}$/),
      '  2  accepted     counted now',
      '  0  duplicates   sent, and counted before',
      '  1  quarantined  kept aside with a reason, not counted',
      '  0  skipped      not counted anew, the service already had them',
      '  3  = all of 3 lines read',
      expect.stringMatching(/^ {2}line 2: EVENT_UNREADABLE: the line is not JSON/),
      '  the account rule found nothing in 1 lines; they were sent without an account',
      expect.stringMatching(/^ {2}ATTENTION: line 4 \(\d+ bytes\) was LEFT OUT/),
      '',
    ])
    expect(service.accepted().map(({ seq, account }) => [seq, account])).toEqual([
      [1, undefined],
      [3, 'acme'],
    ])
  })

  test('gives the same as JSON', async () => {
    const files = [write('b.log', line(1)), write('c.log.gz', gzipSync(line(2) + line(3)))]
    const { code, out } = await run(...files, '--format', 'nginx-json', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      not_begun: [],
      files: [
        { file: files[0], lines: 1, accepted: 1, skipped: 0, adds_up: true, unfinished: null, stopped: null },
        { file: files[1], lines: 2, accepted: 2, quarantined: 0, adds_up: true, damage: null },
      ],
    })
    const again = JSON.parse((await run(...files, '--format', 'nginx-json', '--json')).out) as {
      files: { skipped: number }[]
    }
    expect(again.files.map(({ skipped }) => skipped)).toEqual([1, 2])
  })

  test('--map, --source, --lines and --to do what they say', async () => {
    const text = Array.from({ length: 9 }, (_, index) => `{"at":${index + 1},"size":7}\n`).join('')
    const file = write('d.log', text)
    const other = await new FakeService().start()
    const options = [
      '--format',
      'nginx-json',
      '--map',
      'time=at',
      '--map',
      'bytes_out_body=size',
      '--source',
      'mine',
      '--lines',
      '3-5',
    ]
    expect((await run(file, ...options, '--to', other.url)).code).toBe(0)
    expect(other.accepted()).toMatchObject([3, 4, 5].map((seq) => ({ source: 'mine', seq, bytes_out_body: 7 })))
    expect(service.requests).toEqual([])
    await other.stop()
  })

  test('a cut off file and a refused import fail with the reason', async () => {
    const whole = gzipSync(Array.from({ length: 3_000 }, (_, index) => line(index + 1)).join(''))
    const cut = await run(write('e.log.gz', whole.subarray(0, 2_000)), '--format', 'nginx-json')
    expect(cut.code).toBe(1)
    expect(cut.err).toMatch(
      /could be read up to line [\d,]+, [\d,]+ bytes into its content: the gzip data ends too early/,
    )
    service.fault = () => ({ status: 401, code: 'KEY_INVALID', message: 'the key is wrong' })
    const files = [write('f.log', line(70)), write('g.log', line(71))]
    const refused = await run(...files, '--format', 'nginx-json', '--json')
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('the key is wrong (KEY_INVALID). The same command goes on where this one stopped\n')
    expect(refused.err).toContain(`not begun: ${files[1]}`)
    expect(JSON.parse(refused.out)).toMatchObject({ ok: false, not_begun: [files[1]] })
  })

  test('an empty file is said to be empty', async () => {
    const { code, out } = await run(write('h.log', ''), '--format', 'ndjson')
    expect(code).toBe(0)
    expect(out).toContain('the file is empty; there was nothing to import')
  })

  test('what is asked wrongly is said before anything is sent', async () => {
    const file = write('i.log', line(1))
    const usage: [string[], string | RegExp][] = [
      [['--format', 'ndjson'], 'FILE is missing'],
      [[file], '--format is missing'],
      [[file, '--format', 'ndjsn'], 'Did you mean ndjson?'],
      [[file, '--format', 'ndjson', '--lnes', '1-'], '--lnes'],
      [[file, '--format', 'ndjson', '--lines', '5-1'], '--lines 5-1 is not FROM-TO'],
      [[file, '--format', 'ndjson', '--lines', '-'], '--lines - is not FROM-TO'],
      [[file, '--format', 'ndjson', '--lines', '0-1'], '--lines 0-1 is not FROM-TO'],
      [[file, '--format', 'ndjson', '--map', 'x'], '--map x is not FIELD=JSONNAME'],
      [[file, '--format', 'nginx-json', '--map', 'bytes_out=x'], 'Did you mean bytes_out_body?'],
      [[file, '--format', 'nginx-json', '--map', 'account=x'], 'For the account use --account-from'],
      [[file, '--format', 'apache-combined', '--map', 'time=x'], '--map is for JSON formats'],
      [[file, '--format', 'apache-combined', '--account-from', 'host'], 'this format has no field "host"'],
      [[file, '--format', 'ndjson', '--account-from', '/x/'], 'no capture group'],
      [[file, file, '--format', 'ndjson', '--source', 'x'], '--source names one file'],
      [[file, '--format', 'ndjson', '--source', ' '], '--source is a text'],
      [[file, '--format', 'ndjson', '--to', 'http://a.example', '--url', 'http://b.example'], 'mean the same'],
      [[file, '--format', 'ndjson', '--to', 'nonsense'], 'is not an http or https URL'],
      [[folder, '--format', 'ndjson'], 'is a folder'],
    ]
    for (const [argv, message] of usage) {
      const { code, err, out } = await run(...argv)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(message)
    }
    const missing = await run(join(folder, 'missing'), file, '--format', 'nginx-json')
    expect(missing.code).toBe(1)
    expect(missing.err).toContain('no such file')
    expect(service.requests).toEqual([])
  })
})

describe('progress', () => {
  test('tells part, rate and time left by the bytes of the file itself', () => {
    expect(formatProgress('a.log', { bytesRead: 250, bytesTotal: 1_000, lines: 5_000, elapsedMs: 2_000 })).toBe(
      'a.log: 25 %, 5,000 lines, 2,500 lines/s, 0:06 left',
    )
    expect(formatProgress('a.log', { bytesRead: 1_000, bytesTotal: 1_000, lines: 1, elapsedMs: 0 })).toBe(
      'a.log: 100 %, 1 lines, 0 lines/s',
    )
    expect(formatProgress('a.log', { bytesRead: 5, bytesTotal: undefined, lines: 10, elapsedMs: 1_000 })).toBe(
      'a.log: 10 lines, 10 lines/s',
    )
    expect([0, 59_600, 3_599_000, 3_661_000].map(formatDuration)).toEqual(['0:00', '1:00', '59:59', '1:01:01'])
  })

  test('draws over one line for a person, and writes few lines for a file', () => {
    const written: string[] = []
    const terminal = {
      stdout: { write: () => {} },
      stderr: { write: (text: string) => written.push(text) },
      columns: 25,
      env: {},
    }
    const live = new ProgressLine({ ...terminal, isTTY: true }, 0)
    for (const now of [50, 120, 150, 230]) live.show(`at ${now} and more text than fits`, now)
    live.note('stays')
    expect(written.splice(0)).toEqual([
      '\r\u001b[Kat 120 and more text tha',
      '\r\u001b[Kat 230 and more text tha',
      '\r\u001b[K',
      'stays\n',
    ])
    const logged = new ProgressLine({ ...terminal, isTTY: false }, 0)
    for (let now = 0; now < 10_000; now += 500) logged.show(`at ${now}`, now)
    logged.clear()
    expect(written).toEqual(['at 3000\n', 'at 6000\n', 'at 9000\n'])
  })
})
