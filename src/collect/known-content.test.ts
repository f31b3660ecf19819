import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { finishedFile, isFinished, keepFinished } from './known-content.ts'
import { limits } from './limits.ts'

const head = (raw: string, lines = raw) => ({ raw: Buffer.from(raw), lines: Buffer.from(lines), isWhole: true })

test('what an older release wrote down is the first bytes whatever they are', () => {
  const raw = '#Fields: a b\n1 2\n'
  const old = { bytes: raw.length, hash: createHash('sha256').update(raw).digest('base64url') }
  expect(isFinished(head(`${raw}3 4\n`, '1 2\n3 4\n'), [old])).toBe(true)
  expect(isFinished(head('#Fields: a b\n5 6\n', '5 6\n'), [old])).toBe(false)
  const now = finishedFile(head(raw, '1 2\n'), '/log')
  expect(isFinished(head(`${raw}3 4\n`, '1 2\n3 4\n'), [old, now])).toBe(true)
  expect(isFinished(head('#Fields: b a\n1 2\n', '1 2\n'), [now])).toBe(true)
  expect(isFinished(head('#Fields: a b\n5 6\n', '5 6\n'), [now])).toBe(false)
})

test('each path has its own bound, the newest stay, and all of them are bounded', () => {
  const of = (path: string, count: number) =>
    Array.from({ length: count }, (_, number) => finishedFile(head(`${path} ${number}`), path))
  const [busy, quiet] = [of('busy', 1_000), of('quiet', 2)]
  const old = Array.from({ length: 32 }, (_, number) => ({ bytes: 1, hash: `${number}` }))
  expect(keepFinished([...old, ...quiet], busy.slice(0, 2), 2)).toEqual([...old, ...quiet, ...busy.slice(0, 2)])
  const kept = keepFinished([...old, ...quiet], busy, 2)
  expect(kept).toEqual([...quiet, ...busy.slice(-limits.finishedOfPathMax)])
  const many = Array.from({ length: 500 }, (_, path) => of(`${path}`, 20)).flat()
  expect(keepFinished([], many, 500).length).toBe(4_000)
})
