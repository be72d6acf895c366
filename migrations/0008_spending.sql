-- What requests to chat providers cost: one row a request, no text of it. A budget (`max_cost_usd`) is counted from here.
--
-- `reserved_usd` is the most that the request may cost, set aside before it leaves; null where no budget was kept or no
-- price is known. `cost_usd` is what it did cost, null while it is under way: a process that was killed leaves it so, and
-- what it had set aside stays counted. `counted` tells who counted the tokens.

create table spending (
    id                bigint generated always as identity primary key,
    at                timestamptz not null,
    os_user           text not null,
    host              text not null,
    provider          text not null,
    model             text not null,
    prompt_tokens     bigint,
    completion_tokens bigint,
    counted           text check (counted in ('provider', 'tokenizer', 'estimate')),
    reserved_usd      numeric check (reserved_usd >= 0),
    cost_usd          numeric check (cost_usd >= 0)
);
create index spending_at on spending (at);
