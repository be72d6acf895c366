-- The write side of an ingest.

-- name: manifest
select d.path, d.content_hash, d.processing, d.label, d.metadata ->> 'label' as declared_label,
       d.external_id is not null as record
from document d join source s on s.id = d.source_id
where s.id = %(source)s;

-- name: known_hashes
select v.text_hash from {vectors} v where v.text_hash = any(%(hashes)s);

-- name: replace_documents
-- Also documents of another source that held the same path are replaced: the id is the source's name and the path.
delete from document where collection_id = %(collection)s and id = any(%(ids)s);

-- name: insert_document
insert into document (collection_id, id, source_id, path, external_id, title, media_type, label, metadata, content_hash,
                      modified_at, dated_at, language, text, pages, processing)
values (%(collection)s, %(id)s, %(source)s, %(path)s, %(external_id)s, %(title)s, %(media_type)s, %(label)s, %(metadata)s,
        %(content_hash)s, %(modified)s, %(dated)s, %(language)s, %(text)s, %(pages)s, %(processing)s);

-- name: copy_chunks
copy chunk (id, chunk_set_id, collection_id, document_id, ordinal, start_offset, end_offset, page, headings, tokens,
            text, text_hash, length, number)
from stdin (format binary);

-- name: copy_vectors
copy {vectors} (text_hash, embedding) from stdin (format binary);

-- name: relabel_document
update document set label = %(label)s where collection_id = %(collection)s and id = %(id)s;

-- name: delete_documents
delete from document d using source s
where s.id = d.source_id and s.id = %(source)s and d.path = any(%(paths)s)
returning (select count(*) from chunk c where c.collection_id = d.collection_id and c.document_id = d.id) as chunks;

-- name: delete_orphan_vectors
delete from {vectors} v
where not exists (select from chunk c where c.chunk_set_id = %(chunk_set)s and c.text_hash = v.text_hash);

-- name: count_chunks
select count(*) as chunks from chunk where collection_id = %(collection)s and document_id = any(%(ids)s);

-- name: count_vectors
select count(*) as rows, pg_stat_get_dead_tuples(%(table)s::regclass) as dead,
       exists (select from pg_index i join pg_class k on k.oid = i.indexrelid join pg_am a on a.oid = k.relam
               where i.indrelid = %(table)s::regclass and a.amname = 'hnsw' and i.indisvalid) as indexed
from {vectors};

-- name: create_vector_index
create index {vector_index} on {vectors} using hnsw (embedding halfvec_cosine_ops) with (m = 24, ef_construction = 128);

-- name: drop_vector_index
drop index if exists {vector_index};

-- name: analyze
analyze chunk, document, posting, {vectors};
