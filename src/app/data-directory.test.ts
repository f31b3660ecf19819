import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownerProcess } from '../../test/support/child.ts'
import { openDataDirectory } from './data-directory.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crossfoot-data-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const refusal = (pid: number | string, directory: string): string =>
  `another crossfoot (pid ${pid}) already uses ${directory}; stop it first or set CROSSFOOT_DATA to another directory`

describe('the data directory', () => {
  test('is created with all that leads to it, for this user alone', async () => {
    const data = await openDataDirectory(join(folder, 'a', 'b'))
    expect(data.path).toBe(join(folder, 'a', 'b'))
    expect(data.created).toEqual([join(folder, 'a'), join(folder, 'a', 'b')])
    expect(statSync(data.path).mode & 0o777).toBe(0o700)
    data.close()
  })

  test('that exists is taken as it is', async () => {
    mkdirSync(join(folder, 'there'), { mode: 0o750 })
    const data = await openDataDirectory(join(folder, 'there'))
    expect(data.created).toEqual([])
    expect(statSync(data.path).mode & 0o777).toBe(0o750)
    data.close()
  })

  test('that cannot be a directory is refused with what to do', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(openDataDirectory(join(folder, 'file', 'data'))).rejects.toThrow(
      /cannot be used .*set CROSSFOOT_DATA to a directory that this user can write/,
    )
  })

  test('has one owner, also within one process, until it is closed', async () => {
    const first = await openDataDirectory(folder)
    await expect(openDataDirectory(folder)).rejects.toThrow(refusal(process.pid, folder))
    first.close()
    first.close()
    const second = await openDataDirectory(folder)
    await expect(openDataDirectory(folder)).rejects.toThrow(refusal(process.pid, folder))
    second.close()
  })

  test('of a running service is refused, naming its pid; kill -9 frees it at once', async () => {
    const owner = ownerProcess(folder, 'lock')
    const { pid } = await owner.said
    await expect(openDataDirectory(folder)).rejects.toThrow(refusal(pid, folder))
    await owner.kill()
    const data = await openDataDirectory(folder)
    expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(`${process.pid}\n`)
    data.close()
  })

  test('is free although the number of its dead owner belongs to another program by now', async () => {
    const owner = ownerProcess(folder, 'lock')
    await owner.said
    await owner.kill()
    // The first process of the machine runs for certain, and it is no crossfoot.
    writeFileSync(join(folder, 'pid'), '1\n')
    const data = await openDataDirectory(folder)
    data.close()
  })

  test('goes to exactly one of six that start at once, after a killed owner', async () => {
    const killed = ownerProcess(folder, 'lock')
    await killed.said
    await killed.kill()
    const owners = Array.from({ length: 6 }, () => ownerProcess(folder, 'lock'))
    const said = await Promise.all(owners.map((owner) => owner.said))
    const winners = said.filter((owner) => owner.refused === undefined)
    const refused = said.flatMap((owner) => owner.refused ?? [])
    await Promise.all(owners.map((owner) => owner.kill()))
    expect(winners).toHaveLength(1)
    expect(refused).toEqual(Array.from({ length: 5 }, () => refusal(winners[0]?.pid ?? 0, folder)))
  })
})
