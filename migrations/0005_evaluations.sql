-- What was measured of a collection, to be compared with later: one row a run of questions, in all its modes.
--
-- `asked` is a hash of questions, judgements, filter and depth: only runs with the same one can be held against each other.
-- `baseline` is set where a run was held against the one before it and passed, or was the first: were any run a baseline,
-- an alarm would ring once and then be the norm.

create table evaluation (
    id             bigint generated always as identity primary key,
    collection_id  bigint not null references collection on delete cascade,
    generation_id  bigint references generation on delete set null,
    dataset        text not null,
    asked          text not null,
    at             timestamptz not null,
    baseline       boolean not null default false,
    configuration  jsonb not null,
    metrics        jsonb not null,
    per_query      jsonb not null
);
create index evaluation_latest on evaluation (collection_id, dataset, at);
create index evaluation_generation on evaluation (generation_id);
