-- What requests to chat providers cost.

-- name: lock_spending
-- Until the end of the transaction nobody else sets anything aside. At this level, whatever the database's default is,
-- the sum that follows sees what others committed while this waited.
set transaction isolation level read committed;
set local lock_timeout = '10s';
select pg_advisory_xact_lock(hashtextextended('hybridrag spending', 0));

-- name: sum_spending
-- What was spent from a time on, and how much of that is only set aside. What is dated later than now counts too: a clock
-- that was set back would bring a second budget otherwise.
select coalesce(sum(coalesce(cost_usd, reserved_usd)), 0) as total,
       coalesce(sum(reserved_usd) filter (where cost_usd is null), 0) as reserved,
       count(*) as requests,
       count(*) filter (where cost_usd is null and reserved_usd is null) as unpriced
from spending
where at >= %(start)s;

-- name: insert_spending
insert into spending (at, os_user, host, provider, model, prompt_tokens, completion_tokens, counted, reserved_usd,
                      cost_usd)
values (%(at)s, %(os_user)s, %(host)s, %(provider)s, %(model)s, %(prompt_tokens)s, %(completion_tokens)s, %(counted)s,
        %(reserved_usd)s, %(cost_usd)s)
returning id;

-- name: settle_spending
update spending
set prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s, counted = %(counted)s,
    cost_usd = %(cost_usd)s
where id = %(id)s;
