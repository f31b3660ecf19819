import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../src/app/config.ts'

/** deploy/compose.yaml is not run here. What can be checked without containers: that it parses, and fits the service. */
const folder = join(import.meta.dirname, '../deploy')
const text = readFileSync(join(folder, 'compose.yaml'), 'utf8')

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly environment?: Readonly<Record<string, string>>; readonly volumes?: readonly string[] }>
  >
  readonly volumes: Readonly<Record<string, null>>
}

type Parse = (text: string, options: { readonly merge: boolean }) => unknown

/** A parser of YAML comes with other packages, or does not. */
const parser: string = 'yaml'
const parse = await import(parser).then(
  (yaml: unknown) => (yaml as { readonly parse: Parse }).parse,
  () => null,
)
if (parse === null) console.log('deploy/compose.yaml is not parsed: there is no parser of YAML among the packages')

test('it says first that it was not run', () => {
  expect(text.split('\n', 1)[0]).toMatch(/NOT RUN/)
  expect(text).not.toContain('\t')
})

test.skipIf(parse === null)(
  'its Crossfoot services have the roles they should, and configurations that are accepted',
  () => {
    if (parse === null) return
    const { services, volumes } = parse(text, { merge: true }) as Compose
    const roles: string[] = []
    for (const [name, { environment = {} }] of Object.entries(services)) {
      if (environment['CROSSFOOT_ROLE'] === undefined) continue
      // As the shell fills them in.
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, value.replaceAll(/\$\{\w+:\?[^}]*\}/g, 'secret1')]),
      )
      const config = readConfig({ env, args: [], cwd: '/opt/crossfoot' })
      expect(config, name).toMatchObject({
        ok: true,
        value: { host: '0.0.0.0', clickhouse: { cluster: 'crossfoot', password: 'secret1' } },
      })
      roles.push(environment['CROSSFOOT_ROLE'])
      const cluster = readFileSync(join(folder, 'clickhouse/cluster.xml'), 'utf8')
      expect(cluster).toContain(`<${env['CLICKHOUSE_CLUSTER']}>`)
    }
    expect(roles.toSorted()).toEqual(['api', 'ingest', 'ingest', 'project', 'project', 'worker'])
    for (const [prefix, count] of Object.entries({ 'kafka-': 3, 'keeper-': 3, 'clickhouse-': 4, postgres: 1 }))
      expect(Object.keys(services).filter((name) => name.startsWith(prefix))).toHaveLength(count)
    const used = Object.values(services).flatMap(({ volumes: mounts = [] }) =>
      mounts.map((mount) => mount.split(':', 1).join()),
    )
    expect(used.filter((name) => !name.startsWith('.')).toSorted()).toEqual(Object.keys(volumes).toSorted())
  },
)
