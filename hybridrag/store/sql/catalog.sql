-- Collections, sources and generations.

-- name: find_collection
-- With the active generation, or with another one of it by its number.
select c.id, c.name, g.id as generation_id, g.model, g.fingerprint, g.dimensions, g.chunk_set_id, g.state, g.share,
       s.text_search, s.chunk_tokens
from collection c
join generation g on g.collection_id = c.id
                 and case when %(generation)s::bigint is null then g.state = 'active' else g.id = %(generation)s end
join chunk_set s on s.id = g.chunk_set_id
where c.name = %(name)s;

-- name: find_share
-- The generation that answers a share of a collection's questions, where it lacks nothing.
select g.id, g.share
from collection c join generation g on g.collection_id = c.id and g.share > 0
where c.name = %(name)s and g.state = 'ready'
  and not exists (select from to_chunk q where q.chunk_set_id = g.chunk_set_id)
  and not exists (select from to_embed q where q.generation_id = g.id);

-- name: is_complete
-- Whether a generation that is not the active one lacks nothing.
select not exists (select from to_chunk q where q.chunk_set_id = %(chunk_set)s)
   and not exists (select from to_embed q where q.generation_id = %(generation)s) as complete;

-- name: insert_collection
insert into collection (name) values (%(name)s)
on conflict (name) do nothing
returning id;

-- name: insert_chunk_set
insert into chunk_set (collection_id, parameters, text_search, chunk_tokens)
values (%(collection)s, %(parameters)s, %(text_search)s, %(chunk_tokens)s)
returning id;

-- name: insert_generation
insert into generation (collection_id, chunk_set_id, model, fingerprint, dimensions, state)
values (%(collection)s, %(chunk_set)s, %(model)s, %(fingerprint)s, %(dimensions)s, %(state)s)
returning id;

-- name: create_vectors
-- See `vector_index.py` for the two parts.
create table {vectors} (
    text_hash bytea not null,
    embedding halfvec({dimensions}) not null,
    indexed   boolean not null default false
) partition by list (indexed);
create table {scanned_vectors} partition of {vectors} (primary key (text_hash)) for values in (false);
create table {indexed_vectors} partition of {vectors} (primary key (text_hash)) for values in (true);

-- name: keep_sample
update generation set sample = %(sample)s, sampled_of = %(chunks)s where id = %(generation)s;

-- name: sampled_of
select g.sampled_of from generation g where g.id = %(generation)s;

-- name: find_sample
select g.sample from generation g where g.id = %(generation)s;

-- name: list_collections
select c.name, g.model as embedder, s.text_search, c.created_at, g.id as generation, g.model, g.fingerprint,
       g.dimensions,
       (select count(*) from document d where d.collection_id = c.id) as documents,
       (select count(*) from chunk k where k.chunk_set_id = g.chunk_set_id) as chunks,
       (select max(o.ingested_at) from source o where o.collection_id = c.id) as ingested_at
from collection c
join generation g on g.collection_id = c.id and g.state = 'active'
join chunk_set s on s.id = g.chunk_set_id
order by c.name;

-- name: count_languages
select language, count(*) as documents
from document
where collection_id = %(collection)s
group by language
order by documents desc, language;

-- name: list_sources
select s.id, s.name, s.kind, s.root, s.only_paths, s.include, s.exclude, s.label, s.label_globs, s.ingested_at,
       (select count(*) from document d where d.source_id = s.id) as documents
from source s
where s.collection_id = %(collection)s
order by s.name;

-- name: upsert_source
insert into source (collection_id, name, kind, root, only_paths, include, exclude, label, label_globs)
values (%(collection)s, %(name)s, %(kind)s, %(root)s, %(only)s, %(include)s, %(exclude)s, %(label)s, %(label_globs)s)
on conflict (collection_id, name) do update
set kind = excluded.kind, root = excluded.root, only_paths = excluded.only_paths, include = excluded.include,
    exclude = excluded.exclude, label = excluded.label, label_globs = excluded.label_globs,
    root_device = case when source.root = excluded.root then source.root_device end
returning id;

-- name: touch_source
update source set ingested_at = now() where id = %(source)s;

-- name: delete_source
delete from source where collection_id = %(collection)s and name = %(name)s returning id;

-- name: set_chunk_parameters
update chunk_set set parameters = %(parameters)s where id = %(chunk_set)s and parameters <> %(parameters)s;

-- name: lock_run
select pg_try_advisory_xact_lock(hashtextextended('hybridrag run ' || %(collection)s::text, 0)) as held;
