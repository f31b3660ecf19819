import { dutiesOf, roles } from '../roles.ts'
import { exitCodes } from './command.ts'
import type { Command } from './command.ts'

const width = Math.max(...roles.map((role) => role.length))
const list = roles.map((role) => `    ${role.padEnd(width)}  ${dutiesOf[role].summary}`).join('\n')

const help = `Usage: crossfoot serve [--role ROLE] [--empty] [--rebuild-store]

Runs the service, or one part of it, until SIGTERM or Ctrl-C. npm start is the same as serve --role all.

  --role ROLE      what this process does (default all, or CROSSFOOT_ROLE):
${list}
                   Roles other than all share the log, the store and the database: they need KAFKA_BROKERS,
                   CLICKHOUSE_URL and DATABASE_URL, and each process a data directory (CROSSFOOT_DATA) of its own.
                   A route that is not this role's is answered with 404 and the role to ask.
  --empty          without the sample company
  --rebuild-store  with CLICKHOUSE_URL: a store that does not agree with the log is emptied and filled again from the
                   log; without it the process says so and ends

From the environment: HOST, PORT, CROSSFOOT_DATA, DATABASE_URL, CLICKHOUSE_URL, CLICKHOUSE_CLUSTER, KAFKA_BROKERS,
CROSSFOOT_KAFKA_PREFIX, CROSSFOOT_DISK_RESERVE_BYTES, LOG_LEVEL; see docs/operations.md.
Exit codes: 0 stopped, 1 failed, 2 wrong configuration.
`

export const serveCommand: Command = {
  name: 'serve',
  summary: 'run the service, or one part of it',
  help,
  async run(argv) {
    // The engines are loaded here and by no other command.
    const { main } = await import('../main.ts')
    await main(argv)
    // It serves from here on; whatever ends it ends the process with its own code.
    await new Promise<never>(() => undefined)
    return exitCodes.ok
  },
}
