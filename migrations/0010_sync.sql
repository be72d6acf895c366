-- Syncing: what tells that a file is unchanged without reading it, what went wrong with documents, and what runs did.

-- A file's stamp (size, times in nanoseconds, inode) when its content was read; null where it was still too young to
-- tell one content from the next.
alter table document add column stamp text;

-- Of a file of many documents: a digest of its stamp and of everything that made what is indexed of it, once all of it
-- was. `root_device` is the device that the root was on: another one may be an empty place where nothing is mounted.
alter table source add column stamp text;
alter table source add column root_device text;

-- Documents that could not be indexed as they are now, until a run finds them mended or gone. Where the fault lies in
-- the content, the last three tell what was tried: it is not tried again while they are the same.
create table problem (
    source_id    bigint not null references source on delete cascade,
    path         text not null,
    reason       text not null,
    hint         text not null,
    failed       boolean not null,
    since        timestamptz not null default now(),
    content_hash bytea,
    stamp        text,
    processing   text,
    primary key (source_id, path)
);

-- What runs did, in the order of `number`: clocks can be set back. A run without an end is at work, or was killed.
create table run (
    number        bigint generated always as identity unique,
    id            uuid primary key,
    collection_id bigint not null references collection on delete cascade,
    verb          text not null,
    host          text not null,
    os_user       text not null,
    pid           bigint not null,
    started_at    timestamptz not null default now(),
    ended_at      timestamptz,
    outcome       text not null default 'running'
                  check (outcome in ('running', 'done', 'failed', 'refused', 'interrupted')),
    counts        jsonb not null default '{}',
    error         text,
    message       text
);
create index run_collection on run (collection_id, number);

-- The server process that holds a collection for a run (see `lock_run`), or null.
create function holder_of(collection bigint) returns int language sql stable as $$
    select l.pid from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      and (l.classid::bigint << 32 | l.objid::bigint)
          = pg_catalog.hashtextextended('hybridrag run ' || collection::text, 0)
    limit 1
$$;
