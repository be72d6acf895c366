-- Collections, sources and generations.

-- name: find_collection
select c.id, c.name, c.embedder, c.text_search,
       g.id as generation_id, g.model, g.fingerprint, g.dimensions, g.chunk_set_id
from collection c
join generation g on g.collection_id = c.id and g.state = 'active'
where c.name = %(name)s;

-- name: insert_collection
insert into collection (name, embedder, text_search)
values (%(name)s, %(embedder)s, %(text_search)s)
on conflict (name) do nothing
returning id;

-- name: insert_chunk_set
insert into chunk_set (collection_id, parameters) values (%(collection)s, %(parameters)s) returning id;

-- name: insert_generation
insert into generation (collection_id, chunk_set_id, model, fingerprint, dimensions, state)
values (%(collection)s, %(chunk_set)s, %(model)s, %(fingerprint)s, %(dimensions)s, 'active')
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
select c.name, c.embedder, c.text_search, c.created_at, g.id as generation, g.model, g.fingerprint,
       g.dimensions,
       (select count(*) from document d where d.collection_id = c.id) as documents,
       (select count(*) from chunk k where k.chunk_set_id = g.chunk_set_id) as chunks,
       (select max(s.ingested_at) from source s where s.collection_id = c.id) as ingested_at
from collection c
join generation g on g.collection_id = c.id and g.state = 'active'
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
    exclude = excluded.exclude, label = excluded.label, label_globs = excluded.label_globs
returning id;

-- name: touch_source
update source set ingested_at = now() where id = %(source)s;

-- name: delete_source
delete from source where collection_id = %(collection)s and name = %(name)s returning id;

-- name: set_chunk_parameters
update chunk_set set parameters = %(parameters)s where id = %(chunk_set)s and parameters <> %(parameters)s;

-- name: lock_run
select pg_try_advisory_xact_lock(hashtextextended('hybridrag run ' || %(collection)s::text, 0)) as held;
