import { formatNames } from '../../collect/formats.ts'
import { serviceHelp } from './client.ts'

export const agentHelp = `Usage: crossfoot agent --tail FILE… --format FORMAT --spool DIR [options]

Runs beside the logs of an edge server: follows them through rotation, writes each line durably into its spool
before it counts as taken, and sends it once, whatever is killed, full or away in between. Ends with SIGTERM.

  --tail FILE…     the logs, by the names that the server writes to; each is read from its beginning when it is new
  --format FORMAT  ${formatNames.slice(0, 8).join(', ')},
                   ${formatNames.slice(8).join(', ')}
  --account-from RULE, --map FIELD=JSONNAME, --timezone ZONE
                   as in crossfoot import
  --spool DIR      a folder of its own on a local disk; it holds what is not sent and how far the logs are read, so
                   keep it: with an empty one the logs are read again under a new numbering and count once more
  --spool-max BYTES
                   how large it may become (default 1 GiB; 64MiB and 2GB are understood); when it is full, lines
                   wait in their files, and those that vanish there are declared as lost, with their number
  --source NAME    who emits the events (default agent:HOSTNAME); fixed when the spool is new
  --to URL         the same as --url
${serviceHelp}
  --help           print this

Rotation: rename and create, or copytruncate. A file that was rotated, also while the agent was not running, is read
to its end first, even if it was compressed. Every 10 seconds a checkpoint tells the service up to which number and
time everything was sent, so that silence is not taken for completeness.
`
