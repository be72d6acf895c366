-- Forgetting documents, and rewriting the tables that held them.

-- name: forgettable
-- What is known of documents by source and path, whether or not they are indexed (any more).
select w.source, w.path, s.id as source_id, s.kind, s.root, s.only_paths, s.exclude, d.id, d.external_id
from unnest(%(sources)s::text[], %(paths)s::text[]) w(source, path)
left join source s on s.collection_id = %(collection)s and s.name = w.source
left join document d on d.collection_id = s.collection_id and d.source_id = s.id and d.path = w.path;

-- name: forget_documents
-- By their ids, so also what another source of that name once held. A worker that is at one of them is waited for.
delete from document where collection_id = %(collection)s and id = any(%(documents)s);

-- name: count_of_documents
select (select count(*) from document where collection_id = %(collection)s and id = any(%(documents)s)) as documents,
       (select count(*) from chunk where collection_id = %(collection)s and document_id = any(%(documents)s)) as chunks,
       (select count(*) from detection
        where collection_id = %(collection)s and document_id = any(%(documents)s)) as detections,
       (select count(*) from to_chunk
        where collection_id = %(collection)s and document_id = any(%(documents)s)) as waiting_documents;

-- name: forget_problems
-- Those of what lies in a file too. Where it was a page with others below it, the next run tells theirs again.
delete from problem p using source s
where s.id = p.source_id and s.collection_id = %(collection)s
  and exists (select from unnest(%(sources)s::text[], %(paths)s::text[]) w(source, path)
              where w.source = s.name and (p.path = w.path or starts_with(p.path, w.path || '/')));

-- name: forget_containers
-- Files that hold one of them, or are one: they are opened again, and so are taken in again where nothing forbids it.
delete from container k using source s
where s.id = k.source_id and s.collection_id = %(collection)s
  and ((s.name, k.path) in (select * from unnest(%(sources)s::text[], %(paths)s::text[]))
       or exists (select from document d
                  where d.collection_id = s.collection_id and d.id = any(%(documents)s)
                    and d.source_id = s.id and d.container = k.path));

-- name: forget_in_runs
update run set message = %(forgotten)s
where collection_id = %(collection)s
  and exists (select from unnest(%(names)s::text[]) name where strpos(message, name) > 0);

-- name: forget_in_gates
-- Reasons and notes of gate reports that name one of them. Figures and verdict stay.
update generation g
set gate = g.gate || (
    select jsonb_object_agg(part, (
        select coalesce(jsonb_agg(
                   case when exists (select from unnest(%(called)s::text[]) name where strpos(l.line, name) > 0)
                        then %(forgotten)s::text else l.line end order by l.place), '[]')
        from jsonb_array_elements_text(coalesce(g.gate -> part, '[]')) with ordinality l(line, place)))
    from unnest(array['reasons', 'notes']) part)
where g.collection_id = %(collection)s and exists (
    select from jsonb_array_elements_text(coalesce(g.gate -> 'reasons', '[]') || coalesce(g.gate -> 'notes', '[]')) line
    join unnest(%(called)s::text[]) name on strpos(line, name) > 0);

-- name: chunk_sets_of
select s.id as chunk_set from chunk_set s where s.collection_id = %(collection)s order by s.id;

-- name: forget_waiting_texts
-- Those that no chunk has any more. A worker that is at one is waited for, so that what it writes can be found.
delete from to_embed q using generation g
where g.id = q.generation_id and g.collection_id = %(collection)s
  and not exists (select from chunk c where c.chunk_set_id = g.chunk_set_id and c.text_hash = q.text_hash);

-- name: generations_with_texts
select g.id, g.chunk_set_id as chunk_set from generation g where g.collection_id = %(collection)s order by g.id;

-- name: forget_samples
update generation set sample = null, sampled_of = null
where collection_id = %(collection)s and (sample is not null or sampled_of is not null);

-- name: forget_gate_questions
-- They do not say which documents they are about. Figures and verdict stay.
update generation set gate = jsonb_set(gate, '{worse}', '[]')
where collection_id = %(collection)s and jsonb_typeof(gate -> 'worse') = 'array'
  and jsonb_array_length(gate -> 'worse') > 0;

-- name: change_source
-- Its stamp goes: what it holds is no longer what is indexed of it. So do labels of what is no more, by their exact names.
update source
set only_paths = %(only)s, exclude = %(exclude)s, stamp = null,
    label_globs = coalesce((select jsonb_agg(g order by place)
                            from jsonb_array_elements(label_globs) with ordinality as e(g, place)
                            where g ->> 0 <> all(%(unlabelled)s::text[])), '[]')
where id = %(source)s;

-- name: drop_source
delete from source where id = %(source)s;

-- name: buried_in
select exists (select from buried where chunk_set_id = %(chunk_set)s) as any;

-- name: tables_of_collections
-- All of ours, without other collections' vectors: `bytes` with TOAST and indexes, 0 for a table that is only its parts.
select c.relname as name, c.relkind = 'r' as stored, pg_total_relation_size(c.oid) as bytes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'hybridrag' and c.relkind in ('r', 'p')
  and (c.relname !~ '^vectors_\d+(_|$)' or substring(c.relname from '^vectors_(\d+)')::bigint = any(%(generations)s))
order by c.relname;

-- name: analyze_tables
analyze {tables};

-- name: rewrite_tables
-- Each by itself, so that only one is locked at a time.
vacuum full {tables};

-- name: is_empty
select not exists (select from {tables}) as empty;

-- name: statistics_of
select attname, inherited from pg_stats where schemaname = 'hybridrag' and tablename = %(table)s;

-- name: clear_statistics
select pg_clear_attribute_stats('hybridrag', %(table)s, %(attname)s, %(inherited)s);

-- name: files_of
select t.name, pg_relation_filenode(t.name::regclass) as node from unnest(%(tables)s::text[]) t(name);

-- name: horizon
select (pg_current_xact_id()::text::numeric %% 4294967296)::text as horizon;

-- name: older_snapshots
-- Who may still see what was deleted before `horizon`: PostgreSQL keeps it for them, also in a table that is rewritten.
select a.pid, coalesce(nullif(a.application_name, ''), a.backend_type) as program, coalesce(a.state, '') as state
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.query not like 'autovacuum: VACUUM%%'
  and greatest(age(a.backend_xmin), age(a.backend_xid)) > age(%(horizon)s::text::xid)
union all
select 0, 'a prepared transaction', ''
from pg_prepared_xacts p
where p.database = current_database() and age(p.transaction) > age(%(horizon)s::text::xid)
union all
select coalesce(r.active_pid, 0), 'the replication slot ' || r.slot_name, ''
from pg_replication_slots r
where greatest(age(r.xmin), age(r.catalog_xmin)) > age(%(horizon)s::text::xid);

-- name: mark_wal
-- Something to switch away from.
select pg_logical_emit_message(false, 'hybridrag', '');

-- name: switch_wal
-- The rest of the segment is filled with zeros.
select pg_switch_wal();

-- name: newest_wal
select coalesce(max(name), '') as segment from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$';

-- name: checkpoint
checkpoint;

-- name: passed_wal
select pg_walfile_name(pg_current_wal_insert_lsn()) > %(segment)s as passed;
