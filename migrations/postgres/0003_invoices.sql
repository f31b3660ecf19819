-- Invoices: drafts, and what was issued, which never changes again (L6).

-- Who issues invoices. Numbers are taken under this row's lock, in the transaction that issues: a rollback
-- gives the number back, so numbers have no gap.
create table issuing_entity (
  key text collate "C" primary key,
  -- Empty until somebody names it.
  name text not null default '',
  address text not null default '',
  number_prefix text not null,
  next_number bigint not null default 1 check (next_number >= 1)
);
insert into issuing_entity (key, number_prefix) values ('main', 'INV-');

create table invoice (
  id text collate "C" primary key,
  account text collate "C" not null references account (key),
  kind text not null check (kind in ('usage')),
  -- The calendar month, and what that was in the account's time zone.
  month text collate "C" not null check (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  period_from timestamptz not null,
  period_to timestamptz not null check (period_to > period_from),
  status text not null check (status in ('draft', 'issued', 'paid', 'void', 'uncollectible')),
  status_at timestamptz not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Whole minor units (cents, yen, fils) without a bound that matters.
  total_minor numeric not null check (total_minor = trunc(total_minor)),
  -- Usage counts the records of the log below this offset. For a draft: when it was last looked at.
  log_offset bigint not null check (log_offset >= 0),
  -- The whole document. json keeps the text byte for byte; jsonb would reorder it.
  document json not null,
  issuing_entity text collate "C" references issuing_entity (key),
  sequence bigint,
  number text collate "C" unique,
  issued_at timestamptz,
  unique (issuing_entity, sequence),
  constraint invoice_number_when_issued check (
    (status = 'draft') = (number is null)
    and (number is null) = (issuing_entity is null)
    and (number is null) = (sequence is null)
    and (number is null) = (issued_at is null)
  ),
  -- Nobody is invoiced twice for the same time.
  constraint invoice_once exclude using gist (
    account with =, kind with =, tstzrange(period_from, period_to) with &&
  ) where (number is not null and status <> 'void')
);
-- One draft or invoice per month; after a void one the month can be drafted again.
create unique index invoice_of_month on invoice (account, kind, month) where status <> 'void';
create index invoice_listing on invoice (month desc, account, id);

-- The lines of issued invoices for readers of SQL; the document has everything.
create table invoice_line (
  invoice text collate "C" not null references invoice (id),
  line integer not null check (line >= 1),
  price text collate "C" not null,
  description text not null,
  meter text collate "C",
  meter_version integer,
  quantity numeric not null,
  unit text not null,
  -- Null where units have different prices.
  unit_amount numeric,
  amount_minor numeric not null check (amount_minor = trunc(amount_minor)),
  events_without_value numeric not null check (events_without_value >= 0),
  primary key (invoice, line),
  check ((meter is null) = (meter_version is null))
);

create function guard_invoice() returns trigger language plpgsql as $$
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
      and new.total_minor <> (select coalesce(sum(amount_minor), 0) from invoice_line where invoice = new.id) then
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
end $$;

create trigger invoice_is_guarded before insert or update or delete on invoice
  for each row execute function guard_invoice();

create function guard_invoice_line() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    raise exception 'a line of an invoice never changes' using errcode = 'integrity_constraint_violation';
  end if;
  if (select status from invoice where id = new.invoice) <> 'draft' then
    raise exception 'an issued invoice gets no more lines' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

create trigger invoice_line_is_guarded before insert or update or delete on invoice_line
  for each row execute function guard_invoice_line();

create function guard_issuing_entity() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or new.key <> old.key or new.next_number not in (old.next_number, old.next_number + 1) then
    raise exception 'invoice numbers of % are taken one after the other', old.key
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

create trigger issuing_entity_is_guarded before update or delete on issuing_entity
  for each row execute function guard_issuing_entity();

create trigger invoice_is_not_truncated before truncate on invoice
  for each statement execute function refuse_change_of_history();
create trigger invoice_line_is_not_truncated before truncate on invoice_line
  for each statement execute function refuse_change_of_history();
create trigger issuing_entity_is_not_truncated before truncate on issuing_entity
  for each statement execute function refuse_change_of_history();
