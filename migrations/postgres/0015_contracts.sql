-- What an account is under: decisions that are added to and never changed. A later one holds instead of earlier ones
-- where their times have something in common, so that a change at a past time leaves what was known before to be read.
create table subscription_decision (
  account text collate "C" not null references account (key),
  -- 1, 2, 3, … of the account, in the order in which they were taken: who was first, is known for ever.
  number integer not null check (number >= 1),
  -- Null: under no subscription; the default plan is what is left.
  plan text collate "C" references plan (key),
  -- Half-open: from `starts_at` up to, and not at, `ends_at`. Null: until further notice.
  starts_at timestamptz not null,
  ends_at timestamptz,
  -- When the subscription began: its phases are counted from here.
  begun_at timestamptz not null,
  -- Overrides, add-ons, coupons and taxes as JSON; json keeps the text byte for byte.
  terms json not null,
  recorded_at timestamptz not null,
  recorded_by text not null check (recorded_by <> ''),
  primary key (account, number),
  check (ends_at > starts_at)
);

insert into subscription_decision (account, number, plan, starts_at, ends_at, begun_at, terms, recorded_at, recorded_by)
select account, row_number() over (partition by account order by id), plan, starts_at, ends_at, starts_at, '{}', now(), 'migration'
from subscription;
drop table subscription;

create trigger subscription_decision_is_immutable before update or delete on subscription_decision
  for each row execute function refuse_change_of_history();
create trigger subscription_decision_is_not_truncated before truncate on subscription_decision
  for each statement execute function refuse_change_of_history();

-- From lines to the total there are discounts, credits and taxes now: the lines add up to the subtotal. Null: from
-- before there were any, when the total was the lines'.
alter table invoice add column subtotal_minor numeric check (subtotal_minor = trunc(subtotal_minor));
-- What is left to be paid after prepaid credits; null: the total.
alter table invoice add column due_minor numeric check (due_minor = trunc(due_minor));

-- The part of the billing period that a line is of; null: all of it.
alter table invoice_line add column part_from timestamptz;
alter table invoice_line add column part_to timestamptz check (part_to > part_from);
alter table invoice_line add column kind text not null default 'usage';

create or replace function guard_invoice() returns trigger language plpgsql as $$
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
end $$;
