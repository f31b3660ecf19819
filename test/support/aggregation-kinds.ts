/** Kinds of foreign cases that are about usage: run in `src/meter/oracle.test.ts`, left out of `test/oracle`, which has those about prices. */
export const usageKinds: Readonly<Record<string, readonly string[]>> = {
  lago: [
    'weighted_sum',
    'weighted_sum_segments',
    'latest',
    'sum',
    'prorated_values',
    'prorated_sum',
    'count_recurring',
    'unique_count',
    'unique_count_recurring',
  ],
  openmeter_credits_and_usage: ['windowed_sum', 'windowed_sum_timezone'],
  flexprice_dates_proration_rounding: [
    'floor_hour_timezone',
    'floor_day_timezone',
    'floor_week_timezone',
    'period_of_event',
    'find_period_timezone',
  ],
  flexprice_prices_discounts_credits: ['window_starts', 'time_of_day_bucket'],
  meteroid_periods_proration: ['find_period_containing_date'],
  killbill: ['roll_up_by_period'],
  bandwidth_percentile_definitions: [
    'p95_rank',
    'p95_of_samples',
    'p95_directions',
    'p95_missing_samples',
    'bytes_to_mbps',
    'monthly_top5',
    'daily_peak',
  ],
}
