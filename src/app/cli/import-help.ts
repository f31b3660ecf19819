import { formatNames } from '../../collect/formats.ts'
import { serviceHelp } from './client.ts'

export const importHelp = `Usage: crossfoot import FILE… --format FORMAT [options]

Reads log files, plain or compressed with gzip or zstd (told by their content, not by their name), and sends
each line once: as an event, or, when it cannot be read, into quarantine with its number and the reason.
Importing a file again, after it has grown, been renamed or compressed, or after a crash in the middle, goes
on where it stopped and counts nothing twice.

  --format FORMAT  ${formatNames.slice(0, 8).join(', ')},
                   ${formatNames.slice(8).join(', ')}
  --account-from RULE
                   where the account of a line is (see below)
  --map FIELD=JSONNAME
                   formats with names: read FIELD from this name; may be given several times
  --timezone ZONE  haproxy: the zone of its times, such as Europe/Berlin; without it such lines are refused
  --lines FROM-TO  only these lines, both inclusive: 1-5000, 5001-, -5000 (events, in formats where a line is
                   not one: lines such as #Fields: have no number, and each record of otlp-json has one)
  --source NAME    the name of this file's numbering; needed only when two files begin with the same line
  --again          send lines that the service already has, too (it finds the duplicates)
  --final          take a last line that does not end with a newline (see below)
  --to URL         the same as --url
${serviceHelp}
  --json           print the summary as JSON
  --help           print this

Rules for the account
  /dashboard/([A-Za-z0-9]+)            a regex on the request line; the group is the account
  FIELD~REGEX                          a regex on a field, such as host~^([a-z0-9-]+)\\.
  FIELD:REGEX, regex:FIELD:REGEX       the same
  FIELD, field=NAME                    the field is the account
  account=KEY                          the same account for every line
FIELD is request, host, path, method, client_address, user, user_agent, or in JSON formats any name of the
line (a.b for nested ones). With several groups, the one named (?<account>…) counts, else the first that took
part. A line in which the rule finds nothing, or something that cannot be a key, is sent without an account:
then the owner of its endpoint pays, or it is counted under "unattributed". A regex sees the first 8,192
characters of a text; avoid nested repetitions such as (a+)+, which can take for ever on some lines.

The last line
  A plain file may still be written to, and half a line must not be counted as a whole one. A last line
  without a newline is therefore left out and the summary says so; the next import takes it when it is
  complete, and --final takes it as it is. Compressed files are closed, so theirs is always taken.

Checkpoint
  When all of a file was taken, its source states a checkpoint: everything up to its last line and its greatest
  time, nothing lost. None is stated for a part (--lines), for a file with an unfinished last line, and for
  ndjson whose lines name sources of their own.

Long connections
  Records of a connection that is still open (Envoy's periodic ones) count nothing here, and its last record
  counts all: a file does not know what the file before it counted. crossfoot agent counts them as they come.

Names
  A file is known by its first line, of which the source "file:…" is made, and its lines by their numbers.
  Lines of ndjson that have a source and an id or seq of their own keep them.
`
