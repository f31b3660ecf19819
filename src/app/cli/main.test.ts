import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ServiceError } from '../../collect/service.ts'
import { Refusal } from '../../core/errors.ts'
import { UsageError, didYouMean } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { dispatch } from './main.ts'

function terminal(): Terminal & { readonly out: string[]; readonly err: string[] } {
  const out: string[] = []
  const err: string[] = []
  return {
    out,
    err,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    isTTY: false,
    columns: 80,
    env: {},
  }
}

function command(name: string, run: Command['run'] = () => Promise.resolve(0)): Command {
  return { name, summary: `what ${name} does`, help: `help of ${name}\n`, run }
}

async function dispatched(
  argv: readonly string[],
  known: readonly Command[] = [command('import'), command('invoice')],
) {
  const seen = terminal()
  const code = await dispatch(argv, seen, known)
  return { code, out: seen.out.join(''), err: seen.err.join('') }
}

function failing(error: Error) {
  const fail = async (): Promise<number> => {
    throw error
  }
  return dispatched(['a'], [command('a', fail)])
}

describe('dispatch', () => {
  test('runs a command with what follows its name, and gives its exit code', async () => {
    const seen: unknown[] = []
    const known = [
      command('a', (argv) => {
        seen.push(argv)
        return Promise.resolve(1)
      }),
    ]
    expect(await dispatched(['a', 'b', '--c'], known)).toEqual({ code: 1, out: '', err: '' })
    expect(seen).toEqual([['b', '--c']])
  })

  test('helps everywhere', async () => {
    for (const argv of [['--help'], ['-h'], ['help']]) {
      const { code, out } = await dispatched(argv)
      expect(code).toBe(0)
      expect(out).toContain('import   what import does')
    }
    for (const argv of [
      ['import', '--help'],
      ['import', 'x', '-h'],
      ['help', 'import'],
      ['--help', 'import'],
    ])
      expect(await dispatched(argv)).toEqual({ code: 0, out: 'help of import\n', err: '' })
    expect((await dispatched(['import', '--', '--help'])).out).toBe('')
    expect(await dispatched(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^crossfoot \d+\.\d+\.\d+\n$/),
    })
  })

  test('says what it does not know, and what may have been meant', async () => {
    expect(await dispatched([])).toMatchObject({ code: 2, out: '' })
    const { code, err } = await dispatched(['imprt'])
    expect(code).toBe(2)
    expect(err).toContain('crossfoot: there is no command "imprt". Did you mean import?')
    expect((await dispatched(['help', 'x'])).code).toBe(2)
    expect((await dispatched(['frobnicate'])).err).not.toContain('Did you mean')
  })

  test('turns errors into exit codes and messages', async () => {
    expect(await failing(new UsageError('no'))).toEqual({
      code: 2,
      out: '',
      err: 'crossfoot a: no\nSee crossfoot a --help\n',
    })
    expect(await failing(new ServiceError('X', 'not now'))).toEqual({ code: 1, out: '', err: 'crossfoot a: not now\n' })
    expect(await failing(new Refusal('ACCOUNT_NOT_FOUND', 'who?'))).toEqual({
      code: 1,
      out: '',
      err: 'crossfoot a: who?\n',
    })
    const bug = await failing(new Error('bug'))
    expect(bug.code).toBe(1)
    expect(bug.err).toContain('main.test.ts')
  })

  test('the program itself speaks', () => {
    const run = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'import', '--help'], {
      encoding: 'utf8',
    })
    expect([run.status, run.stderr]).toEqual([0, ''])
    expect(run.stdout).toMatch(/^Usage: crossfoot import FILE… --format FORMAT/)
  })
})

describe('didYouMean', () => {
  test('names what is close, and nothing else', () => {
    expect(didYouMean('invioce', ['import', 'invoice'])).toBe(' Did you mean invoice?')
    expect(didYouMean('nginxjson', ['nginx-json', 'ndjson'])).toBe(' Did you mean nginx-json?')
    expect(didYouMean('xyz', ['import', 'invoice'])).toBe('')
    expect(didYouMean('bytes_out', ['bytes_in_body', 'bytes_out_body'])).toBe(' Did you mean bytes_out_body?')
    expect(didYouMean('x', [])).toBe('')
  })
})
