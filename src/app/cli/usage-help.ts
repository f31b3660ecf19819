import { windowSizes } from '../../core/time.ts'
import { serviceHelp } from './client.ts'

export const usageHelp = `Usage: crossfoot usage ACCOUNT METER --period MONTH [options]
       crossfoot usage --all --period MONTH [--meters NAMES] --format FORMAT [--output FILE]

The exact usage of one account and meter, by the function that the invoice asks; or of all accounts and meters as a file.

  --period MONTH       a calendar month such as 2026-10, in --timezone
  --billing-period M   a billing period of the account, such as 2026-10
  --from, --to         instead: RFC 3339 times or dates; the first is inside, the second is not
  --timezone ZONE      where days and months begin (default: the account's zone)
  --window SIZE        one of billing_period, ${windowSizes.join(', ')}; without it one number
  --group-by NAMES     dimensions that the meter declares, separated by commas
  --top N              only the groups of the largest quantities; all others together are one more
  --filter NAME=VALUE  only events with this value of a dimension; may be given several times
  --compare            beside each window the one in the same place of the period before
  --forecast           an estimate to the end of the period
  --as-of TIME         what was said at that time, beside what is said now
  --sum                refuse when the rows do not add up to the whole
  --below OFFSET       count only the events of the log below this offset
  --meter-version N    by default the current one
  --format FORMAT      json, or a file of rows: csv, ndjson, parquet
  --output FILE        write the file there; it appears when it is whole
  --json               the same as --format json
${serviceHelp}

  crossfoot usage harbor-commerce data_out_wire --period 2026-10 --window day --compare
  crossfoot usage --all --period 2026-10 --format parquet --output october.parquet
`
