-- What documents have in common.

-- name: insert_likeness
-- Nothing for a document that went meanwhile.
insert into likeness (collection_id, document_id, version, edges, words, digest, sketch)
select d.collection_id, d.id, %(version)s, %(edges)s::bigint[], %(words)s, %(digest)s, %(sketch)s
from document d where d.collection_id = %(collection)s and d.id = %(document)s
for key share
on conflict (collection_id, document_id) do update
set version = excluded.version, edges = excluded.edges, words = excluded.words, digest = excluded.digest,
    sketch = excluded.sketch;

-- name: documents_to_compare
-- Documents whose likeness was never told, or by another version, from the one after `after` on: page by page, so that
-- what was told a moment ago is not looked through again.
select d.id, s.name as source, d.path, d.text, d.title, d.media_type, d.content_hash, d.pages, d.label, d.external_id,
       d.language, d.metadata, coalesce(d.headings, '[]') as headings, coalesce(d.blocks, '[]') as blocks
from document d join source s on s.id = d.source_id
left join likeness l on l.collection_id = d.collection_id and l.document_id = d.id
where d.collection_id = %(collection)s and d.id > %(after)s and l.version is distinct from %(version)s
order by d.id
limit %(most)s;

-- name: renew_boilerplate
-- A paragraph is boilerplate where many documents have it at an edge: at least ten, and at least the square root of how
-- many documents there are. Copies of a text count as one. The least guarded document keeps it, of those the first by
-- source and path.
with enough as (
    select greatest(10, ceil(sqrt(count(*))))::int as documents from likeness where collection_id = %(collection)s
), common as materialized (
    select e.hash
    from likeness l cross join lateral unnest(l.edges) e(hash)
    where l.collection_id = %(collection)s and %(wanted)s
    group by e.hash
    having count(*) >= (select documents from enough)
), edge as materialized (
    select l.document_id, l.digest, e.hash
    from likeness l cross join lateral unnest(l.edges) e(hash) join common using (hash)
    where l.collection_id = %(collection)s
), repeated as (
    select hash from edge group by hash having count(distinct digest) >= (select documents from enough)
), standing as (
    select distinct on (e.hash) e.hash, d.id
    from edge e join repeated using (hash)
    join document d on d.collection_id = %(collection)s and d.id = e.document_id
    join source s on s.id = d.source_id
    order by e.hash, array_position(array['public', 'internal', 'confidential', 'local-only'], d.label),
             s.name collate "C", d.path collate "C"
), gone as (
    delete from boilerplate b
    where b.collection_id = %(collection)s and not exists (select from standing n where n.hash = b.hash)
)
insert into boilerplate (collection_id, hash, document_id)
select %(collection)s, hash, id from standing
on conflict (collection_id, hash) do update set document_id = excluded.document_id
where boilerplate.document_id <> excluded.document_id;

-- name: boilerplate_of
select b.hash, b.document_id from boilerplate b where b.collection_id = %(collection)s;

-- name: count_likenesses
select count(*) as documents from likeness l where l.collection_id = %(collection)s;

-- name: chunked_otherwise
-- Documents whose chunks in a set leave out something else than they are to: what `left_out_of` tells, of all at once.
with wanted as (
    select l.document_id, array_agg(b.hash order by b.hash) as hashes
    from likeness l cross join lateral unnest(l.edges) e(hash)
    join boilerplate b on b.collection_id = l.collection_id and b.hash = e.hash and b.document_id <> l.document_id
    where l.collection_id = %(collection)s
    group by l.document_id
)
select k.document_id
from chunking k
join document d on d.collection_id = k.collection_id and d.id = k.document_id
left join wanted w on w.document_id = k.document_id
where k.chunk_set_id = %(chunk_set)s and d.headings is not null and d.blocks is not null
  and k.left_out <> coalesce(w.hashes, '{}')
order by k.document_id;

-- name: queue_otherwise
-- The same of all other chunk sets, for their workers. A row that a worker holds is waited for, as in `queue_documents`.
insert into to_chunk (chunk_set_id, collection_id, document_id)
select k.chunk_set_id, k.collection_id, k.document_id
from chunking k
where k.collection_id = %(collection)s and k.chunk_set_id <> %(chunk_set)s
  and k.left_out <> left_out_of(k.collection_id, k.document_id)
order by 1, 3
on conflict (chunk_set_id, document_id) do update set collection_id = excluded.collection_id;

-- name: documents_to_chunk
select d.id, s.name as source, d.path, d.text, d.title, d.media_type, d.content_hash, d.pages, d.headings, d.blocks,
       d.label, d.external_id, d.language, d.metadata, left_out_of(d.collection_id, d.id) as left_out
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s and d.id = any(%(documents)s)
order by d.id;

-- name: count_left_out
select (select count(*) from boilerplate where collection_id = %(collection)s) as paragraphs,
       (select count(*) from chunking k where k.chunk_set_id = %(chunk_set)s and k.abridged) as documents;

-- name: left_out_of_document
-- Hashes, and the documents that are chunked with them.
select h.hash, s.name || '/' || d.path as uri
from chunking k
cross join lateral unnest(k.left_out) h(hash)
left join boilerplate b on b.collection_id = k.collection_id and b.hash = h.hash
left join document d on d.collection_id = b.collection_id and d.id = b.document_id
left join source s on s.id = d.source_id
where k.chunk_set_id = %(chunk_set)s and k.document_id = %(document)s;

-- name: likenesses
select l.document_id as id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata,
       l.words, l.digest, l.sketch, length(d.text) as characters, encode(d.content_hash, 'hex') as content_hash,
       coalesce(d.dated_at, d.modified_at) as dated_at
from likeness l
join document d on d.collection_id = l.collection_id and d.id = l.document_id
join source s on s.id = d.source_id
where l.collection_id = %(collection)s and l.words > 0
order by s.name collate "C", d.path collate "C";

-- name: texts_of_documents
select d.id, d.text from document d where d.collection_id = %(collection)s and d.id = any(%(documents)s);

-- name: repeated_state
select c.repeated from collection c where c.id = %(collection)s;

-- name: keep_repeated_state
update collection set repeated = %(state)s where id = %(collection)s;

-- name: forget_repeated_state
update collection set repeated = null where id = %(collection)s and repeated is not null;
