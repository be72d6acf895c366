-- The write side of an ingest.

-- name: manifest
-- `chunked` is what the document's chunks in the set were made with. What was stored without structure is done again.
select d.path, d.content_hash, d.processing, case when d.headings is null or d.blocks is null then '' else k.processing end as chunked,
       d.media_type, d.container, d.label, d.metadata ->> 'label' as declared_label, d.external_id is not null as record, d.stamp
from document d left join chunking k on k.chunk_set_id = %(chunk_set)s and k.document_id = d.id
where d.source_id = %(source)s;

-- name: containers_of_source
select c.path, c.content_hash, c.stamp, c.processing from container c where c.source_id = %(source)s;

-- name: delete_containers
delete from container where source_id = %(source)s and path = any(%(paths)s);

-- name: upsert_container
insert into container (source_id, path, content_hash, stamp, processing)
values (%(source)s, %(path)s, %(content_hash)s, %(stamp)s, %(processing)s)
on conflict (source_id, path) do update
set content_hash = excluded.content_hash, stamp = excluded.stamp, processing = excluded.processing;

-- name: known_hashes
select v.text_hash from {vectors} v where v.text_hash = any(%(hashes)s);

-- name: replace_documents
-- Also documents of another source that held the same path are replaced: the id is the source's name and the path.
delete from document where collection_id = %(collection)s and id = any(%(ids)s);

-- name: insert_document
insert into document (collection_id, id, source_id, path, external_id, title, media_type, label, metadata, content_hash,
                      modified_at, dated_at, language, text, pages, headings, blocks, processing, stamp, container)
values (%(collection)s, %(id)s, %(source)s, %(path)s, %(external_id)s, %(title)s, %(media_type)s, %(label)s, %(metadata)s,
        %(content_hash)s, %(modified)s, %(dated)s, %(language)s, %(text)s, %(pages)s, %(headings)s, %(blocks)s, %(processing)s,
        %(stamp)s, %(container)s);

-- name: insert_chunking
insert into chunking (chunk_set_id, collection_id, document_id, processing, left_out, abridged)
select %(chunk_set)s, %(collection)s, w.document, %(processing)s, w.left_out::bigint[], w.abridged
from unnest(%(documents)s::uuid[], %(left_out)s::text[], %(abridged)s::boolean[]) w(document, left_out, abridged);

-- name: other_generations
-- Those that follow what is written for the active one.
select g.id, g.chunk_set_id from generation g where g.collection_id = %(collection)s and g.id <> %(generation)s;

-- name: queue_documents
-- A row that a worker holds is waited for: it may be about the text that was there before.
insert into to_chunk (chunk_set_id, collection_id, document_id)
select distinct g.chunk_set_id, g.collection_id, d.id
from generation g cross join unnest(%(documents)s::uuid[]) d(id)
where g.collection_id = %(collection)s and g.chunk_set_id <> %(chunk_set)s
order by 1, 3
on conflict (chunk_set_id, document_id) do update set collection_id = excluded.collection_id;

-- name: queue_texts
-- The texts that a generation's vectors lack. A row that a worker holds is waited for: it may find that no chunk has it.
insert into to_embed (generation_id, text_hash)
select distinct %(generation)s::bigint, h.text_hash
from unnest(%(hashes)s::bytea[]) h(text_hash)
where not exists (select from {vectors} v where v.text_hash = h.text_hash)
order by 2
on conflict (generation_id, text_hash) do update set generation_id = excluded.generation_id;

-- name: lock_chunk_set
select pg_advisory_xact_lock(hashtextextended('hybridrag chunks ' || %(chunk_set)s::text, 0));

-- name: copy_chunks
copy chunk (id, chunk_set_id, collection_id, document_id, ordinal, start_offset, end_offset, page, headings, head,
            tokens, text, text_hash, length, number)
from stdin (format binary);

-- name: copy_vectors
copy {vectors} (text_hash, embedding) from stdin (format binary);

-- name: relabel_document
update document set label = %(label)s where collection_id = %(collection)s and id = %(id)s;

-- name: delete_documents
delete from document d using source s
where s.id = d.source_id and s.id = %(source)s and d.path = any(%(paths)s)
returning (select count(*) from chunk c where c.collection_id = d.collection_id and c.document_id = d.id
           and c.chunk_set_id = %(chunk_set)s) as chunks;

-- name: delete_orphan_vectors
delete from {vectors} v
where not exists (select from chunk c where c.chunk_set_id = %(chunk_set)s and c.text_hash = v.text_hash);

-- name: count_chunks
select count(*) as chunks from chunk
where chunk_set_id = %(chunk_set)s and collection_id = %(collection)s and document_id = any(%(ids)s);

-- name: vector_state
select (select count(*) from {scanned_vectors}) as scanned,
       (select count(*) from {indexed_vectors}) as indexed,
       pg_stat_get_dead_tuples('{indexed_vectors}'::regclass) as dead,
       exists (select from pg_index i where i.indexrelid = to_regclass('{vector_index}') and i.indisvalid) as has_index;

-- name: move_to_index
with moved as (delete from {scanned_vectors} returning text_hash, embedding)
insert into {indexed_vectors} (text_hash, embedding, indexed) select text_hash, embedding, true from moved;

-- name: vacuum_scanned
vacuum hybridrag.{scanned_vectors};

-- name: create_vector_index
create index {vector_index} on {indexed_vectors} using hnsw (embedding halfvec_cosine_ops)
with (m = 24, ef_construction = 128);

-- name: drop_vector_index
drop index if exists {vector_index};

-- name: analyze
analyze chunk, document, posting, {vectors};
