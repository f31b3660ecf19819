-- Credits: grants with terms that never change, and a ledger of each, which is added to and never changed (L8).

create table credit_grant (
  id text collate "C" primary key,
  account text collate "C" not null references account (key),
  kind text not null check (kind in ('promotional', 'prepaid')),
  name text not null check (name <> ''),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Lower burns first; then the earlier expiry, the earlier creation, the id.
  priority integer not null,
  -- Lines of these meters; null: every line.
  meters text[] check (cardinality(meters) > 0),
  -- Whole minor units, as everywhere.
  amount_minor numeric not null check (amount_minor > 0 and amount_minor = trunc(amount_minor)),
  -- What was paid for it; null: nothing, or nobody said.
  paid_minor numeric check (paid_minor >= 0 and paid_minor = trunc(paid_minor)),
  -- Half-open: from `effective_from` up to, and not at, `expires_at`. Null: for good.
  effective_from timestamptz not null,
  expires_at timestamptz check (expires_at > effective_from),
  -- At each start of the cycle after `effective_from`, `recurring_minor` is granted anew. Null: once.
  recurs_unit text check (recurs_unit in ('days', 'weeks', 'months', 'years')),
  recurs_count integer check (recurs_count >= 1),
  recurs_anchor timestamptz,
  recurring_minor numeric check (recurring_minor > 0 and recurring_minor = trunc(recurring_minor)),
  -- Of the rest min(max, max(rest, min)) goes on to the next turn; no maximum: all of it; no minimum: nothing goes on.
  rollover_min numeric check (rollover_min >= 0 and rollover_min = trunc(rollover_min)),
  rollover_max numeric check (rollover_max >= rollover_min and rollover_max = trunc(rollover_max)),
  -- Whose calendar the cycle is of: the account's when it was granted.
  time_zone text not null check (time_zone <> ''),
  created_at timestamptz not null,
  created_by text not null check (created_by <> ''),
  reason text check (reason <> ''),
  check (num_nulls(recurs_unit, recurs_count, recurs_anchor, recurring_minor) in (0, 4)),
  check (rollover_min is null or recurs_unit is not null),
  check (rollover_max is null or rollover_min is not null),
  check (paid_minor is null or kind = 'prepaid')
);
create index credit_grant_of_account on credit_grant (account, created_at, id);

-- A grant that a named person ended; it pays nothing any more.
create table credit_void (
  credit text collate "C" primary key references credit_grant (id),
  at timestamptz not null,
  recorded_at timestamptz not null,
  recorded_by text not null check (recorded_by <> ''),
  reason text not null check (reason <> '')
);

-- An invoice took what credits of a kind could pay of it, also when that was nothing: asked again, it gets the same.
create table credit_spend (
  invoice text collate "C" not null references invoice (id),
  kind text not null check (kind in ('promotional', 'prepaid')),
  -- 1, and one more each time after what was taken was given back.
  attempt integer not null check (attempt >= 1),
  account text collate "C" not null references account (key),
  at timestamptz not null,
  recorded_at timestamptz not null,
  primary key (invoice, kind, attempt)
);

-- All of a spend was given back: the invoice is void.
create table credit_return (
  invoice text collate "C" not null,
  kind text not null,
  attempt integer not null,
  recorded_at timestamptz not null,
  recorded_by text not null check (recorded_by <> ''),
  reason text not null check (reason <> ''),
  primary key (invoice, kind, attempt),
  foreign key (invoice, kind, attempt) references credit_spend (invoice, kind, attempt)
);

create table credit_entry (
  credit text collate "C" not null references credit_grant (id),
  -- 1, 2, 3, … of the grant, in the order in which they were written.
  number integer not null check (number >= 1),
  -- Which turn of the grant: 0, and one more at each recurrence.
  turn integer not null check (turn >= 0),
  kind text not null check (kind in ('granted', 'filled_up', 'rolled_over', 'expired', 'voided', 'burned', 'returned')),
  -- The balance at an instant is the sum of what is dated up to it.
  amount_minor numeric not null check (amount_minor <> 0 and amount_minor = trunc(amount_minor)),
  -- When it is due. What follows from the terms may be corrected by an entry of the same kind and instant.
  at timestamptz not null,
  recorded_at timestamptz not null,
  invoice text collate "C",
  spend_kind text,
  attempt integer,
  -- The line of the invoice, from 1; and which burn of its spend this is, from 1.
  line integer check (line >= 1),
  position integer check (position >= 1),
  recorded_by text check (recorded_by <> ''),
  reason text check (reason <> ''),
  primary key (credit, number),
  foreign key (invoice, spend_kind, attempt) references credit_spend (invoice, kind, attempt),
  constraint credit_entry_once unique (credit, invoice, spend_kind, attempt, line, kind),
  check (num_nulls(invoice, spend_kind, attempt, line, position) =
    case when kind in ('burned', 'returned') then 0 else 5 end),
  check ((recorded_by is null) = (kind not in ('returned', 'voided')) and (recorded_by is null) = (reason is null)),
  check (case kind when 'granted' then amount_minor > 0 when 'burned' then amount_minor < 0
    when 'returned' then amount_minor > 0 else true end)
);
create unique index credit_entry_granted_once on credit_entry (credit, turn) where kind = 'granted';
create index credit_entry_of_invoice on credit_entry (invoice) where invoice is not null;

create function guard_credit_entry() returns trigger language plpgsql as $$
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
end $$;

create trigger credit_entry_is_guarded before insert on credit_entry
  for each row execute function guard_credit_entry();

-- Looked at when a statement is done: it may add to the past and say in the same breath what followed from that.
create function guard_credit_balances() returns trigger language plpgsql as $$
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
end $$;

create trigger credit_balances_are_guarded after insert on credit_entry
  referencing new table as added for each statement execute function guard_credit_balances();

create trigger credit_grant_is_immutable before update or delete on credit_grant
  for each row execute function refuse_change_of_history();
create trigger credit_grant_is_not_truncated before truncate on credit_grant
  for each statement execute function refuse_change_of_history();
create trigger credit_void_is_immutable before update or delete on credit_void
  for each row execute function refuse_change_of_history();
create trigger credit_void_is_not_truncated before truncate on credit_void
  for each statement execute function refuse_change_of_history();
create trigger credit_spend_is_immutable before update or delete on credit_spend
  for each row execute function refuse_change_of_history();
create trigger credit_spend_is_not_truncated before truncate on credit_spend
  for each statement execute function refuse_change_of_history();
create trigger credit_return_is_immutable before update or delete on credit_return
  for each row execute function refuse_change_of_history();
create trigger credit_return_is_not_truncated before truncate on credit_return
  for each statement execute function refuse_change_of_history();
create trigger credit_entry_is_immutable before update or delete on credit_entry
  for each row execute function refuse_change_of_history();
create trigger credit_entry_is_not_truncated before truncate on credit_entry
  for each statement execute function refuse_change_of_history();
