-- The read side. All of a search runs in one read-only snapshot.

-- name: search_settings
-- They hold for one transaction. Without iterative scans an index gives no more rows than ef_search.
select set_config('hnsw.ef_search', %(ef_search)s::text, true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', %(most)s::text, true);

-- name: hold_vectors
lock table {vectors} in access share mode;

-- name: numbers_of
-- Documents first: the filter is about them. The numbers come as bytes, which costs nothing to read.
with matching as materialized ({matching})
select coalesce(string_agg(int4send(c.number), ''::bytea order by c.number), ''::bytea) as numbers
from matching m join chunk c on c.collection_id = %(collection)s and c.document_id = m.id
where c.chunk_set_id = %(chunk_set)s;

-- name: all_numbers
select coalesce(string_agg(int4send(c.number), ''::bytea order by c.number), ''::bytea) as numbers
from chunk c
where c.chunk_set_id = %(chunk_set)s;

-- name: dense
-- The nearest texts, by the index where there is one, and the chunks that hold them: a text may stand in many places,
-- and one that no chunk holds any more may wait for the end of a run.
with nearest as materialized (
    select v.text_hash, v.embedding <=> %(vector)s::halfvec as distance
    from {vectors} v
    order by v.embedding <=> %(vector)s::halfvec
    limit %(texts)s
)
select k.number, 1 - n.distance as score
from nearest n
cross join lateral (
    select c.number from chunk c
    where c.chunk_set_id = %(chunk_set)s and c.text_hash = n.text_hash
    order by c.number limit %(copies)s
) k
order by n.distance + 0, k.number
limit %(limit)s;

-- name: dense_exact
-- The sum with nothing keeps the planner from the index, which does not see all.
select c.number, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s
order by (v.embedding <=> %(vector)s::halfvec) + 0, c.number
limit %(limit)s;

-- name: dense_among
select c.number, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s and c.number = any(%(numbers)s)
order by (v.embedding <=> %(vector)s::halfvec) + 0, c.number
limit %(limit)s;

-- name: similarities
select c.number, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s and c.number = any(%(numbers)s);

-- name: vectors_of
select c.number, v.embedding
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s and c.number = any(%(numbers)s);

-- name: chunks
select c.number, c.id, c.ordinal, c.start_offset, c.end_offset, c.text, c.headings, c.page, c.head, c.tokens,
       d.id as document_id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata
from chunk c
join document d on d.collection_id = c.collection_id and d.id = c.document_id
join source s on s.id = d.source_id
where c.chunk_set_id = %(chunk_set)s and c.number = any(%(numbers)s);

-- name: texts_of
select w.place, substr(d.text, w.first + 1, w.last - w.first) as text
from unnest(%(documents)s::uuid[], %(firsts)s::int[], %(lasts)s::int[]) with ordinality w(document, first, last, place)
join document d on d.collection_id = %(collection)s and d.id = w.document;

-- name: list_documents
select d.id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata, d.indexed_at,
       d.language, d.container, length(d.text) as characters,
       (select count(*) from chunk c where c.collection_id = d.collection_id and c.document_id = d.id
        and c.chunk_set_id = %(chunk_set)s) as chunks
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s
order by s.name, d.path;

-- name: show_document
select d.id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata, d.text, d.pages,
       coalesce(d.headings, '[]') as headings, coalesce(d.blocks, '[]') as blocks, d.language, encode(d.content_hash, 'hex') as content_hash, d.modified_at, d.dated_at
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s and s.name = %(source)s and d.path = %(path)s;

-- name: chunks_of_document
select c.id, c.start_offset, c.end_offset, c.page, c.headings, c.head, c.tokens, c.text_hash
from chunk c
where c.chunk_set_id = %(chunk_set)s and c.collection_id = %(collection)s and c.document_id = %(document)s
order by c.ordinal;
