-- The schema after all migrations, to be read and compared; it is not run.
-- Written by: node test/support/schema-dump.ts --write

extension btree_gist

sequence backfill_decision_id_seq as bigint start 1 increment 1
sequence default_plan_id_seq as bigint start 1 increment 1
sequence discrepancy_id_seq as bigint start 1 increment 1
sequence idempotency_attempt as bigint start 1 increment 1
sequence ip_source_id_seq as integer start 1 increment 1
sequence meter_activation_id_seq as bigint start 1 increment 1
sequence meter_archival_id_seq as bigint start 1 increment 1
sequence ownership_decision_id_seq as bigint start 1 increment 1

CREATE OR REPLACE FUNCTION public.guard_credit_balances()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  broken record;
begin
  select credit, at into broken from (
    select credit, at, sum(sum(amount_minor)) over (partition by credit order by at) as balance
    from credit_entry where credit in (select credit from added) group by credit, at
  ) running where balance < 0 limit 1;
  if found then
    raise exception 'credit % would be below zero at %', broken.credit, broken.at
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $function$

CREATE OR REPLACE FUNCTION public.guard_credit_entry()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.kind = 'burned' and not exists (
    select from credit_grant g join credit_spend s
      on s.invoice = new.invoice and s.kind = new.spend_kind and s.attempt = new.attempt
      join invoice i on i.id = s.invoice
    where g.id = new.credit and g.account = s.account and g.kind = s.kind and new.at = s.at
      and i.account = g.account and i.currency = g.currency
      and g.effective_from <= new.at and (g.expires_at is null or new.at < g.expires_at)
      and not exists (select from credit_void v where v.credit = g.id)
  ) then
    raise exception 'credit % does not pay for invoice % at %', new.credit, new.invoice, new.at
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.kind = 'returned' and not exists (
    select from credit_entry e where (e.credit, e.invoice, e.spend_kind, e.attempt, e.line, e.kind, e.at, e.amount_minor)
      = (new.credit, new.invoice, new.spend_kind, new.attempt, new.line, 'burned', new.at, -new.amount_minor)
  ) then
    raise exception 'credit % was not burned so by invoice %', new.credit, new.invoice
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $function$

CREATE OR REPLACE FUNCTION public.guard_invoice()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  same invoice;
begin
  if tg_op = 'INSERT' then
    if new.status <> 'draft' then
      raise exception 'an invoice begins as a draft' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' then
    if old.status <> 'draft' then
      raise exception 'invoice % is issued and is never deleted', old.number
        using errcode = 'integrity_constraint_violation';
    end if;
    return old;
  end if;
  if (old.status, new.status) not in (
    ('draft', 'draft'), ('draft', 'issued'),
    ('issued', 'issued'), ('issued', 'paid'), ('issued', 'void'), ('issued', 'uncollectible'),
    ('paid', 'paid'),
    ('void', 'void'),
    ('uncollectible', 'uncollectible'), ('uncollectible', 'paid'), ('uncollectible', 'void')
  ) then
    raise exception 'an invoice does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.status = 'draft' then
    if new.id <> old.id or new.account <> old.account or new.kind <> old.kind or new.month <> old.month then
      raise exception 'a draft stays the draft of its account and month' using errcode = 'integrity_constraint_violation';
    end if;
    if new.status = 'issued'
      and coalesce(new.subtotal_minor, new.total_minor)
        <> (select coalesce(sum(amount_minor), 0) from invoice_line where invoice = new.id) then
      raise exception 'the lines of invoice % do not add up to its total', new.number
        using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  same := new;
  same.status := old.status;
  same.status_at := old.status_at;
  -- As text, because json has no equality and every byte counts.
  if same::text <> old::text then
    raise exception 'invoice % is issued and never changes; a correction is a document of its own', old.number
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $function$

CREATE OR REPLACE FUNCTION public.guard_invoice_line()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op <> 'INSERT' then
    raise exception 'a line of an invoice never changes' using errcode = 'integrity_constraint_violation';
  end if;
  if (select status from invoice where id = new.invoice) <> 'draft' then
    raise exception 'an issued invoice gets no more lines' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $function$

CREATE OR REPLACE FUNCTION public.guard_issuing_entity()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'DELETE' or new.key <> old.key or new.next_number not in (old.next_number, old.next_number + 1) then
    raise exception 'invoice numbers of % are taken one after the other', old.key
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $function$

CREATE OR REPLACE FUNCTION public.lock_activated_meter()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform from meter where key = new.meter and version = new.version for update;
  return new;
end
$function$

CREATE OR REPLACE FUNCTION public.refuse_change_of_history()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is history: it is added to, never changed or deleted', tg_table_name
    using errcode = 'integrity_constraint_violation';
end $function$

CREATE OR REPLACE FUNCTION public.refuse_meter_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from meter_activation a where a.meter = old.key and a.version = old.version) then
    raise exception 'a meter version is immutable; create a new version of meter % instead', old.key using errcode = 'integrity_constraint_violation';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if (new.key, new.version) is distinct from (old.key, old.version) then
    raise exception 'a draft of meter % keeps its key and its number', old.key using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$function$

table account
  key text collate "C" not null
  name text not null
  time_zone text not null
  currency text not null
  billable boolean not null default true
  created_at timestamp with time zone not null
  first_seen timestamp with time zone
  constraint account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
  constraint account_key_check CHECK ((key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$'::text))
  constraint account_name_check CHECK ((name <> ''::text))
  constraint account_pkey PRIMARY KEY (key)

table account_merge
  account text collate "C" not null
  into_account text collate "C" not null
  merged_at timestamp with time zone not null
  decision bigint not null
  constraint account_merge_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint account_merge_check CHECK ((account <> into_account))
  constraint account_merge_decision_fkey FOREIGN KEY (decision) REFERENCES ownership_decision(id)
  constraint account_merge_into_account_fkey FOREIGN KEY (into_account) REFERENCES account(key)
  constraint account_merge_pkey PRIMARY KEY (account)
  CREATE INDEX account_merge_into ON public.account_merge USING btree (into_account)
  CREATE TRIGGER account_merge_is_immutable BEFORE DELETE OR UPDATE ON public.account_merge FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER account_merge_is_not_truncated BEFORE TRUNCATE ON public.account_merge FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table account_split
  account text collate "C" not null
  endpoint text collate "C" not null
  split_at timestamp with time zone not null
  decision bigint not null
  constraint account_split_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint account_split_decision_fkey FOREIGN KEY (decision) REFERENCES ownership_decision(id)
  constraint account_split_endpoint_check CHECK (((endpoint <> ''::text) AND (octet_length(endpoint) <= 1024)))
  constraint account_split_pkey PRIMARY KEY (account, endpoint, split_at)
  CREATE TRIGGER account_split_is_immutable BEFORE DELETE OR UPDATE ON public.account_split FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER account_split_is_not_truncated BEFORE TRUNCATE ON public.account_split FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table add_on
  key text collate "C" not null
  constraint add_on_key_check CHECK ((key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$'::text))
  constraint add_on_pkey PRIMARY KEY (key)

table add_on_version
  add_on text collate "C" not null
  version integer not null
  effective_from timestamp with time zone not null
  published_at timestamp with time zone not null
  terms json not null
  constraint add_on_version_add_on_fkey FOREIGN KEY (add_on) REFERENCES add_on(key)
  constraint add_on_version_pkey PRIMARY KEY (add_on, version)
  constraint add_on_version_version_check CHECK ((version >= 1))
  CREATE TRIGGER add_on_version_is_immutable BEFORE DELETE OR UPDATE ON public.add_on_version FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER add_on_version_is_not_truncated BEFORE TRUNCATE ON public.add_on_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table api_key
  id text collate "C" not null
  name text not null
  sha256 bytea not null
  scopes text[] not null
  account text collate "C"
  created_at timestamp with time zone not null
  expires_at timestamp with time zone
  revoked_at timestamp with time zone
  constraint api_key_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint api_key_admin_is_not_a_customers CHECK (((account IS NULL) OR (NOT ('admin'::text = ANY (scopes)))))
  constraint api_key_name_check CHECK ((name <> ''::text))
  constraint api_key_pkey PRIMARY KEY (id)
  constraint api_key_scopes_check CHECK (((cardinality(scopes) > 0) AND (scopes <@ ARRAY['events:write'::text, 'usage:read'::text, 'billing:read'::text, 'billing:write'::text, 'admin'::text])))
  constraint api_key_sha256_check CHECK ((octet_length(sha256) = 32))
  constraint api_key_sha256_key UNIQUE (sha256)

table backfill
  id text collate "C" not null
  source text collate "C" not null
  period_from timestamp with time zone not null
  period_to timestamp with time zone not null
  state text not null
  opened_by text not null
  reason text not null
  opened_at timestamp with time zone not null
  found_new bigint
  found_duplicates bigint
  found_conflicts bigint
  trouble text
  restores boolean not null default false
  found_retracted bigint
  constraint backfill_check CHECK ((period_to > period_from))
  constraint backfill_opened_by_check CHECK ((opened_by <> ''::text))
  constraint backfill_pkey PRIMARY KEY (id)
  constraint backfill_reason_check CHECK ((reason <> ''::text))
  constraint backfill_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closing'::text, 'closed'::text, 'discarded'::text, 'reverting'::text, 'reverted'::text])))

table backfill_batch
  job text collate "C" not null
  number integer not null
  log_end bigint not null
  first_offset bigint
  accepted bigint
  constraint backfill_batch_check CHECK (((first_offset IS NULL) = (accepted IS NULL)))
  constraint backfill_batch_job_fkey FOREIGN KEY (job) REFERENCES backfill(id)
  constraint backfill_batch_log_end_check CHECK ((log_end >= 0))
  constraint backfill_batch_number_check CHECK ((number >= 1))
  constraint backfill_batch_pkey PRIMARY KEY (job, number)

table backfill_decision
  id bigint not null identity always
  job text collate "C" not null
  command text not null
  decided_by text not null
  reason text not null
  at timestamp with time zone not null
  constraint backfill_decision_command_check CHECK ((command = ANY (ARRAY['open'::text, 'close'::text, 'discard'::text, 'revert'::text])))
  constraint backfill_decision_decided_by_check CHECK ((decided_by <> ''::text))
  constraint backfill_decision_job_fkey FOREIGN KEY (job) REFERENCES backfill(id)
  constraint backfill_decision_pkey PRIMARY KEY (id)
  constraint backfill_decision_reason_check CHECK ((reason <> ''::text))

table backfill_load
  job text collate "C" not null
  number integer not null
  content text collate "C" not null
  events bigint not null
  loaded_at timestamp with time zone not null
  constraint backfill_load_events_check CHECK ((events >= 0))
  constraint backfill_load_job_content_key UNIQUE (job, content)
  constraint backfill_load_job_fkey FOREIGN KEY (job) REFERENCES backfill(id)
  constraint backfill_load_number_check CHECK ((number >= 1))
  constraint backfill_load_pkey PRIMARY KEY (job, number)

table coupon
  key text collate "C" not null
  constraint coupon_key_check CHECK ((key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$'::text))
  constraint coupon_pkey PRIMARY KEY (key)

table coupon_version
  coupon text collate "C" not null
  version integer not null
  effective_from timestamp with time zone not null
  published_at timestamp with time zone not null
  terms json not null
  constraint coupon_version_coupon_fkey FOREIGN KEY (coupon) REFERENCES coupon(key)
  constraint coupon_version_pkey PRIMARY KEY (coupon, version)
  constraint coupon_version_version_check CHECK ((version >= 1))
  CREATE TRIGGER coupon_version_is_immutable BEFORE DELETE OR UPDATE ON public.coupon_version FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER coupon_version_is_not_truncated BEFORE TRUNCATE ON public.coupon_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table credit_entry
  credit text collate "C" not null
  number integer not null
  turn integer not null
  kind text not null
  amount_minor numeric not null
  at timestamp with time zone not null
  recorded_at timestamp with time zone not null
  invoice text collate "C"
  spend_kind text
  attempt integer
  line integer
  position integer
  recorded_by text
  reason text
  constraint credit_entry_amount_minor_check CHECK (((amount_minor <> (0)::numeric) AND (amount_minor = trunc(amount_minor))))
  constraint credit_entry_check CHECK ((num_nulls(invoice, spend_kind, attempt, line, "position") =
CASE
    WHEN (kind = ANY (ARRAY['burned'::text, 'returned'::text])) THEN 0
    ELSE 5
END))
  constraint credit_entry_check1 CHECK ((((recorded_by IS NULL) = (kind <> ALL (ARRAY['returned'::text, 'voided'::text]))) AND ((recorded_by IS NULL) = (reason IS NULL))))
  constraint credit_entry_check2 CHECK (
CASE kind
    WHEN 'granted'::text THEN (amount_minor > (0)::numeric)
    WHEN 'burned'::text THEN (amount_minor < (0)::numeric)
    WHEN 'returned'::text THEN (amount_minor > (0)::numeric)
    ELSE true
END)
  constraint credit_entry_credit_fkey FOREIGN KEY (credit) REFERENCES credit_grant(id)
  constraint credit_entry_invoice_spend_kind_attempt_fkey FOREIGN KEY (invoice, spend_kind, attempt) REFERENCES credit_spend(invoice, kind, attempt)
  constraint credit_entry_kind_check CHECK ((kind = ANY (ARRAY['granted'::text, 'filled_up'::text, 'rolled_over'::text, 'expired'::text, 'voided'::text, 'burned'::text, 'returned'::text])))
  constraint credit_entry_line_check CHECK ((line >= 1))
  constraint credit_entry_number_check CHECK ((number >= 1))
  constraint credit_entry_once UNIQUE (credit, invoice, spend_kind, attempt, line, kind)
  constraint credit_entry_pkey PRIMARY KEY (credit, number)
  constraint credit_entry_position_check CHECK (("position" >= 1))
  constraint credit_entry_reason_check CHECK ((reason <> ''::text))
  constraint credit_entry_recorded_by_check CHECK ((recorded_by <> ''::text))
  constraint credit_entry_turn_check CHECK ((turn >= 0))
  CREATE INDEX credit_entry_of_invoice ON public.credit_entry USING btree (invoice) WHERE (invoice IS NOT NULL)
  CREATE UNIQUE INDEX credit_entry_granted_once ON public.credit_entry USING btree (credit, turn) WHERE (kind = 'granted'::text)
  CREATE TRIGGER credit_balances_are_guarded AFTER INSERT ON public.credit_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_credit_balances()
  CREATE TRIGGER credit_entry_is_guarded BEFORE INSERT ON public.credit_entry FOR EACH ROW EXECUTE FUNCTION guard_credit_entry()
  CREATE TRIGGER credit_entry_is_immutable BEFORE DELETE OR UPDATE ON public.credit_entry FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER credit_entry_is_not_truncated BEFORE TRUNCATE ON public.credit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table credit_grant
  id text collate "C" not null
  account text collate "C" not null
  kind text not null
  name text not null
  currency text not null
  priority integer not null
  meters text[]
  amount_minor numeric not null
  paid_minor numeric
  effective_from timestamp with time zone not null
  expires_at timestamp with time zone
  recurs_unit text
  recurs_count integer
  recurs_anchor timestamp with time zone
  recurring_minor numeric
  rollover_min numeric
  rollover_max numeric
  time_zone text not null
  created_at timestamp with time zone not null
  created_by text not null
  reason text
  constraint credit_grant_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint credit_grant_amount_minor_check CHECK (((amount_minor > (0)::numeric) AND (amount_minor = trunc(amount_minor))))
  constraint credit_grant_check CHECK ((expires_at > effective_from))
  constraint credit_grant_check1 CHECK (((rollover_max >= rollover_min) AND (rollover_max = trunc(rollover_max))))
  constraint credit_grant_check2 CHECK ((num_nulls(recurs_unit, recurs_count, recurs_anchor, recurring_minor) = ANY (ARRAY[0, 4])))
  constraint credit_grant_check3 CHECK (((rollover_min IS NULL) OR (recurs_unit IS NOT NULL)))
  constraint credit_grant_check4 CHECK (((rollover_max IS NULL) OR (rollover_min IS NOT NULL)))
  constraint credit_grant_check5 CHECK (((paid_minor IS NULL) OR (kind = 'prepaid'::text)))
  constraint credit_grant_created_by_check CHECK ((created_by <> ''::text))
  constraint credit_grant_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
  constraint credit_grant_kind_check CHECK ((kind = ANY (ARRAY['promotional'::text, 'prepaid'::text])))
  constraint credit_grant_meters_check CHECK ((cardinality(meters) > 0))
  constraint credit_grant_name_check CHECK ((name <> ''::text))
  constraint credit_grant_paid_minor_check CHECK (((paid_minor >= (0)::numeric) AND (paid_minor = trunc(paid_minor))))
  constraint credit_grant_pkey PRIMARY KEY (id)
  constraint credit_grant_reason_check CHECK ((reason <> ''::text))
  constraint credit_grant_recurring_minor_check CHECK (((recurring_minor > (0)::numeric) AND (recurring_minor = trunc(recurring_minor))))
  constraint credit_grant_recurs_count_check CHECK ((recurs_count >= 1))
  constraint credit_grant_recurs_unit_check CHECK ((recurs_unit = ANY (ARRAY['days'::text, 'weeks'::text, 'months'::text, 'years'::text])))
  constraint credit_grant_rollover_min_check CHECK (((rollover_min >= (0)::numeric) AND (rollover_min = trunc(rollover_min))))
  constraint credit_grant_time_zone_check CHECK ((time_zone <> ''::text))
  CREATE INDEX credit_grant_of_account ON public.credit_grant USING btree (account, created_at, id)
  CREATE TRIGGER credit_grant_is_immutable BEFORE DELETE OR UPDATE ON public.credit_grant FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER credit_grant_is_not_truncated BEFORE TRUNCATE ON public.credit_grant FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table credit_return
  invoice text collate "C" not null
  kind text not null
  attempt integer not null
  recorded_at timestamp with time zone not null
  recorded_by text not null
  reason text not null
  constraint credit_return_invoice_kind_attempt_fkey FOREIGN KEY (invoice, kind, attempt) REFERENCES credit_spend(invoice, kind, attempt)
  constraint credit_return_pkey PRIMARY KEY (invoice, kind, attempt)
  constraint credit_return_reason_check CHECK ((reason <> ''::text))
  constraint credit_return_recorded_by_check CHECK ((recorded_by <> ''::text))
  CREATE TRIGGER credit_return_is_immutable BEFORE DELETE OR UPDATE ON public.credit_return FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER credit_return_is_not_truncated BEFORE TRUNCATE ON public.credit_return FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table credit_spend
  invoice text collate "C" not null
  kind text not null
  attempt integer not null
  account text collate "C" not null
  at timestamp with time zone not null
  recorded_at timestamp with time zone not null
  constraint credit_spend_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint credit_spend_attempt_check CHECK ((attempt >= 1))
  constraint credit_spend_invoice_fkey FOREIGN KEY (invoice) REFERENCES invoice(id)
  constraint credit_spend_kind_check CHECK ((kind = ANY (ARRAY['promotional'::text, 'prepaid'::text])))
  constraint credit_spend_pkey PRIMARY KEY (invoice, kind, attempt)
  CREATE TRIGGER credit_spend_is_immutable BEFORE DELETE OR UPDATE ON public.credit_spend FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER credit_spend_is_not_truncated BEFORE TRUNCATE ON public.credit_spend FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table credit_void
  credit text collate "C" not null
  at timestamp with time zone not null
  recorded_at timestamp with time zone not null
  recorded_by text not null
  reason text not null
  constraint credit_void_credit_fkey FOREIGN KEY (credit) REFERENCES credit_grant(id)
  constraint credit_void_pkey PRIMARY KEY (credit)
  constraint credit_void_reason_check CHECK ((reason <> ''::text))
  constraint credit_void_recorded_by_check CHECK ((recorded_by <> ''::text))
  CREATE TRIGGER credit_void_is_immutable BEFORE DELETE OR UPDATE ON public.credit_void FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER credit_void_is_not_truncated BEFORE TRUNCATE ON public.credit_void FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table default_plan
  id bigint not null identity always
  plan text collate "C"
  effective_from timestamp with time zone not null
  decided_at timestamp with time zone not null
  decided_by text not null
  constraint default_plan_decided_by_check CHECK ((decided_by <> ''::text))
  constraint default_plan_pkey PRIMARY KEY (id)
  constraint default_plan_plan_fkey FOREIGN KEY (plan) REFERENCES plan(key)
  CREATE INDEX default_plan_effective ON public.default_plan USING btree (effective_from DESC, id DESC)
  CREATE TRIGGER default_plan_is_immutable BEFORE DELETE OR UPDATE ON public.default_plan FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER default_plan_is_not_truncated BEFORE TRUNCATE ON public.default_plan FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table discrepancy
  id bigint not null identity always
  kind text not null
  subject text not null
  expected text not null
  found text not null
  message text not null
  found_at timestamp with time zone not null
  last_found_at timestamp with time zone not null
  resolved_at timestamp with time zone
  resolved_by text
  reason text
  constraint discrepancy_check CHECK (((resolved_at IS NULL) = (resolved_by IS NULL)))
  constraint discrepancy_check1 CHECK (((resolved_at IS NULL) = (reason IS NULL)))
  constraint discrepancy_kind_check CHECK ((kind <> ''::text))
  constraint discrepancy_pkey PRIMARY KEY (id)
  constraint discrepancy_reason_check CHECK ((reason <> ''::text))
  constraint discrepancy_resolved_by_check CHECK ((resolved_by <> ''::text))
  constraint discrepancy_subject_check CHECK ((subject <> ''::text))
  CREATE UNIQUE INDEX discrepancy_open ON public.discrepancy USING btree (kind, subject) WHERE (resolved_at IS NULL)

table endpoint_ownership
  endpoint text collate "C" not null
  account text collate "C" not null
  valid_from timestamp with time zone not null
  valid_to timestamp with time zone
  constraint endpoint_ownership_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint endpoint_ownership_check CHECK ((valid_to > valid_from))
  constraint endpoint_ownership_endpoint_check CHECK (((endpoint <> ''::text) AND (octet_length(endpoint) <= 1024)))
  constraint endpoint_ownership_once EXCLUDE USING gist (endpoint WITH =, tstzrange(valid_from, valid_to) WITH &&)
  CREATE INDEX endpoint_ownership_account ON public.endpoint_ownership USING btree (account, endpoint)

table idempotency
  principal text collate "C" not null
  key text collate "C" not null
  route text not null
  body_sha256 bytea not null
  attempt bigint not null default nextval('idempotency_attempt'::regclass)
  claimed_at timestamp with time zone not null
  completed_at timestamp with time zone
  status integer
  response text
  constraint idempotency_body_sha256_check CHECK ((octet_length(body_sha256) = 32))
  constraint idempotency_check CHECK ((((completed_at IS NULL) = (status IS NULL)) AND ((completed_at IS NULL) = (response IS NULL))))
  constraint idempotency_key_check CHECK (((key <> ''::text) AND (octet_length(key) <= 255)))
  constraint idempotency_pkey PRIMARY KEY (principal, key)
  CREATE INDEX idempotency_age ON public.idempotency USING btree (claimed_at)

table installation
  singleton boolean not null default true
  default_time_zone text not null default 'UTC'::text
  default_currency text not null default 'USD'::text
  constraint installation_default_currency_check CHECK ((default_currency ~ '^[A-Z]{3}$'::text))
  constraint installation_pkey PRIMARY KEY (singleton)
  constraint installation_singleton_check CHECK (singleton)

table invoice
  id text collate "C" not null
  account text collate "C" not null
  kind text not null
  month text collate "C" not null
  period_from timestamp with time zone not null
  period_to timestamp with time zone not null
  status text not null
  status_at timestamp with time zone not null
  currency text not null
  total_minor numeric not null
  log_offset bigint not null
  document json not null
  issuing_entity text collate "C"
  sequence bigint
  number text collate "C"
  issued_at timestamp with time zone
  subtotal_minor numeric
  due_minor numeric
  constraint invoice_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint invoice_check CHECK ((period_to > period_from))
  constraint invoice_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
  constraint invoice_due_minor_check CHECK ((due_minor = trunc(due_minor)))
  constraint invoice_issuing_entity_fkey FOREIGN KEY (issuing_entity) REFERENCES issuing_entity(key)
  constraint invoice_issuing_entity_sequence_key UNIQUE (issuing_entity, sequence)
  constraint invoice_kind_check CHECK ((kind = 'usage'::text))
  constraint invoice_log_offset_check CHECK ((log_offset >= 0))
  constraint invoice_month_check CHECK ((month ~ '^\d{4}-(0[1-9]|1[0-2])$'::text))
  constraint invoice_number_key UNIQUE (number)
  constraint invoice_number_when_issued CHECK ((((status = 'draft'::text) = (number IS NULL)) AND ((number IS NULL) = (issuing_entity IS NULL)) AND ((number IS NULL) = (sequence IS NULL)) AND ((number IS NULL) = (issued_at IS NULL))))
  constraint invoice_once EXCLUDE USING gist (account WITH =, kind WITH =, tstzrange(period_from, period_to) WITH &&) WHERE (((number IS NOT NULL) AND (status <> 'void'::text)))
  constraint invoice_pkey PRIMARY KEY (id)
  constraint invoice_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'issued'::text, 'paid'::text, 'void'::text, 'uncollectible'::text])))
  constraint invoice_subtotal_minor_check CHECK ((subtotal_minor = trunc(subtotal_minor)))
  constraint invoice_total_minor_check CHECK ((total_minor = trunc(total_minor)))
  CREATE INDEX invoice_listing ON public.invoice USING btree (month DESC, account, id)
  CREATE UNIQUE INDEX invoice_of_month ON public.invoice USING btree (account, kind, month) WHERE (status <> 'void'::text)
  CREATE TRIGGER invoice_is_guarded BEFORE INSERT OR DELETE OR UPDATE ON public.invoice FOR EACH ROW EXECUTE FUNCTION guard_invoice()
  CREATE TRIGGER invoice_is_not_truncated BEFORE TRUNCATE ON public.invoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table invoice_line
  invoice text collate "C" not null
  line integer not null
  price text collate "C" not null
  description text not null
  meter text collate "C"
  meter_version integer
  quantity numeric not null
  unit text not null
  unit_amount numeric
  amount_minor numeric not null
  events_without_value numeric not null
  part_from timestamp with time zone
  part_to timestamp with time zone
  kind text not null default 'usage'::text
  constraint invoice_line_amount_minor_check CHECK ((amount_minor = trunc(amount_minor)))
  constraint invoice_line_check CHECK (((meter IS NULL) = (meter_version IS NULL)))
  constraint invoice_line_check1 CHECK ((part_to > part_from))
  constraint invoice_line_events_without_value_check CHECK ((events_without_value >= (0)::numeric))
  constraint invoice_line_invoice_fkey FOREIGN KEY (invoice) REFERENCES invoice(id)
  constraint invoice_line_line_check CHECK ((line >= 1))
  constraint invoice_line_pkey PRIMARY KEY (invoice, line)
  CREATE TRIGGER invoice_line_is_guarded BEFORE INSERT OR DELETE OR UPDATE ON public.invoice_line FOR EACH ROW EXECUTE FUNCTION guard_invoice_line()
  CREATE TRIGGER invoice_line_is_not_truncated BEFORE TRUNCATE ON public.invoice_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table ip_source
  id integer not null identity always
  name text collate "C" not null
  origin text not null
  form text not null
  version text not null
  about text not null
  networks integer not null
  says text[] not null
  file_sha256 text
  file_bytes bigint
  taken_at timestamp with time zone not null
  taken_by text not null
  sha256 text not null
  content bytea not null
  constraint ip_source_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'::text))
  constraint ip_source_origin_check CHECK ((origin = ANY (ARRAY['embedded'::text, 'supplied'::text])))
  constraint ip_source_origin_name_version_form_sha256_key UNIQUE (origin, name, version, form, sha256)
  constraint ip_source_pkey PRIMARY KEY (id)
  constraint ip_source_taken_by_check CHECK ((taken_by <> ''::text))
  constraint ip_source_version_check CHECK ((version <> ''::text))

table ip_version
  number integer not null
  in_force_from timestamp with time zone not null
  change text not null
  decided_by text not null
  constraint ip_version_change_check CHECK ((change <> ''::text))
  constraint ip_version_decided_by_check CHECK ((decided_by <> ''::text))
  constraint ip_version_in_force_from_key UNIQUE (in_force_from)
  constraint ip_version_number_check CHECK ((number >= 1))
  constraint ip_version_pkey PRIMARY KEY (number)

table ip_version_source
  version integer not null
  place integer not null
  source integer not null
  constraint ip_version_source_pkey PRIMARY KEY (version, place)
  constraint ip_version_source_place_check CHECK ((place >= 0))
  constraint ip_version_source_source_fkey FOREIGN KEY (source) REFERENCES ip_source(id)
  constraint ip_version_source_version_fkey FOREIGN KEY (version) REFERENCES ip_version(number)
  constraint ip_version_source_version_source_key UNIQUE (version, source)

table issuing_entity
  key text collate "C" not null
  name text not null default ''::text
  address text not null default ''::text
  number_prefix text not null
  next_number bigint not null default 1
  constraint issuing_entity_next_number_check CHECK ((next_number >= 1))
  constraint issuing_entity_pkey PRIMARY KEY (key)
  CREATE TRIGGER issuing_entity_is_guarded BEFORE DELETE OR UPDATE ON public.issuing_entity FOR EACH ROW EXECUTE FUNCTION guard_issuing_entity()
  CREATE TRIGGER issuing_entity_is_not_truncated BEFORE TRUNCATE ON public.issuing_entity FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table meter
  key text not null
  version integer not null
  definition jsonb not null
  created_at timestamp with time zone not null
  constraint meter_pkey PRIMARY KEY (key, version)
  constraint meter_version_check CHECK ((version >= 1))
  CREATE TRIGGER meter_is_immutable BEFORE DELETE OR UPDATE ON public.meter FOR EACH ROW EXECUTE FUNCTION refuse_meter_change()

table meter_activation
  id bigint not null identity always
  meter text not null
  version integer not null
  activated_at timestamp with time zone not null
  activated_by text not null
  constraint meter_activation_activated_by_check CHECK ((activated_by <> ''::text))
  constraint meter_activation_meter_version_fkey FOREIGN KEY (meter, version) REFERENCES meter(key, version)
  constraint meter_activation_pkey PRIMARY KEY (id)
  CREATE INDEX meter_activation_newest ON public.meter_activation USING btree (meter, id DESC)
  CREATE TRIGGER meter_activation_is_immutable BEFORE DELETE OR UPDATE ON public.meter_activation FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER meter_activation_is_not_truncated BEFORE TRUNCATE ON public.meter_activation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER meter_activation_locks BEFORE INSERT ON public.meter_activation FOR EACH ROW EXECUTE FUNCTION lock_activated_meter()

table meter_archival
  id bigint not null identity always
  meter text not null
  archived boolean not null
  decided_at timestamp with time zone not null
  decided_by text not null
  reason text not null
  constraint meter_archival_decided_by_check CHECK ((decided_by <> ''::text))
  constraint meter_archival_pkey PRIMARY KEY (id)
  constraint meter_archival_reason_check CHECK ((reason <> ''::text))
  CREATE INDEX meter_archival_newest ON public.meter_archival USING btree (meter, id DESC)
  CREATE TRIGGER meter_archival_is_immutable BEFORE DELETE OR UPDATE ON public.meter_archival FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER meter_archival_is_not_truncated BEFORE TRUNCATE ON public.meter_archival FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table ownership_decision
  id bigint not null identity always
  kind text not null
  decided_at timestamp with time zone not null
  key_id text not null
  author text
  reason text
  accounts text[] collate "C" not null
  endpoints text[] collate "C" not null
  effective_from timestamp with time zone not null
  effective_to timestamp with time zone
  document json not null
  constraint ownership_decision_author_check CHECK ((author <> ''::text))
  constraint ownership_decision_check CHECK (((author IS NULL) = (reason IS NULL)))
  constraint ownership_decision_check1 CHECK (((kind = 'transfer'::text) OR (author IS NOT NULL)))
  constraint ownership_decision_key_id_check CHECK ((key_id <> ''::text))
  constraint ownership_decision_kind_check CHECK ((kind = ANY (ARRAY['transfer'::text, 'owner'::text, 'merge'::text, 'split'::text])))
  constraint ownership_decision_pkey PRIMARY KEY (id)
  constraint ownership_decision_reason_check CHECK ((reason <> ''::text))
  CREATE INDEX ownership_decision_accounts ON public.ownership_decision USING gin (accounts)
  CREATE INDEX ownership_decision_endpoints ON public.ownership_decision USING gin (endpoints)
  CREATE TRIGGER ownership_decision_is_immutable BEFORE DELETE OR UPDATE ON public.ownership_decision FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER ownership_decision_is_not_truncated BEFORE TRUNCATE ON public.ownership_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table plan
  key text collate "C" not null
  constraint plan_key_check CHECK ((key ~ '^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$'::text))
  constraint plan_pkey PRIMARY KEY (key)

table plan_version
  plan text collate "C" not null
  version integer not null
  currency text not null
  effective_from timestamp with time zone not null
  published_at timestamp with time zone not null
  terms json not null
  constraint plan_version_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
  constraint plan_version_pkey PRIMARY KEY (plan, version)
  constraint plan_version_plan_fkey FOREIGN KEY (plan) REFERENCES plan(key)
  constraint plan_version_version_check CHECK ((version >= 1))
  CREATE INDEX plan_version_effective ON public.plan_version USING btree (plan, effective_from DESC, version DESC)
  CREATE TRIGGER plan_version_is_immutable BEFORE DELETE OR UPDATE ON public.plan_version FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER plan_version_is_not_truncated BEFORE TRUNCATE ON public.plan_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()

table sample
  seed bigint not null
  made_at timestamp with time zone not null
  done boolean not null
  CREATE UNIQUE INDEX sample_is_one ON public.sample USING btree ((true))

table schema_migration
  name text not null
  sha256 text not null
  applied_at timestamp with time zone not null default now()
  constraint schema_migration_pkey PRIMARY KEY (name)

table source
  name text collate "C" not null
  kind text not null
  owner text not null
  carries text[]
  checkpoint_seconds integer
  registered_at timestamp with time zone not null
  expected_from timestamp with time zone not null
  retired_at timestamp with time zone
  constraint source_carries_check CHECK ((cardinality(carries) > 0))
  constraint source_check CHECK ((retired_at > expected_from))
  constraint source_checkpoint_seconds_check CHECK (((checkpoint_seconds >= 1) AND (checkpoint_seconds <= 31536000)))
  constraint source_kind_check CHECK ((kind = ANY (ARRAY['edge'::text, 'file'::text, 'service'::text, 'other'::text])))
  constraint source_name_check CHECK (((name <> ''::text) AND (octet_length(name) <= 1024)))
  constraint source_owner_check CHECK ((owner <> ''::text))
  constraint source_pkey PRIMARY KEY (name)

table source_version
  source text collate "C" not null
  version integer not null
  kind text not null
  owner text not null
  carries text[]
  checkpoint_seconds integer
  expected_from timestamp with time zone not null
  retired_at timestamp with time zone
  registered_at timestamp with time zone not null
  decided_by text
  reason text
  constraint source_version_decided_by_check CHECK ((decided_by <> ''::text))
  constraint source_version_pkey PRIMARY KEY (source, version)
  constraint source_version_reason_check CHECK ((reason <> ''::text))
  constraint source_version_source_fkey FOREIGN KEY (source) REFERENCES source(name)
  constraint source_version_version_check CHECK ((version >= 1))

table subscription_decision
  account text collate "C" not null
  number integer not null
  plan text collate "C"
  starts_at timestamp with time zone not null
  ends_at timestamp with time zone
  begun_at timestamp with time zone not null
  terms json not null
  recorded_at timestamp with time zone not null
  recorded_by text not null
  constraint subscription_decision_account_fkey FOREIGN KEY (account) REFERENCES account(key)
  constraint subscription_decision_check CHECK ((ends_at > starts_at))
  constraint subscription_decision_number_check CHECK ((number >= 1))
  constraint subscription_decision_pkey PRIMARY KEY (account, number)
  constraint subscription_decision_plan_fkey FOREIGN KEY (plan) REFERENCES plan(key)
  constraint subscription_decision_recorded_by_check CHECK ((recorded_by <> ''::text))
  CREATE TRIGGER subscription_decision_is_immutable BEFORE DELETE OR UPDATE ON public.subscription_decision FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history()
  CREATE TRIGGER subscription_decision_is_not_truncated BEFORE TRUNCATE ON public.subscription_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()
