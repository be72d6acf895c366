-- Runs, what went wrong in them, and what they go by to see what is unchanged.

-- name: begin_run
insert into run (id, collection_id, verb, host, os_user, pid)
values (%(id)s, %(collection)s, %(verb)s, %(host)s, %(user)s, %(pid)s);

-- name: prune_runs
delete from run
where collection_id = %(collection)s
  and number <= (select r.number from run r where r.collection_id = %(collection)s order by r.number desc
                 offset %(kept)s limit 1);

-- name: end_run
update run set ended_at = now(), outcome = %(outcome)s, counts = %(counts)s, error = %(error)s, message = %(message)s
where id = %(id)s;

-- name: holder_of_collection
-- Who holds the collection, and for how many seconds. What has no row in `run` of that time is known by its connection.
-- Another role's times are hidden from ours: the last row is then what there is to tell.
select coalesce(r.verb, '') as verb, r.host, r.os_user, r.pid, coalesce(r.started_at, a.xact_start) as since,
       greatest(0, extract(epoch from clock_timestamp() - coalesce(r.started_at, a.xact_start)))::float8 as seconds
from (select holder_of(%(collection)s) as pid) h
left join pg_stat_activity a on a.pid = h.pid
left join run r on r.number = (select max(n.number) from run n where n.collection_id = %(collection)s)
               and r.outcome = 'running' and (a.xact_start is null or r.started_at >= a.xact_start)
where h.pid is not null;

-- name: last_runs
-- The latest first. A run without an end is broken off where a later one began, or nobody holds the collection.
select r.id, r.verb, r.host, r.os_user, r.pid, r.started_at, r.ended_at, r.counts, r.error, r.message,
       case when r.outcome <> 'running' then r.outcome
            when holder_of(r.collection_id) is not null
             and r.number = (select max(n.number) from run n where n.collection_id = r.collection_id) then 'running'
            else 'broken off' end as outcome,
       greatest(0, extract(epoch from coalesce(r.ended_at, now()) - r.started_at))::float8 as seconds,
       greatest(0, extract(epoch from now() - r.started_at))::float8 as age_seconds
from run r
where r.collection_id = %(collection)s
order by r.number desc
limit %(most)s;

-- name: age_of_sources
-- How long ago each source was last brought up to date, by the database's clock; null where it never was as a whole.
select s.name, greatest(0, extract(epoch from now() - s.ingested_at))::float8 as age_seconds
from source s where s.collection_id = %(collection)s;

-- name: find_source_state
select s.stamp, s.root_device from source s where s.id = %(source)s;

-- name: keep_source_state
update source set stamp = %(stamp)s, root_device = coalesce(%(device)s, root_device) where id = %(source)s;

-- name: keep_stamps
update document d set stamp = u.stamp
from unnest(%(paths)s::text[], %(stamps)s::text[]) u(path, stamp)
where d.source_id = %(source)s and d.path = u.path;

-- name: problems_of_source
select p.path, p.reason, p.hint, p.failed, p.content_hash, p.stamp, p.processing, p.needs_ocr
from problem p where p.source_id = %(source)s;

-- name: delete_problems
delete from problem where source_id = %(source)s and path = any(%(paths)s);

-- name: upsert_problem
insert into problem (source_id, path, reason, hint, failed, content_hash, stamp, processing, needs_ocr)
values (%(source)s, %(path)s, %(reason)s, %(hint)s, %(failed)s, %(content_hash)s, %(stamp)s, %(processing)s,
        %(needs_ocr)s)
on conflict (source_id, path) do update
set reason = excluded.reason, hint = excluded.hint, failed = excluded.failed, content_hash = excluded.content_hash,
    stamp = excluded.stamp, processing = excluded.processing, needs_ocr = excluded.needs_ocr,
    since = case when problem.reason = excluded.reason then problem.since else now() end;

-- name: list_problems
select s.name as source, p.path, p.reason, p.hint, p.failed, p.since, p.needs_ocr
from problem p join source s on s.id = p.source_id
where s.collection_id = %(collection)s
order by s.name, p.path collate "C";
