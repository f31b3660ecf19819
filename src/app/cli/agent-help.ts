import { formatNames } from '../../collect/formats.ts'
import { serviceHelp } from './client.ts'

export const agentHelp = `Usage: crossfoot agent [--tail FILE…] [--otlp PLACE] [--syslog PLACE…] --format FORMAT --spool DIR [options]

Runs beside the logs of an edge server: follows them through rotation and takes what is brought by OTLP or syslog,
writes each line durably into its spool before it counts as taken, and sends it once, whatever is killed, full or
away in between. Ends with SIGTERM.

  --tail FILE…     the logs, by the names that the server writes to; each is read from its beginning when it is new
  --otlp ADDRESS:PORT
                   take logs by OTLP/HTTP (POST /v1/logs, JSON or protobuf, gzip), such as 127.0.0.1:4318; the
                   answer is given when they are durable. Records with the attribute log.record.uid (or another
                   that --map id=NAME names) count once however often they are sent; others as often as they come
  --syslog udp://ADDRESS:PORT, tcp://ADDRESS:PORT
                   take lines by syslog (RFC 5424 or 3164); may be given several times. Prefer tcp: by UDP, lines
                   can be lost before anybody sees them
  --format FORMAT  ${formatNames.slice(0, 8).join(', ')},
                   ${formatNames.slice(8).join(', ')}
                   of the logs and of the messages of syslog; with --otlp it is otlp-json
  --account-from RULE, --map FIELD=JSONNAME, --timezone ZONE
                   as in crossfoot import
  --spool DIR      a folder of its own on a local disk; it holds what is not sent and how far the logs are read, so
                   keep it: with an empty one the logs are read again under a new numbering and count once more
  --spool-max BYTES
                   how large it may become (default 1 GiB; 64MiB and 2GB are understood); when it is full, lines
                   wait in their files, OTLP answers 503, syslog by TCP waits, and what vanishes meanwhile or comes
                   by UDP is declared as lost, with its number
  --delay-checkpoint SECONDS
                   how long after its time a line may be written: the longest request, where a server logs the
                   start of a request at its end (HAProxy, Apache, Envoy, Traefik); checkpoints stay so far behind
                   (default 0, and 60 with --otlp or --syslog)
  --source NAME    who emits the events (default agent:HOSTNAME: and a mark by chance); fixed when the spool is new. No
                   other agent that lives may have this name: one that died would be silent behind it
  --shared-source NAME
                   in whose name records by OTLP with an id are known (default: the agent's own). Give it to agents
                   that the same exporters may send to: a record counts once, whichever of them it came to
  --to URL         the same as --url
${serviceHelp}
  --help           print this

Rotation: rename and create, or copytruncate. A file that was rotated, also while the agent was not running, is read
to its end first, even if it was compressed. Every 10 seconds a checkpoint tells the service up to which number and
time everything was sent, so that silence is not taken for completeness. The receivers have neither keys nor TLS:
let them listen on a loopback or private address.
`
