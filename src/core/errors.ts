/**
 * The catalogue of errors: a stable code, the HTTP status, whether sending the same thing again can help.
 * `docs/errors.md` lists the same codes; a test compares both ways.
 */
export const errorCatalogue = {
  // What a single event can be told (the others in its batch are not affected).
  EVENT_NOT_JSON: { status: 200, retry: false },
  EVENT_NOT_UTF8: { status: 200, retry: false },
  EVENT_TOO_LARGE: { status: 200, retry: false },
  EVENT_FIELD_MISSING: { status: 200, retry: false },
  EVENT_FIELD_UNKNOWN: { status: 200, retry: false },
  EVENT_FIELD_INVALID: { status: 200, retry: false },
  EVENT_FIELD_OUT_OF_RANGE: { status: 200, retry: false },
  EVENT_TIME_MISSING: { status: 200, retry: false },
  EVENT_TIME_INVALID: { status: 200, retry: false },
  EVENT_TIME_FUTURE: { status: 200, retry: false },
  EVENT_TIME_TOO_OLD: { status: 200, retry: false },
  EVENT_OUTSIDE_BACKFILL: { status: 200, retry: false },
  EVENT_CONFLICT: { status: 200, retry: false },
  EVENT_UNREADABLE: { status: 200, retry: false },
  // What a whole request can be told (nothing of it was taken).
  BODY_EMPTY: { status: 400, retry: false },
  BODY_NOT_JSON: { status: 400, retry: false },
  BODY_NOT_UTF8: { status: 400, retry: false },
  BODY_TRUNCATED: { status: 400, retry: true },
  BODY_NOT_DECODABLE: { status: 400, retry: false },
  BODY_TOO_LARGE: { status: 413, retry: false },
  BATCH_TOO_LARGE: { status: 413, retry: false },
  CONTENT_TYPE_UNSUPPORTED: { status: 415, retry: false },
  CONTENT_ENCODING_UNSUPPORTED: { status: 415, retry: false },
  REQUEST_INVALID: { status: 400, retry: false },
  CHECKPOINT_TIME_FUTURE: { status: 400, retry: true },
  KEY_MISSING: { status: 401, retry: false },
  KEY_INVALID: { status: 401, retry: false },
  KEY_REVOKED: { status: 401, retry: false },
  SCOPE_MISSING: { status: 403, retry: false },
  ACCOUNT_FORBIDDEN: { status: 403, retry: false },
  ROUTE_NOT_FOUND: { status: 404, retry: false },
  SOURCE_NOT_FOUND: { status: 404, retry: false },
  SESSION_NOT_FOUND: { status: 404, retry: false },
  BATCH_NOT_FOUND: { status: 404, retry: false },
  QUARANTINE_NOT_FOUND: { status: 404, retry: false },
  QUARANTINE_RESOLVED: { status: 409, retry: false },
  EVENT_NOT_FOUND: { status: 404, retry: false },
  EVENT_AMBIGUOUS: { status: 409, retry: false },
  CORRECTION_STALE: { status: 409, retry: false },
  BACKFILL_NOT_FOUND: { status: 404, retry: false },
  BACKFILL_TRANSITION_REFUSED: { status: 409, retry: false },
  BACKFILL_LOAD_LOST: { status: 409, retry: false },
  ACCOUNT_NOT_FOUND: { status: 404, retry: false },
  DISCREPANCY_NOT_FOUND: { status: 404, retry: false },
  METER_NOT_FOUND: { status: 404, retry: false },
  PLAN_NOT_FOUND: { status: 404, retry: false },
  ADD_ON_NOT_FOUND: { status: 404, retry: false },
  COUPON_NOT_FOUND: { status: 404, retry: false },
  CREDIT_NOT_FOUND: { status: 404, retry: false },
  CREDIT_VOIDED: { status: 409, retry: false },
  PLAN_MISSING: { status: 409, retry: false },
  INVOICE_NOT_FOUND: { status: 404, retry: false },
  INVOICE_TRANSITION_REFUSED: { status: 409, retry: false },
  INVOICE_PERIOD_OPEN: { status: 409, retry: true },
  INVOICE_INCOMPLETE: { status: 409, retry: true },
  INVOICE_NOT_BILLABLE: { status: 409, retry: false },
  ALREADY_EXISTS: { status: 409, retry: false },
  OWNERSHIP_OVERLAP: { status: 409, retry: false },
  ACCOUNT_MERGED: { status: 409, retry: false },
  VERSION_IMMUTABLE: { status: 409, retry: false },
  IDEMPOTENCY_CONFLICT: { status: 409, retry: false },
  IDEMPOTENCY_IN_PROGRESS: { status: 409, retry: true },
  IP_ADDRESS_INVALID: { status: 400, retry: false },
  IP_SOURCE_INVALID: { status: 422, retry: false },
  IP_SOURCE_NOT_FOUND: { status: 404, retry: false },
  IP_NOT_READY: { status: 503, retry: true },
  METER_UNIT_BILLED: { status: 409, retry: false },
  METER_CHANGED: { status: 409, retry: false },
  METER_NOT_ADDITIVE: { status: 422, retry: false },
  QUERY_TOO_LARGE: { status: 422, retry: false },
  TOO_MANY_REQUESTS: { status: 429, retry: true },
  OVERLOADED: { status: 503, retry: true },
  DISK_FULL: { status: 503, retry: true },
  NOT_READY: { status: 503, retry: true },
  INTERNAL: { status: 500, retry: true },
} as const satisfies Record<string, { readonly status: number; readonly retry: boolean }>

export type ErrorCode = keyof typeof errorCatalogue

/** One thing that is wrong with one input: which code, which field, and what to do about it. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly field?: string
}

/** An expected refusal on its way to the answer. Anything else that is thrown is a bug and answers INTERNAL. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly problems: readonly Problem[]
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    detail: { problems?: readonly Problem[]; retryAfterSeconds?: number } = {},
  ) {
    super(message)
    this.name = 'Refusal'
    this.code = code
    this.problems = detail.problems ?? []
    this.retryAfterSeconds = detail.retryAfterSeconds
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }
}
