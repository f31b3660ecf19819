import { agentCommand } from '../../src/app/cli/agent.ts'
import { dispatch } from '../../src/app/cli/main.ts'

/** `crossfoot agent` in a process of its own. */
process.exitCode = await dispatch(
  ['agent', ...process.argv.slice(2)],
  { stdout: process.stdout, stderr: process.stderr, isTTY: false, columns: 80, env: process.env },
  [agentCommand],
)
